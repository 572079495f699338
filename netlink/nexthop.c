/* Next-hop objects and groups of them (DESIGN 3.7). No weights, resilient groups or encapsulation:
 * members of a foreign group are read without their weights. */
#include "netlink/build.h"
#include "netlink/parse.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

static const uint8_t types[] = {
    [NHA_ID] = MNL_TYPE_U32,  [NHA_GROUP] = MNL_TYPE_BINARY,   [NHA_BLACKHOLE] = MNL_TYPE_FLAG,
    [NHA_OIF] = MNL_TYPE_U32, [NHA_GATEWAY] = MNL_TYPE_BINARY,
};

static void put_group(struct nl_build *m, const struct nl_nexthop *n)
{
    struct nexthop_grp g[NL_NH_GROUP_MAX] = {0};

    kd_assert(n->n_group <= NL_NH_GROUP_MAX && n->family == 0);
    for (uint32_t i = 0; i < n->n_group; i++)
        g[i].id = n->group[i];
    nl_build_put(m, NHA_GROUP, g, n->n_group * sizeof(g[0]));
}

static void put_single(struct nl_build *m, const struct nl_nexthop *n)
{
    if (n->blackhole) {
        nl_build_put(m, NHA_BLACKHOLE, NULL, 0);
        return; /* the kernel refuses it together with a device or gateway */
    }
    nl_build_u32(m, NHA_OIF, n->oif);
    if (n->gateway.family)
        nl_build_addr(m, NHA_GATEWAY, &n->gateway);
}

bool nl_put_nexthop(struct nl_buf *b, uint32_t seq, const struct nl_nexthop *n)
{
    struct nl_build m;
    uint16_t flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    struct nhmsg *h = nl_build_start(&m, RTM_NEWNEXTHOP, flags, seq, sizeof(*h));

    kd_assert(n->id != 0); /* 0 lets the kernel choose: then it couldn't be ours by its range */
    h->nh_family = nl_af(n->family);
    h->nh_protocol = n->protocol;
    h->nh_flags = n->onlink ? RTNH_F_ONLINK : 0;
    nl_build_u32(&m, NHA_ID, n->id);
    if (n->n_group)
        put_group(&m, n);
    else
        put_single(&m, n);
    return nl_build_end(&m, b);
}

bool nl_put_nexthop_del(struct nl_buf *b, uint32_t seq, uint32_t id)
{
    struct nl_build m;

    nl_build_start(&m, RTM_DELNEXTHOP, NLM_F_ACK, seq, sizeof(struct nhmsg));
    nl_build_u32(&m, NHA_ID, id);
    return nl_build_end(&m, b);
}

static const char *get_group(const struct nlattr *a, struct nl_nexthop *n)
{
    size_t len = mnl_attr_get_payload_len(a);
    const uint8_t *p = mnl_attr_get_payload(a);
    struct nexthop_grp g;

    if (len == 0 || len % sizeof(g) != 0)
        return "next hop: malformed group";
    if (len / sizeof(g) > NL_NH_GROUP_MAX)
        return ""; /* somebody else's: cut, it would be a lie */
    for (; n->n_group < len / sizeof(g); n->n_group++) {
        memcpy(&g, p + n->n_group * sizeof(g), sizeof(g));
        n->group[n->n_group] = g.id;
    }
    return NULL;
}

const char *nl_parse_nexthop(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];
    const struct nhmsg *t = mnl_nlmsg_get_payload(h);
    struct nl_nexthop *n = &ev->nexthop;

    if (!nl_attrs(h, sizeof(*t), types, KD_ARRAY_LEN(types), tb))
        return "next hop: malformed attributes";
    n->id = nl_attr_u32(tb[NHA_ID]);
    n->family = nl_family(t->nh_family);
    if (!n->id)
        return "next hop: no id";
    if (!n->family && t->nh_family != AF_UNSPEC)
        return "";
    if (tb[NHA_GATEWAY] && !n->family)
        return "next hop: gateway without family";
    if (!nl_attr_addr(tb[NHA_GATEWAY], n->family, &n->gateway))
        return "next hop: gateway of wrong length";
    n->protocol = t->nh_protocol;
    n->blackhole = tb[NHA_BLACKHOLE] != NULL;
    n->oif = nl_attr_u32(tb[NHA_OIF]);
    n->onlink = t->nh_flags & RTNH_F_ONLINK;
    return tb[NHA_GROUP] ? get_group(tb[NHA_GROUP], n) : NULL;
}
