/* auth: the pre-shared key, inline, from a file or from a systemd credential. It goes into the key
 * arena at once; copies on the way are wiped, and no message ever shows what stood there. */
#include "config/cfg.h"

#include <stdio.h>

static void keep(struct cfg *c, struct cfg_where at, struct kd_bytes psk, struct kd_handle *out)
{
    if (psk.len == 0) {
        cfg_error(c, at, "the pre-shared key is empty");
    } else if (psk.len > KC_KEY_MAX) {
        cfg_error(c, at, "the pre-shared key has %zu bytes; allowed: 1 to %d", psk.len, KC_KEY_MAX);
    } else if (c->env->crypto && kd_handle_none(*out)) {
        *out = kc_key_import(c->env->crypto, psk);
        if (kd_handle_none(*out))
            cfg_error(c, at, "the key arena is full");
    }
}

static void read_inline(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    if (cfg_val(c, n, &v))
        keep(c, v.at, kd_bytes(v.s, v.len), obj);
}

/* The first line, without its end (also a DOS one: no key ends in CR). */
static struct kd_bytes first_line(const struct config_secret *s)
{
    const uint8_t *nl = memchr(s->data, '\n', s->len);
    size_t len = nl ? (size_t)(nl - s->data) : s->len;
    if (len > 0 && s->data[len - 1] == '\r')
        len--;
    return kd_bytes(s->data, len);
}

static void use(struct cfg *c, const struct cfg_val *name, enum config_secret_status status,
                const struct config_secret *s, struct kd_handle *out)
{
    char quote[CFG_QUOTE_MAX];
    cfg_quote(name, quote);
    switch (status) {
    case CONFIG_SECRET_OK:
        if (s->exposed)
            cfg_warn(c, name->at, "%s can be read by everyone; remedy: chmod 600", quote);
        keep(c, name->at, first_line(s), out);
        break;
    case CONFIG_SECRET_FAILED:
        cfg_error(c, name->at, "%s: %s", quote, s->why);
        break;
    case CONFIG_SECRET_UNKNOWN:
        cfg_warn(c, name->at, "%s is not checked%s%s", quote, s->why[0] ? ": " : "", s->why);
        break;
    }
}

void cfg_secret(struct cfg *c, yaml_node_t *n, enum config_secret_from from, struct kd_handle *out)
{
    struct config_secret s;
    struct cfg_val name;
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &name))
        return;
    if (from == CONFIG_SECRET_CREDENTIAL &&
        (strchr(name.s, '/') || name.s[0] == '.' || !name.len)) {
        cfg_error(c, name.at, "%s; allowed: a credential's name (LoadCredential=NAME:...)",
                  cfg_quote(&name, quote));
        return;
    }
    if (from == CONFIG_SECRET_FILE && name.s[0] != '/') {
        cfg_error(c, name.at, "%s; allowed: an absolute path", cfg_quote(&name, quote));
        return;
    }
    memset(&s, 0, sizeof(s));
    enum config_secret_status status = CONFIG_SECRET_UNKNOWN;
    if (c->env->read_secret)
        status = c->env->read_secret(c->env->arg, from, name.s, &s);
    kd_assert(s.len <= sizeof(s.data));
    use(c, &name, status, &s, out);
    kc_wipe(&s, sizeof(s));
}

static void read_file(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_FILE, obj);
}

static void read_credential(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_secret(c, n, CONFIG_SECRET_CREDENTIAL, obj);
}

static const struct cfg_key keys[] = {
    {.name = "psk", .type = CFG_OWN, .parse = read_inline},
    {.name = "psk-file", .type = CFG_OWN, .parse = read_file},
    {.name = "psk-credential", .type = CFG_OWN, .parse = read_credential},
};
static const struct cfg_table table = {"auth", true, KD_ARRAY_LEN(keys), keys};

void cfg_auth(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[KD_ARRAY_LEN(keys)];
    unsigned set = 0;
    cfg_map(c, n, &table, obj, at);
    if (n->type != YAML_MAPPING_NODE)
        return;
    bool empty = n->data.mapping.pairs.start == n->data.mapping.pairs.top;
    for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++)
        set += at[i].line > 0;
    if (set > 1 || empty) /* an unknown key has been told already */
        cfg_error(c, cfg_at(n), "exactly one of psk, psk-file and psk-credential is needed");
}
