/* kedge audit's comparison: a gateway as it should be has no difference, one thing changed behind
 * its back is one, named with its place, and what is on its way is in progress. */
#include "test_sim.h"

#include <errno.h>
#include <linux/rtnetlink.h>

static struct core_audit a;

static void look(const struct sim_pair *p)
{
    sim_gw_audit(p->azure, &a);
}

static void print_findings(void)
{
    for (uint32_t i = 0; i < a.n_kept; i++)
        printf("# %s %s %s: %s; %s\n", core_audit_what_names[a.f[i].what],
               core_audit_kind_names[a.f[i].kind], a.f[i].where, a.f[i].detail, a.f[i].remedy);
}

static void only(const struct sim_pair *p, const char *what, const char *state, const char *where,
                 const char *remedy)
{
    look(p);
    print_findings();
    assert_int_equal(a.n_kept, 1);
    assert_false(core_audit_clean(&a));
    assert_string_equal(core_audit_what_names[a.f[0].what], what);
    assert_string_equal(core_audit_kind_names[a.f[0].kind], state);
    assert_string_equal(a.f[0].where, where);
    assert_string_equal(a.f[0].remedy, remedy);
}

static void clean(const struct sim_pair *p)
{
    look(p);
    assert_int_equal(a.n_kept, 0);
    assert_true(core_audit_clean(&a));
}

static void up(struct sim_pair *p, uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed};

    pair_up(p, &o);
    clean(p);
}

static struct nl_route *route(struct sim_pair *p, const char *prefix, uint32_t metric)
{
    struct kd_prefix dst;

    assert_true(kd_prefix_parse(prefix, true, &dst));
    return (struct nl_route *)sim_kernel_route(&p->azure->kernel, 0, &dst, metric);
}

#define PREFIX "10.1.11.0/25"

static void a_route_is_missing_different_or_extra(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct sim_kernel *k;
    struct nl_route was, *r;
    char remedy[128];

    up(&p, 300);
    k = &p.azure->kernel;
    r = route(&p, PREFIX, 20);
    was = *r;
    sim_routes_remove(k, (size_t)(r - k->routes));
    snprintf(remedy, sizeof(remedy), "ip route add " PREFIX " metric 20 nhid %u proto 75",
             was.nh_id);
    only(&p, "route", "missing", PREFIX " metric 20", remedy);
    sim_routes_add(k, &was);
    clean(&p);
    r = route(&p, PREFIX, 20);
    r->type = NL_ROUTE_UNREACHABLE;
    snprintf(remedy, sizeof(remedy), "ip route replace " PREFIX " metric 20 nhid %u proto 75",
             was.nh_id);
    only(&p, "route", "different", PREFIX " metric 20", remedy);
    *r = was;
    r->nh_id++;
    only(&p, "route", "different", PREFIX " metric 20", remedy);
    *r = was;
    clean(&p);
    was.metric = 77;
    sim_routes_add(k, &was);
    only(&p, "route", "extra", PREFIX " metric 77",
         "ip route delete " PREFIX " metric 77 proto 75");
    k->routes[k->n_routes - 1].protocol = SIM_PROTO_STATIC; /* another's */
    clean(&p);
    sim_pair_free(&p);
}

static void a_neighbors_host_route_has_its_source(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct nl_route *r;
    struct kd_addr src;
    char remedy[160], where[64], to[KD_PREFIX_STR_MAX], addr[KD_ADDR_STR_MAX];

    up(&p, 301);
    r = p.azure->kernel.routes;
    while (r->metric != 5)
        r++;
    src = r->prefsrc;
    assert_int_equal(src.family, 4);
    r->prefsrc.family = 0;
    snprintf(where, sizeof(where), "%s metric 5", kd_prefix_str(&r->dst, to));
    snprintf(remedy, sizeof(remedy), "ip route replace %s dev vpn0 src %s proto 75", where,
             kd_addr_str(&src, addr));
    only(&p, "route", "different", where, remedy);
    r->prefsrc = src;
    clean(&p);
    sim_pair_free(&p);
}

static void a_route_that_another_program_took_the_place_of_is_missing(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct nl_route theirs;

    up(&p, 302);
    theirs = *route(&p, PREFIX, 20);
    theirs.protocol = SIM_PROTO_STATIC;
    assert_int_equal(sim_kernel_route_add(&p.azure->kernel, &theirs), 0);
    sim_run(p.sim, KD_S(1));
    only(&p, "route", "missing", PREFIX " metric 20",
         "ip route show " PREFIX " metric 20; let that program use another metric");
    assert_int_equal(sim_kernel_route_del(&p.azure->kernel, &theirs), 0);
    sim_run(p.sim, KD_S(1));
    clean(&p);
    sim_pair_free(&p);
}

