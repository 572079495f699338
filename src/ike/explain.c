/* `kedge explain`: a refusal by its reason: selectors, identities, silence, the data plane;
 * proposals are in explain_sa.c. Only what is known is compared: a peer that refuses says by which
 * notify and nothing else (RFC 7296 2.21), so there the causes are named in the order of their
 * frequency. */
#include "ike/explaining.h"

#include <stdio.h>

const char *const ike_explain_key_names[] = {
    [IKE_KEY_NONE] = "",
    [IKE_KEY_IKE] = "ike",
    [IKE_KEY_ESP] = "esp",
    [IKE_KEY_SELECTORS] = "selectors",
    [IKE_KEY_AUTH] = "auth",
    [IKE_KEY_LOCAL_ID] = "local-id",
    [IKE_KEY_REMOTE_ID] = "remote-id",
    [IKE_KEY_REMOTE] = "remote",
    [IKE_KEY_N] = NULL,
};

/* ---- writing ---- */

static KD_PRINTF(3, 0) void put_va(char *buf, size_t cap, const char *fmt, va_list ap)
{
    int n = vsnprintf(buf, cap, fmt, ap);

    if (n >= 0 && (size_t)n >= cap)
        memcpy(buf + cap - 4, "...", 4);
}

void ike_explain_put(char *buf, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_va(buf, cap, fmt, ap);
    va_end(ap);
}

void ike_explain_row(struct ike_explanation *x, const char *what, const char *left,
                     const char *right, bool differs)
{
    struct ike_explain_row *row = &x->row[x->n_rows];

    if (x->n_rows == IKE_EXPLAIN_ROWS)
        return;
    x->n_rows++;
    ike_explain_say(row->what, "%s", what);
    ike_explain_say(row->left, "%s", left);
    ike_explain_say(row->right, "%s", right);
    row->differs = differs;
}

static struct ike_explain_change *change(struct ike_explanation *x, const char *where)
{
    struct ike_explain_change *c;

    if (x->n_changes == IKE_EXPLAIN_CHANGES)
        return NULL;
    c = &x->change[x->n_changes++];
    ike_explain_say(c->where, "%s", where);
    return c;
}

void ike_explain_here(struct ike_explanation *x, enum ike_explain_key key, const char *fmt, ...)
{
    struct ike_explain_change *c = change(x, "kedge.yaml");
    va_list ap;

    if (!c)
        return;
    c->here = true;
    c->key = key;
    va_start(ap, fmt);
    put_va(c->text, sizeof(c->text), fmt, ap);
    va_end(ap);
}

void ike_explain_there(struct ike_explanation *x, const char *where, const char *fmt, ...)
{
    struct ike_explain_change *c = change(x, where);
    va_list ap;

    if (!c)
        return;
    va_start(ap, fmt);
    put_va(c->text, sizeof(c->text), fmt, ap);
    va_end(ap);
}

static bool same(struct kd_bytes b, const char *s)
{
    return kd_bytes_eq(b, kd_bytes_str(s));
}

/* ---- selectors ---- */

static const char *list_text(const struct ike_ts_list *l, char *buf, size_t cap)
{
    struct ike_text t = ike_text(buf, cap);
    char one[128];

    for (unsigned i = 0; i < l->n; i++) {
        ike_ts_str(&l->ts[i], one, sizeof(one));
        ike_text_add(&t, "%s%s", i ? ", " : "", one);
    }
    return buf;
}

/* Can kedge.yaml say it? Prefixes only, every protocol and port. */
static bool all_prefixes(const struct ike_ts_list *l)
{
    char text[512];

    list_text(l, text, sizeof(text));
    return l->n > 0 && !strchr(text, '-') && !strchr(text, '[') && strlen(text) < 150;
}

