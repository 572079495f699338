/* What passes between kedged and an agent (kedge probe --agent): orders one way, reports the other,
 * each one JSON object. */
#ifndef CONTROL_AGENT_H
#define CONTROL_AGENT_H

#include "control/fields.h"
#include "drill/measure.h"

#define CTL_AGENT_FORMAT 1

/* A line with its line feed, malloc'ed; NULL: out of memory. o NULL: an end to run. */
char *ctl_agent_order(uint32_t run, const struct drill_order *o) KD_MUST_USE;
/* False, with the place in *e and nothing promised of *r: not what an agent writes. */
bool ctl_agent_report(struct kd_bytes body, struct drill_report *r,
                      struct ctl_fields_error *e) KD_MUST_USE;
/* May an agent be called so? Letters, digits, '.', '-' and '_'. */
bool ctl_agent_name(const char *name);

#endif
