/* Routes and look-ups. Multipath of the old kind is read and never built (DESIGN 3.7: next-hop
 * objects); no source or TOS routing, no metrics (RTA_METRICS). */
#include "netlink/build.h"
#include "netlink/parse.h"

#include <linux/rtnetlink.h>

static const uint8_t types[] = {
    [RTA_DST] = MNL_TYPE_BINARY,     [RTA_SRC] = MNL_TYPE_BINARY, [RTA_OIF] = MNL_TYPE_U32,
    [RTA_GATEWAY] = MNL_TYPE_BINARY, [RTA_VIA] = MNL_TYPE_BINARY, [RTA_PREFSRC] = MNL_TYPE_BINARY,
    [RTA_PRIORITY] = MNL_TYPE_U32,   [RTA_TABLE] = MNL_TYPE_U32,  [RTA_NH_ID] = MNL_TYPE_U32,
    [RTA_MULTIPATH] = MNL_TYPE_BINARY,
};

static const uint8_t rtn[] = {
    [NL_ROUTE_UNICAST] = RTN_UNICAST,
    [NL_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
    [NL_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
};

/* A next hop of the other family (RFC 8950) travels with its family before it. */
static void put_via(struct nl_build *m, const struct kd_addr *gateway)
{
    struct {
        uint16_t family;
        uint8_t addr[16];
    } via = {.family = nl_af(gateway->family)};

    memcpy(via.addr, gateway->b, sizeof(via.addr));
    nl_build_put(m, RTA_VIA, &via, sizeof(via.family) + kd_addr_len(gateway));
}

/* In compat mode the kernel shows a next-hop object's gateway and device beside its id, but takes
 * only the one or the other. */
static void put_way(struct nl_build *m, const struct nl_route *r)
{
    if (r->prefsrc.family)
        nl_build_addr(m, RTA_PREFSRC, &r->prefsrc);
    if (r->nh_id) {
        nl_build_u32(m, RTA_NH_ID, r->nh_id);
        return;
    }
    if (r->gateway.family == r->dst.addr.family)
        nl_build_addr(m, RTA_GATEWAY, &r->gateway);
    else if (r->gateway.family)
        put_via(m, &r->gateway);
    if (r->oif)
        nl_build_u32(m, RTA_OIF, r->oif);
}

/* IPv4 wants a device route in scope link; deleting, "nowhere" matches every scope. */
static uint8_t scope(const struct nl_route *r, bool add)
{
    if (!add)
        return RT_SCOPE_NOWHERE;
    return r->type == NL_ROUTE_UNICAST && !r->nh_id && !r->gateway.family ? RT_SCOPE_LINK
                                                                          : RT_SCOPE_UNIVERSE;
}

bool nl_put_route(struct nl_buf *b, uint32_t seq, const struct nl_route *r, bool add)
{
    struct nl_build m;
    uint16_t flags = NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
    struct rtmsg *t = nl_build_start(&m, add ? RTM_NEWROUTE : RTM_DELROUTE, flags, seq, sizeof(*t));
    uint32_t table = r->table ? r->table : RT_TABLE_MAIN;

    kd_assert(r->dst.addr.family != 0 && (r->metric != 0 || !add) && r->type < KD_ARRAY_LEN(rtn));
    t->rtm_family = nl_af(r->dst.addr.family);
    t->rtm_dst_len = r->dst.len;
    t->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT;
    t->rtm_protocol = r->protocol;
    t->rtm_scope = scope(r, add);
    t->rtm_type = rtn[r->type];
    if (r->dst.len)
        nl_build_addr(&m, RTA_DST, &r->dst.addr);
    nl_build_u32(&m, RTA_TABLE, table);
    nl_build_u32(&m, RTA_PRIORITY, r->metric);
    put_way(&m, r);
    return nl_build_end(&m, b);
}

bool nl_put_route_get(struct nl_buf *b, uint32_t seq, const struct kd_addr *dst, uint32_t oif)
{
    struct nl_build m;
    struct rtmsg *t = nl_build_start(&m, RTM_GETROUTE, NLM_F_ACK, seq, sizeof(*t));

    kd_assert(dst->family != 0);
    t->rtm_family = nl_af(dst->family);
    t->rtm_dst_len = kd_addr_bits(dst);
    /* IPv4 names main otherwise; IPv6 always tells the table and refuses the flag. */
    t->rtm_flags = dst->family == 4 ? RTM_F_LOOKUP_TABLE : 0;
    nl_build_addr(&m, RTA_DST, dst);
    if (oif)
        nl_build_u32(&m, RTA_OIF, oif);
    return nl_build_end(&m, b);
}

static bool get_via(const struct nlattr *a, struct kd_addr *out)
{
    const uint8_t *p = mnl_attr_get_payload(a);
    size_t len = mnl_attr_get_payload_len(a);
    uint16_t af;

    if (len < sizeof(af))
        return false;
    memcpy(&af, p, sizeof(af));
    if ((af != AF_INET || len != sizeof(af) + 4) && (af != AF_INET6 || len != sizeof(af) + 16))
        return false;
    *out = kd_addr_from(nl_family((uint8_t)af), p + sizeof(af));
    return true;
}

/* Addresses; false when one has a wrong length. */
static bool get_addrs(const struct nlattr **tb, uint8_t family, struct nl_route *r)
{
    if (!nl_attr_addr(tb[RTA_DST], family, &r->dst.addr) ||
        !nl_attr_addr(tb[RTA_GATEWAY], family, &r->gateway) ||
        !nl_attr_addr(tb[RTA_PREFSRC], family, &r->prefsrc))
        return false;
    return !tb[RTA_VIA] || get_via(tb[RTA_VIA], &r->gateway);
}

/* The gateway among one hop's own attributes; false when they are malformed. */
static bool get_hop(const uint8_t *p, size_t len, uint8_t family, struct nl_hop *hop)
{
    struct rtnexthop h;

    memcpy(&h, p, sizeof(h));
    hop->oif = (uint32_t)h.rtnh_ifindex;
    for (size_t at = RTNH_SPACE(0); at + sizeof(struct nlattr) <= len;) {
        const struct nlattr *a = (const void *)(p + at);
        size_t room = MNL_ALIGN((size_t)a->nla_len);
        uint16_t type = mnl_attr_get_type(a);
        if (a->nla_len < sizeof(*a) || at + a->nla_len > len)
            return false;
        if (type == RTA_GATEWAY && !nl_attr_addr(a, family, &hop->gateway))
            return false;
        if (type == RTA_VIA && !get_via(a, &hop->gateway))
            return false;
        at += room;
    }
    return true;
}

static bool get_hops(const struct nlattr *a, uint8_t family, struct nl_route *r)
{
    const uint8_t *p = a ? mnl_attr_get_payload(a) : NULL;
    size_t left = a ? mnl_attr_get_payload_len(a) : 0;
    struct rtnexthop h;

    while (left >= sizeof(h)) {
        memcpy(&h, p, sizeof(h));
        if (h.rtnh_len < sizeof(h) || h.rtnh_len > left)
            return false;
        if (r->n_hops < NL_ROUTE_HOPS_MAX &&
            !get_hop(p, h.rtnh_len, family, &r->hop[r->n_hops++]))
            return false;
        left -= KD_MIN((size_t)RTNH_ALIGN(h.rtnh_len), left);
        p += RTNH_ALIGN(h.rtnh_len);
    }
    return left == 0;
}

static bool get_type(uint8_t type, enum nl_route_type *out)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rtn); i++) {
        if (rtn[i] == type) {
            *out = (enum nl_route_type)i;
            return true;
        }
    }
    return false;
}

