/* A neighbor drained: what it tells is believed last (steer.c), and where others are named, they
 * are told the halves of what of ours it is told, so that traffic to us comes over them: a longer
 * prefix wins wherever communities and preferences don't count. No session ends, nothing is
 * withdrawn before the other way is there.
 *
 * The halves are fixed at the beginning; one that another drain holds, too, stays until both
 * end. At the end the others are told one after the other: two instances of a gateway that lost
 * a half in the same moment would each, until it has heard of the other's loss, send the traffic
 * to the other. */
#include "core/internal.h"

#include <stdlib.h>

/* For what BGP has no answer: the other side has carried a withdrawal through, between its
 * speakers, too. */
#define GAP_US KD_S(1)

struct core_drain {
    struct core_drain *next; /* of those that end */
    uint64_t at_us;          /* the next of over is told */
    uint32_t n_over, over[CORE_DRAIN_OVER_MAX];
    uint32_t n;
    struct kd_prefix half[2 * CORE_DRAIN_PREFIXES_MAX];
};

static bool lists(const struct core_drain *d, uint32_t peer)
{
    for (uint32_t i = 0; d && i < d->n_over; i++)
        if (d->over[i] == peer)
            return true;
    return false;
}

bool core_drains_over(const struct core *c, uint32_t peer)
{
    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (lists(p->drain, peer))
            return true;
    for (const struct core_drain *d = c->drains_ending; d; d = d->next)
        if (lists(d, peer))
            return true;
    return false;
}

static bool holds(const struct core_drain *d, const struct kd_prefix *half)
{
    for (uint32_t i = 0; d && i < d->n; i++)
        if (kd_prefix_eq(&d->half[i], half))
            return true;
    return false;
}

static bool held(const struct core *c, const struct kd_prefix *half)
{
    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (holds(p->drain, half))
            return true;
    for (const struct core_drain *d = c->drains_ending; d; d = d->next)
        if (holds(d, half))
            return true;
    return false;
}

static void tell(struct core *c, const struct kd_prefix *half, bool up)
{
    struct bgp_event ev = {.kind = BGP_EV_LOCAL_ROUTE,
                           .table = c->cfg.table,
                           .prefix = *half,
                           .up = up,
                           .half = true};

    core_queue_bgp(c, &ev);
}

static bool split(void *arg, const struct bgp_route_view *r)
{
    struct core_drain *d = arg;
    struct kd_prefix low = r->prefix, high;
    unsigned bit = r->prefix.len;

    if (!r->local || bit >= (r->prefix.addr.family == 4 ? 32u : 128u))
        return true;
    if (d->n == KD_ARRAY_LEN(d->half))
        return false;
    low.len++;
    high = low;
    high.addr.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    d->half[d->n++] = low;
    d->half[d->n++] = high;
    return true;
}

static void steer_over(struct core *c, const struct core_drain *d)
{
    for (uint32_t i = 0; i < d->n_over; i++) {
        struct core_peer *o = core_peer(c, d->over[i]);
        if (o)
            core_steer_peer(c, o);
    }
}

static void draw(struct core *c, struct core_peer *p, struct kd_bytes over)
{
    p->drain = calloc(1, sizeof(*p->drain));
    if (!p->drain)
        return;
    p->drain->n_over = (uint32_t)KD_MIN(over.len / sizeof(uint32_t), CORE_DRAIN_OVER_MAX);
    memcpy(p->drain->over, over.p, p->drain->n_over * sizeof(uint32_t));
    bgp_rib_walk(c->bgp, BGP_VIEW_ADVERTISED, p->id, split, p->drain);
    for (uint32_t i = 0; i < p->drain->n; i++)
        tell(c, &p->drain->half[i], true);
    steer_over(c, p->drain);
}

void core_drain(struct core *c, struct core_peer *p, struct kd_bytes over)
{
    if (p->drained)
        return;
    p->drained = true;
    if (over.len >= sizeof(uint32_t))
        draw(c, p, over);
    core_steer_peer(c, p);
}

/* ---- its end ---- */

static void forget(struct core *c, struct core_drain *d)
{
    struct core_drain **at = &c->drains_ending;

    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    for (uint32_t i = 0; i < d->n; i++)
        if (!held(c, &d->half[i]))
            tell(c, &d->half[i], false);
}

/* One of over hears of it; with the last the halves are no longer ours. */
static void take_back(struct core *c, struct core_drain *d)
{
    struct core_peer *o = d->n_over ? core_peer(c, d->over[0]) : NULL;
    bool last = d->n_over <= 1;

    d->at_us = c->now_us + GAP_US;
    if (d->n_over)
        memmove(d->over, d->over + 1, --d->n_over * sizeof(d->over[0]));
    if (last)
        forget(c, d);
    if (o)
        core_steer_peer(c, o);
    if (last)
        free(d);
}

void core_undrain(struct core *c, struct core_peer *p)
{
    struct core_drain *d = p->drain;

    p->drained = false;
    p->drain = NULL;
    if (d) {
        d->next = c->drains_ending;
        c->drains_ending = d;
    }
    core_steer_peer(c, p);
    if (d)
        take_back(c, d);
}

uint64_t core_drains_deadline(const struct core *c)
{
    uint64_t at = KD_NEVER;

    for (const struct core_drain *d = c->drains_ending; d; d = d->next)
        at = KD_MIN(at, d->at_us);
    return at;
}

void core_drains_wake(struct core *c)
{
    for (struct core_drain *d = c->drains_ending, *next; d; d = next) {
        next = d->next;
        if (d->at_us <= c->now_us)
            take_back(c, d);
    }
}

void core_drains_free(struct core *c)
{
    struct core_peer *p, *tmp;

    HASH_ITER (hh, c->peers, p, tmp)
        free(p->drain);
    for (struct core_drain *d = c->drains_ending, *next; d; d = next) {
        next = d->next;
        free(d);
    }
}
