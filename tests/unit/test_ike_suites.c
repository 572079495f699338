/* Every algorithm of the table, negotiated and used with the real provider: as IKE suite and as ESP
 * suite, with both ends rekeying, so that each end is initiator and responder of it once. That the
 * keys of both ends are equal crosswise shows that DH, PRF, encryption and integrity agree; packets
 * are test_esp's and the interop suites' matter.
 *
 * An algorithm this process can't do (DES without OpenSSL's legacy module) is said to be skipped,
 * and must then be refused on both sides. */
#include "ike_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct kc_ctx *crypto;

static int up(void **st KD_UNUSED)
{
    pair_provider = KC_PROVIDER_REAL;
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 4);
    return crypto ? 0 : 1;
}

static int down(void **st KD_UNUSED)
{
    kc_ctx_free(crypto);
    return 0;
}

static unsigned rekeyed(const struct pair *p, int side)
{
    return pair_notes(p, side, IKE_NOTE_REKEYED);
}

/* Up, then child and IKE SA rekeyed by each end. */
static void works(const char *ike, const char *esp)
{
    struct pair *p = pair_new(1, ike, esp);

    if (!pair_establish(p)) {
        pair_dump(p);
        fail_msg("%s with %s does not come up", ike, esp);
    }
    for (int side = A; side <= B; side++) {
        uint32_t before = pair_outbound(p, side)->spi_out;
        unsigned rekeys = rekeyed(p, side);
        pair_command(p, side, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(1));
        pair_command(p, side, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_S(7)); /* and the old pair is gone */
        if (pair_outbound(p, side)->spi_out == before || rekeyed(p, side) == rekeys ||
            !pair_children_agree(p) || pair_notes(p, side, IKE_NOTE_REFUSED)) {
            pair_dump(p);
            fail_msg("%s with %s is not rekeyed by side %d", ike, esp, side);
        }
    }
    pair_free(p);
}

/* What the process can't do is not configured at all: there is nothing to agree on. */
static void refused(const char *ike, const char *esp)
{
    struct pair *p = pair_new(1, ike, esp);

    assert_false(pair_establish(p));
    pair_free(p);
}

static void check(const struct kc_alg *a, const char *ike, const char *esp)
{
    if (kc_available(crypto, a)) {
        works(ike, esp);
    } else {
        print_message("%s: not in this process\n", a->name);
        refused(ike, esp);
    }
}

static unsigned each(enum kc_transform_type type, void (*fn)(const struct kc_alg *))
{
    size_t n;
    const struct kc_alg *t = kc_alg_table(&n);
    unsigned ran = 0;

    for (size_t i = 0; i < n; i++)
        if (t[i].type == type && strstr(t[i].name, "none") == NULL) {
            fn(&t[i]);
            ran++;
        }
    return ran;
}

/* ---- IKE ---- */

static void ike_encr(const struct kc_alg *a)
{
    char ike[96];

    if (a->id == KC_ENCR_NULL)
        return; /* RFC 7296 3.14: SK is encrypted */
    snprintf(ike, sizeof(ike), "%s-%s-x25519", a->name, a->aead ? "prfsha256" : "sha256");
    check(a, ike, "aes128-sha1");
}

static void every_cipher_protects_ike(void **st KD_UNUSED)
{
    assert_int_equal(each(KC_ENCR, ike_encr), 16);
}

static void ike_integ(const struct kc_alg *a)
{
    char ike[96];

    snprintf(ike, sizeof(ike), "aes128-%s-x25519", a->name); /* the PRF follows from it */
    check(a, ike, "aes128-sha1");
}

static void every_integrity_algorithm_protects_ike(void **st KD_UNUSED)
{
    assert_int_equal(each(KC_INTEG, ike_integ), 5);
}

/* Azure's integrity column with GCM is the PRF (facts/azure 1.3). */
static void ike_prf(const struct kc_alg *a)
{
    char ike[96];

    snprintf(ike, sizeof(ike), "aes256gcm16-%s-x25519", a->name);
    check(a, ike, "aes128-sha1");
}

static void every_prf_goes_with_gcm_in_ike(void **st KD_UNUSED)
{
    assert_int_equal(each(KC_PRF, ike_prf), 5);
}

static void group(const struct kc_alg *a)
{
    char ike[96], esp[96];

    snprintf(ike, sizeof(ike), "aes128-sha1-%s", a->name);
    snprintf(esp, sizeof(esp), "aes128-sha1-%s", a->name);
    check(a, ike, esp);
}

static void every_group_serves_ike_and_pfs(void **st KD_UNUSED)
{
    assert_int_equal(each(KC_DH, group), 11);
}

/* ---- ESP ---- */

static const struct kc_alg *with; /* the integrity algorithm beside it */

static void esp_encr(const struct kc_alg *a)
{
    char esp[96];

    snprintf(esp, sizeof(esp), a->aead ? "%s" : "%s-%s", a->name, with->name);
    check(a, "aes128-sha1-x25519", esp);
    snprintf(esp, sizeof(esp), a->aead ? "%s-esn" : "%s-%s-esn", a->name, with->name);
    check(a, "aes128-sha1-x25519", esp);
}

static void every_cipher_protects_esp_with_and_without_esn(void **st KD_UNUSED)
{
    with = kc_alg_by_name("sha256");
    assert_int_equal(each(KC_ENCR, esp_encr), 16);
}

static void esp_integ(const struct kc_alg *a)
{
    static const char *const ciphers[] = {"aes256", "3des", "null"};
    char esp[96];

    for (size_t i = 0; i < KD_ARRAY_LEN(ciphers); i++) {
        snprintf(esp, sizeof(esp), "%s-%s", ciphers[i], a->name);
        check(a, "aes128-sha1-x25519", esp);
    }
}

static void every_integrity_algorithm_protects_esp_encrypted_or_not(void **st KD_UNUSED)
{
    assert_int_equal(each(KC_INTEG, esp_integ), 5);
}

/* ---- the nearest that must not work ---- */

static void different_algorithms_do_not_meet(void **st KD_UNUSED)
{
    static const char *const pairs[][2] = {
        {"aes256-sha1-modp1024", "aes128-sha1-modp1024"},
        {"aes256-sha1-modp1024", "aes256-sha256-modp1024"},
        {"aes256-sha1-modp1024", "aes256-sha1-modp2048"},
        {"aes256gcm16-prfsha256-x25519", "aes256gcm12-prfsha256-x25519"},
        {"aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha384-x25519"},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(pairs); i++) {
        struct pair *p = pair_new(1, pairs[i][0], "aes128-sha1");
        pair_proposals(&p->s[B].cfg.ike, pairs[i][1], IKE_PROTO_IKE);
        pair_config(p, B);
        assert_false(pair_establish(p));
        assert_int_equal(pair_note(p, A, IKE_NOTE_REFUSED)->reason, KD_REASON_NO_PROPOSAL);
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_protects_ike),
        cmocka_unit_test(every_integrity_algorithm_protects_ike),
        cmocka_unit_test(every_prf_goes_with_gcm_in_ike),
        cmocka_unit_test(every_group_serves_ike_and_pfs),
        cmocka_unit_test(every_cipher_protects_esp_with_and_without_esn),
        cmocka_unit_test(every_integrity_algorithm_protects_esp_encrypted_or_not),
        cmocka_unit_test(different_algorithms_do_not_meet),
    };

    return cmocka_run_group_tests(tests, up, down);
}
