/* The pretend kernel by itself: what is tested on it is worth as much as it resembles Linux. Each
 * claim was measured there (DESIGN 3.7, tests/unit/test_netlink_kernel.c, _failover.c).
 */
#include "sim/kernel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>

struct box {
    struct sim_kernel k;
    struct nl_event last; /* the last message delivered */
    uint32_t n, eth, tun, seq;
};

static void on_datagram(void *arg, struct kd_bytes data)
{
    struct box *b = arg;

    while (nl_next(&data, &b->last))
        b->n++;
}

static void box_init(struct box *b)
{
    memset(b, 0, sizeof(*b));
    sim_kernel_init(&b->k, on_datagram, b);
    b->eth = sim_kernel_link_add(&b->k, "eth0", 1500, true);
    b->tun = sim_kernel_link_add(&b->k, "tun0", 1400, true);
    sim_kernel_addr_add(&b->k, b->eth, "192.0.2.1/24");
}

static struct kd_prefix prefix(const char *text)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(text, true, &p));
    return p;
}

static uint32_t out(struct box *b, const char *dst)
{
    struct kd_addr a;

    assert_true(kd_addr_parse(dst, &a));
    return sim_kernel_lookup(&b->k, 0, &a, 0).oif;
}

/* The acknowledgement's errno. */
static int ask(struct box *b, struct nl_buf *m)
{
    sim_kernel_request(&b->k, kd_bytes(m->p, m->len));
    assert_int_equal(b->last.kind, NL_ACK);
    assert_int_equal(b->last.seq, b->seq);
    return b->last.error;
}

static int nexthop(struct box *b, uint32_t id, uint32_t oif, uint32_t member)
{
    uint8_t room[256];
    struct nl_buf m = {room, sizeof(room), 0};
    struct nl_nexthop n = {.id = id, .protocol = NL_PROTO_KEDGE, .oif = oif};

    n.family = oif ? 4 : 0;
    n.group[0] = member;
    n.n_group = member != 0;
    assert_true(nl_put_nexthop(&m, ++b->seq, &n));
    return ask(b, &m);
}

static int nexthop_del(struct box *b, uint32_t id)
{
    uint8_t room[256];
    struct nl_buf m = {room, sizeof(room), 0};

    assert_true(nl_put_nexthop_del(&m, ++b->seq, id));
    return ask(b, &m);
}

static int route(struct box *b, const char *dst, uint32_t metric, uint32_t nh_id, bool add)
{
    uint8_t room[256];
    struct nl_buf m = {room, sizeof(room), 0};
    struct nl_route r = {.dst = prefix(dst),
                         .metric = metric,
                         .protocol = NL_PROTO_KEDGE,
                         .type = nh_id ? NL_ROUTE_UNICAST : NL_ROUTE_UNREACHABLE,
                         .nh_id = nh_id};

    assert_true(nl_put_route(&m, ++b->seq, &r, add));
    return ask(b, &m);
}

/* Two prefixes over group 20, whose one member is next hop 10 on eth0; 11 is on tun0. */
static void group_of_two_routes(struct box *b)
{
    box_init(b);
    assert_int_equal(nexthop(b, 10, b->eth, 0), 0);
    assert_int_equal(nexthop(b, 11, b->tun, 0), 0);
    assert_int_equal(nexthop(b, 20, 0, 10), 0);
    assert_int_equal(route(b, "10.1.0.0/16", 20, 20, true), 0);
    assert_int_equal(route(b, "10.2.0.0/16", 20, 20, true), 0);
}

static void replacing_a_group_moves_all_its_routes(void **st KD_UNUSED)
{
    struct box b;

    group_of_two_routes(&b);
    assert_int_equal(out(&b, "10.1.2.3"), b.eth);
    assert_int_equal(nexthop(&b, 20, 0, 11), 0);
    assert_int_equal(out(&b, "10.1.2.3"), b.tun);
    assert_int_equal(out(&b, "10.2.2.3"), b.tun);
    sim_kernel_fini(&b.k);
}

