/* What is sent and when (RFC 5880 6.8.7): periodic packets at the slower side's rate with jitter,
 * an answer to every Poll, and one packet at once when the state has changed. */
#include "bfd/engine.h"

#define TTL         255 /* RFC 5881 5; over several hops it does no harm */
#define JITTER_FULL 65536u

bool bfd_demand_active(const struct bfd_session *s)
{
    return s->remote_demand && s->state == BFD_UP && s->remote_state == BFD_UP;
}

/* 6.8.7: a passive system stays silent until it knows whom it speaks to. */
static bool must_be_silent(const struct bfd_session *s)
{
    return !s->on || (s->config.passive && s->remote_discr == 0);
}

/* ---- when ---- */

uint32_t bfd_transmit_interval(const struct bfd_session *s)
{
    if (must_be_silent(s) || s->remote_rx_us == 0 || (bfd_demand_active(s) && !bfd_polling(s)))
        return 0;
    return KD_MAX(s->tx.used_us, s->remote_rx_us);
}

/* 75 to 100 % of the interval, 90 % when one lost packet is a failure. The jitter was drawn when
 * the last packet left, so that an interval that shrinks meanwhile is honoured at once (6.8.3). Our
 * own part is BFD_INTERVAL_MIN at least, so rounding can't turn the two bounds around. */
uint64_t bfd_transmit_at(const struct bfd_session *s)
{
    uint64_t interval = bfd_transmit_interval(s);
    uint64_t least = (3 * interval + 3) / 4;
    uint64_t most = s->config.detect_mult == 1 ? interval * 9 / 10 : interval;

    if (interval == 0)
        return KD_NEVER;
    return s->sent_us + least + (most - least) * s->jitter / JITTER_FULL;
}

/* ---- what ---- */

void bfd_packet_of(const struct bfd_session *s, struct bfd_packet *p)
{
    const struct bfd_auth_alg *alg = bfd_auth_find(s->config.auth.type);

    *p = (struct bfd_packet){
        .diag = (uint8_t)s->diag,
        .state = s->state,
        .auth = alg != NULL,
        .detect_mult = s->config.detect_mult,
        .length = (uint8_t)(BFD_HEADER_LEN + (alg ? alg->len : 0)),
        .my_discr = s->local_discr,
        .your_discr = s->remote_discr,
        .tx_us = s->tx.said_us,
        .rx_us = s->rx.said_us,
    };
}

/* Keeps what the peer is being told, to see when it would be told something else (6.6): the first
 * packet of a Poll Sequence, and outside of demand mode every packet. */
static void remember(struct bfd_session *s, const struct bfd_packet *p)
{
    struct bfd_packet bare = *p;
    struct kd_writer w;

    if (bfd_demand_active(s) && !(p->poll && s->poll == BFD_POLL_DUE))
        return;
    bare.poll = bare.final = false;
    kd_writer_init(&w, s->told, sizeof(s->told));
    bfd_packet_build(&bare, &w);
}

static struct kd_span put(struct bfd *b, struct bfd_session *s, const struct bfd_packet *p)
{
    struct kd_span span = {b->out->used, p->length};
    struct kd_writer w;

    kd_writer_init(&w, b->out->buf + b->out->used, sizeof(b->out->buf) - b->out->used);
    bfd_packet_build(p, &w);
    if (p->auth)
        bfd_auth_append(b->crypto, &s->config.auth, s->xmit_seq++, &w);
    kd_assert(w.ok && w.pos == p->length);
    b->out->used += (uint32_t)w.pos;
    return span;
}

void bfd_transmit(struct bfd *b, struct bfd_session *s, bool final)
{
    struct bfd_action *a;
    struct bfd_packet p;

    s->news = false;
    if (must_be_silent(s))
        return;
    bfd_packet_of(s, &p);
    p.final = final;
    p.poll = !final && bfd_polling(s);
    remember(s, &p);
    a = bfd_emit_session(b, BFD_ACT_SEND, s);
    a->ttl = TTL;
    a->src_port = s->src_port;
    a->dst_port = s->config.multihop ? BFD_PORT_MULTIHOP : BFD_PORT;
    a->data = put(b, s, &p);
    s->packets_out++;
    if (final)
        return; /* independent of the periodic ones (6.5) */
    if (p.poll)
        s->poll = BFD_POLL_SENT;
    s->sent_us = b->now_us;
    s->jitter = kc_rng_below(&b->rng, JITTER_FULL + 1);
}
