/* Junos on an SRX, as set commands: route-based, st0, BGP over it. An AEAD in an IKE proposal
 * stands for its PRF there (aes-256-gcm: SHA-384, aes-128-gcm: SHA-256) and takes no authentication
 * algorithm. */
#include "peer/side.h"

#define UNIT "st0.1"

static void left_out(FILE *to, const struct ike_proposal *p, const struct kc_alg *unsaid)
{
    char text[IKE_PROPOSAL_TEXT_MAX];

    fprintf(to, "# left out: %s: Junos has no %s\n", ike_proposal_text(p, text, sizeof(text)),
            unsaid->name);
}

/* A Junos proposal has one of each: the first that has a name. */
static const char *said(const struct ike_proposal *p, enum kc_transform_type type,
                        enum peer_tongue tongue)
{
    return peer_word(peer_said(p, type, 0, tongue), tongue);
}

/* A PRF beside an AEAD that Junos wouldn't take. */
static const struct kc_alg *other_prf(const struct ike_proposal *p)
{
    const struct kc_alg *encr = peer_alg(p, KC_ENCR, 0), *prf = peer_alg(p, KC_PRF, 0);

    if (!encr->aead || !prf)
        return NULL;
    return prf->id == (encr->key_bits == 256 ? KC_PRF_HMAC_SHA2_384 : KC_PRF_HMAC_SHA2_256) ? NULL
                                                                                            : prf;
}

/* What proposals of both kinds have; head: "set security ... proposal NAME". */
static void put_suite(FILE *to, const char *head, const struct ike_proposal *p,
                      enum peer_tongue words, uint64_t life_us)
{
    const char *integ = said(p, KC_INTEG, words);

    if (integ)
        fprintf(to, "%s authentication-algorithm %s\n", head, integ);
    fprintf(to, "%s encryption-algorithm %s\n", head, said(p, KC_ENCR, words));
    fprintf(to, "%s lifetime-seconds %u\n", head, peer_lifetime(to, "#", life_us, 180));
}

static void put_ike_proposal(const struct peer_side *s, FILE *to, const struct ike_proposal *p,
                             unsigned n)
{
    char head[64];

    snprintf(head, sizeof(head), "set security ike proposal %s-%u", s->name, n);
    fprintf(to, "%s authentication-method %s\n", head,
            s->psk_here ? "pre-shared-keys" : "rsa-signatures");
    fprintf(to, "%s dh-group %s\n", head, said(p, KC_DH, PEER_WORD_JUNOS_IKE));
    put_suite(to, head, p, PEER_WORD_JUNOS_IKE, s->ike->ike_life_us);
    fprintf(to, "set security ike policy %s proposals %s-%u\n", s->name, s->name, n);
}

static void put_credentials(const struct peer_side *s, FILE *to)
{
    bool plain = peer_psk_plain(s->p);

    if (!s->psk_here) {
        fprintf(to, "set security ike policy %s certificate local-certificate %s\n", s->name,
                s->name);
        return;
    }
    fprintf(to, "set security ike policy %s pre-shared-key %s", s->name,
            plain ? "ascii-text \"" : "hexadecimal ");
    peer_put_psk(to, s->p, "");
    fputs(plain ? "\"\n" : "\n", to);
}

static void put_ike(const struct peer_side *s, FILE *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->ike->ike.n; i++) {
        const struct ike_proposal *p = &s->ike->ike.p[i];
        const struct kc_alg *unsaid = peer_unsaid(p, PEER_WORD_JUNOS_IKE);
        if (!unsaid)
            unsaid = other_prf(p);
        if (unsaid)
            left_out(to, p, unsaid);
        else
            put_ike_proposal(s, to, p, ++n);
    }
    put_credentials(s, to);
}

static void put_id(const struct peer_side *s, FILE *to, const char *end, const struct ike_id *id)
{
    char text[IKE_ID_MAX * 4];
    const char *kind = id->type == IKE_ID_IPV4 || id->type == IKE_ID_IPV6 ? "inet"
                       : id->type == IKE_ID_FQDN                          ? "hostname"
                       : id->type == IKE_ID_RFC822                        ? "user-at-hostname"
                       : id->type == IKE_ID_DER_ASN1_DN                   ? "distinguished-name"
                                                                          : NULL;

    ike_id_str(id, text, sizeof(text));
    if (id->type == IKE_ID_IPV6)
        kind = "inet6";
    if (id->type == IKE_ID_ANY)
        return;
    if (!kind)
        fprintf(to, "# %s %s: Junos takes no such identity\n", end, text);
    else if (id->type == IKE_ID_DER_ASN1_DN)
        fprintf(to, "set security ike gateway %s %s %s\n", s->name, end, kind);
    else
        fprintf(to, "set security ike gateway %s %s %s %s\n", s->name, end, kind, text);
}

static void put_gateway(const struct peer_side *s, FILE *to)
{
    const char *set = "set security ike gateway";

    fprintf(to, "%s %s ike-policy %s\n%s %s address %s\n", set, s->name, s->name, set, s->name,
            s->us);
    fprintf(to, "%s %s version v2-only\n", set, s->name);
    fprintf(to, "%s %s external-interface OUTER_INTERFACE\n", set, s->name);
    if (s->ike->remote.family)
        fprintf(to, "%s %s local-address %s\n", set, s->name, s->outer);
    put_id(s, to, "local-identity", &s->ike->remote_id);
    put_id(s, to, "remote-identity", &s->ike->local_id);
    fprintf(to, "%s %s dead-peer-detection interval 10 threshold 3\n", set, s->name);
}

