/* Netlink requests in flight and what the kernel answers; the sync at start, which learns links and
 * addresses and finds what an earlier life of ours left (DESIGN 3.9, adopt.c): its routes and
 * next-hop objects carry our protocol number, foreign ones are never touched. */
#include "core/internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

/* Requests in flight above which prefixes wait: their answers, each near a kilobyte in the kernel's
 * books, fit its 4 MiB of receive buffer twice. */
#define OPS_BULK_MAX 2048

static struct core_op *op_at(const struct core *c, uint32_t i)
{
    return &c->ops[(c->ops_head + i) % c->ops_cap];
}

static bool ops_grow(struct core *c)
{
    uint32_t cap = c->ops_cap ? c->ops_cap * 2 : 256;
    struct core_op *ops = calloc(cap, sizeof(*ops));

    if (!ops)
        return false;
    for (uint32_t i = 0; i < c->ops_n; i++)
        ops[i] = *op_at(c, i);
    free(c->ops);
    c->ops = ops;
    c->ops_cap = cap;
    c->ops_head = 0;
    return true;
}

uint32_t core_op_begin(struct core *c, const struct core_op *op)
{
    struct core_op *slot;

    if (c->ops_n == c->ops_cap && !ops_grow(c))
        kd_assert(!"out of memory for a kernel request");
    slot = op_at(c, c->ops_n++);
    *slot = *op;
    if (++c->next_seq == 0)
        c->next_seq = 1;
    slot->seq = c->next_seq;
    return slot->seq;
}

void core_op_send(struct core *c, const struct nl_buf *b)
{
    core_emit(c, CORE_ACT_NETLINK)->data = core_put(c, kd_bytes(b->p, b->len));
}

bool core_ops_room(const struct core *c)
{
    return core_ops_left(c) > 0;
}

uint32_t core_ops_left(const struct core *c)
{
    return OPS_BULK_MAX - KD_MIN(c->ops_n, OPS_BULK_MAX);
}

bool core_op_asked(const struct core *c, enum core_op_kind kind, uint32_t id)
{
    for (uint32_t i = 0; i < c->ops_n; i++)
        if (op_at(c, i)->kind == kind && op_at(c, i)->id == id)
            return true;
    return false;
}

bool core_ops_idle(const struct core *c)
{
    return c->ops_n == 0;
}

#define DUMP_TRIES                                                                                 \
    8 /* refused or interrupted, at once each: more means that it won't be answered */

static void dump(struct core *c, enum core_sync phase)
{
    static const struct {
        uint16_t type;
        uint8_t family;
    } what[] = {
        [CORE_SYNC_LINKS] = {RTM_GETLINK, 0},       [CORE_SYNC_ADDRS] = {RTM_GETADDR, 0},
        [CORE_SYNC_NEXTHOPS] = {RTM_GETNEXTHOP, 0}, [CORE_SYNC_ROUTES4] = {RTM_GETROUTE, 4},
        [CORE_SYNC_ROUTES6] = {RTM_GETROUTE, 6},    [CORE_SYNC_RULES] = {RTM_GETRULE, 0},
    };
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_DUMP, .id = phase};

    if (phase == CORE_SYNC_LINKS || phase == CORE_SYNC_ADDRS)
        core_links_mark(c);
    kd_assert(nl_put_dump(&b, core_op_begin(c, &op), what[phase].type, what[phase].family));
    core_op_send(c, &b);
}

/* Dumps follow one another: a socket has one at a time. The first two are also what is read anew
 * after an overrun, when the start is long over. */
static void dump_done(struct core *c, enum core_sync phase, int error, const char *text)
{
    if (phase == CORE_SYNC_RULES && error == EOPNOTSUPP)
        error = 0; /* a kernel without rules has none of ours */
    if (error && c->dump_tries++ < DUMP_TRIES) {
        dump(c, phase);
        return;
    }
    c->dump_tries = 0;
    if (error)
        core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER,
                      KD_REASON_KERNEL_REFUSED, text);
    else if (phase == CORE_SYNC_LINKS)
        core_links_sweep(c);
    else if (phase == CORE_SYNC_ADDRS)
        core_addrs_sweep(c);
    if (c->sync >= CORE_SYNC_OTHERS) {
        if (phase == CORE_SYNC_LINKS)
            dump(c, CORE_SYNC_ADDRS);
        return;
    }
    c->sync = phase + 1;
    if (c->sync != CORE_SYNC_OTHERS)
        dump(c, c->sync);
}

bool core_sync_ready(struct core *c)
{
    if (c->sync == CORE_SYNC_OTHERS && c->kernel.known) {
        c->sync = CORE_SYNC_DONE;
        core_adopt_begin(c);
        core_import_all(c);
        core_tunnels_start(c);
        core_peers_start(c);
        core_health_start(c);
        core_pins(c);
    }
    return c->sync == CORE_SYNC_DONE;
}

