/* A connection's children: which of those configured are there, which is to be made next, and when
 * again what was refused or has gone. RFC 7296 1.3.1, 2.9. Not here: how a pair is made (create.c),
 * what the peer's selectors mean (negotiate.c).
 *
 * IKE_AUTH makes the first; the others follow one after the other, made by who initiated the IKE
 * SA. The other end leaves that to it for a while, and makes what is missing then, its role
 * permitting.
 *
 * Of a ladder (facts/azure 1.5) one step is wanted at a time: the next one where the peer refuses
 * the selectors, the first again after the last. The step is remembered while the peer stays.
 *
 * Pairs for the same traffic, none of which replaces another by REKEY_SA, don't pile up:
 * ike_children_double(). */
#include "ike/child.h"
#include "ike/out.h"
#include "ike/sa.h"

#define PAUSE_MAX     16       /* times the connection's first pause, as when it reconnects */
#define LIVED_US      KD_S(60) /* a pair that stood so long is made again without a longer pause */
#define PEERS_TURN_US KD_S(1)  /* who deletes a pair in order has that long to make another */
#define TOGETHER_US   KD_S(60) /* two pairs made by both ends within that time are a collision */
#define TWINS_MAX 4 /* pairs for the same traffic: classes of service, or what a peer forgot */

unsigned ike_conn_children(const struct ike_conn *c)
{
    return KD_MAX(c->cfg.n_children, 1);
}

static bool wanted(const struct ike_conn *c, unsigned conf)
{
    return conf < ike_conn_children(c) && (!c->cfg.ladder || conf == c->step);
}

static bool live(const struct ike_child *ch)
{
    return ch && (ch->state == IKE_CH_INSTALLING || ch->state == IKE_CH_UP);
}

bool ike_children_have(const struct ike *e, const struct ike_sa *sa, unsigned conf)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *ch = ike_child_get(e, sa->child[i]);
        if (live(ch) && (ch->conf == conf || (c && c->cfg.ladder)))
            return true;
    }
    return false;
}

uint8_t ike_children_first(const struct ike_conn *c)
{
    if (c->cfg.ladder)
        return c->step;
    for (uint8_t i = 0; i < ike_conn_children(c); i++)
        if (c->want[i].refused == KD_REASON_NONE)
            return i;
    return 0;
}

static void again(struct ike *e, const struct ike_conn *c, struct ike_want *w)
{
    uint64_t pause = w->pause_us ? w->pause_us * 2 : c->cfg.retry_us;

    w->pause_us = KD_MIN(pause, c->cfg.retry_us * PAUSE_MAX);
    w->retry_us = e->now_us + w->pause_us + ike_jitter(e, w->pause_us / 8);
}

void ike_children_begin(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    for (unsigned i = 0; c && i < ike_conn_children(c); i++) {
        c->want[i].tried = false;
        c->want[i].pause_us = 0;
        c->want[i].retry_us =
            sa->initiator ? e->now_us : e->now_us + IKE_CHILDLESS_US + ike_jitter(e, KD_S(2));
    }
}

/* The next step; true when there is one that has not been tried on this IKE SA. */
static bool climb(struct ike *e, struct ike_conn *c)
{
    c->step = (uint8_t)((c->step + 1u) % ike_conn_children(c));
    if (c->want[c->step].tried)
        return false;
    c->want[c->step].retry_us = e->now_us;
    return true;
}

void ike_children_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify)
{
    struct ike_want *w = &c->want[conf];

    again(e, c, w);
    if (notify == IKE_N_TEMPORARY_FAILURE)
        return;
    w->tried = true;
    w->refused = ike_notify_reason(notify);
    if (c->cfg.ladder && conf == c->step &&
        (notify == IKE_N_TS_UNACCEPTABLE || notify == IKE_N_SINGLE_PAIR_REQUIRED) && !climb(e, c))
        again(e, c, &c->want[c->step]);
}

void ike_children_up(struct ike *e, struct ike_sa *sa, const struct ike_child *ch)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    if (!c || ch->conf >= ike_conn_children(c))
        return;
    c->want[ch->conf].refused = KD_REASON_NONE;
    if (c->cfg.ladder && ch->initiator)
        c->step = ch->conf;
}

void ike_children_lost(struct ike *e, struct ike_sa *sa, const struct ike_child *ch,
                       enum kd_reason reason)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    bool lived = e->now_us - ch->created_us >= LIVED_US;
    struct ike_want *w;

    if (!c || ch->conf >= ike_conn_children(c) || reason == KD_REASON_COLLISION)
        return; /* a collision's other pair is there */
    w = &c->want[ch->conf];
    if (lived)
        w->pause_us = 0;
    if ((reason == KD_REASON_EXPIRED && !ch->refused) ||
        (reason == KD_REASON_PEER_DELETED && lived)) {
        /* There is nothing wrong with it: another takes its place, made by who has deleted it; and
         * where that one does not, by us. */
        w->tried = false;
        w->retry_us = e->now_us;
        if (reason == KD_REASON_PEER_DELETED)
            w->retry_us += PEERS_TURN_US + ike_jitter(e, PEERS_TURN_US);
        return;
    }
    again(e, c, w);
    w->tried = true; /* with the last of them the IKE SA ends, as one with a single child does */
    if (!sa->initiator)
        w->retry_us = KD_MAX(w->retry_us, e->now_us + IKE_CHILDLESS_US);
}

/* Azure's way: the IKE SA goes with the selectors (facts/azure 1.5). The next step is tried soon;
 * when all have been, the pause goes on growing. */
void ike_ladder_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify)
{
    uint8_t before = c->step;

    if (!c->cfg.ladder)
        return;
    ike_children_refused(e, c, conf, notify);
    if (c->step > before)
        c->pause_us = 0;
}

