/* What an agent measured, as it reports it, and its way into a drill's result. Pure values: the
 * agent is cli/agent.c, JSON control/agent.c's, connections io/measure.c's. */
#ifndef DRILL_MEASURE_H
#define DRILL_MEASURE_H

#include "drill/result.h"
#include "probe/names.h"

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
        path[DRILL_REPORT_MAX];   /* ways seen since, each another than the one before; or, with
                                     the time of that, the same with a hop that was silent */
    struct probe_summary summary; /* of the whole run */
};

/* ---- measure.c: a run ---- */

/* The run as far as it is known: what expectations are held against. */
struct drill_measured {
    bool begun, final; /* reports have come; the last one has */
    bool gone;         /* the agent has: none will come */
    uint64_t heard_us; /* when the last one came */
    uint64_t error_us;
    struct probe_summary summary; /* times of this host */
    char path[32];                /* the way in use by its name; "" while it is none's */
    uint64_t path_us;             /* since when */
    uint64_t mark_us;             /* from here on is counted: */
    uint64_t lost, outage_us;     /* as judged; the longest outage that ended since */
};

/* Takes a report of the run: packets, outages and ways go into the result. */
void drill_measure_take(struct drill_measured *m, struct drill_result *r,
                        const struct probe_names *names, const struct drill_report *report,
                        uint64_t now_us);
/* The best route towards the agent is by this neighbor now: a way with its time, where no hops
 * name one. Where no names are given at all, a way has its neighbor's. True: it is another way. */
bool drill_measure_route(struct drill_measured *m, struct drill_result *r,
                         const struct probe_names *names, uint32_t peer, const char *neighbor,
                         uint64_t now_us);
/* Counts from here on. */
void drill_measure_mark(struct drill_measured *m, uint64_t now_us);

/* What is known since the mark, as of the last report. A packet is judged when its time is up; that
 * later ones are answered says before that what will come of it, if no slower way brings it yet. */
struct drill_known {
    uint64_t carried_us;      /* when the newest answered packet left, by the way in use; 0: none */
    uint64_t lost, outage_us; /* at least; the longest one, also one that goes on */
    uint64_t lost_maybe, outage_maybe_us; /* not more, as it looks */
};
struct drill_known drill_measure_known(const struct drill_measured *m);

#endif
