/* Drills as the control interface tells of them. */
#ifndef CONTROL_DRILL_H
#define CONTROL_DRILL_H

#include "control/drill_result.h"
#include "drill/run.h"

/* New reference; NULL when out of memory. */
json_t *ctl_drill_plan(const struct drill_plan *p) KD_MUST_USE;
/* A file that isn't good: its errors, lines each with its end, as an answer. */
struct ctl_response ctl_drill_refused(struct kd_bytes lines);
/* Lines of a run's stream, each malloc'ed with its line feed; NULL when out of memory. */
char *ctl_drill_head(const struct drill_plan *p) KD_MUST_USE;
char *ctl_drill_news(const struct drill_plan *p, const struct drill_run_act *a,
                     uint64_t after_us) KD_MUST_USE;
char *ctl_drill_end(const struct drill_run_act *a, const struct drill_result *r,
                    const char *id) KD_MUST_USE;

#endif
