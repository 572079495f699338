/* Neighbors and routes as an Azure VPN gateway tells them: the rows of Get-AzVirtualNetworkGateway-
 * BGPPeerStatus, -LearnedRoute and -AdvertisedRoute, with the keys of its REST API and its quirks:
 * the gateway is its own neighbor in state Unknown, a peer that is down is Connecting, the /32 of a
 * neighbor behind a tunnel is a Network, AsPath is joined with dashes.
 *
 * One kedge is one instance: the rows of an active-active gateway are those of both, one after the
 * other. Weight is the neighbor's where it has one; else what Azure shows, not what was decided by:
 * 32769 for what came over ExpressRoute (from the MSEE's AS 12076, or from an ExpressRoute gateway,
 * with or without a path), 32768 for the rest; 0 for what is advertised. A gateway is known by what
 * it tells: internal peers pass on only what they have themselves, so one with paths by way of
 * 12076 has a circuit. */
#include "control/control.h"

#include <stdio.h>

#define AS_MSEE              12076
#define WEIGHT_EXPRESS_ROUTE 32769
#define WEIGHT_OTHER         32768

/* A row of either list of routes; NULL is the empty text. */
struct row {
    const struct kd_addr *local, *nexthop, *source;
    const struct kd_prefix *network;
    const char *origin;
    const char *as_path;
    int weight;
};

struct walk {
    const struct ctl_env *env;
    const struct ctl_routes_query *q;
    const struct kd_addr *self;
    bool networks; /* this time only those, for they come first */
    json_t *list;
    struct {
        uint32_t peer;
        bool express_route;
    } known[8]; /* internal peers: of a gateway's instances there are four */
    uint32_t n_known;
};

static json_t *addr(const struct kd_addr *a)
{
    char buf[KD_ADDR_STR_MAX];
    return json_string(a && a->family ? kd_addr_str(a, buf) : "");
}

static bool add_row(const struct walk *w, const struct row *r)
{
    if (!ctl_route_wanted(w->q, r->network))
        return true;
    return json_array_append_new(
               w->list, json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:i}", "asPath", r->as_path,
                                  "localAddress", addr(r->local), "network", ctl_prefix(r->network),
                                  "nextHop", addr(r->nexthop), "origin", r->origin, "sourcePeer",
                                  addr(r->source), "weight", r->weight)) == 0;
}

