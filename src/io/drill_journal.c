/* The journal on disk: appended, synced, locked. Records are written on the pool, one at a time. */
#include "io/drill_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct record {
    struct record *next;
    uint32_t token;
    size_t len;
    char line[DRILL_RECORD_MAX];
};

struct io_journal {
    uv_loop_t *loop;
    uv_work_t work;
    int fd, error;
    struct record *head, **tail; /* the first one is being written */
    bool ending, telling; /* telling: done() is being called */
    io_journal_done *done;
    void *arg;
};

/* ---- files ---- */

static bool append(int fd, const char *line, size_t len)
{
    ssize_t n = write(fd, line, len);

    if (n >= 0 && (size_t)n != len)
        errno = ENOSPC;
    return n == (ssize_t)len && fdatasync(fd) == 0;
}

static bool put(int fd, const struct drill_record *r)
{
    char line[DRILL_RECORD_MAX];

    return append(fd, line, drill_record_put(r, line));
}

bool io_journal_undone(int fd, uint32_t step)
{
    const struct drill_record r = {.kind = DRILL_REC_UNDONE, .step = step};

    return put(fd, &r);
}

bool io_journal_end(int fd, const char *verdict)
{
    struct drill_record r = {.kind = DRILL_REC_END};

    snprintf(r.name, sizeof(r.name), "%s", verdict);
    return put(fd, &r);
}

/* The whole of it, malloc'ed. */
static char *slurp(int fd, size_t *len)
{
    char *text = malloc(DRILL_JOURNAL_MAX);
    ssize_t n;

    *len = 0;
    while (text && (n = pread(fd, text + *len, DRILL_JOURNAL_MAX - *len, (off_t)*len)) > 0)
        *len += (size_t)n;
    return text;
}

static bool understand(int fd, const char *path, struct drill_journal *j, char *why, size_t cap)
{
    size_t len;
    uint32_t line = 0;
    char *text = slurp(fd, &len);
    bool ok = text && drill_journal_get(kd_bytes(text, len), j, &line);

    free(text);
    if (!ok)
        snprintf(why, cap,
                 "%s: line %u isn't understood; look what it says is done, take it back by hand, "
                 "and remove the file",
                 path, line);
    return ok;
}

static int failed(int fd, const char *path, char *why, size_t cap)
{
    if (errno == EWOULDBLOCK)
        snprintf(why, cap, "%s: another process is taking its drill back", path);
    else
        snprintf(why, cap, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int io_journal_lock(const char *path, bool wait, struct drill_journal *j, char *why, size_t cap)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return failed(fd, path, why, cap);
    if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0)
        return failed(fd, path, why, cap);
    if (!understand(fd, path, j, why, cap)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool io_journal_read(const char *path, struct drill_journal *j, char *why, size_t cap)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok;

    memset(j, 0, sizeof(*j));
    if (fd < 0)
        return errno == ENOENT;
    ok = understand(fd, path, j, why, cap);
    close(fd);
    return ok;
}

bool io_journal_over(const char *path)
{
    static struct drill_journal j;
    char why[256];

    return io_journal_read(path, &j, why, sizeof(why)) && (!j.begun || j.ended);
}

/* ---- the writer ---- */

static void close_journal(struct io_journal *j)
{
    close(j->fd);
    free(j);
}

static void write_next(struct io_journal *j);

/* On the pool: the first record is nobody else's until it is written. */
static void on_work(uv_work_t *w)
{
    struct io_journal *j = w->data;

    j->error = append(j->fd, j->head->line, j->head->len) ? 0 : errno;
}

static void on_written(uv_work_t *w, int status)
{
    struct io_journal *j = w->data;
    struct record *r = j->head;
    int error = status ? ECANCELED : j->error;

    j->head = r->next;
    if (!j->head)
        j->tail = &j->head;
    if (j->head)
        write_next(j);
    j->telling = true;
    if (r->token && !j->ending)
        j->done(j->arg, r->token, error == 0, error ? strerror(error) : "");
    j->telling = false;
    free(r);
    if (!j->head && j->ending)
        close_journal(j);
}

static void write_next(struct io_journal *j)
{
    j->work.data = j;
    int rc = uv_queue_work(j->loop, &j->work, on_work, on_written);
    kd_assert(rc == 0);
}

struct io_journal *io_journal_new(uv_loop_t *loop, int fd, io_journal_done *done, void *arg)
{
    struct io_journal *j = calloc(1, sizeof(*j));

    if (!j || ftruncate(fd, 0) != 0) {
        free(j);
        return NULL;
    }
    *j = (struct io_journal){.loop = loop, .fd = fd, .done = done, .arg = arg};
    j->tail = &j->head;
    return j;
}

void io_journal_write(struct io_journal *j, const struct drill_record *r, uint32_t token)
{
    struct record *rec = calloc(1, sizeof(*rec));
    bool idle = !j->head;

    kd_assert(rec);
    rec->token = token;
    rec->len = drill_record_put(r, rec->line);
    *j->tail = rec;
    j->tail = &rec->next;
    if (idle)
        write_next(j);
}

void io_journal_free(struct io_journal *j)
{
    if (!j)
        return;
    j->ending = true;
    if (!j->head && !j->telling)
        close_journal(j);
}
