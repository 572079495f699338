/* Takes incoming datagrams apart: framing, and the table of message types. No effects, no state. */
#include "netlink/parse.h"

#include <limits.h>
#include <linux/rtnetlink.h>

/* Above any message the kernel sends: it fills at most 32 KiB at a time. */
#define MSG_MAX 32768

#define STRUCT_ALIGN 8 /* of what has 64 bits: XFRM's fixed parts */

struct row {
    uint16_t type;
    enum nl_kind kind;
    bool is_del;
    const char *(*parse)(const struct nlmsghdr *h, struct nl_event *ev);
};

static const struct row control[] = {
    {NLMSG_ERROR, NL_ACK, false, nl_parse_ack},
    {NLMSG_DONE, NL_DONE, false, nl_parse_done},
    {NLMSG_OVERRUN, NL_OVERRUN, false, NULL},
};

static const struct row rtnetlink[] = {
    {RTM_NEWLINK, NL_LINK, false, nl_parse_link},
    {RTM_DELLINK, NL_LINK, true, nl_parse_link},
    {RTM_NEWADDR, NL_ADDR, false, nl_parse_addr},
    {RTM_DELADDR, NL_ADDR, true, nl_parse_addr},
    {RTM_NEWROUTE, NL_ROUTE, false, nl_parse_route},
    {RTM_DELROUTE, NL_ROUTE, true, nl_parse_route},
    {RTM_NEWNEXTHOP, NL_NEXTHOP, false, nl_parse_nexthop},
    {RTM_DELNEXTHOP, NL_NEXTHOP, true, nl_parse_nexthop},
    {RTM_NEWRULE, NL_RULE, false, nl_parse_rule},
    {RTM_DELRULE, NL_RULE, true, nl_parse_rule},
};

static const struct row *find(const struct row *rows, size_t n, uint16_t type)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].type == type)
            return &rows[i];
    }
    return NULL;
}

/* Nothing half-parsed is seen of what is refused. */
static void parse(const struct nlmsghdr *h, const struct row *row, struct nl_event *ev)
{
    const char *refused = "";

    memset(ev, 0, sizeof(*ev));
    if (row)
        refused = row->parse ? row->parse(h, ev) : NULL;
    if (refused) {
        memset(ev, 0, sizeof(*ev));
        ev->kind = NL_OTHER;
        memcpy(ev->text, refused, strnlen(refused, sizeof(ev->text) - 1));
    } else {
        ev->kind = row->kind;
        ev->is_del = row->is_del;
    }
    ev->seq = h->nlmsg_seq;
    ev->interrupted = h->nlmsg_flags & NLM_F_DUMP_INTR;
}

void nl_parse_control(const struct nlmsghdr *h, struct nl_event *ev)
{
    parse(h, find(control, KD_ARRAY_LEN(control), h->nlmsg_type), ev);
}

static void parse_control(const struct nlmsghdr *h, void *ev)
{
    nl_parse_control(h, ev);
}

static void parse_rt(const struct nlmsghdr *h, void *ev)
{
    const struct row *row = find(control, KD_ARRAY_LEN(control), h->nlmsg_type);

    parse(h, row ? row : find(rtnetlink, KD_ARRAY_LEN(rtnetlink), h->nlmsg_type), ev);
}

/* Replayed traces lend views at any address, and the kernel aligns messages to four. */
static void parse_copy(const uint8_t *p, size_t len,
                       void (*take)(const struct nlmsghdr *h, void *arg), void *arg)
{
    union {
        struct nlmsghdr h;
        _Alignas(STRUCT_ALIGN) uint8_t raw[MSG_MAX];
    } m;

    memcpy(m.raw, p, len);
    take(&m.h, arg);
    explicit_bzero(m.raw, len); /* XFRM's can hold keys */
}

bool nl_frame(struct kd_bytes *data, void (*take)(const struct nlmsghdr *h, void *arg), void *arg)
{
    struct nlmsghdr h;
    const uint8_t *p = data->p;
    size_t step;

    if (data->len < sizeof(h))
        return false;
    memcpy(&h, p, sizeof(h));
    if (!mnl_nlmsg_ok(&h, (int)KD_MIN(data->len, (size_t)INT_MAX)) || h.nlmsg_len > MSG_MAX)
        return false;
    if ((uintptr_t)p % STRUCT_ALIGN == 0)
        take((const void *)p, arg);
    else
        parse_copy(p, h.nlmsg_len, take, arg);
    step = KD_MIN(MNL_ALIGN((size_t)h.nlmsg_len), data->len);
    *data = kd_bytes(p + step, data->len - step);
    return true;
}

bool nl_next(struct kd_bytes *data, struct nl_event *ev)
{
    return nl_frame(data, parse_rt, ev);
}

bool nl_next_ack(struct kd_bytes *data, struct nl_event *ev)
{
    return nl_frame(data, parse_control, ev);
}
