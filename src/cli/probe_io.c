/* ICMP, ICMPv6 and UDP sockets of kedge probe. Raw ones: what a router says of a packet whose TTL
 * ran out comes to no others. */
#include "cli/probe.h"
#include "io/sockaddr.h"

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
void prober_send(struct prober *p)
{
    struct kd_endpoint to = {p->to, 0};
    struct sockaddr_storage ss;
    uint8_t buf[PROBE_WIRE_MAX];
    size_t n = probe_wire_put(&p->wire, probe_sent(p->probe, prober_now()), buf);
    if (p->udp_port)
        (void)!send(p->fd, buf, n, MSG_DONTWAIT);
    else
        (void)!sendto(p->fd, buf, n, MSG_DONTWAIT, (struct sockaddr *)&ss,
                      io_sockaddr_from(&to, &ss));
}

static void on_answer(struct prober *p, struct kd_bytes b)
{
    uint64_t seq, count;
    if (!probe_wire_get(&p->wire, b, &seq, &count))
        return;
    probe_hops_hint(&p->hops, seq, p->to.family == 4 && !p->udp_port ? b.p[8] : 0);
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
