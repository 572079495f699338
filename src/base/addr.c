/* Addresses, endpoints and prefixes. inet_pton/ntop are pure text functions of libc: no I/O. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct kd_addr kd_addr_v4(uint32_t v)
{
    struct kd_addr a = {.family = 4};

    for (int i = 3; i >= 0; i--, v >>= 8)
        a.b[i] = (uint8_t)v;
    return a;
}

struct kd_addr kd_addr_from(uint8_t family, const uint8_t *bytes)
{
    struct kd_addr a = {.family = family};

    memcpy(a.b, bytes, kd_addr_len(&a));
    return a;
}

size_t kd_addr_len(const struct kd_addr *a)
{
    return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

uint8_t kd_addr_bits(const struct kd_addr *a)
{
    return (uint8_t)(kd_addr_len(a) * 8);
}

struct kd_bytes kd_addr_bytes(const struct kd_addr *a)
{
    return kd_bytes(a->b, kd_addr_len(a));
}

int kd_addr_cmp(const struct kd_addr *a, const struct kd_addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool kd_addr_eq(const struct kd_addr *a, const struct kd_addr *b)
{
    return kd_addr_cmp(a, b) == 0;
}

bool kd_addr_is_any(const struct kd_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool kd_addr_parse(const char *s, struct kd_addr *out)
{
    struct kd_addr a = {0};

    if (inet_pton(AF_INET, s, a.b) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, s, a.b) == 1)
        a.family = 6;
    else
        return false;
    *out = a;
    return true;
}

const char *kd_addr_str(const struct kd_addr *a, char *buf)
{
    if (a->family == 0)
        return strcpy(buf, "none");
    return inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, buf, KD_ADDR_STR_MAX);
}

bool kd_endpoint_eq(const struct kd_endpoint *a, const struct kd_endpoint *b)
{
    return a->port == b->port && kd_addr_eq(&a->addr, &b->addr);
}

const char *kd_endpoint_str(const struct kd_endpoint *e, char *buf)
{
    char addr[KD_ADDR_STR_MAX];

    snprintf(buf, KD_ENDPOINT_STR_MAX, e->addr.family == 6 ? "[%s]:%u" : "%s:%u",
             kd_addr_str(&e->addr, addr), e->port);
    return buf;
}

struct kd_prefix kd_prefix_make(const struct kd_addr *a, uint8_t len)
{
    struct kd_prefix p = {.addr = *a, .len = KD_MIN(len, kd_addr_bits(a))};
    size_t n = kd_addr_len(a);

    for (size_t i = 0; i < n; i++) {
        size_t bits = p.len > i * 8 ? KD_MIN(p.len - i * 8, (size_t)8) : 0;
        p.addr.b[i] &= (uint8_t)(0xff00u >> bits);
    }
    return p;
}

struct kd_prefix kd_prefix_host(const struct kd_addr *a)
{
    return kd_prefix_make(a, kd_addr_bits(a));
}

int kd_prefix_cmp(const struct kd_prefix *a, const struct kd_prefix *b)
{
    int c = kd_addr_cmp(&a->addr, &b->addr);

    return c ? c : (int)a->len - (int)b->len;
}

bool kd_prefix_eq(const struct kd_prefix *a, const struct kd_prefix *b)
{
    return kd_prefix_cmp(a, b) == 0;
}

bool kd_prefix_has(const struct kd_prefix *p, const struct kd_addr *a)
{
    struct kd_prefix cut;

    if (p->addr.family != a->family)
        return false;
    cut = kd_prefix_make(a, p->len);
    return kd_addr_eq(&cut.addr, &p->addr);
}

bool kd_prefix_covers(const struct kd_prefix *p, const struct kd_prefix *inner)
{
    return inner->len >= p->len && kd_prefix_has(p, &inner->addr);
}

bool kd_prefix_parse(const char *s, bool strict, struct kd_prefix *out)
{
    char text[KD_ADDR_STR_MAX];
    const char *slash = strchr(s, '/');
    size_t n = slash ? (size_t)(slash - s) : strlen(s);
    struct kd_addr a;
    unsigned long len;
    char *end;

    if (n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    if (!kd_addr_parse(text, &a))
        return false;
    len = kd_addr_bits(&a);
    if (slash) {
        if (slash[1] < '0' || slash[1] > '9')
            return false;
        len = strtoul(slash + 1, &end, 10);
        if (*end || len > kd_addr_bits(&a))
            return false;
    }
    *out = kd_prefix_make(&a, (uint8_t)len);
    return !strict || kd_addr_eq(&out->addr, &a);
}

const char *kd_prefix_str(const struct kd_prefix *p, char *buf)
{
    char addr[KD_ADDR_STR_MAX];

    snprintf(buf, KD_PREFIX_STR_MAX, "%s/%u", kd_addr_str(&p->addr, addr), p->len);
    return buf;
}

struct kd_addr kd_prefix_first(const struct kd_prefix *p)
{
    return p->addr;
}

struct kd_addr kd_prefix_last(const struct kd_prefix *p)
{
    struct kd_addr a = p->addr;
    size_t n = kd_addr_len(&a);

    for (size_t i = 0; i < n; i++) {
        size_t bits = p->len > i * 8 ? KD_MIN(p->len - i * 8, (size_t)8) : 0;
        a.b[i] |= (uint8_t)(0xffu >> bits);
    }
    return a;
}