/* "65020-65020-65001"; cap holds what a view has of a path. */
static const char *dashes(const struct bgp_route_view *r, char *buf, size_t cap)
{
    size_t at = 0;
    buf[0] = '\0';
    for (unsigned i = 0; i < r->n_as && at < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%u", i ? "-" : "", r->as_path[i]);
    return buf;
}
#define PATH_TEXT (KD_ARRAY_LEN(((struct bgp_route_view *)0)->as_path) * 11 + 1)

static bool by_msee(const struct bgp_route_view *r)
{
    return r->n_as > 0 && r->as_path[0] == AS_MSEE;
}

static bool find_msee(void *arg, const struct bgp_route_view *r)
{
    *(bool *)arg = by_msee(r);
    return !by_msee(r);
}

/* Walked once a peer, of the first of them. */
static bool is_express_route_gateway(struct walk *w, uint32_t peer)
{
    for (uint32_t i = 0; i < w->n_known; i++)
        if (w->known[i].peer == peer)
            return w->known[i].express_route;
    bool found = false;
    if (w->n_known == KD_ARRAY_LEN(w->known))
        return false;
    bgp_rib_walk(core_bgp(w->env->core), BGP_VIEW_LEARNED, peer, find_msee, &found);
    w->known[w->n_known].peer = peer;
    w->known[w->n_known++].express_route = found;
    return found;
}

static bool over_express_route(struct walk *w, const struct bgp_route_view *r,
                               const struct bgp_peer_config *c)
{
    if (!c)
        return false;
    return c->asn == AS_MSEE || by_msee(r) || (r->ibgp && is_express_route_gateway(w, r->peer));
}

static int weight_of(struct walk *w, const struct bgp_route_view *r,
                     const struct bgp_peer_config *c)
{
    if (r->weight)
        return r->weight;
    return over_express_route(w, r, c) ? WEIGHT_EXPRESS_ROUTE : WEIGHT_OTHER;
}

/* The gateway's own address: that of its first neighbor's session, else its identifier. */
static struct kd_addr self(const struct ctl_env *env)
{
    uint32_t peer = UINT32_MAX;
    struct bgp_peer_view v;
    while (core_peer_next(env->core, &peer)) {
        const struct bgp_peer_config *c = core_peer_config(env->core, peer);
        if (bgp_peer_get(core_bgp(env->core), peer, &v) && v.local.family)
            return v.local;
        if (c && c->local.family)
            return c->local;
    }
    return kd_addr_v4(core_configuration(env->core)->router_id);
}

static bool add_learned(void *arg, const struct bgp_route_view *r)
{
    struct walk *w = arg;
    const struct bgp_peer_config *c = r->local ? NULL : core_peer_config(w->env->core, r->peer);
    struct bgp_peer_view v = {0};
    char path[PATH_TEXT];
    if (r->local != w->networks || !r->accepted)
        return true; /* what was refused isn't shown */
    if (!r->local && !bgp_peer_get(core_bgp(w->env->core), r->peer, &v))
        return true;
    return add_row(
        w, &(struct row){.local = r->local ? w->self : &v.local,
                         .nexthop = r->local ? NULL : &r->nexthop,
                         .source = c ? &c->remote : w->self,
                         .network = &r->prefix,
                         .origin = r->local ? "Network" : r->ibgp ? "IBgp" : "EBgp",
                         .as_path = dashes(r, path, sizeof(path)),
                         .weight = weight_of(w, r, c)});
}

static bool add_advertised(void *arg, const struct bgp_route_view *r)
{
    struct walk *w = arg;
    struct bgp_peer_view v;
    char path[PATH_TEXT];
    if (!bgp_peer_get(core_bgp(w->env->core), r->peer, &v))
        return true;
    return add_row(w, &(struct row){.local = &v.local,
                                    .nexthop = &r->nexthop,
                                    .network = &r->prefix,
                                    .origin = "Igp",
                                    .as_path = dashes(r, path, sizeof(path))});
}

/* The host route to a neighbor, which is there while its tunnel carries; with router.azure it is
 * among the networks already, since the other instances are told of it. */
static void add_hosts(const struct walk *w)
{
    struct core_tunnel_view v;
    for (uint32_t i = 0; i < core_tunnels(w->env->core); i++) {
        const struct bgp_peer_config *c = core_peer_config(w->env->core, i);
        if (!c || !core_tunnel_get(w->env->core, i, &v) || !v.carrying)
            continue;
        struct kd_prefix host = kd_prefix_host(&c->remote);
        add_row(w, &(struct row){.local = w->self,
                                 .source = w->self,
                                 .network = &host,
                                 .origin = "Network",
                                 .as_path = "",
                                 .weight = WEIGHT_OTHER});
    }
}

json_t *ctl_azure_routes(const struct ctl_env *env, const struct ctl_routes_query *q)
{
    struct kd_addr me = self(env);
    struct walk w = {.env = env, .q = q, .self = &me, .list = json_array()};
    const struct bgp *b = core_bgp(env->core);
    if (q->view == BGP_VIEW_ADVERTISED) {
        bgp_rib_walk(b, q->view, q->peer, add_advertised, &w);
        return json_pack("{s:i, s:o}", "version", CTL_VERSION, "value", w.list);
    }
    if (q->peer == CORE_NO_PEER) {
        w.networks = true;
        bgp_rib_walk(b, BGP_VIEW_BEST, q->peer, add_learned, &w);
        if (!core_configuration(env->core)->azure)
            add_hosts(&w);
        w.networks = false;
    }
    bgp_rib_walk(b, BGP_VIEW_LEARNED, q->peer, add_learned, &w);
    return json_pack("{s:i, s:o}", "version", CTL_VERSION, "value", w.list);
}

/* ---- neighbors ---- */

/* A .NET TimeSpan: [d.]hh:mm:ss[.fffffff] */
static const char *duration(uint64_t us, char *buf, size_t cap)
{
    unsigned long long s = us / 1000000, days = s / 86400;
    unsigned fraction = (unsigned)(us % 1000000) * 10;
    char d[24] = "", f[12] = "";
    if (days)
        snprintf(d, sizeof(d), "%llu.", days);
    if (fraction)
        snprintf(f, sizeof(f), ".%07u", fraction);
    snprintf(buf, cap, "%s%02llu:%02llu:%02llu%s", d, s / 3600 % 24, s / 60 % 60, s % 60, f);
    return buf;
}

/* Azure has Idle too, but shows every peer that is wanted and isn't there as Connecting. */
static const char *state(const struct bgp_peer_view *v)
{
    if (v->state == BGP_ESTABLISHED)
        return "Connected";
    bool stopped = v->reason == KD_REASON_ADMIN || v->reason == KD_REASON_HEALTH_DOWN;
    return v->state == BGP_IDLE && stopped ? "Stopped" : "Connecting";
}

static json_t *neighbor_row(const struct ctl_env *env, const struct bgp_peer_config *c,
                            const struct bgp_peer_view *v)
{
    bool up = v->state == BGP_ESTABLISHED;
    uint64_t age = env->now_us > v->since_us ? env->now_us - v->since_us : 0;
    char since[64] = "";
    return json_pack("{s:I, s:s, s:o, s:I, s:I, s:o, s:I, s:s}", "asn", (json_int_t)c->asn,
                     "connectedDuration", up ? duration(age, since, sizeof(since)) : "",
                     "localAddress", addr(v->local.family ? &v->local : &c->local),
                     "messagesReceived", (json_int_t)v->msgs_in, "messagesSent",
                     (json_int_t)v->msgs_out, "neighbor", addr(&c->remote), "routesReceived",
                     (json_int_t)v->received, "state", state(v));
}

json_t *ctl_azure_neighbors(const struct ctl_env *env)
{
    json_t *list = json_array();
    uint32_t peer = UINT32_MAX;
    struct kd_addr me = self(env);
    while (core_peer_next(env->core, &peer)) {
        const struct bgp_peer_config *c = core_peer_config(env->core, peer);
        struct bgp_peer_view v;
        if (c && bgp_peer_get(core_bgp(env->core), peer, &v))
            json_array_append_new(list, neighbor_row(env, c, &v));
    }
    json_array_append_new(list, json_pack("{s:I, s:s, s:o, s:i, s:i, s:o, s:i, s:s}", "asn",
                                          (json_int_t)core_configuration(env->core)->asn,
                                          "connectedDuration", "", "localAddress", addr(&me),
                                          "messagesReceived", 0, "messagesSent", 0, "neighbor",
                                          addr(&me), "routesReceived", 0, "state", "Unknown"));
    return json_pack("{s:i, s:o}", "version", CTL_VERSION, "value", list);
}
