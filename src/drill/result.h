/* What a drill came to, as plain bounded data: verdict, steps, the marks of its timeline, what was
 * lost, outages, paths, routes, and what a picture needs. Filled while the drill runs; JSON is
 * control/drill_result.c's, the page report.c's. DESIGN 3.11, PRODUCT 5.
 *
 * Times are microseconds since the drill's start, KD_NEVER for what did not happen. Texts are
 * UTF-8; they come from an operator or a peer, so whoever shows them escapes them. */
#ifndef DRILL_RESULT_H
#define DRILL_RESULT_H

#include "base/addr.h"
#include "base/attr.h"
#include "probe/probe.h"

#define DRILL_NAME_MAX    64
#define DRILL_TEXT_MAX    192
#define DRILL_ID_MAX      32 /* "20261121T020000.123Z" */
#define DRILL_STEPS_MAX   64
#define DRILL_MARKS_MAX   64 /* seven of them an outage, and one a neighbor or group more */
#define DRILL_OUTAGES_MAX 64 /* the first ones; how many there were is counted */
#define DRILL_PATHS_MAX   32 /* changes of the way, likewise */
#define DRILL_NO_PATH     UINT32_MAX
#define DRILL_ROUTES_MAX  32   /* neighbors */
#define DRILL_EVENTS_MAX  512  /* of the daemon; the page would show no more */
#define DRILL_BUCKETS_MAX 1024 /* of packets; wider ones when a drill lasts longer */

enum drill_verdict {
    DRILL_RUNNING,
    DRILL_PASSED,
    DRILL_FAILED,      /* an expectation did not hold, or a step failed */
    DRILL_ABORTED,     /* by command, Ctrl-C or because its client went */
    DRILL_INTERRUPTED, /* the daemon ended in it; restored by the guard or the next start */
    DRILL_VERDICT_N
};
extern const char *const drill_verdict_names[];

enum drill_outcome { DRILL_PENDING, DRILL_DONE, DRILL_NOT_DONE, DRILL_SKIPPED, DRILL_OUTCOME_N };
extern const char *const drill_outcome_names[];

/* Where a time comes from, and so what it is worth. */
enum drill_source {
    DRILL_BY_PROBE,
    DRILL_BY_DAEMON,
    DRILL_BY_DATAPLANE, /* kedge's own ESP: exact */
    DRILL_BY_KERNEL,    /* its SAs' counters, as often as they are looked at */
    DRILL_SOURCE_N
};
extern const char *const drill_source_names[];

enum drill_mark_kind {
    DRILL_LAST_GOOD, /* of the probe; or, by data plane or kernel, of what a tunnel carried */
    DRILL_DETECTION,
    DRILL_BGP_STOP,
    DRILL_FIB_FIRST, /* the kernel has acknowledged the first of many routes that move */
    DRILL_FIB,       /* ... and all of them, or their groups in one */
    DRILL_FIRST_GOOD,
    DRILL_RESTORE, /* everything undone */
    DRILL_MARK_N
};
extern const char *const drill_mark_names[];

enum drill_event_class {
    DRILL_EV_IKE, /* and tunnels */
    DRILL_EV_BGP,
    DRILL_EV_BFD,
    DRILL_EV_FIB,
    DRILL_EV_HEALTH,
    DRILL_EV_OTHER,
    DRILL_EV_N
};
extern const char *const drill_event_class_names[];

struct drill_step_result {
    char text[DRILL_TEXT_MAX];   /* "shutdown neighbor msee-primary" */
    char detail[DRILL_TEXT_MAX]; /* of its outcome; "" for nothing to say */
    enum drill_outcome outcome;
    uint64_t start_us, end_us;
    bool undo; /* a part of the restore */
};

struct drill_mark {
    enum drill_mark_kind kind;
    enum drill_source source;
    uint64_t at_us, precision_us; /* 0: exact to the microsecond */
    char what[DRILL_NAME_MAX];    /* tunnel, neighbor or path; "" for none */
};

/* Packets sent within width_us, by what became of them. */
struct drill_bucket {
    uint32_t answered, lost;
    uint32_t rtt_max_us;
};

struct drill_samples {
    uint64_t width_us; /* of a bucket; 0 before the first packet */
    uint32_t n;        /* buckets in use */
    struct drill_bucket b[DRILL_BUCKETS_MAX];
};

struct drill_path {
    uint64_t at_us;
    char name[DRILL_NAME_MAX]; /* as the configuration calls it; "" when it is none of those */
    enum drill_source source;  /* by probe: hops; by daemon: next hops or devices, as text */
    struct probe_path hops;
    char text[DRILL_TEXT_MAX]; /* by daemon: "via onprem (192.168.11.88)" */
};

struct drill_routes {
    char neighbor[DRILL_NAME_MAX];
    uint32_t before, during, after; /* accepted prefixes */
    uint32_t missing, extra;        /* against before, while it was looked at */
};

