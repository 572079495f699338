/* Where a responder's handshake goes inside the engine: two engines in one process, without
 * sockets, one of them timed. IKE_SA_INIT, IKE_AUTH with a child, DELETE, again and again.
 *
 *   bench_ike_inside IKE ESP
 *
 * Prints one line of JSON, microseconds of CPU a handshake: dh_us, the responder's two
 * Diffie-Hellman operations; keys_us, the same prf+ and AUTH calculations on their own; engine_us,
 * all of the responder's steps without the Diffie-Hellman jobs (so keys_us is part of it). */
#include "ike/ike.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PENDING 64
#define SPEND   KD_MS(700)

enum { INITIATOR, RESPONDER };

struct pending {
    int to;
    struct ike_event ev;
    uint8_t data[8192];
};

static struct side {
    struct ike *e;
    struct ike_out out;
} side[2];

static struct kc_ctx *crypto;
static struct pending queue[PENDING];
static uint32_t head, tail, handshakes;
static uint64_t dh_ns, engine_ns, virtual_us = KD_S(1000);

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct pending *later(int to, enum ike_event_kind kind)
{
    struct pending *p = &queue[tail++ % PENDING];

    kd_assert(tail - head <= PENDING);
    p->to = to;
    p->ev = (struct ike_event){.kind = kind};
    return p;
}

static void carry(struct pending *p, const uint8_t *data, size_t len)
{
    kd_assert(len <= sizeof(p->data));
    memcpy(p->data, data, len);
    p->ev.data = kd_bytes(p->data, len);
}

static void run_job(int who, const struct ike_action *a)
{
    const struct kc_job job = {.kind = a->job_kind,
                               .group = (enum kc_dh)a->group,
                               .priv = a->priv,
                               .peer = kd_bytes(side[who].out.buf + a->data.off, a->data.len)};
    static struct kc_job_result res;
    struct pending *p = later(who, IKE_EV_JOB_DONE);
    uint64_t t0 = cpu_ns();

    memset(&res, 0, sizeof(res));
    kc_job_run(crypto, &job, &res);
    if (who == RESPONDER)
        dh_ns += cpu_ns() - t0;
    p->ev.job = a->job;
    p->ev.job_status = res.status;
    p->ev.secret = res.secret;
    carry(p, res.pub, res.pub_len);
}

static void act(int who, const struct ike_action *a)
{
    struct pending *p;

    if (a->kind == IKE_ACT_SEND) {
        p = later(!who, IKE_EV_DATAGRAM);
        p->ev.local = a->remote;
        p->ev.remote = a->local;
        p->ev.natt = a->natt;
        carry(p, side[who].out.buf + a->data.off, a->data.len);
    } else if (a->kind == IKE_ACT_JOB) {
        run_job(who, a);
    } else if (a->kind == IKE_ACT_CHILD_ADD) {
        p = later(who, IKE_EV_CHILD_RESULT);
        p->ev.child = a->child;
        p->ev.ok = true;
    } else if (a->kind == IKE_ACT_NOTE && a->note == IKE_NOTE_REFUSED) {
        fprintf(stderr, "bench_ike_inside: refused: %.*s\n", (int)a->detail.len,
                (const char *)side[who].out.buf + a->detail.off);
        exit(1);
    }
}

static void step(int who, struct ike_event ev)
{
    uint64_t t0 = cpu_ns();

    ev.now_us = virtual_us += 10;
    do {
        ike_step(side[who].e, &ev, &side[who].out);
        if (who == RESPONDER)
            engine_ns += cpu_ns() - t0;
        for (uint32_t i = 0; i < side[who].out.n; i++)
            act(who, &side[who].out.a[i]);
        ev = (struct ike_event){.kind = IKE_EV_WAKE, .now_us = virtual_us};
        t0 = cpu_ns();
    } while (side[who].out.more);
}

static void settle(void)
{
    while (head != tail) {
        struct pending p = queue[head++ % PENDING];
        p.ev.data.p = p.data;
        step(p.to, p.ev);
    }
}

