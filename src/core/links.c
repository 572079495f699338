/* Interfaces and addresses as the kernel reports them: which interface leads to a directly
 * connected address, and what MTU the outer path starts with. Nothing here asks; ops.c does. */
#include "core/internal.h"

#include <stdlib.h>

const struct core_link *core_link(const struct core *c, uint32_t ifindex)
{
    struct core_link *l;

    HASH_FIND(hh, c->links, &ifindex, sizeof(ifindex), l);
    return l;
}

static struct core_link *link_make(struct core *c, uint32_t ifindex)
{
    struct core_link *l;

    HASH_FIND(hh, c->links, &ifindex, sizeof(ifindex), l);
    if (l)
        return l;
    l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->ifindex = ifindex;
    HASH_ADD(hh, c->links, ifindex, sizeof(l->ifindex), l);
    return l;
}

static void addrs_forget(struct core *c, uint32_t ifindex)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->n_addrs; i++)
        if (c->addrs[i].ifindex != ifindex)
            c->addrs[n++] = c->addrs[i];
    c->n_addrs = n;
}

/* A dump begins: what it does not show has gone while nobody listened. */
void core_links_mark(struct core *c)
{
    for (struct core_link *l = c->links; l; l = l->hh.next)
        l->seen = false;
    for (uint32_t i = 0; i < c->n_addrs; i++)
        c->addrs[i].seen = false;
}

void core_links_sweep(struct core *c)
{
    struct core_link *l, *tmp;

    HASH_ITER (hh, c->links, l, tmp) {
        struct nl_event gone = {.kind = NL_LINK, .is_del = true, .link = {.ifindex = l->ifindex}};
        if (!l->seen)
            core_link_event(c, &gone);
    }
}

void core_addrs_sweep(struct core *c)
{
    for (uint32_t i = c->n_addrs; i-- > 0;) {
        const struct core_ifaddr *a = &c->addrs[i];
        struct nl_event gone = {
            .kind = NL_ADDR,
            .is_del = true,
            .addr = {.ifindex = a->ifindex, .prefix = a->subnet, .local = a->local}};
        if (!a->seen)
            core_addr_event(c, &gone);
    }
}

void core_link_event(struct core *c, const struct nl_event *ev)
{
    struct core_link *l = link_make(c, ev->link.ifindex);
    bool was;

    if (!l)
        return;
    l->seen = true;
    was = l->up;
    l->up = !ev->is_del && ev->link.up && ev->link.carrier;
    l->mtu = ev->link.mtu;
    memcpy(l->name, ev->link.name, sizeof(l->name));
    if (ev->is_del) {
        addrs_forget(c, ev->link.ifindex);
        HASH_DEL(c->links, l);
        free(l);
    }
    if (was && (ev->is_del || !ev->link.up || !ev->link.carrier)) {
        core_adopt_end(c);
        core_nh_lost_link(c, ev->link.ifindex);
    }
    if (was != (!ev->is_del && ev->link.up && ev->link.carrier)) {
        c->audit.behind = true;
        core_guards(c);
        core_groups_reconsider(c);
        core_peers_reconsider(c);
        core_import_all(c);
    }
    if (ev->is_del)
        core_device_deleted(c, ev->link.ifindex);
}

void core_addr_event(struct core *c, const struct nl_event *ev)
{
    const struct nl_addr_set *a = &ev->addr;
    struct kd_prefix subnet = kd_prefix_make(&a->prefix.addr, a->prefix.len);
    struct kd_addr local = a->local.family ? a->local : a->prefix.addr;
    uint32_t i = 0;

    while (i < c->n_addrs &&
           !(c->addrs[i].ifindex == a->ifindex && kd_addr_eq(&c->addrs[i].local, &local) &&
             kd_prefix_eq(&c->addrs[i].subnet, &subnet)))
        i++;
    if (!ev->is_del && i < c->n_addrs) {
        c->addrs[i].seen = true; /* nothing new */
        return;
    }
    if (ev->is_del && i < c->n_addrs)
        c->addrs[i] = c->addrs[--c->n_addrs];
    else if (!ev->is_del && i < CORE_ADDRS_MAX)
        c->addrs[c->n_addrs++] = (struct core_ifaddr){a->ifindex, subnet, local, true};
    else
        return;
    core_guards(c);
    core_groups_reconsider(c);
    core_peers_reconsider(c);
}

uint32_t core_link_named(const struct core *c, const char *name)
{
    for (const struct core_link *l = c->links; l; l = l->hh.next)
        if (strncmp(l->name, name, sizeof(l->name)) == 0)
            return l->ifindex;
    return 0;
}

bool core_is_tunnel(const struct core *c, uint32_t ifindex)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++)
        if (c->tunnels[i].ifindex == ifindex)
            return true;
    return false;
}

bool core_addr_is_ours(const struct core *c, const struct kd_addr *a)
{
    for (uint32_t i = 0; i < c->n_addrs; i++)
        if (kd_addr_eq(&c->addrs[i].local, a))
            return true;
    return false;
}

uint32_t core_link_towards(const struct core *c, const struct kd_addr *a, uint8_t *len)
{
    const struct core_ifaddr *best = NULL;

    for (uint32_t i = 0; i < c->n_addrs; i++) {
        const struct core_ifaddr *s = &c->addrs[i];
        const struct core_link *l = core_link(c, s->ifindex);
        if (l && l->up && kd_prefix_has(&s->subnet, a) && !kd_addr_eq(&s->local, a) &&
            !core_is_tunnel(c, s->ifindex) && (!best || s->subnet.len > best->subnet.len))
            best = s;
    }
    if (best && len)
        *len = best->subnet.len;
    return best ? best->ifindex : 0;
}

static uint32_t usable_mtu(const struct core *c, uint32_t ifindex)
{
    const struct core_link *l = core_link(c, ifindex);

    return l && l->mtu >= 576 && l->mtu <= UINT16_MAX ? l->mtu : 0; /* a loopback has 65536 */
}

/* Of the links that others' routes and our addresses lead over to remote; 0 when there is none. */
static uint32_t way_mtu(const struct core *c, const struct kd_addr *remote)
{
    uint32_t mtu = usable_mtu(c, core_link_towards(c, remote, NULL));
    struct core_way w;

    if (mtu || !core_kernel_way(c, CORE_TABLE_MAIN, remote, true, &w))
        return mtu;
    for (uint32_t i = 0; i < w.n; i++) {
        uint32_t one = usable_mtu(c, w.hop[i].oif);
        mtu = mtu && one ? KD_MIN(mtu, one) : KD_MAX(mtu, one);
    }
    return mtu;
}

uint32_t core_outer_mtu(const struct core *c, const struct kd_addr *local,
                        const struct kd_addr *remote)
{
    uint32_t mtu = 0;

    for (uint32_t i = 0; i < c->n_addrs && !mtu; i++)
        if (kd_addr_eq(&c->addrs[i].local, local))
            mtu = usable_mtu(c, c->addrs[i].ifindex);
    if (!mtu)
        mtu = way_mtu(c, remote);
    return mtu ? mtu : 1500;
}

void core_links_free(struct core *c)
{
    struct core_link *l, *tmp;

    HASH_ITER (hh, c->links, l, tmp) {
        HASH_DEL(c->links, l);
        free(l);
    }
}
