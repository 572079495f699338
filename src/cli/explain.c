/* kedge explain: a tunnel's last refusal in two columns, or the last strangers. 100 columns
 * wide. */
#include "cli/cli.h"

#include <string.h>

#define WIDTH  100
#define LABEL  14
#define COLUMN ((WIDTH - LABEL - 5) / 2) /* 40 */

/* How much of s goes on a line of width columns: to the last blank, else behind the last hyphen of
 * a proposal, else cut. */
static size_t fit(const char *s, size_t width)
{
    size_t len = strlen(s), at = width;
    if (len <= width)
        return len;
    while (at > 0 && s[at] != ' ')
        at--;
    if (at)
        return at;
    for (at = width; at > 0 && s[at - 1] != '-';)
        at--;
    return at ? at : width;
}

static const char *skip(const char *s, size_t n)
{
    s += n;
    return s + strspn(s, " ");
}

/* Text after a label, broken at blanks and indented under itself. */
static void paragraph(FILE *to, const char *label, const char *text)
{
    size_t indent = strlen(label);
    const char *s = text;
    fputs(label, to);
    for (;;) {
        size_t n = fit(s, WIDTH - indent);
        fprintf(to, "%.*s\n", (int)n, s);
        s = skip(s, n);
        if (!*s)
            return;
        fprintf(to, "%*s", (int)indent, "");
    }
}

static void row(FILE *to, const char *label, bool differs, const char *left, const char *right)
{
    const char *mark = differs ? "*" : " ";
    do {
        size_t l = fit(left, COLUMN), r = fit(right, COLUMN);
        fprintf(to, "%s %-*s %-*.*s  %.*s\n", mark, LABEL, label, COLUMN, (int)l, left, (int)r,
                right);
        left = skip(left, l);
        right = skip(right, r);
        mark = " ";
        label = "";
    } while (*left || *right);
}

static const char *blank_dash(const char *s)
{
    return strcmp(s, "-") == 0 ? "" : s;
}

static void print_rows(const json_t *o, FILE *to)
{
    const json_t *rows = json_object_get(o, "rows"), *heads = json_object_get(o, "heads");
    size_t i;
    json_t *v;
    if (json_array_size(rows) == 0)
        return;
    fputc('\n', to);
    row(to, "", false, json_string_value(json_array_get(heads, 0)),
        json_string_value(json_array_get(heads, 1)));
    json_array_foreach (rows, i, v)
        row(to, cli_str(v, "what"), json_is_true(json_object_get(v, "differs")),
            blank_dash(cli_str(v, "left")), blank_dash(cli_str(v, "right")));
}

static void print_changes(const json_t *o, FILE *to)
{
    const json_t *list = json_object_get(o, "changes");
    size_t i;
    json_t *v;
    if (json_array_size(list) == 0)
        return;
    fputs("\nto change, on one side:\n", to);
    json_array_foreach (list, i, v) {
        char label[64];
        const json_t *line = json_object_get(v, "line");
        char number[16] = "";
        if (json_is_integer(line))
            snprintf(number, sizeof(number), ":%lld", (long long)json_integer_value(line));
        snprintf(label, sizeof(label), "  %-5s %s%s%*s",
                 strcmp(cli_str(v, "side"), "here") == 0 ? "here" : "peer", cli_str(v, "where"),
                 number,
                 (int)KD_MAX(1, 16 - (int)strlen(cli_str(v, "where")) - (int)strlen(number)), "");
        paragraph(to, label, cli_str(v, "text"));
    }
}

static void print_refused(const char *tunnel, const json_t *o, FILE *to)
{
    char age[CLI_TEXT_MAX], head[128];
    double count = cli_num(o, "count");
    snprintf(head, sizeof(head), "%s: %s, %s ago, %.0f time%s since the start%s\n", tunnel,
             cli_str(o, "reason"), cli_age(cli_num(o, "age_s"), age), count, count == 1 ? "" : "s",
             json_is_true(json_object_get(o, "now_up")) ? "; a pair of SAs is up" : "");
    fputs(head, to);
    paragraph(to, "  ", cli_str(o, "title"));
    if (strcmp(cli_str(o, "detail"), "-") != 0)
        paragraph(to, "  ", cli_str(o, "detail"));
    print_rows(o, to);
    fputc('\n', to);
    paragraph(to, "first difference  ", cli_str(o, "difference"));
    if (strcmp(cli_str(o, "cause"), "-") != 0)
        paragraph(to, "                  ", cli_str(o, "cause"));
    print_changes(o, to);
}

static void print_strangers(const json_t *list, FILE *to)
{
    struct cli_table *t = cli_table_new(">AGO >TIMES FROM WHAT");
    char age[CLI_TEXT_MAX];
    size_t i;
    json_t *v;
    json_array_foreach (list, i, v) {
        cli_cell(t, "%s", cli_age(cli_num(v, "age_s"), age));
        cli_cell(t, "%.0f", cli_num(v, "count"));
        cli_cell(t, "%s", cli_str(v, "remote"));
        cli_cell(t, "%s", cli_str(v, "detail"));
    }
    cli_table_print(t, to);
}

static void print_explanation(const struct cli *c, const json_t *o, FILE *to)
{
    const json_t *strangers = json_object_get(o, "strangers"), *k = json_object_get(o, "refused");
    if (c->argc && json_is_object(k))
        print_refused(c->argv[0], k, to);
    else if (c->argc)
        fprintf(to, "%s: nothing was refused since kedged started\n", c->argv[0]);
    else if (json_array_size(strangers) == 0)
        fputs("no stranger was refused; kedge explain TUNNEL explains a tunnel's last refusal\n",
              to);
    else
        print_strangers(strangers, to);
}

enum cli_exit cli_explain(const struct cli *c)
{
    char path[256] = "/v1/explain";
    json_t *o;
    if (c->argc)
        cli_query(path, sizeof(path), "tunnel", c->argv[0]);
    enum cli_exit e = cli_ask(c, "GET", path, NULL, &o);
    if (e != CLI_OK)
        return e;
    if (c->json)
        cli_print_json(o);
    else
        print_explanation(c, o, stdout);
    json_decref(o);
    return CLI_OK;
}