static void selectors(const struct ike_refusal *r, struct ike_explanation *x)
{
    static const char *const side[] = {"our side", "peer's side"};
    struct ike_ts_list off[2] = {{0}}, conf[2] = {{0}}, common;
    char a[2][256], b[2][256];
    int first = -1;

    for (int i = 0; i < 2; i++) {
        bool both = ike_ts_parse(r->ts_offered[i], &off[i]);
        bool told = ike_ts_parse(r->ts_configured[i], &conf[i]);
        bool differs = both && told && !ike_ts_narrow(&off[i], &conf[i], &common);
        list_text(&off[i], a[i], sizeof(a[i]));
        list_text(&conf[i], b[i], sizeof(b[i]));
        if (differs && first < 0)
            first = i;
        ike_explain_row(x, side[i], both ? a[i] : IKE_NOT_TOLD, told ? b[i] : IKE_NOT_TOLD,
                        differs);
    }
    if (r->by_peer)
        ike_explain_say(x->difference,
                        "not known: the peer does not say which selectors it would take");
    else if (first < 0)
        ike_explain_say(x->difference, "no difference: what was offered is within the configured");
    else
        ike_explain_say(x->difference,
                        "%s: %s is offered, %s is configured; they have nothing in "
                        "common",
                        side[first], a[first], b[first]);
    if (r->by_peer) {
        ike_explain_say(x->cause,
                        "Most often the peer's selectors are not these mirrored, or one "
                        "side has 0.0.0.0/0 (route-based) and the other prefixes (policy-based).");
        ike_explain_here(x, IKE_KEY_SELECTORS, "selectors: the peer's remote and local ones");
        ike_explain_there(x, "swanctl.conf",
                          "connections.*.children.*: local_ts = %s; remote_ts = "
                          "%s",
                          a[1], a[0]);
        return;
    }
    if (first < 0)
        return;
    if (all_prefixes(&off[0]) && all_prefixes(&off[1]))
        ike_explain_here(x, IKE_KEY_SELECTORS, "selectors: {local: [%s], remote: [%s]}", a[0],
                         a[1]);
    ike_explain_there(x, "swanctl.conf", "connections.*.children.*: local_ts = %s; remote_ts = %s",
                      b[1], b[0]);
}

/* ---- identities and proofs ---- */

/* "peer ADDRESS as IDENTITY: why": the why; "" when it is not told so. */
static const char *why_of(struct kd_bytes detail, char *buf, size_t cap)
{
    size_t at = 0;

    while (at + 1 < detail.len && !(detail.p[at] == ':' && detail.p[at + 1] == ' '))
        at++;
    at += 2;
    buf[0] = '\0';
    if (at < detail.len)
        ike_explain_put(buf, cap, "%.*s", (int)KD_MIN(detail.len - at, (size_t)200),
                        (const char *)detail.p + at);
    return buf;
}

static void our_certificate_refused(const char *ours, struct ike_explanation *x)
{
    ike_explain_say(x->cause,
                    "Most often the peer does not have our issuer, misses an intermediate, or does "
                    "not find \"%s\" in our certificate.",
                    ours);
    ike_explain_here(x, IKE_KEY_AUTH, "auth: cert with what is between it and its root");
    ike_explain_here(x, IKE_KEY_LOCAL_ID, "local-id: a subjectAltName of our certificate");
    ike_explain_there(x, "swanctl.conf", "connections.*.remote: id = %s; cacerts = our root", ours);
}

static void our_key_refused(const char *ours, struct ike_explanation *x)
{
    ike_explain_say(x->cause,
                    "Most often the pre-shared keys differ (a line feed or blanks in a file count "
                    "at some peers), or the peer expects another identity than \"%s\".",
                    ours);
    ike_explain_here(x, IKE_KEY_AUTH, "auth: the same secret as the peer's");
    ike_explain_here(x, IKE_KEY_LOCAL_ID, "local-id: what the peer expects");
    ike_explain_there(x, "swanctl.conf",
                      "connections.*.remote.id = %s; secrets.ike-*: secret = the same", ours);
}

