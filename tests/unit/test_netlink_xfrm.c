/* XFRM messages without a kernel: golden bytes written from the uapi's layout (include/uapi/linux/
 * xfrm.h), round trips through the own parser, and what a hostile or broken kernel could answer.
 * Little-endian hosts only, as in test_netlink.c. */
#include "netlink/xfrm.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static _Alignas(8) uint8_t room[8192];
static struct nl_buf buf;
static struct nl_xfrm_event ev;

static int fresh(void **state)
{
    (void)state;
    memset(room, 0xee, sizeof(room));
    buf = (struct nl_buf){.p = room, .cap = sizeof(room)};
    return 0;
}

static struct kd_addr ip(const char *s)
{
    struct kd_addr a;

    assert_true(kd_addr_parse(s, &a));
    return a;
}

static struct kd_prefix net(const char *s)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(s, true, &p));
    return p;
}

static struct nl_selector flow(const char *src, const char *dst)
{
    struct nl_selector s = {.src = net(src), .dst = net(dst)};

    s.family = s.src.addr.family;
    return s;
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned v;
    int used;

    while (sscanf(hex, " %2x%n", &v, &used) == 1) {
        out[n++] = (uint8_t)v;
        hex += used;
    }
    return n;
}

/* The message's bytes from at on are hex. */
static void expect_at(size_t at, const char *hex)
{
    uint8_t want[1024];
    size_t n = unhex(hex, want);

    assert_true(at + n <= buf.len);
    for (size_t i = 0; i < n; i++)
        if (buf.p[at + i] != want[i])
            fail_msg("byte %zu is %02x, not %02x", at + i, buf.p[at + i], want[i]);
}

static void expect(const char *hex)
{
    uint8_t want[1024];

    assert_int_equal(buf.len, unhex(hex, want));
    expect_at(0, hex);
}

/* Feeds from a block of the exact size, so that a sanitizer sees one byte too far; at every
 * alignment. */
static bool feed(const uint8_t *p, size_t len)
{
    bool ok = false;

    for (size_t shift = 0; shift < 4; shift++) {
        uint8_t *m = malloc(len + shift);
        struct kd_bytes d = kd_bytes(m + shift, len);

        assert_non_null(m);
        memcpy(m + shift, p, len);
        ok = nl_xfrm_next(&d, &ev);
        free(m);
    }
    return ok;
}

static void feed_back(enum nl_xfrm_kind kind)
{
    assert_true(feed(buf.p, buf.len));
    assert_string_equal(ev.base.text, "");
    assert_int_equal(ev.kind, kind);
}

static void refused(const char *why)
{
    struct nl_xfrm_event none = {0};

    assert_true(feed(buf.p, buf.len));
    assert_int_equal(ev.base.kind, NL_OTHER);
    assert_string_equal(ev.base.text, why);
    assert_int_equal(ev.kind, NL_XFRM_NONE);
    assert_memory_equal(&ev.sa, &none.sa, sizeof(none.sa)); /* nothing half-parsed is left */
}

/* Offsets of the uapi's structs in a message: header 16, then struct xfrm_usersa_info. */
#define SEL    16
#define ID     72
#define SADDR  96
#define LFT    112
#define CURLFT 176
#define STATS  208
#define SEQ    220
#define ATTRS  240

static struct nl_sa cbc_sa(void)
{
    struct nl_sa sa = {.src = ip("192.0.2.1"),
                       .dst = ip("198.51.100.1"),
                       .spi = 0xc0ffee01,
                       .encr = {.name = "cbc(aes)", .key_len = 32},
                       .integ = {.name = "hmac(sha256)", .key_len = 32, .icv_bits = 128},
                       .reqid = 0x6b650007,
                       .if_id = 0x6b650007,
                       .any_family = true,
                       .window = 32,
                       .dir = NL_SA_IN};

    memset(sa.encr.key, 0xe1, 32);
    memset(sa.integ.key, 0xa1, 32);
    return sa;
}

static struct nl_sa gcm_sa(void)
{
    struct nl_sa sa = cbc_sa();

    sa.encr = (struct nl_sa_alg){.name = "rfc4106(gcm(aes))", .key_len = 36, .icv_bits = 128};
    sa.integ = (struct nl_sa_alg){0};
    memset(sa.encr.key, 0x61, 36);
    return sa;
}

/* Where the attribute of the type stands, and its length with head; 0: absent. */
static size_t attr(uint16_t type, size_t *len)
{
    for (size_t at = ATTRS; at + 4 <= buf.len;) {
        uint16_t n, t;

        memcpy(&n, buf.p + at, 2);
        memcpy(&t, buf.p + at + 2, 2);
        if (t == type) {
            *len = n;
            return at;
        }
        at += (n + 3u) & ~3u;
    }
    *len = 0;
    return 0;
}

static void expect_attr(uint16_t type, const char *hex)
{
    size_t len, at = attr(type, &len);
    uint8_t want[1024];

    assert_int_not_equal(at, 0);
    assert_int_equal(len, unhex(hex, want));
    expect_at(at, hex);
}

