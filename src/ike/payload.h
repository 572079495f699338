/* An IKE message as a struct of views: header and payload chain, parsed without effects and without
 * allocation. Views borrow from the datagram. What the payloads mean together is grammar.h's.
 * RFC 7296 3.1 to 3.16; numbers: IANA ikev2-parameters. */
#ifndef IKE_PAYLOAD_H
#define IKE_PAYLOAD_H

#include "base/wire.h"

struct ike_id; /* ike.h */

#define IKE_HEADER_LEN 28

enum ike_exchange {
    IKE_X_SA_INIT = 34,
    IKE_X_AUTH = 35,
    IKE_X_CREATE_CHILD_SA = 36,
    IKE_X_INFORMATIONAL = 37,
    IKE_X_INTERMEDIATE = 43, /* RFC 9242 */
    IKE_X_FOLLOWUP_KE = 44,  /* RFC 9370 */
};

enum ike_flag { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20 };

enum ike_payload {
    IKE_PL_NONE = 0,
    IKE_PL_SA = 33,
    IKE_PL_KE = 34,
    IKE_PL_IDI = 35,
    IKE_PL_IDR = 36,
    IKE_PL_CERT = 37,
    IKE_PL_CERTREQ = 38,
    IKE_PL_AUTH = 39,
    IKE_PL_NONCE = 40,
    IKE_PL_NOTIFY = 41,
    IKE_PL_DELETE = 42,
    IKE_PL_VENDOR = 43,
    IKE_PL_TSI = 44,
    IKE_PL_TSR = 45,
    IKE_PL_SK = 46,
    IKE_PL_CP = 47,
    IKE_PL_EAP = 48,
    IKE_PL_SKF = 53, /* RFC 7383 */
};

/* Bounds (DESIGN 3.10). */
#define IKE_MSG_PAYLOADS 96 /* a chain; a MOBIKE gateway with many addresses sends some 40 */
#define IKE_MSG_NOTIFIES 48 /* IKE_SA_INIT of a multihomed peer: one NAT-D each address */
#define IKE_MSG_DELETES  8  /* one a protocol is the rule */
#define IKE_MSG_VENDORS  16 /* more are skipped: they are only shown */
#define IKE_MSG_CERTS    8  /* a chain's length */
#define IKE_NONCE_MIN    16
#define IKE_NONCE_MAX    256

/* Why a message was not taken. Everything but OK means: no state may change because of it. */
enum ike_wire {
    IKE_WIRE_OK,
    IKE_WIRE_HEADER,   /* not an IKE message: no answer */
    IKE_WIRE_VERSION,  /* major version above 2: INVALID_MAJOR_VERSION, rate-limited */
    IKE_WIRE_SYNTAX,   /* INVALID_SYNTAX where an answer is due */
    IKE_WIRE_CRITICAL, /* UNSUPPORTED_CRITICAL_PAYLOAD, one octet of data: diag.payload */
    IKE_WIRE_TOO_MANY, /* a bound above was passed; answered like SYNTAX */
    IKE_WIRE_CRYPTO,   /* the ICV is wrong: no answer */
};

struct ike_diag {
    enum ike_wire err;
    uint8_t payload;  /* type of the payload at fault, 0: the header or the chain */
    uint32_t offset;  /* from the start of the IKE header */
    const char *rule; /* a constant: the rule that was broken; NULL when OK */
};

struct ike_header {
    uint8_t spi_i[8], spi_r[8];
    uint8_t next;    /* first payload */
    uint8_t version; /* 0x20 */
    uint8_t exchange;
    uint8_t flags;
    uint32_t msg_id;
    uint32_t length;
};

struct ike_notify {
    uint8_t protocol;
    uint16_t type;
    struct kd_bytes spi, data;
};

struct ike_delete {
    uint8_t protocol; /* IKE: no SPIs; AH, ESP: spis holds n of 4 octets */
    uint16_t n;
    struct kd_bytes spis;
};

struct ike_typed {
    uint8_t type; /* ID type, authentication method, certificate encoding */
    struct kd_bytes data;
    struct kd_bytes
        body; /* with type and reserved octets, as received: what AUTH signs for an ID */
};

struct ike_sk_view {
    uint8_t first;        /* first inner payload */
    uint32_t body_at;     /* offset of the IV in the message */
    struct kd_bytes body; /* IV, ciphertext, ICV */
};

/* Presence by type, IKE_PL_SA is bit 0. */
#define IKE_HAS(type) (UINT32_C(1) << ((type)-IKE_PL_SA))

