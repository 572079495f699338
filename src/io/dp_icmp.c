/* "Packet too big" about inner packets, as the router that a tunnel's entrance is: RFC 1191 4 (type
 * 3 code 4), RFC 4443 3.2 (type 2). Rare: the device's own MTU lets the kernel answer first.
 *
 * The source is the packet's own destination: the one address of the right family that is routed
 * through the tunnel, so a reverse path filter on the device lets it pass. */
#include "base/checksum.h"
#include "io/dp.h"

#define V4_DF        0x4000
#define V4_QUOTE     (20 + 528) /* RFC 1812 4.3.2.3: at most 576 bytes in all */
#define V6_MIN_MTU   1280
#define PROTO_ICMP   1
#define PROTO_ICMPV6 58

static uint16_t u16_at(struct kd_bytes pkt, size_t at)
{
    struct kd_reader r;

    kd_reader_init(&r, pkt);
    kd_skip(&r, at);
    return kd_get_u16(&r);
}

static void set_u16(uint8_t *at, uint16_t v)
{
    struct kd_writer w;

    kd_writer_init(&w, at, 2);
    kd_put_u16(&w, v);
}

static bool is_v4(struct kd_bytes pkt)
{
    return pkt.len >= 20 && pkt.p[0] >> 4 == 4;
}

/* IPv6 must carry 1280 bytes whatever the tunnel: those leave in outer fragments (RFC 8200 5). */
bool io_dp_icmp_needed(struct kd_bytes pkt, uint32_t mtu)
{
    if (pkt.len <= mtu || mtu == 0)
        return false;
    return is_v4(pkt) ? (u16_at(pkt, 6) & V4_DF) != 0 : pkt.len > V6_MIN_MTU;
}

/* RFC 1122 3.2.2, RFC 4443 2.4 e: never about ICMP errors, nor about what went to many. */
static bool may_answer(struct kd_bytes pkt)
{
    struct esp_flow f;
    uint8_t type;

    if (!esp_flow_of(pkt.p, pkt.len, &f))
        return false;
    type = (uint8_t)(f.sport >> 8);
    if (f.proto == PROTO_ICMP && type != 8 && type != 0 && type != 13 && type != 14)
        return false;
    if (f.proto == PROTO_ICMPV6 && type < 128)
        return false;
    if (f.dst.family == 4)
        return f.dst.b[0] < 224 && !kd_addr_is_any(&f.src) && (u16_at(pkt, 6) & 0x1fff) == 0;
    return f.dst.b[0] != 0xff && !kd_addr_is_any(&f.src);
}

static size_t build_v4(struct kd_bytes pkt, uint32_t mtu, uint8_t *out)
{
    const size_t quote = KD_MIN(pkt.len, (size_t)V4_QUOTE), len = 20 + 8 + quote;
    struct kd_writer w;

    kd_writer_init(&w, out, IO_DP_ICMP_MAX);
    kd_put_u16(&w, 0x45c0); /* precedence 6, RFC 1812 4.3.2.5 */
    kd_put_u16(&w, (uint16_t)len);
    kd_put_zero(&w, 4);
    kd_put_u8(&w, 64);
    kd_put_u8(&w, PROTO_ICMP);
    kd_put_u16(&w, 0);
    kd_put_bytes(&w, kd_bytes(pkt.p + 16, 4));
    kd_put_bytes(&w, kd_bytes(pkt.p + 12, 4));
    kd_put_u16(&w, 0x0304);
    kd_put_zero(&w, 4);
    kd_put_u16(&w, (uint16_t)mtu);
    kd_put_bytes(&w, kd_bytes(pkt.p, quote));
    kd_assert(w.ok && w.pos == len);
    set_u16(out + 10, kd_checksum(kd_bytes(out, 20), 0));
    set_u16(out + 22, kd_checksum(kd_bytes(out + 20, len - 20), 0));
    return len;
}

static size_t build_v6(struct kd_bytes pkt, uint32_t mtu, uint8_t *out)
{
    const size_t quote = KD_MIN(pkt.len, (size_t)V6_MIN_MTU - 48), len = 48 + quote;
    struct kd_writer w;

    kd_writer_init(&w, out, IO_DP_ICMP_MAX);
    kd_put_u32(&w, 0x60000000);
    kd_put_u16(&w, (uint16_t)(len - 40));
    kd_put_u8(&w, PROTO_ICMPV6);
    kd_put_u8(&w, 64);
    kd_put_bytes(&w, kd_bytes(pkt.p + 24, 16));
    kd_put_bytes(&w, kd_bytes(pkt.p + 8, 16));
    kd_put_u32(&w, 0x02000000);
    kd_put_u32(&w, KD_MAX(mtu, (uint32_t)V6_MIN_MTU));
    kd_put_bytes(&w, kd_bytes(pkt.p, quote));
    kd_assert(w.ok && w.pos == len);
    /* the pseudo header's addresses lie right before the message: one run of bytes */
    set_u16(out + 42, kd_checksum(kd_bytes(out + 8, len - 8), (uint32_t)(len - 40) + PROTO_ICMPV6));
    return len;
}

size_t io_dp_icmp_too_big(struct kd_bytes pkt, uint32_t mtu, uint8_t *out)
{
    if (!may_answer(pkt))
        return 0;
    return is_v4(pkt) ? build_v4(pkt, mtu, out) : build_v6(pkt, mtu, out);
}
