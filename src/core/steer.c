/* What failed health probes make of the neighbors they name, and a drain of its neighbor: their
 * routes are steered on top of the policies (BGP_EV_STEER), or their sessions end. Several probes
 * of one neighbor add up: the lowest local preference, the longest prepending. Nobody's session is
 * reset by steering. */
#include "core/internal.h"

static bool names(const struct core_health_config *f, uint32_t peer)
{
    for (uint32_t i = 0; i < f->n_neighbors; i++)
        if (f->neighbor[i] == peer)
            return true;
    return false;
}

static void add(struct core_steer_view *v, const struct core_health_config *f)
{
    struct bgp_steer *s = &v->steer;

    v->shutdown |= (f->then & CORE_THEN_SHUTDOWN) != 0;
    s->withdraw |= (f->then & CORE_THEN_WITHDRAW) != 0;
    if (f->then & CORE_THEN_PREPEND)
        s->prepend = KD_MAX(s->prepend, f->prepend);
    if (f->then & CORE_THEN_LOCAL_PREF) {
        s->local_pref = s->set_local_pref ? KD_MIN(s->local_pref, f->local_pref) : f->local_pref;
        s->set_local_pref = true;
    }
}

static struct core_steer_view of_peer(const struct core *c, uint32_t peer)
{
    const struct core_peer *p = core_peer(c, peer);
    struct core_steer_view v = {.shutdown = false};

    v.steer.set_local_pref = p && p->drained; /* at 0 */
    v.steer.halves = core_drains_over(c, peer);
    for (uint32_t i = 0; i < c->cfg.n_health; i++)
        if (c->health[i].state == CORE_HEALTH_DOWN && names(&c->cfg.health[i], peer))
            add(&v, &c->cfg.health[i]);
    return v;
}

static bool same(const struct bgp_steer *a, const struct bgp_steer *b)
{
    return a->withdraw == b->withdraw && a->set_local_pref == b->set_local_pref &&
           a->local_pref == b->local_pref && a->prepend == b->prepend && a->halves == b->halves;
}

static void steer_routes(struct core *c, struct core_peer *p, const struct bgp_steer *s)
{
    struct bgp_event ev = {.kind = BGP_EV_STEER, .peer = p->id, .steer = *s};

    if (same(&p->steer, s))
        return;
    p->steer = *s;
    core_queue_bgp(c, &ev);
}

static void steer_session(struct core *c, struct core_peer *p, bool shutdown)
{
    if (p->unhealthy == shutdown)
        return;
    p->unhealthy = shutdown;
    if (shutdown)
        core_peer_off(c, p->id, KD_REASON_HEALTH_DOWN, true);
    else
        core_peer_may_return(c, p->id);
}

void core_steer_peer(struct core *c, struct core_peer *p)
{
    struct core_steer_view v = of_peer(c, p->id);

    steer_routes(c, p, &v.steer);
    steer_session(c, p, v.shutdown);
}

void core_steer(struct core *c, uint32_t health)
{
    const struct core_health_config *f = &c->cfg.health[health];

    for (uint32_t i = 0; i < f->n_neighbors; i++) {
        struct core_peer *p = core_peer(c, f->neighbor[i]);
        if (p)
            core_steer_peer(c, p);
    }
}

bool core_steer_get(const struct core *c, uint32_t peer, struct core_steer_view *v)
{
    const struct core_peer *p = core_peer(c, peer);

    if (!p)
        return false;
    *v = (struct core_steer_view){p->steer, p->unhealthy};
    return true;
}
