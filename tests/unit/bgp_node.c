/* For the BGP tests: an engine with what it said recorded, and configurations for it. */
#include "bgp_pair.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- small things ---- */

struct kd_addr bgp_test_addr(const char *s)
{
    struct kd_addr a;

    if (!kd_addr_parse(s, &a))
        abort();
    return a;
}

struct kd_prefix bgp_test_prefix(const char *s)
{
    struct kd_prefix p;

    if (!kd_prefix_parse(s, true, &p))
        abort();
    return p;
}

struct config {
    struct bgp_peer_config c;
    bool has[2];
    struct bgp_policy policy[2]; /* import, export */
};

struct bgp_peer_config *bgp_test_config(const char *remote, uint32_t asn)
{
    struct config *whole = calloc(1, sizeof(*whole));
    struct bgp_peer_config *c = &whole->c;

    snprintf(c->name, sizeof(c->name), "%s", remote);
    c->remote = bgp_test_addr(remote);
    c->asn = asn;
    c->iface = BGP_NO_IFACE;
    c->hold_s = 180;
    c->keepalive_s = 60;
    c->connect_retry_us = KD_S(5);
    c->ttl = 255;
    bgp_test_policies(c, true, true);
    for (int i = 0; i < 2; i++) {
        whole->policy[i].n = 1;
        whole->policy[i].entry[0].permit = true;
    }
    return c;
}

struct bgp_policy *bgp_test_import(struct bgp_peer_config *c)
{
    return &((struct config *)c)->policy[0];
}

struct bgp_policy *bgp_test_export(struct bgp_peer_config *c)
{
    return &((struct config *)c)->policy[1];
}

void bgp_test_policies(struct bgp_peer_config *c, bool import, bool export)
{
    ((struct config *)c)->has[0] = import;
    ((struct config *)c)->has[1] = export;
}

bool bgp_test_set(struct bgp *b, uint32_t peer, struct bgp_peer_config *c)
{
    struct config *whole = (struct config *)c;
    bool ok;

    c->import = whole->has[0] ? bgp_route_map_new(&whole->policy[0]) : NULL;
    c->export = whole->has[1] ? bgp_route_map_new(&whole->policy[1]) : NULL;
    ok = bgp_peer_set(b, peer, c);
    bgp_route_map_unref(c->import);
    bgp_route_map_unref(c->export);
    free(whole);
    return ok;
}

/* ---- node ---- */

void bgp_node_init(struct bgp_node *n, uint32_t asn, uint32_t router_id, bool ecmp, uint64_t seed)
{
    struct bgp_params p = {.asn = asn, .router_id = router_id, .peers_max = 16, .ecmp = ecmp};

    memset(n, 0, sizeof(*n));
    memcpy(p.seed, &seed, sizeof(seed));
    n->b = bgp_new(&p);
    n->out = calloc(1, sizeof(*n->out));
    if (!n->b || !n->out)
        abort();
    n->trace = 2166136261u;
}

void bgp_node_fini(struct bgp_node *n)
{
    bgp_free(n->b);
    free(n->out);
    free(n->fib);
}

static struct bgp_fib_entry *fib_find(const struct bgp_node *n, uint32_t table,
                                      const struct kd_prefix *p)
{
    for (uint32_t i = 0; i < n->fib_n; i++)
        if (n->fib[i].table == table && kd_prefix_eq(&n->fib[i].prefix, p))
            return &n->fib[i];
    return NULL;
}

static void route_set(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_fib_entry *e = fib_find(n, a->table, &a->prefix);

    if (!e) {
        if (n->fib_n == n->fib_cap) {
            n->fib_cap = n->fib_cap ? n->fib_cap * 2 : 64;
            n->fib = realloc(n->fib, n->fib_cap * sizeof(*n->fib));
        }
        e = &n->fib[n->fib_n++];
    }
    e->table = a->table;
    e->prefix = a->prefix;
    kd_assert(bgp_paths_parse(kd_bytes(n->out->buf + a->paths.off, a->paths.len), &e->paths));
}

static void route_del(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_fib_entry *e = fib_find(n, a->table, &a->prefix);

    kd_assert(e); /* only what was set is deleted */
    memmove(e, e + 1, (size_t)(n->fib + n->fib_n - e - 1) * sizeof(*e));
    n->fib_n--;
}

static void record_note(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_note_record *r = &n->notes[n->notes_n++ % KD_ARRAY_LEN(n->notes)];

    *r = (struct bgp_note_record){
        .peer = a->peer, .note = a->note, .state = a->state, .reason = a->reason};
    snprintf(r->text, sizeof(r->text), "%.*s", (int)a->data.len, n->out->buf + a->data.off);
}

