/* Traffic selectors (ranges, RFC 7296 3.13.1) taken apart into what an XFRM selector can say: one
 * prefix and one masked port at each end. Every pair of a local and a remote selector that a packet
 * could match at once becomes the product of its pieces. */
#include "io/xfrm_sel.h"

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58
#define PORTS_MAX    30 /* pieces a range of 16 bits can have */

struct ports {
    uint32_t n;
    uint16_t port[PORTS_MAX], mask[PORTS_MAX];
};

struct list {
    struct nl_selector *out;
    uint32_t n;
    const char *why;
};

/* ---- ranges of ports ---- */

/* The largest aligned block that begins at lo and ends by hi. */
static uint32_t block(uint32_t lo, uint32_t hi)
{
    uint32_t size = lo ? lo & -lo : 0x10000;

    while (lo + size - 1 > hi)
        size /= 2;
    return size;
}

static void split_ports(uint32_t lo, uint32_t hi, struct ports *p)
{
    p->n = 0;
    while (lo <= hi) {
        uint32_t size = block(lo, hi);

        kd_assert(p->n < PORTS_MAX);
        p->port[p->n] = (uint16_t)lo;
        p->mask[p->n++] = (uint16_t)(0x10000 - size);
        lo += size;
    }
}

/* ---- ranges of addresses ---- */

/* Adds one to the bit at position bit (from the left); false when it carries out of the address. */
static bool add_at(struct kd_addr *a, uint32_t bit)
{
    for (int i = (int)(bit / 8); i >= 0; i--) {
        uint32_t v = a->b[i] + (i == (int)(bit / 8) ? 0x80u >> bit % 8 : 1u);

        a->b[i] = (uint8_t)v;
        if (v < 256)
            return true;
    }
    return false;
}

/* The shortest prefix that begins at lo and ends by hi. */
static struct kd_prefix first_prefix(const struct kd_addr *lo, const struct kd_addr *hi)
{
    for (uint8_t len = 0;; len++) {
        struct kd_prefix p = kd_prefix_make(lo, len);
        struct kd_addr last = kd_prefix_last(&p);

        if (kd_addr_eq(&p.addr, lo) && kd_addr_cmp(&last, hi) <= 0)
            return p;
    }
}

/* Takes the first prefix off the range; false when that was the last. */
static bool next_prefix(struct kd_addr *lo, const struct kd_addr *hi, struct kd_prefix *p)
{
    *p = first_prefix(lo, hi);
    return p->len > 0 && add_at(lo, p->len - 1u) && kd_addr_cmp(lo, hi) <= 0;
}

/* ---- the product ---- */

static bool put(struct list *l, const struct nl_selector *s)
{
    if (l->n == IO_XFRM_SELS_MAX) {
        l->why = "its selectors take more than 128 policies in the kernel";
        return false;
    }
    l->out[l->n++] = *s;
    return true;
}

static bool put_ports(struct list *l, struct nl_selector *s, const struct ports *local,
                      const struct ports *remote)
{
    for (uint32_t i = 0; i < local->n; i++)
        for (uint32_t k = 0; k < remote->n; k++) {
            s->sport = local->port[i];
            s->sport_mask = local->mask[i];
            s->dport = remote->port[k];
            s->dport_mask = remote->mask[k];
            if (!put(l, s))
                return false;
        }
    return true;
}

static bool put_addrs(struct list *l, const struct ike_ts *a, const struct ike_ts *b,
                      struct nl_selector *s, const struct ports *local, const struct ports *remote)
{
    struct kd_addr from = a->lo, to;
    bool more_src, more_dst;

    do {
        more_src = next_prefix(&from, &a->hi, &s->src);
        to = b->lo;
        do {
            more_dst = next_prefix(&to, &b->hi, &s->dst);
            if (!put_ports(l, s, local, remote))
                return false;
        } while (more_dst);
    } while (more_src);
    return true;
}

static bool any_port(const struct ike_ts *ts)
{
    return ts->port_lo == 0 && ts->port_hi == UINT16_MAX;
}

/* Type and code stand in one number, at both ends or at one; the kernel has a field for each. */
static bool icmp_ports(struct list *l, const struct ike_ts *a, const struct ike_ts *b,
                       struct ports *type, struct ports *code)
{
    const struct ike_ts *ts = any_port(a) ? b : a;
    const bool same = ts->port_lo == b->port_lo && ts->port_hi == b->port_hi;
    const uint16_t t = ts->port_lo >> 8;

    *type = *code = (struct ports){.n = 1};
    if (any_port(ts))
        return true;
    if ((!same && !any_port(b)) || t != ts->port_hi >> 8) {
        l->why = "the kernel has no policy for these ICMP types";
        return false;
    }
    type->port[0] = t;
    type->mask[0] = UINT16_MAX;
    if ((ts->port_lo & 0xff) == 0 && (ts->port_hi & 0xff) == 0xff)
        return true;
    split_ports(ts->port_lo & 0xff, ts->port_hi & 0xff, code);
    return true;
}

static bool put_pair(struct list *l, const struct ike_ts *a, const struct ike_ts *b)
{
    struct nl_selector s = {.family = a->lo.family, .proto = a->proto ? a->proto : b->proto};
    struct ports local, remote;

    if (a->lo.family != b->lo.family || (a->proto && b->proto && a->proto != b->proto))
        return true; /* no packet is both */
    if (s.proto == PROTO_ICMP || s.proto == PROTO_ICMPV6) {
        if (!icmp_ports(l, a, b, &local, &remote))
            return false;
    } else {
        split_ports(a->port_lo, a->port_hi, &local);
        split_ports(b->port_lo, b->port_hi, &remote);
    }
    return put_addrs(l, a, b, &s, &local, &remote);
}

uint32_t io_xfrm_selectors(const struct ike_ts_list *local, const struct ike_ts_list *remote,
                           struct nl_selector out[IO_XFRM_SELS_MAX], const char **why)
{
    struct list l = {.out = out};

    for (uint8_t i = 0; i < local->n; i++)
        for (uint8_t k = 0; k < remote->n; k++)
            if (!put_pair(&l, &local->ts[i], &remote->ts[k])) {
                *why = l.why;
                return 0;
            }
    *why = l.n ? NULL : "no packet matches its selectors";
    return l.n;
}

struct nl_selector io_xfrm_selector_back(const struct nl_selector *s)
{
    struct nl_selector b = *s;

    b.src = s->dst;
    b.dst = s->src;
    if (s->proto == PROTO_ICMP || s->proto == PROTO_ICMPV6)
        return b;
    b.sport = s->dport;
    b.sport_mask = s->dport_mask;
    b.dport = s->sport;
    b.dport_mask = s->sport_mask;
    return b;
}

uint32_t io_xfrm_priority(const struct nl_selector *s)
{
    uint32_t narrow = (s->src.len + s->dst.len) * 128u + (s->proto ? 64u : 0u);

    narrow += (uint32_t)__builtin_popcount(s->sport_mask);
    narrow += (uint32_t)__builtin_popcount(s->dport_mask);
    return UINT16_MAX - narrow; /* at most 256 x 128 + 96 */
}

bool io_xfrm_selector_eq(const struct nl_selector *a, const struct nl_selector *b)
{
    return a->family == b->family && a->proto == b->proto && a->sport == b->sport &&
           a->sport_mask == b->sport_mask && a->dport == b->dport &&
           a->dport_mask == b->dport_mask && kd_prefix_eq(&a->src, &b->src) &&
           kd_prefix_eq(&a->dst, &b->dst);
}
