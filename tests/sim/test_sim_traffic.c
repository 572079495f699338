/* A tunnel that begins with its first packet, in whole gateways: onprem waits, azure answers. */
#include "test_sim.h"

static const uint8_t packet[] = {0x45, 0,  0,  28, 0,  0,  0, 0, 64, 17, 0, 0, 10, 1,
                                 11,   10, 10, 17, 11, 10, 0, 9, 0,  9,  0, 8, 0,  0};

static void waiting(struct sim_pair *p)
{
    struct sim_pair_options o = {.seed = 901, .no_er = true, .azure = IKE_ROLE_RESPONDER};

    pair_new(p, &o);
    p->onprem->cfg.tunnels[0].ike.on_traffic = true;
    sim_pair_start(p);
    run_checked(p, KD_S(10));
}

static void is_down(const struct sim_pair *p, enum kd_reason reason)
{
    struct core_tunnel_view v;

    assert_true(core_tunnel_get(p->onprem->core, SIM_VPN, &v));
    assert_int_equal(v.state, CORE_T_DOWN);
    assert_string_equal(kd_reason_str(v.reason), kd_reason_str(reason));
}

static void it_waits_and_says_for_what(void **st KD_UNUSED)
{
    struct sim_pair p;

    waiting(&p);
    run_checked(&p, KD_S(600));
    is_down(&p, KD_REASON_NO_TRAFFIC);
    assert_never(p.onprem, 0, CORE_NOTE_IKE_UP, SIM_VPN);
    sim_pair_free(&p);
}

static void a_packet_brings_it_up_with_all_that_is_on_it(void **st KD_UNUSED)
{
    struct sim_pair p;

    waiting(&p);
    sim_dp_out(p.onprem, SIM_VPN, kd_bytes(packet, sizeof(packet)));
    wait_up(&p, KD_S(30));
    assert_way(p.onprem, SIM_AZURE_HOST, "vpn0");
    sim_pair_free(&p);
}

static void after_the_peers_end_it_waits_again(void **st KD_UNUSED)
{
    struct sim_pair p;

    waiting(&p);
    sim_dp_out(p.onprem, SIM_VPN, kd_bytes(packet, sizeof(packet)));
    wait_up(&p, KD_S(30));
    sim_gw_command(p.azure, CORE_CMD_DOWN, 0, 0);
    run_checked(&p, KD_S(5));
    sim_gw_command(p.azure, CORE_CMD_UP, 0, 0);
    run_checked(&p, KD_S(120));
    is_down(&p, KD_REASON_PEER_DELETED);
    sim_dp_out(p.onprem, SIM_VPN, kd_bytes(packet, sizeof(packet)));
    wait_up(&p, KD_S(30));
    sim_pair_free(&p);
}

static void the_operator_needs_no_packet(void **st KD_UNUSED)
{
    struct sim_pair p;

    waiting(&p);
    sim_gw_command(p.onprem, CORE_CMD_UP, 0, 0);
    wait_up(&p, KD_S(30));
    sim_pair_free(&p);
}

static void who_was_taken_down_stays_down(void **st KD_UNUSED)
{
    struct sim_pair p;

    waiting(&p);
    sim_gw_command(p.onprem, CORE_CMD_DOWN, 0, 0);
    run_checked(&p, KD_S(1));
    sim_dp_out(p.onprem, SIM_VPN, kd_bytes(packet, sizeof(packet)));
    run_checked(&p, KD_S(60));
    assert_true(sim_tunnel_is(p.onprem, SIM_VPN, CORE_T_DISABLED));
    assert_never(p.onprem, 0, CORE_NOTE_IKE_UP, SIM_VPN);
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_and_says_for_what),
        cmocka_unit_test(a_packet_brings_it_up_with_all_that_is_on_it),
        cmocka_unit_test(after_the_peers_end_it_waits_again),
        cmocka_unit_test(the_operator_needs_no_packet),
        cmocka_unit_test(who_was_taken_down_stays_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
