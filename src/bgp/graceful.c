/* Graceful restart, RFC 4724. The receiving speaker, 4.2: a neighbor whose TCP ends without a
 * NOTIFICATION may have gone on forwarding; its paths are kept, stale, until it has told its table
 * again.
 *
 * A stale path is one of an older epoch (refresh.c); nothing else tells it from another: it is
 * decided about, advertised and takes traffic as before, and loses against a better one only. It
 * goes when its next hop does, when the neighbor's restart time is over, with BFD's Down (4.2: MAY)
 * and with whatever stops the neighbor; never is one kept over a tunnel (DESIGN 3.6).
 *
 * The restarting speaker, 4.1, with neighbors for which it is configured: what is behind kedge may
 * be behind tunnels, which its restart interrupts, and only the operator knows whether a neighbor
 * is told of that. The others get a capability that names no family, which 3 defines to mean just
 * that. The kernel goes on with the routes of a process that died; the next one finds them (F), and
 * until its neighbors have told what they have, core/adopt.c leaves the forwarding as it is, and
 * nothing is said to those that keep ours: no route, no End-of-RIB. Selection itself isn't
 * deferred, its effects are.
 *
 * Not here: RFC 8538; a restart that is planned, which says Cease and takes its routes along. */
#include "bgp/graceful.h"
#include "bgp/ending.h"
#include "bgp/session.h"

#include <stdio.h>

#define TIME_MASK 0x0fff   /* of graceful_flags_time (3) */
#define RESTARTED 0x8000   /* the R bit */
#define OFFER_S   120      /* our restart time where there is no hold time to be it (4) */
#define DEFER_US  KD_S(30) /* Selection_Deferral_Timer: as long as core/adopt.c waits */
/* For End-of-RIB once it is back: 4.2 allows for a bound, and a neighbor may forget to say it. */
#define STALE_US KD_S(360)
/* A session so young may meet the other connection of its own collision: a SYN is sent again after
 * one second. What restarts so soon answers a KEEPALIVE with a reset. */
#define YOUNG_US KD_S(3)

/* 4: "less than or equal to the HOLDTIME". F: as long as this life lasts, nothing has stopped
 * forwarding. */
void bgp_graceful_offer(const struct bgp *b, const struct bgp_peer *p, struct bgp_open *o)
{
    uint16_t time = KD_MIN(p->hold_s ? p->hold_s : OFFER_S, TIME_MASK);

    o->graceful = p->graceful_restart != BGP_GRACEFUL_OFF;
    if (p->graceful_restart != BGP_GRACEFUL_PRESERVE)
        return;
    o->graceful_flags_time = time | (b->deferring ? RESTARTED : 0);
    for (int i = 0; i < 2; i++) {
        o->graceful_family[i] = true;
        o->graceful_forwarding[i] = p->had_session || b->kept[i];
    }
}

/* ---- the receiving speaker ---- */

static bool keeps(const struct bgp_conn *c, int i)
{
    return c->family[i] && c->open.graceful_family[i];
}

static bool agreed(const struct bgp_conn *c)
{
    return c->peer->up == c && c->peer->graceful_restart && (keeps(c, 0) || keeps(c, 1));
}

uint16_t bgp_graceful_time(const struct bgp_conn *c)
{
    if (!agreed(c))
        return 0;
    if (bgp_conn_behind(c)) /* what hasn't been read may be a NOTIFICATION */
        return 0;
    return c->open.graceful_flags_time & TIME_MASK;
}

bool bgp_graceful_replaced(struct bgp *b, struct bgp_fsm *m)
{
    struct bgp_fsm old = {.p = m->p, .c = m->p->up};
    char text[96];

    if (!agreed(old.c) || b->now_us - m->p->up_us < YOUNG_US)
        return false;
    snprintf(text, sizeof(text), "neighbor opens anew: routes kept for %u s (RFC 4724)",
             bgp_graceful_time(old.c));
    bgp_end(b, &old, KD_REASON_PEER_RESTARTED, NULL, text, BGP_END_REPLACED);
    return true;
}