static void record(struct bgp_node *n, const struct bgp_action *a)
{
    char text[512];

    if (!n->fib_off && !n->trace_off) {
        kd_schema_text(&bgp_action_schema, a, kd_bytes(n->out->buf, n->out->used), text,
                       sizeof(text));
        for (char *c = text; *c; c++)
            n->trace = (n->trace ^ (uint8_t)*c) * 16777619u;
    }
    n->sets += a->kind == BGP_ACT_ROUTE_SET;
    n->dels += a->kind == BGP_ACT_ROUTE_DEL;
    if (a->kind == BGP_ACT_ROUTE_SET && !n->fib_off)
        route_set(n, a);
    else if (a->kind == BGP_ACT_ROUTE_DEL && !n->fib_off)
        route_del(n, a);
    else if (a->kind == BGP_ACT_NOTE)
        record_note(n, a);
    if (n->act)
        n->act(n, a);
}

void bgp_node_step(struct bgp_node *n, const struct bgp_event *ev)
{
    struct bgp_event queue[64], wake = {.kind = BGP_EV_WAKE, .now_us = ev->now_us};
    unsigned head = 0, tail = 0;

    for (;;) {
        n->steps++;
        bgp_step(n->b, ev, n->out);
        for (uint32_t i = 0; i < n->out->n; i++) {
            const struct bgp_action *a = &n->out->a[i];
            record(n, a);
            n->watches += a->kind == BGP_ACT_NH_WATCH;
            n->watches -= a->kind == BGP_ACT_NH_UNWATCH;
            if (a->kind == BGP_ACT_NH_WATCH && tail - head < KD_ARRAY_LEN(queue))
                queue[tail++ % KD_ARRAY_LEN(queue)] = (struct bgp_event){.kind = BGP_EV_NEXTHOP,
                                                                         .now_us = wake.now_us,
                                                                         .table = a->table,
                                                                         .nexthop = a->nexthop,
                                                                         .iface = a->iface,
                                                                         .up = !n->nexthops_down};
        }
        if (head != tail)
            ev = &queue[head++ % KD_ARRAY_LEN(queue)];
        else if (n->out->more)
            ev = &wake;
        else
            return;
    }
}

const struct bgp_fib_entry *bgp_node_fib(const struct bgp_node *n, const char *prefix)
{
    struct kd_prefix p = bgp_test_prefix(prefix);

    return fib_find(n, 0, &p);
}

const struct bgp_note_record *bgp_node_note(const struct bgp_node *n, uint32_t peer,
                                            enum bgp_note note)
{
    for (uint32_t i = n->notes_n; i-- > 0 && i + KD_ARRAY_LEN(n->notes) >= n->notes_n;) {
        const struct bgp_note_record *r = &n->notes[i % KD_ARRAY_LEN(n->notes)];
        if (r->peer == peer && r->note == note)
            return r;
    }
    return NULL;
}

unsigned bgp_node_count(const struct bgp_node *n, enum bgp_note note)
{
    unsigned k = 0;

    for (uint32_t i = 0; i < KD_MIN(n->notes_n, KD_ARRAY_LEN(n->notes)); i++)
        k += n->notes[i].note == note;
    return k;
}

enum bgp_state bgp_node_state(const struct bgp_node *n, uint32_t peer)
{
    struct bgp_peer_view v;

    return bgp_peer_get(n->b, peer, &v) ? v.state : BGP_IDLE;
}

struct collect {
    struct bgp_route_view *r;
    unsigned n, max;
};

static bool collect_route(void *arg, const struct bgp_route_view *r)
{
    struct collect *c = arg;

    if (c->n < c->max)
        c->r[c->n] = *r;
    c->n++;
    return true;
}

unsigned bgp_node_routes(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                         struct bgp_route_view *r, unsigned max)
{
    struct collect c = {r, 0, max};

    bgp_rib_walk(n->b, view, peer, collect_route, &c);
    return c.n;
}

bool bgp_node_route(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                    const char *prefix, struct bgp_route_view *r)
{
    struct bgp_route_view *all = calloc(4096, sizeof(*all));
    struct kd_prefix p = bgp_test_prefix(prefix);
    unsigned k = bgp_node_routes(n, view, peer, all, 4096), i;

    for (i = 0; i < k && !kd_prefix_eq(&all[i].prefix, &p); i++)
        ;
    if (i < k && r)
        *r = all[i];
    free(all);
    return i < k;
}

void bgp_node_local(struct bgp_node *n, const char *prefix, bool up, uint64_t now_us)
{
    struct bgp_event ev = {
        .kind = BGP_EV_LOCAL_ROUTE, .now_us = now_us, .up = up, .prefix = bgp_test_prefix(prefix)};

    bgp_node_step(n, &ev);
}
