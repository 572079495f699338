/* Readiness: a backup of which nothing is wrong, and each reason by breaking exactly one thing of
 * it, with the nearest thing that is none; routes of backup and primary side by side. */
#include "ready/ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define NOW  KD_S(1000)
#define WALL INT64_C(1700000000)
#define DAY  INT64_C(86400)

static const struct core_readiness want = {.established_us = KD_S(60),
                                           .drill_age_us = KD_S(86400) * 90,
                                           .certificate_us = KD_S(86400) * 14};

static struct ready_facts good(void)
{
    return (struct ready_facts){.want = &want,
                                .now_us = NOW,
                                .wall_s = WALL,
                                .tunnel = "azure",
                                .state = CORE_T_UP,
                                .child_up = true,
                                .state_us = KD_S(600),
                                .unheard_max_us = KD_S(10),
                                .neighbor = "vpn",
                                .bgp = BGP_ESTABLISHED,
                                .bgp_us = KD_S(600),
                                .bfd = true,
                                .bfd_up = true,
                                .settled = true,
                                .compared = true,
                                .uneven_name = "ce2",
                                .rehearsal = {.last.state = CORE_REHEARSAL_PASSED},
                                .mtu_need = 1500,
                                .mtu_path = 1500,
                                .mtu_inner = 1438,
                                .ending = {"IKE SA", READY_TIME, KD_S(3600), 133333},
                                .cert_until_s = WALL + 15 * DAY,
                                .drill = {"quarterly", WALL - 89 * DAY, true}};
}

static struct kd_prefix prefix(const char *s)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static struct ready_list one(const char *s)
{
    return (struct ready_list){.n = 1, .n_named = 1, .named = {prefix(s)}};
}

/* Exactly this reason, with that in its words and that in its remedy. */
static void expect(const struct ready_facts *f, enum ready_code code, enum ready_verdict verdict,
                   const char *words, const char *remedy)
{
    struct ready_judgement j;

    ready_judge(f, &j);
    for (uint32_t i = 0; i < j.n; i++)
        printf("# %s: %s / %s\n", ready_code_names[j.reason[i].code], j.reason[i].words,
               j.reason[i].remedy);
    assert_int_equal(j.n, 1);
    assert_int_equal(j.reason[0].code, code);
    assert_int_equal(j.verdict, verdict);
    assert_non_null(strstr(j.reason[0].words, words));
    assert_non_null(strstr(j.reason[0].remedy, remedy));
}

static void expect_ready(const struct ready_facts *f)
{
    struct ready_judgement j;

    ready_judge(f, &j);
    for (uint32_t i = 0; i < j.n; i++)
        printf("# %s: %s\n", ready_code_names[j.reason[i].code], j.reason[i].words);
    assert_int_equal(j.n, 0);
    assert_int_equal(j.verdict, READY_READY);
}

static void nothing_wrong_is_ready(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    expect_ready(&f);
    f.neighbor = NULL; /* static routes: no session, nothing compared */
    f.bgp = BGP_IDLE;
    f.bgp_us = 0;
    f.bfd = false;
    expect_ready(&f);
}

static void a_tunnel_that_is_not_two_way_says_its_state_and_why(void **st KD_UNUSED)
{
    struct ready_facts f = good();
    struct ready_judgement j;

    f.state = CORE_T_CONNECTING;
    f.reason = KD_REASON_NO_PROPOSAL;
    f.bgp = BGP_IDLE; /* what follows from it is not said */
    f.bgp_us = 0;
    expect(&f, READY_TUNNEL_DOWN, READY_NOT, "connecting for 10m0s: no-proposal", "kedge explain");
    f.state = CORE_T_DISABLED;
    expect(&f, READY_TUNNEL_DOWN, READY_NOT, "disabled", "kedge up azure");
    f.state = CORE_T_CONNECTING;
    f.reason = KD_REASON_NONE;
    ready_judge(&f, &j);
    assert_string_equal(j.reason[0].words, "the tunnel is connecting for 10m0s");
}

