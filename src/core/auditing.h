/* Between the audit's files only. */
#ifndef CORE_AUDITING_H
#define CORE_AUDITING_H

#include "core/audit.h"
#include "core/internal.h"

/* finding.c: its detail and remedy */
void core_audit_say(struct core_finding *f, const char *fmt, ...) KD_PRINTF(2, 3);
void core_audit_mend(struct core_finding *f, const char *fmt, ...) KD_PRINTF(2, 3);
/* audit.c */
const char *core_audit_dev(const struct core *c, uint32_t ifindex); /* "?": there is none */

/* audit_link.c: interfaces and addresses */
void core_audit_links_begin(struct core *c);
void core_audit_link(struct core *c, struct core_audit *a, const struct nl_link_info *l);
void core_audit_addr(struct core *c, struct core_audit *a, const struct nl_addr_set *s);
void core_audit_links_end(const struct core *c, struct core_audit *a);

/* audit_fib.c: routes; audit_nh.c: next-hop objects and rules */
void core_audit_fib_begin(struct core *c);
void core_audit_route(struct core *c, struct core_audit *a, const struct nl_route *r);
/* The next max entries; true: there are more. */
bool core_audit_fib_sweep(struct core *c, struct core_audit *a, uint32_t max);
void core_audit_nh_begin(struct core *c);
void core_audit_nexthop(struct core *c, struct core_audit *a, const struct nl_nexthop *n);
void core_audit_rule(struct core *c, struct core_audit *a, const struct nl_rule *r);
void core_audit_nh_end(const struct core *c, struct core_audit *a);

#endif
