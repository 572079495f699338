/* The reader of the schema tables: walks a mapping, says what is unknown, doubled or missing, and
 * has every known value read into its place. */
#include "config/cfg.h"

#include <stdio.h>

static const char *key_name(const void *arg, size_t i)
{
    const struct cfg_table *t = arg;
    return i < t->n ? t->keys[i].name : NULL;
}

/* "name, local, remote"; cut where it doesn't fit. */
static const char *allowed_keys(const struct cfg_table *t, char *buf, size_t cap)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < t->n && n < cap; i++)
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "", t->keys[i].name);
    return buf;
}

static void unknown_key(struct cfg *c, const struct cfg_table *t, const struct cfg_val *key)
{
    char allowed[512], hint[CFG_HINT_MAX], quote[CFG_QUOTE_MAX];
    const char *near = cfg_nearest(key->s, key_name, t);
    /* `auth: {hunter2}` is a map with the key hunter2 */
    cfg_error(c, key->at, "unknown key%s%s; allowed: %s%s", t->secret ? "" : " ",
              t->secret ? "" : cfg_quote(key, quote), allowed_keys(t, allowed, sizeof(allowed)),
              cfg_hint(near, hint));
}

/* The value's node of each key of the table, NULL where absent. */
static void match_keys(struct cfg *c, yaml_node_t *n, const struct cfg_table *t,
                       yaml_node_t **value)
{
    const yaml_node_pair_t *end = n->data.mapping.pairs.top;
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < end; p++) {
        struct cfg_val key;
        if (!cfg_val(c, yaml_document_get_node(c->doc, p->key), &key))
            continue;
        size_t i = 0;
        while (i < t->n && strcmp(t->keys[i].name, key.s) != 0)
            i++;
        if (i == t->n)
            unknown_key(c, t, &key);
        else if (value[i])
            cfg_error(c, key.at, "\"%s\" is already set in line %u", key.s, cfg_at(value[i]).line);
        else
            value[i] = yaml_document_get_node(c->doc, p->value);
    }
}

static void read_value(struct cfg *c, const struct cfg_key *k, yaml_node_t *n, void *obj)
{
    uint8_t *dst = (uint8_t *)obj + k->offset;
    struct cfg_val v;
    switch (k->type) {
    case CFG_MAP:
        cfg_map(c, n, k->table, obj, NULL);
        break;
    case CFG_LIST:
        cfg_list(c, n, k->min, k->max, k->parse, dst);
        break;
    case CFG_OWN:
        k->parse(c, n, dst);
        break;
    default:
        if (cfg_val(c, n, &v))
            cfg_scalar(c, k, &v, dst);
    }
}

static void read_default(struct cfg *c, const struct cfg_key *k, void *obj)
{
    if (k->type == CFG_MAP) {
        cfg_defaults(c, k->table, obj);
    } else if (k->def) {
        struct cfg_val v = {k->def, strlen(k->def), {0, 0}};
        bool ok = cfg_scalar(c, k, &v, (uint8_t *)obj + k->offset);
        kd_assert(ok); /* our own table */
    }
}

void cfg_defaults(struct cfg *c, const struct cfg_table *t, void *obj)
{
    for (size_t i = 0; i < t->n; i++)
        read_default(c, &t->keys[i], obj);
}

void cfg_map(struct cfg *c, yaml_node_t *n, const struct cfg_table *t, void *obj,
             struct cfg_where *at)
{
    kd_assert(t->n <= CFG_KEYS_MAX);
    if (at)
        memset(at, 0, t->n * sizeof(*at));
    if (n->type != YAML_MAPPING_NODE) {
        char allowed[512];
        cfg_error(c, cfg_at(n), "%s is a map; its keys: %s", t->what,
                  allowed_keys(t, allowed, sizeof(allowed)));
        cfg_defaults(c, t, obj);
        return;
    }
    yaml_node_t *value[CFG_KEYS_MAX] = {NULL};
    match_keys(c, n, t, value);
    for (size_t i = 0; i < t->n; i++) {
        const struct cfg_key *k = &t->keys[i];
        if (!value[i] && k->required)
            cfg_error(c, cfg_at(n), "\"%s\" is missing", k->name);
        if (!value[i]) {
            read_default(c, k, obj);
            continue;
        }
        if (at)
            at[i] = cfg_at(value[i]);
        size_t old = cfg_push(c, ".%s", k->name);
        read_value(c, k, value[i], obj);
        cfg_pop(c, old);
    }
}

bool cfg_list(struct cfg *c, yaml_node_t *n, uint64_t min, uint64_t max, cfg_fn *fn, void *obj)
{
    if (n->type != YAML_SEQUENCE_NODE) {
        cfg_error(c, cfg_at(n), "a list is expected here: [..., ...]");
        return false;
    }
    size_t len = cfg_list_len(n);
    if (len < min || len > max) {
        cfg_error(c, cfg_at(n), "%zu entries; allowed: %llu to %llu", len, (unsigned long long)min,
                  (unsigned long long)max);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        size_t old = cfg_push(c, "[%zu]", i);
        fn(c, yaml_document_get_node(c->doc, n->data.sequence.items.start[i]), obj);
        cfg_pop(c, old);
    }
    return true;
}
