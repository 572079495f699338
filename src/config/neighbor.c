/* neighbors: BGP sessions, over a tunnel and beside the tunnels; one set of keys, a few of which
 * only one kind has. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

static struct bgp_route_map *read_policy_ref(struct cfg *c, yaml_node_t *n)
{
    struct cfg_val v;
    return cfg_val(c, n, &v) ? cfg_policy_find(c, &v) : NULL;
}

static void read_import(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_neighbor_config *p = obj;
    p->bgp.import = read_policy_ref(c, n);
}

static void read_export(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct core_neighbor_config *p = obj;
    p->bgp.export = read_policy_ref(c, n);
}

static void read_password_file(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_FILE, &((struct core_neighbor_config *)obj)->password);
}

static void read_password_credential(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_CREDENTIAL, &((struct core_neighbor_config *)obj)->password);
}

#define T struct core_neighbor_config

enum {
    K_NAME, K_ASN, K_ADDRESS, K_HOLD, K_KEEPALIVE, K_IMPORT, K_EXPORT, K_PASSIVE, K_PROFILE,
    K_PASSWORD_FILE, K_PASSWORD_CREDENTIAL, K_GRACEFUL_RESTART
};

static const struct cfg_word graceful_words[] = {{"false", BGP_GRACEFUL_OFF},
                                                 {"true", BGP_GRACEFUL_HELP},
                                                 {"preserve", BGP_GRACEFUL_PRESERVE},
                                                 {NULL, 0}};

/* The rows both kinds have, in the enum's order. */
#define COMMON_ROWS(name_required)                                                                 \
    [K_NAME] = {.name = "name", .type = CFG_NAME, .required = name_required, CFG_AT(T, bgp.name)}, \
    [K_ASN] = {.name = "asn", .type = CFG_UINT, .required = true, CFG_AT(T, bgp.asn), .min = 1,    \
               .max = UINT32_MAX},                                                                 \
    [K_ADDRESS] = {.name = "address", .type = CFG_ADDR, .required = true, CFG_AT(T, bgp.remote)},  \
    [K_HOLD] = {.name = "hold", .type = CFG_DURATION, CFG_AT(T, bgp.hold_s), .unit = KD_S(1),      \
                .max = KD_S(65535), .def = "180s"},                                                \
    [K_KEEPALIVE] = {.name = "keepalive", .type = CFG_DURATION, CFG_AT(T, bgp.keepalive_s),        \
                     .unit = KD_S(1), .min = KD_S(1), .max = KD_S(21845)},                         \
    [K_IMPORT] = {.name = "import", .type = CFG_OWN, .parse = read_import},                        \
    [K_EXPORT] = {.name = "export", .type = CFG_OWN, .parse = read_export},                        \
    [K_PASSIVE] = {.name = "passive", .type = CFG_WORD, CFG_AT(T, bgp.passive),                    \
                   .words = cfg_bool_words},                                                       \
    [K_PROFILE] = {.name = "profile", .type = CFG_WORD, CFG_AT(T, bgp.source),                     \
                   .words = cfg_azure_profiles},                                                   \
    [K_PASSWORD_FILE] = {.name = "password-file", .type = CFG_OWN, .parse = read_password_file},   \
    [K_PASSWORD_CREDENTIAL] = {.name = "password-credential", .type = CFG_OWN,                     \
                               .parse = read_password_credential},                                 \
    [K_GRACEFUL_RESTART] = {.name = "graceful-restart", .type = CFG_WORD,                          \
                            CFG_AT(T, bgp.graceful_restart), .words = graceful_words},             \
    {.name = "connect-retry", .type = CFG_DURATION, CFG_AT(T, bgp.connect_retry_us), .unit = 1,    \
     .min = KD_MS(100), .max = KD_S(3600), .def = "5s"},                                           \
    {.name = "next-hop-self", .type = CFG_WORD, CFG_AT(T, bgp.next_hop_self),                      \
     .words = cfg_bool_words},                                                                     \
    {.name = "as-override", .type = CFG_WORD, CFG_AT(T, bgp.as_override),                          \
     .words = cfg_bool_words},                                                                     \
    {.name = "allowas-in", .type = CFG_UINT, CFG_AT(T, bgp.allow_as_in), .min = 1, .max = 10},     \
    {.name = "graceful-shutdown", .type = CFG_WORD, CFG_AT(T, bgp.graceful_shutdown),              \
     .words = cfg_bool_words},                                                                     \
    {.name = "weight", .type = CFG_UINT, CFG_AT(T, bgp.weight), .max = 65535},                     \
    {.name = "prefixes-max", .type = CFG_UINT, CFG_AT(T, bgp.prefixes_max), .min = 1,              \
     .max = 1000000}

