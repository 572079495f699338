/* The rekey rehearsal between two whole gateways, in virtual time: it finds what IKE_AUTH hides,
 * and never costs a packet. */
#include "test_sim.h"

#include "ike/payload.h"

static void esp(struct sim_gw *g, const char *text)
{
    struct ike_proposals *l = &g->cfg.tunnels[0].ike.esp;
    char err[256];

    assert_true(ike_proposal_from_string(text, IKE_PROTO_ESP, &l->p[0], err, sizeof(err)));
    l->n = 1;
}

/* The pair with its tunnel alone; azure rehearses after 10 s where after is set. */
static void begin(struct sim_pair *p, uint64_t seed, const char *azure, const char *onprem,
                  uint64_t after)
{
    struct sim_pair_options o = {.seed = seed, .no_er = true};

    pair_new(p, &o);
    esp(p->azure, azure);
    esp(p->onprem, onprem);
    p->azure->cfg.tunnels[0].rehearse_us = after;
    sim_pair_start(p);
    wait_up(p, KD_S(30));
}

static struct core_tunnel_view view(const struct sim_gw *g)
{
    struct core_tunnel_view v;

    assert_true(core_tunnel_get(g->core, SIM_VPN, &v));
    return v;
}

static unsigned count(const struct sim_gw *g, enum core_note note)
{
    unsigned n = 0;

    for (size_t i = sim_gw_find(g, 0, note, SIM_ANY); i != SIZE_MAX;
         i = sim_gw_find(g, i + 1, note, SIM_ANY))
        n++;
    return n;
}

static void run_pinging(struct sim_pair *p, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        assert_ping(p, "vpn0");
        run_checked(p, KD_S(1));
    }
}

static void a_rehearsal_renews_every_key_and_says_so(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct core_tunnel_view v;
    uint64_t up;

    begin(&p, 1, "aes256-sha1-modp1024", "aes256-sha1-modp1024", KD_S(10));
    up = when(p.azure, 0, CORE_NOTE_CHILD_UP, SIM_VPN);
    assert_int_equal(view(p.azure).rehearsal.state, CORE_REHEARSAL_WAITING);
    run_pinging(&p, 15);
    assert_int_equal(when(p.azure, 0, CORE_NOTE_REHEARSAL_START, SIM_VPN), up + KD_S(10));
    assert_true(when(p.azure, 0, CORE_NOTE_REHEARSAL_PASS, SIM_VPN) < up + KD_S(13));
    v = view(p.azure);
    assert_int_equal(v.rehearsal.state, CORE_REHEARSAL_PASSED);
    assert_int_equal(v.rehearsal.pfs, KC_DH_MODP1024);
    assert_int_equal(v.rehearsal.group, KC_DH_MODP1024);
    assert_true(v.rehearsal.took_us > 0 && v.rehearsal.took_us < KD_S(3));
    assert_null(v.refused);
    assert_int_equal(count(p.azure, CORE_NOTE_IKE_REKEYED), 1);
    assert_never(p.azure, 0, CORE_NOTE_DETECT, SIM_ANY);
    run_pinging(&p, 60); /* and once is enough */
    assert_int_equal(count(p.azure, CORE_NOTE_REHEARSAL_START), 1);
    sim_pair_free(&p);
}

/* pain 2: nothing of it is visible in IKE_AUTH. */
static void mismatch(uint64_t seed, const char *azure, const char *onprem)
{
    struct sim_pair p;
    struct core_tunnel_view v;
    size_t mark;

    begin(&p, seed, azure, onprem, KD_S(10));
    mark = p.azure->n_rec;
    run_pinging(&p, 15);
    v = view(p.azure);
    assert_int_equal(v.rehearsal.state, CORE_REHEARSAL_FAILED);
    assert_int_equal(v.rehearsal.reason, KD_REASON_NO_PROPOSAL);
    assert_false(v.rehearsal.failed_ike);
    assert_non_null(v.refused);
    assert_true(v.refused->r.by_peer && v.refused->r.rekey);
    assert_int_equal(v.refused->r.exchange, IKE_X_CREATE_CHILD_SA);
    v = view(p.onprem); /* who refused keeps both lists */
    assert_non_null(v.refused);
    assert_false(v.refused->r.by_peer);
    assert_true(v.refused->r.sa_offered.len > 0 && v.refused->r.sa_configured.len > 0);
    run_pinging(&p, 100);
    assert_never(p.azure, 0, CORE_NOTE_DETECT, SIM_ANY);
    assert_never(p.azure, 0, CORE_NOTE_BGP_STOP, SIM_ANY);
    assert_never(p.azure, mark, CORE_NOTE_CHILD_DOWN, SIM_ANY);
    assert_int_equal(count(p.azure, CORE_NOTE_IKE_REFUSED), 1); /* the next is the lifetime's */
    check_pair(&p, true);
    sim_pair_free(&p);
}

