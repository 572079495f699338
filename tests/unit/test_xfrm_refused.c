/* The kernel's data plane when the kernel refuses, or its answer is lost. */
#include "xfrm_kernel.h"

static void the_kernels_own_words_are_the_reason(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    k.fail_at = 1;
    k.error = ENOSYS;
    add(&sa);
    assert_false(said.last.ok);
    assert_string_equal(said.last.text, "told to");
    nothing_left();
}

static void an_spi_that_is_taken_refuses_the_pair_and_stays_whose_it_is(void **state)
{
    struct io_dp_sa sa = pair(1), other = pair(1);

    (void)state;
    add(&sa);
    other.child = id(9);
    add(&other);
    assert_false(said.last.ok);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
}

/* Everything a tunnel does in its life; each call may have been refused before. */
static void live(void)
{
    struct io_dp_sa first = pair(1), second = pair(2);
    struct kd_endpoint local = first.local, port = at("198.51.100.1", 1025);
    struct kd_endpoint moved = at("203.0.113.9", 1026);
    struct io_dp_counters c;

    first.sa.encap = second.sa.encap = true;
    first.ts_remote = second.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    io_xfrm_add(x, &first);
    io_xfrm_use(x, 3, id(1));
    (void)io_xfrm_tick(x);
    io_xfrm_add(x, &second);
    io_xfrm_use(x, 3, id(2));
    io_xfrm_del(x, 3, id(1));
    io_xfrm_mute(x, 3, true);
    io_xfrm_mute(x, 3, false);
    io_xfrm_move(x, 3, id(2), &local, &port);
    io_xfrm_move(x, 3, id(2), &local, &moved);
    (void)io_xfrm_count(x, id(2), &c);
    io_xfrm_resync(x);
    io_xfrm_tunnel_del(x, 3);
}

/* The n-th request fails; then the tunnel goes. */
static void one_life(void **state, unsigned n, int error, bool lost)
{
    fresh(state);
    k.fail_at = n;
    k.error = error;
    k.lost = lost;
    live();
    while (io_xfrm_tick(x))
        ;
    if (k.n_sa || k.n_policy)
        fail_msg("request %u %s (%d): %u SAs, %u policies left", n, lost ? "lost" : "refused",
                 error, k.n_sa, k.n_policy);
    done(state);
}

static unsigned requests_of_a_life(void)
{
    live();
    assert_int_equal(k.holes, 0);
    assert_int_equal(said.hard, 0);
    assert_true(k.asked > 40);
    return k.asked;
}

/* For every n: the n-th request of a tunnel's life is refused. What is in the kernel then is what
 * the account has, and goes with the tunnel; who could not be served was told. */
static void whichever_request_is_refused_nothing_is_left_behind(void **state)
{
    static const int errors[] = {ENOMEM, EINVAL, EPERM};
    unsigned total = requests_of_a_life();

    done(state);
    for (size_t e = 0; e < KD_ARRAY_LEN(errors); e++)
        for (unsigned n = 1; n <= total; n++)
            one_life(state, n, errors[e], false);
    fresh(state);
}

/* The kernel may have carried out what nobody heard of, or not. */
static void whichever_answer_is_lost_nothing_is_left_behind(void **state)
{
    static const int errors[] = {ENOBUFS, ETIMEDOUT};
    unsigned total = requests_of_a_life();

    done(state);
    for (size_t e = 0; e < KD_ARRAY_LEN(errors); e++)
        for (unsigned n = 1; n <= total; n++) {
            one_life(state, n, errors[e], false);
            one_life(state, n, errors[e], true);
        }
    fresh(state);
}

/* A deletion of unknown end is asked for again, but not once another SA has the id. */
static void a_lost_answer_while_a_pair_moves_takes_no_living_sa(void **state)
{
    const struct kd_endpoint local = at("192.0.2.9", 4500), remote = at("198.51.100.1", 4500);

    for (unsigned n = 1; n < 40; n++) {
        struct io_dp_sa sa = pair(1);

        done(state);
        fresh(state);
        sa.sa.encap = true;
        add(&sa);
        io_xfrm_use(x, 3, id(1));
        k.fail_at = k.asked + n;
        k.error = ETIMEDOUT;
        k.lost = true;
        io_xfrm_move(x, 3, id(1), &local, &remote);
        k.sa[0].used.packets = 1;
        for (int i = 0; i < 600; i++)
            io_xfrm_tick(x);
        if (said.hard > 0)
            continue; /* IKE has been told: it makes another */
        io_xfrm_resync(x);
        assert_int_equal(said.hard, 0);
        for (uint32_t i = 0; i < k.n_policy; i++)
            assert_false(k.policy[i].block);
    }
}

