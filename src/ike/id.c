/* Identities: wire form, configuration notation, comparison. RFC 7296 3.5. Distinguished names are
 * crypto's (crypto/dn.h). No identity is ever interpreted further than its type (CVE-2013-6075,
 * CVE-2025-9242). */
#include "ike/ike.h"
#include "ike/payload.h"
#include "ike/text.h"

static bool length_fits(uint8_t type, size_t len)
{
    switch (type) {
    case IKE_ID_IPV4:
        return len == 4;
    case IKE_ID_IPV6:
        return len == 16;
    default:
        return len >= 1 && len <= IKE_ID_MAX;
    }
}

static bool is_name(uint8_t type)
{
    return type == IKE_ID_FQDN || type == IKE_ID_RFC822;
}

bool ike_id_read(const struct ike_typed *v, struct ike_id *out)
{
    memset(out, 0, sizeof(*out));
    if (v->type == IKE_ID_ANY || !length_fits(v->type, v->data.len))
        return false;
    if (is_name(v->type) && memchr(v->data.p, 0, v->data.len))
        return false;
    if (v->type == IKE_ID_DER_ASN1_DN && !kc_dn_valid(v->data))
        return false;
    out->type = v->type;
    out->len = (uint16_t)v->data.len;
    memcpy(out->data, v->data.p, v->data.len);
    return true;
}

void ike_id_write(struct kd_writer *w, const struct ike_id *id)
{
    kd_assert(id->type != IKE_ID_ANY && length_fits(id->type, id->len));
    kd_put_u8(w, id->type);
    kd_put_zero(w, 3);
    kd_put_bytes(w, kd_bytes(id->data, id->len));
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool ike_id_match(const struct ike_id *want, const struct ike_id *got)
{
    if (want->type == IKE_ID_ANY)
        return true;
    if (want->type == IKE_ID_DER_ASN1_DN && got->type == want->type)
        return kc_dn_equal(kd_bytes(want->data, want->len), kd_bytes(got->data, got->len));
    if (want->type != got->type || want->len != got->len)
        return false;
    if (!is_name(want->type))
        return memcmp(want->data, got->data, want->len) == 0;
    for (unsigned i = 0; i < want->len; i++) {
        if (lower(want->data[i]) != lower(got->data[i]))
            return false;
    }
    return true;
}

/* ---- text ---- */

static void put_hex(struct ike_text *x, const struct ike_id *id)
{
    for (unsigned i = 0; i < id->len; i++)
        ike_text_add(x, "%02x", id->data[i]);
}

/* Whatever a peer calls itself stays one harmless word: no control octets, quotes, blanks or %. */
static void put_name(struct ike_text *x, const struct ike_id *id)
{
    for (unsigned i = 0; i < id->len; i++) {
        uint8_t c = id->data[i];

        if (c > 0x20 && c < 0x7f && !strchr("\"'\\`$%<>", c))
            ike_text_add(x, "%c", c);
        else
            ike_text_add(x, "\\x%02x", c);
    }
}

void ike_id_str(const struct ike_id *id, char *buf, size_t cap)
{
    struct ike_text x = ike_text(buf, cap);
    char addr[KD_ADDR_STR_MAX], dn[IKE_ID_MAX * 4];
    struct kd_addr a;

    switch (id->type) {
    case IKE_ID_ANY:
        ike_text_add(&x, "any");
        break;
    case IKE_ID_IPV4:
    case IKE_ID_IPV6:
        a = kd_addr_from(id->type == IKE_ID_IPV4 ? 4 : 6, id->data);
        ike_text_add(&x, "%s", kd_addr_str(&a, addr));
        break;
    case IKE_ID_FQDN:
    case IKE_ID_RFC822:
        put_name(&x, id);
        break;
    case IKE_ID_KEY_ID:
        ike_text_add(&x, "key-id:");
        put_hex(&x, id);
        break;
    case IKE_ID_DER_ASN1_DN:
        if (kc_dn_str(kd_bytes(id->data, id->len), dn, sizeof(dn)) && dn[0]) {
            ike_text_add(&x, "%s", dn);
            break;
        }
        ike_text_add(&x, "dn:"); /* a name without attributes */
        put_hex(&x, id);
        break;
    default:
        ike_text_add(&x, "type%u:", id->type);
        put_hex(&x, id);
        break;
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, lower((uint8_t)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool parse_hex(const char *s, struct ike_id *out)
{
    size_t len = strlen(s);

    if (len == 0 || len % 2 != 0 || len / 2 > IKE_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        int hi = hex_digit(s[i]), lo = hex_digit(s[i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out->data[out->len++] = (uint8_t)(hi << 4 | lo);
    }
    out->type = IKE_ID_KEY_ID;
    return true;
}

static bool parse_address(const char *s, struct ike_id *out)
{
    struct kd_addr a;

    if (!kd_addr_parse(s, &a))
        return false;
    out->type = a.family == 4 ? IKE_ID_IPV4 : IKE_ID_IPV6;
    out->len = (uint16_t)kd_addr_len(&a);
    memcpy(out->data, a.b, out->len);
    return true;
}

/* Letters, digits and what names are joined with; at most one @, neither first nor last. */
static bool parse_name(const char *s, struct ike_id *out)
{
    size_t len = strlen(s);
    const char *at = strchr(s, '@');

    if (len == 0 || len > IKE_ID_MAX)
        return false;
    if (at && (at == s || at[1] == '\0' || strchr(at + 1, '@')))
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = lower((uint8_t)s[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr(".-_+@", c))
            return false;
    }
    out->type = at ? IKE_ID_RFC822 : IKE_ID_FQDN;
    out->len = (uint16_t)len;
    memcpy(out->data, s, len);
    return true;
}

static bool parse_dn(const char *s, struct ike_id *out)
{
    struct kd_writer w;

    kd_writer_init(&w, out->data, sizeof(out->data));
    if (!kc_dn_put(&w, s))
        return false;
    out->type = IKE_ID_DER_ASN1_DN;
    out->len = (uint16_t)w.pos;
    return true;
}

bool ike_id_parse(const char *s, struct ike_id *out)
{
    memset(out, 0, sizeof(*out));
    if (strcmp(s, "any") == 0)
        return true;
    if (strncmp(s, "key-id:", 7) == 0)
        return parse_hex(s + 7, out);
    if (strchr(s, '='))
        return parse_dn(s, out);
    return parse_address(s, out) || parse_name(s, out);
}
