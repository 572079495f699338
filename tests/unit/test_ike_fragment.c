/* Fragmented messages (RFC 7383): cut, lost, repeated, put together, and by an ill-behaved peer.
 * Datagrams have 576 octets here, so that ordinary messages need fragments. */
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

#define BIG_IKE "aes256-sha256-modp2048"
#define BIG_ESP "aes256-sha256-modp4096" /* a rekey's KE alone has 512 octets */
#define SIZE    576

/* What went over the wire. */
struct tape {
    unsigned whole, fragments, init_fragments, largest;
    struct pair_packet k[128];
    unsigned n;
    /* drops: the n-th fragment of that exchange and direction, so many times */
    uint8_t exchange;
    bool response;
    uint16_t number;
    int times;
};

static bool tape_filter(struct pair *p, struct pair_packet *k)
{
    struct tape *t = p->ctx;
    bool fragment = k->data[16] == IKE_PL_SKF;

    t->whole += !fragment;
    t->fragments += fragment;
    t->init_fragments += fragment && k->data[18] == IKE_X_SA_INIT;
    if (k->data[18] != IKE_X_SA_INIT)
        t->largest = KD_MAX(t->largest, (unsigned)k->len + 28 + (k->natt ? 4 : 0));
    if (t->n < 128) {
        t->k[t->n] = *k;
        t->k[t->n].data = malloc(k->len);
        memcpy(t->k[t->n++].data, k->data, k->len);
    }
    if (fragment && t->times > 0 && k->data[18] == t->exchange &&
        !!(k->data[19] & IKE_FLAG_RESPONSE) == t->response && k->data[33] == t->number) {
        t->times--;
        return false;
    }
    return true;
}

static void tape_free(struct tape *t)
{
    for (unsigned i = 0; i < t->n; i++)
        free(t->k[i].data);
    memset(t, 0, sizeof(*t));
}

/* Identities of 200 octets and eight selectors each make IKE_AUTH larger than a datagram, both
 * ways. */
static void long_id(struct ike_id *id, char c)
{
    id->type = IKE_ID_KEY_ID;
    id->len = 200;
    memset(id->data, c, id->len);
}

static void many_ts(struct ike_ts_list *l)
{
    l->n = 8;
    for (uint8_t i = 0; i < 8; i++) {
        struct kd_addr a = kd_addr_v4(0x0a000000u | (uint32_t)i << 16);
        struct kd_prefix net = kd_prefix_make(&a, 24);
        l->ts[i] = ike_ts_from_prefix(&net);
    }
}

static struct pair *big_pair(uint64_t seed, const char *ike, const char *esp, struct tape *t)
{
    struct pair *p = pair_new(seed, ike, esp);

    for (int i = 0; i < 2; i++) {
        p->s[i].cfg.fragment_size = SIZE;
        long_id(&p->s[i].cfg.local_id, i ? 'b' : 'a');
        long_id(&p->s[i].cfg.remote_id, i ? 'a' : 'b');
        many_ts(&p->s[i].cfg.child[0].local_ts);
        many_ts(&p->s[i].cfg.child[0].remote_ts);
        pair_config(p, i);
    }
    if (t) {
        memset(t, 0, sizeof(*t));
        p->filter = tape_filter;
        p->ctx = t;
    }
    return p;
}

static struct pair *big_established(uint64_t seed, const char *ike, const char *esp)
{
    struct pair *p = big_pair(seed, ike, esp, NULL);

    if (!pair_establish(p)) {
        pair_dump(p);
        fail_msg("not established");
    }
    return p;
}

/* ---- between two of ours ---- */

static void every_exchange_comes_through_in_datagrams_of_the_size(void **state)
{
    static const char *const suites[][2] = {
        {BIG_IKE, BIG_ESP},
        {"aes256gcm16-prfsha256-modp4096", "aes256gcm16-modp4096"},
        {"chacha20poly1305-prfsha512-modp4096", "aes128gcm16-modp4096"},
        {"aes128-sha512-modp4096", BIG_ESP},
    };
    static struct tape t;
    struct ike_view v, w;
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(suites); i++) {
        struct pair *p = big_pair(i, suites[i][0], suites[i][1], &t);
        assert_true(pair_establish(p));
        assert_int_equal(t.fragments, 4); /* IKE_AUTH, two each way */
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(1));
        assert_int_equal(p->s[A].adds, 2);
        assert_true(t.fragments >= 8);
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        pair_command(p, B, IKE_CMD_REKEY_IKE);
        pair_run(p, KD_S(1));
        assert_true(ike_conn_view(p->s[A].e, 7, &w));
        assert_memory_not_equal(v.spi_i, w.spi_i, 8);
        pair_command(p, A, IKE_CMD_REKEY_CHILD); /* the rekeyed SA still does it */
        pair_run(p, KD_S(8));
        assert_int_equal(p->s[A].adds, 3);
        assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
        assert_int_equal(t.init_fragments, 0);
        assert_in_range(t.largest, SIZE - 32, SIZE);
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(30));
        assert_true(pair_nothing_left(p));
        pair_free(p);
        tape_free(&t);
    }
}

