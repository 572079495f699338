/* What two speakers agree on by its claims: refreshes (RFC 2918, 7313), extended messages (RFC
 * 8654), old speakers (RFC 6793), IPv6 (RFC 4760). */
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

static void open_enhanced(struct bgp_raw *r, uint32_t peer, uint32_t asn)
{
    struct bgp_peer_config c = {.asn = asn};
    struct bgp_open o = bgp_raw_open(&c, 10 + peer);

    o.enhanced_refresh = true;
    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, &o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, peer), BGP_ESTABLISHED);
}

static void refresh(struct bgp_raw *r, uint32_t peer, uint8_t afi, uint8_t subtype)
{
    bgp_raw_message(r, peer, BGP_MSG_REFRESH, (uint8_t[]){0, afi, subtype, 1}, 4);
}

static struct bgp_raw_update route_of(uint32_t asn, const char *nexthop, const char *prefix)
{
    return (struct bgp_raw_update){
        .prefix = {prefix}, .n_as = 1, .as_path = {asn}, .nexthop = nexthop};
}

/* "R1 U R2" of what peer was sent from byte `from` on: type and, of a refresh, its subtype. */
static void said_since(const struct bgp_raw *r, uint32_t peer, size_t from, char *text, size_t cap)
{
    const struct bgp_raw_conn *c = &r->conn[peer];
    struct bgp_frame f;
    struct bgp_error e;

    *text = '\0';
    for (size_t at = from; at < c->sent_len; at += f.len) {
        size_t n = strlen(text);
        assert_int_equal(
            bgp_frame_parse(kd_bytes(c->sent + at, c->sent_len - at), BGP_EXTENDED_MAX, &f, &e),
            BGP_FRAME_OK);
        if (f.type == BGP_MSG_REFRESH)
            snprintf(text + n, cap - n, "R%u/%u ", f.body.p[2], f.body.p[1]);
        else
            snprintf(text + n, cap - n, f.type == BGP_MSG_UPDATE ? "U " : "? ");
    }
}

