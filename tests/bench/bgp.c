/* A full table's source and its destination, for tests/bench/bgp: one peer that announces ROUTES
 * prefixes, another that counts what comes back out of the speaker between them.
 *
 * The table is made from a seed. Its prefixes have the lengths of the Internet's (60 % /24) and are
 * dealt at random to groups with the same attributes, whose sizes are spread around the given mean;
 * paths have 2 to 8 ASNs, most groups communities, some MED or AGGREGATOR. Each prefix must come
 * back with its own group's path behind the speaker's ASN.
 *
 * The clock starts before the first UPDATE is written and stops when the last prefix has been read.
 * Then the sessions end, with "stay" on SIGTERM only.
 *
 *   build/tests/bench_bgp SPEAKER SOURCE DESTINATION ROUTES GROUP SEED [stay] */
#include "bgp/aspath.h"
#include "bgp/hash.h"
#include "bgp/nlri.h"
#include "bgp/update.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SPEAKER_AS     65000u
#define SOURCE_AS      65001u
#define DESTINATION_AS 65002u
#define FIRST          0x01000000u
#define CELLS          (1u << 24) /* of the address space, /24 each: no prefix is longer */
#define PAUSE_MS       20000      /* without anything in this time the run has failed */

struct peer {
    int fd;
    uint8_t in[1 << 20];
    size_t have;
};

static struct {
    uint64_t random;
    uint32_t routes, mean, groups, updates_out;
    struct kd_prefix *prefix;
    uint32_t *cell;  /* group + 1 of the prefix that begins there */
    uint32_t *group; /* hash of its path */
    struct kd_writer stream;
    uint32_t seen, updates_in;
} table;

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "wrong");
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t below(uint32_t n)
{
    table.random += 0x9e3779b97f4a7c15ull;
    return (uint32_t)(bgp_mix(table.random) >> 32) % n;
}

/* ---- the table ---- */

/* In a thousand, as the Internet's table has them. */
static uint8_t length(void)
{
    static const uint16_t share[] = {[16] = 13, [17] = 8,   [18] = 14,  [19] = 25, [20] = 43,
                                     [21] = 50, [22] = 115, [23] = 102, [24] = 630};
    uint32_t at = below(1000);

    for (uint8_t len = 16; len < 24; len++) {
        if (at < share[len])
            return len;
        at -= share[len];
    }
    return 24;
}

/* Not to be announced (bgp_nlri_martian() and the private ones): whole /8, /12, /16. */
static bool reserved(uint32_t a)
{
    return a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
           a >> 16 == 0xa9fe || a >> 22 == 0x191;
}

/* One behind the other, each on its boundary; then shuffled. */
static void make_prefixes(void)
{
    uint64_t at = FIRST;
    struct kd_addr a;

    for (uint32_t i = 0; i < table.routes; i++) {
        uint8_t len = length();
        uint64_t size = 1ull << (32 - len);
        at = (at + size - 1) & ~(size - 1);
        while (at < 0xe0000000 && reserved((uint32_t)at))
            at = ((at >> 16) + 1) << 16;
        if (at + size > 0xe0000000)
            die("too many routes for IPv4");
        a = kd_addr_v4((uint32_t)at);
        table.prefix[i] = kd_prefix_make(&a, len);
        at += size;
    }
    for (uint32_t i = table.routes - 1; i > 0; i--) {
        uint32_t k = below(i + 1);
        struct kd_prefix t = table.prefix[i];
        table.prefix[i] = table.prefix[k];
        table.prefix[k] = t;
    }
}

static uint32_t cell_of(const struct kd_prefix *p)
{
    return (uint32_t)p->addr.b[0] << 16 | (uint32_t)p->addr.b[1] << 8 | p->addr.b[2];
}

static uint32_t put_path(struct kd_writer *w)
{
    size_t start = w->pos;
    uint8_t n = (uint8_t)(1 + below(7));

    kd_put_u8(w, BGP_AS_SEQUENCE);
    kd_put_u8(w, n + 1);
    kd_put_u32(w, SOURCE_AS);
    for (uint8_t i = 0; i < n; i++)
        kd_put_u32(w, below(4) ? 1000 + below(60000) : 200000 + below(200000));
    return bgp_hash(0, w->p + start + 2, w->pos - start - 2);
}

