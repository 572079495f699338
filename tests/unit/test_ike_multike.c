/* Further key exchanges (RFC 9370): by IKE_INTERMEDIATE (RFC 9242) before IKE_AUTH. What is in the
 * keys, what AUTH proves of it, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike/sa.h"
#include "ike_pair.h"

#define ONE   "aes256-sha256-x25519"
#define TWO   "aes256-sha256-x25519-ke1_ecp384"
#define THREE "aes256gcm16-prfsha384-x25519-ke1_ecp384-ke3_modp2048"
#define ESP   "aes256-sha256"

static void down_leaves_nothing(struct pair *p)
{
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static struct pair *pair_of(uint64_t seed, const char *ike_a, const char *ike_b)
{
    struct pair *p = pair_new(seed, ike_a, ESP);

    pair_proposals(&p->s[B].cfg.ike, ike_b, IKE_PROTO_IKE);
    pair_config(p, B);
    return p;
}

static const char *suite(const struct pair *p, int side)
{
    static struct ike_view v;

    assert_true(ike_conn_view(p->s[side].e, 7, &v));
    return v.suite;
}

/* ---- the handshake ---- */

/* Datagrams by exchange. */
static bool count_exchanges(struct pair *p, struct pair_packet *k)
{
    unsigned *n = p->ctx;

    n[k->data[18]]++;
    return true;
}

static void each_negotiated_key_exchange_takes_one_round_trip(void **state)
{
    static const struct {
        const char *ike;
        unsigned further;
    } rows[] = {{ONE, 0}, {TWO, 1}, {THREE, 2}};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct pair *p = pair_new(i, rows[i].ike, ESP);
        unsigned n[256] = {0};
        p->filter = count_exchanges;
        p->ctx = n;
        assert_true(pair_establish(p));
        assert_true(pair_children_agree(p));
        assert_string_equal(suite(p, A), rows[i].ike);
        assert_string_equal(suite(p, B), rows[i].ike);
        assert_int_equal(n[IKE_X_INTERMEDIATE], 2 * rows[i].further);
        assert_int_equal(p->s[A].n_jobs, 2 + 2 * rows[i].further);
        assert_int_equal(p->s[B].n_jobs, 2 + 2 * rows[i].further);
        down_leaves_nothing(p);
    }
}

static void what_is_chosen_is_in_both_lists_and_nothing_twice(void **state)
{
    static const struct {
        const char *a, *b, *want; /* NULL: none */
    } rows[] = {
        {TWO ", " ONE, ONE, ONE},
        {ONE, TWO, NULL},
        {TWO, ONE, NULL},
        {"aes256-sha256-x25519-ke1_ecp384-ke1_none", ONE, ONE},
        {"aes256-sha256-x25519-ke1_ecp384-ke1_none", TWO, TWO},
        {TWO, "aes256-sha256-x25519-ke1_none", NULL},
        /* greed would take ecp384 for the first and leave the second without */
        {"aes256-sha256-x25519-ke1_ecp384-ke1_ecp256-ke2_ecp384",
         "aes256-sha256-x25519-ke1_ecp384-ke1_ecp256-ke2_ecp384",
         "aes256-sha256-x25519-ke1_ecp256-ke2_ecp384"},
        {"aes256-sha256-x25519-ke1_ecp384-ke1_ecp256-ke2_ecp384",
         "aes256-sha256-x25519-ke1_ecp384-ke2_ecp384-ke2_ecp521", NULL},
        {"aes256-sha256-x25519-ecp384-ke1_ecp384", "aes256-sha256-ecp384-x25519-ke1_ecp384", TWO},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct pair *p = pair_of(i, rows[i].a, rows[i].b);
        bool up = pair_establish(p);
        if (up != (rows[i].want != NULL))
            fail_msg("%s against %s: %s", rows[i].a, rows[i].b, up ? suite(p, A) : "refused");
        if (up)
            assert_string_equal(suite(p, A), rows[i].want);
        else
            assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_NO_PROPOSAL);
        down_leaves_nothing(p);
    }
}

