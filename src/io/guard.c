/* The guard process: runs commands for kedged, one at a time, and is what is left of a drill when
 * kedged has died. Single-threaded and blocking; nothing of kedged's is in it. */
#include "io/drill_guard.h"

#include "io/drill_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TERM_MS   500 /* from SIGTERM to SIGKILL */
#define SAID_MAX  160 /* of what a command says on standard error */
#define LOOK_MS   100 /* at the journal, while the lease lasts */
#define TRIES     3

struct command {
    pid_t pid;
    int pidfd, err; /* err: its standard error */
    char said[SAID_MAX];
    size_t n_said;
};

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- one command ---- */

_Noreturn static void child(const struct drill_argv *a, int err)
{
    const char *argv[DRILL_ARGV_MAX + 1];
    int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    dup2(null, 0);
    dup2(null, 1);
    dup2(err, 2);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    drill_argv_get(a, argv);
    execv(argv[0], (char *const *)argv);
    dprintf(2, "%s", strerror(errno));
    _exit(127);
}

static bool start(struct command *c, const struct drill_argv *a)
{
    int err[2];

    *c = (struct command){.pid = -1, .pidfd = -1, .err = -1};
    if (a->n == 0 || pipe2(err, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    c->pid = fork();
    if (c->pid == 0)
        child(a, err[1]);
    close(err[1]);
    c->err = err[0];
    if (c->pid < 0) {
        close(err[0]);
        return false;
    }
    setpgid(c->pid, c->pid); /* whoever is first */
    c->pidfd = pidfd_open(c->pid, 0);
    return true;
}

static void hear(struct command *c)
{
    char rest[256];
    ssize_t n;

    while ((n = read(c->err, rest, sizeof(rest))) > 0)
        for (ssize_t i = 0; i < n && c->n_said < SAID_MAX - 1; i++)
            c->said[c->n_said++] = rest[i] >= ' ' && rest[i] < 0x7f ? rest[i] : ' ';
    c->said[c->n_said] = '\0';
}

/* True when it ended within ms, or input came (then it runs on). */
static bool wait_for(const struct command *c, int input, int ms)
{
    struct pollfd p[2] = {{.fd = c->pidfd, .events = POLLIN}, {.fd = input, .events = POLLIN}};

    return poll(p, 2, ms) > 0;
}

static bool ended(const struct command *c)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

/* Its whole group, politely first. */
static void stop(const struct command *c)
{
    kill(-c->pid, SIGTERM);
    (void)wait_for(c, -1, TERM_MS);
    kill(-c->pid, SIGKILL);
}

static bool finish(struct command *c, const char *stopped, char *text, size_t cap)
{
    int status = 0;
    size_t n = 0;
    bool ok;

    waitpid(c->pid, &status, 0);
    hear(c);
    ok = !stopped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (stopped)
        n = (size_t)snprintf(text, cap, "%s", stopped);
    else if (WIFEXITED(status))
        n = (size_t)snprintf(text, cap, "exit status %d", WEXITSTATUS(status));
    else
        n = (size_t)snprintf(text, cap, "ended by signal %d", WTERMSIG(status));
    if (c->n_said)
        snprintf(text + n, cap - n, ": %s", c->said);
    close(c->pidfd);
    close(c->err);
    return ok;
}

/* Runs it to its end, or its time's, or until input comes (or ends) where there is one. */
static bool run(const struct drill_record *r, int input, char *text, size_t cap)
{
    uint64_t until = now_ms() + r->timeout_us / 1000, now;
    const char *stopped = NULL;
    struct command c;

    if (!start(&c, &r->undo)) {
        snprintf(text, cap, "it can't be started: %s", strerror(errno));
        return false;
    }
    while (!ended(&c) && !stopped) {
        now = now_ms();
        if (now >= until)
            stopped = "its time ran out";
        else if (wait_for(&c, input, (int)KD_MIN(until - now, 1000u)) && input >= 0 && !ended(&c))
            stopped = "ended by command";
        hear(&c);
    }
    if (stopped)
        stop(&c);
    return finish(&c, stopped, text, cap);
}

/* ---- what is left in a journal ---- */

/* Takes back what is left, each with a few tries, and writes that down. False: not all of it. */
static bool restore(const char *path, bool wait)
{
    static struct drill_journal j;
    const struct drill_record *r;
    uint32_t at = UINT32_MAX;
    char text[256];
    int fd = io_journal_lock(path, wait, &j, text, sizeof(text));
    bool all = true;

    if (fd < 0) {
        fprintf(stderr, "kedged: %s\n", text);
        return false;
    }
    while ((r = drill_journal_next(&j, &at)) != NULL) {
        bool ok = false;
        for (int i = 0; i < TRIES && !ok; i++)
            ok = run(r, -1, text, sizeof(text));
        fprintf(stderr, "kedged: drill %s was interrupted: step %u %s%s\n", j.begin.name,
                r->step + 1, ok ? "is taken back" : "could not be taken back: ", ok ? "" : text);
        all &= ok && io_journal_undone(fd, r->step);
    }
    if (all && j.begun && !j.ended)
        all = io_journal_end(fd, drill_verdict_names[DRILL_INTERRUPTED]);
    close(fd);
    return all;
}

/* ---- kedged's requests ---- */

static void answer(int fd, bool ok, const char *text)
{
    char line[320];
    int n = snprintf(line, sizeof(line), ok ? "0\n" : "1 %s\n", text);

    if (write(fd, line, (size_t)n) != n)
        return; /* kedged has gone: the next read says so */
}

static bool take_line(int fd, const char *line, size_t len)
{
    struct drill_record r;
    char text[256] = "";
    bool ok;

    if (!drill_step_get(kd_bytes(line, len), &r))
        return len == 4 && memcmp(line, "kill", 4) == 0; /* nothing runs any more */
    ok = run(&r, fd, text, sizeof(text));
    answer(fd, ok, text);
    return true;
}

/* Until kedged closes its end, or dies. A command that runs is ended by whatever comes. */
static void serve(int fd)
{
    static char buf[2 * DRILL_RECORD_MAX];
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, buf + len, sizeof(buf) - len)) > 0 || (n < 0 && errno == EINTR)) {
        char *nl;
        len += n > 0 ? (size_t)n : 0;
        while ((nl = memchr(buf, '\n', len)) != NULL) {
            size_t used = (size_t)(nl - buf) + 1;
            if (!take_line(fd, buf, used - 1))
                return;
            memmove(buf, buf + used, len - used);
            len -= used;
        }
        if (len == sizeof(buf))
            return;
    }
}

static void ignore_signals(void)
{
    signal(SIGTERM, SIG_IGN); /* systemd ends all of us: what is done is taken back first */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static uint64_t lease_us(const char *path)
{
    static struct drill_journal j;
    char why[256];

    return io_journal_read(path, &j, why, sizeof(why)) && j.begun ? j.begin.lease_us : 0;
}

/* Waits the lease; false when no drill was cut short, or another kedged has ended it meanwhile. */
static bool forsaken(const char *path)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000};
    uint64_t until;

    if (io_journal_over(path))
        return false;
    until = now_ms() + lease_us(path) / 1000;
    while (now_ms() < until) {
        if (io_journal_over(path))
            return false;
        nanosleep(&look, NULL);
    }
    return !io_journal_over(path);
}

int io_guard_main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], IO_GUARD_RESTORE) == 0)
        return restore(argv[2], true) ? 0 : 1;
    if (argc != 3)
        return 2;
    ignore_signals();
    serve(0);
    if (!forsaken(argv[2]))
        return 0;
    return restore(argv[2], false) ? 0 : 1;
}