static void expect_no_attr(uint16_t type)
{
    size_t len;

    assert_int_equal(attr(type, &len), 0);
}

/* --- SAs: golden bytes --- */

static void an_sas_fixed_part_has_the_uapis_layout(void **state)
{
    struct nl_sa sa = cbc_sa();

    (void)state;
    assert_int_equal(sizeof(struct xfrm_usersa_info), 224);
    sa.life =
        (struct nl_sa_life){.soft_bytes = 0x0102030405060708, .hard_packets = 9, .hard_add_s = 10};
    assert_true(nl_put_sa(&buf, 0x11, &sa));
    expect_at(4, "1000 0506 11000000 00000000");
    expect_at(SEL, "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
                   "0000 0000 0000 0000 0000 00 00 00 000000 00000000 00000000");
    expect_at(ID, "c6336401 00000000 00000000 00000000 c0ffee01 32 000000");
    expect_at(SADDR, "c0000201 00000000 00000000 00000000");
    expect_at(LFT, "0807060504030201 ffffffffffffffff ffffffffffffffff 0900000000000000"
                   "0000000000000000 0a00000000000000 0000000000000000 0000000000000000");
    expect_at(CURLFT, "00000000000000000000000000000000 00000000000000000000000000000000");
    expect_at(STATS, "00000000 00000000 00000000");
    expect_at(SEQ, "00000000 0700656b 0200 01 20 20 00000000000000");
}

static void an_sas_cipher_and_integrity_carry_bits_truncation_and_key(void **state)
{
    struct nl_sa sa = cbc_sa();
    size_t len, at;

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_ALG_CRYPT, &len);
    assert_int_equal(len, 4 + 64 + 4 + 32);
    assert_string_equal((char *)buf.p + at + 4, "cbc(aes)");
    expect_at(at + 68,
              "00010000 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1 e1e1e1e1e1e1e1e1");
    at = attr(XFRMA_ALG_AUTH_TRUNC, &len);
    assert_int_equal(len, 4 + 64 + 8 + 32);
    assert_string_equal((char *)buf.p + at + 4, "hmac(sha256)");
    expect_at(at + 68, "00010000 80000000 a1a1a1a1");
    expect_no_attr(XFRMA_ALG_AEAD);
    expect_no_attr(XFRMA_ALG_AUTH); /* the kernel would truncate to what it thinks right */
}

static void an_aead_has_one_algorithm_with_the_salt_in_its_key(void **state)
{
    struct nl_sa sa = gcm_sa();
    size_t len, at;

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_ALG_AEAD, &len);
    assert_int_equal(len, 4 + 64 + 8 + 36);
    assert_string_equal((char *)buf.p + at + 4, "rfc4106(gcm(aes))");
    expect_at(at + 68, "20010000 80000000 61616161");
    expect_no_attr(XFRMA_ALG_CRYPT);
    expect_no_attr(XFRMA_ALG_AUTH_TRUNC);
}

static void the_interface_is_named_and_nothing_that_was_not_asked_for(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_IF_ID, "0800 1f00 0700656b");
    for (uint16_t t = 1; t <= 40; t++)
        if (t != XFRMA_IF_ID && t != XFRMA_ALG_AEAD)
            expect_no_attr(t);
}

static void esp_in_udp_has_ports_in_network_order(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.encap = true;
    sa.encap_sport = 4500;
    sa.encap_dport = 1025;
    sa.mapping_max_s = 1;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_ENCAP, "1c00 0400 0200 1194 0401 0000 00000000 00000000 00000000 00000000");
    expect_attr(XFRMA_MTIMER_THRESH, "0800 2000 01000000");
    buf.len = 0;
    sa.dir = NL_SA_OUT; /* a 6.10 refuses the threshold there */
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_no_attr(XFRMA_MTIMER_THRESH);
}

static void a_window_up_to_32_without_esn_stands_in_the_fixed_part(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    assert_int_equal(buf.p[SEQ + 11], 32);
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC);
    expect_no_attr(XFRMA_REPLAY_ESN_VAL);
}

static void a_wider_window_needs_its_bitmap_and_no_esn(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.window = 33;
    assert_true(nl_put_sa(&buf, 1, &sa));
    assert_int_equal(buf.p[SEQ + 11], 0); /* the kernel refuses both */
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC);
    expect_attr(XFRMA_REPLAY_ESN_VAL, "2400 1700 02000000 00000000 00000000 00000000 00000000"
                                      "21000000 00000000 00000000");
}

static void the_widest_window_is_4096(void **state)
{
    struct nl_sa sa = cbc_sa();
    size_t len, at;

    (void)state;
    sa.window = NL_REPLAY_MAX;
    sa.esn = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    at = attr(XFRMA_REPLAY_ESN_VAL, &len);
    assert_int_equal(len, 4 + 24 + 512);
    expect_at(at + 4, "80000000 00000000 00000000 00000000 00000000 00100000");
    assert_int_equal(buf.p[SEQ + 12], XFRM_STATE_AF_UNSPEC | XFRM_STATE_ESN);
}