static void esp_in_one_direction_is_found(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.unheard = 3;
    f.unheard_us = KD_S(10);
    expect(&f, READY_ONE_WAY, READY_NOT, "3 ESP packets were sent in the last 10.0s",
           "protocol 50");
    f.unheard = 2; /* may be under way */
    expect_ready(&f);
    f.unheard = 3;
    f.unheard_us = KD_S(10) - 1;
    expect_ready(&f);
    f = good();
    f.state = CORE_T_UNPROVEN;
    expect(&f, READY_ONE_WAY, READY_NOT, "no ESP packet has come", "UDP 4500");
    f.state_us = KD_S(10) - 1; /* fresh */
    expect_ready(&f);
}

static void a_session_has_to_stand_and_for_a_while(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.bgp = BGP_ACTIVE;
    f.bgp_reason = KD_REASON_HOLD_EXPIRED;
    f.in.missing = one("10.0.0.0/8"); /* and what follows from it is not said */
    f.bfd_up = false;
    expect(&f, READY_SESSION_DOWN, READY_NOT, "vpn is Active for 10m0s: hold-expired",
           "kedge bgp neighbors vpn");
    f = good();
    f.bgp_us = KD_S(60) - 1;
    f.in.missing = one("10.0.0.0/8"); /* they are still on their way */
    expect(&f, READY_SESSION_YOUNG, READY_DEGRADED, "for 59.9s only", "wait");
    f = good();
    f.bgp_us = KD_S(60);
    expect_ready(&f);
    f.bfd_up = false;
    expect(&f, READY_BFD_DOWN, READY_DEGRADED, "BFD with vpn", "configure BFD");
}

static void prefixes_that_differ_are_named(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.in.n_primary = 8;
    f.in.missing = one("10.17.12.0/24");
    expect(&f, READY_PREFIX_MISSING, READY_NOT, "1 of the primary's 8 prefixes not: 10.17.12.0/24",
           "over the tunnel as well");
    f.compared = false; /* some primary is down: what the rest tells is missing all the same */
    expect(&f, READY_PREFIX_MISSING, READY_NOT, "10.17.12.0/24", "");
    f.settled = false; /* the backup is still telling, or a drill moves them about */
    expect_ready(&f);
    f = good();
    f.in.more_specific = one("10.17.11.0/26");
    expect(&f, READY_PREFIX_MORE_SPECIFIC, READY_DEGRADED, "now: 10.17.11.0/26", "import policy");
    f.compared = false;
    expect_ready(&f); /* it may be the lost primary's */
    f = good();
    f.in.extra = one("10.99.0.0/16");
    expect(&f, READY_PREFIX_EXTRA, READY_DEGRADED, "10.99.0.0/16", "the far end");
    f.compared = false;
    expect_ready(&f);
    f.too_many = true;
    expect(&f, READY_ROUTES_TOO_MANY, READY_DEGRADED, "too many", "import policy");
}

static void long_lists_are_cut_and_counted(void **st KD_UNUSED)
{
    struct ready_facts f = good();
    struct ready_judgement j;

    f.in.missing = (struct ready_list){.n = 4000, .n_named = READY_NAMED};
    for (int i = 0; i < READY_NAMED; i++)
        f.in.missing.named[i] = prefix("2001:db8:1111:2222:3333:4444:5555:6666/128");
    ready_judge(&f, &j);
    assert_int_equal(j.n, 1);
    assert_true(strlen(j.reason[0].words) < READY_TEXT_MAX - 1);
    assert_non_null(strstr(j.reason[0].words, "6666/128 and 39"));
}

