/* The reasons why a backup would not do: one row each, with what makes it hold, its words and its
 * remedy. A row is moot while one that is its cause holds: who is told that the tunnel is down need
 * not hear that its session is.
 *
 * Thresholds that are not configured: an SA is about to end when 1.2 % of its life is left (kedge
 * rekeys at 95 %, as responder at 98.5 %: then both have failed). PRODUCT 6. */
#include "ready/ready.h"

#include "base/utc.h"

#include <stdarg.h>
#include <stdio.h>

const char *const ready_verdict_names[] = {"ready", "degraded", "not-ready", NULL};

#define DAY_S INT64_C(86400)

static void KD_PRINTF(2, 3) words(struct ready_reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->words, sizeof(r->words), fmt, ap);
    va_end(ap);
}

static void KD_PRINTF(2, 3) remedy(struct ready_reason *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->remedy, sizeof(r->remedy), fmt, ap);
    va_end(ap);
}

/* "3m20s" */
static const char *age(uint64_t us, char buf[24])
{
    unsigned long long s = us / 1000000;

    if (s >= 86400)
        snprintf(buf, 24, "%llud%lluh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(buf, 24, "%lluh%llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(buf, 24, "%llum%llus", s / 60, s % 60);
    else
        snprintf(buf, 24, "%llu.%us", s, (unsigned)(us / 100000 % 10));
    return buf;
}

#define LIST_MAX 320

/* "10.0.0.0/24, 10.0.1.0/24 and 3 more" */
static const char *list(const struct ready_list *l, char buf[LIST_MAX])
{
    char text[KD_PREFIX_STR_MAX];
    uint32_t i = 0;
    size_t at = 0;

    buf[0] = '\0';
    for (; i < l->n_named && at + sizeof(text) + 24 < LIST_MAX; i++)
        at += (size_t)snprintf(buf + at, LIST_MAX - at, "%s%s", i ? ", " : "",
                               kd_prefix_str(&l->named[i], text));
    if (i < l->n)
        snprintf(buf + at, LIST_MAX - at, " and %u more", l->n - i);
    return buf;
}

/* ---- tunnel and session ---- */

static bool tunnel_down(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (f->state == CORE_T_UP || (f->state == CORE_T_UNPROVEN && f->child_up))
        return false;
    words(r, "the tunnel is %s for %s: %s", core_tunnel_state_names[f->state],
          age(f->state_us, text), kd_reason_str(f->reason));
    if (f->state == CORE_T_DISABLED)
        remedy(r, "kedge up %s", f->tunnel);
    else
        remedy(r,
               "kedge explain %s says what the two ends disagree about; else look at the way "
               "to the peer (UDP 500 and 4500, ESP)",
               f->tunnel);
    return true;
}

static bool one_way(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (f->state == CORE_T_UNPROVEN && f->state_us >= f->unheard_max_us)
        words(r, "IKE stands for %s, and no ESP packet has come from the peer",
              age(f->state_us, text));
    else if (f->unheard >= 3 && f->unheard_us >= f->unheard_max_us)
        words(r, "%llu ESP packets were sent in the last %s, and none came",
              (unsigned long long)f->unheard, age(f->unheard_us, text));
    else
        return false;
    remedy(r,
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
    words(r, "BGP with %s is %s for %s: %s", f->neighbor, bgp_state_names[f->bgp],
          age(f->bgp_us, text), kd_reason_str(f->bgp_reason));
    remedy(r, "kedge bgp neighbors %s has the last error", f->neighbor);
    return true;
}

static bool bfd_down(const struct ready_facts *f, struct ready_reason *r)
{
    if (!f->bfd || f->bfd_up)
        return false;
    words(r, "BFD with %s is configured and not Up: a failure shows by the hold time only",
          f->neighbor);
    remedy(r, "configure BFD at %s as well, or take bfd out here", f->neighbor);
    return true;
}

static bool session_young(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24], want[24];

    if (!f->neighbor || f->bgp_us >= f->want->established_us)
        return false;
    words(r, "BGP with %s is Established for %s only, expected are %s", f->neighbor,
          age(f->bgp_us, text), age(f->want->established_us, want));
    remedy(r, "wait; if it comes back, kedge events says why the session ended");
    return true;
}

/* ---- prefixes ---- */

static bool routes_too_many(const struct ready_facts *f, struct ready_reason *r)
{
    if (!f->too_many)
        return false;
    words(r, "too many routes to compare backup and primary every time they change");
    remedy(r, "let an import policy of the neighbors keep what is needed");
    return true;
}

static bool missing(const struct ready_facts *f, struct ready_reason *r)
{
    char text[LIST_MAX];

    if (f->in.missing.n == 0)
        return false;
    words(r, "%s tells %u of the primary's %u prefixes not: %s", f->neighbor, f->in.missing.n,
          f->in.n_primary, list(&f->in.missing, text));
    remedy(r,
           "the far end has to announce them over the tunnel as well; kedge routes learned %s "
           "shows what came, and what a policy refused",
           f->neighbor);
    return true;
}

static bool more_specific(const struct ready_facts *f, struct ready_reason *r)
{
    char text[LIST_MAX];

    if (!f->compared || f->in.more_specific.n == 0)
        return false;
    words(r, "%s tells more specific prefixes than the primary, which take its traffic now: %s",
          f->neighbor, list(&f->in.more_specific, text));
    remedy(r,
           "the far end announces the same prefixes on both ways, or an import policy of %s "
           "refuses these",
           f->neighbor);
    return true;
}

static bool extra(const struct ready_facts *f, struct ready_reason *r)
{
    char text[LIST_MAX];

    if (!f->compared || f->in.extra.n == 0)
        return false;
    words(r, "%s tells %u prefixes that the primary does not: %s", f->neighbor, f->in.extra.n,
          list(&f->in.extra, text));
    remedy(r, "the far end announces them over the primary as well, or no longer over the tunnel");
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
    words(r, "%s: %s has %s; %s", what, kd_prefix_str(&s->backup.prefix, prefix), a, b);
}

static bool backup_preferred(const struct ready_facts *f, struct ready_reason *r)
{
    char what[64];

    if (!f->compared || f->in.preferred.n == 0)
        return false;
    snprintf(what, sizeof(what), "%u prefixes don't prefer the primary", f->in.preferred.n);
    put_pair(f, &f->in, r, what);
    remedy(r, "an import policy of the primary with a higher local-pref (150 in the field)");
    return true;
}

static bool uneven(const struct ready_facts *f, struct ready_reason *r)
{
    char what[96];

    if (!f->compared || f->in.preferred.n > 0 || f->in.uneven.n == 0)
        return false;
    snprintf(what, sizeof(what), "%u prefixes prefer one way of the primary and not the other",
             f->in.uneven.n);
    put_pair(f, &f->in, r, what);
    remedy(r,
           "%s sets the local preference that its twin sets (or an import policy here does): "
           "else traffic comes back another way than it went",
           f->uneven_name);
    return true;
}

static bool told_missing(const struct ready_facts *f, struct ready_reason *r)
{
    char text[LIST_MAX];

    if (!f->compared || f->out.missing.n == 0)
        return false;
    words(r, "%s is not told %u prefixes that the primary is told: %s", f->neighbor,
          f->out.missing.n, list(&f->out.missing, text));
    remedy(r, "the export policy of %s lets them out; kedge routes advertised %s", f->neighbor,
           f->neighbor);
    return true;
}

static bool told_more_specific(const struct ready_facts *f, struct ready_reason *r)
{
    char text[LIST_MAX];

    if (!f->compared || f->out.more_specific.n == 0)
        return false;
    words(r,
          "%s is told more specific prefixes than the primary: traffic to them comes over the "
          "backup now: %s",
          f->neighbor, list(&f->out.more_specific, text));
    remedy(r, "the export policies let the same prefixes out on both ways");
    return true;
}

static bool told_preferred(const struct ready_facts *f, struct ready_reason *r)
{
    char prefix[KD_PREFIX_STR_MAX];

    if (!f->compared || f->out.preferred.n == 0)
        return false;
    words(r,
          "%u prefixes are told %s with a shorter AS path than the primary: %s with %u against "
          "%u: traffic comes back over the backup",
          f->out.preferred.n, f->neighbor, kd_prefix_str(&f->out.backup.prefix, prefix),
          f->out.backup.n_as, f->out.primary.n_as);
    remedy(r, "an export policy of %s prepends", f->neighbor);
    return true;
}

/* ---- keys, sizes, dates ---- */

static bool rekey_failed(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->rehearsal.state != CORE_REHEARSAL_FAILED)
        return false;
    words(r,
          "the rekey rehearsal failed at the %s rekey: %s: the tunnel goes at its lifetime's "
          "end",
          f->rehearsal.failed_ike ? "IKE" : "child", kd_reason_str(f->rehearsal.reason));
    remedy(r,
           "kedge explain %s has the line to change (PFS, usually); then kedge rekey %s "
           "--rehearse",
           f->tunnel, f->tunnel);
    return true;
}