static void a_next_hop_is_missing_different_or_extra(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct sim_kernel *k;
    struct nl_nexthop was, *n;
    char where[32], remedy[96];

    up(&p, 303);
    k = &p.azure->kernel;
    n = k->nhs;
    while (n->n_group == 0)
        n++;
    was = *n;
    snprintf(where, sizeof(where), "id %u", n->id);
    n->group[0]++;
    snprintf(remedy, sizeof(remedy), "ip nexthop replace id %u group %u proto 75", n->id,
             was.group[0]);
    only(&p, "next-hop", "different", where, remedy);
    *n = k->nhs[--k->n_nhs];
    snprintf(remedy, sizeof(remedy), "ip nexthop add id %u group %u proto 75", was.id,
             was.group[0]);
    only(&p, "next-hop", "missing", where, remedy);
    k->nhs[k->n_nhs++] = was;
    clean(&p);
    was.id = 4711;
    k->nhs = sim_kernel_grow(k->nhs, k->n_nhs, sizeof(was));
    k->nhs[k->n_nhs++] = was;
    only(&p, "next-hop", "extra", "id 4711", "ip nexthop delete id 4711");
    k->nhs[k->n_nhs - 1].protocol = SIM_PROTO_STATIC;
    clean(&p);
    sim_pair_free(&p);
}

static void an_interface_is_as_it_was_set_up(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct nl_link_info *l, was;
    char remedy[96];

    up(&p, 304);
    l = (struct nl_link_info *)sim_kernel_link_named(&p.azure->kernel, "vpn0");
    was = *l;
    l->mtu = 1300;
    snprintf(remedy, sizeof(remedy), "ip link set vpn0 mtu %u", was.mtu);
    only(&p, "interface", "different", "vpn0", remedy);
    *l = was;
    l->up = false;
    only(&p, "interface", "different", "vpn0", "ip link set vpn0 up");
    *l = was;
    l->alias[0] = 'K';
    snprintf(remedy, sizeof(remedy), "ip link set vpn0 alias %s", was.alias);
    only(&p, "interface", "different", "vpn0", remedy);
    *l = was;
    l->xfrm = true;
    l->if_id = NL_ID_KEDGE + 1;
    clean(&p);
    l->if_id++;
    only(&p, "interface", "different", "vpn0", "systemctl restart kedged");
    *l = was;
    l->ifindex = 4711; /* another one of the name */
    l->alias[0] = '\0';
    only(&p, "interface", "missing", "vpn0", "systemctl restart kedged");
    sim_pair_free(&p);
}

static void an_interface_with_our_tag_that_no_tunnel_has_is_extra(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct nl_link_info *l;

    up(&p, 305);
    l = (struct nl_link_info *)sim_kernel_link_named(&p.azure->kernel, "lan0");
    memcpy(l->alias, "kedge:x", 8);
    only(&p, "interface", "extra", "lan0", "ip link delete lan0");
    memcpy(l->alias, "kedg", 5);
    l->xfrm = true;
    l->if_id = 42;
    clean(&p);
    l->if_id = NL_ID_KEDGE + 9;
    only(&p, "interface", "extra", "lan0", "ip link delete lan0");
    sim_pair_free(&p);
}

static void an_address_is_missing_or_extra(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct sim_kernel *k;
    struct nl_addr_set *s, was;
    char where[64], remedy[96], to[KD_PREFIX_STR_MAX];

    up(&p, 306);
    k = &p.azure->kernel;
    s = k->addrs;
    while (s->protocol != NL_PROTO_KEDGE)
        s++;
    was = *s;
    s->ifindex = 1;
    s->protocol = 0;
    snprintf(where, sizeof(where), "%s dev vpn0", kd_prefix_str(&was.prefix, to));
    snprintf(remedy, sizeof(remedy), "ip address add %s", where);
    only(&p, "address", "missing", where, remedy);
    *s = was;
    clean(&p);
    was.local = was.prefix.addr = kd_addr_v4(0x0a636363);
    k->addrs = sim_kernel_grow(k->addrs, k->n_addrs, sizeof(was));
    k->addrs[k->n_addrs++] = was;
    only(&p, "address", "extra", "10.99.99.99/32 dev vpn0",
         "ip address delete 10.99.99.99/32 dev vpn0");
    k->addrs[k->n_addrs - 1].protocol = 0; /* the operator's */
    clean(&p);
    sim_pair_free(&p);
}

