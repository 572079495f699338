/* Takes incoming datagrams apart: framing, and the table of message types. No effects, no state. */
#include "netlink/parse.h"

#include <limits.h>
#include <linux/rtnetlink.h>

/* Above any message the kernel sends: it fills at most 32 KiB at a time. */
#define MSG_MAX 32768

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
};

static const struct row *find(const struct row *rows, size_t n, uint16_t type)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].type == type)
            return &rows[i];
    }
    return NULL;
}

static void parse(const struct nlmsghdr *h, bool rt, struct nl_event *ev)
{
    const struct row *row = find(control, KD_ARRAY_LEN(control), h->nlmsg_type);
    const char *refused = "";

    if (!row && rt)
        row = find(rtnetlink, KD_ARRAY_LEN(rtnetlink), h->nlmsg_type);
    memset(ev, 0, sizeof(*ev));
    if (row)
        refused = row->parse ? row->parse(h, ev) : NULL;
    if (refused) {
        memset(ev, 0, sizeof(*ev)); /* nothing half-parsed is seen */
        ev->kind = NL_OTHER;
        memcpy(ev->text, refused, strnlen(refused, sizeof(ev->text) - 1));
    } else {
        ev->kind = row->kind;
        ev->is_del = row->is_del;
    }
    ev->seq = h->nlmsg_seq;
    ev->interrupted = h->nlmsg_flags & NLM_F_DUMP_INTR;
}

/* Replayed traces lend views at any address; the kernel's structs want four. */
static void parse_copy(const uint8_t *p, size_t len, bool rt, struct nl_event *ev)
{
    union {
        struct nlmsghdr h;
        uint8_t raw[MSG_MAX];
    } m;

    memcpy(m.raw, p, len);
    parse(&m.h, rt, ev);
}

static bool next(struct kd_bytes *data, bool rt, struct nl_event *ev)
{
    struct nlmsghdr h;
    const uint8_t *p = data->p;
    size_t step;

    if (data->len < sizeof(h))
        return false;
    memcpy(&h, p, sizeof(h));
    if (!mnl_nlmsg_ok(&h, (int)KD_MIN(data->len, (size_t)INT_MAX)) || h.nlmsg_len > MSG_MAX)
        return false;
    if ((uintptr_t)p % MNL_ALIGNTO == 0)
        parse((const void *)p, rt, ev);
    else
        parse_copy(p, h.nlmsg_len, rt, ev);
    step = KD_MIN(MNL_ALIGN((size_t)h.nlmsg_len), data->len);
    *data = kd_bytes(p + step, data->len - step);
    return true;
}

bool nl_next(struct kd_bytes *data, struct nl_event *ev)
{
    return next(data, true, ev);
}

bool nl_next_ack(struct kd_bytes *data, struct nl_event *ev)
{
    return next(data, false, ev);
}
