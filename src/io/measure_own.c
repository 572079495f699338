/* kedged's own prober. It sends when it is due and never to make up for what the loop was late. */
#include "io/measure_own.h"

#include "io/hops.h"
#include "io/priv.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_US     KD_MS(100) /* between reports, as an agent's */
#define TIMEOUT_US  KD_S(1)
#define ANSWERS_MAX 64 /* read a turn: then the loop's other sources */

struct io_own {
    uv_poll_t poll, hops_poll;
    uv_timer_t timer;
    unsigned open_handles;
    struct kd_addr to;
    int fd, hops_fd;
    uint64_t every_us, next_us, ticked_us;
    uint64_t end_us; /* of sending */
    struct probe_wire wire;
    struct probe *probe;
    struct probe_hops hops;     /* its identifier is the one behind wire's */
    struct drill_report report; /* since the last one */
    void (*told)(void *arg, const struct drill_report *r);
    void *arg;
};

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

/* ---- reports ---- */

static void report(struct io_own *p, uint64_t now)
{
    struct drill_report *r = &p->report;

    p->ticked_us = now;
    r->final = now >= p->end_us && probe_deadline(p->probe) == KD_NEVER &&
               probe_hops_deadline(&p->hops) == KD_NEVER;
    probe_summarize(p->probe, now, &r->summary);
    p->told(p->arg, r);
    r->n_buckets = r->n_outages = r->n_paths = 0;
}

static void judged(void *arg, uint64_t sent_us, bool answered, uint64_t rtt_us)
{
    struct io_own *p = arg;
    struct drill_report *r = &p->report;
    struct drill_report_bucket *b;

    if (r->n_buckets < DRILL_REPORT_BUCKETS_MAX) /* else the loop stood still: into the last one */
        r->bucket[r->n_buckets++] = (struct drill_report_bucket){.at_us = sent_us};
    b = &r->bucket[r->n_buckets - 1];
    b->b.answered += answered;
    b->b.lost += !answered;
    b->b.rtt_max_us = KD_MAX(b->b.rtt_max_us, (uint32_t)rtt_us);
}

static void judge(struct io_own *p, uint64_t now)
{
    struct probe_outage o;

    while (probe_judge(p->probe, now, &o)) {
        probe_hops_hurry(&p->hops);
        if (p->report.n_outages == DRILL_REPORT_MAX)
            report(p, now);
        p->report.outage[p->report.n_outages++] = o;
    }
    while (probe_hops_judge(&p->hops, now) != PROBE_WAY_SAME) {
        if (p->report.n_paths == DRILL_REPORT_MAX)
            report(p, now);
        p->report.path[p->report.n_paths++] =
            (struct drill_report_path){p->hops.way.since_us, p->hops.way.path};
    }
}

/* ---- packets ---- */

/* What can't be sent is as lost as what is lost on the way. */
static void send_one(struct io_own *p, uint64_t now)
{
    uint8_t buf[PROBE_WIRE_MAX];
    size_t n = probe_wire_put(&p->wire, probe_sent(p->probe, now), buf);

    (void)!send(p->fd, buf, n, MSG_DONTWAIT);
    p->next_us = KD_MAX(p->next_us + p->every_us, now);
}

static void on_answer(struct io_own *p, struct kd_bytes b)
{
    uint64_t seq, count;

    if (!probe_wire_get(&p->wire, b, &seq, &count))
        return;
    probe_hops_hint(&p->hops, seq, p->wire.family == 4 && !p->wire.udp ? b.p[8] : 0);
    probe_answered(p->probe, seq, count, now_us());
}

static void receive(struct io_own *p)
{
    uint8_t buf[2048];

    for (int i = 0; i < ANSWERS_MAX; i++) {
        ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n >= 0)
            on_answer(p, kd_bytes(buf, (size_t)n));
    }
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *t);

static void arm(struct io_own *p, uint64_t now)
{
    uint64_t at = KD_MIN(probe_deadline(p->probe), p->ticked_us + TICK_US);

    if (p->report.final)
        return;
    at = KD_MIN(at, probe_hops_deadline(&p->hops));
    if (now < p->end_us)
        at = KD_MIN(at, KD_MIN(p->next_us, probe_hops_next(&p->hops)));
    uv_timer_start(&p->timer, on_timer, at > now ? (at - now + 999) / 1000 : 0, 0);
}

static void on_timer(uv_timer_t *t)
{
    struct io_own *p = t->data;
    uint64_t now = now_us();

    uv_update_time(t->loop);
    receive(p); /* what has arrived isn't late because of us */
    io_hops_read(p->hops_fd, &p->hops, ANSWERS_MAX, now);
    if (now >= p->next_us && now < p->end_us)
        send_one(p, now);
    judge(p, now);
    if (now < p->end_us)
        io_hops_ask(p->hops_fd, &p->to, &p->hops, now);
    if (now >= p->ticked_us + TICK_US)
        report(p, now);
    arm(p, now);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct io_own *p = h->data;

    (void)events;
    receive(p);
    if (status < 0) /* a refusal that came back: libuv would watch no more */
        uv_poll_start(h, UV_READABLE, on_ready);
}