static void make(int who, const char *ike, const char *esp)
{
    struct kd_prefix any = {.addr = {.family = 4}};
    struct ike_params params = {.crypto = crypto};
    struct ike_conn_config c = {.local = kd_addr_v4(0x0a000001u + (uint32_t)who),
                                .remote = kd_addr_v4(0x0a000002u - (uint32_t)who),
                                .role = who == INITIATOR ? IKE_ROLE_INITIATOR : IKE_ROLE_RESPONDER,
                                .detect_us = KD_S(45),
                                .ike = {.n = 1},
                                .esp = {.n = 1}};
    const struct ike_event up = {.kind = IKE_EV_COMMAND, .command = IKE_CMD_UP};
    char err[256];

    kc_os_random(params.seed, sizeof(params.seed));
    side[who].e = ike_new(&params);
    c.child[0].local_ts = c.child[0].remote_ts =
        (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&any)}};
    c.psk = kc_key_import(crypto, kd_bytes_str("a-preshared-key-of-the-bench"));
    if (!side[who].e ||
        !ike_proposal_from_string(ike, IKE_PROTO_IKE, &c.ike.p[0], err, sizeof(err)) ||
        !ike_proposal_from_string(esp, IKE_PROTO_ESP, &c.esp.p[0], err, sizeof(err)) ||
        !ike_id_parse(who ? "b.example" : "a.example", &c.local_id) ||
        !ike_id_parse(who ? "a.example" : "b.example", &c.remote_id) ||
        !ike_conn_set(side[who].e, 0, &c)) {
        fprintf(stderr, "bench_ike_inside: %s\n", err);
        exit(1);
    }
    if (who == RESPONDER)
        step(who, up);
}

static void one_handshake(void)
{
    struct ike_event cmd = {.kind = IKE_EV_COMMAND, .command = IKE_CMD_UP};
    struct ike_view v;

    step(INITIATOR, cmd);
    settle();
    if (!ike_conn_view(side[RESPONDER].e, 0, &v) || !v.established || v.n_children != 1) {
        fprintf(stderr, "bench_ike_inside: no tunnel\n");
        exit(1);
    }
    cmd.command = IKE_CMD_DOWN;
    step(INITIATOR, cmd);
    settle();
    virtual_us += KD_S(30); /* what lingers is freed, as it would be in the daemon */
    step(INITIATOR, (struct ike_event){.kind = IKE_EV_WAKE});
    step(RESPONDER, (struct ike_event){.kind = IKE_EV_WAKE});
    handshakes++;
}

/* SKEYSEED, the seven keys, AUTH of both ends, KEYMAT: microseconds. */
static double keys_us(enum kc_prf prf)
{
    const uint16_t lens[7] = {32, 32, 32, 32, 32, 32, 32}, child[4] = {32, 20, 32, 20};
    uint8_t nonce[64] = {1}, mac[64];
    const struct kd_bytes seed[] = {kd_bytes(nonce, 32), kd_bytes(nonce, 32), kd_bytes(nonce, 8)};
    const uint8_t message[500] = {2};
    const struct kd_bytes octets[] = {kd_bytes(message, 500), kd_bytes(nonce, 32),
                                      kd_bytes(mac, 32)};
    uint64_t t0 = cpu_ns(), n = 0;

    memset(mac, 0, sizeof(mac));
    do {
        struct kd_handle secret = kc_key_import(crypto, kd_bytes(message, 256)), k[7], c[4];
        struct kd_handle seedkey = kc_prf_key(crypto, prf, kd_bytes(nonce, 64), NULL, 0, secret);
        bool ok = kc_prf_plus(crypto, prf, seedkey, KD_HANDLE_NONE, seed, 3, lens, 7, k) &&
                  kc_prf_plus(crypto, prf, k[0], KD_HANDLE_NONE, seed, 2, child, 4, c);
        for (int end = 0; ok && end < 2; end++) {
            struct kd_handle pad = kc_prf_derive(crypto, prf, secret, KD_HANDLE_NONE, seed, 1);
            ok =
                kc_prf(crypto, prf, k[5], seed, 1, mac) && kc_prf(crypto, prf, pad, octets, 3, mac);
            kc_key_free(crypto, pad);
        }
        if (!ok)
            exit(1);
        for (int i = 0; i < 7; i++)
            kc_key_free(crypto, k[i]);
        for (int i = 0; i < 4; i++)
            kc_key_free(crypto, c[i]);
        kc_key_free(crypto, seedkey);
        kc_key_free(crypto, secret);
        n++;
    } while (cpu_ns() - t0 < KD_MS(100) * 1000);
    return (double)(cpu_ns() - t0) / 1e3 / (double)n;
}

int main(int argc, char **argv)
{
    uint64_t t0 = cpu_ns();

    if (argc != 3) {
        fprintf(stderr, "usage: bench_ike_inside IKE ESP\n");
        return 2;
    }
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 1024);
    if (!crypto)
        return 1;
    make(INITIATOR, argv[1], argv[2]);
    make(RESPONDER, argv[1], argv[2]);
    while (cpu_ns() - t0 < SPEND * 1000)
        one_handshake();
    printf("{\"dh_us\": %.1f, \"keys_us\": %.1f, \"engine_us\": %.1f}\n",
           (double)dh_ns / 1e3 / handshakes,
           keys_us(strstr(argv[1], "sha1") ? KC_PRF_HMAC_SHA1 : KC_PRF_HMAC_SHA2_256),
           (double)engine_ns / 1e3 / handshakes);
    return 0;
}
