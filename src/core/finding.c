/* What an audit has found: a bounded list, its names and texts. */
#include "core/auditing.h"

#include <stdarg.h>
#include <stdio.h>

const char *const core_audit_kind_names[] = {
    [CORE_AUDIT_MISSING] = "missing",
    [CORE_AUDIT_EXTRA] = "extra",
    [CORE_AUDIT_DIFFERENT] = "different",
    [CORE_AUDIT_BUSY] = "in-progress",
    [CORE_AUDIT_KINDS] = NULL,
};

const char *const core_audit_what_names[] = {
    [CORE_AUDIT_SA] = "sa",
    [CORE_AUDIT_POLICY] = "policy",
    [CORE_AUDIT_INTERFACE] = "interface",
    [CORE_AUDIT_ADDRESS] = "address",
    [CORE_AUDIT_ROUTE] = "route",
    [CORE_AUDIT_NEXTHOP] = "next-hop",
    [CORE_AUDIT_RULE] = "rule",
    [CORE_AUDIT_WHATS] = NULL,
};

void core_audit_add(struct core_audit *a, const struct core_finding *f)
{
    a->n[f->kind]++;
    if (a->n_kept < CORE_AUDIT_MAX)
        a->f[a->n_kept++] = *f;
}

bool core_audit_clean(const struct core_audit *a)
{
    return !a->n[CORE_AUDIT_MISSING] && !a->n[CORE_AUDIT_EXTRA] && !a->n[CORE_AUDIT_DIFFERENT];
}

void core_audit_say(struct core_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
    va_end(ap);
}

void core_audit_mend(struct core_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
    va_end(ap);
}
