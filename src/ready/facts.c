/* One tunnel as values: what the views of the core, of IKE, BGP and BFD say of it, and its routes
 * beside those of its primary. Routes are compared when something they depend on has changed, and
 * every REFRESH_US for what doesn't show in a counter (a reload); beyond ROUTES_MAX they are not,
 * because the comparison is one piece of work and BFD's packets would wait for it.
 *
 * Not compared: the BGP speakers' own host routes, and what one side told us when the question is
 * what we tell (nobody is told his own routes). What a policy refused costs a look, no comparison.
 */
#include "ready/ready.h"

#include <stdlib.h>

#define ROUTES_MAX   50000u  /* accepted */
#define HELD_MAX     200000u /* with what was refused */
#define REFRESH_US   KD_S(30)
#define QUIET_US     KD_S(3)  /* no prefix more or less: then who says no End-of-RIB is done, too */
#define SETTLE_US    KD_S(60) /* or so long after the session began, whatever still changes */
#define DEAF_MIN_US  KD_S(10)
#define DEAF_IDLE_US KD_S(30) /* without a session nothing has to come */

/* ---- who ---- */

/* The i-th primary of a backup in table; UINT32_MAX at the end. */
static uint32_t primary_at(const struct core *core, uint32_t i)
{
    const struct core_config *c = core_configuration(core);

    if (c->readiness.n_primary)
        return i < c->readiness.n_primary ? c->readiness.primary[i] : UINT32_MAX;
    return i < c->n_neighbors ? CORE_PEER_BESIDE(i) : UINT32_MAX;
}

static bool is_primary(const struct core *core, uint32_t peer)
{
    uint32_t id;

    for (uint32_t i = 0; (id = primary_at(core, i)) != UINT32_MAX; i++)
        if (id == peer)
            return true;
    return false;
}

static bool is_speaker(const struct core *core, const struct kd_prefix *p)
{
    const struct bgp_peer_config *c;
    uint32_t id = UINT32_MAX;

    if (p->len != kd_addr_bits(&p->addr))
        return false;
    while (core_peer_next(core, &id)) {
        c = core_peer_config(core, id);
        if (kd_addr_eq(&p->addr, &c->remote) || kd_addr_eq(&p->addr, &c->local))
            return true;
    }
    return false;
}

/* ---- routes ---- */

struct set {
    const struct core *core;
    uint32_t table;
    bool full; /* or out of memory */
    uint32_t n, cap;
    struct ready_route *r;
    /* whose: a peer, or UINT32_MAX for every primary (learned) */
    uint32_t peer;
};

static uint16_t leading(const struct bgp_route_view *v)
{
    uint16_t n = 0;

    while (n < v->n_as && v->as_path[n] == v->as_path[0])
        n++;
    return n;
}

static bool add(struct set *s, const struct bgp_route_view *v)
{
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? 2 * s->cap : 256;
        struct ready_route *r = realloc(s->r, cap * sizeof(*r));
        if (!r) {
            s->full = true;
            return false;
        }
        s->r = r;
        s->cap = cap;
    }
    s->r[s->n++] = (struct ready_route){.prefix = v->prefix,
                                        .peer = v->peer,
                                        .local_pref = v->local_pref,
                                        .med = v->med,
                                        .first_as = v->n_as ? v->as_path[0] : 0,
                                        .weight = v->weight,
                                        .n_as = v->n_as,
                                        .n_first = leading(v),
                                        .origin = v->origin,
                                        .ibgp = v->ibgp,
                                        .has_med = v->has_med};
    return true;
}

static bool learned(void *arg, const struct bgp_route_view *v)
{
    struct set *s = arg;

    if (v->local || !v->accepted || v->table != s->table || is_speaker(s->core, &v->prefix) ||
        (s->peer == UINT32_MAX && !is_primary(s->core, v->peer)))
        return true;
    return add(s, v);
}

/* Ours, told back to us: held for the loop in its path. */
static bool own(void *arg, const struct bgp_route_view *v)
{
    struct set *s = arg;
    uint32_t asn = core_configuration(s->core)->asn;
    bool ours = false;

    for (uint16_t i = 0; v->looped && i < v->n_as; i++)
        ours |= v->as_path[i] == asn;
    return !ours || v->table != s->table || !is_primary(s->core, v->peer) || add(s, v);
}

