/* The end of a connection: NOTIFICATION, routes, and the pause before the next attempt. RFC 4271
 * 6.4-6.7, 8.1 (DampPeerOscillations), 10; RFC 4486 and 9384 (which Cease), 9003 (its words).
 *
 * Not here: what leads to it (fsm.c), which of two connections has to go (collision.c), what is
 * kept of the routes (graceful.c). */
#include "bgp/ending.h"
#include "base/utf8.h"
#include "bgp/collision.h"
#include "bgp/graceful.h"
#include "bgp/session.h"

#include <stdio.h>

#define BACKOFF_MIN_US KD_S(2)
#define BACKOFF_MAX_US KD_S(120)
/* A session that lasted this long wasn't part of a series of failures. */
#define STABLE_US KD_S(300)

void bgp_retry_later(struct bgp *b, struct bgp_peer *p)
{
    bgp_timer_set(b, bgp_timer_peer(p), b->now_us + bgp_jitter(b, p->connect_retry_us));
}

/* What follows for a peer without connection: another attempt, or a growing pause in Idle. */
static void settle(struct bgp *b, struct bgp_peer *p, bool damped)
{
    if (!p->on)
        return;
    if (!damped) {
        bgp_retry_later(b, p);
        return;
    }
    p->backoff_us = p->backoff_us ? KD_MIN(p->backoff_us * 2, BACKOFF_MAX_US) : BACKOFF_MIN_US;
    p->idle_hold = true;
    p->retry_at_us = b->now_us + bgp_jitter(b, p->backoff_us);
    bgp_timer_set(b, bgp_timer_peer(p), p->retry_at_us);
}

static void session_over(struct bgp *b, struct bgp_conn *c, bool kept)
{
    struct bgp_peer *p = c->peer;

    bgp_peer_down(b, p, kept ? bgp_graceful_time(c) : 0);
    if (b->now_us - p->up_us >= STABLE_US)
        p->backoff_us = 0;
}

void bgp_end(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason, const struct bgp_error *send,
             const char *text, enum bgp_ending how)
{
    struct bgp_peer *p = m->p;
    struct bgp_conn *c = m->c;
    enum bgp_state was = c->state;
    bool talked = was >= BGP_OPENSENT;

    if (send && talked)
        bgp_conn_send_error(b, c, send);
    if (p->up == c)
        session_over(b, c, how == BGP_END_CLOSED || how == BGP_END_REPLACED);
    bgp_conn_free(b, c, how != BGP_END_CLOSED);
    if (p->out || p->in) {
        bgp_collision_over(b, p);
        return;
    }
    p->reason = reason;
    snprintf(p->last_error, sizeof(p->last_error), "%.*s", (int)sizeof(p->last_error) - 1, text);
    if (talked)
        bgp_note(b, p, BGP_NOTE_STOP, text)->state = was;
    settle(b, p, how == BGP_END_DAMPED);
}

void bgp_end_with_error(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason,
                        const struct bgp_error *e)
{
    char text[256];
    bool cease = e->code == BGP_E_CEASE || e->code == BGP_E_HOLD;

    snprintf(text, sizeof(text), "sent %s (%u/%u)%s%s", bgp_error_name(e->code, e->sub), e->code,
             e->sub, e->text[0] ? ": " : "", e->text);
    bgp_end(b, m, reason, e, text,
            cease && e->sub != BGP_CEASE_MAX_PREFIXES ? BGP_END_PLAIN : BGP_END_DAMPED);
}

static uint8_t cease_of(enum kd_reason reason)
{
    switch (reason) {
    case KD_REASON_ADMIN:
    case KD_REASON_HEALTH_DOWN:
        return BGP_CEASE_ADMIN_SHUTDOWN;
    case KD_REASON_BFD_DOWN:
        return BGP_CEASE_BFD_DOWN;
    case KD_REASON_NO_RESOURCES:
        return BGP_CEASE_NO_RESOURCES;
    default:
        return BGP_CEASE_OTHER_CHANGE;
    }
}

void bgp_end_for(struct bgp *b, struct bgp_fsm *m, enum kd_reason reason, bool heard,
                 struct kd_bytes words)
{
    struct bgp_error e;
    char text[BGP_TEXT_MAX], said[BGP_SHUTDOWN_MAX + 1] = "";

    bgp_error_set(&e, BGP_E_CEASE, cease_of(reason), kd_bytes(NULL, 0), "%s", "");
    if (heard && e.sub == BGP_CEASE_ADMIN_SHUTDOWN) {
        bgp_error_say(&e, words);
        kd_utf8_printable(words, said, sizeof(said));
    }
    snprintf(text, sizeof(text), "%s%s%s%s", kd_reason_str(reason), heard ? ", sent Cease" : "",
             said[0] ? ": " : "", said);
    bgp_end(b, m, reason, heard ? &e : NULL, text, BGP_END_PLAIN);
}