static void deleting_a_group_flushes_its_routes_in_silence(void **st KD_UNUSED)
{
    struct box b;
    uint32_t n;

    group_of_two_routes(&b);
    n = b.n;
    assert_int_equal(nexthop_del(&b, 20), 0);
    assert_int_equal(b.n, n + 1); /* the acknowledgement */
    assert_int_equal(sim_kernel_routes_of(&b.k, NL_PROTO_KEDGE), 0);
    assert_int_equal(sim_kernel_nexthops_of(&b.k, NL_PROTO_KEDGE), 2);
    sim_kernel_fini(&b.k);
}

static void deleting_the_last_member_takes_the_group(void **st KD_UNUSED)
{
    struct box b;

    group_of_two_routes(&b);
    assert_int_equal(nexthop_del(&b, 10), 0);
    assert_int_equal(sim_kernel_routes_of(&b.k, NL_PROTO_KEDGE), 0);
    assert_int_equal(nexthop_del(&b, 20), ENOENT);
    sim_kernel_fini(&b.k);
}

static void a_device_that_goes_down_takes_them_all(void **st KD_UNUSED)
{
    for (int i = 0; i < 2; i++) {
        struct box b;

        group_of_two_routes(&b);
        sim_kernel_link_set(&b.k, b.eth, i == 0, false); /* carrier only, then down */
        assert_int_equal(b.last.kind, NL_LINK);
        assert_int_equal(sim_kernel_routes_of(&b.k, NL_PROTO_KEDGE), 0);
        assert_int_equal(sim_kernel_nexthops_of(&b.k, NL_PROTO_KEDGE), 1);
        assert_int_equal(sim_kernel_routes_of(&b.k, SIM_PROTO_KERNEL), i == 0);
        assert_int_equal(nexthop(&b, 10, b.eth, 0), ENETDOWN);
        sim_kernel_link_set(&b.k, b.eth, true, true);
        assert_int_equal(out(&b, "192.0.2.9"), b.eth);
        assert_int_equal(nexthop(&b, 10, b.eth, 0), 0);
        sim_kernel_fini(&b.k);
    }
}

static void what_is_not_there_cannot_be_deleted_or_named(void **st KD_UNUSED)
{
    struct box b;

    box_init(&b);
    assert_int_equal(route(&b, "10.1.0.0/16", 20, 20, false), ESRCH);
    assert_int_equal(route(&b, "10.1.0.0/16", 20, 20, true), EINVAL);
    assert_int_equal(nexthop_del(&b, 10), ENOENT);
    assert_int_equal(nexthop(&b, 20, 0, 10), EINVAL);
    assert_int_equal(nexthop(&b, 10, 99, 0), ENODEV);
    sim_kernel_fini(&b.k);
}

static void a_group_and_a_single_do_not_replace_each_other(void **st KD_UNUSED)
{
    struct box b;

    group_of_two_routes(&b);
    assert_int_equal(nexthop(&b, 20, b.eth, 0), EINVAL);
    assert_int_equal(nexthop(&b, 11, 0, 10), EINVAL);
    assert_int_equal(out(&b, "10.1.2.3"), b.eth);
    sim_kernel_fini(&b.k);
}

static void the_longest_prefix_wins_then_the_lowest_metric(void **st KD_UNUSED)
{
    struct kd_addr a;
    struct box b;

    group_of_two_routes(&b);
    assert_true(kd_addr_parse("10.1.0.9", &a));
    assert_int_equal(nexthop(&b, 21, 0, 11), 0);
    assert_int_equal(route(&b, "10.1.0.0/16", 10, 21, true), 0);
    assert_int_equal(out(&b, "10.1.0.9"), b.tun);
    assert_int_equal(route(&b, "10.1.0.9/32", 4294967280u, 0, true), 0);
    assert_int_equal(sim_kernel_lookup(&b.k, 0, &a, 0).way, SIM_WAY_UNREACHABLE);
    assert_int_equal(sim_kernel_lookup(&b.k, 0, &a, b.tun).way, SIM_WAY_UNREACHABLE);
    assert_int_equal(route(&b, "10.1.0.9/32", 5, 21, true), 0);
    assert_int_equal(out(&b, "10.1.0.9"), b.tun);
    assert_int_equal(out(&b, "172.16.0.1"), 0);
    sim_kernel_fini(&b.k);
}

