/* RFC 7296 2.11, 2.23: addresses and ports, NAT detection, port 4500; as we do it and as a peer
 * may. Mapping changes are in test_ike_engine.c, the non-ESP marker in test_dataplane.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike_peer.h"

static void done(struct peer *t)
{
    struct pair *p = t->p;

    peer_free(t);
    pair_free(p);
}

static struct peer *stranger_of(uint64_t seed)
{
    struct pair *p = pair_new(seed, AZURE_IKE, AZURE_ESP);

    pair_command(p, B, IKE_CMD_UP);
    return peer_stranger(p, B);
}

/* ---- 2.11: ports ---- */

static void a_request_from_any_port_is_answered_to_that_port(void **state)
{
    static const uint16_t ports[] = {1, 500, 4500, 4711, 65535};
    (void)state;

    for (size_t i = 0; i < KD_ARRAY_LEN(ports); i++) {
        struct peer *t = stranger_of(500 + i);
        t->here.port = ports[i];
        (void)peer_init(t);
        assert_int_equal(peer_send(t), 1);
        assert_true(ike_msg_has(&t->last, IKE_PL_SA));
        assert_true(kd_endpoint_eq(&t->dst, &t->here));
        assert_true(kd_endpoint_eq(&t->src, &t->engine)); /* from where it was received */
        done(t);
    }
}

static void an_answer_follows_its_request_but_the_sa_does_not_without_a_nat(void **state)
{
    struct pair *p = pair_established(506, AZURE_IKE, AZURE_ESP);
    struct peer *t = peer_of(p, B);
    struct kd_endpoint home = t->here;
    (void)state;

    t->here.port = 4711;
    (void)peer_request(t, IKE_X_INFORMATIONAL);
    assert_int_equal(peer_send(t), 1);
    assert_true(kd_endpoint_eq(&t->dst, &t->here));
    assert_int_equal(p->s[B].moves, 0);
    pair_command(p, B, IKE_CMD_PROBE);
    assert_true(kd_endpoint_eq(&t->dst, &home));
    done(t);
}

/* ---- 2.23: detection ---- */

static unsigned natd(const struct ike_msg *m, uint16_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_notifies; i++)
        if (m->notifies[i].type == type) {
            assert_int_equal(m->notifies[i].data.len, 20);
            n++;
        }
    return n;
}

static bool look_for_natd(struct pair *p, struct pair_packet *k)
{
    unsigned *seen = p->ctx;
    struct ike_diag d;
    struct ike_msg m;

    assert_true(ike_msg_parse(kd_bytes(k->data, k->len), &m, &d));
    if (m.h.exchange != IKE_X_SA_INIT)
        return true;
    assert_int_equal(natd(&m, IKE_N_NAT_DETECTION_SOURCE_IP), 1);
    assert_int_equal(natd(&m, IKE_N_NAT_DETECTION_DESTINATION_IP), 1);
    ++*seen;
    return true;
}

static void both_ends_send_both_hashes(void **state)
{
    struct pair *p = pair_new(507, AZURE_IKE, AZURE_ESP);
    unsigned seen = 0;
    (void)state;

    p->filter = look_for_natd;
    p->ctx = &seen;
    assert_true(pair_establish(p));
    assert_int_equal(seen, 2);
    assert_false(p->s[A].child[0].encap || p->s[B].child[0].encap); /* and no NAT was seen */
    pair_free(p);
}

/* A peer without NAT traversal: nothing of it in the answer. */
static void without_hashes_there_is_no_nat_traversal(void **state)
{
    struct peer *t = stranger_of(508);
    (void)state;

    (void)peer_init(t);
    assert_int_equal(peer_send(t), 1);
    assert_int_equal(natd(&t->last, IKE_N_NAT_DETECTION_SOURCE_IP), 0);
    assert_int_equal(natd(&t->last, IKE_N_NAT_DETECTION_DESTINATION_IP), 0);
    done(t);
}

static bool only_init_on_500(struct pair *p, struct pair_packet *k)
{
    unsigned *natt = p->ctx;
    uint16_t engine_port = k->from == A ? k->src.port : k->dst.port;

    if (k->data[18] == IKE_X_SA_INIT) {
        assert_false(k->natt);
        return true;
    }
    assert_true(k->natt); /* with the marker, from 4500 or what the NAT makes of it */
    assert_true(engine_port == 4500 || engine_port == 24500);
    ++*natt;
    return true;
}