/* Those of an older session than the present, or last, one. */
static void sweep(struct bgp_family *f)
{
    f->sweep_epoch = f->epoch;
    f->sweep = f->paths.head;
}

static void let_go(struct bgp_family *f)
{
    if (!f->stale)
        return;
    f->stale = false;
    if (f->up)
        sweep(f);
    else
        bgp_family_purge(f);
}

/* 4.2, consecutive restarts: what was stale before is not kept again. */
static void keep(struct bgp_family *f)
{
    if (f->stale)
        sweep(f);
    f->stale = true;
    f->epoch++;
}

void bgp_graceful_down(struct bgp *b, struct bgp_peer *p, uint16_t kept_s)
{
    for (int i = 0; i < 2; i++)
        if (kept_s && p->family[i].rib && keeps(p->up, i))
            keep(&p->family[i]);
        else
            p->family[i].stale = false;
    bgp_timer_set(b, bgp_timer_restart(b, p), kept_s ? b->now_us + KD_S(kept_s) : KD_NEVER);
}

void bgp_graceful_coming(struct bgp_peer *p, const struct bgp_conn *c)
{
    for (int i = 0; i < 2; i++) {
        struct bgp_family *f = &p->family[i];
        if (f->stale && !(c->family[i] && f->rib->table == p->table))
            let_go(f);
    }
}

static void await_end_of_rib(struct bgp *b, struct bgp_peer *p, uint64_t at_us)
{
    bool any = p->family[0].stale || p->family[1].stale;

    if (!any || at_us != KD_NEVER)
        bgp_timer_set(b, bgp_timer_restart(b, p), any ? at_us : KD_NEVER);
}

void bgp_graceful_up(struct bgp *b, struct bgp_peer *p)
{
    for (int i = 0; i < 2; i++)
        if (!keeps(p->up, i) || !p->up->open.graceful_forwarding[i] || !p->graceful_restart)
            let_go(&p->family[i]);
    await_end_of_rib(b, p, b->now_us + STALE_US);
}

void bgp_graceful_told(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    let_go(f);
    await_end_of_rib(b, p, KD_NEVER);
}

void bgp_graceful_drop(struct bgp *b, struct bgp_peer *p)
{
    for (int i = 0; i < 2; i++)
        let_go(&p->family[i]);
    bgp_timer_set(b, bgp_timer_restart(b, p), KD_NEVER);
}

/* ---- the restarting speaker ---- */

void bgp_graceful_restarted(struct bgp *b, const bool kept[2])
{
    memcpy(b->kept, kept, sizeof(b->kept));
    b->deferring = true;
    bgp_timer_set(b, bgp_timer_defer(b), b->now_us + DEFER_US);
}

void bgp_graceful_settled(struct bgp *b)
{
    b->deferring = false;
    bgp_timer_set(b, bgp_timer_defer(b), KD_NEVER);
}

bool bgp_graceful_deferred(const struct bgp *b, const struct bgp_peer *p)
{
    return b->deferring && p->graceful_restart == BGP_GRACEFUL_PRESERVE;
}

/* 4.1: not waited for are who says no End-of-RIB and who has restarted, too. */
static bool has_told(const struct bgp_peer *p)
{
    const struct bgp_open *o = p->up ? &p->up->open : NULL;

    return o && (!o->graceful || o->graceful_flags_time & RESTARTED ||
                 (p->family[0].eor_seen && p->family[1].eor_seen));
}

void bgp_graceful_settle(struct bgp *b)
{
    bool any = false;

    for (uint32_t i = 0; b->deferring && i < b->n_peers; i++) {
        if (!b->peers[i]->on)
            continue;
        if (!has_told(b->peers[i]))
            return;
        any = true;
    }
    if (any)
        bgp_graceful_settled(b);
}
