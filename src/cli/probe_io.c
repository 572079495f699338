/* ICMP, ICMPv6 and UDP sockets of kedge probe. Raw ones: what a router says of a packet whose TTL
 * ran out comes to no others. */
#include "cli/probe.h"
#include "io/sockaddr.h"
#include "probe/echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t prober_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

void prober_catch_signals(sigset_t *mask)
{
    sigset_t block;
    struct sigaction sa = {.sa_handler = on_signal};
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

bool prober_stopped(void)
{
    return stopped;
}

bool prober_address(const char *option, const char *text, struct kd_addr *out)
{
    if (!text || kd_addr_parse(text, out))
        return true;
    fprintf(stderr, "kedge: %s \"%s\"; allowed: an IPv4 or IPv6 address\n", option, text);
    return false;
}

static bool fail(const char *what)
{
    fprintf(stderr, "kedge: %s: %s%s\n", what, strerror(errno),
            errno == EPERM ? "; run it as root, or with CAP_NET_RAW" : "");
    return false;
}

/* A socket from the address asked for, to the destination; -1: said. */
static int open_one(const struct prober *p, int type, int protocol, uint16_t port)
{
    struct sockaddr_storage ss;
    struct kd_endpoint from = {p->from, 0}, to = {p->to, port};
    int fd = socket(p->to.family == 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    protocol);
    socklen_t len;
    if (fd < 0) {
        fail("socket");
        return -1;
    }
    len = io_sockaddr_from(&from, &ss);
    if (len && bind(fd, (struct sockaddr *)&ss, len) != 0) {
        fail("--from");
        close(fd);
        return -1;
    }
    /* A raw socket that is connected hears its peer only: not the routers. */
    len = io_sockaddr_from(&to, &ss);
    if (type == SOCK_DGRAM && connect(fd, (struct sockaddr *)&ss, len) != 0) {
        fail("--to");
        close(fd);
        return -1;
    }
    return fd;
}

bool prober_open(struct prober *p)
{
    bool hops = p->hops_fd >= 0;
    int icmp = p->to.family == 6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
    p->fd = p->hops_fd = -1;
    p->wire = (struct probe_wire){.family = p->to.family, .udp = p->udp_port != 0};
    if (getrandom(&p->wire.session, sizeof(p->wire.session), 0) != sizeof(p->wire.session) ||
        getrandom(&p->wire.id, sizeof(p->wire.id), 0) != sizeof(p->wire.id))
        return fail("random numbers");
    p->fd = p->udp_port ? open_one(p, SOCK_DGRAM, 0, p->udp_port) : open_one(p, SOCK_RAW, icmp, 0);
    if (p->fd >= 0 && hops)
        p->hops_fd = open_one(p, SOCK_RAW, icmp, 0);
    return p->fd >= 0 && (!hops || p->hops_fd >= 0);
}

void prober_close(struct prober *p)
{
    if (p->fd >= 0)
        close(p->fd);
    if (p->hops_fd >= 0)
        close(p->hops_fd);
}

/* What can't be sent is as lost as what is lost on the way. */
static void send_to(int fd, const struct kd_addr *to, const uint8_t *buf, size_t len)
{
    struct kd_endpoint e = {*to, 0};
    struct sockaddr_storage ss;
    socklen_t n = io_sockaddr_from(&e, &ss);
    (void)!sendto(fd, buf, len, MSG_DONTWAIT, (struct sockaddr *)&ss, n);
}

void prober_send(struct prober *p)
{
    uint8_t buf[PROBE_WIRE_MAX];
    size_t n = probe_wire_put(&p->wire, probe_sent(p->probe, prober_now()), buf);
    if (p->udp_port)
        (void)!send(p->fd, buf, n, MSG_DONTWAIT);
    else
        send_to(p->fd, &p->to, buf, n);
}

static void on_answer(struct prober *p, struct kd_bytes b)
{
    uint64_t seq, count;
    if (!probe_wire_get(&p->wire, b, &seq, &count))
        return;
    uint8_t ttl = p->to.family == 4 && !p->udp_port ? b.p[8] : 0;
    p->another_way |= (p->ttl && ttl != p->ttl) || seq > p->newest + 1;
    p->ttl = ttl;
    p->newest = KD_MAX(p->newest, seq);
    probe_answered(p->probe, seq, count, prober_now());
}

void prober_receive(struct prober *p)
{
    uint8_t buf[2048];
    ssize_t n;
    while ((n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED)
        if (n >= 0)
            on_answer(p, kd_bytes(buf, (size_t)n));
}

/* ---- hops ---- */

static void set_ttl(int fd, uint8_t family, int ttl)
{
    if (family == 6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

void prober_ask_hops(struct prober *p, uint8_t up_to)
{
    struct probe_wire wire = {.family = p->to.family, .session = p->wire.session};
    uint8_t buf[PROBE_WIRE_MAX];
    wire.id = (uint16_t)(p->wire.id + 1);
    p->round++;
    p->reached_at = 0;
    p->seen = (struct probe_path){0};
    for (uint8_t ttl = 1; ttl <= up_to; ttl++) {
        uint16_t seq = (uint16_t)(p->round << 8 | ttl);
        size_t n = probe_wire_put(&wire, seq, buf);
        set_ttl(p->hops_fd, p->to.family, ttl);
        send_to(p->hops_fd, &p->to, buf, n);
    }
}

static void on_hop(struct prober *p, const struct kd_addr *from, const struct probe_echo *e)
{
    uint8_t ttl = e->seq & 0xff;
    if (e->kind == PROBE_ECHO_NONE || e->id != (uint16_t)(p->wire.id + 1) ||
        e->seq >> 8 != (p->round & 0xff) || ttl == 0 || ttl > PROBE_HOPS_MAX)
        return;
    if (e->kind == PROBE_ECHO_REPLY && (!p->reached_at || ttl < p->reached_at))
        p->reached_at = ttl;
    if (e->kind == PROBE_ECHO_EXCEEDED || p->reached_at == ttl)
        p->seen.hop[ttl - 1] = *from;
    p->seen.reached = p->reached_at != 0;
    p->seen.n = p->reached_at ? p->reached_at : p->seen.n < ttl ? ttl : p->seen.n;
}

bool prober_hops_complete(const struct prober *p)
{
    for (uint8_t i = 0; i < p->seen.n; i++)
        if (!p->seen.hop[i].family)
            return false;
    return p->seen.reached;
}

void prober_receive_hops(struct prober *p)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    uint8_t buf[2048];
    ssize_t n;
    while ((n = recvfrom(p->hops_fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&ss,
                         &len)) >= 0) {
        struct kd_endpoint from = io_sockaddr_to((struct sockaddr *)&ss);
        struct probe_echo e = probe_echo_get(kd_bytes(buf, (size_t)n), p->to.family);
        on_hop(p, &from.addr, &e);
        len = sizeof(ss);
    }
}
