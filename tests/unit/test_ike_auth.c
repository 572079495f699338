/* Authentication by certificates (RFC 7296 2.15, RFC 7427): every kind of key in both roles, and
 * whatever may be wrong with one end's proof, each refused by name by the other, in both roles.
 * Keys and certificates are real and constant (certs.h), the simulator signs with them. */
#include "ike_certs.h"
#include "ike_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct kind {
    const char *key, *cert, *how, *older;
} kinds[] = {
    {key_rsa2048, cert_rsa2048, "rsa-sha256", "rsa-sha256"},
    {key_p256, cert_p256, "ecdsa-sha256", "ecdsa-raw-sha256"},
    {key_p384, cert_p384, "ecdsa-sha384", "ecdsa-raw-sha384"},
    {key_p521, cert_p521, "ecdsa-sha512", "ecdsa-raw-sha512"},
    {key_ed25519, cert_ed25519, "ed25519", NULL},
};

/* ---- two ends with certificates ---- */

struct ends {
    struct pair *p;
    struct ike_certs certs[2];
};

static const struct certs_spec good = {key_p256, cert_p256, cert_mid, cert_root, NULL};

static void give(struct ends *x, int side, const struct certs_spec *s)
{
    struct ike_auth_config *a = &x->p->s[side].cfg.auth;

    x->certs[side] = certs_load(x->p->s[side].crypto, s);
    a->local = s->key ? IKE_AUTH_CERT : IKE_AUTH_PSK;
    a->remote = s->trust ? IKE_AUTH_CERT : IKE_AUTH_PSK;
}

static struct ends ends_of(const struct certs_spec *a, const struct certs_spec *b)
{
    struct ends x = {.p = pair_new(11, "aes256-sha256-x25519", "aes256-sha256")};

    give(&x, A, a);
    give(&x, B, b);
    return x;
}

static void start(struct ends *x)
{
    for (int side = 0; side < 2; side++)
        x->p->s[side].cfg.auth.certs = &x->certs[side];
    if (x->p->filter) /* it changes whole messages */
        x->p->s[A].cfg.fragment_size = IKE_FRAGMENT_OFF;
    pair_config(x->p, A);
    pair_config(x->p, B);
    pair_command(x->p, B, IKE_CMD_UP);
    pair_command(x->p, A, IKE_CMD_UP);
}

static void end(struct ends *x)
{
    x->p->filter = NULL;
    pair_command(x->p, A, IKE_CMD_DOWN);
    pair_command(x->p, B, IKE_CMD_DOWN);
    pair_run(x->p, KD_S(60));
    assert_true(pair_nothing_left(x->p));
    pair_free(x->p);
    certs_free(&x->certs[A]);
    certs_free(&x->certs[B]);
}

static struct ike_view view_of(const struct ends *x, int side)
{
    struct ike_view v;

    assert_true(ike_conn_view(x->p->s[side].e, 7, &v));
    return v;
}

static void assert_up(const struct ends *x)
{
    if (!pair_up(x->p, A) || !pair_up(x->p, B))
        pair_dump(x->p);
    assert_true(pair_up(x->p, A) && pair_up(x->p, B));
    assert_true(pair_children_agree(x->p));
}

/* side has refused the other, for this reason in words, and nothing is up. */
static void assert_refused_by(const struct ends *x, int side, const char *words)
{
    const struct pair_note *n = pair_note(x->p, side, IKE_NOTE_REFUSED);

    if (!n || !strstr(n->detail, words))
        pair_dump(x->p);
    assert_non_null(n);
    assert_int_equal(n->reason, KD_REASON_AUTH_FAILED);
    assert_non_null(strstr(n->detail, words));
    assert_false(view_of(x, A).established);
    assert_false(view_of(x, B).established);
}

/* ---- what is accepted ---- */

