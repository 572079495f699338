/* The sections that are one table each: router, gateway, control, logging. */
#include "config/cfg.h"

#include <stdio.h>

/* ---- router ---- */

const struct cfg_word cfg_table_words[] = {{"main", 254}, {"default", 253}, {NULL, 0}};

static const struct cfg_word install_words[] = {{"true", false}, {"false", true}, {NULL, 0}};

static void read_router_id(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    struct kd_addr a;
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &v))
        return;
    if (!kd_addr_parse(v.s, &a) || a.family != 4 || kd_addr_is_any(&a)) {
        cfg_error(c, v.at, "%s; allowed: an IPv4 address other than 0.0.0.0", cfg_quote(&v, quote));
        return;
    }
    *(uint32_t *)obj =
        (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
}

static const struct cfg_word when_words[] = {{"always", false}, {"in-kernel", true}, {NULL, 0}};

static void read_network_prefix(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    struct kd_prefix p;
    if (cfg_val(c, n, &v) && cfg_read_prefix(c, &v, &p))
        *(struct kd_prefix *)obj = p;
}

static const struct cfg_key network_keys[] = {
    {.name = "prefix", .type = CFG_OWN, .required = true, CFG_AT(struct core_network, prefix),
     .parse = read_network_prefix},
    {.name = "when", .type = CFG_WORD, CFG_AT(struct core_network, in_kernel), .words = when_words,
     .def = "always"},
};
static const struct cfg_table network_table = {"a network", false, KD_ARRAY_LEN(network_keys),
                                               network_keys};

/* A prefix alone, or a map with when it is announced. */
static void read_network(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_config *o = &c->out;
    struct core_network net = {0};
    char text[KD_PREFIX_STR_MAX];
    (void)obj;
    if (n->type == YAML_MAPPING_NODE)
        cfg_map(c, n, &network_table, &net, NULL);
    else
        read_network_prefix(c, n, &net.prefix);
    if (!net.prefix.addr.family)
        return;
    for (uint32_t i = 0; i < o->n_networks; i++)
        if (kd_prefix_eq(&o->networks[i].prefix, &net.prefix)) {
            cfg_error(c, cfg_at(n), "\"%s\" is already in the list",
                      kd_prefix_str(&net.prefix, text));
            return;
        }
    o->networks[o->n_networks++] = net;
}

/* As `ip route` calls them. */
static const struct cfg_word protocol_words[] = {
    {"kernel", 2}, {"boot", 3},   {"static", 4},  {"zebra", 11}, {"bird", 12},   {"dhcp", 16},
    {"bgp", 186},  {"isis", 187}, {"ospf", 188},  {"rip", 189},  {"eigrp", 192}, {"babel", 42},
    {NULL, 0}};

static void read_protocol(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key key = {
        .name = "protocol", .type = CFG_UINT, .min = 1, .max = 255, .words = protocol_words,
        .size = 1};
    struct core_redistribute *r = &c->out.redistribute;
    struct cfg_val v;
    uint8_t protocol = 0;
    (void)obj;
    if (!cfg_val(c, n, &v) || !cfg_scalar(c, &key, &v, &protocol))
        return;
    if (protocol == 75)
        cfg_error(c, v.at, "\"75\" is what kedge itself installs; allowed: another's routes");
    r->protocols[protocol / 8] |= (uint8_t)(1u << protocol % 8);
}

static void read_redistribute_policy(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    if (cfg_val(c, n, &v))
        *(struct bgp_route_map **)obj = cfg_policy_find(c, &v);
}

static const struct cfg_key redistribute_keys[] = {
    {.name = "protocols", .type = CFG_LIST, .required = true, .min = 1, .max = 16,
     .parse = read_protocol},
    {.name = "policy", .type = CFG_OWN, .required = true, CFG_AT(struct core_redistribute, policy),
     .parse = read_redistribute_policy},
    {.name = "max", .type = CFG_UINT, CFG_AT(struct core_redistribute, max), .min = 1,
     .max = 100000, .def = "1000"},
};
static const struct cfg_table redistribute_table = {
    "redistribute", false, KD_ARRAY_LEN(redistribute_keys), redistribute_keys};

