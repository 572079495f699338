/* The pictures of a report: SVG inside the page. Pure. */
#ifndef DRILL_CHART_H
#define DRILL_CHART_H

#include "drill/page.h"
#include "drill/result.h"

/* The whole drill: packets, round trips, path, steps and the daemon's events on one axis. */
void drill_chart_whole(struct drill_page *d, const struct drill_result *r);
/* The longest outage from close by, its marks named; without one, the marks of the first change.
 * False: there is nothing to draw, and nothing was. */
bool drill_chart_close(struct drill_page *d, const struct drill_result *r);

/* ---- chart.c, for both: an axis of time and lanes below one another ---- */

#define CHART_LEFT  96  /* where time begins; lane names stand before it */
#define CHART_RIGHT 948 /* where it ends */
#define CHART_WIDTH 960

struct drill_axis {
    uint64_t from_us, to_us;
    uint64_t zero_us; /* what ticks are counted from: from_us or later */
};

double drill_chart_x(const struct drill_axis *a, uint64_t at_us);
bool drill_chart_in(const struct drill_axis *a, uint64_t at_us);
/* Vertical lines with their times below, from top to bottom. */
void drill_chart_ticks(struct drill_page *d, const struct drill_axis *a, unsigned top,
                       unsigned bottom);
void drill_chart_lane(struct drill_page *d, const char *name, unsigned top, unsigned height);
/* One lane a class that has events within the axis; returns the y below them. */
unsigned drill_chart_events(struct drill_page *d, const struct drill_result *r,
                            const struct drill_axis *a, unsigned top);
/* How many lanes drill_chart_events() will draw, and their height. */
unsigned drill_chart_event_lanes(const struct drill_result *r, const struct drill_axis *a);
#define CHART_EVENT_LANE 26u
/* The ways in use, as bands. */
void drill_chart_paths(struct drill_page *d, const struct drill_result *r,
                       const struct drill_axis *a, unsigned top);
#define CHART_PATH_LANE 30u
/* Packets that were lost, as hatched bands over the lane; the exact times of outages. */
void drill_chart_outages(struct drill_page *d, const struct drill_result *r,
                         const struct drill_axis *a, unsigned top, unsigned height);

/* "Last good packet" */
const char *drill_mark_title(const struct drill_mark *m);

#endif