static void refused_by_peer(const struct ike_refusal *r, const struct ike_explain_env *env,
                            struct ike_explanation *x)
{
    bool cert = env->conn->auth.local == IKE_AUTH_CERT;
    char ours[256];

    ike_explain_say(ours, "%.*s", (int)KD_MIN(r->offered.len, (size_t)200),
                    r->offered.len ? (const char *)r->offered.p : "");
    ike_explain_row(x, "identity", ours, IKE_NOT_TOLD, false);
    ike_explain_row(x, "proof", cert ? "(certificate)" : "(pre-shared key)", IKE_NOT_TOLD, false);
    ike_explain_say(x->difference, "not known: AUTHENTICATION_FAILED says neither whether the "
                                   "identity nor whether the proof was refused");
    if (cert)
        our_certificate_refused(ours, x);
    else
        our_key_refused(ours, x);
    ike_explain_there(x, "IOS", "crypto ikev2 profile: match identity remote %s", ours);
}

static void wrong_proof(const struct ike_refusal *r, const struct ike_explain_env *env,
                        const char *shown, struct ike_explanation *x)
{
    char why[256];

    if (why_of(r->detail, why, sizeof(why))[0])
        ike_explain_say(x->difference, "the identity is as expected, but %s", why);
    else
        ike_explain_say(x->difference, "the identity is as expected, its proof is not");
    if (env->conn->auth.remote == IKE_AUTH_CERT) {
        ike_explain_say(x->cause, "Most often ca lacks the issuer, the peer does not send what is "
                                  "between its certificate and the root, or a clock is wrong.");
        ike_explain_here(x, IKE_KEY_AUTH, "auth: ca with the root that signed the peer's");
        ike_explain_there(x, "swanctl.conf",
                          "connections.*.local.certs: one with the subjectAltName %s", shown);
        return;
    }
    ike_explain_say(x->cause, "Most often the pre-shared keys differ; compare them octet by octet "
                              "(the first line of psk-file counts, without its line feed).");
    ike_explain_here(x, IKE_KEY_AUTH, "auth: the same secret as the peer's");
    ike_explain_there(x, "swanctl.conf", "secrets.ike-*: id = %s; secret = the same", shown);
    ike_explain_there(x, "IOS", "crypto ikev2 keyring: pre-shared-key the same");
}

static void identities(const struct ike_refusal *r, const struct ike_explain_env *env,
                       struct ike_explanation *x)
{
    bool cert = env->conn->auth.remote == IKE_AUTH_CERT;
    char shown[256], expected[256];

    if (r->by_peer) {
        refused_by_peer(r, env, x);
        return;
    }
    ike_explain_say(shown, "%.*s", (int)r->offered.len, r->offered.len ? (char *)r->offered.p : "");
    ike_explain_say(expected, "%.*s", (int)r->configured.len,
                    r->configured.len ? (char *)r->configured.p : "");
    if (strcmp(shown, expected) == 0 || same(r->configured, "any")) {
        ike_explain_row(x, "identity", shown, expected, false);
        ike_explain_row(x, "proof", "(another)", cert ? "(certificate)" : "(pre-shared key)", true);
        wrong_proof(r, env, shown, x);
        return;
    }
    ike_explain_row(x, "identity", shown, expected, true);
    ike_explain_say(x->difference, "identity: the peer shows %s, %s is configured", shown,
                    expected);
    ike_explain_say(x->cause, "Most often the peer sends its inner or private address, or a name, "
                              "where the address it is reached at is expected.");
    ike_explain_here(x, IKE_KEY_REMOTE_ID, "remote-id: %s", shown);
    ike_explain_there(x, "swanctl.conf", "connections.*.local.id = %s", expected);
    ike_explain_there(x, "IOS", "crypto ikev2 profile: identity local %s", expected);
}

/* ---- the others ---- */

static void silence(const struct ike_refusal *r, const struct ike_explain_env *env,
                    struct ike_explanation *x)
{
    char ours[KD_ADDR_STR_MAX] = "our address";

