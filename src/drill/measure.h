/* What an agent measured, as it reports it, and its way into a drill's result. Pure values: the
 * agent is cli/agent.c, JSON control/agent.c's, connections io/measure.c's. */
#ifndef DRILL_MEASURE_H
#define DRILL_MEASURE_H

#include "drill/result.h"

#define DRILL_AGENT_MAX          32 /* octets of an agent's name with its NUL */
#define DRILL_REPORT_BUCKETS_MAX 512
#define DRILL_REPORT_MAX         16 /* outages, or ways, of one report */

/* What an agent is asked to do. */
struct drill_order {
    struct kd_addr to, from; /* from: family 0, the kernel's choice */
    uint16_t port;           /* of a reflector; 0: ICMP */
    uint64_t every_us;
    uint64_t limit_us; /* it ends by itself after that */
};

/* run: the number its order had. Times are of this host's CLOCK_MONOTONIC; error_us: by so much
 * they may be wrong, because the agent's clock is another one. */
struct drill_report_bucket {
    uint64_t at_us;
    struct drill_bucket b;
};

struct drill_report_path {
    uint64_t at_us;
    struct probe_path hops;
};

struct drill_report {
    uint32_t run;
    bool final;
    uint64_t error_us;
    uint32_t n_buckets, n_outages, n_paths;
    struct drill_report_bucket
        bucket[DRILL_REPORT_BUCKETS_MAX];         /* packets judged since the last report */
    struct probe_outage outage[DRILL_REPORT_MAX]; /* that ended since */
    struct drill_report_path
        path[DRILL_REPORT_MAX];   /* ways seen since, each another than the one before */
    struct probe_summary summary; /* of the whole run */
};

/* ---- paths.c: which way is which ---- */

#define DRILL_PATH_RULES_MAX 16
#define DRILL_PATH_HOPS_MAX  16

/* One row of `drills: paths:`. */
struct drill_path_rule {
    char name[32]; /* "vpn", "expressroute" */
    uint32_t n_hops, n_neighbors;
    struct kd_prefix hop[DRILL_PATH_HOPS_MAX]; /* one of them on the way */
    char neighbor[DRILL_PATH_HOPS_MAX][32];    /* or, for who has no hops: the best route's */
};

struct drill_path_rules {
    uint32_t n;
    struct drill_path_rule rule[DRILL_PATH_RULES_MAX];
};

/* The rule one of whose hops is on the way; "" when it is none's or more than one's. */
const char *drill_path_by_hops(const struct drill_path_rules *rules, const struct probe_path *p);
/* The rule that names the neighbor; "" likewise. */
const char *drill_path_by_neighbor(const struct drill_path_rules *rules, const char *neighbor);

/* ---- measure.c: a run ---- */

/* The run as far as it is known: what expectations are held against. */
struct drill_measured {
    bool begun, final; /* reports have come; the last one has */
    bool gone;         /* the agent has: none will come */
    uint64_t heard_us; /* when the last one came */
    uint64_t error_us;
    struct probe_summary summary; /* times of this host */
    char path[32];                /* the way in use by its rule; "" while it is none's */
    uint64_t path_us;             /* since when */
};

/* Takes a report of the run: packets, outages and ways go into the result. */
void drill_measure_take(struct drill_measured *m, struct drill_result *r,
                        const struct drill_path_rules *rules, const struct drill_report *report,
                        uint64_t now_us);
/* The best route towards the agent is by this neighbor now: a way with its time, where no hops
 * name one. */
void drill_measure_route(struct drill_measured *m, struct drill_result *r,
                         const struct drill_path_rules *rules, const char *neighbor,
                         uint64_t now_us);
/* The longest outage that ended or goes on since, and the packets lost; both 0 for none. Packets
 * younger than the probe's timeout are not judged yet. */
uint64_t drill_measured_outage_us(const struct drill_result *r, const struct drill_measured *m,
                                  uint64_t since_us, uint64_t now_us);

#endif
