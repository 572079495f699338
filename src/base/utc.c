/* The civil calendar without libc's clock functions: eras of 400 years, which have 146,097 days
 * each, counted from the first of March of year 0, so that the leap day ends its year. */
#include "base/utc.h"

#include "base/attr.h"

#include <stdio.h>

#define DAY       86400
#define ERA       146097
#define FROM_1970 719468 /* days from 0000-03-01 */
#define FIRST_S   INT64_C(-62167219200)
#define LAST_S    INT64_C(253402300799)

const char *kd_utc_str(int64_t s, char *buf)
{
    uint32_t days, era, of_era, year, of_year, m, t;

    s = s < FIRST_S ? FIRST_S : s > LAST_S ? LAST_S : s;
    days =
        (uint32_t)((s + (int64_t)(FROM_1970 + ERA) * DAY) / DAY); /* an era more: never below 0 */
    t = (uint32_t)((s + (int64_t)(FROM_1970 + ERA) * DAY) % DAY);
    era = days / ERA;
    of_era = days % ERA;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    m = (5 * of_year + 2) / 153; /* 0: March */
    snprintf(buf, KD_UTC_STR_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
             year + era * 400 - 400 + (m >= 10), m < 10 ? m + 3 : m - 9,
             of_year - (153 * m + 2) / 5 + 1, t / 3600, t / 60 % 60, t % 60);
    return buf;
}
