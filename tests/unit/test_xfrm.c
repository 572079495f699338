/* The kernel's data plane without a kernel: the one here keeps SAs and policies as XFRM does as far
 * as that matters (ids are taken or not, UPDPOLICY replaces in place), reads requests from their
 * bytes, refuses the n-th on demand, and watches that no outbound policy ever names an SA that
 * isn't there. */
#include "test_esp.h"

#include "io/decide.h"
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
    unsigned holes; /* requests after which a policy named no SA */
    unsigned most_sas;
} k;

static struct {
    unsigned n, results, refused, seen, soft, hard, source;
    struct io_dp_event last;
} said;

static int sa_find(const struct kd_addr *dst, uint32_t spi)
{
    for (uint32_t i = 0; i < k.n_sa; i++)
        if (k.sa[i].spi == spi && kd_addr_eq(&k.sa[i].dst, dst))
            return (int)i;
    return -1;
}

static int policy_find(const struct nl_policy *p)
{
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == p->dir && k.policy[i].if_id == p->if_id &&
            io_xfrm_selector_eq(&k.policy[i].sel, &p->sel))
            return (int)i;
    return -1;
}

static void look_for_holes(void)
{
    for (uint32_t i = 0; i < k.n_policy; i++) {
        const struct nl_policy *p = &k.policy[i];
        if (p->dir == NL_POLICY_OUT && !p->block && sa_find(&p->tmpl.dst, p->tmpl.spi) < 0)
            k.holes++;
    }
}

static int do_newsa(const struct nl_sa *sa, bool update)
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

static int do_policy(const struct nl_policy *p)
{
    int i = policy_find(p);

    if (i < 0)
        i = (int)k.n_policy++;
    assert_true(k.n_policy <= KD_ARRAY_LEN(k.policy));
    k.policy[i] = *p;
    return 0;
}

/* DELSA, GETSA: struct xfrm_usersa_id. */
static int by_sa_id(uint16_t type, const uint8_t *fixed, io_xfrm_take_fn *take, void *arg)
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
static int del_policy(const uint8_t *msg, size_t len)
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

static void dump(uint16_t type, io_xfrm_take_fn *take, void *arg)
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

static int carry_out(const struct nl_buf *b, io_xfrm_take_fn *take, void *arg)
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

static int talk(void *arg, const struct nl_buf *b, uint32_t seq, io_xfrm_take_fn *take,
                void *take_arg, char *text, size_t cap)
{
    int err;

    (void)arg;
    (void)seq;
    if (++k.asked == k.fail_at) {
        snprintf(text, cap, "told to");
        return k.error;
    }
    err = carry_out(b, take, take_arg);
    look_for_holes();
    return err;
}

static void tell(void *arg, const struct io_dp_event *ev)
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
}

/* ---- a gateway ---- */

static struct kc_ctx *ctx;
static struct io_xfrm *x;

static int fresh(void **state)
{
    const struct io_xfrm_kernel kernel = {.talk = talk, .tell = tell};

    (void)state;
    memset(&k, 0, sizeof(k));
    memset(&said, 0, sizeof(said));
    x = io_xfrm_new(ctx, &kernel);
    assert_non_null(x);
    return 0;
}

static int done(void **state)
{
    (void)state;
    io_xfrm_free(x);
    return 0;
}

static struct kd_endpoint at(const char *addr, uint16_t port)
{
    struct kd_endpoint e = {.port = port};

    assert_true(kd_addr_parse(addr, &e.addr));
    return e;
}

static struct ike_ts ts(const char *prefix)
{
    struct kd_prefix p;

    assert_true(kd_prefix_parse(prefix, true, &p));
    return ike_ts_from_prefix(&p);
}

static struct ike_ts_list list(const char *a, const char *b)
{
    struct ike_ts_list l = {.n = b ? 2 : 1};

    l.ts[0] = ts(a);
    if (b)
        l.ts[1] = ts(b);
    return l;
}

static struct kd_handle id(uint32_t n)
{
    return (struct kd_handle){.idx = n, .gen = 1};
}

/* Pair n of tunnel 3: SPIs 0x1000 + n in, 0x2000 + n out. */
static struct io_dp_sa pair(uint32_t n)
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

static void add(const struct io_dp_sa *sa)
{
    unsigned results = said.results;

    io_xfrm_add(x, sa);
    assert_int_equal(said.results, results + 1);
}

