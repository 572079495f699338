/* The configuration file: YAML text in, core_config out, or a list of what is wrong with it.
 *
 * Strict and all or nothing: unknown and duplicate keys are errors, every error is collected (up to
 * CONFIG_ERRORS_MAX) and nothing is handed out when there is one. Does no I/O itself: the text is
 * given, and secrets named in it are fetched through a callback. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "core/config.h"
#include "drill/plan.h"

#define CONFIG_TEXT_MAX   (1024 * 1024) /* a thousand tunnels take 600 KiB */
#define CONFIG_ERRORS_MAX 20            /* of each kind; a screen */
#define CONFIG_LINE_MAX   640           /* one error as a line, with room for a long path */

/* line and col count from 1; 0 when the whole file is meant. */
struct config_error {
    uint32_t line, col;
    char text[448]; /* "what: value; allowed: ...; did you mean ...?"; never a secret */
};

struct config_errors {
    char file[128];
    uint32_t n, n_warnings;
    bool more; /* there were others, not kept */
    struct config_error e[CONFIG_ERRORS_MAX];
    struct config_error w[CONFIG_ERRORS_MAX]; /* warnings: also filled on success */
};

enum config_secret_from {
    CONFIG_SECRET_FILE,       /* auth.psk-file, key-file: name is a path */
    CONFIG_SECRET_CREDENTIAL, /* auth.psk-credential, key-credential: in $CREDENTIALS_DIRECTORY */
};

enum config_secret_status {
    CONFIG_SECRET_OK,
    CONFIG_SECRET_FAILED,  /* why says what to do */
    CONFIG_SECRET_UNKNOWN, /* can't be known here (a check outside the unit): a warning */
};

struct config_secret {
    uint8_t data[16384]; /* the file's beginning; of a psk the first line counts. The largest
                          * private key in PEM has 6,500 bytes */
    size_t len;
    bool exposed; /* others than the owner and its group may read it */
    char why[128];
};

struct config_env {
    struct kc_ctx *crypto; /* NULL: secrets and certificates are checked, not kept */
    int64_t wall_s; /* UTC seconds since 1970, for warnings about certificates; 0: not known */
    /* Fills out (zeroed before; wiped by the config afterwards). NULL: all are unknown. */
    enum config_secret_status (*read_secret)(void *arg, enum config_secret_from from,
                                             const char *name, struct config_secret *out);
    /* A certificate or CRL, at most max bytes: *data is the caller's to free(). On anything but OK
     * why says what to do. NULL: all are unknown. */
    enum config_secret_status (*read_file)(void *arg, const char *path, size_t max, uint8_t **data,
                                           size_t *len, char *why, size_t cap);
    void *arg;
};

/* Reads text (borrowed; it may hold an inline psk, so the caller wipes it) into *out. False with
 * errs filled when anything is wrong; *out is then zeroed and no key is left in the arena. On
 * success the caller owns out's arrays (core_config_free()) and its keys. file is the name used in
 * messages. */
bool config_parse(struct kd_bytes text, const char *file, const struct config_env *env,
                  struct core_config *out, struct config_errors *errs) KD_MUST_USE;

/* Takes back what config_parse() made, keys in crypto's arena (NULL: none were) included. */
void config_discard(struct kc_ctx *crypto, struct core_config *cfg);

/* ---- a drill's file (drill.c) ---- */

/* Reads text (borrowed) and judges it against w. False with errs filled; out counts only on
 * success. file is the name used in messages. */
bool config_drill_parse(struct kd_bytes text, const char *file, const struct drill_world *w,
                        struct drill_plan *out, struct config_errors *errs) KD_MUST_USE;

/* ---- for a reload (diff.c) ---- */

#define CONFIG_PATH_MAX 128 /* "tunnels.onprem.neighbor.import" */

/* What a configuration says, key by key, without its secrets. Of a text that was accepted; NULL:
 * out of memory. */
struct config_print;
struct config_print *config_print_new(struct kd_bytes text);
void config_print_free(struct config_print *p);
/* Tells each key that differs; live: it takes hold in a running daemon (core_reload()). An entry
 * that came or went is one change. */
void config_diff(const struct config_print *from, const struct config_print *to,
                 void (*fn)(void *arg, const char *path, bool live), void *arg);
/* What runs when next was taken over in running: its live keys, the others as they were. NULL: out
 * of memory. */
struct config_print *config_print_merge(const struct config_print *running,
                                        const struct config_print *next);

/* "FILE:LINE:COL: error: text" (or "warning:") into buf, always terminated; returns buf. */
const char *config_error_line(const struct config_errors *errs, const struct config_error *e,
                              char *buf, size_t cap);

#endif
