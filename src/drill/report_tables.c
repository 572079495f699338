/* The page's tables. */
#include "drill/report.h"

#include "drill/chart.h"

#include <stdio.h>

static void begin(struct drill_page *d, const char *title, const char *caption, const char *heads)
{
    drill_page_fmt(d, "<section><h2>%s</h2><table><caption>%s</caption><thead><tr>", title,
                   caption);
    drill_page_put(d, heads);
    drill_page_put(d, "</tr></thead><tbody>\n");
}

static void end(struct drill_page *d)
{
    drill_page_put(d, "</tbody></table></section>\n");
}

#define TH(t)  "<th scope=\"col\">" t "</th>"
#define THN(t) "<th scope=\"col\" class=\"n\">" t "</th>"

/* Since the drill's start, to the tenth of a millisecond. */
static void time_cell(struct drill_page *d, uint64_t us)
{
    if (us == KD_NEVER)
        drill_page_put(d, "<td class=\"n\">-</td>");
    else
        drill_page_fmt(d, "<td class=\"n\">%.4f s</td>", (double)us / 1e6);
}

static void text_cell(struct drill_page *d, const char *text)
{
    drill_page_wrap(d, "<td>", text, "</td>");
}

/* ---- timeline ---- */

static const char *const source_words[DRILL_SOURCE_N] = {
    [DRILL_BY_PROBE] = "probe",
    [DRILL_BY_DAEMON] = "kedged",
    [DRILL_BY_DATAPLANE] = "data plane",
    [DRILL_BY_KERNEL] = "kernel's counters",
};

static void precision_cell(struct drill_page *d, uint64_t us)
{
    char time[DRILL_TIME_TEXT];

    if (us == 0)
        drill_page_put(d, "<td class=\"n\">exact</td>");
    else
        drill_page_fmt(d, "<td class=\"n\">&plusmn; %s</td>", drill_page_time(us, time));
}

static void timeline(struct drill_page *d, const struct drill_result *r)
{
    char time[DRILL_TIME_TEXT];
    uint64_t last = KD_NEVER;

    if (!r->n_marks)
        return;
    begin(d, "Timeline", "Times since the drill's start; then since the last good packet.",
          TH("Moment") TH("Of") THN("At") THN("After last good") TH("Source") THN("Precision"));
    for (uint32_t i = 0; i < r->n_marks; i++) {
        const struct drill_mark *m = &r->mark[i];
        if (m->kind == DRILL_LAST_GOOD && (m->source == DRILL_BY_PROBE || !r->loss.sent))
            last = m->at_us;
        drill_page_fmt(d, "<tr><td>%s</td>", drill_mark_title(m));
        text_cell(d, m->what);
        time_cell(d, m->at_us);
        drill_page_fmt(
            d, "<td class=\"n\">%s</td><td>%s</td>",
            last == KD_NEVER || m->at_us == KD_NEVER ? "-" : drill_page_time(m->at_us - last, time),
            source_words[m->source]);
        precision_cell(d, m->precision_us);
        drill_page_put(d, "</tr>\n");
    }
    end(d);
}

/* ---- steps ---- */

static void steps(struct drill_page *d, const struct drill_result *r)
{
    char time[DRILL_TIME_TEXT];

    if (!r->n_steps)
        return;
    begin(d, "Steps", "In order, with what each came to.",
          THN("No.") TH("Step") THN("Began") THN("Took") TH("Outcome"));
    for (uint32_t i = 0; i < r->n_steps; i++) {
        const struct drill_step_result *s = &r->step[i];
        drill_page_fmt(d, "<tr><td class=\"n\">%u</td>", i + 1);
        drill_page_wrap(d, "<td>", s->undo ? "undo: " : "", "");
        drill_page_wrap(d, "", s->text, "</td>");
        time_cell(d, s->start_us);
        drill_page_fmt(d, "<td class=\"n\">%s</td>",
                       s->end_us == KD_NEVER ? "-"
                                             : drill_page_time(s->end_us - s->start_us, time));
        drill_page_fmt(d, "<td class=\"%s\">%s", drill_outcome_names[s->outcome],
                       drill_outcome_names[s->outcome]);
        drill_page_wrap(d, s->detail[0] ? ": " : "", s->detail, "</td></tr>\n");
    }
    end(d);
}

/* ---- ways, outages, routes ---- */

