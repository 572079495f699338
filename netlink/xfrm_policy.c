/* Policies: which flow goes through which SA, is let pass, or dropped; and ACQUIRE, which tells of
 * a packet whose policy found no SA. */
#include "netlink/xfrm_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>

const char *const nl_policy_dir_names[] = {"in", "out", "fwd", NULL};

/* ---- build ---- */

/* Any algorithm: what may be used was negotiated (the kernel looks at the masks for ACQUIRE only).
 */
static void put_tmpl(struct nl_build *m, const struct nl_policy *p)
{
    const struct nl_policy_tmpl *t = &p->tmpl;
    const uint8_t family = t->dst.family ? t->dst.family : t->src.family;
    struct xfrm_user_tmpl x;

    memset(&x, 0, sizeof(x)); /* its padding goes to the kernel too */
    x.id.spi = htonl(t->spi);
    x.id.proto = IPPROTO_ESP;
    x.family = nl_af(family ? family : p->sel.family);
    x.reqid = t->reqid;
    x.mode = XFRM_MODE_TUNNEL;
    x.aalgos = x.ealgos = x.calgos = UINT32_MAX;
    nl_xaddr_put(&x.saddr, &t->src);
    nl_xaddr_put(&x.id.daddr, &t->dst);
    nl_build_put(m, XFRMA_TMPL, &x, sizeof(x));
}

bool nl_put_policy(struct nl_buf *b, uint32_t seq, const struct nl_policy *p, bool update)
{
    struct nl_build m;
    uint16_t type = update ? XFRM_MSG_UPDPOLICY : XFRM_MSG_NEWPOLICY;
    uint16_t flags = NLM_F_ACK | NLM_F_CREATE | (update ? NLM_F_REPLACE : NLM_F_EXCL);
    struct xfrm_userpolicy_info *i = nl_build_start(&m, type, flags, seq, sizeof(*i));

    kd_assert(p->sel.family != 0 && p->n_tmpl <= 1);
    nl_xsel_put(&i->sel, &p->sel);
    nl_xlife_none(&i->lft);
    i->priority = p->priority;
    i->dir = (uint8_t)p->dir;
    i->action = p->block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    if (p->n_tmpl)
        put_tmpl(&m, p);
    if (p->if_id)
        nl_build_u32(&m, XFRMA_IF_ID, p->if_id);
    if (p->offload_ifindex)
        nl_xoffload_put(&m, p->offload_ifindex, NL_XFRM_OFFLOAD_PACKET);
    return nl_build_end(&m, b);
}

static bool put_by_id(struct nl_buf *b, uint16_t type, uint32_t seq, const struct nl_policy *p)
{
    struct nl_build m;
    struct xfrm_userpolicy_id *i = nl_build_start(&m, type, NLM_F_ACK, seq, sizeof(*i));

    nl_xsel_put(&i->sel, &p->sel);
    i->dir = (uint8_t)p->dir;
    if (p->if_id)
        nl_build_u32(&m, XFRMA_IF_ID, p->if_id);
    return nl_build_end(&m, b);
}

bool nl_put_policy_del(struct nl_buf *b, uint32_t seq, const struct nl_policy *p)
{
    return put_by_id(b, XFRM_MSG_DELPOLICY, seq, p);
}

bool nl_put_policy_get(struct nl_buf *b, uint32_t seq, const struct nl_policy *p)
{
    return put_by_id(b, XFRM_MSG_GETPOLICY, seq, p);
}

bool nl_put_policy_dump(struct nl_buf *b, uint32_t seq)
{
    struct nl_build m;

    nl_build_start(&m, XFRM_MSG_GETPOLICY, NLM_F_DUMP, seq, sizeof(struct xfrm_userpolicy_id));
    return nl_build_end(&m, b);
}

/* ---- parse ---- */

static bool get_tmpl(const struct nlattr *a, struct nl_policy *p)
{
    const struct xfrm_user_tmpl *x = nl_xattr(a, sizeof(*x));
    size_t len = a ? mnl_attr_get_payload_len(a) : 0;

    p->n_tmpl = (uint32_t)(len / sizeof(*x));
    if (len % sizeof(*x) || p->n_tmpl > NL_POLICY_TMPL_MAX)
        return false;
    if (!x)
        return true;
    p->tmpl.src = nl_xaddr_get(&x->saddr, x->family);
    p->tmpl.dst = nl_xaddr_get(&x->id.daddr, x->family);
    if (kd_addr_is_any(&p->tmpl.src))
        p->tmpl.src = (struct kd_addr){0};
    if (kd_addr_is_any(&p->tmpl.dst))
        p->tmpl.dst = (struct kd_addr){0};
    p->tmpl.spi = ntohl(x->id.spi);
    p->tmpl.reqid = x->reqid;
    return true;
}

/* Directions from 3 on are sockets' own policies (index only), which nobody dumps. */
static const char *read_policy(const struct xfrm_userpolicy_info *i, const struct nlattr *const *tb,
                               struct nl_policy *p)
{
    if (i->dir > NL_POLICY_FWD)
        return "policy: direction";
    if (!nl_xsel_get(&i->sel, &p->sel))
        return "policy: bad family or prefix";
    if (!get_tmpl(tb[XFRMA_TMPL], p))
        return "policy: malformed template";
    p->dir = (enum nl_policy_dir)i->dir;
    p->priority = i->priority;
    p->index = i->index;
    p->block = i->action == XFRM_POLICY_BLOCK;
    p->if_id = nl_attr_u32(tb[XFRMA_IF_ID]);
    return NULL;
}

const char *nl_xfrm_policy(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    const struct xfrm_userpolicy_info *i = mnl_nlmsg_get_payload(h);

    if (!nl_xattrs(h, sizeof(*i), tb))
        return "policy: malformed attributes";
    return read_policy(i, tb, &ev->policy);
}

const char *nl_xfrm_policy_gone(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    struct xfrm_userpolicy_info i;

    if (!nl_xattrs(h, sizeof(struct xfrm_userpolicy_id), tb))
        return "policy: malformed attributes";
    if (!nl_xattr_copy(tb[XFRMA_POLICY], &i, sizeof(i)))
        return "policy: deleted, without which";
    return read_policy(&i, tb, &ev->policy);
}

const char *nl_xfrm_acquire(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    const struct xfrm_user_acquire *a = mnl_nlmsg_get_payload(h);

    if (!nl_xattrs(h, sizeof(*a), tb))
        return "acquire: malformed attributes";
    if (!nl_xsel_get(&a->sel, &ev->acquire_sel))
        return "acquire: bad family or prefix";
    return read_policy(&a->policy, tb, &ev->policy);
}
