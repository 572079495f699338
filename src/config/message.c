/* Errors and warnings: collected with their place, ordered by it, and the nearest right spelling.
 */
#include "config/cfg.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

KD_PRINTF(5, 0)
static void add(struct cfg *c, struct config_error *list, uint32_t *n, struct cfg_where at,
                const char *fmt, va_list ap)
{
    if (*n == CONFIG_ERRORS_MAX) {
        c->errs->more = true;
        return;
    }
    struct config_error *e = &list[(*n)++];
    e->line = at.line;
    e->col = at.col;
    int len = 0;
    if (c->path_len > 0)
        len = snprintf(e->text, sizeof(e->text), "%s%s", c->path, fmt[0] == '.' ? "" : ": ");
    vsnprintf(e->text + len, sizeof(e->text) - (size_t)len, fmt, ap);
}

void cfg_error(struct cfg *c, struct cfg_where at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(c, c->errs->e, &c->errs->n, at, fmt, ap);
    va_end(ap);
}

void cfg_warn(struct cfg *c, struct cfg_where at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(c, c->errs->w, &c->errs->n_warnings, at, fmt, ap);
    va_end(ap);
}

size_t cfg_push(struct cfg *c, const char *fmt, ...)
{
    size_t old = c->path_len;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(c->path + old, sizeof(c->path) - old, fmt, ap);
    va_end(ap);
    kd_assert(n >= 0);
    c->path_len = KD_MIN(old + (size_t)n, sizeof(c->path) - 1);
    if (old == 0 && c->path[0] == '.') { /* no dot before the first key */
        memmove(c->path, c->path + 1, c->path_len);
        c->path_len--;
    }
    return old;
}

void cfg_pop(struct cfg *c, size_t len)
{
    c->path_len = len;
    c->path[len] = '\0';
}

const char *cfg_quote(const struct cfg_val *v, char *buf)
{
    size_t n = 0;
    buf[n++] = '"';
    size_t i = 0;
    for (; i < v->len && n < CFG_QUOTE_MAX - 10; i++) {
        unsigned char ch = (unsigned char)v->s[i];
        if (ch < 0x20 || ch == 0x7f)
            n += (size_t)snprintf(buf + n, 5, "\\x%02x", ch);
        else
            buf[n++] = (char)ch;
    }
    if (i < v->len) {
        while (n > 1 && ((unsigned char)buf[n - 1] & 0xc0) == 0x80) /* not through a character */
            n--;
        if (n > 1 && (unsigned char)buf[n - 1] >= 0xc0)
            n--;
        n += (size_t)snprintf(buf + n, 4, "...");
    }
    buf[n++] = '"';
    buf[n] = '\0';
    return buf;
}

static int by_place(const void *pa, const void *pb)
{
    const struct config_error *a = pa, *b = pb;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return strcmp(a->text, b->text);
}

void cfg_sort(struct config_errors *errs)
{
    qsort(errs->e, errs->n, sizeof(errs->e[0]), by_place);
    qsort(errs->w, errs->n_warnings, sizeof(errs->w[0]), by_place);
}

const char *config_error_line(const struct config_errors *errs, const struct config_error *e,
                              char *buf, size_t cap)
{
    bool warning = e >= errs->w && e < errs->w + CONFIG_ERRORS_MAX;
    const char *kind = warning ? "warning" : "error";
    if (e->line > 0)
        snprintf(buf, cap, "%s:%u:%u: %s: %s", errs->file, e->line, e->col, kind, e->text);
    else
        snprintf(buf, cap, "%s: %s: %s", errs->file, kind, e->text);
    return buf;
}

/* ---- nearest spelling ---- */

#define WORD_MAX 48 /* longer words aren't compared */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance (Levenshtein with swaps of neighbors), case ignored. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= nb; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]))
                now[j] = KD_MIN(now[j], before[j - 2] + 1);
        }
    }
    return row[na % 3][nb];
}

const char *cfg_nearest(const char *s, const char *(*word)(const void *arg, size_t i),
                        const void *arg)
{
    size_t len = strlen(s);
    if (len == 0 || len > WORD_MAX)
        return NULL;
    const char *best = NULL, *w;
    unsigned best_d = len <= 3 ? 2 : (unsigned)len / 3 + 2; /* one more than what counts as near */
    for (size_t i = 0; (w = word(arg, i)) != NULL; i++) {
        size_t wl = strlen(w);
        if (wl > WORD_MAX)
            continue;
        unsigned d = distance(s, len, w, wl);
        if (d < best_d) {
            best = w;
            best_d = d;
        }
    }
    return best;
}

const char *cfg_hint(const char *near, char *buf)
{
    buf[0] = '\0';
    if (near)
        snprintf(buf, CFG_HINT_MAX, "; did you mean \"%s\"?", near);
    return buf;
}