static void a_rule_of_ours_that_no_probe_needs_is_extra(void **st KD_UNUSED)
{
    struct nl_rule r = {.oif = "lan0", .table = 75003, .priority = 75, .protocol = NL_PROTO_KEDGE};
    struct sim_pair p;
    struct sim_kernel *k;

    up(&p, 307);
    k = &p.azure->kernel;
    assert_true(kd_prefix_parse("10.9.9.9", true, &r.dst));
    assert_int_equal(sim_fib_rule(k, &r, false), 0);
    only(&p, "rule", "extra", "priority 75 to 10.9.9.9/32 oif lan0 lookup 75003",
         "ip rule delete priority 75 to 10.9.9.9/32 oif lan0 lookup 75003 protocol 75");
    k->rules[0].protocol = SIM_PROTO_STATIC;
    clean(&p);
    sim_pair_free(&p);
}

static void pairs_are_ikes_the_cores_and_the_data_planes(void **st KD_UNUSED)
{
    struct core_audit_pair have[2] = {0};
    struct core_tunnel_view v;
    struct sim_pair p;

    up(&p, 310);
    assert_true(core_tunnel_get(p.azure->core, 0, &v));
    assert_int_equal(v.ike.n_children, 1);
    have[0] = (struct core_audit_pair){0, v.ike.children[0].child, v.ike.children[0].spi_in,
                                       v.ike.children[0].spi_out};
    core_audit_pairs(p.azure->core, &a, have, 1);
    assert_int_equal(a.n_kept, 0);
    core_audit_pairs(p.azure->core, &a, have, 0);
    assert_int_equal(a.n[CORE_AUDIT_MISSING], 1);
    assert_string_equal(a.f[0].detail, "IKE has it, the data plane doesn't");
    assert_string_equal(a.f[0].remedy, "kedge reset vpn0");
    have[0].spi_out++;
    core_audit_pairs(p.azure->core, &a, have, 1);
    assert_int_equal(a.n[CORE_AUDIT_DIFFERENT], 1);
    have[0].spi_out--;
    have[1] = (struct core_audit_pair){0, {.idx = 77, .gen = 1}, 1, 2};
    core_audit_pairs(p.azure->core, &a, have, 2);
    assert_int_equal(a.n[CORE_AUDIT_EXTRA], 1);
    assert_string_equal(a.f[2].where, "vpn0 spi 0x00000001 in, 0x00000002 out");
    sim_pair_free(&p);
}

/* The old pair of a rekey: IKE has it for the packets that are late, for some seconds. */
static void a_rekeyed_pair_is_no_difference_until_ike_has_dropped_it(void **st KD_UNUSED)
{
    struct core_audit_pair old = {0};
    struct core_tunnel_view v;
    struct sim_pair p;

    up(&p, 311);
    assert_true(core_tunnel_get(p.azure->core, 0, &v));
    old = (struct core_audit_pair){0, v.ike.children[0].child, v.ike.children[0].spi_in,
                                   v.ike.children[0].spi_out};
    sim_gw_command(p.azure, CORE_CMD_REKEY_CHILD, 0, 0);
    sim_run(p.sim, KD_S(2));
    assert_true(core_tunnel_get(p.azure->core, 0, &v));
    assert_int_not_equal(v.ike.children[0].spi_in, old.spi_in);
    core_audit_pairs(p.azure->core, &a, &old, 1);
    assert_int_equal(a.n[CORE_AUDIT_EXTRA], 0);
    assert_int_equal(a.n[CORE_AUDIT_MISSING], 1); /* its successor, that isn't told of here */
    sim_run(p.sim, KD_S(10));
    core_audit_pairs(p.azure->core, &a, &old, 1);
    assert_int_equal(a.n[CORE_AUDIT_EXTRA], 1);
    sim_pair_free(&p);
}

/* Asked of the kernel, which refuses it: a difference as long as that lasts, named as wanted. */
static void what_the_kernel_refuses_differs_until_it_gives_in(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 308};
    struct sim_pair p;

    pair_new(&p, &o);
    sim_kernel_fail_type(&p.azure->kernel, RTM_NEWROUTE, ENOMEM);
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(10));
    look(&p);
    assert_false(core_audit_clean(&a));
    assert_non_null(strstr(a.f[0].detail, "the kernel refused it: asked again soon"));
    sim_kernel_fail_type(&p.azure->kernel, 0, 0);
    wait_up(&p, KD_S(60));
    clean(&p);
    sim_pair_free(&p);
}

/* Half a minute in which both ways end and begin, with a kernel whose answers take their time;
 * after each half millisecond step(). */
