/* Rows of the key log, to the letter; tests/interop/test_keylog.py has tshark read them. */
#include "io/keylog.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct kc_ctx *crypto;
static char row[IO_KEYLOG_ROW];

static struct kd_handle key(uint8_t first, size_t len)
{
    uint8_t b[64];

    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)(first + i);
    return kc_key_import(crypto, kd_bytes(b, len));
}

static const struct kc_alg *alg(const char *name)
{
    const struct kc_alg *a = kc_alg_by_name(name);

    assert_non_null(a);
    return a;
}

static struct ike_child_keys child(const char *encr, const char *integ, size_t key_len)
{
    struct ike_child_keys k = {.spi_in = 0xc1234567, .spi_out = 0x00abcdef, .encr = alg(encr)};

    k.integ = integ ? alg(integ) : NULL;
    assert_true(kd_addr_parse("192.0.2.1", &k.local.addr));
    assert_true(kd_addr_parse("198.51.100.1", &k.remote.addr));
    k.enc_in = key(0x10, key_len);
    k.enc_out = key(0x20, key_len);
    k.int_in = key(0x30, 4); /* short: no length is checked here */
    k.int_out = key(0x40, 4);
    return k;
}

static void an_ike_sa_is_one_row(void **st KD_UNUSED)
{
    struct ike_sa_keys k = {.spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
                            .spi_r = {0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8},
                            .encr = alg("aes128"),
                            .integ = alg("sha1"),
                            .ei = key(0, 4),
                            .er = key(4, 4),
                            .ai = key(8, 4),
                            .ar = key(12, 4)};

    assert_true(io_keylog_ike_row(crypto, &k, row));
    assert_string_equal(row, "0102030405060708,f1f2f3f4f5f6f7f8,00010203,04050607,"
                             "\"AES-CBC-128 [RFC3602]\",08090a0b,0c0d0e0f,"
                             "\"HMAC_SHA1_96 [RFC2404]\"\n");
    k.encr = alg("aes256gcm16");
    k.integ = NULL;
    assert_true(io_keylog_ike_row(crypto, &k, row));
    assert_string_equal(row, "0102030405060708,f1f2f3f4f5f6f7f8,00010203,04050607,"
                             "\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n");
}

static void a_pair_is_one_row_each_way(void **st KD_UNUSED)
{
    struct ike_child_keys k = child("aes256", "sha256", 4);

    assert_true(io_keylog_esp_row(crypto, &k, true, row));
    assert_string_equal(row, "\"IPv4\",\"198.51.100.1\",\"192.0.2.1\",\"0xc1234567\","
                             "\"AES-CBC [RFC3602]\",\"0x10111213\","
                             "\"HMAC-SHA-256-128 [RFC4868]\",\"0x30313233\"\n");
    assert_true(io_keylog_esp_row(crypto, &k, false, row));
    assert_string_equal(row, "\"IPv4\",\"192.0.2.1\",\"198.51.100.1\",\"0x00abcdef\","
                             "\"AES-CBC [RFC3602]\",\"0x20212223\","
                             "\"HMAC-SHA-256-128 [RFC4868]\",\"0x40414243\"\n");
    k = child("aes128gcm16", NULL, 4);
    k.encap = true; /* a NAT may change the addresses */
    assert_true(io_keylog_esp_row(crypto, &k, true, row));
    assert_string_equal(row, "\"IPv4\",\"*\",\"*\",\"0xc1234567\","
                             "\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x10111213\","
                             "\"NULL\",\"\"\n");
    assert_true(kd_addr_parse("2001:db8::1", &k.local.addr));
    assert_true(io_keylog_esp_row(crypto, &k, true, row));
    assert_memory_equal(row, "\"IPv6\"", 6);
}

static void what_has_no_name_or_no_key_is_a_comment_without_one(void **st KD_UNUSED)
{
    struct ike_child_keys k = child("chacha20poly1305", NULL, 36);

    assert_false(io_keylog_esp_row(crypto, &k, true, row));
    assert_string_equal(row, "# ESP SA 0xc1234567: Wireshark has no name for chacha20poly1305\n");
    k = child("aes256", "sha256", 32);
    kc_key_free(crypto, k.int_in);
    assert_false(io_keylog_esp_row(crypto, &k, true, row));
    assert_string_equal(row, "# ESP SA 0xc1234567: its keys are gone\n");
    assert_true(io_keylog_esp_row(crypto, &k, false, row));
}

/* Every algorithm of the table has a row or is one of those known to have none. */
static void no_algorithm_was_forgotten(void **st KD_UNUSED)
{
    size_t n;
    const struct kc_alg *table = kc_alg_table(&n);

    for (size_t i = 0; i < n; i++) {
        struct ike_child_keys k = child("aes256", "sha256", 4);
        bool chacha = table[i].id == KC_ENCR_CHACHA20_POLY1305;
        if (table[i].type == KC_ENCR)
            k.encr = &table[i];
        else if (table[i].type == KC_INTEG)
            k.integ = &table[i];
        else
            continue;
        assert_int_equal(io_keylog_esp_row(crypto, &k, true, row),
                         !(table[i].type == KC_ENCR && chacha));
    }
}

static int setup(void **st KD_UNUSED)
{
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 256);
    return crypto ? 0 : -1;
}

static int teardown(void **st KD_UNUSED)
{
    kc_ctx_free(crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ike_sa_is_one_row),
        cmocka_unit_test(a_pair_is_one_row_each_way),
        cmocka_unit_test(what_has_no_name_or_no_key_is_a_comment_without_one),
        cmocka_unit_test(no_algorithm_was_forgotten),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
