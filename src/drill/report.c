/* The page: verdict, figures, pictures, tables. Whatever a picture shows stands in a table as well.
 */
#include "drill/report.h"

#include "base/utc.h"
#include "drill/chart.h"
#include "drill/page.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- head ---- */

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n";

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1d2430;--soft:#586173;"
    "--line:#dfe3ea;--lane:#f1f3f7;--good:#2b8a5f;--goodfill:#bfe3d1;--bad:#c02b37;--badfill:#"
    "f0a3a9;"
    "--warn:#8f5f00;--p0:#cfe0fb;--p1:#e4d7fa;--p2:#fbe3bf;--p3:#cdeee9;--ev0:#7a4fd0;--ev1:#"
    "1f66c9;"
    "--ev2:#b3590a;--ev3:#11776f;--ev4:#a8327f;--mark:#3c4657}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a202a;--ink:#e6eaf1;--soft:#"
    "9aa5b8;"
    "--line:#2d3645;--lane:#212937;--good:#5cc596;--goodfill:#245c46;--bad:#ff7d86;--badfill:#"
    "7c2d36;"
    "--warn:#f0b94d;--p0:#274673;--p1:#47356e;--p2:#5f4820;--p3:#1f524d;--ev0:#b79cf5;--ev1:#"
    "7fb2ff;"
    "--ev2:#f0a35c;--ev3:#58cdc1;--ev4:#f08ccb;--mark:#c3ccda}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\n"
    "main{max-width:1040px;margin:0 auto;padding:28px 20px 40px}h1{font-size:26px;line-height:1.2;"
    "margin:0;overflow-wrap:anywhere}h2{font-size:17px;margin:0 0 10px}"
    ".sub{color:var(--soft);margin:6px 0 0}\n"
    "header{display:flex;gap:16px;align-items:flex-start;justify-content:space-between;"
    "margin-bottom:18px}.verdict{font-weight:700;font-size:15px;padding:5px "
    "14px;border-radius:999px;"
    "border:2px solid;white-space:nowrap}.verdict.passed{color:var(--good)}"
    ".verdict.failed,.verdict.aborted,.verdict.interrupted{color:var(--bad)}"
    ".verdict.running{color:var(--warn)}\n"
    ".why{border-left:4px solid var(--bad);background:var(--card);padding:10px 14px;margin:0 0 "
    "18px;"
    "overflow-wrap:anywhere}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(168px,1fr));gap:12px;"
    "margin:0 0 18px;padding:0}.tiles div{background:var(--card);border:1px solid var(--line);"
    "border-radius:10px;padding:12px 14px}.tiles dt{color:var(--soft);font-size:13px}"
    ".tiles dd{margin:2px 0 0;font-size:22px;font-weight:650;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere}.tiles dd small{display:block;font-size:13px;font-weight:400;"
    "color:var(--soft)}\n"
    "section{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:16px 18px;margin:0 0 "
    "16px;overflow-x:auto}svg{display:block;width:100%;min-width:720px;"
    "height:auto;font:12px system-ui,sans-serif}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:6px}"
    "th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:anywhere}th{font-size:13px;color:var(--soft);font-weight:600}"
    "tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;white-space:nowrap}"
    "code{font:13px ui-monospace,\"Cascadia Mono\",Menlo,monospace}summary{cursor:pointer;"
    "font-weight:600;font-size:17px}details[open] summary{margin-bottom:10px}"
    ".done{color:var(--good)}.failed{color:var(--bad)}.skipped,.pending{color:var(--soft)}\n"
    "footer{color:var(--soft);font-size:13px}\n"
    "svg text{fill:var(--ink)}.grid{stroke:var(--line)}.tick{text-anchor:middle;fill:var(--soft)}"
    ".lane{fill:var(--lane)}svg .name{text-anchor:end;fill:var(--soft)}svg .max{text-anchor:end;"
    "fill:var(--soft)}.good{fill:var(--goodfill);stroke:var(--good);stroke-width:1}"
    ".lost{fill:url(#hatch);stroke:var(--bad);stroke-width:1}.rtt{fill:none;stroke:var(--ev1);"
    "stroke-width:1.4;stroke-linejoin:round}.p0{fill:var(--p0)}.p1{fill:var(--p1)}.p2{fill:var(--"
    "p2)}"
    ".p3{fill:var(--p3)}.band{text-anchor:middle;font-weight:600}.step{fill:var(--mark);opacity:."
    "28}"
    ".step.o2{fill:var(--bad);opacity:.6}.no{font-weight:600}.ev0{fill:var(--ev0)}.ev1{fill:var(--"
    "ev1)}"
    ".ev2{fill:var(--ev2)}.ev3{fill:var(--ev3)}.ev4{fill:var(--ev4)}.mark{stroke:var(--mark);"
    "stroke-width:1;stroke-dasharray:3 3}.m0 circle,.m5 circle{fill:var(--good)}.m1 circle{"
    "fill:var(--bad)}circle{fill:var(--mark)}.label{font-weight:600}.left{text-anchor:end}"
    ".plate{fill:var(--card);stroke:var(--bad)}.outage{text-anchor:middle;font-weight:700}"
    ".hatchbg{fill:var(--badfill)}.hatchline{stroke:var(--bad);stroke-width:2}\n"
    "@media print{body{background:#fff}section{break-inside:avoid}}\n"
    "</style>\n";

