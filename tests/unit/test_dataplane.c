/* The userspace data plane over real sockets, in a network namespace of its own. Most tests give it
 * a socket pair where a TUN device would be, so that no other packet is ever there; the last ones
 * have real devices in two further namespaces.
 *
 * Needs root or user namespaces; else exits with 77 and the reason. */
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

static uint64_t now_ms(void)
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

static void wait_readable(int fd)
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

static void notify(void *arg)
{
    const uint64_t one = 1;

    kd_assert(write(((struct side *)arg)->wake, &one, sizeof(one)) == sizeof(one));
}

/* The next event of the kind; others are counted and dropped. */
static struct io_dp_event event_of(struct side *s, enum io_dp_event_kind kind)
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
static void fence(struct side *s)
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

static void side_start(struct side *s, const char *addr)
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

static void side_stop(struct side *s)
{
    io_dp_free(s->dp);
    close(s->tun);
    close(s->wake);
}

static struct side a, b;

static int start_v4(void **st KD_UNUSED)
{
    side_start(&a, "127.0.0.1");
    side_start(&b, "127.0.0.2");
    return 0;
}

static int start_v6(void **st KD_UNUSED)
{
    side_start(&a, "::1");
    side_start(&b, "fd00::2");
    return 0;
}

static int stop(void **st KD_UNUSED)
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

static struct pair gcm_pair(uint32_t n)
{
    return (struct pair){.n = n,
                         .suite = suite_of("aes256gcm16", NULL, true),
                         .encap = true,
                         .mss = CORE_MSS_OFF,
                         .net_a = "10.0.0.1/32",
                         .net_b = "10.0.0.2/32"};
}

static struct kd_handle child(uint32_t n)
{
    return (struct kd_handle){.idx = n, .gen = 1};
}

static struct ike_ts_list ts_of(const char *net)
{
    struct ike_ts_list l = {.n = 1};
    struct kd_prefix p;

    assert_true(kd_prefix_parse(net, true, &p));
    l.ts[0] = ike_ts_from_prefix(&p);
    return l;
}

static struct io_dp_sa sa_for(const struct pair *p, bool of_a)
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

static void free_keys(const struct core_sa *sa)
{
    kc_key_free(ctx, sa->key_enc_in);
    kc_key_free(ctx, sa->key_enc_out);
    kc_key_free(ctx, sa->key_int_in);
    kc_key_free(ctx, sa->key_int_out);
}

/* The keys are freed at once, as the control side may. */
static void add_to(struct side *s, const struct pair *p)
{
    struct io_dp_sa sa = sa_for(p, s == &a);

    io_dp_sa_add(s->dp, &sa);
    free_keys(&sa.sa);
}

static void install_one(struct side *s, const struct pair *p)
{
    struct io_dp_event ev;

    add_to(s, p);
    ev = event_of(s, IO_DP_RESULT);
    assert_string_equal(ev.text, "");
    assert_true(ev.ok);
    assert_true(kd_handle_eq(ev.child, child(p->n)));
    io_dp_event_done(&ev);
}

static void install(const struct pair *p)
{
    install_one(&a, p);
    install_one(&b, p);
}

static struct io_dp_counters counters(struct side *s, uint32_t n)
{
    struct io_dp_counters c = {0};

    (void)io_dp_count(s->dp, child(n), &c);
    return c;
}

static struct io_dp_totals totals(struct side *s)
{
    struct io_dp_totals t;

    io_dp_totals(s->dp, &t);
    return t;
}

/* ---- packets ---- */

/* 10.0.0.from -> 10.0.0.to */
static void inner(uint8_t *p, size_t len, uint8_t from, uint8_t to)
{
    make_v4(p, len, 17);
    p[15] = from;
    p[19] = to;
}

static size_t arrives(struct side *s, uint8_t *p)
{
    ssize_t n;

    wait_readable(s->tun);
    n = read(s->tun, p, 65536);
    assert_true(n > 0);
    return (size_t)n;
}

static void crosses(struct side *from, struct side *to, const uint8_t *p, size_t len)
{
    static uint8_t got[65536];

    assert_int_equal(write(from->tun, p, len), len);
    assert_int_equal(arrives(to, got), len);
    assert_memory_equal(got, p, len);
}

static void there_and_back(size_t len)
{
    uint8_t p[2048];

    inner(p, len, 1, 2);
    crosses(&a, &b, p, len);
    inner(p, len, 2, 1);
    crosses(&b, &a, p, len);
}

/* A socket where a stranger, or the wire between a and b, would be. */
static int socket_at(struct kd_endpoint *at)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *at = (struct kd_endpoint){.addr = kd_addr_v4(INADDR_LOOPBACK), .port = ntohs(in.sin_port)};
    return fd;
}

