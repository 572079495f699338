/* The document's text. */
#include "drill/page.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool room(struct drill_page *d, size_t n)
{
    if (d->len + n + 1 > d->cap && !d->failed) {
        size_t cap = KD_MAX(2 * d->cap, d->len + n + 4096);
        char *grown = realloc(d->p, cap);
        d->failed = !grown;
        if (grown) {
            d->p = grown;
            d->cap = cap;
        }
    }
    return !d->failed;
}

static void put(struct drill_page *d, const char *s, size_t n)
{
    if (!room(d, n))
        return;
    memcpy(d->p + d->len, s, n);
    d->len += n;
    d->p[d->len] = '\0';
}

void drill_page_put(struct drill_page *d, const char *markup)
{
    put(d, markup, strlen(markup));
}

void drill_page_fmt(struct drill_page *d, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    kd_assert(n >= 0 && (size_t)n < sizeof(line));
    put(d, line, (size_t)n);
}

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void drill_page_text(struct drill_page *d, const char *text)
{
    char clean[2048];

    kd_utf8_printable(kd_bytes_str(text), clean, sizeof(clean));
    for (const char *c = clean; *c; c++) {
        const char *ref = reference(*c);
        if (ref)
            drill_page_put(d, ref);
        else
            put(d, c, 1);
    }
}

void drill_page_wrap(struct drill_page *d, const char *before, const char *text, const char *after)
{
    drill_page_put(d, before);
    drill_page_text(d, text);
    drill_page_put(d, after);
}

const char *drill_page_time(uint64_t us, char buf[DRILL_TIME_TEXT])
{
    double t = (double)us;

    if (us == KD_NEVER)
        snprintf(buf, DRILL_TIME_TEXT, "-");
    else if (us < 1000)
        snprintf(buf, DRILL_TIME_TEXT, "%u us", (unsigned)us);
    else if (us < KD_S(1))
        snprintf(buf, DRILL_TIME_TEXT, us < KD_MS(100) ? "%.1f ms" : "%.0f ms", t / 1e3);
    else if (us < KD_S(120))
        snprintf(buf, DRILL_TIME_TEXT, us < KD_S(10) ? "%.3f s" : "%.1f s", t / 1e6);
    else
        snprintf(buf, DRILL_TIME_TEXT, "%llu min %llu s", (unsigned long long)(us / KD_S(60)),
                 (unsigned long long)(us / KD_S(1) % 60));
    return buf;
}
