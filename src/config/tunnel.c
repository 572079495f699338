/* tunnels: one table, and the rules between its keys. */
#include "config/certs.h"
#include "ike/suites.h"

#include <stdio.h>
#include <stdlib.h>

#define AZURE_CUSTOM "azure-custom" /* facts/azure.md 1.3: one IKE and one ESP proposal, complete */

/* A tunnel while it is read: what lands in the configuration, and what only decides about it. */
struct tunnel {
    struct core_tunnel_config t;
    char profile[24];
    bool remote_any, legacy;
    yaml_node_t *neighbor;
};

static void read_remote(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct tunnel *t = obj;
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    if (!cfg_val(c, n, &v))
        return;
    t->remote_any = strcmp(v.s, "any") == 0;
    if (t->remote_any || kd_addr_parse(v.s, &t->t.ike.remote))
        return;
    cfg_error(c, v.at,
              "%s; allowed: an address, or any (a name is not looked up yet: give its address)",
              cfg_quote(&v, quote));
}

static void read_id(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_val v;
    char quote[CFG_QUOTE_MAX];
    if (cfg_val(c, n, &v) && !ike_id_parse(v.s, obj))
        cfg_error(c, v.at,
                  "%s; allowed: an address, a domain name, user@domain, key-id:HEX, a name such as "
                  "\"C=US, O=Example, CN=gw\", any",
                  cfg_quote(&v, quote));
}

/* ---- proposals ---- */

static const char *profile_name(const void *arg, size_t i)
{
    const char *const *names = arg;
    size_t n = 0;
    while (names[n])
        n++;
    return i < n ? names[i] : i == n ? AZURE_CUSTOM : NULL;
}

static void read_profile(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct tunnel *t = obj;
    struct cfg_val v;
    const char *name;
    char allowed[128] = "", quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    if (!cfg_val(c, n, &v))
        return;
    for (size_t i = 0, at = 0; (name = profile_name(ike_profile_names, i)) != NULL; i++) {
        if (strcmp(name, v.s) == 0) {
            snprintf(t->profile, sizeof(t->profile), "%s", name);
            return;
        }
        at += (size_t)snprintf(allowed + at, sizeof(allowed) - at, "%s%s", i ? ", " : "", name);
        kd_assert(at < sizeof(allowed));
    }
    cfg_error(c, v.at, "%s; allowed: %s%s", cfg_quote(&v, quote), allowed,
              cfg_hint(cfg_nearest(v.s, profile_name, ike_profile_names), hint));
}

static void read_proposal(struct cfg *c, yaml_node_t *n, uint8_t protocol, const struct tunnel *t,
                          struct ike_proposals *l)
{
    const struct kc_alg *weak;
    struct cfg_val v;
    char err[256];
    if (!cfg_val(c, n, &v))
        return;
    if (!ike_proposal_from_string(v.s, protocol, &l->p[l->n], err, sizeof(err)))
        cfg_error(c, v.at, "%s", err);
    else if (!t->legacy && (weak = ike_proposal_legacy(&l->p[l->n])))
        cfg_error(c, v.at, "\"%s\": %s protects nobody; allowed: with legacy: true in the tunnel",
                  v.s, weak->name);
    else
        l->n++;
}

static void read_ike(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct tunnel *t = obj;
    read_proposal(c, n, IKE_PROTO_IKE, t, &t->t.ike.ike);
}

static void read_esp(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct tunnel *t = obj;
    read_proposal(c, n, IKE_PROTO_ESP, t, &t->t.ike.esp);
}

/* ---- the table ---- */

static void read_neighbor(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct tunnel *t = obj;
    (void)c;
    t->neighbor = n; /* read when the inner address is certain */
}

static const struct cfg_word role_words[] = {{"both", IKE_ROLE_BOTH},
                                             {"initiator", IKE_ROLE_INITIATOR},
                                             {"responder", IKE_ROLE_RESPONDER},
                                             {NULL, 0}};
