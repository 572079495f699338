/* `kedge explain` as JSON: a tunnel's last refusal side by side, or the last strangers. */
#include "control/control.h"

#include "ike/grammar.h"

static json_t *age(const struct ctl_env *env, uint64_t at_us)
{
    return ctl_seconds(env->now_us > at_us ? env->now_us - at_us : 0);
}

static json_t *text(const char *s)
{
    return ctl_text(kd_bytes_str(s));
}

/* Where the key stands, or the tunnel it would be added to. */
static uint32_t line_of(const struct core_tunnel_config *t, enum ike_explain_key key)
{
    const struct core_tunnel_lines *l = &t->line;
    const uint32_t line[IKE_KEY_N] = {
        [IKE_KEY_IKE] = l->ike ? l->ike : l->profile,
        [IKE_KEY_ESP] = l->esp ? l->esp : l->profile,
        [IKE_KEY_SELECTORS] = l->selectors,
        [IKE_KEY_AUTH] = l->auth,
        [IKE_KEY_LOCAL_ID] = l->local_id,
        [IKE_KEY_REMOTE_ID] = l->remote_id,
        [IKE_KEY_REMOTE] = l->remote,
    };

    return line[key] ? line[key] : l->tunnel;
}

static json_t *rows(const struct ike_explanation *x)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < x->n_rows; i++)
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:b}", "what", x->row[i].what,
                                              "left", text(x->row[i].left), "right",
                                              text(x->row[i].right), "differs", x->row[i].differs));
    return list;
}

static json_t *changes(const struct core_tunnel_config *t, const struct ike_explanation *x)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < x->n_changes; i++) {
        const struct ike_explain_change *c = &x->change[i];
        uint32_t line = c->here ? line_of(t, c->key) : 0;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:s, s:o}", "side", c->here ? "here" : "peer", "where",
                            c->where, "line", line ? json_integer(line) : json_null(), "key",
                            ike_explain_key_names[c->key], "text", text(c->text)));
    }
    return list;
}

static json_t *refused(const struct ctl_env *env, const struct core_tunnel_view *v)
{
    const struct core_refused_view *k = v->refused;
    const struct kd_addr *addr = k->remote.addr.family ? &k->remote.addr : &v->config->ike.remote;
    char peer[KD_ADDR_STR_MAX] = "the peer";
    struct ike_explanation x;

    if (addr->family)
        kd_addr_str(addr, peer);
    struct ike_explain_env in = {.peer = peer,
                                 .profile = v->config->profile,
                                 .conn = &v->config->ike,
                                 .child_up = v->child_up};
    ike_explain(&k->r, &in, &x);
    return json_pack(
        "{s:o, s:I, s:s, s:s, s:b, s:b, s:s, s:o, s:o, s:o, s:[s,s], s:o, s:o, s:o, s:o}", "age_s",
        age(env, k->at_us), "count", (json_int_t)k->count, "reason", kd_reason_str(k->r.reason),
        "exchange", k->r.exchange ? ike_exchange_name(k->r.exchange) : "", "by_peer", k->r.by_peer,
        "rekey", k->r.rekey, "peer", peer, "detail", ctl_text(k->r.detail), "title", text(x.title),
        "rows", rows(&x), "heads", x.left, x.right, "difference", text(x.difference), "cause",
        text(x.cause), "changes", changes(v->config, &x), "now_up", json_boolean(v->child_up));
}

json_t *ctl_explain(const struct ctl_env *env, uint32_t tunnel)
{
    struct core_tunnel_view v;

    if (!core_tunnel_get(env->core, tunnel, &v))
        return NULL;
    return json_pack("{s:i, s:s, s:o}", "version", CTL_VERSION, "tunnel", v.config->ike.name,
                     "refused", v.refused ? refused(env, &v) : json_null());
}

json_t *ctl_strangers(const struct ctl_env *env)
{
    json_t *list = json_array();
    uint32_t n;
    const struct core_stranger_view *s = core_strangers(env->core, &n);
    char remote[KD_ENDPOINT_STR_MAX];

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:I, s:s, s:o}", "age_s", age(env, s[i].at_us),
                                              "count", (json_int_t)s[i].count, "remote",
                                              kd_endpoint_str(&s[i].remote, remote), "detail",
                                              text(s[i].text)));
    return json_pack("{s:i, s:o}", "version", CTL_VERSION, "strangers", list);
}
