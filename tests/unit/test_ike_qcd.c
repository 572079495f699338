/* Quick crash detection (RFC 6290): a restarted peer's token ends the old IKE SA at once, and
 * nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/grammar.h"
#include "ike/message.h"
#include "ike_pair.h"

#define N_QCD_TOKEN 16419

/* What crossed the wire in clear, and what a test does to it. */
struct wire {
    unsigned tokens;   /* datagrams in clear with a token */
    bool flip;         /* changes one bit of each token */
    bool cut;          /* takes the token out */
    uint8_t last[256]; /* the last one */
    size_t last_len;
};

/* Where a token is in a datagram in clear, or 0. */
static size_t token_at(const struct pair_packet *k)
{
    size_t at = IKE_HEADER_LEN;
    uint8_t type = k->data[16];

    if (k->len < IKE_HEADER_LEN || type == IKE_PL_SK)
        return 0;
    while (at + 8 <= k->len && type != 0) {
        if (type == IKE_PL_NOTIFY && (k->data[at + 6] << 8 | k->data[at + 7]) == N_QCD_TOKEN)
            return at;
        type = k->data[at];
        at += (size_t)(k->data[at + 2] << 8 | k->data[at + 3]);
    }
    return 0;
}

static bool watch(struct pair *p, struct pair_packet *k)
{
    struct wire *w = p->ctx;
    size_t at = token_at(k);

    if (!at)
        return true;
    w->tokens++;
    if (w->flip)
        k->data[at + 8] ^= 1;
    if (w->cut) { /* it was the last payload: INVALID_IKE_SPI stays */
        k->len = at;
        k->data[IKE_HEADER_LEN] = 0;
        k->data[26] = 0;
        k->data[27] = (uint8_t)at;
    }
    memcpy(w->last, k->data, k->len);
    w->last_len = k->len;
    return true;
}

/* A initiates, B only answers: so A learns of B's restart by a request of its own. */
static struct pair *pair_with_tokens(uint64_t seed, const char *a, const char *b, struct wire *w)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);

    memset(w, 0, sizeof(*w));
    p->filter = watch;
    p->ctx = w;
    p->s[A].qcd = a;
    p->s[B].qcd = b;
    pair_restart(p, A);
    pair_restart(p, B);
    assert_true(pair_establish(p));
    return p;
}

static void crash(struct pair *p, int side)
{
    pair_restart(p, side);
    pair_command(p, side, IKE_CMD_UP);
}

static void down_leaves_nothing(struct pair *p)
{
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(30));
    assert_true(pair_nothing_left(p));
    pair_free(p);
}

static void restarted_responder_is_found_by_the_first_request(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(1, "secret of a", "secret of b", &w);
    uint64_t since;
    (void)state;

    pair_run(p, KD_S(5));
    crash(p, B);
    since = p->now_us;
    pair_run(p, p->s[A].cfg.detect_us / 3 + KD_MS(100));
    assert_int_equal(w.tokens, 1);
    assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_RESTARTED);
    assert_true(pair_note(p, A, IKE_NOTE_CLOSED)->at_us < since + p->s[A].cfg.detect_us / 2);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_FAILING), 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 0);
    assert_true(pair_up(p, A) && pair_up(p, B)); /* it connected at once, not after the pause */
    assert_true(pair_children_agree(p));
    assert_int_equal(p->s[A].n_children, 1);
    down_leaves_nothing(p);
}

