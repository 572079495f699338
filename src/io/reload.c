/* kedge reload and SIGHUP: the configuration is read again and, if it is good as a whole, what can
 * change under running sessions is handed to the core; the rest is named. With a bad file the
 * daemon goes on with what it has. A dry run ends before anything is handed over and says nothing
 * in the log. Reading and judging take the loop's time (a millisecond or two for ten tunnels). */
#include "io/io.h"

#include "io/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A line each, ended by '\n'; text NULL: none. */
struct lines {
    char *text;
    size_t len;
    bool broken; /* out of memory: some are left out */
};

static void add(struct lines *l, const char *text)
{
    size_t n = strlen(text);
    char *more = realloc(l->text, l->len + n + 2);

    l->broken = l->broken || !more;
    if (!more)
        return;
    l->text = more;
    memcpy(more + l->len, text, n);
    memcpy(more + l->len + n, "\n", 2);
    l->len += n + 1;
}

struct found {
    struct lines applied, restart;
};

static void on_change(void *arg, const char *path, bool live)
{
    struct found *f = arg;

    add(live ? &f->applied : &f->restart, path);
}

bool io_config_load(const char *path, struct kc_ctx *crypto, bool check, struct core_config *cfg,
                    struct config_print **print, struct config_errors *errs, char *why, size_t cap)
{
    struct config_env env = {.crypto = crypto,
                             .wall_s = (int64_t)time(NULL),
                             .read_secret = io_read_secret,
                             .read_file = io_read_public,
                             .arg = (void *)(uintptr_t)check};
    uint8_t *text;
    size_t len;
    bool ok;

    *print = NULL;
    errs->n = errs->n_warnings = 0;
    if (!io_read_file(path, CONFIG_TEXT_MAX, &text, &len, why, cap))
        return false;
    ok = config_parse(kd_bytes(text, len), path, &env, cfg, errs);
    if (ok)
        *print = config_print_new(kd_bytes(text, len));
    kc_wipe(text, len);
    free(text);
    return ok;
}

/* ---- secrets: aren't in a print, and may have changed in their files ---- */

static void compare_key(const struct io *io, struct kd_handle a, struct kd_handle b,
                        const char *entry, const char *name, const char *key, struct found *f)
{
    char path[CONFIG_PATH_MAX];

    if (kc_key_same(io->crypto, a, b))
        return;
    snprintf(path, sizeof(path), "%s.%s.%s", entry, name, key);
    if (!f->restart.len || !strstr(f->restart.text, path))
        add(&f->restart, path);
}

static void compare_tunnels(const struct io *io, const struct core_tunnel_config *a,
                            const struct core_tunnel_config *b, struct found *f)
{
    const char *name = a->ike.name;

    if (strcmp(name, b->ike.name) != 0)
        return;
    compare_key(io, a->ike.psk, b->ike.psk, "tunnels", name, "auth", f);
    compare_key(io, a->ike.ppk.key, b->ike.ppk.key, "tunnels", name, "ppk", f);
    if (a->has_neighbor && b->has_neighbor) {
        compare_key(io, a->neighbor.bfd.auth.key[0].key, b->neighbor.bfd.auth.key[0].key, "tunnels",
                    name, "neighbor.bfd", f);
        compare_key(io, a->neighbor.password, b->neighbor.password, "tunnels", name,
                    "neighbor.password", f);
    }
}

static void compare_keys(const struct io *io, const struct core_config *next, struct found *f)
{
    const struct core_config *now = core_configuration(io->core);

    for (uint32_t i = 0; i < now->n_tunnels; i++)
        for (uint32_t k = 0; k < next->n_tunnels; k++)
            compare_tunnels(io, &now->tunnels[i], &next->tunnels[k], f);
    for (uint32_t i = 0; i < now->n_neighbors; i++)
        for (uint32_t k = 0; k < next->n_neighbors; k++) {
            const struct core_neighbor_config *a = &now->neighbors[i], *b = &next->neighbors[k];
            if (strcmp(a->bgp.name, b->bgp.name) != 0)
                continue;
            compare_key(io, a->bfd.auth.key[0].key, b->bfd.auth.key[0].key, "neighbors",
                        a->bgp.name, "bfd", f);
            compare_key(io, a->password, b->password, "neighbors", a->bgp.name, "password", f);
        }
}

