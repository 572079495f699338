/* The far ends of many single-hop BFD sessions, for tests/bench/bfd and tests/interop: the engine
 * of src/bfd, one process, with real sockets. The first FAST sessions run at 10 ms x 3, the others
 * at 300 ms x 3; their addresses follow each other from FIRST.
 *
 * Says "up" when all sessions are Up, and on SIGTERM what it saw since: how often silence
 * of the speaker ended a session (a false alarm, as the speaker lives), how often the speaker said
 * that it had ended one, and the longest time between two packets of a session at each rate.
 *
 * It asks for real-time priority, so that what it sees late was sent late.
 *
 *   build/tests/bench_bfd SPEAKER FIRST SESSIONS FAST */
#include "bfd/bfd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT    50000
#define FAST_US KD_MS(10)
#define SLOW_US KD_MS(300)
#define MULT    3

static struct {
    struct bfd *b;
    struct bfd_out out;
    int in, to;
    struct sockaddr_in speaker;
    uint32_t first, n, fast, n_up;
    bool up;
    uint32_t silences, told_down;
    uint64_t *heard_us, gap_us[2]; /* slow, fast */
} field;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- the engine's actions ---- */

static void transmit(const struct bfd_action *a)
{
    struct iovec iov = {field.out.buf + a->data.off, a->data.len};
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
    struct msghdr h = {.msg_name = &field.speaker,
                       .msg_namelen = sizeof(field.speaker),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    struct in_pktinfo info = {0};

    memcpy(&info.ipi_spec_dst, a->local.b, 4);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    (void)sendmsg(field.to, &h, MSG_DONTWAIT);
}

static void changed(const struct bfd_action *a)
{
    field.n_up += (a->state == BFD_UP) - (a->old_state == BFD_UP);
    if (a->failure && field.up && a->reason == KD_REASON_UNREACHABLE)
        field.silences++;
    else if (a->failure && field.up)
        field.told_down++;
    if (field.up || field.n_up < field.n)
        return;
    field.up = true;
    memset(field.heard_us, 0, field.n * sizeof(*field.heard_us));
    field.gap_us[0] = field.gap_us[1] = 0;
    printf("up\n");
    fflush(stdout);
}

static void step(struct bfd_event *ev)
{
    ev->now_us = now_us();
    bfd_step(field.b, ev, &field.out);
    for (uint32_t i = 0; i < field.out.n; i++)
        if (field.out.a[i].kind == BFD_ACT_SEND)
            transmit(&field.out.a[i]);
        else if (field.out.a[i].note == BFD_NOTE_STATE)
            changed(&field.out.a[i]);
}

/* ---- packets ---- */

static void heard(uint32_t session, uint64_t at_us)
{
    uint64_t *gap = &field.gap_us[session < field.fast], *last = &field.heard_us[session];

    if (*last)
        *gap = KD_MAX(*gap, at_us - *last);
    *last = at_us;
}

static bool receive(void)
{
    uint8_t data[256];
    alignas(struct cmsghdr) uint8_t control[256];
    struct sockaddr_in from;
    struct iovec iov = {data, sizeof(data)};
    struct msghdr h = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct bfd_event ev = {.kind = BFD_EV_PACKET, .iface = BFD_NO_IFACE};
    ssize_t n = recvmsg(field.in, &h, MSG_DONTWAIT);
    struct in_pktinfo info = {0};
    int ttl = 0;

    if (n < 0)
        return false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
        if (c->cmsg_type == IP_PKTINFO)
            memcpy(&info, CMSG_DATA(c), sizeof(info));
        else if (c->cmsg_type == IP_TTL)
            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
    ev.local = kd_addr_v4(ntohl(info.ipi_addr.s_addr));
    ev.remote = kd_addr_v4(ntohl(from.sin_addr.s_addr));
    ev.src_port = ntohs(from.sin_port);
    ev.ttl = (uint8_t)ttl;
    ev.data = kd_bytes(data, (size_t)n);
    if (ntohl(info.ipi_addr.s_addr) - field.first < field.n)
        heard(ntohl(info.ipi_addr.s_addr) - field.first, now_us());
    step(&ev);
    return true;
}

/* ---- made, run ---- */

static int open_socket(uint16_t port)
{
    static const int one = 1, ttl = 255, room = 4 << 20;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    check(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "BFD's port");
    check(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0 &&
              setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)) == 0 &&
              setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0 &&
              setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0,
          "socket options");
    return fd;
}

