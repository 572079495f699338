/* The core's step: one external event, then its consequences, in order and bounded. What finds no
 * room in this output waits in the queue of work and shows as out->more. Nothing here knows a
 * socket, a file or a clock. */
#include "core/internal.h"

static void fib_retries(struct core *c)
{
    struct core_fib_entry *e;

    if (c->fib_retry_us > c->now_us)
        return;
    c->fib_retry_us = KD_NEVER;
    for (e = c->fib; e; e = e->hh.next) {
        if (e->retry_at_us == 0)
            continue;
        if (e->retry_at_us <= c->now_us) {
            e->retry_at_us = 0;
            core_fib_dirty(c, e);
        } else {
            c->fib_retry_us = KD_MIN(c->fib_retry_us, e->retry_at_us);
        }
    }
    core_gone_retry(c);
    core_pins_retry(c);
}

/* Bulk work, a table's decisions and its prefixes on their way into the kernel, is done in steps of
 * its own (c->bulk): on a WAKE at which BFD had nothing to do. Other events find the core free, and
 * what they have for the kernel, as a failover, waits for no table; packets of hundreds of BFD
 * sessions that wait in their sockets are read without a table's work between any two of them.
 *
 * One turn of BGP is up to BGP_FIB_ACTIONS prefixes. */
#define BGP_TURNS 2

/* The next turn tells neighbors what this one decided, and waits for its routes to leave. */
static bool bgp_more(const struct core *c)
{
    return c->bgp_more && !core_fib_waits(c) && !core_fib_full(c);
}

static bool timers(struct core *c, int *bgp_turns)
{
    struct ike_event ike = {.kind = IKE_EV_WAKE};
    struct bgp_event bgp = {.kind = BGP_EV_WAKE};

    if (c->ike_more || c->ike_deadline_us <= c->now_us) {
        core_run_ike(c, &ike);
        return true;
    }
    if (((bgp_more(c) && c->bulk) || c->bgp_deadline_us <= c->now_us) && *bgp_turns > 0) {
        --*bgp_turns;
        core_run_bgp(c, &bgp);
        return true;
    }
    if (core_tunnels_deadline(c) <= c->now_us) {
        core_tunnels_wake(c);
        return true;
    }
    if (core_drains_deadline(c) <= c->now_us) {
        core_drains_wake(c);
        return true;
    }
    return false;
}

static bool busy(const struct core *c)
{
    return c->work_head || c->ike_more || bgp_more(c) || c->groups_stale || core_fib_pending(c) ||
           core_pins_pending(c);
}

/* Once a step, however much of others' routes has changed. */
static void kernel_changed(struct core *c)
{
    if (!c->kernel.changed || !core_sync_ready(c))
        return;
    c->kernel.changed = false;
    if (c->kernel.refill)
        core_import_all(c);
    core_guards(c);
    core_groups_reconsider(c);
    core_peers_reconsider(c);
}

/* Consequences before time: what the event caused is told before the next timer fires. */
static void settle(struct core *c)
{
    int bgp_turns = BGP_TURNS;
    bool failover;

    kernel_changed(c);
    for (int turns = 0; turns < 256 && core_room(c); turns++) {
        if (c->work_head)
            core_work_one(c);
        else if (core_tunnels_clearing(c) || !timers(c, &bgp_turns))
            break; /* a failover leaves before anything that can wait */
    }
    if (c->groups_stale && core_room(c))
        core_groups_reconsider(c);
    fib_retries(c);
    if (!c->work_head)
        core_tunnels_settle(c);
    core_fib_flush(c, CORE_FIB_PLUMBING);
    core_pins_flush(c);
    /* A failover's few messages leave alone, so that their acknowledgement doesn't wait for a batch
     * of prefixes that change their group. */
    failover = !c->work_head && !c->groups_stale && core_fib_moved(c) && core_tunnels_sent(c);
    if (c->bulk && !failover)
        core_fib_flush(c, CORE_FIB_BACKUP);
    core_groups_sweep(c);
    core_adopt_step(c);
    if (c->stopping && core_room(c))
        core_stop_step(c);
}

void core_step(struct core *c, const struct core_ev *ev, struct core_out *out)
{
    c->now_us = ev->now_us;
    c->wall_s = ev->wall_s ? ev->wall_s : c->wall_s;
    c->out = out;
    out->n = out->used = 0;
    c->bulk = false;
    core_dispatch(c, ev);
    settle(c);
    out->deadline_us = KD_MIN(KD_MIN(c->ike_deadline_us, c->bgp_deadline_us),
                              KD_MIN(core_tunnels_deadline(c), c->fib_retry_us));
    out->deadline_us = KD_MIN(out->deadline_us, core_bfd_deadline(c));
    out->deadline_us = KD_MIN(out->deadline_us, core_health_deadline(c));
    out->deadline_us = KD_MIN(out->deadline_us, core_adopt_deadline(c));
    out->deadline_us = KD_MIN(out->deadline_us, core_drains_deadline(c));
    if (c->stopping && !c->stopped)
        out->deadline_us = KD_MIN(out->deadline_us, c->stop_at_us);
    out->more = !c->stopped && (busy(c) || out->deadline_us <= c->now_us);
    c->out = NULL;
}
