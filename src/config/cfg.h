/* Inside src/config: the shape of the schema tables, the reading state and the helpers that all
 * sections share. */
#ifndef CONFIG_CFG_H
#define CONFIG_CFG_H

#include "config/config.h"

#include <yaml.h>

/* Where something was written: counted from 1; line 0 when it was not. */
struct cfg_where {
    uint32_t line, col;
};

/* A scalar as written, borrowed from the document (or a default from a table). */
struct cfg_val {
    const char *s; /* NUL-terminated; holds no NUL before len */
    size_t len;
    struct cfg_where at;
};

/* Places that a comparison of entries wants to name. */
struct cfg_marks {
    struct cfg_where name, remote, interface, table; /* of a tunnel; vrf's place before table's */
    struct cfg_where peer, peer_address;      /* of a neighbor: its name and address */
};

#define CFG_POLICIES_MAX 256
#define CFG_AZURE_MAX    60 /* prefixes of VNet and spokes: an entry's worth */

/* router.azure */
struct cfg_azure {
    bool on, route_server;
    uint32_t n;
    struct kd_prefix prefix[CFG_AZURE_MAX];
};

struct cfg {
    yaml_document_t *doc;
    const struct config_env *env;
    struct config_errors *errs;
    char path[96]; /* "tunnels[0].neighbor" */
    size_t path_len;
    struct core_config out;
    struct cfg_marks *tunnel_marks, *neighbor_marks; /* one an entry */
    bool has_router;
    struct cfg_azure azure;
    struct kc_ctx *certs_crypto; /* what certificates are loaded with: env's, or our own */
};

/* ---- schema tables ---- */

enum cfg_type {
    CFG_TEXT,     /* char[size]: 1 .. size - 1 bytes without control characters */
    CFG_NAME,     /* char[size]: [a-z0-9-], beginning with a letter or digit */
    CFG_UINT,     /* uint8/16/32_t by size: min .. max, or one of words */
    CFG_DURATION, /* uint16/32/64_t by size, in units of `unit` microseconds: min .. max (in us) */
    CFG_WORD,     /* enum or bool by size: one of words */
    CFG_ADDR,     /* struct kd_addr */
    CFG_MAP,      /* a nested map: table, on the same object */
    CFG_LIST,     /* min .. max elements, each read by parse() */
    CFG_OWN,      /* parse() reads the node itself */
};

struct cfg_word {
    const char *word; /* NULL ends the list */
    uint64_t value;
};

/* obj: the object of the table the key stands in, moved by the key's offset. */
typedef void cfg_fn(struct cfg *c, yaml_node_t *n, void *obj);

struct cfg_key {
    const char *name;
    enum cfg_type type;
    bool required;
    uint32_t offset, size; /* where it lands */
    uint64_t unit, min, max;
    const struct cfg_word *words;
    const char *def; /* as it would be written; NULL: the object stays as it is */
    const struct cfg_table *table;
    cfg_fn *parse;
};

struct cfg_table {
    const char *what; /* "a tunnel" */
    bool secret;      /* what stands here may be a secret in the wrong place: never echoed */
    uint8_t n;
    const struct cfg_key *keys;
};

#define CFG_KEYS_MAX 48 /* of one table */
#define CFG_AT(T, m) .offset = offsetof(T, m), .size = sizeof(((T *)0)->m)

extern const struct cfg_word cfg_bool_words[];

/* Reads a mapping by its table into obj: unknown, duplicate and missing keys are errors, absent
 * ones get their defaults. The keys are read in the table's order. at (may be NULL, else table->n
 * long) receives where each key's value stands. */
void cfg_map(struct cfg *c, yaml_node_t *n, const struct cfg_table *t, void *obj,
             struct cfg_where *at);
/* The defaults of a table whose mapping is absent; required keys are not asked for. */
void cfg_defaults(struct cfg *c, const struct cfg_table *t, void *obj);
/* The sequence's elements in order to fn, with the path's index; false (and an error) when n is no
 * sequence or its length is not in min .. max. */
bool cfg_list(struct cfg *c, yaml_node_t *n, uint64_t min, uint64_t max, cfg_fn *fn, void *obj);

/* ---- nodes ---- */

struct cfg_where cfg_at(const yaml_node_t *n);
/* The scalar of n; an error (without the content) when it is none, empty where it was left out, or
 * holds a NUL. */
bool cfg_val(struct cfg *c, yaml_node_t *n, struct cfg_val *v) KD_MUST_USE;
size_t cfg_list_len(const yaml_node_t *n); /* 0 when n is no sequence */

/* Loads exactly one document; false with an error. Unloading wipes every scalar. */
bool cfg_load(struct cfg *c, struct kd_bytes text, yaml_document_t *doc) KD_MUST_USE;
void cfg_unload(yaml_document_t *doc);

/* ---- scalars: on false the error has been said ---- */

bool cfg_scalar(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v, void *dst);
bool cfg_read_addr(struct cfg *c, const struct cfg_val *v, struct kd_addr *out) KD_MUST_USE;
/* Host bits set are an error that shows the right prefix. */
bool cfg_read_prefix(struct cfg *c, const struct cfg_val *v, struct kd_prefix *out) KD_MUST_USE;
/* Digits only, at most max; says nothing. */
bool cfg_number(const char *s, size_t len, uint64_t max, uint64_t *out) KD_MUST_USE;

/* ---- messages ---- */

