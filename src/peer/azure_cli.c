/* az, where the other end is a real Azure VPN gateway: its local network gateway (that is us), the
 * connection, and the custom policy where ours isn't the default one. Not the gateway itself. */
#include "peer/side.h"

#include <string.h>

static bool is_profile(const struct peer_side *s, const char *name)
{
    return strcmp(s->p->tunnel->profile, name) == 0;
}

static const char *word(const struct kc_alg *alg, enum peer_tongue tongue, const char *none)
{
    const char *w = peer_word(alg, tongue);

    return w ? w : none;
}

/* facts/azure 1.2: every field or none; for an AEAD in IKE the integrity column is the PRF, in ESP
 * it is the cipher again. */
static void put_policy(const struct peer_side *s, FILE *to)
{
    const struct ike_proposal *ike = &s->ike->ike.p[0], *esp = &s->ike->esp.p[0];
    const struct kc_alg *ie = peer_alg(ike, KC_ENCR, 0), *ii = peer_alg(ike, KC_INTEG, 0);
    const struct kc_alg *ee = peer_alg(esp, KC_ENCR, 0), *ei = peer_alg(esp, KC_INTEG, 0);
    const struct kc_alg *unsaid = peer_unsaid(ike, PEER_WORD_AZURE_IKE);
    char text[IKE_PROPOSAL_TEXT_MAX];

    if (!unsaid)
        unsaid = peer_unsaid(esp, PEER_WORD_AZURE_ESP);
    if (unsaid) {
        fprintf(to, "# %s %s can't be a policy: Azure has no %s\n",
                ike_proposal_text(ike, text, sizeof(text)), "and the ESP beside it", unsaid->name);
        return;
    }
    fprintf(to,
            "az network vpn-connection ipsec-policy add --resource-group RESOURCE_GROUP \\\n"
            "  --connection-name %s --ike-encryption %s --ike-integrity %s --dh-group %s \\\n",
            s->name, word(ie, PEER_WORD_AZURE_IKE, ""),
            word(ii ? ii : peer_alg(ike, KC_PRF, 0), PEER_WORD_AZURE_IKE, ""),
            word(peer_alg(ike, KC_DH, 0), PEER_WORD_AZURE_IKE, "None"));
    fprintf(to,
            "  --ipsec-encryption %s --ipsec-integrity %s --pfs-group %s \\\n"
            "  --sa-lifetime %u --sa-max-size %llu\n",
            word(ee, PEER_WORD_AZURE_ESP, ""), word(ei ? ei : ee, PEER_WORD_AZURE_ESP, ""),
            word(peer_alg(esp, KC_DH, 0), PEER_WORD_AZURE_ESP, "None"),
            peer_seconds(s->ike->child_life_us),
            (unsigned long long)(s->ike->child_life_bytes ? s->ike->child_life_bytes / 1000
                                                          : 102400000));
}

static void put_prefixes(const struct peer_side *s, FILE *to)
{
    const struct core_config *cfg = s->p->config;
    char text[KD_PREFIX_STR_MAX];

    if (s->bgp) {
        struct kd_prefix host = kd_prefix_host(&s->p->tunnel->inner);
        fprintf(to, "  --local-address-prefixes %s", kd_prefix_str(&host, text));
        fprintf(to, " --asn %u --bgp-peering-address %s\n", cfg->asn, s->inner_us);
        return;
    }
    fputs("  --local-address-prefixes", to);
    for (unsigned i = 0; i < s->ike->child[0].local_ts.n; i++) {
        ike_ts_str(&s->ike->child[0].local_ts.ts[i], text, sizeof(text));
        fprintf(to, " %s", text);
    }
    fputc('\n', to);
}

void peer_azure_cli(const struct peer_side *s, FILE *to)
{
    fprintf(to, "# az: the Azure end of kedge's tunnel \"%s\"\n", s->name);
    fprintf(to,
            "az network local-gateway create --resource-group RESOURCE_GROUP --name %s-kedge "
            "\\\n"
            "  --gateway-ip-address %s \\\n",
            s->name, s->us);
    put_prefixes(s, to);
    fprintf(to,
            "az network vpn-connection create --resource-group RESOURCE_GROUP --name %s \\\n"
            "  --vnet-gateway1 VNET_GATEWAY --local-gateway2 %s-kedge%s --shared-key '",
            s->name, s->name, s->bgp ? " --enable-bgp" : "");
    peer_put_psk(to, s->p, "");
    fputs("'\n", to);
    if (!is_profile(s, "azure-default") && !is_profile(s, "azure-vwan"))
        put_policy(s, to);
}
