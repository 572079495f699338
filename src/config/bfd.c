/* bfd: the session beside a neighbor's (RFC 5880), and its key. */
#include "config/cfg.h"

/* What is read, before it is certain that all of it is there. */
struct session {
    struct core_bfd_config b;
    enum bfd_auth_type auth;
    uint8_t key_id;
    struct kd_handle key;
};

static void read_file(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_FILE, &((struct session *)obj)->key);
}

static void read_credential(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_CREDENTIAL, &((struct session *)obj)->key);
}

static const struct cfg_word auth_words[] = {{"none", BFD_AUTH_NONE},
                                             {"sha1", BFD_AUTH_SHA1},
                                             {"meticulous-sha1", BFD_AUTH_METICULOUS_SHA1},
                                             {NULL, 0}};

enum {
    K_INTERVAL, K_MULTIPLIER, K_STRICT, K_MULTIHOP, K_ANY_SOURCE_PORT, K_AUTH, K_KEY_ID, K_KEY_FILE,
    K_KEY_CREDENTIAL, K_N
};

#define S struct session
static const struct cfg_key keys[K_N] = {
    [K_INTERVAL] = {.name = "interval", .type = CFG_DURATION, CFG_AT(S, b.interval_us), .unit = 1,
                    .min = BFD_INTERVAL_MIN, .max = BFD_INTERVAL_MAX, .def = "300ms"},
    [K_MULTIPLIER] = {.name = "multiplier", .type = CFG_UINT, CFG_AT(S, b.detect_mult), .min = 1,
                      .max = 255, .def = "3"},
    [K_STRICT] = {.name = "strict", .type = CFG_WORD, CFG_AT(S, b.strict), .words = cfg_bool_words,
                  .def = "false"},
    [K_MULTIHOP] = {.name = "multihop", .type = CFG_WORD, CFG_AT(S, b.multihop),
                    .words = cfg_bool_words},
    [K_ANY_SOURCE_PORT] = {.name = "any-source-port", .type = CFG_WORD, CFG_AT(S, b.any_src_port),
                           .words = cfg_bool_words, .def = "false"},
    [K_AUTH] = {.name = "auth", .type = CFG_WORD, CFG_AT(S, auth), .words = auth_words,
                .def = "none"},
    [K_KEY_ID] = {.name = "key-id", .type = CFG_UINT, CFG_AT(S, key_id), .max = 255, .def = "1"},
    [K_KEY_FILE] = {.name = "key-file", .type = CFG_OWN, .parse = read_file},
    [K_KEY_CREDENTIAL] = {.name = "key-credential", .type = CFG_OWN, .parse = read_credential},
};
#undef S
static const struct cfg_table table = {"bfd", true, K_N, keys};

static struct cfg_where either(struct cfg_where a, struct cfg_where b)
{
    return a.line ? a : b;
}

static void check_auth(struct cfg *c, const struct session *s, const struct cfg_where *at,
                       struct cfg_where self)
{
    struct cfg_where key = either(at[K_KEY_FILE], at[K_KEY_CREDENTIAL]);
    size_t len = c->env->crypto ? kc_key_len(c->env->crypto, s->key) : 0;

    if (at[K_KEY_FILE].line && at[K_KEY_CREDENTIAL].line)
        cfg_error(c, key, "key-file and key-credential exclude each other");
    else if (!at[K_AUTH].line && key.line)
        cfg_error(c, key, "a key without \"auth\"; allowed: auth: sha1, auth: meticulous-sha1");
    else if (s->auth != BFD_AUTH_NONE && !key.line)
        cfg_error(c, either(at[K_AUTH], self), "auth needs key-file or key-credential");
    else if (len > BFD_KEY_MAX)
        cfg_error(c, key, "the key has %zu bytes; allowed: 1 to %d (RFC 5880 6.7.4)", len,
                  BFD_KEY_MAX);
}

void cfg_bfd(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[K_N];
    struct core_neighbor_config *p = obj;
    struct session s = {.key = KD_HANDLE_NONE};
    cfg_map(c, n, &table, &s, at);
    check_auth(c, &s, at, cfg_at(n));
    /* multihop left out: as the BGP session is, which is read before (the tables' order). */
    if (!at[K_MULTIHOP].line)
        s.b.multihop = p->bgp.ttl > 1;
    s.b.on = true;
    s.b.auth = (struct bfd_auth_config){.type = s.auth,
                                        .n_keys = s.auth != BFD_AUTH_NONE,
                                        .key[0] = {.id = s.key_id, .key = s.key}};
    p->bfd = s.b;
}
