/* Cisco IOS-XE: an IKEv2 site-to-site tunnel on a Tunnel interface, BGP over it, the route to the
 * neighbor. Its parameters are those of seed 001's routers. */
#include "peer/side.h"

#include <ctype.h>

#define TUNNEL "Tunnel1"

static void put_words(FILE *to, const char *key, const struct ike_proposal *p,
                      enum kc_transform_type type)
{
    const struct kc_alg *alg = peer_said(p, type, 0, PEER_WORD_IOS_IKE);

    if (!alg)
        return;
    fprintf(to, " %s", key);
    for (unsigned n = 1; alg; alg = peer_said(p, type, n++, PEER_WORD_IOS_IKE))
        fprintf(to, " %s", peer_word(alg, PEER_WORD_IOS_IKE));
    fputc('\n', to);
}

/* The number of proposals that IOS can say; the others are named. */
static unsigned put_ike_proposals(const struct peer_side *s, FILE *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->ike->ike.n; i++) {
        const struct ike_proposal *p = &s->ike->ike.p[i];
        const struct kc_alg *unsaid = peer_unsaid(p, PEER_WORD_IOS_IKE);
        char text[IKE_PROPOSAL_TEXT_MAX];
        if (unsaid) {
            fprintf(to, "! left out: %s: IOS-XE has no %s\n!\n",
                    ike_proposal_text(p, text, sizeof(text)), unsaid->name);
            continue;
        }
        fprintf(to, "crypto ikev2 proposal %s-%u\n", s->name, ++n);
        put_words(to, "encryption", p, KC_ENCR);
        put_words(to, "integrity", p, KC_INTEG);
        if (!peer_alg(p, KC_INTEG, 0))
            put_words(to, "prf", p, KC_PRF);
        put_words(to, "group", p, KC_DH);
        fputs("!\n", to);
    }
    return n;
}

static void put_policy(const struct peer_side *s, FILE *to, unsigned n)
{
    fprintf(to, "crypto ikev2 policy %s\n match address local %s\n", s->name, s->outer);
    for (unsigned i = 1; i <= n; i++)
        fprintf(to, " proposal %s-%u\n", s->name, i);
    fputs("!\n", to);
}

static void put_keyring(const struct peer_side *s, FILE *to)
{
    if (!s->psk_here && !s->psk_us)
        return;
    fprintf(to, "crypto ikev2 keyring %s\n peer kedge\n  address %s\n", s->name, s->us);
    if (s->psk_here) {
        fputs("  pre-shared-key local ", to);
        peer_put_psk(to, s->p, "hex ");
        fputc('\n', to);
    }
    if (s->psk_us) {
        fputs("  pre-shared-key remote ", to);
        peer_put_psk(to, s->p, "hex ");
        fputc('\n', to);
    }
    fputs("!\n", to);
}

/* A key ID is text there, one word. */
static void put_key_id(FILE *to, const char *head, const struct ike_id *id)
{
    for (unsigned i = 0; i < id->len; i++)
        if (!isgraph(id->data[i]) || id->data[i] == '?') {
            fprintf(to, " ! %s: octets, and IOS-XE's key-id is text\n", head);
            return;
        }
    fprintf(to, " %s key-id %.*s\n", head, id->len, (const char *)id->data);
}

static void put_id(FILE *to, const char *head, const struct ike_id *id, bool mask)
{
    char text[IKE_ID_MAX * 4];

    ike_id_str(id, text, sizeof(text));
    switch (id->type) {
    case IKE_ID_ANY:
        break;
    case IKE_ID_IPV4:
        fprintf(to, " %s address %s%s\n", head, text, mask ? " 255.255.255.255" : "");
        break;
    case IKE_ID_IPV6:
        fprintf(to, " %s address %s%s\n", head, text, mask ? "/128" : "");
        break;
    case IKE_ID_FQDN:
        fprintf(to, " %s fqdn %s\n", head, text);
        break;
    case IKE_ID_RFC822:
        fprintf(to, " %s email %s\n", head, text);
        break;
    case IKE_ID_KEY_ID:
        put_key_id(to, head, id);
        break;
    default:
        fprintf(to, " ! %s: %s, by a certificate map\n", head, text);
        break;
    }
}

