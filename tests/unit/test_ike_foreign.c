/* Two rekeys of one pair at once, against a peer that does not judge the nonces as RFC 7296 2.8.1
 * says: what it deletes is gone, what it should delete and does not goes after a while, and one
 * pair is left in use in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "ike/child.h"
#include "ike_peer.h"

#define THEIRS 0x7001u /* the peer's inbound SPI of the pair it makes */
#define OURS   0x7002u /* and of the one B makes */

static const struct kd_bytes none = {NULL, 0};

struct meeting {
    struct peer *t;
    struct pair *p;
    uint32_t old, ours, theirs; /* B's inbound SPIs */
    uint32_t old_out;
};

static void put_spi(uint8_t out[4], uint32_t spi)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(spi >> (24 - 8 * i));
}

static void put_pair(struct ike_build *b, const struct ike_conn_config *c, int octet)
{
    uint8_t nonce[32];

    memset(nonce, octet, sizeof(nonce));
    ike_put_nonce(b, kd_bytes(nonce, sizeof(nonce)));
    ike_put_ts(b, IKE_PL_TSI, &c->child[0].local_ts);
    ike_put_ts(b, IKE_PL_TSR, &c->child[0].remote_ts);
}

static uint32_t newest(const struct pair *p)
{
    return p->s[B].child[p->s[B].n_children - 1].spi_in;
}

static uint32_t outbound(const struct meeting *m)
{
    return pair_outbound(m->p, B)->spi_in;
}

static bool has(const struct meeting *m, uint32_t spi)
{
    for (unsigned i = 0; i < m->p->s[B].n_children; i++)
        if (m->p->s[B].child[i].spi_in == spi)
            return true;
    return false;
}

/* Both exchanges are complete; lost: the peer's by its nonce, which is the lowest, else B's by the
 * peer's nonce in the answer. */
