/* Time: when an SA has something to do, and what. Liveness by the detection budget (DESIGN 3.5):
 *
 *   proof          proof + detect/3          proof + detect             proof + abandon
 *     |--------------- probe ---r---r------r------ unreachable ---r-----r----- closed
 *                               failing
 *
 * proof is the last completed authenticated round trip of a request of ours; whatever request is
 * outstanding is the probe, because the window is 1. Inbound data or requests prove nothing: a
 * one-way break must show (facts/peers 2, pain 7). Repetitions double inside the budget (RFC
 * 7296 2.4): three fit between the probe and the budget's end, with as much time again for the
 * last answer: gap * (1 + 2 + 4 + 8) = detect * 2/3. Afterwards they go on, capped, until
 * `abandon`. Then no DELETE follows: it would have to wait for the answer that does not come (2.3),
 * and a peer that still hears us finds out by its own probes, which we don't hear.
 *
 * And NAT keepalives (RFC 7296 2.23, 3948 4): who is behind a NAT says something every
 * keepalive_us. What the data plane sends is not known here, so an octet may leave that was not
 * needed. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/out.h"
#include "ike/sa.h"

#define GAP_MIN_US KD_MS(10)

uint64_t ike_first_gap(const struct ike_sa *sa)
{
    return KD_MAX(sa->detect_us * 2 / 45 + 1, GAP_MIN_US); /* rounded up: the fourth falls behind */
}

void ike_probe(struct ike *e, struct ike_sa *sa)
{
    if (sa->state != IKE_ST_UP || sa->tx.out)
        return;
    sa->want_probe = true;
    ike_touch(e, sa);
}

void ike_proof(struct ike *e, struct ike_sa *sa)
{
    sa->proof_us = e->now_us;
    sa->want_probe = false;
    if ((sa->failing || sa->unreachable) && ike_sa_current(e, sa))
        ike_sa_note(e, sa, IKE_NOTE_REACHABLE, KD_REASON_NONE, "answered after %u retransmissions",
                    sa->tx.retx);
    sa->failing = sa->unreachable = false;
    ike_sa_elected(e, sa);
}

/* ---- when ---- */

/* Nothing is asked of the peer any more: it will delete it, or another has been rekeyed. */
static bool passive(const struct ike_sa *sa)
{
    return sa->successor || sa->redundant || sa->waiting;
}

static uint64_t child_deadline(const struct ike *e, const struct ike_sa *sa)
{
    uint64_t at = KD_NEVER;

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c)
            at = KD_MIN(at, KD_MIN(c->rekey_us, KD_MIN(c->expire_us, c->end_us)));
    }
    return at;
}

static uint64_t keepalive_due(const struct ike *e, const struct ike_sa *sa)
{
    if (!sa->nat_here || !sa->natt || sa->keepalive_us == IKE_KEEPALIVE_OFF ||
        !ike_sa_current(e, sa))
        return KD_NEVER;
    return sa->sent_us + sa->keepalive_us;
}

uint64_t ike_sa_deadline(const struct ike *e, const struct ike_sa *sa)
{
    uint64_t at = KD_MIN(sa->end_us, KD_MIN(sa->tx.retx_us, sa->tx.give_up_us));

    at = KD_MIN(at, ike_fragments_deadline(sa));
    if (sa->state == IKE_ST_GONE)
        return sa->end_us;
    if (ike_sa_silent(e, sa))
        return KD_NEVER;
    if (sa->state != IKE_ST_UP || passive(sa))
        return at;
    at = KD_MIN(at, KD_MIN(sa->rekey_us, KD_MIN(sa->expire_us, keepalive_due(e, sa))));
    at = KD_MIN(at, KD_MIN(sa->later_us, KD_MIN(child_deadline(e, sa), ike_children_due(e, sa))));
    if (!sa->tx.out)
        return KD_MIN(at, sa->proof_us + sa->detect_us / 3);
    if (!sa->unreachable)
        at = KD_MIN(at, sa->proof_us + sa->detect_us);
    return KD_MIN(at, sa->proof_us + sa->abandon_us);
}

/* ---- what ---- */

/* Whom the peer may have ended without a word is not asked for longer than it has to take. */
static bool ended_there(const struct ike *e, const struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    return c && kd_handle_eq(c->elect, sa->self) && e->now_us >= sa->proof_us + sa->detect_us;
}

