/* Readiness: would the backup carry, if it had to, now? A passive way fails unseen, so every
 * tunnel that backs something up is judged all the time, and each thing that is wrong is a reason
 * with its words, its remedy and since when.
 *
 *   facts.c   what the core's views say of one tunnel, as values
 *   routes.c  prefixes over the backup against those over the primary
 *   back.c    the way back, as far as it shows here
 *   judge.c   the reasons: a table, one row each
 *   ready.c   over time: since when, and what has changed
 *
 * Pure: reads views, changes nothing, does no I/O; time and counters come with the call. PRODUCT
 * 6. */
#ifndef READY_READY_H
#define READY_READY_H

#include "core/core.h"

enum ready_verdict { READY_READY, READY_DEGRADED, READY_NOT, READY_VERDICT_N };
extern const char *const ready_verdict_names[]; /* "ready", "degraded", "not-ready" */

enum ready_code {
    READY_TUNNEL_DOWN,
    READY_ONE_WAY,
    READY_SESSION_DOWN,
    READY_BFD_DOWN,
    READY_SESSION_YOUNG,
    READY_ROUTES_TOO_MANY, /* to be compared */
    READY_PREFIX_MISSING,
    READY_PREFIX_MORE_SPECIFIC,
    READY_PRIMARY_FOLLOWS, /* it takes our way, and that is the backup */
    READY_PREFIX_EXTRA,
    READY_BACKUP_PREFERRED,
    READY_PREFERENCE_UNEVEN, /* lower than some ways of the primary, not than all */
    READY_TOLD_MISSING,
    READY_TOLD_MORE_SPECIFIC,
    READY_TOLD_PREFERRED,
    READY_TOLD_HIDDEN,
    READY_RETURN_ELSEWHERE, /* our own prefix comes back over the primary */
    READY_REKEY_FAILED,
    READY_REKEY_UNREHEARSED,
    READY_MTU_BLACK_HOLE,
    READY_SA_ENDING,
    READY_CERT_ENDING,
    READY_DRILL_FAILED,
    READY_DRILL_OLD,
    READY_DRILL_NONE,
    READY_CODE_N
};
extern const char *const ready_code_names[]; /* "tunnel-down", ..., NULL */

/* ---- routes.c ---- */

struct ready_route {
    struct kd_prefix prefix;
    uint32_t peer, local_pref, med, first_as;
    uint16_t weight, n_as, n_first; /* n_first: how often first_as leads the path */
    uint8_t origin;
    bool ibgp, has_med;
    bool extra; /* set by ready_routes_compare() on what is in its list of that name */
};

#define READY_NAMED 16 /* prefixes named of a list; the rest is counted */

struct ready_list {
    uint32_t n, n_named; /* n: in all */
    struct kd_prefix named[READY_NAMED];
};

/* What we learn, or what we tell: the backup beside its primaries. */
struct ready_routes {
    uint32_t n_primary, n_backup; /* prefixes */
    struct ready_list missing, more_specific, extra, preferred, uneven;
    struct ready_list longer; /* told the backup with more AS hops than any of the primary's */
    struct ready_route primary, backup; /* an example of preferred, else of uneven */
};

/* Sorts both. learned: the primary's path has to be better; else (told) the backup's must not be,
 * as far as the length of the AS path says, which is all that another AS is told. */
void ready_routes_compare(struct ready_route *primary, uint32_t n_primary,
                          struct ready_route *backup, uint32_t n_backup, bool learned,
                          struct ready_routes *out);
void ready_routes_sort(struct ready_route *r, uint32_t n);
/* The first of those with that prefix, in sorted ones; n: none. */
uint32_t ready_routes_find(const struct ready_route *r, uint32_t n, const struct kd_prefix *p);
void ready_list_add(struct ready_list *l, const struct kd_prefix *p);

/* ---- back.c ---- */

struct ready_back {
    struct ready_list follows;  /* only the backup has them, and a primary is told them by us */
    struct ready_list returned; /* a primary tells us our own by another way than we told it */
    struct ready_route follower, returner; /* an example of each */
};

/* All four sorted by ready_routes_compare() or ready_routes_sort(). backup: learned over it;
 * told_primary, told_backup: what we tell; own: what primaries tell us with our AS in its path. */
struct ready_side {
    const struct ready_route *r;
    uint32_t n;
};
void ready_back(struct ready_side backup, struct ready_side told_primary,
                struct ready_side told_backup, struct ready_side own, struct ready_back *out);

/* ---- facts.c ---- */

struct ready_drill {
    char name[64];
    int64_t at_s; /* its end, UTC seconds since 1970; 0: none is known */
    bool passed;
};