static void eventful(struct sim_pair *p, uint64_t seed, void (*step)(struct sim_pair *p, int i))
{
    pair_new(p, &(struct sim_pair_options){.seed = seed, .child_life_us = KD_S(20)});
    p->azure->kernel_us = KD_MS(3);
    sim_pair_start(p);
    for (int i = 0; i < 60000; i++) {
        if (i == 30000)
            sim_link_unplug(p->er, true);
        if (i == 40000)
            sim_link_unplug(p->er, false);
        if (i == 45000)
            sim_link_cut(p->internet, -1, true);
        if (i == 50000)
            sim_link_cut(p->internet, -1, false);
        sim_run(p->sim, 500);
        step(p, i);
        if (!core_audit_clean(&a))
            print_findings();
        assert_true(core_audit_clean(&a));
    }
    wait_up(p, KD_S(60));
    clean(p);
}

static uint32_t busy;

static void look_at_once(struct sim_pair *p, int i KD_UNUSED)
{
    look(p);
    busy += a.n[CORE_AUDIT_BUSY] > 0;
}

/* Never a difference, and none in progress once it is quiet. */
static void in_flight_is_no_difference(void **st KD_UNUSED)
{
    struct sim_pair p;

    busy = 0;
    eventful(&p, 309, look_at_once);
    assert_true(busy > 10);
    sim_pair_free(&p);
}

static struct nl_route dumped[256];
static size_t n_dumped;

/* A turn each: the beginning; the kernel fills a dump of routes; that is read; all else; the sweep.
 */
static void look_in_slices(struct sim_pair *p, int i)
{
    const struct sim_gw *g = p->azure;

    switch (i % 7) {
    case 0:
        core_audit_begin(g->core, &a);
        break;
    case 1:
        n_dumped = g->kernel.n_routes;
        assert_true(n_dumped <= KD_ARRAY_LEN(dumped));
        memcpy(dumped, g->kernel.routes, n_dumped * sizeof(dumped[0]));
        break;
    case 3:
        sim_gw_audit_routes(g, &a, dumped, n_dumped);
        break;
    case 5:
        sim_gw_audit_others(g, &a);
        break;
    case 6:
        while (core_audit_sweep(g->core, &a))
            ;
        break;
    default:
        break;
    }
}

static void what_changes_while_a_look_lasts_is_no_difference(void **st KD_UNUSED)
{
    struct sim_pair p;

    for (uint64_t seed = 310; seed < 314; seed++) {
        eventful(&p, seed, look_in_slices);
        sim_pair_free(&p);
    }
}

/* ... and what doesn't is one, also in the slice that follows. */
static void a_route_that_goes_missing_before_its_slice_is_missing(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct sim_kernel *k;
    struct nl_route *r;

    up(&p, 314);
    k = &p.azure->kernel;
    core_audit_begin(p.azure->core, &a);
    r = route(&p, PREFIX, 20);
    sim_routes_remove(k, (size_t)(r - k->routes));
    sim_run(p.sim, KD_S(1));
    sim_gw_audit_routes(p.azure, &a, k->routes, k->n_routes);
    sim_gw_audit_others(p.azure, &a);
    assert_int_equal(a.n_kept, 0);
    assert_false(core_audit_sweep(p.azure->core, &a));
    assert_int_equal(a.n[CORE_AUDIT_MISSING], 1);
    assert_int_equal(a.n_kept, 1);
    assert_string_equal(a.f[0].where, PREFIX " metric 20");
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_is_missing_different_or_extra),
        cmocka_unit_test(a_neighbors_host_route_has_its_source),
        cmocka_unit_test(a_route_that_another_program_took_the_place_of_is_missing),
        cmocka_unit_test(a_next_hop_is_missing_different_or_extra),
        cmocka_unit_test(an_interface_is_as_it_was_set_up),
        cmocka_unit_test(an_interface_with_our_tag_that_no_tunnel_has_is_extra),
        cmocka_unit_test(an_address_is_missing_or_extra),
        cmocka_unit_test(a_rule_of_ours_that_no_probe_needs_is_extra),
        cmocka_unit_test(pairs_are_ikes_the_cores_and_the_data_planes),
        cmocka_unit_test(a_rekeyed_pair_is_no_difference_until_ike_has_dropped_it),
        cmocka_unit_test(what_the_kernel_refuses_differs_until_it_gives_in),
        cmocka_unit_test(in_flight_is_no_difference),
        cmocka_unit_test(what_changes_while_a_look_lasts_is_no_difference),
        cmocka_unit_test(a_route_that_goes_missing_before_its_slice_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
