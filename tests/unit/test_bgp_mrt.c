/* MRT: the dump of the table (RFC 6396 4.3), read back record by record by the test's own reader;
 * messages cut out of a stream and written down (4.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/mrt.h"
#include "bgp_pair.h"

#include <stdlib.h>

#define WALL 1767225600u

static struct bgp_raw r;
static uint8_t *bytes;
static struct kd_reader dump;

static int setup(void **state)
{
    (void)state;
    bgp_raw_init(&r, 65515, 0x0a110b4c, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bgp_raw_fini(&r);
    free(bytes);
    bytes = NULL;
    return 0;
}

static void take_dump(void)
{
    size_t len;

    free(bytes);
    bytes = bgp_mrt_table(r.node.b, r.now_us, WALL, &len);
    assert_non_null(bytes);
    kd_reader_init(&dump, kd_bytes(bytes, len));
}

/* The next record, which is of this subtype. */
static struct kd_reader record(uint16_t subtype)
{
    assert_int_equal(kd_get_u32(&dump), WALL);
    assert_int_equal(kd_get_u16(&dump), 13);
    assert_int_equal(kd_get_u16(&dump), subtype);
    struct kd_reader body = kd_get_sub(&dump, kd_get_u32(&dump));
    assert_true(dump.ok);
    return body;
}

static void done(struct kd_reader *body)
{
    assert_true(kd_reader_done(body));
}

static void bytes_are(struct kd_reader *from, const char *want, size_t len)
{
    assert_memory_equal(kd_get_bytes(from, len).p, want, len);
}

/* 10.0.0.1 of AS 65020 and 10.0.0.2 of AS 65030; session up at the start, the dump 100 s later. */
static void two_peers(void)
{
    static const char *const remote[] = {"10.0.0.1", "10.0.0.2"};

    for (uint32_t i = 0; i < 2; i++) {
        bgp_raw_peer(&r, i, bgp_test_config(remote[i], 65020 + 10 * i));
        bgp_raw_establish(&r, i, 65020 + 10 * i, 100 + i);
    }
}

static void skip_peers(uint16_t n)
{
    struct kd_reader p = record(1);

    kd_skip(&p, 4 + 2 + 1);
    assert_int_equal(kd_get_u16(&p), n);
}

static void the_peers_stand_in_front_with_ourselves_first(void **state)
{
    (void)state;
    two_peers();
    bgp_node_local(&r.node, "10.17.11.0/25", true, r.now_us);
    take_dump();
    struct kd_reader p = record(1);
    assert_int_equal(kd_get_u32(&p), 0x0a110b4c);
    assert_int_equal(kd_get_u16(&p), 1);
    bytes_are(&p, "0", 1); /* the view: the routing table */
    assert_int_equal(kd_get_u16(&p), 3);
    bytes_are(&p, "\x02\x0a\x11\x0b\x4c\0\0\0\0\0\0\xff\xeb", 13);
    bytes_are(&p, "\x02\0\0\0\x64\x0a\0\0\x01\0\0\xfd\xfc", 13);
    bytes_are(&p, "\x02\0\0\0\x65\x0a\0\0\x02\0\0\xfe\x06", 13);
    done(&p);
    p = record(2); /* a network of ours has the unspecified next hop */
    kd_skip(&p, 4 + 5 + 2);
    bytes_are(&p,
              "\0\0\x69\x55\xb9\0\0\x0e"
              "\x40\x01\x01\x00"
              "\x40\x02\x00"
              "\x40\x03\x04\0\0\0\0",
              22);
    done(&p);
}

