/* Strangers: what an IKE_SA_INIT may cost the responder, and what it is answered with. RFC
 * 7296 2.6, 2.6.1. Side B is the responder; most requests come from nobody in particular. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike/sa.h"
#include "ike_pair.h"

/* One stranger's request. */
struct ask {
    uint32_t n;    /* in the SPI */
    uint32_t from; /* IPv4, or the last octets of an IPv6 address */
    uint64_t site; /* IPv6: its first eight octets; 0: IPv4 */
    uint16_t port;
    uint16_t group, pub_len;
    uint8_t nonce_len, nonce;
    const uint8_t *cookie;
    size_t cookie_len;
    bool cookie_last;
    const char *suite;
    uint8_t extra; /* a payload of this type in front of the nonce */
    bool critical;
};

/* What B has sent since. */
struct seen {
    size_t asked; /* octets of the request that is being answered; 0: not compared */
    unsigned n, cookies, refusals, responses;
    uint16_t notify;
    uint8_t cookie[64];
    size_t cookie_len;
};

/* An IKE_SA_INIT response that begins with SA. */

static bool see(struct pair *p, struct pair_packet *k)
{
    static struct ike_msg m;
    struct seen *s = p->ctx;
    struct ike_diag d;
    const struct ike_notify *c;

    if (k->from != B)
        return true;
    s->n++;
    if (s->asked && !kd_addr_eq(&k->dst.addr, &p->s[A].cfg.local))
        assert_true(k->len <= s->asked);
    if (k->data[18] != IKE_X_SA_INIT || !ike_msg_parse(kd_bytes(k->data, k->len), &m, &d))
        return true;
    c = ike_msg_notify(&m, IKE_N_COOKIE);
    if (c) {
        s->cookies++;
        assert_in_range(c->data.len, 1, 64);
        memcpy(s->cookie, c->data.p, c->data.len);
        s->cookie_len = c->data.len;
        assert_int_equal(m.n_payloads, 1);
    } else if (ike_msg_error(&m)) {
        s->refusals++;
        s->notify = ike_msg_error(&m)->type;
    } else {
        s->responses++;
    }
    return kd_addr_eq(&k->dst.addr, &p->s[A].cfg.local);
}

static struct kd_bytes request(const struct pair *p, const struct ask *q, uint8_t *buf, size_t cap)
{
    static const uint8_t pub[512] = {1, 2, 3};
    const struct kd_bytes none = kd_bytes(NULL, 0);
    struct ike_proposals one, *l = (struct ike_proposals *)&p->s[A].cfg.ike;
    struct ike_header h = {.exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    uint8_t nonce[256];
    struct ike_build b;

    memset(nonce, q->nonce + 1, sizeof(nonce));
    h.spi_i[0] = 1;
    memcpy(h.spi_i + 4, &q->n, 4);
    if (q->suite)
        pair_proposals(l = &one, q->suite, IKE_PROTO_IKE);
    ike_build_begin(&b, buf, cap, &h);
    if (q->cookie && !q->cookie_last)
        ike_put_notify(&b, 0, none, IKE_N_COOKIE, kd_bytes(q->cookie, q->cookie_len));
    ike_put_sa(&b, l, IKE_PROTO_IKE, none, false);
    ike_put_ke(&b, q->group ? q->group : KC_DH_MODP1024,
               kd_bytes(pub, q->pub_len ? q->pub_len : 128));
    if (q->extra) {
        ike_put_payload(&b, q->extra, kd_bytes("x", 1));
        if (q->critical)
            buf[b.payload_at + 1] |= 0x80;
    }
    ike_put_nonce(&b, kd_bytes(nonce, q->nonce_len ? q->nonce_len : 96));
    if (q->cookie && q->cookie_last)
        ike_put_notify(&b, 0, none, IKE_N_COOKIE, kd_bytes(q->cookie, q->cookie_len));
    return ike_build_end(&b);
}

static struct kd_addr from_of(const struct ask *q)
{
    struct kd_addr a = {.family = 6};

    if (!q->site)
        return kd_addr_v4(q->from ? q->from : 0xc6336401u);
    for (int i = 0; i < 8; i++)
        a.b[i] = (uint8_t)(q->site >> (56 - 8 * i));
    memcpy(a.b + 12, &q->from, 4);
    return a;
}

static void ask(struct pair *p, const struct ask *q)
{
    uint8_t buf[4096];
    struct seen *s = p->ctx;
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                           .local = {p->s[B].cfg.local, 500},
                           .remote = {from_of(q), q->port ? q->port : 500},
                           .data = request(p, q, buf, sizeof(buf))};

