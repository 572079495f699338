/* kedge audit in the daemon: the kernel's dumps, handed to those who know what should be in them.
 * Routes of ours (asked for by our protocol number, for a host may hold a million of others) are
 * read a datagram a turn of the loop, and swept through in parts, so that nothing else waits: a
 * turn takes a millisecond. What is few is asked for in one turn in between. */
#include "io/audit.h"

#include "io/xnet.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define DUMP_MS 5000 /* the kernel answers at once; a table of a million is two seconds */
#define TRIES   4    /* of dumps that others' changes interrupt */

struct io_audit {
    struct io *io;
    struct core_audit a;
    uint64_t later; /* whose answer it is */
    bool again;     /* somebody has asked since: another look follows */
    struct nl_socket *s;
    uint32_t seq;
    uint8_t family; /* of the routes that are dumped */
    bool begun, interrupted;
    int tries;
    uv_poll_t poll;
    uv_idle_t turn; /* the beginning, when whoever asked can be answered; the sweep */
    uv_timer_t limit;
    int open_handles; /* of these three */
};

/* ---- its end ---- */

static void on_closed(uv_handle_t *h)
{
    struct io_audit *l = h->data;

    if (--l->open_handles > 0)
        return;
    nl_close(l->s);
    free(l);
}

void io_audit_close(struct io *io)
{
    struct io_audit *l = io->audit;

    io->audit = NULL;
    if (!l)
        return;
    uv_close((uv_handle_t *)&l->poll, on_closed);
    uv_close((uv_handle_t *)&l->turn, on_closed);
    uv_close((uv_handle_t *)&l->limit, on_closed);
}

static bool start(struct io *io, uint64_t later);

static void respond(struct io *io, uint64_t later, struct ctl_response r)
{
    io_http_answer(io->http, later, &r);
    ctl_response_done(&r);
}

static struct ctl_response unable(const char *why)
{
    return ctl_error(503, "ask again", "the kernel could not be asked: %s", why);
}

static void answer(struct io_audit *l, struct ctl_response r)
{
    struct io *io = l->io;
    const uint64_t later = l->later;
    const bool again = l->again;

    respond(io, later, r);
    io_audit_close(io);
    if (again && !start(io, later + 1))
        respond(io, later + 1, unable(strerror(errno)));
}

static void fail(struct io_audit *l, const char *why)
{
    answer(l, unable(why));
}

/* ---- what there is but few of ---- */

static void take(void *arg, struct kd_bytes data)
{
    struct io_audit *l = arg;
    struct nl_event ev;

    while (nl_next(&data, &ev)) {
        l->interrupted |= ev.interrupted;
        core_audit_see(l->io->core, &l->a, &ev);
    }
}

static int dump(struct io_audit *l, uint16_t type, char *text, size_t cap)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    int err;

    kd_assert(nl_put_dump(&b, ++l->seq, type, 0));
    err = nl_ask(l->s, &b, l->seq, DUMP_MS, take, l, text, cap);
    if (err && !text[0])
        snprintf(text, cap, "%s", strerror(err));
    return err == EOPNOTSUPP && type == RTM_GETRULE ? 0 : err;
}

static bool others(struct io_audit *l, char *text, size_t cap)
{
    static const uint16_t types[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETNEXTHOP, RTM_GETRULE};

    io_kernel_drain(l->io);
    for (size_t i = 0; i < KD_ARRAY_LEN(types); i++)
        if (dump(l, types[i], text, cap) != 0)
            return false;
    core_audit_end(l->io->core, &l->a);
    return true;
}

static uint32_t pairs_of(struct io *io, struct core_audit_pair *out, uint32_t max)
{
    const struct io_xfrm *x = io_xnet_plane(io);
    uint32_t n = io->dp ? io_dp_pairs(io->dp, out, max) : 0;
    const uint32_t used = KD_MIN(n, max);

    return x ? n + io_xfrm_pairs(x, out ? out + used : NULL, max - used) : n;
}