/* A kernel that isn't told the direction refuses ESN without a window; one that is refuses a window
 * where it can't be needed. */
static void esn_outbound_has_a_window_of_one_or_none_by_what_the_kernel_knows(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.dir = NL_SA_OUT;
    sa.window = 0;
    sa.esn = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_ESN_VAL,
                "2000 1700 01000000 00000000 00000000 00000000 00000000 01000000 00000000");
    expect_no_attr(NL_XFRMA_SA_DIR);
    buf.len = 0;
    sa.dir_known = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_ESN_VAL,
                "1c00 1700 00000000 00000000 00000000 00000000 00000000 00000000");
    expect_attr(NL_XFRMA_SA_DIR, "0500 2100 02");
}

static void the_direction_is_told_to_kernels_that_know_it_only(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.pcpu_set = true;
    sa.pcpu = 3;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_no_attr(NL_XFRMA_SA_DIR);
    expect_no_attr(NL_XFRMA_SA_PCPU);
    buf.len = 0;
    sa.dir_known = true;
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(NL_XFRMA_SA_DIR, "0500 2100 01");
    expect_attr(NL_XFRMA_SA_PCPU, "0800 2300 03000000");
}

static void marks_offload_and_a_moved_sas_counters_have_their_attributes(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.mark_out = 0x10;
    sa.mark_out_mask = 0xf0;
    sa.offload = NL_OFFLOAD_CRYPTO;
    sa.offload_ifindex = 5;
    sa.used = (struct nl_sa_used){.bytes = 1000, .packets = 2, .add_s = 3, .use_s = 4};
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_SET_MARK, "0800 1d00 10000000");
    expect_attr(XFRMA_SET_MARK_MASK, "0800 1e00 f0000000");
    expect_attr(XFRMA_OFFLOAD_DEV, "0c00 1c00 05000000 02 000000");
    expect_attr(XFRMA_LTIME_VAL, "2400 0900 e803000000000000 0200000000000000"
                                 "0300000000000000 0400000000000000");
    buf.len = 0;
    sa.dir = NL_SA_OUT;
    sa.offload = NL_OFFLOAD_PACKET;
    sa.src = ip("2001:db8::1");
    sa.dst = ip("2001:db8::2");
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_OFFLOAD_DEV, "0c00 1c00 05000000 05 000000");
}

static void update_is_another_type_and_replaces(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa_update(&buf, 2, &sa));
    expect_at(4, "1a00 0501 02000000");
}

static void delete_and_get_name_the_sa(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};

    (void)state;
    assert_true(nl_put_sa_del(&buf, 10, &id));
    expect("28000000 1100 0500 0a000000 00000000"
           "c6336401 00000000 00000000 00000000 c0ffee01 0200 32 00");
    buf.len = 0;
    id.dst = ip("2001:db8::2");
    assert_true(nl_put_sa_get(&buf, 11, &id));
    expect("28000000 1200 0500 0b000000 00000000"
           "20010db8 00000000 00000000 00000002 c0ffee01 0a00 32 00");
}

static void an_spi_is_asked_for_in_a_range(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_spi_alloc(&buf, 12, &sa, 256, 0xffffffff));
    assert_int_equal(buf.len, 16 + 232 + 8);
    expect_at(4, "1600 0500 0c000000");
    expect_at(16 + 224, "00010000 ffffffff");
    expect_at(16 + 232, "0800 1f00 0700656b");
}

static void a_threshold_is_set_by_newae(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};

    (void)state;
    assert_int_equal(sizeof(struct xfrm_aevent_id), 48);
    assert_true(nl_put_sa_threshold(&buf, 13, &id, 1));
    expect("48000000 1e00 0501 0d000000 00000000"
           "c6336401 00000000 00000000 00000000 c0ffee01 0200 32 00"
           "00000000 00000000 00000000 00000000 00000000 00000000"
           "0800 0b00 01000000");
}

static void dumps_have_no_ack(void **state)
{
    (void)state;
    assert_true(nl_put_sa_dump(&buf, 14));
    expect("28000000 1200 0103 0e000000 00000000"
           "00000000 00000000 00000000 00000000 00000000 0000 00 00");
    buf.len = 0;
    assert_true(nl_put_policy_dump(&buf, 15));
    assert_int_equal(buf.len, 16 + sizeof(struct xfrm_userpolicy_id));
    expect_at(4, "1500 0103 0f000000");
}

/* --- policies: golden bytes --- */

static struct nl_policy out_policy(void)
{
    return (struct nl_policy){.sel = flow("10.1.0.0/16", "10.2.0.0/24"),
                              .dir = NL_POLICY_OUT,
                              .priority = 0x1234,
                              .if_id = 0x6b650007,
                              .n_tmpl = 1,
                              .tmpl = {.src = ip("192.0.2.1"),
                                       .dst = ip("198.51.100.1"),
                                       .spi = 0xc0ffee01,
                                       .reqid = 0x6b650007}};
}

#define OUT_SEL                                                                                    \
    "0a020000 00000000 00000000 00000000 0a010000 00000000 00000000 00000000"                      \
    "0000 0000 0000 0000 0200 18 10 00 000000 00000000 00000000"

