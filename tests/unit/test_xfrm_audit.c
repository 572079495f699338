/* kedge audit of the kernel's SAs and policies: each difference by name, and nothing where there is
 * none. */
#include "xfrm_kernel.h"

static struct core_tunnel_config tunnels[4] = {[3] = {.ike = {.name = "peer"}}};
static const struct core_config cfg = {.n_tunnels = 4, .tunnels = tunnels};
static struct core_audit a;

static void look(void)
{
    char text[96];

    memset(&a, 0, sizeof(a));
    assert_true(io_xfrm_audit(x, &cfg, &a, text, sizeof(text)));
}

static void only(enum core_audit_what what, enum core_audit_kind kind, const char *where,
                 const char *detail, const char *remedy)
{
    look();
    assert_int_equal(a.n_kept, 1);
    assert_string_equal(core_audit_what_names[a.f[0].what], core_audit_what_names[what]);
    assert_string_equal(core_audit_kind_names[a.f[0].kind], core_audit_kind_names[kind]);
    assert_string_equal(a.f[0].where, where);
    assert_string_equal(a.f[0].detail, detail);
    assert_string_equal(a.f[0].remedy, remedy);
}

static void clean(void)
{
    look();
    assert_int_equal(a.n_kept, 0);
}

static void up(void)
{
    struct io_dp_sa sa = pair(1);

    add(&sa);
    io_xfrm_use(x, 3, id(1));
    clean();
}

#define IN  "dst 192.0.2.1 proto esp spi 0x00001001"
#define OUT "dst 198.51.100.1 proto esp spi 0x00002001"

static void what_was_made_is_as_wanted_through_a_whole_life(void **state)
{
    struct io_dp_sa second = pair(2);
    const struct kd_endpoint local = second.local, moved = at("203.0.113.9", 4500);

    (void)state;
    clean();
    up();
    assert_int_equal(a.looked[CORE_AUDIT_POLICY], 3);
    second.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    second.sa.encap = true;
    add(&second);
    clean();
    io_xfrm_use(x, 3, id(2));
    clean();
    io_xfrm_del(x, 3, id(1));
    clean();
    assert_int_equal(a.looked[CORE_AUDIT_POLICY], 6);
    io_xfrm_move(x, 3, id(2), &local, &moved);
    clean();
    io_xfrm_mute(x, 3, true);
    clean();
    io_xfrm_tunnel_del(x, 3);
    clean();
}

static void an_sa_that_is_gone_is_missing(void **state)
{
    struct nl_sa was;

    (void)state;
    up();
    was = k.sa[0];
    k.sa[0] = k.sa[1];
    k.n_sa = 1;
    only(CORE_AUDIT_SA, CORE_AUDIT_MISSING, IN, "the inbound SA of peer: it was there, and is gone",
         "kedge reset peer");
    k.sa[0] = was;
    only(CORE_AUDIT_SA, CORE_AUDIT_MISSING, OUT,
         "the outbound SA of peer: it was there, and is gone", "kedge reset peer");
    io_xfrm_resync(x); /* now IKE knows */
    assert_int_equal(said.hard, 1);
    look();
    assert_int_equal(a.n[CORE_AUDIT_BUSY], 1);
    assert_true(core_audit_clean(&a));
}

static void an_sa_of_our_range_that_nobody_has_is_extra_and_anothers_is_none(void **state)
{
    (void)state;
    up();
    k.sa[k.n_sa] = k.sa[0];
    k.sa[k.n_sa].spi = 0x77;
    k.sa[k.n_sa].reqid = k.sa[k.n_sa].if_id = 7;
    k.n_sa++;
    clean();
    k.sa[2].if_id = NL_ID_KEDGE + 9;
    only(CORE_AUDIT_SA, CORE_AUDIT_EXTRA, "dst 192.0.2.1 proto esp spi 0x00000077",
         "reqid 0x7 if_id 0x6b650009: of kedge's range, and no pair has it",
         "ip xfrm state delete dst 192.0.2.1 proto esp spi 0x00000077");
}

static void a_deletion_that_was_refused_is_said_so(void **state)
{
    (void)state;
    up();
    k.always = true;
    k.error = EPERM;
    io_xfrm_del(x, 3, id(1));
    k.always = false;
    look();
    assert_int_equal(a.n[CORE_AUDIT_EXTRA], 5); /* two SAs, three policies */
    assert_non_null(strstr(a.f[0].detail, "its deletion was refused, and is asked for again"));
    while (io_xfrm_tick(x))
        ;
    clean();
}