    if (q->site)
        ev.local.addr = kd_addr_from(6, (const uint8_t *)"\x20\x01\xd\xb8 eight octets");
    s->asked = ev.data.len;
    pair_step(p, B, &ev);
    pair_run(p, KD_MS(1)); /* the key generation */
    s->asked = 0;
}

/* A responder that anybody may ask. */
static struct pair *responder(struct seen *s)
{
    struct pair *p = pair_new(80, AZURE_IKE, AZURE_ESP);

    memset(s, 0, sizeof(*s));
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    pair_command(p, B, IKE_CMD_UP);
    p->filter = see;
    p->ctx = s;
    return p;
}

/* One half-open SA from each of n addresses. */
static void crowd(struct pair *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ask(p, &(struct ask){.n = 100000 + i, .from = 0xcb007100u + i});
}

/* ---- when ---- */

static void cookie_is_asked_for_from_the_threshold_on_and_not_before(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    crowd(p, 32);
    assert_int_equal(s.responses, 32);
    assert_int_equal(s.cookies, 0);
    ask(p, &(struct ask){.n = 1});
    assert_int_equal(s.responses, 32);
    assert_int_equal(s.cookies, 1);
    pair_run(p, KD_S(25)); /* they never came back */
    ask(p, &(struct ask){.n = 2});
    assert_int_equal(s.responses, 33);
    assert_int_equal(s.cookies, 1);
    pair_run(p, KD_S(25));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static void one_address_is_asked_earlier_than_the_others(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    for (uint32_t i = 0; i < 5; i++)
        ask(p, &(struct ask){.n = i, .from = 0xc6336407u});
    assert_int_equal(s.responses, 3);
    assert_int_equal(s.cookies, 2);
    ask(p, &(struct ask){.n = 9, .from = 0xc6336408u});
    assert_int_equal(s.responses, 4);
    assert_int_equal(s.cookies, 2);
    pair_free(p);
}

static void an_ipv6_site_counts_as_one_address(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    p->s[B].cfg.local = (struct kd_addr){0};
    pair_config(p, B);
    for (uint32_t i = 0; i < 5; i++)
        ask(p, &(struct ask){.n = i, .site = UINT64_C(0x20010db800010001), .from = i});
    assert_int_equal(s.responses, 3);
    assert_int_equal(s.cookies, 2);
    ask(p, &(struct ask){.n = 9, .site = UINT64_C(0x20010db800010002), .from = 1});
    assert_int_equal(s.responses, 4);
    pair_free(p);
}

/* They leave nothing half-open, but each of them is a search and a parse. */
static void requests_that_are_refused_are_load_as_well(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    for (uint32_t i = 0; i < 300; i++) {
        p->now_us -= KD_MS(1); /* ask() lets it pass: all of them at once */
        ask(p, &(struct ask){.n = i, .from = 0xc6336400u + i, .suite = "aes128-sha256-modp2048"});
    }
    assert_in_range(s.cookies, 300 - 64, 299);
    assert_int_equal(s.responses, 0);
    pair_run(p, KD_S(1)); /* the rate falls */
    s.cookies = 0;
    ask(p, &(struct ask){.n = 1});
    assert_int_equal(s.responses, 1);
    assert_int_equal(s.cookies, 0);
    pair_free(p);
}

/* ---- what it must be ---- */

static void cookie_brought_back_admits(void **state)
{
    struct ask q = {.n = 1};
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    crowd(p, 32);
    ask(p, &q);
    assert_int_equal(s.cookies, 1);
    q.cookie = s.cookie;
    q.cookie_len = s.cookie_len;
    ask(p, &q);
    assert_int_equal(s.responses, 33);
    assert_int_equal(s.cookies, 1);
    ask(p, &q); /* a retransmission gets its answer again (2.1), and no second SA */
    assert_int_equal(s.responses, 34);
    assert_int_equal(p->s[B].e->n_half_open, 33);
    q.port = 1024; /* a NAT may give each request another port */
    q.n = 2;
    q.cookie = NULL;
    ask(p, &q);
    q.cookie = s.cookie;
    q.port = 1025;
    ask(p, &q);
    assert_int_equal(s.responses, 35);
    pair_free(p);
}

/* Each bit of it, and all that it stands for. */
static void cookie_of_something_else_is_asked_for_anew(void **state)
{
    struct ask q = {.n = 1}, other;
    struct seen s;
    struct pair *p = responder(&s);
    uint8_t cookie[64];
    size_t len;
    unsigned asked;
    (void)state;

    crowd(p, 32);
    ask(p, &q);
    memcpy(cookie, s.cookie, len = s.cookie_len);
    q.cookie = cookie;
    q.cookie_len = len;
    asked = s.cookies;
    for (size_t i = 0; i < len * 8; i++) {
        cookie[i / 8] ^= (uint8_t)(1u << (i % 8));
        ask(p, &q);
        cookie[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(s.cookies, asked + len * 8);
    asked = s.cookies;
    for (int i = 0; i < 7; i++) {
        other = q;
        other.n += i == 0;
        other.from = i == 1 ? 0xc6336499u : 0;
        other.nonce = i == 2;
        other.nonce_len = i == 3 ? 97 : 0;
        other.cookie_len -= i == 4;
        other.cookie_last = i == 5;
        if (i == 6)
            other.cookie_len = 0;
        ask(p, &other);
        assert_int_equal(s.cookies, ++asked);
    }
    assert_int_equal(s.responses, 32);
    ask(p, &q);
    assert_int_equal(s.responses, 33);
    pair_free(p);
}

static bool comes_through_after(uint64_t us)
{
    struct ask q = {.n = 1};
    struct seen s;
    struct pair *p = responder(&s);
    uint8_t cookie[64];
    unsigned asked;
    bool through;

    crowd(p, 32);
    ask(p, &q);
    assert_int_equal(s.cookies, 1);
    memcpy(cookie, s.cookie, sizeof(cookie));
    q.cookie = cookie;
    q.cookie_len = s.cookie_len;
    pair_run(p, us);
    crowd(p, 32);
    asked = s.cookies;
    ask(p, &q);
    through = s.cookies == asked;
    pair_free(p);
    return through;
}

static void cookie_outlives_one_secret_and_not_two(void **state)
{
    struct ask q = {.n = 1};
    struct seen s;
    struct pair *p;
    uint8_t first[64];
    (void)state;

    assert_true(comes_through_after(KD_S(14)));
    assert_true(comes_through_after(KD_S(16)));
    assert_false(comes_through_after(KD_S(31)));
    p = responder(&s);
    crowd(p, 32);
    ask(p, &q);
    memcpy(first, s.cookie, sizeof(first));
    pair_run(p, KD_S(10));
    ask(p, &q);
    assert_memory_equal(first, s.cookie, s.cookie_len); /* the same question, the same secret */
    pair_run(p, KD_S(6));
    ask(p, &q);
    assert_memory_not_equal(first, s.cookie, s.cookie_len);
    pair_free(p);
}

/* ---- what it is worth ---- */

static void a_cookie_admits_up_to_the_caps_and_no_further(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    for (uint32_t i = 0; i < 1100; i++) {
        struct ask q = {.n = i, .from = 0xc6336400u + (i < 100 ? 0 : i % 64)};
        s.cookie_len = 0;
        p->now_us -= KD_MS(1);
        ask(p, &q);
        if (s.cookie_len) {
            q.cookie = s.cookie;
            q.cookie_len = s.cookie_len;
            p->now_us -= KD_MS(1);
            ask(p, &q);
        }
        if (i == 99)
            assert_int_equal(s.responses, 8);
    }
    assert_int_equal(s.responses, 256); /* 8 for each of the first 32 addresses */
    assert_in_range(pair_notes(p, B, IKE_NOTE_STRANGER), 1, 12);
    pair_run(p, KD_S(60));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

/* No SA, no job, no note beyond the trickle, whatever the flood brings. */
static void a_flood_without_cookies_makes_nothing(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    unsigned jobs;
    (void)state;

    crowd(p, 32);
    jobs = p->s[B].n_jobs;
    p->s[B].n_notes = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        struct ask q = {
            .n = i, .from = 0x0b000000u + i * 2654435761u % 0xffffffu, .cookie_len = 17};
        p->now_us -= KD_MS(1);
        q.cookie = i & 1 ? (const uint8_t *)"\1invented, sixteen" : NULL;
        ask(p, &q);
    }
    assert_int_equal(s.cookies, 20000);
    assert_int_equal(s.responses, 32);
    assert_int_equal(p->s[B].n_jobs, jobs);
    assert_int_equal(p->s[B].n_notes, 0);
    assert_int_equal(p->s[B].e->sas.n_live, 32);
    pair_free(p);
}

static void under_load_what_has_no_nonce_is_not_answered(void **state)
{
    struct seen s;
    struct pair *p = responder(&s);
    uint8_t buf[4096];
    struct kd_bytes whole;
    unsigned n;
    (void)state;

    crowd(p, 32);
    n = s.n;
    whole = request(p, &(struct ask){.n = 1}, buf, sizeof(buf));
    for (size_t len = 0; len < whole.len; len++) { /* cut anywhere, with the length to it */
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                               .local = {p->s[B].cfg.local, 500},
                               .remote = {kd_addr_v4(0xc6336401u), 500},
                               .data = kd_bytes(buf, len)};
        buf[24] = buf[25] = 0;
        buf[26] = (uint8_t)(len >> 8);
        buf[27] = (uint8_t)len;
        pair_step(p, B, &ev);
    }
    assert_int_equal(s.n, n);
    ask(p, &(struct ask){.n = 1, .nonce_len = 15 + 1});
    assert_int_equal(s.n, n + 1);
    pair_free(p);
}

/* ---- those who are known ---- */

static void known_peers_do_not_notice_a_flood(void **state)
{
    struct seen s = {0};
    struct pair *p = pair_new(81, AZURE_IKE, "aes256-sha1-modp1024");
    struct ike_view before, after;
    (void)state;

    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    assert_true(pair_establish(p));
    p->filter = see;
    p->ctx = &s;
    assert_true(ike_conn_view(p->s[A].e, 7, &before));
    for (uint32_t i = 0; i < 20000; i++) { /* 20 s of it, with all that a life has */
        ask(p, &(struct ask){.n = i, .from = 0x0b000000u + i});
        if (i == 5000)
            pair_command(p, A, IKE_CMD_REKEY_CHILD);
        if (i == 10000)
            pair_command(p, A, IKE_CMD_REKEY_IKE);
        if (i == 15000)
            pair_command(p, B, IKE_CMD_REKEY_CHILD);
    }
    assert_true(s.cookies > 19000);
    assert_true(ike_conn_view(p->s[A].e, 7, &after));
    assert_memory_not_equal(before.spi_i, after.spi_i, 8); /* rekeyed */
    assert_int_equal(p->s[A].adds, 3);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING) + pair_notes(p, B, IKE_NOTE_FAILING), 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED) + pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    /* And one that has restarted comes in: it is asked for a cookie, and brings it. */
    pair_command(p, A, IKE_CMD_DOWN_SILENT);
    pair_command(p, A, IKE_CMD_RESET);
    for (uint32_t i = 0; i < 3000; i++)
        ask(p, &(struct ask){.n = i, .from = 0x0b000000u + i});
    assert_true(pair_up(p, A) && pair_up(p, B));
    pair_free(p);
}