static void a_policy_has_the_uapis_layout(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_int_equal(sizeof(struct xfrm_userpolicy_info), 168);
    assert_true(nl_put_policy(&buf, 16, &p, false));
    assert_int_equal(buf.len, 16 + 168 + 4 + 64 + 8);
    expect_at(4, "1300 0506 10000000");
    expect_at(16, OUT_SEL);
    expect_at(16 + 56, "ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff"
                       "0000000000000000 0000000000000000 0000000000000000 0000000000000000");
    expect_at(16 + 56 + 64 + 32, "34120000 00000000 01 00 00 00 00000000");
    expect_at(16 + 168, "4400 0500"
                        "c6336401 00000000 00000000 00000000 c0ffee01 32 000000 0200 0000"
                        "c0000201 00000000 00000000 00000000 0700656b 01 00 00 00"
                        "ffffffff ffffffff ffffffff");
    expect_at(16 + 168 + 68, "0800 1f00 0700656b");
}

static void an_updated_policy_takes_the_old_ones_place(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_true(nl_put_policy(&buf, 17, &p, true));
    expect_at(4, "1900 0505 11000000");
}

static void a_bypass_has_no_template_and_a_block_says_so(void **state)
{
    struct nl_policy p = {
        .sel = flow("192.0.2.1/32", "0.0.0.0/0"), .dir = NL_POLICY_OUT, .priority = 75};

    (void)state;
    p.sel.proto = 17;
    p.sel.sport = 500;
    p.sel.sport_mask = 0xffff;
    assert_true(nl_put_policy(&buf, 18, &p, false));
    assert_int_equal(buf.len, 16 + 168);
    expect_at(16 + 32, "0000 0000 01f4 ffff 0200 00 20 11");
    expect_at(16 + 160, "01 00 00 00");
    buf.len = 0;
    p.block = true;
    assert_true(nl_put_policy(&buf, 18, &p, false));
    expect_at(16 + 160, "01 01 00 00");
}

static void a_policy_is_deleted_and_asked_for_by_direction_selector_and_interface(void **state)
{
    struct nl_policy p = out_policy();

    (void)state;
    assert_true(nl_put_policy_del(&buf, 19, &p));
    expect("58000000 1400 0500 13000000 00000000" OUT_SEL "00000000 01 000000 0800 1f00 0700656b");
    buf.len = 0;
    assert_true(nl_put_policy_get(&buf, 20, &p));
    expect_at(4, "1500 0500 14000000");
}

/* --- interfaces --- */

static void an_xfrm_interface_is_made_and_deleted(void **state)
{
    (void)state;
    assert_true(nl_put_link_xfrm(&buf, 21, "azure1", 0x6b650007));
    expect("48000000 1000 0506 15000000 00000000"
           "00 00 0000 00000000 00000000 00000000"
           "0b00 0300 617a75726531 00 00"
           "1c00 1280 0900 0100 7866726d 00 000000"
           "0c00 0280 0800 0200 0700656b");
    buf.len = 0;
    assert_true(nl_put_link_del(&buf, 22, 9));
    expect("20000000 1100 0500 16000000 00000000"
           "00 00 0000 09000000 00000000 00000000");
}

static void an_xfrm_interface_is_known_by_its_kind(void **state)
{
    struct nl_event e;
    struct kd_bytes d;

    (void)state;
    assert_true(nl_put_link_xfrm(&buf, 21, "azure1", 0x6b650007));
    buf.p[20] = 9; /* ifi_index */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_string_equal(e.text, "");
    assert_int_equal(e.kind, NL_LINK);
    assert_true(e.link.xfrm);
    assert_int_equal(e.link.if_id, 0x6b650007);
    buf.p[buf.len - 20] = 'X'; /* another kind */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_int_equal(e.kind, NL_LINK);
    assert_false(e.link.xfrm);
    buf.p[buf.len - 20] = 'x';
    buf.p[buf.len - 8] = 7; /* the if_id cut */
    d = kd_bytes(buf.p, buf.len);
    assert_true(nl_next(&d, &e));
    assert_int_equal(e.kind, NL_OTHER);
    assert_string_equal(e.text, "link: malformed kind");
}

/* --- round trips --- */

static void same_sel(const struct nl_selector *a, const struct nl_selector *b)
{
    assert_int_equal(a->family, b->family);
    assert_true(kd_prefix_eq(&a->src, &b->src));
    assert_true(kd_prefix_eq(&a->dst, &b->dst));
    assert_int_equal(a->proto, b->proto);
    assert_int_equal(a->sport, b->sport);
    assert_int_equal(a->sport_mask, b->sport_mask);
    assert_int_equal(a->dport, b->dport);
    assert_int_equal(a->dport_mask, b->dport_mask);
    assert_int_equal(a->ifindex, b->ifindex);
}

static void same_alg(const struct nl_sa_alg *a, const struct nl_sa_alg *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->key_len, b->key_len);
    assert_int_equal(a->icv_bits, b->icv_bits);
    assert_memory_equal(a->key, b->key, sizeof(a->key));
}

