/* swanctl.conf. The notation of proposals, identities and selectors is strongSwan's already. */
#include "peer/side.h"

#define IF_ID 1 /* ties the SAs to an XFRM interface where the selectors take everything */

static void put_id(FILE *to, const char *indent, const struct ike_id *id)
{
    char text[IKE_ID_MAX * 4];

    if (id->type == IKE_ID_ANY)
        return;
    ike_id_str(id, text, sizeof(text));
    if (id->type == IKE_ID_KEY_ID)
        fprintf(to, "%sid = \"@#%s\"\n", indent, text + sizeof("key-id:") - 1);
    else
        fprintf(to, "%sid = \"%s\"\n", indent, text);
}

static void put_end(const struct peer_side *s, FILE *to, const char *end, bool by_key,
                    const struct ike_id *id, const char *file)
{
    fprintf(to, "    %s {\n      auth = %s\n", end, by_key ? "psk" : "pubkey");
    put_id(to, "      ", id);
    if (!by_key)
        fprintf(to, "      %s = %s-%s.pem\n", file, s->name, file);
    fputs("    }\n", to);
}

static void put_ts(FILE *to, const char *key, const struct ike_ts_list *l)
{
    char text[128];

    fprintf(to, "        %s = ", key);
    for (unsigned i = 0; i < l->n; i++) {
        ike_ts_str(&l->ts[i], text, sizeof(text));
        fprintf(to, "%s%s", i ? "," : "", text);
    }
    fputc('\n', to);
}

/* strongSwan renews at rekey_time; we do at 95 % of our lifetime, or at 98.5 % as responder: the
 * other comes first or waits, so that the two don't meet. */
static unsigned rekey_s(const struct ike_conn_config *c, uint64_t life_us)
{
    return peer_seconds(c->role == IKE_ROLE_RESPONDER ? life_us / 10 * 9 : life_us);
}

static void put_child(const struct peer_side *s, FILE *to, const struct ike_child_config *k)
{
    const struct ike_conn_config *c = s->ike;
    char text[IKE_PROPOSAL_MAX * 48];

    fprintf(to, "      %s {\n", k->name[0] ? k->name : s->name);
    put_ts(to, "local_ts", &k->remote_ts);
    put_ts(to, "remote_ts", &k->local_ts);
    fprintf(to, "        esp_proposals = %s\n", ike_proposals_text(&c->esp, text, sizeof(text)));
    fprintf(to, "        rekey_time = %us\n", rekey_s(c, c->child_life_us));
    fprintf(to, "        start_action = %s\n        dpd_action = %s\n",
            c->role == IKE_ROLE_INITIATOR ? "none" : "start",
            c->role == IKE_ROLE_INITIATOR ? "clear" : "restart");
    if (peer_takes_all(c))
        fprintf(to, "        if_id_in = %d\n        if_id_out = %d\n", IF_ID, IF_ID);
    fputs("      }\n", to);
}

/* What swanctl has no word for: the interface and the route to the neighbor. */
static void put_interface(const struct peer_side *s, FILE *to)
{
    if (!peer_takes_all(s->ike))
        return;
    fprintf(to, "# ip link add %s type xfrm if_id %d && ip link set %s mtu %u up\n", s->name, IF_ID,
            s->name, s->mtu);
    if (s->inner[0])
        fprintf(to, "# ip addr add %s dev %s && ip route add %s dev %s\n", s->inner, s->name,
                s->inner_us, s->name);
    fputs("# and charon.install_routes = no: BGP or static routes say what goes into the "
          "tunnel\n",
          to);
}

static void put_secret(const struct peer_side *s, FILE *to)
{
    if (!s->psk_here && !s->psk_us)
        return;
    fprintf(to, "secrets {\n  ike-%s {\n", s->name);
    put_id(to, "    ", &s->ike->local_id);
    fputs("    secret = \"", to);
    peer_put_psk(to, s->p, "0x");
    fputs("\"\n  }\n}\n", to);
}

void peer_strongswan(const struct peer_side *s, FILE *to)
{
    const struct ike_conn_config *c = s->ike;
    char text[IKE_PROPOSAL_MAX * 48];
    unsigned n = c->n_children && !c->ladder ? c->n_children : 1;

    fprintf(to, "# swanctl.conf: the peer of kedge's tunnel \"%s\"\n", s->name);
    put_interface(s, to);
    fprintf(to, "connections {\n  %s {\n    version = 2\n    mobike = no\n", s->name);
    if (c->remote.family)
        fprintf(to, "    local_addrs = %s\n", s->outer);
    fprintf(to, "    remote_addrs = %s\n", s->us);
    if (c->port && c->port != 500)
        fprintf(to, "    remote_port = %u\n", c->port);
    fprintf(to, "    encap = %s\n", c->encap == IKE_ENCAP_ALWAYS ? "yes" : "no");
    fprintf(to, "    proposals = %s\n", ike_proposals_text(&c->ike, text, sizeof(text)));
    fprintf(to, "    dpd_delay = 10s\n    rekey_time = %us\n", rekey_s(c, c->ike_life_us));
    put_end(s, to, "local", s->psk_here, &c->remote_id, "certs");
    put_end(s, to, "remote", s->psk_us, &c->local_id, "cacerts");
    fputs("    children {\n", to);
    for (unsigned i = 0; i < n; i++)
        put_child(s, to, &c->child[i]);
    fputs("    }\n  }\n}\n", to);
    put_secret(s, to);
}
