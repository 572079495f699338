/* BIRD 2: the BGP half, for inclusion in bird.conf. */
#include "peer/side.h"

/* Protocol names have letters, digits and _. */
static void put_name(FILE *to, const char *name)
{
    for (; *name; name++)
        fputc(*name == '-' ? '_' : *name, to);
}

void peer_bird(const struct peer_side *s, FILE *to)
{
    const struct bgp_peer_config *b = s->bgp;

    fprintf(to, "# BIRD: the BGP peer of kedge's tunnel \"%s\"\n", s->name);
    if (b->remote.family == 4)
        fprintf(to, "router id %s;\n", s->inner);
    else
        fputs("# router id: an IPv4 address of yours\n", to);
    fputs("protocol device {}\nprotocol bgp ", to);
    put_name(to, s->name);
    fprintf(to, " {\n  local %s as %u;\n  neighbor %s as %u;\n", s->inner, b->asn, s->inner_us,
            s->p->config->asn);
    fputs("  multihop;\n", to);
    if (b->hold_s)
        fprintf(to, "  hold time %u;\n", b->hold_s);
    fprintf(to, "  connect retry time 5;\n  %s {\n    import all;\n    export all;\n  };\n}\n",
            b->remote.family == 6 ? "ipv6" : "ipv4");
}
