/* IKE_SA_INIT requests from spoofed addresses against one engine with 1,000 connections, on one
 * core: how many a second it gets rid of. Engine only (no sockets), real cryptography.
 *
 *   build/tests/bench_cookie [seconds a row] */
#include "crypto/crypto.h"
#include "ike/grammar.h"
#include "ike/message.h"
#include "ike/sa.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNS 1000
#define GOAL  100000.0

static struct ike_proposals offer;

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void proposals(struct ike_proposals *l, const char *text, uint8_t protocol)
{
    char err[256];

    l->n = 1;
    if (!ike_proposal_from_string(text, protocol, &l->p[0], err, sizeof(err))) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
}

static void add_conns(struct ike *e, struct kc_ctx *crypto)
{
    static struct ike_conn_config c;

    for (uint32_t i = 0; i < CONNS; i++) {
        struct ike_event up = {
            .kind = IKE_EV_COMMAND, .now_us = 1, .conn = i, .command = IKE_CMD_UP};
        static struct ike_out out;

        memset(&c, 0, sizeof(c));
        c.local = kd_addr_v4(0xcb007101u);
        c.remote = kd_addr_v4(0xc6120000u + i);
        c.psk = kc_key_import(crypto, kd_bytes_str("a shared secret"));
        c.role = IKE_ROLE_RESPONDER;
        proposals(&c.ike, "aes256-sha256-modp2048", IKE_PROTO_IKE);
        proposals(&c.esp, "aes256gcm16", IKE_PROTO_ESP);
        if (!ike_conn_set(e, i, &c))
            exit(1);
        ike_step(e, &up, &out);
    }
}

static struct kd_bytes request(uint8_t *buf, size_t cap, bool cookie)
{
    static const uint8_t pub[256] = {1}, nonce[32] = {2}, some[17] = {1};
    struct ike_header h = {.spi_i = {1}, .exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    struct ike_build b;

    ike_build_begin(&b, buf, cap, &h);
    if (cookie)
        ike_put_notify(&b, 0, kd_bytes(NULL, 0), IKE_N_COOKIE, kd_bytes(some, sizeof(some)));
    ike_put_sa(&b, &offer, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
    ike_put_ke(&b, KC_DH_MODP2048, kd_bytes(pub, sizeof(pub)));
    ike_put_nonce(&b, kd_bytes(nonce, sizeof(nonce)));
    return ike_build_end(&b);
}

/* Virtual time goes by as the wall's does, so what is rate-limited is so here. */
static bool row(const char *name, struct ike *e, uint32_t net, bool cookie, double seconds)
{
    static struct ike_out out;
    uint8_t buf[2048];
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                           .local = {kd_addr_v4(0xcb007101u), 500},
                           .data = request(buf, sizeof(buf), cookie)};
    double t0 = now_s(CLOCK_MONOTONIC), cpu0 = now_s(CLOCK_PROCESS_CPUTIME_ID), t = 0, cpu;
    uint64_t sent = 0, n = 0, start = e->now_us + KD_S(60);
    double rate;

    while (t < seconds) {
        for (int k = 0; k < 1000; k++, n++) {
            uint32_t who = (uint32_t)(n * 2654435761u);
            memcpy(buf + 4, &who, 4);
            ev.remote = (struct kd_endpoint){
                kd_addr_v4(net + who % (net >> 16 == 0xc612 ? CONNS : 0xffffff)), 500};
            ev.now_us = start + (uint64_t)(t * 1e6);
            ike_step(e, &ev, &out);
            for (uint32_t i = 0; i < out.n; i++)
                sent += out.a[i].kind == IKE_ACT_SEND;
        }
        t = now_s(CLOCK_MONOTONIC) - t0;
    }
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu0;
    rate = (double)n / cpu;
    printf("%-44s %9.0f requests/s a core  %5.2f us each  %3.0f %% answered  half-open %u\n", name,
           rate, 1e6 / rate, 100.0 * (double)sent / (double)n, e->n_half_open);
    return rate >= GOAL;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    struct kc_ctx *crypto = kc_ctx_new(KC_PROVIDER_REAL, 4096);
    struct ike_params p = {.crypto = crypto, .seed = {1}, .conns_max = CONNS};
    struct ike *e = crypto ? ike_new(&p) : NULL;
    bool ok = true;

    if (!e)
        return 1;
    proposals(&offer, "aes256-sha256-modp2048", IKE_PROTO_IKE);
    add_conns(e, crypto);
    printf("%u connections; goal %.0f requests/s\n", CONNS, GOAL);
    ok &= row("from the peers' addresses, no cookie", e, 0xc6120000u, false, seconds);
    ok &= row("from anywhere, no cookie", e, 0x0b000000u, false, seconds);
    ok &= row("from anywhere, with an invented cookie", e, 0x0b000000u, true, seconds);
    ike_free(e);
    kc_ctx_free(crypto);
    return ok ? 0 : 1;
}