void core_sync_start(struct core *c)
{
    c->sync = CORE_SYNC_LINKS;
    c->dump_tries = 0;
    dump(c, c->sync);
}

void core_op_purge(struct core *c, uint32_t id)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    struct core_op op = {.kind = CORE_OP_PURGE, .id = id};

    kd_assert(nl_put_nexthop_del(&b, core_op_begin(c, &op), id));
    core_op_send(c, &b);
}

static void found(struct core *c, const struct nl_event *ev)
{
    if (ev->is_del || c->sync < CORE_SYNC_NEXTHOPS || c->sync > CORE_SYNC_RULES)
        return;
    if (ev->kind == NL_NEXTHOP && ev->nexthop.protocol == NL_PROTO_KEDGE)
        core_adopt_object(c, &ev->nexthop);
    else if (ev->kind == NL_ROUTE && ev->route.protocol == NL_PROTO_KEDGE)
        core_fib_adopt(c, &ev->route);
    else if (ev->kind == NL_RULE && ev->rule.protocol == NL_PROTO_KEDGE)
        core_pin_adopt(c, &ev->rule);
}

static void result(struct core *c, const struct core_op *op, int error, const char *text)
{
    switch (op->kind) {
    case CORE_OP_ROUTE:
        core_fib_route_result(c, op, error, text);
        break;
    case CORE_OP_GROUP:
    case CORE_OP_GROUP_DEL:
    case CORE_OP_NH:
    case CORE_OP_NH_DEL:
        core_group_result(c, op, error, text);
        break;
    case CORE_OP_LINK:
    case CORE_OP_ADDR:
        core_tunnel_device_op(c, op->kind, op->id, error, text);
        break;
    case CORE_OP_DUMP:
        dump_done(c, op->id, error, text);
        break;
    case CORE_OP_RULE:
        core_pin_result(c, op->id, error, text);
        break;
    case CORE_OP_PURGE: /* gone already is as good as gone */
        if (error && error != ENOENT)
            core_gone_add(c, op->id);
        break;
    }
    core_tunnels_acked(c, op->seq);
}

/* Answers come in the order of the requests; one that is skipped has been lost. */
static void answered(struct core *c, uint32_t seq, int error, const char *text)
{
    uint32_t i = 0;

    while (i < c->ops_n && op_at(c, i)->seq != seq)
        i++;
    if (i == c->ops_n)
        return; /* not ours, or of before a resync */
    for (uint32_t k = 0; k <= i; k++) {
        struct core_op op = *op_at(c, 0);
        c->ops_head = (c->ops_head + 1) % c->ops_cap;
        c->ops_n--;
        result(c, &op, k == i ? error : ENOBUFS, k == i ? text : "the answer was lost");
    }
}

void core_netlink(struct core *c, struct kd_bytes data)
{
    struct nl_event ev;

    while (nl_next(&data, &ev)) {
        switch (ev.kind) {
        case NL_ACK:
            answered(c, ev.seq, ev.error, ev.text);
            break;
        case NL_DONE:
            answered(c, ev.seq, ev.error ? ev.error : ev.interrupted ? EINTR : 0, ev.text);
            break;
        case NL_LINK:
            core_link_event(c, &ev);
            break;
        case NL_ADDR:
            core_addr_event(c, &ev);
            break;
        case NL_ROUTE:
        case NL_NEXTHOP:
        case NL_RULE:
            found(c, &ev);
            break;
        case NL_OVERRUN:
            core_netlink_lost(c);
            return;
        case NL_OTHER:
            break;
        }
    }
}

/* Answers or notifications were lost: nothing in flight can be trusted, so everything we want is
 * asked for again (replacing is idempotent) and links and addresses are read anew. */
void core_netlink_lost(struct core *c)
{
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_NO_RESOURCES,
                  "netlink overrun: asking the kernel again");
    for (uint32_t i = 0; i < c->ops_n; i++)
        if (op_at(c, i)->kind == CORE_OP_GROUP_DEL || op_at(c, i)->kind == CORE_OP_NH_DEL ||
            op_at(c, i)->kind == CORE_OP_PURGE)
            core_gone_add(c, op_at(c, i)->id);
    c->ops_n = 0;
    core_adopt_end(c);
    core_paths_lost_all(c);
    core_fib_lost_all(c);
    core_pins_lost_all(c);
    core_tunnels_lost_all(c);
    if (c->sync >= CORE_SYNC_OTHERS)
        dump(c, CORE_SYNC_LINKS);
    else
        core_sync_start(c);
}
