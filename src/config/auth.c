/* auth: how both ends prove who they are. The pre-shared key, inline, from a file or from a systemd
 * credential, goes into the key arena at once; copies on the way are wiped, and no message ever
 * shows what stood there. Certificates are certs.c's. Which keys there are says how each end
 * authenticates: cert for us, ca for the peer, psk for whichever is left. */
#include "config/certs.h"

#include <stdio.h>
#include <stdlib.h>

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

static int digit(char ch)
{
    return ch >= '0' && ch <= '9'   ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

/* RFC 7296 2.15: a hex encoding, for keys that no keyboard writes. */
static void read_hex(struct cfg *c, yaml_node_t *n, void *obj)
{
    uint8_t key[KC_KEY_MAX];
    struct cfg_val v;
    bool ok;
    if (!cfg_val(c, n, &v))
        return;
    ok = v.len % 2 == 0 && v.len / 2 <= sizeof(key);
    for (size_t i = 0; ok && i < v.len / 2; i++) {
        int hi = digit(v.s[2 * i]), lo = digit(v.s[2 * i + 1]);
        ok = hi >= 0 && lo >= 0;
        key[i] = ok ? (uint8_t)(hi * 16 + lo) : 0;
    }
    if (ok)
        keep(c, v.at, kd_bytes(key, v.len / 2), obj);
    else
        cfg_error(c, v.at, "allowed: 1 to %d pairs of hex digits", KC_KEY_MAX);
    kc_wipe(key, sizeof(key));
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

/* ---- certificates ---- */

static bool read_name(struct cfg *c, yaml_node_t *n, struct cfg_path *p, struct cfg_val *v)
{
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, v))
        return false;
    p->at = v->at;
    if (v->len == 0 || v->len >= sizeof(p->name)) {
        cfg_error(c, v->at, "%s; allowed: 1 to %zu characters", cfg_quote(v, quote),
                  sizeof(p->name) - 1);
        return false;
    }
    memcpy(p->name, v->s, v->len + 1);
    return true;
}

static void read_path(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_path *p = obj;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    if (read_name(c, n, p, &v) && p->name[0] != '/')
        cfg_error(c, v.at, "%s; allowed: an absolute path", cfg_quote(&v, quote));
}

static void read_ca(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_certs *x = obj;
    read_path(c, n, &x->ca[x->n_ca++]);
}

static void read_crl(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_certs *x = obj;
    read_path(c, n, &x->crl[x->n_crl++]);
}

static void read_key_credential(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_certs *x = obj;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    x->key_from = CONFIG_SECRET_CREDENTIAL;
    if (read_name(c, n, &x->key, &v) && (strchr(v.s, '/') || v.s[0] == '.'))
        cfg_error(c, v.at, "%s; allowed: a credential's name (LoadCredential=NAME:...)",
                  cfg_quote(&v, quote));
}

/* ---- the table ---- */

struct auth {
    struct kd_handle psk;
    struct cfg_certs certs;
    struct ike_auth_config a;
};

static const struct cfg_word padding_words[] = {{"pkcs1", false}, {"pss", true}, {NULL, 0}};

enum {
    K_PSK,
    K_PSK_HEX,
    K_PSK_FILE,
    K_PSK_CREDENTIAL,
    K_CERT,
    K_KEY_FILE,
    K_KEY_CREDENTIAL,
    K_CA,
    K_CRL,
    K_CN,
    K_PADDING,
    K_SHA1,
    K_N
};

