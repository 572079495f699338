/* A document that grows, and the only ways into it: what we wrote, numbers, and text of others,
 * which is escaped. Pure. */
#ifndef DRILL_PAGE_H
#define DRILL_PAGE_H

#include "base/attr.h"

struct drill_page {
    char *p; /* malloc'ed, always terminated once something is in it */
    size_t len, cap;
    bool failed; /* out of memory: what is there isn't whole */
};

/* Ours, as it is. */
void drill_page_put(struct drill_page *d, const char *markup);
/* Ours, with numbers and names of ours: no text of others among the arguments. */
void drill_page_fmt(struct drill_page *d, const char *fmt, ...) KD_PRINTF(2, 3);
/* Anybody's, as text content or inside a quoted attribute: HTML's five characters as references;
 * what is no character, controls and those that turn the direction of writing as '?'. */
void drill_page_text(struct drill_page *d, const char *text);
/* put(before), text, put(after) */
void drill_page_wrap(struct drill_page *d, const char *before, const char *text, const char *after);
/* "870 us", "63.1 ms", "1.250 s", "2 min 10 s"; "-" for KD_NEVER. Ours: needs no escaping. */
#define DRILL_TIME_TEXT 32
const char *drill_page_time(uint64_t us, char buf[DRILL_TIME_TEXT]);

#endif