static void behind_a_nat_all_goes_by_port_4500_and_esp_in_udp(void **state)
{
    struct pair *p = pair_new(509, AZURE_IKE, AZURE_ESP);
    unsigned natt = 0;
    (void)state;

    p->nat_a = true;
    p->s[B].cfg.remote.family = 0;
    pair_config(p, B);
    p->filter = only_init_on_500;
    p->ctx = &natt;
    assert_true(pair_establish(p));
    pair_command(p, A, IKE_CMD_REKEY_CHILD);
    pair_run(p, KD_S(10));
    pair_command(p, B, IKE_CMD_REKEY_IKE);
    pair_run(p, KD_S(10));
    assert_true(natt > 30);
    for (int i = 0; i < 2; i++) {
        assert_true(p->s[i].child[0].encap);
        assert_int_equal(p->s[i].child[0].local.port, 4500); /* never 500 */
        assert_int_not_equal(p->s[i].child[0].remote.port, 500);
    }
    pair_free(p);
}

/* A peer that insists on 500 with IKE although there is a NAT: ESP still doesn't use it. */
static bool stay_on_500(struct pair *p, struct pair_packet *k)
{
    (void)p;
    if (k->from == A && k->data[18] == IKE_X_AUTH) {
        k->natt = false;
        k->src.port = k->dst.port = 500;
    } else if (k->from == B && k->data[18] != IKE_X_SA_INIT) {
        k->natt = true;
        k->src.port = k->dst.port = 4500;
    }
    return true;
}

static void esp_in_udp_never_uses_port_500(void **state)
{
    struct pair *p = pair_new(510, AZURE_IKE, AZURE_ESP);
    (void)state;

    p->s[A].cfg.encap = IKE_ENCAP_ALWAYS;
    pair_config(p, A);
    p->filter = stay_on_500;
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_MS(200));
    assert_int_equal(p->s[B].n_children, 1);
    assert_true(p->s[B].child[0].encap);
    assert_int_equal(p->s[B].child[0].local.port, 4500);
    assert_int_equal(p->s[B].child[0].remote.port, 4500);
    pair_free(p);
}

/* A hash that fits neither address is a NAT; one of several that fits is none. */
static void one_fitting_source_hash_of_several_is_enough(void **state)
{
    (void)state;

    for (int fits = 0; fits < 2; fits++) {
        struct peer *t = stranger_of(511);
        struct ike_build *b = peer_init(t);
        struct ike *e = t->p->s[B].e;
        struct kd_bytes parts[4];
        uint8_t hash[20], port[2] = {500 >> 8, 500 & 255};
        const uint8_t wrong[20] = {1};
        static const uint8_t spi_r[8];

        for (int i = 0; i < 3; i++)
            ike_put_notify(b, 0, kd_bytes(NULL, 0), IKE_N_NAT_DETECTION_SOURCE_IP,
                           kd_bytes(wrong, 20));
        parts[0] = kd_bytes(t->spi_i, 8);
        parts[1] = kd_bytes(spi_r, 8);
        parts[3] = kd_bytes(port, 2);
        parts[2] = kd_addr_bytes(&t->here.addr);
        kc_sha1(e->crypto, parts, 4, hash);
        if (fits)
            ike_put_notify(b, 0, kd_bytes(NULL, 0), IKE_N_NAT_DETECTION_SOURCE_IP,
                           kd_bytes(hash, 20));
        parts[2] = kd_addr_bytes(&t->engine.addr);
        kc_sha1(e->crypto, parts, 4, hash);
        ike_put_notify(b, 0, kd_bytes(NULL, 0), IKE_N_NAT_DETECTION_DESTINATION_IP,
                       kd_bytes(hash, 20));
        assert_int_equal(peer_send(t), 1);
        assert_int_equal(natd(&t->last, IKE_N_NAT_DETECTION_SOURCE_IP), 1);
        assert_int_equal(ike_index_spi(e, t->last.h.spi_r)->encap, !fits);
        done(t);
    }
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_from_any_port_is_answered_to_that_port),
        T(an_answer_follows_its_request_but_the_sa_does_not_without_a_nat),
        T(both_ends_send_both_hashes),
        T(without_hashes_there_is_no_nat_traversal),
        T(behind_a_nat_all_goes_by_port_4500_and_esp_in_udp),
        T(esp_in_udp_never_uses_port_500),
        T(one_fitting_source_hash_of_several_is_enough),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