static void same_sa(const struct nl_sa *a, const struct nl_sa *b)
{
    assert_true(kd_addr_eq(&a->src, &b->src));
    assert_true(kd_addr_eq(&a->dst, &b->dst));
    assert_int_equal(a->spi, b->spi);
    assert_int_equal(a->reqid, b->reqid);
    assert_int_equal(a->if_id, b->if_id);
    same_sel(&a->sel, &b->sel);
    assert_int_equal(a->any_family, b->any_family);
    same_alg(&a->encr, &b->encr);
    same_alg(&a->integ, &b->integ);
    assert_int_equal(a->esn, b->esn);
    assert_int_equal(a->window, b->window);
    assert_memory_equal(&a->replay, &b->replay, sizeof(a->replay));
    assert_int_equal(a->dir, b->dir);
    assert_int_equal(a->encap, b->encap);
    assert_int_equal(a->encap_sport, b->encap_sport);
    assert_int_equal(a->encap_dport, b->encap_dport);
    assert_int_equal(a->mapping_max_s, b->mapping_max_s);
    assert_int_equal(a->mark_out, b->mark_out);
    assert_int_equal(a->mark_out_mask, b->mark_out_mask);
    assert_int_equal(a->offload, b->offload);
    assert_int_equal(a->offload_ifindex, b->offload_ifindex);
    assert_int_equal(a->pcpu_set, b->pcpu_set);
    assert_int_equal(a->pcpu, b->pcpu);
    assert_memory_equal(&a->life, &b->life, sizeof(a->life));
    assert_memory_equal(&a->used, &b->used, sizeof(a->used));
}

static struct nl_sa full_sa(bool v6)
{
    struct nl_sa sa = cbc_sa();

    if (v6) {
        sa.src = ip("2001:db8::1");
        sa.dst = ip("2001:db8::2");
    }
    sa.any_family = false;
    sa.sel = v6 ? flow("2001:db8:1::/48", "::/0") : flow("10.1.0.0/16", "10.2.0.1/32");
    sa.sel.proto = 6;
    sa.sel.dport = 179;
    sa.sel.dport_mask = 0xffff;
    sa.esn = true;
    sa.window = 64;
    sa.replay = (struct nl_sa_replay){
        .seq = 0x100000007, .oseq = 0x200000003, .n_words = 2, .words = {0x80000001, 3}};
    sa.dir_known = sa.pcpu_set = true;
    sa.pcpu = 1;
    sa.encap = true;
    sa.encap_sport = 1025;
    sa.encap_dport = 4500;
    sa.mapping_max_s = 5;
    sa.mark_out = 1;
    sa.mark_out_mask = UINT32_MAX;
    sa.offload = NL_OFFLOAD_PACKET;
    sa.offload_ifindex = 4;
    sa.life = (struct nl_sa_life){1, 2, 3, 4, 5, 6, 7, 8};
    sa.used = (struct nl_sa_used){9, 10, 11, 12};
    return sa;
}

static void an_sa_round_trips_with_everything_in_it(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct nl_sa sa = full_sa(v6), plain = gcm_sa();

        buf.len = 0;
        assert_true(nl_put_sa(&buf, 1, &sa));
        feed_back(NL_XFRM_SA);
        assert_false(ev.base.is_del);
        same_sa(&ev.sa, &sa);
        assert_int_equal(ev.sa.proto, 50);
        assert_int_equal(ev.sa.mode, XFRM_MODE_TUNNEL);
        buf.len = 0;
        plain.dir = NL_SA_BOTH;
        assert_true(nl_put_sa_update(&buf, 1, &plain));
        feed_back(NL_XFRM_SA);
        same_sa(&ev.sa, &plain);
    }
}

static void used_counters_are_read_from_the_fixed_part(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    unhex("e803000000000000 0200000000000000 0300000000000000 0400000000000000"
          "05000000 06000000 07000000",
          buf.p + CURLFT);
    feed_back(NL_XFRM_SA);
    assert_int_equal(ev.sa.used.bytes, 1000);
    assert_int_equal(ev.sa.used.packets, 2);
    assert_int_equal(ev.sa.used.add_s, 3);
    assert_int_equal(ev.sa.used.use_s, 4);
    assert_int_equal(ev.sa.dropped_replay, 6);
    assert_int_equal(ev.sa.dropped_auth, 7);
}

static void a_small_windows_state_round_trips(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.dir = NL_SA_BOTH;
    sa.replay = (struct nl_sa_replay){.seq = 9, .oseq = 4, .n_words = 1, .words = {0x1ff}};
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_VAL, "1000 0a00 04000000 09000000 ff010000");
    feed_back(NL_XFRM_SA);
    same_sa(&ev.sa, &sa);
}

