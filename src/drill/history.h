/* The drills there were: a line of each, oldest first, and what they say together. Pure; the files
 * are io/history.c's. */
#ifndef DRILL_HISTORY_H
#define DRILL_HISTORY_H

#include "drill/result.h"

#define DRILL_HISTORY_MAX 256 /* 40 years of a quarterly drill and its repetitions */

struct drill_summary {
    char id[DRILL_ID_MAX];
    char drill[DRILL_NAME_MAX];
    char reason[DRILL_TEXT_MAX];
    enum drill_verdict verdict;
    uint64_t start_wall_us, length_us;
    bool probed; /* outage and loss were measured */
    uint64_t outage_us, sent, lost;
};

struct drill_history {
    uint32_t n;
    struct drill_summary s[DRILL_HISTORY_MAX];
    uint32_t n_damaged;  /* files that can't be read: left where they are */
    char damaged[8][192]; /* the first of them, "name: why" */
};

struct drill_stats {
    uint32_t runs, passed, measured;
    uint64_t p50_us, p95_us, worst_us; /* longest outages of the measured ones: nearest rank */
    uint64_t last_wall_us;             /* 0: never */
    enum drill_verdict last;
};

struct drill_summary drill_summary_of(const struct drill_result *r);
/* Adds in order of time. When it is full, one has to go: the oldest of those that are not their
 * drill's last; its id into gone ("" for none). */
void drill_history_add(struct drill_history *h, const struct drill_summary *s,
                       char gone[DRILL_ID_MAX]);
/* By id, or the last one of that drill, or (which NULL) the last of all; NULL: there is none. */
const struct drill_summary *drill_history_find(const struct drill_history *h, const char *which);
/* drill NULL: of all. */
struct drill_stats drill_history_stats(const struct drill_history *h, const char *drill);
/* Is this the last one of its drill? */
bool drill_history_is_last(const struct drill_history *h, const struct drill_summary *s);

#endif
