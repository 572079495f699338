/* Two sets of routes side by side: what the backup lacks, has besides, has in smaller pieces, and
 * where it would win. One pass over both, sorted; what covers a prefix lies on a stack.
 *
 *   in the primary only    missing, unless something shorter (no default route) covers it
 *   in the backup only     more specific than something of the primary: it takes traffic now;
 *                          or a summary of something of the primary: as good as that;
 *                          or extra
 *   in both                whose path is better (RFC 4271 9.1.2.2 a to d, after weight and local
 *                          preference; what follows depends on more than the two) */
#include "ready/ready.h"

#include <stdlib.h>

static int by_prefix(const void *a, const void *b)
{
    return kd_prefix_cmp(&((const struct ready_route *)a)->prefix,
                         &((const struct ready_route *)b)->prefix);
}

static void name(struct ready_list *l, const struct kd_prefix *p)
{
    if (l->n_named < READY_NAMED)
        l->named[l->n_named++] = *p;
    l->n++;
}

/* Positive: a is better. */
static int better(const struct ready_route *a, const struct ready_route *b)
{
    if (a->weight != b->weight)
        return a->weight > b->weight ? 1 : -1;
    if (a->local_pref != b->local_pref)
        return a->local_pref > b->local_pref ? 1 : -1;
    if (a->n_as != b->n_as)
        return a->n_as < b->n_as ? 1 : -1;
    if (a->origin != b->origin)
        return a->origin < b->origin ? 1 : -1;
    if (a->first_as == b->first_as && a->med != b->med)
        return a->med < b->med ? 1 : -1;
    if (a->ibgp != b->ibgp)
        return b->ibgp ? 1 : -1;
    return 0;
}

static int better_told(const struct ready_route *primary, const struct ready_route *backup)
{
    if (primary->ibgp || backup->ibgp || primary->n_as <= backup->n_as)
        return 1;
    return -1;
}

/* Paths p[0..n) of the primaries against the backup's for the same prefix. */
static void prefer(const struct ready_route *p, uint32_t n, const struct ready_route *b,
                   bool learned, struct ready_routes *out)
{
    uint32_t worse = 0, odd = 0;

    for (uint32_t i = 0; i < n; i++)
        if ((learned ? better(&p[i], b) : better_told(&p[i], b)) <= 0) {
            odd = worse++ ? odd : i;
        }
    if (worse == 0)
        return;
    if (worse < n && !learned)
        return; /* one way in that the others' AS likes better is enough */
    if (out->preferred.n == 0 && (worse == n || out->uneven.n == 0)) {
        out->primary = p[odd];
        out->backup = *b;
    }
    name(worse == n ? &out->preferred : &out->uneven, &b->prefix);
}

/* Prefixes each of which covers the next. */
struct cover {
    uint32_t n;
    struct kd_prefix at[129];
};

static void narrow(struct cover *c, const struct kd_prefix *p)
{
    while (c->n && !kd_prefix_covers(&c->at[c->n - 1], p))
        c->n--;
}

/* By something longer than a default route. */
static bool covered(const struct cover *c)
{
    return c->n && c->at[c->n - 1].len > 0;
}

static uint32_t run(const struct ready_route *r, uint32_t n)
{
    uint32_t i = 1;

    while (i < n && kd_prefix_eq(&r[i].prefix, &r[0].prefix))
        i++;
    return i;
}

static void only_backup(const struct cover *primary, const struct ready_route *b,
                        const struct ready_route *next_primary, struct ready_routes *out)
{
    if (primary->n)
        name(&out->more_specific, &b->prefix);
    else if (!next_primary || !kd_prefix_covers(&b->prefix, &next_primary->prefix))
        name(&out->extra, &b->prefix);
}

void ready_routes_compare(struct ready_route *p, uint32_t n_primary, struct ready_route *b,
                          uint32_t n_backup, bool learned, struct ready_routes *out)
{
    struct cover over_p = {0}, over_b = {0};
    uint32_t i = 0, j = 0;

    *out = (struct ready_routes){0};
    if (n_primary > 0)
        qsort(p, n_primary, sizeof(*p), by_prefix);
    if (n_backup > 0)
        qsort(b, n_backup, sizeof(*b), by_prefix);
    while (i < n_primary || j < n_backup) {
        int side = i == n_primary  ? 1
                   : j == n_backup ? -1
                                   : kd_prefix_cmp(&p[i].prefix, &b[j].prefix);
        const struct kd_prefix at = side <= 0 ? p[i].prefix : b[j].prefix;
        uint32_t n_p = side <= 0 ? run(&p[i], n_primary - i) : 0,
                 n_b = side >= 0 ? run(&b[j], n_backup - j) : 0;

        narrow(&over_p, &at);
        narrow(&over_b, &at);
        if (side == 0)
            prefer(&p[i], n_p, &b[j], learned, out);
        else if (side > 0)
            only_backup(&over_p, &b[j], i < n_primary ? &p[i] : NULL, out);
        else if (!covered(&over_b))
            name(&out->missing, &at);
        if (n_p)
            over_p.at[over_p.n++] = at;
        if (n_b)
            over_b.at[over_b.n++] = at;
        out->n_primary += n_p > 0;
        out->n_backup += n_b > 0;
        i += n_p;
        j += n_b;
    }
}