static void proposal_text_refuses_what_can_not_be(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"aes256-sha256-ke1_x25519", "a Diffie-Hellman group is missing, such as 'modp2048'"},
        {"aes256-sha256-x25519-ke1_x25519", "no key exchange may be there twice"},
        {"aes256-sha256-x25519-ke1_ecp256-ke2_ecp256", "no key exchange may be there twice"},
        {"aes256-sha256-x25519-ke1_ecp256-ke1_ecp256", "'ke1_ecp256' is there twice"},
        {"aes256-sha256-x25519-ke8_ecp256", "'ke8_ecp256' is not an algorithm kedge knows"},
        {"aes256-sha256-x25519-ke1_aes256",
         "'ke1_aes256' is not a key exchange kedge knows, such as 'ke1_x25519'"},
    };
    struct ike_proposal p;
    char err[256], back[256];
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_false(ike_proposal_from_string(rows[i].text, IKE_PROTO_IKE, &p, err, sizeof(err)));
        if (!strstr(err, rows[i].error))
            fail_msg("%s: %s", rows[i].text, err);
    }
    assert_true(ike_proposal_from_string(THREE, IKE_PROTO_IKE, &p, err, sizeof(err)));
    assert_string_equal(ike_proposal_text(&p, back, sizeof(back)), THREE);
    assert_false(
        ike_proposal_from_string("aes256-sha256-ke1_x25519", IKE_PROTO_ESP, &p, err, sizeof(err)));
    assert_non_null(strstr(err, "a further key exchange needs a first one"));
}

/* ---- loss and repetition ---- */

struct drop {
    uint8_t exchange;
    bool response;
    unsigned times, seen;
};

static bool drop_some(struct pair *p, struct pair_packet *k)
{
    struct drop *d = p->ctx;

    return k->data[18] != d->exchange || !(k->data[19] & IKE_FLAG_RESPONSE) == d->response ||
           d->seen++ >= d->times;
}

static void lost_messages_are_repeated(void **state)
{
    (void)state;

    for (int response = 0; response < 2; response++)
        for (unsigned times = 1; times < 4; times++) {
            struct drop d = {IKE_X_INTERMEDIATE, response, times, 0};
            struct pair *p = pair_new(times, THREE, ESP);
            p->filter = drop_some;
            p->ctx = &d;
            pair_establish(p);
            pair_run(p, KD_S(7));
            assert_true(pair_up(p, A) && pair_up(p, B));
            assert_true(pair_children_agree(p));
            assert_int_equal(p->s[B].n_jobs, 6);
            down_leaves_nothing(p);
        }
}

static void duplicates_and_disorder_change_nothing(void **state)
{
    (void)state;

    for (uint64_t seed = 0; seed < 30; seed++) {
        struct pair *p = pair_new(seed, THREE, ESP);
        p->dup_pct = 60;
        p->reorder_pct = 40;
        p->loss_pct = 10;
        pair_establish(p);
        pair_run(p, KD_S(10));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p))
            fail_msg("seed %llu", (unsigned long long)seed);
        p->dup_pct = p->reorder_pct = p->loss_pct = 0;
        down_leaves_nothing(p);
    }
}

/* ---- what is refused ---- */

/* Changes N(INTERMEDIATE_EXCHANGE_SUPPORTED) of one side into a status nobody knows. */
static bool hide_support(struct pair *p, struct pair_packet *k)
{
    size_t at = IKE_HEADER_LEN;
    uint8_t type = k->data[16];

    if (k->data[18] != IKE_X_SA_INIT || k->from != *(int *)p->ctx)
        return true;
    while (at < k->len) {
        if (type == IKE_PL_NOTIFY &&
            (k->data[at + 6] << 8 | k->data[at + 7]) == IKE_N_INTERMEDIATE_EXCHANGE_SUPPORTED)
            k->data[at + 6] = 0xff;
        type = k->data[at];
        at += (size_t)(k->data[at + 2] << 8 | k->data[at + 3]);
    }
    return true;
}