static void put_profile(const struct peer_side *s, FILE *to)
{
    fprintf(to, "crypto ikev2 profile %s\n", s->name);
    put_id(to, "match identity remote", &s->ike->local_id, true);
    put_id(to, "identity local", &s->ike->remote_id, false);
    fprintf(to, " authentication local %s\n", s->psk_here ? "pre-share" : "rsa-sig");
    fprintf(to, " authentication remote %s\n", s->psk_us ? "pre-share" : "rsa-sig");
    if (s->psk_here || s->psk_us)
        fprintf(to, " keyring local %s\n", s->name);
    if (!s->psk_here || !s->psk_us)
        fprintf(to, " pki trustpoint %s\n", s->name);
    fprintf(to, " lifetime %u\n dpd 10 2 periodic\n!\n",
            peer_lifetime(to, " !", s->ike->ike_life_us, 120));
}

static unsigned put_transform_sets(const struct peer_side *s, FILE *to)
{
    unsigned n = 0;

    for (unsigned i = 0; i < s->ike->esp.n; i++) {
        const struct ike_proposal *p = &s->ike->esp.p[i];
        const struct kc_alg *integ = peer_said(p, KC_INTEG, 0, PEER_WORD_IOS_ESP);
        const struct kc_alg *unsaid = peer_unsaid(p, PEER_WORD_IOS_ESP);
        char text[IKE_PROPOSAL_TEXT_MAX];
        if (unsaid && unsaid->type != KC_DH) {
            fprintf(to, "! left out: %s: IOS-XE has no %s\n!\n",
                    ike_proposal_text(p, text, sizeof(text)), unsaid->name);
            continue;
        }
        fprintf(to, "crypto ipsec transform-set %s-%u %s%s%s\n mode tunnel\n!\n", s->name, ++n,
                peer_word(peer_said(p, KC_ENCR, 0, PEER_WORD_IOS_ESP), PEER_WORD_IOS_ESP),
                integ ? " " : "", integ ? peer_word(integ, PEER_WORD_IOS_ESP) : "");
    }
    return n;
}

static void put_ipsec_profile(const struct peer_side *s, FILE *to, unsigned n)
{
    const struct kc_alg *unsaid;
    const char *pfs = peer_pfs(&s->ike->esp, PEER_WORD_IOS_ESP, &unsaid);

    fprintf(to, "crypto ipsec profile %s\n set transform-set", s->name);
    for (unsigned i = 1; i <= n; i++)
        fprintf(to, " %s-%u", s->name, i);
    fprintf(to, "\n set ikev2-profile %s\n", s->name);
    fprintf(to, " set security-association lifetime seconds %u\n",
            peer_lifetime(to, " !", s->ike->child_life_us, 120));
    if (s->ike->child_life_bytes)
        fprintf(to, " set security-association lifetime kilobytes %llu\n",
                (unsigned long long)(s->ike->child_life_bytes / 1000));
    if (pfs)
        fprintf(to, " set pfs %s\n", pfs);
    else if (unsaid)
        fprintf(to, " ! left out: PFS: IOS-XE has no %s\n", unsaid->name);
    fputs("!\n", to);
}

static void put_wildcard(FILE *to, const struct ike_ts *ts)
{
    char a[KD_ADDR_STR_MAX], w[KD_ADDR_STR_MAX];
    struct kd_prefix p;

    if (!peer_ts_prefix(ts, &p)) {
        fputs(" any", to);
        return;
    }
    struct kd_addr host = kd_addr_v4(p.len < 32 ? UINT32_MAX >> p.len : 0);
    fprintf(to, " %s %s", kd_addr_str(&p.addr, a), kd_addr_str(&host, w));
}

/* Selectors narrower than everything: an SA for each line of the list. */
static void put_selectors(const struct peer_side *s, FILE *to)
{
    const struct ike_child_config *k = s->ike->child;
    unsigned n = s->ike->n_children && !s->ike->ladder ? s->ike->n_children : 1;

    if (peer_takes_all(s->ike) || s->ike->child[0].local_ts.ts[0].lo.family != 4)
        return;
    fprintf(to, "ip access-list extended %s\n", s->name);
    for (unsigned c = 0; c < n; c++)
        for (unsigned i = 0; i < k[c].remote_ts.n; i++)
            for (unsigned j = 0; j < k[c].local_ts.n; j++) {
                fputs(" permit ip", to);
                put_wildcard(to, &k[c].remote_ts.ts[i]);
                put_wildcard(to, &k[c].local_ts.ts[j]);
                fputc('\n', to);
            }
    fputs("!\n", to);
}