static void without_the_secret_it_takes_the_detection_budget(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(1, "secret of a", NULL, &w);
    (void)state;

    pair_run(p, KD_S(5));
    crash(p, B);
    pair_run(p, p->s[A].cfg.detect_us * 2);
    assert_int_equal(w.tokens, 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    down_leaves_nothing(p);
}

static void another_secret_after_the_restart_proves_nothing(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(2, "secret of a", "secret of b", &w);
    (void)state;

    p->s[B].qcd = "another one";
    crash(p, B);
    pair_run(p, p->s[A].cfg.detect_us * 2);
    assert_true(w.tokens > 0);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    down_leaves_nothing(p);
}

static void changed_or_missing_token_proves_nothing(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct wire w;
        struct pair *p = pair_with_tokens(3, "secret of a", "secret of b", &w);
        w.flip = i == 0;
        w.cut = i == 1;
        crash(p, B);
        pair_run(p, p->s[A].cfg.detect_us * 2);
        assert_true(w.tokens > 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
        assert_int_equal(pair_notes(p, A, IKE_NOTE_UNREACHABLE), 1);
        down_leaves_nothing(p);
    }
}

/* A third party asks for the pair in either order, under either flag, at either end. */
static void living_sa_never_has_its_token_shown(void **state)
{
    static const uint8_t flags[] = {0, IKE_FLAG_INITIATOR};
    struct wire w;
    struct pair *p = pair_with_tokens(4, "secret of a", "secret of b", &w);
    struct ike_view v;
    (void)state;

    assert_true(ike_conn_view(p->s[A].e, 7, &v));
    for (int side = A; side <= B; side++)
        for (int f = 0; f < 2; f++)
            for (int swap = 0; swap < 2; swap++) {
                uint8_t m[80] = {0};
                struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .data = kd_bytes(m, sizeof(m))};
                memcpy(m + (swap ? 8 : 0), v.spi_i, 8);
                memcpy(m + (swap ? 0 : 8), v.spi_r, 8);
                m[16] = IKE_PL_SK;
                m[17] = 0x20;
                m[18] = IKE_X_INFORMATIONAL;
                m[19] = flags[f];
                m[27] = sizeof(m);
                m[28 + 3] = sizeof(m) - 28;
                ev.local = (struct kd_endpoint){p->s[side].cfg.local, 500};
                ev.remote = (struct kd_endpoint){kd_addr_v4(0x0a0000ffu), 500};
                pair_step(p, side, &ev);
                pair_run(p, KD_MS(20));
                if (w.tokens == 0)
                    continue;
                /* A token of a pair that does not exist: worth nothing where it does. */
                assert_true(swap);
                memcpy(w.last, v.spi_i, 8);
                memcpy(w.last + 8, v.spi_r, 8);
                for (int to = A; to <= B; to++)
                    for (int g = 0; g < 2; g++) {
                        struct ike_event forged = {.kind = IKE_EV_DATAGRAM,
                                                   .data = kd_bytes(w.last, w.last_len)};
                        w.last[19] = (uint8_t)(IKE_FLAG_RESPONSE | flags[g]);
                        forged.local = (struct kd_endpoint){p->s[to].cfg.local, 500};
                        forged.remote = (struct kd_endpoint){p->s[!to].cfg.local, 500};
                        pair_step(p, to, &forged);
                    }
                w.tokens = 0;
            }
    pair_run(p, KD_S(10));
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    assert_int_equal(pair_notes(p, B, IKE_NOTE_CLOSED), 0);
    assert_true(pair_up(p, A) && pair_up(p, B));
    down_leaves_nothing(p);
}

static void token_of_another_address_is_not_listened_to(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(5, "secret of a", "secret of b", &w);
    struct ike_event forged = {.kind = IKE_EV_DATAGRAM};
    (void)state;

    crash(p, B);
    p->s[A].cut_in = true;
    pair_run(p, p->s[A].cfg.detect_us / 3 + KD_MS(50));
    assert_true(w.tokens > 0);
    forged.data = kd_bytes(w.last, w.last_len);
    forged.local = (struct kd_endpoint){p->s[A].cfg.local, 500};
    forged.remote = (struct kd_endpoint){kd_addr_v4(0x0a0000ffu), 500};
    pair_step(p, A, &forged);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 0);
    forged.remote.addr = p->s[B].cfg.local; /* the nearest right one */
    pair_step(p, A, &forged);
    assert_int_equal(pair_notes(p, A, IKE_NOTE_CLOSED), 1);
    p->s[A].cut_in = false;
    down_leaves_nothing(p);
}

static void rekeyed_sa_has_tokens_of_its_own(void **state)
{
    (void)state;

    for (int side = A; side <= B; side++) { /* who rekeys */
        struct wire w;
        struct pair *p = pair_with_tokens(6, "secret of a", "secret of b", &w);
        for (int i = 0; i < 3; i++) {
            pair_command(p, side, IKE_CMD_REKEY_IKE);
            pair_run(p, KD_S(1));
        }
        assert_int_equal(pair_notes(p, A, IKE_NOTE_REKEYED), 3);
        crash(p, B);
        pair_run(p, p->s[A].cfg.detect_us / 3 + KD_MS(100));
        assert_int_equal(pair_note(p, A, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_RESTARTED);
        assert_true(pair_up(p, A) && pair_up(p, B));
        down_leaves_nothing(p);
    }
}

static void restarted_initiator_is_found_by_the_responders_request(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(7, "secret of a", "secret of b", &w);
    (void)state;

    p->s[B].cfg.role = IKE_ROLE_BOTH;
    pair_config(p, B);
    pair_restart(p, A);
    p->s[A].cfg.role = IKE_ROLE_RESPONDER; /* it waits: only its token can tell */
    pair_config(p, A);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, p->s[B].cfg.detect_us / 3 + KD_MS(100));
    assert_int_equal(pair_note(p, B, IKE_NOTE_CLOSED)->reason, KD_REASON_PEER_RESTARTED);
    assert_true(pair_up(p, A) && pair_up(p, B));
    down_leaves_nothing(p);
}