static void without_the_announcement_there_are_no_further_exchanges(void **state)
{
    (void)state;

    for (int from = A; from <= B; from++) {
        struct pair *p = pair_new(1, TWO, ESP);
        p->filter = hide_support;
        p->ctx = &from;
        assert_false(pair_establish(p));
        assert_int_equal(pair_note(p, from, IKE_NOTE_REFUSED) != NULL ||
                             pair_note(p, !from, IKE_NOTE_REFUSED) != NULL,
                         1);
        assert_int_equal(p->s[A].adds + p->s[B].adds, 0);
        p->filter = NULL;
        down_leaves_nothing(p);
    }
}

/* A and B up to the moment when B awaits what follows IKE_SA_INIT; A's own next request is kept
 * back. */
struct forge {
    bool done;
    uint8_t exchange;
    const uint16_t *group;
    size_t len;
};

static struct ike_sa *attempt(struct pair *p, int side)
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_sa *sa = kd_slab_next(&p->s[side].e->sas, &h);

    assert_non_null(sa);
    return sa;
}

/* In place of A's IKE_INTERMEDIATE: a message of A's own keys with another content. */
static bool forge(struct pair *p, struct pair_packet *k)
{
    struct forge *f = p->ctx;
    static uint8_t buf[2048], value[600];
    static const uint8_t iv[IKE_IV_MAX] = {7};
    struct ike_sa *sa;
    struct ike_header h = {.exchange = f->exchange, .msg_id = 1, .flags = IKE_FLAG_INITIATOR};
    struct ike_build b;
    struct kd_bytes msg;

    if (k->from != A || k->data[18] != IKE_X_INTERMEDIATE || f->done)
        return true;
    f->done = true;
    sa = attempt(p, A);
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->seal, iv);
    memset(value, 2, sizeof(value));
    if (f->group)
        ike_put_ke(&b, *f->group, kd_bytes(value, f->len));
    else if (f->exchange == IKE_X_AUTH)
        ike_put_payload(&b, IKE_PL_IDI, kd_bytes("\2\0\0\0a.example", 13));
    msg = ike_build_end(&b);
    assert_true(msg.len > 0);
    memcpy(k->data, msg.p, msg.len);
    k->len = msg.len;
    return true;
}

static void responder_takes_only_the_key_exchange_that_is_due(void **state)
{
    static const uint16_t x25519 = KC_DH_X25519, modp2048 = KC_DH_MODP2048, ecp384 = KC_DH_ECP384;
    static const struct {
        uint8_t exchange;
        const uint16_t *group;
        size_t len;
        const char *rule;
    } rows[] = {
        {IKE_X_INTERMEDIATE, &x25519, 32, "not the next key exchange"},    /* done already */
        {IKE_X_INTERMEDIATE, &modp2048, 256, "not the next key exchange"}, /* due later */
        {IKE_X_INTERMEDIATE, &ecp384, 95, "wrong length"},
        {IKE_X_INTERMEDIATE, NULL, 0, "payload is missing"},
        {IKE_X_AUTH, NULL, 0, "does not belong here"}, /* as if there were none */
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct forge f = {false, rows[i].exchange, rows[i].group, rows[i].len};
        struct pair *p = pair_new(1, THREE, ESP);
        p->filter = forge;
        p->ctx = &f;
        assert_false(pair_establish(p));
        assert_true(f.done);
        assert_non_null(pair_note(p, B, IKE_NOTE_REFUSED));
        if (!strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, rows[i].rule))
            fail_msg("%zu: %s", i, pair_note(p, B, IKE_NOTE_REFUSED)->detail);
        assert_int_equal(pair_notes(p, B, IKE_NOTE_ESTABLISHED), 0);
        p->filter = NULL;
        down_leaves_nothing(p);
    }
}