static void the_size_is_of_the_datagram_behind_a_nat_as_well(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(5, BIG_IKE, BIG_ESP, &t);
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    assert_true(pair_establish(p));
    assert_true(t.fragments >= 4);
    assert_in_range(t.largest, SIZE - 32, SIZE);
    pair_free(p);
    tape_free(&t);
}

/* 20 octets more of the datagram are IPv6's header. */
static void the_size_is_of_the_datagram_over_ipv6_as_well(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(5, BIG_IKE, BIG_ESP, &t);
    (void)state;

    for (int i = 0; i < 2; i++) {
        assert_true(kd_addr_parse(i ? "2001:db8::b" : "2001:db8::a", &p->s[i].cfg.local));
        assert_true(kd_addr_parse(i ? "2001:db8::a" : "2001:db8::b", &p->s[i].cfg.remote));
        pair_config(p, i);
    }
    assert_true(pair_establish(p));
    assert_true(t.fragments >= 4);
    assert_in_range(t.largest + 20, SIZE - 32, SIZE);
    pair_free(p);
    tape_free(&t);
}

static void nothing_is_cut_unless_both_ends_have_said_so(void **state)
{
    static struct tape t;
    (void)state;

    for (int off = 0; off < 2; off++) {
        struct pair *p = big_pair(6, BIG_IKE, BIG_ESP, &t);
        p->s[off].cfg.fragment_size = IKE_FRAGMENT_OFF;
        pair_config(p, off);
        assert_true(pair_establish(p));
        pair_command(p, A, IKE_CMD_REKEY_CHILD);
        pair_run(p, KD_S(1));
        assert_int_equal(p->s[A].adds, 2);
        assert_int_equal(t.fragments, 0);
        pair_free(p);
        tape_free(&t);
    }
}

static void messages_that_fit_are_not_cut(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(6, BIG_IKE, BIG_ESP, &t);
    (void)state;

    p->s[A].cfg.fragment_size = p->s[B].cfg.fragment_size = 0; /* 1280 */
    pair_config(p, A);
    pair_config(p, B);
    assert_true(pair_establish(p));
    assert_int_equal(t.fragments, 0);
    assert_true(t.largest > SIZE);
    pair_free(p);
    tape_free(&t);
}

/* ---- IKE_INTERMEDIATE (RFC 9242 3.3.1): AUTH proves what was inside, however it travelled ---- */

#define INTER_IKE "aes256-sha256-x25519-ke1_modp4096-ke2_ecp384" /* the first needs two, each way */

static unsigned inter_fragments(const struct tape *t, bool response)
{
    unsigned n = 0;

    for (unsigned i = 0; i < t->n; i++)
        n += t->k[i].data[16] == IKE_PL_SKF && t->k[i].data[18] == IKE_X_INTERMEDIATE &&
             !!(t->k[i].data[19] & IKE_FLAG_RESPONSE) == response;
    return n;
}

static void an_intermediate_exchange_is_cut_by_either_end_or_both(void **state)
{
    static const uint16_t size[][2] = {{SIZE, SIZE}, {SIZE, 0}, {0, SIZE}, {0, 0}};
    static struct tape t;
    struct ike_view v;
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(size); i++) {
        struct pair *p = big_pair(30 + i, INTER_IKE, BIG_ESP, &t);
        for (int side = A; side <= B; side++) {
            p->s[side].cfg.fragment_size = size[i][side];
            pair_config(p, side);
        }
        assert_true(pair_establish(p));
        assert_true(pair_children_agree(p));
        assert_true(ike_conn_view(p->s[A].e, 7, &v));
        assert_string_equal(v.suite, INTER_IKE);
        assert_int_equal(inter_fragments(&t, false), size[i][A] ? 2 : 0);
        assert_int_equal(inter_fragments(&t, true), size[i][B] ? 2 : 0);
        pair_free(p);
        tape_free(&t);
    }
}