static const struct nl_sa *in_kernel(const char *dst, uint32_t spi)
{
    struct kd_endpoint e = at(dst, 0);
    int i = sa_find(&e.addr, spi);

    assert_true(i >= 0);
    return &k.sa[i];
}

static uint32_t spi_of(enum nl_policy_dir dir, size_t nth)
{
    for (uint32_t i = 0; i < k.n_policy; i++)
        if (k.policy[i].dir == dir && nth-- == 0)
            return k.policy[i].tmpl.spi;
    return 0;
}

static void nothing_left(void)
{
    assert_int_equal(k.n_sa, 0);
    assert_int_equal(k.n_policy, 0);
}

/* ---- a pair ---- */

static void a_pair_is_two_sas_and_three_policies_of_the_tunnels_ids(void **state)
{
    struct io_dp_sa sa = pair(1);
    const struct nl_sa *in, *out;

    (void)state;
    add(&sa);
    assert_true(said.last.ok);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
    in = in_kernel("192.0.2.1", 0x1001);
    out = in_kernel("198.51.100.1", 0x2001);
    assert_int_equal(in->if_id, IO_XFRM_ID_BASE + 4);
    assert_int_equal(in->reqid, IO_XFRM_ID_BASE + 4);
    assert_int_equal(out->if_id, in->if_id);
    assert_int_equal(in->window, 128);
    assert_false(in->encap);
    assert_string_equal(in->encr.name, "cbc(aes)");
    assert_string_equal(in->integ.name, "hmac(sha256)");
    assert_int_equal(in->integ.icv_bits, 128);
    assert_int_equal(in->encr.key[1], 1);
    assert_int_equal(in->sel.src.addr.b[1], 2); /* what comes in has to be from 10.2.0.0/16 */
    assert_true(out->any_family);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(k.policy[i].if_id, in->if_id);
        assert_int_equal(k.policy[i].tmpl.reqid, in->reqid);
        assert_false(k.policy[i].block);
    }
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001);
    assert_int_equal(spi_of(NL_POLICY_IN, 0), 0); /* any: it receives on all of its SAs */
    assert_int_equal(spi_of(NL_POLICY_FWD, 0), 0);
    io_xfrm_del(x, 3, id(1));
    nothing_left();
    assert_int_equal(k.holes, 0);
}

static void esp_in_udp_has_the_ports_of_its_direction(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.sa.encap = true;
    sa.remote.port = 1025;
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_sport, 1025);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_dport, 4500);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_sport, 4500);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_dport, 1025);
}

static void limits_are_the_kernels_to_watch_and_told_once(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_EXPIRE};

    (void)state;
    sa.sa.limits = (struct ike_limits){
        .soft_bytes = 900, .hard_bytes = 1000, .soft_packets = 9, .hard_packets = 10};
    add(&sa);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->life.hard_bytes, 1000);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->life.soft_packets, 9);
    ev.sa = *in_kernel("198.51.100.1", 0x2001);
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.soft, 1);
    assert_true(kd_handle_eq(said.last.child, id(1)));
    ev.hard = true;
    io_xfrm_heard(x, &ev, 2);
    io_xfrm_heard(x, &ev, 3);
    assert_int_equal(said.hard, 1);
    ev.hard = false;
    io_xfrm_heard(x, &ev, 4); /* after the end nothing more */
    assert_int_equal(said.soft, 1);
}

static void anothers_expiry_is_not_ours(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_EXPIRE, .hard = true};

    (void)state;
    add(&sa);
    ev.sa = *in_kernel("198.51.100.1", 0x2001);
    ev.sa.spi++;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.spi--;
    ev.sa.reqid = 7;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.reqid = IO_XFRM_ID_BASE;
    io_xfrm_heard(x, &ev, 1);
    ev.sa.reqid = IO_XFRM_ID_BASE + 0xffff;
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.n, 1);
}

/* ---- rekey ---- */

static void a_rekey_switches_when_told_and_never_leaves_a_hole(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    assert_int_equal(k.n_sa, 4);
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001); /* both receive, the first sends */
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.n_sa, 4);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(k.holes, 0);
    io_xfrm_del(x, 3, id(2));
    nothing_left();
    assert_int_equal(k.holes, 0);
    assert_int_equal(said.hard, 0);
}