static void key_exchange_that_was_not_negotiated_is_refused(void **state)
{
    static const uint16_t ecp384 = KC_DH_ECP384;
    struct forge f = {false, IKE_X_INTERMEDIATE, &ecp384, 96};
    struct pair *p = pair_new(1, TWO, ESP);
    struct ike_sa *sa;
    (void)state;

    p->filter = forge; /* B has done its only one when the forged second one comes */
    p->ctx = &f;
    f.done = true;
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    p->s[A].hold_jobs = false;
    for (sa = NULL; !sa || sa->state != IKE_ST_R_INIT || sa->hs->inter.done == 0;) {
        pair_run(p, 100);
        struct kd_handle h = KD_HANDLE_NONE;
        sa = kd_slab_next(&p->s[B].e->sas, &h);
    }
    {
        static uint8_t buf[2048], value[96] = {2};
        static const uint8_t iv[IKE_IV_MAX] = {7};
        struct ike_header h = {
            .exchange = IKE_X_INTERMEDIATE, .msg_id = 2, .flags = IKE_FLAG_INITIATOR};
        struct ike_build b;
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM};
        memcpy(h.spi_i, sa->spi_i, 8);
        memcpy(h.spi_r, sa->spi_r, 8);
        ike_build_begin(&b, buf, sizeof(buf), &h);
        ike_build_seal(&b, &sa->open, iv);
        ike_put_ke(&b, KC_DH_ECP384, kd_bytes(value, sizeof(value)));
        ev.data = ike_build_end(&b);
        ev.local = (struct kd_endpoint){p->s[B].cfg.local, 500};
        ev.remote = (struct kd_endpoint){p->s[A].cfg.local, 500};
        pair_step(p, B, &ev);
    }
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "not negotiated"));
    p->filter = NULL;
    down_leaves_nothing(p);
}

/* ---- what AUTH proves ---- */

/* Both ends have the same keys, but B remembers another message than A sent. */
static void exchange_that_was_changed_on_the_way_is_noticed(void **state)
{
    (void)state;

    for (int what = 0; what < 3; what++) {
        struct pair *p = pair_new(1, TWO, ESP);
        struct ike_sa *sa = NULL;
        pair_command(p, B, IKE_CMD_UP);
        pair_command(p, A, IKE_CMD_UP);
        while (!sa || !sa->hs || sa->hs->inter.done == 0) {
            struct kd_handle h = KD_HANDLE_NONE;
            pair_run(p, 100);
            sa = kd_slab_next(&p->s[B].e->sas, &h);
        }
        if (what == 1)
            sa->hs->inter.i[0] ^= 1;
        if (what == 2)
            sa->hs->inter.r[31] ^= 1;
        pair_run(p, KD_S(1));
        assert_int_equal(pair_up(p, A) && pair_up(p, B), what == 0);
        if (what)
            assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
        down_leaves_nothing(p);
    }
}

static void keys_hold_every_secret(void **state)
{
    static const char *const ike[] = {ONE, TWO, "aes256-sha256-x25519-ke1_ecp256"};
    uint8_t key[3][32];
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct pair *p = pair_established(1, ike[i], ESP);
        assert_int_equal(p->s[A].child[0].key_len[0], 32);
        memcpy(key[i], p->s[A].child[0].key[0], 32);
        down_leaves_nothing(p);
    }
    assert_memory_not_equal(key[0], key[1], 32);
    assert_memory_not_equal(key[1], key[2], 32);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_negotiated_key_exchange_takes_one_round_trip),
        T(what_is_chosen_is_in_both_lists_and_nothing_twice),
        T(proposal_text_refuses_what_can_not_be),
        T(lost_messages_are_repeated),
        T(duplicates_and_disorder_change_nothing),
        T(without_the_announcement_there_are_no_further_exchanges),
        T(responder_takes_only_the_key_exchange_that_is_due),
        T(key_exchange_that_was_not_negotiated_is_refused),
        T(exchange_that_was_changed_on_the_way_is_noticed),
        T(keys_hold_every_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
