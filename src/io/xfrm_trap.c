/* Traps: a tunnel that begins with its first packet (`start: on-traffic`) has policies before it
 * has SAs. The kernel drops the packet, says ACQUIRE and no more of that flow until the SA that it
 * waits for is there or net.core.xfrm_acq_expires (30 s) have passed.
 *
 * A pair whose selector is the trap's own takes its policy over, and gives it back at its end
 * (xfrm_policy.c); narrower ones stand before it by their priority. */
#include "io/xf.h"

#include <stdio.h>
#include <stdlib.h>

int xf_trapped(const struct xf_tunnel *t, const struct nl_selector *sel)
{
    for (uint32_t i = 0; i < t->trap.n_sel; i++)
        if (io_xfrm_selector_eq(&t->trap.sel[i], sel))
            return (int)i;
    return -1;
}

struct nl_policy xf_trap_policy(const struct io_xfrm *x, uint32_t tunnel,
                                const struct nl_selector *sel)
{
    const struct xf_trap *t = &x->tunnel[tunnel].trap;

    return (struct nl_policy){.sel = *sel,
                              .dir = NL_POLICY_OUT,
                              .priority = io_xfrm_priority(sel),
                              .if_id = xf_id(tunnel),
                              .n_tmpl = 1,
                              .tmpl = {.src = t->local, .dst = t->remote, .reqid = xf_id(tunnel)}};
}

/* Of a ladder's steps the first alone is the whole. */
static bool collect(struct xf_trap *t, const struct ike_conn_config *cfg, const char **why)
{
    uint32_t n = cfg->ladder ? 1 : KD_MAX(cfg->n_children, 1);
    struct nl_selector *to = xf_alloc(n * IO_XFRM_SELS_MAX * sizeof(*to));

    t->sel = to;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t got = io_xfrm_selectors(&cfg->child[i].local_ts, &cfg->child[i].remote_ts,
                                         &to[t->n_sel], why);
        if (got == 0)
            return false;
        t->n_sel += got;
    }
    t->audited = xf_alloc(t->n_sel * sizeof(*t->audited));
    return true;
}

bool io_xfrm_trap(struct io_xfrm *x, uint32_t tunnel, const struct ike_conn_config *cfg, char *text,
                  size_t cap)
{
    struct xf_trap *t = &x->tunnel[tunnel].trap;
    const char *why = NULL;

    xf_trap_del(x, tunnel);
    *t = (struct xf_trap){.local = cfg->local, .remote = cfg->remote};
    if (!collect(t, cfg, &why))
        snprintf(text, cap, "%s", why);
    for (uint32_t i = 0; !why && i < t->n_sel; i++) {
        struct nl_policy p = xf_trap_policy(x, tunnel, &t->sel[i]);
        if (xf_policy_put(x, &p, text, cap) != 0)
            why = text;
    }
    if (why)
        xf_trap_del(x, tunnel);
    return !why;
}

void xf_trap_del(struct io_xfrm *x, uint32_t tunnel)
{
    struct xf_trap t = x->tunnel[tunnel].trap;

    x->tunnel[tunnel].trap = (struct xf_trap){.n_sel = 0}; /* from here on nothing puts it back */
    for (uint32_t i = 0; i < t.n_sel; i++) {
        struct nl_policy p = {.sel = t.sel[i], .dir = NL_POLICY_OUT, .if_id = xf_id(tunnel)};
        char text[160];
        if (xf_policy_del(x, &p, text, sizeof(text)) != 0)
            xf_gone_add(x, &(struct xf_gone){.is_policy = true, .policy = p}, text);
    }
    free(t.sel);
    free(t.audited);
}
