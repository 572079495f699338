/* A drill's window on the days when the clock is set to daylight saving time and back: in
 * Europe/Berlin on 2026-03-29 from 02:00 to 03:00 (01:00 UTC), and on 2026-10-25 from 03:00 to
 * 02:00 (01:00 UTC as well). Both are sundays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "io/drill_window.h"

#define SATURDAY (1 << 6)
#define SUNDAY   (1 << 0)
#define AT(h, m) ((h)*60 + (m))

/* 2026-MONTH-DAY HOUR:MINUTE:SECOND UTC */
static int64_t utc(int month, int day, int hour, int minute, int second)
{
    struct tm tm = {.tm_year = 126,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    return (int64_t)timegm(&tm);
}

/* Open in [from, to) of UTC, closed in the minute before and the one after, by the second. */
static void open_just(const struct drill_window *w, int64_t from, int64_t to)
{
    for (int64_t t = from - 60; t < to + 60; t++)
        if (io_drill_window_open(w, t) != (t >= from && t < to))
            fail_msg("%+d s from its begin, %+d s from its end", (int)(t - from), (int)(t - to));
}

static struct drill_window berlin(uint8_t days, unsigned from, unsigned to)
{
    return (struct drill_window){true, days, (uint16_t)from, (uint16_t)to, "Europe/Berlin"};
}

static int a_zone_is_here(void **state)
{
    (void)state;
    setenv("TZ", "", 1); /* as kedged's main() */
    assert_true(io_drill_zone_known("Europe/Berlin") && io_drill_zone_known("UTC"));
    assert_false(io_drill_zone_known("Europe/Berlim"));
    return 0;
}

static void a_window_follows_the_wall_clock_in_winter_and_in_summer(void **state)
{
    struct drill_window w = berlin(SUNDAY, AT(2, 0), AT(4, 0));
    (void)state;
    open_just(&w, utc(3, 22, 1, 0, 0), utc(3, 22, 3, 0, 0));
    open_just(&w, utc(4, 5, 0, 0, 0), utc(4, 5, 2, 0, 0));
    open_just(&w, utc(10, 18, 0, 0, 0), utc(10, 18, 2, 0, 0));
    open_just(&w, utc(11, 1, 1, 0, 0), utc(11, 1, 3, 0, 0));
}

static void what_the_clock_is_set_forward_over_does_not_come(void **state)
{
    struct drill_window w = berlin(SUNDAY, AT(2, 0), AT(4, 0));
    struct drill_window begins = berlin(SUNDAY, AT(1, 0), AT(2, 30));
    struct drill_window within = berlin(SUNDAY, AT(2, 15), AT(2, 45));
    (void)state;
    open_just(&w, utc(3, 29, 1, 0, 0), utc(3, 29, 2, 0, 0));      /* 03:00 to 04:00 */
    open_just(&begins, utc(3, 29, 0, 0, 0), utc(3, 29, 1, 0, 0)); /* to 03:00, which is 02:00 */
    for (int64_t t = utc(3, 28, 22, 0, 0); t < utc(3, 29, 23, 0, 0); t += 60)
        assert_false(io_drill_window_open(&within, t));
}

static void what_the_clock_is_set_back_over_comes_twice(void **state)
{
    struct drill_window w = berlin(SUNDAY, AT(2, 0), AT(4, 0));
    struct drill_window within = berlin(SUNDAY, AT(2, 15), AT(2, 45));
    (void)state;
    open_just(&w, utc(10, 25, 0, 0, 0), utc(10, 25, 3, 0, 0)); /* three hours */
    open_just(&within, utc(10, 25, 0, 15, 0), utc(10, 25, 0, 45, 0));
    open_just(&within, utc(10, 25, 1, 15, 0), utc(10, 25, 1, 45, 0));
}

static void over_midnight_it_is_the_day_on_which_it_began_in_its_zone(void **state)
{
    struct drill_window w = berlin(SATURDAY, AT(22, 0), AT(4, 0));
    struct drill_window next = berlin(SUNDAY, AT(23, 0), AT(1, 0));
    (void)state;
    open_just(&w, utc(3, 28, 21, 0, 0), utc(3, 29, 2, 0, 0));     /* five hours */
    open_just(&w, utc(10, 24, 20, 0, 0), utc(10, 25, 3, 0, 0));   /* seven */
    open_just(&next, utc(3, 29, 21, 0, 0), utc(3, 29, 23, 0, 0)); /* to monday, 01:00 */
    open_just(&next, utc(10, 25, 22, 0, 0), utc(10, 26, 0, 0, 0));
}

static void a_window_of_utc_knows_no_summer(void **state)
{
    struct drill_window w = {true, SUNDAY, AT(1, 0), AT(2, 0), "UTC"};
    (void)state;
    open_just(&w, utc(3, 29, 1, 0, 0), utc(3, 29, 2, 0, 0));
    open_just(&w, utc(10, 25, 1, 0, 0), utc(10, 25, 2, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_follows_the_wall_clock_in_winter_and_in_summer),
        cmocka_unit_test(what_the_clock_is_set_forward_over_does_not_come),
        cmocka_unit_test(what_the_clock_is_set_back_over_comes_twice),
        cmocka_unit_test(over_midnight_it_is_the_day_on_which_it_began_in_its_zone),
        cmocka_unit_test(a_window_of_utc_knows_no_summer),
    };
    return cmocka_run_group_tests_name("drill window", tests, a_zone_is_here, NULL);
}
