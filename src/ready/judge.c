/* The reasons why a backup would not do: one row each, with what makes it hold, its words and its
 * remedy. A row is moot while one that is its cause holds: who is told that the tunnel is down need
 * not hear that its session is.
 *
 * Here are the table and the reasons of tunnel and session; judge_routes.c and judge_dates.c have
 * the others. PRODUCT 6. */
#include "ready/judging.h"

#include <stdarg.h>
#include <stdio.h>

const char *const ready_verdict_names[] = {"ready", "degraded", "not-ready", NULL};

void ready_words(struct ready_reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->words, sizeof(r->words), fmt, ap);
    va_end(ap);
}

void ready_remedy(struct ready_reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->remedy, sizeof(r->remedy), fmt, ap);
    va_end(ap);
}

const char *ready_age(uint64_t us, char buf[READY_AGE_MAX])
{
    unsigned long long s = us / 1000000;

    if (s >= 86400)
        snprintf(buf, READY_AGE_MAX, "%llud%lluh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(buf, READY_AGE_MAX, "%lluh%llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(buf, READY_AGE_MAX, "%llum%llus", s / 60, s % 60);
    else
        snprintf(buf, READY_AGE_MAX, "%llu.%us", s, (unsigned)(us / 100000 % 10));
    return buf;
}

const char *ready_list_text(const struct ready_list *l, char buf[READY_LIST_MAX])
{
    char text[KD_PREFIX_STR_MAX];
    uint32_t i = 0;
    size_t at = 0;

    buf[0] = '\0';
    for (; i < l->n_named && at + sizeof(text) + 24 < READY_LIST_MAX; i++)
        at += (size_t)snprintf(buf + at, READY_LIST_MAX - at, "%s%s", i ? ", " : "",
                               kd_prefix_str(&l->named[i], text));
    if (i < l->n)
        snprintf(buf + at, READY_LIST_MAX - at, " and %u more", l->n - i);
    return buf;
}

/* ---- tunnel and session ---- */

/* Behind words that stand without it: nothing is the reason while something is on its way. */
static void because(struct ready_reason *r, enum kd_reason reason)
{
    size_t at = strlen(r->words);

    if (reason != KD_REASON_NONE)
        snprintf(r->words + at, sizeof(r->words) - at, ": %s", kd_reason_str(reason));
}

static bool tunnel_down(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (f->state == CORE_T_UP || (f->state == CORE_T_UNPROVEN && f->child_up))
        return false;
    ready_words(r, "the tunnel is %s for %s", core_tunnel_state_names[f->state],
                ready_age(f->state_us, text));
    because(r, f->reason);
    if (f->state == CORE_T_DISABLED)
        ready_remedy(r, "kedge up %s", f->tunnel);
    else
        ready_remedy(r,
                     "kedge explain %s says what the two ends disagree about; else look at the way "
                     "to the peer (UDP 500 and 4500, ESP)",
                     f->tunnel);
    return true;
}

static bool one_way(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (f->state == CORE_T_UNPROVEN && f->state_us >= f->unheard_max_us)
        ready_words(r, "IKE stands for %s, and no ESP packet has come from the peer",
                    ready_age(f->state_us, text));
    else if (f->unheard >= 3 && f->unheard_us >= f->unheard_max_us)
        ready_words(r, "%llu ESP packets were sent in the last %s, and none came",
                    (unsigned long long)f->unheard, ready_age(f->unheard_us, text));
    else
        return false;
    ready_remedy(
        r,
        "let ESP (protocol 50, or UDP 4500) in from the peer, in every firewall on the way; "
        "kedge status %s has the counters",
        f->tunnel);
    return true;
}

static bool session_down(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (!f->neighbor || f->bgp == BGP_ESTABLISHED)
        return false;
    ready_words(r, "BGP with %s is %s for %s", f->neighbor, bgp_state_names[f->bgp],
                ready_age(f->bgp_us, text));
    because(r, f->bgp_reason);
    ready_remedy(r, "kedge bgp neighbors %s has the last error", f->neighbor);
    return true;
}

static bool bfd_down(const struct ready_facts *f, struct ready_reason *r)
{
    if (!f->bfd || f->bfd_up)
        return false;
    ready_words(r, "BFD with %s is configured and not Up: a failure shows by the hold time only",
                f->neighbor);
    ready_remedy(r, "configure BFD at %s as well, or take bfd out here", f->neighbor);
    return true;
}

static bool session_young(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24], want[24];

    if (!f->neighbor || f->bgp_us >= f->want->established_us)
        return false;
    ready_words(r, "BGP with %s is Established for %s only, expected are %s", f->neighbor,
                ready_age(f->bgp_us, text), ready_age(f->want->established_us, want));
    ready_remedy(r, "wait; if it comes back, kedge events says why the session ended");
    return true;
}

/* ---- the table ---- */

#define BIT(code) (1u << (code))
#define NO_TUNNEL (BIT(READY_TUNNEL_DOWN) | BIT(READY_ONE_WAY))
#define NO_ROUTES                                                                                  \
    (NO_TUNNEL | BIT(READY_SESSION_DOWN) | BIT(READY_SESSION_YOUNG) | BIT(READY_ROUTES_TOO_MANY))