static void same_policy(const struct nl_policy *a, const struct nl_policy *b)
{
    same_sel(&a->sel, &b->sel);
    assert_int_equal(a->dir, b->dir);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->if_id, b->if_id);
    assert_int_equal(a->n_tmpl, b->n_tmpl);
    assert_true(kd_addr_eq(&a->tmpl.src, &b->tmpl.src));
    assert_true(kd_addr_eq(&a->tmpl.dst, &b->tmpl.dst));
    assert_int_equal(a->tmpl.spi, b->tmpl.spi);
    assert_int_equal(a->tmpl.reqid, b->tmpl.reqid);
}

static void a_policy_round_trips(void **state)
{
    struct nl_policy p[4] = {out_policy(), out_policy(), out_policy(), out_policy()};

    (void)state;
    p[1].sel = flow("2001:db8::/32", "::/0"); /* IPv6 inside IPv4 */
    p[1].dir = NL_POLICY_FWD;
    p[1].block = true;
    p[2].tmpl = (struct nl_policy_tmpl){.reqid = 7}; /* any addresses, as inbound */
    p[2].dir = NL_POLICY_IN;
    p[3].n_tmpl = 0;
    p[3].tmpl = (struct nl_policy_tmpl){0};
    for (size_t i = 0; i < 4; i++) {
        buf.len = 0;
        assert_true(nl_put_policy(&buf, 1, &p[i], i & 1));
        feed_back(NL_XFRM_POLICY);
        same_policy(&ev.policy, &p[i]);
    }
}

/* --- what only the kernel says --- */

static void put(const void *p, size_t len)
{
    memcpy(buf.p + buf.len, p, len);
    buf.len += len;
}

static void begin(uint16_t type)
{
    struct nlmsghdr h = {.nlmsg_type = type};

    buf.len = 0;
    memset(room, 0, sizeof(room));
    put(&h, sizeof(h));
}

static void put_attr(uint16_t type, const void *p, size_t len)
{
    uint16_t head[2] = {(uint16_t)(4 + len), type};

    put(head, sizeof(head));
    put(p, len);
    while (buf.len % 4)
        buf.p[buf.len++] = 0;
}

static void end(void)
{
    uint32_t len = (uint32_t)buf.len;

    memcpy(buf.p, &len, sizeof(len));
}

/* A NEWSA's fixed part and attributes, for messages that carry an SA inside. */
static size_t sa_bytes(uint8_t *out)
{
    struct nl_sa sa = cbc_sa();
    uint8_t raw[2048];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    assert_true(nl_put_sa(&b, 1, &sa));
    memcpy(out, raw + 16, b.len - 16);
    return b.len - 16;
}

static void expire_names_the_sa_and_how_hard(void **state)
{
    uint8_t sa[1024];
    uint8_t hard[8] = {1};
    uint32_t if_id = 5;

    (void)state;
    sa_bytes(sa);
    for (int i = 0; i < 2; i++) {
        begin(XFRM_MSG_EXPIRE);
        hard[0] = (uint8_t)i;
        put(sa, 224);
        put(hard, 8);
        put_attr(XFRMA_IF_ID, &if_id, 4);
        end();
        feed_back(NL_XFRM_EXPIRE);
        assert_int_equal(ev.hard, i);
        assert_int_equal(ev.sa.spi, 0xc0ffee01);
        assert_int_equal(ev.sa.reqid, 0x6b650007);
        assert_int_equal(ev.sa.if_id, 5);
    }
}

static void a_deleted_sa_is_told_with_what_it_was(void **state)
{
    uint8_t sa[1024], id[24] = {0};
    uint32_t if_id = 5;

    (void)state;
    sa_bytes(sa);
    begin(XFRM_MSG_DELSA);
    put(id, sizeof(id));
    put_attr(XFRMA_SA, sa, 224);
    put_attr(XFRMA_IF_ID, &if_id, 4);
    end();
    feed_back(NL_XFRM_SA);
    assert_true(ev.base.is_del);
    assert_int_equal(ev.sa.spi, 0xc0ffee01);
    begin(XFRM_MSG_DELSA);
    put(id, sizeof(id));
    put_attr(XFRMA_SA, sa, 223);
    end();
    refused("sa: deleted, without which");
}

static void a_deleted_policy_is_told_with_what_it_was(void **state)
{
    struct nl_policy p = out_policy();
    uint8_t raw[1024], id[64] = {0};
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    (void)state;
    assert_true(nl_put_policy(&b, 1, &p, false));
    begin(XFRM_MSG_DELPOLICY);
    put(id, sizeof(id));
    put_attr(XFRMA_POLICY, raw + 16, 168);
    put(raw + 16 + 168, b.len - 16 - 168);
    end();
    feed_back(NL_XFRM_POLICY);
    assert_true(ev.base.is_del);
    same_policy(&ev.policy, &p);
    begin(XFRM_MSG_DELPOLICY);
    put(id, sizeof(id));
    end();
    refused("policy: deleted, without which");
}

