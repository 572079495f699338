/* What of our range of ids the kernel holds (DESIGN 3.9): an earlier life's goes at the start. */
#include "io/xf.h"

#include <stdio.h>
#include <stdlib.h>

int xf_dump(struct io_xfrm *x, bool policies, io_xfrm_take_fn *take, void *arg, char *text,
            size_t cap)
{
    struct xf_request r;
    int err;

    xf_begin(x, &r);
    kd_assert(policies ? nl_put_policy_dump(&r.b, r.seq) : nl_put_sa_dump(&r.b, r.seq));
    err = xf_ask(x, &r, take, arg);
    snprintf(text, cap, "%s", r.text);
    return err;
}

bool xf_sa_is_ours(const struct nl_xfrm_event *ev)
{
    return ev->kind == NL_XFRM_SA && (xf_is_ours(ev->sa.reqid) || xf_is_ours(ev->sa.if_id));
}

bool xf_policy_is_ours(const struct nl_xfrm_event *ev)
{
    return ev->kind == NL_XFRM_POLICY && xf_is_ours(ev->policy.if_id);
}

/* ---- an earlier life's ---- */

struct found {
    uint32_t n, room;
    struct nl_sa_id *sa;
    struct nl_policy *policy;
};

static void *more(void *p, uint32_t n, uint32_t *room, size_t size)
{
    if (n < *room)
        return p;
    *room = *room ? *room * 2 : 64;
    p = realloc(p, *room * size);
    kd_assert(p);
    return p;
}

static void take_sa(void *arg, const struct nl_xfrm_event *ev)
{
    struct found *f = arg;

    if (!xf_sa_is_ours(ev))
        return;
    f->sa = more(f->sa, f->n, &f->room, sizeof(f->sa[0]));
    f->sa[f->n++] = (struct nl_sa_id){ev->sa.dst, ev->sa.spi};
}

static void take_policy(void *arg, const struct nl_xfrm_event *ev)
{
    struct found *f = arg;

    if (!xf_policy_is_ours(ev))
        return;
    f->policy = more(f->policy, f->n, &f->room, sizeof(f->policy[0]));
    f->policy[f->n++] = ev->policy;
}

static int clean_policies(struct io_xfrm *x, char *text, size_t cap)
{
    struct found f = {0};
    int err = xf_dump(x, true, take_policy, &f, text, cap);

    for (uint32_t i = 0; i < f.n && !err; i++) {
        err = xf_policy_del(x, &f.policy[i], text, cap);
    }
    free(f.policy);
    return err;
}

static int clean_sas(struct io_xfrm *x, char *text, size_t cap)
{
    struct found f = {0};
    int err = xf_dump(x, false, take_sa, &f, text, cap);

    for (uint32_t i = 0; i < f.n && !err; i++)
        xf_sa_del(x, &f.sa[i]);
    free(f.sa);
    return err;
}

bool io_xfrm_clean(struct io_xfrm *x, char *text, size_t cap)
{
    return clean_policies(x, text, cap) == 0 && clean_sas(x, text, cap) == 0 && !x->gone;
}
