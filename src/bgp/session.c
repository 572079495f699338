/* Connections: framing (RFC 4271 4.1), the OPEN sent, capabilities negotiated (RFC 5492, 4760,
 * 6793), extended messages (RFC 8654), enhanced refresh (RFC 7313).
 *
 * Graceful restart is offered to who is configured for it (graceful.c). */
#include "bgp/session.h"
#include "bgp/fsm.h"
#include "bgp/graceful.h"

#include <stdlib.h>

#define OPEN_HOLD_US KD_S(240) /* 8.2.2: "a HoldTimer value of 4 minutes is suggested" */

struct bgp_conn *bgp_conn_new(struct bgp *b, struct bgp_peer *p, bool outgoing)
{
    struct kd_handle h;
    struct bgp_conn *c = kd_slab_new(&b->conns, &h);

    if (!c)
        return NULL;
    b->conn[h.idx] = c;
    c->h = h;
    c->peer = p;
    c->state = BGP_CONNECT;
    c->outgoing = outgoing;
    c->remote = p->remote;
    c->local = p->local;
    c->rx_max = c->tx_max = BGP_MESSAGE_MAX;
    if (outgoing)
        p->out = c;
    else
        p->in = c;
    return c;
}

void bgp_conn_free(struct bgp *b, struct bgp_conn *c, bool tell)
{
    struct bgp_peer *p = c->peer;

    if (tell)
        bgp_emit_conn(b, BGP_ACT_CLOSE, c);
    bgp_timer_set(b, bgp_timer_hold(b, c), KD_NEVER);
    bgp_timer_set(b, bgp_timer_keepalive(b, c), KD_NEVER);
    bgp_timer_set(b, bgp_timer_send_hold(b, c), KD_NEVER);
    if (p->out == c)
        p->out = NULL;
    else
        p->in = NULL;
    free(c->in);
    b->conn[c->h.idx] = NULL;
    kd_slab_free(&b->conns, c->h);
}

struct bgp_conn *bgp_conn_other(const struct bgp_conn *c)
{
    return c->outgoing ? c->peer->in : c->peer->out;
}

/* ---- what is sent ---- */

static void send_open(struct bgp *b, struct bgp_conn *c)
{
    struct bgp_open o = {
        .asn = b->params.asn,
        .hold_s = c->peer->hold_s,
        .id = b->params.router_id,
        .as4 = true,
        .mp_ipv4 = true,
        .mp_ipv6 = true,
        .refresh = true,
        .enhanced_refresh = true,
        .extended_message = true,
    };
    struct kd_writer w = bgp_write_begin(b, BGP_MESSAGE_MAX);

    bgp_graceful_offer(b, c->peer, &o);
    bgp_open_put(&w, &o);
    bgp_write_end(b, c, &w);
    c->peer->msgs_out++;
}

void bgp_conn_say_open(struct bgp *b, struct bgp_conn *c)
{
    c->state = BGP_OPENSENT;
    c->held = false;
    send_open(b, c);
    bgp_timer_set(b, bgp_timer_hold(b, c), b->now_us + OPEN_HOLD_US);
    bgp_timer_set(b, bgp_timer_peer(c->peer), KD_NEVER);
}

void bgp_conn_send_keepalive(struct bgp *b, struct bgp_conn *c)
{
    struct kd_writer w = bgp_write_begin(b, BGP_HEADER_LEN);

    bgp_keepalive_put(&w);
    bgp_write_end(b, c, &w);
    c->peer->msgs_out++;
}

void bgp_conn_send_error(struct bgp *b, struct bgp_conn *c, const struct bgp_error *e)
{
    struct kd_writer w = bgp_write_begin(b, BGP_MESSAGE_MAX);

    bgp_notification_put(&w, e);
    bgp_write_end(b, c, &w);
    c->peer->msgs_out++;
}