static bool told(void *arg, const struct bgp_route_view *v)
{
    struct set *s = arg;

    return v->table != s->table || is_speaker(s->core, &v->prefix) || add(s, v);
}

/* What is in other (sorted) leaves s. */
static void subtract(struct set *s, const struct set *other)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++)
        if (ready_routes_find(other->r, other->n, &s->r[i].prefix) == other->n)
            s->r[n++] = s->r[i];
    s->n = n;
}

static struct ready_side side(const struct set *s)
{
    return (struct ready_side){s->r, s->n};
}

/* What is told: first as it stands, for the way back, then without what that side told us. */
static void compare_told(struct set *p, struct set *b, struct set *ours, const struct set *from_p,
                         const struct set *from_b, struct ready_memory *m)
{
    const struct bgp *bgp = core_bgp(b->core);
    uint32_t id;

    bgp_rib_walk(bgp, BGP_VIEW_ADVERTISED, b->peer, told, b);
    for (uint32_t i = 0; (id = primary_at(b->core, i)) != UINT32_MAX; i++)
        bgp_rib_walk(bgp, BGP_VIEW_ADVERTISED, id, told, p);
    bgp_rib_walk(bgp, BGP_VIEW_LEARNED, UINT32_MAX, own, ours);
    ready_routes_sort(p->r, p->n);
    ready_routes_sort(b->r, b->n);
    ready_back(side(from_b), side(p), side(b), side(ours), &m->back);
    subtract(p, from_b);
    subtract(b, from_p);
    ready_routes_compare(p->r, p->n, b->r, b->n, false, &m->routes_out);
}

static void compare(const struct core *core, uint32_t tunnel, uint32_t table,
                    struct ready_memory *m)
{
    struct set b = {core, table, .peer = tunnel}, p = {core, table, .peer = UINT32_MAX}, tell_b = b,
               tell_p = p, ours = p;
    const struct bgp *bgp = core_bgp(core);

    bgp_rib_walk(bgp, BGP_VIEW_LEARNED, tunnel, learned, &b);
    bgp_rib_walk(bgp, BGP_VIEW_LEARNED, UINT32_MAX, learned, &p);
    ready_routes_compare(p.r, p.n, b.r, b.n, true, &m->routes_in);
    compare_told(&tell_p, &tell_b, &ours, &p, &b, m);
    m->too_many = b.full || p.full || tell_b.full || tell_p.full || ours.full;
    free(b.r);
    free(p.r);
    free(tell_b.r);
    free(tell_p.r);
    free(ours.r);
}

/* Of everything that the comparison reads; *many: more than it looks at. */
static uint64_t print_of(const struct core *core, bool *many)
{
    uint32_t id = UINT32_MAX, accepted = 0, held = 0;
    struct bgp_peer_view v;
    uint64_t h = 0;

    for (uint32_t i = 0; (id = primary_at(core, i)) != UINT32_MAX; i++)
        h = (h + id) * UINT64_C(0x9e3779b97f4a7c15);
    while (core_peer_next(core, &id)) {
        if (!bgp_peer_get(core_bgp(core), id, &v))
            continue;
        accepted += v.accepted;
        held += v.received;
        h = (h + v.since_us + v.msgs_in) * UINT64_C(0x9e3779b97f4a7c15);
        h += v.msgs_out + v.received + v.accepted + v.advertised;
    }
    *many = accepted > ROUTES_MAX || held > HELD_MAX;
    return h + 1;
}

/* What is half loaded is compared with nothing: it would lack what only comes. quiet: no table has
 * changed for a while. Not everyone says End-of-RIB who could (RFC 4724 2 recommends it). */
static bool is_settled(const struct ready_env *env, const struct bgp_peer_view *v, bool quiet)
{
    uint64_t age_us = env->now_us - KD_MIN(v->since_us, env->now_us);

    return v->state == BGP_ESTABLISHED &&
           (v->eor || age_us >= SETTLE_US || (quiet && age_us >= QUIET_US));
}

