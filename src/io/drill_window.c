/* The wall clock of a drill's timezone, from libc and its tzdata. Not what a window says: that is
 * drill/window.c's. */
#include "io/drill_window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* libc takes UTC for a zone that it doesn't know. */
bool io_drill_zone_known(const char *zone)
{
    char path[128];

    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
    return strcmp(zone, "UTC") == 0 || access(path, R_OK) == 0;
}

/* libc has no time in a zone of one's choice. TZ is in the environment since the start of main(),
 * so that setting it moves no other thread's environment, and nobody else here asks for local
 * time. */
static void local_time(const char *zone, int64_t wall_s, struct tm *tm)
{
    time_t t = (time_t)wall_s;

    setenv("TZ", zone, 1);
    tzset();
    localtime_r(&t, tm);
    setenv("TZ", "", 1);
    tzset();
}

bool io_drill_window_open(const struct drill_window *w, int64_t wall_s)
{
    struct tm tm;

    local_time(w->timezone, wall_s, &tm);
    return drill_window_open(w, (unsigned)tm.tm_wday, (unsigned)(tm.tm_hour * 60 + tm.tm_min));
}