static void throw_at(int fd, const struct side *s, const void *p, size_t len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(s->at.port)};

    memcpy(&in.sin_addr, s->at.addr.b, 4);
    assert_int_equal(sendto(fd, p, len, 0, (struct sockaddr *)&in, sizeof(in)), len);
}

/* ---- tests: the way of packets ---- */

static void packets_of_all_sizes_cross(const struct pair *p)
{
    struct io_dp_counters c;
    uint64_t n = 0;

    install(p);
    for (size_t len = 28; len <= 1400; len += 49, n++)
        there_and_back(len);
    eventually(counters(&a, p->n).packets_in == n);
    c = counters(&a, p->n);
    assert_int_equal(c.packets_out, n);
    assert_int_equal(c.bytes_in, c.bytes_out);
    assert_int_equal(c.dropped_auth + c.dropped_other + c.dropped_replay + c.dropped_ts, 0);
}

static void esp_in_udp_carries_packets_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    packets_of_all_sizes_cross(&p);
}

static void plain_esp_carries_packets_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    p.encap = false;
    p.suite = suite_of("aes256", "sha1", true);
    packets_of_all_sizes_cross(&p);
}

static void either_form_is_taken_whatever_was_negotiated(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);

    install_one(&a, &p);
    p.encap = false;
    install_one(&b, &p);
    there_and_back(100);
}

static void a_burst_crosses_in_order(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[200];

    install(&p);
    for (uint8_t i = 0; i < 150; i++) {
        inner(pkt, sizeof(pkt), 1, 2);
        pkt[28] = i;
        assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    }
    for (uint8_t i = 0; i < 150; i++) {
        assert_int_equal(arrives(&b, got), sizeof(pkt));
        assert_int_equal(got[28], i);
    }
}

static void an_injected_packet_leaves_through_the_tunnel(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[84];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    assert_memory_equal(got, pkt, sizeof(pkt));
}

static void what_is_carried_for_others_is_a_spell_until_it_pauses(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct kd_addr own = kd_addr_v4(0x0a000001);
    struct io_dp_spell first, s;
    uint8_t pkt[100];
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    close(a.tun);
    a.tun = fds[1];
    io_dp_tun_add(a.dp, 0, fds[0], NULL, &own);
    p.net_a = "10.0.0.0/24";
    install(&p);
    inner(pkt, sizeof(pkt), 2, 1); /* BGP's, as it were */
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &s);
    assert_true(s.first_us == 0 && s.last_us == 0);
    inner(pkt, sizeof(pkt), 2, 3);
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &first);
    assert_true(first.first_us > 0 && first.last_us == first.first_us && first.before_us == 0);
    eventually((uint64_t)now_ms() * 1000 > first.last_us + IO_DP_SPELL_GAP_US + 1000);
    crosses(&b, &a, pkt, sizeof(pkt));
    io_dp_spell(a.dp, 0, &s);
    assert_int_equal(s.before_us, first.last_us);
    assert_true(s.first_us > first.last_us + IO_DP_SPELL_GAP_US && s.last_us == s.first_us);
}

static void seen_is_said_exactly_once_a_child(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    struct io_dp_event ev;

    install(&p);
    for (int i = 0; i < 3; i++)
        there_and_back(60);
    ev = event_of(&b, IO_DP_SEEN);
    assert_true(kd_handle_eq(ev.child, child(1)));
    assert_true(ev.at_us > 0 && ev.at_us / 1000 <= now_ms());
    install(&q);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    there_and_back(60);
    there_and_back(60);
    ev = event_of(&b, IO_DP_SEEN);
    assert_true(kd_handle_eq(ev.child, child(2)));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SEEN], 2);
    fence(&a);
    assert_int_equal(a.said[IO_DP_SEEN], 1); /* b has gone on sending with its first pair */
}

