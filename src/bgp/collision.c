/* Connection collision. RFC 4271 6.8, RFC 6286 2.3 (equal identifiers), RFC 4486 4 (Cease/7).
 *
 * Established stays; before that the identifiers decide, on an OPEN, whether the other connection
 * is in OpenConfirm (MUST) or in OpenSent (MAY: the OPEN names the neighbor of both). The two rules
 * contradict each other where one end is Established on the connection that the other end is about
 * to give up by identifier, and then both go. So who has said KEEPALIVE on one connection says no
 * OPEN on another one, and reads none, before the first is Established or over: the peer is never
 * given a reason to close what it was promised. With a peer that does so too, or follows 6.8 to the
 * letter, or examines OpenSent like we do, one session stands after every order of events
 * (test_bgp_collide.c).
 *
 * Not here: RFC 4724 5, where a new connection ends an Established one (graceful.c). */
#include "bgp/collision.h"
#include "bgp/ending.h"
#include "bgp/session.h"

/* ---- which one ---- */

/* True when the connection opened by us is the one to keep. */
static bool keep_outgoing(const struct bgp *b, const struct bgp_conn *c, const struct bgp_open *o)
{
    if (b->params.router_id != o->id)
        return b->params.router_id > o->id;
    return b->params.asn > c->peer->asn;
}

static bool loses(const struct bgp *b, const struct bgp_conn *c, const struct bgp_conn *other,
                  const struct bgp_open *o)
{
    return other->state == BGP_ESTABLISHED || c->outgoing != keep_outgoing(b, c, o);
}

static void set_cease(struct bgp_error *e)
{
    bgp_error_set(e, BGP_E_CEASE, BGP_CEASE_COLLISION, kd_bytes(NULL, 0), "%s", "");
}

static void cease(struct bgp *b, struct bgp_conn *c)
{
    struct bgp_fsm loser = {.p = c->peer, .c = c};
    struct bgp_error e;

    set_cease(&e);
    bgp_end_with_error(b, &loser, KD_REASON_COLLISION, &e);
}

bool bgp_collision_resolve(struct bgp *b, struct bgp_fsm *m, const struct bgp_open *o)
{
    struct bgp_conn *other = bgp_conn_other(m->c), *loser;

    if (!other || other->state < BGP_OPENSENT)
        return true;
    loser = loses(b, m->c, other, o) ? m->c : other;
    cease(b, loser);
    return loser == other;
}

/* ---- waiting for one that is in OpenConfirm ---- */

void bgp_collision_open(struct bgp *b, struct bgp_conn *c)
{
    const struct bgp_conn *other = bgp_conn_other(c);

    c->held = other && other->state == BGP_OPENCONFIRM;
    if (!c->held)
        bgp_conn_say_open(b, c);
}

void bgp_collision_over(struct bgp *b, struct bgp_peer *p)
{
    struct bgp_conn *left = p->out ? p->out : p->in;

    if (left && left->held && p->on)
        bgp_conn_say_open(b, left);
}

void bgp_collision_won(struct bgp *b, struct bgp_conn *c)
{
    struct bgp_conn *other = bgp_conn_other(c);
    struct bgp_error e;

    if (!other)
        return;
    set_cease(&e);
    if (other->held)
        bgp_conn_send_error(b, other, &e);
    bgp_conn_free(b, other, true);
}

/* ---- a connection the peer opens ---- */

bool bgp_collision_gives_way(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_conn *in = m->p->in;

    if (in && in->state >= BGP_OPENCONFIRM)
        return false;
    if (in && in->held)
        bgp_conn_free(b, in, true);
    else if (in)
        cease(b, in); /* who calls again has given its first call up */
    return true;
}

static void note_refused(struct bgp *b, struct bgp_fsm *m)
{
    bgp_note_error(b, m->p, "connection refused in state %s",
                   bgp_state_names[bgp_peer_state(m->p)]);
}

void bgp_collision_refuse(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_action *a = bgp_emit(b, BGP_ACT_REFUSE);

    a->token = m->ev->token;
    a->peer = m->p->id;
    a->iface = m->ev->iface;
    a->local = m->ev->local;
    a->remote = m->ev->remote;
    note_refused(b, m);
}

/* A peer that opens anew may have restarted and forgotten this session: a KEEPALIVE finds out at
 * once (its TCP resets what it doesn't know), where silence would last until the hold time. */
void bgp_collision_turn_away(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_peer *p = m->p;
    struct bgp_error e;

    set_cease(&e);
    if ((p->turned_us && b->now_us - p->turned_us < KD_S(1)) || /* a stranger sets no pace */
        !bgp_conn_turn_away(b, p, m->ev, &e)) {
        bgp_collision_refuse(b, m);
        return;
    }
    p->turned_us = b->now_us;
    note_refused(b, m);
    bgp_conn_send_keepalive(b, p->up);
}
