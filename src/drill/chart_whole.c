/* The picture of the whole drill. */
#include "drill/chart.h"

#define PACKETS_H 64u
#define RTT_H     48u
#define STEPS_H   26u
#define GAP       8u

/* ---- packets: the share of each bucket that was answered ---- */

static bool has_packets(const struct drill_bucket *b)
{
    return b->answered + b->lost > 0;
}

static void packets(struct drill_page *d, const struct drill_result *r, const struct drill_axis *a,
                    unsigned top)
{
    const struct drill_samples *s = &r->samples;
    bool open = false;
    double x = CHART_LEFT;

    drill_chart_lane(d, "Packets", top, PACKETS_H);
    drill_page_put(d, "<path class=\"good\" d=\"");
    for (uint32_t i = 0; i < s->n; i++) {
        const struct drill_bucket *b = &s->b[i];
        if (!has_packets(b))
            continue;
        double share = (double)b->answered / (double)(b->answered + b->lost);
        double y = top + PACKETS_H - share * (PACKETS_H - 6);
        double next = drill_chart_x(a, (i + 1) * s->width_us);
        if (!open) {
            x = drill_chart_x(a, i * s->width_us);
            drill_page_fmt(d, "M%.1f %u", x, top + PACKETS_H);
        }
        drill_page_fmt(d, "L%.1f %.1fL%.1f %.1f", x, y, next, y);
        open = true;
        x = next;
    }
    if (open)
        drill_page_fmt(d, "L%.1f %uZ", x, top + PACKETS_H);
    drill_page_put(d, "\"/>\n");
    drill_chart_outages(d, r, a, top, PACKETS_H);
}

/* ---- round trips ---- */

static void round_trips(struct drill_page *d, const struct drill_result *r,
                        const struct drill_axis *a, unsigned top)
{
    const struct drill_samples *s = &r->samples;
    uint32_t most = 1;
    bool begun = false;
    char time[DRILL_TIME_TEXT];

    for (uint32_t i = 0; i < s->n; i++)
        most = KD_MAX(most, s->b[i].rtt_max_us);
    drill_chart_lane(d, "Round trip", top, RTT_H);
    drill_page_put(d, "<path class=\"rtt\" d=\"");
    for (uint32_t i = 0; i < s->n; i++) {
        if (!s->b[i].answered)
            begun &=
                !has_packets(&s->b[i]); /* an outage breaks the line, an empty bucket doesn't */
        else {
            drill_page_fmt(d, "%c%.1f %.1f", begun ? 'L' : 'M',
                           drill_chart_x(a, i * s->width_us + s->width_us / 2),
                           top + RTT_H - 3 - (double)s->b[i].rtt_max_us / most * (RTT_H - 8));
            begun = true;
        }
    }
    drill_page_fmt(d, "\"/><text class=\"max\" x=\"%u\" y=\"%u\">up to %s</text>\n",
                   CHART_RIGHT - 6, top + 14, drill_page_time(most, time));
}

/* ---- steps: numbered as in the table ---- */

static void steps(struct drill_page *d, const struct drill_result *r, const struct drill_axis *a,
                  unsigned top)
{
    double free_from = 0;

    drill_chart_lane(d, "Steps", top, STEPS_H - 4);
    for (uint32_t i = 0; i < r->n_steps; i++) {
        const struct drill_step_result *s = &r->step[i];
        uint64_t end = s->end_us == KD_NEVER ? s->start_us : s->end_us;
        double x = drill_chart_x(a, s->start_us), w = KD_MAX(drill_chart_x(a, end) - x, 2.0);
        drill_page_fmt(
            d,
            "<g><rect class=\"step o%u\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\" "
            "rx=\"2\"/>",
            (unsigned)s->outcome, x, top + 3, w, STEPS_H - 10);
        drill_page_fmt(d, "<title>%u: ", i + 1);
        drill_page_wrap(d, "", s->text, "</title>");
        if (x >= free_from) {
            drill_page_fmt(d, "<text class=\"no\" x=\"%.1f\" y=\"%u\">%u</text>", x + 5, top + 15,
                           i + 1);
            free_from = x + 20;
        }
        drill_page_put(d, "</g>\n");
    }
}

/* ---- all of it ---- */

static void mark_lines(struct drill_page *d, const struct drill_result *r,
                       const struct drill_axis *a, unsigned top, unsigned bottom)
{
    char time[DRILL_TIME_TEXT];

    for (uint32_t i = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        double x = drill_chart_x(a, m->at_us);
        if (m->at_us == KD_NEVER)
            continue;
        drill_page_fmt(
            d,
            "<line class=\"mark m%u\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%u\" y2=\"%u\"><title>"
            "%s: %s</title></line>\n",
            (unsigned)m->kind, x, x, top, bottom, drill_mark_title(m),
            drill_page_time(m->at_us, time));
    }
}

void drill_chart_whole(struct drill_page *d, const struct drill_result *r)
{
    struct drill_axis a = {0, KD_MAX(r->length_us, 1000), 0};
    bool probed = r->samples.n > 0;
    unsigned top = 8, y = top;
    unsigned height = STEPS_H + CHART_PATH_LANE * (r->n_paths > 0) +
                      CHART_EVENT_LANE * drill_chart_event_lanes(r, &a) +
                      (probed ? PACKETS_H + RTT_H + 2 * GAP : 0);

    drill_page_fmt(
        d,
        "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-labelledby=\"wt wd\">"
        "<title id=\"wt\">The whole drill</title><desc id=\"wd\">Packets, path, steps and "
        "events over time; the tables below say the same.</desc>\n",
        CHART_WIDTH, top + height + 26);
    drill_chart_ticks(d, &a, top, top + height);
    if (probed) {
        packets(d, r, &a, y);
        y += PACKETS_H + GAP;
        round_trips(d, r, &a, y);
        y += RTT_H + GAP;
    }
    if (r->n_paths) {
        drill_chart_paths(d, r, &a, y);
        y += CHART_PATH_LANE;
    }
    steps(d, r, &a, y);
    (void)drill_chart_events(d, r, &a, y + STEPS_H);
    mark_lines(d, r, &a, top, top + height);
    drill_page_put(d, "</svg>\n");
}
