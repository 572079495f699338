/* The guard: a process of its own that runs a drill's commands, each in a process group that ends
 * with its time, and that takes them back by the journal when kedged dies and doesn't come back
 * within the lease that stands there. It is kedged's own program, started anew: no key is in its
 * memory. kedged starts it before it gives up capabilities, so that a command may do what kedged's
 * service may: set a link, or enter what it must.
 *
 *   kedged -> guard   a STEP record as the journal has it, its words the command to run; "kill"
 *   guard -> kedged   "0\n", or a status and why: "1 exit status 7: words it said\n" */
#ifndef IO_DRILL_GUARD_H
#define IO_DRILL_GUARD_H

#include "drill/journal.h"

#include <uv.h>

#define IO_GUARD_OPTION  "--drill-guard"
#define IO_GUARD_RESTORE "--drill-restore"

/* ---- the process: guard.c ---- */

/* kedged --drill-guard JOURNAL (its pipe is standard input), or kedged --drill-restore
 * JOURNAL: takes back what is left, and ends with 0 when nothing remains. */
int io_guard_main(int argc, char **argv);

/* ---- kedged's end of it: guard_client.c ---- */

struct io_guard;

/* text "" : done. Called from the loop, once a command. */
typedef void io_guard_done(void *arg, bool ok, const char *text);

/* NULL with a sentence in why. journal is copied. */
struct io_guard *io_guard_new(uv_loop_t *loop, const char *journal, char *why,
                              size_t cap) KD_MUST_USE;
/* Runs a command; another one isn't running. A guard that has died is started anew, with what
 * capabilities are left. */
void io_guard_run(struct io_guard *g, uint32_t step, const struct drill_argv *command,
                  uint64_t timeout_us, io_guard_done *done, void *arg);
void io_guard_kill(struct io_guard *g);
/* Lets it end; its memory goes with the loop's callbacks. NULL is ignored. */
void io_guard_free(struct io_guard *g);

#endif
