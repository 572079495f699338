/* The picture of the failover from close by: what the outage was made of. */
#include "drill/chart.h"

#include <stdio.h>

#define LABEL_H   20u
#define ROWS_MAX  8
#define PACKETS_H 40u
#define CHAR_W    6.6 /* of a label's letter, near enough */

/* ---- what to look at ---- */

static const struct probe_outage *longest(const struct drill_result *r)
{
    const struct probe_outage *found = NULL;
    uint64_t most = 0;

    for (uint32_t i = 0; i < r->n_outages; i++) {
        const struct probe_outage *o = &r->outage[i];
        uint64_t end = o->first_good_us == KD_NEVER ? r->length_us : o->first_good_us;
        if (end - o->last_good_us > most) {
            most = end - o->last_good_us;
            found = o;
        }
    }
    return found;
}

/* Of daemon and data plane, from the first on, as far as they belong together. */
static bool first_change(const struct drill_result *r, uint64_t *from, uint64_t *to)
{
    bool any = false;

    for (uint32_t i = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        if (m->kind < DRILL_DETECTION || m->kind > DRILL_FIRST_GOOD)
            continue;
        if (any && m->at_us > *to + KD_S(1))
            break;
        *from = any ? *from : m->at_us;
        *to = m->at_us;
        any = true;
    }
    return any;
}

#define BEFORE_US KD_MS(200)

/* What led to it, a little before or as far back as it is long: traffic may end later, by the far
 * end's doing. */
static uint64_t led_to_it(const struct drill_result *r, uint64_t from, uint64_t to)
{
    uint64_t least = from - KD_MIN(from, KD_MAX(to - from, BEFORE_US)), first = from;

    for (uint32_t i = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        if (m->kind >= DRILL_DETECTION && m->kind <= DRILL_FIB && m->at_us >= least)
            first = KD_MIN(first, m->at_us);
    }
    return first;
}

static bool choose(const struct drill_result *r, const struct probe_outage *o, struct drill_axis *a)
{
    uint64_t from, to, pad, zero;

    if (o) {
        from = o->last_good_us;
        to = o->first_good_us == KD_NEVER ? r->length_us : o->first_good_us;
    } else if (!first_change(r, &from, &to)) {
        return false;
    }
    zero = from;
    from = o ? led_to_it(r, from, to) : from;
    pad = KD_MAX((to - from) / 4, 2000);
    *a = (struct drill_axis){from > pad ? from - pad : 0, to + pad, zero};
    return true;
}

/* ---- marks and their labels, so that none covers another ---- */

struct label {
    double x;
    unsigned row;
    bool left; /* of its line: there is no room on the right */
    char text[96];
};

static double width(const struct label *l)
{
    return CHAR_W * (double)strlen(l->text) + 12;
}

static unsigned place(struct label *l, double ends[ROWS_MAX])
{
    double from;

    l->left = l->x + width(l) > CHART_RIGHT;
    from = l->left ? l->x - width(l) : l->x;
    for (l->row = 0; l->row + 1 < ROWS_MAX && ends[l->row] > from; l->row++)
        ;
    ends[l->row] = l->left ? l->x + 4 : l->x + width(l);
    return l->row;
}

static unsigned labels(const struct drill_result *r, const struct drill_axis *a,
                       struct label list[DRILL_MARKS_MAX], unsigned *rows)
{
    double ends[ROWS_MAX] = {0};
    char time[DRILL_TIME_TEXT];
    unsigned n = 0;

    *rows = 0;
    for (uint32_t i = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        if (!drill_chart_in(a, m->at_us))
            continue;
        struct label *l = &list[n++];
        bool before = m->at_us < a->zero_us;
        uint64_t off = before ? a->zero_us - m->at_us : m->at_us - a->zero_us;
        l->x = drill_chart_x(a, m->at_us);
        if (off == 0)
            snprintf(l->text, sizeof(l->text), "%s", drill_mark_title(m));
        else
            snprintf(l->text, sizeof(l->text), "%s %c%s", drill_mark_title(m), before ? '-' : '+',
                     drill_page_time(off, time));
        unsigned row = place(l, ends);
        *rows = KD_MAX(*rows, row + 1);
    }
    return n;
}