static void what_the_selectors_do_not_allow_is_dropped_both_ways(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), lax = gcm_pair(1);
    uint8_t pkt[60];

    lax.net_a = lax.net_b = "0.0.0.0/0"; /* a sends what b didn't agree to */
    install_one(&a, &lax);
    install_one(&b, &p);
    inner(pkt, sizeof(pkt), 7, 2); /* a spoofed inner source */
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 1);
    inner(pkt, sizeof(pkt), 1, 7); /* a foreign destination */
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 2);
    inner(pkt, sizeof(pkt), 7, 1); /* and b doesn't send such */
    assert_int_equal(write(b.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(counters(&b, 1).dropped_ts == 3);
    assert_int_equal(counters(&b, 1).packets_out, 0);
    there_and_back(60);
}

static void of_several_children_the_one_that_matches_sends(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    uint8_t pkt[60];

    q.net_b = "10.0.0.3/32";
    install(&p);
    install(&q);
    inner(pkt, sizeof(pkt), 1, 3);
    crosses(&a, &b, pkt, sizeof(pkt));
    inner(pkt, sizeof(pkt), 1, 2);
    crosses(&a, &b, pkt, sizeof(pkt));
    assert_int_equal(counters(&a, 1).packets_out, 1);
    assert_int_equal(counters(&a, 2).packets_out, 1);
}

/* Whatever the order in which they were put to use. */
static void the_narrowest_child_sends_and_of_equals_the_last_used(void **st KD_UNUSED)
{
    static const uint32_t orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {1, 3, 2}};
    struct pair p[5] = {{.n = 0}};
    uint8_t pkt[60];

    for (uint32_t i = 1; i <= 4; i++)
        p[i] = gcm_pair(i);
    p[1].net_a = p[1].net_b = "0.0.0.0/0";
    p[2].net_b = "10.0.0.0/24";
    p[3].net_b = "10.0.0.3/32";
    p[4].net_b = "10.0.0.0/24";
    for (size_t o = 0; o < KD_ARRAY_LEN(orders); o++) {
        for (int i = 0; i < 3; i++) {
            install(&p[orders[o][i]]);
            io_dp_sa_use(a.dp, child(orders[o][i]), KD_HANDLE_NONE);
        }
        fence(&a);
        inner(pkt, sizeof(pkt), 1, 3);
        crosses(&a, &b, pkt, sizeof(pkt));
        inner(pkt, sizeof(pkt), 1, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        crosses(&a, &b, pkt, sizeof(pkt));
        inner(pkt, sizeof(pkt), 7, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        assert_int_equal(counters(&a, 3).packets_out, 1);
        assert_int_equal(counters(&a, 2).packets_out, 2);
        assert_int_equal(counters(&a, 1).packets_out, 1);
        install(&p[4]);
        io_dp_sa_use(a.dp, child(4), KD_HANDLE_NONE);
        fence(&a);
        inner(pkt, sizeof(pkt), 1, 2);
        crosses(&a, &b, pkt, sizeof(pkt));
        assert_int_equal(counters(&a, 4).packets_out, 1);
        for (uint32_t i = 1; i <= 4; i++) {
            io_dp_sa_del(a.dp, child(i));
            io_dp_sa_del(b.dp, child(i));
        }
        fence(&a);
        fence(&b);
    }
}

/* A rekey may widen: the narrower predecessor, which the peer drops, must not go on sending. */
static void a_wider_successor_takes_over_from_a_narrower_predecessor(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);
    uint8_t pkt[60];

    q.net_a = q.net_b = "0.0.0.0/0";
    install(&p);
    io_dp_sa_use(a.dp, child(1), KD_HANDLE_NONE);
    install(&q);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    inner(pkt, sizeof(pkt), 1, 2);
    crosses(&a, &b, pkt, sizeof(pkt));
    assert_int_equal(counters(&a, 2).packets_out, 1);
}

static void limits_are_told_of_once_each_in_either_direction(void **st KD_UNUSED)
{
    static const struct {
        struct ike_limits limits;
        unsigned soft, hard; /* after so many packets of 60 bytes; 0: never */
    } rows[] = {
        {{.soft_packets = 3, .hard_packets = 5}, 3, 5},
        {{.soft_bytes = 170, .hard_bytes = 300}, 3, 5},
        {{.soft_bytes = 10000, .hard_packets = 4}, 0, 4},
        {{0}, 0, 0},
    };
    uint8_t pkt[60];

    for (size_t i = 0; i < KD_ARRAY_LEN(rows) * 2; i++) {
        bool out = i & 1;
        struct pair p = gcm_pair((uint32_t)i + 1);
        unsigned n = 0;
        p.limits = rows[i / 2].limits;
        install(&p);
        inner(pkt, sizeof(pkt), out ? 1 : 2, out ? 2 : 1);
        for (; n < 8; n++) {
            int before = a.said[IO_DP_EXPIRE];
            crosses(out ? &a : &b, out ? &b : &a, pkt, sizeof(pkt));
            fence(&a);
            if (n + 1 == rows[i / 2].soft || n + 1 == rows[i / 2].hard)
                assert_int_equal(a.said[IO_DP_EXPIRE], before + 1);
            else
                assert_int_equal(a.said[IO_DP_EXPIRE], before);
        }
        io_dp_sa_del(a.dp, child((uint32_t)i + 1));
        io_dp_sa_del(b.dp, child((uint32_t)i + 1));
        fence(&a);
        fence(&b);
    }
}

static void replays_and_forgeries_are_counted_and_not_delivered(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[60], wire[256];
    int tap = socket_at(&p.to_b);
    ssize_t n;

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    wait_readable(tap);
    n = recv(tap, wire, sizeof(wire), 0);
    assert_true(n > 60);
    wire[n - 1] ^= 1;
    throw_at(tap, &b, wire, (size_t)n);
    eventually(counters(&b, 1).dropped_auth == 1);
    wire[n - 1] ^= 1;
    throw_at(tap, &b, wire, (size_t)n); /* from another address than a's: the ICV counts */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    throw_at(tap, &b, wire, (size_t)n);
    eventually(counters(&b, 1).dropped_replay == 1);
    wire[3] ^= 0x80;
    throw_at(tap, &b, wire, (size_t)n);
    eventually(totals(&b).unknown_spi == 1);
    fence(&b);
    assert_int_equal(b.said[IO_DP_SEEN], 1); /* a forgery is no proof */
    close(tap);
}

/* Nothing in the data plane moves by it: IKE decides. */
static void the_newest_authentic_packets_source_is_told_of(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    struct kd_endpoint me;
    uint8_t pkt[60], wire[3][256];
    int tap = socket_at(&p.to_b), other = socket_at(&me);
    struct io_dp_event ev;
    size_t n[3];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
        wait_readable(tap);
        n[i] = (size_t)recv(tap, wire[i], sizeof(wire[i]), 0);
    }
    wire[1][n[1] - 1] ^= 1; /* a forgery says nothing */
    throw_at(other, &b, wire[1], n[1]);
    eventually(counters(&b, 1).dropped_auth == 1);
    wire[1][n[1] - 1] ^= 1;
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 0);
    throw_at(other, &b, wire[1], n[1]);
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    ev = event_of(&b, IO_DP_SOURCE);
    assert_true(kd_endpoint_eq(&ev.remote, &me) && kd_handle_eq(ev.child, child(1)));
    throw_at(tap, &b, wire[0], n[0]); /* authentic, but older: a delayed or replayed one */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 1);
    io_dp_sa_move(b.dp, child(1), &b.at, &me);
    fence(&b);
    throw_at(other, &b, wire[2], n[2]); /* known by now */
    assert_int_equal(arrives(&b, got), sizeof(pkt));
    fence(&b);
    assert_int_equal(b.said[IO_DP_SOURCE], 1);
    close(tap);
    close(other);
}

