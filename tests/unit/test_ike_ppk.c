/* Postquantum pre-shared keys (RFC 8784): mixed where both ends have the same one, left out where
 * they may be, refused where they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/further.h"
#include "ike/grammar.h"
#include "ike/message.h"
#include "ike/proof.h"
#include "ike/sa.h"
#include "ike_certs.h"
#include "ike_pair.h"

#define IKE "aes256-sha256-modp2048"
#define ESP "aes256-sha256"

enum how { WITHOUT, OPTIONAL, REQUIRED };

static void set_ppk(struct pair *p, int side, enum how how, const char *id, const char *key)
{
    struct ike_ppk_config *c = &p->s[side].cfg.ppk;

    if (how == WITHOUT)
        return;
    c->key = kc_key_import(p->s[side].crypto, kd_bytes_str(key));
    c->id_len = (uint8_t)strlen(id);
    memcpy(c->id, id, c->id_len);
    c->required = how == REQUIRED;
    pair_config(p, side);
    p->s[side].keys_at_start++;
}

static struct pair *pair_of(enum how a, enum how b)
{
    struct pair *p = pair_new(1, IKE, ESP);

    set_ppk(p, A, a, "site", "a postquantum secret");
    set_ppk(p, B, b, "site", "a postquantum secret");
    return p;
}

static void down_leaves_nothing(struct pair *p)
{
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

/* The first child's keys, after the same handshake octet by octet. */
static void child_key(const struct pair *p, uint8_t out[32])
{
    assert_int_equal(p->s[A].n_children, 1);
    assert_int_equal(p->s[A].child[0].key_len[0], 32);
    memcpy(out, p->s[A].child[0].key[0], 32);
}

static void child_keys_hold_the_ppk(void **state)
{
    static const char *const ppk[] = {"a postquantum secret", "a postquantum secret",
                                      "another postquantum secret"};
    uint8_t key[3][32], none[32];
    struct pair *p = pair_of(WITHOUT, WITHOUT);
    (void)state;

    assert_true(pair_establish(p));
    child_key(p, none);
    down_leaves_nothing(p);
    for (int i = 0; i < 3; i++) {
        p = pair_new(1, IKE, ESP);
        set_ppk(p, A, REQUIRED, "site", ppk[i]);
        set_ppk(p, B, REQUIRED, "site", ppk[i]);
        assert_true(pair_establish(p));
        assert_true(pair_children_agree(p));
        child_key(p, key[i]);
        down_leaves_nothing(p);
    }
    assert_memory_equal(key[0], key[1], 32); /* nothing else is in them that varies */
    assert_memory_not_equal(key[0], key[2], 32);
    assert_memory_not_equal(key[0], none, 32);
}

static void optional_and_required_agree_wherever_both_have_it(void **state)
{
    uint8_t plain[32], key[32];
    struct pair *p = pair_of(WITHOUT, WITHOUT);
    (void)state;

    assert_true(pair_establish(p));
    child_key(p, plain);
    down_leaves_nothing(p);
    for (int i = 0; i < 4; i++) {
        p = pair_of(i & 1 ? REQUIRED : OPTIONAL, i & 2 ? REQUIRED : OPTIONAL);
        assert_true(pair_establish(p));
        child_key(p, key);
        assert_memory_not_equal(key, plain, 32);
        pair_command(p, A, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_S(1));
        pair_command(p, B, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(10));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REKEYED), 1);
        assert_true(pair_children_agree(p));
        down_leaves_nothing(p);
    }
}

static void optional_ppk_is_left_out_where_the_peer_has_none(void **state)
{
    uint8_t plain[32], key[32];
    struct pair *p = pair_of(WITHOUT, WITHOUT);
    (void)state;

    assert_true(pair_establish(p));
    child_key(p, plain);
    down_leaves_nothing(p);
    for (int side = A; side <= B; side++) {
        p = pair_of(side == A ? OPTIONAL : WITHOUT, side == B ? OPTIONAL : WITHOUT);
        assert_true(pair_establish(p));
        assert_true(pair_children_agree(p));
        child_key(p, key);
        assert_memory_equal(key, plain, 32);
        down_leaves_nothing(p);
    }
}

