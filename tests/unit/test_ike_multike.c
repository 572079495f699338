/* Further key exchanges (RFC 9370): by IKE_INTERMEDIATE (RFC 9242) before IKE_AUTH, by
 * IKE_FOLLOWUP_KE behind CREATE_CHILD_SA. What is in the keys, what AUTH proves of it, and what is
 * refused. */
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
    static const char *const mlkem[] = {"mlkem768", "ke1_mlkem768", "ke2_mlkem1024", "mlkem512"};
    struct ike_proposal p;
    char err[256], back[256];
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_false(ike_proposal_from_string(rows[i].text, IKE_PROTO_IKE, &p, err, sizeof(err)));
        if (!strstr(err, rows[i].error))
            fail_msg("%s: %s", rows[i].text, err);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(mlkem); i++) { /* by its name, with the library's */
        snprintf(back, sizeof(back), "aes256-sha256-x25519-%s", mlkem[i]);
        assert_false(ike_proposal_from_string(back, IKE_PROTO_IKE, &p, err, sizeof(err)));
        if (!strstr(err, "': mlkem") || !strstr(err, "OpenSSL 3.") || !strstr(err, "ML-KEM"))
            fail_msg("%s", err);
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

/* ---- CREATE_CHILD_SA ---- */

#define ESP_TWO   "aes256-sha256-x25519-ke1_ecp384"
#define ESP_THREE "aes256gcm16-x25519-ke1_ecp384-ke2_modp2048"

static const char *child_suite(const struct pair *p, int side)
{
    static struct ike_view v;

    assert_true(ike_conn_view(p->s[side].e, 7, &v));
    assert_int_equal(v.n_children, 1);
    return v.children[0].suite;
}

static struct pair *established(uint64_t seed, const char *ike, const char *esp)
{
    struct pair *p = pair_established(seed, ike, esp);

    pair_run(p, KD_S(1));
    return p;
}

static void child_rekey_has_as_many_exchanges_as_negotiated(void **state)
{
    static const struct {
        const char *esp;
        unsigned further;
    } rows[] = {{"aes256-sha256-x25519", 0}, {ESP_TWO, 1}, {ESP_THREE, 2}};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        for (int side = A; side <= B; side++) {
            struct pair *p = established(i, ONE, rows[i].esp);
            unsigned n[256] = {0}, jobs = p->s[A].n_jobs;
            p->filter = count_exchanges;
            p->ctx = n;
            pair_command(p, side, IKE_CMD_REKEY_CHILD);
            pair_run(p, KD_S(10));
            assert_int_equal(n[IKE_X_CREATE_CHILD_SA], 2);
            assert_int_equal(n[IKE_X_FOLLOWUP_KE], 2 * rows[i].further);
            assert_int_equal(p->s[A].n_jobs - jobs, 2 + 2 * rows[i].further);
            assert_string_equal(child_suite(p, A), rows[i].esp);
            assert_string_equal(child_suite(p, B), rows[i].esp);
            assert_int_equal(p->s[A].n_children, 1);
            assert_true(pair_children_agree(p));
            down_leaves_nothing(p);
        }
}

static void child_keys_hold_the_further_secrets(void **state)
{
    struct pair *p = established(1, ONE, ESP_THREE);
    struct ike_sa *sa = attempt(p, B);
    (void)state;

    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    while (!sa->later || sa->later->n_sk < 2)
        pair_run(p, 100);
    kc_key_free(p->s[B].crypto, sa->later->sk[1]); /* B computed another one */
    sa->later->sk[1] = kc_key_import(p->s[B].crypto, kd_bytes_str("another secret"));
    pair_run(p, KD_S(10));
    assert_int_equal(p->s[A].n_children, 1);
    assert_int_equal(p->s[B].n_children, 1);
    assert_false(pair_children_agree(p));
    down_leaves_nothing(p);
}

static void ike_rekey_has_as_many_exchanges_as_negotiated(void **state)
{
    (void)state;

    for (int side = A; side <= B; side++) {
        struct pair *p = established(3, THREE, ESP);
        unsigned n[256] = {0};
        p->filter = count_exchanges;
        p->ctx = n;
        for (int i = 0; i < 3; i++) {
            pair_command(p, side, IKE_CMD_REKEY_IKE);
            pair_run(p, KD_S(5));
        }
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REKEYED), 3);
        assert_int_equal(pair_notes(p, B, IKE_NOTE_REKEYED), 3);
        assert_int_equal(n[IKE_X_FOLLOWUP_KE], 3 * 2 * 2);
        assert_string_equal(suite(p, A), THREE);
        pair_command(p, B, IKE_CMD_REKEY_CHILD); /* the keys are the same at both ends */
        pair_run(p, KD_S(10));
        assert_true(pair_children_agree(p));
        down_leaves_nothing(p);
    }
}

