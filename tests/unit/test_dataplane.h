/* What the tests of the userspace data plane share: two gateways over real sockets in a network
 * namespace of their own, each with a socket pair where a TUN device would be, so that no other
 * packet is ever there; pairs of SAs, packets.
 *
 * Needs root or user namespaces; else exits with 77 and the reason. */
#ifndef TEST_TEST_DATAPLANE_H
#define TEST_TEST_DATAPLANE_H

#include "test_esp.h"

#include "io/dataplane.h"
#include "io/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NATT_PORT   14500
#define DEADLINE_MS 5000

static struct kc_ctx *ctx;

/* ---- waiting ---- */

static inline uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* For counters, which wake nobody. */
#define eventually(cond)                                                                           \
    do {                                                                                           \
        uint64_t until_ms = now_ms() + DEADLINE_MS;                                                \
        while (!(cond) && now_ms() < until_ms)                                                     \
            sched_yield();                                                                         \
        assert_true(cond);                                                                         \
    } while (0)

static inline void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

/* ---- one gateway ---- */

struct side {
    struct io_dp *dp;
    int wake, tun; /* tun: the far end of the device */
    struct kd_endpoint at;
    int said[IO_DP_TRAFFIC + 1]; /* events taken, by kind */
};

static inline void notify(void *arg)
{
    const uint64_t one = 1;

    kd_assert(write(((struct side *)arg)->wake, &one, sizeof(one)) == sizeof(one));
}

/* The next event of the kind; others are counted and dropped. */
static inline struct io_dp_event event_of(struct side *s, enum io_dp_event_kind kind)
{
    struct io_dp_event ev;
    uint64_t count;

    for (;;) {
        while (!io_dp_poll(s->dp, &ev)) {
            wait_readable(s->wake);
            assert_int_equal(read(s->wake, &count, sizeof(count)), sizeof(count));
        }
        s->said[ev.kind]++;
        if (ev.kind == kind)
            return ev;
        io_dp_event_done(&ev);
    }
}

/* When it returns, every command given before has been carried out. */
static inline void fence(struct side *s)
{
    struct io_dp_sa bogus = {.child = {.idx = 999, .gen = 1}};
    struct io_dp_event ev;

    io_dp_sa_add(s->dp, &bogus);
    do {
        ev = event_of(s, IO_DP_RESULT);
        io_dp_event_done(&ev);
    } while (ev.child.idx != 999);
}

static const struct core_outer outer; /* no device, no mark */

static inline void side_start(struct side *s, const char *addr)
{
    char text[128];
    int fds[2], size = 4 << 20;
    bool raw_ok;

    *s = (struct side){.wake = eventfd(0, EFD_CLOEXEC)};
    assert_true(kd_addr_parse(addr, &s->at.addr));
    s->at.port = NATT_PORT;
    s->dp = io_dp_new(ctx, notify, s);
    assert_non_null(s->dp);
    if (!io_dp_listen(s->dp, &s->at.addr, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)))
        fail_msg("%s", text);
    assert_true(raw_ok);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    s->tun = fds[1];
    io_dp_tun_add(s->dp, 0, fds[0], NULL, &(struct kd_addr){0});
}

static inline void side_stop(struct side *s)
{
    io_dp_free(s->dp);
    close(s->tun);
    close(s->wake);
}

static struct side a, b;

static inline int start_v4(void **st KD_UNUSED)
{
    side_start(&a, "127.0.0.1");
    side_start(&b, "127.0.0.2");
    return 0;
}

static inline int start_v6(void **st KD_UNUSED)
{
    side_start(&a, "::1");
    side_start(&b, "fd00::2");
    return 0;
}

static inline int stop(void **st KD_UNUSED)
{
    side_stop(&a);
    side_stop(&b);
    return 0;
}

/* ---- pairs of SAs ---- */