static void every_kind_of_key_authenticates_both_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
        struct certs_spec s = good;
        struct ends x;

        s.key = kinds[i].key;
        s.cert = kinds[i].cert;
        x = ends_of(&s, &s);
        start(&x);
        pair_run(x.p, KD_S(1));
        assert_up(&x);
        for (int side = 0; side < 2; side++) {
            assert_string_equal(view_of(&x, side).auth.how, kinds[i].how);
            assert_int_equal(view_of(&x, side).auth.not_after_s, 4102444800); /* 2100-01-01 */
            assert_int_equal(x.p->s[side].n_jobs_of[KC_JOB_SIGN], 1);
            assert_int_equal(x.p->s[side].n_jobs_of[KC_JOB_CHAIN], 1);
            assert_int_equal(x.p->s[side].n_jobs_of[KC_JOB_VERIFY], 1);
        }
        end(&x);
    }
}

static void rsa_signs_with_pss_where_it_is_preferred(void **state)
{
    struct certs_spec s = good;
    struct ends x;

    (void)state;
    s.key = key_rsa2048;
    s.cert = cert_rsa2048;
    x = ends_of(&s, &s);
    x.p->s[A].cfg.auth.pss = true;
    start(&x);
    pair_run(x.p, KD_S(1));
    assert_up(&x);
    assert_string_equal(view_of(&x, B).auth.how, "rsa-pss-sha256");
    assert_string_equal(view_of(&x, A).auth.how, "rsa-sha256");
    end(&x);
}

/* Lets time pass until side's handshake is in that state. */
static struct ike_sa *wait_for(struct ends *x, int side, enum ike_state state)
{
    const struct ike *e = x->p->s[side].e;

    for (int i = 0; i < 2000; i++) {
        struct kd_handle h = KD_HANDLE_NONE;
        struct ike_sa *sa;
        while ((sa = kd_slab_next(&e->sas, &h)))
            if (sa->hs && sa->state == state)
                return sa;
        pair_run(x->p, 50);
    }
    fail_msg("never in state %s", ike_state_names[state]);
    return NULL;
}

/* As if the other end's IKE_SA_INIT had no SIGNATURE_HASH_ALGORITHMS: the message can't be changed,
 * AUTH signs it. */
static void forget_hashes(struct ends *x)
{
    wait_for(x, A, IKE_ST_I_SHARED)->hs->auth.hashes = 0;
    wait_for(x, B, IKE_ST_R_INIT)->hs->auth.hashes = 0;
}

static void a_peer_without_rfc7427_gets_the_older_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
        struct certs_spec s = good;
        struct ends x;

        if (!kinds[i].older)
            continue;
        s.key = kinds[i].key;
        s.cert = kinds[i].cert;
        x = ends_of(&s, &s);
        start(&x);
        forget_hashes(&x);
        pair_run(x.p, KD_S(1));
        assert_up(&x);
        assert_string_equal(view_of(&x, A).auth.how, kinds[i].older);
        assert_string_equal(view_of(&x, B).auth.how, kinds[i].older);
        end(&x);
    }
}

static void ed25519_has_no_older_method(void **state)
{
    struct certs_spec s = good;
    struct ends x;

    (void)state;
    s.key = key_ed25519;
    s.cert = cert_ed25519;
    x = ends_of(&s, &s);
    start(&x);
    forget_hashes(&x);
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, A, "does not speak RFC 7427");
    end(&x);
}

/* Both directions of one connection need not be alike. */
static void one_end_may_use_a_key_and_the_other_a_certificate(void **state)
{
    const struct certs_spec signs = {key_p384, cert_p384, cert_mid, NULL, NULL};
    const struct certs_spec checks = {NULL, NULL, NULL, cert_root, NULL};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ends x = i ? ends_of(&checks, &signs) : ends_of(&signs, &checks);
        start(&x);
        pair_run(x.p, KD_S(1));
        assert_up(&x);
        assert_string_equal(view_of(&x, i ? A : B).auth.how, "ecdsa-sha384");
        assert_string_equal(view_of(&x, i ? B : A).auth.how, "psk");
        end(&x);
    }
}

static void every_type_of_identity_is_found_in_the_certificate(void **state)
{
    static const char *const ids[] = {"10.0.0.1", "2001:db8::1", "A.example", "ops@example.com",
                                      "C=US, O=Example, CN=gw p256"};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(ids); i++) {
        struct ends x = ends_of(&good, &good);
        assert_true(ike_id_parse(ids[i], &x.p->s[A].cfg.local_id));
        assert_true(ike_id_parse(ids[i], &x.p->s[B].cfg.remote_id));
        start(&x);
        pair_run(x.p, KD_S(1));
        assert_up(&x);
        end(&x);
    }
}