    if (env->conn->local.family)
        kd_addr_str(&env->conn->local, ours);
    ike_explain_say(x->difference, "not known: nothing came back");
    if (r->exchange == IKE_X_AUTH) {
        ike_explain_say(x->cause,
                        "%s answers IKE_SA_INIT but not IKE_AUTH: most often UDP 4500 is "
                        "filtered on the way, or fragments of a large message are lost.",
                        env->peer);
        return;
    }
    ike_explain_say(x->cause,
                    "Most often UDP 500 is filtered on the way, the address is wrong, "
                    "nothing runs there, or the peer has no connection for %s and says nothing.",
                    ours);
    ike_explain_here(x, IKE_KEY_REMOTE, "remote: %s, if that is not the peer's address", env->peer);
    ike_explain_there(x, "swanctl.conf", "connections.*.remote_addrs = %s", ours);
    ike_explain_there(x, "IOS", "crypto ikev2 keyring: peer P: address %s", ours);
}

static void not_installed(const struct ike_refusal *r, struct ike_explanation *x)
{
    ike_explain_say(x->difference, "none: both sides agreed, the data plane here refused");
    if (r->offered.len)
        ike_explain_say(x->cause, "It said: %.*s", (int)r->offered.len, (const char *)r->offered.p);
}

static void other(const struct ike_refusal *r, struct ike_explanation *x)
{
    ike_explain_say(x->difference, "not a matter of the configuration: %s",
                    kd_reason_str(r->reason));
}

static const char *matter(const struct ike_refusal *r)
{
    switch (r->reason) {
    case KD_REASON_NO_PROPOSAL:
        return "proposals";
    case KD_REASON_INVALID_KE:
        return "group";
    case KD_REASON_TS_UNACCEPTABLE:
        return "traffic selectors";
    case KD_REASON_AUTH_FAILED:
        return "authentication";
    default:
        return "request";
    }
}

static void title(const struct ike_refusal *r, const struct ike_explain_env *env,
                  struct ike_explanation *x)
{
    const char *in = r->exchange ? ike_exchange_name(r->exchange) : "an unknown exchange";
    const char *rekey = r->rekey ? " (a rekey)" : "";

    if (r->reason == KD_REASON_TIMEOUT)
        ike_explain_say(x->title, "%s did not answer %s", env->peer, in);
    else if (r->reason == KD_REASON_KERNEL_REFUSED)
        ike_explain_say(x->title, "the data plane refused what was agreed on with %s in %s%s",
                        env->peer, in, rekey);
    else if (r->by_peer)
        ike_explain_say(x->title, "%s refused kedge's %s in %s%s: %s", env->peer, matter(r), in,
                        rekey, r->notify ? ike_notify_name(r->notify) : kd_reason_str(r->reason));
    else
        ike_explain_say(x->title, "kedge refused the %s of %s in %s%s", matter(r), env->peer, in,
                        rekey);
}

void ike_explain(const struct ike_refusal *r, const struct ike_explain_env *env,
                 struct ike_explanation *x)
{
    memset(x, 0, sizeof(*x));
    title(r, env, x);
    ike_explain_say(x->left, "%s", r->by_peer ? "offered by kedge" : "offered by the peer");
    ike_explain_say(x->right, "%s", r->by_peer ? "wanted by the peer" : "configured here");
    switch (r->reason) {
    case KD_REASON_NO_PROPOSAL:
    case KD_REASON_INVALID_KE:
        ike_explain_proposals(r, env, x);
        break;
    case KD_REASON_TS_UNACCEPTABLE:
        selectors(r, x);
        break;
    case KD_REASON_AUTH_FAILED:
        identities(r, env, x);
        break;
    case KD_REASON_TIMEOUT:
        silence(r, env, x);
        break;
    case KD_REASON_KERNEL_REFUSED:
        not_installed(r, x);
        break;
    default:
        other(r, x);
        break;
    }
}