static void a_moved_child_sends_to_its_new_peer(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    int tap = socket_at(&p.to_b);
    uint8_t pkt[60], wire[256];

    install(&p);
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    wait_readable(tap);
    assert_true(recv(tap, wire, sizeof(wire), 0) > 60);
    io_dp_sa_move(a.dp, child(1), &a.at, &b.at);
    fence(&a);
    there_and_back(60);
    close(tap);
}

/* ---- tests: rekey, deletion ---- */

static void a_successor_receives_at_once_and_sends_when_told(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), q = gcm_pair(2);

    install(&p);
    there_and_back(60);
    install(&q);
    there_and_back(60);
    assert_int_equal(counters(&a, 1).packets_out, 2);
    io_dp_sa_use(a.dp, child(2), child(1));
    fence(&a);
    there_and_back(60); /* a by the new, b still by the old */
    assert_int_equal(counters(&a, 2).packets_out, 1);
    eventually(counters(&a, 1).packets_in == 3);
    io_dp_sa_del(a.dp, child(1)); /* without USE at b: with the old gone, the new is all it has */
    io_dp_sa_del(b.dp, child(1));
    fence(&a);
    fence(&b);
    there_and_back(60);
    eventually(counters(&a, 2).packets_in == 1);
}

/* A device of a's, tunnel 7, with a trap; the end that packets are written to. */
static int trapped_device(const struct ike_conn_config *trap)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    io_dp_tun_add(a.dp, 7, fds[0], trap, &(struct kd_addr){0});
    return fds[1];
}

static void packets_that_a_trap_waits_for_are_told_of_once_a_second(void **st KD_UNUSED)
{
    static struct ike_conn_config trap = {.n_children = 1};
    struct kd_prefix local, remote;
    struct io_dp_event ev;
    uint8_t pkt[60];
    int fd = trapped_device(&trap);

    assert_true(kd_prefix_parse("10.0.0.0/8", true, &local));
    assert_true(kd_prefix_parse("0.0.0.0/0", true, &remote));
    trap.child[0].local_ts = (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&local)}};
    trap.child[0].remote_ts = (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&remote)}};
    inner(pkt, sizeof(pkt), 1, 2);
    pkt[12] = 11; /* a source that isn't the trap's */
    assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    pkt[12] = 10;
    pkt[16] = 224; /* to everybody */
    assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(totals(&a).no_sa == 2);
    assert_int_equal(a.said[IO_DP_TRAFFIC], 0);
    pkt[16] = 10;
    for (int i = 0; i < 50; i++)
        assert_int_equal(write(fd, pkt, sizeof(pkt)), sizeof(pkt));
    ev = event_of(&a, IO_DP_TRAFFIC);
    assert_int_equal(ev.tunnel, 7);
    eventually(totals(&a).no_sa == 52);
    fence(&a);
    assert_in_range(a.said[IO_DP_TRAFFIC], 1, 2); /* 50 packets take less than two seconds */
    io_dp_tun_del(a.dp, 7);
    close(fd);
}