static void preference_is_compared_both_ways(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.in.preferred = one("10.17.11.0/24");
    f.in.primary = (struct ready_route){prefix("10.17.11.0/24"), .local_pref = 100, .n_as = 1};
    f.in.backup = (struct ready_route){prefix("10.17.11.0/24"), .local_pref = 100, .n_as = 1};
    expect(&f, READY_BACKUP_PREFERRED, READY_DEGRADED,
           "10.17.11.0/24 has ce2 weight 0, local preference 100, 1 AS hops, MED 0; vpn weight 0, "
           "local preference 100",
           "higher local-pref");
    f.in.uneven = f.in.preferred;
    f.in.preferred.n = 0;
    expect(&f, READY_PREFERENCE_UNEVEN, READY_DEGRADED, "one way of the primary and not the other",
           "ce2 sets the local preference");
    f.compared = false;
    expect_ready(&f);
    f = good();
    f.out.missing = one("10.1.11.0/25");
    expect(&f, READY_TOLD_MISSING, READY_NOT, "vpn is not told 1 prefixes", "export policy of vpn");
    f = good();
    f.out.more_specific = one("10.1.11.0/26");
    expect(&f, READY_TOLD_MORE_SPECIFIC, READY_DEGRADED, "10.1.11.0/26", "export policies");
    f = good();
    f.out.preferred = one("10.1.11.0/25");
    f.out.backup = (struct ready_route){prefix("10.1.11.0/25"), .n_as = 1};
    f.out.primary.n_as = 3;
    expect(&f, READY_TOLD_PREFERRED, READY_DEGRADED, "with 1 against 3", "prepends");
}

static void a_primary_that_takes_our_way_is_named(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.follower_name = "ce1";
    f.in.extra = f.back.follows = one("10.17.11.0/24");
    expect(
        &f, READY_PRIMARY_FOLLOWS, READY_DEGRADED,
        "ce1 has no way of its own that it tells for 1 prefixes of the backup, and is told ours: "
        "it sends there by the tunnel: 10.17.11.0/24",
        "ce1 sets a higher local preference");
    f.back.follows.n = 0; /* nobody is told */
    expect(&f, READY_PREFIX_EXTRA, READY_DEGRADED, "10.17.11.0/24", "");
    f.compared = false;
    expect_ready(&f);
}

static void a_site_behind_the_backup_may_not_hear_what_is_prepended(void **st KD_UNUSED)
{
    struct ready_facts f = good();
    struct ready_judgement j;

    f.out.longer = one("10.1.0.0/24");
    expect_ready(&f); /* nobody is behind it */
    f.in.extra = one("10.2.0.0/24");
    ready_judge(&f, &j);
    assert_int_equal(j.n, 2);
    assert_int_equal(j.reason[1].code, READY_TOLD_HIDDEN);
    assert_int_equal(j.reason[1].verdict, READY_DEGRADED);
    assert_non_null(strstr(j.reason[1].words, "only vpn leads to 10.2.0.0/24"));
    assert_non_null(strstr(j.reason[1].words, "may not hear of 10.1.0.0/24"));
    assert_non_null(strstr(j.reason[1].remedy, "don't prepend to vpn"));
}

static void our_own_prefix_from_the_primary_is_a_way_back_by_another(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.returner_name = "msee";
    f.back.returned = one("10.1.11.0/25");
    f.back.returner.n_as = 3;
    expect(&f, READY_RETURN_ELSEWHERE, READY_DEGRADED,
           "msee tells us 1 of our own prefixes, by 3 AS hops", "kedge routes learned msee");
    f.compared = false;
    expect_ready(&f);
}

static void keys_have_to_be_rehearsed(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.rehearsal = (struct core_rehearsal_view){
        CORE_REHEARSAL_FAILED, .last = {CORE_REHEARSAL_FAILED, KD_REASON_NO_PROPOSAL}};
    expect(&f, READY_REKEY_FAILED, READY_NOT, "child rekey: no-proposal", "PFS");
    f.rehearsal.last.failed_ike = true;
    expect(&f, READY_REKEY_FAILED, READY_NOT, "IKE rekey", "--rehearse");
    f.rehearsal = (struct core_rehearsal_view){CORE_REHEARSAL_NONE};
    expect(&f, READY_REKEY_UNREHEARSED, READY_DEGRADED, "(none)", "kedge rekey azure --rehearse");
    f.rehearsal.state = CORE_REHEARSAL_IKE;
    expect(&f, READY_REKEY_UNREHEARSED, READY_DEGRADED, "(running)", "--rehearse");
    f.rehearsal.state = CORE_REHEARSAL_FAILED; /* no verdict: the tunnel went meanwhile */
    expect(&f, READY_REKEY_UNREHEARSED, READY_DEGRADED, "(interrupted)", "--rehearse");
    f.rehearsal.last.state = CORE_REHEARSAL_PASSED; /* once more */
    expect_ready(&f);
    f.rehearsal.state = CORE_REHEARSAL_CHILD;
    expect_ready(&f);
}

