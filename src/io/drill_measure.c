/* What a drill measures: an agent on a host, or kedged, sends numbered packets (io/measure.h) while
 * it runs, and the reports are what expectations are held against. The way is the hops' name, or
 * else that of the neighbor by which our own best route leads there. */
#include "io/drill_int.h"

#include "io/measure.h"

#include <stdio.h>

#define ROUTE_EVERY_US KD_MS(50) /* a walk over the table each */

/* Before the first packet: its marks are as fine as packets are apart. */
static void say_who_measures(struct drill_result *r, const struct drill_probe_plan *p)
{
    if (p->agent[0])
        snprintf(r->probe_from, sizeof(r->probe_from), "%s", p->agent);
    else
        kd_addr_str(&p->from, r->probe_from);
    kd_addr_str(&p->to, r->probe_to);
    r->probe_udp = p->port != 0;
    r->probe_every_us = p->every_us;
}

bool io_drill_measure_begin(struct io_drill *d, char *why, size_t cap)
{
    const struct drill_plan *p = drill_run_plan(d->run);
    const struct drill_order order = {.to = p->probe.to,
                                      .from = p->probe.from,
                                      .port = p->probe.port,
                                      .every_us = p->probe.every_us,
                                      .limit_us = p->limit_us + KD_S(120)};

    if (!p->probe.on)
        return true;
    say_who_measures(d->result, &p->probe);
    d->measuring =
        io_measure_begin(d->io, p->probe.agent, &order, &core_configuration(d->io->core)->paths,
                         d->result, &d->measured, io_drill_measured, d, why, cap);
    return d->measuring;
}

/* When the way changed that is another than at the look before: with the routes that moved since.
 */
static uint64_t moved_us(const struct drill_result *r, uint64_t looked_us, uint64_t now_us)
{
    for (uint32_t i = r->n_marks; i-- > 0;)
        if (r->mark[i].kind == DRILL_FIB && r->start_us + r->mark[i].at_us > looked_us)
            return r->start_us + r->mark[i].at_us;
    return now_us;
}

static void look_at_route(struct io_drill *d)
{
    const struct core *core = d->io->core;
    uint64_t now = io_now_us(), looked_us = d->looked_us;
    uint32_t peer;

    if (looked_us && now < looked_us + ROUTE_EVERY_US)
        return;
    d->looked_us = now;
    peer = practice_way(core, &drill_run_plan(d->run)->probe);
    if (peer != CORE_NO_PEER &&
        drill_measure_route(&d->measured, d->result, &core_configuration(core)->paths, peer,
                            core_peer_config(core, peer)->name,
                            looked_us ? moved_us(d->result, looked_us, now) : now))
        io_measure_hurry(d->io);
}

/* ---- what is seen ---- */

void io_drill_measure_mark(struct io_drill *d)
{
    uint64_t now = io_now_us();

    drill_measure_mark(&d->measured, now);
    if (!d->first_us)
        d->first_us = now;
}

void io_drill_measure_look(struct io_drill *d, struct drill_seen *s)
{
    const struct drill_measured *m = &d->measured;

    if (!d->measuring)
        return;
    look_at_route(d);
    s->probing = m->begun && m->summary.newest_good_us > 0;
    snprintf(s->path, sizeof(s->path), "%s", m->path);
    s->known = drill_measure_known(m);
}

/* ---- the end ---- */

bool io_drill_measure_stop(struct io_drill *d)
{
    if (!d->measuring || d->measured.gone)
        return false;
    io_measure_stop(d->io);
    return true;
}

/* The last one by then that has a name: hops that none knows say nothing. */
static uint32_t way_at(const struct drill_result *r, uint64_t at_us)
{
    uint32_t i = drill_result_path_at(r, at_us);

    while (i != DRILL_NO_PATH && !r->path[i].name[0])
        i = i ? i - 1 : DRILL_NO_PATH;
    return i;
}

static void way_names(struct io_drill *d)
{
    struct drill_result *r = d->result;

    r->before = way_at(r, d->first_us ? d->first_us : io_now_us());
    if (d->restore_us)
        r->during = way_at(r, d->restore_us);
    r->after = way_at(r, io_now_us());
}

void io_drill_measure_end(struct io_drill *d)
{
    if (!d->measuring)
        return;
    io_measure_end(d->io);
    d->measuring = false;
    way_names(d);
}

/* ---- prefixes a neighbor: before, during, after ---- */

static uint32_t accepted(const struct io *io, uint32_t peer)
{
    struct bgp_peer_view v;

    return bgp_peer_get(core_bgp(io->core), peer, &v) ? v.accepted : 0;
}

void io_drill_count_routes(struct io_drill *d, enum io_drill_when when)
{
    uint32_t peer = UINT32_MAX;

    for (uint32_t i = 0; core_peer_next(d->io->core, &peer) && i < DRILL_ROUTES_MAX; i++) {
        struct drill_routes *r =
            when == IO_DRILL_BEFORE
                ? drill_result_routes(d->result, core_peer_config(d->io->core, peer)->name)
                : &d->result->routes[i];
        uint32_t n = accepted(d->io, peer);
        if (!r || i >= d->result->n_routes)
            return;
        if (when == IO_DRILL_BEFORE)
            r->before = n;
        if (when == IO_DRILL_DURING)
            r->during = n;
        r->after = n;
    }
}