/* ---- answers ---- */

/* see() compares every one of them with its question. */
static void no_answer_is_larger_than_its_question(void **state)
{
    static const struct {
        struct ask q;
        uint16_t notify;
    } paths[] = {
        {{.n = 1, .group = KC_DH_MODP2048, .pub_len = 256}, IKE_N_INVALID_KE_PAYLOAD},
        {{.n = 2, .suite = "aes128-sha256-modp2048"}, IKE_N_NO_PROPOSAL_CHOSEN},
        {{.n = 3, .extra = 200, .critical = true}, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD},
        {{.n = 4}, 0},
    };
    uint8_t bare[64] = {1,
                        [8] = 2,
                        [16] = IKE_PL_SK,
                        [17] = 0x20,
                        [18] = IKE_X_INFORMATIONAL,
                        [19] = IKE_FLAG_INITIATOR};
    struct seen s;
    struct pair *p = responder(&s);
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM};
    (void)state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        unsigned n = s.n;
        s.notify = 0;
        ask(p, &paths[i].q);
        assert_int_equal(s.n, n + 1);
        assert_int_equal(s.notify, paths[i].notify);
    }
    ev.local = (struct kd_endpoint){p->s[B].cfg.local, 500};
    ev.remote = (struct kd_endpoint){kd_addr_v4(0xc6336401u), 500};
    for (int version = 2; version <= 3; version++) /* INVALID_IKE_SPI, INVALID_MAJOR_VERSION */
        for (size_t len = 28; len <= sizeof(bare); len++) {
            unsigned n = s.n;
            bare[17] = (uint8_t)(version << 4);
            bare[27] = (uint8_t)len;
            ev.data = kd_bytes(bare, s.asked = len);
            pair_step(p, B, &ev);
            assert_int_equal(s.n - n, len >= 36); /* header and an empty notify */
            pair_run(p, KD_S(1));
        }
    s.asked = 0;
    crowd(p, 32);
    ask(p, &(struct ask){.n = 5}); /* COOKIE */
    assert_int_equal(s.cookies, 1);
    pair_free(p);
}

