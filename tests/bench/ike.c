/* Many IKEv2 initiators in one process: the pure engine with one connection and two UDP sockets
 * (500, 4500) a source address. Each connection establishes (IKE_SA_INIT, IKE_AUTH with a child),
 * deletes and begins anew, until all have made the wanted number of handshakes. The child is
 * accepted and thrown away: what is measured is the responder, by tests/bench/ike.
 *
 *   bench_ike RESPONDER FIRST-LOCAL CONNECTIONS HANDSHAKES IKE ESP RESPONDER-ID PSK
 *
 * It prints one line of JSON: {"handshakes": N, "refused": N, "seconds": S}. */
#include "ike/ike.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define STALL_US        KD_S(20) /* without a handshake: something is wrong */
#define PORT            500
#define NATT_PORT       4500
#define MARKER          4 /* octets of the non-ESP marker */

struct peer {
    int fd[2];    /* port 500, port 4500 */
    bool closing; /* DELETE has left; its answer starts the next attempt */
    uint32_t left;
};

struct load {
    struct kc_ctx *crypto;
    struct ike *e;
    struct ike_out out;
    uint64_t deadline_us;
    struct ike_event queue[256];
    uint8_t queue_data[256][512];
    uint32_t n_queue, n_peers, done, refused;
    struct peer peer[CONNECTIONS_MAX];
};

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_ike: %s: %s\n", what, errno ? strerror(errno) : "refused");
    exit(1);
}

static int bound(const struct kd_addr *local, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memcpy(&sin.sin_addr, local->b, 4);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
        die("bind");
    return fd;
}

/* ---- the engine's actions ---- */

static void send_datagram(const struct load *l, const struct ike_action *a)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(a->remote.port)};
    const uint8_t *data = l->out.buf + a->data.off;
    uint8_t buf[MARKER + 65536] = {0};

    memcpy(&to.sin_addr, a->remote.addr.b, 4);
    memcpy(buf + MARKER, data, a->data.len);
    (void)sendto(l->peer[a->conn].fd[a->natt], a->natt ? buf : buf + MARKER,
                 a->data.len + (a->natt ? MARKER : 0), 0, (struct sockaddr *)&to, sizeof(to));
}

static struct ike_event *later(struct load *l, enum ike_event_kind kind)
{
    struct ike_event *ev = &l->queue[l->n_queue];

    kd_assert(l->n_queue < KD_ARRAY_LEN(l->queue));
    l->n_queue++;
    *ev = (struct ike_event){.kind = kind};
    return ev;
}

static void run_job(struct load *l, const struct ike_action *a)
{
    const struct kc_job job = {.kind = a->job_kind,
                               .group = (enum kc_dh)a->group,
                               .priv = a->priv,
                               .peer = kd_bytes(l->out.buf + a->data.off, a->data.len)};
    struct ike_event *ev = later(l, IKE_EV_JOB_DONE);
    static struct kc_job_result res;

    kc_job_run(l->crypto, &job, &res);
    ev->job = a->job;
    ev->job_status = res.status;
    ev->secret = res.secret;
    memcpy(l->queue_data[ev - l->queue], res.pub, res.pub_len);
    ev->data = kd_bytes(l->queue_data[ev - l->queue], res.pub_len);
    memset(&res, 0, sizeof(res));
}

static void command(struct load *l, uint32_t conn, enum ike_command cmd)
{
    struct ike_event *ev = later(l, IKE_EV_COMMAND);

    ev->conn = conn;
    ev->command = cmd;
}

static void note(struct load *l, const struct ike_action *a)
{
    if (a->note == IKE_NOTE_CHILD_UP) {
        l->done++;
        l->peer[a->conn].left--;
        l->peer[a->conn].closing = true;
        command(l, a->conn, IKE_CMD_DOWN);
    } else if (a->note == IKE_NOTE_REFUSED) {
        l->refused++;
        fprintf(stderr, "bench_ike: refused: %.*s\n", (int)a->detail.len,
                (const char *)l->out.buf + a->detail.off);
    }
}

static void act(struct load *l, const struct ike_action *a)
{
    struct ike_event *ev;

    switch (a->kind) {
    case IKE_ACT_SEND:
        send_datagram(l, a);
        break;
    case IKE_ACT_JOB:
        run_job(l, a);
        break;
    case IKE_ACT_CHILD_ADD:
        ev = later(l, IKE_EV_CHILD_RESULT);
        ev->child = a->child;
        ev->ok = true;
        break;
    case IKE_ACT_NOTE:
        note(l, a);
        break;
    default:
        break;
    }
}

static void step(struct load *l, struct ike_event ev)
{
    ev.now_us = now_us(CLOCK_MONOTONIC);
    ike_step(l->e, &ev, &l->out);
    l->deadline_us = l->out.deadline_us;
    for (uint32_t i = 0; i < l->out.n; i++)
        act(l, &l->out.a[i]);
    if (l->out.more)
        l->deadline_us = 0;
}

/* The event, and everything that follows from it at once. */
static void feed(struct load *l, const struct ike_event *ev)
{
    step(l, *ev);
    for (uint32_t i = 0; i < l->n_queue; i++)
        step(l, l->queue[i]);
    l->n_queue = 0;
}

/* ---- the network ---- */

