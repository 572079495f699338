/* The grammar of IKEv2 messages, as two tables: message forms and notify types.
 *
 * Not here: whether a form fits the state of an SA (the engine's rows), the order of payloads (a
 * receiver must not insist on it: RFC 7296 2.5). How often one payload may appear is payload.c's.
 * RFC 7296 1.2 to 1.5, 2.6, 2.21, 3.1, 3.10.1, appendix C.
 *
 * Deviations: EAP is recognised so that it can be refused by name; a notify of a fixed shape that
 * does not have it makes the whole message INVALID_SYNTAX. */
#include "ike/grammar.h"

/* ---- notifies (IANA ikev2-parameters) ---- */

#define ANY_SPI 0xff
#define ANY_LEN 0, UINT16_MAX

static const struct ike_notify_info notifies[] = {
    {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, "UNSUPPORTED_CRITICAL_PAYLOAD", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_IKE_SPI, "INVALID_IKE_SPI", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_SYNTAX, "INVALID_SYNTAX", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_SPI, "INVALID_SPI", ANY_LEN, ANY_SPI},
    {IKE_N_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD", 2, 2, ANY_SPI},
    {IKE_N_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED", ANY_LEN, ANY_SPI},
    {IKE_N_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED", ANY_LEN, ANY_SPI},
    {IKE_N_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS", ANY_LEN, ANY_SPI},
    {IKE_N_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE", ANY_LEN, ANY_SPI},
    {IKE_N_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED", ANY_LEN, ANY_SPI},
    {IKE_N_TS_UNACCEPTABLE, "TS_UNACCEPTABLE", ANY_LEN, ANY_SPI},
    {IKE_N_INVALID_SELECTORS, "INVALID_SELECTORS", ANY_LEN, ANY_SPI},
    {IKE_N_TEMPORARY_FAILURE, "TEMPORARY_FAILURE", ANY_LEN, ANY_SPI},
    {IKE_N_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND", ANY_LEN, ANY_SPI},
    {IKE_N_STATE_NOT_FOUND, "STATE_NOT_FOUND", ANY_LEN, ANY_SPI},
    {IKE_N_INITIAL_CONTACT, "INITIAL_CONTACT", ANY_LEN, ANY_SPI},
    {IKE_N_SET_WINDOW_SIZE, "SET_WINDOW_SIZE", 4, 4, ANY_SPI},
    {IKE_N_ADDITIONAL_TS_POSSIBLE, "ADDITIONAL_TS_POSSIBLE", ANY_LEN, ANY_SPI},
    {IKE_N_IPCOMP_SUPPORTED, "IPCOMP_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_NAT_DETECTION_SOURCE_IP, "NAT_DETECTION_SOURCE_IP", 20, 20, ANY_SPI},
    {IKE_N_NAT_DETECTION_DESTINATION_IP, "NAT_DETECTION_DESTINATION_IP", 20, 20, ANY_SPI},
    {IKE_N_COOKIE, "COOKIE", 1, 64, ANY_SPI},
    {IKE_N_USE_TRANSPORT_MODE, "USE_TRANSPORT_MODE", ANY_LEN, ANY_SPI},
    {IKE_N_HTTP_CERT_LOOKUP_SUPPORTED, "HTTP_CERT_LOOKUP_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_REKEY_SA, "REKEY_SA", ANY_LEN, 4},
    {IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED, "ESP_TFC_PADDING_NOT_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_NON_FIRST_FRAGMENTS_ALSO, "NON_FIRST_FRAGMENTS_ALSO", ANY_LEN, ANY_SPI},
    {IKE_N_MOBIKE_SUPPORTED, "MOBIKE_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_ADDITIONAL_IP4_ADDRESS, "ADDITIONAL_IP4_ADDRESS", 4, 4, ANY_SPI},
    {IKE_N_ADDITIONAL_IP6_ADDRESS, "ADDITIONAL_IP6_ADDRESS", 16, 16, ANY_SPI},
    {IKE_N_NO_ADDITIONAL_ADDRESSES, "NO_ADDITIONAL_ADDRESSES", ANY_LEN, ANY_SPI},
    {IKE_N_UPDATE_SA_ADDRESSES, "UPDATE_SA_ADDRESSES", ANY_LEN, ANY_SPI},
    {IKE_N_COOKIE2, "COOKIE2", 8, 64, ANY_SPI},
    {IKE_N_NO_NATS_ALLOWED, "NO_NATS_ALLOWED", ANY_LEN, ANY_SPI},
    {IKE_N_AUTH_LIFETIME, "AUTH_LIFETIME", 4, 4, ANY_SPI},
    {IKE_N_MULTIPLE_AUTH_SUPPORTED, "MULTIPLE_AUTH_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_ANOTHER_AUTH_FOLLOWS, "ANOTHER_AUTH_FOLLOWS", ANY_LEN, ANY_SPI},
    {IKE_N_REDIRECT_SUPPORTED, "REDIRECT_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_EAP_ONLY_AUTHENTICATION, "EAP_ONLY_AUTHENTICATION", ANY_LEN, ANY_SPI},
    {IKE_N_CHILDLESS_IKEV2_SUPPORTED, "CHILDLESS_IKEV2_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_QCD_TOKEN, "QCD_TOKEN", 16, 256, ANY_SPI},
    {IKE_N_FRAGMENTATION_SUPPORTED, "FRAGMENTATION_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_SIGNATURE_HASH_ALGORITHMS, "SIGNATURE_HASH_ALGORITHMS", ANY_LEN, ANY_SPI},
    {IKE_N_USE_PPK, "USE_PPK", ANY_LEN, ANY_SPI},
    {IKE_N_PPK_IDENTITY, "PPK_IDENTITY", 0, 257, ANY_SPI},
    {IKE_N_NO_PPK_AUTH, "NO_PPK_AUTH", 1, UINT16_MAX, ANY_SPI},
    {IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED, "INTERMEDIATE_EXCHANGE_SUPPORTED", ANY_LEN, ANY_SPI},
    {IKE_N_ADDITIONAL_KEY_EXCHANGE, "ADDITIONAL_KEY_EXCHANGE", 1, 256, ANY_SPI},
};

const struct ike_notify_info *ike_notify_info(uint16_t type)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(notifies); i++) {
        if (notifies[i].type == type)
            return &notifies[i];
    }
    return NULL;
}

const char *ike_notify_name(uint16_t type)
{
    const struct ike_notify_info *info = ike_notify_info(type);

    return info ? info->name : "notify";
}

/* ---- forms ---- */

#define B(t)         IKE_HAS(IKE_PL_##t)
#define EXTRAS       (B(NOTIFY) | B(VENDOR))
#define CREDS        (B(CERT) | B(CERTREQ) | B(CP))
#define ANY_EXCHANGE 0

enum { REQUEST = 0, RESPONSE = 1, EITHER = 2 };

/* Which row: the first whose exchange, direction and encryption fit, with all of has and none of
 * lacks. The message then must have all of must, and nothing beyond must and may. */
static const struct form_row {
    enum ike_form form;
    const char *name;
    uint8_t exchange, response;
    bool inner;
    uint32_t has, lacks, must, may;
} forms[] = {
    /* still encrypted, or in clear where it should not be */
    {IKE_FORM_SEALED, "encrypted", ANY_EXCHANGE, EITHER, false, B(SK), 0, B(SK), 0},
    {IKE_FORM_FRAGMENT, "fragment", ANY_EXCHANGE, EITHER, false, B(SKF), 0, B(SKF), 0},

    /* RFC 7296 1.2, C.1 */
    {IKE_FORM_SA_INIT_REQ, "IKE_SA_INIT request", IKE_X_SA_INIT, REQUEST, false, 0, 0,
     B(SA) | B(KE) | B(NONCE), EXTRAS},
    {IKE_FORM_SA_INIT_RESP, "IKE_SA_INIT response", IKE_X_SA_INIT, RESPONSE, false, B(SA), 0,
     B(SA) | B(KE) | B(NONCE), B(CERTREQ) | EXTRAS},
    {IKE_FORM_SA_INIT_REFUSED, "IKE_SA_INIT refusal", IKE_X_SA_INIT, RESPONSE, false, 0, 0,
     B(NOTIFY), EXTRAS},
    {IKE_FORM_CLEAR_NOTIFY, "notify in clear", ANY_EXCHANGE, RESPONSE, false, 0, 0, B(NOTIFY),
     EXTRAS},

    /* C.2, C.3; RFC 6023 */
    {IKE_FORM_AUTH_EAP_REQ, "IKE_AUTH request for EAP", IKE_X_AUTH, REQUEST, true, B(IDI), B(AUTH),
     B(IDI), B(IDR) | B(SA) | B(TSI) | B(TSR) | CREDS | EXTRAS},
    {IKE_FORM_AUTH_CHILDLESS_REQ, "childless IKE_AUTH request", IKE_X_AUTH, REQUEST, true,
     B(IDI) | B(AUTH), B(SA), B(IDI) | B(AUTH), B(IDR) | CREDS | EXTRAS},
    {IKE_FORM_AUTH_REQ, "IKE_AUTH request", IKE_X_AUTH, REQUEST, true, 0, 0,
     B(IDI) | B(AUTH) | B(SA) | B(TSI) | B(TSR), B(IDR) | CREDS | EXTRAS},
    {IKE_FORM_AUTH_RESP, "IKE_AUTH response", IKE_X_AUTH, RESPONSE, true, B(SA), 0,
     B(IDR) | B(AUTH) | B(SA) | B(TSI) | B(TSR), B(CERT) | B(CP) | EXTRAS},
    {IKE_FORM_AUTH_NO_CHILD, "IKE_AUTH response without child", IKE_X_AUTH, RESPONSE, true, B(IDR),
     0, B(IDR) | B(AUTH), B(CERT) | B(CP) | EXTRAS},
    {IKE_FORM_AUTH_REFUSED, "IKE_AUTH refusal", IKE_X_AUTH, RESPONSE, true, 0, 0, B(NOTIFY),
     EXTRAS},

    /* RFC 9242, 9370 */
    {IKE_FORM_INTER_REQ, "IKE_INTERMEDIATE request", IKE_X_INTERMEDIATE, REQUEST, true, 0, 0, B(KE),
     EXTRAS},
    {IKE_FORM_INTER_RESP, "IKE_INTERMEDIATE response", IKE_X_INTERMEDIATE, RESPONSE, true, B(KE), 0,
     B(KE), EXTRAS},
    {IKE_FORM_INTER_REFUSED, "IKE_INTERMEDIATE refusal", IKE_X_INTERMEDIATE, RESPONSE, true, 0, 0,
     B(NOTIFY), EXTRAS},
    {IKE_FORM_FOLLOWUP_REQ, "IKE_FOLLOWUP_KE request", IKE_X_FOLLOWUP_KE, REQUEST, true, 0, 0,
     B(KE) | B(NOTIFY), EXTRAS},
    {IKE_FORM_FOLLOWUP_RESP, "IKE_FOLLOWUP_KE response", IKE_X_FOLLOWUP_KE, RESPONSE, true, B(KE),
     0, B(KE), EXTRAS},
    {IKE_FORM_FOLLOWUP_REFUSED, "IKE_FOLLOWUP_KE refusal", IKE_X_FOLLOWUP_KE, RESPONSE, true, 0, 0,
     B(NOTIFY), EXTRAS},

    /* C.4, C.5 */
    {IKE_FORM_CHILD_REQ, "CREATE_CHILD_SA request", IKE_X_CREATE_CHILD_SA, REQUEST, true, B(TSI), 0,
     B(SA) | B(NONCE) | B(TSI) | B(TSR), B(KE) | B(CP) | EXTRAS},
    {IKE_FORM_REKEY_IKE_REQ, "IKE rekey request", IKE_X_CREATE_CHILD_SA, REQUEST, true, 0, 0,
     B(SA) | B(NONCE) | B(KE), EXTRAS},
    {IKE_FORM_CHILD_RESP, "CREATE_CHILD_SA response", IKE_X_CREATE_CHILD_SA, RESPONSE, true,
     B(SA) | B(TSI), 0, B(SA) | B(NONCE) | B(TSI) | B(TSR), B(KE) | B(CP) | EXTRAS},
    {IKE_FORM_REKEY_IKE_RESP, "IKE rekey response", IKE_X_CREATE_CHILD_SA, RESPONSE, true, B(SA), 0,
     B(SA) | B(NONCE) | B(KE), EXTRAS},
    {IKE_FORM_CHILD_REFUSED, "CREATE_CHILD_SA refusal", IKE_X_CREATE_CHILD_SA, RESPONSE, true, 0, 0,
     B(NOTIFY), EXTRAS},

    /* C.6 */
    {IKE_FORM_INFO_REQ, "INFORMATIONAL request", IKE_X_INFORMATIONAL, REQUEST, true, 0, 0, 0,
     B(DELETE) | B(CP) | EXTRAS},
    {IKE_FORM_INFO_RESP, "INFORMATIONAL response", IKE_X_INFORMATIONAL, RESPONSE, true, 0, 0, 0,
     B(DELETE) | B(CP) | EXTRAS},
};

static bool refuse(struct ike_diag *d, enum ike_wire err, uint8_t payload, size_t at,
                   const char *rule)
{
    *d = (struct ike_diag){.err = err, .payload = payload, .offset = (uint32_t)at, .rule = rule};
    return false;
}

static bool row_fits(const struct form_row *f, const struct ike_msg *m)
{
    return f->inner == m->inner && (f->exchange == ANY_EXCHANGE || f->exchange == m->h.exchange) &&
           (f->response == EITHER || f->response == ike_header_response(&m->h)) &&
           (m->has & f->has) == f->has && !(m->has & f->lacks);
}

static const struct form_row *find_form(const struct ike_msg *m)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(forms); i++) {
        if (row_fits(&forms[i], m))
            return &forms[i];
    }
    return NULL;
}

static bool spi_is_zero(const uint8_t spi[8])
{
    static const uint8_t zero[8];

    return memcmp(spi, zero, 8) == 0;
}

/* RFC 7296 2.2, 2.6, 3.1: what holds for IKE_SA_INIT alone. */
static bool check_sa_init(const struct ike_msg *m, enum ike_form form, struct ike_diag *d)
{
    bool response = ike_header_response(&m->h);

    if (m->inner || m->has & (B(SK) | B(SKF)))
        return refuse(d, IKE_WIRE_HEADER, 0, 16, "IKE_SA_INIT can't be encrypted");
    if (m->h.msg_id != 0)
        return refuse(d, IKE_WIRE_HEADER, 0, 20, "message id of IKE_SA_INIT is not 0");
    if (!(m->h.flags & IKE_FLAG_INITIATOR) != response)
        return refuse(d, IKE_WIRE_HEADER, 0, 19, "initiator flag of IKE_SA_INIT is wrong");
    if (!response && !spi_is_zero(m->h.spi_r))
        return refuse(d, IKE_WIRE_HEADER, 0, 8, "first request with a responder's SPI");
    if (form == IKE_FORM_SA_INIT_RESP && spi_is_zero(m->h.spi_r))
        return refuse(d, IKE_WIRE_HEADER, 0, 8, "responder's SPI is zero");
    return true;
}

static bool check_header(const struct ike_msg *m, enum ike_form form, struct ike_diag *d)
{
    if (m->h.exchange == IKE_X_SA_INIT)
        return check_sa_init(m, form, d);
    /* INVALID_IKE_SPI answers copy the SPIs (2.21.4), so these are never zero either. */
    if (spi_is_zero(m->h.spi_r))
        return refuse(d, IKE_WIRE_HEADER, 0, 8, "responder's SPI is zero");
    return true;
}

/* Without a form, or with the wrong payloads, in clear: nobody is owed an answer except for
 * IKE_SA_INIT. */
static enum ike_wire mistake(const struct ike_msg *m)
{
    return m->inner || m->h.exchange == IKE_X_SA_INIT ? IKE_WIRE_SYNTAX : IKE_WIRE_HEADER;
}

static uint8_t lowest(uint32_t set)
{
    return (uint8_t)(IKE_PL_SA + __builtin_ctz(set));
}

static bool check_presence(const struct ike_msg *m, const struct form_row *f, struct ike_diag *d)
{
    uint32_t missing = f->must & ~m->has, extra = m->has & ~(f->must | f->may);

    if (missing)
        return refuse(d, mistake(m), lowest(missing), IKE_HEADER_LEN, "payload is missing");
    if (extra)
        return refuse(d, mistake(m), lowest(extra), IKE_HEADER_LEN, "payload has no place here");
    return true;
}

static size_t notify_at(const struct ike_msg *m, const struct ike_notify *n)
{
    const uint8_t *p = n->spi.p ? n->spi.p : n->data.p;

    return p ? (size_t)(p - m->raw.p) : IKE_HEADER_LEN;
}

static bool check_notifies(const struct ike_msg *m, struct ike_diag *d)
{
    for (unsigned i = 0; i < m->n_notifies; i++) {
        const struct ike_notify *n = &m->notifies[i];
        const struct ike_notify_info *info = ike_notify_info(n->type);

        if (!info)
            continue;
        if (n->data.len < info->data_min || n->data.len > info->data_max)
            return refuse(d, mistake(m), IKE_PL_NOTIFY, notify_at(m, n),
                          "notify data has wrong length");
        if (info->spi_len != ANY_SPI && n->spi.len != info->spi_len)
            return refuse(d, mistake(m), IKE_PL_NOTIFY, notify_at(m, n),
                          "notify SPI has wrong length");
        /* CVE-2023-38710: protocol 0 or 1 in REKEY_SA. */
        if (n->type == IKE_N_REKEY_SA && n->protocol != 2 && n->protocol != 3)
            return refuse(d, mistake(m), IKE_PL_NOTIFY, notify_at(m, n),
                          "REKEY_SA not for AH or ESP");
    }
    return true;
}

enum ike_form ike_grammar_check(const struct ike_msg *m, struct ike_diag *d)
{
    const struct form_row *f = find_form(m);

    *d = (struct ike_diag){.err = IKE_WIRE_OK};
    if (!check_header(m, f ? f->form : IKE_FORM_NONE, d))
        return IKE_FORM_NONE;
    if (!f) {
        refuse(d, mistake(m), 0, 18,
               m->inner ? "unknown exchange" : "exchange that must be encrypted");
        return IKE_FORM_NONE;
    }
    if (!check_presence(m, f, d) || !check_notifies(m, d))
        return IKE_FORM_NONE;
    return f->form;
}

const char *ike_form_name(enum ike_form form)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(forms); i++) {
        if (forms[i].form == form)
            return forms[i].name;
    }
    return "none";
}