static void both_rekeys_at_once_end_with_one(void **state)
{
    static const enum ike_command cmd[] = {IKE_CMD_REKEY_CHILD, IKE_CMD_REKEY_IKE};
    (void)state;

    for (uint64_t seed = 0; seed < 40; seed++) {
        struct pair *p = established(seed, THREE, ESP_THREE);
        p->reorder_pct = 30;
        p->dup_pct = 20;
        p->loss_pct = seed % 3 * 5;
        pair_command(p, A, cmd[seed & 1]);
        pair_run(p, KD_MS(seed % 7 * 4));
        pair_command(p, B, cmd[seed >> 1 & 1]);
        pair_run(p, KD_S(25));
        p->reorder_pct = p->dup_pct = p->loss_pct = 0;
        pair_run(p, KD_S(25));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p) ||
            p->s[A].n_children != 1) {
            pair_dump(p);
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        down_leaves_nothing(p);
    }
}

static void lost_followups_are_repeated(void **state)
{
    (void)state;

    for (int response = 0; response < 2; response++) {
        struct drop d = {IKE_X_FOLLOWUP_KE, response, 2, 0};
        struct pair *p = established(2, ONE, ESP_THREE);
        p->filter = drop_some;
        p->ctx = &d;
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(15));
        assert_true(d.seen > 2);
        assert_true(pair_children_agree(p));
        assert_int_equal(p->s[A].n_children, 1);
        assert_int_equal(p->s[B].n_jobs, p->s[A].n_jobs);
        down_leaves_nothing(p);
    }
}

/* ---- IKE_FOLLOWUP_KE that is refused ---- */

/* A's first IKE_FOLLOWUP_KE with another group, value or link. */
struct bend {
    bool done, no_link, bad_link;
    uint16_t group;
    size_t len;
};

static bool bend(struct pair *p, struct pair_packet *k)
{
    struct bend *f = p->ctx;
    static uint8_t buf[2048], value[600] = {2};
    static const uint8_t iv[IKE_IV_MAX] = {7};
    uint8_t link[256];
    struct ike_sa *sa;
    struct ike_header h = {.exchange = IKE_X_FOLLOWUP_KE, .flags = IKE_FLAG_INITIATOR};
    struct ike_build b;
    struct kd_bytes msg;

    if (k->from != A || k->data[18] != IKE_X_FOLLOWUP_KE || f->done)
        return true;
    f->done = true;
    sa = attempt(p, A);
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    memcpy(link, sa->ours->link, sa->ours->link_len);
    link[0] ^= f->bad_link;
    h.msg_id = (uint32_t)k->data[20] << 24 | (uint32_t)k->data[21] << 16 |
               (uint32_t)k->data[22] << 8 | k->data[23];
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->seal, iv);
    ike_put_ke(&b, f->group, kd_bytes(value, f->len));
    ike_put_notify(&b, IKE_PROTO_NONE, kd_bytes(NULL, 0),
                   f->no_link ? IKE_N_INITIAL_CONTACT : IKE_N_ADDITIONAL_KEY_EXCHANGE,
                   kd_bytes(link, sa->ours->link_len));
    msg = ike_build_end(&b);
    assert_true(msg.len > 0);
    memcpy(k->data, msg.p, msg.len);
    k->len = msg.len;
    return true;
}