static void mapping_tells_where_the_peer_is_now(void **state)
{
    struct xfrm_user_mapping m = {0};

    (void)state;
    assert_int_equal(sizeof(m), 64);
    begin(XFRM_MSG_MAPPING);
    unhex("c0000201 00000000 00000000 00000000 c0ffee01 0200 32 00 0700656b"
          "c6336401 00000000 00000000 00000000 c6336402 00000000 00000000 00000000 1194 0401",
          buf.p + 16);
    buf.len = 16 + 64;
    end();
    feed_back(NL_XFRM_MAPPING);
    assert_int_equal(ev.mapping.id.spi, 0xc0ffee01);
    assert_int_equal(ev.mapping.reqid, 0x6b650007);
    assert_true(kd_addr_eq(&ev.mapping.id.dst, &(struct kd_addr){4, {192, 0, 2, 1}}));
    assert_true(kd_addr_eq(&ev.mapping.old_src, &(struct kd_addr){4, {198, 51, 100, 1}}));
    assert_true(kd_addr_eq(&ev.mapping.src, &(struct kd_addr){4, {198, 51, 100, 2}}));
    assert_int_equal(ev.mapping.old_sport, 4500);
    assert_int_equal(ev.mapping.sport, 1025);
    buf.len--;
    end();
    refused("mapping: short");
}

static void newae_tells_where_the_numbers_stand(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};
    uint32_t replay[3] = {4, 9, 0x1ff};
    uint64_t used[4] = {1000, 2, 3, 4};

    (void)state;
    assert_true(nl_put_sa_threshold(&buf, 13, &id, 1));
    feed_back(NL_XFRM_AE);
    assert_false(ev.ae.has_replay);
    put_attr(XFRMA_REPLAY_VAL, replay, sizeof(replay));
    put_attr(XFRMA_LTIME_VAL, used, sizeof(used));
    end();
    feed_back(NL_XFRM_AE);
    assert_true(ev.ae.has_replay);
    assert_int_equal(ev.ae.id.spi, 0xc0ffee01);
    assert_int_equal(ev.ae.replay.seq, 9);
    assert_int_equal(ev.ae.replay.oseq, 4);
    assert_int_equal(ev.ae.used.packets, 2);
    buf.len -= 4;
    end();
    refused("ae: malformed attributes"); /* it runs over the end */
}

static void acquire_tells_the_packet_and_its_policy(void **state)
{
    struct nl_policy p = out_policy();
    struct nl_selector pkt = flow("10.1.0.1/32", "10.2.0.2/32");
    struct xfrm_user_acquire a = {0};
    uint8_t raw[1024];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    (void)state;
    assert_int_equal(sizeof(a), 280);
    assert_true(nl_put_policy(&b, 1, &p, false));
    memcpy(&a.policy, raw + 16, sizeof(a.policy));
    a.sel.family = 2;
    memcpy(&a.sel.saddr, pkt.src.addr.b, 4);
    memcpy(&a.sel.daddr, pkt.dst.addr.b, 4);
    a.sel.prefixlen_s = a.sel.prefixlen_d = 32;
    begin(XFRM_MSG_ACQUIRE);
    put(&a, sizeof(a));
    put(raw + 16 + 168, b.len - 16 - 168);
    end();
    feed_back(NL_XFRM_ACQUIRE);
    same_policy(&ev.policy, &p);
    same_sel(&ev.acquire_sel, &pkt);
    a.sel.prefixlen_s = 33;
    begin(XFRM_MSG_ACQUIRE);
    put(&a, sizeof(a));
    end();
    refused("acquire: bad family or prefix");
}

static void acks_and_the_end_of_a_dump_are_read_as_elsewhere(void **state)
{
    (void)state;
    buf.len = unhex("3e000000 0200 0003 05000000 00000000 daffffff"
                    "f8000000 1000 0506 05000000 00000000"
                    "1a00 0100 4e6f206b6579206d616e61676572 2068657265 2e00 00",
                    buf.p);
    end();
    assert_true(feed(buf.p, buf.len));
    assert_int_equal(ev.base.kind, NL_ACK);
    assert_string_equal(ev.base.text, "No key manager here.");
    assert_int_equal(ev.base.seq, 5);
    assert_int_equal(ev.base.error, 38);
    buf.len = unhex("14000000 0300 1200 06000000 00000000 00000000", buf.p);
    feed_back(NL_XFRM_NONE);
    assert_int_equal(ev.base.kind, NL_DONE);
    assert_true(ev.base.interrupted);
}

static void a_multipart_dump_is_walked_to_its_end(void **state)
{
    struct nl_sa sa = cbc_sa();
    struct kd_bytes d;
    unsigned n = 0;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        sa.spi = 0x1000 + i;
        assert_true(nl_put_sa(&buf, 7, &sa));
    }
    buf.len += unhex("14000000 0300 0200 07000000 00000000 00000000", buf.p + buf.len);
    d = kd_bytes(buf.p, buf.len);
    while (nl_xfrm_next(&d, &ev) && ev.kind == NL_XFRM_SA)
        assert_int_equal(ev.sa.spi, 0x1000 + n++);
    assert_int_equal(n, 4);
    assert_int_equal(ev.base.kind, NL_DONE);
    assert_int_equal(d.len, 0);
}

/* --- malformed --- */