static const struct cfg_word encap_words[] = {
    {"auto", IKE_ENCAP_AUTO}, {"always", IKE_ENCAP_ALWAYS}, {"never", IKE_ENCAP_NEVER}, {NULL, 0}};
static const struct cfg_word childless_words[] = {{"allow", IKE_CHILDLESS_ALLOW},
                                                  {"never", IKE_CHILDLESS_NEVER},
                                                  {"force", IKE_CHILDLESS_FORCE},
                                                  {NULL, 0}};
static const struct cfg_word rehearsal_words[] = {{"off", 0}, {NULL, 0}};
static const struct cfg_word probe_words[] = {{"off", 0}, {NULL, 0}};
static const struct cfg_word keepalive_words[] = {{"off", IKE_KEEPALIVE_OFF}, {NULL, 0}};
static const struct cfg_word fragment_words[] = {{"off", IKE_FRAGMENT_OFF}, {NULL, 0}};
static const struct cfg_word mtu_words[] = {{"auto", 0}, {NULL, 0}};
static const struct cfg_word start_words[] = {{"now", false}, {"on-traffic", true}, {NULL, 0}};
static const struct cfg_word offload_words[] = {{"no", CORE_OFFLOAD_NO},
                                                {"crypto", CORE_OFFLOAD_CRYPTO},
                                                {"packet", CORE_OFFLOAD_PACKET},
                                                {NULL, 0}};
static const struct cfg_word mss_words[] = {
    {"auto", CORE_MSS_AUTO}, {"off", CORE_MSS_OFF}, {NULL, 0}};

enum {
    K_NAME, K_LOCAL, K_REMOTE, K_LOCAL_ID, K_REMOTE_ID, K_AUTH, K_PPK, K_ROLE, K_START, K_PROFILE,
    K_LEGACY, K_IKE, K_ESP, K_SELECTORS, K_CHILDREN, K_ENCAP, K_CHILDLESS, K_DETECT, K_ABANDON,
    K_RETRY, K_KEEPALIVE, K_FRAGMENT, K_LIFETIME, K_REPLAY, K_OFFLOAD, K_OFFLOAD_DEVICE,
    K_INTERFACE, K_TABLE, K_VRF, K_ADDRESS, K_MTU, K_MSS, K_REHEARSAL, K_PROBE, K_RECOVER,
    K_NEIGHBOR, K_N
};