#define BFD_ROW {.name = "bfd", .type = CFG_OWN, .parse = cfg_bfd}

static const struct cfg_key tunnel_keys[] = {COMMON_ROWS(false), BFD_ROW};

static const struct cfg_key beside_keys[] = {
    COMMON_ROWS(true),
    {.name = "local-address", .type = CFG_ADDR, CFG_AT(T, bgp.local)},
    {.name = "multihop", .type = CFG_UINT, CFG_AT(T, bgp.ttl), .min = 1, .max = 255},
    {.name = "ttl-security", .type = CFG_UINT, CFG_AT(T, bgp.ttl_security), .min = 1, .max = 254},
    BFD_ROW,
};
#undef T

static const struct cfg_table tunnel_table = {"neighbor", false, KD_ARRAY_LEN(tunnel_keys),
                                              tunnel_keys};
static const struct cfg_table beside_table = {"a neighbor", false, KD_ARRAY_LEN(beside_keys),
                                              beside_keys};

static void check_timers(struct cfg *c, const struct bgp_peer_config *p,
                         const struct cfg_where *at)
{
    if (p->hold_s == 1 || p->hold_s == 2)
        cfg_error(c, at[K_HOLD], ".hold: %us; allowed: 0s (no hold timer), or 3s and more",
                  p->hold_s);
    else if (p->hold_s > 0 && p->keepalive_s >= p->hold_s)
        cfg_error(c, at[K_KEEPALIVE], ".keepalive: %us; allowed: less than hold (%us)",
                  p->keepalive_s, p->hold_s);
}

/* RFC 8212: without a policy an eBGP session comes up and exchanges nothing, which looks like a
 * fault. */
static void check_policies(struct cfg *c, const struct bgp_peer_config *p,
                           const struct cfg_where *at, struct cfg_where self)
{
    bool import = p->import || at[K_IMPORT].line; /* named, be it wrongly */
    bool export = p->export || at[K_EXPORT].line;
    if (p->asn == c->out.asn || p->asn == 0 || (import && export))
        return;
    cfg_warn(c, self, "no %s policy: an eBGP neighbor %s nothing without one (RFC 8212)",
             import   ? "export"
             : export ? "import"
                      : "import and no export",
             import   ? "is sent"
             : export ? "brings"
                      : "exchanges");
}

static void check_password(struct cfg *c, struct core_neighbor_config *p,
                           const struct cfg_where *at)
{
    struct cfg_where file = at[K_PASSWORD_FILE], credential = at[K_PASSWORD_CREDENTIAL];
    size_t len = c->env->crypto ? kc_key_len(c->env->crypto, p->password) : 0;

    p->with_password = file.line || credential.line;
    if (file.line && credential.line)
        cfg_error(c, credential, "password-file and password-credential exclude each other");
    else if (len > CORE_PASSWORD_MAX)
        cfg_error(c, file.line ? file : credential,
                  ".%s: the password has %zu bytes; allowed: 1 to %d (TCP_MD5SIG)",
                  file.line ? "password-file" : "password-credential", len, CORE_PASSWORD_MAX);
}

static void check_common(struct cfg *c, struct core_neighbor_config *n, const struct cfg_where *at,
                         struct cfg_where self)
{
    const struct bgp_peer_config *p = &n->bgp;
    const struct cfg_azure_marks marks = {.profile = at[K_PROFILE],
                                          .asn = at[K_ASN],
                                          .hold = at[K_HOLD],
                                          .keepalive = at[K_KEEPALIVE],
                                          .import = at[K_IMPORT],
                                          .export = at[K_EXPORT],
                                          .passive = at[K_PASSIVE]};
    cfg_azure_neighbor(c, n, &marks);
    if (at[K_ASN].line && p->asn == 23456)
        cfg_error(c, at[K_ASN], ".asn: \"23456\" is AS_TRANS (RFC 6793), nobody's own number");
    if (at[K_ADDRESS].line && p->remote.family && kd_addr_is_any(&p->remote))
        cfg_error(c, at[K_ADDRESS], ".address: allowed: the neighbor's own address");
    check_password(c, n, at);
    check_timers(c, p, at);
    check_policies(c, p, at, self);
}