bool bgp_conn_turn_away(struct bgp *b, struct bgp_peer *p, const struct bgp_event *ev,
                        const struct bgp_error *e)
{
    struct bgp_conn *in = p->in, *c = bgp_conn_new(b, p, false);

    if (c) {
        bgp_emit_conn(b, BGP_ACT_ACCEPT, c)->token = ev->token;
        bgp_conn_send_error(b, c, e);
        bgp_conn_free(b, c, true);
    }
    p->in = in;
    return c != NULL;
}

/* ---- the peer's OPEN (RFC 4271 6.2) ---- */

static bool check_peer(const struct bgp *b, const struct bgp_peer *p, const struct bgp_open *o,
                       struct bgp_error *e)
{
    struct kd_bytes none = kd_bytes(NULL, 0);

    if (o->asn != p->asn)
        return bgp_error_set(e, BGP_E_OPEN, 2, none, "peer is AS %u, configured is AS %u", o->asn,
                             p->asn);
    if (p->ibgp && o->id == b->params.router_id) /* RFC 6286 2.2 */
        return bgp_error_set(e, BGP_E_OPEN, 3, none, "internal peer has our BGP identifier");
    if (o->mp_any && !o->mp_ipv4 && !o->mp_ipv6)
        return bgp_error_set(e, BGP_E_OPEN, 7, none, "no address family in common");
    return true;
}

bool bgp_conn_negotiate(struct bgp *b, struct bgp_conn *c, const struct bgp_open *o,
                        struct bgp_error *e)
{
    const struct bgp_peer *p = c->peer;
    uint64_t third;

    if (!check_peer(b, p, o, e))
        return false;
    c->open = *o;
    c->as4 = o->as4;
    c->family[0] = o->mp_ipv4 || !o->mp_any; /* an old speaker means IPv4 */
    c->family[1] = o->mp_ipv6;
    /* RFC 8654 4: who offered it takes them, whatever the peer says of itself. */
    c->rx_max = BGP_EXTENDED_MAX;
    c->tx_max = o->extended_message ? BGP_EXTENDED_MAX : BGP_MESSAGE_MAX;
    c->hold_s = KD_MIN(p->hold_s, o->hold_s);
    third = KD_S(c->hold_s) / 3;
    c->keepalive_us = p->keepalive_s ? KD_MIN(KD_S(p->keepalive_s), third) : third;
    return true;
}

/* ---- the byte stream ---- */

static void frame(struct bgp *b, struct bgp_conn *c, const struct bgp_frame *f)
{
    static const enum bgp_fsm_event events[] = {
        [BGP_MSG_OPEN] = BGP_FSM_OPEN,
        [BGP_MSG_UPDATE] = BGP_FSM_UPDATE,
        [BGP_MSG_NOTIFICATION] = BGP_FSM_NOTIFICATION,
        [BGP_MSG_KEEPALIVE] = BGP_FSM_KEEPALIVE,
        [BGP_MSG_REFRESH] = BGP_FSM_REFRESH,
    };
    struct bgp_fsm m = {.c = c, .p = c->peer, .body = f->body};

    c->peer->msgs_in++;
    b->work++;
    bgp_fsm_run(b, events[f->type], &m);
}

/* Handles whole messages of data until the budget is used up (unless forced). Returns how many
 * bytes are done with; *alive tells whether the connection still is. */
static size_t consume(struct bgp *b, struct bgp_conn *c, struct kd_bytes data, bool forced,
                      bool *alive)
{
    struct kd_handle h = c->h;
    size_t at = 0;

    *alive = true;
    while (forced || (!bgp_busy(b) && bgp_emit_room(b))) {
        struct bgp_fsm m = {.c = c, .p = c->peer};
        struct bgp_frame f;
        switch (bgp_frame_parse(kd_bytes(data.p + at, data.len - at), c->rx_max, &f, &m.error)) {
        case BGP_FRAME_MORE:
            return at;
        case BGP_FRAME_BAD:
            bgp_fsm_run(b, BGP_FSM_BAD_MESSAGE, &m);
            break;
        case BGP_FRAME_OK:
            at += f.len;
            frame(b, c, &f);
            break;
        }
        *alive = kd_slab_get(&b->conns, h) != NULL;
        if (!*alive)
            return at;
    }
    return at;
}

