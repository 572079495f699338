/* The pretend kernel's netlink: requests taken apart by nl_next(), answers made as the bytes the
 * real one sends. Messages nl_next() doesn't read, because only a kernel receives them (RTM_SETLINK
 * and dump requests), are read here. */
#include "sim/kernel.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define DATAGRAM_MAX 16384

/* ---- answers ---- */

static void ack(struct sim_kernel *k, const struct nlmsghdr *req, int error, const char *text)
{
    union {
        struct nlmsghdr h;
        uint8_t raw[512];
    } m = {0};
    struct nlmsghdr *h = mnl_nlmsg_put_header(m.raw);
    struct nlmsgerr *e = mnl_nlmsg_put_extra_header(h, sizeof(*e));

    h->nlmsg_type = NLMSG_ERROR;
    h->nlmsg_flags = NLM_F_CAPPED;
    h->nlmsg_seq = req->nlmsg_seq;
    e->error = -error;
    e->msg = *req;
    if (error && text[0]) {
        h->nlmsg_flags |= NLM_F_ACK_TLVS;
        mnl_attr_put_strz(h, NLMSGERR_ATTR_MSG, text);
    }
    k->deliver(k->arg, kd_bytes(m.raw, h->nlmsg_len));
}

static size_t link_message(const struct nl_link_info *l, bool del, uint32_t seq, uint8_t *buf)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    struct ifinfomsg *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));

    h->nlmsg_type = del ? RTM_DELLINK : RTM_NEWLINK;
    h->nlmsg_seq = seq;
    i->ifi_index = (int)l->ifindex;
    i->ifi_flags = (l->up ? IFF_UP : 0) | (l->up && l->carrier ? IFF_RUNNING | IFF_LOWER_UP : 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, l->name);
    mnl_attr_put_u32(h, IFLA_MTU, l->mtu);
    mnl_attr_put_u8(h, IFLA_CARRIER, l->carrier);
    if (l->alias[0])
        mnl_attr_put_strz(h, IFLA_IFALIAS, l->alias);
    return h->nlmsg_len;
}

/* The builders make requests; an answer is the same message under the type given. */
static size_t as_answer(uint8_t *buf, size_t len, uint16_t type, uint32_t seq)
{
    struct nlmsghdr h;

    memcpy(&h, buf, sizeof(h));
    h.nlmsg_type = type;
    h.nlmsg_flags = NLM_F_MULTI;
    h.nlmsg_seq = seq;
    memcpy(buf, &h, sizeof(h));
    return len;
}

static size_t addr_message(const struct nl_addr_set *a, bool del, uint32_t seq, uint8_t *buf)
{
    struct nl_buf b = {buf, 512, 0};

    kd_assert(nl_put_addr(&b, seq, a, true));
    return as_answer(buf, b.len, del ? RTM_DELADDR : RTM_NEWADDR, seq);
}

static size_t route_message(const struct nl_route *r, uint32_t seq, uint8_t *buf)
{
    struct nl_buf b = {buf, 512, 0};

    kd_assert(nl_put_route(&b, seq, r, false)); /* deleting takes metric 0, too */
    return as_answer(buf, b.len, RTM_NEWROUTE, seq);
}

static size_t nexthop_message(const struct nl_nexthop *n, uint32_t seq, uint8_t *buf)
{
    struct nl_buf b = {buf, 512, 0};

    kd_assert(nl_put_nexthop(&b, seq, n));
    return as_answer(buf, b.len, RTM_NEWNEXTHOP, seq);
}

void sim_nl_tell_link(struct sim_kernel *k, const struct nl_link_info *l, bool del)
{
    uint32_t room[128] = {0};

    k->deliver(k->arg, kd_bytes(room, link_message(l, del, 0, (uint8_t *)room)));
}

void sim_nl_tell_addr(struct sim_kernel *k, const struct nl_addr_set *a, bool del)
{
    uint32_t room[128] = {0};

    k->deliver(k->arg, kd_bytes(room, addr_message(a, del, 0, (uint8_t *)room)));
}

/* ---- dumps ---- */

/* The i-th object of the type and family into buf; 0 when it is skipped, -1 behind the last. */
static int dump_one(const struct sim_kernel *k, uint16_t type, uint8_t af, size_t i, uint32_t seq,
                    uint8_t *buf)
{
    uint8_t family = af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;

    switch (type) {
    case RTM_GETLINK:
        return i < k->n_links ? (int)link_message(&k->links[i], false, seq, buf) : -1;
    case RTM_GETADDR:
        return i < k->n_addrs ? (int)addr_message(&k->addrs[i], false, seq, buf) : -1;
    case RTM_GETNEXTHOP:
        return i < k->n_nhs ? (int)nexthop_message(&k->nhs[i], seq, buf) : -1;
    default:
        if (i >= k->n_routes)
            return -1;
        if (family && k->routes[i].dst.addr.family != family)
            return 0;
        return (int)route_message(&k->routes[i], seq, buf);
    }
}

