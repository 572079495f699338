/* Text made from JSON: aligned columns, times and sizes as people write them. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

struct cli_table {
    size_t n_columns, n_cells, cap;
    bool right[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    char **cell; /* row by row; the first row holds the heads */
};

/* Columns a UTF-8 text takes, near enough: one a character. */
static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void *must(void *p)
{
    if (!p) {
        fputs("kedge: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return p;
}

static void add(struct cli_table *t, char *s)
{
    if (t->n_cells == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->cell = must(realloc(t->cell, t->cap * sizeof(*t->cell)));
    }
    size_t col = t->n_cells % t->n_columns;
    t->width[col] = KD_MAX(t->width[col], width(s));
    t->cell[t->n_cells++] = s;
}

struct cli_table *cli_table_new(const char *heads)
{
    struct cli_table *t = must(calloc(1, sizeof(*t)));
    const char *s = heads;
    while (*s && t->n_columns < COLUMNS_MAX) {
        t->right[t->n_columns++] = *s == '>';
        s += strcspn(s, " ");
        s += strspn(s, " ");
    }
    for (s = heads; *s && t->n_cells < t->n_columns;) {
        s += *s == '>';
        size_t n = strcspn(s, " ");
        char *head = must(strndup(s, n));
        for (char *c = head; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        add(t, head);
        s += n + strspn(s + n, " ");
    }
    return t;
}

void cli_cell(struct cli_table *t, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    add(t, must(n < 0 ? NULL : s));
}

void cli_table_print(struct cli_table *t, FILE *to)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t col = i % t->n_columns;
        bool last = col + 1 == t->n_columns;
        int pad = (int)(t->width[col] - width(t->cell[i]));
        if (t->right[col])
            fprintf(to, "%*s%s%s", pad, "", t->cell[i], last ? "" : "  ");
        else
            fprintf(to, "%s%*s%s", t->cell[i], last ? 0 : pad, "", last ? "" : "  ");
        if (last)
            fputc('\n', to);
        free(t->cell[i]);
    }
    free(t->cell);
    free(t);
}

const char *cli_age(double s, char *buf)
{
    unsigned long n = s > 0 ? (unsigned long)s : 0;
    if (n < 60)
        snprintf(buf, CLI_TEXT_MAX, "%lus", n);
    else if (n < 3600)
        snprintf(buf, CLI_TEXT_MAX, "%lum%02lus", n / 60, n % 60);
    else if (n < 86400)
        snprintf(buf, CLI_TEXT_MAX, "%luh%02lum", n / 3600, n / 60 % 60);
    else
        snprintf(buf, CLI_TEXT_MAX, "%lud%02luh", n / 86400, n / 3600 % 24);
    return buf;
}

const char *cli_size(uint64_t n, char *buf)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)n;
    int i = -1;
    while (v >= 1024 && i < 5) {
        v /= 1024;
        i++;
    }
    if (i < 0)
        snprintf(buf, CLI_TEXT_MAX, "%llu B", (unsigned long long)n);
    else
        snprintf(buf, CLI_TEXT_MAX, "%.1f %s", v, units[i]);
    return buf;
}

static bool is_control(const char *s)
{
    unsigned char a = (unsigned char)s[0], b = (unsigned char)s[1];
    return a < 0x20 || a == 0x7f || (a == 0xc2 && b < 0xa0); /* C0, DEL, C1 */
}

const char *cli_str(const json_t *obj, const char *key)
{
    static char bufs[8][512];
    static unsigned turn;
    const char *s = json_string_value(json_object_get(obj, key));
    bool clean = true;
    for (size_t i = 0; s && s[i]; i++)
        clean &= !is_control(s + i);
    if (clean)
        return s && *s ? s : "-";
    char *buf = bufs[turn++ % KD_ARRAY_LEN(bufs)];
    snprintf(buf, sizeof(bufs[0]), "%s", s);
    for (size_t i = 0; buf[i]; i++)
        if (is_control(buf + i))
            buf[i] = '?';
    return buf;
}

double cli_num(const json_t *obj, const char *key)
{
    return json_number_value(json_object_get(obj, key));
}

const char *cli_join(const json_t *list, const char *sep, char *buf, size_t cap)
{
    size_t at = 0, i;
    json_t *v;
    buf[0] = '\0';
    json_array_foreach(list, i, v)
    {
        const char *gap = i ? sep : "";
        int n = json_is_integer(v)
                    ? snprintf(buf + at, cap - at, "%s%lld", gap, (long long)json_integer_value(v))
                    : snprintf(buf + at, cap - at, "%s%s", gap,
                               json_is_string(v) ? json_string_value(v) : "?");
        at = KD_MIN(at + (size_t)n, cap - 1);
    }
    return buf;
}

void cli_print_json(const json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    putchar('\n');
}

bool cli_duration(const char *s, uint64_t *us)
{
    static const struct {
        const char *unit;
        uint64_t us;
    } units[] = {{"ms", 1000}, {"s", KD_S(1)}, {"m", KD_S(60)}, {"h", KD_S(3600)}};
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    unsigned long n = strtoul(s, &end, 10);
    for (size_t i = 0; i < KD_ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0 && n > 0 && n <= 1000000) {
            *us = n * units[i].us;
            return true;
        }
    return false;
}
