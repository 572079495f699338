/* What is wanted against what is there, for `kedge audit`: the configuration and the engines, the
 * core's and the data plane's account, the kernel's own dumps. It only looks.
 *
 *   core_audit_begin(), every route of ours to core_audit_see()
 *   every interface, address, next-hop object and rule to core_audit_see(), core_audit_end()
 *   core_audit_sweep() until it is through; the data plane's pairs to core_audit_pairs()
 *
 * Routes may be many, so that these steps, their dump and the sweep can be spread over turns of the
 * loop: what changes meanwhile is left out, or told as in progress. The second line is one turn: an
 * interface that has gone down takes routes and objects with it before its news has come.
 *
 * Where a request is on its way, or a start still waits for its neighbors, what differs is told as
 * in progress: who wants a verdict looks again. */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "core/core.h"

struct nl_event;

#define CORE_AUDIT_MAX 256 /* findings kept; some screens, the others are counted */

enum core_audit_kind {
    CORE_AUDIT_MISSING,   /* wanted, and not there */
    CORE_AUDIT_EXTRA,     /* ours by its tag, and wanted by nobody */
    CORE_AUDIT_DIFFERENT, /* there, but otherwise */
    CORE_AUDIT_BUSY,      /* one of these, and a request about it is on its way */
    CORE_AUDIT_KINDS
};
extern const char *const core_audit_kind_names[];

enum core_audit_what {
    CORE_AUDIT_SA,
    CORE_AUDIT_POLICY,
    CORE_AUDIT_INTERFACE,
    CORE_AUDIT_ADDRESS,
    CORE_AUDIT_ROUTE,
    CORE_AUDIT_NEXTHOP,
    CORE_AUDIT_RULE,
    CORE_AUDIT_WHATS
};
extern const char *const core_audit_what_names[];

struct core_finding {
    enum core_audit_kind kind;
    enum core_audit_what what;
    uint32_t tunnel;  /* or CORE_NO_TUNNEL */
    char where[160];  /* as iproute2 names it */
    char detail[192]; /* wanted and found */
    char remedy[256]; /* a command, or what to do */
};

struct core_audit {
    uint32_t looked[CORE_AUDIT_WHATS]; /* of ours that were wanted or found */
    uint32_t n[CORE_AUDIT_KINDS];      /* findings, also those no longer kept */
    uint32_t n_kept;
    struct core_finding f[CORE_AUDIT_MAX];
};

/* Forgets what an earlier look has seen. */
void core_audit_begin(struct core *c, struct core_audit *a);
/* One object of a dump: NL_LINK, NL_ADDR, NL_NEXTHOP, NL_ROUTE, NL_RULE; others are passed over. */
void core_audit_see(struct core *c, struct core_audit *a, const struct nl_event *ev);
/* All has been seen: what else than routes is wanted and wasn't among it is missing. */
void core_audit_end(struct core *c, struct core_audit *a);
/* The same of routes, some of them a call; true: call again. */
bool core_audit_sweep(struct core *c, struct core_audit *a);

/* A pair of SAs in the data plane's account. */
struct core_audit_pair {
    uint32_t tunnel;
    struct kd_handle child;
    uint32_t spi_in, spi_out;
};
/* IKE's pairs, the core's and the data plane's (all of them, n) are the same. */
void core_audit_pairs(struct core *c, struct core_audit *a, const struct core_audit_pair *have,
                      uint32_t n);

/* A finding of the caller's; the texts are copied, cut to their fields. */
void core_audit_add(struct core_audit *a, const struct core_finding *f);
bool core_audit_clean(const struct core_audit *a); /* nothing differs; something may be busy */

#endif