/* A short nonce, a short public value and a single proposal: the answer would be larger by far. */
static void an_answer_that_would_be_larger_waits_for_a_cookie(void **state)
{
    struct ask q = {.n = 1,
                    .nonce_len = 16,
                    .group = KC_DH_X25519,
                    .pub_len = 32,
                    .suite = "aes256-sha1-x25519"};
    struct seen s;
    struct pair *p = responder(&s);
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, q.suite, IKE_PROTO_IKE);
    pair_config(p, B);
    ask(p, &q);
    assert_int_equal(s.responses, 0);
    assert_int_equal(s.cookies, 1);
    assert_int_equal(p->s[B].e->n_half_open, 0);
    q.cookie = s.cookie;
    q.cookie_len = s.cookie_len;
    ask(p, &q);
    assert_int_equal(s.responses, 1);
    assert_int_equal(s.cookies, 1);
    q.cookie = NULL; /* from elsewhere it would be an amplifier again */
    q.from = 0xc6336455u;
    ask(p, &q);
    assert_int_equal(s.responses, 1);
    assert_int_equal(s.cookies, 2);
    pair_free(p);
}

/* ---- as initiator ---- */

/* COOKIE, INVALID_KE_PAYLOAD, COOKIE (2.6.1): the responder has changed its secret while the
 * initiator computed. */