static void a_peer_that_insists_on_pfs_is_found_without_harm(void **st KD_UNUSED)
{
    mismatch(2, "aes256-sha1", "aes256-sha1-modp1024");
}

static void a_peer_that_wants_no_pfs_is_found_without_harm(void **st KD_UNUSED)
{
    mismatch(3, "aes256-sha1-modp1024", "aes256-sha1");
}

static void without_the_key_nothing_is_rehearsed(void **st KD_UNUSED)
{
    struct sim_pair p;

    begin(&p, 4, "aes256-sha1", "aes256-sha1", 0);
    run_checked(&p, KD_S(120));
    assert_never(p.azure, 0, CORE_NOTE_REHEARSAL_START, SIM_ANY);
    assert_int_equal(view(p.azure).rehearsal.state, CORE_REHEARSAL_NONE);
    sim_pair_free(&p);
}

static void ordered_it_runs_at_once_in_any_role(void **st KD_UNUSED)
{
    struct sim_pair p;
    struct sim_pair_options o = {.seed = 5, .no_er = true, .azure = IKE_ROLE_RESPONDER};

    pair_new(&p, &o);
    sim_pair_start(&p);
    wait_up(&p, KD_S(30));
    sim_gw_command(p.azure, CORE_CMD_REHEARSE, SIM_VPN, 0);
    run_pinging(&p, 3);
    assert_int_equal(view(p.azure).rehearsal.state, CORE_REHEARSAL_PASSED);
    assert_int_equal(view(p.azure).rehearsal.pfs, KC_DH_NONE);
    sim_pair_free(&p);
}

static void a_tunnel_that_is_down_fails_the_rehearsal_at_once(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 6, .no_er = true};
    struct sim_pair p;

    pair_new(&p, &o);
    sim_gw_start(p.azure);
    sim_run(p.sim, KD_S(1));
    sim_gw_command(p.azure, CORE_CMD_REHEARSE, SIM_VPN, 0);
    sim_run(p.sim, KD_MS(1));
    assert_int_equal(view(p.azure).rehearsal.state, CORE_REHEARSAL_FAILED);
    assert_int_equal(view(p.azure).rehearsal.reason, KD_REASON_TUNNEL_DOWN);
    sim_pair_free(&p);
}

static void an_interrupted_one_is_held_again(void **st KD_UNUSED)
{
    struct sim_pair p;
    size_t mark;

    begin(&p, 7, "aes256-sha1-modp1024", "aes256-sha1-modp1024", KD_S(10));
    while (sim_gw_find(p.azure, 0, CORE_NOTE_REHEARSAL_START, SIM_VPN) == SIZE_MAX)
        sim_run(p.sim, KD_MS(1));
    sim_gw_kill(p.onprem);
    mark = p.azure->n_rec;
    sim_run(p.sim, KD_S(3));
    sim_gw_start(p.onprem);
    wait_up(&p, KD_S(120));
    run_checked(&p, KD_S(20));
    assert_true(sim_gw_find(p.azure, mark, CORE_NOTE_REHEARSAL_FAIL, SIM_VPN) != SIZE_MAX);
    assert_true(sim_gw_find(p.azure, mark, CORE_NOTE_REHEARSAL_PASS, SIM_VPN) != SIZE_MAX);
    sim_pair_free(&p);
}

static void silence_is_a_refusal_that_is_remembered_and_counted(void **st KD_UNUSED)
{
    struct sim_pair_options o = {.seed = 8, .no_er = true};
    struct core_tunnel_view v;
    struct sim_pair p;

    pair_new(&p, &o);
    sim_gw_start(p.azure);
    sim_run(p.sim, KD_S(9));
    v = view(p.azure);
    assert_non_null(v.refused);
    assert_int_equal(v.refused->r.reason, KD_REASON_TIMEOUT);
    assert_int_equal(v.refused->r.exchange, IKE_X_SA_INIT);
    assert_int_equal(v.refused->count, 1);
    sim_run(p.sim, KD_S(20));
    assert_true(view(p.azure).refused->count > 1);
    sim_gw_start(p.onprem);
    wait_up(&p, KD_S(60));
    assert_int_equal(view(p.azure).refused->r.reason, KD_REASON_TIMEOUT); /* though it is up now */
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rehearsal_renews_every_key_and_says_so),
        cmocka_unit_test(a_peer_that_insists_on_pfs_is_found_without_harm),
        cmocka_unit_test(a_peer_that_wants_no_pfs_is_found_without_harm),
        cmocka_unit_test(without_the_key_nothing_is_rehearsed),
        cmocka_unit_test(ordered_it_runs_at_once_in_any_role),
        cmocka_unit_test(a_tunnel_that_is_down_fails_the_rehearsal_at_once),
        cmocka_unit_test(an_interrupted_one_is_held_again),
        cmocka_unit_test(silence_is_a_refusal_that_is_remembered_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