static void make_attributes(struct bgp_attrs *a, uint8_t *room, size_t cap, uint32_t group,
                            const struct kd_addr *nexthop)
{
    struct kd_writer w;
    size_t path;

    kd_writer_init(&w, room, cap);
    table.group[group] = put_path(&w);
    path = w.pos;
    for (uint32_t n = below(6); n > 0; n--)
        kd_put_u32(&w, (1000 + below(60000)) << 16 | below(2000));
    *a = (struct bgp_attrs){
        .has = BGP_HAS(BGP_A_ORIGIN) | BGP_HAS(BGP_A_AS_PATH) | BGP_HAS(BGP_A_NEXT_HOP),
        .origin = below(10) ? BGP_ORIGIN_IGP : BGP_ORIGIN_INCOMPLETE,
        .med = below(200),
        .nexthop = *nexthop,
        .as_path = kd_bytes(room, path),
        .communities = kd_bytes(room + path, w.pos - path),
        .aggregator_as = 1000 + below(60000),
        .aggregator_id = 0x0a000000 + below(1000),
    };
    a->has |= (w.pos > path ? BGP_HAS(BGP_A_COMMUNITIES) : 0) |
              (below(10) ? 0 : BGP_HAS(BGP_A_MED)) | (below(20) ? 0 : BGP_HAS(BGP_A_AGGREGATOR));
}

/* The group's prefixes, in as many messages as they need. */
static void put_group(const struct bgp_attrs *a, uint32_t first, uint32_t n)
{
    uint8_t room[1024];
    struct kd_writer attrs, *w = &table.stream;
    struct bgp_update_out o;
    bool open = false;

    kd_writer_init(&attrs, room, sizeof(room));
    bgp_attrs_put(&attrs, a, true, true);
    for (uint32_t i = first; i < first + n;) {
        if (!open)
            kd_assert(
                bgp_update_announce(&o, w, BGP_MESSAGE_MAX, 4, kd_written(&attrs), &a->nexthop));
        open = bgp_update_add(&o, &table.prefix[i]);
        i += open;
        if (open && i < first + n)
            continue;
        bgp_update_end(&o);
        table.updates_out++;
        open = false;
    }
}

static uint32_t group_size(void)
{
    double u = (below(1u << 24) + 1) / (double)(1u << 24);
    uint32_t n = (uint32_t)(-log(u) * table.mean) + 1;

    return table.mean == 1 ? 1 : n;
}

static void make_table(const struct kd_addr *nexthop)
{
    uint8_t room[256];
    size_t cap = (size_t)table.routes * 4 + ((size_t)table.routes / table.mean * 3 + 1000) * 160;

    table.prefix = malloc(table.routes * sizeof(*table.prefix));
    table.cell = calloc(CELLS, sizeof(*table.cell));
    table.group = malloc(table.routes * sizeof(*table.group));
    kd_writer_init(&table.stream, malloc(cap), cap);
    if (!table.prefix || !table.cell || !table.group || !table.stream.p)
        die("memory");
    make_prefixes();
    for (uint32_t at = 0; at < table.routes; table.groups++) {
        uint32_t n = group_size();
        struct bgp_attrs a;
        n = KD_MIN(n, table.routes - at);
        make_attributes(&a, room, sizeof(room), table.groups, nexthop);
        for (uint32_t i = at; i < at + n; i++)
            table.cell[cell_of(&table.prefix[i])] = table.groups + 1;
        put_group(&a, at, n);
        at += n;
    }
    if (!table.stream.ok)
        die("room for the stream");
}

/* ---- sessions ---- */

/* The next whole message; waits for it. */
static struct bgp_frame next_message(struct peer *p)
{
    struct bgp_frame f;
    struct bgp_error e;

    for (;;) {
        enum bgp_frame_verdict v =
            bgp_frame_parse(kd_bytes(p->in, p->have), BGP_MESSAGE_MAX, &f, &e);
        ssize_t n;
        if (v == BGP_FRAME_OK)
            return f;
        n = v == BGP_FRAME_BAD ? 0 : recv(p->fd, p->in + p->have, sizeof(p->in) - p->have, 0);
        if (n <= 0)
            die("the speaker ended a session");
        p->have += (size_t)n;
    }
}

static void done_with(struct peer *p, size_t n)
{
    p->have -= n;
    memmove(p->in, p->in + n, p->have);
}

static void expect(struct peer *p, enum bgp_msg_type type)
{
    struct bgp_frame f = next_message(p);

    if (f.type != type)
        die("an unexpected message before the session was up");
    done_with(p, f.len);
}

