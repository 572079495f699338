/* The pretend kernel's netlink: requests taken apart by nl_next(), answers made as the bytes the
 * real one sends. Messages nl_next() doesn't read, because only a kernel receives them (RTM_SETLINK
 * and dump requests), are read here. */
#include "base/wire.h"
#include "sim/kernel.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define DATAGRAM_MAX 16384

/* ---- bytes: native order, attributes aligned to four ---- */

struct msg {
    uint8_t *p;
    size_t len;
};

/* Starts a message at buf; returns its zeroed fixed part. */
static void *start(struct msg *m, uint8_t *buf, uint16_t type, uint16_t flags, uint32_t seq,
                   size_t fixed_len)
{
    struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq};

    m->p = buf;
    m->len = sizeof(h) + NLMSG_ALIGN(fixed_len);
    memset(buf, 0, m->len);
    memcpy(buf, &h, sizeof(h));
    return buf + sizeof(h);
}

static void put(struct msg *m, uint16_t type, const void *data, size_t len)
{
    struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type};

    memset(m->p + m->len, 0, NLA_ALIGN(a.nla_len));
    memcpy(m->p + m->len, &a, sizeof(a));
    memcpy(m->p + m->len + sizeof(a), data, len);
    m->len += NLA_ALIGN(a.nla_len);
}

static void put_str(struct msg *m, uint16_t type, const char *text)
{
    put(m, type, text, strlen(text) + 1);
}

static size_t end(const struct msg *m)
{
    uint32_t len = (uint32_t)m->len;

    memcpy(m->p, &len, sizeof(len)); /* nlmsg_len */
    return m->len;
}

/* ---- answers ---- */

static void ack(struct sim_kernel *k, const struct nlmsghdr *req, int error, const char *text)
{
    struct nlmsgerr e = {.error = -error, .msg = *req};
    uint16_t flags = NLM_F_CAPPED | (error && text[0] ? NLM_F_ACK_TLVS : 0);
    uint8_t room[512];
    struct msg m;

    memcpy(start(&m, room, NLMSG_ERROR, flags, req->nlmsg_seq, sizeof(e)), &e, sizeof(e));
    if (flags & NLM_F_ACK_TLVS)
        put_str(&m, NLMSGERR_ATTR_MSG, text);
    k->deliver(k->arg, kd_bytes(room, end(&m)));
}

static size_t link_message(const struct nl_link_info *l, bool del, uint32_t seq, uint8_t *buf)
{
    struct ifinfomsg i = {.ifi_index = (int)l->ifindex};
    uint8_t carrier = l->carrier;
    struct msg m;

    i.ifi_flags = (l->up ? IFF_UP : 0) | (l->up && l->carrier ? IFF_RUNNING | IFF_LOWER_UP : 0);
    memcpy(start(&m, buf, del ? RTM_DELLINK : RTM_NEWLINK, 0, seq, sizeof(i)), &i, sizeof(i));
    put_str(&m, IFLA_IFNAME, l->name);
    put(&m, IFLA_MTU, &l->mtu, sizeof(l->mtu));
    put(&m, IFLA_CARRIER, &carrier, sizeof(carrier));
    if (l->alias[0])
        put_str(&m, IFLA_IFALIAS, l->alias);
    return end(&m);
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

static size_t rule_message(const struct nl_rule *r, uint32_t seq, uint8_t *buf)
{
    struct nl_buf b = {buf, 512, 0};

    kd_assert(nl_put_rule(&b, seq, r, true));
    return as_answer(buf, b.len, RTM_NEWRULE, seq);
}

static void tell_all(struct sim_kernel *k, struct kd_bytes news)
{
    k->deliver(k->arg, news);
    if (k->monitor)
        k->monitor(k->arg, news);
}

void sim_nl_tell_link(struct sim_kernel *k, const struct nl_link_info *l, bool del)
{
    uint32_t room[128] = {0};

    tell_all(k, kd_bytes(room, link_message(l, del, 0, (uint8_t *)room)));
}

void sim_nl_tell_route(struct sim_kernel *k, const struct nl_route *r, bool del)
{
    uint32_t room[128] = {0};
    size_t len = as_answer((uint8_t *)room, route_message(r, 0, (uint8_t *)room),
                           del ? RTM_DELROUTE : RTM_NEWROUTE, 0);

    if (k->monitor && r->protocol != NL_PROTO_KEDGE)
        k->monitor(k->arg, kd_bytes(room, len));
}

void sim_nl_tell_addr(struct sim_kernel *k, const struct nl_addr_set *a, bool del)
{
    uint32_t room[128] = {0};

    tell_all(k, kd_bytes(room, addr_message(a, del, 0, (uint8_t *)room)));
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
    case RTM_GETRULE:
        return i < k->n_rules ? (int)rule_message(&k->rules[i], seq, buf) : -1;
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
    struct msg m;

    (void)start(&m, buf, NLMSG_DONE, NLM_F_MULTI, seq, sizeof(int)); /* errno 0 */
    return end(&m);
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
        len += NLMSG_ALIGN((size_t)n);
    }
    len += done_message(req->nlmsg_seq, room + len);
    k->deliver(k->arg, kd_bytes(room, len));
    free(room);
}