static void an_sa_is_compared_in_what_it_was_made_with(void **state)
{
    struct nl_sa was;
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.sa.encap = true;
    sa.kernel.mark = 7;
    add(&sa);
    io_xfrm_use(x, 3, id(1));
    clean();
    was = k.sa[0];
#define CHANGED(field, value, what)                                                                \
    k.sa[0].field = value;                                                                         \
    only(CORE_AUDIT_SA, CORE_AUDIT_DIFFERENT, IN, "not as it was made: " what,                     \
         "kedge reset peer");                                                                      \
    k.sa[0] = was;                                                                                 \
    clean()
    CHANGED(src.b[0], 203, "its source address");
    CHANGED(if_id, 7, "its reqid or if_id");
    CHANGED(reqid, 7, "its reqid or if_id");
    CHANGED(encap, false, "it isn't in UDP");
    CHANGED(encap_sport, 4501, "its UDP ports");
    CHANGED(mark_out, 3, "its output mark");
    CHANGED(encr.key_len, 16, "its algorithms");
    CHANGED(integ.name[5], '5', "its algorithms");
}

static void policies_are_missing_extra_or_different(void **state)
{
    struct nl_policy was;

    (void)state;
    up();
    was = k.policy[2]; /* in, fwd, out */
    k.n_policy = 2;
    only(CORE_AUDIT_POLICY, CORE_AUDIT_MISSING,
         "src 10.1.0.0/16 dst 10.2.0.0/16 dir out if_id 0x6b650004",
         "of peer: it was there, and is gone", "kedge reset peer");
    k.policy[k.n_policy++] = was;
    k.policy[2].tmpl.spi = 0x77;
    only(CORE_AUDIT_POLICY, CORE_AUDIT_DIFFERENT,
         "src 10.1.0.0/16 dst 10.2.0.0/16 dir out if_id 0x6b650004",
         "not as it was made: it names another SA", "kedge reset peer");
    k.policy[2] = was;
    k.policy[0].block = true;
    only(CORE_AUDIT_POLICY, CORE_AUDIT_DIFFERENT,
         "src 10.2.0.0/16 dst 10.1.0.0/16 dir in if_id 0x6b650004", "not as it was made: it blocks",
         "kedge reset peer");
    k.policy[0].block = false;
    k.policy[3] = was;
    k.policy[3].if_id = 0; /* a strongSwan's */
    k.n_policy++;
    clean();
    k.policy[3].if_id = NL_ID_KEDGE + 9;
    only(CORE_AUDIT_POLICY, CORE_AUDIT_EXTRA,
         "src 10.1.0.0/16 dst 10.2.0.0/16 dir out if_id 0x6b650009",
         "of kedge's range, and no pair has it",
         "ip xfrm policy delete src 10.1.0.0/16 dst 10.2.0.0/16 dir out if_id 0x6b650009");
}

static void a_kernel_that_does_not_answer_is_no_clean_audit(void **state)
{
    char text[96];

    (void)state;
    up();
    for (unsigned n = 1; n <= 2; n++) {
        k.fail_at = k.asked + n;
        k.error = ENOBUFS;
        assert_false(io_xfrm_audit(x, &cfg, &a, text, sizeof(text)));
        assert_string_equal(text, "told to");
    }
}

static void it_changes_nothing(void **state)
{
    unsigned asked;

    (void)state;
    up();
    k.n_policy = 0;
    k.n_sa = 0;
    asked = k.asked;
    look();
    assert_int_equal(a.n[CORE_AUDIT_MISSING], 5);
    assert_int_equal(k.asked, asked + 2); /* two dumps */
    assert_int_equal(k.n_sa + k.n_policy, 0);
    assert_int_equal(said.hard, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_made_is_as_wanted_through_a_whole_life),
        T(an_sa_that_is_gone_is_missing),
        T(an_sa_of_our_range_that_nobody_has_is_extra_and_anothers_is_none),
        T(a_deletion_that_was_refused_is_said_so),
        T(an_sa_is_compared_in_what_it_was_made_with),
        T(policies_are_missing_extra_or_different),
        T(a_kernel_that_does_not_answer_is_no_clean_audit),
        T(it_changes_nothing),
    };

    ctx = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(ctx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