static size_t done_message(uint32_t seq, uint8_t *buf)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    int *error = mnl_nlmsg_put_extra_header(h, sizeof(*error));

    h->nlmsg_type = NLMSG_DONE;
    h->nlmsg_flags = NLM_F_MULTI;
    h->nlmsg_seq = seq;
    *error = 0;
    return h->nlmsg_len;
}

static void dump(struct sim_kernel *k, const struct nlmsghdr *req, uint8_t af)
{
    uint8_t *room = calloc(1, DATAGRAM_MAX);
    size_t len = 0;

    kd_assert(room);
    for (size_t i = 0;; i++) {
        int n;
        if (len + 1024 > DATAGRAM_MAX) {
            k->deliver(k->arg, kd_bytes(room, len));
            memset(room, 0, DATAGRAM_MAX);
            len = 0;
        }
        n = dump_one(k, req->nlmsg_type, af, i, req->nlmsg_seq, room + len);
        if (n < 0)
            break;
        len += MNL_ALIGN((size_t)n);
    }
    len += done_message(req->nlmsg_seq, room + len);
    k->deliver(k->arg, kd_bytes(room, len));
    free(room);
}

/* ---- requests ---- */

static int set_link(struct sim_kernel *k, const struct nlmsghdr *h)
{
    const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
    const struct nl_link_info *found = sim_kernel_link(k, (uint32_t)i->ifi_index);
    struct nl_link_info *l, was;
    const struct nlattr *a;

    if (!found)
        return ENODEV;
    l = &k->links[found - k->links];
    was = *l;
    mnl_attr_for_each(a, h, sizeof(*i))
    {
        if (mnl_attr_get_type(a) == IFLA_MTU)
            l->mtu = mnl_attr_get_u32(a);
        if (mnl_attr_get_type(a) == IFLA_IFALIAS) {
            size_t n = KD_MIN((size_t)mnl_attr_get_payload_len(a), sizeof(l->alias) - 1);
            memset(l->alias, 0, sizeof(l->alias));
            memcpy(l->alias, mnl_attr_get_payload(a), n);
        }
    }
    if (i->ifi_change & IFF_UP && l->up != !!(i->ifi_flags & IFF_UP))
        sim_kernel_link_set(k, l->ifindex, i->ifi_flags & IFF_UP, l->carrier);
    else if (memcmp(&was, l, sizeof(was)) != 0)
        sim_nl_tell_link(k, l, false);
    return 0;
}

static int carry_out(struct sim_kernel *k, const struct nlmsghdr *h, struct kd_bytes msg,
                     const char **text)
{
    struct nl_event ev;

    if (h->nlmsg_type == RTM_SETLINK)
        return set_link(k, h);
    if (!nl_next(&msg, &ev))
        return EINVAL;
    switch (ev.kind) {
    case NL_ADDR:
        return sim_kernel_addr(k, &ev.addr, ev.is_del);
    case NL_ROUTE:
        return sim_fib_route(k, &ev.route, ev.is_del, h->nlmsg_flags, text);
    case NL_NEXTHOP:
        return sim_fib_nexthop(k, &ev.nexthop, ev.is_del, h->nlmsg_flags, text);
    default:
        return EOPNOTSUPP;
    }
}

static bool struck(struct sim_kernel *k)
{
    return k->fail_in && --k->fail_in == 0;
}

void sim_kernel_request(struct sim_kernel *k, struct kd_bytes msg)
{
    union {
        struct nlmsghdr h;
        uint8_t raw[4096];
    } m;
    const char *text = "";
    int error;

    kd_assert(msg.len >= sizeof(m.h) && msg.len <= sizeof(m.raw));
    memcpy(m.raw, msg.p, msg.len);
    k->n_requests++;
    if (struck(k)) {
        ack(k, &m.h, k->fail_error, "the simulator's fault switch");
        return;
    }
    if ((m.h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
        dump(k, &m.h, m.raw[sizeof(m.h)]);
        return;
    }
    error = carry_out(k, &m.h, kd_bytes(m.raw, msg.len), &text);
    ack(k, &m.h, error, text);
}

void sim_kernel_fail(struct sim_kernel *k, uint32_t nth, int error)
{
    k->fail_in = nth;
    k->fail_error = error;
}
