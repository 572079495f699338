/* Two configurations compared key by key, for a reload: what takes hold in the running daemon and
 * what needs a restart. What is kept of a configuration are digests by path; of keys written in the
 * file nothing is.
 *
 * Entries of tunnels and neighbors go by their names, not their places. Not here: files that are
 * named in it (certificates); secrets, which the shell compares in the arena. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 16 /* what was accepted is 7 deep */

struct row {
    char path[CONFIG_PATH_MAX];
    uint64_t digest;
};

struct config_print { /* sorted by path */
    uint32_t n, cap;
    bool broken; /* out of memory */
    struct row *row;
};

/* Below these a key counts by itself. */
static const char *const opened[] = {"neighbor", "azure"};
/* Not looked at. */
static const char *const secrets[] = {"psk", "psk-hex"};

static bool one_of(const char *s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, list[i]) == 0)
            return true;
    return false;
}

/* ---- digests ---- */

static uint64_t fold(uint64_t h, const void *p, size_t len)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < len; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return h;
}

static const char *text(yaml_document_t *doc, int id)
{
    const yaml_node_t *n = yaml_document_get_node(doc, id);
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static uint64_t digest(yaml_document_t *doc, const yaml_node_t *n, uint64_t h, unsigned depth)
{
    h = fold(h, &n->type, sizeof(n->type));
    if (n->type == YAML_SCALAR_NODE)
        return fold(h, n->data.scalar.value, n->data.scalar.length);
    if (depth == DEPTH_MAX)
        return h;
    if (n->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *i = n->data.sequence.items.start;
             i < n->data.sequence.items.top; i++)
            h = digest(doc, yaml_document_get_node(doc, *i), h, depth + 1);
        return h;
    }
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
         p++) {
        if (one_of(text(doc, p->key), secrets, KD_ARRAY_LEN(secrets)))
            continue;
        h = digest(doc, yaml_document_get_node(doc, p->key), h, depth + 1);
        h = digest(doc, yaml_document_get_node(doc, p->value), h, depth + 1);
    }
    return h;
}

/* ---- the print ---- */

static void add(struct config_print *p, const char *path, uint64_t d)
{
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 64;
        struct row *row = realloc(p->row, cap * sizeof(*row));
        if (!row) {
            p->broken = true;
            return;
        }
        p->row = row;
        p->cap = cap;
    }
    snprintf(p->row[p->n].path, sizeof(p->row[p->n].path), "%s", path);
    p->row[p->n++].digest = d;
}

static void add_map(struct config_print *p, yaml_document_t *doc, const yaml_node_t *n,
                    const char *path)
{
    for (const yaml_node_pair_t *i = n->data.mapping.pairs.start; i < n->data.mapping.pairs.top;
         i++) {
        const yaml_node_t *v = yaml_document_get_node(doc, i->value);
        const char *key = text(doc, i->key);
        char sub[CONFIG_PATH_MAX];
        snprintf(sub, sizeof(sub), "%s.%s", path, key);
        if (v->type == YAML_MAPPING_NODE && one_of(key, opened, KD_ARRAY_LEN(opened)))
            add_map(p, doc, v, sub);
        else
            add(p, sub, digest(doc, v, 0, 0));
    }
}

static const char *name_of(yaml_document_t *doc, const yaml_node_t *n)
{
    for (const yaml_node_pair_t *i = n->data.mapping.pairs.start; i < n->data.mapping.pairs.top;
         i++)
        if (strcmp(text(doc, i->key), "name") == 0)
            return text(doc, i->value);
    return "";
}

static void add_section(struct config_print *p, yaml_document_t *doc, const char *name,
                        const yaml_node_t *v)
{
    if (v->type == YAML_MAPPING_NODE)
        add_map(p, doc, v, name);
    if (v->type != YAML_SEQUENCE_NODE)
        return;
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top;
         i++) {
        const yaml_node_t *e = yaml_document_get_node(doc, *i);
        char path[CONFIG_PATH_MAX];
        if (e->type != YAML_MAPPING_NODE)
            continue;
        snprintf(path, sizeof(path), "%s.%s", name, name_of(doc, e));
        add_map(p, doc, e, path);
    }
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->path, ((const struct row *)b)->path);
}

/* Takes p, NULL and broken ones too. */
static struct config_print *done(struct config_print *p)
{
    if (!p || p->broken) {
        config_print_free(p);
        return NULL;
    }
    if (p->n)
        qsort(p->row, p->n, sizeof(*p->row), by_path);
    return p;
}

struct config_print *config_print_new(struct kd_bytes yaml)
{
    struct config_print *p = calloc(1, sizeof(*p));
    struct config_errors *errs = calloc(1, sizeof(*errs));
    struct cfg c = {.errs = errs};
    yaml_document_t doc;
    if (p && errs && cfg_load(&c, yaml, &doc)) {
        const yaml_node_t *root = yaml_document_get_root_node(&doc);
        const yaml_node_pair_t *i = root->data.mapping.pairs.start;
        for (; root->type == YAML_MAPPING_NODE && i < root->data.mapping.pairs.top; i++)
            add_section(p, &doc, text(&doc, i->key), yaml_document_get_node(&doc, i->value));
        cfg_unload(&doc);
    }
    free(errs);
    return done(p);
}

