/* Dump requests. NETLINK_GET_STRICT_CHK wants each type's own header, nothing set in it but the
 * family. */
#include "netlink/build.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

static size_t fixed_len(uint16_t type)
{
    switch (type) {
    case RTM_GETLINK:
        return sizeof(struct ifinfomsg);
    case RTM_GETADDR:
        return sizeof(struct ifaddrmsg);
    case RTM_GETROUTE:
        return sizeof(struct rtmsg);
    case RTM_GETNEXTHOP:
        return sizeof(struct nhmsg);
    case RTM_GETRULE:
        return sizeof(struct fib_rule_hdr);
    default:
        return 0;
    }
}

bool nl_put_dump(struct nl_buf *b, uint32_t seq, uint16_t type, uint8_t family)
{
    struct nl_build m;
    uint8_t *fixed;

    kd_assert(fixed_len(type) != 0);
    /* No NLM_F_ACK: NLMSG_DONE is the answer. */
    fixed = nl_build_start(&m, type, NLM_F_DUMP, seq, fixed_len(type));
    fixed[0] = nl_af(family); /* the first byte of all of them */
    if (type == RTM_GETLINK)
        nl_build_u32(&m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return nl_build_end(&m, b);
}

bool nl_put_route_dump(struct nl_buf *b, uint32_t seq, uint8_t family, uint8_t protocol)
{
    struct nl_build m;
    struct rtmsg *r = nl_build_start(&m, RTM_GETROUTE, NLM_F_DUMP, seq, sizeof(*r));

    r->rtm_family = nl_af(family);
    r->rtm_protocol = protocol;
    return nl_build_end(&m, b);
}
