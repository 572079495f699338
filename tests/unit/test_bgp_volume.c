/* The BGP engine under volume: order, memory, budgets, a slow peer; and its encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/attr.h"
#include "bgp/engine.h"
#include "bgp/nlri.h"
#include "bgp/update.h"
#include "bgp_pair.h"
#include "bgp_two.h"
#include "bgp_two_paths.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- volume, order, memory ---- */

/* A chain of three; everything b announces reaches c through a, in spite of segments and back-off.
 */
static uint32_t chain_trace(uint64_t seed, unsigned routes)
{
    struct bgp_net *net = bgp_net_new(seed);
    struct bgp_node *a = bgp_net_add(net, 65515, 1, false), *b = bgp_net_add(net, 65020, 2, false),
                    *c = bgp_net_add(net, 65030, 3, false);
    char name[32];
    uint32_t trace;

    bgp_net_link(net, a, "10.0.0.1", BGP_NO_IFACE, b, "10.0.0.2", BGP_NO_IFACE);
    bgp_net_link(net, a, "10.0.1.1", 9, c, "10.0.1.2", BGP_NO_IFACE);
    set_peer(a, 0, bgp_test_config("10.0.0.2", 65020));
    struct bgp_peer_config *ca = bgp_test_config("10.0.1.2", 65030);
    ca->iface = 9;
    set_peer(a, 1, ca);
    set_peer(b, 0, bgp_test_config("10.0.0.1", 65515));
    set_peer(c, 0, bgp_test_config("10.0.1.1", 65515));
    for (unsigned i = 0; i < routes; i++) {
        snprintf(name, sizeof(name), "10.%u.%u.0/24", 1 + i / 256, i % 256);
        bgp_node_local(b, name, true, bgp_net_now(net));
    }
    bgp_net_on(net, a, 0);
    bgp_net_on(net, a, 1);
    bgp_net_on(net, b, 0);
    bgp_net_on(net, c, 0);
    assert_true(bgp_net_until_up(net, a, 0, KD_S(60)));
    assert_true(bgp_net_until_up(net, a, 1, KD_S(60)));
    bgp_net_run(net, KD_S(30));
    assert_int_equal(a->fib_n, routes);
    assert_int_equal(c->fib_n, routes);
    bgp_net_off(net, a, 0, KD_REASON_TUNNEL_DOWN, false);
    assert_int_equal(a->fib_n, 0);
    bgp_net_run(net, KD_S(5));
    assert_int_equal(c->fib_n, 0);
    trace = a->trace ^ b->trace * 3 ^ c->trace * 5;
    bgp_net_free(net);
    return trace;
}

static void same_seed_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        assert_int_equal(chain_trace(seed, 700), chain_trace(seed, 700));
    assert_int_not_equal(chain_trace(1, 50), chain_trace(2, 50));
}

static size_t heap_used(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

/* Nothing learned or told is held any more. */
static void assert_empty_rib(const struct bgp *b)
{
    for (uint32_t i = 0; i < b->n_ribs; i++) {
        assert_int_equal(b->ribs[i]->dests.n_live, 0);
        assert_int_equal(b->ribs[i]->paths.n_live, 0);
    }
    assert_int_equal(b->attrs.n_live, 0);
    assert_int_equal(b->nexthops.pool.n_live, 0);
    assert_int_equal(b->pathsets.n_live, 0);
}

/* What peer 0 tells goes to peer 1; routes are only counted. */
static void from_one_to_the_other(struct bgp_raw *r)
{
    bgp_raw_init(r, 65515, 1, false);
    r->node.fib_off = true;
    bgp_raw_peer(r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(r, 1, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(r, 0, 65020, 10);
    bgp_raw_establish(r, 1, 65021, 20);
}

static void a_hundred_thousand_routes_fit_in_100_bytes_each(void **state)
{
    struct bgp_raw r;
    struct bgp_peer_view v;
    size_t before, used;
    const uint32_t n = 100000;

    (void)state;
    from_one_to_the_other(&r);
    before = heap_used();
    feed(&r, 0, n, true);
    used = heap_used() - before;
    printf("# %u routes in and out: %zu bytes a route (0 under a sanitizer), %llu steps\n", n,
           used / n, (unsigned long long)r.node.steps);
    assert_true(used / n <= 100);
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.received, n);
    assert_int_equal(v.accepted, n);
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, n);
    assert_int_equal(r.node.sets, n);
    feed(&r, 0, n / 2, false);
    assert_int_equal(r.node.dels, n / 2);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    assert_int_equal(r.node.dels, n);
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 0);
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

/* ---- a way before word of it ---- */

static struct {
    void (*act)(struct bgp_node *n, const struct bgp_action *a); /* the harness's */
    bool asked; /* for everything again, in the middle of a table */
    unsigned offers;
} word;

static void sees_the_way_first(struct bgp_node *n, const struct bgp_action *a)
{
    struct bgp_peer_view v;

    if (a->kind == BGP_ACT_WRITE) {
        assert_true(bgp_peer_get(n->b, 1, &v));
        assert_true(v.advertised <= n->sets);
        word.offers += a->offers;
    }
    if (n->sets == 1000 && !word.asked) {
        word.asked = true;
        bgp_peer_readvertise(bgp_peer_by_id(n->b, 1), 4, true);
    }
    word.act(n, a);
}

/* RFC 4271 9.1.3: who hears of a way may send by it at once. */
static void no_way_is_offered_before_the_core_has_heard_of_it(void **state)
{
    struct bgp_peer_view v;
    struct bgp_raw r;

    (void)state;
    from_one_to_the_other(&r);
    word.act = r.node.act;
    word.asked = false;
    word.offers = 0;
    r.node.act = sees_the_way_first;
    feed_by(&r, 0, 5000, true, 900); /* more than a step tells the core of */
    assert_true(word.asked);
    assert_in_range(word.offers, 5, 5000);
    word.offers = 0;
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 5000);
    feed_by(&r, 0, 5000, false, 900);
    assert_int_equal(word.offers, 0);
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 0);
    bgp_raw_fini(&r);
}

