/* Pairs in the kernel's data plane: made, switched, moved, muted, counted, and cleaned up after an
 * earlier life. */
#include "xfrm_kernel.h"

/* ---- a pair ---- */

static void a_pair_is_two_sas_and_three_policies_of_the_tunnels_ids(void **state)
{
    struct io_dp_sa sa = pair(1);
    const struct nl_sa *in, *out;

    (void)state;
    add(&sa);
    assert_true(said.last.ok);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
    in = in_kernel("192.0.2.1", 0x1001);
    out = in_kernel("198.51.100.1", 0x2001);
    assert_int_equal(in->if_id, NL_ID_KEDGE + 4);
    assert_int_equal(in->reqid, NL_ID_KEDGE + 4);
    assert_int_equal(out->if_id, in->if_id);
    assert_int_equal(in->window, 128);
    assert_false(in->encap);
    assert_string_equal(in->encr.name, "cbc(aes)");
    assert_string_equal(in->integ.name, "hmac(sha256)");
    assert_int_equal(in->integ.icv_bits, 128);
    assert_int_equal(in->encr.key[1], 1);
    assert_int_equal(in->sel.src.addr.b[1], 2); /* what comes in has to be from 10.2.0.0/16 */
    assert_true(out->any_family);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(k.policy[i].if_id, in->if_id);
        assert_int_equal(k.policy[i].tmpl.reqid, in->reqid);
        assert_false(k.policy[i].block);
    }
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001);
    assert_int_equal(spi_of(NL_POLICY_IN, 0), 0); /* any: it receives on all of its SAs */
    assert_int_equal(spi_of(NL_POLICY_FWD, 0), 0);
    io_xfrm_del(x, 3, id(1));
    nothing_left();
    assert_int_equal(k.holes, 0);
}

static void esp_in_udp_has_the_ports_of_its_direction(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.sa.encap = true;
    sa.remote.port = 1025;
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_sport, 1025);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_dport, 4500);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_sport, 4500);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_dport, 1025);
}

static void limits_are_the_kernels_to_watch_and_told_once(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_EXPIRE};

    (void)state;
    sa.sa.limits = (struct ike_limits){
        .soft_bytes = 900, .hard_bytes = 1000, .soft_packets = 9, .hard_packets = 10};
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->life.hard_bytes, 1000);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->life.soft_packets, 9);
    ev.sa = *in_kernel("198.51.100.1", 0x2001);
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.soft, 1);
    assert_true(kd_handle_eq(said.last.child, id(1)));
    ev.hard = true;
    io_xfrm_heard(x, &ev, 2);
    io_xfrm_heard(x, &ev, 3);
    assert_int_equal(said.hard, 1);
    ev.hard = false;
    io_xfrm_heard(x, &ev, 4); /* after the end nothing more */
    assert_int_equal(said.soft, 1);
}

static void anothers_expiry_is_not_ours(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_EXPIRE, .hard = true};

    (void)state;
    add(&sa);
    ev.sa = *in_kernel("198.51.100.1", 0x2001);
    ev.sa.spi++;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.spi--;
    ev.sa.reqid = 7;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.reqid = NL_ID_KEDGE;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.reqid = NL_ID_KEDGE + 0xffff;
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.n, 1);
}

static void a_mark_is_of_what_leaves_and_of_nothing_that_arrives(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    add(&sa);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->mark_out_mask, 0);
    sa = pair(2);
    sa.kernel.mark = 0x10;
    add(&sa);
    assert_int_equal(in_kernel("198.51.100.1", 0x2002)->mark_out, 0x10);
    assert_int_equal(in_kernel("198.51.100.1", 0x2002)->mark_out_mask, UINT32_MAX);
    assert_int_equal(in_kernel("192.0.2.1", 0x1002)->mark_out_mask, 0);
}

static void a_card_has_both_sas(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.kernel = (struct io_dp_kernel){.offload = CORE_OFFLOAD_CRYPTO, .offload_ifindex = 4};
    add(&sa);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->offload, NL_OFFLOAD_CRYPTO);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->offload, NL_OFFLOAD_CRYPTO);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->offload_ifindex, 4);
    sa = pair(2);
    sa.kernel = (struct io_dp_kernel){.offload = CORE_OFFLOAD_PACKET, .offload_ifindex = 4};
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1002)->offload, NL_OFFLOAD_PACKET);
    sa = pair(3);
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1003)->offload, NL_OFFLOAD_NONE);
}

/* ---- rekey ---- */

static void a_rekey_switches_when_told_and_never_leaves_a_hole(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    assert_int_equal(k.n_sa, 4);
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001); /* both receive, the first sends */
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.n_sa, 4);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(k.holes, 0);
    io_xfrm_del(x, 3, id(2));
    nothing_left();
    assert_int_equal(k.holes, 0);
    assert_int_equal(said.hard, 0);
}

