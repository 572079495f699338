/* At kedged's start: what a drill that was cut short has left is taken back, by a guard process
 * that is waited for, so that no tunnel rises before. */
#include "io/drill_int.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A drill that kedged's death has ended is one of the history, too, whoever has taken it back. */
static void remember_interrupted(struct io *io, const struct drill_journal *j)
{
    struct drill_result *r = malloc(sizeof(*r));
    char id[DRILL_ID_MAX];

    drill_result_id(j->begin.wall_us, id);
    if (r && !drill_history_find(io_history(io->drills), id)) {
        drill_result_begin(r, j->begin.name, io_now_us(), j->begin.wall_us);
        snprintf(r->version, sizeof(r->version), "%s", KEDGE_VERSION);
        drill_result_end(r, io_now_us(), DRILL_INTERRUPTED, "kedged ended in it");
        io_drill_remember(io, r, false);
    }
    free(r);
}

static void take_back(const char *path)
{
    extern char **environ;
    char *argv[] = {(char *)"kedged", (char *)IO_GUARD_RESTORE, (char *)path, NULL};
    int status = 0, rc;
    pid_t pid;

    rc = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
    if (rc == 0)
        rc = waitpid(pid, &status, 0) == pid ? 0 : errno;
    if (rc != 0 || status != 0)
        fprintf(stderr, "kedged: %s: what a drill has left could not all be taken back%s%s\n", path,
                rc ? ": " : "", rc ? strerror(rc) : "");
}

void io_drill_recover(struct io *io)
{
    static struct drill_journal j;
    char path[300], why[256];

    io_drill_journal_path(io, path, sizeof(path));
    if (!io->cfg->state_directory[0] || access(path, F_OK) != 0)
        return;
    if (!io_journal_over(path))
        take_back(path);
    if (io_journal_read(path, &j, why, sizeof(why)) && j.begun &&
        (!j.ended || strcmp(j.verdict, drill_verdict_names[DRILL_INTERRUPTED]) == 0))
        remember_interrupted(io, &j);
}
