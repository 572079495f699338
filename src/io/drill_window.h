/* A drill's window by the wall clock of its timezone. */
#ifndef IO_DRILL_WINDOW_H
#define IO_DRILL_WINDOW_H

#include "drill/plan.h"

/* UTC, and what is in /usr/share/zoneinfo. */
bool io_drill_zone_known(const char *zone);
/* Is it open at wall_s (UTC seconds since 1970)? Its timezone is known. Not for two threads at
 * once. A minute that the clock is set forward over does not come; one that it is set back over
 * comes twice, and the window is open both times. */
bool io_drill_window_open(const struct drill_window *w, int64_t wall_s);

#endif