void config_print_free(struct config_print *p)
{
    if (p)
        free(p->row);
    free(p);
}

/* ---- the comparison ---- */

/* The first row that doesn't come before len octets of path and the character after. */
static uint32_t position(const struct config_print *p, const char *path, size_t len, char after)
{
    uint32_t lo = 0, hi = p->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int cmp = strncmp(p->row[mid].path, path, len);
        if (cmp == 0)
            cmp = (p->row[mid].path[len] > after) - (p->row[mid].path[len] < after);
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct row *find(const struct config_print *p, const char *path)
{
    uint32_t i = position(p, path, strlen(path), '\0');
    return i < p->n && strcmp(p->row[i].path, path) == 0 ? &p->row[i] : NULL;
}

/* Is there a key below the len octets of path? */
static bool has(const struct config_print *p, const char *path, size_t len)
{
    uint32_t i = position(p, path, len, '.');
    return i < p->n && strncmp(p->row[i].path, path, len) == 0 && p->row[i].path[len] == '.';
}

/* How much of path names an entry (a tunnel, a neighbor, a probe); 0 elsewhere. */
static size_t entry(const char *path)
{
    static const char *const sections[] = {"tunnels.", "neighbors.", "health."};
    size_t section = strcspn(path, "."), i = 0;
    while (i < KD_ARRAY_LEN(sections) && strncmp(path, sections[i], section + 1) != 0)
        i++;
    if (i == KD_ARRAY_LEN(sections))
        return 0;
    return section + 1 + strcspn(path + section + 1, ".");
}

/* A neighbor's key, of one that is there before and after. */
static bool neighbor_live(const char *path, const struct config_print *from,
                          const struct config_print *to)
{
    static const char *const keys[] = {
        "import",  "export",  "next-hop-self", "as-override", "allowas-in", "graceful-shutdown",
        "profile", "passive", "prefixes-max",  "weight"};
    size_t end = entry(path);
    const char *key = path + end + (path[end] == '.');
    bool inside = strncmp(key, "neighbor.", 9) == 0;
    if (!end || path[0] == 'h' || (path[0] == 't') != inside)
        return false;
    key += inside ? 9 : 0;
    end = (size_t)(key - path) - 1;
    return has(from, path, end) && has(to, path, end) && one_of(key, keys, KD_ARRAY_LEN(keys));
}

/* A probe's, or a tunnel's span of recovery, of one that is there before and after. */
static bool probe_live(const char *path, const struct config_print *from,
                       const struct config_print *to)
{
    static const char *const keys[] = {"every", "fail", "then", "local-pref", "prepend", "recover"};
    size_t end = entry(path);
    const char *key = path + end + (path[end] == '.');
    if (!end || !has(from, path, end) || !has(to, path, end))
        return false;
    return path[0] == 'h' ? one_of(key, keys, KD_ARRAY_LEN(keys))
                          : path[0] == 't' && strcmp(key, "recover") == 0;
}

static bool live(const char *path, const struct config_print *from, const struct config_print *to)
{
    static const char *const alone[] = {"router.networks", "logging.level", "recover.stable"};
    return probe_live(path, from, to) || strncmp(path, "policies.", 9) == 0 ||
           strncmp(path, "router.azure.", 13) == 0 || strncmp(path, "readiness.", 10) == 0 ||
           one_of(path, alone, KD_ARRAY_LEN(alone)) || neighbor_live(path, from, to);
}

struct changes {
    const struct config_print *from, *to;
    void (*fn)(void *arg, const char *path, bool live);
    void *arg;
    char last[CONFIG_PATH_MAX]; /* an entry that came or went is said once */
};

static void say(struct changes *c, const char *path)
{
    char buf[CONFIG_PATH_MAX];
    size_t n = entry(path);
    if (!n || (has(c->from, path, n) && has(c->to, path, n))) {
        c->fn(c->arg, path, live(path, c->from, c->to));
        return;
    }
    snprintf(buf, sizeof(buf), "%.*s", (int)n, path);
    if (strcmp(buf, c->last) == 0)
        return;
    memcpy(c->last, buf, sizeof(buf));
    c->fn(c->arg, buf, false);
}

void config_diff(const struct config_print *from, const struct config_print *to,
                 void (*fn)(void *arg, const char *path, bool live), void *arg)
{
    struct changes c = {.from = from, .to = to, .fn = fn, .arg = arg};
    for (uint32_t i = 0; i < to->n; i++) {
        const struct row *old = find(from, to->row[i].path);
        if (!old || old->digest != to->row[i].digest)
            say(&c, to->row[i].path);
    }
    for (uint32_t i = 0; i < from->n; i++)
        if (!find(to, from->row[i].path))
            say(&c, from->row[i].path);
}

struct config_print *config_print_merge(const struct config_print *running,
                                        const struct config_print *next)
{
    struct config_print *p = calloc(1, sizeof(*p));
    for (uint32_t i = 0; p && i < running->n; i++) {
        const struct row *r = &running->row[i];
        if (live(r->path, running, next))
            r = find(next, r->path);
        if (r)
            add(p, r->path, r->digest);
    }
    for (uint32_t i = 0; p && i < next->n; i++)
        if (!find(running, next->row[i].path) && live(next->row[i].path, running, next))
            add(p, next->row[i].path, next->row[i].digest);
    return done(p);
}
