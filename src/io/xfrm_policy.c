/* A tunnel's policies. There are three a selector: out, through the SA whose SPI it names; in and
 * fwd, for what came in on any SA of the tunnel, from wherever the peer is at present.
 *
 * Each is put in place by UPDPOLICY, which replaces in one step: between two pairs there is no
 * packet without a policy, and a refused request leaves the old one. */
#include "io/xf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- one policy ---- */

static struct nl_policy make(const struct io_xfrm *x, uint32_t tunnel,
                             const struct nl_selector *sel, enum nl_policy_dir dir,
                             const struct xf_child *owner)
{
    struct nl_policy p = {.sel = dir == NL_POLICY_OUT ? *sel : io_xfrm_selector_back(sel),
                          .dir = dir,
                          .priority = io_xfrm_priority(sel),
                          .if_id = xf_id(tunnel),
                          .block = x->tunnel[tunnel].mute,
                          .n_tmpl = 1,
                          .tmpl = {.reqid = xf_id(tunnel)}};

    if (owner->sa.kernel.offload == CORE_OFFLOAD_PACKET && dir != NL_POLICY_FWD) /* cards don't */
        p.offload_ifindex = owner->sa.kernel.offload_ifindex;
    if (dir == NL_POLICY_OUT) {
        p.tmpl.src = owner->sa.local.addr;
        p.tmpl.dst = owner->sa.remote.addr;
        p.tmpl.spi = owner->sa.sa.spi_out;
    }
    return p;
}

static int request(struct io_xfrm *x, const struct nl_policy *p, bool del, char *text, size_t cap)
{
    struct xf_request r;
    int err;

    xf_begin(x, &r);
    kd_assert(del ? nl_put_policy_del(&r.b, r.seq, p) : nl_put_policy(&r.b, r.seq, p, true));
    err = xf_ask(x, &r, NULL, NULL);
    if (err)
        snprintf(text, cap, "policy %s: %s", nl_policy_dir_names[p->dir], r.text);
    return err;
}

static int put_dir(struct io_xfrm *x, uint32_t tunnel, const struct nl_selector *sel,
                   enum nl_policy_dir dir, const struct xf_child *owner, char *text, size_t cap)
{
    struct nl_policy p = make(x, tunnel, sel, dir, owner);

    return request(x, &p, false, text, cap);
}

int xf_policy_put(struct io_xfrm *x, const struct nl_policy *p, char *text, size_t cap)
{
    return request(x, p, false, text, cap);
}

int xf_policy_del(struct io_xfrm *x, const struct nl_policy *p, char *text, size_t cap)
{
    int err = request(x, p, true, text, cap);

    return err == ENOENT ? 0 : err;
}

/* Where a trap has the selector its policy takes the place. */
static void del_dir(struct io_xfrm *x, uint32_t tunnel, const struct nl_selector *sel,
                    enum nl_policy_dir dir)
{
    struct nl_policy p = {.sel = dir == NL_POLICY_OUT ? *sel : io_xfrm_selector_back(sel),
                          .dir = dir,
                          .if_id = xf_id(tunnel)};
    struct nl_policy trap = xf_trap_policy(x, tunnel, sel);
    char text[160];

    if (dir == NL_POLICY_OUT && xf_trapped(&x->tunnel[tunnel], sel) >= 0 &&
        xf_policy_put(x, &trap, text, sizeof(text)) == 0)
        return;
    if (xf_policy_del(x, &p, text, sizeof(text)) != 0)
        xf_gone_add(x, &(struct xf_gone){.is_policy = true, .policy = p}, text);
}

/* ---- three of a selector ---- */

/* Inbound before outbound: who is asked can be answered. */
static const enum nl_policy_dir order[] = {NL_POLICY_IN, NL_POLICY_FWD, NL_POLICY_OUT};

static void del_three(struct io_xfrm *x, uint32_t tunnel, const struct nl_selector *sel, size_t n)
{
    while (n > 0)
        del_dir(x, tunnel, sel, order[--n]);
}

static int put_three(struct io_xfrm *x, uint32_t tunnel, const struct nl_selector *sel,
                     const struct xf_child *owner, char *text, size_t cap)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
        int err = put_dir(x, tunnel, sel, order[i], owner, text, cap);

        if (err) {
            del_three(x, tunnel, sel, xf_unsure(err) ? i + 1 : i);
            return err;
        }
    }
    return 0;
}

static struct xf_policy *find(const struct xf_tunnel *t, const struct nl_selector *sel)
{
    struct xf_policy *p = t->policies;

    while (p && !io_xfrm_selector_eq(&p->sel, sel))
        p = p->next;
    return p;
}

