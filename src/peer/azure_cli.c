/* az, where the other end is a real Azure VPN gateway: its local network gateway (that is us), the
 * connection, and the custom policy where ours isn't the default one; of a Virtual WAN's hub the
 * site (us) and the connection. Not the gateway itself. */
#include "peer/side.h"

#include <string.h>

static bool is_profile(const struct peer_side *s, const char *name)
{
    return strcmp(s->p->tunnel->profile, name) == 0;
}

/* The first that Azure can say; NULL: none, and *unsaid is what the first of all lacks there. */
static const struct ike_proposal *first(const struct ike_proposals *l, enum peer_tongue tongue,
                                        const struct kc_alg **unsaid)
{
    for (unsigned i = 0; i < l->n; i++)
        if (!peer_unsaid(&l->p[i], tongue))
            return &l->p[i];
    *unsaid = peer_unsaid(&l->p[0], tongue);
    return NULL;
}

static const char *said(const struct ike_proposal *p, enum kc_transform_type type,
                        enum peer_tongue tongue)
{
    return peer_word(peer_said(p, type, 0, tongue), tongue);
}

static const char * or (const char *word, const char *none)
{
    return word ? word : none;
}

/* facts/azure 1.2: every field or none; for an AEAD in IKE the integrity column is the PRF, in ESP
 * it is the cipher again. */
static void put_values(const struct peer_side *s, FILE *to, const struct ike_proposal *ike,
                       const struct ike_proposal *esp)
{
    const char *cipher = said(esp, KC_ENCR, PEER_WORD_AZURE_ESP);

    fprintf(to,
            "az network vpn-connection ipsec-policy add --resource-group RESOURCE_GROUP \\\n"
            "  --connection-name %s --ike-encryption %s --ike-integrity %s --dh-group %s \\\n",
            s->name, said(ike, KC_ENCR, PEER_WORD_AZURE_IKE),
            or (said(ike, KC_INTEG, PEER_WORD_AZURE_IKE), said(ike, KC_PRF, PEER_WORD_AZURE_IKE)),
            or (said(ike, KC_DH, PEER_WORD_AZURE_IKE), "None"));
    fprintf(to,
            "  --ipsec-encryption %s --ipsec-integrity %s --pfs-group %s \\\n"
            "  --sa-lifetime %u --sa-max-size %llu\n",
            cipher, or (said(esp, KC_INTEG, PEER_WORD_AZURE_ESP), cipher),
            or (said(esp, KC_DH, PEER_WORD_AZURE_ESP), "None"), peer_seconds(s->ike->child_life_us),
            (unsigned long long)(s->ike->child_life_bytes ? s->ike->child_life_bytes / 1000
                                                          : 102400000));
}

static void put_policy(const struct peer_side *s, FILE *to)
{
    const struct kc_alg *unsaid = NULL;
    const struct ike_proposal *esp = first(&s->ike->esp, PEER_WORD_AZURE_ESP, &unsaid),
                              *ike = first(&s->ike->ike, PEER_WORD_AZURE_IKE, &unsaid);
    char text[IKE_PROPOSAL_TEXT_MAX];

    if (ike && esp)
        put_values(s, to, ike, esp);
    else
        fprintf(to, "# %s can't be a policy: Azure has no %s\n",
                ike_proposal_text(ike ? &s->ike->esp.p[0] : &s->ike->ike.p[0], text, sizeof(text)),
                unsaid->name);
}

static void put_prefixes(const struct peer_side *s, FILE *to, const char *local)
{
    const struct core_config *cfg = s->p->config;
    char text[KD_PREFIX_STR_MAX];

    if (s->bgp) {
        struct kd_prefix host = kd_prefix_host(&s->p->tunnel->inner);
        fprintf(to, "  --%saddress-prefixes %s", local, kd_prefix_str(&host, text));
        fprintf(to, " --asn %u --bgp-peering-address %s\n", cfg->asn, s->inner_us);
        return;
    }
    fprintf(to, "  --%saddress-prefixes", local);
    for (unsigned i = 0; i < s->ike->child[0].local_ts.n; i++) {
        ike_ts_str(&s->ike->child[0].local_ts.ts[i], text, sizeof(text));
        fprintf(to, " %s", text);
    }
    fputc('\n', to);
}

static void put_key(const struct peer_side *s, FILE *to)
{
    fputs(" --shared-key '", to);
    peer_put_psk(to, s->p, "");
    fputs("'\n", to);
}

/* A VPN gateway of a virtual network. */
static void put_vnet_gateway(const struct peer_side *s, FILE *to)
{
    fprintf(to,
            "az network local-gateway create --resource-group RESOURCE_GROUP --name %s-kedge "
            "\\\n"
            "  --gateway-ip-address %s \\\n",
            s->name, s->us);
    put_prefixes(s, to, "local-");
    fprintf(to,
            "az network vpn-connection create --resource-group RESOURCE_GROUP --name %s \\\n"
            "  --vnet-gateway1 VNET_GATEWAY --local-gateway2 %s-kedge%s",
            s->name, s->name, s->bgp ? " --enable-bgp" : "");
    put_key(s, to);
    if (!is_profile(s, "azure-default"))
        put_policy(s, to);
}

/* One of a Virtual WAN's hub: its default policies are the profile's. */
static void put_virtual_wan(const struct peer_side *s, FILE *to)
{
    fprintf(to,
            "az network vpn-site create --resource-group RESOURCE_GROUP --name %s-kedge \\\n"
            "  --virtual-wan VIRTUAL_WAN --ip-address %s \\\n",
            s->name, s->us);
    put_prefixes(s, to, "");
    fprintf(to,
            "az network vpn-gateway connection create --resource-group RESOURCE_GROUP --name %s "
            "\\\n"
            "  --gateway-name VPN_GATEWAY --remote-vpn-site %s-kedge --protocol-type IKEv2%s \\\n ",
            s->name, s->name, s->bgp ? " --enable-bgp true" : "");
    put_key(s, to);
}

void peer_azure_cli(const struct peer_side *s, FILE *to)
{
    fprintf(to, "# az: the Azure end of kedge's tunnel \"%s\"\n", s->name);
    if (is_profile(s, "azure-vwan"))
        put_virtual_wan(s, to);
    else
        put_vnet_gateway(s, to);
}