static void followup_with_a_wrong_link_finds_no_state_and_is_tried_anew(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct bend f = {.group = KC_DH_ECP384, .len = 96, .bad_link = i == 0, .no_link = i == 1};
        struct pair *p = established(4, ONE, ESP_TWO);
        unsigned adds = p->s[B].adds;
        p->filter = bend;
        p->ctx = &f;
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(1));
        assert_true(f.done);
        assert_int_equal(p->s[B].adds, adds);
        assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "STATE_NOT_FOUND"));
        assert_true(pair_children_agree(p)); /* the old pair carries on */
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(10));
        assert_int_equal(p->s[B].adds, adds + 1);
        assert_true(pair_children_agree(p));
        down_leaves_nothing(p);
    }
}

static void followup_of_another_key_exchange_is_invalid_syntax(void **state)
{
    static const struct bend rows[] = {
        {.group = KC_DH_X25519, .len = 32}, /* the first one again */
        {.group = KC_DH_MODP2048, .len = 256},
        {.group = KC_DH_MODP768, .len = 96}, /* of the right length */
        {.group = KC_DH_ECP384, .len = 95},
    };
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct bend f = rows[i];
        struct pair *p = established(5, ONE, ESP_TWO);
        p->filter = bend;
        p->ctx = &f;
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_MS(500));
        assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_INVALID_SYNTAX);
        assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_SYNTAX);
        p->filter = NULL;
        down_leaves_nothing(p);
    }
}

/* From the first IKE_FOLLOWUP_KE on A is silent. */
static bool a_stops(struct pair *p, struct pair_packet *k)
{
    bool *stopped = p->ctx;

    if (k->from == A && k->data[18] == IKE_X_FOLLOWUP_KE)
        *stopped = true;
    return !*stopped || k->from != A;
}

static void exchange_that_rests_is_forgotten_and_gives_way(void **state)
{
    bool stopped = false;
    struct pair *p = pair_new(6, ONE, ESP_TWO);
    struct ike_sa *sa;
    uint32_t keys;
    (void)state;

    p->s[B].cfg.detect_us = KD_S(45);
    p->s[B].cfg.abandon_us = KD_S(300);
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->filter = a_stops;
    p->ctx = &stopped;
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(1));
    assert_true(stopped);
    sa = attempt(p, B);
    assert_non_null(sa->later);
    keys = kc_keys_live(p->s[B].crypto);
    pair_run(p, KD_S(60));
    assert_null(sa->later);
    pair_step(p, B, &(struct ike_event){.kind = IKE_EV_WAKE});
    assert_int_equal(kc_keys_live(p->s[B].crypto), keys - 1);
    p->filter = NULL;
    down_leaves_nothing(p);
}

static void followup_that_nobody_asked_for_finds_no_state(void **state)
{
    struct pair *p = established(7, ONE, ESP_TWO);
    struct ike_sa *sa = attempt(p, A);
    static uint8_t buf[2048], value[96] = {2};
    static const uint8_t iv[IKE_IV_MAX] = {7};
    struct ike_header h = {.exchange = IKE_X_FOLLOWUP_KE, .flags = IKE_FLAG_INITIATOR};
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM};
    struct ike_build b;
    unsigned sent = p->s[B].n_sent;
    (void)state;

    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    h.msg_id = attempt(p, B)->rx.next_id;
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->seal, iv);
    ike_put_ke(&b, KC_DH_ECP384, kd_bytes(value, sizeof(value)));
    ike_put_notify(&b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_ADDITIONAL_KEY_EXCHANGE,
                   kd_bytes("link", 4));
    ev.data = ike_build_end(&b);
    ev.local = (struct kd_endpoint){p->s[B].cfg.local, 500};
    ev.remote = (struct kd_endpoint){p->s[A].cfg.local, 500};
    pair_step(p, B, &ev);
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_int_equal(attempt(p, B)->state, IKE_ST_UP);
    assert_null(attempt(p, B)->theirs);
    pair_free(p);
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
        T(child_rekey_has_as_many_exchanges_as_negotiated),
        T(child_keys_hold_the_further_secrets),
        T(ike_rekey_has_as_many_exchanges_as_negotiated),
        T(both_rekeys_at_once_end_with_one),
        T(lost_followups_are_repeated),
        T(followup_with_a_wrong_link_finds_no_state_and_is_tried_anew),
        T(followup_of_another_key_exchange_is_invalid_syntax),
        T(exchange_that_rests_is_forgotten_and_gives_way),
        T(followup_that_nobody_asked_for_finds_no_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
