/* Patterns over AS paths as IOS and FRR write them (`_65010_`, `^$`, `^65010(_65020)*$`), matched
 * against the path as it is shown: "65010 65020 {64512,64513}". */
#ifndef BGP_ASREGEX_H
#define BGP_ASREGEX_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Pattern text, NUL included; also what keeps the states within one word. */
#define BGP_AS_REGEX_MAX 64

/* Digits, separators, and what stands before and behind the text. */
enum { BGP_AS_SYMBOLS = 18 };

/* An automaton without empty moves: a state for each symbol of the pattern, sets of states as
 * words. */
struct bgp_as_regex {
    char text[BGP_AS_REGEX_MAX];
    bool empty; /* matches everything */
    uint8_t n;
    uint64_t first, last;
    uint64_t follow[BGP_AS_REGEX_MAX];
    uint64_t accept[BGP_AS_SYMBOLS]; /* the states that take the symbol */
};

/* Compiles text. False: *why says what is wrong, *at where (an offset). The language: digits,
 * blank, comma and braces as themselves, `.`, `[0-9]` and `[^0-9]`, `^`, `$`, `_` (begin, end or a
 * separator), `( | )`, `*`, `+`, `?`, `\` before one of these. */
bool bgp_as_regex_compile(struct bgp_as_regex *x, const char *text, const char **why,
                          unsigned *at) KD_MUST_USE;
/* Does it match anywhere in text (bgp_aspath_text())? Linear in text. */
bool bgp_as_regex_match(const struct bgp_as_regex *x, struct kd_bytes text);

#endif
