/* The key log's files and its life. Rows are built on the stack, written with one write(2) each,
 * and wiped; they pass through no buffer of stdio, HTTP, events or log. What has been written is
 * remembered by handle, so that memory is bounded by the SAs alive. */
#include "io/keylog.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Generations written, by a slab's index. */
struct written {
    uint32_t *gen;
    uint32_t n;
};

struct io_keylog {
    uint64_t stream;
    uint32_t tunnel;
    int ike_fd, esp_fd; /* the same where one file takes both */
    bool one_file;
    struct written sas, children;
    uint32_t n_ike, n_esp;
    char *head; /* lines for the follower before it is there; else NULL */
    char path[256];
};

/* ---- files ---- */

static const char *const remedy =
    "name a directory or file that root may write (kedged's unit hides /home and /tmp: take "
    "/run/kedge)";

/* Append, so that a profile's own rows stay; nobody else's file, nobody else may read it. */
static int open_file(const char *path, char *why, size_t cap)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0) {
        snprintf(why, cap, "%.120s: %s; %s", path, strerror(errno), remedy);
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        (st.st_mode & 077) == 0)
        return fd;
    snprintf(why, cap, "%.120s: not a file that root alone may read; chmod 600, or name another",
             path);
    close(fd);
    return -1;
}

static bool open_files(struct io_keylog *k, const char *out, char *why, size_t cap)
{
    struct stat st;
    char path[512];

    k->one_file = stat(out, &st) != 0 || !S_ISDIR(st.st_mode);
    if (k->one_file) {
        k->ike_fd = k->esp_fd = open_file(out, why, cap);
        return k->ike_fd >= 0;
    }
    snprintf(path, sizeof(path), "%s/ikev2_decryption_table", out);
    k->ike_fd = open_file(path, why, cap);
    snprintf(path, sizeof(path), "%s/esp_sa", out);
    k->esp_fd = k->ike_fd >= 0 ? open_file(path, why, cap) : -1;
    return k->esp_fd >= 0;
}

static void close_files(struct io_keylog *k)
{
    if (k->ike_fd >= 0)
        close(k->ike_fd);
    if (k->esp_fd >= 0 && k->esp_fd != k->ike_fd)
        close(k->esp_fd);
}

/* ---- rows ---- */

/* True once for each handle. */
static bool first_time(struct written *w, struct kd_handle h)
{
    if (h.idx >= w->n) {
        uint32_t n = KD_MAX(2 * w->n, h.idx + 64);
        uint32_t *grown = realloc(w->gen, n * sizeof(*grown));
        if (!grown)
            return false;
        memset(grown + w->n, 0, (n - w->n) * sizeof(*grown));
        w->gen = grown;
        w->n = n;
    }
    if (w->gen[h.idx] == h.gen)
        return false;
    w->gen[h.idx] = h.gen;
    return true;
}

/* Wipes the row. */
static void put(const struct io_keylog *k, int fd, const char *table, char row[IO_KEYLOG_ROW])
{
    char line[IO_KEYLOG_ROW + 64];
    int n = snprintf(line, sizeof(line), "%s%s%s%s", k->one_file && row[0] != '#' ? "uat:" : "",
                     k->one_file && row[0] != '#' ? table : "",
                     k->one_file && row[0] != '#' ? ":" : "", row);

    if (n > 0 && write(fd, line, (size_t)n) != n)
        fprintf(stderr, "error keylog: a row was not written: %s\n", strerror(errno));
    kc_wipe(line, sizeof(line));
    kc_wipe(row, IO_KEYLOG_ROW);
}

static const char *tunnel_name(const struct io *io, uint32_t conn)
{
    struct core_tunnel_view v;

    return core_tunnel_get(io->core, conn, &v) ? v.config->ike.name : "-";
}

/* What the client prints; no key is in it. */
static void tell(struct io *io, struct io_keylog *k, const char *kind, uint32_t conn, bool ok,
                 const char *spis)
{
    char line[256], *grown;

    snprintf(line, sizeof(line),
             "{\"version\":1,\"wrote\":\"%s\",\"tunnel\":\"%s\",\"spis\":\"%s\",\"usable\":%s}\n",
             kind, tunnel_name(io, conn), spis, ok ? "true" : "false");
    if (!k->head) {
        io_http_line(io->http, k->stream, line);
        return;
    }
    grown = realloc(k->head, strlen(k->head) + strlen(line) + 1);
    if (grown)
        k->head = strcat(grown, line);
}