static bool keep(struct bgp_conn *c, struct kd_bytes data)
{
    uint32_t need = c->in_len + (uint32_t)data.len, cap;
    uint8_t *p;

    if (c->in_off) {
        memmove(c->in, c->in + c->in_off, c->in_len);
        c->in_off = 0;
    }
    if (need > c->in_cap) {
        cap = KD_MAX(need, KD_MAX(c->in_cap * 2, (uint32_t)BGP_MESSAGE_MAX));
        p = realloc(c->in, cap);
        if (!p)
            return false;
        c->in = p;
        c->in_cap = cap;
    }
    memcpy(c->in + c->in_len, data.p, data.len);
    c->in_len = need;
    return true;
}

static bool read_kept(struct bgp *b, struct bgp_conn *c, bool forced)
{
    bool alive;
    size_t n = consume(b, c, kd_bytes(c->in + c->in_off, c->in_len), forced, &alive);

    if (!alive)
        return false;
    c->in_off += (uint32_t)n;
    c->in_len -= (uint32_t)n;
    if (c->in_len == 0)
        c->in_off = 0;
    return true;
}

static void keep_or_fail(struct bgp *b, struct bgp_conn *c, struct kd_bytes data)
{
    struct bgp_fsm m = {.c = c, .p = c->peer};

    if (data.len == 0 || keep(c, data))
        return;
    bgp_error_set(&m.error, BGP_E_CEASE, BGP_CEASE_NO_RESOURCES, kd_bytes(NULL, 0),
                  "out of memory for input");
    bgp_fsm_run(b, BGP_FSM_BAD_MESSAGE, &m);
}

/* What waits is an OPEN: a sender of more than fits into one isn't waited for. */
static void keep_held(struct bgp *b, struct bgp_conn *c, struct kd_bytes data)
{
    if (c->in_len + data.len > BGP_MESSAGE_MAX || !keep(c, data))
        bgp_conn_free(b, c, true);
}

void bgp_conn_input(struct bgp *b, struct bgp_conn *c, struct kd_bytes data)
{
    bool alive = true;
    size_t n;

    if (c->held) {
        keep_held(b, c, data);
        return;
    }
    if (c->in_len + data.len > BGP_INPUT_MAX) /* the shell goes on without waiting for `more` */
        alive = read_kept(b, c, true);
    if (!alive)
        return;
    if (c->in_len == 0) {
        n = consume(b, c, data, data.len > BGP_INPUT_MAX, &alive);
        if (!alive)
            return;
        data = kd_bytes(data.p + n, data.len - n);
    }
    keep_or_fail(b, c, data);
}

bool bgp_conn_behind(const struct bgp_conn *c)
{
    struct bgp_frame f;
    struct bgp_error e;

    return c->in_len >= BGP_HEADER_LEN && bgp_frame_parse(kd_bytes(c->in + c->in_off, c->in_len),
                                                          c->rx_max, &f, &e) != BGP_FRAME_MORE;
}

/* False: there was no room to say it. */
static bool throttle(struct bgp *b, struct bgp_conn *c)
{
    bool pause = c->in_len >= (c->paused ? BGP_INPUT_RESUME : BGP_INPUT_PAUSE);

    if (pause == c->paused)
        return true;
    if (!bgp_emit_room(b))
        return false;
    bgp_emit_conn(b, pause ? BGP_ACT_PAUSE : BGP_ACT_RESUME, c);
    c->paused = pause;
    return true;
}

bool bgp_conn_read(struct bgp *b, struct bgp_conn *c)
{
    if (c->held)
        return false;
    if (c->in_len > 0 && !read_kept(b, c, false))
        return false;
    return !throttle(b, c) || bgp_conn_behind(c);
}
