/* The monitor: a netlink socket of its own for what others do in the kernel, so that their storms
 * cost us a dump and never the answers to our own requests. News and dumps share it: what a dump
 * shows and what is told during it come in the order in which they were true. Our own routes and
 * next-hop objects aren't told of (the shell's filter) and are passed over in dumps. */
#include "core/internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#define TRIES 8 /* of one dump: refused, or interrupted by changes */

static void ask(struct core *c)
{
    static const struct {
        uint16_t type;
        uint8_t family;
    } what[] = {
        [CORE_MONITOR_NEXTHOPS] = {RTM_GETNEXTHOP, 0},
        [CORE_MONITOR_ROUTES4] = {RTM_GETROUTE, 4},
        [CORE_MONITOR_ROUTES6] = {RTM_GETROUTE, 6},
    };
    struct core_kroutes *k = &c->kernel;
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};

    if (++k->seq == 0)
        k->seq = 1;
    kd_assert(nl_put_dump(&b, k->seq, what[k->state].type, what[k->state].family));
    core_emit(c, CORE_ACT_MONITOR)->data = core_put(c, kd_bytes(b.p, b.len));
}

static void begin(struct core *c)
{
    c->kernel.state = CORE_MONITOR_NEXTHOPS;
    c->kernel.gen++;
    c->kernel.tries = 0;
    c->kernel.again = c->kernel.torn = false;
    ask(c);
}

void core_monitor_start(struct core *c)
{
    begin(c);
}

static void complain(struct core *c, const char *text)
{
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                  text);
}

static void round_done(struct core *c)
{
    c->kernel.state = CORE_MONITOR_READY;
    c->kernel.known = true;
    if (c->kernel.again) {
        begin(c);
        return;
    }
    if (!c->kernel.torn)
        core_kroutes_sweep(c);
    c->kernel.changed = true;
}

static void done(struct core *c, int error, const char *text)
{
    struct core_kroutes *k = &c->kernel;

    if (error && !k->again && k->tries++ < TRIES) {
        ask(c);
        return;
    }
    if (error && error != EINTR && !k->again)
        complain(c, text[0] ? text : "the kernel's routes can't be read");
    k->torn |= error != 0;
    k->tries = 0;
    k->state++;
    if (k->state == CORE_MONITOR_READY)
        round_done(c);
    else
        ask(c);
}

static void link_news(struct core *c, const struct nl_event *ev)
{
    if (ev->is_del || !ev->link.up)
        core_kroutes_link_gone(c, ev->link.ifindex);
}

static void addr_news(struct core *c, const struct nl_event *ev)
{
    const struct nl_addr_set *a = &ev->addr;

    if (ev->is_del)
        core_kroutes_source_gone(c, a->local.family ? &a->local : &a->prefix.addr);
}

void core_monitor_news(struct core *c, struct kd_bytes data)
{
    struct nl_event ev;

    while (nl_next(&data, &ev)) {
        switch (ev.kind) {
        case NL_ACK:
        case NL_DONE:
            if (ev.seq == c->kernel.seq && c->kernel.state != CORE_MONITOR_READY)
                done(c, ev.error ? ev.error : ev.interrupted ? EINTR : 0, ev.text);
            break;
        case NL_ROUTE:
            (ev.is_del ? core_kroute_del : core_kroute_set)(c, &ev.route);
            break;
        case NL_NEXTHOP:
            core_knh_set(c, &ev.nexthop, ev.is_del);
            break;
        case NL_LINK:
            link_news(c, &ev);
            break;
        case NL_ADDR:
            addr_news(c, &ev);
            break;
        case NL_OVERRUN:
            core_monitor_lost(c);
            break;
        case NL_RULE:
        case NL_OTHER:
            break;
        }
    }
}

/* The kernel goes on with a dump under way, and refuses a second one beside it. */
void core_monitor_lost(struct core *c)
{
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_NO_RESOURCES,
                  "news of the kernel's routes were lost: reading them again");
    if (c->kernel.state == CORE_MONITOR_READY)
        begin(c);
    else if (c->kernel.state != CORE_MONITOR_OFF)
        c->kernel.again = true;
}
