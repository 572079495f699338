/* health: probes beyond the neighbors, and what follows when one isn't answered; recover: how long
 * what failed has to be good before it counts. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- recover ---- */

#define STABLE_ROW(T, m)                                                                           \
    {                                                                                              \
        .name = "stable", .type = CFG_DURATION, .required = true, CFG_AT(T, m), .unit = 1,         \
        .max = KD_S(3600)                                                                          \
    }

static const struct cfg_key recover_keys[] = {STABLE_ROW(struct core_config, recover_us)};
const struct cfg_table cfg_recover_table = {"recover", false, 1, recover_keys};

static const struct cfg_key recover_tunnel_keys[] = {
    STABLE_ROW(struct core_tunnel_config, recover_us)};
const struct cfg_table cfg_recover_tunnel_table = {"recover", false, 1, recover_tunnel_keys};

static const struct cfg_key recover_health_keys[] = {
    STABLE_ROW(struct core_health_config, recover_us)};
static const struct cfg_table recover_health_table = {"recover", false, 1, recover_health_keys};

uint64_t cfg_recover_default(const struct cfg *c, uint64_t otherwise_us)
{
    return c->out.recover_us == UINT64_MAX ? otherwise_us : c->out.recover_us;
}

/* ---- names ---- */

/* The i-th neighbor's name and id, tunnels' first; NULL at the end, "" for a tunnel without one. */
static const char *neighbor_at(const struct core_config *o, size_t i, uint32_t *id)
{
    if (i < o->n_tunnels) {
        *id = (uint32_t)i;
        return o->tunnels[i].has_neighbor ? o->tunnels[i].neighbor.bgp.name : "";
    }
    if (i - o->n_tunnels >= o->n_neighbors)
        return NULL;
    *id = CORE_PEER_BESIDE((uint32_t)i - o->n_tunnels);
    return o->neighbors[i - o->n_tunnels].bgp.name;
}

static const char *neighbor_name(const void *arg, size_t i)
{
    uint32_t id;
    return neighbor_at(arg, i, &id);
}

static bool neighbor_find(const struct core_config *o, const char *name, uint32_t *id)
{
    const char *known;
    for (size_t i = 0; (known = neighbor_at(o, i, id)) != NULL; i++)
        if (known[0] && strcmp(known, name) == 0)
            return true;
    return false;
}

static const struct bgp_peer_config *neighbor_of(const struct core_config *o, uint32_t id)
{
    return id < CORE_TUNNELS_MAX ? &o->tunnels[id].neighbor.bgp
                                 : &o->neighbors[id - CORE_TUNNELS_MAX].bgp;
}

bool cfg_tunnel_find(const struct core_config *o, const char *name, uint32_t *id)
{
    for (*id = 0; *id < o->n_tunnels; ++*id)
        if (strcmp(o->tunnels[*id].ike.name, name) == 0)
            return true;
    return false;
}

/* ---- values ---- */

static void read_via(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_text = {
        .name = "via", .type = CFG_TEXT, CFG_AT(struct core_health_config, ifname)};
    struct core_health_config *h = obj;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    h->tunnel = h->peer = UINT32_MAX;
    if (!cfg_val(c, n, &v))
        return;
    if (strncmp(v.s, "dev ", 4) == 0) {
        struct cfg_val name = {v.s + 4, v.len - 4, v.at};
        cfg_scalar(c, &as_text, &name, h->ifname);
    } else if (!cfg_tunnel_find(&c->out, v.s, &h->tunnel)) {
        h->tunnel = UINT32_MAX;
        if (!neighbor_find(&c->out, v.s, &h->peer)) {
            h->peer = UINT32_MAX;
            if (!kd_addr_parse(v.s, &h->local))
                cfg_error(
                    c, v.at,
                    "%s; allowed: a tunnel, a neighbor, an address of ours, or dev INTERFACE%s",
                    cfg_quote(&v, quote), cfg_hint(cfg_nearest(v.s, neighbor_name, &c->out), hint));
        }
    }
}

void cfg_neighbor_into(struct cfg *c, yaml_node_t *node, uint32_t *list, uint32_t *n)
{
    struct cfg_val v;
    uint32_t id;
    char quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    if (!cfg_val(c, node, &v))
        return;
    if (!neighbor_find(&c->out, v.s, &id))
        cfg_error(c, v.at, "there is no neighbor %s; allowed: a neighbor's name%s",
                  cfg_quote(&v, quote), cfg_hint(cfg_nearest(v.s, neighbor_name, &c->out), hint));
    else
        cfg_id_into(c, &v, id, list, n);
}