static void a_deleted_child_neither_sends_nor_receives(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_counters c;
    uint8_t pkt[60];

    install(&p);
    there_and_back(60);
    io_dp_sa_del(b.dp, child(1));
    fence(&b);
    assert_false(io_dp_count(b.dp, child(1), &c));
    inner(pkt, sizeof(pkt), 1, 2);
    assert_int_equal(write(a.tun, pkt, sizeof(pkt)), sizeof(pkt));
    eventually(totals(&b).unknown_spi == 1);
    io_dp_sa_del(a.dp, child(1));
    io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
    fence(&a);
    assert_int_equal(totals(&a).no_sa, 1);
    assert_int_equal(totals(&b).unknown_spi, 1);
    install(&p); /* the SPI is free again */
    there_and_back(60);
}

static void a_removed_device_takes_its_children_along(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_counters c;
    uint8_t byte;

    install(&p);
    io_dp_tun_del(a.dp, 0);
    fence(&a);
    assert_false(io_dp_count(a.dp, child(1), &c));
    assert_int_equal(read(a.tun, &byte, 1), 0); /* closed */
    fence(&a);
    assert_int_equal(a.said[IO_DP_TUN_FAIL], 0); /* on demand is no failure */
}

static void a_broken_device_is_reported_once(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_event ev;

    install(&p);
    shutdown(b.tun, SHUT_RDWR);
    ev = event_of(&b, IO_DP_TUN_FAIL);
    assert_int_equal(ev.tunnel, 0);
    assert_non_null(strstr(ev.text, "TUN device is gone"));
    fence(&b);
    assert_int_equal(b.said[IO_DP_TUN_FAIL], 1);
}

static void refused(struct io_dp_sa *sa, const char *why)
{
    struct io_dp_event ev;

    io_dp_sa_add(a.dp, sa);
    ev = event_of(&a, IO_DP_RESULT);
    assert_false(ev.ok);
    if (!strstr(ev.text, why))
        fail_msg("\"%s\" doesn't say \"%s\"", ev.text, why);
}

static void what_cannot_be_installed_is_refused_with_its_reason(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct io_dp_sa sa = sa_for(&p, true), x = sa;

    x.tunnel = 5;
    refused(&x, "no TUN device");
    x.tunnel = UINT32_MAX;
    refused(&x, "no TUN device");
    x = sa;
    x.local.addr = kd_addr_v4(0x7f000009);
    refused(&x, "listen");
    x = sa;
    x.sa.encr = 9999;
    refused(&x, "encryption");
    x = sa;
    x.sa.integ = 9999;
    refused(&x, "integrity");
    x = sa;
    x.sa.key_enc_out = KD_HANDLE_NONE;
    refused(&x, "key");
    install_one(&a, &p);
    refused(&sa, "already");
    x = sa;
    x.child = child(2);
    refused(&x, "SPI");
    free_keys(&sa.sa);
}

/* ---- tests: sizes ---- */

/* A SYN with MSS 1460 behind a 20-byte header; the checksum is not looked at here. */
static size_t syn(uint8_t *p, uint8_t from, uint8_t to)
{
    inner(p, 44, from, to);
    memset(p + 20, 0, 24);
    p[9] = 6;
    p[32] = 0x60;
    p[33] = 2;
    memcpy(p + 40, "\x02\x04\x05\xb4", 4);
    return 44;
}

static void the_mss_is_clamped_in_both_directions(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1), off = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[64];
    size_t len;

    p.mss = 1350;
    install_one(&a, &p);
    install_one(&b, &off);
    len = syn(pkt, 1, 2);
    assert_int_equal(write(a.tun, pkt, len), len); /* leaving a */
    assert_int_equal(arrives(&b, got), len);
    assert_int_equal(got[42] << 8 | got[43], 1350);
    len = syn(pkt, 2, 1);
    assert_int_equal(write(b.tun, pkt, len), len); /* entering a; b has it off */
    assert_int_equal(arrives(&a, got), len);
    assert_int_equal(got[42] << 8 | got[43], 1350);
}

