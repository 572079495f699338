/* Reception (RFC 5880 6.8.6) and its absence (6.8.4). Every check comes before the first change.
 *
 * Stricter than the RFC: the interface, table, family and port must be the session's own whatever
 * the discriminator says (RFC 5881 3; DESIGN 3.6: a tunnel's session can't be kept up beside the
 * tunnel); source ports below 49152 (RFC 5881 4) unless configured; TTL 255 on a single hop with
 * authentication too (RFC 5881 5: MAY). The source address isn't compared: 5880 6.3 forbids it. */
#include "bfd/engine.h"

#define TTL_SINGLE_HOP 255

/* ---- whose it is ---- */

static bool on_its_path(const struct bfd_session *s, const struct bfd_event *ev)
{
    const struct bfd_session_config *c = &s->config;

    return c->multihop == ev->multihop && c->iface == ev->iface && c->table == ev->table &&
           c->remote.family == ev->remote.family;
}

static enum bfd_refusal find(const struct bfd *b, const struct bfd_event *ev,
                             const struct bfd_packet *p, struct bfd_session **found)
{
    struct bfd_session *s =
        p->your_discr ? bfd_find_discr(b, p->your_discr) : bfd_find_arrival(b, ev);

    if (!s || !s->on)
        return BFD_R_NO_SESSION;
    *found = s;
    return on_its_path(s, ev) ? BFD_ACCEPTED : BFD_R_PATH;
}

/* ---- whether it may ---- */

static enum bfd_refusal admit(struct bfd *b, const struct bfd_event *ev, const struct bfd_packet *p,
                              struct bfd_session *s)
{
    const struct bfd_session_config *c = &s->config;

    if (ev->ttl < (c->multihop ? c->ttl_min : TTL_SINGLE_HOP))
        return BFD_R_TTL;
    if (ev->src_port < BFD_SRC_PORT_MIN && !c->any_src_port)
        return BFD_R_SRC_PORT;
    if (!p->auth)
        return c->auth.type == BFD_AUTH_NONE ? BFD_ACCEPTED : BFD_R_AUTH_MISSING;
    if (c->auth.type == BFD_AUTH_NONE)
        return BFD_R_AUTH_UNEXPECTED;
    return bfd_auth_check(b->crypto, &c->auth, p, &s->rcv_seq);
}

/* ---- what it does ---- */

static void learn(struct bfd *b, struct bfd_session *s, const struct bfd_packet *p)
{
    s->remote_discr = p->my_discr;
    s->remote_state = p->state;
    s->remote_diag = p->diag;
    s->remote_demand = p->demand;
    s->remote_cpi = p->cpi;
    s->remote_mult = p->detect_mult;
    s->remote_tx_us = p->tx_us;
    s->remote_rx_us = p->rx_us;
    s->heard_us = b->now_us;
    s->packets_in++;
    bfd_poll_heard(s, p->final);
}

void bfd_receive(struct bfd *b, const struct bfd_event *ev)
{
    struct bfd_session *s = NULL;
    struct bfd_packet p;
    enum bfd_refusal refusal = bfd_packet_parse(ev->data, &p);

    if (refusal == BFD_ACCEPTED)
        refusal = find(b, ev, &p, &s);
    if (refusal == BFD_ACCEPTED)
        refusal = admit(b, ev, &p, s);
    if (refusal != BFD_ACCEPTED) {
        bfd_refuse(b, s, ev, refusal);
        return;
    }
    learn(b, s, &p);
    /* 6.8.6: in AdminDown the packet is discarded here, a Poll stays unanswered. */
    if (s->state != BFD_ADMIN_DOWN) {
        bfd_fsm_run(b, s, (enum bfd_fsm_event)p.state, BFD_DIAG_NONE, KD_REASON_NONE);
        if (p.poll)
            bfd_transmit(b, s, true);
    }
    bfd_session_settle(b, s);
}

/* ---- silence ---- */

uint64_t bfd_detect_us(const struct bfd_session *s)
{
    return (uint64_t)s->remote_mult * KD_MAX(s->rx.used_us, s->remote_tx_us);
}

/* bfd.RemoteDiscr is forgotten after a detection time, bfd.AuthSeqKnown after two (6.8.1). */
uint64_t bfd_detect_at(const struct bfd_session *s)
{
    if (s->remote_discr)
        return s->heard_us + bfd_detect_us(s);
    return s->rcv_seq.known ? s->heard_us + 2 * bfd_detect_us(s) : KD_NEVER;
}

void bfd_silence(struct bfd *b, struct bfd_session *s)
{
    if (s->remote_discr == 0) {
        s->rcv_seq.known = false;
        return;
    }
    bfd_fsm_run(b, s, BFD_FSM_SILENCE, BFD_DIAG_NONE, KD_REASON_NONE);
    s->remote_discr = 0;
    s->remote_state = BFD_DOWN;
    s->remote_demand = false;
    s->remote_rx_us = 1; /* 6.8.18 */
    bfd_poll_cancel(s);
}