static bool rekey_unrehearsed(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->rehearsal.state == CORE_REHEARSAL_PASSED || f->rehearsal.state == CORE_REHEARSAL_FAILED)
        return false;
    words(r, "no rekey was rehearsed since the configuration was loaded (%s)",
          core_rehearsal_state_names[f->rehearsal.state]);
    remedy(r, "kedge rekey %s --rehearse", f->tunnel);
    return true;
}

static bool black_hole(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->mtu_path == 0 || f->mtu_path >= f->mtu_need)
        return false;
    words(r,
          "the way to the peer carries datagrams of %u octets, the tunnel's MTU makes them up "
          "to %u: what is between is lost or cut up",
          f->mtu_path, f->mtu_need);
    remedy(r, "set mtu: %u and mss: %u for %s here, and the same MSS at the peer", f->mtu_inner,
           f->mtu_inner - KD_MIN(f->mtu_inner, 40u), f->tunnel);
    return true;
}

static bool sa_ending(const struct ready_facts *f, struct ready_reason *r)
{
    char text[24];

    if (f->sa_left_us == KD_NEVER || f->sa_left_us > f->sa_life_us / 1000 * 12)
        return false;
    words(r, "the %s ends in %s and was not rekeyed", f->sa_name, age(f->sa_left_us, text));
    remedy(r, "kedge rekey %s, then kedge explain %s if it is refused", f->tunnel, f->tunnel);
    return true;
}

