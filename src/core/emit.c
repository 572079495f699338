/* Appending to the step's output: actions, bytes, event records. The caller of a piece of work has
 * made sure of room (core_room()), so running out here is a bug. */
#include "core/internal.h"

bool core_room(const struct core *c)
{
    return c->out->n + CORE_ROOM_ACTIONS <= CORE_OUT_ACTIONS &&
           c->out->used + CORE_ROOM_BYTES <= CORE_OUT_BYTES;
}

struct core_act *core_emit(struct core *c, enum core_act_kind kind)
{
    struct core_act *a;

    kd_assert(c->out->n < CORE_OUT_ACTIONS);
    a = &c->out->a[c->out->n++];
    memset(a, 0, sizeof(*a));
    a->kind = kind;
    a->tunnel = CORE_NO_TUNNEL;
    return a;
}

struct kd_span core_put(struct core *c, struct kd_bytes b)
{
    struct kd_span s = {c->out->used, (uint32_t)b.len};

    kd_assert(b.len <= CORE_OUT_BYTES - c->out->used);
    if (b.len)
        memcpy(c->out->buf + c->out->used, b.p, b.len);
    c->out->used += s.len;
    return s;
}

struct core_event_record core_record(struct core *c, enum core_note note, uint32_t tunnel,
                                     uint32_t peer)
{
    struct core_event_record r = {
        .note = note, .now_us = c->now_us, .tunnel = tunnel, .peer = peer};

    if (tunnel != CORE_NO_TUNNEL)
        r.tstate = c->tunnels[tunnel].state;
    return r;
}

void core_say(struct core *c, const struct core_event_record *r)
{
    struct core_act *a = core_emit(c, CORE_ACT_EVENT);

    a->tunnel = r->tunnel;
    a->record = *r;
    a->data = core_put(c, r->text);
    a->data2 = core_put(c, r->offered);
    a->data3 = core_put(c, r->configured);
    a->record.text = a->record.offered = a->record.configured = kd_bytes(NULL, 0);
}

void core_say_text(struct core *c, enum core_note note, uint32_t tunnel, uint32_t peer,
                   enum kd_reason reason, const char *text)
{
    struct core_event_record r = core_record(c, note, tunnel, peer);

    r.reason = reason;
    r.text = kd_bytes_str(text);
    core_say(c, &r);
}

struct core_event_record core_out_record(const struct core_out *o, const struct core_act *a)
{
    struct core_event_record r = a->record;

    r.text = core_out_bytes(o, a->data);
    r.offered = core_out_bytes(o, a->data2);
    r.configured = core_out_bytes(o, a->data3);
    return r;
}