static const struct cfg_key keys[K_N] = {
    [K_PSK] = {.name = "psk", .type = CFG_OWN, CFG_AT(struct auth, psk), .parse = read_inline},
    [K_PSK_HEX] = {.name = "psk-hex", .type = CFG_OWN, CFG_AT(struct auth, psk), .parse = read_hex},
    [K_PSK_FILE] = {.name = "psk-file",
                    .type = CFG_OWN,
                    CFG_AT(struct auth, psk),
                    .parse = read_file},
    [K_PSK_CREDENTIAL] = {.name = "psk-credential",
                          .type = CFG_OWN,
                          CFG_AT(struct auth, psk),
                          .parse = read_credential},
    [K_CERT] = {.name = "cert",
                .type = CFG_OWN,
                CFG_AT(struct auth, certs.cert),
                .parse = read_path},
    [K_KEY_FILE] = {.name = "key-file",
                    .type = CFG_OWN,
                    CFG_AT(struct auth, certs.key),
                    .parse = read_path},
    [K_KEY_CREDENTIAL] = {.name = "key-credential",
                          .type = CFG_OWN,
                          CFG_AT(struct auth, certs),
                          .parse = read_key_credential},
    [K_CA] = {.name = "ca",
              .type = CFG_LIST,
              CFG_AT(struct auth, certs),
              .min = 1,
              .max = CFG_FILES_MAX,
              .parse = read_ca},
    [K_CRL] = {.name = "crl",
               .type = CFG_LIST,
               CFG_AT(struct auth, certs),
               .min = 1,
               .max = CFG_FILES_MAX,
               .parse = read_crl},
    [K_CN] = {.name = "remote-cn", .type = CFG_TEXT, CFG_AT(struct auth, a.cn)},
    [K_PADDING] = {.name = "rsa-padding",
                   .type = CFG_WORD,
                   CFG_AT(struct auth, a.pss),
                   .words = padding_words,
                   .def = "pkcs1"},
    [K_SHA1] = {.name = "sha1",
                .type = CFG_WORD,
                CFG_AT(struct auth, a.sha1_ok),
                .words = cfg_bool_words,
                .def = "false"},
};
static const struct cfg_table table = {"auth", true, K_N, keys};

/* ---- what goes together ---- */

static void check_psk(struct cfg *c, yaml_node_t *n, const struct cfg_where *at)
{
    bool own = at[K_CERT].line, ca = at[K_CA].line;
    unsigned set = 0;
    for (size_t i = K_PSK; i <= K_PSK_CREDENTIAL; i++)
        set += at[i].line > 0;
    if (set > 1)
        cfg_error(c, cfg_at(n),
                  "exactly one of psk, psk-hex, psk-file and psk-credential is needed");
    else if (set && own && ca)
        cfg_error(c, cfg_at(n), "with cert and ca no end uses a pre-shared key; leave it out");
    else if (!set && !own && !ca)
        cfg_error(c, cfg_at(n),
                  "exactly one of psk, psk-hex, psk-file and psk-credential is needed, or "
                  "certificates: cert, key-file and ca");
    else if (!set && !ca)
        cfg_error(c, cfg_at(n),
                  "\"ca\" is missing: who signs the peer's certificate (or psk-file, "
                  "if the peer uses a key)");
    else if (!set && !own)
        cfg_error(c, cfg_at(n),
                  "\"cert\" is missing: our own certificate (or psk-file, if we use "
                  "a key)");
}

static void check_certs(struct cfg *c, yaml_node_t *n, const struct cfg_where *at)
{
    bool key = at[K_KEY_FILE].line, credential = at[K_KEY_CREDENTIAL].line;
    static const struct {
        uint8_t key, needs;
    } rules[] = {{K_KEY_FILE, K_CERT},
                 {K_KEY_CREDENTIAL, K_CERT},
                 {K_PADDING, K_CERT},
                 {K_CRL, K_CA},
                 {K_CN, K_CA}};
    if (at[K_CERT].line && key == credential)
        cfg_error(c, cfg_at(n), "exactly one of key-file and key-credential is needed with cert");
    for (size_t i = 0; i < KD_ARRAY_LEN(rules); i++)
        if (at[rules[i].key].line && !at[rules[i].needs].line)
            cfg_error(c, at[rules[i].key], ".%s: needs \"%s\"", keys[rules[i].key].name,
                      keys[rules[i].needs].name);
}

void cfg_auth(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct ike_conn_config *k = obj;
    struct cfg_where at[K_N];
    struct auth *x = calloc(1, sizeof(*x));
    uint32_t errors = c->errs->n;
    kd_assert(x);
    cfg_map(c, n, &table, x, at);
    k->psk = x->psk;
    if (n->type == YAML_MAPPING_NODE &&
        (errors == c->errs->n || n->data.mapping.pairs.start == n->data.mapping.pairs.top)) {
        check_psk(c, n, at);
        check_certs(c, n, at);
        x->certs.at = cfg_at(n);
        x->a.local = at[K_CERT].line ? IKE_AUTH_CERT : IKE_AUTH_PSK;
        x->a.remote = at[K_CA].line ? IKE_AUTH_CERT : IKE_AUTH_PSK;
        if (errors == c->errs->n && (at[K_CERT].line || at[K_CA].line))
            x->a.certs = cfg_certs_load(c, &x->certs);
    }
    k->auth = x->a;
    kc_wipe(x, sizeof(*x));
    free(x);
}
