/* router.azure and neighbors' profile: the routing rules of an Azure VPN gateway, as policies that
 * can be named, read (kedge bgp policy) and replaced; facts/azure.md 2.1 and 2.3.
 *
 *   azure-import                what is a prefix of the VNet or of a spoke, or inside one, is
 * refused azure-vpn-export            those prefixes; of what was learned neither a default nor
 * what overlaps them, azure-expressroute-export   nor, without a route server, what came over the
 * other kind
 *
 * An internal neighbor (the gateway's other instances) has no policy by default: there RFC 4271's
 * rules are Azure's. */
#include "config/cfg.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUTE_SERVER_AS 65515
#define HOLD_S          180
#define KEEPALIVE_S     60
#define PREFIXES_MAX    4000

static void read_prefix(struct cfg *c, yaml_node_t *n, void *obj)
{
    struct cfg_azure *z = &c->azure;
    struct cfg_val v;
    struct kd_prefix p;
    (void)obj;
    if (!cfg_val(c, n, &v) || !cfg_read_prefix(c, &v, &p))
        return;
    for (uint32_t i = 0; i < z->n; i++)
        if (kd_prefix_eq(&z->prefix[i], &p)) {
            cfg_error(c, v.at, "\"%s\" is already in the list", v.s);
            return;
        }
    if (p.len == 0)
        cfg_error(c, v.at, "\"%s\"; allowed: a VNet's prefix, not everything", v.s);
    else if (z->n == CFG_AZURE_MAX)
        cfg_error(c, v.at, "vnet and spokes have more than %d prefixes", CFG_AZURE_MAX);
    else
        z->prefix[z->n++] = p;
}

static void read_route_server(struct cfg *c, yaml_node_t *n, void *obj)
{
    static const struct cfg_key as_bool = {.type = CFG_WORD, .size = 1, .words = cfg_bool_words};
    struct cfg_val v;
    (void)obj;
    if (!cfg_val(c, n, &v) || !cfg_scalar(c, &as_bool, &v, &c->azure.route_server))
        return;
    if (c->azure.route_server && c->out.asn && c->out.asn != ROUTE_SERVER_AS)
        cfg_error(c, v.at, "\"%s\" needs router.asn %d, as in Azure", v.s, ROUTE_SERVER_AS);
}

static const struct cfg_key azure_keys[] = {
    {.name = "vnet",
     .type = CFG_LIST,
     .required = true,
     .min = 1,
     .max = CFG_AZURE_MAX,
     .parse = read_prefix},
    {.name = "spokes", .type = CFG_LIST, .max = CFG_AZURE_MAX, .parse = read_prefix},
    {.name = "route-server", .type = CFG_OWN, .parse = read_route_server},
};
static const struct cfg_table azure_table = {"azure", false, KD_ARRAY_LEN(azure_keys), azure_keys};

/* ---- the policies ---- */

static struct bgp_policy_entry *entry(struct bgp_policy *p, bool permit)
{
    struct bgp_policy_entry *e = &p->entry[p->n++];
    e->permit = permit;
    return e;
}

enum reach { ITSELF, INSIDE, OVERLAPPING };

static void add_prefix(struct bgp_policy_entry *e, const struct kd_prefix *p, enum reach reach)
{
    e->prefix[e->n_prefix++] = (struct bgp_prefix_rule){
        .prefix = *p,
        .ge = reach == OVERLAPPING ? 0 : p->len,
        .le = reach == ITSELF ? p->len : (uint8_t)kd_addr_bits(&p->addr),
    };
}

static void add_vnets(const struct cfg *c, struct bgp_policy_entry *e, enum reach reach)
{
    for (uint32_t i = 0; i < c->azure.n; i++)
        add_prefix(e, &c->azure.prefix[i], reach);
}

static void import_policy(struct cfg *c, struct bgp_policy *p)
{
    add_vnets(c, entry(p, false), INSIDE);
    entry(p, true);
}

/* other: what has no transit to the neighbors this is for. */
static void export_policy(struct cfg *c, struct bgp_policy *p, enum bgp_source other)
{
    const struct kd_prefix defaults[] = {{.addr = {.family = 4}}, {.addr = {.family = 6}}};
    struct bgp_policy_entry *e;
    add_vnets(c, entry(p, true), ITSELF);
    e = entry(p, false);
    add_prefix(e, &defaults[0], ITSELF);
    add_prefix(e, &defaults[1], ITSELF);
    add_vnets(c, entry(p, false), OVERLAPPING);
    if (!c->azure.route_server)
        entry(p, false)->from = 1 << other;
    entry(p, true);
}

static void make(struct cfg *c, const char *name, struct bgp_policy *p, struct cfg_where at)
{
    snprintf(p->name, sizeof(p->name), "%s", name);
    for (uint32_t i = 0; i < c->out.n_policies; i++)
        if (strcmp(bgp_route_map_name(c->out.policies[i]), name) == 0)
            cfg_error(c, at, "\"%s\" is a name it gives; call the one in policies otherwise", name);
    cfg_policy_add(c, p, at);
    memset(p, 0, sizeof(*p));
}

