/* ppk: a postquantum pre-shared key and its name (RFC 8784). */
#include "config/cfg.h"

#define KEY_MIN 32 /* RFC 8784 6: 256 bits of entropy */

/* What is read, before it is certain that all of it is there. */
struct ppk {
    struct ike_ppk_config *out;
    char id[IKE_PPK_ID_MAX + 1];
    bool required;
};

static void read_file(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_FILE, &((struct ppk *)obj)->out->key);
}

static void read_credential(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_CREDENTIAL, &((struct ppk *)obj)->out->key);
}

enum { K_ID, K_FILE, K_CREDENTIAL, K_REQUIRED, K_N };

static const struct cfg_key keys[K_N] = {
    [K_ID] = {.name = "id", .type = CFG_TEXT, .required = true, CFG_AT(struct ppk, id)},
    [K_FILE] = {.name = "file", .type = CFG_OWN, .parse = read_file},
    [K_CREDENTIAL] = {.name = "credential", .type = CFG_OWN, .parse = read_credential},
    [K_REQUIRED] = {.name = "required", .type = CFG_WORD, CFG_AT(struct ppk, required),
                    .words = cfg_bool_words, .def = "false"},
};
static const struct cfg_table table = {"ppk", true, K_N, keys};

static void check_key(struct cfg *c, const struct ike_ppk_config *p, struct cfg_where at)
{
    size_t len = c->env->crypto ? kc_key_len(c->env->crypto, p->key) : 0;
    if (len > 0 && len < KEY_MIN)
        cfg_warn(c, at, "the key has %zu bytes; against a quantum computer: %d or more", len,
                 KEY_MIN);
}

void cfg_ppk(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[K_N];
    struct ike_ppk_config *out = obj;
    struct ppk p = {.out = out};
    cfg_map(c, n, &table, &p, at);
    if (n->type != YAML_MAPPING_NODE)
        return;
    if ((at[K_FILE].line > 0) == (at[K_CREDENTIAL].line > 0))
        cfg_error(c, cfg_at(n), "exactly one of file and credential is needed");
    check_key(c, out, at[K_FILE].line ? at[K_FILE] : at[K_CREDENTIAL]);
    out->id_len = (uint8_t)strlen(p.id);
    memcpy(out->id, p.id, out->id_len);
    out->required = p.required;
}