/* Overwrites bytes of the attribute's payload. */
static void patch(uint16_t type, size_t at, const char *hex)
{
    size_t len, where = attr(type, &len);

    assert_int_not_equal(where, 0);
    unhex(hex, buf.p + where + 4 + at);
}

static void put_full(void)
{
    struct nl_sa sa = full_sa(false);

    fresh(NULL);
    assert_true(nl_put_sa(&buf, 1, &sa));
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

static uint64_t rng;

static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 32) % below;
}

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

/* --- room, and keys --- */

static bool put_any(struct nl_buf *b, int i)
{
    struct nl_sa sa = full_sa(false);
    struct nl_sa_id id = {sa.dst, sa.spi};
    struct nl_policy p = out_policy();

    switch (i) {
    case 0:
        return nl_put_sa(b, 1, &sa);
    case 1:
        return nl_put_sa_update(b, 1, &sa);
    case 2:
        return nl_put_sa_get(b, 1, &id);
    case 3:
        return nl_put_spi_alloc(b, 1, &sa, 256, 300);
    case 4:
        return nl_put_sa_threshold(b, 1, &id, 1);
    case 5:
        return nl_put_policy(b, 1, &p, false);
    case 6:
        return nl_put_policy_del(b, 1, &p);
    case 7:
        return nl_put_sa_dump(b, 1);
    case 8:
        return nl_put_policy_dump(b, 1);
    default:
        return nl_put_link_xfrm(b, 1, "a", 1);
    }
}
#define N_ANY 10

static void exact_room_is_enough_one_byte_less_appends_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < N_ANY; i++) {
        struct nl_buf b = {.p = room, .cap = sizeof(room)};
        size_t len;

        assert_true(put_any(&b, i));
        len = b.len;
        memset(room, 0xee, sizeof(room));
        b = (struct nl_buf){.p = room, .cap = 8 + len - 1, .len = 8};
        assert_false(put_any(&b, i));
        assert_int_equal(b.len, 8);
        for (size_t k = 0; k < sizeof(room); k++)
            assert_int_equal(room[k], 0xee);
        b.cap++;
        assert_true(put_any(&b, i));
        assert_int_equal(b.len, b.cap);
    }
}

static void the_largest_sa_fits(void **state)
{
    struct nl_sa sa = full_sa(true);

    (void)state;
    sa.window = NL_REPLAY_MAX;
    sa.encr.key_len = sa.integ.key_len = NL_SA_KEY_MAX;
    sa.used.packets = 1;
    assert_true(nl_put_sa(&buf, 1, &sa));
    feed_back(NL_XFRM_SA);
    assert_int_equal(ev.sa.window, NL_REPLAY_MAX);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_sas_fixed_part_has_the_uapis_layout),
        T(an_sas_cipher_and_integrity_carry_bits_truncation_and_key),
        T(an_aead_has_one_algorithm_with_the_salt_in_its_key),
        T(the_interface_is_named_and_nothing_that_was_not_asked_for),
        T(esp_in_udp_has_ports_in_network_order),
        T(a_window_up_to_32_without_esn_stands_in_the_fixed_part),
        T(a_wider_window_needs_its_bitmap_and_no_esn),
        T(the_widest_window_is_4096),
        T(esn_outbound_has_a_window_of_one_or_none_by_what_the_kernel_knows),
        T(the_direction_is_told_to_kernels_that_know_it_only),
        T(marks_offload_and_a_moved_sas_counters_have_their_attributes),
        T(update_is_another_type_and_replaces),
        T(delete_and_get_name_the_sa),
        T(an_spi_is_asked_for_in_a_range),
        T(a_threshold_is_set_by_newae),
        T(dumps_have_no_ack),
        T(a_policy_has_the_uapis_layout),
        T(an_updated_policy_takes_the_old_ones_place),
        T(a_bypass_has_no_template_and_a_block_says_so),
        T(a_policy_is_deleted_and_asked_for_by_direction_selector_and_interface),
        T(an_xfrm_interface_is_made_and_deleted),
        T(an_xfrm_interface_is_known_by_its_kind),
        T(an_sa_round_trips_with_everything_in_it),
        T(used_counters_are_read_from_the_fixed_part),
        T(a_small_windows_state_round_trips),
        T(a_policy_round_trips),
        T(expire_names_the_sa_and_how_hard),
        T(a_deleted_sa_is_told_with_what_it_was),
        T(a_deleted_policy_is_told_with_what_it_was),
        T(mapping_tells_where_the_peer_is_now),
        T(newae_tells_where_the_numbers_stand),
        T(acquire_tells_the_packet_and_its_policy),
        T(acks_and_the_end_of_a_dump_are_read_as_elsewhere),
        T(a_multipart_dump_is_walked_to_its_end),
        T(what_no_kernel_says_of_an_sa_is_refused),
        T(a_name_without_its_end_is_refused),
        T(what_no_kernel_says_of_a_policy_is_refused),
        T(any_cut_is_refused_or_shorter),
        T(flipped_bytes_never_break_the_parser),
        T(exact_room_is_enough_one_byte_less_appends_nothing),
        T(the_largest_sa_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