#define T struct tunnel
static const struct cfg_key keys[K_N] = {
    [K_NAME] = {.name = "name", .type = CFG_NAME, .required = true, CFG_AT(T, t.ike.name)},
    [K_LOCAL] = {.name = "local", .type = CFG_ADDR, CFG_AT(T, t.ike.local)},
    [K_REMOTE] = {.name = "remote", .type = CFG_OWN, .required = true, .parse = read_remote},
    [K_LOCAL_ID] = {.name = "local-id", .type = CFG_OWN, CFG_AT(T, t.ike.local_id),
                    .parse = read_id},
    [K_REMOTE_ID] = {.name = "remote-id", .type = CFG_OWN, CFG_AT(T, t.ike.remote_id),
                     .parse = read_id},
    [K_AUTH] = {.name = "auth", .type = CFG_OWN, .required = true, CFG_AT(T, t.ike),
                .parse = cfg_auth},
    [K_PPK] = {.name = "ppk", .type = CFG_OWN, CFG_AT(T, t.ike.ppk), .parse = cfg_ppk},
    [K_ROLE] = {.name = "role", .type = CFG_WORD, CFG_AT(T, t.ike.role), .words = role_words,
                .def = "both"},
    [K_START] = {.name = "start", .type = CFG_WORD, CFG_AT(T, t.ike.on_traffic),
                 .words = start_words, .def = "now"},
    [K_PROFILE] = {.name = "profile", .type = CFG_OWN, .parse = read_profile},
    [K_LEGACY] = {.name = "legacy", .type = CFG_WORD, CFG_AT(T, legacy),
                  .words = cfg_bool_words, .def = "false"},
    [K_IKE] = {.name = "ike", .type = CFG_LIST, .min = 1,
               .max = IKE_PROPOSAL_MAX, .parse = read_ike},
    [K_ESP] = {.name = "esp", .type = CFG_LIST, .min = 1,
               .max = IKE_PROPOSAL_MAX, .parse = read_esp},
    [K_SELECTORS] = {.name = "selectors", .type = CFG_OWN, CFG_AT(T, t.ike),
                     .parse = cfg_selectors},
    [K_CHILDREN] = {.name = "children", .type = CFG_OWN, CFG_AT(T, t.ike), .parse = cfg_children},
    [K_ENCAP] = {.name = "encap", .type = CFG_WORD, CFG_AT(T, t.ike.encap), .words = encap_words,
                 .def = "auto"},
    [K_CHILDLESS] = {.name = "childless", .type = CFG_WORD, CFG_AT(T, t.ike.childless),
                     .words = childless_words, .def = "allow"},
    [K_DETECT] = {.name = "detect", .type = CFG_DURATION, CFG_AT(T, t.ike.detect_us), .unit = 1,
                  .min = KD_MS(500), .max = KD_S(3600), .def = "45s"},
    [K_ABANDON] = {.name = "abandon", .type = CFG_DURATION, CFG_AT(T, t.ike.abandon_us), .unit = 1,
                   .min = KD_MS(500), .max = KD_S(86400)},
    [K_RETRY] = {.name = "retry", .type = CFG_DURATION, CFG_AT(T, t.ike.retry_us), .unit = 1,
                 .min = KD_MS(100), .max = KD_S(3600), .def = "3s"},
    [K_KEEPALIVE] = {.name = "nat-keepalive", .type = CFG_DURATION, CFG_AT(T, t.ike.keepalive_us),
                     .unit = 1, .min = KD_S(1), .max = KD_S(3600), .words = keepalive_words,
                     .def = "20s"},
    [K_FRAGMENT] = {.name = "fragment-size", .type = CFG_UINT, CFG_AT(T, t.ike.fragment_size),
                    .min = IKE_FRAGMENT_MIN, .max = 9000, .words = fragment_words, .def = "1280"},
    [K_LIFETIME] = {.name = "lifetime", .type = CFG_OWN, CFG_AT(T, t.ike), .parse = cfg_lifetime},
    [K_REPLAY] = {.name = "replay-window", .type = CFG_UINT, CFG_AT(T, t.replay_window), .min = 32,
                  .max = 4096, .def = "1024"},
    [K_OFFLOAD] = {.name = "offload", .type = CFG_WORD, CFG_AT(T, t.offload),
                   .words = offload_words, .def = "no"},
    [K_OFFLOAD_DEVICE] = {.name = "offload-device", .type = CFG_OWN, CFG_AT(T, t.offload_device),
                          .parse = cfg_ifname},
    [K_INTERFACE] = {.name = "interface", .type = CFG_OWN, CFG_AT(T, t.ifname),
                     .parse = cfg_ifname},
    [K_TABLE] = {.name = "table", .type = CFG_UINT, CFG_AT(T, t.table), .min = 1,
                 .max = UINT32_MAX, .words = cfg_table_words},
    [K_VRF] = {.name = "vrf", .type = CFG_OWN, CFG_AT(T, t.vrf), .parse = cfg_ifname},
    [K_ADDRESS] = {.name = "address", .type = CFG_ADDR, CFG_AT(T, t.inner)},
    [K_MTU] = {.name = "mtu", .type = CFG_UINT, CFG_AT(T, t.mtu), .min = 576, .max = 9000,
               .words = mtu_words},
    [K_MSS] = {.name = "mss", .type = CFG_UINT, CFG_AT(T, t.mss), .min = 216, .max = 8960,
               .words = mss_words},
    [K_REHEARSAL] = {.name = "rekey-rehearsal", .type = CFG_DURATION, CFG_AT(T, t.rehearse_us),
                     .unit = 1, .min = KD_S(1), .max = KD_S(3600), .words = rehearsal_words},
    [K_PROBE] = {.name = "mtu-probe", .type = CFG_DURATION, CFG_AT(T, t.mtu_probe_us), .unit = 1,
                 .min = KD_S(10), .max = KD_S(86400), .words = probe_words, .def = "10m"},
    [K_RECOVER] = {.name = "recover", .type = CFG_MAP, .table = &cfg_recover_tunnel_table},
    [K_NEIGHBOR] = {.name = "neighbor", .type = CFG_OWN, .parse = read_neighbor},
};
#undef T
static const struct cfg_table table = {"a tunnel", false, K_N, keys};