static void receive(struct load *l, uint32_t conn, int natt, const struct kd_addr *local)
{
    static uint8_t buf[65536];
    struct peer *p = &l->peer[conn];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n = recvfrom(p->fd[natt], buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
    size_t skip = natt ? MARKER : 0;
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .natt = natt};

    if (n <= (ssize_t)skip || (natt && memcmp(buf, "\0\0\0", MARKER) != 0))
        return;
    ev.local = (struct kd_endpoint){*local, natt ? NATT_PORT : PORT};
    ev.remote.addr = kd_addr_v4(ntohl(from.sin_addr.s_addr));
    ev.remote.port = ntohs(from.sin_port);
    ev.data = kd_bytes(buf + skip, (size_t)n - skip);
    feed(l, &ev);
    if (p->closing) { /* the answer to DELETE */
        p->closing = false;
        ev = (struct ike_event){.kind = IKE_EV_COMMAND, .conn = conn, .command = IKE_CMD_UP};
        if (p->left)
            feed(l, &ev);
    }
}

static struct kd_addr nth(const struct kd_addr *first, uint32_t i)
{
    uint32_t a;

    memcpy(&a, first->b, 4);
    return kd_addr_v4(ntohl(a) + i);
}

static void add_conn(struct load *l, uint32_t i, char **argv)
{
    struct kd_prefix any = {.addr = {.family = 4}};
    struct ike_conn_config c = {.port = PORT,
                                .natt_port = NATT_PORT,
                                .role = IKE_ROLE_INITIATOR,
                                .encap = IKE_ENCAP_ALWAYS,
                                .detect_us = KD_S(45),
                                .retry_us = KD_S(1)};
    char err[256], id[KD_ADDR_STR_MAX];
    struct kd_addr first;

    if (!kd_addr_parse(argv[1], &c.remote) || !kd_addr_parse(argv[2], &first))
        die("address");
    c.local = nth(&first, i);
    snprintf(c.name, sizeof(c.name), "c%u", i);
    c.ike.n = c.esp.n = 1;
    if (!ike_proposal_from_string(argv[5], IKE_PROTO_IKE, &c.ike.p[0], err, sizeof(err)) ||
        !ike_proposal_from_string(argv[6], IKE_PROTO_ESP, &c.esp.p[0], err, sizeof(err)) ||
        !ike_id_parse(kd_addr_str(&c.local, id), &c.local_id) ||
        !ike_id_parse(argv[7], &c.remote_id))
        die("configuration");
    c.child[0].local_ts = c.child[0].remote_ts =
        (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&any)}};
    c.psk = kc_key_import(l->crypto, kd_bytes_str(argv[8]));
    if (!ike_conn_set(l->e, i, &c))
        die("connection");
    l->peer[i] = (struct peer){.fd = {bound(&c.local, PORT), bound(&c.local, NATT_PORT)},
                               .left = (uint32_t)atoi(argv[4])};
}

static void poll_once(struct load *l, const struct kd_addr *first)
{
    struct pollfd fds[CONNECTIONS_MAX * 2];
    uint64_t now = now_us(CLOCK_MONOTONIC);
    int wait = l->deadline_us == KD_NEVER ? 1000
               : l->deadline_us <= now    ? 0
                                          : (int)KD_MIN((l->deadline_us - now) / 1000 + 1, 1000);

    for (uint32_t i = 0; i < l->n_peers * 2; i++)
        fds[i] = (struct pollfd){.fd = l->peer[i / 2].fd[i % 2], .events = POLLIN};
    (void)poll(fds, l->n_peers * 2, wait);
    for (uint32_t i = 0; i < l->n_peers * 2; i++) {
        struct kd_addr local = nth(first, i / 2);
        if (fds[i].revents & POLLIN)
            receive(l, i / 2, (int)(i % 2), &local);
    }
    if (now_us(CLOCK_MONOTONIC) >= l->deadline_us) {
        const struct ike_event ev = {.kind = IKE_EV_WAKE};
        feed(l, &ev);
    }
}

static int run(char **argv)
{
    static struct load l;
    struct ike_params params = {0};
    uint32_t total, seen = 0;
    uint64_t start, progress;
    struct kd_addr first;

    l.n_peers = (uint32_t)atoi(argv[3]);
    total = l.n_peers * (uint32_t)atoi(argv[4]);
    if (l.n_peers < 1 || l.n_peers > CONNECTIONS_MAX || total < 1 ||
        !kd_addr_parse(argv[2], &first))
        die("usage");
    params.crypto = l.crypto = kc_ctx_new(KC_PROVIDER_REAL, 4096);
    kc_os_random(params.seed, sizeof(params.seed));
    l.e = ike_new(&params);
    if (!l.crypto || !l.e)
        die("engine");
    for (uint32_t i = 0; i < l.n_peers; i++)
        add_conn(&l, i, argv);
    start = progress = now_us(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < l.n_peers; i++) {
        const struct ike_event ev = {.kind = IKE_EV_COMMAND, .conn = i, .command = IKE_CMD_UP};
        feed(&l, &ev);
    }
    while (l.done < total) {
        poll_once(&l, &first);
        if (l.done != seen) {
            seen = l.done;
            progress = now_us(CLOCK_MONOTONIC);
        } else if (now_us(CLOCK_MONOTONIC) - progress > STALL_US) {
            break;
        }
    }
    printf("{\"handshakes\": %u, \"refused\": %u, \"seconds\": %.3f}\n", l.done, l.refused,
           (double)(now_us(CLOCK_MONOTONIC) - start) / 1e6);
    return l.done == total ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 9)
        return run(argv);
    fprintf(stderr, "usage: see the head of tests/bench/ike.c\n");
    return 2;
}