static void a_prefix_is_one_record_with_an_entry_for_each_path(void **state)
{
    struct bgp_raw_update u = {.prefix = {"10.1.11.0/25"},
                               .as_path = {65020, 70000},
                               .n_as = 2,
                               .nexthop = "10.0.0.1",
                               .has_med = true,
                               .med = 7};
    (void)state;
    two_peers();
    bgp_raw_update(&r, 0, &u);
    u = (struct bgp_raw_update){
        .prefix = {"10.1.11.0/25"}, .as_path = {65030}, .n_as = 1, .nexthop = "10.0.0.2"};
    bgp_raw_update(&r, 1, &u);
    r.now_us += KD_S(100); /* no step: nothing but the dump sees it */
    take_dump();
    skip_peers(3);
    struct kd_reader p = record(2);
    assert_int_equal(kd_get_u32(&p), 0);
    bytes_are(&p, "\x19\x0a\x01\x0b\x00", 5); /* four octets for 25 bits */
    assert_int_equal(kd_get_u16(&p), 2);
    assert_int_equal(kd_get_u16(&p), 2); /* the best one: the shorter path */
    assert_int_equal(kd_get_u32(&p), WALL - 100);
    assert_int_equal(kd_get_u16(&p), 20);
    bytes_are(&p, "\x40\x01\x01\x00" "\x40\x02\x06\x02\x01\0\0\xfe\x06" "\x40\x03\x04\x0a\0\0\x02",
              20);
    assert_int_equal(kd_get_u16(&p), 1);
    assert_int_equal(kd_get_u32(&p), WALL - 100);
    assert_int_equal(kd_get_u16(&p), 31);
    bytes_are(&p,
              "\x40\x01\x01\x00" "\x40\x02\x0a\x02\x02\0\0\xfd\xfc\0\x01\x11\x70"
              "\x40\x03\x04\x0a\0\0\x01" "\x80\x04\x04\0\0\0\x07",
              31);
    done(&p);
    done(&dump);
}

static void an_ipv6_next_hop_is_an_abbreviated_mp_reach(void **state)
{
    (void)state;
    two_peers();
    bgp_node_local(&r.node, "2001:db8::/33", true, r.now_us);
    take_dump();
    skip_peers(3);
    struct kd_reader p = record(4);
    assert_int_equal(kd_get_u32(&p), 0);
    bytes_are(&p, "\x21\x20\x01\x0d\xb8\0", 6);
    assert_int_equal(kd_get_u16(&p), 1);
    assert_int_equal(kd_get_u16(&p), 0); /* ours */
    assert_int_equal(kd_get_u32(&p), WALL);
    struct kd_reader a = kd_get_sub(&p, kd_get_u16(&p));
    bytes_are(&a, "\x40\x01\x01\x00" "\x40\x02\x00", 7);
    bytes_are(&a, "\x80\x0e\x11\x10", 4);
    kd_skip(&a, 16);
    done(&a);
    done(&p);
    done(&dump);
}

static void sequence_numbers_rise_and_what_is_not_in_use_is_left_out(void **state)
{
    struct bgp_raw_update u = {.prefix = {"10.2.0.0/16", "10.1.0.0/16"},
                               .as_path = {65020, 65515}, /* our own AS: refused */
                               .n_as = 2,
                               .nexthop = "10.0.0.1"};
    (void)state;
    two_peers();
    bgp_raw_update(&r, 0, &u);
    take_dump();
    skip_peers(3);
    done(&dump);
    u.n_as = 1;
    bgp_raw_update(&r, 0, &u);
    take_dump();
    skip_peers(3);
    for (uint32_t i = 0; i < 2; i++) {
        struct kd_reader p = record(2);
        assert_int_equal(kd_get_u32(&p), i);
        bytes_are(&p, i ? "\x10\x0a\x02" : "\x10\x0a\x01", 3);
    }
    done(&dump);
    bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = 0});
    take_dump();
    skip_peers(3);
    done(&dump);
}

static void a_table_without_routes_names_the_peers(void **state)
{
    (void)state;
    take_dump();
    struct kd_reader p = record(1);
    bytes_are(&p, "\x0a\x11\x0b\x4c\0\x01" "0" "\0\x01", 9);
    kd_skip(&p, 13);
    done(&p);
    done(&dump);
}

/* ---- messages ---- */

static void keepalive(uint8_t *p, uint8_t type)
{
    memset(p, 0xff, 16);
    memcpy(p + 16, (uint8_t[]){0, 19, type}, 3);
}