/* ---- rules between keys; self is where the tunnel begins ---- */

static struct cfg_where or_self(struct cfg_where at, struct cfg_where self)
{
    return at.line ? at : self;
}

static void check_local(struct cfg *c, struct tunnel *t, const struct cfg_where *at,
                        struct cfg_where self)
{
    const struct core_config *o = &c->out;
    char addr[KD_ADDR_STR_MAX];
    if (!at[K_LOCAL].line && o->n_listen == 1)
        t->t.ike.local = o->listen[0];
    if (!at[K_LOCAL].line && o->n_listen > 1)
        cfg_error(c, self,
                  "\"local\" is missing; needed where gateway.listen has several addresses");
    if (!t->t.ike.local.family)
        return;
    uint32_t i = 0;
    while (i < o->n_listen && !kd_addr_eq(&o->listen[i], &t->t.ike.local))
        i++;
    if (i == o->n_listen && o->n_listen > 0)
        cfg_error(c, or_self(at[K_LOCAL], self), ".local: \"%s\" is not in gateway.listen",
                  kd_addr_str(&t->t.ike.local, addr));
}

static void check_remote(struct cfg *c, struct tunnel *t, const struct cfg_where *at)
{
    const struct ike_conn_config *k = &t->t.ike;
    char addr[KD_ADDR_STR_MAX];
    if (t->remote_any && k->role != IKE_ROLE_RESPONDER)
        cfg_error(c, at[K_REMOTE], ".remote: any needs role: responder");
    if (!k->remote.family)
        return;
    kd_addr_str(&k->remote, addr);
    if (kd_addr_is_any(&k->remote))
        cfg_error(c, at[K_REMOTE], ".remote: \"%s\"; did you mean \"any\"?", addr);
    else if (k->local.family && k->local.family != k->remote.family)
        cfg_error(c, at[K_REMOTE], ".remote: \"%s\" is not of local's family", addr);
    else if (kd_addr_eq(&k->local, &k->remote))
        cfg_error(c, at[K_REMOTE], ".remote: \"%s\" is our own address", addr);
}

static void id_from_addr(struct ike_id *id, const struct kd_addr *a)
{
    struct kd_bytes b = kd_addr_bytes(a);
    id->type = a->family == 4 ? IKE_ID_IPV4 : IKE_ID_IPV6;
    id->len = (uint16_t)b.len;
    memcpy(id->data, b.p, b.len);
}

static void set_ids(struct cfg *c, struct tunnel *t, const struct cfg_where *at)
{
    struct ike_conn_config *k = &t->t.ike;
    if (!at[K_LOCAL_ID].line && k->local.family)
        id_from_addr(&k->local_id, &k->local);
    else if (at[K_LOCAL_ID].line && k->local_id.type == IKE_ID_ANY)
        cfg_error(c, at[K_LOCAL_ID], ".local-id: any is for remote-id only");
    if (!at[K_REMOTE_ID].line && k->remote.family)
        id_from_addr(&k->remote_id, &k->remote); /* remote any: any identity */
}

