/* Distinguished names between DER and text. X.501 9, RFC 5280 4.1.2.4, the text after RFC 4514 but
 * in the name's own order, as IKE's operators write it.
 *
 * Deviations: no multi-valued RDN from text (read and shown they are, with "+"); values compare
 * with regard to case and blanks, which is stricter than RFC 5280 7.1. */
#include "crypto/dn.h"

#include "crypto/crypto.h"
#include "crypto/der.h"

#include <stdio.h>
#include <strings.h>

enum { UTF8 = 0x0c, PRINTABLE = 0x13, IA5 = 0x16 };

#define VALUE_MAX 256

#define OID(s)                                                                                     \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static const struct attribute {
    const char *name;
    uint8_t tag; /* as it is written (RFC 5280 A.1) */
    struct kd_bytes oid;
} attributes[] = {
    {"CN", UTF8, OID("\x55\x04\x03")},
    {"serialNumber", PRINTABLE, OID("\x55\x04\x05")},
    {"C", PRINTABLE, OID("\x55\x04\x06")},
    {"L", UTF8, OID("\x55\x04\x07")},
    {"ST", UTF8, OID("\x55\x04\x08")},
    {"O", UTF8, OID("\x55\x04\x0a")},
    {"OU", UTF8, OID("\x55\x04\x0b")},
    {"UID", UTF8, OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01")},
    {"DC", IA5, OID("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19")},
    {"emailAddress", IA5, OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")},
    {"E", IA5, OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")},
};

/* ---- one attribute and its value ---- */

struct ava {
    struct kd_bytes oid, value;
    uint8_t tag;
    bool last; /* of its RDN */
};

struct names {
    struct kd_reader name, rdn;
};

static bool open_name(struct names *n, struct kd_bytes der)
{
    struct kd_reader r;

    kd_reader_init(&r, der);
    n->name = kc_der_sub(&r, KC_DER_SEQ);
    kd_reader_init(&n->rdn, kd_bytes(NULL, 0));
    return kd_reader_done(&r);
}

/* The next one; false at the end, and after an error (then n->name.ok is false). */
static bool next(struct names *n, struct ava *out)
{
    struct kd_reader seq;

    if (kd_reader_left(&n->rdn) == 0) {
        if (kd_reader_left(&n->name) == 0)
            return false;
        n->rdn = kc_der_sub(&n->name, KC_DER_SET);
    }
    seq = kc_der_sub(&n->rdn, KC_DER_SEQ);
    out->oid = kc_der_get(&seq, KC_DER_OID);
    out->tag = kc_der_peek(&seq);
    out->value = kc_der_get(&seq, out->tag);
    out->last = kd_reader_left(&n->rdn) == 0;
    if (kd_reader_done(&seq) && n->rdn.ok)
        return true;
    kd_reader_fail(&n->name);
    return false;
}

bool kc_dn_valid(struct kd_bytes der)
{
    struct names n;
    struct ava a;

    if (!open_name(&n, der))
        return false;
    while (next(&n, &a))
        ;
    return n.name.ok;
}

static bool is_text(uint8_t tag)
{
    return tag == UTF8 || tag == PRINTABLE || tag == IA5;
}

static bool same(const struct ava *a, const struct ava *b)
{
    return kd_bytes_eq(a->oid, b->oid) && kd_bytes_eq(a->value, b->value) && a->last == b->last &&
           (a->tag == b->tag || (is_text(a->tag) && is_text(b->tag)));
}

bool kc_dn_equal(struct kd_bytes a, struct kd_bytes b)
{
    struct names na, nb;
    struct ava x, y;
    bool more;

    if (!open_name(&na, a) || !open_name(&nb, b))
        return false;
    do {
        more = next(&na, &x);
        if (more != next(&nb, &y) || (more && !same(&x, &y)))
            return false;
    } while (more);
    return na.name.ok && nb.name.ok;
}

/* ---- to text ---- */

struct text {
    char *p;
    size_t cap, n;
};

static void add(struct text *t, const char *s)
{
    for (; *s && t->n + 1 < t->cap; s++)
        t->p[t->n++] = *s;
    t->p[t->n] = 0;
}

static void add_hex(struct text *t, uint8_t b)
{
    char hex[3];

    snprintf(hex, sizeof(hex), "%02x", b);
    add(t, hex);
}

static void add_type(struct text *t, struct kd_bytes oid)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(attributes); i++) {
        if (kd_bytes_eq(attributes[i].oid, oid)) {
            add(t, attributes[i].name);
            return;
        }
    }
    add(t, "oid:");
    for (size_t i = 0; i < oid.len; i++)
        add_hex(t, oid.p[i]);
}

/* Harmless in a log, a terminal and a shell, whoever chose it. */
static void add_value(struct text *t, struct kd_bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.p[i];
        bool edge = i == 0 || i + 1 == v.len;

        if (c > 0x20 - !edge && c < 0x7f && !strchr(",+=\"'\\`$%<>;#", c)) {
            add(t, (char[]){(char)c, 0});
        } else {
            add(t, "\\");
            add_hex(t, c);
        }
    }
}

