/* Interface addresses. No lifetimes, labels or broadcast addresses. */
#include "netlink/build.h"
#include "netlink/parse.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

static const uint8_t types[] = {
    [IFA_ADDRESS] = MNL_TYPE_BINARY,
    [IFA_LOCAL] = MNL_TYPE_BINARY,
    [IFA_PROTO] = MNL_TYPE_U8,
};

bool nl_put_addr(struct nl_buf *b, uint32_t seq, const struct nl_addr_set *a, bool add)
{
    struct nl_build m;
    uint16_t flags = NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
    struct ifaddrmsg *i =
        nl_build_start(&m, add ? RTM_NEWADDR : RTM_DELADDR, flags, seq, sizeof(*i));
    const struct kd_addr *local = a->local.family ? &a->local : &a->prefix.addr;
    bool inside = kd_prefix_has(&a->prefix, local);

    kd_assert(local->family != 0 && local->family == a->prefix.addr.family);
    i->ifa_family = nl_af(local->family);
    i->ifa_prefixlen = a->prefix.len;
    i->ifa_index = a->ifindex;
    if (add && local->family == 6) /* a tunnel has no one to ask; detection would hold it back */
        i->ifa_flags = IFA_F_NODAD;
    nl_build_addr(&m, IFA_LOCAL, local);
    nl_build_addr(&m, IFA_ADDRESS, inside ? local : &a->prefix.addr);
    if (a->protocol)
        nl_build_put(&m, IFA_PROTO, &a->protocol, 1);
    return nl_build_end(&m, b);
}

const char *nl_parse_addr(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];
    const struct ifaddrmsg *i = mnl_nlmsg_get_payload(h);
    struct kd_addr addr, local;
    uint8_t family;

    if (!nl_attrs(h, sizeof(*i), types, KD_ARRAY_LEN(types), tb))
        return "address: malformed attributes";
    family = nl_family(i->ifa_family);
    if (!family)
        return "";
    /* IFA_ADDRESS is the peer's where the two differ; IPv6 leaves IFA_LOCAL out where they don't.
     */
    if (!nl_attr_addr(tb[IFA_ADDRESS] ? tb[IFA_ADDRESS] : tb[IFA_LOCAL], family, &addr) ||
        !nl_attr_addr(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], family, &local))
        return "address: wrong length for its family";
    if (!addr.family)
        return "address: missing";
    if (i->ifa_prefixlen > kd_addr_bits(&addr))
        return "address: prefix longer than its family";
    ev->addr.ifindex = i->ifa_index;
    ev->addr.prefix = kd_prefix_make(&addr, i->ifa_prefixlen);
    ev->addr.local = local;
    ev->addr.protocol = tb[IFA_PROTO] ? mnl_attr_get_u8(tb[IFA_PROTO]) : 0;
    return NULL;
}
