/* Drills on disk: state-directory/drills/ID.json, written beside its place and renamed into it. */
#ifndef IO_HISTORY_H
#define IO_HISTORY_H

#include "drill/history.h"

struct io_history;

/* Reads what is there; a damaged file is named (drill_history.damaged) and left. directory "": a
 * history in memory alone. NULL: out of memory. */
struct io_history *io_history_open(const char *directory) KD_MUST_USE;
void io_history_close(struct io_history *h);
const struct drill_history *io_history(const struct io_history *h);
/* Takes a drill that has ended into the history and onto the disk. False: only the disk refused,
 * with a sentence in why. */
bool io_history_add(struct io_history *h, const struct drill_result *r, char *why, size_t cap);
/* Its page beside it, ID.html. False: with a sentence in why. */
bool io_history_page(struct io_history *h, const struct drill_result *r, char *why, size_t cap);
/* Reads the whole result of one. False with a sentence in why. */
bool io_history_read(const struct io_history *h, const char *id, struct drill_result *r, char *why,
                     size_t cap) KD_MUST_USE;

#endif
