/* Reasons in the routes: what the backup tells beside the primary, what it is told, which of them
 * is preferred on either side, and what comes back. PRODUCT 6. */
#include "ready/judging.h"

#include <stdio.h>

/* ---- prefixes ---- */

bool ready_routes_too_many(const struct ready_facts *f, struct ready_reason *r)
{
    if (!f->too_many)
        return false;
    ready_words(r, "too many routes to compare backup and primary every time they change");
    ready_remedy(r, "let an import policy of the neighbors keep what is needed");
    return true;
}

bool ready_missing(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->settled || f->in.missing.n == 0)
        return false;
    ready_words(r, "%s tells %u of the primary's %u prefixes not: %s", f->neighbor, f->in.missing.n,
                f->in.n_primary, ready_list_text(&f->in.missing, text));
    ready_remedy(
        r,
        "the far end has to announce them over the tunnel as well; kedge routes learned %s "
        "shows what came, and what a policy refused",
        f->neighbor);
    return true;
}

bool ready_more_specific(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->in.more_specific.n == 0)
        return false;
    ready_words(r,
                "%s tells more specific prefixes than the primary, which take its traffic now: %s",
                f->neighbor, ready_list_text(&f->in.more_specific, text));
    ready_remedy(r,
                 "the far end announces the same prefixes on both ways, or an import policy of %s "
                 "refuses these",
                 f->neighbor);
    return true;
}

bool ready_primary_follows(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->back.follows.n == 0)
        return false;
    ready_words(r,
                "%s has no way of its own that it tells for %u prefixes of the backup, and is told "
                "ours: it sends there by the tunnel: %s",
                f->follower_name, f->back.follows.n, ready_list_text(&f->back.follows, text));
    ready_remedy(r,
                 "%s sets a higher local preference on what it learns from the primary (150 in the "
                 "field), or its export policy here keeps back what the backup tells; if it is no "
                 "primary at all, readiness.primary names those that are",
                 f->follower_name);
    return true;
}

bool ready_extra(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->in.extra.n == f->back.follows.n) /* said above */
        return false;
    ready_words(r, "%s tells %u prefixes that the primary does not: %s", f->neighbor, f->in.extra.n,
                ready_list_text(&f->in.extra, text));
    ready_remedy(
        r, "the far end announces them over the primary as well, or no longer over the tunnel");
    return true;
}

/* ---- preference ---- */

static void put_path(const struct ready_route *p, const char *who, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s weight %u, local preference %u, %u AS hops, MED %u", who, p->weight,
             p->local_pref, p->n_as, p->med);
}

static void put_pair(const struct ready_facts *f, const struct ready_routes *s,
                     struct ready_reason *r, const char *what)
{
    char prefix[KD_PREFIX_STR_MAX], a[128], b[128];

    put_path(&s->primary, f->uneven_name, a, sizeof(a));
    put_path(&s->backup, f->neighbor, b, sizeof(b));
    ready_words(r, "%s: %s has %s; %s", what, kd_prefix_str(&s->backup.prefix, prefix), a, b);
}

bool ready_backup_preferred(const struct ready_facts *f, struct ready_reason *r)
{
    char what[64];

    if (!f->compared || f->in.preferred.n == 0)
        return false;
    snprintf(what, sizeof(what), "%u prefixes don't prefer the primary", f->in.preferred.n);
    put_pair(f, &f->in, r, what);
    ready_remedy(r, "an import policy of the primary with a higher local-pref (150 in the field)");
    return true;
}

bool ready_uneven(const struct ready_facts *f, struct ready_reason *r)
{
    char what[96];

    if (!f->compared || f->in.preferred.n > 0 || f->in.uneven.n == 0)
        return false;
    snprintf(what, sizeof(what), "%u prefixes prefer one way of the primary and not the other",
             f->in.uneven.n);
    put_pair(f, &f->in, r, what);
    ready_remedy(r,
                 "%s sets the local preference that its twin sets (or an import policy here does): "
                 "else traffic comes back another way than it went",
                 f->uneven_name);
    return true;
}

bool ready_told_missing(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->out.missing.n == 0)
        return false;
    ready_words(r, "%s is not told %u prefixes that the primary is told: %s", f->neighbor,
                f->out.missing.n, ready_list_text(&f->out.missing, text));
    ready_remedy(r, "the export policy of %s lets them out; kedge routes advertised %s",
                 f->neighbor, f->neighbor);
    return true;
}

bool ready_told_more_specific(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->out.more_specific.n == 0)
        return false;
    ready_words(
        r,
        "%s is told more specific prefixes than the primary: traffic to them comes over the "
        "backup now: %s",
        f->neighbor, ready_list_text(&f->out.more_specific, text));
    ready_remedy(r, "the export policies let the same prefixes out on both ways");
    return true;
}

bool ready_told_preferred(const struct ready_facts *f, struct ready_reason *r)
{
    char prefix[KD_PREFIX_STR_MAX];

    if (!f->compared || f->out.preferred.n == 0)
        return false;
    ready_words(
        r,
        "%u prefixes are told %s with a shorter AS path than the primary: %s with %u against "
        "%u: traffic comes back over the backup",
        f->out.preferred.n, f->neighbor, kd_prefix_str(&f->out.backup.prefix, prefix),
        f->out.backup.n_as, f->out.primary.n_as);
    ready_remedy(r, "an export policy of %s prepends", f->neighbor);
    return true;
}

bool ready_told_hidden(const struct ready_facts *f, struct ready_reason *r)
{
    char longer[READY_LIST_MAX], only[READY_LIST_MAX];

    if (!f->compared || f->out.longer.n == 0 || f->in.extra.n == 0)
        return false;
    ready_words(
        r,
        "only %s leads to %s, and who is there may not hear of %s: a gateway passes on what "
        "it prefers, and there the path is prepended",
        f->neighbor, ready_list_text(&f->in.extra, only), ready_list_text(&f->out.longer, longer));
    ready_remedy(
        r,
        "let the far end prefer the primary by itself (Azure prefers ExpressRoute at equal "
        "prefixes) and don't prepend to %s; or announce the sites behind it on the primary",
        f->neighbor);
    return true;
}

/* ---- the way back ---- */

bool ready_return_elsewhere(const struct ready_facts *f, struct ready_reason *r)
{
    char text[READY_LIST_MAX];

    if (!f->compared || f->back.returned.n == 0)
        return false;
    ready_words(r,
                "%s tells us %u of our own prefixes, by %u AS hops: what comes back from there "
                "comes another way than by %s: %s",
                f->returner_name, f->back.returned.n, f->back.returner.n_as, f->returner_name,
                ready_list_text(&f->back.returned, text));
    ready_remedy(r,
                 "the far end prefers what %s tells it (local preference, or a longer path on the "
                 "backup); kedge routes learned %s shows the path that it prefers",
                 f->returner_name, f->returner_name);
    return true;
}