/* Have the backup and its primaries told the same number of prefixes for a while? */
static bool is_quiet(const struct ready_env *env, uint32_t tunnel, struct ready_memory *m)
{
    const struct bgp *bgp = core_bgp(env->core);
    struct bgp_peer_view v;
    uint32_t id, told = 0;

    for (uint32_t i = 0; (id = primary_at(env->core, i)) != UINT32_MAX; i++)
        told += bgp_peer_get(bgp, id, &v) ? v.received : 0;
    told += bgp_peer_get(bgp, tunnel, &v) ? v.received : 0;
    if (told != m->told || m->told_us == 0)
        m->told_us = env->now_us;
    m->told = told;
    return env->now_us - m->told_us >= QUIET_US;
}

static const char *peer_name(const struct core *core, uint32_t peer)
{
    const struct bgp_peer_config *c = core_peer_config(core, peer);

    return c ? c->name : "-";
}

static void routes(const struct ready_env *env, uint32_t tunnel, uint32_t table, bool quiet,
                   struct ready_memory *m, struct ready_facts *f)
{
    const struct core *core = env->core;
    uint32_t id, primaries = 0, up = 0, settled = 0;
    struct bgp_peer_view v;
    bool many;
    uint64_t print = print_of(core, &many);

    for (uint32_t i = 0; (id = primary_at(core, i)) != UINT32_MAX; i++, primaries++)
        if (bgp_peer_get(core_bgp(core), id, &v)) {
            up += v.state == BGP_ESTABLISHED;
            settled += is_settled(env, &v, quiet);
        }
    if (up && !many && (print != m->print || env->now_us - m->compared_us >= REFRESH_US)) {
        compare(core, tunnel, table, m);
        m->print = print;
        m->compared_us = env->now_us;
    }
    if (up == 0) {
        m->routes_in = m->routes_out = (struct ready_routes){0};
        m->back = (struct ready_back){0};
    }
    f->too_many = up && (m->too_many || many);
    f->compared = f->settled && up && settled == primaries && !f->too_many;
    f->in = m->routes_in;
    f->out = m->routes_out;
    f->back = m->back;
    f->uneven_name =
        f->in.preferred.n || f->in.uneven.n ? peer_name(core, f->in.primary.peer) : "-";
    f->follower_name = f->back.follows.n ? peer_name(core, f->back.follower.peer) : "-";
    f->returner_name = f->back.returned.n ? peer_name(core, f->back.returner.peer) : "-";
}

static void session(const struct ready_env *env, uint32_t tunnel,
                    const struct core_tunnel_config *c, struct ready_memory *m,
                    struct ready_facts *f)
{
    struct bfd_session_view bfd;
    struct bgp_peer_view v;
    bool quiet;

    f->unheard_max_us = DEAF_IDLE_US;
    if (!c->has_neighbor || !bgp_peer_get(core_bgp(env->core), tunnel, &v))
        return;
    f->neighbor = c->neighbor.bgp.name;
    f->bgp = v.state;
    f->bgp_reason = v.reason;
    f->bgp_us = env->now_us - KD_MIN(v.since_us, env->now_us);
    if (v.state == BGP_ESTABLISHED && v.keepalive_s)
        f->unheard_max_us = KD_MAX(DEAF_MIN_US, KD_S(v.keepalive_s) * 3 / 2);
    f->bfd = core_bfd_get(env->core, tunnel, &bfd);
    f->bfd_up = f->bfd && bfd.state == BFD_UP;
    quiet = is_quiet(env, tunnel, m);
    f->settled = is_settled(env, &v, quiet) && !env->drilling;
    routes(env, tunnel, c->neighbor.bgp.table, quiet, m, f);
}

/* ---- ESP ---- */

/* Counters begin anew with a pair: less than before is no packet. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void heard(const struct ready_env *env, const struct ike_view *v,
                  const struct ready_used *used, struct ready_memory *m, struct ready_facts *f)
{
    uint64_t in = 0, out = 0;

    for (uint32_t i = 0; i < v->n_children; i++) {
        in += used[i].packets_in;
        out += used[i].packets_out;
    }
    if (m->heard_us == 0 || in > m->in || !v->established) {
        m->heard_us = env->now_us;
        m->unheard = 0;
    } else {
        m->unheard += grown(out, m->out);
    }
    m->in = in;
    m->out = out;
    f->unheard = m->unheard;
    f->unheard_us = env->now_us - m->heard_us;
}

/* ---- keys and certificates ---- */