static void optional_ppk_of_another_name_is_left_out(void **state)
{
    struct pair *p = pair_new(1, IKE, ESP);
    (void)state;

    set_ppk(p, A, OPTIONAL, "site", "a postquantum secret");
    set_ppk(p, B, OPTIONAL, "sit", "a postquantum secret");
    assert_true(pair_establish(p));
    assert_true(pair_children_agree(p));
    down_leaves_nothing(p);
}

static void responder_refuses(enum how a, const char *id_a, enum how b, const char *why)
{
    struct pair *p = pair_new(1, IKE, ESP);

    set_ppk(p, A, a, id_a, "a postquantum secret");
    set_ppk(p, B, b, "site", "a postquantum secret");
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, why));
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
    assert_int_equal(p->s[A].adds + p->s[B].adds, 0);
    down_leaves_nothing(p);
}

static void required_ppk_is_not_left_out(void **state)
{
    struct pair *p;
    (void)state;

    responder_refuses(WITHOUT, "", REQUIRED, "uses no PPK, which is required here");
    responder_refuses(OPTIONAL, "other", REQUIRED, "its PPK has another identity");
    responder_refuses(REQUIRED, "other", OPTIONAL, "not configured, and it requires it");
    p = pair_of(REQUIRED, WITHOUT); /* known before anything is spent */
    assert_false(pair_establish(p));
    assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_UNSUPPORTED);
    assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail, "RFC 8784"));
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    down_leaves_nothing(p);
}

/* B proves itself by the plain keys, as who has the PSK alone can. */
static void leave_out(struct pair *p)
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_sa *sa = kd_slab_next(&p->s[B].e->sas, &h);
    struct kd_handle *key[] = {&sa->k.d, &sa->k.pi, &sa->k.pr};
    char why[IKE_WHY_MAX];

    assert_int_equal(sa->state, IKE_ST_R_AUTH);
    for (int i = 0; i < 3; i++) {
        struct kd_handle mixed = *key[i];
        *key[i] = sa->hs->ppk.plain[i];
        sa->hs->ppk.plain[i] = mixed;
    }
    sa->hs->ppk.used = false;
    assert_int_equal(ike_auth_prove(p->s[B].e, sa, ike_conn_of(p->s[B].e, sa), why),
                     IKE_AUTH_READY);
}

static void responder_that_leaves_out_a_required_ppk_is_refused(void **state)
{
    static const enum how how[] = {REQUIRED, OPTIONAL};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_of(how[i], OPTIONAL);
        p->s[B].hold_install = true; /* its answer waits */
        assert_false(pair_establish(p));
        leave_out(p);
        pair_release(p, B);
        p->s[B].hold_install = false;
        pair_run(p, KD_MS(500));
        assert_int_equal(pair_notes(p, A, IKE_NOTE_ESTABLISHED), how[i] == OPTIONAL);
        if (how[i] == REQUIRED)
            assert_non_null(strstr(pair_note(p, A, IKE_NOTE_REFUSED)->detail,
                                   "did not use the PPK, which is required"));
        down_leaves_nothing(p);
    }
}

static void another_ppk_of_the_same_name_is_refused(void **state)
{
    (void)state;

    for (int i = 0; i < 4; i++) { /* optional too: the proof by the plain keys is not for this */
        struct pair *p = pair_new(1, IKE, ESP);
        set_ppk(p, A, i & 1 ? REQUIRED : OPTIONAL, "site", "a postquantum secret");
        set_ppk(p, B, i & 2 ? REQUIRED : OPTIONAL, "site", "a postquantum secreT");
        assert_false(pair_establish(p));
        assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "or its PPK is another"));
        assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_AUTH_FAILED);
        down_leaves_nothing(p);
    }
}

