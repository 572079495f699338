/* Addresses, selectors, limits and attributes of XFRM messages. Knows no message. */
#include "netlink/xfrm_wire.h"

#include <arpa/inet.h>

void nl_xaddr_put(xfrm_address_t *to, const struct kd_addr *a)
{
    memcpy(to, a->b, kd_addr_len(a));
}

struct kd_addr nl_xaddr_get(const xfrm_address_t *x, uint16_t af)
{
    uint8_t family = af <= UINT8_MAX ? nl_family((uint8_t)af) : 0;
    uint8_t b[16];

    memcpy(b, x, sizeof(b));
    return family ? kd_addr_from(family, b) : (struct kd_addr){0};
}

void nl_xsel_put(struct xfrm_selector *to, const struct nl_selector *s)
{
    kd_assert(s->family == s->src.addr.family && s->family == s->dst.addr.family);
    to->family = nl_af(s->family);
    nl_xaddr_put(&to->saddr, &s->src.addr);
    nl_xaddr_put(&to->daddr, &s->dst.addr);
    to->prefixlen_s = s->src.len;
    to->prefixlen_d = s->dst.len;
    to->proto = s->proto;
    to->sport = htons(s->sport);
    to->sport_mask = htons(s->sport_mask);
    to->dport = htons(s->dport);
    to->dport_mask = htons(s->dport_mask);
    to->ifindex = (int)s->ifindex;
}

static bool prefix_get(const xfrm_address_t *x, uint16_t af, uint8_t len, struct kd_prefix *p)
{
    struct kd_addr a = nl_xaddr_get(x, af);

    *p = kd_prefix_make(&a, len);
    return len <= kd_addr_bits(&a);
}

bool nl_xsel_get(const struct xfrm_selector *x, struct nl_selector *s)
{
    *s = (struct nl_selector){.proto = x->proto,
                              .sport = ntohs(x->sport),
                              .sport_mask = ntohs(x->sport_mask),
                              .dport = ntohs(x->dport),
                              .dport_mask = ntohs(x->dport_mask),
                              .ifindex = (uint32_t)x->ifindex};
    if (x->family != AF_UNSPEC && x->family != AF_INET && x->family != AF_INET6)
        return false;
    s->family = nl_family((uint8_t)x->family);
    if (!s->family)
        return true;
    return prefix_get(&x->saddr, x->family, x->prefixlen_s, &s->src) &&
           prefix_get(&x->daddr, x->family, x->prefixlen_d, &s->dst);
}

static uint64_t limit(uint64_t v)
{
    return v ? v : XFRM_INF;
}

static uint64_t unlimit(uint64_t v)
{
    return v == XFRM_INF ? 0 : v;
}

void nl_xlife_put(struct xfrm_lifetime_cfg *to, const struct nl_sa_life *l)
{
    to->soft_byte_limit = limit(l->soft_bytes);
    to->hard_byte_limit = limit(l->hard_bytes);
    to->soft_packet_limit = limit(l->soft_packets);
    to->hard_packet_limit = limit(l->hard_packets);
    to->soft_add_expires_seconds = l->soft_add_s; /* of times, 0 is none */
    to->hard_add_expires_seconds = l->hard_add_s;
    to->soft_use_expires_seconds = l->soft_use_s;
    to->hard_use_expires_seconds = l->hard_use_s;
}

void nl_xoffload_put(struct nl_build *m, uint32_t ifindex, uint8_t flags)
{
    struct xfrm_user_offload o;

    memset(&o, 0, sizeof(o)); /* its padding goes to the kernel too */
    o.ifindex = (int)ifindex;
    o.flags = flags;
    nl_build_put(m, XFRMA_OFFLOAD_DEV, &o, sizeof(o));
}

void nl_xlife_none(struct xfrm_lifetime_cfg *to)
{
    nl_xlife_put(to, &(struct nl_sa_life){0});
}

void nl_xlife_get(const struct xfrm_lifetime_cfg *x, struct nl_sa_life *l)
{
    *l = (struct nl_sa_life){.soft_bytes = unlimit(x->soft_byte_limit),
                             .hard_bytes = unlimit(x->hard_byte_limit),
                             .soft_packets = unlimit(x->soft_packet_limit),
                             .hard_packets = unlimit(x->hard_packet_limit),
                             .soft_add_s = x->soft_add_expires_seconds,
                             .hard_add_s = x->hard_add_expires_seconds,
                             .soft_use_s = x->soft_use_expires_seconds,
                             .hard_use_s = x->hard_use_expires_seconds};
}

void nl_xused_get(const struct xfrm_lifetime_cur *x, struct nl_sa_used *u)
{
    *u = (struct nl_sa_used){
        .bytes = x->bytes, .packets = x->packets, .add_s = x->add_time, .use_s = x->use_time};
}

bool nl_xattrs(const struct nlmsghdr *h, size_t fixed_len, const struct nlattr **tb)
{
    static const uint8_t types[NL_XFRMA_N] = {
        [XFRMA_ALG_AUTH] = MNL_TYPE_BINARY,
        [XFRMA_ALG_CRYPT] = MNL_TYPE_BINARY,
        [XFRMA_ENCAP] = MNL_TYPE_BINARY,
        [XFRMA_TMPL] = MNL_TYPE_BINARY,
        [XFRMA_SA] = MNL_TYPE_BINARY,
        [XFRMA_POLICY] = MNL_TYPE_BINARY,
        [XFRMA_LTIME_VAL] = MNL_TYPE_BINARY,
        [XFRMA_REPLAY_VAL] = MNL_TYPE_BINARY,
        [XFRMA_REPLAY_THRESH] = MNL_TYPE_U32,
        [XFRMA_ALG_AEAD] = MNL_TYPE_BINARY,
        [XFRMA_ALG_AUTH_TRUNC] = MNL_TYPE_BINARY,
        [XFRMA_REPLAY_ESN_VAL] = MNL_TYPE_BINARY,
        [XFRMA_OFFLOAD_DEV] = MNL_TYPE_BINARY,
        [XFRMA_SET_MARK] = MNL_TYPE_U32,
        [XFRMA_SET_MARK_MASK] = MNL_TYPE_U32,
        [XFRMA_IF_ID] = MNL_TYPE_U32,
        [XFRMA_MTIMER_THRESH] = MNL_TYPE_U32,
        [NL_XFRMA_SA_DIR] = MNL_TYPE_U8,
        [NL_XFRMA_SA_PCPU] = MNL_TYPE_U32,
    };

    return nl_attrs(h, fixed_len, types, NL_XFRMA_N, tb);
}

const void *nl_xattr(const struct nlattr *a, size_t len)
{
    return a && mnl_attr_get_payload_len(a) >= len ? mnl_attr_get_payload(a) : NULL;
}

bool nl_xattr_copy(const struct nlattr *a, void *out, size_t len)
{
    const void *p = nl_xattr(a, len);

    if (p)
        memcpy(out, p, len);
    return p != NULL;
}