static void a_successor_sends_when_its_elder_goes_before_it_was_put_to_use(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    add(&second);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.holes, 0);
}

static void a_refused_switch_leaves_the_old_pair_sending_and_is_asked_again(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    first.ts_remote = second.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    k.fail_at = k.asked + 2; /* the second of two policies */
    k.error = ENOMEM;
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001);
    assert_int_equal(spi_of(NL_POLICY_OUT, 1), 0x2001);
    assert_int_equal(said.trouble, 1);
    assert_string_equal(said.last.text,
                        "the switch to a new pair refused: policy out: told to; asked "
                        "again");
    io_xfrm_tick(x);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(spi_of(NL_POLICY_OUT, 1), 0x2002);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(said.hard, 0);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 6);
    assert_int_equal(k.holes, 0);
}

static void a_switch_that_is_refused_still_when_the_old_pair_goes_ends_the_new(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    k.error = ENOMEM;
    k.fail_at = k.asked + 1;
    io_xfrm_use(x, 3, id(2));
    k.fail_at = k.asked + 1;
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(said.hard, 1);
    assert_true(kd_handle_eq(said.last.child, id(2)));
    assert_non_null(strstr(said.last.text, "told to"));
    io_xfrm_del(x, 3, id(2));
    nothing_left();
}

static void a_rekey_with_narrower_selectors_keeps_what_the_old_one_had_until_it_goes(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    second.ts_remote = list("10.2.1.0/24", NULL);
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(k.n_policy, 6);
    assert_true(k.policy[3].priority < k.policy[0].priority); /* the narrower wins */
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.holes, 0);
}

/* ---- while it is up ---- */

static void the_first_packet_is_told_once(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    add(&sa);
    assert_true(io_xfrm_tick(x));
    assert_int_equal(said.seen, 0);
    k.sa[0].used.packets = 1; /* the inbound one is made first */
    io_xfrm_tick(x);
    assert_int_equal(said.seen, 1);
    assert_false(io_xfrm_tick(x)); /* nobody is waited for */
    assert_int_equal(said.seen, 1);
}

static void an_sa_that_somebody_took_away_ends_its_pair(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_ACQUIRE};

    (void)state;
    add(&first);
    second.tunnel = 4;
    add(&second);
    ev.policy = k.policy[0];
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.hard, 0); /* all there */
    k.n_sa = 0;
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.hard, 1);
    assert_true(kd_handle_eq(said.last.child, id(1)));
    io_xfrm_resync(x);
    assert_int_equal(said.hard, 2);
    io_xfrm_resync(x);
    assert_int_equal(said.hard, 2);
}

static void a_peer_elsewhere_is_told_and_no_more_than_ten_times_a_second(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_MAPPING};

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    ev.mapping.id = (struct nl_sa_id){sa.local.addr, 0x1001};
    ev.mapping.reqid = NL_ID_KEDGE + 4;
    ev.mapping.src = sa.remote.addr;
    ev.mapping.sport = 4500;
    io_xfrm_heard(x, &ev, 1000000);
    assert_int_equal(said.source, 0); /* where it is */
    ev.mapping.sport = 1025;
    io_xfrm_heard(x, &ev, 1000000);
    io_xfrm_heard(x, &ev, 1099999);
    assert_int_equal(said.source, 1);
    assert_int_equal(said.last.remote.port, 1025);
    io_xfrm_heard(x, &ev, 1100000);
    assert_int_equal(said.source, 2);
}

static void another_port_is_an_update_of_both_sas(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint to = at("198.51.100.1", 1025);

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    io_xfrm_move(x, 3, id(1), &sa.local, &to);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.most_sas, 2);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_sport, 1025);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_dport, 1025);
    assert_int_equal(k.holes, 0);
}

static void another_address_is_a_new_sa_that_goes_on_counting(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint to = at("203.0.113.9", 1025);
    const struct nl_sa *in, *out;

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    k.sa[0].replay = (struct nl_sa_replay){.seq = 77, .n_words = 4, .words = {1, 2, 3, 4}};
    k.sa[1].replay.oseq = 99;
    k.sa[1].used = (struct nl_sa_used){.bytes = 5000, .packets = 99, .use_s = 4};
    io_xfrm_move(x, 3, id(1), &sa.local, &to);
    assert_int_equal(said.hard, 0);
    assert_int_equal(k.n_sa, 2);
    in = in_kernel("192.0.2.1", 0x1001);
    out = in_kernel("203.0.113.9", 0x2001);
    assert_true(kd_addr_eq(&in->src, &to.addr));
    assert_int_equal(in->replay.seq, 77); /* an old packet is still an old packet */
    assert_int_equal(in->replay.words[3], 4);
    assert_true(out->replay.oseq > 99); /* and no number is used twice */
    assert_int_equal(out->used.bytes, 5000);
    assert_int_equal(in->encr.key[1], 1); /* its keys are the arena's, not what GETSA shows */
    assert_int_equal(k.holes, 0);
    io_xfrm_del(x, 3, id(1));
    nothing_left();
}

