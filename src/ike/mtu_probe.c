/* The path's MTU, asked of the peer: an INFORMATIONAL request filled up to the size of a datagram
 * that may not be cut up on the way. Any answer proves that it arrived: it is authenticated, so no
 * ICMP has to come, and none is believed.
 *
 *   wanted size ---passes--> done
 *        | lost                       a smallest datagram that is lost as well: the peer
 *        v                            does not answer such requests; not known
 *   smallest size -passes-> half between what passed and what was lost, and so on -> done
 *
 * A hint (core/icmp.c) is only a size to try before the smallest: if it passes and the next larger
 * one is lost, nothing has to be halved. A false one costs a step.
 *
 * A probe may be lost for its size, and the window is 1 (RFC 7296 2.3). So it is asked only right
 * after a round trip; two tries in, an empty request with the same message id goes along, and
 * whichever the peer has not seen before it answers. Known deviation: 2.1 wants a request repeated
 * bit for bit. One that has taken the probe repeats its answer to the probe, which is still
 * repeated; one that has not sees nothing but the small one. Detection is not later than without:
 * the small one leaves before a fifth of the budget has gone.
 *
 * A cipher of blocks can't fill every size: what passes is then up to 15 octets more than is said.
 * RFC 7383's fragments are never used here. What the notify says is of no meaning to anybody
 * (3.10.1: unknown status types are ignored). */
#include "ike/exchange.h"
#include "ike/out.h"

#define NOTIFY_HEADER 8
#define SK_HEADER     4
#define TRIES         2                      /* of the probe alone */
#define FRESH(sa)     ((sa)->detect_us / 16) /* a round trip so long ago at most */

static size_t around(const struct ike_sa *sa)
{
    return (sa->remote.addr.family == 6 ? 40u : 20u) + 8 + (sa->natt ? 4 : 0) + IKE_HEADER_LEN +
           SK_HEADER + ike_sk_iv_len(&sa->seal) + ike_sk_icv_len(&sa->seal);
}

/* The largest datagram of at most size octets that the cipher makes. */
static uint16_t reachable(const struct ike_sa *sa, uint16_t size)
{
    size_t block = sa->seal.encr->block, text = size - KD_MIN((size_t)size, around(sa));

    return (uint16_t)(around(sa) + text / block * block);
}

static uint16_t smallest(const struct ike_sa *sa)
{
    return sa->remote.addr.family == 6 ? 1280 : IKE_FRAGMENT_MIN;
}

/* ---- the search ---- */

static void finish(struct ike *e, struct ike_conn *c, uint16_t passes)
{
    struct ike_mtu_view *m = &c->mtu.v;

    m->state = passes ? IKE_MTU_KNOWN : IKE_MTU_UNKNOWN;
    m->passes = passes;
    m->at_us = e->now_us;
    if (passes)
        ike_note(e, c->id, IKE_NOTE_MTU, KD_REASON_NONE, "%u of %u octets pass%s", passes,
                 m->wanted, passes == c->mtu.proved ? ", as ICMP said" : "");
    else
        ike_note(e, c->id, IKE_NOTE_MTU, KD_REASON_UNSUPPORTED,
                 "the peer answers no request of %u octets", c->mtu.size);
}

/* 0: none, or it is known better already. */
static uint16_t hinted(const struct ike_sa *sa, const struct ike_mtu *m)
{
    uint16_t size = m->hint ? reachable(sa, m->hint) : 0;

    return size < m->hi ? size : 0;
}

/* Chance loses datagrams, too: what was lost last is asked for once more before it counts. */
static void next(struct ike *e, const struct ike_sa *sa, struct ike_conn *c)
{
    struct ike_mtu *m = &c->mtu;
    uint16_t block = (uint16_t)sa->seal.encr->block, hint = hinted(sa, m);

    if (m->lo == 0)
        m->size = KD_MAX(hint, smallest(sa));
    else if (m->hi - m->lo > block && hint > m->lo)
        m->size = hint;
    else if (m->hi - m->lo > block)
        m->size = (uint16_t)(hint == m->lo ? m->lo + block : (m->lo + m->hi) / 2);
    else if (m->confirming)
        finish(e, c, m->lo);
    else
        m->size = m->hi;
    m->confirming = m->size == m->hi;
}

