/* What a drill writes down before each step, so that whoever comes after a crash knows what to take
 * back: lines of text, a record each, appended and synced by the shell.
 *
 *   begin 1 NAME WALL-US LEASE-US           version 1 of the format
 *   step N KIND NAME TIMEOUT-US [UNDO...]  N from 0, before it is done; exec: its undo's words
 *   undone N                               after that
 *   end VERDICT                            nothing is left to take back
 *
 * Words are escaped (%20); a last line without its line feed was never synced, so its step was
 * never done. */
#ifndef DRILL_JOURNAL_H
#define DRILL_JOURNAL_H

#include "base/bytes.h"
#include "drill/plan.h"

#define DRILL_RECORD_MAX  2048 /* as text: every octet of an undo escaped, and the rest */
#define DRILL_JOURNAL_MAX (2 * DRILL_STEPS_MAX * DRILL_RECORD_MAX)

enum drill_record_kind { DRILL_REC_BEGIN, DRILL_REC_STEP, DRILL_REC_UNDONE, DRILL_REC_END };

struct drill_record {
    enum drill_record_kind kind;
    char name[DRILL_WORD_MAX]; /* BEGIN: the drill's; STEP: its neighbor's; END: verdict */
    uint64_t wall_us;          /* BEGIN: UTC since 1970 */
    uint64_t lease_us;         /* BEGIN */
    uint32_t step;             /* STEP, UNDONE */
    enum drill_step_kind what; /* STEP */
    uint64_t timeout_us;       /* STEP: of the undo */
    struct drill_argv undo;    /* STEP: of an exec */
};

/* As one line with its line feed; its length. */
size_t drill_record_put(const struct drill_record *r, char buf[DRILL_RECORD_MAX]);

/* One STEP line without its line feed. */
bool drill_step_get(struct kd_bytes line, struct drill_record *r) KD_MUST_USE;

/* A journal read back: what was begun, and what of it isn't taken back. */
struct drill_journal {
    bool begun, ended;
    char verdict[DRILL_WORD_MAX]; /* ended: how */
    struct drill_record begin;
    uint32_t n;
    struct drill_left {
        struct drill_record rec; /* the STEP */
        bool undone;
    } left[DRILL_STEPS_MAX];
};

/* False with the number of the first line that isn't understood (nothing of j counts then). Empty
 * text is a journal that has not begun. */
bool drill_journal_get(struct kd_bytes text, struct drill_journal *j, uint32_t *line) KD_MUST_USE;
/* The commands that are left, the last step's first; NULL at the end. *at: start with UINT32_MAX.
 * What else a drill does ends with the process that did it. */
const struct drill_record *drill_journal_next(const struct drill_journal *j, uint32_t *at);

#endif