static void the_fault_switch_refuses_and_does_nothing(void **st KD_UNUSED)
{
    struct box b;

    box_init(&b);
    sim_kernel_fail(&b.k, 2, ENOMEM);
    assert_int_equal(nexthop(&b, 10, b.eth, 0), 0);
    assert_int_equal(nexthop(&b, 11, b.tun, 0), ENOMEM);
    assert_string_not_equal(b.last.text, "");
    assert_int_equal(nexthop_del(&b, 11), ENOENT);
    sim_kernel_fini(&b.k);
}

static void dumps_end_with_done_and_show_what_there_is(void **st KD_UNUSED)
{
    static const uint16_t types[] = {18 /* RTM_GETLINK */, 22 /* ADDR */, 26 /* ROUTE */,
                                     106 /* NEXTHOP */};
    static const uint32_t counts[] = {2, 1, 3, 3};
    struct box b;

    group_of_two_routes(&b);
    for (size_t i = 0; i < KD_ARRAY_LEN(types); i++) {
        uint8_t room[128];
        struct nl_buf m = {room, sizeof(room), 0};
        uint32_t n = b.n;
        assert_true(nl_put_dump(&m, 77, types[i], 0));
        sim_kernel_request(&b.k, kd_bytes(m.p, m.len));
        assert_int_equal(b.last.kind, NL_DONE);
        assert_int_equal(b.last.seq, 77);
        assert_int_equal(b.n - n, counts[i] + 1);
    }
    sim_kernel_fini(&b.k);
}

/* ---- many routes ---- */

static uint32_t draw(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

/* Of few, so that they lie within each other and come again. */
static struct nl_route draw_route(uint64_t *seed)
{
    static const char *const within[] = {"10.1.2.3", "10.1.2.131", "10.77.0.1", "2001:db8::1"};
    static const uint8_t lengths[] = {0, 8, 9, 16, 24, 25, 32};
    struct nl_route r = {.metric = 1 + draw(seed, 3),
                         .table = draw(seed, 4) ? SIM_TABLE_MAIN : 100,
                         .protocol = SIM_PROTO_STATIC,
                         .type = NL_ROUTE_UNREACHABLE};
    struct kd_addr a;

    assert_true(kd_addr_parse(within[draw(seed, KD_ARRAY_LEN(within))], &a));
    r.dst = kd_prefix_make(&a, lengths[draw(seed, KD_ARRAY_LEN(lengths))]);
    return r;
}

#define MODEL_MAX 200

struct model {
    struct nl_route r[MODEL_MAX];
    size_t n;
};

static bool model_forget(struct model *m, const struct nl_route *r)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->r[i].table == r->table && m->r[i].metric == r->metric &&
            kd_prefix_eq(&m->r[i].dst, &r->dst)) {
            m->r[i] = m->r[--m->n];
            return true;
        }
    return false;
}

static const struct nl_route *model_lookup(const struct model *m, uint32_t table,
                                           const struct kd_addr *to)
{
    const struct nl_route *best = NULL;

    for (size_t i = 0; i < m->n; i++) {
        const struct nl_route *r = &m->r[i];
        if (r->table == table && kd_prefix_has(&r->dst, to) &&
            (!best || r->dst.len > best->dst.len ||
             (r->dst.len == best->dst.len && r->metric < best->metric)))
            best = r;
    }
    return best;
}

