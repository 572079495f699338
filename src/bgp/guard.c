/* The recursion guard: a path over a tunnel whose prefix would carry the tunnel's own outer address
 * into the tunnel is no candidate (RFC 4271 9.1.2.1: a next hop that the route itself would make
 * unresolvable). The core says from which length on a prefix that holds the address would win over
 * what else leads there. A path that is refused so is said once. */
#include "bgp/guard.h"

#include <stdio.h>
#include <stdlib.h>

static bool holds(const struct bgp_guard *g, const struct bgp_rib *rib, uint32_t dest)
{
    const struct bgp_dest *d = bgp_rib_dest(rib, dest);
    struct kd_prefix p;

    if (g->outer.family != rib->family || d->len < g->len)
        return false;
    p = bgp_rib_prefix(rib, dest);
    return kd_prefix_has(&p, &g->outer);
}

bool bgp_recursive(const struct bgp *b, const struct bgp_rib *rib, const struct bgp_path *p)
{
    uint32_t iface = p->peer == BGP_PEER_LOCAL ? BGP_NO_IFACE : b->slot[p->peer]->iface;

    return iface < b->n_guards && holds(&b->guards[iface], rib, p->dest);
}

/* All prefixes that hold the address: one a length at most. */
static void mark(struct bgp *b, const struct kd_addr *outer)
{
    for (uint32_t i = 0; i < b->n_ribs; i++) {
        struct bgp_rib *rib = b->ribs[i];
        if (rib->family != outer->family)
            continue;
        for (int len = kd_addr_bits(outer); len >= 0; len--) {
            struct kd_prefix p = kd_prefix_make(outer, (uint8_t)len);
            uint32_t dest = bgp_rib_find(rib, &p);
            if (dest)
                bgp_rib_mark(rib, dest);
        }
    }
}

static bool room(struct bgp *b, uint32_t iface)
{
    uint32_t n = iface + 1;
    void *p;

    if (n <= b->n_guards)
        return true;
    p = realloc(b->guards, n * sizeof(*b->guards));
    if (!p)
        return false;
    b->guards = p;
    memset(b->guards + b->n_guards, 0, (n - b->n_guards) * sizeof(*b->guards));
    b->n_guards = n;
    return true;
}

void bgp_guard_set(struct bgp *b, const struct bgp_event *ev)
{
    struct bgp_guard *g;

    if (ev->iface == BGP_NO_IFACE || !room(b, ev->iface))
        return;
    g = &b->guards[ev->iface];
    if (g->outer.family)
        mark(b, &g->outer);
    g->outer = ev->nexthop;
    g->len = (uint8_t)KD_MIN(ev->n, 255u);
    memset(g->said, 0, sizeof(g->said));
    if (g->outer.family)
        mark(b, &g->outer);
}

/* One path of a prefix leads over a tunnel, and one prefix of a length holds the address: a bit a
 * length says what was said, until the guard is set anew (with each new life of the tunnel). */
static bool said(struct bgp_guard *g, uint8_t len)
{
    uint8_t *octet = &g->said[len / 8], bit = (uint8_t)(1u << len % 8);
    bool was = *octet & bit;

    *octet |= bit;
    return was;
}

static void say(struct bgp *b, const struct bgp_rib *rib, const struct bgp_path *p)
{
    struct bgp_peer *peer = b->slot[p->peer];
    struct bgp_guard *g = &b->guards[peer->iface];
    struct kd_prefix prefix = bgp_rib_prefix(rib, p->dest);
    char addr[KD_ADDR_STR_MAX], text[192];

    if (said(g, prefix.len))
        return;
    snprintf(text, sizeof(text),
             "it would carry %s, the tunnel's own outer address, into the tunnel; a more specific "
             "route to that, of another than kedge, would allow it",
             kd_addr_str(&g->outer, addr));
    bgp_note_prefix(b, peer, BGP_NOTE_RECURSIVE, &prefix, text);
}

void bgp_guard_note(struct bgp *b, const struct bgp_rib *rib, uint32_t dest)
{
    for (uint32_t i = b->n_guards ? bgp_rib_dest(rib, dest)->paths : 0; i;) {
        const struct bgp_path *p = bgp_rib_path(rib, i);
        if (p->attr && bgp_recursive(b, rib, p))
            say(b, rib, p);
        i = p->next;
    }
}