static void paths(struct drill_page *d, const struct drill_result *r)
{
    char hops[DRILL_TEXT_MAX * 4];

    if (!r->n_paths)
        return;
    begin(d, "Paths", "As traceroute shows them; * is a hop that says nothing.",
          THN("From") TH("Path") TH("Hops") TH("Source"));
    for (uint32_t i = 0; i < r->n_paths; i++) {
        const struct drill_path *p = &r->path[i];
        drill_page_put(d, "<tr>");
        time_cell(d, p->at_us);
        text_cell(d, p->name);
        drill_page_wrap(d, "<td><code>",
                        p->source == DRILL_BY_PROBE ? probe_path_text(&p->hops, hops, sizeof(hops))
                                                    : p->text,
                        "</code></td>");
        drill_page_fmt(d, "<td>%s</td></tr>\n", source_words[p->source]);
    }
    end(d);
}

static void outages(struct drill_page *d, const struct drill_result *r)
{
    char time[DRILL_TIME_TEXT];

    if (!r->n_outages)
        return;
    begin(d, "Outages", "From the last packet that was answered to the next one that was.",
          THN("Last good") THN("First good") THN("Length") THN("Lost") THN("Out") THN("Back"));
    for (uint32_t i = 0; i < r->n_outages; i++) {
        const struct probe_outage *o = &r->outage[i];
        drill_page_put(d, "<tr>");
        time_cell(d, o->last_good_us);
        time_cell(d, o->first_good_us);
        drill_page_fmt(d, "<td class=\"n\">%s</td><td class=\"n\">%llu</td>",
                       o->first_good_us == KD_NEVER
                           ? "to the end"
                           : drill_page_time(o->first_good_us - o->last_good_us, time),
                       (unsigned long long)o->lost);
        if (o->counted)
            drill_page_fmt(d, "<td class=\"n\">%llu</td><td class=\"n\">%llu</td></tr>\n",
                           (unsigned long long)o->lost_out, (unsigned long long)o->lost_back);
        else
            drill_page_put(d, "<td class=\"n\">-</td><td class=\"n\">-</td></tr>\n");
    }
    end(d);
}

static void number_cell(struct drill_page *d, uint32_t n)
{
    if (n == UINT32_MAX)
        drill_page_put(d, "<td class=\"n\">-</td>");
    else
        drill_page_fmt(d, "<td class=\"n\">%u</td>", n);
}

static void routes(struct drill_page *d, const struct drill_result *r)
{
    if (!r->n_routes)
        return;
    begin(d, "Routes", "Accepted prefixes of each neighbor.",
          TH("Neighbor") THN("Before") THN("During") THN("After") THN("Missing") THN("Extra"));
    for (uint32_t i = 0; i < r->n_routes; i++) {
        const struct drill_routes *n = &r->routes[i];
        drill_page_put(d, "<tr>");
        text_cell(d, n->neighbor);
        number_cell(d, n->before);
        number_cell(d, n->during);
        number_cell(d, n->after);
        number_cell(d, n->missing);
        number_cell(d, n->extra);
        drill_page_put(d, "</tr>\n");
    }
    end(d);
}

/* ---- events: folded away ---- */

static void events(struct drill_page *d, const struct drill_result *r)
{
    if (!r->n_events)
        return;
    drill_page_fmt(d, "<section><details><summary>Events of kedged (%u)</summary><table><caption>",
                   r->n_events);
    if (r->events_left_out)
        drill_page_fmt(d, "%u more are left out.", r->events_left_out);
    drill_page_put(d, "</caption><thead><tr>" THN("At") TH("Event") TH("Of")
                          TH("Detail") "</tr></thead><tbody>\n");
    for (uint32_t i = 0; i < r->n_events; i++) {
        const struct drill_event *e = &r->event[i];
        drill_page_put(d, "<tr>");
        time_cell(d, e->at_us);
        text_cell(d, e->name);
        text_cell(d, e->what);
        drill_page_wrap(d, "<td><code>", e->detail, "</code></td></tr>\n");
    }
    drill_page_put(d, "</tbody></table></details></section>\n");
}

void drill_report_tables(struct drill_page *d, const struct drill_result *r)
{
    timeline(d, r);
    steps(d, r);
    paths(d, r);
    outages(d, r);
    routes(d, r);
    events(d, r);
}
