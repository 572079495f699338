/* Which payloads a message may and must have, as tables: exchange x request or response x clear or
 * encrypted. And the notify types: number, name, error or status, what data they must carry.
 * RFC 7296 1.2 to 1.5, 2.16, 3.10.1, appendix C; RFC 6023 (childless). */
#ifndef IKE_GRAMMAR_H
#define IKE_GRAMMAR_H

#include "ike/payload.h"

/* What a message is, found from header and payloads present; the engine's rows start here. */
enum ike_form {
    IKE_FORM_NONE,
    IKE_FORM_SA_INIT_REQ,        /* SA KE Ni, N(COOKIE)? */
    IKE_FORM_SA_INIT_RESP,       /* SA KE Nr */
    IKE_FORM_SA_INIT_REFUSED,    /* notifies only: an error, COOKIE or INVALID_KE_PAYLOAD */
    IKE_FORM_AUTH_REQ,           /* IDi AUTH SA TSi TSr, IDr? CERT* CERTREQ* CP? */
    IKE_FORM_AUTH_EAP_REQ,       /* IDi without AUTH: wants EAP, which kedge does not speak */
    IKE_FORM_AUTH_CHILDLESS_REQ, /* IDi AUTH without SA (RFC 6023) */
    IKE_FORM_AUTH_RESP,          /* IDr AUTH SA TSi TSr */
    IKE_FORM_AUTH_NO_CHILD,  /* IDr AUTH and no SA: the child was refused by a notify (2.21.2) */
    IKE_FORM_AUTH_REFUSED,   /* notifies only */
    IKE_FORM_CHILD_REQ,      /* SA Ni TSi TSr, KE?; a rekey when N(REKEY_SA) is there */
    IKE_FORM_CHILD_RESP,     /* SA Nr TSi TSr, KE? */
    IKE_FORM_REKEY_IKE_REQ,  /* SA Ni KE */
    IKE_FORM_REKEY_IKE_RESP, /* SA Nr KE */
    IKE_FORM_CHILD_REFUSED,  /* notifies only */
    IKE_FORM_INFO_REQ,       /* N* D* CP?; empty: a liveness probe */
    IKE_FORM_INFO_RESP,
    IKE_FORM_INTER_REQ,  /* KE: a further key exchange (RFC 9242, 9370) */
    IKE_FORM_INTER_RESP,
    IKE_FORM_INTER_REFUSED, /* notifies only */
    IKE_FORM_FOLLOWUP_REQ, /* KE N(ADDITIONAL_KEY_EXCHANGE) (RFC 9370) */
    IKE_FORM_FOLLOWUP_RESP, /* KE, N(ADDITIONAL_KEY_EXCHANGE) but for the last */
    IKE_FORM_FOLLOWUP_REFUSED, /* notifies only */
    IKE_FORM_SEALED,       /* an SK payload, to be opened */
    IKE_FORM_CLEAR_NOTIFY, /* a response in clear with notifies only: anyone can send it
                            * (RFC 7296 2.21.4), good for a log line and a probe */
    IKE_FORM_FRAGMENT,     /* an SKF payload, to be joined (RFC 7383) */
    IKE_FORM_N
};

/* Checks a parsed message: header rules (SPIs, flags, message id 0 in IKE_SA_INIT), form, counts,
 * and the content of the notifies that have a fixed shape. Before ike_msg_open() it gives SEALED or
 * an IKE_SA_INIT form; afterwards the inner form. IKE_FORM_NONE: see d (HEADER: no answer, SYNTAX).
 * A message of another exchange gives NONE with IKE_WIRE_SYNTAX when it is encrypted and HEADER in
 * clear. */
enum ike_form ike_grammar_check(const struct ike_msg *m, struct ike_diag *d) KD_MUST_USE;
const char *ike_form_name(enum ike_form f);

