/* XFRM datagrams taken apart: the table of message types, and the small messages. */
#include "netlink/xfrm_wire.h"

#include <arpa/inet.h>

static const char *read_mapping(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct xfrm_user_mapping *x = mnl_nlmsg_get_payload(h);

    if (mnl_nlmsg_get_payload_len(h) < sizeof(*x))
        return "mapping: short";
    ev->mapping.id.dst = nl_xaddr_get(&x->id.daddr, x->id.family);
    ev->mapping.id.spi = ntohl(x->id.spi);
    ev->mapping.reqid = x->reqid;
    ev->mapping.src = nl_xaddr_get(&x->new_saddr, x->id.family);
    ev->mapping.old_src = nl_xaddr_get(&x->old_saddr, x->id.family);
    ev->mapping.sport = ntohs(x->new_sport);
    ev->mapping.old_sport = ntohs(x->old_sport);
    return ev->mapping.id.dst.family ? NULL : "mapping: bad family";
}

static const char *read_ae(const struct nlmsghdr *h, struct nl_xfrm_event *ev)
{
    const struct nlattr *tb[NL_XFRMA_N];
    const struct xfrm_aevent_id *x = mnl_nlmsg_get_payload(h);
    struct xfrm_lifetime_cur used;
    uint32_t window = 0;
    bool has_used;

    if (!nl_xattrs(h, sizeof(*x), tb))
        return "ae: malformed attributes";
    has_used = nl_xattr_copy(tb[XFRMA_LTIME_VAL], &used, sizeof(used));
    if ((tb[XFRMA_LTIME_VAL] && !has_used) || !nl_xreplay_get(tb, &window, &ev->ae.replay))
        return "ae: malformed state";
    ev->ae.id.dst = nl_xaddr_get(&x->sa_id.daddr, x->sa_id.family);
    ev->ae.id.spi = ntohl(x->sa_id.spi);
    ev->ae.reqid = x->reqid;
    ev->ae.has_replay = tb[XFRMA_REPLAY_VAL] || tb[XFRMA_REPLAY_ESN_VAL];
    if (has_used)
        nl_xused_get(&used, &ev->ae.used);
    return ev->ae.id.dst.family ? NULL : "ae: bad family";
}

static const struct row {
    uint16_t type;
    enum nl_xfrm_kind kind;
    bool is_del;
    const char *(*read)(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
} rows[] = {
    {XFRM_MSG_NEWSA, NL_XFRM_SA, false, nl_xfrm_sa},
    {XFRM_MSG_UPDSA, NL_XFRM_SA, false, nl_xfrm_sa},
    {XFRM_MSG_DELSA, NL_XFRM_SA, true, nl_xfrm_sa_gone},
    {XFRM_MSG_NEWPOLICY, NL_XFRM_POLICY, false, nl_xfrm_policy},
    {XFRM_MSG_UPDPOLICY, NL_XFRM_POLICY, false, nl_xfrm_policy},
    {XFRM_MSG_DELPOLICY, NL_XFRM_POLICY, true, nl_xfrm_policy_gone},
    {XFRM_MSG_EXPIRE, NL_XFRM_EXPIRE, false, nl_xfrm_expire},
    {XFRM_MSG_ACQUIRE, NL_XFRM_ACQUIRE, false, nl_xfrm_acquire},
    {XFRM_MSG_MAPPING, NL_XFRM_MAPPING, false, read_mapping},
    {XFRM_MSG_NEWAE, NL_XFRM_AE, false, read_ae},
};

static const struct row *row_of(uint16_t type)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

/* Nothing half-parsed is seen. */
static void refuse(struct nl_xfrm_event *ev, const struct nl_event *head, const char *why)
{
    explicit_bzero(ev, sizeof(*ev));
    ev->base = *head;
    ev->base.kind = NL_OTHER;
    memcpy(ev->base.text, why, strnlen(why, sizeof(ev->base.text) - 1));
}

static void parse(const struct nlmsghdr *h, void *arg)
{
    struct nl_xfrm_event *ev = arg;
    const struct row *row = row_of(h->nlmsg_type);
    struct nl_event head;
    const char *why;

    nl_parse_control(h, &head);
    memset(ev, 0, sizeof(*ev));
    ev->base = head;
    if (!row)
        return;
    ev->kind = row->kind;
    ev->base.is_del = row->is_del;
    why = row->read(h, ev);
    if (why)
        refuse(ev, &head, why);
}

bool nl_xfrm_next(struct kd_bytes *data, struct nl_xfrm_event *ev)
{
    return nl_frame(data, parse, ev);
}
