/* An IKE SA without a child: by intent, or because it lost its last one. RFC 6023 (childless
 * initiation), RFC 7296 2.21.2.
 *
 * The responder announces that it allows IKE_AUTH without SA and TS; the initiator whose
 * configuration forces it makes every child by CREATE_CHILD_SA, so that the first one gets PFS too.
 * Not here: that exchange (create.c).
 *
 * A tunnel is for its children, so no IKE SA stays childless: who made it asks for a child at once
 * and ends it when that fails; the other end waits IKE_CHILDLESS_US, then asks once itself where
 * its role allows, then ends it. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

#define HOPE_US KD_S(60) /* our time to make another of the children */

static const struct kd_bytes none = {NULL, 0};

void ike_childless_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b)
{
    sa->hs->childless = c->cfg.childless != IKE_CHILDLESS_NEVER;
    if (sa->hs->childless)
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_CHILDLESS_IKEV2_SUPPORTED, none);
}

bool ike_childless_possible(const struct ike_sa *sa, const struct ike_conn *c)
{
    return c->cfg.childless != IKE_CHILDLESS_FORCE || sa->hs->childless;
}

/* The next child of ours is asked for, or its end is set: never neither. */
static void ask(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    sa->end_us = KD_NEVER; /* the exchange has its own end */
    ike_child_start(e, sa, c ? ike_children_first(c) : 0);
    if (sa->ours)
        return;
    sa->end_reason = KD_REASON_NO_RESOURCES;
    sa->end_us = e->now_us + IKE_CHILDLESS_US;
}

void ike_childless_begin(struct ike *e, struct ike_sa *sa)
{
    if (sa->state == IKE_ST_UP && !sa->redundant)
        ask(e, sa);
}

void ike_childless(struct ike *e, struct ike_sa *sa, enum kd_reason reason)
{
    if (sa->state != IKE_ST_UP || ike_children_live(e, sa) || sa->redundant || sa->successor)
        return;
    /* RFC 7296 2.21.2 leaves the IKE SA up. Without another child to try it is of no use to us,
     * though: who initiated it starts again; else the peer gets some time to make a child or to do
     * the same. */
    sa->end_reason = reason;
    if (ike_children_hope(e, sa))
        sa->end_us = e->now_us + HOPE_US;
    else if (sa->initiator)
        ike_sa_close(e, sa, reason);
    else
        sa->end_us = e->now_us + IKE_CHILDLESS_US;
    ike_touch(e, sa);
}

bool ike_childless_adopt(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    bool may = sa->childless && c && c->cfg.role != IKE_ROLE_RESPONDER && !sa->ours &&
               !sa->redundant && !ike_children_live(e, sa);

    sa->childless = false;
    if (may)
        ask(e, sa);
    return may;
}

/* Without our announcement it is a message that lacks mandatory payloads (RFC 6023 3). */
void ike_childless_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    if (sa->hs->childless) {
        sa->childless = true;
        ike_auth_requested(e, sa, m);
        return;
    }
    if (ike_bucket_take(&e->stranger_notes, e->now_us, 10, KD_S(1)))
        ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_INVALID_SYNTAX,
                    "peer sent IKE_AUTH without a child, and childless is never here");
    ike_response_notify(e, sa, IKE_N_INVALID_SYNTAX, none);
    ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, true);
}