struct drill_event {
    uint64_t at_us;
    enum drill_event_class of;
    char name[32]; /* "tunnel.detect" */
    char what[DRILL_NAME_MAX];
    char detail[DRILL_TEXT_MAX];
};

struct drill_loss {
    uint64_t sent, answered, lost, late, duplicate, reordered;
    bool counted; /* the far end told which way they were lost: */
    uint64_t lost_out, lost_back;
    uint64_t outages, longest_us; /* longest_us 0: none */
    uint64_t rtt_p50_us, rtt_p95_us, rtt_max_us;
};

struct drill_result {
    char drill[DRILL_NAME_MAX];
    char node[DRILL_NAME_MAX];    /* the gateway it ran on */
    char version[32];             /* of kedged */
    uint64_t start_wall_us;       /* UTC since 1970 */
    uint64_t start_us, length_us; /* monotonic; start_us isn't kept */
    enum drill_verdict verdict;
    char reason[DRILL_TEXT_MAX]; /* "" when passed */
    bool forced, rehearsed;
    char probe_from[DRILL_NAME_MAX], probe_to[KD_ADDR_STR_MAX]; /* probe_to "": no probe */
    bool probe_udp;
    uint64_t probe_every_us;
    struct drill_loss loss;
    struct drill_samples samples;
    uint32_t n_steps, n_marks, n_outages, n_paths, n_routes, n_events;
    uint32_t events_left_out;
    uint32_t before, during, after; /* of path[]; DRILL_NO_PATH: not known */
    struct drill_step_result step[DRILL_STEPS_MAX];
    struct drill_mark mark[DRILL_MARKS_MAX];
    struct probe_outage outage[DRILL_OUTAGES_MAX]; /* times since the start, first_good_us KD_NEVER:
                                                      it went on to the end */
    struct drill_path path[DRILL_PATHS_MAX];
    struct drill_routes routes[DRILL_ROUTES_MAX];
    struct drill_event event[DRILL_EVENTS_MAX];
    /* Routes that change one after the other: one event, a mark at either end; isn't kept. */
    struct {
        uint32_t routes, event, mark; /* indexes, or UINT32_MAX */
        uint64_t first_us, last_us;
        uint64_t awaited_us; /* drill_result_await(); 0: no */
        bool back;
    } moving;
};

/* An empty one, running. start_us: CLOCK_MONOTONIC, start_wall_us: UTC of the same moment. */
void drill_result_begin(struct drill_result *r, const char *drill, uint64_t start_us,
                        uint64_t start_wall_us);
/* Its name in the history and of its file: the start, "20261121T020000.123Z"; returns buf. */
const char *drill_result_id(uint64_t start_wall_us, char buf[DRILL_ID_MAX]);

/* Each adds one and lends it for filling; NULL where there is no room, which only bounds what is
 * shown. at_us: CLOCK_MONOTONIC, as events have it; before the start counts as the start. */
struct drill_step_result *drill_result_step(struct drill_result *r, uint64_t at_us,
                                            const char *text);
struct drill_mark *drill_result_mark(struct drill_result *r, enum drill_mark_kind kind,
                                     enum drill_source source, uint64_t at_us, const char *what);
struct drill_path *drill_result_path(struct drill_result *r, enum drill_source source,
                                     uint64_t at_us, const char *name);
struct drill_routes *drill_result_routes(struct drill_result *r, const char *neighbor);
/* Counted in events_left_out where there is no room. Its class is told by its name. */
void drill_result_event(struct drill_result *r, uint64_t at_us, const char *name, const char *what,
                        const char *detail);
/* An outage as the probe tells it, with CLOCK_MONOTONIC times; first_good_us 0: it goes on. Leaves
 * the two marks of it as well. */
void drill_result_outage(struct drill_result *r, const struct probe_outage *o);
/* A step disturbs something, or (back) everything is taken back: the routes that move next move
 * because of it, wherever they are learned from; those that move back are a move of their own. */
void drill_result_await(struct drill_result *r, uint64_t now_us, bool back);
/* A packet that was judged. */
void drill_result_packet(struct drill_result *r, uint64_t sent_us, bool answered, uint64_t rtt_us);
/* Packets in one go, as an agent counts them. */
void drill_result_packets(struct drill_result *r, uint64_t at_us, const struct drill_bucket *b);
/* now_us: of the summary, for an outage that goes on. */
void drill_result_loss(struct drill_result *r, const struct probe_summary *s, uint64_t now_us);
/* The way that was in use then: an index of path[], or DRILL_NO_PATH. */
uint32_t drill_result_path_at(const struct drill_result *r, uint64_t at_us);
/* Ends it: its length, marks and events in the order of time. */
void drill_result_end(struct drill_result *r, uint64_t now_us, enum drill_verdict verdict,
                      const char *reason);

/* ---- samples.c ---- */

/* Buckets begin 1 ms wide and grow by doubling, so that the whole drill always fits. */
void drill_samples_add(struct drill_samples *s, uint64_t at_us, const struct drill_bucket *b);

#endif