static void a_black_hole_names_the_mtu_and_mss_to_set(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.mtu_path = 1400;
    f.mtu_inner = 1326;
    expect(&f, READY_MTU_BLACK_HOLE, READY_NOT, "datagrams of 1400 octets",
           "mtu: 1326 and mss: 1286");
    f.mtu_path = 0; /* not measured */
    expect_ready(&f);
}

static void what_ends_soon_is_said_before(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.ending = (struct ready_ending){"IKE SA", READY_TIME, KD_S(324), 12000};
    expect(&f, READY_SA_ENDING, READY_NOT, "IKE SA ends in 5m24s", "kedge rekey azure");
    f.ending.ppm++;
    expect_ready(&f);
    f.ending = (struct ready_ending){"child SA", READY_BYTES, 1228800000, 12000};
    expect(&f, READY_SA_ENDING, READY_NOT, "child SA ends after 1.2 GB more", "kedge rekey azure");
    f.ending.left = 12000;
    expect(&f, READY_SA_ENDING, READY_NOT, "child SA ends after 12.0 KB more", "kedge explain");
    f.ending = (struct ready_ending){"child SA", READY_PACKETS, 120, 12000};
    expect(&f, READY_SA_ENDING, READY_NOT, "child SA ends after 120 packets more", "");
    f.ending.name = NULL; /* no SA */
    f.ending.ppm = 0;
    expect_ready(&f);
    f.ending.ppm = 1000000;
    f.cert_until_s = WALL + 14 * DAY;
    expect(&f, READY_CERT_ENDING, READY_DEGRADED, "the peer's certificate ends 2023-11-28T",
           "the peer renews");
    f.cert_ours = true;
    f.cert_until_s = WALL;
    expect(&f, READY_CERT_ENDING, READY_DEGRADED, "our certificate ended", "renew it");
}

static void a_drill_has_to_be_young_and_good(void **st KD_UNUSED)
{
    struct ready_facts f = good();

    f.drill.at_s = WALL - 90 * DAY;
    expect_ready(&f);
    f.drill.at_s--;
    expect(&f, READY_DRILL_OLD, READY_DEGRADED, "90 days old, allowed are 90",
           "kedge drill run quarterly");
    f.drill.at_s = WALL;
    f.drill.passed = false;
    expect(&f, READY_DRILL_FAILED, READY_NOT, "(quarterly, 2023-11-14T", "kedge drill show");
    f.drill.at_s = 0;
    expect(&f, READY_DRILL_NONE, READY_DEGRADED, "never drilled", "kedge drill run");
}

static void every_code_has_a_name(void **st KD_UNUSED)
{
    for (int i = 0; i < READY_CODE_N; i++)
        assert_non_null(ready_code_names[i]);
    assert_null(ready_code_names[READY_CODE_N]);
}

/* ---- routes ---- */

static struct ready_route route(const char *p, uint32_t peer, uint32_t local_pref, uint16_t n_as)
{
    return (struct ready_route){.prefix = prefix(p),
                                .peer = peer,
                                .local_pref = local_pref,
                                .n_as = n_as,
                                .first_as = peer};
}

static void assert_list(const struct ready_list *l, const char *expected)
{
    char text[512] = "", one_text[KD_PREFIX_STR_MAX];

    for (uint32_t i = 0; i < l->n_named; i++) {
        strcat(text, i ? " " : "");
        strcat(text, kd_prefix_str(&l->named[i], one_text));
    }
    assert_string_equal(text, expected);
}