static void a_successor_sends_when_its_elder_goes_before_it_was_put_to_use(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    add(&second);
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.holes, 0);
}

static void a_refused_switch_leaves_the_old_pair_sending_and_ends_the_new(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    first.ts_remote = second.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    k.fail_at = k.asked + 2; /* the second of two policies */
    k.error = ENOMEM;
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2001);
    assert_int_equal(spi_of(NL_POLICY_OUT, 1), 0x2001);
    assert_int_equal(said.hard, 1);
    assert_true(kd_handle_eq(said.last.child, id(2)));
    assert_non_null(strstr(said.last.text, "told to"));
    io_xfrm_del(x, 3, id(2));
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 6);
    assert_int_equal(k.holes, 0);
}

static void a_rekey_with_narrower_selectors_keeps_what_the_old_one_had_until_it_goes(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    second.ts_remote = list("10.2.1.0/24", NULL);
    add(&first);
    io_xfrm_use(x, 3, id(1));
    add(&second);
    io_xfrm_use(x, 3, id(2));
    assert_int_equal(k.n_policy, 6);
    assert_true(k.policy[3].priority < k.policy[0].priority); /* the narrower wins */
    io_xfrm_del(x, 3, id(1));
    assert_int_equal(k.n_policy, 3);
    assert_int_equal(spi_of(NL_POLICY_OUT, 0), 0x2002);
    assert_int_equal(k.holes, 0);
}

/* ---- refusals ---- */

static void the_kernels_own_words_are_the_reason(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    k.fail_at = 1;
    k.error = ENOSYS;
    add(&sa);
    assert_false(said.last.ok);
    assert_string_equal(said.last.text, "told to");
    nothing_left();
}

static void an_spi_that_is_taken_refuses_the_pair_and_stays_whose_it_is(void **state)
{
    struct io_dp_sa sa = pair(1), other = pair(1);

    (void)state;
    add(&sa);
    other.child = id(9);
    add(&other);
    assert_false(said.last.ok);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.n_policy, 3);
}

/* Everything a tunnel does in its life; each call may have been refused before. */
static void live(void)
{
    struct io_dp_sa first = pair(1), second = pair(2);
    struct kd_endpoint local = first.local, port = at("198.51.100.1", 1025);
    struct kd_endpoint moved = at("203.0.113.9", 1026);
    struct io_dp_counters c;

    first.sa.encap = second.sa.encap = true;
    first.ts_remote = second.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    io_xfrm_add(x, &first);
    io_xfrm_use(x, 3, id(1));
    (void)io_xfrm_tick(x);
    io_xfrm_add(x, &second);
    io_xfrm_use(x, 3, id(2));
    io_xfrm_del(x, 3, id(1));
    io_xfrm_mute(x, 3, true);
    io_xfrm_mute(x, 3, false);
    io_xfrm_move(x, 3, id(2), &local, &port);
    io_xfrm_move(x, 3, id(2), &local, &moved);
    (void)io_xfrm_count(x, id(2), &c);
    io_xfrm_resync(x);
}

/* For every n: the n-th request of a tunnel's life is refused. What is in the kernel then is what
 * the account has, and goes with the tunnel; who could not be served was told. */
static void whichever_request_is_refused_nothing_is_left_behind(void **state)
{
    static const int errors[] = {ENOMEM, ENOBUFS, EINVAL, ETIMEDOUT};
    unsigned total;

    live();
    total = k.asked;
    assert_int_equal(k.holes, 0);
    assert_int_equal(said.hard, 0);
    assert_true(total > 40);
    done(state);
    for (size_t e = 0; e < KD_ARRAY_LEN(errors); e++)
        for (unsigned n = 1; n <= total; n++) {
            fresh(state);
            k.fail_at = n;
            k.error = errors[e];
            live();
            io_xfrm_tunnel_del(x, 3);
            while (io_xfrm_tick(x))
                ;
            if (k.n_sa || k.n_policy)
                fail_msg("request %u of %u refused (%d): %u SAs, %u policies left", n, total,
                         errors[e], k.n_sa, k.n_policy);
            done(state);
        }
    fresh(state);
}

