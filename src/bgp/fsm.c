/* The BGP finite state machine. RFC 4271 8.2.2 (transitions), 6.4-6.7 (what ends a session), 10
 * (timers); RFC 6608 (FSM error subcodes), RFC 9687 (send hold timer). Which of two connections
 * stays is collision.c's, how one ends ending.c's.
 *
 * Each connection is an instance with a state of its own from Connect on; what has no connection
 * happens in the peer's state. Deviations: no DelayOpen but where connections collide; one that
 * comes while another is Established is closed before its OPEN; an attempt that merely fails goes
 * to Active and still accepts, only errors of the protocol are damped in Idle
 * (DampPeerOscillations, 8.1). */
#include "bgp/fsm.h"
#include "bgp/adjin.h"
#include "bgp/collision.h"
#include "bgp/ending.h"
#include "bgp/graceful.h"
#include "bgp/refresh.h"
#include "bgp/session.h"

#include <stdio.h>

#define SEND_HOLD_MIN_US                                                                           \
    KD_S(480) /* RFC 9687 4: "the greater of 8 minutes or 2 times" the hold time */

typedef void handler(struct bgp *b, struct bgp_fsm *m);

/* ---- starting ---- */

static void connect_out(struct bgp *b, struct bgp_peer *p)
{
    struct bgp_conn *c;

    bgp_retry_later(b, p);
    if (p->passive || p->out)
        return;
    c = bgp_conn_new(b, p, true);
    if (c)
        bgp_emit_conn(b, BGP_ACT_CONNECT, c);
    else
        bgp_note_error(b, p, "too many connections: not connecting");
}

static void start(struct bgp *b, struct bgp_fsm *m)
{
    m->p->idle_hold = false;
    if (m->ev && m->ev->kind == BGP_EV_PEER_ON)
        m->p->reason = KD_REASON_NONE;
    connect_out(b, m->p);
}

/* Connect, event 9: the attempt took too long, another one is made. */
static void reconnect(struct bgp *b, struct bgp_fsm *m)
{
    if (m->p->out)
        bgp_conn_free(b, m->p->out, true);
    connect_out(b, m->p);
}

static void opened(struct bgp *b, struct bgp_fsm *m)
{
    if (m->ev->local.family)
        m->c->local = m->ev->local;
    bgp_collision_open(b, m->c);
}

static void accept_in(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = bgp_collision_gives_way(b, m) ? bgp_conn_new(b, m->p, false) : NULL;

    if (!c) {
        bgp_collision_refuse(b, m);
        return;
    }
    c->local = m->ev->local;
    bgp_emit_conn(b, BGP_ACT_ACCEPT, c)->token = m->ev->token;
    bgp_collision_open(b, c);
}

static void called_while_up(struct bgp *b, struct bgp_fsm *m)
{
    if (bgp_graceful_replaced(b, m))
        accept_in(b, m);
    else
        bgp_collision_turn_away(b, m);
}

/* ---- ending ---- */

static void tcp_failed(struct bgp *b, struct bgp_fsm *m)
{
    bgp_end(b, m, m->ev->reason ? m->ev->reason : KD_REASON_TIMEOUT, NULL,
            "connection attempt failed", BGP_END_CLOSED);
}

static void tcp_closed(struct bgp *b, struct bgp_fsm *m)
{
    uint16_t kept_s = bgp_graceful_time(m->c);
    char text[96] = "connection closed";

    if (kept_s)
        snprintf(text, sizeof(text), "connection closed: routes kept for %u s (RFC 4724)", kept_s);
    bgp_end(b, m, m->ev->reason ? m->ev->reason : KD_REASON_TCP_CLOSED, NULL, text, BGP_END_CLOSED);
}

static void bad_message(struct bgp *b, struct bgp_fsm *m)
{
    bool ours = m->error.code == BGP_E_CEASE;

    bgp_end_with_error(b, m, ours ? KD_REASON_NO_RESOURCES : KD_REASON_PROTOCOL_ERROR, &m->error);
}

static void hold_expired(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = m->c;
    uint64_t due = c->rx_us + KD_S(c->hold_s);
    struct bgp_error e;

    if (c->state >= BGP_OPENCONFIRM && b->now_us < due) {
        bgp_timer_set(b, bgp_timer_hold(b, c), due);
        return;
    }
    if (bgp_conn_behind(c)) { /* it has spoken, we haven't listened yet */
        bgp_timer_set(b, bgp_timer_hold(b, c), b->now_us + KD_S(1));
        return;
    }
    bgp_error_set(&e, BGP_E_HOLD, 0, kd_bytes(NULL, 0), "%s", "");
    bgp_end_with_error(b, m, KD_REASON_HOLD_EXPIRED, &e);
}

static uint64_t send_hold_us(const struct bgp_conn *c)
{
    return KD_MAX(SEND_HOLD_MIN_US, KD_S(2 * (uint64_t)c->hold_s));
}