static bool cert_ending(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];

    if (f->cert_until_s == 0 || f->wall_s == 0 ||
        f->cert_until_s - f->wall_s > (int64_t)(f->want->certificate_us / 1000000))
        return false;
    words(r, "%s certificate %s %s", f->cert_ours ? "our" : "the peer's",
          f->cert_until_s > f->wall_s ? "ends" : "ended", kd_utc_str(f->cert_until_s, date));
    remedy(r, f->cert_ours ? "renew it and restart kedged" : "the peer renews it");
    return true;
}

/* ---- drills ---- */

static bool drill_failed(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];

    if (f->drill.at_s == 0 || f->drill.passed)
        return false;
    words(r, "the last drill (%s, %s) failed", f->drill.name, kd_utc_str(f->drill.at_s, date));
    remedy(r, "kedge drill show says what did; mend it and drill again");
    return true;
}

static bool drill_old(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];
    int64_t days = (f->wall_s - f->drill.at_s) / DAY_S;

    if (f->drill.at_s == 0 || f->wall_s == 0 ||
        f->wall_s - f->drill.at_s <= (int64_t)(f->want->drill_age_us / 1000000))
        return false;
    words(r, "the last drill (%s, %s) is %lld days old, allowed are %llu", f->drill.name,
          kd_utc_str(f->drill.at_s, date), (long long)days,
          (unsigned long long)(f->want->drill_age_us / KD_S(86400)));
    remedy(r, "kedge drill run %s", f->drill.name);
    return true;
}

static bool drill_none(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->drill.at_s)
        return false;
    words(r, "this backup was never drilled, as far as this daemon knows");
    remedy(r, "kedge drill run FILE");
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
    bool (*holds)(const struct ready_facts *f, struct ready_reason *r);
} rows[] = {
    {READY_TUNNEL_DOWN, READY_NOT, 0, tunnel_down},
    {READY_ONE_WAY, READY_NOT, BIT(READY_TUNNEL_DOWN), one_way},
    {READY_SESSION_DOWN, READY_NOT, BIT(READY_TUNNEL_DOWN), session_down},
    {READY_BFD_DOWN, READY_DEGRADED, NO_TUNNEL | BIT(READY_SESSION_DOWN), bfd_down},
    {READY_SESSION_YOUNG, READY_DEGRADED, NO_TUNNEL | BIT(READY_SESSION_DOWN), session_young},
    {READY_ROUTES_TOO_MANY, READY_DEGRADED, NO_TUNNEL, routes_too_many},
    {READY_PREFIX_MISSING, READY_NOT, NO_ROUTES, missing},
    {READY_PREFIX_MORE_SPECIFIC, READY_DEGRADED, NO_ROUTES, more_specific},
    {READY_PREFIX_EXTRA, READY_DEGRADED, NO_ROUTES, extra},
    {READY_BACKUP_PREFERRED, READY_DEGRADED, NO_ROUTES, backup_preferred},
    {READY_PREFERENCE_UNEVEN, READY_DEGRADED, NO_ROUTES, uneven},
    {READY_TOLD_MISSING, READY_NOT, NO_ROUTES, told_missing},
    {READY_TOLD_MORE_SPECIFIC, READY_DEGRADED, NO_ROUTES, told_more_specific},
    {READY_TOLD_PREFERRED, READY_DEGRADED, NO_ROUTES, told_preferred},
    {READY_REKEY_FAILED, READY_NOT, 0, rekey_failed},
    {READY_REKEY_UNREHEARSED, READY_DEGRADED, 0, rekey_unrehearsed},
    {READY_MTU_BLACK_HOLE, READY_NOT, BIT(READY_TUNNEL_DOWN), black_hole},
    {READY_SA_ENDING, READY_NOT, BIT(READY_TUNNEL_DOWN), sa_ending},
    {READY_CERT_ENDING, READY_DEGRADED, 0, cert_ending},
    {READY_DRILL_FAILED, READY_NOT, 0, drill_failed},
    {READY_DRILL_OLD, READY_DEGRADED, 0, drill_old},
    {READY_DRILL_NONE, READY_DEGRADED, 0, drill_none},
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
    [READY_PREFIX_EXTRA] = "prefix-extra",
    [READY_BACKUP_PREFERRED] = "backup-preferred",
    [READY_PREFERENCE_UNEVEN] = "preference-uneven",
    [READY_TOLD_MISSING] = "told-missing",
    [READY_TOLD_MORE_SPECIFIC] = "told-more-specific",
    [READY_TOLD_PREFERRED] = "told-preferred",
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
