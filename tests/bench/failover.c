/* From "tunnel down" to the kernel forwarding on the backup, with few prefixes and with many: two
 * whole gateways in the simulator, but what one of them tells its kernel of next hops and prefixes
 * goes to the real one, in a network namespace of its own. Its interfaces have there the numbers
 * they have in the simulator.
 *
 * The clock starts with the step in which the core finds the tunnel dead. "request": the step is
 * done, its first message about to leave. "ack": the kernel has acknowledged the group's
 * replacement. "packet": a UDP packet to the last prefix, sent through the namespace's routes after
 * each request, comes out of the backup's interface. "link": a packet's way after the interface
 * went down by the kernel's hand, without kedge. Requests go one by one here, in kedged in batches.
 *
 *   build/tests/bench_failover [prefixes ...]     as root; 4000 and 100000 by default */
#include "core/internal.h"
#include "netlink/socket.h"
#include "sim/scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS    15
#define GOAL_MS   5.0
#define GOAL_RATE 1.5
#define BASE      0x14000000u /* 20.0.0.0: a /24 each */
#define PORT      9999

enum side { ER, VPN };

struct bench {
    struct nl_socket *nl;
    int cap[2], out;
    struct sockaddr_in probe;
    struct sim_gw *azure;
    uint32_t n;
    bool armed;
    double step_s, began_s, told_s, ack_s, packet_s;
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the namespace ---- */

static int capture(const char *ifname)
{
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_IP));
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

    check(fd >= 0, "packet socket");
    check(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) == 0,
          ifname);
    a.sll_ifindex = ifname[0] == 'e' ? 13 : 14;
    check(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, ifname);
    return fd;
}

static void namespace(struct bench *b)
{
    static const char *const lines[] = {
        "ip link set lo up",
        "sysctl -qw net.ipv4.nexthop_compat_mode=0",
        "ip link add er0 index 3 type veth peer name er0p index 13",
        "ip link add vpn0 index 4 type veth peer name vpn0p index 14",
        "ip link set vpn0 arp off",
        "ip addr add 192.168.11.18/30 dev er0",
        "ip link set er0p up; ip link set vpn0p up; ip link set er0 up; ip link set vpn0 up",
        "ip neigh replace 192.168.11.17 lladdr 02:00:00:00:00:01 dev er0 nud permanent",
    };

    check(unshare(CLONE_NEWNET) == 0, "a network namespace (as root)");
    for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++)
        check(system(lines[i]) == 0, lines[i]);
    b->nl = nl_open(0 /* NETLINK_ROUTE */, NULL);
    check(b->nl != NULL, "netlink");
    b->cap[ER] = capture("er0p");
    b->cap[VPN] = capture("vpn0p");
    b->out = socket(AF_INET, SOCK_DGRAM, 0);
    check(b->out >= 0, "socket");
}

static bool seen(struct bench *b, enum side side)
{
    uint8_t p[256];
    bool any = false;

    while (recv(b->cap[side], p, sizeof(p), 0) >= 24)
        any |= p[9] == IPPROTO_UDP && p[22] == PORT >> 8 && p[23] == (PORT & 255);
    return any;
}

/* Where does a packet to the last prefix come out? -1: nowhere. */
static int way(struct bench *b)
{
    bool er, vpn;

    (void)!sendto(b->out, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&b->probe, sizeof(b->probe));
    er = seen(b, ER);
    vpn = seen(b, VPN);
    return er ? ER : vpn ? VPN : -1;
}

/* ---- the real kernel in the pretend one's place ---- */

static void on_step(void *arg)
{
    struct bench *b = arg;

    b->step_s = now_s();
}

static void look(struct bench *b, const struct nl_event *ev)
{
    if (b->began_s == 0)
        b->began_s = b->step_s;
    if (b->ack_s == 0 && ev->kind == NL_NEXTHOP && ev->nexthop.n_group && !ev->is_del)
        b->ack_s = now_s();
    if (way(b) != ER)
        return;
    b->packet_s = now_s();
    b->armed = false;
}

static bool on_netlink(void *arg, struct kd_bytes msg)
{
    struct bench *b = arg;
    struct core_ev answer = {.kind = CORE_EV_NETLINK};
    struct nl_buf out = {(uint8_t *)(uintptr_t)msg.p, msg.len, msg.len};
    struct kd_bytes rest = msg;
    struct nl_event ev;
    bool overrun;

    if (!nl_next(&rest, &ev) || (ev.kind != NL_NEXTHOP && ev.kind != NL_ROUTE))
        return false;
    if (ev.kind == NL_ROUTE && ev.route.metric != CORE_METRIC_BGP &&
        ev.route.metric != CORE_METRIC_BACKUP)
        return false;
    if (b->armed && b->told_s == 0)
        b->told_s = now_s();
    check(nl_send(b->nl, &out), "send");
    while (nl_recv(b->nl, &answer.data, &overrun) && answer.data.len == 0) {
        struct pollfd p = {.fd = nl_fd(b->nl), .events = POLLIN};
        check(poll(&p, 1, 1000) == 1, "no answer from the kernel");
    }
    if (b->armed)
        look(b, &ev);
    sim_gw_later(b->azure, 0, &answer);
    return true;
}