struct pair {
    uint32_t n; /* the children's handles and SPIs */
    struct suite suite;
    bool encap;
    uint16_t mss;
    const char *net_a, *net_b; /* inner */
    struct ike_limits limits;  /* a's */
    struct kd_endpoint to_b;   /* where a sends; family 0: to b */
};

static inline struct pair gcm_pair(uint32_t n)
{
    return (struct pair){.n = n,
                         .suite = suite_of("aes256gcm16", NULL, true),
                         .encap = true,
                         .mss = CORE_MSS_OFF,
                         .net_a = "10.0.0.1/32",
                         .net_b = "10.0.0.2/32"};
}

static inline struct kd_handle child(uint32_t n)
{
    return (struct kd_handle){.idx = n, .gen = 1};
}

static inline struct ike_ts_list ts_of(const char *net)
{
    struct ike_ts_list l = {.n = 1};
    struct kd_prefix p;

    assert_true(kd_prefix_parse(net, true, &p));
    l.ts[0] = ike_ts_from_prefix(&p);
    return l;
}

static inline struct io_dp_sa sa_for(const struct pair *p, bool of_a)
{
    const struct kc_alg *e = p->suite.encr, *i = p->suite.integ;
    struct io_dp_sa sa = {
        .child = child(p->n), .local = of_a ? a.at : b.at, .remote = of_a ? b.at : a.at};

    if (of_a && p->to_b.addr.family)
        sa.remote = p->to_b;
    sa.ts_local = ts_of(of_a ? p->net_a : p->net_b);
    sa.ts_remote = ts_of(of_a ? p->net_b : p->net_a);
    sa.sa = (struct core_sa){.spi_in = 0x1000 + p->n * 2 + of_a,
                             .spi_out = 0x1000 + p->n * 2 + !of_a,
                             .encr = e->id,
                             .encr_bits = e->key_bits,
                             .integ = i ? i->id : 0,
                             .esn = p->suite.esn,
                             .encap = p->encap,
                             .replay_window = 1024,
                             .mss = p->mss};
    if (of_a)
        sa.sa.limits = p->limits;
    sa.sa.key_enc_in = key_of(ctx, e->key_len, e->salt_len, of_a);
    sa.sa.key_enc_out = key_of(ctx, e->key_len, e->salt_len, !of_a);
    if (i) {
        sa.sa.key_int_in = key_of(ctx, i->key_len, 0, of_a);
        sa.sa.key_int_out = key_of(ctx, i->key_len, 0, !of_a);
    }
    return sa;
}

static inline void free_keys(const struct core_sa *sa)
{
    kc_key_free(ctx, sa->key_enc_in);
    kc_key_free(ctx, sa->key_enc_out);
    kc_key_free(ctx, sa->key_int_in);
    kc_key_free(ctx, sa->key_int_out);
}

/* The keys are freed at once, as the control side may. */
static inline void add_to(struct side *s, const struct pair *p)
{
    struct io_dp_sa sa = sa_for(p, s == &a);

    io_dp_sa_add(s->dp, &sa);
    free_keys(&sa.sa);
}

static inline void install_one(struct side *s, const struct pair *p)
{
    struct io_dp_event ev;

    add_to(s, p);
    ev = event_of(s, IO_DP_RESULT);
    assert_string_equal(ev.text, "");
    assert_true(ev.ok);
    assert_true(kd_handle_eq(ev.child, child(p->n)));
    io_dp_event_done(&ev);
}

static inline void install(const struct pair *p)
{
    install_one(&a, p);
    install_one(&b, p);
}

static inline struct io_dp_counters counters(struct side *s, uint32_t n)
{
    struct io_dp_counters c = {0};

    (void)io_dp_count(s->dp, child(n), &c);
    return c;
}

static inline struct io_dp_totals totals(struct side *s)
{
    struct io_dp_totals t;

    io_dp_totals(s->dp, &t);
    return t;
}

/* ---- packets ---- */

/* 10.0.0.from -> 10.0.0.to */
static inline void inner(uint8_t *p, size_t len, uint8_t from, uint8_t to)
{
    make_v4(p, len, 17);
    p[15] = from;
    p[19] = to;
}