/* RFC 7313 4, the side that is asked; twice in a row as well. */
static void a_refresh_is_told_between_its_beginning_and_its_end(void **state)
{
    struct bgp_raw_update u = route_of(65021, "192.0.2.20", "10.2.0.0/16");
    struct bgp_raw r;
    size_t from;
    char said[64];

    (void)state;
    bgp_raw_init(&r, 65515, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", 65021));
    open_enhanced(&r, 0, 65020);
    bgp_raw_establish(&r, 1, 65021, 20);
    bgp_raw_update(&r, 1, &u);
    for (int again = 0; again < 2; again++) {
        from = r.conn[0].sent_len;
        refresh(&r, 0, 1, 0);
        said_since(&r, 0, from, said, sizeof(said));
        assert_string_equal(said, "R1/1 U R2/1 ");
    }
    from = r.conn[0].sent_len;
    refresh(&r, 0, 2, 0); /* nothing of that family to tell: its end is said all the same */
    said_since(&r, 0, from, said, sizeof(said));
    assert_string_equal(said, "R1/2 R2/2 ");
    from = r.conn[1].sent_len;
    u = route_of(65020, "192.0.2.10", "10.1.0.0/16");
    bgp_raw_update(&r, 0, &u);
    refresh(&r, 1, 1, 0); /* who didn't offer it gets none of it */
    said_since(&r, 1, from, said, sizeof(said));
    assert_string_equal(said, "U U ");
    bgp_raw_fini(&r);
}

/* RFC 7313 4, the side that is told. */
static void what_a_refresh_leaves_out_is_gone_at_its_end(void **state)
{
    static const struct {
        bool offered;
        uint8_t begin_afi; /* 0: none */
        bool gone;
    } cases[] = {{true, 1, true}, {true, 0, false}, {true, 2, false}, {false, 1, false}};

    (void)state;
    for (unsigned i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct bgp_raw_update u[2] = {route_of(65020, "192.0.2.10", "10.1.0.0/16"),
                                      route_of(65020, "192.0.2.10", "10.2.0.0/16")};
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        if (cases[i].offered)
            open_enhanced(&r, 0, 65020);
        else
            bgp_raw_establish(&r, 0, 65020, 10);
        bgp_raw_update(&r, 0, &u[0]);
        bgp_raw_update(&r, 0, &u[1]);
        for (int round = 0; round < 3; round++) {
            if (cases[i].begin_afi)
                refresh(&r, 0, cases[i].begin_afi, 1);
            bgp_raw_update(&r, 0, &u[1]);
            assert_int_equal(bgp_node_fib(&r.node, "10.1.0.0/16") != NULL,
                             round == 0 || !cases[i].gone); /* not before the end */
            refresh(&r, 0, 1, 2);
            assert_int_equal(bgp_node_fib(&r.node, "10.1.0.0/16") == NULL, cases[i].gone);
            assert_non_null(bgp_node_fib(&r.node, "10.2.0.0/16"));
        }
        refresh(&r, 0, 1, 2); /* a second end alone takes nothing */
        refresh(&r, 0, 1, 3); /* an unknown subtype is ignored */
        assert_non_null(bgp_node_fib(&r.node, "10.2.0.0/16"));
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        bgp_raw_fini(&r);
    }
}

/* RFC 7313 5 */
static void a_refresh_mark_of_wrong_length_ends_the_session(void **state)
{
    (void)state;
    for (uint8_t subtype = 0; subtype < 4; subtype++) {
        struct bgp_raw r;
        bool ends = subtype == 1 || subtype == 2;
        struct kd_bytes b;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        open_enhanced(&r, 0, 65020);
        bgp_raw_message(&r, 0, BGP_MSG_REFRESH, (uint8_t[]){0, 1, subtype, 1, 0}, 5);
        assert_int_equal(bgp_raw_notified(&r, 0, BGP_E_REFRESH, 1), ends);
        b = bgp_raw_last(&r, 0, BGP_MSG_NOTIFICATION);
        if (ends) /* the whole message comes back */
            assert_int_equal(b.len, 2 + BGP_HEADER_LEN + 5);
        else
            assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        bgp_raw_fini(&r);
    }
}

/* An UPDATE of one prefix whose attributes alone are n bytes of an unknown one, which is passed on.
 */
static size_t long_update(uint8_t *buf, size_t cap, size_t n)
{
    struct bgp_raw_update u = {.n_as = 1, .as_path = {65020}, .nexthop = "192.0.2.10"};
    struct kd_prefix p = bgp_test_prefix("10.9.0.0/16");
    uint8_t head[256];
    size_t k = bgp_raw_build(&u, head, sizeof(head)) - 4;
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_u16(&w, 0);
    kd_put_u16(&w, (uint16_t)(k + 4 + n));
    kd_put_bytes(&w, kd_bytes(head + 4, k));
    kd_put_u8(&w, BGP_AF_OPTIONAL | BGP_AF_TRANSITIVE | BGP_AF_EXTENDED);
    kd_put_u8(&w, 200);
    kd_put_u16(&w, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        kd_put_u8(&w, (uint8_t)i);
    bgp_nlri_put(&w, &p);
    assert_true(w.ok);
    return w.pos;
}

static void open_with(struct bgp_raw *r, uint32_t peer, uint32_t asn, bool extended)
{
    struct bgp_peer_config c = {.asn = asn};
    struct bgp_open o = bgp_raw_open(&c, 10 + peer);

    o.extended_message = extended;
    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, &o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, peer), BGP_ESTABLISHED);
}

/* RFC 8654: to whom it was negotiated with, up to 65535 octets; to others such a route isn't told,
 * and is withdrawn if a shorter one was. */
