/* Routes as a JSON text that is read in parts, each a piece of work whose size doesn't depend on
 * how many routes there are. */
#ifndef CONTROL_ROWS_H
#define CONTROL_ROWS_H

#include "control/control.h"

/* {"version","routes":[ctl_route()...],"local"}; *q is copied. NULL: out of memory. */
struct ctl_rows *ctl_rows_new(const struct ctl_env *env,
                              const struct ctl_routes_query *q) KD_MUST_USE;
/* Up to max octets of it, at least one; 0: that was all. env: of the same daemon, now. */
size_t ctl_rows_read(struct ctl_rows *r, const struct ctl_env *env, char *buf, size_t max);
void ctl_rows_free(struct ctl_rows *r); /* NULL is ignored */

#endif