static void a_lost_fragment_of_an_intermediate_exchange_is_repeated(void **state)
{
    static struct tape t;
    (void)state;

    for (int response = 0; response < 2; response++)
        for (uint16_t number = 1; number <= 2; number++) {
            struct pair *p = big_pair(40, INTER_IKE, BIG_ESP, &t);
            t.exchange = IKE_X_INTERMEDIATE;
            t.response = response;
            t.number = number;
            t.times = 1;
            pair_establish(p);
            pair_run(p, KD_S(2));
            assert_int_equal(t.times, 0);
            assert_true(pair_up(p, A) && pair_up(p, B) && pair_children_agree(p));
            assert_int_equal(inter_fragments(&t, false), 4);
            assert_int_equal(inter_fragments(&t, true), response ? 4 : 2);
            pair_free(p);
            tape_free(&t);
        }
}

/* ---- loss ---- */

static bool same(const struct pair_packet *a, const struct pair_packet *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void a_lost_fragment_brings_the_whole_set_again_bit_for_bit(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(7, BIG_IKE, BIG_ESP, &t);
    (void)state;

    t.exchange = IKE_X_AUTH;
    t.number = 2;
    t.times = 1;
    assert_true(pair_establish(p));
    pair_run(p, KD_S(1));
    assert_int_equal(t.fragments, 6);
    assert_true(same(&t.k[2], &t.k[4]) && same(&t.k[3], &t.k[5]));
    assert_int_equal(p->s[B].adds, 1);
    pair_free(p);
    tape_free(&t);
}

static void a_lost_answer_is_repeated_for_the_first_fragment_only(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(7, BIG_IKE, BIG_ESP, &t);
    unsigned sent;
    (void)state;

    t.exchange = IKE_X_AUTH;
    t.response = true;
    t.number = 2;
    t.times = 1;
    assert_true(pair_establish(p));
    assert_int_equal(t.fragments, 8); /* request and answer, twice */
    sent = p->s[B].n_sent;
    for (unsigned i = 2; i < 4; i++) { /* 2: fragment 1, 3: fragment 2 of the request */
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                               .local = t.k[i].dst,
                               .remote = t.k[i].src,
                               .data = kd_bytes(t.k[i].data, t.k[i].len)};
        assert_int_equal(t.k[i].data[33], i - 1);
        pair_step(p, B, &ev);
        assert_int_equal(p->s[B].n_sent - sent, 2);
    }
    pair_free(p);
    tape_free(&t);
}

static void any_loss_order_and_repetition_is_survived(void **state)
{
    (void)state;

    for (uint64_t seed = 100; seed < 140; seed++) {
        struct pair *p = big_pair(seed, BIG_IKE, BIG_ESP, NULL);
        p->loss_pct = 20;
        p->dup_pct = 20;
        p->reorder_pct = 50;
        p->s[A].cfg.detect_us = p->s[B].cfg.detect_us = KD_S(5);
        pair_config(p, A);
        pair_config(p, B);
        pair_establish(p);
        for (int i = 0; i < 10; i++) {
            pair_command(p, i & 1, i % 3 ? IKE_CMD_REKEY_CHILD : IKE_CMD_REKEY_IKE);
            pair_run(p, KD_S(5));
        }
        p->loss_pct = p->dup_pct = p->reorder_pct = 0;
        pair_run(p, KD_S(100));
        if (!pair_up(p, A) || !pair_up(p, B) || !pair_children_agree(p)) {
            pair_dump(p);
            fail_msg("seed %llu", (unsigned long long)seed);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(p->s[i].e->fragment_bytes[0] + p->s[i].e->fragment_bytes[1], 0);
        pair_command(p, A, IKE_CMD_DOWN);
        pair_command(p, B, IKE_CMD_DOWN);
        pair_run(p, KD_S(60));
        assert_true(pair_nothing_left(p));
        pair_free(p);
    }
}

/* ---- before the shared secret ---- */

static void fragments_wait_for_the_shared_secret(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(8, BIG_IKE, BIG_ESP, &t);
    (void)state;

    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(11)); /* IKE_SA_INIT is answered */
    p->s[B].hold_jobs = true;
    pair_run(p, KD_MS(400));
    assert_int_equal(t.fragments, 2);
    p->s[B].hold_jobs = false;
    pair_release(p, B);
    pair_run(p, KD_MS(50));
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_int_equal(t.fragments, 4); /* nothing had to be repeated */
    pair_free(p);
    tape_free(&t);
}