static void draw_labels(struct drill_page *d, const struct drill_result *r,
                        const struct drill_axis *a, const struct label *list, unsigned bottom)
{
    for (uint32_t i = 0, n = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        if (!drill_chart_in(a, m->at_us))
            continue;
        const struct label *l = &list[n++];
        unsigned y = 16 + l->row * LABEL_H;
        drill_page_fmt(
            d,
            "<g class=\"m%u\"><line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%u\" y2=\"%u\"/>"
            "<circle cx=\"%.1f\" cy=\"%u\" r=\"3\"/>"
            "<text class=\"label%s\" x=\"%.1f\" y=\"%u\">%s</text>",
            (unsigned)m->kind, l->x, l->x, y - 4, bottom, l->x, y - 4, l->left ? " left" : "",
            l->left ? l->x - 7 : l->x + 7, y, l->text);
        drill_page_wrap(d, "<title>", m->what, "</title></g>\n");
    }
}

/* ---- packets ---- */

static void packets(struct drill_page *d, const struct drill_result *r, const struct drill_axis *a,
                    const struct probe_outage *o, unsigned top)
{
    char text[160], sides[64] = "", time[DRILL_TIME_TEXT];

    drill_chart_lane(d, "Packets", top, PACKETS_H);
    drill_page_fmt(d, "<rect class=\"good\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n",
                   CHART_LEFT, top + 6, CHART_RIGHT - CHART_LEFT, PACKETS_H - 6);
    drill_chart_outages(d, r, a, top, PACKETS_H);
    if (!o)
        return;
    uint64_t end = o->first_good_us == KD_NEVER ? r->length_us : o->first_good_us;
    if (o->counted)
        snprintf(sides, sizeof(sides), " (%llu out, %llu back)", (unsigned long long)o->lost_out,
                 (unsigned long long)o->lost_back);
    snprintf(text, sizeof(text), "%s, %llu lost%s", drill_page_time(end - o->last_good_us, time),
             (unsigned long long)o->lost, sides);
    double middle = (drill_chart_x(a, o->last_good_us) + drill_chart_x(a, end)) / 2;
    drill_page_fmt(
        d,
        "<rect class=\"plate\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"20\" rx=\"4\"/>"
        "<text class=\"outage\" x=\"%.1f\" y=\"%u\">%s</text>\n",
        middle - (double)strlen(text) * 3.6 - 8, top + PACKETS_H / 2 - 10,
        (double)strlen(text) * 7.2 + 16, middle, top + PACKETS_H / 2 + 4, text);
}

bool drill_chart_close(struct drill_page *d, const struct drill_result *r)
{
    const struct probe_outage *o = longest(r);
    struct label list[DRILL_MARKS_MAX];
    struct drill_axis a;
    unsigned rows;

    if (!choose(r, o, &a))
        return false;
    (void)labels(r, &a, list, &rows);
    unsigned top = 8 + rows * LABEL_H + 4;
    unsigned height = (r->samples.n ? PACKETS_H + 8 : 0) + (r->n_paths ? CHART_PATH_LANE : 0) +
                      CHART_EVENT_LANE * drill_chart_event_lanes(r, &a);
    unsigned y = top;
    drill_page_fmt(
        d,
        "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-labelledby=\"ct cd\">"
        "<title id=\"ct\">The failover from close by</title><desc id=\"cd\">Times from the "
        "last good packet on; the timeline below says the same.</desc>\n",
        CHART_WIDTH, top + height + 26);
    drill_chart_ticks(d, &a, top, top + height);
    if (r->samples.n) {
        packets(d, r, &a, o, y);
        y += PACKETS_H + 8;
    }
    if (r->n_paths) {
        drill_chart_paths(d, r, &a, y);
        y += CHART_PATH_LANE;
    }
    (void)drill_chart_events(d, r, &a, y);
    draw_labels(d, r, &a, list, top + height);
    drill_page_put(d, "</svg>\n");
    return true;
}