/* azure-custom is Azure's behavior with one's own two proposals; the other profiles are lists. */
static void set_suites(struct cfg *c, struct tunnel *t, const struct cfg_where *at,
                       struct cfg_where self)
{
    struct ike_conn_config *k = &t->t.ike;
    bool custom = strcmp(t->profile, AZURE_CUSTOM) == 0, lists = at[K_IKE].line || at[K_ESP].line;
    k->accept_any_ts = strncmp(t->profile, "azure-", 6) == 0; /* facts/azure.md 1.5 */
    if (at[K_PROFILE].line && lists && !custom)
        cfg_error(c, at[K_PROFILE], "profile and the lists ike, esp exclude each other");
    if ((lists || custom) && (!at[K_IKE].line || !at[K_ESP].line))
        cfg_error(c, or_self(at[K_IKE].line ? at[K_IKE] : at[K_ESP], self),
                  "\"%s\" is missing: ike and esp are given together%s",
                  at[K_IKE].line ? "esp" : "ike", custom ? " with profile azure-custom" : "");
    cfg_lifetime_after(k, k->accept_any_ts);
    if (custom)
        cfg_azure_custom(c, k, at[K_PROFILE], at[K_IKE], at[K_ESP]);
    if (lists || custom)
        return;
    const char *name = t->profile[0] ? t->profile : "modern";
    bool known = ike_profile(name, &k->ike, &k->esp, &k->esp_accept);
    kd_assert(known);
}

static void check_budget(struct cfg *c, struct ike_conn_config *k, const struct cfg_where *at)
{
    if (!at[K_ABANDON].line)
        k->abandon_us = KD_MAX(4 * k->detect_us, KD_S(60));
    else if (k->abandon_us < k->detect_us && k->abandon_us > 0)
        cfg_error(c, at[K_ABANDON],
                  ".abandon: shorter than detect (%llums); allowed: detect or more",
                  (unsigned long long)(k->detect_us / 1000));
}

static void check_start(struct cfg *c, const struct tunnel *t, const struct cfg_where *at)
{
    const struct ike_conn_config *k = &t->t.ike;
    if (k->on_traffic && (k->role == IKE_ROLE_RESPONDER || t->remote_any))
        cfg_error(c, at[K_START],
                  ".start: on-traffic is for who calls; allowed with %s: now",
                  t->remote_any ? "remote: any" : "role: responder");
}

/* Whether the card can is the kernel's to say. */
static void check_offload(struct cfg *c, const struct tunnel *t, const struct cfg_where *at)
{
    const struct core_tunnel_config *k = &t->t;
    if (k->offload != CORE_OFFLOAD_NO && c->out.dataplane != CORE_DP_XFRM &&
        c->out.dataplane != CORE_DP_AUTO)
        cfg_error(c, at[K_OFFLOAD],
                  ".offload: needs gateway.dataplane xfrm or auto; allowed with others: no");
    if (k->offload == CORE_OFFLOAD_PACKET && !k->offload_device[0])
        cfg_error(c, at[K_OFFLOAD],
                  ".offload: packet needs offload-device, which its policies name");
    if (k->offload == CORE_OFFLOAD_NO && k->offload_device[0])
        cfg_error(c, at[K_OFFLOAD_DEVICE], ".offload-device: needs offload: crypto or packet");
}

static void check_inner(struct cfg *c, struct tunnel *t, const struct cfg_where *at)
{
    const struct core_tunnel_config *k = &t->t;
    if (k->inner.family && kd_addr_is_any(&k->inner))
        cfg_error(c, at[K_ADDRESS], ".address: allowed: the tunnel's own address");
    if (k->inner.family == 6 && k->mtu > 0 && k->mtu < 1280)
        cfg_error(c, at[K_MTU], ".mtu: %u; allowed: 1280 or more with IPv6 inside (RFC 8200)",
                  k->mtu);
    if (k->mss != CORE_MSS_AUTO && k->mss != CORE_MSS_OFF && k->mtu > 0 && k->mss + 40u > k->mtu)
        cfg_error(c, at[K_MSS], ".mss: %u; allowed: at most mtu - 40", k->mss);
}

