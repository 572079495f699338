/* The history's files. Nothing of it is trusted to be whole: what doesn't parse is named once and
 * stays for whoever wants to look; what isn't named as ours isn't looked at. */
#include "io/history.h"

#include "control/drill_result.h"
#include "drill/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024) /* a full result is half of that */
#define SUFFIX   ".json"
#define PAGE     ".html"

struct io_history {
    int dir; /* -1: in memory alone */
    char path[384];
    struct drill_history h;
};

static bool failed(char *why, size_t cap, const char *name, const char *what)
{
    snprintf(why, cap, "%s: %s", name, what);
    return false;
}

/* ---- reading ---- */

/* "20261121T020000.123Z.json" */
static bool is_ours(const char *name, char id[DRILL_ID_MAX])
{
    static const char form[] = "00000000T000000.000Z";
    size_t n = strlen(name);

    if (n != sizeof(form) - 1 + sizeof(SUFFIX) - 1 || strcmp(name + sizeof(form) - 1, SUFFIX) != 0)
        return false;
    memcpy(id, name, sizeof(form) - 1);
    id[sizeof(form) - 1] = '\0';
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '0' ? id[i] < '0' || id[i] > '9' : id[i] != form[i])
            return false;
    return true;
}

static bool read_all(int fd, char *buf, size_t cap, size_t *len, const char **why)
{
    struct stat st;
    ssize_t n = 0;

    *len = 0;
    *why = "not a file";
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    while (*len < cap && (n = read(fd, buf + *len, cap - *len)) > 0)
        *len += (size_t)n;
    *why = n < 0 ? strerror(errno) : "too long for a drill";
    return n == 0 && *len < cap;
}

bool io_history_read(const struct io_history *h, const char *id, struct drill_result *r, char *why,
                     size_t cap)
{
    char name[DRILL_ID_MAX + sizeof(SUFFIX)], found[DRILL_ID_MAX];
    struct ctl_fields_error e;
    const char *reason;
    size_t len;
    int fd;

    snprintf(name, sizeof(name), "%s" SUFFIX, id);
    if (h->dir < 0)
        return failed(why, cap, name, "not kept: gateway.state-directory is empty");
    fd = openat(h->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return failed(why, cap, name, strerror(errno));
    char *buf = malloc(FILE_MAX);
    bool ok = buf && read_all(fd, buf, FILE_MAX, &len, &reason);
    if (!ok)
        failed(why, cap, name, buf ? reason : "out of memory");
    else if (!ctl_drill_read(kd_bytes(buf, len), r, &e))
        ok = failed(why, cap, name, e.text);
    else if (strcmp(drill_result_id(r->start_wall_us, found), id) != 0)
        ok = failed(why, cap, name, "another drill's content");
    free(buf);
    close(fd);
    return ok;
}

static void damaged(struct drill_history *h, const char *why)
{
    if (h->n_damaged < KD_ARRAY_LEN(h->damaged))
        snprintf(h->damaged[h->n_damaged], sizeof(h->damaged[0]), "%s", why);
    h->n_damaged++;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int ours_only(const struct dirent *d)
{
    char id[DRILL_ID_MAX];

    return is_ours(d->d_name, id);
}

/* The newest that fit; older ones stay on the disk unseen until they are made room of. */
static void read_directory(struct io_history *h, struct drill_result *r)
{
    struct dirent **list = NULL;
    int n = scandir(h->path, &list, ours_only, by_name);
    char id[DRILL_ID_MAX], gone[DRILL_ID_MAX], why[192];

    for (int i = 0; i < n; i++) {
        if (i >= n - DRILL_HISTORY_MAX && is_ours(list[i]->d_name, id)) {
            if (io_history_read(h, id, r, why, sizeof(why))) {
                struct drill_summary s = drill_summary_of(r);
                drill_history_add(&h->h, &s, gone);
            } else {
                damaged(&h->h, why);
                fprintf(stderr, "warn drill.damaged %s/%s; it is left as it is\n", h->path, why);
            }
        }
        free(list[i]);
    }
    free(list);
}

static int directory_of_ours(const char *state, char path[384])
{
    snprintf(path, 384, "%s/drills", state);
    if (mkdir(state, 0700) != 0 && errno != EEXIST)
        return -1;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct io_history *io_history_open(const char *directory)
{
    struct io_history *h = calloc(1, sizeof(*h));
    struct drill_result *r = malloc(sizeof(*r));

    if (h && r) {
        h->dir = directory[0] ? directory_of_ours(directory, h->path) : -1;
        if (h->dir >= 0)
            read_directory(h, r);
        else if (directory[0])
            fprintf(stderr, "warn drill.history %s: %s; drills are kept in memory alone\n", h->path,
                    strerror(errno));
    } else {
        free(h);
        h = NULL;
    }
    free(r);
    return h;
}

void io_history_close(struct io_history *h)
{
    if (h && h->dir >= 0)
        close(h->dir);
    free(h);
}

const struct drill_history *io_history(const struct io_history *h)
{
    return &h->h;
}

/* ---- writing ---- */

static bool write_all(int fd, const char *p, size_t len)
{
    for (ssize_t n; len > 0; p += n, len -= (size_t)n) {
        n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n < 0)
            return false;
    }
    return true;
}

static bool put_file(int dir, const char *name, const char *text, size_t len)
{
    static const char tmp[] = "new";
    int fd;
    bool ok;

    (void)unlinkat(dir, tmp, 0); /* of a write that was cut short */
    fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    ok = write_all(fd, text, len) && fsync(fd) == 0 && renameat(dir, tmp, dir, name) == 0 &&
         fsync(dir) == 0;
    close(fd);
    return ok;
}

bool io_history_add(struct io_history *h, const struct drill_result *r, char *why, size_t cap)
{
    struct drill_summary s = drill_summary_of(r);
    char gone[DRILL_ID_MAX], name[DRILL_ID_MAX + sizeof(SUFFIX)];
    size_t len;
    char *text;
    bool ok;

    drill_history_add(&h->h, &s, gone);
    if (h->dir < 0)
        return true;
    if (gone[0]) {
        snprintf(name, sizeof(name), "%s" SUFFIX, gone);
        (void)unlinkat(h->dir, name, 0);
        snprintf(name, sizeof(name), "%s" PAGE, gone);
        (void)unlinkat(h->dir, name, 0);
    }
    snprintf(name, sizeof(name), "%s" SUFFIX, s.id);
    text = ctl_dump(ctl_drill_json(r), &len);
    ok = text && put_file(h->dir, name, text, len);
    if (!ok)
        failed(why, cap, name, text ? strerror(errno) : "out of memory");
    free(text);
    return ok;
}

bool io_history_page(struct io_history *h, const struct drill_result *r, char *why, size_t cap)
{
    struct drill_stats stats = drill_history_stats(&h->h, r->drill);
    char id[DRILL_ID_MAX], name[DRILL_ID_MAX + sizeof(PAGE)];
    size_t len;
    char *text;
    bool ok;

    snprintf(name, sizeof(name), "%s" PAGE, drill_result_id(r->start_wall_us, id));
    if (h->dir < 0)
        return failed(why, cap, name, "not kept: gateway.state-directory is empty");
    text = drill_report_html(r, &stats, &len);
    ok = text && put_file(h->dir, name, text, len);
    if (!ok)
        failed(why, cap, name, text ? strerror(errno) : "out of memory");
    free(text);
    return ok;
}