static void read_redistribute(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_map(c, n, &redistribute_table, obj, NULL);
}

static const struct cfg_key router_keys[] = {
    {.name = "id", .type = CFG_OWN, .required = true, CFG_AT(struct core_config, router_id),
     .parse = read_router_id},
    {.name = "asn", .type = CFG_UINT, .required = true, CFG_AT(struct core_config, asn), .min = 1,
     .max = UINT32_MAX},
    {.name = "networks", .type = CFG_LIST, .max = CORE_NETWORKS_MAX, .parse = read_network},
    {.name = "table", .type = CFG_UINT, CFG_AT(struct core_config, table), .min = 1,
     .max = UINT32_MAX, .words = cfg_table_words, .def = "main"},
    {.name = "vrf", .type = CFG_OWN, CFG_AT(struct core_config, vrf), .parse = cfg_ifname},
    {.name = "azure", .type = CFG_OWN, .parse = cfg_azure},
    {.name = "ecmp", .type = CFG_WORD, CFG_AT(struct core_config, ecmp), .words = cfg_bool_words,
     .def = "false"},
    {.name = "install", .type = CFG_WORD, CFG_AT(struct core_config, no_install),
     .words = install_words, .def = "true"},
    {.name = "redistribute", .type = CFG_OWN, CFG_AT(struct core_config, redistribute),
     .parse = read_redistribute},
    {.name = "resolve-via-default", .type = CFG_WORD,
     CFG_AT(struct core_config, resolve_via_default), .words = cfg_bool_words, .def = "false"},
};
const struct cfg_table cfg_router_table = {"router", false, KD_ARRAY_LEN(router_keys), router_keys};

void cfg_inner_table(struct cfg *c, struct cfg_where table_at, struct cfg_where vrf_at,
                     uint32_t table, const char *vrf)
{
    if (table == 255)
        cfg_error(c, table_at,
                  ".table: \"255\" is the kernel's local table; allowed: main or another number");
    if (table - CORE_TABLE_PIN < CORE_HEALTH_MAX)
        cfg_error(c, table_at,
                  ".table: \"%u\" is one of %u to %u, where health probes have their own ways; "
                  "allowed: main or another number",
                  table, CORE_TABLE_PIN, CORE_TABLE_PIN + CORE_HEALTH_MAX - 1);
    if (vrf[0] && (table == 253 || table == 254))
        cfg_error(c, vrf_at, ".vrf: needs table, the VRF's own; neither main nor default is");
}

void cfg_router(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(router_keys)];
    struct core_config *o = obj;
    cfg_map(c, n, &cfg_router_table, o, at);
    if (o->asn == 23456)
        cfg_error(c, at[1], ".asn: \"23456\" is AS_TRANS (RFC 6793), nobody's own number");
    cfg_inner_table(c, at[3], at[4], o->table, o->vrf);
}

/* ---- gateway ---- */

static void read_state(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_text = {.name = "state-directory", .type = CFG_TEXT,
                                           CFG_AT(struct core_config, state_directory)};
    struct core_config *o = &c->out;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    (void)obj;
    if (!cfg_val(c, n, &v))
        return;
    if (strcmp(v.s, "none") == 0)
        o->state_directory[0] = '\0';
    else if (v.s[0] != '/')
        cfg_error(c, v.at, "%s; allowed: an absolute path, or none", cfg_quote(&v, quote));
    else
        cfg_scalar(c, &as_text, &v, o->state_directory);
}

static const struct cfg_word dataplane_words[] = {
    {"auto", CORE_DP_AUTO}, {"xfrm", CORE_DP_XFRM}, {"tun", CORE_DP_TUN}, {"none", CORE_DP_NONE},
    {NULL, 0}};