/* Whoever saw the SPIs can fill the place where they wait, and no more than that. */
static void forged_fragments_before_the_secret_cost_a_bounded_place(void **state)
{
    static struct tape t;
    static uint8_t junk[1200];
    struct pair *p = big_pair(8, BIG_IKE, BIG_ESP, &t);
    struct ike_header h = {.exchange = IKE_X_AUTH, .flags = IKE_FLAG_INITIATOR, .msg_id = 1};
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM};
    unsigned jobs;
    (void)state;

    p->s[A].hold_jobs = false;
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(8));
    assert_int_equal(t.n, 2); /* the answer is on its way */
    p->s[B].hold_jobs = true;
    jobs = p->s[B].n_jobs;
    memcpy(h.spi_i, t.k[1].data, 8);
    memcpy(h.spi_r, t.k[1].data + 8, 8);
    ev.local = t.k[0].dst;
    ev.remote = t.k[0].src;
    for (uint32_t i = 0; i < 5000; i++) {
        struct ike_build b;
        memcpy(junk + 8, &i, 4);
        junk[1] = 1;
        junk[3] = 9;
        uint8_t buf[2048];
        ike_build_begin(&b, buf, sizeof(buf), &h);
        ike_put_payload(&b, IKE_PL_SKF, kd_bytes(junk, sizeof(junk)));
        ev.data = ike_build_end(&b);
        pair_step(p, B, &ev);
    }
    assert_int_equal(p->s[B].n_jobs, jobs + 1);
    assert_int_equal(p->s[B].e->n_half_open, 1);
    p->s[B].hold_jobs = false;
    pair_release(p, B);
    pair_run(p, KD_S(2)); /* the peer repeats its own */
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_in_range(pair_notes(p, B, IKE_NOTE_STRANGER), 1, 12);
    pair_free(p);
    tape_free(&t);
}

/* ---- an authentic peer that misbehaves ---- */

struct frag {
    uint16_t number, total;
    uint8_t first, exchange;
    int id_off;
    const void *text;
    size_t len;
    bool bad_icv, bad_pad;
    size_t cut; /* octets missing at the end */
    bool response;
};

static struct ike_sa *sa_of(struct pair *p, int side)
{
    return ike_sa_get(p->s[side].e, ike_conn_find(p->s[side].e, 7)->sa);
}

/* Under the peer's key, towards side. */
static void throw(struct pair * p, int side, const struct frag *f)
{
    static uint8_t buf[65536];
    struct ike_sa *sa = sa_of(p, side);
    struct ike_header h = {.exchange = f->exchange ? f->exchange : IKE_X_INFORMATIONAL,
                           .next = IKE_PL_SKF,
                           .version = 0x20,
                           .msg_id = (f->response ? sa->tx.next_id - 1 : sa->rx.next_id) +
                                     (uint32_t)f->id_off};
    struct kd_writer w;

    h.flags = (sa->initiator ? 0 : IKE_FLAG_INITIATOR) | (f->response ? IKE_FLAG_RESPONSE : 0);
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    kd_writer_init(&w, buf, sizeof(buf));
    ike_header_write(&w, &h);
    kd_put_u8(&w, f->first);
    kd_put_zero(&w, 3);
    kd_put_u16(&w, f->number);
    kd_put_u16(&w, f->total);
    kd_put_zero(&w, ike_sk_iv_len(&sa->open));
    kd_put_bytes(&w, kd_bytes(f->text, f->len));
    if (f->bad_pad) { /* a Pad Length of 255 in a text of 16 */
        kd_put_zero(&w, 15 - f->len % 16);
        kd_put_u8(&w, 255);
        size_t at = IKE_HEADER_LEN + 8, text = at + ike_sk_iv_len(&sa->open), len = w.pos - text;
        size_t icv = kd_put_gap(&w, ike_sk_icv_len(&sa->open));
        kd_patch_u16(&w, IKE_HEADER_LEN + 2, (uint16_t)(w.pos - IKE_HEADER_LEN));
        kd_patch_u32(&w, 24, (uint32_t)w.pos);
        assert_true(kc_box_seal(sa->open.box, buf + at, kd_bytes(buf, at), buf + text, len,
                                kd_bytes(NULL, 0), buf + icv));
    } else {
        ike_sk_close(&w, &sa->open, IKE_HEADER_LEN, IKE_HEADER_LEN + 8, 0);
    }
    assert_true(w.ok);
    if (f->bad_icv)
        buf[w.pos - 1] ^= 1;
    if (f->cut) {
        w.pos -= f->cut;
        kd_patch_u16(&w, IKE_HEADER_LEN + 2, (uint16_t)(w.pos - IKE_HEADER_LEN));
        kd_patch_u32(&w, 24, (uint32_t)w.pos);
    }
    pair_step(p, side,
              &(struct ike_event){.kind = IKE_EV_DATAGRAM,
                                  .local = sa->local,
                                  .remote = sa->remote,
                                  .data = kd_written(&w)});
}

