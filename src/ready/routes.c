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

void ready_list_add(struct ready_list *l, const struct kd_prefix *p)
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

/* With more AS hops than whatever the primaries are told; what iBGP is told has none. */
static bool is_longer(const struct ready_route *p, uint32_t n, const struct ready_route *b)
{
    for (uint32_t i = 0; i < n; i++)
        if (p[i].ibgp || p[i].n_as >= b->n_as)
            return false;
    return !b->ibgp;
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
    if (!learned && is_longer(p, n, b))
        ready_list_add(&out->longer, &b->prefix);
    if (worse == 0)
        return;
    if (worse < n && !learned)
        return; /* one way in that the others' AS likes better is enough */
    if (out->preferred.n == 0 && (worse == n || out->uneven.n == 0)) {
        out->primary = p[odd];
        out->backup = *b;
    }
    ready_list_add(worse == n ? &out->preferred : &out->uneven, &b->prefix);
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

static void only_backup(const struct cover *primary, struct ready_route *b,
                        const struct ready_route *next_primary, struct ready_routes *out)
{
    b->extra =
        !primary->n && (!next_primary || !kd_prefix_covers(&b->prefix, &next_primary->prefix));
    if (primary->n)
        ready_list_add(&out->more_specific, &b->prefix);
    else if (b->extra)
        ready_list_add(&out->extra, &b->prefix);
}

void ready_routes_sort(struct ready_route *r, uint32_t n)
{
    if (n > 0)
        qsort(r, n, sizeof(*r), by_prefix);
}

uint32_t ready_routes_find(const struct ready_route *r, uint32_t n, const struct kd_prefix *p)
{
    uint32_t lo = 0, hi = n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (kd_prefix_cmp(&r[mid].prefix, p) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && kd_prefix_eq(&r[lo].prefix, p) ? lo : n;
}

void ready_routes_compare(struct ready_route *p, uint32_t n_primary, struct ready_route *b,
                          uint32_t n_backup, bool learned, struct ready_routes *out)
{
    struct cover over_p = {0}, over_b = {0};
    uint32_t i = 0, j = 0;

    *out = (struct ready_routes){0};
    ready_routes_sort(p, n_primary);
    ready_routes_sort(b, n_backup);
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
            ready_list_add(&out->missing, &at);
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