/* Router's, unless it has its own. */
static void set_table(struct cfg *c, struct tunnel *t, const struct cfg_where *at)
{
    const struct core_config *o = &c->out;
    struct core_tunnel_config *k = &t->t;
    const bool alone = at[K_VRF].line && !at[K_TABLE].line && strcmp(k->vrf, o->vrf) != 0;
    if (alone)
        cfg_error(c, at[K_VRF], ".vrf: needs table, the VRF's own");
    if (alone || (!at[K_VRF].line && k->table == o->table))
        snprintf(k->vrf, sizeof(k->vrf), "%s", o->vrf);
    else if (at[K_TABLE].line || at[K_VRF].line)
        cfg_inner_table(c, at[K_TABLE], at[K_VRF], k->table, k->vrf);
}

/* For who explains what to change. */
static void set_lines(struct tunnel *t, const struct cfg_where *at, struct cfg_where self)
{
    snprintf(t->t.profile, sizeof(t->t.profile), "%s",
             at[K_IKE].line ? "" : t->profile[0] ? t->profile : "modern");
    t->t.line = (struct core_tunnel_lines){.tunnel = self.line,
                                           .profile = at[K_PROFILE].line,
                                           .ike = at[K_IKE].line,
                                           .esp = at[K_ESP].line,
                                           .selectors = at[K_SELECTORS].line,
                                           .auth = at[K_AUTH].line,
                                           .local_id = at[K_LOCAL_ID].line,
                                           .remote_id = at[K_REMOTE_ID].line,
                                           .remote = at[K_REMOTE].line};
}

static void read_tunnel(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_where at[K_N], self = cfg_at(n);
    struct cfg_marks *marks = &c->tunnel_marks[c->out.n_tunnels];
    struct tunnel *t = obj;
    memset(t, 0, sizeof(*t));
    t->t.ike.port = c->out.port;
    t->t.ike.natt_port = c->out.natt_port;
    t->t.table = c->out.table;
    t->t.recover_us = cfg_recover_default(c, 0);
    cfg_lifetime_before(c, &t->t.ike);
    cfg_map(c, n, &table, t, at);
    if (n->type == YAML_MAPPING_NODE) {
        check_local(c, t, at, self);
        check_remote(c, t, at);
        set_ids(c, t, at);
        cfg_certs_identity(c, &t->t.ike, or_self(at[K_LOCAL_ID], self),
                           strncmp(t->profile, "azure-", 6) == 0);
        set_suites(c, t, at, self);
        cfg_selectors_default(&t->t);
        check_budget(c, &t->t.ike, at);
        check_start(c, t, at);
        check_offload(c, t, at);
        if (!t->t.ifname[0])
            snprintf(t->t.ifname, sizeof(t->t.ifname), "kedge%u", c->out.n_tunnels);
        check_inner(c, t, at);
        set_table(c, t, at);
    }
    set_lines(t, at, self);
    *marks = (struct cfg_marks){.name = or_self(at[K_NAME], self),
                                .remote = or_self(at[K_REMOTE], self),
                                .interface = or_self(at[K_INTERFACE], self),
                                .table = or_self(at[K_VRF], or_self(at[K_TABLE], self))};
    if (t->neighbor) {
        size_t old = cfg_push(c, ".neighbor");
        cfg_tunnel_neighbor(c, t->neighbor, &t->t, marks);
        cfg_pop(c, old);
    }
    c->out.tunnels[c->out.n_tunnels++] = t->t;
}

void cfg_tunnels(struct cfg *c, yaml_node_t *n, void *obj)
{
    size_t len = KD_MIN(cfg_list_len(n), (size_t)CORE_TUNNELS_MAX);
    struct tunnel *t = malloc(sizeof(*t));
    (void)obj;
    c->out.tunnels = calloc(len + 1, sizeof(*c->out.tunnels));
    c->tunnel_marks = calloc(len + 1, sizeof(*c->tunnel_marks));
    if (!t || !c->out.tunnels || !c->tunnel_marks)
        cfg_error(c, cfg_at(n), "out of memory");
    else
        cfg_list(c, n, 0, CORE_TUNNELS_MAX, read_tunnel, t);
    free(t);
}
