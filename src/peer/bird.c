/* BIRD 2: the BGP half, for inclusion in bird.conf. */
#include "peer/side.h"

/* Protocol names have letters, digits and _. */
static void put_name(FILE *to, const char *name)
{
    for (; *name; name++)
        fputc(*name == '-' ? '_' : *name, to);
}

/* Beside a multihop session BFD is multihop, too. */
static void put_bfd(const struct core_bfd_config *b, FILE *to)
{
    if (!b->multihop)
        fputs("  # BIRD's BFD is multihop here: bfd: {multihop: true} in kedge.yaml\n", to);
    if (b->auth.type)
        fputs("  # left out: BFD's authentication\n", to);
    if (!b->any_src_port)
        fputs("  # from ports below 49152: bfd: {any-source-port: true} in kedge.yaml\n", to);
    fprintf(to, "  bfd { interval %u ms; multiplier %u; };\n", peer_bfd_ms(b), b->detect_mult);
}

void peer_bird(const struct peer_side *s, FILE *to)
{
    const struct bgp_peer_config *b = s->bgp;

    fprintf(to, "# BIRD: the BGP peer of kedge's tunnel \"%s\"\n", s->name);
    if (b->remote.family == 4)
        fprintf(to, "router id %s;\n", s->inner);
    else
        fputs("# router id: an IPv4 address of yours\n", to);
    fprintf(to, "protocol device {}\n%sprotocol bgp ", s->bfd ? "protocol bfd {}\n" : "");
    put_name(to, s->name);
    fprintf(to, " {\n  local %s as %u;\n  neighbor %s as %u;\n", s->inner, b->asn, s->inner_us,
            s->p->config->asn);
    fputs("  multihop;\n", to);
    if (b->hold_s)
        fprintf(to, "  hold time %u;\n", b->hold_s);
    if (s->password) {
        fputs("  password \"", to);
        peer_put_password(to, s->p);
        fputs("\";\n", to);
    }
    if (s->bfd)
        put_bfd(s->bfd, to);
    fprintf(to, "  connect retry time 5;\n  %s {\n    import all;\n    export all;\n  };\n}\n",
            b->remote.family == 6 ? "ipv6" : "ipv4");
}
