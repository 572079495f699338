/* Drill results as JSON, and the daemon's events in them. */
#ifndef CONTROL_DRILL_RESULT_H
#define CONTROL_DRILL_RESULT_H

#include "control/fields.h"
#include "drill/result.h"

#define DRILL_FORMAT 1 /* of the file; raised when a reader of the old one would be misled */

/* New reference; NULL when out of memory. */
json_t *ctl_drill_json(const struct drill_result *r) KD_MUST_USE;
/* False, with the place in *e and nothing promised of *r: another format, or not what
 * ctl_drill_json() writes. */
bool ctl_drill_parse(const json_t *o, struct drill_result *r,
                     struct ctl_fields_error *e) KD_MUST_USE;

/* The same from text: a file's. */
bool ctl_drill_read(struct kd_bytes text, struct drill_result *r,
                    struct ctl_fields_error *e) KD_MUST_USE;

/* An event of the daemon, told while the drill runs: into its events, and what belongs there into
 * its timeline: drill_timeline.c. */
void ctl_drill_note(struct drill_result *r, const struct core_event_record *ev,
                    const struct ctl_names *names);

#endif