static uint16_t inet_sum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* lo has an MTU of 1500 here. */
static void a_packet_too_big_to_fragment_is_answered_and_others_are_fragmented(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[1500];
    size_t n;

    p.suite = suite_of("aes256", "sha1", false);
    install(&p);
    there_and_back(1422);
    there_and_back(1500); /* without DF: in outer fragments */
    inner(pkt, 1423, 1, 2);
    pkt[6] = 0x40;
    assert_int_equal(write(a.tun, pkt, 1423), 1423);
    n = arrives(&a, got);
    assert_int_equal(n, 20 + 8 + 548);
    assert_int_equal(inet_sum(got, 20), 0);
    assert_int_equal(inet_sum(got + 20, n - 20), 0);
    assert_memory_equal(got + 12, "\x0a\x00\x00\x02\x0a\x00\x00\x01", 8);
    assert_memory_equal(got + 20, "\x03\x04", 2);
    assert_int_equal(got[26] << 8 | got[27], 1422);
    assert_memory_equal(got + 28, pkt, 548);
    assert_int_equal(write(a.tun, pkt, 1423), 1423); /* within 10 ms: no second answer */
    inner(pkt, 60, 1, 2);
    crosses(&a, &b, pkt, 60);
    assert_int_equal(counters(&a, 1).dropped_other, 2);
}

static void too_big_over_ipv6_is_answered_from_1281_on(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    static uint8_t got[65536];
    uint8_t pkt[1500], pseudo[40];
    size_t n;

    p.net_a = "2001:db8::1/128";
    p.net_b = "2001:db8::2/128";
    install(&p);
    make_v6(pkt, 1400, 17);
    crosses(&a, &b, pkt, 1400);
    make_v6(pkt, 1419, 17); /* 1418 fit */
    assert_int_equal(write(a.tun, pkt, 1419), 1419);
    n = arrives(&a, got);
    assert_int_equal(n, 1280);
    assert_int_equal(got[40], 2);
    assert_int_equal(got[46] << 8 | got[47], 1418);
    assert_memory_equal(got + 24, pkt + 8, 16);
    assert_memory_equal(got + 48, pkt, 1280 - 48);
    memset(pseudo, 0, sizeof(pseudo));
    memcpy(pseudo, got + 8, 32);
    put16(pseudo + 34, n - 40);
    pseudo[39] = 58;
    memmove(got, pseudo, 40);
    assert_int_equal(inet_sum(got, n), 0);
}

/* ---- tests: IKE on the NAT-T socket ---- */

static void ike_is_handed_over_without_its_marker(void **st KD_UNUSED)
{
    struct kd_endpoint me;
    int fd = socket_at(&me);
    struct io_dp_event ev;

    throw_at(fd, &b, "\0\0\0\0an IKE message", 18);
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 14);
    assert_memory_equal(ev.data, "an IKE message", 14);
    assert_true(kd_endpoint_eq(&ev.local, &b.at));
    assert_true(kd_endpoint_eq(&ev.remote, &me));
    assert_true(ev.at_us / 1000 <= now_ms());
    io_dp_event_done(&ev);
    close(fd);
}

static void ike_is_sent_with_its_marker_from_the_port(void **st KD_UNUSED)
{
    struct io_dp_event ev;
    struct kd_endpoint elsewhere = {.addr = kd_addr_v4(0x7f000009), .port = NATT_PORT};

    assert_true(io_dp_send_ike(a.dp, &a.at, &b.at, kd_bytes_str("hello")));
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 5);
    assert_memory_equal(ev.data, "hello", 5);
    assert_true(kd_endpoint_eq(&ev.remote, &a.at));
    io_dp_event_done(&ev);
    assert_false(io_dp_send_ike(a.dp, &elsewhere, &b.at, kd_bytes_str("hello")));
}

static void keepalives_and_scraps_are_dropped_and_counted(void **st KD_UNUSED)
{
    struct kd_endpoint me;
    int fd = socket_at(&me);

    throw_at(fd, &b, "\xff", 1);
    throw_at(fd, &b, "", 0);
    throw_at(fd, &b, "\xfe", 1);
    throw_at(fd, &b, "\0\0\0", 3);
    throw_at(fd, &b, "\0\0\0\0", 4);     /* a marker and nothing behind */
    throw_at(fd, &b, "\0\0\x10\x99", 4); /* an SPI nobody has */
    eventually(totals(&b).unknown_spi == 1);
    assert_int_equal(totals(&b).keepalives, 1);
    assert_int_equal(totals(&b).malformed, 4);
    fence(&b);
    assert_int_equal(b.said[IO_DP_IKE], 0);
    close(fd);
}