static void extended_messages_go_where_they_were_offered(void **state)
{
    static uint8_t buf[BGP_EXTENDED_MAX];
    static const size_t most = BGP_EXTENDED_MAX - BGP_HEADER_LEN;

    (void)state;
    for (size_t n = 3900; n <= 66000; n += 31000) {
        struct bgp_raw r;
        size_t len = n > 60000 ? most : long_update(buf, sizeof(buf), n);
        bgp_raw_init(&r, 65515, 1, false);
        for (uint32_t i = 0; i < 3; i++) {
            static const char *const at[] = {"192.0.2.10", "192.0.2.20", "192.0.2.30"};
            bgp_raw_peer(&r, i, bgp_test_config(at[i], 65020 + i));
            open_with(&r, i, 65020 + i, i == 1);
        }
        bgp_raw_update(
            &r, 0,
            &(struct bgp_raw_update){
                .prefix = {"10.9.0.0/16"}, .n_as = 1, .as_path = {65020}, .nexthop = "192.0.2.10"});
        if (n > 60000)
            len = long_update(buf, sizeof(buf), most - long_update(buf, sizeof(buf), 0));
        assert_true(n <= 60000 || len == most);
        bgp_raw_message(&r, 0, BGP_MSG_UPDATE, buf, len); /* we offered, so we take it */
        assert_int_equal(bgp_node_state(&r.node, 0), BGP_ESTABLISHED);
        if (n < 60000) /* our AS in front makes it longer than any message can be */
            assert_true(bgp_raw_last(&r, 1, BGP_MSG_UPDATE).len > n);
        assert_int_equal(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 1, "10.9.0.0/16", NULL),
                         n < 60000);
        assert_int_equal(bgp_node_route(&r.node, BGP_VIEW_ADVERTISED, 2, "10.9.0.0/16", NULL),
                         n == 3900);
        assert_true(bgp_raw_last(&r, 2, BGP_MSG_UPDATE).len + BGP_HEADER_LEN <= BGP_MESSAGE_MAX);
        assert_int_equal(bgp_raw_last(&r, 2, BGP_MSG_UPDATE).p[1] != 0, n != 3900); /* withdrawn */
        bgp_raw_fini(&r);
    }
}

static void an_extended_open_or_keepalive_is_refused_all_the_same(void **state)
{
    static uint8_t body[5000];
    static const enum bgp_msg_type types[] = {BGP_MSG_OPEN, BGP_MSG_KEEPALIVE};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bgp_raw r;
        bgp_raw_init(&r, 65515, 1, false);
        bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
        open_with(&r, 0, 65020, true);
        bgp_raw_message(&r, 0, types[i], body, sizeof(body));
        assert_true(bgp_raw_notified(&r, 0, BGP_E_HEADER, 2));
        bgp_raw_fini(&r);
    }
}

static void route_refresh_tells_everything_again(void **state)
{
    static const uint8_t refresh[] = {0, 1, 0, 1}, other[] = {0, 25, 0, 70},
                         bad[] = {0, 1, 0, 1, 0};
    struct choice x;
    unsigned before;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    before = bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, refresh, 4);
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before + 1);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, other, 4);
    bgp_raw_message(&x.r, 1, BGP_MSG_REFRESH, bad, 5);
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before + 1);
    assert_int_equal(bgp_node_state(&x.r.node, 1), BGP_ESTABLISHED);
    bgp_raw_fini(&x.r);
}

static void nothing_is_repeated_that_was_told(void **state)
{
    struct choice x;
    unsigned before;

    (void)state;
    choice_init(&x, 65020, 65021, false);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    before = bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE);
    bgp_raw_update(&x.r, 0, &x.u[0]);
    with_med(&x, 0, 50); /* doesn't reach an external peer */
    bgp_raw_update(&x.r, 0, &x.u[0]);
    bgp_raw_event(&x.r, (struct bgp_event){.kind = BGP_EV_REFRESH, .peer = 1});
    assert_int_equal(bgp_raw_count(&x.r, 1, BGP_MSG_UPDATE), before);
    bgp_raw_fini(&x.r);
}

/* ---- old speakers, IPv6 ---- */