/* The kernel is behind: what is heard is heard, and told when there is room again. */
static void while_routes_wait_for_the_kernel_peers_are_told_nothing(void **state)
{
    struct bgp_event hold = {.kind = BGP_EV_LOCAL_ROUTE,
                             .now_us = 1,
                             .hold = true,
                             .prefix = bgp_test_prefix("10.9.0.0/16"),
                             .up = true};
    struct bgp_raw r;
    struct bgp_route_view v;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_establish(&r, 0, 65020, 10);
    bgp_step(r.node.b, &hold, r.node.out);
    assert_true(r.node.out->more);
    assert_false(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 0, "10.9.0.0/16", &v));
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_WAKE});
    assert_true(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 0, "10.9.0.0/16", &v));
    bgp_raw_fini(&r);
}

static void a_speaker_without_a_fib_tells_its_peers_and_nobody_else(void **state)
{
    (void)state;
    for (int no_fib = 0; no_fib < 2; no_fib++) {
        struct bgp_peer_view v;
        struct bgp_raw r;

        bgp_raw_init(&r, 65515, 1, false);
        r.node.b->params.no_fib = no_fib;
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
        bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_establish(&r, 1, 65021, 20);
        feed(&r, 0, 100, true);
        assert_true(bgp_peer_get(r.node.b, 1, &v));
        assert_int_equal(v.advertised, 100);
        assert_int_equal(r.node.sets, no_fib ? 0 : 100);
        feed(&r, 0, 100, false);
        assert_int_equal(r.node.dels, no_fib ? 0 : 100);
        assert_empty_rib(r.node.b);
        bgp_raw_fini(&r);
    }
}

struct reading {
    unsigned paused, resumed;
};

static void count_pauses(struct bgp_node *n, const struct bgp_action *a)
{
    struct reading *x = n->arg;

    x->paused += a->kind == BGP_ACT_PAUSE;
    x->resumed += a->kind == BGP_ACT_RESUME;
}

/* As much input at once; what was said of reading on until all of it was handled. */
static struct reading read_at_once(size_t len)
{
    static uint8_t all[256 * 1024];
    struct reading x = {0};
    struct kd_writer w;
    struct bgp_raw r;

    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_establish(&r, 0, 65020, 10);
    r.node.act = count_pauses;
    r.node.arg = &x;
    kd_writer_init(&w, all, len);
    while (w.pos + BGP_HEADER_LEN <= len)
        bgp_keepalive_put(&w);
    bgp_raw_send(&r, 0, all, w.pos);
    assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
    bgp_raw_fini(&r);
    return x;
}

static void a_backlog_stops_the_reading_until_it_is_handled(void **state)
{
    struct reading much = read_at_once(BGP_INPUT_PAUSE + 30000);
    struct reading little = read_at_once(BGP_INPUT_PAUSE / 2);

    (void)state;
    assert_int_equal(much.paused, 1);
    assert_int_equal(much.resumed, 1);
    assert_int_equal(little.paused, 0);
    assert_int_equal(little.resumed, 0);
}