void ike_ladder_reset(struct ike_conn *c)
{
    c->step = 0;
}

/* ---- what is to be made ---- */

static bool may_make(const struct ike *e, const struct ike_sa *sa, const struct ike_conn *c)
{
    return c && c->admin == IKE_ADMIN_UP && c->cfg.role != IKE_ROLE_RESPONDER &&
           sa->state == IKE_ST_UP && sa->announced && !sa->redundant && !sa->successor &&
           ike_sa_current(e, sa);
}

bool ike_children_hope(struct ike *e, const struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    if (!sa->initiator || !may_make(e, sa, c))
        return false;
    for (unsigned i = 0; i < ike_conn_children(c); i++)
        if (wanted(c, i) && !c->want[i].tried && !ike_children_have(e, sa, i))
            return true;
    return false;
}

uint64_t ike_children_due(const struct ike *e, const struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint64_t at = KD_NEVER;

    if (!may_make(e, sa, c) || sa->ours || sa->theirs || sa->tx.out)
        return KD_NEVER;
    for (unsigned i = 0; i < ike_conn_children(c); i++)
        if (wanted(c, i) && !ike_children_have(e, sa, i))
            at = KD_MIN(at, c->want[i].retry_us);
    return at;
}

void ike_children_make(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    if (ike_children_due(e, sa) > e->now_us)
        return;
    for (uint8_t i = 0; i < ike_conn_children(c); i++) {
        struct ike_want *w = &c->want[i];
        if (!wanted(c, i) || w->retry_us > e->now_us || ike_children_have(e, sa, i))
            continue;
        w->retry_us = e->now_us + c->cfg.retry_us; /* where nothing comes of it, not even a no */
        ike_child_start(e, sa, i);
        return;
    }
}

/* Nobody waits for the peer's turn to make another; what was refused keeps its pause. */
void ike_children_hasten(struct ike *e, struct ike_sa *sa)
{
    struct ike_conn *c = ike_conn_of(e, sa);

    for (unsigned i = 0; c && i < ike_conn_children(c); i++)
        if (!c->want[i].pause_us && !ike_children_have(e, sa, i))
            c->want[i].retry_us = KD_MIN(c->want[i].retry_us, e->now_us);
    ike_touch(e, sa);
}

/* ---- two for the same ---- */

static bool covers(const struct ike_child *a, const struct ike_child *b)
{
    return ike_ts_inside(&b->ts_local, &a->ts_local) && ike_ts_inside(&b->ts_remote, &a->ts_remote);
}

/* Does o stand for traffic that is all ch's? */
static bool doubled(const struct ike_child *o, const struct ike_child *ch)
{
    return o && o != ch && o->state == IKE_CH_UP && o->conf == ch->conf && !o->redundant &&
           kd_handle_none(o->replaced_by) && covers(ch, o);
}

bool ike_children_split(const struct ike *e, const struct ike_sa *sa, const struct ike_child *ch)
{
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *o = ike_child_get(e, sa->child[i]);
        if (o && o != ch && o->state == IKE_CH_UP && o->conf == ch->conf && !o->redundant &&
            kd_handle_none(o->replaced_by) && !kd_handle_eq(o->replaces, ch->self))
            return true;
    }
    return false;
}

/* Both ends have made one at once: who made the one with the lowest nonce deletes it, as where they
 * rekey (2.8.1). Nobody touches the other's: it may be meant. What counts is the exchanges that
 * made them anew: either may have been rekeyed since, and one end may know of that and the other
 * not yet. */
static bool lost(const struct ike_child *ours, const struct ike_child *theirs)
{
    const struct ike_birth *a = &ours->birth, *b = &theirs->birth;
    uint64_t apart = a->at_us > b->at_us ? a->at_us - b->at_us : b->at_us - a->at_us;

    return a->ours && !b->ours && !a->by_auth && !b->by_auth && covers(theirs, ours) &&
           apart < TOGETHER_US && ike_nonce_cmp(&a->low, &b->low) < 0;
}

/* Of o's line, what the peer receives on for certain: where it rekeys, that is the one before until
 * it deletes it. */
static struct ike_child *settled(const struct ike *e, struct ike_child *o)
{
    struct ike_child *before = o->initiator ? NULL : ike_child_get(e, o->replaces);

    return before && before->state == IKE_CH_UP ? before : o;
}

/* ch has come up. What both ends have made at once: one goes. Else they stand side by side (2.8:
 * selectors don't identify an SA), the newest in use, up to a number: the oldest goes. */
void ike_children_double(struct ike *e, struct ike_sa *sa, struct ike_child *ch)
{
    struct ike_child *oldest = NULL;
    unsigned n = 0;

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *o = ike_child_get(e, sa->child[i]);
        if (!doubled(o, ch))
            continue;
        if (lost(ch, o)) {
            ike_child_use(e, sa, settled(e, o));
            ike_child_delete(e, sa, ch, KD_REASON_COLLISION);
            return;
        }
        if (lost(o, ch)) {
            ike_child_delete(e, sa, o, KD_REASON_COLLISION);
            continue;
        }
        n++;
        if (!oldest || o->created_us < oldest->created_us)
            oldest = o;
    }
    if (n >= TWINS_MAX)
        ike_child_delete(e, sa, oldest, KD_REASON_PEER_REPLACED);
}

void ike_children_stand_in(struct ike *e, struct ike_sa *sa, const struct ike_child *ch)
{
    struct ike_child *newest = NULL;

    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        struct ike_child *o = ike_child_get(e, sa->child[i]);
        if (doubled(o, ch) && covers(o, ch) && (!newest || o->created_us > newest->created_us))
            newest = o;
    }
    if (newest)
        ike_child_use(e, sa, newest);
}