static void a_flood_of_ike_is_bounded_and_counted_and_traffic_goes_on(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    struct kd_endpoint me;
    int fd = socket_at(&me);
    struct io_dp_event ev;
    uint8_t junk[200] = {0};
    uint64_t queued = 0;

    install(&p);
    for (uint64_t sent = 1; sent <= 5000; sent++) {
        throw_at(fd, &b, junk, sizeof(junk));
        if (sent % 500 == 0)
            eventually(totals(&b).ike + totals(&b).rxq_overflow >= sent);
    }
    there_and_back(100); /* full of IKE, and ESP passes */
    while (io_dp_poll(b.dp, &ev)) {
        queued += ev.kind == IO_DP_IKE;
        b.said[ev.kind]++;
        io_dp_event_done(&ev);
    }
    assert_int_equal(queued, 1024);
    assert_int_equal(totals(&b).ike_dropped, totals(&b).ike - 1024);
    assert_int_equal(b.said[IO_DP_SEEN], 1); /* and what matters was not crowded out */
    throw_at(fd, &b, "\0\0\0\0again", 9);
    ev = event_of(&b, IO_DP_IKE);
    assert_int_equal(ev.len, 5);
    io_dp_event_done(&ev);
    close(fd);
}

static void listening_fails_with_a_remedy(void **st KD_UNUSED)
{
    static const struct core_outer gone = {.device = "nodevice0"};
    struct kd_addr foreign = kd_addr_v4(0xc0000201);
    char text[160];
    bool raw_ok;

    assert_false(
        io_dp_listen(b.dp, &a.at.addr, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "another program"));
    assert_false(
        io_dp_listen(b.dp, &foreign, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "isn't on this host"));
    assert_false(
        io_dp_listen(b.dp, &b.at.addr, &outer, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "already"));
    assert_false(
        io_dp_listen(b.dp, &foreign, &gone, NATT_PORT, false, &raw_ok, text, sizeof(text)));
    assert_non_null(strstr(text, "`device` isn't there"));
}

static void stopping_with_everything_queued_leaks_nothing(void **st KD_UNUSED)
{
    struct pair p = gcm_pair(1);
    uint8_t pkt[60];

    inner(pkt, sizeof(pkt), 1, 2);
    for (uint32_t i = 1; i < 20; i++) {
        p.n = i;
        add_to(&a, &p);
        io_dp_inject(a.dp, 0, kd_bytes(pkt, sizeof(pkt)));
        (void)io_dp_send_ike(b.dp, &b.at, &a.at, kd_bytes_str("x"));
    }
}

/* ---- tests: real devices ---- */

static void configure(const char *ifname, const char *addr, int mtu)
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

static int netns_now(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* A namespace with one TUN device; returns to home. */
static int netns_with_tun(int home, const char *ifname, const char *addr, struct side *s)
{
    char text[160];
    uint32_t ifindex;
    int fd, ns;

    assert_int_equal(unshare(CLONE_NEWNET), 0);
    ns = netns_now();
    fd = io_tun_open(ifname, &ifindex, text, sizeof(text));
    if (fd < 0)
        fail_msg("%s", text);
    assert_int_equal(ifindex, if_nametoindex(ifname));
    configure(ifname, addr, 1400);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    io_dp_tun_add(s->dp, 0, fd, NULL, &(struct kd_addr){0});
    return ns;
}

static int socket_in(int ns, int home, int type, int proto)
{
    int fd;

    assert_int_equal(setns(ns, CLONE_NEWNET), 0);
    fd = socket(AF_INET, type | SOCK_CLOEXEC, proto);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in in_addr_of(const char *addr, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
    return in;
}

static void udp_crosses(int ns_a, int ns_b, int home)
{
    struct sockaddr_in to = in_addr_of("10.0.0.2", 7777);
    int from = socket_in(ns_a, home, SOCK_DGRAM, 0), at = socket_in(ns_b, home, SOCK_DGRAM, 0);
    char got[2048], sent[1300];

    memset(sent, 'k', sizeof(sent));
    assert_int_equal(bind(at, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(sendto(from, sent, sizeof(sent), 0, (struct sockaddr *)&to, sizeof(to)),
                     sizeof(sent));
    wait_readable(at);
    assert_int_equal(recv(at, got, sizeof(got), 0), sizeof(sent));
    assert_memory_equal(got, sent, sizeof(sent));
    close(from);
    close(at);
}

static void ping_is_answered(int ns, int home)
{
    struct sockaddr_in to = in_addr_of("10.0.0.2", 0);
    uint8_t echo[16] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'k', 'e', 'd', 'g', 'e'}, got[256];
    int fd = socket_in(ns, home, SOCK_RAW, IPPROTO_ICMP);

    put16(echo + 2, inet_sum(echo, sizeof(echo)));
    assert_int_equal(sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)),
                     sizeof(echo));
    do {
        wait_readable(fd);
        assert_true(recv(fd, got, sizeof(got), 0) >= 20 + 16);
    } while (got[20] != 0);
    assert_memory_equal(got + 24, echo + 4, 12);
    close(fd);
}

static void across_devices(bool encap)
{
    struct pair p = gcm_pair(1);
    int home = netns_now();
    int ns_a = netns_with_tun(home, "kd-test-a", "10.0.0.1", &a);
    int ns_b = netns_with_tun(home, "kd-test-b", "10.0.0.2", &b);

    p.encap = encap;
    install(&p);
    udp_crosses(ns_a, ns_b, home);
    ping_is_answered(ns_a, home);
    close(ns_a);
    close(ns_b);
    close(home);
}

static void icmp_and_udp_cross_real_devices_in_udp(void **st KD_UNUSED)
{
    across_devices(true);
}

static void icmp_and_udp_cross_real_devices_in_plain_esp(void **st KD_UNUSED)
{
    across_devices(false);
}

static void a_busy_or_foreign_name_is_refused_with_a_remedy(void **st KD_UNUSED)
{
    static const char *const bad[] = {"", "sixteen-letters-", "a/b", "kd%d", "..", "a b"};
    uint32_t ifindex;
    char text[160];
    int fd = io_tun_open("kd-busy", &ifindex, text, sizeof(text));

    assert_true(fd >= 0);
    assert_int_equal(io_tun_open("kd-busy", &ifindex, text, sizeof(text)), -1);
    assert_non_null(strstr(text, "in use by another program"));
    assert_int_equal(io_tun_open("lo", &ifindex, text, sizeof(text)), -1);
    assert_non_null(strstr(text, "isn't a TUN device"));
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        assert_int_equal(io_tun_open(bad[i], &ifindex, text, sizeof(text)), -1);
        assert_non_null(strstr(text, "can't be an interface's name"));
    }
    close(fd);
}

