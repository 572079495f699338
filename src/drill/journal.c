/* The journal's lines, written and read back. Not here: files, and who runs what is left. */
#include "drill/journal.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[DRILL_STEP_N] = {"shutdown", "enable", "tunnel",  "drain",
                                                "exec",     "expect", "hold",    "restore"};

/* ---- writing ---- */

struct line {
    char *buf;
    size_t len;
};

static void put(struct line *l, char c)
{
    if (l->len < DRILL_RECORD_MAX - 1)
        l->buf[l->len++] = c;
}

static void put_text(struct line *l, const char *s)
{
    while (*s)
        put(l, *s++);
}

/* An empty word is a lone %. */
static void put_word(struct line *l, const char *s)
{
    static const char hex[] = "0123456789abcdef";

    put(l, ' ');
    if (!*s)
        put(l, '%');
    for (; *s; s++) {
        uint8_t c = (uint8_t)*s;
        if (c > ' ' && c < 0x7f && c != '%') {
            put(l, (char)c);
            continue;
        }
        put(l, '%');
        put(l, hex[c >> 4]);
        put(l, hex[c & 15]);
    }
}

static void put_number(struct line *l, uint64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    put_word(l, text);
}

static void put_step(struct line *l, const struct drill_record *r)
{
    const char *argv[DRILL_ARGV_MAX + 1];

    put_number(l, r->step);
    put_word(l, kinds[r->what]);
    put_word(l, r->name);
    put_number(l, r->timeout_us);
    drill_argv_get(&r->undo, argv);
    for (uint16_t i = 0; i < r->undo.n; i++)
        put_word(l, argv[i]);
}

size_t drill_record_put(const struct drill_record *r, char buf[DRILL_RECORD_MAX])
{
    static const char *const heads[] = {"begin", "step", "undone", "end"};
    struct line l = {buf, 0};

    put_text(&l, heads[r->kind]);
    if (r->kind == DRILL_REC_BEGIN) {
        put_number(&l, 1);
        put_word(&l, r->name);
        put_number(&l, r->wall_us);
        put_number(&l, r->lease_us);
    } else if (r->kind == DRILL_REC_STEP) {
        put_step(&l, r);
    } else if (r->kind == DRILL_REC_UNDONE) {
        put_number(&l, r->step);
    } else {
        put_word(&l, r->name);
    }
    kd_assert(l.len < DRILL_RECORD_MAX - 1);
    buf[l.len++] = '\n';
    return l.len;
}

/* ---- reading ---- */

/* A cursor over one line's words; ok turns false once and for all. */
struct words {
    const char *p, *end;
    bool ok;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escaped octet; false at a bad one. */
static bool unescape(struct words *w, char *c)
{
    int hi, lo;

    if (*w->p != '%') {
        *c = *w->p++;
        return true;
    }
    if (w->end - w->p < 3)
        return false;
    hi = hex_digit(w->p[1]);
    lo = hex_digit(w->p[2]);
    *c = (char)(hi * 16 + lo);
    w->p += 3;
    return hi >= 0 && lo >= 0 && *c != '\0';
}

static bool more(const struct words *w)
{
    return w->ok && w->p < w->end;
}

static void get_word(struct words *w, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    w->ok = w->ok && w->p < w->end;
    if (w->ok && *w->p == '%' && (w->p + 1 == w->end || w->p[1] == ' '))
        w->p++;
    while (more(w) && *w->p != ' ') {
        w->ok = n + 1 < cap && unescape(w, &out[n]);
        n++;
    }
    if (!w->ok)
        return;
    out[n] = '\0';
    if (w->p < w->end)
        w->p++; /* the blank */
}

static uint64_t get_number(struct words *w, uint64_t max)
{
    char text[24];
    uint64_t v = 0;

    get_word(w, text, sizeof(text));
    w->ok = w->ok && text[0];
    for (const char *s = text; w->ok && *s; s++) {
        w->ok = *s >= '0' && *s <= '9' && v <= (max - (uint64_t)(*s - '0')) / 10;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    return w->ok ? v : 0;
}

static enum drill_step_kind get_kind(struct words *w)
{
    char text[16];

    get_word(w, text, sizeof(text));
    for (int k = 0; w->ok && k < DRILL_STEP_N; k++)
        if (strcmp(text, kinds[k]) == 0)
            return (enum drill_step_kind)k;
    w->ok = false;
    return DRILL_STEP_N;
}

static void get_begin(struct words *w, struct drill_journal *j)
{
    w->ok = w->ok && !j->begun && get_number(w, 9) == 1;
    get_word(w, j->begin.name, sizeof(j->begin.name));
    j->begin.wall_us = get_number(w, INT64_MAX);
    j->begin.lease_us = get_number(w, KD_S(3600));
    j->begun = true;
}

static void get_step(struct words *w, struct drill_record *r)
{
    char word[DRILL_ARGV_LEN];

    *r = (struct drill_record){.kind = DRILL_REC_STEP};
    r->step = (uint32_t)get_number(w, DRILL_STEPS_MAX - 1);
    r->what = get_kind(w);
    get_word(w, r->name, sizeof(r->name));
    r->timeout_us = get_number(w, DRILL_TIME_MAX_US);
    while (more(w)) {
        get_word(w, word, sizeof(word));
        w->ok = w->ok && drill_argv_add(&r->undo, word);
    }
    w->ok = w->ok && (r->what != DRILL_STEP_EXEC || r->undo.n > 0);
}

static void get_undone(struct words *w, struct drill_journal *j)
{
    uint64_t step = get_number(w, DRILL_STEPS_MAX - 1);

    for (uint32_t i = 0; i < j->n; i++)
        j->left[i].undone |= j->left[i].rec.step == step;
}

static bool get_line(const char *p, size_t len, struct drill_journal *j)
{
    struct words w = {p, p + len, true};
    char head[16];

    get_word(&w, head, sizeof(head));
    if (strcmp(head, "begin") == 0)
        get_begin(&w, j);
    else if (!j->begun || j->ended)
        return false;
    else if (strcmp(head, "step") == 0 && j->n < DRILL_STEPS_MAX)
        get_step(&w, &j->left[j->n++].rec);
    else if (strcmp(head, "undone") == 0)
        get_undone(&w, j);
    else if (strcmp(head, "end") == 0) {
        get_word(&w, j->verdict, sizeof(j->verdict));
        j->ended = true;
    } else
        return false;
    return w.ok && w.p == w.end;
}

bool drill_step_get(struct kd_bytes line, struct drill_record *r)
{
    const char *p = (const char *)line.p;
    struct words w = {p, p + line.len, true};
    char head[16];

    get_word(&w, head, sizeof(head));
    get_step(&w, r);
    return w.ok && w.p == w.end && strcmp(head, "step") == 0;
}

bool drill_journal_get(struct kd_bytes text, struct drill_journal *j, uint32_t *line)
{
    const char *p = (const char *)text.p, *end = p + text.len, *nl;

    memset(j, 0, sizeof(*j));
    *line = 0;
    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        ++*line;
        if (!get_line(p, (size_t)(nl - p), j))
            return false;
        p = nl + 1;
    }
    return true;
}

const struct drill_record *drill_journal_next(const struct drill_journal *j, uint32_t *at)
{
    uint32_t i = *at == UINT32_MAX ? j->n : *at;

    while (!j->ended && i-- > 0)
        if (!j->left[i].undone && j->left[i].rec.what == DRILL_STEP_EXEC) {
            *at = i;
            return &j->left[i].rec;
        }
    return NULL;
}