/* "path: text" at a place, or "path.key: text" where fmt is ".key: text". The path is empty at the
 * top. */
void cfg_error(struct cfg *c, struct cfg_where at, const char *fmt, ...) KD_PRINTF(3, 4);
void cfg_warn(struct cfg *c, struct cfg_where at, const char *fmt, ...) KD_PRINTF(3, 4);
/* Lengthens the path (".key", "[3]"); cfg_pop() with what it returned takes it back. */
size_t cfg_push(struct cfg *c, const char *fmt, ...) KD_PRINTF(2, 3);
void cfg_pop(struct cfg *c, size_t len);
/* The value between quotation marks, cut and with control bytes escaped; returns buf. */
#define CFG_QUOTE_MAX 72
const char *cfg_quote(const struct cfg_val *v, char *buf);
void cfg_sort(struct config_errors *errs);

/* The word nearest to s by edit distance (case ignored, a swap of neighbors counts once), or NULL
 * when none is near: word(arg, i) gives the candidates until NULL. */
const char *cfg_nearest(const char *s, const char *(*word)(const void *arg, size_t i),
                        const void *arg);
/* "; did you mean "x"?" into buf (CFG_HINT_MAX), or "" when near is NULL. */
#define CFG_HINT_MAX 64
const char *cfg_hint(const char *near, char *buf);

/* ---- sections ---- */

extern const struct cfg_table cfg_router_table, cfg_gateway_table, cfg_control_table,
    cfg_logging_table;
extern const struct cfg_table cfg_readiness_table, cfg_drills_table;
cfg_fn cfg_listen; /* an element of gateway.listen */
cfg_fn cfg_ifname; /* obj: char[CORE_NAME_MAX] */
cfg_fn cfg_router, cfg_gateway, cfg_policies, cfg_tunnels, cfg_neighbors, cfg_health, cfg_metrics;
/* The neighbor named by node into a list of ids that has room; an error where there is none, or it
 * is in the list. The same with an id. */
void cfg_neighbor_into(struct cfg *c, yaml_node_t *node, uint32_t *list, uint32_t *n);
void cfg_id_into(struct cfg *c, const struct cfg_val *v, uint32_t id, uint32_t *list, uint32_t *n);
bool cfg_tunnel_find(const struct core_config *o, const char *name, uint32_t *id);
/* recover, of the whole and of a tunnel; what is configured for the whole, or otherwise_us. */
extern const struct cfg_table cfg_recover_table, cfg_recover_tunnel_table;
uint64_t cfg_recover_default(const struct cfg *c, uint64_t otherwise_us);

/* The tunnel's own session; t has its inner address already. */
void cfg_tunnel_neighbor(struct cfg *c, yaml_node_t *n, struct core_tunnel_config *t,
                         struct cfg_marks *marks);
cfg_fn cfg_policy_entry; /* obj: struct bgp_policy, which gets one more */
/* Compiles p; an error at `at` when there is one of the name. */
void cfg_policy_add(struct cfg *c, const struct bgp_policy *p, struct cfg_where at);
cfg_fn cfg_azure; /* router.azure */
extern const struct cfg_word cfg_table_words[];
/* The rules of router's table and vrf, and of a tunnel's; where its key stands is said. */
void cfg_inner_table(struct cfg *c, struct cfg_where table_at, struct cfg_where vrf_at,
                     uint32_t table, const char *vrf);
extern const struct cfg_word cfg_azure_profiles[];
/* Where a neighbor's keys stand that its profile has a say in. */
struct cfg_azure_marks {
    struct cfg_where profile, asn, hold, keepalive, import, export, passive;
};
/* Fills in what the neighbor's profile gives, says what contradicts it. */
void cfg_azure_neighbor(struct cfg *c, struct core_neighbor_config *n,
                        const struct cfg_azure_marks *at);
/* By name, borrowed from c->out; an error with the nearest name when there is none. */
struct bgp_route_map *cfg_policy_find(struct cfg *c, const struct cfg_val *name);
/* auth: a pre-shared key or certificates, for each end; leaves psk and auth. */
cfg_fn cfg_auth; /* obj: struct ike_conn_config */
/* The key in a file or credential named by n, into the arena. */
void cfg_secret(struct cfg *c, yaml_node_t *n, enum config_secret_from from, struct kd_handle *out);
/* ppk: {id, file | credential, required}. */
cfg_fn cfg_bfd; /* obj: struct core_neighbor_config */
cfg_fn cfg_ppk; /* obj: struct ike_ppk_config */
/* selectors: {local, remote}, or a list of such steps; children: a list of {name, local,
 * remote}. */
cfg_fn cfg_selectors, cfg_children; /* obj: struct ike_conn_config */
/* Everything, where nothing was said; of the family inside. */
void cfg_selectors_default(struct core_tunnel_config *t);
cfg_fn cfg_lifetime; /* obj: struct ike_conn_config; what is absent keeps what before() has set */
void cfg_lifetime_before(struct cfg *c, struct ike_conn_config *k);
void cfg_lifetime_after(struct ike_conn_config *k, bool azure);
/* The two proposals against what a custom policy of Azure's can hold. */
void cfg_azure_custom(struct cfg *c, const struct ike_conn_config *k, struct cfg_where profile,
                      struct cfg_where ike, struct cfg_where esp);
/* What only shows with every section read: names and addresses that clash. */
void cfg_cross_check(struct cfg *c);

#endif