void ike_mtu_start(struct ike *e, struct ike_conn *c, uint32_t octets)
{
    struct ike_sa *sa = ike_sa_get(e, c->sa);

    if (octets > IKE_MTU_MAX || c->mtu.v.state == IKE_MTU_RUNNING)
        return;
    c->mtu = (struct ike_mtu){.v = {.wanted = (uint16_t)octets,
                                    .state = IKE_MTU_RUNNING,
                                    .passes = c->mtu.v.passes,
                                    .at_us = c->mtu.v.at_us},
                              .size = (uint16_t)octets};
    if (sa)
        ike_touch(e, sa);
}

void ike_mtu_hint(struct ike_conn *c, uint32_t octets)
{
    if (c->mtu.v.state == IKE_MTU_RUNNING && octets <= IKE_MTU_MAX)
        c->mtu.hint = (uint16_t)octets;
}

static void passed(struct ike *e, const struct ike_sa *sa, struct ike_conn *c)
{
    if (c->mtu.size >= c->mtu.v.wanted) {
        finish(e, c, c->mtu.v.wanted);
        return;
    }
    c->mtu.lo = reachable(sa, c->mtu.size);
    if (c->mtu.size == hinted(sa, &c->mtu))
        c->mtu.proved = c->mtu.lo;
    if (c->mtu.confirming) /* chance, and who knows since when: from the beginning */
        c->mtu.size = c->mtu.v.wanted;
    else
        next(e, sa, c);
}

static void lost(struct ike *e, const struct ike_sa *sa, struct ike_conn *c)
{
    if (c->mtu.size <= smallest(sa)) {
        finish(e, c, 0);
        return;
    }
    c->mtu.hi = reachable(sa, c->mtu.size);
    next(e, sa, c);
}

/* ---- the exchange ---- */

static struct ike_conn *asking(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    return c && c->mtu.v.state == IKE_MTU_RUNNING && ike_sa_current(e, sa) ? c : NULL;
}

void ike_mtu_pump(struct ike *e, struct ike_sa *sa)
{
    static const uint8_t zeros[IKE_MTU_MAX];
    struct ike_conn *c = asking(e, sa);
    struct ike_build *b;
    size_t fill;

    if (!c || sa->ours || sa->theirs || sa->redundant || sa->want_probe || sa->want_token)
        return;
    if (e->now_us > sa->proof_us + FRESH(sa)) {
        sa->want_probe = true;
        return;
    }
    fill = reachable(sa, c->mtu.size) - around(sa);
    fill -= KD_MIN(fill, (size_t)NOTIFY_HEADER + 1);
    b = ike_request(e, sa, IKE_X_INFORMATIONAL);
    ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_FILLING,
                   kd_bytes(zeros, KD_MIN(fill, sizeof(zeros))));
    c->mtu.beside = false;
    (void)ike_request_send(e, sa, IKE_XK_MTU);
}

bool ike_mtu_overdue(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    if (sa->tx.kind != IKE_XK_MTU || !c || c->mtu.beside)
        return false;
    if (sa->tx.retx + 1 < TRIES) {
        ike_request_resend(e, sa);
    } else {
        c->mtu.beside = true;
        ike_request_beside(e, sa);
    }
    return true;
}

void ike_mtu_yield(struct ike *e, struct ike_sa *sa)
{
    if (sa->tx.kind == IKE_XK_MTU && ike_buf_bytes(&sa->tx.beside).len == 0)
        ike_request_beside(e, sa);
}

void ike_mtu_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_conn *c = asking(e, sa);

    ike_probe_answered(e, sa, m);
    if (!c || sa->state != IKE_ST_UP)
        return;
    if (c->mtu.beside)
        lost(e, sa, c);
    else
        passed(e, sa, c);
}
