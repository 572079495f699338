/* Drills that were: the history, one result, its page, and the numbers for Prometheus. */
#ifndef CONTROL_DRILLS_H
#define CONTROL_DRILLS_H

#include "control/control.h"

enum ctl_drills { CTL_DRILLS_LIST, CTL_DRILLS_ONE, CTL_DRILLS_PAGE };

/* which: an id, a drill's name (its last), or NULL for the last of all; not for the list. */
struct ctl_response ctl_drills(const struct ctl_env *env, enum ctl_drills what, const char *which);
/* Prometheus' text: drill_metrics.c. */
void ctl_drill_metrics(const struct ctl_env *env, FILE *to);

#endif