static void wake_outstanding(struct ike *e, struct ike_sa *sa)
{
    bool current = ike_sa_current(e, sa);

    if (ended_there(e, sa)) {
        ike_sa_drop(e, sa, KD_REASON_PEER_REPLACED, false);
        return;
    }
    if (e->now_us >= sa->proof_us + sa->abandon_us) {
        ike_sa_drop(e, sa, KD_REASON_DEAD_PEER, false);
        return;
    }
    if (e->now_us >= sa->tx.retx_us && !ike_mtu_overdue(e, sa)) {
        ike_request_resend(e, sa);
        if (!sa->failing && !sa->unreachable && current)
            ike_sa_note(e, sa, IKE_NOTE_FAILING, KD_REASON_NONE, "request %u is not answered",
                        sa->tx.next_id - 1);
        sa->failing = true;
    }
    if (!sa->unreachable && e->now_us >= sa->proof_us + sa->detect_us) {
        sa->unreachable = true;
        if (current)
            ike_sa_note(e, sa, IKE_NOTE_UNREACHABLE, KD_REASON_UNREACHABLE, "no answer for %llu ms",
                        (unsigned long long)((e->now_us - sa->proof_us) / 1000));
    }
}

static void wake_children(struct ike *e, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (!c)
            continue;
        if (e->now_us >= c->end_us && c->state == IKE_CH_UP) {
            ike_child_overdue(e, sa, c);
        } else if (e->now_us >= c->end_us) {
            ike_child_drop(e, sa, c, KD_REASON_NONE);
        } else if (e->now_us >= c->expire_us) {
            ike_child_hard(e, sa, c);
        } else if (e->now_us >= c->rekey_us) {
            c->rekey_us = KD_NEVER;
            c->want_rekey = c->state == IKE_CH_UP;
        }
    }
}

/* Rekeyed by the peer, or made by it in vain: it has not deleted it yet. */
static void wake_passive(struct ike *e, struct ike_sa *sa)
{
    if (e->now_us >= sa->end_us && sa->redundant)
        ike_sa_close(e, sa, sa->end_reason);
    else if (e->now_us >= sa->end_us)
        ike_sa_drop(e, sa, KD_REASON_NONE, false);
    else if (sa->tx.out && e->now_us >= sa->tx.retx_us)
        ike_request_resend(e, sa);
}

static void keepalive(struct ike *e, struct ike_sa *sa)
{
    struct ike_action *a;

    if (e->now_us < keepalive_due(e, sa))
        return;
    sa->sent_us = e->now_us;
    a = ike_out_add(e, IKE_ACT_KEEPALIVE, sa->conn);
    if (!a)
        return;
    a->local = sa->local;
    a->remote = sa->remote;
}

static void wake_up_state(struct ike *e, struct ike_sa *sa)
{
    if (passive(sa)) {
        wake_passive(e, sa);
        return;
    }
    if (e->now_us >= sa->end_us) { /* childless for too long */
        if (ike_childless_adopt(e, sa))
            return;
        ike_sa_close(e, sa, sa->end_reason);
        return;
    }
    if (e->now_us >= sa->expire_us) { /* RFC 7296 2.8: an expired SA must not be used */
        ike_sa_close(e, sa, KD_REASON_EXPIRED);
        return;
    }
    if (e->now_us >= sa->later_us)
        ike_followup_forget(e, sa);
    wake_children(e, sa);
    if (sa->state != IKE_ST_UP)
        return;
    keepalive(e, sa);
    if (e->now_us >= sa->rekey_us) {
        sa->rekey_us = KD_NEVER;
        sa->want_rekey = true;
    }
    if (sa->tx.out)
        wake_outstanding(e, sa);
    else if (e->now_us >= sa->proof_us + sa->detect_us / 3)
        sa->want_probe = true;
}

static void wake_handshake(struct ike *e, struct ike_sa *sa)
{
    if (e->now_us >= sa->end_us || e->now_us >= sa->tx.give_up_us)
        ike_init_give_up(e, sa);
    else if (sa->tx.out && e->now_us >= sa->tx.retx_us)
        ike_request_resend(e, sa);
}

void ike_sa_wake(struct ike *e, struct ike_sa *sa)
{
    ike_touch(e, sa);
    ike_fragments_wake(e, sa);
    if (sa->state == IKE_ST_GONE) {
        sa->dead = true;
    } else if (ike_sa_silent(e, sa)) {
        return;
    } else if (sa->state == IKE_ST_UP) {
        wake_up_state(e, sa);
    } else if (sa->state == IKE_ST_CLOSING) {
        if (e->now_us >= sa->end_us)
            ike_sa_drop(e, sa, sa->end_reason, false);
        else if (sa->tx.out && e->now_us >= sa->tx.retx_us && !ike_mtu_overdue(e, sa))
            ike_request_resend(e, sa);
    } else {
        wake_handshake(e, sa);
    }
}