static void four_octet_as_with_two_octet_peer(void **state)
{
    struct bgp_raw r;
    struct bgp_open o = {.asn = 65020, .hold_s = 90, .id = 10}; /* no capability at all */
    struct bgp_raw_update u = {.prefix = {"10.1.0.0/16"},
                               .nexthop = "192.0.2.10",
                               .as2 = true,
                               .as_path = {65020, 64700},
                               .n_as = 2};
    struct bgp_session_rules rules = {.peer_as = BGP_AS_TRANS};
    struct bgp_route_view v;
    struct bgp_update got;
    struct kd_bytes b;
    uint8_t room[4096];
    struct kd_writer w;
    uint32_t asn = 4200000001u;

    (void)state;
    bgp_raw_init(&r, asn, 1, false);
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", 65020));
    bgp_raw_connect(&r, 0);
    b = bgp_raw_last(&r, 0, BGP_MSG_OPEN);
    assert_int_equal(b.p[1] << 8 | b.p[2], BGP_AS_TRANS);
    bgp_raw_send_open(&r, 0, &o);
    bgp_raw_message(&r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
    bgp_raw_update(&r, 0, &u);
    assert_true(bgp_node_route(&r.node, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &v));
    assert_int_equal(v.as_path[0], 65020);
    assert_int_equal(r.node.fib_n, 1);
    bgp_node_local(&r.node, "10.9.0.0/16", true, r.now_us);
    b = bgp_raw_last(&r, 0, BGP_MSG_UPDATE);
    kd_writer_init(&w, room, sizeof(room));
    bgp_update_parse(b, &rules, &w,
                     &got); /* as the old speaker's neighbor would, AS4_PATH merged */
    assert_int_equal(got.verdict, BGP_D_WITHDRAW); /* the merged path starts with the real AS */
    rules.peer_as = asn;
    kd_writer_init(&w, room, sizeof(room));
    bgp_update_parse(b, &rules, &w, &got);
    assert_int_equal(got.verdict, BGP_D_OK);
    bgp_raw_fini(&r);
}

static void ipv6_over_mp(void **state)
{
    struct bgp_net *net = bgp_net_new(SEED);
    struct bgp_node *a = bgp_net_add(net, 65515, 1, false), *b = bgp_net_add(net, 65020, 2, false);
    struct bgp_peer_config *c;
    struct bgp_route_view v;

    (void)state;
    bgp_net_link(net, a, "2001:db8::1", BGP_NO_IFACE, b, "2001:db8::2", BGP_NO_IFACE);
    c = bgp_test_config("2001:db8::2", 65020);
    c->local_other = bgp_test_addr("10.0.0.1"); /* a can be a next hop for IPv4 too */
    set_peer(a, 0, c);
    set_peer(b, 0, bgp_test_config("2001:db8::1", 65515));
    bgp_node_local(a, "2001:db8:a::/48", true, bgp_net_now(net));
    bgp_node_local(a, "10.17.0.0/16", true, bgp_net_now(net));
    bgp_node_local(b, "2001:db8:b::/48", true, bgp_net_now(net));
    bgp_node_local(b, "10.1.0.0/16", true, bgp_net_now(net));
    bgp_net_on(net, a, 0);
    bgp_net_on(net, b, 0);
    assert_true(bgp_net_until_up(net, a, 0, KD_S(30)));
    bgp_net_run(net, KD_S(1));
    assert_int_equal(a->fib_n, 1); /* b knows no IPv4 address of its own to name */
    assert_int_equal(b->fib_n, 2);
    assert_non_null(bgp_node_fib(a, "2001:db8:b::/48"));
    assert_true(bgp_node_route(b, BGP_VIEW_BEST, UINT32_MAX, "2001:db8:a::/48", &v));
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){6, {0x20, 1, 0xd, 0xb8, [15] = 1}}));
    assert_true(bgp_node_route(b, BGP_VIEW_BEST, UINT32_MAX, "10.17.0.0/16", &v));
    assert_true(kd_addr_eq(&v.nexthop, &(struct kd_addr){4, {10, 0, 0, 1}}));
    bgp_node_local(a, "2001:db8:a::/48", false, bgp_net_now(net));
    bgp_net_run(net, KD_S(1));
    assert_int_equal(b->fib_n, 1);
    bgp_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_messages_go_where_they_were_offered),
        cmocka_unit_test(an_extended_open_or_keepalive_is_refused_all_the_same),
        cmocka_unit_test(a_refresh_is_told_between_its_beginning_and_its_end),
        cmocka_unit_test(what_a_refresh_leaves_out_is_gone_at_its_end),
        cmocka_unit_test(a_refresh_mark_of_wrong_length_ends_the_session),
        cmocka_unit_test(route_refresh_tells_everything_again),
        cmocka_unit_test(nothing_is_repeated_that_was_told),
        cmocka_unit_test(four_octet_as_with_two_octet_peer),
        cmocka_unit_test(ipv6_over_mp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
