/* A new life takes over what an earlier one left in the kernel (DESIGN 3.9): routes and next-hop
 * objects with our protocol number go on carrying while the neighbors say again what they have (as
 * RFC 4724 4.1 has a restarting speaker wait), each is then replaced in place, and what nobody
 * wants any more goes. Waiting ends when every neighbor has told its table, when a link goes down
 * (whatever was over it, the kernel has flushed), or after ADOPT_US. Only a route that nobody had
 * is installed at once. The old objects go last, when no route leads through them. */
#include "core/internal.h"

#include <stdlib.h>

#define ADOPT_US KD_S(30)

struct core_old {
    struct core_old *next;
    uint32_t id;
    bool group;
};

void core_adopt_object(struct core *c, const struct nl_nexthop *n)
{
    struct core_old *o;

    for (o = c->adopted.objects; o; o = o->next)
        if (o->id == n->id)
            return; /* a dump that was repeated */
    o = calloc(1, sizeof(*o));
    kd_assert(o);
    o->id = n->id;
    o->group = n->n_group > 0;
    o->next = c->adopted.objects;
    c->adopted.objects = o;
    if (n->id >= c->next_nh_id && n->id < UINT32_MAX / 2)
        c->next_nh_id = n->id + 1; /* ours get numbers behind the old ones */
}

static void tell_bgp(struct core *c)
{
    struct bgp_event ev = {
        .kind = BGP_EV_RESTARTED, .in = c->adopted.family[0], .out = c->adopted.family[1]};

    core_queue_bgp(c, &ev);
}

void core_adopt_begin(struct core *c)
{
    c->adopted.waiting = c->adopted.objects != NULL;
    c->adopted.until_us = c->now_us + ADOPT_US;
    if (c->adopted.waiting)
        tell_bgp(c);
    else
        core_fib_release(c); /* fallbacks may have been left without any */
}

static bool settled(const struct core *c)
{
    for (const struct core_peer *p = c->peers; p; p = p->hh.next)
        if (!p->told && !p->admin_down)
            return false;
    return !c->work_head && !c->bgp_more;
}

void core_adopt_end(struct core *c)
{
    if (!c->adopted.waiting)
        return;
    c->adopted.waiting = false;
    core_fib_release(c);
}

static void purge(struct core *c, bool group)
{
    struct core_old **p = &c->adopted.objects;

    while (*p && core_room(c)) {
        struct core_old *o = *p;
        if (o->group != group) {
            p = &o->next;
            continue;
        }
        core_op_purge(c, o->id);
        *p = o->next;
        free(o);
    }
}

void core_adopt_step(struct core *c)
{
    if (c->sync != CORE_SYNC_DONE || !c->adopted.objects)
        return;
    if (c->adopted.waiting && (settled(c) || c->adopted.until_us <= c->now_us))
        core_adopt_end(c);
    if (c->adopted.waiting || c->adopted.n_routes > 0 || core_fib_pending(c))
        return;
    purge(c, true);
    purge(c, false);
}

uint64_t core_adopt_deadline(const struct core *c)
{
    return c->adopted.waiting ? c->adopted.until_us : KD_NEVER;
}

void core_adopt_free(struct core *c)
{
    while (c->adopted.objects) {
        struct core_old *next = c->adopted.objects->next;
        free(c->adopted.objects);
        c->adopted.objects = next;
    }
}