static void a_pair_that_has_a_result_of_refused_is_not_there(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    sa.ts_remote = list("10.2.0.0/16", "10.3.0.0/16");
    for (unsigned n = 1; n <= 8; n++) {
        done(state);
        fresh(state);
        k.fail_at = n;
        k.error = ENOMEM;
        add(&sa);
        assert_false(said.last.ok);
        nothing_left();
    }
    done(state);
    fresh(state);
    k.fail_at = 9; /* two SAs, two times three policies: that was all */
    add(&sa);
    assert_true(said.last.ok);
}

/* ---- while it is up ---- */

static void the_first_packet_is_told_once(void **state)
{
    struct io_dp_sa sa = pair(1);

    (void)state;
    add(&sa);
    assert_true(io_xfrm_tick(x));
    assert_int_equal(said.seen, 0);
    k.sa[0].used.packets = 1; /* the inbound one is made first */
    io_xfrm_tick(x);
    assert_int_equal(said.seen, 1);
    assert_false(io_xfrm_tick(x)); /* nobody is waited for */
    assert_int_equal(said.seen, 1);
}

static void an_sa_that_somebody_took_away_ends_its_pair(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_ACQUIRE};

    (void)state;
    add(&first);
    second.tunnel = 4;
    add(&second);
    ev.policy = k.policy[0];
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.hard, 0); /* all there */
    k.n_sa = 0;
    io_xfrm_heard(x, &ev, 1);
    assert_int_equal(said.hard, 1);
    assert_true(kd_handle_eq(said.last.child, id(1)));
    io_xfrm_resync(x);
    assert_int_equal(said.hard, 2);
    io_xfrm_resync(x);
    assert_int_equal(said.hard, 2);
}

static void a_peer_elsewhere_is_told_and_no_more_than_ten_times_a_second(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct nl_xfrm_event ev = {.kind = NL_XFRM_MAPPING};

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    ev.mapping.id = (struct nl_sa_id){sa.local.addr, 0x1001};
    ev.mapping.reqid = IO_XFRM_ID_BASE + 4;
    ev.mapping.src = sa.remote.addr;
    ev.mapping.sport = 4500;
    io_xfrm_heard(x, &ev, 1000000);
    assert_int_equal(said.source, 0); /* where it is */
    ev.mapping.sport = 1025;
    io_xfrm_heard(x, &ev, 1000000);
    io_xfrm_heard(x, &ev, 1099999);
    assert_int_equal(said.source, 1);
    assert_int_equal(said.last.remote.port, 1025);
    io_xfrm_heard(x, &ev, 1100000);
    assert_int_equal(said.source, 2);
}

static void another_port_is_an_update_of_both_sas(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint to = at("198.51.100.1", 1025);

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    io_xfrm_move(x, 3, id(1), &sa.local, &to);
    assert_int_equal(k.n_sa, 2);
    assert_int_equal(k.most_sas, 2);
    assert_int_equal(in_kernel("192.0.2.1", 0x1001)->encap_sport, 1025);
    assert_int_equal(in_kernel("198.51.100.1", 0x2001)->encap_dport, 1025);
    assert_int_equal(k.holes, 0);
}

static void another_address_is_a_new_sa_that_goes_on_counting(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint to = at("203.0.113.9", 1025);
    const struct nl_sa *in, *out;

    (void)state;
    sa.sa.encap = true;
    add(&sa);
    k.sa[0].replay = (struct nl_sa_replay){.seq = 77, .n_words = 4, .words = {1, 2, 3, 4}};
    k.sa[1].replay.oseq = 99;
    k.sa[1].used = (struct nl_sa_used){.bytes = 5000, .packets = 99, .use_s = 4};
    io_xfrm_move(x, 3, id(1), &sa.local, &to);
    assert_int_equal(said.hard, 0);
    assert_int_equal(k.n_sa, 2);
    in = in_kernel("192.0.2.1", 0x1001);
    out = in_kernel("203.0.113.9", 0x2001);
    assert_true(kd_addr_eq(&in->src, &to.addr));
    assert_int_equal(in->replay.seq, 77); /* an old packet is still an old packet */
    assert_int_equal(in->replay.words[3], 4);
    assert_true(out->replay.oseq > 99); /* and no number is used twice */
    assert_int_equal(out->used.bytes, 5000);
    assert_int_equal(in->encr.key[1], 1); /* its keys are the arena's, not what GETSA shows */
    assert_int_equal(k.holes, 0);
    io_xfrm_del(x, 3, id(1));
    nothing_left();
}

