/* One IKE SA after another, or two where one is wanted: rekeying, the collision of two rekeys, two
 * authenticated SAs of one connection. RFC 7296 2.4 (INITIAL_CONTACT), 2.8, 2.8.1 (the lowest nonce
 * loses), 2.8.2, 2.18. Not here: the exchange (rekey.c).
 *
 *   A rekey makes a new SA on the old one (ike_sa_beget), and the children change hands
 *   (ike_sa_inherit). Where both ends rekey at once, the SA of the peer's exchange waits without
 *   children until our own is answered: then the nonces decide; or until the peer shows that it
 *   has: it deletes the old SA, or uses the new one for its children (ike_sa_adopt).
 *   Where both ends call at once and both get through, the nonces decide as well. But a peer that
 *   heard our INITIAL_CONTACT late may have ended its own SA on it, without a word: that one wins
 *   only once it is answered on (elect). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

static void copy(struct ike_sa *sa, const struct ike_sa *old)
{
    sa->conn = old->conn;
    sa->detect_us = old->detect_us;
    sa->abandon_us = old->abandon_us;
    sa->local = old->local;
    sa->remote = old->remote;
    sa->natt = old->natt;
    sa->nat_here = old->nat_here;
    sa->nat_there = old->nat_there;
    sa->encap = old->encap;
    sa->sent_us = old->sent_us;
    sa->keepalive_us = old->keepalive_us;
    sa->fragmenting = old->fragmenting;
    sa->fragment_size = old->fragment_size;
    sa->peer_natd = old->peer_natd;
    sa->peer_id = old->peer_id;
    sa->peer_auth = old->peer_auth;
    /* Only who made one takes one. */
    sa->want_token = old->want_token || !kd_handle_none(old->peer_token);
}

struct ike_sa *ike_sa_beget(struct ike *e, struct ike_sa *old, const struct ike_xchg *x,
                            bool initiator)
{
    struct ike_sa *sa = ike_conn_of(e, old) ? ike_sa_alloc(e) : NULL;

    if (!sa)
        return NULL;
    copy(sa, old);
    sa->initiator = initiator;
    sa->suite = x->suite;
    memcpy(sa->spi_i, x->spi_i, IKE_SPI_LEN);
    memcpy(sa->spi_r, x->spi_r, IKE_SPI_LEN);
    sa->state = IKE_ST_GONE; /* until it has its keys */
    ike_index_add_spi(e, sa);
    if (!ike_keys_rekey(e, sa, old, x)) {
        ike_sa_wipe(e, sa);
        sa->dead = true;
        return NULL;
    }
    sa->state = IKE_ST_UP;
    return sa;
}

/* A rekey by the peer is no answer to us: who was not heard of before is still asked. */
static void inherit_doubt(struct ike_sa *sa, const struct ike_sa *old)
{
    if (!old->failing && !old->unreachable)
        return;
    sa->failing = old->failing;
    sa->unreachable = old->unreachable;
    sa->proof_us = old->proof_us;
    sa->want_probe = true;
}

void ike_sa_inherit(struct ike *e, struct ike_sa *old, struct ike_sa *sa)
{
    struct ike_sa *older = ike_sa_get(e, old->older);
    struct ike_conn *c = ike_conn_of(e, old);
    struct ike_action *a;
    char suite[128];

    ike_sa_elected(e, old);
    if (older && older->successor) /* whoever rekeys and never deletes does not fill the table */
        ike_sa_drop(e, older, KD_REASON_NONE, false);
    sa->older = old->self;
    sa->waiting = sa->redundant = false;
    ike_sa_up(e, sa);
    inherit_doubt(sa, old);
    ike_child_move(e, old, sa);
    if (!ike_children_live(e, sa)) { /* childless it stays, for no longer than it would have been */
        sa->end_us = KD_MIN(old->end_us, e->now_us + IKE_CHILDLESS_US);
        sa->end_reason = old->end_reason;
    }
    if (c && kd_handle_eq(c->sa, old->self))
        c->sa = sa->self;
    else if (c && kd_handle_eq(c->attempt, old->self))
        c->attempt = sa->self;
    sa->announced = old->announced;
    old->announced = false; /* its end is no news */
    old->rekey_us = old->expire_us = KD_NEVER;
    old->want_rekey = false;
    old->heir = sa->self;
    a = ike_sa_note(e, sa, IKE_NOTE_REKEYED, KD_REASON_NONE, "%s",
                    ike_suite_text(&sa->suite, suite, sizeof(suite)));
    if (a && sa->suite.dh)
        a->group = sa->suite.dh->id;
}

struct ike_sa *ike_sa_holder(const struct ike *e, struct ike_sa *sa)
{
    struct ike_sa *heir = ike_sa_get(e, sa->heir);

    return heir ? heir : sa;
}

/* ---- two rekeys at once ---- */

static void lose(struct ike *e, struct ike_sa *loser)
{
    if (loser->initiator) {
        ike_sa_close(e, loser, KD_REASON_COLLISION);
        return;
    }
    /* The end that initiated it deletes it; if it does not, we do after a while. */
    loser->waiting = false;
    loser->redundant = true;
    loser->rekey_us = loser->expire_us = KD_NEVER;
    loser->end_us = e->now_us + IKE_REDUNDANT_US;
    loser->end_reason = KD_REASON_COLLISION;
    ike_touch(e, loser);
}

void ike_sa_wait(struct ike_sa *old, struct ike_sa *sa)
{
    sa->waiting = true;
    sa->before = old->self;
    old->rival = sa->self;
}

void ike_sa_adopt(struct ike *e, struct ike_sa *old, struct ike_sa *sa)
{
    ike_sa_inherit(e, old, sa);
    old->successor = true;
    old->end_us = e->now_us + IKE_PREDECESSOR_US;
    ike_touch(e, old);
}