static void another_psk_is_refused_with_and_without_the_ppk(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_of(OPTIONAL, i ? OPTIONAL : WITHOUT);
        pair_psk(p, A, "another secret");
        assert_false(pair_establish(p));
        assert_int_equal(pair_note(p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_AUTH_FAILED);
        p->s[A].keys_at_start = p->s[B].keys_at_start + !i;
        down_leaves_nothing(p);
    }
}

/* Takes N(USE_PPK) out of A's or B's IKE_SA_INIT: a notify of a private type stands there instead.
 */
static bool hide_use_ppk(struct pair *p, struct pair_packet *k)
{
    size_t at = IKE_HEADER_LEN;
    uint8_t type = k->data[16];

    if (k->data[18] != IKE_X_SA_INIT || k->from != *(int *)p->ctx)
        return true;
    while (at < k->len) {
        if (type == IKE_PL_NOTIFY && (k->data[at + 6] << 8 | k->data[at + 7]) == IKE_N_USE_PPK)
            k->data[at + 6] = 0xff;
        type = k->data[at];
        at += (size_t)(k->data[at + 2] << 8 | k->data[at + 3]);
    }
    return true;
}

static void announcement_taken_out_on_the_way_is_noticed(void **state)
{
    (void)state;

    for (int from = A; from <= B; from++) {
        struct pair *p = pair_of(OPTIONAL, OPTIONAL);
        p->filter = hide_use_ppk;
        p->ctx = &from;
        assert_false(pair_establish(p)); /* AUTH proves what each end sent (RFC 7296 2.15) */
        assert_int_equal(p->s[A].adds, 0);
        assert_int_equal(p->s[B].n_children, 0);
        p->filter = NULL;
        down_leaves_nothing(p);
    }
}

/* ---- with certificates ---- */

struct signers {
    struct pair *p;
    struct ike_certs certs[2];
};

static void sign_with(struct signers *x, const char *key, const char *cert, enum how a,
                      const char *id_a, enum how b)
{
    const struct certs_spec spec = {key, cert, cert_mid, cert_root, NULL};

    x->p = pair_new(1, IKE, ESP);
    for (int side = A; side <= B; side++) {
        struct ike_auth_config *auth = &x->p->s[side].cfg.auth;
        x->certs[side] = certs_load(x->p->s[side].crypto, &spec);
        auth->local = auth->remote = IKE_AUTH_CERT;
        auth->certs = &x->certs[side];
        pair_config(x->p, side);
    }
    set_ppk(x->p, A, a, id_a, "a postquantum secret");
    set_ppk(x->p, B, b, "site", "a postquantum secret");
}

static void signers_end(struct signers *x)
{
    down_leaves_nothing(x->p);
    certs_free(&x->certs[A]);
    certs_free(&x->certs[B]);
}

static void optional_ppk_takes_the_initiator_a_second_signature(void **state)
{
    static const char *const key[] = {key_rsa2048, key_p256, key_ed25519};
    static const char *const cert[] = {cert_rsa2048, cert_p256, cert_ed25519};
    uint8_t key_mixed[32], key_plain[32];
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(key); i++)
        for (int how = OPTIONAL; how <= REQUIRED; how++) {
            struct signers x;
            sign_with(&x, key[i], cert[i], (enum how)how, "site", OPTIONAL);
            assert_true(pair_establish(x.p));
            assert_true(pair_children_agree(x.p));
            assert_int_equal(x.p->s[A].n_jobs_of[KC_JOB_SIGN], how == OPTIONAL ? 2 : 1);
            assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_SIGN], 1);
            assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_VERIFY], 1);
            child_key(x.p, key_mixed);
            signers_end(&x);
            if (how == REQUIRED)
                continue;
            sign_with(&x, key[i], cert[i], OPTIONAL, "other", OPTIONAL); /* B takes the other */
            assert_true(pair_establish(x.p));
            assert_true(pair_children_agree(x.p));
            assert_int_equal(x.p->s[A].n_jobs_of[KC_JOB_SIGN], 2);
            assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_VERIFY], 1);
            child_key(x.p, key_plain);
            assert_memory_not_equal(key_mixed, key_plain, 32);
            signers_end(&x);
        }
}