/* A shell that doesn't wait for `more`: nothing is lost, nothing grows, and a peer whose messages
 * we haven't read yet isn't called silent. */
static void a_backlog_of_input_is_bounded_and_keeps_the_session(void **state)
{
    static uint8_t one[BGP_HEADER_LEN + 4096], all[800 * 1024];
    struct bgp_raw_update u = {.nexthop = "192.0.2.10", .as_path = {65020}, .n_as = 1};
    struct bgp_event ev = {.kind = BGP_EV_TCP_BYTES};
    struct bgp_peer_view v;
    struct bgp_raw r;
    struct kd_writer w;
    size_t len = 0, most = 0;
    uint32_t n = 0;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_establish(&r, 0, 65020, 10);
    while (len < sizeof(all) - sizeof(one)) {
        size_t start;
        kd_writer_init(&w, one, sizeof(one));
        start = bgp_frame_begin(&w, BGP_MSG_UPDATE);
        w.pos += bgp_raw_build(&u, one + w.pos, sizeof(one) - w.pos);
        for (int i = 0; i < 200; i++, n++) {
            kd_put_u8(&w, 24);
            kd_put_u24(&w, 0x0a0000 + n);
        }
        bgp_frame_end(&w, start);
        memcpy(all + len, one, w.pos);
        len += w.pos;
    }
    ev.conn = r.conn[0].h;
    ev.now_us = r.now_us;
    for (size_t at = 0; at < len; at += ev.data.len) {
        ev.data = kd_bytes(all + at, KD_MIN(len - at, (size_t)60000));
        bgp_step(r.node.b, &ev, r.node.out); /* actions are dropped: only the input matters here */
        most = KD_MAX(most, (size_t)bgp_peer_by_id(r.node.b, 0)->out->in_cap);
    }
    assert_in_range(most, 100000, 2 * BGP_INPUT_MAX);
    assert_true(r.node.out->more);
    ev = (struct bgp_event){.kind = BGP_EV_WAKE, .now_us = r.now_us + KD_S(200)};
    bgp_step(r.node.b, &ev, r.node.out);
    while (r.node.out->more)
        bgp_step(r.node.b, &ev, r.node.out);
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.state, BGP_ESTABLISHED);
    assert_int_equal(v.received, n);
    bgp_raw_fini(&r);
}

static void routes_withdrawn_during_a_reevaluation_are_skipped(void **state)
{
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_event ev = {.kind = BGP_EV_WAKE};
    struct bgp_peer_view v;
    struct bgp_raw r;

    (void)state;
    from_one_to_the_other(&r);
    feed(&r, 0, 3000, true);
    bgp_test_import(c)->entry[0].set_local_pref = true;
    bgp_test_import(c)->entry[0].local_pref = 200;
    bgp_raw_peer(&r, 0, c);
    ev.now_us = r.now_us;
    bgp_step(r.node.b, &ev, r.node.out); /* not done with all of them */
    assert_int_not_equal(bgp_peer_by_id(r.node.b, 0)->family[0].soft, 0);
    feed(&r, 1000, 1000, false); /* where it stands */
    assert_true(bgp_peer_get(r.node.b, 0, &v));
    assert_int_equal(v.received, 2000);
    assert_int_equal(v.accepted, 2000);
    feed(&r, 0, 3000, false);
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

static void a_slow_peer_isnt_written_to_without_bound(void **state)
{
    struct bgp_raw r;
    struct bgp_peer_view v;
    size_t stuck;

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    r.node.fib_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&r, 0, 65020, 10);
    feed(&r, 0, 150000, true); /* about 800 KB of UPDATEs for peer 1, which comes now */
    bgp_raw_establish(&r, 1, 65021, 20);
    stuck = r.conn[1].sent_len;
    assert_in_range(stuck, 256 * 1024, 256 * 1024 + 8192);
    assert_false(r.node.out->more); /* and nothing spins meanwhile */
    while (r.conn[1].sent_len) {
        uint32_t n = (uint32_t)KD_MIN(r.conn[1].sent_len, 50000);
        r.conn[1].sent_len = r.conn[1].sent_len - n;
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_TCP_SENT, .conn = r.conn[1].h, .n = n});
    }
    assert_true(bgp_peer_get(r.node.b, 1, &v));
    assert_int_equal(v.advertised, 150000);
    for (uint32_t i = 0; i < 2; i++)
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = i});
    assert_empty_rib(r.node.b);
    bgp_raw_fini(&r);
}