static void common_defaults(const struct cfg *c, struct bgp_peer_config *p)
{
    p->iface = BGP_NO_IFACE;
    p->table = c->out.table;
}

static void mark(struct cfg_marks *m, const struct cfg_where *at, struct cfg_where self)
{
    m->peer = at[K_NAME].line ? at[K_NAME] : self;
    m->peer_address = at[K_ADDRESS];
}

void cfg_tunnel_neighbor(struct cfg *c, yaml_node_t *n, struct core_tunnel_config *t,
                         struct cfg_marks *marks)
{
    struct cfg_where at[KD_ARRAY_LEN(tunnel_keys)];
    struct bgp_peer_config *p = &t->neighbor.bgp;
    char addr[KD_ADDR_STR_MAX];
    memcpy(p->name, t->ike.name, sizeof(t->ike.name));
    common_defaults(c, p);
    p->ttl = 255;
    cfg_map(c, n, &tunnel_table, &t->neighbor, at);
    t->neighbor.bfd.recover_us = t->recover_us;
    mark(marks, at, cfg_at(n));
    check_common(c, &t->neighbor, at, cfg_at(n));
    t->has_neighbor = true;
    if (p->graceful_restart)
        cfg_error(c, at[K_GRACEFUL_RESTART],
                  ".graceful-restart: not over a tunnel, whose end takes its routes along at once; "
                  "allowed: false");
    if (!p->remote.family)
        return;
    if (!t->inner.family)
        cfg_error(c, cfg_at(n), "a neighbor over a tunnel needs the tunnel's own \"address\"");
    else if (t->inner.family != p->remote.family)
        cfg_error(c, at[K_ADDRESS], ".address: \"%s\" is not of the family of the tunnel's address",
                  kd_addr_str(&p->remote, addr));
    else if (kd_addr_eq(&t->inner, &p->remote))
        cfg_error(c, at[K_ADDRESS], ".address: \"%s\" is the tunnel's own address",
                  kd_addr_str(&p->remote, addr));
}

static void check_beside(struct cfg *c, const struct bgp_peer_config *p, const struct cfg_where *at)
{
    char addr[KD_ADDR_STR_MAX];
    if (!p->remote.family)
        return;
    kd_addr_str(&p->remote, addr);
    if (p->local.family && p->local.family != p->remote.family)
        cfg_error(c, at[K_ADDRESS], ".address: \"%s\" is not of local-address's family", addr);
    bool own = kd_addr_eq(&p->local, &p->remote);
    for (uint32_t i = 0; i < c->out.n_listen; i++)
        own |= kd_addr_eq(&c->out.listen[i], &p->remote);
    if (own)
        cfg_error(c, at[K_ADDRESS], ".address: \"%s\" is our own address", addr);
}

static void read_beside(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(beside_keys)];
    struct core_neighbor_config *whole = &c->out.neighbors[c->out.n_neighbors];
    struct bgp_peer_config *p = &whole->bgp;
    (void)obj;
    common_defaults(c, p);
    cfg_map(c, n, &beside_table, whole, at);
    whole->bfd.recover_us = cfg_recover_default(c, 0);
    mark(&c->neighbor_marks[c->out.n_neighbors++], at, cfg_at(n));
    if (p->ttl && p->ttl_security)
        cfg_error(c, cfg_at(n),
                  ".ttl-security: not beside multihop; it says itself how many hops away the "
                  "neighbor may be");
    if (p->ttl_security)
        p->ttl = p->ttl_security;
    if (p->ttl == 0)
        p->ttl = p->asn == c->out.asn ? 255 : 1;
    check_common(c, whole, at, cfg_at(n));
    check_beside(c, p, at);
}

void cfg_neighbors(struct cfg *c, yaml_node_t *n, void *obj)
{
    size_t len = KD_MIN(cfg_list_len(n), (size_t)CORE_NEIGHBORS_MAX);
    (void)obj;
    c->out.neighbors = calloc(len + 1, sizeof(*c->out.neighbors));
    c->neighbor_marks = calloc(len + 1, sizeof(*c->neighbor_marks));
    if (!c->out.neighbors || !c->neighbor_marks)
        cfg_error(c, cfg_at(n), "out of memory");
    else
        cfg_list(c, n, 0, CORE_NEIGHBORS_MAX, read_beside, NULL);
}
