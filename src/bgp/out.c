/* Filling the step's output. Handlers of one event say a bounded handful of things; bulk work stops
 * while the reserve is still there, so room is never asked for in vain. */
#include "bgp/engine.h"

#include <stdarg.h>
#include <stdio.h>

/* A peer may cause this many ERROR notes in a window. */
#define NOTES_MAX       10
#define NOTES_WINDOW_US KD_S(10)

struct bgp_action *bgp_emit(struct bgp *b, enum bgp_action_kind kind)
{
    struct bgp_action *a;

    kd_assert(b->out->n < BGP_OUT_ACTIONS);
    a = &b->out->a[b->out->n++];
    *a = (struct bgp_action){.kind = kind, .peer = UINT32_MAX, .iface = BGP_NO_IFACE};
    return a;
}

struct kd_span bgp_emit_bytes(struct bgp *b, struct kd_bytes bytes)
{
    struct kd_span s = {b->out->used, (uint32_t)bytes.len};

    kd_assert(bytes.len <= BGP_OUT_BYTES - b->out->used);
    if (bytes.len)
        memcpy(b->out->buf + b->out->used, bytes.p, bytes.len);
    b->out->used += (uint32_t)bytes.len;
    return s;
}

bool bgp_emit_room(const struct bgp *b)
{
    return b->out->n + BGP_RESERVE_ACTIONS <= BGP_OUT_ACTIONS &&
           b->out->used + BGP_RESERVE_BYTES <= BGP_OUT_BYTES;
}

struct bgp_action *bgp_note(struct bgp *b, struct bgp_peer *p, enum bgp_note note, const char *text)
{
    struct bgp_action *a = bgp_emit(b, BGP_ACT_NOTE);

    a->note = note;
    if (p) {
        a->peer = p->id;
        a->iface = p->iface;
        a->remote = p->remote;
        a->table = p->table;
        a->state = bgp_peer_state(p);
        a->reason = p->reason;
    }
    a->data = bgp_emit_bytes(b, kd_bytes_str(text));
    return a;
}

/* A stranger's notes are limited all together, as if one peer caused them. */
static bool note_allowed(struct bgp *b, uint64_t *window_us, uint32_t *notes, uint32_t *dropped)
{
    if (b->now_us - *window_us >= NOTES_WINDOW_US) {
        *window_us = b->now_us;
        *notes = 0;
    }
    if (*notes >= NOTES_MAX) {
        (*dropped)++;
        return false;
    }
    (*notes)++;
    return true;
}

void bgp_note_error(struct bgp *b, struct bgp_peer *p, const char *fmt, ...)
{
    uint64_t *window = p ? &p->note_window_us : &b->note_window_us;
    uint32_t *notes = p ? &p->notes : &b->notes,
             *dropped = p ? &p->notes_dropped : &b->notes_dropped;
    char text[192];
    va_list ap;
    int n;

    if (!bgp_emit_room(b) || !note_allowed(b, window, notes, dropped))
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (*dropped && n >= 0 && (size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, " (and %u more before)", *dropped);
    *dropped = 0;
    bgp_note(b, p, BGP_NOTE_ERROR, text);
}

void bgp_note_prefix(struct bgp *b, struct bgp_peer *p, enum bgp_note note,
                     const struct kd_prefix *prefix, const char *text)
{
    if (!bgp_emit_room(b) || !note_allowed(b, &p->note_window_us, &p->notes, &p->notes_dropped))
        return;
    bgp_note(b, p, note, text);
    b->out->a[b->out->n - 1].prefix = *prefix;
}

/* ---- connections ---- */

struct bgp_action *bgp_emit_conn(struct bgp *b, enum bgp_action_kind kind, const struct bgp_conn *c)
{
    struct bgp_action *a = bgp_emit(b, kind);

    a->peer = c->peer->id;
    a->conn = c->h;
    a->local = c->local;
    a->remote = c->remote;
    a->ttl = c->peer->ttl_security ? 255 : c->peer->ttl;
    a->ttl_min =
        c->peer->ttl_security ? (uint8_t)(256 - c->peer->ttl_security) : 0; /* RFC 5082 3 */
    a->iface = c->peer->iface;
    a->table = c->peer->table;
    return a;
}

struct kd_writer bgp_write_begin(struct bgp *b, size_t max)
{
    struct kd_writer w;

    kd_writer_init(&w, b->out->buf + b->out->used, KD_MIN(max, BGP_OUT_BYTES - b->out->used));
    return w;
}

void bgp_write_end(struct bgp *b, struct bgp_conn *c, const struct kd_writer *w)
{
    struct bgp_out *o = b->out;
    struct bgp_action *last = o->n ? &o->a[o->n - 1] : NULL;

    kd_assert(w->ok);
    if (w->pos == 0)
        return;
    if (last && last->kind == BGP_ACT_WRITE && kd_handle_eq(last->conn, c->h) &&
        last->data.off + last->data.len == o->used)
        last->data.len += (uint32_t)w->pos;
    else
        bgp_emit_conn(b, BGP_ACT_WRITE, c)->data = (struct kd_span){o->used, (uint32_t)w->pos};
    o->used += (uint32_t)w->pos;
    if (c->outstanding == 0)
        c->taken_us = b->now_us;
    c->outstanding += (uint32_t)w->pos;
    c->tx_us = b->now_us;
}

/* ---- timers ---- */

void bgp_timer_set(struct bgp *b, uint32_t id, uint64_t at_us)
{
    kd_assert(kd_timers_set(&b->timers, id, at_us));
}

uint64_t bgp_jitter(struct bgp *b, uint64_t t)
{
    return t / 4 * 3 + (t / 4) * kc_rng_below(&b->rng, 1001) / 1000;
}