static void a_tunnel_whose_unmuting_was_refused_is_unmuted_all_the_same(void **state)
{
    for (unsigned n = 1; n <= 3; n++) {
        struct io_dp_sa sa = pair(1);

        done(state);
        fresh(state);
        add(&sa);
        k.sa[0].used.packets = 1;
        io_xfrm_mute(x, 3, true);
        k.fail_at = k.asked + n;
        k.error = ENOMEM;
        io_xfrm_mute(x, 3, false);
        while (io_xfrm_tick(x))
            ;
        for (uint32_t i = 0; i < k.n_policy; i++)
            assert_false(k.policy[i].block);
    }
}

static void a_deletion_that_is_refused_for_good_is_asked_for_ever_more_rarely(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    add(&sa);
    k.error = EPERM;
    k.always = true;
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(said.trouble, 5); /* each is said once */
    assert_int_equal(said.last.tunnel, 3);
    assert_string_equal(said.last.text, "deletion of SA 0x00001001 refused: told to; asked again");
    k.asked = 0;
    for (int i = 0; i < 20 * 60; i++) /* a minute */
        assert_true(io_xfrm_tick(x));
    assert_in_range(k.asked, 5, 60);
    assert_int_equal(said.trouble, 5);
    k.always = false;
    for (int i = 0; i < 256 && io_xfrm_tick(x); i++)
        ;
    nothing_left();
}

static void a_pair_that_has_a_result_of_refused_is_not_there(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    for (unsigned n = 1; n <= 8; n++) {
        done(state);
        fresh(state);
        k.fail_at = n;
        k.error = ENOMEM;
        add(&sa);
        assert_false(said.last.ok);
        nothing_left();
    }
    done(state);
    fresh(state);
    k.fail_at = 9; /* two SAs, two times three policies: that was all */
    add(&sa);
    assert_true(said.last.ok);
}

/* Two dumps, three policies, two SAs. */
static void a_cleaning_that_is_refused_in_between_is_done_by_the_next(void **state)
{
    char text[160];

    for (unsigned n = 1; n <= 16; n++) {
        struct io_dp_sa sa = pair(1);
        bool clean;
        done(state);
        fresh(state);
        add(&sa);
        done(state); /* an earlier life's, now */
        x = io_xfrm_new(ctx, &(struct io_xfrm_kernel){.talk = talk, .tell = tell});
        k.asked = 0;
        k.fail_at = n % 8;
        k.lost = n > 8;
        k.error = k.lost ? ETIMEDOUT : ENOBUFS;
        clean = io_xfrm_clean(x, text, sizeof(text));
        assert_int_equal(clean, n % 8 == 0); /* no eighth request */
        if (!clean && !k.lost)
            assert_non_null(strstr(text, "told to"));
        assert_true(io_xfrm_clean(x, text, sizeof(text)));
        nothing_left();
        assert_int_equal(said.trouble, 0); /* who asked has the words */
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_kernels_own_words_are_the_reason),
        T(an_spi_that_is_taken_refuses_the_pair_and_stays_whose_it_is),
        T(whichever_request_is_refused_nothing_is_left_behind),
        T(whichever_answer_is_lost_nothing_is_left_behind),
        T(a_lost_answer_while_a_pair_moves_takes_no_living_sa),
        T(a_tunnel_whose_unmuting_was_refused_is_unmuted_all_the_same),
        T(a_deletion_that_is_refused_for_good_is_asked_for_ever_more_rarely),
        T(a_cleaning_that_is_refused_in_between_is_done_by_the_next),
        T(a_pair_that_has_a_result_of_refused_is_not_there),
    };

    ctx = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(ctx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
