/* Strict DER and PEM. Not an ASN.1 compiler: the few structures that are read by hand (keys,
 * signature algorithms, the frame of a certificate) are straight lines of calls over the bounded
 * reader; all else is OpenSSL's, after kc_der_sane().
 *
 * X.690 8.1 and 10.1: a length is definite and as short as it can be. X.690 8.3: an INTEGER has no
 * superfluous leading byte. X.690 10.2: strings are not constructed. */
#include "crypto/der.h"

#include <sodium.h>

#define LEN_BYTES_MAX 3

/* Tag and length; false, with the reader failed, when either isn't DER or the content is short. */
static bool get_head(struct kd_reader *r, uint8_t *tag, size_t *len)
{
    uint8_t first, n;
    size_t v = 0;

    *tag = kd_get_u8(r);
    first = kd_get_u8(r);
    *len = first;
    if ((*tag & 0x1f) == 0x1f) /* a tag of several bytes: nothing we read has one */
        kd_reader_fail(r);
    if (first >= 0x80) {
        n = first & 0x7f;
        if (n == 0 || n > LEN_BYTES_MAX)
            kd_reader_fail(r);
        for (uint8_t i = 0; r->ok && i < n; i++)
            v = v << 8 | kd_get_u8(r);
        if (v < 0x80 || (n > 1 && v >> (8 * (n - 1)) == 0))
            kd_reader_fail(r);
        *len = v;
    }
    if (*len > kd_reader_left(r))
        kd_reader_fail(r);
    return r->ok;
}

uint8_t kc_der_peek(const struct kd_reader *r)
{
    return kd_reader_left(r) > 0 ? r->p[r->pos] : 0;
}

struct kd_bytes kc_der_get(struct kd_reader *r, uint8_t want)
{
    uint8_t tag;
    size_t len;

    if (!get_head(r, &tag, &len) || tag != want) {
        kd_reader_fail(r);
        return kd_bytes(NULL, 0);
    }
    return kd_get_bytes(r, len);
}

struct kd_bytes kc_der_whole(struct kd_reader *r, uint8_t tag)
{
    const uint8_t *from = kd_reader_left(r) > 0 ? r->p + r->pos : NULL;
    size_t at = r->pos;

    kc_der_get(r, tag);
    return r->ok ? kd_bytes(from, r->pos - at) : kd_bytes(NULL, 0);
}

struct kd_reader kc_der_sub(struct kd_reader *r, uint8_t tag)
{
    struct kd_bytes content = kc_der_get(r, tag);
    struct kd_reader sub;

    kd_reader_init(&sub, content);
    if (!r->ok)
        kd_reader_fail(&sub);
    return sub;
}

struct kd_bytes kc_der_positive(struct kd_reader *r)
{
    struct kd_bytes v = kc_der_get(r, KC_DER_INTEGER);

    if (v.len == 0 || v.p[0] >= 0x80)
        goto bad;
    if (v.p[0] == 0) {
        if (v.len == 1 || v.p[1] < 0x80)
            goto bad;
        return kd_bytes(v.p + 1, v.len - 1);
    }
    return v;
bad:
    kd_reader_fail(r);
    return kd_bytes(NULL, 0);
}

uint8_t kc_der_small(struct kd_reader *r)
{
    struct kd_bytes v = kc_der_get(r, KC_DER_INTEGER);

    if (v.len == 1 && v.p[0] < 0x80)
        return v.p[0];
    kd_reader_fail(r);
    return 0;
}

struct kd_bytes kc_der_bits(struct kd_reader *r)
{
    struct kd_bytes v = kc_der_get(r, KC_DER_BITS);

    if (v.len >= 2 && v.p[0] == 0)
        return kd_bytes(v.p + 1, v.len - 1);
    kd_reader_fail(r);
    return kd_bytes(NULL, 0);
}

bool kc_der_is(struct kd_reader *r, uint8_t tag, struct kd_bytes content)
{
    struct kd_bytes got = kc_der_get(r, tag);

    return r->ok && kd_bytes_eq(got, content);
}

/* Universal and constructed, and neither a SEQUENCE nor a SET. */
static bool constructed_string(uint8_t tag)
{
    return (tag & 0xe0) == 0x20 && tag != KC_DER_SEQ && tag != KC_DER_SET;
}