static void change(struct sim_kernel *k, struct model *m, uint64_t *seed)
{
    struct nl_route r = draw_route(seed);

    if (draw(seed, 5) < 3) {
        assert_int_equal(sim_kernel_route_add(k, &r), 0);
        (void)model_forget(m, &r);
        m->r[m->n++] = r;
    } else {
        assert_int_equal(sim_kernel_route_del(k, &r), model_forget(m, &r) ? 0 : ESRCH);
    }
}

static void the_table_answers_as_a_plain_list_does(void **st KD_UNUSED)
{
    static const char *const to[] = {"10.1.2.3",   "10.1.2.200",  "10.77.3.1",
                                     "172.16.0.1", "2001:db8::2", "::1"};
    uint64_t seed = 1;
    struct model m = {.n = 0};
    struct kd_addr a;
    struct box b;

    box_init(&b);
    sim_kernel_link_set(&b.k, b.eth, false, true); /* none but these */
    for (unsigned i = 0; i < 5000; i++) {
        uint32_t table = i % 2 ? SIM_TABLE_MAIN : 100;
        const struct nl_route *expected;
        struct sim_hop h;
        change(&b.k, &m, &seed);
        assert_int_equal(b.k.n_routes, m.n);
        assert_true(kd_addr_parse(to[i % KD_ARRAY_LEN(to)], &a));
        expected = model_lookup(&m, table, &a);
        h = sim_kernel_lookup(&b.k, table, &a, 0);
        assert_int_equal(h.way != SIM_WAY_NONE, expected != NULL);
        assert_true(!expected || kd_prefix_eq(&h.prefix, &expected->dst));
        assert_int_equal(h.metric, expected ? expected->metric : 0);
    }
    sim_kernel_fini(&b.k);
}

/* A failover's: set, looked up, replaced, flushed with their group. */
static uint64_t work(uint32_t n)
{
    uint64_t done;
    struct box b;

    group_of_two_routes(&b);
    for (int metric = 20; metric <= 21; metric++)
        for (uint32_t i = 0; i < 3 * n; i++) { /* and a second time, and one that is looked up */
            char text[KD_PREFIX_STR_MAX];
            struct kd_addr a = kd_addr_v4(0x0b000000u + i % n * 256);
            struct kd_prefix p = kd_prefix_make(&a, 24);
            if (i / n == 2)
                assert_int_equal(sim_kernel_lookup(&b.k, 0, &a, 0).oif, b.eth);
            else
                assert_int_equal(route(&b, kd_prefix_str(&p, text), (uint32_t)metric, 20, true), 0);
        }
    assert_int_equal(nexthop_del(&b, 20), 0);
    assert_int_equal(sim_kernel_routes_of(&b.k, NL_PROTO_KEDGE), 0);
    done = sim_kernel_work(&b.k);
    sim_kernel_fini(&b.k);
    return done;
}

static void four_times_the_routes_are_at_most_six_times_the_work(void **st KD_UNUSED)
{
    uint64_t few = work(500), many = work(2000);

    assert_true(few >= 5 * 500); /* each at each is counted */
    assert_in_range(many, few, 6 * few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replacing_a_group_moves_all_its_routes),
        cmocka_unit_test(deleting_a_group_flushes_its_routes_in_silence),
        cmocka_unit_test(deleting_the_last_member_takes_the_group),
        cmocka_unit_test(a_device_that_goes_down_takes_them_all),
        cmocka_unit_test(what_is_not_there_cannot_be_deleted_or_named),
        cmocka_unit_test(a_group_and_a_single_do_not_replace_each_other),
        cmocka_unit_test(the_longest_prefix_wins_then_the_lowest_metric),
        cmocka_unit_test(the_fault_switch_refuses_and_does_nothing),
        cmocka_unit_test(dumps_end_with_done_and_show_what_there_is),
        cmocka_unit_test(the_table_answers_as_a_plain_list_does),
        cmocka_unit_test(four_times_the_routes_are_at_most_six_times_the_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
