/* Inner packets: build and parse. RFC 791, 8200, 9293, 792, 4443; no options, no fragments. */
#include "sim/packet.h"

size_t sim_pkt_build(const struct sim_pkt *p, uint8_t *buf, size_t cap)
{
    struct kd_writer w;

    if (p->src.family != p->dst.family || p->src.family == 0)
        return 0;
    kd_writer_init(&w, buf, cap);
    if (p->src.family == 4) {
        kd_put_u16(&w, 0x4500);
        kd_put_u16(&w, (uint16_t)(20 + p->payload.len));
        kd_put_u32(&w, 0x00004000); /* id 0, DF */
        kd_put_u8(&w, p->ttl);
        kd_put_u8(&w, p->proto);
        kd_put_u16(&w, 0);
    } else {
        kd_put_u32(&w, 0x60000000);
        kd_put_u16(&w, (uint16_t)p->payload.len);
        kd_put_u8(&w, p->proto);
        kd_put_u8(&w, p->ttl);
    }
    kd_put_bytes(&w, kd_addr_bytes(&p->src));
    kd_put_bytes(&w, kd_addr_bytes(&p->dst));
    kd_put_bytes(&w, p->payload);
    return w.ok ? w.pos : 0;
}

static struct kd_addr get_addr(struct kd_reader *r, uint8_t family)
{
    uint8_t b[16] = {0};

    kd_get_copy(r, b, family == 4 ? 4 : 16);
    return kd_addr_from(family, b);
}

bool sim_pkt_parse(struct kd_bytes raw, struct sim_pkt *p)
{
    struct kd_reader r;
    uint8_t family = raw.len ? raw.p[0] >> 4 : 0;
    size_t len;

    if (family != 4 && family != 6)
        return false;
    kd_reader_init(&r, raw);
    kd_skip(&r, family == 4 ? 2 : 4);
    len = kd_get_u16(&r);
    if (family == 4) {
        kd_skip(&r, 4);
        p->ttl = kd_get_u8(&r);
        p->proto = kd_get_u8(&r);
        kd_skip(&r, 2);
        len -= 20;
    } else {
        p->proto = kd_get_u8(&r);
        p->ttl = kd_get_u8(&r);
    }
    p->src = get_addr(&r, family);
    p->dst = get_addr(&r, family);
    p->payload = kd_get_bytes(&r, len);
    return r.ok;
}

bool sim_pkt_hop(uint8_t *raw, size_t len)
{
    size_t at = len && raw[0] >> 4 == 4 ? 8 : 7;

    if (len <= at || raw[at] <= 1)
        return false;
    raw[at]--;
    return true;
}

size_t sim_seg_build(const struct sim_seg *s, uint8_t *buf, size_t cap)
{
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_u16(&w, s->sport);
    kd_put_u16(&w, s->dport);
    kd_put_u32(&w, s->seq);
    kd_put_u32(&w, s->ack);
    kd_put_u8(&w, 5 << 4);
    kd_put_u8(&w, s->flags);
    kd_put_u16(&w, UINT16_MAX);
    kd_put_u32(&w, 0); /* checksum, urgent */
    kd_put_bytes(&w, s->data);
    return w.ok ? w.pos : 0;
}

bool sim_seg_parse(const struct sim_pkt *p, struct sim_seg *s)
{
    struct kd_reader r;

    if (p->proto != SIM_PROTO_TCP)
        return false;
    kd_reader_init(&r, p->payload);
    s->sport = kd_get_u16(&r);
    s->dport = kd_get_u16(&r);
    s->seq = kd_get_u32(&r);
    s->ack = kd_get_u32(&r);
    kd_skip(&r, 1);
    s->flags = kd_get_u8(&r);
    kd_skip(&r, 6);
    s->data = kd_get_rest(&r);
    return r.ok;
}

size_t sim_udp_build(uint16_t sport, uint16_t dport, struct kd_bytes data, uint8_t *buf, size_t cap)
{
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_u16(&w, sport);
    kd_put_u16(&w, dport);
    kd_put_u16(&w, (uint16_t)(8 + data.len));
    kd_put_u16(&w, 0); /* checksum */
    kd_put_bytes(&w, data);
    return w.ok ? w.pos : 0;
}

bool sim_udp_parse(const struct sim_pkt *p, uint16_t *sport, uint16_t *dport, struct kd_bytes *data)
{
    struct kd_reader r;

    if (p->proto != SIM_PROTO_UDP)
        return false;
    kd_reader_init(&r, p->payload);
    *sport = kd_get_u16(&r);
    *dport = kd_get_u16(&r);
    kd_skip(&r, 4);
    *data = kd_get_rest(&r);
    return r.ok;
}

size_t sim_echo_build(uint8_t family, bool reply, uint16_t id, uint16_t seq, uint8_t *buf,
                      size_t cap)
{
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    kd_put_u8(&w, family == 4 ? (reply ? 0 : 8) : (reply ? 129 : 128));
    kd_put_u8(&w, 0);
    kd_put_u16(&w, 0);
    kd_put_u16(&w, id);
    kd_put_u16(&w, seq);
    return w.ok ? w.pos : 0;
}

bool sim_echo_parse(const struct sim_pkt *p, bool *reply, uint16_t *id, uint16_t *seq)
{
    struct kd_reader r;
    uint8_t type, want;

    if (p->proto != (p->src.family == 4 ? SIM_PROTO_ICMP : SIM_PROTO_ICMPV6))
        return false;
    kd_reader_init(&r, p->payload);
    type = kd_get_u8(&r);
    kd_skip(&r, 3);
    *id = kd_get_u16(&r);
    *seq = kd_get_u16(&r);
    want = p->src.family == 4 ? 0 : 129;
    *reply = type == want;
    return r.ok && (*reply || type == (p->src.family == 4 ? 8 : 128));
}