static void make_policies(struct cfg *c, struct cfg_where at)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));
    if (!p) {
        cfg_error(c, at, "out of memory");
        return;
    }
    import_policy(c, p);
    make(c, "azure-import", p, at);
    export_policy(c, p, BGP_FROM_EXPRESSROUTE);
    make(c, "azure-vpn-export", p, at);
    export_policy(c, p, BGP_FROM_VPN);
    make(c, "azure-expressroute-export", p, at);
    free(p);
}

/* What is the VNet's is announced. */
static void announce(struct cfg *c, struct cfg_where at)
{
    struct core_config *o = &c->out;
    for (uint32_t i = 0; i < c->azure.n; i++) {
        bool there = false;
        for (uint32_t k = 0; k < o->n_networks; k++)
            there |= kd_prefix_eq(&o->networks[k].prefix, &c->azure.prefix[i]);
        if (there)
            continue;
        if (o->n_networks == CORE_NETWORKS_MAX) {
            cfg_error(c, at, "with router.networks more than %d prefixes", CORE_NETWORKS_MAX);
            return;
        }
        o->networks[o->n_networks++].prefix = c->azure.prefix[i];
    }
}

void cfg_azure(struct cfg *c, yaml_node_t *n, void *obj)
{
    cfg_map(c, n, &azure_table, obj, NULL);
    c->azure.on = c->out.azure = true;
    announce(c, cfg_at(n));
    make_policies(c, cfg_at(n));
}

/* ---- neighbors ---- */

const struct cfg_word cfg_azure_profiles[] = {
    {"azure-vpn", BGP_FROM_VPN}, {"azure-expressroute", BGP_FROM_EXPRESSROUTE}, {NULL, 0}};

/* 65515 is every gateway's until it is changed: no site's, but another gateway's (seed 001). */
static bool other_may_have(uint32_t asn)
{
    static const struct {
        uint32_t from, to;
    } taken[] = {{8074, 8075},   {12076, 12076}, {23456, 23456},          {64496, 64511},
                 {65517, 65520}, {65535, 65551}, {UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < KD_ARRAY_LEN(taken); i++)
        if (asn >= taken[i].from && asn <= taken[i].to)
            return false;
    return true;
}

static bool is_apipa(const struct kd_addr *a)
{
    return a->family == 4 && a->b[0] == 169 && a->b[1] == 254;
}

static void check_vpn(struct cfg *c, const struct core_neighbor_config *n,
                      const struct cfg_azure_marks *at)
{
    const struct bgp_peer_config *p = &n->bgp;
    if (at->asn.line && (p->asn == c->out.asn || !other_may_have(p->asn)))
        cfg_error(c, at->asn,
                  ".asn: \"%u\" is one that no site of Azure's may have; allowed: another than "
                  "ours, 64512 to 65514, 65516, 65515 of another gateway, 65521 to 65534, a "
                  "public one",
                  p->asn);
    if (at->hold.line && p->hold_s != HOLD_S)
        cfg_error(c, at->hold, ".hold: Azure's is fixed at %ds; leave it out", HOLD_S);
    if (at->keepalive.line && p->keepalive_s != KEEPALIVE_S)
        cfg_error(c, at->keepalive, ".keepalive: Azure's is fixed at %ds; leave it out",
                  KEEPALIVE_S);
    if (n->bfd.on)
        cfg_error(c, at->profile, ".profile: Azure's VPN gateways have no BFD; leave bfd out");
    if (at->passive.line && !p->passive && is_apipa(&p->remote))
        cfg_error(c, at->passive,
                  ".passive: Azure waits for a neighbor in 169.254.0.0/16; leave it "
                  "out");
}

static struct bgp_route_map *policy(struct cfg *c, const char *name)
{
    struct cfg_val v = {.s = name, .len = strlen(name)};
    return cfg_policy_find(c, &v);
}

void cfg_azure_neighbor(struct cfg *c, struct core_neighbor_config *n,
                        const struct cfg_azure_marks *at)
{
    struct bgp_peer_config *p = &n->bgp;
    bool vpn = p->source == BGP_FROM_VPN, internal = p->asn == c->out.asn;
    if (!at->profile.line || p->source == BGP_FROM_OTHER)
        return;
    if (!c->azure.on) {
        cfg_error(c, at->profile, ".profile: needs router.azure with the VNet's prefixes");
        return;
    }
    if (vpn)
        check_vpn(c, n, at);
    if (vpn && is_apipa(&p->remote))
        p->passive = true;
    if (!p->prefixes_max)
        p->prefixes_max = PREFIXES_MAX;
    if (!at->import.line && !internal)
        p->import = policy(c, "azure-import");
    if (!at->export.line && !internal)
        p->export = policy(c, vpn ? "azure-vpn-export" : "azure-expressroute-export");
}