enum ike_notify_type {
    IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
    IKE_N_INVALID_IKE_SPI = 4,
    IKE_N_INVALID_MAJOR_VERSION = 5,
    IKE_N_INVALID_SYNTAX = 7,
    IKE_N_INVALID_MESSAGE_ID = 9,
    IKE_N_INVALID_SPI = 11,
    IKE_N_NO_PROPOSAL_CHOSEN = 14,
    IKE_N_INVALID_KE_PAYLOAD = 17,
    IKE_N_AUTHENTICATION_FAILED = 24,
    IKE_N_SINGLE_PAIR_REQUIRED = 34,
    IKE_N_NO_ADDITIONAL_SAS = 35,
    IKE_N_INTERNAL_ADDRESS_FAILURE = 36,
    IKE_N_FAILED_CP_REQUIRED = 37,
    IKE_N_TS_UNACCEPTABLE = 38,
    IKE_N_INVALID_SELECTORS = 39,
    IKE_N_TEMPORARY_FAILURE = 43,
    IKE_N_CHILD_SA_NOT_FOUND = 44,
    IKE_N_STATE_NOT_FOUND = 47,
    IKE_N_STATUS = 16384, /* from here on: status */
    IKE_N_INITIAL_CONTACT = 16384,
    IKE_N_SET_WINDOW_SIZE = 16385,
    IKE_N_ADDITIONAL_TS_POSSIBLE = 16386,
    IKE_N_IPCOMP_SUPPORTED = 16387,
    IKE_N_NAT_DETECTION_SOURCE_IP = 16388,
    IKE_N_NAT_DETECTION_DESTINATION_IP = 16389,
    IKE_N_COOKIE = 16390,
    IKE_N_USE_TRANSPORT_MODE = 16391,
    IKE_N_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
    IKE_N_REKEY_SA = 16393,
    IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
    IKE_N_NON_FIRST_FRAGMENTS_ALSO = 16395,
    IKE_N_MOBIKE_SUPPORTED = 16396,
    IKE_N_ADDITIONAL_IP4_ADDRESS = 16397,
    IKE_N_ADDITIONAL_IP6_ADDRESS = 16398,
    IKE_N_NO_ADDITIONAL_ADDRESSES = 16399,
    IKE_N_UPDATE_SA_ADDRESSES = 16400,
    IKE_N_COOKIE2 = 16401,
    IKE_N_NO_NATS_ALLOWED = 16402,
    IKE_N_AUTH_LIFETIME = 16403,
    IKE_N_MULTIPLE_AUTH_SUPPORTED = 16404,
    IKE_N_ANOTHER_AUTH_FOLLOWS = 16405,
    IKE_N_REDIRECT_SUPPORTED = 16406,
    IKE_N_EAP_ONLY_AUTHENTICATION = 16417,
    IKE_N_CHILDLESS_IKEV2_SUPPORTED = 16418,
    IKE_N_QCD_TOKEN = 16419,
    IKE_N_FRAGMENTATION_SUPPORTED = 16430,
    IKE_N_SIGNATURE_HASH_ALGORITHMS = 16431,
    IKE_N_USE_PPK = 16435,
    IKE_N_PPK_IDENTITY = 16436,
    IKE_N_NO_PPK_AUTH = 16437,
    IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED = 16438,
    IKE_N_ADDITIONAL_KEY_EXCHANGE = 16441,
    IKE_N_FILLING = 64087, /* private use: of our MTU probes, without a meaning */
};

struct ike_notify_info {
    uint16_t type;
    const char *name;
    uint16_t data_min, data_max; /* octets; enforced by ike_grammar_check() */
    uint8_t spi_len;             /* 0xff: any */
};

/* NULL when the type has no row: unknown error types count as errors, unknown status is ignored
 * (RFC 7296 3.10.1). */
const struct ike_notify_info *ike_notify_info(uint16_t type);
/* The IANA name, or "notify" for a type without a row. */
const char *ike_notify_name(uint16_t type);

static inline bool ike_notify_is_error(uint16_t type)
{
    return type < IKE_N_STATUS;
}

#endif
