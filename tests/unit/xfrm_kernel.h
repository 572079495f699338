/* A kernel for the tests of the kernel's data plane: it keeps SAs and policies as XFRM does as far
 * as that matters (ids are taken or not, UPDPOLICY replaces in place), reads requests from their
 * bytes, refuses the n-th on demand or loses its answer, and watches that no outbound policy ever
 * names an SA that isn't there. */
#ifndef KEDGE_TEST_XFRM_KERNEL_H
#define KEDGE_TEST_XFRM_KERNEL_H

#include "test_esp.h"

#include "io/xfrm.h"
#include "io/xfrm_sel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

/* ---- a kernel ---- */

static struct {
    struct nl_sa sa[64];
    uint32_t n_sa;
    struct nl_policy policy[1024];
    uint32_t n_policy;
    unsigned asked;   /* requests so far */
    unsigned fail_at; /* 0: none */
    int error;
    bool always;    /* all of them */
    bool lost;      /* that one is carried out, and its answer lost */
    unsigned holes; /* requests after which a policy named no SA */
    unsigned most_sas;
} k;

static struct {
    unsigned n, results, refused, seen, soft, hard, source, traffic, trouble;
    struct io_dp_event last;
} said;

static inline int sa_find(const struct kd_addr *dst, uint32_t spi)
{
    for (uint32_t i = 0; i < k.n_sa; i++)
        if (k.sa[i].spi == spi && kd_addr_eq(&k.sa[i].dst, dst))
            return (int)i;
    return -1;
}

static inline int policy_find(const struct nl_policy *p)
{
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == p->dir && k.policy[i].if_id == p->if_id &&
            io_xfrm_selector_eq(&k.policy[i].sel, &p->sel))
            return (int)i;
    return -1;
}

static inline void look_for_holes(void)
{
    for (uint32_t i = 0; i < k.n_policy; i++) {
        const struct nl_policy *p = &k.policy[i];
        if (p->dir == NL_POLICY_OUT && !p->block && p->tmpl.spi &&
            sa_find(&p->tmpl.dst, p->tmpl.spi) < 0)
            k.holes++;
    }
}

static inline int do_newsa(const struct nl_sa *sa, bool update)
{
    int i = sa_find(&sa->dst, sa->spi);

    if (update != (i >= 0))
        return update ? ESRCH : EEXIST;
    if (!update)
        i = (int)k.n_sa++;
    assert_true(k.n_sa <= KD_ARRAY_LEN(k.sa));
    k.most_sas = KD_MAX(k.most_sas, k.n_sa);
    k.sa[i] = *sa;
    return 0;
}

static inline int do_policy(const struct nl_policy *p)
{
    int i = policy_find(p);

    if (i < 0)
        i = (int)k.n_policy++;
    assert_true(k.n_policy <= KD_ARRAY_LEN(k.policy));
    k.policy[i] = *p;
    return 0;
}

/* DELSA, GETSA: struct xfrm_usersa_id. */
static inline int by_sa_id(uint16_t type, const uint8_t *fixed, io_xfrm_take_fn *take, void *arg)
{
    struct xfrm_usersa_id id;
    struct nl_xfrm_event ev = {.kind = NL_XFRM_SA};
    struct kd_addr dst;
    int i;

    memcpy(&id, fixed, sizeof(id));
    dst = kd_addr_from(id.family == AF_INET ? 4 : 6, (const uint8_t *)&id.daddr);
    i = sa_find(&dst, ntohl(id.spi));
    if (i < 0)
        return ESRCH;
    ev.sa = k.sa[i];
    if (type == XFRM_MSG_GETSA)
        take(arg, &ev);
    else
        k.sa[i] = k.sa[--k.n_sa];
    return 0;
}

/* DELPOLICY: as its dump shows it, less what doesn't name it. */
static inline int del_policy(const uint8_t *msg, size_t len)
{
    const struct xfrm_userpolicy_id *id = (const void *)(msg + 16);
    uint32_t if_id;

    memcpy(&if_id, msg + len - 4, 4); /* its only attribute */
    for (uint32_t i = 0; i < k.n_policy; i++) {
        uint8_t room[1024];
        struct nl_buf b = {room, sizeof(room), 0};

        assert_true(nl_put_policy_del(&b, 1, &k.policy[i]));
        if (k.policy[i].dir == id->dir && k.policy[i].if_id == if_id &&
            memcmp(room + 16, id, sizeof(id->sel)) == 0) {
            k.policy[i] = k.policy[--k.n_policy];
            return 0;
        }
    }
    return ENOENT;
}

static inline void dump(uint16_t type, io_xfrm_take_fn *take, void *arg)
{
    struct nl_xfrm_event ev = {.kind = type == XFRM_MSG_GETSA ? NL_XFRM_SA : NL_XFRM_POLICY};

    for (uint32_t i = 0; i < (type == XFRM_MSG_GETSA ? k.n_sa : k.n_policy); i++) {
        if (type == XFRM_MSG_GETSA)
            ev.sa = k.sa[i];
        else
            ev.policy = k.policy[i];
        take(arg, &ev);
    }
}