static bool in_order(void *arg, const struct bgp_route_view *r)
{
    struct bgp_route_view *last = arg;
    int c = kd_prefix_cmp(&last->prefix, &r->prefix);

    assert_true(last->prefix.addr.family == 0 || c < 0 || (c == 0 && last->peer < r->peer));
    *last = *r;
    return true;
}

/* Six prefixes, told by both. */
static void six_told_twice(struct choice *x)
{
    static const char *const list[] = {
        "10.9.0.0/16", "10.1.0.0/24",   "10.1.0.0/16", "192.168.0.0/24",
        "0.0.0.0/0",   "10.1.128.0/17", NULL};

    choice_init(x, 65020, 65021, false);
    for (int i = 0; i < 2; i++) {
        memcpy(x->u[i].prefix, list, sizeof(list));
        bgp_raw_update(&x->r, !i, &x->u[!i]);
        bgp_raw_update(&x->r, i, &x->u[i]);
    }
}

static void views_come_in_key_order(void **state)
{
    struct choice x;
    struct bgp_route_view last = {0};

    (void)state;
    six_told_twice(&x);
    bgp_rib_walk(x.r.node.b, BGP_VIEW_LEARNED, UINT32_MAX, in_order, &last);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 12);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, 1, NULL, 0), 6);
    bgp_raw_fini(&x.r);
}

struct seen {
    struct bgp_route_view last;
    unsigned n;
};

static bool in_order_too(void *arg, const struct bgp_route_view *r)
{
    struct seen *s = arg;

    s->n++;
    return in_order(&s->last, r);
}

/* One neighbor goes and a prefix comes while somebody looks. */
static void a_tour_shows_what_is_there_when_it_comes_by(void **state)
{
    struct choice x;
    struct seen seen = {.n = 0};
    struct bgp_rib_tour *t;

    (void)state;
    six_told_twice(&x);
    t = bgp_rib_tour_new(x.r.node.b, BGP_VIEW_LEARNED, UINT32_MAX);
    assert_non_null(t);
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(bgp_rib_tour_next(t, x.r.node.b, in_order_too, &seen));
        assert_int_equal(seen.n, 2 * i);
    }
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    x.u[1].prefix[0] = "203.0.113.0/24";
    x.u[1].prefix[1] = NULL;
    bgp_raw_update(&x.r, 1, &x.u[1]);
    while (bgp_rib_tour_next(t, x.r.node.b, in_order_too, &seen))
        assert_int_equal(seen.last.peer, 1);
    assert_int_equal(seen.n, 2 * 2 + 4);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 7);
    assert_false(bgp_rib_tour_next(t, x.r.node.b, in_order_too, &seen));
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 1});
    bgp_rib_tour_free(t);
    t = bgp_rib_tour_new(x.r.node.b, BGP_VIEW_LEARNED, UINT32_MAX);
    assert_false(bgp_rib_tour_next(t, x.r.node.b, in_order_too, &seen));
    bgp_rib_tour_free(t);
    bgp_raw_fini(&x.r);
}

struct around {
    char text[128];
    bool only_first;
};

static bool note_around(void *arg, const struct bgp_route_view *r)
{
    struct around *w = arg;
    char prefix[KD_PREFIX_STR_MAX];

    assert_true(r->best);
    snprintf(w->text + strlen(w->text), sizeof(w->text) - strlen(w->text), "%s ",
             kd_prefix_str(&r->prefix, prefix));
    return !w->only_first;
}

static void assert_around(struct choice *x, const char *to, bool only_first, const char *expected)
{
    struct around w = {.only_first = only_first};
    struct kd_addr a = bgp_test_addr(to);

    bgp_rib_around(x->r.node.b, &a, note_around, &w);
    assert_string_equal(w.text, expected);
}

static void what_is_around_an_address_comes_longest_first(void **state)
{
    struct choice x;

    (void)state;
    six_told_twice(&x);
    assert_around(&x, "10.1.0.9", false, "10.1.0.0/24 10.1.0.0/16 0.0.0.0/0 ");
    assert_around(&x, "10.1.128.0", false, "10.1.128.0/17 10.1.0.0/16 0.0.0.0/0 ");
    assert_around(&x, "10.1.0.9", true, "10.1.0.0/24 ");
    assert_around(&x, "10.2.0.1", false, "0.0.0.0/0 ");
    assert_around(&x, "::", false, "");
    bgp_raw_fini(&x.r);
}

