/* What the tests about several children share: lists of selectors, and what became of them. */
#ifndef TESTS_IKE_CHILDREN_H
#define TESTS_IKE_CHILDREN_H

#include "ike_pair.h"

#include <stdio.h>
#include <string.h>

struct ts_row {
    const char *local, *remote;
};

static inline struct ike_ts_list ts_of(const char *prefix)
{
    struct ike_ts_list l = {.n = 1};
    struct kd_prefix p;

    kd_assert(kd_prefix_parse(prefix, true, &p));
    l.ts[0] = ike_ts_from_prefix(&p);
    return l;
}

/* rows become side's configuration; "c0", "c1", ... are the names. */
static inline void children_set(struct pair *p, int side, const struct ts_row *rows, unsigned n)
{
    struct ike_conn_config *c = &p->s[side].cfg;

    c->n_children = (uint8_t)n;
    for (unsigned i = 0; i < n; i++) {
        snprintf(c->child[i].name, sizeof(c->child[i].name), "c%u", i);
        c->child[i].local_ts = ts_of(rows[i].local);
        c->child[i].remote_ts = ts_of(rows[i].remote);
    }
    pair_config(p, side);
}

/* The same as the other end has it. */
static inline void children_mirror(struct pair *p, int side, const struct ts_row *rows, unsigned n)
{
    struct ts_row turned[IKE_CONN_CHILDREN];

    for (unsigned i = 0; i < n; i++)
        turned[i] = (struct ts_row){rows[i].remote, rows[i].local};
    children_set(p, side, turned, n);
}

static inline struct ike_view view_of(const struct pair *p, int side)
{
    struct ike_view v;

    kd_assert(ike_conn_view(p->s[side].e, 7, &v));
    return v;
}

/* How many pairs stand for child conf. */
static inline unsigned children_of(const struct pair *p, int side, int conf)
{
    struct ike_view v = view_of(p, side);
    unsigned n = 0;

    for (uint32_t i = 0; i < v.n_children; i++)
        n += v.children[i].installed && v.children[i].conf == conf;
    return n;
}

static inline struct ike_missing_view missing(const struct pair *p, int side, int conf)
{
    struct ike_view v = view_of(p, side);

    for (uint32_t i = 0; i < v.n_missing; i++)
        if (v.missing[i].conf == conf)
            return v.missing[i];
    kd_assert(v.n_missing > UINT32_MAX - 1); /* it is there */
    return (struct ike_missing_view){0};
}

/* The data plane of side says that child conf has reached its soft or hard limit. */
static inline void expire(struct pair *p, int side, int conf, bool soft)
{
    struct ike_view v = view_of(p, side);

    for (uint32_t i = 0; i < v.n_children; i++)
        if (v.children[i].installed && v.children[i].conf == conf)
            pair_step(p, side,
                      &(struct ike_event){
                          .kind = IKE_EV_CHILD_EXPIRE, .child = v.children[i].child, .ok = soft});
}

static inline const char *ts_text(const struct ike_ts_list *l)
{
    static char buf[128];

    ike_ts_str(&l->ts[0], buf, sizeof(buf));
    return buf;
}

#endif