static inline int carry_out(const struct nl_buf *b, io_xfrm_take_fn *take, void *arg)
{
    struct kd_bytes d = kd_bytes(b->p, b->len);
    struct nl_xfrm_event ev;
    struct nlmsghdr h;

    memcpy(&h, b->p, sizeof(h));
    assert_int_equal(h.nlmsg_len, b->len); /* one message a request */
    switch (h.nlmsg_type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
        assert_true(nl_xfrm_next(&d, &ev) && ev.kind == NL_XFRM_SA);
        return do_newsa(&ev.sa, h.nlmsg_type == XFRM_MSG_UPDSA);
    case XFRM_MSG_UPDPOLICY:
        assert_true(nl_xfrm_next(&d, &ev) && ev.kind == NL_XFRM_POLICY);
        return do_policy(&ev.policy);
    case XFRM_MSG_DELPOLICY:
        return del_policy(b->p, b->len);
    default:
        if ((h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
            dump(h.nlmsg_type, take, arg);
        else
            return by_sa_id(h.nlmsg_type, b->p + 16, take, arg);
        return 0;
    }
}

static inline int talk(void *arg, const struct nl_buf *b, uint32_t seq, io_xfrm_take_fn *take,
                       void *take_arg, char *text, size_t cap)
{
    int err;

    (void)arg;
    (void)seq;
    if ((++k.asked == k.fail_at || k.always) && !k.lost) {
        snprintf(text, cap, "told to");
        return k.error;
    }
    err = carry_out(b, take, take_arg);
    look_for_holes();
    return k.asked == k.fail_at ? k.error : err;
}

static inline void tell(void *arg, const struct io_dp_event *ev)
{
    (void)arg;
    said.n++;
    said.last = *ev;
    said.results += ev->kind == IO_DP_RESULT;
    said.refused += ev->kind == IO_DP_RESULT && !ev->ok;
    said.seen += ev->kind == IO_DP_SEEN;
    said.soft += ev->kind == IO_DP_EXPIRE && ev->ok;
    said.hard += ev->kind == IO_DP_EXPIRE && !ev->ok;
    said.source += ev->kind == IO_DP_SOURCE;
    said.traffic += ev->kind == IO_DP_TRAFFIC;
    said.trouble += ev->kind == IO_DP_TROUBLE;
}

/* ---- a gateway ---- */

static struct kc_ctx *ctx;
static struct io_xfrm *x;

static inline int fresh(void **state)
{
    const struct io_xfrm_kernel kernel = {.talk = talk, .tell = tell};

    (void)state;
    memset(&k, 0, sizeof(k));
    memset(&said, 0, sizeof(said));
    x = io_xfrm_new(ctx, &kernel);
    assert_non_null(x);
    return 0;
}

static inline int done(void **state)
{
    (void)state;
    io_xfrm_free(x);
    return 0;
}

static inline struct kd_endpoint at(const char *addr, uint16_t port)
{
    struct kd_endpoint e = {.port = port};

    assert_true(kd_addr_parse(addr, &e.addr));
    return e;
}

static inline struct ike_ts ts(const char *prefix)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(prefix, true, &p));
    return ike_ts_from_prefix(&p);
}

static inline struct ike_ts_list list(const char *a, const char *b)
{
    struct ike_ts_list l = {.n = b ? 2 : 1};

    l.ts[0] = ts(a);
    if (b)
        l.ts[1] = ts(b);
    return l;
}

static inline struct kd_handle id(uint32_t n)
{
    return (struct kd_handle){.idx = n, .gen = 1};
}

/* Pair n of tunnel 3: SPIs 0x1000 + n in, 0x2000 + n out. */
static inline struct io_dp_sa pair(uint32_t n)
{
    static struct kd_handle enc, integ;
    struct io_dp_sa sa = {.tunnel = 3,
                          .child = id(n),
                          .local = at("192.0.2.1", 4500),
                          .remote = at("198.51.100.1", 4500),
                          .ts_local = list("10.1.0.0/16", NULL),
                          .ts_remote = list("10.2.0.0/16", NULL),
                          .sa = {.spi_in = 0x1000 + n,
                                 .spi_out = 0x2000 + n,
                                 .encr = KC_ENCR_AES_CBC,
                                 .encr_bits = 256,
                                 .integ = KC_INTEG_HMAC_SHA2_256_128,
                                 .replay_window = 128}};

    if (kd_handle_none(enc)) {
        enc = key_of(ctx, 32, 0, 0);
        integ = key_of(ctx, 32, 0, 0x40);
    }
    sa.sa.key_enc_in = sa.sa.key_enc_out = enc;
    sa.sa.key_int_in = sa.sa.key_int_out = integ;
    return sa;
}

static inline void add(const struct io_dp_sa *sa)
{
    unsigned results = said.results;

    io_xfrm_add(x, sa);
    assert_int_equal(said.results, results + 1);
}

static inline const struct nl_sa *in_kernel(const char *dst, uint32_t spi)
{
    struct kd_endpoint e = at(dst, 0);
    int i = sa_find(&e.addr, spi);

    assert_true(i >= 0);
    return &k.sa[i];
}

static inline uint32_t spi_of(enum nl_policy_dir dir, size_t nth)
{
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == dir && nth-- == 0)
            return k.policy[i].tmpl.spi;
    return 0;
}

static inline void nothing_left(void)
{
    assert_int_equal(k.n_sa, 0);
    assert_int_equal(k.n_policy, 0);
}

#endif
