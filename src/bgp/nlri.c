/* NLRI lists. Bits behind the prefix length are irrelevant and are cleared (RFC 4271 4.3). */
#include "bgp/nlri.h"

bool bgp_nlri_ok(struct kd_bytes nlri, uint8_t family)
{
    uint8_t max = family == 4 ? 32 : 128;
    struct kd_reader r;

    kd_reader_init(&r, nlri);
    while (kd_reader_left(&r) > 0) {
        uint8_t len = kd_get_u8(&r);
        if (len > max)
            return false;
        kd_skip(&r, (len + 7u) / 8);
    }
    return r.ok;
}

bool bgp_nlri_next(struct kd_reader *r, uint8_t family, struct kd_prefix *p)
{
    size_t n;

    if (kd_reader_left(r) == 0)
        return false;
    *p = (struct kd_prefix){.addr.family = family, .len = kd_get_u8(r)};
    n = (p->len + 7u) / 8;
    if (n > kd_addr_len(&p->addr)) {
        kd_reader_fail(r);
        return false;
    }
    kd_get_copy(r, p->addr.b, n);
    if (p->len % 8)
        p->addr.b[n - 1] &= (uint8_t)(0xff00 >> p->len % 8);
    return r->ok;
}

size_t bgp_nlri_len(const struct kd_prefix *p)
{
    return 1 + (p->len + 7u) / 8;
}

void bgp_nlri_put(struct kd_writer *w, const struct kd_prefix *p)
{
    kd_put_u8(w, p->len);
    kd_put_bytes(w, kd_bytes(p->addr.b, (p->len + 7u) / 8));
}

bool bgp_nlri_martian(const struct kd_prefix *p)
{
    const uint8_t *b = p->addr.b;

    if (p->addr.family == 4)
        return p->len >= 4 && ((p->len >= 8 && b[0] == 127) || b[0] >= 224);
    return p->len >= 8 && (b[0] == 0xff || (p->len >= 10 && b[0] == 0xfe && (b[1] & 0xc0) == 0x80));
}
