/* The certificates of auth: the files that its keys name, read and judged. What belongs together is
 * loaded once: tunnels that name the same files share it.
 *
 * Not here: which keys of auth go together (auth.c). A file that can't be seen from here (a check
 * by somebody else) is a warning, and nothing is known of it. */
#include "config/certs.h"

#include <stdio.h>
#include <stdlib.h>

/* A chain with its roots, comments and line breaks. */
#define PEM_MAX (KC_CHAIN_MAX * 2 * KC_CERT_MAX)
#define CRL_MAX ((size_t)KC_CRL_MAX * 4 / 3 + 65536) /* as PEM */

#define SET_NAME_MAX ((2 + 2 * CFG_FILES_MAX) * (CFG_PATH_MAX + 16)) /* every path on a line */

struct load {
    struct cfg *c;
    struct kc_ctx *crypto;
    const struct cfg_certs *spec;
    struct ike_certs *out;
};

/* ---- files ---- */

/* The file's content, to be freed; empty when it isn't to be had, which has been said. */
static struct kd_bytes fetch(struct cfg *c, const struct cfg_path *p, size_t max)
{
    enum config_secret_status status = CONFIG_SECRET_UNKNOWN;
    char why[128] = "";
    uint8_t *data = NULL;
    size_t len = 0;

    if (c->env->read_file)
        status = c->env->read_file(c->env->arg, p->name, max, &data, &len, why, sizeof(why));
    if (status == CONFIG_SECRET_OK)
        return kd_bytes(data, len);
    if (status == CONFIG_SECRET_FAILED)
        cfg_error(c, p->at, "\"%.200s\": %s", p->name, why);
    else
        cfg_warn(c, p->at, "\"%.200s\" is not checked%s%s", p->name, why[0] ? ": " : "", why);
    return kd_bytes(NULL, 0);
}

static void release(struct kd_bytes file)
{
    free((void *)(uintptr_t)file.p);
}

/* ---- ours ---- */

static void check_dates(const struct load *l, struct cfg_where at, const struct kc_cert *x)
{
    char subject[128], date[KD_UTC_STR_MAX];
    int64_t now = l->c->env->wall_s;

    kc_dn_str(kc_cert_subject(x), subject, sizeof(subject));
    if (now && now >= kc_cert_not_after_s(x))
        cfg_warn(l->c, at, "the certificate of %s expired at %s", subject,
                 kd_utc_str(kc_cert_not_after_s(x), date));
    else if (now && now < kc_cert_not_before_s(x))
        cfg_warn(l->c, at, "the certificate of %s is valid only from %s", subject,
                 kd_utc_str(kc_cert_not_before_s(x), date));
}

/* RFC 7296 3.6: the root need not be sent, the peer has it or does not trust it. */
static void drop_roots(struct ike_certs *x)
{
    uint32_t n = x->n_chain ? 1 : 0;

    for (uint32_t i = 1; i < x->n_chain; i++) {
        if (kd_bytes_eq(kc_cert_subject(x->chain[i]), kc_cert_issuer(x->chain[i])))
            kc_cert_free(x->chain[i]);
        else
            x->chain[n++] = x->chain[i];
    }
    x->n_chain = n;
}

static void load_chain(struct load *l)
{
    const struct cfg_path *p = &l->spec->cert;
    struct kd_bytes file = fetch(l->c, p, PEM_MAX);
    const char *why = "";
    size_t bytes = 0;

    if (!file.p)
        return;
    l->out->n_chain = (uint32_t)kc_cert_load(l->crypto, file, l->out->chain, KC_CHAIN_MAX, &why);
    if (l->out->n_chain == 0)
        cfg_error(l->c, p->at, "\"%.200s\": %s", p->name, why);
    drop_roots(l->out);
    for (uint32_t i = 0; i < l->out->n_chain; i++) {
        bytes += kc_cert_der(l->out->chain[i]).len;
        check_dates(l, p->at, l->out->chain[i]);
    }
    if (bytes > IKE_CHAIN_BYTES)
        cfg_error(l->c, p->at, "\"%.200s\": the chain has %zu bytes; allowed: %d", p->name, bytes,
                  IKE_CHAIN_BYTES);
    release(file);
}

static void take_key(struct load *l, const struct config_secret *s)
{
    const struct cfg_path *p = &l->spec->key;
    const char *why = "";

    if (s->exposed)
        cfg_warn(l->c, p->at, "\"%.200s\" can be read by everyone; remedy: chmod 600", p->name);
    l->out->key = kc_private_load(l->crypto, kd_bytes(s->data, s->len), &why);
    if (!l->out->key)
        cfg_error(l->c, p->at, "\"%.200s\": %s", p->name, why);
    else if (l->out->n_chain &&
             !kd_bytes_eq(kc_private_spki(l->out->key), kc_cert_spki(l->out->chain[0])))
        cfg_error(l->c, p->at,
                  "\"%.200s\" is not the key of the first certificate in cert (the gateway's own "
                  "comes first)",
                  p->name);
}