static void actions_and_events_have_an_encoding(void **state)
{
    struct bgp_event ev = {.kind = BGP_EV_NEXTHOP,
                           .now_us = 5,
                           .table = 7,
                           .iface = 3,
                           .up = true,
                           .metric = 9,
                           .nexthop = bgp_test_addr("192.0.2.10")},
                     back;
    uint8_t buf[4096];
    struct kd_writer w;
    struct kd_reader r;
    char text[256];

    (void)state;
    for (unsigned k = BGP_EV_WAKE; k <= BGP_EV_REFRESH; k++)
        assert_non_null(kd_schema_record(&bgp_event_schema, (uint16_t)k));
    for (unsigned k = BGP_ACT_CONNECT; k <= BGP_ACT_NOTE; k++)
        assert_non_null(kd_schema_record(&bgp_action_schema, (uint16_t)k));
    kd_writer_init(&w, buf, sizeof(buf));
    kd_schema_encode(&bgp_event_schema, &ev, kd_bytes(NULL, 0), &w);
    kd_reader_init(&r, kd_written(&w));
    assert_true(kd_schema_decode(&bgp_event_schema, &r, &back, sizeof(back)));
    assert_memory_equal(&ev, &back, sizeof(ev));
    kd_schema_text(&bgp_event_schema, &ev, kd_bytes(NULL, 0), text, sizeof(text));
    assert_string_equal(
        text, "nexthop now_us=5 hold=0 table=7 nexthop=192.0.2.10 iface=3 up=1 metric=9");
}

static void peers_come_and_go_without_leaving_anything(void **state)
{
    struct choice x;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    choice_made(&x, false);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    bgp_peer_del(x.r.node.b, 0);
    bgp_peer_del(x.r.node.b, 0);
    assert_int_equal(bgp_node_routes(&x.r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0), 1);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 1});
    bgp_peer_del(x.r.node.b, 1);
    assert_int_equal(x.r.node.fib_n, 0);
    assert_int_equal(x.r.node.watches, 0);
    assert_empty_rib(x.r.node.b);
    assert_int_equal(x.r.node.b->conns.n_live, 0);
    bgp_raw_peer(&x.r, 5, bgp_test_config("192.0.2.20", 65021));
    bgp_raw_establish(&x.r, 5, 65021, 20);
    bgp_raw_update(&x.r, 5, &x.u[1]);
    assert_int_equal(x.r.node.fib_n, 1);
    assert_int_equal(bgp_node_fib(&x.r.node, "10.1.0.0/16")->paths.best[0].peer, 5);
    bgp_raw_fini(&x.r);
}

static void pathsets_that_dont_parse_are_refused(void **state)
{
    static const uint8_t good[] = {1, 0, 4, 10, 0, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff};
    struct bgp_pathset s;
    uint8_t bad[sizeof(good) + 1];

    (void)state;
    assert_true(bgp_paths_parse(kd_bytes(good, sizeof(good)), &s));
    assert_int_equal(s.best[0].peer, 7);
    assert_int_equal(s.best[0].iface, BGP_NO_IFACE);
    for (size_t i = 0; i < sizeof(good); i++)
        assert_false(bgp_paths_parse(kd_bytes(good, i), &s));
    memcpy(bad, good, sizeof(good));
    bad[sizeof(good)] = 0;
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(bad)), &s));
    bad[0] = 9; /* more than BGP_ECMP_MAX */
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(good)), &s));
    memcpy(bad, good, sizeof(good));
    bad[2] = 5;
    assert_false(bgp_paths_parse(kd_bytes(bad, sizeof(good)), &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_trace),
        cmocka_unit_test(a_hundred_thousand_routes_fit_in_100_bytes_each),
        cmocka_unit_test(while_routes_wait_for_the_kernel_peers_are_told_nothing),
        cmocka_unit_test(no_way_is_offered_before_the_core_has_heard_of_it),
        cmocka_unit_test(a_speaker_without_a_fib_tells_its_peers_and_nobody_else),
        cmocka_unit_test(a_backlog_stops_the_reading_until_it_is_handled),
        cmocka_unit_test(a_backlog_of_input_is_bounded_and_keeps_the_session),
        cmocka_unit_test(routes_withdrawn_during_a_reevaluation_are_skipped),
        cmocka_unit_test(a_slow_peer_isnt_written_to_without_bound),
        cmocka_unit_test(views_come_in_key_order),
        cmocka_unit_test(a_tour_shows_what_is_there_when_it_comes_by),
        cmocka_unit_test(what_is_around_an_address_comes_longest_first),
        cmocka_unit_test(actions_and_events_have_an_encoding),
        cmocka_unit_test(peers_come_and_go_without_leaving_anything),
        cmocka_unit_test(pathsets_that_dont_parse_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