static void sets_are_compared_in_one_pass(void **st KD_UNUSED)
{
    struct ready_route p[] = {route("10.2.0.0/16", 1, 150, 1),   route("10.1.0.0/16", 1, 150, 1),
                              route("10.1.0.0/16", 2, 150, 1),   route("10.3.4.0/24", 1, 150, 1),
                              route("2001:db8::/32", 1, 150, 1), route("10.5.0.0/16", 1, 150, 1)},
                       b[] = {route("10.1.0.0/16", 9, 100, 1), route("10.2.3.0/24", 9, 100, 1),
                              route("10.3.0.0/16", 9, 100, 1), route("10.9.0.0/16", 9, 100, 1),
                              route("0.0.0.0/0", 9, 100, 1),   route("2001:db8::/32", 9, 100, 1)};
    struct ready_routes r;

    ready_routes_compare(p, 6, b, 6, true, &r);
    assert_int_equal(r.n_primary, 5);
    assert_int_equal(r.n_backup, 6);
    assert_list(&r.missing,
                "10.2.0.0/16 10.5.0.0/16"); /* a default route is no cover, 10.3/16 is */
    assert_list(&r.more_specific, "10.2.3.0/24");
    assert_list(&r.extra, "10.9.0.0/16");
    assert_int_equal(r.preferred.n + r.uneven.n, 0);
}

static void a_primary_has_to_win_with_each_of_its_ways(void **st KD_UNUSED)
{
    struct ready_route p[] = {route("10.1.0.0/16", 1, 150, 2), route("10.1.0.0/16", 2, 100, 2)},
                       b = route("10.1.0.0/16", 9, 100, 2);
    struct ready_routes r;

    ready_routes_compare(p, 2, &b, 1, true, &r);
    assert_list(&r.uneven, "10.1.0.0/16");
    assert_int_equal(r.primary.peer, 2);
    p[0].local_pref = p[1].local_pref = 100;
    ready_routes_compare(p, 2, &b, 1, true, &r);
    assert_list(&r.preferred, "10.1.0.0/16");
    p[0].n_as = p[1].n_as = 1; /* prepended over the backup */
    ready_routes_compare(p, 2, &b, 1, true, &r);
    assert_int_equal(r.preferred.n + r.uneven.n, 0);
    b.weight = 1;
    ready_routes_compare(p, 2, &b, 1, true, &r);
    assert_list(&r.preferred, "10.1.0.0/16");
}

static void what_is_told_is_compared_by_path_length_between_as_only(void **st KD_UNUSED)
{
    struct ready_route p = route("10.1.0.0/16", 1, 100, 1), b = route("10.1.0.0/16", 9, 100, 1);
    struct ready_routes r;

    ready_routes_compare(&p, 1, &b, 1, false, &r);
    assert_int_equal(r.preferred.n, 0); /* as long: what the others prefer isn't seen here */
    p.n_as = 2;
    ready_routes_compare(&p, 1, &b, 1, false, &r);
    assert_list(&r.preferred, "10.1.0.0/16");
    p.ibgp = true;
    ready_routes_compare(&p, 1, &b, 1, false, &r);
    assert_int_equal(r.preferred.n, 0);
}

static void what_is_told_with_more_hops_everywhere_is_longer(void **st KD_UNUSED)
{
    struct ready_route p[] = {route("10.1.0.0/16", 1, 100, 1), route("10.1.0.0/16", 2, 100, 3)},
                       b = route("10.1.0.0/16", 9, 100, 4);
    struct ready_routes r;

    ready_routes_compare(p, 2, &b, 1, false, &r);
    assert_list(&r.longer, "10.1.0.0/16");
    b.n_as = 3;
    ready_routes_compare(p, 2, &b, 1, false, &r);
    assert_int_equal(r.longer.n, 0);
    b.n_as = 4;
    ready_routes_compare(p, 2, &b, 1, true, &r); /* learned: no matter */
    assert_int_equal(r.longer.n, 0);
    p[1].ibgp = true;
    ready_routes_compare(p, 2, &b, 1, false, &r);
    assert_int_equal(r.longer.n, 0);
}

/* ---- the way back ---- */

static struct ready_side side(const struct ready_route *r, uint32_t n)
{
    return (struct ready_side){r, n};
}

static void only_what_the_primary_lacks_and_is_told_makes_it_follow(void **st KD_UNUSED)
{
    struct ready_route b[] = {route("10.1.0.0/16", 9, 100, 1), route("10.2.0.0/16", 9, 100, 1),
                              route("10.3.0.0/16", 9, 100, 1)},
                       told[] = {route("10.1.0.0/16", 1, 100, 2), route("10.2.0.0/16", 1, 100, 2)};
    struct ready_back back;

    b[1].extra = b[2].extra = true;
    ready_back(side(b, 3), side(told, 2), side(NULL, 0), side(NULL, 0), &back);
    assert_list(&back.follows, "10.2.0.0/16"); /* .1 it has, .3 it is not told */
    assert_int_equal(back.follower.peer, 1);
    assert_int_equal(back.returned.n, 0);
}