void cfg_id_into(struct cfg *c, const struct cfg_val *v, uint32_t id, uint32_t *list, uint32_t *n)
{
    for (uint32_t i = 0; i < *n; i++)
        if (list[i] == id) {
            cfg_error(c, v->at, "\"%s\" is already in the list", v->s);
            return;
        }
    list[(*n)++] = id;
}

static void read_neighbor(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_health_config *h = obj;
    cfg_neighbor_into(c, n, h->neighbor, &h->n_neighbors);
}

static void read_neighbors(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_list(c, n, 1, CORE_HEALTH_NEIGHBORS_MAX, read_neighbor, obj);
}

static const struct cfg_word then_words[] = {{"withdraw", CORE_THEN_WITHDRAW},
                                             {"local-pref", CORE_THEN_LOCAL_PREF},
                                             {"prepend", CORE_THEN_PREPEND},
                                             {"shutdown", CORE_THEN_SHUTDOWN},
                                             {NULL, 0}};

static void read_then_word(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_word = {
        .name = "then", .type = CFG_WORD, .size = sizeof(unsigned), .words = then_words};
    unsigned word, *then = obj;
    struct cfg_val v;
    if (!cfg_val(c, n, &v) || !cfg_scalar(c, &as_word, &v, &word))
        return;
    if (*then & word)
        cfg_error(c, v.at, "\"%s\" is already in the list", v.s);
    *then |= word;
}

/* One word, or a list of them. */
static void read_then(struct cfg *c, yaml_node_t *n, void *obj)
{
    if (n->type == YAML_SEQUENCE_NODE)
        cfg_list(c, n, 1, KD_ARRAY_LEN(then_words) - 1, read_then_word, obj);
    else
        read_then_word(c, n, obj);
}

/* ---- the table ---- */

static const struct cfg_word probe_words[] = {
    {"icmp", CORE_PROBE_ICMP}, {"udp", CORE_PROBE_UDP}, {"tcp", CORE_PROBE_TCP}, {NULL, 0}};

enum {
    K_NAME,
    K_PROBE,
    K_TO,
    K_PORT,
    K_VIA,
    K_EVERY,
    K_FAIL,
    K_THEN,
    K_LOCAL_PREF,
    K_PREPEND,
    K_NEIGHBORS,
    K_RECOVER,
    K_N
};

#define T struct core_health_config
static const struct cfg_key keys[K_N] = {
    [K_NAME] = {.name = "name", .type = CFG_NAME, .required = true, CFG_AT(T, name)},
    [K_PROBE] = {.name = "probe",
                 .type = CFG_WORD,
                 .required = true,
                 CFG_AT(T, probe),
                 .words = probe_words},
    [K_TO] = {.name = "to", .type = CFG_ADDR, .required = true, CFG_AT(T, to.addr)},
    [K_PORT] = {.name = "port", .type = CFG_UINT, CFG_AT(T, to.port), .min = 1, .max = 65535},
    [K_VIA] = {.name = "via", .type = CFG_OWN, .required = true, .parse = read_via},
    [K_EVERY] = {.name = "every",
                 .type = CFG_DURATION,
                 CFG_AT(T, every_us),
                 .unit = 1,
                 .min = KD_MS(100),
                 .max = KD_S(3600),
                 .def = "1s"},
    [K_FAIL] =
        {.name = "fail", .type = CFG_UINT, CFG_AT(T, fail), .min = 1, .max = 100, .def = "3"},
    [K_THEN] =
        {.name = "then", .type = CFG_OWN, .required = true, CFG_AT(T, then), .parse = read_then},
    [K_LOCAL_PREF] = {.name = "local-pref",
                      .type = CFG_UINT,
                      CFG_AT(T, local_pref),
                      .max = UINT32_MAX},
    [K_PREPEND] = {.name = "prepend",
                   .type = CFG_UINT,
                   CFG_AT(T, prepend),
                   .min = 1,
                   .max = BGP_STEER_PREPEND_MAX},
    [K_NEIGHBORS] = {.name = "neighbors", .type = CFG_OWN, .parse = read_neighbors},
    [K_RECOVER] = {.name = "recover", .type = CFG_MAP, .table = &recover_health_table},
};
#undef T
static const struct cfg_table table = {"a health probe", false, K_N, keys};