static void initiator_obeys_cookie_invalid_ke_and_cookie_again(void **state)
{
    struct seen s = {0};
    struct pair *p = pair_new(82, "aes256-sha1-modp2048-modp1024", AZURE_ESP);
    (void)state;

    pair_proposals(&p->s[B].cfg.ike, AZURE_IKE, IKE_PROTO_IKE);
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    p->filter = see;
    p->ctx = &s;
    pair_command(p, B, IKE_CMD_UP);
    crowd(p, 32);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(15)); /* COOKIE has come, the request with it is on its way */
    assert_int_equal(s.cookies, 1);
    p->s[A].hold_jobs = true;
    pair_run(p, KD_S(31));
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.notify, IKE_N_INVALID_KE_PAYLOAD);
    crowd(p, 32);
    p->s[A].hold_jobs = false;
    pair_release(p, A);
    pair_run(p, KD_S(1));
    assert_int_equal(s.cookies, 2);
    assert_int_equal(s.refusals, 1);
    assert_true(pair_up(p, A) && pair_up(p, B));
    assert_true(pair_children_agree(p));
    pair_free(p);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(cookie_is_asked_for_from_the_threshold_on_and_not_before),
        T(one_address_is_asked_earlier_than_the_others),
        T(an_ipv6_site_counts_as_one_address),
        T(requests_that_are_refused_are_load_as_well),
        T(cookie_brought_back_admits),
        T(cookie_of_something_else_is_asked_for_anew),
        T(cookie_outlives_one_secret_and_not_two),
        T(a_cookie_admits_up_to_the_caps_and_no_further),
        T(a_flood_without_cookies_makes_nothing),
        T(under_load_what_has_no_nonce_is_not_answered),
        T(known_peers_do_not_notice_a_flood),
        T(no_answer_is_larger_than_its_question),
        T(an_answer_that_would_be_larger_waits_for_a_cookie),
        T(initiator_obeys_cookie_invalid_ke_and_cookie_again),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