static const struct row {
    enum ready_code code;
    enum ready_verdict verdict;
    uint32_t moot; /* where one of these holds; they stand above */
    ready_holds *holds;
} rows[] = {
    {READY_TUNNEL_DOWN, READY_NOT, 0, tunnel_down},
    {READY_ONE_WAY, READY_NOT, BIT(READY_TUNNEL_DOWN), one_way},
    {READY_SESSION_DOWN, READY_NOT, BIT(READY_TUNNEL_DOWN), session_down},
    {READY_BFD_DOWN, READY_DEGRADED, NO_TUNNEL | BIT(READY_SESSION_DOWN), bfd_down},
    {READY_SESSION_YOUNG, READY_DEGRADED, NO_TUNNEL | BIT(READY_SESSION_DOWN), session_young},
    {READY_ROUTES_TOO_MANY, READY_DEGRADED, NO_TUNNEL, ready_routes_too_many},
    {READY_PREFIX_MISSING, READY_NOT, NO_ROUTES, ready_missing},
    {READY_PREFIX_MORE_SPECIFIC, READY_DEGRADED, NO_ROUTES, ready_more_specific},
    {READY_PRIMARY_FOLLOWS, READY_DEGRADED, NO_ROUTES, ready_primary_follows},
    {READY_PREFIX_EXTRA, READY_DEGRADED, NO_ROUTES, ready_extra},
    {READY_BACKUP_PREFERRED, READY_DEGRADED, NO_ROUTES, ready_backup_preferred},
    {READY_PREFERENCE_UNEVEN, READY_DEGRADED, NO_ROUTES, ready_uneven},
    {READY_TOLD_MISSING, READY_NOT, NO_ROUTES, ready_told_missing},
    {READY_TOLD_MORE_SPECIFIC, READY_DEGRADED, NO_ROUTES, ready_told_more_specific},
    {READY_TOLD_PREFERRED, READY_DEGRADED, NO_ROUTES, ready_told_preferred},
    {READY_TOLD_HIDDEN, READY_DEGRADED, NO_ROUTES, ready_told_hidden},
    {READY_RETURN_ELSEWHERE, READY_DEGRADED, NO_ROUTES, ready_return_elsewhere},
    {READY_REKEY_FAILED, READY_NOT, 0, ready_rekey_failed},
    {READY_REKEY_UNREHEARSED, READY_DEGRADED, 0, ready_rekey_unrehearsed},
    {READY_MTU_BLACK_HOLE, READY_NOT, BIT(READY_TUNNEL_DOWN), ready_black_hole},
    {READY_SA_ENDING, READY_NOT, BIT(READY_TUNNEL_DOWN), ready_sa_ending},
    {READY_CERT_ENDING, READY_DEGRADED, 0, ready_cert_ending},
    {READY_DRILL_FAILED, READY_NOT, 0, ready_drill_failed},
    {READY_DRILL_OLD, READY_DEGRADED, 0, ready_drill_old},
    {READY_DRILL_NONE, READY_DEGRADED, 0, ready_drill_none},
};

const char *const ready_code_names[] = {
    [READY_TUNNEL_DOWN] = "tunnel-down",
    [READY_ONE_WAY] = "one-way",
    [READY_SESSION_DOWN] = "session-down",
    [READY_BFD_DOWN] = "bfd-down",
    [READY_SESSION_YOUNG] = "session-young",
    [READY_ROUTES_TOO_MANY] = "routes-too-many",
    [READY_PREFIX_MISSING] = "prefix-missing",
    [READY_PREFIX_MORE_SPECIFIC] = "prefix-more-specific",
    [READY_PRIMARY_FOLLOWS] = "primary-follows",
    [READY_PREFIX_EXTRA] = "prefix-extra",
    [READY_BACKUP_PREFERRED] = "backup-preferred",
    [READY_PREFERENCE_UNEVEN] = "preference-uneven",
    [READY_TOLD_MISSING] = "told-missing",
    [READY_TOLD_MORE_SPECIFIC] = "told-more-specific",
    [READY_TOLD_PREFERRED] = "told-preferred",
    [READY_TOLD_HIDDEN] = "told-hidden",
    [READY_RETURN_ELSEWHERE] = "return-elsewhere",
    [READY_REKEY_FAILED] = "rekey-failed",
    [READY_REKEY_UNREHEARSED] = "rekey-unrehearsed",
    [READY_MTU_BLACK_HOLE] = "mtu-black-hole",
    [READY_SA_ENDING] = "sa-ending",
    [READY_CERT_ENDING] = "certificate-ending",
    [READY_DRILL_FAILED] = "drill-failed",
    [READY_DRILL_OLD] = "drill-old",
    [READY_DRILL_NONE] = "drill-none",
    [READY_CODE_N] = NULL,
};

bool ready_is_drill(enum ready_code code)
{
    return code == READY_DRILL_FAILED || code == READY_DRILL_OLD || code == READY_DRILL_NONE;
}

void ready_judge(const struct ready_facts *f, struct ready_judgement *out)
{
    uint32_t holds = 0;

    out->n = 0;
    out->verdict = READY_READY;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ready_reason *r = &out->reason[out->n];
        *r = (struct ready_reason){.code = rows[i].code, .verdict = rows[i].verdict};
        if ((holds & rows[i].moot) || !rows[i].holds(f, r))
            continue;
        holds |= BIT(rows[i].code);
        out->verdict = KD_MAX(out->verdict, rows[i].verdict);
        out->n++;
    }
}