/* What lost packets are filled with, once a page. */
static const char hatch[] =
    "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" "
    "style=\"position:absolute;min-width:0;width:0\">"
    "<defs><pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect class=\"hatchbg\" width=\"8\" height=\"8\"/>"
    "<line class=\"hatchline\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"8\"/></pattern></defs></svg>\n";

/* "2026-11-21 02:00:00 UTC" */
static void put_start(struct drill_page *d, uint64_t wall_us)
{
    char utc[KD_UTC_STR_MAX];

    kd_utc_str((int64_t)(wall_us / 1000000), utc);
    utc[10] = ' ';
    utc[19] = '\0';
    drill_page_fmt(d, "%s UTC", utc);
}

static void put_header(struct drill_page *d, const struct drill_result *r)
{
    const char *verdict = drill_verdict_names[r->verdict];
    char time[DRILL_TIME_TEXT];

    drill_page_wrap(d, "<header><div><h1>Failover drill ", r->drill, "</h1><p class=\"sub\">");
    put_start(d, r->start_wall_us);
    drill_page_fmt(d, ", %s", drill_page_time(r->length_us, time));
    if (r->node[0])
        drill_page_wrap(d, ", on ", r->node, "");
    if (r->rehearsed)
        drill_page_put(d, ", rehearsed in the simulator first");
    if (r->forced)
        drill_page_put(d, ", forced");
    drill_page_fmt(d, "</p></div><span class=\"verdict %s\">%s</span></header>\n", verdict,
                   verdict);
    if (r->reason[0])
        drill_page_wrap(d, "<p class=\"why\">", r->reason, "</p>\n");
}

/* ---- figures ---- */

static void tile(struct drill_page *d, const char *name, const char *value)
{
    drill_page_fmt(d, "<div><dt>%s</dt><dd>%s", name, value);
}

static const char *count(uint64_t n, char buf[24])
{
    snprintf(buf, 24, "%llu", (unsigned long long)n);
    return buf;
}

static void loss_tiles(struct drill_page *d, const struct drill_result *r)
{
    const struct drill_loss *l = &r->loss;
    char text[DRILL_TIME_TEXT], number[24];

    tile(d, "Longest outage", l->outages ? drill_page_time(l->longest_us, text) : "none");
    drill_page_fmt(d, "<small>%llu outage%s</small></dd></div>\n", (unsigned long long)l->outages,
                   l->outages == 1 ? "" : "s");
    tile(d, "Packets lost", count(l->lost, number));
    drill_page_fmt(d, "<small>of %llu sent", (unsigned long long)l->sent);
    if (l->counted)
        drill_page_fmt(d, "; %llu out, %llu back", (unsigned long long)l->lost_out,
                       (unsigned long long)l->lost_back);
    drill_page_put(d, "</small></dd></div>\n");
}

