/* Wires: faults, cuts, NAT, counting. */
#include "sim/link.h"

#include "sim/gateway.h"
#include "sim/packet.h"

#include <stdio.h>
#include <stdlib.h>

struct flight {
    struct sim_link *link;
    int to;
    enum sim_proto proto;
    struct kd_endpoint src, dst;
    size_t len;
    uint8_t data[];
};

struct sim_link *sim_link_new(struct sim *s, const char *name, bool plain,
                              const struct sim_end ends[2])
{
    struct sim_link *l = calloc(1, sizeof(*l)), **tail = &s->links;

    kd_assert(l);
    l->sim = s;
    l->plain = plain;
    l->faults.latency_us = KD_MS(10);
    l->nat.next_port = 40000;
    snprintf(l->name, sizeof(l->name), "%s", name);
    for (int i = 0; i < 2; i++)
        l->end[i] =
            (struct sim_end){.gw = ends[i].gw, .ifindex = ends[i].ifindex, .addr = ends[i].addr};
    while (*tail)
        tail = &(*tail)->next;
    *tail = l;
    return l;
}

void sim_links_free(struct sim *s)
{
    while (s->links) {
        struct sim_link *l = s->links;
        s->links = l->next;
        free(l->end[0].tally);
        free(l->end[1].tally);
        free(l);
    }
}

/* ---- NAT ---- */

void sim_link_nat(struct sim_link *l, const struct kd_addr *public)
{
    l->nat.on = true;
    l->nat.public = *public;
}

void sim_link_nat_forget(struct sim_link *l)
{
    l->nat.n = 0;
}

static bool nat_out(struct sim_nat *n, struct kd_endpoint *src)
{
    uint32_t i = 0;

    while (i < n->n && !kd_endpoint_eq(&n->inside[i], src))
        i++;
    if (i == SIM_NAT_MAX)
        return false;
    if (i == n->n) {
        n->inside[n->n] = *src;
        n->port[n->n++] = n->next_port++;
    }
    *src = (struct kd_endpoint){n->public, n->port[i]};
    return true;
}

static bool nat_in(const struct sim_nat *n, struct kd_endpoint *dst)
{
    for (uint32_t i = 0; i < n->n; i++)
        if (n->port[i] == dst->port) {
            *dst = n->inside[i];
            return true;
        }
    return false;
}

static bool nat_pass(struct sim_link *l, int from, struct sim_frame *f)
{
    if (!l->nat.on || l->plain)
        return true;
    if (f->proto != SIM_UDP)
        return false;
    return from == 0 ? nat_out(&l->nat, &f->src) : nat_in(&l->nat, &f->dst);
}

/* ---- counting ---- */

static void count(struct sim_end *e, const struct sim_frame *f)
{
    struct sim_tally *t = NULL;
    struct sim_pkt p;
    struct sim_seg seg;

    e->sent++;
    if (f->proto != SIM_IP || !sim_pkt_parse(f->data, &p))
        return;
    for (size_t i = 0; i < e->n_tally && !t; i++)
        if (kd_addr_eq(&e->tally[i].dst, &p.dst))
            t = &e->tally[i];
    if (!t) {
        e->tally = realloc(e->tally, (e->n_tally + 1) * sizeof(*e->tally));
        kd_assert(e->tally);
        t = &e->tally[e->n_tally++];
        *t = (struct sim_tally){.dst = p.dst};
    }
    t->packets++;
    t->syns += sim_seg_parse(&p, &seg) && (seg.flags & (SIM_SYN | SIM_ACK)) == SIM_SYN;
}

struct sim_tally sim_link_tally(const struct sim_link *l, int end, const struct kd_addr *dst)
{
    for (size_t i = 0; i < l->end[end].n_tally; i++)
        if (kd_addr_eq(&l->end[end].tally[i].dst, dst))
            return l->end[end].tally[i];
    return (struct sim_tally){.dst = *dst};
}

/* ---- the way of one frame ---- */

static void deliver(void *obj, const void *data, size_t len KD_UNUSED)
{
    const struct flight *fl = data;
    struct sim_link *l = obj;
    struct sim_frame f = {fl->proto, fl->src, fl->dst, kd_bytes(fl->data, fl->len)};

    sim_gw_receive(l->end[fl->to].gw, l->end[fl->to].ifindex, &f);
}

static uint64_t delay(struct sim_link *l)
{
    uint64_t us = l->faults.latency_us + sim_below(l->sim, l->faults.jitter_us + 1);

    if (sim_chance(l->sim, l->faults.reorder))
        us += sim_below(l->sim, 3 * l->faults.latency_us + KD_MS(5));
    return us;
}

static void launch(struct sim_link *l, int to, const struct sim_frame *f)
{
    size_t size = sizeof(struct flight) + f->data.len;
    struct flight *fl = calloc(1, size);

    kd_assert(fl);
    fl->link = l;
    fl->to = to;
    fl->proto = f->proto;
    fl->src = f->src;
    fl->dst = f->dst;
    fl->len = f->data.len;
    if (f->data.len)
        memcpy(fl->data, f->data.p, f->data.len);
    sim_after(l->sim, delay(l), deliver, l, fl, size);
    free(fl);
}

static bool too_long(const struct sim_link *l, const struct sim_frame *f)
{
    return l->faults.mtu && f->df && f->data.len + (f->proto == SIM_UDP ? 28 : 20) > l->faults.mtu;
}

void sim_link_send(struct sim_link *l, int end, const struct sim_frame *frame)
{
    struct sim_frame f = *frame;
    int copies = 1 + sim_chance(l->sim, l->faults.dup);

    count(&l->end[end], &f);
    if (l->end[end].cut || too_long(l, &f) || !nat_pass(l, end, &f)) {
        l->end[end].lost++;
        return;
    }
    for (int i = 0; i < copies; i++) {
        if (sim_chance(l->sim, l->faults.loss))
            l->end[end].lost++;
        else
            launch(l, !end, &f);
    }
}

/* ---- cuts ---- */

void sim_link_cut(struct sim_link *l, int end, bool cut)
{
    for (int i = 0; i < 2; i++)
        if (end < 0 || end == i)
            l->end[i].cut = cut;
}

void sim_link_unplug(struct sim_link *l, bool out)
{
    sim_link_cut(l, -1, out);
    for (int i = 0; i < 2; i++)
        sim_kernel_link_set(&l->end[i].gw->kernel, l->end[i].ifindex, true, !out);
}

/* ---- finding ---- */

struct sim_link *sim_link_outer(const struct sim *s, const struct kd_addr *local,
                                const struct kd_addr *remote, int *end)
{
    for (struct sim_link *l = s->links; l; l = l->next) {
        if (l->plain)
            continue;
        for (int i = 0; i < 2; i++) {
            const struct kd_addr *far = i == 1 && l->nat.on ? &l->nat.public : &l->end[!i].addr;
            if (kd_addr_eq(&l->end[i].addr, local) && kd_addr_eq(far, remote)) {
                *end = i;
                return l;
            }
        }
    }
    return NULL;
}

struct sim_link *sim_link_at(const struct sim *s, const struct sim_gw *g, uint32_t ifindex,
                             int *end)
{
    for (struct sim_link *l = s->links; l; l = l->next)
        for (int i = 0; i < 2; i++)
            if (l->plain && l->end[i].gw == g && l->end[i].ifindex == ifindex) {
                *end = i;
                return l;
            }
    return NULL;
}