static void establish(struct peer *p, const char *local, const char *speaker, uint32_t asn)
{
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET, .sin_port = htons(179)};
    struct bgp_open o = {.asn = asn, .id = asn, .as4 = true, .mp_ipv4 = true, .mp_any = true};
    uint8_t room[512];
    struct kd_writer w;

    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, local, &from.sin_addr) != 1 ||
        inet_pton(AF_INET, speaker, &to.sin_addr) != 1 ||
        bind(p->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(p->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die(speaker);
    kd_writer_init(&w, room, sizeof(room));
    bgp_open_put(&w, &o);
    bgp_keepalive_put(&w);
    if (send(p->fd, room, w.pos, 0) != (ssize_t)w.pos)
        die("OPEN");
    expect(p, BGP_MSG_OPEN);
    expect(p, BGP_MSG_KEEPALIVE);
}

/* ---- what comes back ---- */

static void take_update(struct kd_bytes body)
{
    static const struct bgp_session_rules rules = {.as4 = true, .peer_as = SPEAKER_AS};
    static uint8_t room[BGP_UPDATE_SCRATCH];
    struct kd_writer scratch;
    struct kd_reader r;
    struct kd_prefix p;
    struct bgp_update u;
    uint32_t path;

    kd_writer_init(&scratch, room, sizeof(room));
    bgp_update_parse(body, &rules, &scratch, &u);
    if (u.verdict != BGP_D_OK || u.withdrawn.len)
        die("an UPDATE back");
    if (u.nlri.len == 0)
        return; /* End-of-RIB */
    path = bgp_hash(0, u.attrs.as_path.p + 6, u.attrs.as_path.len - 6);
    table.updates_in++;
    kd_reader_init(&r, u.nlri);
    while (bgp_nlri_next(&r, 4, &p)) {
        uint32_t *cell = &table.cell[cell_of(&p)];
        if (*cell == 0)
            continue; /* told before */
        if (table.group[*cell - 1] != path)
            die("a prefix came back with another path");
        *cell = 0;
        table.seen++;
    }
}

static void take_all(struct peer *p, bool count)
{
    struct bgp_frame f;
    struct bgp_error e;
    size_t at = 0;
    ssize_t n = recv(p->fd, p->in + p->have, sizeof(p->in) - p->have, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the speaker ended a session");
    p->have += (size_t)n;
    while (bgp_frame_parse(kd_bytes(p->in + at, p->have - at), BGP_MESSAGE_MAX, &f, &e) ==
           BGP_FRAME_OK) {
        if (f.type == BGP_MSG_NOTIFICATION)
            die(bgp_error_name(f.body.p[0], f.body.p[1]));
        if (count && f.type == BGP_MSG_UPDATE)
            take_update(f.body);
        at += f.len;
    }
    done_with(p, at);
}

static void announce(struct peer *p, size_t *at)
{
    ssize_t n = send(p->fd, table.stream.p + *at, table.stream.pos - *at, MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN)
        die("announcing");
    *at += n > 0 ? (size_t)n : 0;
}

static void run(struct peer *source, struct peer *destination)
{
    size_t at = 0;

    while (table.seen < table.routes) {
        struct pollfd fds[2] = {{.fd = source->fd, .events = POLLIN},
                                {.fd = destination->fd, .events = POLLIN}};
        if (at < table.stream.pos)
            fds[0].events |= POLLOUT;
        if (poll(fds, 2, PAUSE_MS) <= 0)
            die("nothing more came");
        if (fds[0].revents & POLLOUT)
            announce(source, &at);
        if (fds[0].revents & POLLIN)
            take_all(source, false);
        if (fds[1].revents & POLLIN)
            take_all(destination, true);
    }
}

int main(int argc, char **argv)
{
    static struct peer source, destination;
    struct kd_addr nexthop;
    double start;

    if (argc < 7 || !kd_addr_parse(argv[2], &nexthop)) {
        fprintf(stderr, "bench_bgp SPEAKER SOURCE DESTINATION ROUTES GROUP SEED [stay]\n");
        return 2;
    }
    table.routes = (uint32_t)atoi(argv[4]);
    table.mean = (uint32_t)atoi(argv[5]);
    table.random = (uint64_t)atoll(argv[6]);
    make_table(&nexthop);
    establish(&source, argv[2], argv[1], SOURCE_AS);
    establish(&destination, argv[3], argv[1], DESTINATION_AS);
    start = now_s();
    run(&source, &destination);
    printf("{\"seconds\": %.6f, \"routes\": %u, \"groups\": %u, \"updates\": %u, \"bytes\": %zu, "
           "\"updates_back\": %u}\n",
           now_s() - start, table.routes, table.groups, table.updates_out, table.stream.pos,
           table.updates_in);
    fflush(stdout);
    if (argc > 7)
        pause();
    return 0;
}