/* ---- a round ---- */

static uint32_t accepted(const struct sim_gw *g, uint32_t peer)
{
    struct bgp_peer_view v;

    return bgp_peer_get(core_bgp(g->core), peer, &v) ? v.accepted : 0;
}

static void settle(struct sim_pair *p, const struct bench *b)
{
    const struct core *c = p->azure->core;

    for (int i = 0; i < 6000; i++) {
        sim_run(p->sim, KD_MS(100));
        if (accepted(p->azure, SIM_VPN) == b->n + 2 && accepted(p->azure, SIM_ER) == b->n + 2 &&
            core_ops_idle(c) && !core_fib_pending(c) && !c->bgp_more)
            return;
    }
    fprintf(stderr, "%u prefixes have not arrived: %u %u\n", b->n, accepted(p->azure, SIM_VPN),
            accepted(p->azure, SIM_ER));
    exit(1);
}

static void announce(struct sim_pair *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t a = htonl(BASE + (i << 8));
        struct kd_addr addr = kd_addr_from(4, (const uint8_t *)&a);
        struct bgp_event ev = {
            .kind = BGP_EV_LOCAL_ROUTE, .up = true, .prefix = kd_prefix_make(&addr, 24)};
        core_queue_bgp(p->onprem->core, &ev);
    }
}

static int cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof(v[0]), cmp);
    return v[ROUNDS / 2];
}

/* The tunnel dies, and comes back. */
static void round_(struct bench *b, struct sim_pair *p, double *told, double *ack, double *packet)
{
    check(way(b) == VPN, "the way is not the tunnel");
    b->began_s = b->told_s = b->ack_s = b->packet_s = 0;
    b->armed = true;
    sim_link_cut(p->internet, -1, true);
    for (int i = 0; i < 400 && b->armed; i++)
        sim_run(p->sim, KD_MS(10));
    check(!b->armed, "no packet came over the backup");
    *told = (b->told_s - b->began_s) * 1e3;
    *ack = (b->ack_s - b->began_s) * 1e3;
    *packet = (b->packet_s - b->began_s) * 1e3;
    sim_run(p->sim, KD_S(5));
    sim_link_cut(p->internet, -1, false);
    settle(p, b);
}

/* ---- the interface goes down, and nobody has told kedge ---- */

static double link_down(struct bench *b)
{
    double from = now_s(), at = 0;
    pid_t child = fork();

    check(child >= 0, "fork");
    if (child == 0) {
        execlp("ip", "ip", "link", "set", "vpn0", "down", (char *)NULL);
        _exit(1);
    }
    /* The last packet over the tunnel, and the first over the backup. */
    for (double until = from + 5; now_s() < until && at == 0;) {
        int w = way(b);
        if (w == VPN)
            from = now_s();
        else if (w == ER)
            at = now_s();
    }
    check(at != 0, "no packet came over the backup after the link went down");
    return (at - from) * 1e3;
}

static double run(uint32_t n)
{
    struct sim_pair_options o = {.seed = 1, .vpn_first = true};
    double told[ROUNDS], ack[ROUNDS], packet[ROUNDS], m, link;
    struct bench b = {.n = n};
    uint32_t last = htonl(BASE + ((n - 1) << 8) + 1);
    struct sim_pair p;

    namespace(&b);
    b.probe = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
    memcpy(&b.probe.sin_addr, &last, 4);
    sim_pair_new(&p, &o);
    b.azure = p.azure;
    p.azure->outside = (struct sim_outside){&b, on_step, on_netlink};
    sim_pair_start(&p);
    sim_run(p.sim, KD_S(5));
    announce(&p, n);
    settle(&p, &b);
    for (int i = 0; i < ROUNDS; i++)
        round_(&b, &p, &told[i], &ack[i], &packet[i]);
    link = link_down(&b);
    m = median(packet);
    printf("%7u prefixes: request %.3f ms, ack %.3f ms, packet %.3f ms (worst of %d: %.3f); ", n,
           median(told), median(ack), m, ROUNDS, packet[ROUNDS - 1]);
    printf("link down: gap %.3f ms\n", link);
    fflush(stdout);
    sim_pair_free(&p);
    nl_close(b.nl);
    close(b.cap[ER]);
    close(b.cap[VPN]);
    close(b.out);
    return m;
}

int main(int argc, char **argv)
{
    double first, last;

    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            (void)run((uint32_t)strtoul(argv[i], NULL, 10));
        return 0;
    }
    first = run(4000);
    last = run(100000);
    printf("ratio %.2f (goal <= %.1f), %.3f ms (goal < %.0f)\n", last / first, GOAL_RATE, last,
           GOAL_MS);
    return last / first <= GOAL_RATE && last < GOAL_MS ? 0 : 1;
}
