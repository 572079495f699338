/* Links: up, MTU, alias and master set; name, flags, carrier, an XFRM interface's if_id and a VRF's
 * table read. Of
 * interfaces only XFRM's are made and deleted (a TUN comes from io). */
#include "netlink/build.h"
#include "netlink/parse.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>

static const uint8_t types[] = {
    [IFLA_IFNAME] = MNL_TYPE_NUL_STRING,  [IFLA_MTU] = MNL_TYPE_U32,
    [IFLA_IFALIAS] = MNL_TYPE_NUL_STRING, [IFLA_CARRIER] = MNL_TYPE_U8,
    [IFLA_LINKINFO] = MNL_TYPE_NESTED,
};

static const uint8_t info_types[] = {
    [IFLA_INFO_KIND] = MNL_TYPE_NUL_STRING,
    [IFLA_INFO_DATA] = MNL_TYPE_NESTED,
};

static const uint8_t xfrm_types[] = {
    [IFLA_XFRM_LINK] = MNL_TYPE_U32,
    [IFLA_XFRM_IF_ID] = MNL_TYPE_U32,
};

static const uint8_t vrf_types[] = {[IFLA_VRF_TABLE] = MNL_TYPE_U32};

bool nl_put_link_set(struct nl_buf *b, uint32_t seq, const struct nl_link_set *l)
{
    struct nl_build m;
    struct ifinfomsg *i = nl_build_start(&m, RTM_SETLINK, NLM_F_ACK, seq, sizeof(*i));

    kd_assert(l->ifindex > 0 && l->ifindex <= INT32_MAX);
    i->ifi_index = (int)l->ifindex;
    i->ifi_flags = l->up ? IFF_UP : 0;
    i->ifi_change = IFF_UP;
    if (l->mtu)
        nl_build_u32(&m, IFLA_MTU, l->mtu);
    if (l->alias) {
        kd_assert(strlen(l->alias) < NL_ALIAS_MAX);
        /* Without the NUL: the kernel takes the length as it is. */
        nl_build_put(&m, IFLA_IFALIAS, l->alias, strlen(l->alias));
    }
    if (l->master)
        nl_build_u32(&m, IFLA_MASTER, l->master);
    return nl_build_end(&m, b);
}

bool nl_put_link_xfrm(struct nl_buf *b, uint32_t seq, const char *name, uint32_t if_id,
                      uint32_t outer)
{
    struct nl_build m;
    struct nlattr *info, *data;

    kd_assert(name[0] && strlen(name) < NL_NAME_MAX && if_id);
    nl_build_start(&m, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, seq,
                   sizeof(struct ifinfomsg));
    nl_build_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
    info = mnl_attr_nest_start(&m.h, IFLA_LINKINFO);
    nl_build_put(&m, IFLA_INFO_KIND, "xfrm", sizeof("xfrm"));
    data = mnl_attr_nest_start(&m.h, IFLA_INFO_DATA);
    if (outer)
        nl_build_u32(&m, IFLA_XFRM_LINK, outer);
    nl_build_u32(&m, IFLA_XFRM_IF_ID, if_id);
    mnl_attr_nest_end(&m.h, data);
    mnl_attr_nest_end(&m.h, info);
    return nl_build_end(&m, b);
}

bool nl_put_link_del(struct nl_buf *b, uint32_t seq, uint32_t ifindex)
{
    struct nl_build m;
    struct ifinfomsg *i = nl_build_start(&m, RTM_DELLINK, NLM_F_ACK, seq, sizeof(*i));

    kd_assert(ifindex > 0 && ifindex <= INT32_MAX);
    i->ifi_index = (int)ifindex;
    return nl_build_end(&m, b);
}

/* The number in the kind's own attributes, 0 when it has none. */
static bool parse_data(const struct nlattr *data, const uint8_t *kind_types, size_t n, int attr,
                       uint32_t *out)
{
    const struct nlattr *tb[KD_ARRAY_LEN(xfrm_types)];

    kd_assert(n <= KD_ARRAY_LEN(tb));
    if (data && !nl_attrs_in(data, kind_types, n, tb))
        return false;
    *out = data ? nl_attr_u32(tb[attr]) : 0;
    return true;
}

/* Of the kinds that are of interest: XFRM interfaces and VRFs. False when one can't be read. */
static bool parse_kind(const struct nlattr *info, struct nl_link_info *l)
{
    const struct nlattr *tb[KD_ARRAY_LEN(info_types)];
    const char *kind;

    if (!info)
        return true;
    if (!nl_attrs_in(info, info_types, KD_ARRAY_LEN(info_types), tb))
        return false;
    kind = tb[IFLA_INFO_KIND] ? mnl_attr_get_str(tb[IFLA_INFO_KIND]) : "";
    l->xfrm = strcmp(kind, "xfrm") == 0;
    if (l->xfrm)
        return parse_data(tb[IFLA_INFO_DATA], xfrm_types, KD_ARRAY_LEN(xfrm_types), IFLA_XFRM_IF_ID,
                          &l->if_id);
    return strcmp(kind, "vrf") != 0 ||
           parse_data(tb[IFLA_INFO_DATA], vrf_types, KD_ARRAY_LEN(vrf_types), IFLA_VRF_TABLE,
                      &l->vrf_table);
}

const char *nl_parse_link(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];
    const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);

    if (!nl_attrs(h, sizeof(*i), types, KD_ARRAY_LEN(types), tb))
        return "link: malformed attributes";
    /* AF_BRIDGE and AF_INET6 send partial messages of this type: a DELLINK of a bridge port is not
     * the end of the link. */
    if (i->ifi_family != AF_UNSPEC)
        return "";
    if (!tb[IFLA_IFNAME] || mnl_attr_get_payload_len(tb[IFLA_IFNAME]) > NL_NAME_MAX)
        return "link: name missing or too long";
    if (i->ifi_index <= 0)
        return "link: bad index";
    if (!parse_kind(tb[IFLA_LINKINFO], &ev->link))
        return "link: malformed kind";
    ev->link.ifindex = (uint32_t)i->ifi_index;
    nl_attr_str(tb[IFLA_IFNAME], ev->link.name, sizeof(ev->link.name));
    nl_attr_str(tb[IFLA_IFALIAS], ev->link.alias, sizeof(ev->link.alias));
    ev->link.mtu = nl_attr_u32(tb[IFLA_MTU]);
    ev->link.up = i->ifi_flags & IFF_UP;
    ev->link.carrier = tb[IFLA_CARRIER] ? mnl_attr_get_u8(tb[IFLA_CARRIER]) != 0
                                        : (i->ifi_flags & IFF_LOWER_UP) != 0;
    return NULL;
}
