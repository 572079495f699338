/* May a drill run now? Its window in its timezone, readiness, and the journal of the one before. */
#include "io/drill_int.h"
#include "io/drill_window.h"

#include <stdio.h>
#include <time.h>

void io_drill_journal_path(const struct io *io, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s/drill.journal", io->cfg->state_directory);
}

static struct ctl_response outside(const struct drill_plan *p)
{
    char say[DRILL_SAY_MAX];

    if (!io_drill_zone_known(p->window.timezone))
        return ctl_error(409, "allowed: UTC, or a zone that is in /usr/share/zoneinfo (tzdata)",
                         "the timezone \"%s\" isn't known here", p->window.timezone);
    if (io_drill_window_open(&p->window, (int64_t)time(NULL)))
        return (struct ctl_response){.status = 0};
    return ctl_error(409, "wait for it, or give --force", "it is outside the window: %s",
                     drill_window_say(&p->window, say));
}

/* One reason of that verdict which a drill doesn't mend, with its tunnel; NULL: none is judged. */
static const struct ready_reason *reason_of(const struct io *io, enum ready_verdict verdict,
                                            const char **tunnel)
{
    const struct core_config *c = core_configuration(io->core);
    struct ready_view v;

    for (uint32_t t = 0; t < c->n_tunnels; t++)
        for (uint32_t i = 0; ready_get(io->ready, t, &v) && i < v.n; i++)
            if (v.reason[i].verdict == verdict && !ready_is_drill(v.reason[i].code)) {
                *tunnel = c->tunnels[t].ike.name;
                return &v.reason[i];
            }
    return NULL;
}

static struct ctl_response unready(const struct io *io)
{
    enum ready_verdict v = ready_worst(io->ready, true);
    const char *remedy = "kedge readiness says what is wrong; mend it, or give --force";
    const char *tunnel = "";
    const struct ready_reason *r = reason_of(io, v, &tunnel);

    if (v == READY_READY)
        return (struct ctl_response){.status = 0};
    if (!r)
        return ctl_error(409, remedy, "the backup is %s: no tunnel is judged yet",
                         ready_verdict_names[v]);
    return ctl_error(409, remedy, "the backup is %s: %s: %s: %.200s", ready_verdict_names[v],
                     tunnel, ready_code_names[r->code], r->words);
}

struct ctl_response io_drill_may_start(const struct io *io, const struct drill_plan *p, bool force)
{
    struct ctl_response r = {.status = 0};

    if (!io->cfg->state_directory[0])
        return ctl_error(409, "set gateway.state-directory",
                         "a drill needs a journal, and there is no state directory for it");
    if (p->window.on && !force)
        r = outside(p);
    if (r.status == 0 && p->require_ready && !force)
        r = unready(io);
    return r;
}