static void put_ike(struct io *io, struct io_keylog *k, const struct ike_sa_keys *s)
{
    char row[IO_KEYLOG_ROW], spis[40];
    bool ok = io_keylog_ike_row(io->crypto, s, row);
    size_t n = 0;

    for (size_t i = 0; i < 16; i++)
        n += (size_t)snprintf(spis + n, sizeof(spis) - n, "%s%02x", i == 8 ? " " : "",
                              i < 8 ? s->spi_i[i] : s->spi_r[i - 8]);
    put(k, k->ike_fd, "ikev2_decryption_table", row);
    k->n_ike++;
    tell(io, k, "ike", s->conn, ok, spis);
}

static void put_pair(struct io *io, struct io_keylog *k, const struct ike_child_keys *c)
{
    char row[IO_KEYLOG_ROW], spis[40];
    bool ok = io_keylog_esp_row(io->crypto, c, true, row);

    put(k, k->esp_fd, "esp_sa", row);
    ok = io_keylog_esp_row(io->crypto, c, false, row) && ok;
    put(k, k->esp_fd, "esp_sa", row);
    k->n_esp++;
    snprintf(spis, sizeof(spis), "%08x %08x", c->spi_in, c->spi_out);
    tell(io, k, "esp", c->conn, ok, spis);
}

void io_keylog_scan(struct io *io)
{
    struct io_keylog *k = io->keylog;
    struct kd_handle at = KD_HANDLE_NONE;
    struct ike_sa_keys s;
    struct ike_child_keys c;

    if (!k)
        return;
    /* By a key, not by the SA: further key exchanges (RFC 9370) give it others. */
    while (ike_sa_keys_next(core_ike(io->core), &at, &s))
        if ((k->tunnel == CORE_NO_TUNNEL || k->tunnel == s.conn) && first_time(&k->sas, s.ei))
            put_ike(io, k, &s);
    at = KD_HANDLE_NONE;
    while (ike_child_keys_next(core_ike(io->core), &at, &c))
        if ((k->tunnel == CORE_NO_TUNNEL || k->tunnel == c.conn) &&
            first_time(&k->children, c.self))
            put_pair(io, k, &c);
}

/* ---- its life ---- */

static void say(struct io *io, const char *text)
{
    struct core_ev ev = {
        .kind = CORE_EV_COMMAND, .command = CORE_CMD_KEYLOG, .data = kd_bytes_str(text)};

    io_feed(io, &ev);
}

static void discard(struct io_keylog *k)
{
    close_files(k);
    free(k->head);
    free(k->sas.gen);
    free(k->children.gen);
    free(k);
}

/* The event, and with its step the first scan: what the follower is told first is in k->head. */
static char *begin(struct io *io, struct io_keylog *k)
{
    bool all = k->tunnel == CORE_NO_TUNNEL;
    char text[400], *head;

    io->keylog = k;
    snprintf(text, sizeof(text),
             "THE KEYS of %s%.16s ARE BEING WRITTEN to %.200s: who has them can read the traffic",
             all ? "every tunnel" : "tunnel ", all ? "" : tunnel_name(io, k->tunnel), k->path);
    say(io, text);
    head = k->head;
    k->head = NULL;
    return head;
}

char *io_keylog_start(struct io *io, const char *out, uint32_t tunnel, uint64_t stream, char *why,
                      size_t cap)
{
    struct io_keylog *k;

    if (io->keylog) {
        snprintf(why, cap, "keys are being written to %.120s already; end that kedge keylog first",
                 io->keylog->path);
        return NULL;
    }
    k = calloc(1, sizeof(*k));
    if (k)
        k->head = strdup("{\"version\":1,\"keylog\":\"started\"}\n");
    if (!k || !k->head) {
        free(k);
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    k->stream = stream;
    k->tunnel = tunnel;
    k->ike_fd = k->esp_fd = -1;
    snprintf(k->path, sizeof(k->path), "%s", out);
    if (!open_files(k, out, why, cap)) {
        discard(k);
        return NULL;
    }
    return begin(io, k);
}

void io_keylog_stop(struct io *io, uint64_t stream)
{
    struct io_keylog *k = io->keylog;
    char text[400];

    if (!k || k->stream != stream)
        return;
    io->keylog = NULL;
    snprintf(text, sizeof(text), "keys are no longer written; %.200s has %u IKE SAs and %u pairs",
             k->path, k->n_ike, k->n_esp);
    discard(k);
    say(io, text);
}

const char *io_keylog_path(const struct io *io)
{
    return io->keylog ? io->keylog->path : NULL;
}