/* ---- reload ---- */

static void put_errors(const struct config_errors *errs, const struct config_error *e, uint32_t n,
                       struct lines *out)
{
    char line[CONFIG_LINE_MAX];

    for (uint32_t i = 0; i < n; i++)
        add(out, config_error_line(errs, &e[i], line, sizeof(line)));
}

/* "a, b" of the lines. */
static const char *joined(const struct lines *l, char *buf, size_t cap)
{
    size_t at = 0;

    for (size_t i = 0; i + 1 < l->len && at + 3 < cap; i++) {
        buf[at++] = l->text[i] == '\n' ? ',' : l->text[i];
        if (l->text[i] == '\n')
            buf[at++] = ' ';
    }
    buf[at] = '\0';
    return buf;
}

/* What was done, for the log and the events; the core takes the step in which it takes hold. */
static void tell(struct io *io, const struct lines *errors, const struct found *f)
{
    char text[512], names[220];
    struct core_ev ev = {.kind = CORE_EV_COMMAND, .command = CORE_CMD_RELOAD};
    int n;

    if (errors->len)
        n = snprintf(text, sizeof(text), "refused, nothing has changed: %.*s",
                     (int)strcspn(errors->text, "\n"), errors->text);
    else
        n = snprintf(text, sizeof(text), "taken over: %s",
                     f->applied.len ? joined(&f->applied, names, sizeof(names)) : "nothing");
    if (!errors->len && f->restart.len)
        snprintf(text + n, sizeof(text) - (size_t)n, "; needs a restart: %s",
                 joined(&f->restart, names, sizeof(names)));
    ev.ok = !errors->len;
    ev.data = kd_bytes_str(text);
    io_feed(io, &ev);
}

/* What of next, which is good, differs from what runs. What waits for a restart is named by every
 * reload until then. False: out of memory. */
static bool compare(const struct io *io, const struct core_config *next,
                    const struct config_print *print, struct found *f)
{
    if (!io->print || !print)
        return false;
    config_diff(io->print, print, on_change, f);
    compare_keys(io, next, f);
    return !f->applied.broken && !f->restart.broken;
}

/* What is live of next becomes the core's. False: out of memory. */
static bool take_over(struct io *io, const struct core_config *next,
                      const struct config_print *print)
{
    struct config_print *merged;

    if (!core_reload(io->core, next))
        return false;
    io->log_level = next->log_level;
    merged = config_print_merge(io->print, print);
    if (merged) {
        config_print_free(io->print);
        io->print = merged;
    }
    return true;
}

/* Into f and the lists, what the file says against what runs; next is to be discarded. */
static void judge(struct io *io, bool dry, struct core_config *next, struct found *f,
                  struct lines *errors, struct lines *warnings)
{
    static struct config_errors errs;
    struct config_print *print;
    char why[256];

    if (!io_config_load(io->config_path, io->crypto, false, next, &print, &errs, why,
                        sizeof(why))) {
        if (!errs.n)
            add(errors, why);
        put_errors(&errs, errs.e, errs.n, errors);
    } else {
        put_errors(&errs, errs.w, errs.n_warnings, warnings);
        if (!compare(io, next, print, f) || (!dry && !take_over(io, next, print)))
            add(errors, "out of memory");
    }
    config_print_free(print);
}

static struct kd_bytes bytes(const struct lines *l)
{
    return kd_bytes(l->text, l->len);
}

struct ctl_response io_reload(struct io *io, bool dry)
{
    struct lines errors = {.len = 0}, warnings = {.len = 0};
    struct found f = {.applied.len = 0};
    struct core_config next = {0};
    struct ctl_response r;

    judge(io, dry, &next, &f, &errors, &warnings);
    if (!dry)
        tell(io, &errors, &f);
    r = ctl_reloaded(&(struct ctl_reload){.dry = dry,
                                          .now = core_configuration(io->core),
                                          .next = &next,
                                          .errors = bytes(&errors),
                                          .warnings = bytes(&warnings),
                                          .applied = bytes(&f.applied),
                                          .restart = bytes(&f.restart)});
    config_discard(io->crypto, &next);
    free(errors.text);
    free(warnings.text);
    free(f.applied.text);
    free(f.restart.text);
    return r;
}