/* An INFORMATIONAL with a COOKIE2 of 8 octets: 16 octets that can be cut anywhere. */
static const uint8_t cookie2[] = {0, 0, 0, 16, 0, 0, 0x40, 0x11, 1, 2, 3, 4, 5, 6, 7, 8};

static struct frag part(uint16_t number, uint16_t total)
{
    size_t from = sizeof(cookie2) * (number - 1u) / total, to = sizeof(cookie2) * number / total;

    return (struct frag){.number = number,
                         .total = total,
                         .first = number == 1 ? IKE_PL_NOTIFY : 0,
                         .text = cookie2 + from,
                         .len = to - from};
}

static uint32_t kept(const struct pair *p, int side)
{
    return p->s[side].e->fragment_bytes[0] + p->s[side].e->fragment_bytes[1];
}

/* The request, fragment by fragment, is answered when it is whole and not before. */
static void good_set(struct pair *p, uint16_t total)
{
    unsigned sent = p->s[B].n_sent;

    for (uint16_t i = 1; i <= total; i++) {
        struct frag f = part(i, total);
        assert_int_equal(p->s[B].n_sent, sent);
        throw(p, B, &f);
    }
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_int_equal(kept(p, B), 0);
    assert_true(pair_up(p, B));
}

static void fragments_make_the_message_in_any_order(void **state)
{
    static const uint16_t order[][4] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                        {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    struct pair *p = big_established(20, BIG_IKE, BIG_ESP);
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
        unsigned sent = p->s[B].n_sent;
        for (int k = 0; k < 3; k++) {
            struct frag f = part(order[i][k], 3);
            throw(p, B, &f);
            if (k < 2)
                throw(p, B, &f); /* repeated: ignored */
        }
        assert_int_equal(p->s[B].n_sent, sent + 1);
        assert_int_equal(kept(p, B), 0);
    }
    for (uint16_t total = 1; total <= 16; total++)
        good_set(p, total);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    pair_free(p);
}

/* Each malformed class: no answer, nothing kept, and the good one is taken afterwards. */
static void malformed_fragments_leave_no_trace(void **state)
{
    static uint8_t big[1024];
    const struct frag bad[] = {
        {.number = 0, .total = 2, .text = cookie2, .len = 8},
        {.number = 0, .total = 0, .text = cookie2, .len = 8},
        {.number = 1, .total = 0, .text = cookie2, .len = 8},
        {.number = 3, .total = 2, .text = cookie2, .len = 8},
        {.number = 65535, .total = 2, .text = cookie2, .len = 8},
        {.number = 1, .total = 65, .text = cookie2, .len = 8},
        {.number = 1, .total = 65535, .text = cookie2, .len = 8},
        {.number = 65535, .total = 65535, .text = cookie2, .len = 8},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .bad_icv = true},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .bad_pad = true},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .cut = 1},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .cut = 16},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .cut = 32},
        {.number = 1, .total = 2, .text = cookie2, .len = 8, .cut = 47},
        {.number = 1, .total = 2, .text = big, .len = sizeof(big), .id_off = 1},
        {.number = 1, .total = 2, .text = big, .len = sizeof(big), .id_off = -2},
        {.number = 1, .total = 2, .text = big, .len = sizeof(big), .response = true},
    };
    struct pair *p = big_established(21, BIG_IKE, BIG_ESP);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        throw(p, B, &bad[i]);
        assert_int_equal(p->s[B].n_sent, sent);
        assert_int_equal(kept(p, B), 0);
    }
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    good_set(p, 2);
    pair_free(p);
}