/* What is left of an SA's life, by whichever of its limits is nearest. */
enum ready_limit { READY_TIME, READY_BYTES, READY_PACKETS }; /* us; inner bytes; packets */
struct ready_ending {
    const char *name; /* "IKE SA", "child SA"; NULL: none */
    enum ready_limit limit;
    uint64_t left;
    uint32_t ppm; /* of its life, that is */
};

struct ready_facts {
    const struct core_readiness *want;
    uint64_t now_us;
    int64_t wall_s;
    const char *tunnel;
    enum core_tunnel_state state;
    enum kd_reason reason;
    bool child_up;
    uint64_t state_us; /* how long it is in that state */
    /* ESP: packets sent since the last one came, and how long that is */
    uint64_t unheard, unheard_us, unheard_max_us;
    const char *neighbor; /* NULL: it has none */
    enum bgp_state bgp;
    enum kd_reason bgp_reason;
    uint64_t bgp_us; /* how long it is in that state */
    bool bfd, bfd_up;
    /* settled: the backup has told all that it has to tell, and no drill moves routes about.
     * compared: and all primaries have, too; else missing is of those that stand
     * (n_primary 0: none do). */
    bool settled, compared, too_many;
    struct ready_routes in, out;
    struct ready_back back;
    const char *uneven_name; /* of the primary in in.primary, ... */
    const char *follower_name, *returner_name;
    struct core_rehearsal_view rehearsal;
    uint32_t mtu_need, mtu_path, mtu_inner; /* outer datagram wanted, passing; inner that fits; 0:
                                             * not known */
    struct ready_ending ending;             /* of the SA that ends first */
    int64_t cert_until_s;                   /* 0: none */
    bool cert_ours;
    struct ready_drill drill;
};

/* Counters of a pair; false: unknown. */
struct ready_used {
    uint64_t packets_in, packets_out, bytes_in, bytes_out; /* inner bytes */
};
typedef bool ready_count(void *arg, struct kd_handle child, struct ready_used *used);

struct ready_env {
    const struct core *core;
    uint64_t now_us;
    int64_t wall_s;
    bool drilling;      /* a drill runs: what it moves is no one's mistake */
    ready_count *count; /* NULL: none */
    void *arg;
};

/* What is remembered of a tunnel between two judgements. */
struct ready_memory {
    uint64_t in, out, unheard, heard_us; /* heard_us 0: not begun */
    uint64_t print;                      /* of what the routes depend on: compared anew on change */
    uint64_t compared_us;
    uint32_t told;    /* prefixes, by the backup and its primaries, ... */
    uint64_t told_us; /* ... as many since then; 0: not begun */
    bool compared, too_many;
    struct ready_routes routes_in, routes_out;
    struct ready_back back;
};

void ready_facts(const struct ready_env *env, uint32_t tunnel, struct ready_memory *m,
                 struct ready_facts *f);

/* ---- judge.c ---- */

#define READY_TEXT_MAX 512

struct ready_reason {
    enum ready_code code;
    enum ready_verdict verdict;
    uint64_t since_us;
    char words[READY_TEXT_MAX], remedy[READY_TEXT_MAX];
};

struct ready_judgement {
    enum ready_verdict verdict;
    uint32_t n;
    struct ready_reason reason[READY_CODE_N]; /* since_us is not set */
};

void ready_judge(const struct ready_facts *f, struct ready_judgement *out);
bool ready_is_drill(enum ready_code code); /* of the drills, so that a drill mends it */

/* ---- ready.c ---- */

struct ready; /* all backups of a daemon */

struct ready_view {
    enum ready_verdict verdict;
    uint64_t since_us; /* of the verdict */
    uint32_t n;
    const struct ready_reason *reason; /* borrowed until the next step */
    const struct ready_routes *in, *out;
    bool compared;
};

struct ready *ready_new(void) KD_MUST_USE; /* NULL: out of memory */
void ready_free(struct ready *r);
/* The last drill, read from the history or just ended. */
void ready_set_drill(struct ready *r, const struct ready_drill *d);
const struct ready_drill *ready_last_drill(const struct ready *r);
/* A tunnel's verdict or its reasons are others now: codes, comma-separated. */
typedef void ready_changed(void *arg, uint32_t tunnel, enum ready_verdict verdict,
                           const char *codes);
/* Judges the backups whose turn it is; returns when it wants to be called again. */
uint64_t ready_step(struct ready *r, const struct ready_env *env, ready_changed *changed,
                    void *arg);
/* False: no backup, or not yet judged. */
bool ready_get(const struct ready *r, uint32_t tunnel, struct ready_view *v);
/* Of all backups judged, not ready where none is yet; for_drill: without what a drill itself would
 * mend. */
enum ready_verdict ready_worst(const struct ready *r, bool for_drill);

#endif