static void load_key(struct load *l)
{
    struct config_secret *s = calloc(1, sizeof(*s));
    const struct cfg_path *p = &l->spec->key;
    enum config_secret_status status = CONFIG_SECRET_UNKNOWN;

    kd_assert(s);
    if (l->c->env->read_secret)
        status = l->c->env->read_secret(l->c->env->arg, l->spec->key_from, p->name, s);
    if (status == CONFIG_SECRET_OK)
        take_key(l, s);
    else if (status == CONFIG_SECRET_FAILED)
        cfg_error(l->c, p->at, "\"%.200s\": %s", p->name, s->why);
    else
        cfg_warn(l->c, p->at, "\"%.200s\" is not checked%s%s", p->name, s->why[0] ? ": " : "",
                 s->why);
    kc_wipe(s, sizeof(*s));
    free(s);
}

/* ---- whom we trust ---- */

static void load_trust(struct load *l)
{
    const struct cfg_certs *spec = l->spec;
    const char *why = "";

    l->out->trust = kc_trust_new(l->crypto);
    kd_assert(l->out->trust);
    for (uint32_t i = 0; i < spec->n_ca; i++) {
        struct kd_bytes file = fetch(l->c, &spec->ca[i], KC_ANCHORS_MAX * 2 * KC_CERT_MAX);
        size_t had = kc_trust_count(l->out->trust);
        if (file.p && kc_trust_add(l->out->trust, file, &why) == 0)
            cfg_error(l->c, spec->ca[i].at, "\"%.200s\": %s", spec->ca[i].name, why);
        for (; had < kc_trust_count(l->out->trust); had++)
            check_dates(l, spec->ca[i].at, kc_trust_anchor(l->out->trust, had));
        release(file);
    }
    for (uint32_t i = 0; i < spec->n_crl; i++) {
        struct kd_bytes file = fetch(l->c, &spec->crl[i], CRL_MAX);
        if (file.p && !kc_trust_add_crl(l->out->trust, file, &why))
            cfg_error(l->c, spec->crl[i].at, "\"%.200s\": %s", spec->crl[i].name, why);
        release(file);
    }
}

/* ---- one set ---- */

static void add_name(char *buf, const char *what, const struct cfg_path *p)
{
    size_t n = strlen(buf);

    snprintf(buf + n, SET_NAME_MAX - n, "%s %s\n", what, p->name);
}

static void name_of(const struct cfg_certs *s, char *buf)
{
    buf[0] = 0;
    add_name(buf, "cert", &s->cert);
    add_name(buf, s->key_from == CONFIG_SECRET_FILE ? "key" : "credential", &s->key);
    for (uint32_t i = 0; i < s->n_ca; i++)
        add_name(buf, "ca", &s->ca[i]);
    for (uint32_t i = 0; i < s->n_crl; i++)
        add_name(buf, "crl", &s->crl[i]);
}

static struct ike_certs *find(const struct cfg *c, const char *name)
{
    struct ike_certs *x = c->out.certs;

    while (x && strcmp(x->name, name) != 0)
        x = x->next;
    return x;
}

static struct ike_certs *add(struct cfg *c, const char *name)
{
    struct ike_certs *x = calloc(1, sizeof(*x));

    kd_assert(x && (x->name = strdup(name)));
    x->next = c->out.certs;
    c->out.certs = x;
    return x;
}

const struct ike_certs *cfg_certs_load(struct cfg *c, const struct cfg_certs *spec)
{
    char name[SET_NAME_MAX];
    struct ike_certs *x;
    struct load l;

    name_of(spec, name);
    x = find(c, name);
    if (x)
        return x;
    x = add(c, name);
    if (!c->certs_crypto)
        c->certs_crypto = c->env->crypto ? c->env->crypto : kc_ctx_new(KC_PROVIDER_REAL, 1);
    if (!c->certs_crypto) {
        cfg_warn(c, spec->at, "the certificates are not checked: no locked memory here");
        return x;
    }
    l = (struct load){c, c->certs_crypto, spec, x};
    if (spec->cert.name[0]) {
        load_chain(&l);
        load_key(&l);
    }
    if (spec->n_ca)
        load_trust(&l);
    return x;
}

/* ---- what only shows with the identity ---- */

void cfg_certs_identity(struct cfg *c, struct ike_conn_config *k, struct cfg_where at, bool azure)
{
    const struct ike_certs *x = k->auth.certs;
    const struct kc_id id = {k->local_id.type, kd_bytes(k->local_id.data, k->local_id.len)};
    struct kd_bytes subject;
    char text[IKE_ID_MAX];

    if (k->auth.local != IKE_AUTH_CERT || !x || !x->n_chain)
        return;
    subject = kc_cert_subject(x->chain[0]);
    if (id.type == IKE_ID_DER_ASN1_DN && kc_dn_equal(id.data, subject) &&
        subject.len <= IKE_ID_MAX) { /* as the certificate spells it */
        memcpy(k->local_id.data, subject.p, subject.len);
        k->local_id.len = (uint16_t)subject.len;
    } else if (!azure && !kc_cert_is(x->chain[0], &id)) {
        kc_dn_str(subject, text, sizeof(text));
        cfg_warn(c, at,
                 "the certificate of %.128s does not say that it is local-id; most peers refuse "
                 "that: set local-id to one of its names",
                 text);
    }
}
