/* What both pictures are made of: the axis, lanes, events, ways and outages. Colours are the page's
 * classes, so that they follow its scheme; nothing is said by colour alone. */
#include "drill/chart.h"

#include <stdio.h>

static const char *const titles[DRILL_MARK_N] = {
    [DRILL_LAST_GOOD] = "Last good packet", [DRILL_DETECTION] = "Detected",
    [DRILL_BGP_STOP] = "BGP stopped",       [DRILL_FIB_FIRST] = "First route moved",
    [DRILL_FIB] = "Routes moved",           [DRILL_FIRST_GOOD] = "First good packet",
    [DRILL_RESTORE] = "Restored",
};

const char *drill_mark_title(const struct drill_mark *m)
{
    bool tunnel = m->source == DRILL_BY_DATAPLANE || m->source == DRILL_BY_KERNEL;

    if (tunnel && m->kind == DRILL_LAST_GOOD)
        return "Tunnel's last packet";
    if (tunnel && m->kind == DRILL_FIRST_GOOD)
        return "Tunnel's first packet";
    return titles[m->kind];
}

/* ---- axis ---- */

double drill_chart_x(const struct drill_axis *a, uint64_t at_us)
{
    uint64_t at = at_us < a->from_us ? a->from_us : at_us > a->to_us ? a->to_us : at_us;
    double share = (double)(at - a->from_us) / (double)(a->to_us - a->from_us);
    return CHART_LEFT + share * (CHART_RIGHT - CHART_LEFT);
}

bool drill_chart_in(const struct drill_axis *a, uint64_t at_us)
{
    return at_us >= a->from_us && at_us <= a->to_us;
}

/* 1, 2 or 5 times a power of ten, so that there are at most ten ticks. */
static uint64_t tick_step(uint64_t span_us)
{
    static const unsigned steps[] = {1, 2, 5};
    uint64_t ten = 1;

    for (unsigned i = 0;; i++) {
        uint64_t step = steps[i % 3] * ten;
        if (span_us / step <= 10)
            return step;
        if (i % 3 == 2)
            ten *= 10;
    }
}

static void tick_text(char *buf, size_t cap, double us, uint64_t step)
{
    if (step >= KD_S(1))
        snprintf(buf, cap, "%.0f s", us / 1e6);
    else if (step >= KD_MS(100))
        snprintf(buf, cap, "%.1f s", us / 1e6);
    else if (step >= KD_MS(1))
        snprintf(buf, cap, "%.0f ms", us / 1e3);
    else
        snprintf(buf, cap, "%.0f us", us);
}

void drill_chart_ticks(struct drill_page *d, const struct drill_axis *a, unsigned top,
                       unsigned bottom)
{
    uint64_t step = tick_step(a->to_us - a->from_us);
    uint64_t at = a->zero_us - (a->zero_us - a->from_us) / step * step;
    char text[32];

    for (; at <= a->to_us; at += step) {
        double x = drill_chart_x(a, at);
        tick_text(text, sizeof(text), (double)at - (double)a->zero_us, step);
        drill_page_fmt(d,
                       "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%u\" y2=\"%u\"/>"
                       "<text class=\"tick\" x=\"%.1f\" y=\"%u\">%s</text>\n",
                       x, x, top, bottom, x, bottom + 16, text);
    }
}

/* ---- lanes ---- */

void drill_chart_lane(struct drill_page *d, const char *name, unsigned top, unsigned height)
{
    drill_page_fmt(d,
                   "<rect class=\"lane\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>"
                   "<text class=\"name\" x=\"%u\" y=\"%u\">%s</text>\n",
                   CHART_LEFT, top, CHART_RIGHT - CHART_LEFT, height, CHART_LEFT - 10,
                   top + height / 2 + 4, name);
}

static const char *const lane_names[DRILL_EV_N] = {
    [DRILL_EV_IKE] = "IKE", [DRILL_EV_BGP] = "BGP",       [DRILL_EV_BFD] = "BFD",
    [DRILL_EV_FIB] = "FIB", [DRILL_EV_HEALTH] = "Health", [DRILL_EV_OTHER] = NULL,
};

static unsigned events_of(const struct drill_result *r, const struct drill_axis *a,
                          enum drill_event_class of)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < r->n_events; i++)
        n += r->event[i].of == of && drill_chart_in(a, r->event[i].at_us);
    return n;
}

unsigned drill_chart_event_lanes(const struct drill_result *r, const struct drill_axis *a)
{
    unsigned n = 0;

    for (unsigned of = 0; of < DRILL_EV_N; of++)
        n += lane_names[of] && events_of(r, a, (enum drill_event_class)of);
    return n;
}