static void forget(struct xf_tunnel *t, struct xf_policy *p)
{
    struct xf_policy **at = &t->policies;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
}

static int add_one(struct io_xfrm *x, struct xf_child *c, const struct nl_selector *sel, char *text,
                   size_t cap)
{
    struct xf_tunnel *t = &x->tunnel[c->sa.tunnel];
    struct xf_policy *p;
    int err;

    if (find(t, sel))
        return 0;
    err = put_three(x, c->sa.tunnel, sel, c, text, cap);
    if (err)
        return err;
    p = xf_alloc(sizeof(*p));
    p->sel = *sel;
    p->owner = c;
    p->next = t->policies;
    t->policies = p;
    return 0;
}

/* ---- of a pair ---- */

static bool has(const struct xf_child *c, const struct nl_selector *sel)
{
    for (uint32_t i = 0; i < c->n_sel; i++)
        if (io_xfrm_selector_eq(&c->sel[i], sel))
            return true;
    return false;
}

/* The newest in use that has the selector, else the newest. */
static struct xf_child *successor(const struct xf_tunnel *t, const struct xf_child *c,
                                  const struct nl_selector *sel)
{
    struct xf_child *any = NULL;

    for (struct xf_child *s = t->children; s; s = s->next) {
        if (s == c || !has(s, sel))
            continue;
        if (s->used)
            return s;
        any = any ? any : s;
    }
    return any;
}

static int point(struct io_xfrm *x, struct xf_policy *p, struct xf_child *c, char *text, size_t cap)
{
    int err = put_dir(x, c->sa.tunnel, &p->sel, NL_POLICY_OUT, c, text, cap);

    if (!err)
        p->owner = c;
    return err;
}

void xf_policies_leave(struct io_xfrm *x, struct xf_child *c)
{
    struct xf_tunnel *t = &x->tunnel[c->sa.tunnel];
    char text[160];

    for (struct xf_policy *p = t->policies, *next; p; p = next) {
        struct xf_child *s;

        next = p->next;
        if (p->owner != c)
            continue;
        s = successor(t, c, &p->sel);
        if (s && point(x, p, s, text, sizeof(text)) == 0)
            continue;
        del_three(x, c->sa.tunnel, &p->sel, KD_ARRAY_LEN(order));
        forget(t, p);
        if (s)
            xf_ended(x, s, text); /* it can't send what it should: IKE makes another */
    }
}

int xf_policies_add(struct io_xfrm *x, struct xf_child *c, char *text, size_t cap)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        int err = add_one(x, c, &c->sel[i], text, cap);

        if (err) {
            xf_policies_leave(x, c);
            return err;
        }
    }
    return 0;
}

struct undo {
    struct xf_policy *p;
    struct xf_child *owner;
};

int xf_policies_use(struct io_xfrm *x, struct xf_child *c, char *text, size_t cap)
{
    struct undo done[IO_XFRM_SELS_MAX];
    char ignored[160];
    uint32_t n = 0;
    int err = 0;

    for (uint32_t i = 0; i < c->n_sel && !err; i++) {
        struct xf_policy *p = find(&x->tunnel[c->sa.tunnel], &c->sel[i]);

        if (!p) {
            err = add_one(x, c, &c->sel[i], text, cap);
        } else if (p->owner != c) {
            done[n] = (struct undo){p, p->owner};
            err = point(x, p, c, text, cap);
            n += !err || xf_unsure(err);
        }
    }
    while (err && n > 0) {
        n--;
        (void)point(x, done[n].p, done[n].owner, ignored, sizeof(ignored));
    }
    return err;
}

int xf_policies_put(struct io_xfrm *x, uint32_t tunnel)
{
    char text[160] = "", said[160];
    int err = 0;

    for (const struct xf_policy *p = x->tunnel[tunnel].policies; p; p = p->next)
        for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
            int one = put_dir(x, tunnel, &p->sel, order[i], p->owner, said, sizeof(said));
            if (one && !err)
                memcpy(text, said, sizeof(text));
            err = err ? err : one;
        }
    if (err && !x->tunnel[tunnel].stale)
        xf_trouble(x, tunnel, "a change", text);
    x->tunnel[tunnel].stale = err != 0;
    return err;
}

int xf_policies_block(struct io_xfrm *x, struct xf_child *c, bool on)
{
    char text[160];
    int err = 0;

    for (const struct xf_policy *p = x->tunnel[c->sa.tunnel].policies; p; p = p->next) {
        struct nl_policy out;

        if (p->owner != c)
            continue;
        out = make(x, c->sa.tunnel, &p->sel, NL_POLICY_OUT, c);
        out.block |= on;
        err = err ? err : request(x, &out, false, text, sizeof(text));
    }
    return err;
}