/* ---- requests ---- */

static void set_attr(struct nl_link_info *l, uint16_t type, const uint8_t *data, size_t len)
{
    if (type == IFLA_MTU && len == sizeof(l->mtu))
        memcpy(&l->mtu, data, len);
    if (type == IFLA_IFALIAS) {
        memset(l->alias, 0, sizeof(l->alias));
        memcpy(l->alias, data, KD_MIN(len, sizeof(l->alias) - 1));
    }
}

static int set_link(struct sim_kernel *k, struct kd_bytes msg)
{
    const struct nl_link_info *found;
    struct nl_link_info *l, was;
    struct ifinfomsg i;
    struct kd_reader r;
    struct nlattr a;

    kd_reader_init(&r, msg);
    kd_skip(&r, sizeof(struct nlmsghdr));
    kd_get_copy(&r, &i, sizeof(i));
    found = sim_kernel_link(k, (uint32_t)i.ifi_index);
    if (!r.ok || !found)
        return r.ok ? ENODEV : EINVAL;
    l = &k->links[found - k->links];
    was = *l;
    while (kd_reader_left(&r) >= sizeof(a)) {
        struct kd_bytes data;
        kd_get_copy(&r, &a, sizeof(a));
        if (a.nla_len < sizeof(a))
            return EINVAL;
        data = kd_get_bytes(&r, a.nla_len - sizeof(a));
        kd_skip(&r, KD_MIN((size_t)NLA_ALIGN(a.nla_len) - a.nla_len, kd_reader_left(&r)));
        if (r.ok)
            set_attr(l, a.nla_type, data.p, data.len);
    }
    if (i.ifi_change & IFF_UP && l->up != !!(i.ifi_flags & IFF_UP))
        sim_kernel_link_set(k, l->ifindex, i.ifi_flags & IFF_UP, l->carrier);
    else if (memcmp(&was, l, sizeof(was)) != 0)
        sim_nl_tell_link(k, l, false);
    return 0;
}

static int carry_out(struct sim_kernel *k, const struct nlmsghdr *h, struct kd_bytes msg,
                     const char **text)
{
    struct nl_event ev;

    if (h->nlmsg_type == RTM_SETLINK)
        return set_link(k, msg);
    if (!nl_next(&msg, &ev))
        return EINVAL;
    switch (ev.kind) {
    case NL_ADDR:
        return sim_kernel_addr(k, &ev.addr, ev.is_del);
    case NL_ROUTE:
        return sim_fib_route(k, &ev.route, ev.is_del, h->nlmsg_flags, text);
    case NL_NEXTHOP:
        return sim_fib_nexthop(k, &ev.nexthop, ev.is_del, h->nlmsg_flags, text);
    case NL_RULE:
        return sim_fib_rule(k, &ev.rule, ev.is_del);
    default:
        return EOPNOTSUPP;
    }
}

static bool struck(struct sim_kernel *k, uint16_t type)
{
    return (k->fail_in && --k->fail_in == 0) || (k->fail_type && type == k->fail_type);
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
    if (struck(k, m.h.nlmsg_type)) {
        k->lost = k->fail_error == 0;
        if (!k->lost) {
            ack(k, &m.h, k->fail_error, "the simulator's fault switch");
            return;
        }
    }
    if ((m.h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
        dump(k, &m.h, m.raw[sizeof(m.h)]);
        return;
    }
    error = carry_out(k, &m.h, kd_bytes(m.raw, msg.len), &text);
    if (!k->lost)
        ack(k, &m.h, error, text);
}

void sim_kernel_fail(struct sim_kernel *k, uint32_t nth, int error)
{
    k->fail_in = nth;
    k->fail_error = error;
}

void sim_kernel_fail_type(struct sim_kernel *k, uint16_t type, int error)
{
    k->fail_type = type;
    k->fail_error = error;
}

void sim_kernel_monitor_request(struct sim_kernel *k, struct kd_bytes msg)
{
    void (*deliver)(void *arg, struct kd_bytes datagram) = k->deliver;

    k->deliver = k->monitor; /* answers go to the socket that asked */
    sim_kernel_request(k, msg);
    k->deliver = deliver;
}