static void what_a_neighbor_repeats_is_no_way_back(void **st KD_UNUSED)
{
    struct ready_route told_p[] = {route("10.1.0.0/16", 1, 100, 1),
                                   route("10.1.0.0/16", 2, 100, 3)},
                       told_b = route("10.1.0.0/16", 9, 100, 4),
                       own = route("10.1.0.0/16", 1, 100, 3);
    struct ready_back back;

    own.n_first = 2; /* it prepended its own AS once, and had the path that it was told */
    ready_back(side(NULL, 0), side(told_p, 2), side(&told_b, 1), side(&own, 1), &back);
    assert_int_equal(back.returned.n, 0);
    own.n_as = 4; /* somebody is between */
    ready_back(side(NULL, 0), side(told_p, 2), side(&told_b, 1), side(&own, 1), &back);
    assert_list(&back.returned, "10.1.0.0/16");
    assert_int_equal(back.returner.peer, 1);
    own.peer = 2; /* to whom 3 hops were told: 4 with its own */
    own.n_first = 1;
    ready_back(side(NULL, 0), side(told_p, 2), side(&told_b, 1), side(&own, 1), &back);
    assert_int_equal(back.returned.n, 0);
    own.ibgp = true; /* inside an AS nothing is put before it */
    ready_back(side(NULL, 0), side(told_p, 2), side(&told_b, 1), side(&own, 1), &back);
    assert_list(&back.returned, "10.1.0.0/16");
    ready_back(side(NULL, 0), side(told_p, 2), side(NULL, 0), side(&own, 1), &back);
    assert_int_equal(back.returned.n, 0); /* the backup isn't told it: it is no backup for that */
}

static void empty_sets_are_no_trouble(void **st KD_UNUSED)
{
    struct ready_route b = route("10.1.0.0/16", 9, 100, 1);
    struct ready_routes r;

    ready_routes_compare(NULL, 0, NULL, 0, true, &r);
    assert_int_equal(r.n_primary + r.n_backup, 0);
    ready_routes_compare(NULL, 0, &b, 1, true, &r);
    assert_list(&r.extra, "10.1.0.0/16");
    ready_routes_compare(&b, 1, NULL, 0, true, &r);
    assert_list(&r.missing, "10.1.0.0/16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_wrong_is_ready),
        cmocka_unit_test(a_tunnel_that_is_not_two_way_says_its_state_and_why),
        cmocka_unit_test(esp_in_one_direction_is_found),
        cmocka_unit_test(a_session_has_to_stand_and_for_a_while),
        cmocka_unit_test(prefixes_that_differ_are_named),
        cmocka_unit_test(long_lists_are_cut_and_counted),
        cmocka_unit_test(preference_is_compared_both_ways),
        cmocka_unit_test(a_primary_that_takes_our_way_is_named),
        cmocka_unit_test(a_site_behind_the_backup_may_not_hear_what_is_prepended),
        cmocka_unit_test(our_own_prefix_from_the_primary_is_a_way_back_by_another),
        cmocka_unit_test(keys_have_to_be_rehearsed),
        cmocka_unit_test(a_black_hole_names_the_mtu_and_mss_to_set),
        cmocka_unit_test(what_ends_soon_is_said_before),
        cmocka_unit_test(a_drill_has_to_be_young_and_good),
        cmocka_unit_test(every_code_has_a_name),
        cmocka_unit_test(sets_are_compared_in_one_pass),
        cmocka_unit_test(a_primary_has_to_win_with_each_of_its_ways),
        cmocka_unit_test(what_is_told_is_compared_by_path_length_between_as_only),
        cmocka_unit_test(what_is_told_with_more_hops_everywhere_is_longer),
        cmocka_unit_test(only_what_the_primary_lacks_and_is_told_makes_it_follow),
        cmocka_unit_test(what_a_neighbor_repeats_is_no_way_back),
        cmocka_unit_test(empty_sets_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