static uint32_t millionths(uint64_t left, uint64_t life)
{
    return (uint32_t)(life > UINT64_C(1) << 43 ? left / (life / 1000000) : left * 1000000 / life);
}

/* The nearest, by what is left of its life: an IKE SA of hours isn't hidden by a child of minutes.
 */
static void sooner(struct ready_ending *e, const char *name, enum ready_limit limit, uint64_t left,
                   uint64_t life)
{
    struct ready_ending next = {name, limit, left, life ? millionths(left, life) : 0};

    if (life != 0 && (!e->name || next.ppm < e->ppm))
        *e = next;
}

static void sooner_at(struct ready_facts *f, const char *name, uint64_t at_us, uint64_t life_us)
{
    if (at_us != KD_NEVER)
        sooner(&f->ending, name, READY_TIME, at_us - KD_MIN(at_us, f->now_us), life_us);
}

static void sooner_used(struct ready_facts *f, enum ready_limit limit, uint64_t hard, uint64_t in,
                        uint64_t out)
{
    uint64_t most = KD_MAX(in, out);

    sooner(&f->ending, "child SA", limit, hard - KD_MIN(hard, most), hard);
}

static void lifetimes(const struct core_tunnel_config *c, const struct ike_view *v,
                      const struct ready_used *used, struct ready_facts *f)
{
    if (!v->established)
        return;
    sooner_at(f, "IKE SA", v->expire_at_us, c->ike.ike_life_us);
    for (uint32_t i = 0; i < v->n_children; i++) {
        const struct ike_limits l = ike_limits_hard(&c->ike, v->children[i].esn);
        if (!v->children[i].installed)
            continue;
        sooner_at(f, "child SA", v->children[i].expire_at_us, c->ike.child_life_us);
        sooner_used(f, READY_BYTES, l.hard_bytes, used[i].bytes_in, used[i].bytes_out);
        sooner_used(f, READY_PACKETS, l.hard_packets, used[i].packets_in, used[i].packets_out);
    }
}

static void certificates(const struct core_tunnel_config *c, const struct ike_view *v,
                         struct ready_facts *f)
{
    const struct ike_certs *own = c->ike.auth.certs;

    if (v->established)
        f->cert_until_s = v->auth.not_after_s;
    if (c->ike.auth.local != IKE_AUTH_CERT || !own || own->n_chain == 0)
        return;
    if (f->cert_until_s == 0 || kc_cert_not_after_s(own->chain[0]) < f->cert_until_s) {
        f->cert_until_s = kc_cert_not_after_s(own->chain[0]);
        f->cert_ours = true;
    }
}

void ready_facts(const struct ready_env *env, uint32_t tunnel, struct ready_memory *m,
                 struct ready_facts *f)
{
    struct ready_used used[IKE_VIEW_CHILDREN] = {0};
    struct core_tunnel_view v;

    *f = (struct ready_facts){.want = &core_configuration(env->core)->readiness,
                              .now_us = env->now_us,
                              .wall_s = env->wall_s};
    kd_assert(core_tunnel_get(env->core, tunnel, &v));
    f->tunnel = v.config->ike.name;
    f->state = v.state;
    f->reason = v.reason;
    f->child_up = v.child_up;
    f->state_us = env->now_us - KD_MIN(v.since_us, env->now_us);
    f->rehearsal = v.rehearsal;
    f->mtu_need = v.pmtu.need;
    f->mtu_path = v.pmtu.path;
    f->mtu_inner = v.pmtu.inner;
    session(env, tunnel, v.config, m, f);
    for (uint32_t i = 0; env->count && i < v.ike.n_children; i++)
        (void)env->count(env->arg, v.ike.children[i].child, &used[i]);
    heard(env, &v.ike, used, m, f);
    lifetimes(v.config, &v.ike, used, f);
    certificates(v.config, &v.ike, f);
}
