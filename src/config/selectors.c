/* What a tunnel carries: selectors (one child, or a ladder of them) and children (several). RFC
 * 7296 2.9; the ladder is Azure's (facts/azure 1.5). */
#include "config/cfg.h"

#include <stdio.h>

/* Protocols by name, and which of them have ports. */
static const struct {
    const char *name;
    uint8_t proto;
    bool ports;
} protos[] = {
    {"any", 0, false},  {"icmp", 1, false}, {"tcp", 6, true},      {"udp", 17, true},
    {"gre", 47, false}, {"ospf", 89, false}, {"icmpv6", 58, false}, {"sctp", 132, true},
};

static bool proto_of(const char *s, size_t len, struct ike_ts *ts, bool *ports)
{
    uint64_t n;
    for (size_t i = 0; i < KD_ARRAY_LEN(protos); i++)
        if (strlen(protos[i].name) == len && memcmp(protos[i].name, s, len) == 0) {
            ts->proto = protos[i].proto;
            *ports = protos[i].ports;
            return true;
        }
    *ports = false;
    if (!cfg_number(s, len, 255, &n))
        return false;
    ts->proto = (uint8_t)n;
    return true;
}

/* "PORT" or "PORT-PORT". */
static bool ports_of(const char *s, struct ike_ts *ts)
{
    size_t len = strcspn(s, "-");
    uint64_t lo, hi;
    if (!cfg_number(s, len, 65535, &lo))
        return false;
    hi = lo;
    if (s[len] == '-' && !cfg_number(s + len + 1, strlen(s + len + 1), 65535, &hi))
        return false;
    ts->port_lo = (uint16_t)lo;
    ts->port_hi = (uint16_t)hi;
    return lo <= hi;
}

/* "tcp", "tcp/443", "udp/1000-2000". */
static bool upper_layer(const char *s, struct ike_ts *ts)
{
    size_t len = strcspn(s, "/");
    bool ports;
    if (!proto_of(s, len, ts, &ports))
        return false;
    return s[len] == '\0' || (ports && ports_of(s + len + 1, ts));
}

static void read_selector(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct ike_ts_list *l = obj;
    struct cfg_val v, prefix;
    struct kd_prefix p;
    char text[KD_PREFIX_STR_MAX], quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &v))
        return;
    prefix = v;
    prefix.len = strcspn(v.s, " ");
    if (prefix.len < v.len && prefix.len < sizeof(text)) {
        memcpy(text, v.s, prefix.len);
        text[prefix.len] = '\0';
        prefix.s = text;
    } else {
        prefix.len = v.len;
    }
    if (!cfg_read_prefix(c, &prefix, &p))
        return;
    l->ts[l->n] = ike_ts_from_prefix(&p);
    if (prefix.len == v.len || upper_layer(v.s + prefix.len + 1, &l->ts[l->n]))
        l->n++;
    else
        cfg_error(
            c, v.at,
            "%s; allowed behind the prefix: any, icmp, icmpv6, gre, ospf, a protocol's number, "
            "or tcp, udp, sctp, each with /PORT or /PORT-PORT",
            cfg_quote(&v, quote));
}

#define LISTS                                                                                      \
    {.name = "local", .type = CFG_LIST, CFG_AT(struct ike_child_config, local_ts), .min = 1,      \
     .max = IKE_TS_MAX, .parse = read_selector},                                                  \
    {                                                                                             \
        .name = "remote", .type = CFG_LIST, CFG_AT(struct ike_child_config, remote_ts), .min = 1, \
        .max = IKE_TS_MAX, .parse = read_selector                                                 \
    }

static const struct cfg_key step_keys[] = {LISTS};
static const struct cfg_table step_table = {"selectors", false, 2, step_keys};

static const struct cfg_key child_keys[] = {
    LISTS,
    {.name = "name", .type = CFG_NAME, .required = true, CFG_AT(struct ike_child_config, name)},
};
static const struct cfg_table child_table = {"a child", false, 3, child_keys};

static bool same_list(const struct ike_ts_list *a, const struct ike_ts_list *b)
{
    return ike_ts_inside(a, b) && ike_ts_inside(b, a);
}

static void check_twins(struct cfg *c, const struct ike_conn_config *k, const char *what,
                        struct cfg_where at)
{
    const struct ike_child_config *last = &k->child[k->n_children - 1];
    for (unsigned i = 0; i + 1 < k->n_children; i++) {
        const struct ike_child_config *o = &k->child[i];
        if (last->name[0] && strcmp(last->name, o->name) == 0)
            cfg_error(c, at, ".name: \"%s\" is already the name of %s[%u]", o->name, what, i);
        else if (same_list(&last->local_ts, &o->local_ts) &&
                 same_list(&last->remote_ts, &o->remote_ts))
            cfg_error(c, at, "the same selectors as %s[%u]", what, i);
    }
}

static void fill(struct ike_conn_config *k, unsigned i)
{
    static const struct kd_prefix all4 = {.addr = {.family = 4}};
    struct ike_ts_list *lists[] = {&k->child[i].local_ts, &k->child[i].remote_ts};
    for (size_t l = 0; l < 2; l++)
        if (lists[l]->n == 0)
            lists[l]->ts[lists[l]->n++] = ike_ts_from_prefix(&all4);
}

static void read_one(struct cfg *c, yaml_node_t *n, struct ike_conn_config *k,
                     const struct cfg_table *table, const char *what)
{
    unsigned i = k->n_children++;
    cfg_map(c, n, table, &k->child[i], NULL);
    if (i > 0)
        fill(k, i); /* the first one's default knows the family inside: cfg_selectors_default() */
    check_twins(c, k, what, cfg_at(n));
}

static void read_step(struct cfg *c, yaml_node_t *n, void *obj)
{
    read_one(c, n, obj, &step_table, "selectors");
}

static void read_child(struct cfg *c, yaml_node_t *n, void *obj)
{
    read_one(c, n, obj, &child_table, "children");
}

void cfg_selectors(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct ike_conn_config *k = obj;
    if (n->type != YAML_SEQUENCE_NODE) {
        k->n_children = 1;
        cfg_map(c, n, &step_table, &k->child[0], NULL);
        return;
    }
    cfg_list(c, n, 1, IKE_CONN_CHILDREN, read_step, k);
    k->ladder = k->n_children > 1;
}

void cfg_children(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct ike_conn_config *k = obj;
    if (k->n_children > 0) {
        cfg_error(c, cfg_at(n), "selectors and children exclude each other: a tunnel has one child "
                                "or several");
        return;
    }
    cfg_list(c, n, 1, IKE_CONN_CHILDREN, read_child, k);
}

void cfg_selectors_default(struct core_tunnel_config *t)
{
    static const struct kd_prefix all4 = {.addr = {.family = 4}}, all6 = {.addr = {.family = 6}};
    struct ike_conn_config *k = &t->ike;
    struct ike_ts_list *lists[] = {&k->child[0].local_ts, &k->child[0].remote_ts};
    k->n_children = KD_MAX(k->n_children, (uint8_t)1);
    for (size_t i = 0; i < 2; i++) {
        if (lists[i]->n > 0)
            continue;
        lists[i]->ts[lists[i]->n++] = ike_ts_from_prefix(&all4);
        if (t->inner.family == 6)
            lists[i]->ts[lists[i]->n++] = ike_ts_from_prefix(&all6);
    }
}