static void our_own_other_address_blocks_meanwhile(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct kd_endpoint local = at("192.0.2.2", 4500);

    (void)state;
    add(&sa);
    io_xfrm_move(x, 3, id(1), &local, &sa.remote);
    assert_int_equal(said.hard, 0);
    in_kernel("192.0.2.2", 0x1001);
    assert_int_equal(k.holes, 0); /* a packet would have made a larval SA of the same id */
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_false(k.policy[i].block);
}

static void a_muted_tunnel_blocks_both_ways_and_its_new_pairs_too(void **state)
{
    struct io_dp_sa first = pair(1), second = pair(2);

    (void)state;
    add(&first);
    io_xfrm_mute(x, 3, true);
    second.ts_remote = list("10.9.0.0/16", NULL);
    add(&second);
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_true(k.policy[i].block);
    io_xfrm_mute(x, 3, false);
    for (uint32_t i = 0; i < k.n_policy; i++)
        assert_false(k.policy[i].block);
}

static void counters_are_the_kernels(void **state)
{
    struct io_dp_sa sa = pair(1);
    struct io_dp_counters c;

    (void)state;
    assert_false(io_xfrm_count(x, id(1), &c));
    add(&sa);
    k.sa[0].used = (struct nl_sa_used){.bytes = 10, .packets = 1};
    k.sa[1].used = (struct nl_sa_used){.bytes = 20, .packets = 2};
    k.sa[0].dropped_replay = 3;
    k.sa[0].dropped_auth = 4;
    assert_true(io_xfrm_count(x, id(1), &c));
    assert_int_equal(c.bytes_in, 10);
    assert_int_equal(c.packets_out, 2);
    assert_int_equal(c.dropped_replay, 3);
    assert_int_equal(c.dropped_auth, 4);
}

static void what_an_earlier_life_left_goes_and_the_neighbors_stays(void **state)
{
    struct io_dp_sa sa = pair(1);
    char text[160];

    (void)state;
    add(&sa);
    k.sa[k.n_sa] = k.sa[0];
    k.sa[k.n_sa].spi = 0x77;
    k.sa[k.n_sa].reqid = k.sa[k.n_sa].if_id = 1; /* a strongSwan's */
    k.n_sa++;
    k.policy[k.n_policy] = k.policy[0];
    k.policy[k.n_policy++].if_id = 0;
    done(state);
    x = io_xfrm_new(ctx, &(struct io_xfrm_kernel){.talk = talk, .tell = tell});
    assert_true(io_xfrm_clean(x, text, sizeof(text)));
    assert_int_equal(k.n_sa, 1);
    assert_int_equal(k.sa[0].spi, 0x77);
    assert_int_equal(k.n_policy, 1);
    assert_int_equal(k.policy[0].if_id, 0);
}

/* ---- selectors ---- */

static bool sel_match(const struct nl_selector *s, const struct kd_addr *src,
                      const struct kd_addr *dst, uint8_t proto, uint16_t sport, uint16_t dport)
{
    return kd_prefix_has(&s->src, src) && kd_prefix_has(&s->dst, dst) &&
           (!s->proto || s->proto == proto) && ((sport ^ s->sport) & s->sport_mask) == 0 &&
           ((dport ^ s->dport) & s->dport_mask) == 0;
}

static void selectors_match_what_the_ranges_match(void **state)
{
    struct ike_ts_list local = {.n = 1}, remote = {.n = 1};
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;
    uint32_t n;

    (void)state;
    local.ts[0] = (struct ike_ts){.proto = 6, .port_lo = 1000, .port_hi = 1999};
    local.ts[0].lo = at("10.0.0.5", 0).addr;
    local.ts[0].hi = at("10.0.0.9", 0).addr;
    remote.ts[0] = ts("10.2.0.0/16");
    n = io_xfrm_selectors(&local, &remote, sel, &why);
    assert_in_range(n, 1, IO_XFRM_SELS_MAX);
    for (uint32_t last = 0; last < 16; last++)
        for (uint32_t port = 990; port < 2010; port++) {
            struct kd_addr src = kd_addr_v4(0x0a000000 + last), dst = kd_addr_v4(0x0a020304);
            unsigned hits = 0;

            for (uint32_t i = 0; i < n; i++)
                hits += sel_match(&sel[i], &src, &dst, 6, (uint16_t)port, 80);
            assert_int_equal(hits, last >= 5 && last <= 9 && port >= 1000 && port <= 1999);
        }
}

