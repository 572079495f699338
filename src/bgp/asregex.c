/* AS path patterns: Glushkov's construction, simulated with one word for the set of states, so that
 * no path however long and no pattern however nested costs more than (symbols x states).
 *
 * `^` and `$` are symbols of the input here: the text is read as if two of each stood around it, so
 * that `^_65010` and `_$`, where `_` is an anchor too, mean what they mean to IOS. Braces are the
 * AS_SET's own, never a count. Not here: back references, `{n,m}`. */
#include "bgp/asregex.h"

#include <stdio.h>
#include <string.h>

enum { SYM_BLANK = 10, SYM_COMMA, SYM_BRACE, SYM_BRACE_END, SYM_PAREN, SYM_PAREN_END, SYM_BEGIN,
       SYM_END };

#define SYMS_DIGIT     0x3ffu
#define SYMS_SEPARATOR (0x3fu << SYM_BLANK)
#define SYMS_TEXT      (SYMS_DIGIT | SYMS_SEPARATOR)

/* A part of the pattern: where it can begin and end. */
struct part {
    uint64_t first, last;
    bool empty; /* may match nothing */
};

struct parser {
    struct bgp_as_regex *x;
    const char *text, *s;
    const char *why; /* the first thing wrong */
    unsigned at;
};

static struct part alternatives(struct parser *p);

static struct part fail(struct parser *p, const char *why)
{
    if (!p->why) {
        p->why = why;
        p->at = (unsigned)(p->s - p->text);
    }
    p->s += strlen(p->s);
    return (struct part){.empty = true};
}

static void join(struct bgp_as_regex *x, uint64_t from, uint64_t to)
{
    for (; from; from &= from - 1)
        x->follow[__builtin_ctzll(from)] |= to;
}

static struct part symbols(struct parser *p, uint32_t syms)
{
    uint64_t bit = 1ull << p->x->n;

    p->x->n++; /* fewer than BGP_AS_REGEX_MAX: one a character of the text */
    for (unsigned i = 0; i < BGP_AS_SYMBOLS; i++)
        if (syms & 1u << i)
            p->x->accept[i] |= bit;
    return (struct part){bit, bit, false};
}

/* -1: no character of a path. */
static int symbol(char c)
{
    static const char others[] = " ,{}()";
    const char *at = c ? strchr(others, c) : NULL;

    if (c >= '0' && c <= '9')
        return c - '0';
    return at ? SYM_BLANK + (int)(at - others) : -1;
}

/* Behind '[': characters and ranges of digits. */
static struct part brackets(struct parser *p)
{
    bool not = *p->s == '^';
    uint32_t syms = 0;

    for (p->s += not; *p->s && *p->s != ']'; p->s++) {
        int from = symbol(*p->s), to = from;
        if (p->s[1] == '-' && p->s[2] != ']') {
            p->s += 2;
            to = symbol(*p->s);
        }
        if (from < 0 || to < from || (to != from && to > 9))
            return fail(p, "in [] stand digits, ranges of digits, blank, comma");
        syms |= (2u << to) - (1u << from);
    }
    if (*p->s != ']' || !syms)
        return fail(p, "[ without its characters and ]");
    p->s++;
    return symbols(p, not ? SYMS_TEXT & ~syms : syms);
}

static struct part group(struct parser *p)
{
    struct part g = alternatives(p);

    if (*p->s != ')')
        return fail(p, "( without )");
    p->s++;
    return g;
}

static struct part atom(struct parser *p)
{
    char c = *p->s++;

    switch (c) {
    case '^':
        return symbols(p, 1u << SYM_BEGIN);
    case '$':
        return symbols(p, 1u << SYM_END);
    case '_':
        return symbols(p, SYMS_SEPARATOR | 1u << SYM_BEGIN | 1u << SYM_END);
    case '.':
        return symbols(p, SYMS_TEXT);
    case '[':
        return brackets(p);
    case '(':
        return group(p);
    case '\\':
        c = *p->s ? *p->s++ : '\\';
        break;
    default:
        break;
    }
    if (symbol(c) >= 0)
        return symbols(p, 1u << symbol(c));
    p->s--;
    return fail(p,
                strchr("*+?", c) ? "nothing to repeat" : "not a character of an AS path pattern");
}

static struct part repeated(struct parser *p)
{
    struct part a = atom(p);

    for (; *p->s && strchr("*+?", *p->s); p->s++) {
        if (*p->s != '?')
            join(p->x, a.last, a.first);
        a.empty |= *p->s != '+';
    }
    return a;
}

static struct part sequence(struct parser *p)
{
    struct part all = {.empty = true};

    while (*p->s && *p->s != '|' && *p->s != ')') {
        struct part a = repeated(p);
        join(p->x, all.last, a.first);
        all.first |= all.empty ? a.first : 0;
        all.last = a.last | (a.empty ? all.last : 0);
        all.empty &= a.empty;
    }
    return all;
}

static struct part alternatives(struct parser *p)
{
    struct part all = sequence(p);

    while (*p->s == '|') {
        p->s++;
        struct part a = sequence(p);
        all.first |= a.first;
        all.last |= a.last;
        all.empty |= a.empty;
    }
    return all;
}

bool bgp_as_regex_compile(struct bgp_as_regex *x, const char *text, const char **why, unsigned *at)
{
    struct parser p = {.x = x, .text = text, .s = text};
    struct part all;

    *x = (struct bgp_as_regex){0};
    snprintf(x->text, sizeof(x->text), "%s", text);
    if (strlen(text) >= BGP_AS_REGEX_MAX) {
        p.s += BGP_AS_REGEX_MAX - 1;
        fail(&p, "longer than 63 characters");
    } else {
        all = alternatives(&p);
        if (*p.s)
            fail(&p, ") without (");
        x->first = all.first;
        x->last = all.last;
        x->empty = all.empty;
    }
    *why = p.why;
    *at = p.at;
    return !p.why;
}

/* One symbol further, a match may begin anywhere; true when one is complete. */
static bool step(const struct bgp_as_regex *x, uint64_t *states, int sym)
{
    uint64_t next = x->first;

    for (uint64_t s = *states; s; s &= s - 1)
        next |= x->follow[__builtin_ctzll(s)];
    *states = next & x->accept[sym];
    return *states & x->last;
}

bool bgp_as_regex_match(const struct bgp_as_regex *x, struct kd_bytes text)
{
    uint64_t states = 0;

    if (x->empty || step(x, &states, SYM_BEGIN) || step(x, &states, SYM_BEGIN))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        int sym = symbol((char)text.p[i]);
        if (sym >= 0 && step(x, &states, sym))
            return true;
    }
    return step(x, &states, SYM_END) || step(x, &states, SYM_END);
}