static void add_sessions(const struct kd_addr *speaker)
{
    for (uint32_t i = 0; i < field.n; i++) {
        uint32_t interval = i < field.fast ? FAST_US : SLOW_US;
        struct bfd_session_config c = {.remote = *speaker,
                                       .local = kd_addr_v4(field.first + i),
                                       .iface = BFD_NO_IFACE,
                                       .detect_mult = MULT,
                                       .tx_us = interval,
                                       .rx_us = interval};
        struct bfd_event on = {.kind = BFD_EV_ADMIN_UP, .session = i};
        kd_assert(bfd_session_set(field.b, i, &c) == BFD_CONFIG_OK);
        step(&on);
    }
}

static volatile sig_atomic_t ended;

static void on_term(int number)
{
    (void)number;
    ended = 1;
}

static void run(void)
{
    struct bfd_event wake = {.kind = BFD_EV_WAKE};
    struct pollfd fd = {.fd = field.in, .events = POLLIN};
    sigset_t blocked, waiting;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &waiting); /* it comes while we wait */
    while (!ended) {
        uint64_t now = now_us(), at = field.out.deadline_us;
        uint64_t left = field.out.more || at <= now ? 0 : KD_MIN(at - now, KD_S(1));
        struct timespec t = {(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
        check(ppoll(&fd, 1, &t, &waiting) >= 0 || errno == EINTR, "poll");
        while (receive())
            ;
        if (field.out.more || field.out.deadline_us <= now_us())
            step(&wake);
    }
}

int main(int argc, char **argv)
{
    struct sched_param urgent = {.sched_priority = 10};
    struct bfd_params p = {.seed = {1}};
    struct kd_addr speaker, first;

    if (argc != 5 || !kd_addr_parse(argv[1], &speaker) || !kd_addr_parse(argv[2], &first)) {
        fprintf(stderr, "bench_bfd SPEAKER FIRST SESSIONS FAST\n");
        return 2;
    }
    field.first = (uint32_t)first.b[0] << 24 | (uint32_t)first.b[1] << 16 |
                  (uint32_t)first.b[2] << 8 | first.b[3];
    field.n = p.sessions_max = (uint32_t)atoi(argv[3]);
    field.fast = (uint32_t)atoi(argv[4]);
    field.speaker = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(BFD_PORT)};
    memcpy(&field.speaker.sin_addr, speaker.b, 4);
    field.heard_us = calloc(field.n + 1, sizeof(*field.heard_us));
    field.b = bfd_new(&p);
    check(field.b && field.heard_us, "memory");
    field.in = open_socket(BFD_PORT);
    field.to = open_socket(PORT);
    if (mlockall(MCL_CURRENT) != 0 || sched_setscheduler(0, SCHED_FIFO, &urgent) != 0)
        fprintf(stderr, "without real-time priority: %s\n", strerror(errno));
    signal(SIGTERM, on_term);
    add_sessions(&speaker);
    run();
    printf("{\"sessions\": %u, \"fast\": %u, \"up\": %u, \"silences\": %u, \"told_down\": %u, "
           "\"gap_fast_ms\": %.1f, \"gap_slow_ms\": %.1f}\n",
           field.n, field.fast, field.n_up, field.silences, field.told_down,
           (double)field.gap_us[1] / 1000, (double)field.gap_us[0] / 1000);
    bfd_free(field.b);
    return 0;
}
