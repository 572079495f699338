/* XFRM messages that a hostile or broken kernel could send: none is believed, none breaks the
 * parser. */
#include "test_netlink_xfrm.h"

#include <time.h>

/* --- malformed --- */

/* Overwrites bytes of the attribute's payload. */
static void patch(uint16_t type, size_t at, const char *hex)
{
    size_t len, where = attr(type, &len);

    assert_int_not_equal(where, 0);
    unhex(hex, buf.p + where + 4 + at);
}

static void what_no_kernel_says_of_an_sa_is_refused(void **state)
{
    static const struct {
        uint16_t type; /* 0: at is an offset in the message */
        size_t at;
        const char *hex, *why;
    } rows[] = {
        {0, SEQ + 8, "0300", "sa: bad family or prefix"},
        {0, SEL + 40, "0700", "sa: bad family or prefix"},
        {0, SEL + 42, "21", "sa: bad family or prefix"},
        {0, SEL + 43, "21", "sa: bad family or prefix"},
        {XFRMA_ALG_CRYPT, 64, "01010000", "sa: malformed algorithm"}, /* no whole bytes */
        {XFRMA_ALG_CRYPT, 64, "08010000",
         "sa: malformed algorithm"}, /* a byte more than there is */
        {XFRMA_ALG_CRYPT, 64, "28020000", "sa: malformed algorithm"}, /* longer than any key */
        {XFRMA_ALG_CRYPT, 64, "ffffffff", "sa: malformed algorithm"},
        {XFRMA_ALG_AUTH_TRUNC, 68, "01020000", "sa: malformed algorithm"},
        {NL_XFRMA_SA_DIR, 0, "03", "sa: malformed option"},
        {XFRMA_OFFLOAD_DEV, 0, "ffffffff", "sa: malformed option"},
        {XFRMA_REPLAY_ESN_VAL, 0, "03000000",
         "sa: malformed replay state"}, /* more than there is */
        {XFRMA_REPLAY_ESN_VAL, 0, "81000000", "sa: malformed replay state"}, /* more than 4096 */
        {XFRMA_REPLAY_ESN_VAL, 20, "41000000", "sa: malformed replay state"},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        put_full();
        if (rows[i].type)
            patch(rows[i].type, rows[i].at, rows[i].hex);
        else
            unhex(rows[i].hex, buf.p + rows[i].at);
        refused(rows[i].why);
    }
}

static void a_name_without_its_end_is_refused(void **state)
{
    size_t len, at;

    (void)state;
    put_full();
    at = attr(XFRMA_ALG_CRYPT, &len);
    memset(buf.p + at + 4, 'a', 64);
    refused("sa: malformed algorithm");
}

static void what_no_kernel_says_of_a_policy_is_refused(void **state)
{
    static const struct {
        size_t at;
        const char *hex, *why;
    } rows[] = {
        {160, "03", "policy: direction"},
        {42, "21", "policy: bad family or prefix"},
        {168, "4300", "policy: malformed template"},
    };
    struct nl_policy p = out_policy();

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        fresh(NULL);
        assert_true(nl_put_policy(&buf, 1, &p, false));
        unhex(rows[i].hex, buf.p + 16 + rows[i].at);
        refused(rows[i].why);
    }
}

static void any_cut_is_refused_or_shorter(void **state)
{
    uint8_t whole[2048];
    size_t len;

    (void)state;
    put_full();
    len = buf.len;
    memcpy(whole, buf.p, len);
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(buf.p, whole, len);
        buf.len = cut;
        if (cut < 16) {
            assert_false(feed(buf.p, cut));
            continue;
        }
        assert_false(feed(buf.p, cut)); /* the length says more than there is */
        end();
        assert_true(feed(buf.p, cut));
        if (cut < 16 + 224)
            assert_int_equal(ev.base.kind, NL_OTHER);
    }
}

/* --- anything --- */

static void check_sane(void)
{
    assert_true(ev.kind == NL_XFRM_NONE || ev.base.text[0] == '\0');
    if (ev.kind == NL_XFRM_SA || ev.kind == NL_XFRM_EXPIRE) {
        assert_true(ev.sa.encr.key_len <= NL_SA_KEY_MAX && ev.sa.integ.key_len <= NL_SA_KEY_MAX);
        assert_non_null(memchr(ev.sa.encr.name, '\0', NL_SA_ALG_NAME));
        assert_true(ev.sa.replay.n_words <= NL_REPLAY_WORDS);
        assert_true(ev.sa.dir <= NL_SA_OUT);
    }
    if (ev.kind == NL_XFRM_POLICY || ev.kind == NL_XFRM_ACQUIRE)
        assert_true(ev.policy.dir <= NL_POLICY_FWD && ev.policy.n_tmpl <= NL_POLICY_TMPL_MAX);
}

static void flipped_bytes_never_break_the_parser(void **state)
{
    static const uint16_t types[] = {XFRM_MSG_NEWSA,     XFRM_MSG_DELSA,    XFRM_MSG_EXPIRE,
                                     XFRM_MSG_NEWAE,     XFRM_MSG_MAPPING,  XFRM_MSG_ACQUIRE,
                                     XFRM_MSG_NEWPOLICY, XFRM_MSG_DELPOLICY};

    (void)state;
    rng = (uint64_t)time(NULL) | 1;
    print_message("seed %llu\n", (unsigned long long)rng);
    for (int i = 0; i < 20000; i++) {
        struct nl_policy p = out_policy();
        uint8_t *m;
        struct kd_bytes d;

        put_full();
        if (i & 1) {
            buf.len = 0;
            assert_true(nl_put_policy(&buf, 1, &p, false));
        }
        memcpy(buf.p + 4, &types[rnd(KD_ARRAY_LEN(types))], 2);
        for (uint32_t k = rnd(6); k > 0; k--)
            buf.p[16 + rnd((uint32_t)buf.len - 16)] = (uint8_t)rnd(256);
        if (rnd(4) == 0) {
            buf.len = 16 + rnd((uint32_t)buf.len - 16);
            end();
        }
        m = malloc(buf.len);
        assert_non_null(m);
        memcpy(m, buf.p, buf.len);
        d = kd_bytes(m, buf.len);
        while (nl_xfrm_next(&d, &ev))
            check_sane();
        free(m);
    }
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_no_kernel_says_of_an_sa_is_refused),    T(a_name_without_its_end_is_refused),
        T(what_no_kernel_says_of_a_policy_is_refused), T(any_cut_is_refused_or_shorter),
        T(flipped_bytes_never_break_the_parser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