static void without_ppks_at_the_responder_one_signature_does(void **state)
{
    struct signers x;
    (void)state;

    sign_with(&x, key_p256, cert_p256, OPTIONAL, "site", WITHOUT);
    assert_true(pair_establish(x.p));
    assert_int_equal(x.p->s[A].n_jobs_of[KC_JOB_SIGN], 1);
    signers_end(&x);
}

/* A's handshake, once it has the signature for NO_PPK_AUTH and waits for the other one. */
static struct ike_sa *signed_plainly(struct pair *p)
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_sa *sa;

    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    for (int i = 0; i < 2000; i++, h = KD_HANDLE_NONE) {
        while ((sa = kd_slab_next(&p->s[A].e->sas, &h)))
            if (sa->hs && sa->state == IKE_ST_I_SIGN && !ike_ppk_plain_due(sa))
                return sa;
        pair_run(p, 50);
    }
    fail_msg("never signed plainly");
    return NULL;
}

/* The signature without the PPK counts where B leaves the PPK out, and only there. */
static void a_changed_no_ppk_auth_is_refused_where_it_is_what_counts(void **state)
{
    (void)state;

    for (int theirs = 0; theirs < 2; theirs++) {
        struct signers x;
        struct ike_buf *plain;
        sign_with(&x, key_p256, cert_p256, OPTIONAL, theirs ? "site" : "other", OPTIONAL);
        plain = &signed_plainly(x.p)->hs->ppk.plain_auth;
        plain->p[plain->len - 1] ^= 1;
        pair_run(x.p, KD_MS(500));
        assert_int_equal(pair_notes(x.p, B, IKE_NOTE_REFUSED), !theirs);
        assert_int_equal(pair_notes(x.p, A, IKE_NOTE_ESTABLISHED), theirs);
        if (!theirs)
            assert_non_null(
                strstr(pair_note(x.p, B, IKE_NOTE_REFUSED)->detail, "signature does not verify"));
        signers_end(&x);
    }
}

static void a_required_ppk_of_another_name_is_refused_with_certificates(void **state)
{
    struct signers x;
    (void)state;

    sign_with(&x, key_p256, cert_p256, REQUIRED, "other", OPTIONAL);
    assert_false(pair_establish(x.p));
    assert_non_null(strstr(pair_note(x.p, B, IKE_NOTE_REFUSED)->detail, "it requires it"));
    signers_end(&x);
    sign_with(&x, key_p256, cert_p256, OPTIONAL, "other", REQUIRED);
    assert_false(pair_establish(x.p));
    assert_non_null(strstr(pair_note(x.p, B, IKE_NOTE_REFUSED)->detail, "another identity"));
    signers_end(&x);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(child_keys_hold_the_ppk),
        T(optional_and_required_agree_wherever_both_have_it),
        T(optional_ppk_is_left_out_where_the_peer_has_none),
        T(optional_ppk_of_another_name_is_left_out),
        T(required_ppk_is_not_left_out),
        T(responder_that_leaves_out_a_required_ppk_is_refused),
        T(another_ppk_of_the_same_name_is_refused),
        T(another_psk_is_refused_with_and_without_the_ppk),
        T(announcement_taken_out_on_the_way_is_noticed),
        T(optional_ppk_takes_the_initiator_a_second_signature),
        T(without_ppks_at_the_responder_one_signature_does),
        T(a_changed_no_ppk_auth_is_refused_where_it_is_what_counts),
        T(a_required_ppk_of_another_name_is_refused_with_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