static void a_tap_begins_at_the_next_message_and_holds_an_unfinished_one(void **state)
{
    uint8_t stream[5 + 19 + 19 + 19];
    struct bgp_mrt_tap t = {0};
    struct kd_bytes msg;

    (void)state;
    memset(stream, 0xff, 5); /* the end of a message; then more ones than a marker has */
    keepalive(stream + 5, 4);
    keepalive(stream + 24, 9); /* no type there is: not taken for a message */
    keepalive(stream + 43, 2);
    for (size_t cut = 0; cut <= sizeof(stream); cut++) {
        unsigned n = 0;
        for (int half = 0; half < 2; half++) {
            assert_true(bgp_mrt_feed(&t, half ? kd_bytes(stream + cut, sizeof(stream) - cut)
                                              : kd_bytes(stream, cut)));
            while (bgp_mrt_next(&t, &msg)) {
                assert_int_equal(msg.len, 19);
                assert_int_equal(msg.p[18], n++ ? 2 : 4);
            }
        }
        assert_int_equal(n, 2);
        bgp_mrt_tap_done(&t);
    }
}

static void what_is_no_message_is_not_kept_without_bound(void **state)
{
    static uint8_t junk[65536];
    struct bgp_mrt_tap t = {0};
    struct kd_bytes msg;

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(bgp_mrt_feed(&t, kd_bytes(junk, sizeof(junk))));
        assert_false(bgp_mrt_next(&t, &msg));
        assert_true(t.len - t.at < 19);
    }
    memset(junk, 0xff, 16);
    memcpy(junk + 16, (uint8_t[]){0xff, 0xff, 2}, 3); /* the longest one, held until it is whole */
    assert_true(bgp_mrt_feed(&t, kd_bytes(junk, 60000)));
    assert_false(bgp_mrt_next(&t, &msg));
    assert_false(bgp_mrt_feed(&t, kd_bytes(junk, sizeof(junk) + 60000)));
    assert_int_equal(t.len, 0);
    bgp_mrt_tap_done(&t);
}

static void a_message_is_a_record_with_both_ends_and_microseconds(void **state)
{
    struct bgp_mrt_session s = {.peer_as = 70000, .local_as = 65515, .as4 = true};
    uint8_t room[128], m[19];
    struct kd_writer w;
    struct kd_reader p;

    (void)state;
    s.peer = bgp_test_addr("10.0.0.1");
    s.local = bgp_test_addr("10.0.0.2");
    keepalive(m, 4);
    for (int as4 = 0; as4 < 2; as4++)
        for (int sent = 0; sent < 2; sent++) {
            static const uint16_t subtypes[2][2] = {{1, 6}, {4, 7}};
            s.as4 = as4;
            kd_writer_init(&w, room, sizeof(room));
            bgp_mrt_message(&w, &s, WALL * 1000000ull + 42, sent, kd_bytes(m, 19));
            kd_reader_init(&p, kd_written(&w));
            assert_int_equal(kd_get_u32(&p), WALL);
            assert_int_equal(kd_get_u16(&p), 17);
            assert_int_equal(kd_get_u16(&p), subtypes[as4][sent]);
            uint32_t len = kd_get_u32(&p);
            assert_int_equal(len, kd_reader_left(&p));
            assert_int_equal(kd_get_u32(&p), 42);
            if (as4)
                bytes_are(&p, "\0\x01\x11\x70\0\0\xff\xeb", 8);
            else
                bytes_are(&p, "\x5b\xa0\xff\xeb", 4); /* AS_TRANS */
            bytes_are(&p, "\0\0\0\x01\x0a\0\0\x01\x0a\0\0\x02", 12);
            bytes_are(&p, (const char *)m, 19);
            done(&p);
        }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_peers_stand_in_front_with_ourselves_first),
        T(a_prefix_is_one_record_with_an_entry_for_each_path),
        T(an_ipv6_next_hop_is_an_abbreviated_mp_reach),
        T(sequence_numbers_rise_and_what_is_not_in_use_is_left_out),
        T(a_table_without_routes_names_the_peers),
        T(a_tap_begins_at_the_next_message_and_holds_an_unfinished_one),
        T(what_is_no_message_is_not_kept_without_bound),
        T(a_message_is_a_record_with_both_ends_and_microseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