/* facts/azure 1.4: Azure looks at the subject's CN; its identity is an address. */
static void azures_rule_is_the_cn_whatever_the_identity(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct ends x = ends_of(&good, &good);
        snprintf(x.p->s[B].cfg.auth.cn, IKE_CN_MAX, wrong ? "gw p384" : "gw p256");
        assert_true(ike_id_parse("192.0.2.77", &x.p->s[A].cfg.local_id));
        assert_true(ike_id_parse("192.0.2.77", &x.p->s[B].cfg.remote_id));
        start(&x);
        pair_run(x.p, KD_S(1));
        if (wrong)
            assert_refused_by(&x, B, "its CN is not gw p384");
        else
            assert_up(&x);
        end(&x);
    }
}

static void a_certificate_that_is_pinned_needs_not_be_sent(void **state)
{
    const struct certs_spec silent = {key_p256, NULL, NULL, cert_root, NULL};
    struct certs_spec pins = good;

    (void)state;
    pins.key = key_p384;
    pins.cert = cert_p384;
    for (int i = 0; i < 2; i++) {
        struct ends x;
        pins.trust = i ? cert_root : cert_p256;
        x = ends_of(&silent, &pins);
        start(&x);
        pair_run(x.p, KD_S(1));
        if (i)
            assert_refused_by(&x, B, "it sent no certificate, and none of those in ca is its own");
        else
            assert_up(&x);
        end(&x);
    }
}

static void a_rekeyed_sa_remembers_how_its_peer_authenticated(void **state)
{
    struct ends x = ends_of(&good, &good);

    (void)state;
    start(&x);
    pair_run(x.p, KD_S(1));
    pair_command(x.p, A, IKE_CMD_REKEY_IKE);
    pair_run(x.p, KD_S(1));
    assert_int_equal(pair_notes(x.p, A, IKE_NOTE_REKEYED), 1);
    assert_string_equal(view_of(&x, A).auth.how, "ecdsa-sha256");
    assert_string_equal(view_of(&x, B).auth.how, "ecdsa-sha256");
    assert_int_equal(x.p->s[A].n_jobs_of[KC_JOB_VERIFY], 1);
    end(&x);
}

/* ---- what is refused: bad is one end's, the other sees it ---- */

