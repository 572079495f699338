/* What the tests of XFRM's messages share: two SAs, one with everything in it, a policy; attributes
 * found by their type, messages patched, the parser fed. */
#ifndef TEST_NETLINK_XFRM_H
#define TEST_NETLINK_XFRM_H

#include "netlink/xfrm.h"
#include "test_netlink.h"

#include <linux/xfrm.h>

static struct nl_xfrm_event ev;

static inline struct nl_selector flow(const char *src, const char *dst)
{
    struct nl_selector s = {.src = net(src), .dst = net(dst)};

    s.family = s.src.addr.family;
    return s;
}

/* Feeds from a block of the exact size, so that a sanitizer sees one byte too far; at every
 * alignment. */
static inline bool feed(const uint8_t *p, size_t len)
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

static inline void feed_back(enum nl_xfrm_kind kind)
{
    assert_true(feed(buf.p, buf.len));
    assert_string_equal(ev.base.text, "");
    assert_int_equal(ev.kind, kind);
}

static inline void refused(const char *why)
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

static inline struct nl_sa cbc_sa(void)
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

static inline struct nl_sa gcm_sa(void)
{
    struct nl_sa sa = cbc_sa();

    sa.encr = (struct nl_sa_alg){.name = "rfc4106(gcm(aes))", .key_len = 36, .icv_bits = 128};
    sa.integ = (struct nl_sa_alg){0};
    memset(sa.encr.key, 0x61, 36);
    return sa;
}

/* Where the attribute of the type stands, and its length with head; 0: absent. */
static inline size_t attr(uint16_t type, size_t *len)
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

static inline void expect_attr(uint16_t type, const char *hex)
{
    size_t len, at = attr(type, &len);
    uint8_t want[1024];

    assert_int_not_equal(at, 0);
    assert_int_equal(len, unhex(hex, want));
    expect_at(at, hex);
}

static inline void expect_no_attr(uint16_t type)
{
    size_t len;

    assert_int_equal(attr(type, &len), 0);
}

static inline struct nl_sa full_sa(bool v6)
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

static inline struct nl_policy out_policy(void)
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

/* The message's length field after its bytes were put. */
static inline void end(void)
{
    uint32_t len = (uint32_t)buf.len;

    memcpy(buf.p, &len, sizeof(len));
}

static inline void put_full(void)
{
    struct nl_sa sa = full_sa(false);

    fresh(NULL);
    assert_true(nl_put_sa(&buf, 1, &sa));
}

#endif