/* ---- rules between keys ---- */

static void check_target(struct cfg *c, const struct core_health_config *h,
                         const struct cfg_where *at, struct cfg_where self)
{
    bool icmp = h->probe == CORE_PROBE_ICMP;
    if (at[K_TO].line && h->to.addr.family && kd_addr_is_any(&h->to.addr))
        cfg_error(c, at[K_TO], ".to: allowed: the address of what is to answer");
    if (icmp && at[K_PORT].line)
        cfg_error(c, at[K_PORT], ".port: icmp has none; allowed: with probe: udp or tcp");
    if (h->probe != CORE_PROBE_N && !icmp && !at[K_PORT].line)
        cfg_error(c, self, "\"port\" is missing: udp and tcp need one");
    if (h->local.family && h->to.addr.family && h->local.family != h->to.addr.family)
        cfg_error(c, at[K_VIA], ".via: not of the family of \"to\"");
}

/* A key that belongs to a word of then. */
static void check_value(struct cfg *c, const struct core_health_config *h, unsigned word,
                        const char *key, struct cfg_where value, struct cfg_where then)
{
    if ((h->then & word) && !value.line)
        cfg_error(c, then, ".then: %s needs the key \"%s\"", key, key);
    if (!(h->then & word) && value.line && then.line)
        cfg_error(c, value, ".%s: not without \"%s\" in then", key, key);
}

static void check_neighbors(struct cfg *c, struct core_health_config *h, const struct cfg_where *at,
                            struct cfg_where self)
{
    const struct core_config *o = &c->out;
    if (!at[K_NEIGHBORS].line && h->tunnel < o->n_tunnels && o->tunnels[h->tunnel].has_neighbor)
        h->neighbor[h->n_neighbors++] = h->tunnel;
    else if (!at[K_NEIGHBORS].line && h->peer != UINT32_MAX)
        h->neighbor[h->n_neighbors++] = h->peer;
    else if (!at[K_NEIGHBORS].line && at[K_VIA].line)
        cfg_error(c, self, "\"neighbors\" is missing: via names none");
    for (uint32_t i = 0; i < h->n_neighbors; i++)
        if (h->then & CORE_THEN_PREPEND && neighbor_of(o, h->neighbor[i])->asn == o->asn)
            cfg_error(c, at[K_THEN],
                      ".then: prepend: \"%s\" is internal, our AS in a path is a loop there; "
                      "allowed: withdraw, local-pref, shutdown",
                      neighbor_of(o, h->neighbor[i])->name);
}

static void read_health(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[K_N], self = cfg_at(n);
    struct core_health_config *h = &c->out.health[c->out.n_health];
    (void)obj;
    h->tunnel = h->peer = UINT32_MAX;
    h->probe = CORE_PROBE_N;
    h->recover_us = cfg_recover_default(c, KD_S(10));
    cfg_map(c, n, &table, h, at);
    if (n->type != YAML_MAPPING_NODE)
        return;
    for (uint32_t i = 0; i < c->out.n_health; i++)
        if (h->name[0] && strcmp(h->name, c->out.health[i].name) == 0)
            cfg_error(c, at[K_NAME], ".name: \"%s\" is already the name of health[%u]", h->name, i);
    check_target(c, h, at, self);
    check_value(c, h, CORE_THEN_LOCAL_PREF, "local-pref", at[K_LOCAL_PREF], at[K_THEN]);
    check_value(c, h, CORE_THEN_PREPEND, "prepend", at[K_PREPEND], at[K_THEN]);
    check_neighbors(c, h, at, self);
    c->out.n_health++;
}

void cfg_health(struct cfg *c, yaml_node_t *n, void *obj)
{
    size_t len = KD_MIN(cfg_list_len(n), (size_t)CORE_HEALTH_MAX);
    (void)obj;
    c->out.health = calloc(len + 1, sizeof(*c->out.health));
    if (!c->out.health)
        cfg_error(c, cfg_at(n), "out of memory");
    else
        cfg_list(c, n, 0, CORE_HEALTH_MAX, read_health, NULL);
}
