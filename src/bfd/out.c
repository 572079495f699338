/* Filling the step's output. One event says a bounded handful of things; timers stop firing while
 * the reserve is still there, so room is never asked for in vain. */
#include "bfd/engine.h"

/* A session, and all strangers together, may cause this many notes of refused packets in a window.
 */
#define NOTES_MAX       10
#define NOTES_WINDOW_US KD_S(10)

bool bfd_emit_room(const struct bfd *b)
{
    return b->out->n + BFD_RESERVE_ACTIONS <= BFD_OUT_ACTIONS &&
           b->out->used + BFD_RESERVE_BYTES <= BFD_OUT_BYTES;
}

struct bfd_action *bfd_emit(struct bfd *b, enum bfd_action_kind kind)
{
    struct bfd_action *a;

    kd_assert(b->out->n < BFD_OUT_ACTIONS);
    a = &b->out->a[b->out->n++];
    *a = (struct bfd_action){.kind = kind, .session = UINT32_MAX, .iface = BFD_NO_IFACE};
    return a;
}

struct bfd_action *bfd_emit_session(struct bfd *b, enum bfd_action_kind kind,
                                    const struct bfd_session *s)
{
    struct bfd_action *a = bfd_emit(b, kind);

    a->session = s->id;
    a->local = s->config.local;
    a->remote = s->config.remote;
    a->table = s->config.table;
    a->iface = s->config.iface;
    return a;
}

static bool may_tell(struct bfd_limit *l, uint64_t now_us)
{
    if (now_us - l->window_us >= NOTES_WINDOW_US) {
        l->window_us = now_us;
        l->n = 0;
    }
    if (l->n < NOTES_MAX) {
        l->n++;
        return true;
    }
    l->dropped++;
    return false;
}

void bfd_refuse(struct bfd *b, struct bfd_session *s, const struct bfd_event *ev,
                enum bfd_refusal why)
{
    struct bfd_limit *limit = s ? &s->limit : &b->limit;
    struct bfd_action *a;

    b->refused[why]++;
    if (s) {
        s->refused++;
        s->last_refusal = why;
    }
    if (!may_tell(limit, b->now_us))
        return;
    a = bfd_emit(b, BFD_ACT_NOTE);
    a->note = BFD_NOTE_REFUSED;
    a->session = s ? s->id : UINT32_MAX;
    a->state = s ? s->state : BFD_ADMIN_DOWN;
    a->local = ev->local;
    a->remote = ev->remote;
    a->table = ev->table;
    a->iface = ev->iface;
    a->ttl = ev->ttl;
    a->src_port = ev->src_port;
    a->dst_port = ev->multihop ? BFD_PORT_MULTIHOP : BFD_PORT;
    a->refusal = why;
    a->suppressed = limit->dropped;
    limit->dropped = 0;
}
