/* A router's word that a datagram of ours was too long for the way: ICMP "fragmentation needed"
 * (RFC 792, with the MTU of RFC 1191 4) and ICMPv6 "packet too big" (RFC 4443 3.2). Anybody can
 * write one, so it is a hint and nothing else: the padded requests of IKE, which are authenticated,
 * are sent earlier than their time would be, and try that size first (pmtu.c).
 *
 * Looked at are only those about IKE and ESP between a tunnel's two outer addresses. */
#include "core/tunnel.h"

#define TOO_LONG_4     3, 4
#define TOO_LONG_6     2, 0
#define PROTO_FRAGMENT 44
#define PROTO_ESP      50
#define PROTO_UDP      17

struct complaint {
    struct kd_addr from, to; /* of the datagram that was too long */
    uint32_t mtu;            /* 0: not told (RFC 1191 5) */
};

static bool is_message(struct kd_reader *in, uint8_t type, uint8_t code)
{
    bool is = kd_get_u8(in) == type;

    is = kd_get_u8(in) == code && is;
    kd_skip(in, 2); /* the kernel has looked at the checksum */
    return is && in->ok;
}

static bool ours(const struct core *c, uint8_t protocol, struct kd_reader *payload)
{
    uint16_t port = kd_get_u16(payload);

    if (protocol == PROTO_ESP)
        return true;
    return protocol == PROTO_UDP && payload->ok &&
           (port == c->cfg.port || port == c->cfg.natt_port);
}

static struct kd_addr address(struct kd_reader *in, uint8_t family)
{
    struct kd_bytes b = kd_get_bytes(in, family == 6 ? 16 : 4);

    return b.len ? kd_addr_from(family, b.p) : (struct kd_addr){0};
}

/* Past an IPv4 header up to its addresses; false: it is none. Then payload begins after it. */
static bool header4(struct kd_reader *in, uint8_t *protocol, struct kd_addr *from,
                    struct kd_addr *to)
{
    uint8_t first = kd_get_u8(in);

    kd_skip(in, 8);
    *protocol = kd_get_u8(in);
    kd_skip(in, 2);
    *from = address(in, 4);
    *to = address(in, 4);
    kd_skip(in, (first & 15u) >= 5 ? 4 * ((first & 15u) - 5u) : 0);
    return in->ok && first >> 4 == 4 && (first & 15u) >= 5;
}

static bool read4(const struct core *c, struct kd_reader *in, struct complaint *out)
{
    struct kd_addr skipped[2];
    uint8_t protocol;

    if (!header4(in, &protocol, &skipped[0], &skipped[1]) || !is_message(in, TOO_LONG_4))
        return false;
    kd_skip(in, 2);
    out->mtu = kd_get_u16(in);
    return header4(in, &protocol, &out->from, &out->to) && ours(c, protocol, in);
}

static bool read6(const struct core *c, struct kd_reader *in, struct complaint *out)
{
    uint8_t version, protocol;

    if (!is_message(in, TOO_LONG_6))
        return false;
    out->mtu = kd_get_u32(in);
    version = kd_get_u8(in) >> 4;
    kd_skip(in, 5);
    protocol = kd_get_u8(in);
    kd_skip(in, 1);
    out->from = address(in, 6);
    out->to = address(in, 6);
    if (protocol == PROTO_FRAGMENT) {
        protocol = kd_get_u8(in);
        kd_skip(in, 7);
    }
    return in->ok && version == 6 && ours(c, protocol, in);
}

void core_icmp(struct core *c, const struct core_ev *ev)
{
    struct complaint m;
    struct kd_reader in;

    kd_reader_init(&in, ev->data);
    if (!(ev->n == 6 ? read6 : read4)(c, &in, &m))
        return;
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_pmtu *p = &c->tunnels[i].pmtu;
        if (kd_addr_eq(&p->local, &m.from) && kd_addr_eq(&p->remote, &m.to))
            core_pmtu_hint(c, &c->tunnels[i], m.mtu);
    }
}
