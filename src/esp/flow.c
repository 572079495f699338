/* Who talks to whom inside: addresses, protocol and ports, for selector checks (RFC 4301 4.4.1.1).
 *
 * AH, ESP, mobility and whatever else is unknown count as the next layer and have no ports. */
#include "esp/inner.h"
#include "esp/sa.h"

static bool parse_v4(struct kd_reader *r, struct esp_inner *in)
{
    uint32_t header = (kd_get_u8(r) & 15u) * 4, fragment;
    uint8_t addr[4];

    kd_skip(r, 5); /* TOS, total length, identification */
    fragment = kd_get_u16(r);
    kd_skip(r, 1);
    in->proto = kd_get_u8(r);
    kd_skip(r, 2);
    kd_get_copy(r, addr, sizeof(addr));
    in->src = kd_addr_from(4, addr);
    kd_get_copy(r, addr, sizeof(addr));
    in->dst = kd_addr_from(4, addr);
    kd_skip(r, header - 20); /* options; esp_inner_len() saw that header is at least 20 */
    in->later = (fragment & 0x1fff) != 0;
    return r->ok;
}

/* One extension header of the kind in->proto; false when that isn't one that can be passed over. */
static bool skip_extension(struct kd_reader *r, struct esp_inner *in)
{
    uint8_t next;

    switch (in->proto) {
    case 0:  /* hop-by-hop */
    case 43: /* routing */
    case 60: /* destination options */
        next = kd_get_u8(r);
        kd_skip(r, 6u + kd_get_u8(r) * 8u);
        break;
    case 44: /* fragment */
        next = kd_get_u8(r);
        kd_skip(r, 1);
        in->later = (kd_get_u16(r) & 0xfff8) != 0;
        kd_skip(r, 4);
        break;
    default:
        return false;
    }
    in->proto = next;
    return !in->later;
}

static bool parse_v6(struct kd_reader *r, struct esp_inner *in)
{
    uint8_t addr[16];
    int n = 0;

    kd_skip(r, 6);
    in->proto = kd_get_u8(r);
    kd_skip(r, 1);
    kd_get_copy(r, addr, sizeof(addr));
    in->src = kd_addr_from(6, addr);
    kd_get_copy(r, addr, sizeof(addr));
    in->dst = kd_addr_from(6, addr);
    while (r->ok && skip_extension(r, in)) {
        if (++n > ESP_INNER_EXT_MAX)
            return false;
    }
    return r->ok;
}

bool esp_inner_parse(const uint8_t *pkt, size_t len, struct esp_inner *in)
{
    struct kd_reader r;
    uint8_t next_header = 0;

    *in = (struct esp_inner){.end = esp_inner_len(pkt, len, &next_header)};
    if (in->end == 0)
        return false;
    kd_reader_init(&r, kd_bytes(pkt, in->end));
    if (!(next_header == ESP_NH_IPV4 ? parse_v4(&r, in) : parse_v6(&r, in)))
        return false;
    in->at = (uint32_t)r.pos;
    return true;
}

/* RFC 7296 3.13.1: ICMP's type and code stand where ports do, type first, at both ends. */
static void get_ports(struct kd_reader *r, struct esp_flow *f)
{
    switch (f->proto) {
    case ESP_PROTO_TCP:
    case ESP_PROTO_UDP:
    case ESP_PROTO_UDPLITE:
    case ESP_PROTO_SCTP:
    case ESP_PROTO_DCCP:
        f->sport = kd_get_u16(r);
        f->dport = kd_get_u16(r);
        break;
    case ESP_PROTO_ICMP:
    case ESP_PROTO_ICMPV6:
        f->sport = f->dport = kd_get_u16(r);
        break;
    default:
        break;
    }
}

bool esp_flow_of(const uint8_t *pkt, size_t len, struct esp_flow *f)
{
    struct esp_inner in;
    struct kd_reader r;

    if (!esp_inner_parse(pkt, len, &in))
        return false;
    *f = (struct esp_flow){.src = in.src, .dst = in.dst, .proto = in.proto};
    if (in.later)
        return true;
    kd_reader_init(&r, kd_bytes(pkt + in.at, in.end - in.at));
    get_ports(&r, f);
    return r.ok;
}