void ike_sa_rekeyed(struct ike *e, struct ike_sa *old, struct ike_sa *sa)
{
    struct ike_sa *rival = ike_sa_get(e, old->rival);
    bool lost = old->successor || (rival && ike_nonce_cmp(&sa->nonce_low, &rival->nonce_low) < 0);

    if (lost) {
        if (rival && rival->waiting)
            ike_sa_adopt(e, old, rival);
        lose(e, sa);
        return;
    }
    ike_sa_inherit(e, old, sa);
    if (rival)
        lose(e, rival);
    ike_sa_close(e, old, KD_REASON_NONE); /* its last request is its own DELETE (2.8) */
}

void ike_rekey_settle(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa *old = sa->waiting ? ike_sa_get(e, sa->before) : NULL;

    if (old)
        ike_sa_adopt(e, old, sa);
}

void ike_rekey_forget(struct ike *e, struct ike_sa *old)
{
    struct ike_sa *rival = ike_sa_get(e, old->rival);
    struct ike_sa *holder = ike_sa_holder(e, old);

    if (rival && rival->waiting) {
        ike_sa_adopt(e, old, rival);
    } else if (rival && rival->redundant && holder != rival) {
        /* Both delete the old one: the peer does not judge the nonces as we do. Its verdict
         * stands. */
        rival->end_us = KD_NEVER;
        ike_sa_inherit(e, holder, rival);
        ike_sa_close(e, holder, KD_REASON_COLLISION);
    }
}

void ike_rival_end(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    struct ike_sa *rival = ike_sa_get(e, sa->rival);
    struct ike_sa *before = ike_sa_get(e, sa->before);

    if (before && kd_handle_eq(before->rival, sa->self))
        before->rival = KD_HANDLE_NONE; /* the peer has lost, or thinks so */
    sa->rival = sa->before = KD_HANDLE_NONE;
    if (!rival || !rival->waiting)
        return;
    rival->waiting = false;
    ike_sa_close(e, rival, reason);
}

/* ---- two authenticated SAs of one connection ---- */

/* Both ends initiated, and neither had finished when the other began. */
static bool collided(const struct ike_sa *old, const struct ike_sa *sa)
{
    return old->initiator != sa->initiator && sa->created_us <= old->up_us &&
           old->created_us <= sa->up_us;
}

static void use_children(struct ike *e, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c && c->state == IKE_CH_UP)
            ike_child_use(e, sa, c);
    }
}

/* sa loses by the nonces, but the peer may have ended old on the INITIAL_CONTACT that sa came with:
 * the two decide alike only about SAs that both have. So sa stays until old is answered on. */
static void elect(struct ike *e, struct ike_conn *c, struct ike_sa *sa, struct ike_sa *old)
{
    c->sa = sa->self;
    c->elect = old->self;
    ike_probe(e, old);
    use_children(e, sa);
}

void ike_sa_elected(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_sa *loser;

    if (!c || !kd_handle_eq(c->elect, sa->self))
        return;
    loser = ike_sa_get(e, c->sa);
    c->elect = KD_HANDLE_NONE;
    c->sa = sa->self;
    if (loser)
        lose(e, loser);
    use_children(e, sa);
}

void ike_sa_unelected(struct ike *e, struct ike_conn *c, const struct ike_sa *sa)
{
    struct ike_sa *heir = ike_sa_get(e, c->elect);

    if (!heir || (heir != sa && !kd_handle_none(c->sa)))
        return;
    c->elect = KD_HANDLE_NONE;
    if (heir == sa)
        return;
    c->sa = heir->self;
    use_children(e, heir);
}

/* A third one has come: who would have been the first is as old as the second. */
static void unelect(struct ike *e, struct ike_conn *c, bool initial_contact)
{
    struct ike_sa *old = ike_sa_get(e, c->elect);

    c->elect = KD_HANDLE_NONE;
    if (old && initial_contact)
        ike_sa_drop(e, old, KD_REASON_PEER_REPLACED, false);
    else if (old)
        ike_sa_close(e, old, KD_REASON_PEER_REPLACED);
}

void ike_sa_take_over(struct ike *e, struct ike_sa *sa, bool initial_contact)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_sa *old, *attempt;

    if (!c)
        return;
    old = kd_handle_eq(c->sa, sa->self) ? NULL : ike_sa_get(e, c->sa);
    attempt = kd_handle_eq(c->attempt, sa->self) ? NULL : ike_sa_get(e, c->attempt);
    if (kd_handle_eq(c->attempt, sa->self))
        c->attempt = KD_HANDLE_NONE;
    c->retry_us = KD_NEVER;
    ike_conn_arm(e, c);
    /* An attempt of ours of which the peer knows no more than a half-open SA is not worth
     * finishing. */
    if (attempt && attempt->state < IKE_ST_I_AUTH) {
        c->attempt = KD_HANDLE_NONE;
        ike_sa_drop(e, attempt, KD_REASON_COLLISION, false);
    }
    unelect(e, c, initial_contact);
    if (old && collided(old, sa) && ike_nonce_cmp(&sa->nonce_low, &old->nonce_low) < 0) {
        if (sa->said_contact) {
            elect(e, c, sa, old);
            return;
        }
        lose(e, sa);
        use_children(e, old);
        return;
    }
    c->sa = sa->self;
    if (!old)
        return;
    if (collided(old, sa))
        lose(e, old);
    else if (initial_contact)
        ike_sa_drop(e, old, KD_REASON_PEER_REPLACED, false);
    else
        ike_sa_close(e, old, KD_REASON_PEER_REPLACED);
    use_children(e, sa);
}