/* A sealed request of len octets for an IKE SA that nobody has, number i, to B. */
static void forge(struct pair *p, unsigned i, size_t len)
{
    uint8_t m[80] = {1, [6] = (uint8_t)(i >> 8), [7] = (uint8_t)i, [8] = 1, [16] = IKE_PL_SK};
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .data = kd_bytes(m, len)};

    m[17] = 0x20;
    m[18] = IKE_X_INFORMATIONAL;
    m[19] = IKE_FLAG_INITIATOR;
    m[27] = (uint8_t)len;
    m[31] = (uint8_t)(len - IKE_HEADER_LEN);
    ev.local = (struct kd_endpoint){p->s[B].cfg.local, 500};
    ev.remote = (struct kd_endpoint){p->s[A].cfg.local, 500};
    pair_step(p, B, &ev);
}

static void tokens_in_clear_are_rate_limited(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(8, "secret of a", "secret of b", &w);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    for (unsigned i = 0; i < 1000; i++)
        forge(p, i, 60);
    assert_in_range(p->s[B].n_sent - sent, 1, 32);
    assert_int_equal(w.tokens, p->s[B].n_sent - sent);
    down_leaves_nothing(p);
}

static void a_request_shorter_than_the_token_draws_none(void **state)
{
    struct wire w;
    struct pair *p = pair_with_tokens(9, "secret of a", "secret of b", &w);
    unsigned sent = p->s[B].n_sent;
    (void)state;

    forge(p, 1, 59);
    assert_int_equal(p->s[B].n_sent - sent, 1); /* INVALID_IKE_SPI alone, 36 octets */
    assert_int_equal(w.tokens, 0);
    forge(p, 2, 60);
    assert_int_equal(p->s[B].n_sent - sent, 2);
    assert_int_equal(w.tokens, 1);
    assert_int_equal(w.last_len, 60);
    down_leaves_nothing(p);
}

/* The shortest request of a living SA that A has sent. */
static bool shortest(struct pair *p, struct pair_packet *k)
{
    size_t *least = p->ctx;

    if (k->from == A && k->data[16] == IKE_PL_SK && k->data[18] == IKE_X_INFORMATIONAL &&
        !(k->data[19] & IKE_FLAG_RESPONSE))
        *least = KD_MIN(*least, k->len);
    return true;
}

static size_t shortest_request(const char *suite, const char *secret_of_b)
{
    struct pair *p = pair_new(10, suite, AZURE_ESP);
    size_t least = SIZE_MAX;

    p->filter = shortest;
    p->ctx = &least;
    p->s[B].qcd = secret_of_b;
    pair_restart(p, A);
    pair_restart(p, B);
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_PROBE);
    pair_run(p, KD_S(1));
    assert_true(pair_up(p, A) && pair_up(p, B));
    down_leaves_nothing(p);
    return least;
}

static void a_peer_with_tokens_is_asked_at_such_length_that_it_can_answer(void **state)
{
    (void)state;

    assert_int_equal(shortest_request("aes256gcm16-prfsha256-ecp256", NULL), 57);
    assert_int_equal(shortest_request("aes256gcm16-prfsha256-ecp256", "secret of b"), 60);
    assert_int_equal(shortest_request("aes256-sha256-ecp256", NULL), 80);
    assert_int_equal(shortest_request("aes256-sha256-ecp256", "secret of b"), 80);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(restarted_responder_is_found_by_the_first_request),
        T(without_the_secret_it_takes_the_detection_budget),
        T(another_secret_after_the_restart_proves_nothing),
        T(changed_or_missing_token_proves_nothing),
        T(living_sa_never_has_its_token_shown),
        T(token_of_another_address_is_not_listened_to),
        T(rekeyed_sa_has_tokens_of_its_own),
        T(restarted_initiator_is_found_by_the_responders_request),
        T(tokens_in_clear_are_rate_limited),
        T(a_request_shorter_than_the_token_draws_none),
        T(a_peer_with_tokens_is_asked_at_such_length_that_it_can_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