static void our_own_other_address_blocks_meanwhile(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint local = at("192.0.2.2", 4500);

    (void)state;
    add(&sa);
    io_xfrm_move(x, 3, id(1), &local, &sa.remote);
    assert_int_equal(said.hard, 0);
    in_kernel("192.0.2.2", 0x1001);
    assert_int_equal(k.holes, 0); /* a packet would have made a larval SA of the same id */
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_false(k.policy[i].block);
}

static void a_muted_tunnel_blocks_both_ways_and_its_new_pairs_too(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    io_xfrm_mute(x, 3, true);
    second.ts_remote = list("10.9.0.0/16", NULL);
    add(&second);
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_true(k.policy[i].block);
    io_xfrm_mute(x, 3, false);
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_false(k.policy[i].block);
}

static void counters_are_the_kernels(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct io_dp_counters c;
    uint64_t packets;

    (void)state;
    assert_false(io_xfrm_count(x, id(1), &c));
    add(&sa);
    k.sa[0].used = (struct nl_sa_used){.bytes = 10, .packets = 1};
    k.sa[1].used = (struct nl_sa_used){.bytes = 20, .packets = 2};
    k.sa[0].dropped_replay = 3;
    k.sa[0].dropped_auth = 4;
    assert_true(io_xfrm_count(x, id(1), &c));
    assert_int_equal(c.bytes_in, 10);
    assert_int_equal(c.packets_out, 2);
    assert_int_equal(c.dropped_replay, 3);
    assert_int_equal(c.dropped_auth, 4);
    assert_true(io_xfrm_received(x, 3, &packets));
    assert_int_equal(packets, 1);
    assert_true(io_xfrm_received(x, 2, &packets)); /* another tunnel */
    assert_int_equal(packets, 0);
}

static void what_an_earlier_life_left_goes_and_the_neighbors_stays(void **state)
{
    struct io_dp_sa sa = pair(1);
    char text[160];

    (void)state;
    add(&sa);
    k.sa[k.n_sa] = k.sa[0];
    k.sa[k.n_sa].spi = 0x77;
    k.sa[k.n_sa].reqid = k.sa[k.n_sa].if_id = 1; /* a strongSwan's */
    k.n_sa++;
    k.policy[k.n_policy] = k.policy[0];
    k.policy[k.n_policy++].if_id = 0;
    done(state);
    x = io_xfrm_new(ctx, &(struct io_xfrm_kernel){.talk = talk, .tell = tell});
    assert_true(io_xfrm_clean(x, text, sizeof(text)));
    assert_int_equal(k.n_sa, 1);
    assert_int_equal(k.sa[0].spi, 0x77);
    assert_int_equal(k.n_policy, 1);
    assert_int_equal(k.policy[0].if_id, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pair_is_two_sas_and_three_policies_of_the_tunnels_ids),
        T(esp_in_udp_has_the_ports_of_its_direction),
        T(limits_are_the_kernels_to_watch_and_told_once),
        T(anothers_expiry_is_not_ours),
        T(a_mark_is_of_what_leaves_and_of_nothing_that_arrives),
        T(a_card_has_both_sas),
        T(a_rekey_switches_when_told_and_never_leaves_a_hole),
        T(a_successor_sends_when_its_elder_goes_before_it_was_put_to_use),
        T(a_refused_switch_leaves_the_old_pair_sending_and_is_asked_again),
        T(a_switch_that_is_refused_still_when_the_old_pair_goes_ends_the_new),
        T(a_rekey_with_narrower_selectors_keeps_what_the_old_one_had_until_it_goes),
        T(the_first_packet_is_told_once),
        T(an_sa_that_somebody_took_away_ends_its_pair),
        T(a_peer_elsewhere_is_told_and_no_more_than_ten_times_a_second),
        T(another_port_is_an_update_of_both_sas),
        T(another_address_is_a_new_sa_that_goes_on_counting),
        T(our_own_other_address_blocks_meanwhile),
        T(a_muted_tunnel_blocks_both_ways_and_its_new_pairs_too),
        T(counters_are_the_kernels),
        T(what_an_earlier_life_left_goes_and_the_neighbors_stays),
    };

    ctx = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(ctx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
