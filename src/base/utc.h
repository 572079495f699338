/* Calendar time as text. No clock is read here: the value comes from an event. */
#ifndef KD_BASE_UTC_H
#define KD_BASE_UTC_H

#include <stdint.h>

#define KD_UTC_STR_MAX 32

/* "2026-11-21T06:32:45Z" (RFC 3339) of UTC seconds since 1970 into buf (KD_UTC_STR_MAX); returns
 * buf. Years 0 to 9999; what is beyond is cut to the last second of 9999 or the first of 0. */
const char *kd_utc_str(int64_t s, char *buf);

#endif
