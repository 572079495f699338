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

/* All that will go, whatever is refused on the way; 0 or the first refusal. */
static int clean(struct io_xfrm *x, bool policies, char *text, size_t cap)
{
    struct found f = {0};
    int first = xf_dump(x, policies, policies ? take_policy : take_sa, &f, text, cap);

    for (uint32_t i = 0; i < f.n; i++) {
        char why[160];
        int err = policies ? xf_policy_del(x, &f.policy[i], why, sizeof(why))
                           : xf_sa_try_del(x, &f.sa[i], why, sizeof(why));
        if (!err || first)
            continue;
        first = err;
        snprintf(text, cap, "%s", why);
    }
    free(f.policy);
    free(f.sa);
    return first;
}

bool io_xfrm_clean(struct io_xfrm *x, char *text, size_t cap)
{
    return clean(x, true, text, cap) == 0 && clean(x, false, text, cap) == 0;
}
