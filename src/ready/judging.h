/* Between the table of reasons and the files that have their words; nobody else's. */
#ifndef READY_JUDGING_H
#define READY_JUDGING_H

#include "ready/ready.h"

#define READY_AGE_MAX  24
#define READY_LIST_MAX 320

void KD_PRINTF(2, 3) ready_words(struct ready_reason *r, const char *fmt, ...);
void KD_PRINTF(2, 3) ready_remedy(struct ready_reason *r, const char *fmt, ...);
/* "3m20s" */
const char *ready_age(uint64_t us, char buf[READY_AGE_MAX]);
/* "10.0.0.0/24, 10.0.1.0/24 and 3 more" */
const char *ready_list_text(const struct ready_list *l, char buf[READY_LIST_MAX]);

/* Does it hold? Then with its words and its remedy. */
typedef bool ready_holds(const struct ready_facts *f, struct ready_reason *r);

/* judge_routes.c */
ready_holds ready_routes_too_many, ready_missing, ready_more_specific, ready_extra,
    ready_backup_preferred, ready_uneven, ready_told_missing, ready_told_more_specific,
    ready_told_preferred, ready_primary_follows, ready_told_hidden, ready_return_elsewhere;

/* judge_dates.c */
ready_holds ready_rekey_failed, ready_rekey_unrehearsed, ready_black_hole, ready_sa_ending,
    ready_cert_ending, ready_drill_failed, ready_drill_old, ready_drill_none;

#endif
