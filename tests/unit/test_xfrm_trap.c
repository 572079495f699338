/* Tunnels that begin with their first packet, in the kernel's data plane: policies before there are
 * SAs, while there are some, and after. */
#include "xfrm_kernel.h"

static struct ike_conn_config config(const char *remote_ts, const char *second)
{
    struct ike_conn_config c = {.n_children = 1, .on_traffic = true};

    c.local = at("192.0.2.1", 0).addr;
    c.remote = at("198.51.100.1", 0).addr;
    c.child[0].local_ts = list("10.1.0.0/16", NULL);
    c.child[0].remote_ts = list(remote_ts, second);
    return c;
}

static void trap(const struct ike_conn_config *c)
{
    char text[160];

    assert_true(io_xfrm_trap(x, 3, c, text, sizeof(text)));
}

static void acquire(uint32_t if_id, uint32_t spi)
{
    struct nl_xfrm_event ev = {.kind = NL_XFRM_ACQUIRE,
                               .policy = {.if_id = if_id, .n_tmpl = 1, .tmpl = {.spi = spi}}};

    io_xfrm_heard(x, &ev, KD_S(1));
}

static void a_trap_is_one_policy_a_selector_that_names_no_sa(void **state)
{
    struct ike_conn_config c = config("10.2.0.0/16", "10.3.0.0/16");

    (void)state;
    trap(&c);
    assert_int_equal(k.n_policy, 2);
    for (uint32_t i = 0; i < k.n_policy; i++) {
        const struct nl_policy *p = &k.policy[i];
        assert_int_equal(p->dir, NL_POLICY_OUT);
        assert_int_equal(p->if_id, NL_ID_KEDGE + 4);
        assert_int_equal(p->tmpl.reqid, NL_ID_KEDGE + 4);
        assert_int_equal(p->tmpl.spi, 0);
        assert_true(kd_addr_eq(&p->tmpl.dst, &c.remote));
    }
    io_xfrm_tunnel_del(x, 3);
    nothing_left();
}

static void a_packet_that_meets_it_is_told_and_one_that_lost_its_sa_is_not(void **state)
{
    struct ike_conn_config c = config("10.2.0.0/16", NULL);

    (void)state;
    trap(&c);
    acquire(NL_ID_KEDGE + 4, 0);
    assert_int_equal(said.traffic, 1);
    assert_int_equal(said.last.tunnel, 3);
    acquire(NL_ID_KEDGE + 4, 0x2001);
    acquire(7, 0); /* another's */
    assert_int_equal(said.traffic, 1);
}

static void a_pair_takes_the_trap_over_and_gives_it_back(void **state)
{
    struct ike_conn_config c = config("10.2.0.0/16", NULL);
    struct io_dp_sa sa = pair(1);

    (void)state;
    trap(&c);
    add(&sa);
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_sa, 0);
    assert_int_equal(k.n_policy, 1);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0);
    io_xfrm_tunnel_del(x, 3);
    nothing_left();
    assert_int_equal(k.holes, 0);
}

static void a_narrower_pair_stands_before_the_trap(void **state)
{
    struct ike_conn_config c = config("10.0.0.0/8", NULL);
    struct io_dp_sa sa = pair(1);
    const struct nl_policy *wide = NULL, *narrow = NULL;

    (void)state;
    trap(&c);
    add(&sa);
    assert_int_equal(k.n_policy, 4);
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == NL_POLICY_OUT)
            *(k.policy[i].tmpl.spi ? &narrow : &wide) = &k.policy[i];
    assert_non_null(narrow);
    assert_non_null(wide);
    assert_true(narrow->priority < wide->priority);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_policy, 1);
}

static void of_a_ladder_the_first_step_is_trapped_of_children_all_are(void **state)
{
    struct ike_conn_config c = config("10.2.0.0/16", NULL);

    (void)state;
    c.n_children = 2;
    c.child[1] = c.child[0];
    c.child[1].remote_ts = list("10.9.0.0/16", NULL);
    trap(&c);
    assert_int_equal(k.n_policy, 2);
    c.ladder = true;
    trap(&c); /* again: in the place of the one before */
    assert_int_equal(k.n_policy, 1);
}

