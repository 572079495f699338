/* One tunnel as values: what the views of the core, of IKE, BGP and BFD say of it, and its routes
 * beside those of its primary. Routes are compared when something they depend on has changed, and
 * every REFRESH_US for what doesn't show in a counter (a reload); beyond ROUTES_MAX they are not,
 * because the comparison is one piece of work and BFD's packets would wait for it.
 *
 * Not compared: the BGP speakers' own host routes, and what one side told us when the question is
 * what we tell (nobody is told his own routes). */
#include "ready/ready.h"

#include <stdlib.h>

#define ROUTES_MAX   50000u
#define REFRESH_US   KD_S(30)
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

static bool told(void *arg, const struct bgp_route_view *v)
{
    struct set *s = arg;

    return v->table != s->table || is_speaker(s->core, &v->prefix) || add(s, v);
}

static bool has(const struct set *s, const struct kd_prefix *p)
{
    uint32_t lo = 0, hi = s->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = kd_prefix_cmp(&s->r[mid].prefix, p);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

/* What is in other (sorted) leaves s. */
static void subtract(struct set *s, const struct set *other)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++)
        if (!has(other, &s->r[i].prefix))
            s->r[n++] = s->r[i];
    s->n = n;
}

static void compare(const struct core *core, uint32_t tunnel, uint32_t table,
                    struct ready_memory *m)
{
    struct set b = {core, table, .peer = tunnel}, p = {core, table, .peer = UINT32_MAX}, tell_b = b,
               tell_p = p;
    const struct bgp *bgp = core_bgp(core);
    uint32_t id;

    bgp_rib_walk(bgp, BGP_VIEW_LEARNED, tunnel, learned, &b);
    bgp_rib_walk(bgp, BGP_VIEW_LEARNED, UINT32_MAX, learned, &p);
    ready_routes_compare(p.r, p.n, b.r, b.n, true, &m->routes_in);
    bgp_rib_walk(bgp, BGP_VIEW_ADVERTISED, tunnel, told, &tell_b);
    for (uint32_t i = 0; (id = primary_at(core, i)) != UINT32_MAX; i++)
        bgp_rib_walk(bgp, BGP_VIEW_ADVERTISED, id, told, &tell_p);
    subtract(&tell_p, &b);
    subtract(&tell_b, &p);
    ready_routes_compare(tell_p.r, tell_p.n, tell_b.r, tell_b.n, false, &m->routes_out);
    m->too_many = b.full || p.full || tell_b.full || tell_p.full;
    free(b.r);
    free(p.r);
    free(tell_b.r);
    free(tell_p.r);
}

/* Of everything that the comparison reads. */
static uint64_t print_of(const struct core *core, uint32_t *routes)
{
    struct bgp_peer_view v;
    uint32_t id = UINT32_MAX;
    uint64_t h = 0;

    *routes = 0;
    while (core_peer_next(core, &id)) {
        if (!bgp_peer_get(core_bgp(core), id, &v))
            continue;
        *routes += v.received;
        h = (h + v.since_us + v.msgs_in) * UINT64_C(0x9e3779b97f4a7c15);
        h += v.msgs_out + v.received + v.accepted + v.advertised;
    }
    return h + 1;
}

static void routes(const struct ready_env *env, uint32_t tunnel, uint32_t table,
                   struct ready_memory *m, struct ready_facts *f)
{
    const struct core *core = env->core;
    uint32_t n, id, primaries = 0, up = 0;
    struct bgp_peer_view v;
    uint64_t print = print_of(core, &n);

    for (uint32_t i = 0; (id = primary_at(core, i)) != UINT32_MAX; i++) {
        primaries++;
        up += bgp_peer_get(core_bgp(core), id, &v) && v.state == BGP_ESTABLISHED;
    }
    if (up && n <= ROUTES_MAX &&
        (print != m->print || env->now_us - m->compared_us >= REFRESH_US)) {
        compare(core, tunnel, table, m);
        m->print = print;
        m->compared_us = env->now_us;
    }
    if (up == 0)
        m->routes_in = m->routes_out = (struct ready_routes){0};
    f->too_many = up && (m->too_many || n > ROUTES_MAX);
    f->compared = up && up == primaries && !f->too_many;
    f->in = m->routes_in;
    f->out = m->routes_out;
    f->uneven_name = "-";
    if (f->in.preferred.n || f->in.uneven.n)
        f->uneven_name = core_peer_config(core, f->in.primary.peer)
                             ? core_peer_config(core, f->in.primary.peer)->name
                             : "-";
}

static void session(const struct ready_env *env, uint32_t tunnel,
                    const struct core_tunnel_config *c, struct ready_memory *m,
                    struct ready_facts *f)
{
    struct bfd_session_view bfd;
    struct bgp_peer_view v;

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
    routes(env, tunnel, c->neighbor.bgp.table, m, f);
}

/* ---- ESP ---- */

/* Counters begin anew with a pair: less than before is no packet. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void heard(const struct ready_env *env, const struct ike_view *v, struct ready_memory *m,
                  struct ready_facts *f)
{
    uint64_t in = 0, out = 0, a, b;

    for (uint32_t i = 0; env->count && i < v->n_children; i++)
        if (env->count(env->arg, v->children[i].child, &a, &b)) {
            in += a;
            out += b;
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

static void sooner(struct ready_facts *f, uint64_t at_us, uint64_t life_us, const char *name)
{
    uint64_t left = at_us == KD_NEVER ? KD_NEVER : at_us - KD_MIN(at_us, f->now_us);

    /* by what is left of its life, so that an IKE SA of hours isn't hidden by a child of minutes */
    if (left == KD_NEVER || life_us == 0 ||
        (f->sa_left_us != KD_NEVER &&
         left / 1000 * (f->sa_life_us / 1000) >= f->sa_left_us / 1000 * (life_us / 1000)))
        return;
    f->sa_left_us = left;
    f->sa_life_us = life_us;
    f->sa_name = name;
}

static void lifetimes(const struct core_tunnel_config *c, const struct ike_view *v,
                      struct ready_facts *f)
{
    f->sa_left_us = KD_NEVER;
    if (!v->established)
        return;
    sooner(f, v->expire_at_us, c->ike.ike_life_us, "IKE SA");
    for (uint32_t i = 0; i < v->n_children; i++)
        if (v->children[i].installed)
            sooner(f, v->children[i].expire_at_us, c->ike.child_life_us, "child SA");
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
    heard(env, &v.ike, m, f);
    lifetimes(v.config, &v.ike, f);
    certificates(v.config, &v.ike, f);
}