/* ---- the namespace ---- */

static bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool become_root_of_a_user_namespace(void)
{
    char map[64];

    snprintf(map, sizeof(map), "0 %u 1", (unsigned int)getuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put_file("/proc/self/setgroups", "deny") &&
           put_file("/proc/self/uid_map", map);
}

static void add_v6(const char *addr)
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

static int group_start(void **st KD_UNUSED)
{
    ctx_start(&ctx);
    configure("lo", NULL, 1500);
    add_v6("fd00::2");
    return 0;
}

static int group_end(void **st KD_UNUSED)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_v4(esp_in_udp_carries_packets_both_ways),
        over_v6(esp_in_udp_carries_packets_both_ways),
        over_v4(plain_esp_carries_packets_both_ways),
        over_v6(plain_esp_carries_packets_both_ways),
        over_v4(either_form_is_taken_whatever_was_negotiated),
        over_v4(a_burst_crosses_in_order),
        over_v4(an_injected_packet_leaves_through_the_tunnel),
        over_v4(what_is_carried_for_others_is_a_spell_until_it_pauses),
        over_v4(seen_is_said_exactly_once_a_child),
        over_v4(what_the_selectors_do_not_allow_is_dropped_both_ways),
        over_v4(of_several_children_the_one_that_matches_sends),
        over_v4(the_narrowest_child_sends_and_of_equals_the_last_used),
        over_v4(a_wider_successor_takes_over_from_a_narrower_predecessor),
        over_v4(limits_are_told_of_once_each_in_either_direction),
        over_v4(replays_and_forgeries_are_counted_and_not_delivered),
        over_v4(the_newest_authentic_packets_source_is_told_of),
        over_v4(a_moved_child_sends_to_its_new_peer),
        over_v4(a_successor_receives_at_once_and_sends_when_told),
        over_v4(packets_that_a_trap_waits_for_are_told_of_once_a_second),
        over_v4(a_deleted_child_neither_sends_nor_receives),
        over_v4(a_removed_device_takes_its_children_along),
        over_v4(a_broken_device_is_reported_once),
        over_v4(what_cannot_be_installed_is_refused_with_its_reason),
        over_v4(the_mss_is_clamped_in_both_directions),
        over_v4(a_packet_too_big_to_fragment_is_answered_and_others_are_fragmented),
        over_v6(too_big_over_ipv6_is_answered_from_1281_on),
        over_v4(ike_is_handed_over_without_its_marker),
        over_v4(ike_is_sent_with_its_marker_from_the_port),
        over_v4(keepalives_and_scraps_are_dropped_and_counted),
        over_v4(a_flood_of_ike_is_bounded_and_counted_and_traffic_goes_on),
        over_v4(listening_fails_with_a_remedy),
        over_v4(stopping_with_everything_queued_leaks_nothing),
        over_v4(icmp_and_udp_cross_real_devices_in_udp),
        over_v4(icmp_and_udp_cross_real_devices_in_plain_esp),
        cmocka_unit_test(a_busy_or_foreign_name_is_refused_with_a_remedy),
    };

    if (geteuid() == 0 ? unshare(CLONE_NEWNET) != 0 : !become_root_of_a_user_namespace()) {
        printf("skipped: no network namespace can be made here (%s); run as root\n",
               strerror(errno));
        return 77;
    }
    if (access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("skipped: /dev/net/tun: %s\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, group_start, group_end);
}