static const struct cfg_key gateway_keys[] = {
    {.name = "listen", .type = CFG_LIST, .required = true, .min = 1, .max = CORE_LISTEN_MAX,
     .parse = cfg_listen},
    {.name = "dataplane", .type = CFG_WORD, CFG_AT(struct core_config, dataplane),
     .words = dataplane_words, .def = "auto"},
    {.name = "port", .type = CFG_UINT, CFG_AT(struct core_config, port), .min = 1, .max = 65535,
     .def = "500"},
    {.name = "natt-port", .type = CFG_UINT, CFG_AT(struct core_config, natt_port), .min = 1,
     .max = 65535, .def = "4500"},
    {.name = "state-directory", .type = CFG_OWN, .parse = read_state},
};
const struct cfg_table cfg_gateway_table = {"gateway", false, KD_ARRAY_LEN(gateway_keys),
                                            gateway_keys};

void cfg_gateway(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(gateway_keys)];
    struct core_config *o = obj;
    snprintf(o->state_directory, sizeof(o->state_directory), "/var/lib/kedge");
    cfg_map(c, n, &cfg_gateway_table, o, at);
    if (o->port == o->natt_port)
        cfg_error(c, at[3].line ? at[3] : at[2], "port and natt-port are both %u", o->port);
}

/* ---- control, logging ---- */

static void read_socket(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_text = {.name = "socket", .type = CFG_TEXT,
                                           CFG_AT(struct core_config, control_socket)};
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &v))
        return;
    if (v.s[0] != '/')
        cfg_error(c, v.at, "%s; allowed: an absolute path", cfg_quote(&v, quote));
    else
        cfg_scalar(c, &as_text, &v, obj);
}

static const struct cfg_key control_keys[] = {
    {.name = "socket", .type = CFG_OWN, CFG_AT(struct core_config, control_socket),
     .parse = read_socket},
    {.name = "group", .type = CFG_TEXT, CFG_AT(struct core_config, control_group)},
    {.name = "keylog", .type = CFG_WORD, CFG_AT(struct core_config, keylog),
     .words = cfg_bool_words, .def = "false"},
};
const struct cfg_table cfg_control_table = {"control", false, KD_ARRAY_LEN(control_keys),
                                            control_keys};

static const struct cfg_key metrics_keys[] = {
    {.name = "listen",
     .type = CFG_ADDR,
     .required = true,
     CFG_AT(struct core_config, metrics.addr)},
    {.name = "port",
     .type = CFG_UINT,
     CFG_AT(struct core_config, metrics.port),
     .min = 1,
     .max = 65535,
     .def = "9469"},
    {.name = "allow-remote",
     .type = CFG_WORD,
     CFG_AT(struct core_config, metrics_remote),
     .words = cfg_bool_words,
     .def = "false"},
};
static const struct cfg_table cfg_metrics_table = {"metrics", false, KD_ARRAY_LEN(metrics_keys),
                                                   metrics_keys};

static bool is_loopback(const struct kd_addr *a)
{
    static const uint8_t v6[16] = {[15] = 1};
    return a->family == 4 ? a->b[0] == 127 : memcmp(a->b, v6, 16) == 0;
}

void cfg_metrics(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(metrics_keys)];
    struct core_config *o = obj;
    char text[KD_ADDR_STR_MAX];
    cfg_map(c, n, &cfg_metrics_table, o, at);
    if (o->metrics.addr.family && !o->metrics_remote && !is_loopback(&o->metrics.addr))
        cfg_error(
            c, at[0],
            ".listen: \"%s\" can be reached by others, and asks nobody for a password; allowed: "
            "127.0.0.1 or ::1, or with allow-remote: true",
            kd_addr_str(&o->metrics.addr, text));
}

static const struct cfg_word level_words[] = {
    {"error", 0}, {"warn", 1}, {"info", 2}, {"debug", 3}, {NULL, 0}};

static const struct cfg_key logging_keys[] = {
    {.name = "level", .type = CFG_WORD, CFG_AT(struct core_config, log_level),
     .words = level_words, .def = "info"},
};
const struct cfg_table cfg_logging_table = {"logging", false, KD_ARRAY_LEN(logging_keys),
                                            logging_keys};
