/* Two pairs where one was wanted: both ends have rekeyed the same child at once. RFC 7296 2.8.1,
 * 2.25.1. Not here: two IKE SAs (succeed.c).
 *
 *   ours is asked for, the peer's request for the same pair comes: it is answered as usual, and its
 *   pair noted (ike_collide_noted). When our answer is there as well, all four are known: the
 *   exchange that holds the lowest has lost, and who began it deletes its pair; who began the other
 *   deletes the old one. If only one end notices, the other refuses the late request, and nothing
 *   redundant is made.
 *
 * What the peer deletes is gone whatever the nonces say: the pair that is left takes its place
 * (ike_child_heir), be it the old one. What the peer ought to delete and does not, we delete
 * (ike_child_overdue). */
#include "ike/child.h"
#include "ike/sa.h"

/* Octet by octet; the end of one before the other differs is lower. */
int ike_nonce_cmp(const struct ike_nonce *a, const struct ike_nonce *b)
{
    int c = memcmp(a->b, b->b, KD_MIN(a->len, b->len));

    return c ? c : (int)a->len - (int)b->len;
}

const struct ike_nonce *ike_nonce_lower(const struct ike_nonce *a, const struct ike_nonce *b)
{
    return ike_nonce_cmp(a, b) < 0 ? a : b;
}

bool ike_collides(const struct ike_sa *sa, struct kd_handle old)
{
    return ike_child_pending(sa) && !kd_handle_none(old) && kd_handle_eq(sa->ours->old, old);
}

void ike_collide_noted(struct ike_sa *sa, const struct ike_child *c)
{
    if (ike_collides(sa, sa->theirs->old))
        sa->ours->rival = c->self;
}

bool ike_collide_lost(const struct ike *e, const struct ike_xchg *x)
{
    const struct ike_child *rival = ike_child_get(e, x->rival);

    if (kd_handle_none(x->rival))
        return false;
    if (!rival || rival->state != IKE_CH_UP) /* rekeyed in its turn: the peer had decided */
        return true;
    return ike_nonce_cmp(ike_nonce_lower(&x->ni, &x->nr), &rival->nonce_low) < 0;
}

void ike_collide_won(struct ike *e, struct ike_sa *sa, struct ike_child *c, struct ike_child *rival)
{
    c->rival = rival->self;
    rival->rival = c->self;
    rival->redundant = true;
    rival->want_rekey = false;
    rival->rekey_us = KD_NEVER;
    rival->end_us = e->now_us + IKE_REDUNDANT_US;
    ike_touch(e, sa);
}

/* ---- who takes a pair's place ---- */

/* h, or what has been made in its place since. */
static struct ike_child *up(const struct ike *e, struct kd_handle h)
{
    struct ike_child *c = ike_child_get(e, h);

    for (int i = 0; c && c->state != IKE_CH_UP && i < IKE_SA_CHILDREN; i++)
        c = ike_child_get(e, c->replaced_by);
    return c && c->state == IKE_CH_UP ? c : NULL;
}

struct ike_child *ike_child_successor(const struct ike *e, const struct ike_child *c)
{
    return up(e, c->replaced_by);
}

struct ike_child *ike_child_heir(const struct ike *e, const struct ike_child *c)
{
    struct ike_child *heir = up(e, c->replaced_by);
    struct ike_child *before = ike_child_get(e, c->replaces);

    if (!heir)
        heir = up(e, c->rival);
    return heir || !before || before->state != IKE_CH_UP ? heir : before;
}

/* The peer has deleted c: it stands for heir now. */
void ike_child_inherit(struct ike *e, struct ike_sa *sa, struct ike_child *c,
                       struct ike_child *heir)
{
    bool next = ike_child_successor(e, c) == heir;
    bool back = kd_handle_eq(heir->self, c->replaces); /* a rekey that came to nothing */

    if (heir->redundant || back)
        heir->end_us = KD_NEVER;
    heir->redundant = false;
    if (back) {
        heir->replaced_by = KD_HANDLE_NONE;
        if (!ike_collides(sa, heir->self))
            ike_child_rekey_later(e, sa, heir->self);
    }
    ike_child_use(e, sa, heir);
    ike_child_retire(e, sa, c, next ? KD_REASON_NONE : KD_REASON_COLLISION);
}

void ike_child_overdue(struct ike *e, struct ike_sa *sa, struct ike_child *c)
{
    bool redundant = c->redundant;
    struct ike_child *next = up(e, redundant ? c->rival : c->replaced_by);

    c->redundant = false;
    c->end_us = ike_collides(sa, c->self) ? e->now_us + IKE_PREDECESSOR_US : KD_NEVER;
    if (!next || c->end_us != KD_NEVER)
        return;
    ike_child_use(e, sa, next);
    ike_child_delete(e, sa, c, redundant ? KD_REASON_COLLISION : KD_REASON_NONE);
}