/* RFC 9687: a peer whose TCP window stays shut takes nothing, yet its KEEPALIVEs come. No
 * NOTIFICATION: it would only wait behind the rest. The timer isn't moved with each message; when
 * it runs out it is set anew by what was taken since. */
static void send_hold_expired(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = m->c;
    uint64_t due = (c->outstanding ? c->taken_us : b->now_us) + send_hold_us(c);
    char text[128];

    if (b->now_us < due) {
        bgp_timer_set(b, bgp_timer_send_hold(b, c), due);
        return;
    }
    snprintf(text, sizeof(text), "%s: %u bytes not taken for %u s",
             bgp_error_name(BGP_E_SEND_HOLD, 0), c->outstanding,
             (unsigned)(send_hold_us(c) / KD_S(1)));
    bgp_end(b, m, KD_REASON_SEND_HOLD_EXPIRED, NULL, text, BGP_END_DAMPED);
}

static void notified(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_notification n;
    char text[BGP_TEXT_MAX];
    size_t at;
    bool cease;

    if (!bgp_notification_parse(m->body, &n))
        return; /* too short for a NOTIFICATION: the frame's check refused it */
    at = (size_t)snprintf(text, sizeof(text), "received ");
    bgp_notification_text(&n, text + at, sizeof(text) - at);
    cease = n.code == BGP_E_CEASE || n.code == BGP_E_HOLD;
    bgp_end(b, m,
            n.code == BGP_E_CEASE && n.sub == BGP_CEASE_COLLISION ? KD_REASON_COLLISION
            : n.code == BGP_E_CEASE                               ? KD_REASON_PEER_CEASE
                                                                  : KD_REASON_PEER_ERROR,
            NULL, text, cease ? BGP_END_PLAIN : BGP_END_DAMPED);
}

/* Event 2. `on` is off already, so nothing is tried again. */
static void stop(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_peer *p = m->p;

    p->idle_hold = false;
    p->backoff_us = 0;
    for (int i = 0; i < 2; i++) {
        m->c = i ? p->in : p->out;
        if (m->c)
            bgp_end_for(b, m, m->ev->reason, m->ev->heard, m->ev->data);
    }
    bgp_graceful_drop(b, p);
    bgp_timer_set(b, bgp_timer_peer(p), KD_NEVER);
    p->reason = m->ev->reason;
}

static void bfd_down(struct bgp *b, struct bgp_fsm *m)
{
    m->c = m->p->up;
    bgp_end_for(b, m, KD_REASON_BFD_DOWN, m->ev->heard, kd_bytes(NULL, 0));
}

/* Of a session that is over already: what it left behind isn't forwarded to any more. */
static void bfd_down_later(struct bgp *b, struct bgp_fsm *m)
{
    bgp_graceful_drop(b, m->p);
}

/* ---- OPEN and what follows ---- */

static void got_open(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = m->c;
    struct bgp_open o;

    if (!bgp_open_parse(m->body, &o, &m->error) || !bgp_conn_negotiate(b, c, &o, &m->error)) {
        bad_message(b, m);
        return;
    }
    if (!bgp_collision_resolve(b, m, &o))
        return;
    c->state = BGP_OPENCONFIRM;
    c->rx_us = b->now_us;
    bgp_conn_send_keepalive(b, c);
    bgp_timer_set(b, bgp_timer_hold(b, c), c->hold_s ? b->now_us + KD_S(c->hold_s) : KD_NEVER);
    bgp_timer_set(b, bgp_timer_keepalive(b, c),
                  c->hold_s ? b->now_us + bgp_jitter(b, c->keepalive_us) : KD_NEVER);
    bgp_timer_set(b, bgp_timer_send_hold(b, c), c->hold_s ? b->now_us + send_hold_us(c) : KD_NEVER);
}

static void establish(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = m->c;

    c->rx_us = b->now_us;
    c->state = BGP_ESTABLISHED;
    bgp_collision_won(b, c);
    bgp_peer_up(b, m->p, c);
}

static void keepalive_due(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *c = m->c;
    uint64_t next = c->tx_us + c->keepalive_us / 4 * 3;

    if (b->now_us >= next) { /* else an UPDATE did it meanwhile (4.4) */
        bgp_conn_send_keepalive(b, c);
        next = b->now_us + bgp_jitter(b, c->keepalive_us);
    }
    bgp_timer_set(b, bgp_timer_keepalive(b, c), next);
}

/* ---- Established ---- */

static void got_keepalive(struct bgp *b, struct bgp_fsm *m)
{
    m->c->rx_us = b->now_us;
    bgp_adjin_keepalive(b, m->p);
}

static void got_update(struct bgp *b, struct bgp_fsm *m)
{
    m->c->rx_us = b->now_us;
    if (!bgp_adjin_update(b, m->p, m->body, &m->error))
        bad_message(b, m);
}

static void got_refresh(struct bgp *b, struct bgp_fsm *m)
{
    if (!bgp_refresh_message(b, m->p, m->body, &m->error))
        bad_message(b, m);
}