struct ike_msg {
    struct ike_header h;
    struct kd_bytes raw; /* the whole message: what the first two are signed as (RFC 7296 2.15) */
    struct kd_bytes chain; /* the inner payloads as they came, with the first one's type */
    uint8_t chain_first;
    bool inner;          /* the fields below came from inside an SK payload that verified */
    uint32_t has;        /* IKE_HAS() of each payload type met */
    uint8_t n_payloads, n_unknown;

    struct kd_bytes sa; /* body for ike_proposals_parse() */
    struct {
        uint16_t group;
        struct kd_bytes data;
    } ke;
    struct kd_bytes nonce;
    struct ike_typed idi, idr, auth;
    struct kd_bytes tsi, tsr; /* bodies for ike_ts_parse() */
    struct kd_bytes cp, eap;  /* bodies */
    struct ike_sk_view sk;    /* its bit in has goes when it was opened, the view stays */
    struct kd_bytes skf;      /* body; RFC 7383 */
    uint8_t skf_first;        /* its Next Payload */
    uint16_t skf_number, skf_total; /* from 1 on; any values until fragment.c has judged them */

    uint8_t n_notifies, n_deletes, n_vendors, n_certs, n_certreqs;
    struct ike_notify notifies[IKE_MSG_NOTIFIES];
    struct ike_delete deletes[IKE_MSG_DELETES];
    struct kd_bytes vendors[IKE_MSG_VENDORS];
    struct ike_typed certs[IKE_MSG_CERTS], certreqs[IKE_MSG_CERTS];
};

static inline bool ike_msg_has(const struct ike_msg *m, enum ike_payload type)
{
    return m->has & IKE_HAS(type);
}

static inline bool ike_header_response(const struct ike_header *h)
{
    return h->flags & IKE_FLAG_RESPONSE;
}

/* The header alone, with its length checked against the datagram: what the look-up by SPI needs
 * before anything else is believed. On IKE_WIRE_VERSION the fields are filled in as well. */
bool ike_header_parse(struct kd_bytes datagram, struct ike_header *h,
                      struct ike_diag *d) KD_MUST_USE;
void ike_header_write(struct kd_writer *w, const struct ike_header *h); /* length as in h */

/* Header and the chain in clear. m is zeroed first; views borrow from datagram (without non-ESP
 * marker). False: see d. A message with SK has no other payload that kedge knows beside it. */
bool ike_msg_parse(struct kd_bytes datagram, struct ike_msg *m, struct ike_diag *d) KD_MUST_USE;
/* A chain that starts with a payload of type first, added to m; base: its offset in the message,
 * for d. SK and SKF inside are refused when m->inner. For ike_msg_open(), and for fuzzing. */
bool ike_chain_parse(struct kd_bytes chain, uint8_t first, uint32_t base, struct ike_msg *m,
                     struct ike_diag *d) KD_MUST_USE;

/* The first notify of that type, or NULL. */
const struct ike_notify *ike_msg_notify(const struct ike_msg *m, uint16_t type);
/* The first notify of an error type (below 16384), or NULL. */
const struct ike_notify *ike_msg_error(const struct ike_msg *m);
/* SPI number i of a Delete payload for AH or ESP, host order. */
uint32_t ike_delete_spi(const struct ike_delete *del, uint16_t i);

/* "SA", "KE", "IDi" ...; "unknown" else. */
const char *ike_payload_name(uint8_t type);
const char *ike_exchange_name(uint8_t exchange);
/* "INVALID_SYNTAX at 64 in SA: transform count does not match": one line, safe to log. */
void ike_diag_str(const struct ike_diag *d, char *buf, size_t cap);

/* Identification: value from its view; false for type 0, a length that does not fit the type (4 for
 * IPV4, 16 for IPV6, 1 to IKE_ID_MAX else), NUL octets in FQDN and RFC822 names (they would end a
 * comparison or a log line early), or a DN that is no DER Name (it would not equal itself). RFC
 * 7296 3.5. */
bool ike_id_read(const struct ike_typed *v, struct ike_id *out) KD_MUST_USE;
/* The payload's body: type, three reserved octets, data. */
void ike_id_write(struct kd_writer *w, const struct ike_id *id);
/* The two identities are the same; IKE_ID_ANY as want takes every one. FQDN and RFC822 compare
 * without regard to ASCII case. */
bool ike_id_match(const struct ike_id *want, const struct ike_id *got);

#endif