static const struct flaw {
    const char *words;
    struct certs_spec bad;   /* of the end that is refused */
    const char *trust, *crl; /* of the other; NULL: as usual */
    int64_t wall_s;          /* 0: as usual */
    const char *id;          /* of the end that is refused, and expected */
} flaws[] = {
    {"untrusted", {key_p256, cert_p256, cert_mid, cert_root, NULL}, cert_other_root, NULL, 0, NULL},
    {"untrusted", {key_p256, cert_p256, NULL, cert_root, NULL}, NULL, NULL, 0, NULL},
    {"is valid from 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z",
     {key_old, cert_old, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     NULL},
    {"expired", {key_old, cert_old, cert_mid, cert_root, NULL}, NULL, NULL, 0, NULL},
    {"not-yet-valid",
     {key_p256, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     INT64_C(1500000000),
     NULL},
    {"revoked", {key_p256, cert_p256, cert_mid, cert_root, NULL}, NULL, crl_mid, 0, NULL},
    {"none of its names is this identity",
     {key_stranger, cert_stranger, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     NULL},
    {"none of its names is this identity",
     {key_p256, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     "key-id:0102"},
    {"none of its names is this identity",
     {key_p256, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     "C=US, O=Example, CN=gw p384"},
    {"does not verify as ecdsa-sha256",
     {key_second, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     NULL},
    {"(ed25519) does not fit its certificate's key",
     {key_ed25519, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     NULL},
    {"does not verify as ecdsa-sha384",
     {key_p384, cert_p256, cert_mid, cert_root, NULL},
     NULL,
     NULL,
     0,
     NULL},
};

static void refused(const struct flaw *f, int bad)
{
    struct certs_spec s = good;
    struct ends x;

    s.trust = f->trust ? f->trust : s.trust;
    s.crl = f->crl;
    s.key = key_p384; /* what is revoked is the other's */
    s.cert = cert_p384;
    x = bad == A ? ends_of(&f->bad, &s) : ends_of(&s, &f->bad);
    x.p->wall_s = f->wall_s ? f->wall_s : x.p->wall_s;
    if (f->id) {
        assert_true(ike_id_parse(f->id, &x.p->s[bad].cfg.local_id));
        assert_true(ike_id_parse(f->id, &x.p->s[!bad].cfg.remote_id));
    }
    if (f->wall_s && bad == B)
        goto skip; /* B would refuse A first */
    start(&x);
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, !bad, f->words);
    assert_non_null(pair_note(x.p, bad, bad == A ? IKE_NOTE_REFUSED : IKE_NOTE_CLOSED));
skip:
    end(&x);
}

static void a_bad_proof_is_refused_by_name_by_responder_and_initiator(void **state)
{
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(flaws); i++) {
        print_message("%s\n", flaws[i].words);
        refused(&flaws[i], A);
        refused(&flaws[i], B);
    }
}

static void a_key_is_no_certificate_and_a_certificate_no_key(void **state)
{
    const struct certs_spec none = {NULL, NULL, NULL, NULL, NULL};
    struct ends x = ends_of(&none, &good);

    (void)state;
    start(&x);
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, B, "it uses a pre-shared key, a certificate is configured");
    end(&x);
    x = ends_of(&good, &none);
    start(&x);
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, B, "it does not use a pre-shared key");
    end(&x);
}

/* RFC 7296 3.8: method 1 signs with SHA-1 by default; here only by the switch, on both ends. */
static void sha1_of_method_1_needs_the_switch(void **state)
{
    struct certs_spec s = good;

    (void)state;
    s.key = key_rsa2048;
    s.cert = cert_rsa2048;
    for (int both = 0; both < 2; both++) {
        struct ends x = ends_of(&s, &s);
        x.p->s[A].cfg.auth.sha1_ok = true;
        x.p->s[B].cfg.auth.sha1_ok = both;
        start(&x);
        forget_hashes(&x);
        pair_run(x.p, KD_S(1));
        if (both) {
            assert_up(&x);
            assert_string_equal(view_of(&x, B).auth.how, "rsa-sha1");
            assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_VERIFY], 2); /* SHA-256 was tried first */
        } else {
            assert_refused_by(&x, B, "SHA-1 is legacy; auth.sha1 allows it");
        }
        end(&x);
    }
}

static void a_hash_that_was_not_offered_is_refused(void **state)
{
    struct ends x = ends_of(&good, &good);

    (void)state;
    start(&x);
    wait_for(&x, B, IKE_ST_R_INIT)->hs->auth.hashes_offered = 1u << KC_SIG_SHA2_512;
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, B, "it signs with a hash that was not offered");
    end(&x);
}

static void a_peer_whose_hashes_our_key_can_not_use_is_told_nothing(void **state)
{
    struct ends x = ends_of(&good, &good);

    (void)state;
    start(&x);
    wait_for(&x, A, IKE_ST_I_SHARED)->hs->auth.hashes = 1u << KC_SIG_SHA1;
    pair_run(x.p, KD_S(1));
    assert_refused_by(&x, A, "it knows no hash that our key signs with");
    assert_int_equal(x.p->s[A].n_jobs_of[KC_JOB_SIGN], 0);
    end(&x);
}

/* What is signed is the whole of the sender's first message: a changed proposal shows. */
static void a_signature_over_other_octets_is_refused(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        struct ends x = ends_of(&good, &good);
        start(&x);
        if (bad == A)
            wait_for(&x, A, IKE_ST_I_SHARED)->hs->init_req.p[40] ^= 1;
        else
            wait_for(&x, B, IKE_ST_R_INIT)->hs->init_resp.p[40] ^= 1;
        pair_run(x.p, KD_S(1));
        assert_refused_by(&x, !bad, "its signature does not verify");
        end(&x);
    }
}

/* ---- IKE_AUTH changed on its way, under A's keys ---- */

static void without_cert(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    (void)r;
    peer_copy(b, m, IKE_HAS(IKE_PL_CERT));
}

