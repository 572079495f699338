/* A drill as its file says it (PRODUCT 5), and the judge that refuses what could not be restored.
 * Values only: src/config/drill.c reads the file, run.h carries it out. */
#ifndef DRILL_PLAN_H
#define DRILL_PLAN_H

#include "base/addr.h"
#include "base/attr.h"
#include "drill/result.h"

#define DRILL_WORD_MAX       32  /* names of drills, neighbors, tunnels and paths */
#define DRILL_ARGV_LEN       512 /* of one command, its words with their NULs */
#define DRILL_ARGV_MAX       32
#define DRILL_OVER_MAX       8
#define DRILL_SAY_MAX        256 /* a step or a verdict in words */

#define DRILL_TIME_MAX_US KD_S(24 * 3600) /* of a whole drill */

enum drill_step_kind {
    DRILL_STEP_SHUTDOWN, /* neighbor, how, after_us: graceful: from the tag to the end */
    DRILL_STEP_ENABLE,   /* neighbor: takes one SHUTDOWN back */
    DRILL_STEP_TUNNEL,   /* tunnel, how: announced or silent */
    DRILL_STEP_DRAIN,    /* neighbor, by, over */
    DRILL_STEP_EXEC,     /* run, undo, after_us: either may take so long */
    DRILL_STEP_EXPECT,   /* expect */
    DRILL_STEP_HOLD,     /* after_us */
    DRILL_STEP_RESTORE,  /* everything so far */
    DRILL_STEP_N
};

enum drill_how { DRILL_ANNOUNCED, DRILL_GRACEFUL, DRILL_SILENT };

enum drill_by {
    DRILL_BY_GSHUT,         /* told GRACEFUL_SHUTDOWN (RFC 8326), and believed last */
    DRILL_BY_MORE_SPECIFIC, /* halves of what it is told go over others, and it is believed last */
    DRILL_BY_LOCAL_PREF,    /* believed last: our own way out moves */
};

/* A command without a shell: words[] holds n strings behind one another. */
struct drill_argv {
    uint16_t n, len;
    char words[DRILL_ARGV_LEN];
};

struct drill_expect {
    char path[DRILL_WORD_MAX]; /* "": any */
    bool routes_unchanged;
    bool has_outage, has_loss;
    uint64_t outage_max_us;
    uint32_t loss_max; /* packets */
    uint64_t within_us;
};

struct drill_step {
    enum drill_step_kind kind;
    uint32_t line, col; /* in the file, from 1 */
    char name[DRILL_WORD_MAX];
    uint32_t target; /* the neighbor's or tunnel's id: drill_plan_judge() fills it in */
    enum drill_how how;
    enum drill_by by;
    uint32_t n_over, over[DRILL_OVER_MAX]; /* neighbors' ids, likewise */
    char over_name[DRILL_OVER_MAX][DRILL_WORD_MAX];
    uint64_t after_us;
    struct drill_argv run, undo;
    struct drill_expect expect;
};

struct drill_window {
    bool on;
    uint8_t days;                /* a bit each, 0: Sunday; the day it begins on */
    uint16_t from_min, to_min;   /* of the day; to before from: over midnight */
    char timezone[64];
};

struct drill_probe_plan {
    bool on;
    /* kedge probe --agent, on the host that owns the source address; "": kedged, from its own */
    char agent[DRILL_WORD_MAX];
    struct kd_addr from, to;    /* from: family 0: the kernel's choice */
    uint16_t port;              /* of the reflector; 0: ICMP */
    uint64_t every_us;
};

struct drill_plan {
    char name[DRILL_WORD_MAX];
    struct drill_window window;
    bool require_ready, rehearse; /* in the simulator first: practice/rehearse.h */
    struct drill_probe_plan probe;
    uint64_t lease_us; /* after kedged's death the guard waits so long for another */
    bool html, json;
    uint32_t n;
    struct drill_step step[DRILL_STEPS_MAX];
    uint64_t limit_us; /* it is restored after that at the latest: drill_plan_judge() */
};

/* What there is to drill, at the time of judging. */
struct drill_neighbor {
    const char *name; /* borrowed */
    uint32_t id;
    bool azure;      /* a profile of Azure's: customers' communities are ignored there */
    bool tunnel;     /* over a tunnel */
    bool admin_down; /* already */
};

struct drill_tunnel {
    const char *name;
    uint32_t id;
    bool responder; /* only answers */
    bool disabled;  /* already down by command */
};

struct drill_world {
    uint32_t n_neighbors, n_tunnels;
    const struct drill_neighbor *neighbor;
    const struct drill_tunnel *tunnel;
};

/* Told of each fault with its place and remedy. */
typedef void drill_fault(void *arg, const struct drill_step *where, const char *text);

/* Resolves the names, computes the limit; false when something was said. */
bool drill_plan_judge(struct drill_plan *p, const struct drill_world *w, drill_fault *say,
                      void *arg) KD_MUST_USE;

/* Does the step change something that a restore has to take back? */
bool drill_step_disturbs(const struct drill_step *s);
/* "shut neighbor msee down", and what takes it back ("" for nothing); both return buf. */
const char *drill_step_say(const struct drill_step *s, char buf[DRILL_SAY_MAX]);
const char *drill_undo_say(const struct drill_step *s, char buf[DRILL_SAY_MAX]);
/* Appends a word; false when it doesn't fit. */
bool drill_argv_add(struct drill_argv *a, const char *word) KD_MUST_USE;
/* Pointers into a, NULL behind the last: as execve() wants them. */
void drill_argv_get(const struct drill_argv *a, const char *argv[DRILL_ARGV_MAX + 1]);

/* Is it open on that weekday (0: Sunday) at that minute of the day, both in its timezone? */
bool drill_window_open(const struct drill_window *w, unsigned day, unsigned minute);
/* "sat 02:00 to 04:00 UTC"; returns buf. */
const char *drill_window_say(const struct drill_window *w, char buf[DRILL_SAY_MAX]);

#endif