bool kc_der_sane(struct kd_bytes der)
{
    size_t end[KC_DER_DEPTH], depth = 0, len;
    struct kd_reader r;
    uint8_t tag;

    kd_reader_init(&r, der);
    for (unsigned int n = 0; n < KC_DER_COUNT; n++) {
        if (!get_head(&r, &tag, &len) || constructed_string(tag) ||
            (depth > 0 && len > end[depth - 1] - r.pos))
            return false;
        if (tag & 0x20) {
            if (depth == KC_DER_DEPTH)
                return false;
            end[depth++] = r.pos + len;
        } else if (tag == KC_DER_SEQ - 0x20 || tag == KC_DER_SET - 0x20 || depth == 0) {
            return false; /* primitive sequence; or the whole thing is no structure */
        } else {
            kd_skip(&r, len);
        }
        while (depth > 0 && r.pos == end[depth - 1])
            depth--;
        if (depth == 0)
            return kd_reader_done(&r);
        if (end[depth - 1] - r.pos < 2) /* a head that would reach behind its parent */
            return false;
    }
    return false;
}

/* ---- writing ---- */

size_t kc_der_size(size_t len)
{
    kd_assert(len >> 24 == 0);
    return len + 2 + (len >= 0x80) + (len >= 0x100) + (len >= 0x10000);
}

void kc_der_put_head(struct kd_writer *w, uint8_t tag, size_t len)
{
    size_t n = kc_der_size(len) - len - 2;

    kd_put_u8(w, tag);
    if (n > 0)
        kd_put_u8(w, (uint8_t)(0x80 | n));
    else
        n = 1;
    while (n-- > 0)
        kd_put_u8(w, (uint8_t)(len >> (8 * n)));
}

void kc_der_put(struct kd_writer *w, uint8_t tag, struct kd_bytes content)
{
    kc_der_put_head(w, tag, content.len);
    kd_put_bytes(w, content);
}

static struct kd_bytes stripped(struct kd_bytes v)
{
    while (v.len > 0 && v.p[0] == 0)
        v = kd_bytes(v.p + 1, v.len - 1);
    return v;
}

/* Zero keeps one byte, and so does what would look negative. */
static bool needs_zero(struct kd_bytes v)
{
    return v.len == 0 || v.p[0] >= 0x80;
}

size_t kc_der_uint_size(struct kd_bytes number)
{
    struct kd_bytes v = stripped(number);

    return kc_der_size(v.len + needs_zero(v));
}

void kc_der_put_uint(struct kd_writer *w, struct kd_bytes number)
{
    struct kd_bytes v = stripped(number);

    kc_der_put_head(w, KC_DER_INTEGER, v.len + needs_zero(v));
    if (needs_zero(v))
        kd_put_u8(w, 0);
    kd_put_bytes(w, v);
}

/* ---- PEM ---- */

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

/* Cuts text at the first mark: what is before it, and *rest moves behind it. */
static bool cut(struct kd_bytes *rest, const char *mark, struct kd_bytes *before)
{
    size_t n = strlen(mark);
    const uint8_t *at = rest->len ? memmem(rest->p, rest->len, mark, n) : NULL;

    if (!at)
        return false;
    *before = kd_bytes(rest->p, (size_t)(at - rest->p));
    *rest = kd_bytes(at + n, rest->len - before->len - n);
    return true;
}

bool kc_pem_next(struct kd_bytes *rest, struct kc_pem *out)
{
    struct kd_bytes before, end_label;

    return cut(rest, begin_mark, &before) && cut(rest, dashes, &out->label) &&
           cut(rest, end_mark, &out->text) && cut(rest, dashes, &end_label) &&
           kd_bytes_eq(out->label, end_label);
}

bool kc_pem_label_is(const struct kc_pem *p, const char *label)
{
    return kd_bytes_eq(p->label, kd_bytes_str(label));
}

size_t kc_pem_decode(const struct kc_pem *p, uint8_t *buf, size_t cap)
{
    size_t len = 0;

    if (sodium_base642bin(buf, cap, (const char *)p->text.p, p->text.len, " \t\r\n", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return 0;
    return len;
}

bool kc_pem_is_der(struct kd_bytes data)
{
    struct kd_reader r;

    kd_reader_init(&r, data);
    kc_der_get(&r, KC_DER_SEQ);
    return kd_reader_done(&r);
}