static bool pairs(struct io *io, struct core_audit *a, char *text, size_t cap)
{
    const uint32_t max = pairs_of(io, NULL, 0) + 1;
    struct core_audit_pair *have = calloc(max, sizeof(*have));
    struct io_xfrm *x = io_xnet_plane(io);
    uint32_t n;

    kd_assert(have);
    n = pairs_of(io, have, max);
    core_audit_pairs(io->core, a, have, KD_MIN(n, max));
    free(have);
    return !x || io_xfrm_audit(x, core_configuration(io->core), a, text, cap);
}

/* ---- a turn each ---- */

static void begin(struct io_audit *l);

static void on_turn(uv_idle_t *h)
{
    struct io_audit *l = h->data;
    char text[200] = "";

    if (!l->begun) {
        uv_idle_stop(h);
        begin(l);
        return;
    }
    if (core_audit_sweep(l->io->core, &l->a))
        return;
    if (pairs(l->io, &l->a, text, sizeof(text)))
        answer(l, ctl_audited(l->io->core, &l->a));
    else
        fail(l, text);
}

static void ask_routes(struct io_audit *l, uint8_t family)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};

    l->family = family;
    kd_assert(nl_put_route_dump(&b, ++l->seq, family, NL_PROTO_KEDGE));
    if (!nl_send(l->s, &b))
        fail(l, strerror(errno));
}

static void begin(struct io_audit *l)
{
    l->begun = true;
    l->interrupted = false;
    core_audit_begin(l->io->core, &l->a);
    ask_routes(l, 4);
}

static void routes_seen(struct io_audit *l)
{
    char text[200] = "";

    if (!others(l, text, sizeof(text))) {
        fail(l, text);
    } else if (!l->interrupted) {
        uv_poll_stop(&l->poll);
        uv_timer_stop(&l->limit);
        uv_idle_start(&l->turn, on_turn);
    } else if (--l->tries > 0) {
        begin(l);
    } else {
        fail(l, "the tables change too fast to be read");
    }
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct io_audit *l = h->data;
    struct kd_bytes data;
    bool overrun = false;
    char text[160] = "";
    int error = 0;

    (void)events;
    io_kernel_poll_on(h, status, on_readable);
    if (!nl_recv(l->s, &data, &overrun) || overrun) {
        fail(l, overrun ? "a part of the answer was lost" : strerror(errno));
        return;
    }
    take(l, data);
    if (!nl_answered(data, l->seq, &error, text, sizeof(text)))
        return;
    if (error)
        fail(l, text[0] ? text : strerror(error));
    else if (l->family == 4)
        ask_routes(l, 6);
    else
        routes_seen(l);
}

static void on_limit(uv_timer_t *h)
{
    fail(h->data, "it doesn't answer");
}

/* False with errno: no netlink socket. */
static bool start(struct io *io, uint64_t later)
{
    struct io_audit *l = calloc(1, sizeof(*l));

    kd_assert(l);
    l->io = io;
    l->later = later;
    l->tries = TRIES;
    l->open_handles = 3;
    l->s = nl_open(NETLINK_ROUTE, NULL);
    if (!l->s || uv_poll_init(&io->loop, &l->poll, nl_fd(l->s)) != 0) {
        nl_close(l->s);
        free(l);
        return false;
    }
    uv_idle_init(&io->loop, &l->turn);
    uv_timer_init(&io->loop, &l->limit);
    l->poll.data = l->turn.data = l->limit.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    uv_timer_start(&l->limit, on_limit, TRIES * DUMP_MS, 0);
    uv_idle_start(&l->turn, on_turn);
    io->audit = l;
    return true;
}

uint64_t io_audit_ask(struct io *io)
{
    if (!io->audit)
        return start(io, io->audits + 1) ? ++io->audits : 0;
    io->audits += !io->audit->again;
    io->audit->again = true;
    return io->audits;
}