static void a_larger_total_begins_anew_and_a_smaller_one_is_ignored(void **state)
{
    struct pair *p = big_established(22, BIG_IKE, BIG_ESP);
    struct frag f[] = {part(1, 2), part(1, 3), part(2, 2), part(2, 3), part(1, 2), part(3, 3)};
    const uint32_t keeps[] = {8, 5, 5, 10, 10, 0};
    unsigned sent = p->s[B].n_sent;
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(f); i++) {
        throw(p, B, &f[i]);
        assert_int_equal(kept(p, B), keeps[i]);
    }
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_true(pair_up(p, B));
    pair_free(p);
}

static void the_first_of_two_fragments_with_one_number_stays(void **state)
{
    struct pair *p = big_established(23, BIG_IKE, BIG_ESP);
    struct frag one = part(1, 2), other = one, two = part(2, 2);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    other.text = "\377\377\377\377\377\377\377\377"; /* would be malformed */
    throw(p, B, &one);
    throw(p, B, &other);
    throw(p, B, &two);
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_REFUSED), 0);
    assert_true(pair_up(p, B));
    pair_free(p);
}

static void fragments_of_two_exchanges_do_not_join(void **state)
{
    struct pair *p = big_established(24, BIG_IKE, BIG_ESP);
    struct frag one = part(1, 2), two = part(2, 2);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    two.exchange = IKE_X_CREATE_CHILD_SA;
    throw(p, B, &one);
    throw(p, B, &two);
    assert_int_equal(p->s[B].n_sent, sent);
    assert_int_equal(kept(p, B), 8);
    good_set(p, 2);
    pair_free(p);
}

/* The peer may send it whole after all; what is left of the set goes, and its rest means nothing.
 */
static void a_whole_message_ends_the_set(void **state)
{
    struct pair *p = big_established(25, BIG_IKE, BIG_ESP);
    struct frag one = part(1, 3), two = part(2, 3), three = part(3, 3);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    throw(p, B, &one);
    assert_int_equal(kept(p, B), 5);
    pair_command(p, A, IKE_CMD_PROBE);
    pair_run(p, KD_MS(50));
    assert_int_equal(p->s[B].n_sent, sent + 1);
    assert_int_equal(kept(p, B), 0);
    two.id_off = three.id_off = one.id_off = -1;
    throw(p, B, &two);
    throw(p, B, &three);
    assert_int_equal(p->s[B].n_sent, sent + 1);
    throw(p, B, &one); /* the peer has cut the request it does not know answered: it is */
    assert_int_equal(p->s[B].n_sent, sent + 2);
    one.bad_icv = true;
    throw(p, B, &one);
    assert_int_equal(p->s[B].n_sent, sent + 2);
    assert_int_equal(kept(p, B), 0);
    pair_free(p);
}

static void what_is_inside_is_judged_when_it_is_whole(void **state)
{
    static const uint8_t critical[] = {0, 0x80, 0, 8, 1, 2, 3, 4};
    static const uint8_t bad_delete[] = {0, 0, 0, 9, 3, 4, 0, 5, 1};
    struct pair *p = big_established(26, BIG_IKE, BIG_ESP);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    throw(p, B, &(struct frag){.number = 2, .total = 2, .text = critical + 4, .len = 4});
    throw(p, B, &(struct frag){.number = 1, .total = 2, .first = 200, .text = critical, .len = 4});
    assert_int_equal(p->s[B].n_sent, sent + 1); /* UNSUPPORTED_CRITICAL_PAYLOAD */
    assert_non_null(strstr(pair_note(p, B, IKE_NOTE_REFUSED)->detail, "CRITICAL"));
    assert_true(pair_up(p, B));
    throw(p, B,
          &(struct frag){
              .number = 1, .total = 2, .first = IKE_PL_DELETE, .text = bad_delete, .len = 4});
    throw(p, B, &(struct frag){.number = 2, .total = 2, .text = bad_delete + 4, .len = 5});
    assert_int_equal(p->s[B].n_sent, sent + 2);
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_INVALID_SYNTAX);
    pair_free(p);
}

/* ---- bounds ---- */