static inline size_t arrives(struct side *s, uint8_t *p)
{
    ssize_t n;

    wait_readable(s->tun);
    n = read(s->tun, p, 65536);
    assert_true(n > 0);
    return (size_t)n;
}

static inline void crosses(struct side *from, struct side *to, const uint8_t *p, size_t len)
{
    static uint8_t got[65536];

    assert_int_equal(write(from->tun, p, len), len);
    assert_int_equal(arrives(to, got), len);
    assert_memory_equal(got, p, len);
}

static inline void there_and_back(size_t len)
{
    uint8_t p[2048];

    inner(p, len, 1, 2);
    crosses(&a, &b, p, len);
    inner(p, len, 2, 1);
    crosses(&b, &a, p, len);
}

/* A socket where a stranger, or the wire between a and b, would be. */
static inline int socket_at(struct kd_endpoint *at)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *at = (struct kd_endpoint){.addr = kd_addr_v4(INADDR_LOOPBACK), .port = ntohs(in.sin_port)};
    return fd;
}

static inline void throw_at(int fd, const struct side *s, const void *p, size_t len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(s->at.port)};

    memcpy(&in.sin_addr, s->at.addr.b, 4);
    assert_int_equal(sendto(fd, p, len, 0, (struct sockaddr *)&in, sizeof(in)), len);
}

static inline uint16_t inet_sum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline void configure(const char *ifname, const char *addr, int mtu)
{
    struct ifreq ifr = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&ifr.ifr_addr;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    strcpy(ifr.ifr_name, ifname);
    if (addr) {
        in->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, addr, &in->sin_addr), 1);
        assert_int_equal(ioctl(fd, SIOCSIFADDR, &ifr), 0);
        in->sin_addr.s_addr = htonl(0xffffff00);
        assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &ifr), 0);
    }
    ifr.ifr_mtu = mtu;
    assert_int_equal(ioctl(fd, SIOCSIFMTU, &ifr), 0);
    ifr.ifr_flags = IFF_UP | IFF_RUNNING;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
    close(fd);
}

/* ---- the namespace ---- */

static inline bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok;
}

static inline bool become_root_of_a_user_namespace(void)
{
    char map[64];

    snprintf(map, sizeof(map), "0 %u 1", (unsigned int)getuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put_file("/proc/self/setgroups", "deny") &&
           put_file("/proc/self/uid_map", map);
}

static inline void add_v6(const char *addr)
{
    struct {
        struct in6_addr addr;
        uint32_t prefix_len;
        int ifindex;
    } req = {.prefix_len = 128, .ifindex = (int)if_nametoindex("lo")};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    assert_int_equal(inet_pton(AF_INET6, addr, &req.addr), 1);
    put_file("/proc/sys/net/ipv6/conf/lo/accept_dad", "0");
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &req), 0);
    close(fd);
}

/* Whether there can be no namespace here, said. */
static inline bool skipped(void)
{
    if (geteuid() == 0 ? unshare(CLONE_NEWNET) != 0 : !become_root_of_a_user_namespace()) {
        printf("skipped: no network namespace can be made here (%s); run as root\n",
               strerror(errno));
        return true;
    }
    if (access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("skipped: /dev/net/tun: %s\n", strerror(errno));
        return true;
    }
    return false;
}

static inline int group_start(void **st KD_UNUSED)
{
    ctx_start(&ctx);
    configure("lo", NULL, 1500);
    add_v6("fd00::2");
    return 0;
}

static inline int group_end(void **st KD_UNUSED)
{
    bool clean = kc_keys_live(ctx) == 0;

    kc_ctx_free(ctx);
    return clean ? 0 : -1;
}

#define over_v4(f) cmocka_unit_test_setup_teardown(f, start_v4, stop)
#define over_v6(f)                                                                                 \
    {                                                                                              \
#f "_over_ipv6", f, start_v6, stop, NULL                                                   \
    }

#endif
