/* A drill's result as one HTML page that needs nothing else: no script, no font, no picture from
 * elsewhere, and a policy that forbids them. Pure. */
#ifndef DRILL_REPORT_H
#define DRILL_REPORT_H

#include "drill/history.h"
#include "drill/page.h"

/* stats: of its drill's history; NULL for none. malloc'ed and terminated; NULL: out of memory. */
char *drill_report_html(const struct drill_result *r, const struct drill_stats *stats,
                        size_t *len) KD_MUST_USE;

/* report_tables.c: timeline, steps, paths, outages, routes and events. */
void drill_report_tables(struct drill_page *d, const struct drill_result *r);

#endif
