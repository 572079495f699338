/* The loop of kedge probe. It sleeps between packets; nothing here writes. */
#include "cli/probe_loop.h"

#include <poll.h>
#include <time.h>

#define HOPS_EVERY_US  KD_S(1) /* routers answer about once a second */
#define HOPS_URGENT_US KD_MS(250)
#define URGENT_ROUNDS  5 /* they have some answers in store (Linux: six) */
#define HOPS_FIRST     16
#define HOPS_WAIT_US   KD_MS(200) /* for the answers of a round */

static void judge(struct prober_run *r)
{
    struct probe_outage o;
    while (probe_judge(r->p.probe, prober_now(), &o)) {
        r->urgent = URGENT_ROUNDS;
        r->on_outage(r, &o);
    }
}

static void end_round(struct prober_run *r)
{
    r->round_us = KD_NEVER;
    if (probe_way_seen(&r->way, &r->p.seen, r->asked_us))
        r->on_path(r, r->way.since_us);
}

static void begin_round(struct prober_run *r, uint64_t now)
{
    uint8_t last = r->way.known ? (uint8_t)KD_MIN(r->way.path.n + 4, PROBE_HOPS_MAX) : HOPS_FIRST;
    prober_ask_hops(&r->p, last);
    r->asked_us = now;
    r->round_us = now + HOPS_WAIT_US;
    r->hops_us = now + (r->urgent ? HOPS_URGENT_US : HOPS_EVERY_US);
    r->urgent -= r->urgent > 0;
}

static void hops_due(struct prober_run *r, uint64_t now)
{
    if (now >= r->round_us || (r->round_us != KD_NEVER && prober_hops_complete(&r->p)))
        end_round(r);
    if (r->p.another_way) {
        r->p.another_way = false;
        r->urgent = URGENT_ROUNDS;
    }
    if (r->urgent)
        r->hops_us = KD_MIN(r->hops_us, r->asked_us + HOPS_URGENT_US);
    if (now >= r->hops_us && now < r->end_us && r->round_us == KD_NEVER)
        begin_round(r, now);
}

static void due(struct prober_run *r, uint64_t now)
{
    if (now >= r->next_us && now < r->end_us) {
        prober_send(&r->p);
        r->next_us += r->params.interval_us;
        if (r->next_us < now) /* we were not let: no burst to make up for it */
            r->next_us = now + r->params.interval_us;
    }
    if (r->p.hops_fd >= 0)
        hops_due(r, now);
    judge(r);
    if (r->tick_us && now >= r->ticked_us + r->tick_us) {
        r->ticked_us = now;
        r->on_tick(r, now);
    }
}

static uint64_t deadline(const struct prober_run *r, uint64_t now)
{
    uint64_t at = KD_MIN(probe_deadline(r->p.probe), now < r->end_us ? r->next_us : KD_NEVER);
    if (r->tick_us)
        at = KD_MIN(at, r->ticked_us + r->tick_us);
    if (r->p.hops_fd < 0)
        return at;
    return KD_MIN(at, r->round_us != KD_NEVER ? r->round_us
                      : now < r->end_us       ? r->hops_us
                                              : KD_NEVER);
}

static void await(const struct prober_run *r, uint64_t until, const sigset_t *mask)
{
    struct pollfd fds[2] = {{r->p.fd, POLLIN, 0}, {r->p.hops_fd, POLLIN, 0}};
    uint64_t now = prober_now(), left = until > now ? until - now : 0;
    struct timespec t = {(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
    (void)ppoll(fds, r->p.hops_fd >= 0 ? 2 : 1, &t, mask);
}

/* Sending ends at a signal or with the duration; then what is under way is waited for. */
static bool over(struct prober_run *r, uint64_t now)
{
    if (prober_stopped() && now < r->end_us)
        r->end_us = now;
    return now >= r->end_us && probe_deadline(r->p.probe) == KD_NEVER && r->round_us == KD_NEVER;
}

static void loop(struct prober_run *r, const sigset_t *mask)
{
    for (;;) {
        uint64_t now = prober_now();
        due(r, now); /* which may be the last there was: then nothing would end the wait */
        if (over(r, now))
            break;
        await(r, deadline(r, now), mask);
        prober_receive(&r->p);
        if (r->p.hops_fd >= 0)
            prober_receive_hops(&r->p);
        judge(r);
    }
}

enum cli_exit prober_run(struct prober_run *r)
{
    sigset_t mask;
    r->p.probe = probe_new(&r->params);
    if (!r->p.probe) {
        fprintf(stderr, "kedge: --timeout: at most %u times --interval\n", PROBE_WINDOW_MAX - 2);
        return CLI_USAGE;
    }
    if (!prober_open(&r->p))
        return CLI_FAILED;
    prober_catch_signals(&mask);
    r->start_us = r->next_us = r->hops_us = r->ticked_us = prober_now();
    r->round_us = KD_NEVER;
    r->end_us = r->duration_us ? r->start_us + r->duration_us : KD_NEVER;
    loop(r, &mask);
    return CLI_OK;
}

void prober_run_done(struct prober_run *r)
{
    prober_close(&r->p);
    probe_free(r->p.probe);
}
