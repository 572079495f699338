/* The journal's file, state-directory/drill.journal: who holds its lock takes a drill back. */
#ifndef IO_DRILL_JOURNAL_H
#define IO_DRILL_JOURNAL_H

#include "drill/journal.h"

#include <uv.h>

/* Opens, locks and reads it; a descriptor, or -1 with a sentence in why. wait: until whoever has
 * the lock is through with it. No file is a journal that has not begun. */
int io_journal_lock(const char *path, bool wait, struct drill_journal *j, char *why,
                    size_t cap) KD_MUST_USE;
/* Appends and syncs; false with errno set. */
bool io_journal_undone(int fd, uint32_t step) KD_MUST_USE;
bool io_journal_end(int fd, const char *verdict) KD_MUST_USE;
/* Reads it without the lock; no file is a journal that has not begun. */
bool io_journal_read(const char *path, struct drill_journal *j, char *why, size_t cap) KD_MUST_USE;
/* Has the drill in it ended (or none begun)? Looks without the lock. */
bool io_journal_over(const char *path);

/* ---- kedged's writer: never blocks the loop ---- */

struct io_journal;

typedef void io_journal_done(void *arg, uint32_t token, bool ok, const char *text);

/* Takes the locked descriptor; empties the file. done is called for records with a token. */
struct io_journal *io_journal_new(uv_loop_t *loop, int fd, io_journal_done *done,
                                  void *arg) KD_MUST_USE;
/* Appends and syncs, in the order of calls. */
void io_journal_write(struct io_journal *j, const struct drill_record *r, uint32_t token);
/* Closes it when everything is written, and lets the lock go. NULL is ignored. */
void io_journal_free(struct io_journal *j);

#endif