static const struct drill_mark *first_mark(const struct drill_result *r, enum drill_mark_kind kind)
{
    for (uint32_t i = 0; i < r->n_marks; i++)
        if (r->mark[i].kind == kind)
            return &r->mark[i];
    return NULL;
}

static void coupling_tile(struct drill_page *d, const struct drill_result *r)
{
    const struct drill_mark *seen = first_mark(r, DRILL_DETECTION), *fib = first_mark(r, DRILL_FIB);
    char text[DRILL_TIME_TEXT];

    if (!seen)
        seen = first_mark(r, DRILL_BGP_STOP);
    if (!seen || !fib || fib->at_us < seen->at_us)
        return;
    tile(d, "Detected to routes moved", drill_page_time(fib->at_us - seen->at_us, text));
    drill_page_put(d, "<small>in the kernel, acknowledged</small></dd></div>\n");
}

static const char *path_name(const struct drill_result *r, uint32_t i)
{
    return i == DRILL_NO_PATH ? "?" : r->path[i].name[0] ? r->path[i].name : "unnamed";
}

static void path_tile(struct drill_page *d, const struct drill_result *r)
{
    if (!r->n_paths)
        return;
    drill_page_wrap(d, "<div><dt>Path during the drill</dt><dd>", path_name(r, r->during),
                    "<small>");
    drill_page_wrap(d, "before ", path_name(r, r->before), "");
    drill_page_wrap(d, ", after ", path_name(r, r->after), "</small></dd></div>\n");
}

static void history_tile(struct drill_page *d, const struct drill_stats *s)
{
    char p50[DRILL_TIME_TEXT], p95[DRILL_TIME_TEXT];

    if (!s || s->runs < 2 || !s->measured)
        return;
    tile(d, "Outage over the history", drill_page_time(s->p50_us, p50));
    drill_page_fmt(d, "<small>p50 of %u; p95 %s; %u of %u passed</small></dd></div>\n", s->measured,
                   drill_page_time(s->p95_us, p95), s->passed, s->runs);
}

static void put_tiles(struct drill_page *d, const struct drill_result *r,
                      const struct drill_stats *stats)
{
    drill_page_put(d, "<dl class=\"tiles\">\n");
    if (r->loss.sent)
        loss_tiles(d, r);
    coupling_tile(d, r);
    path_tile(d, r);
    history_tile(d, stats);
    drill_page_put(d, "</dl>\n");
}

/* ---- all of it ---- */

static void put_pictures(struct drill_page *d, const struct drill_result *r)
{
    size_t begin = d->len;

    drill_page_put(d, "<section><h2>The failover from close by</h2>\n");
    if (drill_chart_close(d, r))
        drill_page_put(d, "</section>\n");
    else if (d->p)
        d->p[d->len = begin] = '\0';
    drill_page_put(d, "<section><h2>The whole drill</h2>\n");
    drill_chart_whole(d, r);
    drill_page_put(d, "</section>\n");
}

char *drill_report_html(const struct drill_result *r, const struct drill_stats *stats, size_t *len)
{
    struct drill_page d = {0};

    drill_page_put(&d, head);
    drill_page_wrap(&d, "<title>Failover drill ", r->drill, "</title>\n");
    drill_page_put(&d, style);
    drill_page_put(&d, "</head>\n<body>\n");
    drill_page_put(&d, hatch);
    drill_page_put(&d, "<main>\n");
    put_header(&d, r);
    put_tiles(&d, r, stats);
    put_pictures(&d, r);
    drill_report_tables(&d, r);
    drill_page_wrap(&d, "<footer>Measured and written by kedge ", r->version, ".</footer>\n");
    drill_page_put(&d, "</main>\n</body>\n</html>\n");
    if (d.failed) {
        free(d.p);
        return NULL;
    }
    *len = d.len;
    return d.p;
}
