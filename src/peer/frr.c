/* FRR: the BGP half, as vtysh reads it. What it announces is the peer's to say. */
#include "peer/side.h"

void peer_frr(const struct peer_side *s, FILE *to)
{
    const struct bgp_peer_config *b = s->bgp;
    const char *family = b->remote.family == 6 ? "ipv6" : "ipv4";

    fprintf(to, "! FRR: the BGP peer of kedge's tunnel \"%s\"\n", s->name);
    fprintf(to, "route-map %s-in permit 10\nroute-map %s-out permit 10\n", s->name, s->name);
    fprintf(to, "router bgp %u\n bgp router-id %s\n", b->asn,
            b->remote.family == 4 ? s->inner : "PEER_ROUTER_ID");
    fprintf(to, " no bgp default ipv4-unicast\n neighbor %s remote-as %u\n", s->inner_us,
            s->p->config->asn);
    if (b->asn != s->p->config->asn)
        fprintf(to, " neighbor %s ebgp-multihop 255\n", s->inner_us);
    fprintf(to, " neighbor %s update-source %s\n", s->inner_us, s->inner);
    if (b->hold_s)
        fprintf(to, " neighbor %s timers %u %u\n", s->inner_us, b->hold_s / 3u, b->hold_s);
    fprintf(to, " neighbor %s timers connect 5\n", s->inner_us);
    if (s->password) {
        fprintf(to, " neighbor %s password ", s->inner_us);
        peer_put_password(to, s->p);
        fputc('\n', to);
    }
    if (s->bfd && s->bfd->auth.type)
        fputs(" ! left out: BFD's authentication\n", to);
    if (s->bfd)
        fprintf(to, " neighbor %s bfd %u %u %u\n", s->inner_us, s->bfd->detect_mult,
                peer_bfd_ms(s->bfd), peer_bfd_ms(s->bfd));
    if (s->bfd && !s->bfd->multihop) /* its BFD is what its session is */
        fputs(" ! FRR's BFD is multihop here: bfd: {multihop: true} in kedge.yaml\n", to);
    fprintf(to, " address-family %s unicast\n  neighbor %s activate\n", family, s->inner_us);
    fprintf(to, "  neighbor %s soft-reconfiguration inbound\n", s->inner_us);
    fprintf(to, "  neighbor %s route-map %s-in in\n  neighbor %s route-map %s-out out\n",
            s->inner_us, s->name, s->inner_us, s->name);
    fputs(" exit-address-family\nexit\n", to);
}
