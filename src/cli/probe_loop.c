/* The loop of kedge probe. It sleeps between packets; nothing here writes. */
#include "cli/probe_loop.h"

#include "io/hops.h"

#include <poll.h>
#include <time.h>

#define HOPS_READ 1024 /* messages a turn */

static void judge(struct prober_run *r)
{
    struct probe_outage o;
    while (probe_judge(r->p.probe, prober_now(), &o)) {
        probe_hops_hurry(&r->p.hops);
        r->on_outage(r, &o);
    }
}

static void hops_due(struct prober_run *r, uint64_t now)
{
    enum probe_news news;
    while ((news = probe_hops_judge(&r->p.hops, now)) != PROBE_WAY_SAME)
        r->on_path(r, &r->p.hops.way, news);
    if (now < r->end_us)
        io_hops_ask(r->p.hops_fd, &r->p.to, &r->p.hops, now);
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
    at = KD_MIN(at, probe_hops_deadline(&r->p.hops));
    return now < r->end_us ? KD_MIN(at, probe_hops_next(&r->p.hops)) : at;
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
    return now >= r->end_us && probe_deadline(r->p.probe) == KD_NEVER &&
           probe_hops_deadline(&r->p.hops) == KD_NEVER;
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
            io_hops_read(r->p.hops_fd, &r->p.hops, HOPS_READ, prober_now());
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
    probe_hops_begin(&r->p.hops, r->p.to.family, (uint16_t)(r->p.wire.id + 1), r->p.wire.session,
                     r->params.timeout_us);
    r->start_us = r->next_us = r->ticked_us = prober_now();
    r->end_us = r->duration_us ? r->start_us + r->duration_us : KD_NEVER;
    loop(r, &mask);
    return CLI_OK;
}

void prober_run_done(struct prober_run *r)
{
    prober_close(&r->p);
    probe_free(r->p.probe);
}