static void put_esp_proposal(const struct peer_side *s, FILE *to, const struct ike_proposal *p,
                             unsigned n)
{
    char head[64];

    snprintf(head, sizeof(head), "set security ipsec proposal %s-%u", s->name, n);
    fprintf(to, "%s protocol esp\n", head);
    put_suite(to, head, p, PEER_WORD_JUNOS_ESP, s->ike->child_life_us);
    if (s->ike->child_life_bytes)
        fprintf(to, "%s lifetime-kilobytes %llu\n", head,
                (unsigned long long)(s->ike->child_life_bytes / 1000));
    fprintf(to, "set security ipsec policy %s proposals %s-%u\n", s->name, s->name, n);
}

static void put_ipsec(const struct peer_side *s, FILE *to)
{
    const struct kc_alg *none;
    const char *pfs = peer_pfs(&s->ike->esp, PEER_WORD_JUNOS_ESP, &none);
    unsigned n = 0;

    for (unsigned i = 0; i < s->ike->esp.n; i++) {
        const struct ike_proposal *p = &s->ike->esp.p[i];
        const struct kc_alg *unsaid = peer_unsaid(p, PEER_WORD_JUNOS_ESP);
        if (unsaid && unsaid->type != KC_DH)
            left_out(to, p, unsaid);
        else
            put_esp_proposal(s, to, p, ++n);
    }
    if (pfs)
        fprintf(to, "set security ipsec policy %s perfect-forward-secrecy keys %s\n", s->name, pfs);
    else if (none)
        fprintf(to, "# left out: PFS: Junos has no %s\n", none->name);
}

static void put_selectors(const struct peer_side *s, FILE *to)
{
    const struct ike_conn_config *c = s->ike;
    unsigned n = c->n_children && !c->ladder ? c->n_children : 1, no = 0;
    char here[128], there[128];

    if (peer_takes_all(c))
        return;
    for (unsigned k = 0; k < n; k++)
        for (unsigned i = 0; i < c->child[k].remote_ts.n; i++)
            for (unsigned j = 0; j < c->child[k].local_ts.n; j++) {
                ike_ts_str(&c->child[k].remote_ts.ts[i], here, sizeof(here));
                ike_ts_str(&c->child[k].local_ts.ts[j], there, sizeof(there));
                fprintf(to,
                        "set security ipsec vpn %s traffic-selector ts%u local-ip %s remote-ip "
                        "%s\n",
                        s->name, ++no, here, there);
            }
}

static void put_vpn(const struct peer_side *s, FILE *to)
{
    const char *set = "set security ipsec vpn";

    fprintf(to, "%s %s bind-interface %s\n%s %s ike gateway %s\n%s %s ike ipsec-policy %s\n", set,
            s->name, UNIT, set, s->name, s->name, set, s->name, s->name);
    put_selectors(s, to);
    if (s->ike->role != IKE_ROLE_INITIATOR)
        fprintf(to, "%s %s establish-tunnels immediately\n", set, s->name);
    if (s->bgp)
        fprintf(to, "set interfaces st0 unit 1 family %s address %s/%u\n",
                s->bgp->remote.family == 6 ? "inet6" : "inet", s->inner,
                s->bgp->remote.family == 6 ? 128 : 32);
    fprintf(to, "set interfaces st0 unit 1 family %s mtu %u\n",
            s->bgp && s->bgp->remote.family == 6 ? "inet6" : "inet", s->mtu);
    if (s->mss)
        fprintf(to, "set security flow tcp-mss ipsec-vpn mss %u\n", s->mss);
    fprintf(to, "set security zones security-zone VPN_ZONE interfaces %s\n", UNIT);
}

static void put_bfd(const struct peer_side *s, FILE *to)
{
    const char *set = "set protocols bgp group";

    fprintf(to, "%s %s bfd-liveness-detection minimum-interval %u\n", set, s->name,
            peer_bfd_ms(s->bfd));
    fprintf(to, "%s %s bfd-liveness-detection multiplier %u\n", set, s->name, s->bfd->detect_mult);
    fprintf(to, "%s %s bfd-liveness-detection session-mode %s\n", set, s->name,
            s->bfd->multihop ? "multihop" : "single-hop");
    if (s->bfd->auth.type)
        fputs("# left out: BFD's authentication\n", to);
}

static void put_bgp(const struct peer_side *s, FILE *to)
{
    const char *group = s->name;
    bool ibgp = s->bgp->asn == s->p->config->asn, v6 = s->bgp->remote.family == 6;

    fprintf(to, "set routing-options %sstatic route %s/%u next-hop %s\n", v6 ? "rib inet6.0 " : "",
            s->inner_us, v6 ? 128 : 32, UNIT);
    fprintf(to, "set routing-options autonomous-system %u\n", s->bgp->asn);
    fprintf(to, "set protocols bgp group %s type %s\n", group, ibgp ? "internal" : "external");
    if (!ibgp)
        fprintf(to, "set protocols bgp group %s multihop ttl 255\n", group);
    fprintf(to, "set protocols bgp group %s local-address %s\n", group, s->inner);
    if (s->bgp->hold_s)
        fprintf(to, "set protocols bgp group %s hold-time %u\n", group, s->bgp->hold_s);
    if (s->password) {
        fprintf(to, "set protocols bgp group %s authentication-key \"", group);
        peer_put_password(to, s->p);
        fputs("\"\n", to);
    }
    if (s->bfd)
        put_bfd(s, to);
    fprintf(to, "set protocols bgp group %s neighbor %s peer-as %u\n", group, s->inner_us,
            s->p->config->asn);
}

void peer_junos(const struct peer_side *s, FILE *to)
{
    fprintf(to, "# Junos: the peer of kedge's tunnel \"%s\"\n", s->name);
    put_ike(s, to);
    put_gateway(s, to);
    put_ipsec(s, to);
    put_vpn(s, to);
    if (s->bgp)
        put_bgp(s, to);
}