static void an_audit_knows_the_trap_and_the_sa_that_the_kernel_waits_for(void **state)
{
    struct core_tunnel_config t[4] = {0};
    struct core_config cfg = {.n_tunnels = 4, .tunnels = t};
    struct ike_conn_config c = config("10.2.0.0/16", "10.3.0.0/16");
    struct io_dp_sa sa = pair(1); /* has one of the two selectors */
    static struct core_audit a;
    char text[160];

    (void)state;
    trap(&c);
    for (int with_pair = 0; with_pair < 2; with_pair++) {
        if (with_pair)
            add(&sa);
        k.sa[k.n_sa++] = (struct nl_sa){
            .src = c.local, .dst = c.remote, .reqid = NL_ID_KEDGE + 4, .if_id = NL_ID_KEDGE + 4};
        memset(&a, 0, sizeof(a));
        assert_true(io_xfrm_audit(x, &cfg, &a, text, sizeof(text)));
        assert_int_equal(a.n_kept, 0);
        k.n_sa--;
    }
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == NL_POLICY_OUT && k.policy[i].tmpl.spi == 0)
            k.policy[i] = k.policy[--k.n_policy];
    memset(&a, 0, sizeof(a));
    assert_true(io_xfrm_audit(x, &cfg, &a, text, sizeof(text)));
    assert_int_equal(a.n_kept, 1);
    assert_int_equal(a.f[0].kind, CORE_AUDIT_MISSING);
}

/* For every n: the n-th request of a trap's life with a pair in it is refused. */
static void whichever_request_is_refused_nothing_stays_behind(void **state)
{
    unsigned total = 0;

    for (unsigned n = 0; n == 0 || n <= total; n++) {
        struct ike_conn_config c = config("10.2.0.0/16", "10.3.0.0/16");
        struct io_dp_sa sa = pair(1);
        char text[160];
        bool trapped;

        done(state);
        fresh(state);
        k.fail_at = n;
        k.error = ENOMEM;
        trapped = io_xfrm_trap(x, 3, &c, text, sizeof(text));
        if (!trapped && k.n_policy)
            fail_msg("request %u refused: %u policies of no trap", n, k.n_policy);
        io_xfrm_add(x, &sa);
        io_xfrm_del(x, 3, id(1));
        io_xfrm_tunnel_del(x, 3);
        while (io_xfrm_tick(x))
            ;
        total = n ? total : k.asked;
        if (k.n_sa || k.n_policy)
            fail_msg("request %u of %u refused: %u SAs, %u policies left", n, total, k.n_sa,
                     k.n_policy);
    }
    assert_true(total > 10);
}

static void what_can_not_be_a_policy_is_refused_with_the_reason(void **state)
{
    struct ike_conn_config c = config("10.2.0.0/16", NULL);
    char text[160];

    (void)state;
    c.child[0].local_ts = list("2001:db8::/32", NULL);
    assert_false(io_xfrm_trap(x, 3, &c, text, sizeof(text)));
    assert_string_equal(text, "no packet matches its selectors");
    assert_int_equal(k.asked, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_trap_is_one_policy_a_selector_that_names_no_sa),
        T(a_packet_that_meets_it_is_told_and_one_that_lost_its_sa_is_not),
        T(a_pair_takes_the_trap_over_and_gives_it_back),
        T(a_narrower_pair_stands_before_the_trap),
        T(of_a_ladder_the_first_step_is_trapped_of_children_all_are),
        T(an_audit_knows_the_trap_and_the_sa_that_the_kernel_waits_for),
        T(whichever_request_is_refused_nothing_stays_behind),
        T(what_can_not_be_a_policy_is_refused_with_the_reason),
    };

    ctx = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(ctx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
