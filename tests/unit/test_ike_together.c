/* Everything optional at once: certificates or keys, PPKs, further key exchanges, fragments, crash
 * detection, childless and NAT, drawn for each end by a seed, over a network that loses, repeats
 * and overtakes. What either can alone (the files of each), they can together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_certs.h"
#include "ike_pair.h"

#define SEEDS 500

static const char *const ikes[] = {
    "aes256-sha1-modp1024",
    "aes256gcm16-prfsha384-ecp384",
    "chacha20poly1305-prfsha256-x25519",
    "aes256-sha256-x25519-ke1_ecp384",
    "aes128gcm16-prfsha256-x25519-ke1_modp4096-ke2_ecp256",
};
static const char *const esps[] = {"aes256-sha1", "aes256gcm16-ecp256", "aes128-sha256-modp4096",
                                   "chacha20poly1305-x25519-ke1_ecp384"};
static const uint16_t sizes[] = {0, 576, 1280, IKE_FRAGMENT_OFF};

struct world {
    struct pair *p;
    struct ike_certs certs[2];
    uint64_t rng;
    bool ppk[2], required[2], other_name; /* B's PPK: then neither is required */
};

static unsigned draw(struct world *w, unsigned n)
{
    w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(w->rng >> 33) % n;
}

static void give_certs(struct world *w, int side)
{
    static const struct certs_spec spec[] = {
        {key_p256, cert_p256, cert_mid, cert_root, NULL},
        {key_rsa2048, cert_rsa2048, cert_mid, cert_root, NULL}};
    struct ike_auth_config *a = &w->p->s[side].cfg.auth;

    w->certs[side] = certs_load(w->p->s[side].crypto, &spec[draw(w, 2)]);
    a->local = a->remote = IKE_AUTH_CERT;
    a->certs = &w->certs[side];
}

static void give_ppk(struct world *w, int side)
{
    struct pair_side *s = &w->p->s[side];

    s->cfg.ppk.key = kc_key_import(s->crypto, kd_bytes_str("a postquantum secret"));
    s->cfg.ppk.id_len = 4;
    memcpy(s->cfg.ppk.id, side == B && w->other_name ? "none" : "site", 4);
    s->cfg.ppk.required = w->required[side];
    s->keys_at_start++;
}

/* Two ends that can come to terms: a PPK is required only of one who has it. */
static void make(struct world *w, uint64_t seed)
{
    bool certs;

    memset(w, 0, sizeof(*w));
    w->rng = seed;
    w->p = pair_new(seed, ikes[draw(w, KD_ARRAY_LEN(ikes))], esps[draw(w, KD_ARRAY_LEN(esps))]);
    certs = draw(w, 2);
    for (int i = 0; i < 2; i++)
        w->ppk[i] = draw(w, 2);
    for (int i = 0; i < 2; i++)
        w->required[i] = w->ppk[A] && w->ppk[B] && draw(w, 2);
    w->other_name = !w->required[A] && !w->required[B] && draw(w, 2);
    w->p->nat_a = draw(w, 3) == 0;
    for (int i = 0; i < 2; i++)
        w->p->s[i].qcd = draw(w, 2) ? "a secret" : NULL;
    pair_restart(w->p, A);
    pair_restart(w->p, B);
    for (int i = 0; i < 2; i++) {
        struct pair_side *s = &w->p->s[i];
        s->cfg.fragment_size = sizes[draw(w, KD_ARRAY_LEN(sizes))];
        s->cfg.detect_us = KD_S(20);
        s->cfg.childless = draw(w, 2) ? IKE_CHILDLESS_ALLOW : IKE_CHILDLESS_NEVER;
        if (certs)
            give_certs(w, i);
        if (w->ppk[i])
            give_ppk(w, i);
        if (i == B && w->p->nat_a)
            s->cfg.remote.family = 0;
        pair_config(w->p, i);
    }
}

static void assert_together(struct world *w, uint64_t seed)
{
    if (pair_up(w->p, A) && pair_up(w->p, B) && pair_children_agree(w->p) &&
        w->p->s[A].n_children == 1 && w->p->s[B].n_children == 1)
        return;
    pair_dump(w->p);
    fail_msg("not together: seed %llu", (unsigned long long)seed);
}

static void bad_weather(struct pair *p, unsigned pct)
{
    p->loss_pct = pct;
    p->dup_pct = pct;
    p->reorder_pct = pct;
}

static void all_options_together_survive_bad_weather(void **state)
{
    (void)state;

    print_message("seeds 1 to %d\n", SEEDS);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world w;
        make(&w, seed);
        bad_weather(w.p, seed % 3 ? 15 : 0);
        pair_establish(w.p);
        pair_run(w.p, KD_S(30));
        for (int i = 0; i < 6; i++) {
            pair_command(w.p, i & 1, draw(&w, 2) ? IKE_CMD_REKEY_CHILD : IKE_CMD_REKEY_IKE);
            pair_run(w.p, draw(&w, 2) ? KD_MS(5) : KD_S(5));
        }
        bad_weather(w.p, 0);
        pair_run(w.p, KD_S(120));
        assert_together(&w, seed);
        pair_command(w.p, A, IKE_CMD_DOWN);
        pair_command(w.p, B, IKE_CMD_DOWN);
        pair_run(w.p, KD_S(60));
        assert_true(pair_nothing_left(w.p));
        pair_free(w.p);
        certs_free(&w.certs[A]);
        certs_free(&w.certs[B]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_options_together_survive_bad_weather),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