static void on_hop(uv_poll_t *h, int status, int events)
{
    struct io_own *p = h->data;

    (void)status;
    (void)events;
    io_hops_read(p->hops_fd, &p->hops, ANSWERS_MAX, now_us());
    arm(p, now_us()); /* a round may be complete */
}

void io_own_hurry(struct io_own *p)
{
    probe_hops_hurry(&p->hops); /* the timer runs with the next packet */
}

void io_own_stop(struct io_own *p)
{
    p->end_us = KD_MIN(p->end_us, now_us());
}

/* ---- begin and end ---- */

/* -1 with why. */
static int open_socket(const struct drill_order *o, bool hops, char *why, size_t cap)
{
    const struct io_priv_req req = {.kind = IO_PRIV_PROBE,
                                    .local.addr = o->from,
                                    .family = o->to.family,
                                    .protocol = o->port && !hops ? IPPROTO_UDP : IPPROTO_ICMP,
                                    .hops = hops};
    struct io_priv_res res;
    char text[KD_ADDR_STR_MAX];

    if (!io_priv(&req, &res))
        snprintf(why, cap, "kedged can't probe from %s: %.120s", kd_addr_str(&o->from, text),
                 res.text);
    return res.fd;
}

static bool connect_to(int fd, const struct kd_endpoint *to, char *why, size_t cap)
{
    struct sockaddr_storage ss;
    char text[KD_ADDR_STR_MAX];

    if (connect(fd, (struct sockaddr *)&ss, io_sockaddr_from(to, &ss)) == 0)
        return true;
    snprintf(why, cap, "no way to %s: %s", kd_addr_str(&to->addr, text), strerror(errno));
    return false;
}

static bool open_sockets(struct io_own *p, const struct drill_order *o, char *why, size_t cap)
{
    const struct kd_endpoint to = {o->to, o->port};

    p->fd = open_socket(o, false, why, cap);
    if (p->fd < 0 || !connect_to(p->fd, &to, why, cap))
        return false;
    p->hops_fd = open_socket(o, true, why, cap);
    return p->hops_fd >= 0;
}

static bool prepare(struct io_own *p, const struct drill_order *o, char *why, size_t cap)
{
    const struct probe_params par = {
        .interval_us = o->every_us, .timeout_us = TIMEOUT_US, .judged = judged, .arg = p};

    p->wire = (struct probe_wire){.family = o->to.family, .udp = o->port != 0};
    snprintf(why, cap, "out of memory");
    p->probe = probe_new(&par);
    if (!p->probe || getrandom(&p->wire.session, sizeof(p->wire.session), 0) <= 0 ||
        getrandom(&p->wire.id, sizeof(p->wire.id), 0) <= 0)
        return false;
    probe_hops_begin(&p->hops, o->to.family, (uint16_t)(p->wire.id + 1), p->wire.session,
                     TIMEOUT_US);
    return open_sockets(p, o, why, cap);
}

static void dispose(struct io_own *p)
{
    if (p->fd >= 0)
        close(p->fd);
    if (p->hops_fd >= 0)
        close(p->hops_fd);
    probe_free(p->probe);
    free(p);
}

static void begin(struct io_own *p, uv_loop_t *loop)
{
    kd_assert(uv_poll_init(loop, &p->poll, p->fd) == 0);
    kd_assert(uv_poll_init(loop, &p->hops_poll, p->hops_fd) == 0);
    uv_timer_init(loop, &p->timer);
    p->poll.data = p->hops_poll.data = p->timer.data = p;
    p->open_handles = 3;
    uv_poll_start(&p->poll, UV_READABLE, on_ready);
    uv_poll_start(&p->hops_poll, UV_READABLE, on_hop);
    arm(p, p->next_us);
}

struct io_own *io_own_new(uv_loop_t *loop, const struct drill_order *o,
                          void (*told)(void *arg, const struct drill_report *r), void *arg,
                          char *why, size_t cap)
{
    struct io_own *p = calloc(1, sizeof(*p));

    kd_assert(p);
    p->fd = p->hops_fd = -1;
    if (!prepare(p, o, why, cap)) {
        dispose(p);
        return NULL;
    }
    p->told = told;
    p->arg = arg;
    p->to = o->to;
    p->every_us = o->every_us;
    p->next_us = p->ticked_us = now_us();
    p->end_us = p->next_us + o->limit_us;
    begin(p, loop);
    return p;
}

static void on_closed(uv_handle_t *h)
{
    struct io_own *p = h->data;

    if (--p->open_handles == 0)
        dispose(p);
}

void io_own_free(struct io_own *p)
{
    if (!p)
        return;
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->hops_poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
