/* Policy rules of one kind: to a destination, out of an interface, look in a table. Of others' what
 * selects by anything else is not read: half of a rule would be a lie. Layout:
 * include/uapi/linux/fib_rules.h. */
#include "netlink/build.h"
#include "netlink/parse.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static const uint8_t types[] = {
    [FRA_DST] = MNL_TYPE_BINARY,    [FRA_PRIORITY] = MNL_TYPE_U32,
    [FRA_FWMARK] = MNL_TYPE_BINARY, [FRA_IIFNAME] = MNL_TYPE_BINARY,
    [FRA_TABLE] = MNL_TYPE_U32,     [FRA_OIFNAME] = MNL_TYPE_NUL_STRING,
    [FRA_PROTOCOL] = MNL_TYPE_U8,
};

bool nl_put_rule(struct nl_buf *b, uint32_t seq, const struct nl_rule *r, bool add)
{
    struct nl_build m;
    uint16_t flags = NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0);
    struct fib_rule_hdr *h =
        nl_build_start(&m, add ? RTM_NEWRULE : RTM_DELRULE, flags, seq, sizeof(*h));

    kd_assert(r->table != 0 && r->oif[0] && memchr(r->oif, '\0', sizeof(r->oif)));
    h->family = nl_af(r->dst.addr.family);
    h->dst_len = r->dst.len;
    h->action = FR_ACT_TO_TBL;
    nl_build_addr(&m, FRA_DST, &r->dst.addr);
    nl_build_u32(&m, FRA_PRIORITY, r->priority);
    nl_build_u32(&m, FRA_TABLE, r->table);
    nl_build_put(&m, FRA_OIFNAME, r->oif, strlen(r->oif) + 1);
    nl_build_put(&m, FRA_PROTOCOL, &r->protocol, sizeof(r->protocol));
    return nl_build_end(&m, b);
}

const char *nl_parse_rule(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];
    const struct fib_rule_hdr *f = mnl_nlmsg_get_payload(h);
    struct nl_rule *r = &ev->rule;
    struct kd_addr dst;

    if (!nl_attrs(h, sizeof(*f), types, KD_ARRAY_LEN(types), tb))
        return "rule: malformed attributes";
    if (!nl_family(f->family) || f->action != FR_ACT_TO_TBL || f->src_len || f->tos ||
        !tb[FRA_DST] || !tb[FRA_OIFNAME] || tb[FRA_FWMARK] || tb[FRA_IIFNAME])
        return "";
    if (!nl_attr_addr(tb[FRA_DST], nl_family(f->family), &dst) || f->dst_len > kd_addr_bits(&dst))
        return "rule: destination of wrong length";
    r->dst = kd_prefix_make(&dst, f->dst_len);
    r->table = tb[FRA_TABLE] ? nl_attr_u32(tb[FRA_TABLE]) : f->table;
    r->priority = nl_attr_u32(tb[FRA_PRIORITY]);
    r->protocol = tb[FRA_PROTOCOL] ? mnl_attr_get_u8(tb[FRA_PROTOCOL]) : 0;
    nl_attr_str(tb[FRA_OIFNAME], r->oif, sizeof(r->oif));
    return NULL;
}