static void event(struct drill_page *d, const struct drill_axis *a, const struct drill_event *e,
                  unsigned top)
{
    char time[DRILL_TIME_TEXT];

    drill_page_fmt(
        d, "<rect class=\"ev ev%u\" x=\"%.1f\" y=\"%u\" width=\"3\" height=\"%u\" rx=\"1\">",
        (unsigned)e->of, drill_chart_x(a, e->at_us) - 1.5, top + 4, CHART_EVENT_LANE - 12);
    drill_page_fmt(d, "<title>%s: ", drill_page_time(e->at_us, time));
    drill_page_wrap(d, "", e->name, " ");
    drill_page_wrap(d, "", e->what, " ");
    drill_page_wrap(d, "", e->detail, "</title></rect>\n");
}

unsigned drill_chart_events(struct drill_page *d, const struct drill_result *r,
                            const struct drill_axis *a, unsigned top)
{
    for (unsigned of = 0; of < DRILL_EV_N; of++) {
        if (!lane_names[of] || !events_of(r, a, (enum drill_event_class)of))
            continue;
        drill_chart_lane(d, lane_names[of], top, CHART_EVENT_LANE - 4);
        for (uint32_t i = 0; i < r->n_events; i++)
            if ((unsigned)r->event[i].of == of && drill_chart_in(a, r->event[i].at_us))
                event(d, a, &r->event[i], top);
        top += CHART_EVENT_LANE;
    }
    return top;
}

/* ---- ways ---- */

/* The same name, the same colour: of the first path so called. */
static unsigned colour(const struct drill_result *r, uint32_t i)
{
    unsigned names = 0;

    for (uint32_t k = 0; k < i; k++) {
        bool again = false;
        for (uint32_t j = 0; j < k; j++)
            again |= strcmp(r->path[j].name, r->path[k].name) == 0;
        if (strcmp(r->path[k].name, r->path[i].name) == 0)
            break;
        names += !again;
    }
    return names % 4;
}

/* Hops that no name fits say nothing of where the way in use has its end, nor do more of the same
 * name. */
static bool goes_on(const struct drill_result *r, uint32_t i, uint32_t next)
{
    const char *name = r->path[next].name;
    return r->path[i].name[0] && (!name[0] || strcmp(name, r->path[i].name) == 0);
}

static void band(struct drill_page *d, const struct drill_result *r, const struct drill_axis *a,
                 uint32_t i, uint32_t next, unsigned top)
{
    uint64_t until = next < r->n_paths ? r->path[next].at_us : KD_MAX(r->length_us, a->to_us);
    double x, w;

    if (until < a->from_us || r->path[i].at_us > a->to_us)
        return;
    x = drill_chart_x(a, r->path[i].at_us);
    w = drill_chart_x(a, until) - x;
    drill_page_fmt(d,
                   "<g><rect class=\"path p%u\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\"/>",
                   colour(r, i), x, top + 2, w, CHART_PATH_LANE - 8);
    drill_page_wrap(d, "<title>path ", r->path[i].name[0] ? r->path[i].name : "(unnamed)",
                    "</title>");
    if (w > 8 * (double)strlen(r->path[i].name)) {
        drill_page_fmt(d, "<text class=\"band\" x=\"%.1f\" y=\"%u\">", x + w / 2,
                       top + CHART_PATH_LANE / 2 + 2);
        drill_page_wrap(d, "", r->path[i].name, "</text>");
    }
    drill_page_put(d, "</g>\n");
}

void drill_chart_paths(struct drill_page *d, const struct drill_result *r,
                       const struct drill_axis *a, unsigned top)
{
    drill_chart_lane(d, "Path", top, CHART_PATH_LANE - 4);
    for (uint32_t i = 0, next; i < r->n_paths; i = next) {
        for (next = i + 1; next < r->n_paths && goes_on(r, i, next);)
            next++;
        band(d, r, a, i, next, top);
    }
}

/* ---- outages ---- */

void drill_chart_outages(struct drill_page *d, const struct drill_result *r,
                         const struct drill_axis *a, unsigned top, unsigned height)
{
    char time[DRILL_TIME_TEXT];

    for (uint32_t i = 0; i < r->n_outages; i++) {
        const struct probe_outage *o = &r->outage[i];
        uint64_t until = o->first_good_us == KD_NEVER ? r->length_us : o->first_good_us;
        if (until < a->from_us || o->last_good_us > a->to_us)
            continue;
        double x = drill_chart_x(a, o->last_good_us), w = drill_chart_x(a, until) - x;
        drill_page_fmt(d,
                       "<rect class=\"lost\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\">"
                       "<title>%s without an answer, %llu packets lost</title></rect>\n",
                       x, top, KD_MAX(w, 2.0), height,
                       drill_page_time(until - o->last_good_us, time), (unsigned long long)o->lost);
    }
}
