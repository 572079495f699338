/* Azure's rows as its PowerShell shows them: a column a property, in alphabetical order, or those
 * asked for; numbers to the right. */
#include "cli/cli.h"

#include <string.h>

#define COLUMNS_MAX 8
#define CELL_MAX    1024

struct column {
    const char *name; /* of the property, in PowerShell's case */
    char key[32];     /* in the row, where the first letter is small */
    size_t width;
};

static const char *const route_names[] = {"AsPath",     "LocalAddress", "Network", "NextHop",
                                          "Origin",     "SourcePeer",   "Weight",  NULL};
static const char *const neighbor_names[] = {
    "Asn",      "ConnectedDuration", "LocalAddress", "MessagesReceived", "MessagesSent",
    "Neighbor", "RoutesReceived",    "State",        NULL};

static void add_column(struct column *c, const char *name)
{
    *c = (struct column){.name = name, .width = strlen(name)};
    snprintf(c->key, sizeof(c->key), "%c%s", name[0] | 0x20, name + 1);
}

static const char *find_name(const char *const *names, const char *s, size_t len)
{
    for (; *names; names++)
        if (strlen(*names) == len && strncasecmp(*names, s, len) == 0)
            return *names;
    return NULL;
}

/* "Network,Weight"; NULL: all. The number of columns; 0: there is no such one, said on stderr. */
static size_t choose(const char *const *names, const char *wanted, struct column *c)
{
    size_t n = 0;
    if (!wanted)
        for (; names[n]; n++)
            add_column(&c[n], names[n]);
    for (const char *s = wanted; s; s = *s ? s + 1 : NULL) {
        size_t len = strcspn(s, ",");
        const char *name = find_name(names, s, len);
        if (!name || n == COLUMNS_MAX) {
            fprintf(stderr, "kedge: --azure=%s; columns:", wanted);
            for (; *names; names++)
                fprintf(stderr, " %s", *names);
            fputc('\n', stderr);
            return 0;
        }
        add_column(&c[n++], name);
        s += len;
    }
    return n;
}

static const char *cell(const json_t *row, const struct column *c, char buf[CELL_MAX])
{
    const json_t *v = json_object_get(row, c->key);
    if (json_is_integer(v))
        snprintf(buf, CELL_MAX, "%lld", (long long)json_integer_value(v));
    else
        snprintf(buf, CELL_MAX, "%s", json_string_length(v) ? cli_str(row, c->key) : "");
    return buf;
}

/* Padded, but for the last column's text. */
static void put(const struct column *c, bool last, bool right, const char *text)
{
    int pad = (int)(c->width - strlen(text));
    printf("%*s%s%*s%s", right ? pad : 0, "", text, right || last ? 0 : pad, "", last ? "\n" : " ");
}

static bool is_number(const json_t *rows, const struct column *c)
{
    return json_is_integer(json_object_get(json_array_get(rows, 0), c->key));
}

static const char *underline(const char *text, char buf[CELL_MAX])
{
    size_t n = strlen(text);
    memset(buf, '-', n);
    buf[n] = '\0';
    return buf;
}

static void print_line(const json_t *rows, const struct column *c, size_t n, const json_t *row,
                       bool dashes)
{
    char buf[CELL_MAX];
    for (size_t i = 0; i < n; i++) {
        const char *text = row ? cell(row, &c[i], buf) : c[i].name;
        put(&c[i], i + 1 == n, is_number(rows, &c[i]), dashes ? underline(text, buf) : text);
    }
}

bool cli_azure_print(const struct cli *c, const json_t *rows)
{
    const char *const *names =
        strncmp(c->command, "routes", 6) == 0 ? route_names : neighbor_names;
    struct column columns[COLUMNS_MAX];
    char buf[CELL_MAX];
    size_t n = choose(names, c->columns, columns), i, k;
    json_t *row;
    if (n == 0)
        return false;
    json_array_foreach (rows, i, row)
        for (k = 0; k < n; k++)
            columns[k].width = KD_MAX(columns[k].width, strlen(cell(row, &columns[k], buf)));
    print_line(rows, columns, n, NULL, false);
    print_line(rows, columns, n, NULL, true);
    json_array_foreach (rows, i, row)
        print_line(rows, columns, n, row, false);
    return true;
}
