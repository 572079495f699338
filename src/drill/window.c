/* When a drill may run: days and hours of a timezone, over midnight as well. The clock is the
 * caller's. */
#include "drill/plan.h"

#include <stdio.h>

static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static bool on_day(const struct drill_window *w, unsigned day)
{
    return w->days & (1u << day % 7);
}

bool drill_window_open(const struct drill_window *w, unsigned day, unsigned minute)
{
    bool began = minute >= w->from_min, ends = minute < w->to_min;

    if (!w->on)
        return true;
    if (w->from_min < w->to_min)
        return on_day(w, day) && began && ends;
    /* after midnight it is still the window of the day before */
    return (on_day(w, day) && began) || (on_day(w, day + 6) && ends);
}

const char *drill_window_say(const struct drill_window *w, char buf[DRILL_SAY_MAX])
{
    size_t at = 0;

    for (unsigned d = 0; d < 7; d++)
        if (on_day(w, d))
            at += (size_t)snprintf(buf + at, DRILL_SAY_MAX - at, "%s ", names[d]);
    snprintf(buf + at, DRILL_SAY_MAX - at, "%02u:%02u to %02u:%02u %s", w->from_min / 60u,
             w->from_min % 60u, w->to_min / 60u, w->to_min % 60u, w->timezone);
    return buf;
}
