/* Reasons in keys, sizes and dates: the rehearsed rekey, the way's MTU, SAs and certificates that
 * end, and the last drill. PRODUCT 6.
 *
 * Not configured: an SA is about to end when 1.2 % of its life is left, in time, bytes or packets
 * (kedge rekeys at 95 %, as responder at 98.5 %: then both have failed). */
#include "base/utc.h"
#include "ready/judging.h"

#include <stdio.h>

#define DAY_S      INT64_C(86400)
#define ENDING_PPM 12000

/* ---- keys, sizes, dates ---- */

bool ready_rekey_failed(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->rehearsal.last.state != CORE_REHEARSAL_FAILED)
        return false;
    ready_words(r,
                "the rekey rehearsal failed at the %s rekey: %s: the tunnel goes at its lifetime's "
                "end",
                f->rehearsal.last.failed_ike ? "IKE" : "child",
                kd_reason_str(f->rehearsal.last.reason));
    ready_remedy(r,
                 "kedge explain %s has the line to change (PFS, usually); then kedge rekey %s "
                 "--rehearse",
                 f->tunnel, f->tunnel);
    return true;
}

bool ready_rekey_unrehearsed(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->rehearsal.last.state != CORE_REHEARSAL_NONE)
        return false;
    ready_words(r, "no rekey was rehearsed since the configuration was loaded (%s)",
                f->rehearsal.state == CORE_REHEARSAL_FAILED
                    ? "interrupted"
                    : core_rehearsal_state_names[f->rehearsal.state]);
    ready_remedy(r, "kedge rekey %s --rehearse", f->tunnel);
    return true;
}

bool ready_black_hole(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->mtu_path == 0 || f->mtu_path >= f->mtu_need)
        return false;
    ready_words(
        r,
        "the way to the peer carries datagrams of %u octets, the tunnel's MTU makes them up "
        "to %u: what is between is lost or cut up",
        f->mtu_path, f->mtu_need);
    ready_remedy(r, "set mtu: %u and mss: %u for %s here, and the same MSS at the peer",
                 f->mtu_inner, f->mtu_inner - KD_MIN(f->mtu_inner, 40u), f->tunnel);
    return true;
}

static const char *size_text(uint64_t bytes, char buf[READY_AGE_MAX])
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    uint64_t unit = 1000;
    size_t i = 0;

    for (; bytes / unit >= 1000 && i + 1 < KD_ARRAY_LEN(units); i++)
        unit *= 1000;
    snprintf(buf, READY_AGE_MAX, "%llu.%u %s", (unsigned long long)(bytes / unit),
             (unsigned)(bytes % unit * 10 / unit), units[i]);
    return buf;
}

bool ready_sa_ending(const struct ready_facts *f, struct ready_reason *r)
{
    const struct ready_ending *e = &f->ending;
    char text[READY_AGE_MAX];

    if (!e->name || e->ppm > ENDING_PPM)
        return false;
    if (e->limit == READY_TIME)
        ready_words(r, "the %s ends in %s and was not rekeyed", e->name, ready_age(e->left, text));
    else if (e->limit == READY_BYTES)
        ready_words(r, "the %s ends after %s more and was not rekeyed", e->name,
                    size_text(e->left, text));
    else
        ready_words(r, "the %s ends after %llu packets more and was not rekeyed", e->name,
                    (unsigned long long)e->left);
    ready_remedy(r, "kedge rekey %s, then kedge explain %s if it is refused", f->tunnel, f->tunnel);
    return true;
}

bool ready_cert_ending(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];

    if (f->cert_until_s == 0 || f->wall_s == 0 ||
        f->cert_until_s - f->wall_s > (int64_t)(f->want->certificate_us / 1000000))
        return false;
    ready_words(r, "%s certificate %s %s", f->cert_ours ? "our" : "the peer's",
                f->cert_until_s > f->wall_s ? "ends" : "ended", kd_utc_str(f->cert_until_s, date));
    ready_remedy(r, f->cert_ours ? "renew it and restart kedged" : "the peer renews it");
    return true;
}

/* ---- drills ---- */

bool ready_drill_failed(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];

    if (f->drill.at_s == 0 || f->drill.passed)
        return false;
    ready_words(r, "the last drill (%s, %s) failed", f->drill.name,
                kd_utc_str(f->drill.at_s, date));
    ready_remedy(r, "kedge drill show says what did; mend it and drill again");
    return true;
}

bool ready_drill_old(const struct ready_facts *f, struct ready_reason *r)
{
    char date[KD_UTC_STR_MAX];
    int64_t days = (f->wall_s - f->drill.at_s) / DAY_S;

    if (f->drill.at_s == 0 || f->wall_s == 0 ||
        f->wall_s - f->drill.at_s <= (int64_t)(f->want->drill_age_us / 1000000))
        return false;
    ready_words(r, "the last drill (%s, %s) is %lld days old, allowed are %llu", f->drill.name,
                kd_utc_str(f->drill.at_s, date), (long long)days,
                (unsigned long long)(f->want->drill_age_us / KD_S(86400)));
    ready_remedy(r, "kedge drill run %s", f->drill.name);
    return true;
}

bool ready_drill_none(const struct ready_facts *f, struct ready_reason *r)
{
    if (f->drill.at_s)
        return false;
    ready_words(r, "this backup was never drilled, as far as this daemon knows");
    ready_remedy(r, "kedge drill run FILE");
    return true;
}