static void put_interface(const struct peer_side *s, FILE *to)
{
    const char *ip = s->inner[0] && s->bgp->remote.family == 6 ? "ipv6" : "ip";
    bool v6 = s->ike->local.family == 6;

    fprintf(to, "interface %s\n", TUNNEL);
    if (s->inner[0] && s->bgp->remote.family == 4)
        fprintf(to, " ip address %s 255.255.255.255\n", s->inner);
    else if (s->inner[0])
        fprintf(to, " ipv6 address %s/128\n", s->inner);
    else
        fputs(" ip unnumbered Loopback0\n", to);
    fprintf(to, " %s mtu %u\n", ip, s->mtu);
    if (s->mss)
        fprintf(to, " %s tcp adjust-mss %u\n", ip, s->mss);
    if (s->bfd && !s->bfd->multihop)
        fprintf(to, " bfd interval %u min_rx %u multiplier %u\n", peer_bfd_ms(s->bfd),
                peer_bfd_ms(s->bfd), s->bfd->detect_mult);
    fprintf(to, " tunnel source %s\n tunnel mode ipsec %s\n tunnel destination %s\n", s->outer,
            v6 ? "ipv6" : "ipv4", s->us);
    if (!peer_takes_all(s->ike) && !v6)
        fprintf(to, " tunnel protection ipsec policy ipv4 %s\n", s->name);
    fprintf(to, " tunnel protection ipsec profile %s\n!\n", s->name);
}

/* Beyond an interface BFD has a template, and a map that says whom it is for. */
static void put_bfd_template(const struct peer_side *s, FILE *to)
{
    bool v6 = s->bgp->remote.family == 6;
    const char *len = v6 ? "128" : "32";

    fprintf(to, "bfd-template multi-hop %s\n interval min-tx %u min-rx %u multiplier %u\n!\n",
            s->name, peer_bfd_ms(s->bfd), peer_bfd_ms(s->bfd), s->bfd->detect_mult);
    fprintf(to, "bfd map %s %s/%s %s/%s %s\n!\n", v6 ? "ipv6" : "ipv4", s->inner_us, len, s->inner,
            len, s->name);
}

static void put_bgp(const struct peer_side *s, FILE *to)
{
    bool v6 = s->bgp->remote.family == 6;
    const char *us = s->inner_us, *family = v6 ? "ipv6" : "ipv4";

    fprintf(to, "router bgp %u\n neighbor %s remote-as %u\n", s->bgp->asn, us, s->p->config->asn);
    if (s->bgp->asn != s->p->config->asn)
        fprintf(to, " neighbor %s ebgp-multihop 255\n", us);
    fprintf(to, " neighbor %s update-source %s\n", us, TUNNEL);
    if (s->bgp->hold_s)
        fprintf(to, " neighbor %s timers %u %u\n", us, s->bgp->hold_s / 3u, s->bgp->hold_s);
    if (s->password) {
        fprintf(to, " neighbor %s password ", us);
        peer_put_password(to, s->p);
        fputc('\n', to);
    }
    if (s->bfd)
        fprintf(to, "%s neighbor %s fall-over bfd %s\n",
                s->bfd->auth.type ? " ! left out: BFD's authentication\n" : "", us,
                s->bfd->multihop ? "multi-hop" : "single-hop");
    fprintf(to, " address-family %s\n  neighbor %s activate\n", family, us);
    fprintf(to, "  neighbor %s soft-reconfiguration inbound\n exit-address-family\n!\n", us);
    if (v6)
        fprintf(to, "ipv6 route %s/128 %s\n", us, TUNNEL);
    else
        fprintf(to, "ip route %s 255.255.255.255 %s\n", us, TUNNEL);
}

void peer_ios(const struct peer_side *s, FILE *to)
{
    fprintf(to, "! IOS-XE: the peer of kedge's tunnel \"%s\"\n", s->name);
    unsigned n = put_ike_proposals(s, to);
    put_policy(s, to, n);
    put_keyring(s, to);
    put_profile(s, to);
    n = put_transform_sets(s, to);
    put_ipsec_profile(s, to, n);
    put_selectors(s, to);
    put_interface(s, to);
    if (s->bfd && s->bfd->multihop)
        put_bfd_template(s, to);
    if (s->bgp)
        put_bgp(s, to);
}