static void meet(struct meeting *m, uint64_t seed, bool lost)
{
    const struct ike_conn_config *c;
    const struct ike_child *old;
    struct ike_header asked;
    struct ike_suite suite;
    struct ike_build *b;
    uint8_t spi[4];

    m->p = pair_new(seed, AZURE_IKE, AZURE_ESP);
    m->p->s[A].cfg.role = IKE_ROLE_RESPONDER;
    m->p->s[B].cfg.role = IKE_ROLE_BOTH;
    pair_config(m->p, A);
    m->p->s[B].cfg.detect_us = KD_S(300);
    pair_config(m->p, B);
    assert_true(pair_establish(m->p));
    m->t = peer_of(m->p, B);
    m->t->polite = true;
    c = &m->p->s[B].cfg;
    old = ike_child_get(m->p->s[B].e, m->p->s[B].child[0].child);
    suite = old->suite;
    suite.number = 1;
    m->old = old->spi_in;
    m->old_out = old->spi_out;
    pair_command(m->p, B, IKE_CMD_REKEY_CHILD);
    pair_run(m->p, KD_MS(20));
    assert_int_equal(m->t->asked.exchange, IKE_X_CREATE_CHILD_SA);
    asked = m->t->asked;

    b = peer_request(m->t, IKE_X_CREATE_CHILD_SA);
    put_spi(spi, m->old_out);
    ike_put_notify(b, IKE_PROTO_ESP, kd_bytes(spi, 4), IKE_N_REKEY_SA, none);
    put_spi(spi, THEIRS);
    ike_put_sa(b, &c->esp, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
    put_pair(b, c, lost ? 0x00 : 0xff);
    peer_send(m->t);
    assert_int_equal(peer_error(m->t), 0);
    m->theirs = newest(m->p);
    assert_int_not_equal(m->theirs, m->old);
    assert_int_equal(outbound(m), m->old);

    m->t->asked = asked;
    b = peer_answer(m->t);
    put_spi(spi, OURS);
    ike_put_sa_answer(b, &suite, IKE_PROTO_ESP, kd_bytes(spi, 4), true);
    put_pair(b, c, lost ? 0xff : 0x00);
    peer_send(m->t);
    m->ours = newest(m->p);
    assert_int_not_equal(m->ours, m->theirs);
}

static void peer_deletes(struct meeting *m, uint32_t spi)
{
    ike_put_delete(peer_request(m->t, IKE_X_INFORMATIONAL), IKE_PROTO_ESP, &spi, 1);
    peer_send(m->t);
}

static void part(struct meeting *m)
{
    peer_free(m->t);
    pair_free(m->p);
}

/* The peer's exchange holds the lowest nonce: B uses its own pair. */
static void redundant_pair_that_the_peer_leaves_is_deleted_after_a_while(void **state)
{
    struct meeting m;
    (void)state;

    meet(&m, 201, true);
    assert_int_equal(outbound(&m), m.ours);
    pair_run(m.p, KD_S(9));
    assert_true(has(&m, m.theirs)); /* the peer's time to delete it */
    pair_run(m.p, KD_S(10));
    assert_int_equal(m.p->s[B].n_children, 1);
    assert_int_equal(outbound(&m), m.ours);
    part(&m);
}

static void peer_that_deletes_the_winner_is_followed_to_the_loser(void **state)
{
    struct meeting m;
    (void)state;

    meet(&m, 202, true);
    assert_int_equal(outbound(&m), m.ours);
    peer_deletes(&m, m.old_out);
    peer_deletes(&m, OURS);
    assert_int_equal(outbound(&m), m.theirs);
    assert_true(has(&m, m.ours)); /* what is under way is still received */
    pair_run(m.p, KD_S(40));
    assert_int_equal(m.p->s[B].n_children, 1);
    assert_int_equal(outbound(&m), m.theirs);
    part(&m);
}

static void peer_that_deletes_its_redundant_pair_ends_it_at_once(void **state)
{
    struct meeting m;
    (void)state;

    meet(&m, 203, true);
    peer_deletes(&m, THEIRS);
    assert_int_equal(outbound(&m), m.ours);
    pair_run(m.p, KD_S(6));
    assert_int_equal(m.p->s[B].n_children, 1);
    assert_int_equal(outbound(&m), m.ours);
    part(&m);
}

/* B's exchange holds the lowest nonce: it deletes its own pair, and leaves the old one to the peer.
 */
static void old_pair_that_the_peer_leaves_is_deleted_after_a_while(void **state)
{
    struct meeting m;
    (void)state;

    meet(&m, 204, false);
    assert_int_equal(outbound(&m), m.old);
    pair_run(m.p, KD_S(20));
    assert_false(has(&m, m.ours));
    assert_int_equal(outbound(&m), m.old);
    pair_run(m.p, KD_S(20));
    assert_int_equal(m.p->s[B].n_children, 1);
    assert_int_equal(outbound(&m), m.theirs);
    part(&m);
}

static void peer_that_deletes_its_winner_too_leaves_the_old_pair_to_be_rekeyed_again(void **state)
{
    struct meeting m;
    (void)state;

    meet(&m, 205, false);
    peer_deletes(&m, THEIRS);
    assert_int_equal(outbound(&m), m.old);
    m.t->asked.exchange = 0;
    pair_run(m.p, KD_S(8));
    assert_int_equal(outbound(&m), m.old);
    assert_int_equal(m.p->s[B].n_children, 1);
    assert_int_equal(m.t->asked.exchange, IKE_X_CREATE_CHILD_SA);
    part(&m);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(redundant_pair_that_the_peer_leaves_is_deleted_after_a_while),
        T(peer_that_deletes_the_winner_is_followed_to_the_loser),
        T(peer_that_deletes_its_redundant_pair_ends_it_at_once),
        T(old_pair_that_the_peer_leaves_is_deleted_after_a_while),
        T(peer_that_deletes_its_winner_too_leaves_the_old_pair_to_be_rekeyed_again),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