static void whole_spaces_and_single_values_are_one_selector(void **state)
{
    struct ike_ts_list a = list("0.0.0.0/0", NULL), b = list("::/0", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].src.len, 0);
    assert_int_equal(sel[0].sport_mask, 0);
    assert_int_equal(io_xfrm_selectors(&b, &b, sel, &why), 1);
    assert_int_equal(sel[0].family, 6);
    a = list("255.255.255.255/32", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].src.len, 32);
    a.ts[0].proto = 6;
    a.ts[0].port_lo = a.ts[0].port_hi = 65535;
    assert_int_equal(io_xfrm_selectors(&a, &a, sel, &why), 1);
    assert_int_equal(sel[0].sport_mask, 0xffff);
}

static void families_and_protocols_that_no_packet_has_at_once_make_nothing(void **state)
{
    struct ike_ts_list a = list("0.0.0.0/0", "::/0"), b = list("10.0.0.0/8", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    b = list("2001:db8::/32", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    a = list("10.0.0.0/8", NULL);
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_string_equal(why, "no packet matches its selectors");
}

static void too_many_pieces_are_refused_and_one_less_is_not(void **state)
{
    struct ike_ts_list a = {.n = 1}, b = {.n = 1};
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;

    (void)state;
    a.ts[0] = ts("0.0.0.0/0");
    a.ts[0].lo = at("0.0.0.1", 0).addr; /* 32 prefixes */
    b.ts[0] = ts("10.0.0.0/8");
    b.ts[0].hi = at("10.0.0.14", 0).addr; /* 4 */
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 128);
    b.ts[0].lo = at("10.0.0.1", 0).addr; /* 6 */
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_non_null(strstr(why, "128"));
}

static void icmp_types_have_a_field_of_their_own(void **state)
{
    struct ike_ts_list a = list("10.0.0.0/8", NULL), b = list("10.0.0.0/8", NULL);
    struct nl_selector sel[IO_XFRM_SELS_MAX], back;
    const char *why;

    (void)state;
    a.ts[0].proto = b.ts[0].proto = 1;
    a.ts[0].port_lo = b.ts[0].port_lo = 8 << 8;
    a.ts[0].port_hi = b.ts[0].port_hi = 8 << 8 | 0xff;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 1);
    assert_int_equal(sel[0].sport, 8);
    assert_int_equal(sel[0].sport_mask, 0xffff);
    assert_int_equal(sel[0].dport_mask, 0);
    back = io_xfrm_selector_back(&sel[0]);
    assert_int_equal(back.sport, 8); /* the type does not change sides */
    b.ts[0].port_hi = 9 << 8;
    assert_int_equal(io_xfrm_selectors(&a, &b, sel, &why), 0);
    assert_non_null(strstr(why, "ICMP"));
}

/* ---- which data plane ---- */

static const char *lacking; /* the kernel's name of what it can't do */
static unsigned probes;

static enum nl_esp_support probe(void *arg, const struct kd_addr *local,
                                 const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                 char *reason, size_t cap)
{
    (void)arg;
    (void)local;
    probes++;
    if (!lacking || (strcmp(encr->name, lacking) != 0 && strcmp(integ->name, lacking) != 0))
        return NL_ESP_SUPPORTED;
    snprintf(reason, cap, "no ESP in this kernel: Requested type not found");
    return NL_ESP_ABSENT;
}

static void suite(struct core_tunnel_config *t, const char *local, const char *esp)
{
    char err[128];

    t->ike.local = at(local, 0).addr;
    t->ike.esp.n = 1;
    assert_true(ike_proposal_from_string(esp, IKE_PROTO_ESP, &t->ike.esp.p[0], err, sizeof(err)));
}