static void cert_as_url(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    static const char url[] = "\x0c"
                              "12345678901234567890http://ca.example/gw.der";

    without_cert(r, m, b);
    ike_put_payload(b, IKE_PL_CERT, kd_bytes(url, sizeof(url) - 1));
}

static void many_certs(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    without_cert(r, m, b);
    for (int i = 0; i < IKE_MSG_CERTS + 1; i++)
        ike_put_payload(b, IKE_PL_CERT, m->certs[0].body);
}

static void cut_cert(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    without_cert(r, m, b);
    ike_put_payload(b, IKE_PL_CERT, kd_bytes(m->certs[0].body.p, 100));
}

/* The intermediate first: its key is not the one that signed. */
static void own_cert_last(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    assert_int_equal(m->n_certs, 2);
    without_cert(r, m, b);
    ike_put_payload(b, IKE_PL_CERT, m->certs[1].body);
    ike_put_payload(b, IKE_PL_CERT, m->certs[0].body);
}

/* The signature of method 14 as if it were of another. */
static void as_method(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    size_t ai = 1u + m->auth.data.p[0];

    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH));
    ike_put_auth(b, (uint8_t)r->notify, kd_bytes(m->auth.data.p + ai, m->auth.data.len - ai));
}

static void auth_cut_short(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    (void)r;
    peer_copy(b, m, IKE_HAS(IKE_PL_AUTH));
    ike_put_auth(b, 14, kd_bytes(m->auth.data.p, 1u + m->auth.data.p[0]));
}

static const struct change {
    void (*write)(struct rewrite *, const struct ike_msg *, struct ike_build *);
    uint16_t arg;
    const char *words;
} changes[] = {
    {without_cert, 0, "it sent no certificate, and none of those in ca is its own"},
    {cert_as_url, 0, "no URL is ever fetched"},
    {cut_cert, 0, "its certificate can't be read"},
    {own_cert_last, 0, "CN=Test Intermediate is refused: purpose"},
    {as_method, 1, "(rsa-sha256) does not fit its certificate's key"},
    {as_method, 9, "does not verify as ecdsa-raw-sha256"},
    {as_method, 10, "(ecdsa-raw-sha384) does not fit its certificate's key"},
    {as_method, 2, "it uses a pre-shared key"},
    {as_method, 3, "a method that is not supported"},
    {auth_cut_short, 0, "its AUTH is cut short"},
};

static void an_auth_that_was_changed_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(changes); i++) {
        for (int response = 0; response < 2; response++) {
            struct rewrite r = {.exchange = IKE_X_AUTH,
                                .response = response,
                                .write = changes[i].write,
                                .notify = changes[i].arg};
            struct ends x = ends_of(&good, &good);
            r.p = x.p;
            x.p->ctx = &r;
            x.p->filter = peer_rewrite;
            start(&x);
            pair_run(x.p, KD_S(1));
            assert_refused_by(&x, response ? A : B, changes[i].words);
            end(&x);
        }
    }
}

static struct kd_bytes own_cert; /* of the end whose IKE_AUTH is looked at */

static void first_is_own(struct rewrite *r, const struct ike_msg *m, struct ike_build *b)
{
    r->seen += kd_bytes_eq(m->certs[0].data, own_cert);
    peer_copy(b, m, 0);
}

static void the_first_certificate_sent_is_the_keys_own(void **state)
{
    (void)state;
    for (int response = 0; response < 2; response++) {
        struct rewrite r = {.exchange = IKE_X_AUTH, .response = response, .write = first_is_own};
        struct ends x = ends_of(&good, &good);
        own_cert = kc_cert_der(x.certs[response ? B : A].chain[0]);
        x.p->ctx = &r;
        x.p->filter = peer_rewrite;
        start(&x);
        pair_run(x.p, KD_S(1));
        assert_up(&x);
        assert_int_equal(r.seen, 1);
        end(&x);
    }
}