bool kc_dn_str(struct kd_bytes der, char *buf, size_t cap)
{
    struct text t = {buf, cap, 0};
    const char *join = "";
    struct names n;
    struct ava a;

    buf[0] = 0;
    if (!open_name(&n, der))
        return false;
    while (next(&n, &a)) {
        add(&t, join);
        add_type(&t, a.oid);
        add(&t, "=");
        add_value(&t, a.value);
        join = a.last ? ", " : "+";
    }
    if (!n.name.ok)
        buf[0] = 0;
    return n.name.ok;
}

/* ---- from text ---- */

static const struct attribute *by_name(const char *s, size_t len)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(attributes); i++) {
        if (strlen(attributes[i].name) == len && strncasecmp(attributes[i].name, s, len) == 0)
            return &attributes[i];
    }
    return NULL;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static const char *blanks(const char *s)
{
    while (*s == ' ')
        s++;
    return s;
}

/* One character behind a backslash. */
static const char *escaped(const char *s, uint8_t *out)
{
    int hi = digit(s[0]), lo = hi < 0 ? -1 : digit(s[1]);

    if (hi >= 0 && lo >= 0) {
        *out = (uint8_t)(hi << 4 | lo);
        return s + 2;
    }
    *out = (uint8_t)*s;
    return s + 1;
}

/* Up to the next comma, without the blanks around it. NULL: it is no value. */
static const char *read_value(const char *s, uint8_t *value, size_t *len)
{
    size_t keep = 0, n = 0;

    for (s = blanks(s); *s && *s != ','; n++) {
        bool literal = *s != '\\';
        if (n == VALUE_MAX || *s == '+' || *s == '=' || (!literal && !s[1]))
            return NULL;
        if (literal)
            value[n] = (uint8_t)*s++;
        else
            s = escaped(s + 1, &value[n]);
        if (!literal || value[n] != ' ')
            keep = n + 1;
    }
    *len = keep;
    return keep ? s : NULL;
}

static void put_ava(struct kd_writer *w, const struct attribute *a, struct kd_bytes value)
{
    size_t seq = kc_der_size(a->oid.len) + kc_der_size(value.len);

    kc_der_put_head(w, KC_DER_SET, kc_der_size(seq));
    kc_der_put_head(w, KC_DER_SEQ, seq);
    kc_der_put(w, KC_DER_OID, a->oid);
    kc_der_put(w, a->tag, value);
}

bool kc_dn_put(struct kd_writer *w, const char *text)
{
    uint8_t body[1024], value[VALUE_MAX];
    struct kd_writer b;
    size_t len;

    kd_writer_init(&b, body, sizeof(body));
    for (const char *s = text;; s++) {
        const char *name = blanks(s), *eq = strchr(name, '=');
        const struct attribute *a = eq ? by_name(name, (size_t)(eq - name)) : NULL;
        s = a ? read_value(eq + 1, value, &len) : NULL;
        if (!s)
            return false;
        put_ava(&b, a, kd_bytes(value, len));
        if (!*s)
            break;
    }
    kc_der_put(w, KC_DER_SEQ, kd_written(&b));
    return w->ok && b.ok;
}
