/* The kedge command: one HTTP client, one renderer, a table of commands. Text is made from the JSON
 * that --json prints; the daemon's formats are src/control/control.h's. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/attr.h"

#include <jansson.h>
#include <stdio.h>

/* PRODUCT 2: what a script can tell apart. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* not true, refused; the reason is on stderr */
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3, /* no daemon */
    CLI_TIMEOUT = 4,
};

#define CLI_PROBE_PORT 8624 /* of the reflector, unless another is given */

struct cli {
    const char *socket;
    bool json;
    bool silent, follow, graceful;
    bool child, ike, rehearse; /* rekey: which */
    bool azure;          /* in Azure's columns */
    const char *columns; /* of those; NULL: all */
    uint64_t wait_us; /* 0: don't wait */
    const char *since, *event, *out, *tunnel, *message;
    bool dry_run, force, detach; /* drill run; dry_run: reload as well */
    const char *config;  /* a file, for what needs no daemon */
    const char *kind;    /* peer-config: for whom */
    bool strict;         /* import: a line that isn't understood is a failure */
    bool secrets;        /* ... with the pre-shared key */
    const char *to, *from; /* probe: addresses */
    uint16_t port;         /* ... of the reflector; 0: ICMP */
    bool reflect, path;
    const char *agent; /* ... for the drills of kedged, under this name */
    uint64_t interval_us, timeout_us, duration_us, outage_max_us; /* duration 0: until Ctrl-C */
    const char *command; /* its name in the table: "bgp neighbors" */
    int argc;            /* the command's arguments */
    char **argv;
};

/* ---- commands: an exit code ---- */

typedef enum cli_exit cli_command(const struct cli *c);
cli_command cli_status, cli_watch, cli_tunnel, cli_rekey, cli_explain, cli_mrt, cli_neighbor,
    cli_refresh, cli_neighbors, cli_policies, cli_reload, cli_routes, cli_events, cli_keylog,
    cli_check, cli_drill_list, cli_drill_show, cli_drill_report, cli_import, cli_peer_config,
    cli_probe, cli_readiness, cli_version;
cli_command cli_audit;
cli_command cli_drill_run, cli_drill_rehearse, cli_drill_abort;

/* True when the daemon can't have a tunnel of this name; said on stderr. */
bool cli_no_tunnel(const char *name) KD_MUST_USE;

/* ---- client.c: errors have been said on stderr ---- */

/* Answers below 400 as JSON in *out (new reference). body may be NULL. */
enum cli_exit cli_ask(const struct cli *c, const char *method, const char *path, const char *body,
                      json_t **out) KD_MUST_USE;
/* body NULL: GET, else POST. Hands each line of a stream to fn until it returns false or the stream
 * ends (CLI_OK), or timeout_us passes (CLI_TIMEOUT, nothing said; 0: no limit). */
enum cli_exit cli_stream(const struct cli *c, const char *path, const char *body,
                         uint64_t timeout_us,
                         bool (*fn)(void *arg, json_t *line), void *arg) KD_MUST_USE;
/* The same without a limit; tick (false: no more) is called about once a second meanwhile. */
enum cli_exit cli_stream_ticking(const struct cli *c, const char *path, const char *body,
                                 bool (*fn)(void *arg, json_t *line), bool (*tick)(void *arg),
                                 void *arg) KD_MUST_USE;
/* Writes the answer's body to the file, whatever it is; endless: however long it takes. */
enum cli_exit cli_download(const struct cli *c, const char *path, bool endless,
                           FILE *to) KD_MUST_USE;
/* save.c: the same into the file of that name ("-": stdout), which doesn't stay when it isn't whole
 * (of an endless one, it does). */
enum cli_exit cli_save(const struct cli *c, const char *path, bool endless,
                       const char *out) KD_MUST_USE;
/* path?key=value, escaped, onto path (cap bytes); value NULL: nothing. */
void cli_query(char *path, size_t cap, const char *key, const char *value);

/* ---- text.c ---- */

struct cli_table;
/* heads: names between blanks; one of them with a '>' in front is right-aligned; '_' in one is a
 * blank. */
struct cli_table *cli_table_new(const char *heads);
void cli_cell(struct cli_table *t, const char *fmt, ...) KD_PRINTF(2, 3);
void cli_table_print(struct cli_table *t, FILE *to); /* and frees it */

/* ---- azure.c ---- */

/* Azure's rows, of routes or neighbors by c's command, in the columns asked for. False: there is no
 * such column; said on stderr. */
bool cli_azure_print(const struct cli *c, const json_t *rows) KD_MUST_USE;

/* ---- health.c: both print nothing where there is nothing ---- */

void cli_health_print(const json_t *probes, FILE *to); /* a table */
void cli_steering_print(const json_t *steering, FILE *to); /* a line, of a neighbor */

/* ---- readiness.c ---- */

void cli_readiness_print(const json_t *answer, FILE *to);

#define CLI_TEXT_MAX 32
/* "3s", "2m10s", "4h03m", "2d04h" */
const char *cli_age(double s, char *buf);
/* "17 B", "1.2 KiB" */
const char *cli_size(uint64_t n, char *buf);
/* A field as text: "-" where it is absent, null or empty; control characters, which only a peer
 * would put there, as '?'. Borrowed from obj, or one of a few buffers used in turn. */
const char *cli_str(const json_t *obj, const char *key);
double cli_num(const json_t *obj, const char *key);
/* A list of strings or numbers joined by sep, into buf. */
const char *cli_join(const json_t *list, const char *sep, char *buf, size_t cap);
/* The object as indented JSON on stdout. */
void cli_print_json(const json_t *o);
/* 10s, 500ms, 2m */
bool cli_duration(const char *s, uint64_t *us);

#endif