/* ---- the table ---- */

#define IN(state)   (1u << (state))
#define IDLE        IN(BGP_IDLE)
#define CONNECT     IN(BGP_CONNECT)
#define ACTIVE      IN(BGP_ACTIVE)
#define OPENSENT    IN(BGP_OPENSENT)
#define OPENCONFIRM IN(BGP_OPENCONFIRM)
#define ESTABLISHED IN(BGP_ESTABLISHED)
#define TALKING     (OPENSENT | OPENCONFIRM | ESTABLISHED)
#define ANY         (IDLE | CONNECT | ACTIVE | TALKING)

static const struct row {
    unsigned states;
    enum bgp_fsm_event event;
    handler *handler;
    const char *source;
} rows[] = {
    {IDLE | ACTIVE, BGP_FSM_START, start, "8.2.2 Idle, event 1"},
    {ANY, BGP_FSM_STOP, stop, "8.2.2 all states, event 2"},
    {IDLE, BGP_FSM_RETRY, start, "8.2.2 Idle, event 13"},
    {CONNECT, BGP_FSM_RETRY, reconnect, "8.2.2 Connect, event 9"},
    {ACTIVE, BGP_FSM_RETRY, start, "8.2.2 Active, event 9"},
    {IDLE, BGP_FSM_TCP_INCOMING, bgp_collision_refuse,
     "8.2.2 Idle: refuses all incoming connections"},
    {CONNECT | ACTIVE | OPENSENT | OPENCONFIRM, BGP_FSM_TCP_INCOMING, accept_in,
     "8.2.2 Connect, Active, event 17; 6.8"},
    {ESTABLISHED, BGP_FSM_TCP_INCOMING, called_while_up,
     "6.8: the newly created one is closed; RFC 4724 5"},
    {CONNECT, BGP_FSM_TCP_OPENED, opened, "8.2.2 Connect, event 16"},
    {CONNECT, BGP_FSM_TCP_FAILED, tcp_failed, "8.2.2 Connect, event 18"},
    {CONNECT | TALKING, BGP_FSM_TCP_CLOSED, tcp_closed, "8.2.2, event 18"},
    {TALKING, BGP_FSM_BAD_MESSAGE, bad_message, "8.2.2, events 21, 22, 28"},
    {TALKING, BGP_FSM_NOTIFICATION, notified, "8.2.2, events 24, 25"},
    {TALKING, BGP_FSM_HOLD, hold_expired, "8.2.2, event 10"},
    {OPENCONFIRM | ESTABLISHED, BGP_FSM_SEND_HOLD, send_hold_expired, "RFC 9687 3"},
    {OPENSENT, BGP_FSM_OPEN, got_open, "8.2.2 OpenSent, event 19"},
    {OPENCONFIRM, BGP_FSM_KEEPALIVE, establish, "8.2.2 OpenConfirm, event 26"},
    {OPENCONFIRM | ESTABLISHED, BGP_FSM_KEEPALIVE_DUE, keepalive_due, "8.2.2, event 11"},
    {ESTABLISHED, BGP_FSM_KEEPALIVE, got_keepalive, "8.2.2 Established, event 26"},
    {ESTABLISHED, BGP_FSM_UPDATE, got_update, "8.2.2 Established, event 27"},
    {ESTABLISHED, BGP_FSM_REFRESH, got_refresh, "RFC 2918 4, RFC 7313 4"},
    {ESTABLISHED, BGP_FSM_BFD_DOWN, bfd_down, "RFC 5882 4.2, RFC 9384"},
    {ANY & ~ESTABLISHED, BGP_FSM_BFD_DOWN, bfd_down_later, "RFC 4724 4.2"},
};

/* RFC 6608 4: a message that has no place in the state. */
static void unexpected(struct bgp *b, enum bgp_fsm_event event, struct bgp_fsm *m)
{
    static const char *const names[BGP_FSM_N] = {
        [BGP_FSM_OPEN] = "OPEN",
        [BGP_FSM_KEEPALIVE] = "KEEPALIVE",
        [BGP_FSM_UPDATE] = "UPDATE",
        [BGP_FSM_REFRESH] = "ROUTE-REFRESH",
    };

    if (!m->c || m->c->state < BGP_OPENSENT || !names[event])
        return;
    bgp_error_set(&m->error, BGP_E_FSM, (uint8_t)(m->c->state - BGP_OPENSENT + 1),
                  kd_bytes(NULL, 0), "%s", names[event]);
    bad_message(b, m);
}

void bgp_fsm_run(struct bgp *b, enum bgp_fsm_event event, struct bgp_fsm *m)
{
    enum bgp_state state = m->c ? m->c->state : bgp_peer_state(m->p);
    const struct row *row = NULL;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows) && !row; i++)
        if (rows[i].event == event && rows[i].states & IN(state))
            row = &rows[i];
    if (row)
        row->handler(b, m);
    else
        unexpected(b, event, m);
    bgp_peer_note_state(b, m->p);
}