static void auto_decides_each_address_by_the_suites_of_its_tunnels(void **state)
{
    static struct core_tunnel_config t[3];
    struct core_config cfg = {.n_listen = 2, .n_tunnels = 3, .tunnels = t};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    cfg.listen[1] = at("192.0.2.2", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-sha256");
    suite(&t[1], "192.0.2.1", "aes256gcm16");
    suite(&t[2], "192.0.2.2", "chacha20poly1305");
    lacking = NULL;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_int_equal(d.at[1], CORE_DP_XFRM);
    assert_int_equal(d.all, CORE_DP_XFRM);
    assert_string_equal(why, "xfrm for 192.0.2.1: the kernel does all suites of its tunnels; "
                             "xfrm for 192.0.2.2: the kernel does all suites of its tunnels");
    cfg.n_listen = 3; /* an address without a tunnel changes nothing */
    cfg.listen[2] = at("192.0.2.3", 0).addr;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[2], CORE_DP_TUN);
    assert_int_equal(d.all, CORE_DP_XFRM);
    assert_non_null(strstr(why, "tun for 192.0.2.3: no tunnel has this address"));
    lacking = "rfc7539esp(chacha20,poly1305)";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_int_equal(d.at[1], CORE_DP_TUN);
    assert_int_equal(d.all, CORE_DP_TUN);
    assert_non_null(strstr(why, "tun for 192.0.2.2: chacha20poly1305: no ESP in this kernel"));
    assert_int_equal(io_decision_of(&d, &cfg, &cfg.listen[0]), CORE_DP_XFRM);
    assert_int_equal(io_decision_of(&d, &cfg, &cfg.listen[1]), CORE_DP_TUN);
}

static void a_suite_is_asked_for_once_an_address(void **state)
{
    static struct core_tunnel_config t[2];
    struct core_config cfg = {.n_listen = 1, .n_tunnels = 2, .tunnels = t};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-aes128-sha256-sha1");
    suite(&t[1], "192.0.2.1", "aes256-aes128-sha256-sha1");
    lacking = NULL;
    probes = 0;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(probes, 4);
}

static void what_is_configured_stays_and_what_it_lacks_is_said(void **state)
{
    static struct core_tunnel_config t[1];
    struct core_config cfg = {
        .n_listen = 1, .n_tunnels = 1, .tunnels = t, .dataplane = CORE_DP_XFRM};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-sha256");
    lacking = NULL;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_string_equal(why, "xfrm: configured");
    assert_false(d.unable);
    lacking = "hmac(sha256)";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_true(d.unable);
    assert_non_null(strstr(why, "xfrm for 192.0.2.1: aes256-sha256: no ESP in this kernel"));
    cfg.dataplane = CORE_DP_TUN;
    probes = 0;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_TUN);
    assert_int_equal(probes, 0);
    assert_string_equal(why, "tun: configured");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pair_is_two_sas_and_three_policies_of_the_tunnels_ids),
        T(esp_in_udp_has_the_ports_of_its_direction),
        T(limits_are_the_kernels_to_watch_and_told_once),
        T(anothers_expiry_is_not_ours),
        T(a_rekey_switches_when_told_and_never_leaves_a_hole),
        T(a_successor_sends_when_its_elder_goes_before_it_was_put_to_use),
        T(a_refused_switch_leaves_the_old_pair_sending_and_ends_the_new),
        T(a_rekey_with_narrower_selectors_keeps_what_the_old_one_had_until_it_goes),
        T(the_kernels_own_words_are_the_reason),
        T(an_spi_that_is_taken_refuses_the_pair_and_stays_whose_it_is),
        T(whichever_request_is_refused_nothing_is_left_behind),
        T(a_pair_that_has_a_result_of_refused_is_not_there),
        T(the_first_packet_is_told_once),
        T(an_sa_that_somebody_took_away_ends_its_pair),
        T(a_peer_elsewhere_is_told_and_no_more_than_ten_times_a_second),
        T(another_port_is_an_update_of_both_sas),
        T(another_address_is_a_new_sa_that_goes_on_counting),
        T(our_own_other_address_blocks_meanwhile),
        T(a_muted_tunnel_blocks_both_ways_and_its_new_pairs_too),
        T(counters_are_the_kernels),
        T(what_an_earlier_life_left_goes_and_the_neighbors_stays),
        T(selectors_match_what_the_ranges_match),
        T(whole_spaces_and_single_values_are_one_selector),
        T(families_and_protocols_that_no_packet_has_at_once_make_nothing),
        T(too_many_pieces_are_refused_and_one_less_is_not),
        T(icmp_types_have_a_field_of_their_own),
        T(auto_decides_each_address_by_the_suites_of_its_tunnels),
        T(a_suite_is_asked_for_once_an_address),
        T(what_is_configured_stays_and_what_it_lacks_is_said),
    };

    ctx = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(ctx);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