/* IPv6 answers every look-up "from ::/128", and marks it as cloned or not as it pleases. */
static bool is_look_up(const struct rtmsg *t, const struct kd_addr *src)
{
    return t->rtm_src_len == 128 && src->family == 6 && kd_addr_is_any(src);
}

const char *nl_parse_route(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];
    const struct rtmsg *t = mnl_nlmsg_get_payload(h);
    struct nl_route *r = &ev->route;
    struct kd_addr src;
    uint8_t family;

    if (!nl_attrs(h, sizeof(*t), types, KD_ARRAY_LEN(types), tb))
        return "route: malformed attributes";
    family = nl_family(t->rtm_family);
    /* Source and TOS are part of the kernel's key: such a route would pass for another one. */
    if (!family || t->rtm_tos || !get_type(t->rtm_type, &r->type))
        return "";
    if (!nl_attr_addr(tb[RTA_SRC], family, &src) || !get_addrs(tb, family, r))
        return "route: address of wrong length";
    if (t->rtm_src_len && !is_look_up(t, &src))
        return "";
    if (!get_hops(tb[RTA_MULTIPATH], family, r))
        return "route: malformed hops";
    if (t->rtm_dst_len > (family == 4 ? 32 : 128) || (t->rtm_dst_len && !tb[RTA_DST]))
        return "route: bad destination";
    r->dst.addr.family = family;
    r->dst = kd_prefix_make(&r->dst.addr, t->rtm_dst_len);
    r->table = tb[RTA_TABLE] ? mnl_attr_get_u32(tb[RTA_TABLE]) : t->rtm_table;
    r->metric = nl_attr_u32(tb[RTA_PRIORITY]);
    r->protocol = t->rtm_protocol;
    r->nh_id = nl_attr_u32(tb[RTA_NH_ID]);
    r->oif = nl_attr_u32(tb[RTA_OIF]);
    r->cloned = (t->rtm_flags & RTM_F_CLONED) || t->rtm_src_len;
    return NULL;
}