static void more_certificates_than_a_chain_may_have_are_malformed(void **state)
{
    struct rewrite r = {.exchange = IKE_X_AUTH, .write = many_certs};
    struct ends x = ends_of(&good, &good);

    (void)state;
    r.p = x.p;
    x.p->ctx = &r;
    x.p->filter = peer_rewrite;
    start(&x);
    pair_run(x.p, KD_S(1));
    assert_int_equal(pair_note(x.p, B, IKE_NOTE_REFUSED)->reason, KD_REASON_INVALID_SYNTAX);
    assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_CHAIN], 0);
    end(&x);
}

/* ---- what a stranger costs, and ends in the middle ---- */

static void a_half_open_sa_costs_one_chain_however_often_it_asks(void **state)
{
    struct ends x = ends_of(&good, &good);

    (void)state;
    start(&x);
    wait_for(&x, A, IKE_ST_I_AUTH);
    x.p->s[B].hold_jobs = true;
    x.p->dup_pct = 100;
    pair_run(x.p, KD_S(5)); /* A repeats its IKE_AUTH three times */
    assert_true(x.p->s[B].n_jobs_of[KC_JOB_CHAIN] <= 1);
    assert_false(view_of(&x, B).established);
    x.p->s[B].hold_jobs = false;
    x.p->dup_pct = 0;
    for (int i = 0; i < 5; i++) {
        pair_release(x.p, B);
        pair_run(x.p, KD_MS(100));
    }
    pair_run(x.p, KD_S(1));
    assert_up(&x);
    assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_CHAIN], 1);
    assert_int_equal(x.p->s[B].n_jobs_of[KC_JOB_VERIFY], 1);
    end(&x);
}

/* Whichever job is under way: nothing is left, and its late answer changes nothing. */
static void an_end_while_a_job_runs_leaves_nothing(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < 50; at++) {
        for (int side = 0; side < 2; side++) {
            struct ends x = ends_of(&good, &good);
            start(&x);
            pair_run(x.p, at * 700);
            x.p->s[side].hold_jobs = true;
            pair_run(x.p, KD_MS(100));
            pair_command(x.p, side, IKE_CMD_DOWN);
            pair_run(x.p, KD_MS(50));
            pair_release(x.p, side);
            x.p->s[side].hold_jobs = false;
            pair_run(x.p, KD_MS(50));
            assert_false(pair_up(x.p, side));
            end(&x);
        }
    }
}

static void a_job_that_is_never_done_ends_with_the_half_open_time(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct ends x = ends_of(&good, &good);
        start(&x);
        wait_for(&x, A, IKE_ST_I_AUTH);
        x.p->s[side].hold_jobs = true;
        pair_run(x.p, KD_S(1));
        assert_false(view_of(&x, side).established);
        pair_command(x.p, A, IKE_CMD_DOWN);
        pair_run(x.p, KD_S(21));
        assert_int_equal(x.p->s[side].e->n_half_open, 0);
        pair_release(x.p, side);
        x.p->s[side].hold_jobs = false;
        end(&x);
    }
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_of_key_authenticates_both_ends),
        T(rsa_signs_with_pss_where_it_is_preferred),
        T(a_peer_without_rfc7427_gets_the_older_methods),
        T(ed25519_has_no_older_method),
        T(one_end_may_use_a_key_and_the_other_a_certificate),
        T(every_type_of_identity_is_found_in_the_certificate),
        T(azures_rule_is_the_cn_whatever_the_identity),
        T(a_certificate_that_is_pinned_needs_not_be_sent),
        T(a_rekeyed_sa_remembers_how_its_peer_authenticated),
        T(a_bad_proof_is_refused_by_name_by_responder_and_initiator),
        T(a_key_is_no_certificate_and_a_certificate_no_key),
        T(sha1_of_method_1_needs_the_switch),
        T(a_hash_that_was_not_offered_is_refused),
        T(a_peer_whose_hashes_our_key_can_not_use_is_told_nothing),
        T(a_signature_over_other_octets_is_refused),
        T(an_auth_that_was_changed_is_refused_by_name),
        T(the_first_certificate_sent_is_the_keys_own),
        T(more_certificates_than_a_chain_may_have_are_malformed),
        T(a_half_open_sa_costs_one_chain_however_often_it_asks),
        T(an_end_while_a_job_runs_leaves_nothing),
        T(a_job_that_is_never_done_ends_with_the_half_open_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