static void a_message_and_all_messages_have_a_bound(void **state)
{
    static uint8_t big[16000];
    struct pair *p = big_established(27, BIG_IKE, BIG_ESP);
    (void)state;

    for (uint16_t i = 1; i < 64; i++)
        throw(p, B, &(struct frag){.number = i, .total = 64, .text = big, .len = sizeof(big) / 16});
    assert_in_range(kept(p, B), 23 * 1024, 24 * 1024);
    throw(p, B, &(struct frag){.number = 64, .total = 64, .text = big, .len = sizeof(big)});
    assert_in_range(kept(p, B), 23 * 1024, 24 * 1024);
    pair_command(p, A, IKE_CMD_PROBE);
    pair_run(p, KD_MS(50));
    assert_int_equal(kept(p, B), 0);
    p->s[B].e->fragment_bytes[0] = 8u * 1024 * 1024 - 7; /* others have taken the rest */
    struct frag f = part(1, 2);
    throw(p, B, &f);
    assert_int_equal(p->s[B].e->fragment_bytes[0], 8u * 1024 * 1024 - 7);
    p->s[B].e->fragment_bytes[0] = 0;
    good_set(p, 2);
    pair_free(p);
}

static void what_nobody_completes_is_given_up(void **state)
{
    struct pair *p = big_established(28, BIG_IKE, BIG_ESP);
    struct frag f = part(1, 2);
    (void)state;

    p->s[A].cut_out = true; /* no request of the peer's own ends the set */
    throw(p, B, &f);
    pair_run(p, KD_S(19));
    assert_int_equal(kept(p, B), 8);
    pair_run(p, KD_S(2));
    assert_int_equal(kept(p, B), 0);
    pair_free(p);
}

static void fragments_that_were_not_agreed_on_are_ignored(void **state)
{
    struct pair *p = pair_new(29, AZURE_IKE, AZURE_ESP);
    struct frag f = part(1, 1);
    unsigned sent;
    (void)state;

    p->s[A].cfg.fragment_size = IKE_FRAGMENT_OFF;
    pair_config(p, A);
    assert_true(pair_establish(p));
    sent = p->s[B].n_sent;
    throw(p, B, &f);
    assert_int_equal(p->s[B].n_sent, sent);
    assert_int_equal(kept(p, B), 0);
    f.id_off = -1;
    throw(p, B, &f);
    assert_int_equal(p->s[B].n_sent, sent);
    pair_free(p);
}

/* An AEAD's IV never repeats under one key, fragments of one message included. */
static void every_fragment_has_its_own_iv(void **state)
{
    static struct tape t;
    struct pair *p = big_pair(30, "aes256gcm16-prfsha256-modp2048", "aes256gcm16", &t);
    (void)state;

    assert_true(pair_establish(p));
    for (unsigned i = 0; i < t.n; i++)
        for (unsigned k = 0; k < i; k++)
            if (t.k[i].data[16] == IKE_PL_SKF && t.k[k].data[16] == IKE_PL_SKF &&
                t.k[i].from == t.k[k].from)
                assert_memory_not_equal(t.k[i].data + 36, t.k[k].data + 36, 8);
    assert_int_equal(t.fragments, 4);
    pair_free(p);
    tape_free(&t);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_exchange_comes_through_in_datagrams_of_the_size),
        T(the_size_is_of_the_datagram_behind_a_nat_as_well),
        T(the_size_is_of_the_datagram_over_ipv6_as_well),
        T(nothing_is_cut_unless_both_ends_have_said_so),
        T(messages_that_fit_are_not_cut),
        T(an_intermediate_exchange_is_cut_by_either_end_or_both),
        T(a_lost_fragment_of_an_intermediate_exchange_is_repeated),
        T(a_lost_fragment_brings_the_whole_set_again_bit_for_bit),
        T(a_lost_answer_is_repeated_for_the_first_fragment_only),
        T(any_loss_order_and_repetition_is_survived),
        T(fragments_wait_for_the_shared_secret),
        T(forged_fragments_before_the_secret_cost_a_bounded_place),
        T(fragments_make_the_message_in_any_order),
        T(malformed_fragments_leave_no_trace),
        T(a_larger_total_begins_anew_and_a_smaller_one_is_ignored),
        T(the_first_of_two_fragments_with_one_number_stays),
        T(fragments_of_two_exchanges_do_not_join),
        T(a_whole_message_ends_the_set),
        T(what_is_inside_is_judged_when_it_is_whole),
        T(a_message_and_all_messages_have_a_bound),
        T(what_nobody_completes_is_given_up),
        T(fragments_that_were_not_agreed_on_are_ignored),
        T(every_fragment_has_its_own_iv),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
