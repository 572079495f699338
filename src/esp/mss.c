/* TCP MSS clamping: a SYN's option lowered, never raised, never added. RFC 9293 3.7.1; the checksum
 * is mended as RFC 1624 eq. 3 says, so it stays right or stays wrong. */
#include "esp/inner.h"
#include "esp/esp.h"

#define TCP_FLAG_SYN 0x02
#define TCP_OPT_END  0
#define TCP_OPT_NOP  1
#define TCP_OPT_MSS  2
#define TCP_MIN_LEN  20
#define TCP_CHECKSUM 16 /* its offset */

/* HC' = ~(~HC + ~m + m'). A value at an odd offset lies across two of the checksum's 16-bit words:
 * its bytes weigh as those of the swapped value (RFC 1071 2, byte order independence). */
static uint16_t mend(uint16_t checksum, uint16_t was, uint16_t is, bool odd)
{
    uint32_t sum;

    if (odd) {
        was = (uint16_t)(was << 8 | was >> 8);
        is = (uint16_t)(is << 8 | is >> 8);
    }
    sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~was + is;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Offset of the MSS value in a well-formed TCP header, 0 when there is none. */
static size_t find_mss(struct kd_bytes tcp)
{
    struct kd_reader r;

    kd_reader_init(&r, tcp);
    kd_skip(&r, TCP_MIN_LEN);
    while (kd_reader_left(&r) > 0) {
        uint8_t kind = kd_get_u8(&r), len;
        if (kind == TCP_OPT_END)
            return 0;
        if (kind == TCP_OPT_NOP)
            continue;
        len = kd_get_u8(&r);
        if (!r.ok || len < 2 || (kind == TCP_OPT_MSS && len != 4) || kd_reader_left(&r) < len - 2u)
            return 0;
        if (kind == TCP_OPT_MSS)
            return r.pos;
        kd_skip(&r, len - 2u);
    }
    return 0;
}

/* The TCP header of a SYN, options included; empty when this isn't a whole one. */
static struct kd_bytes syn_header(const uint8_t *pkt, const struct esp_inner *in)
{
    struct kd_reader r;
    size_t header;
    uint8_t flags;

    kd_reader_init(&r, kd_bytes(pkt + in->at, in->end - in->at));
    kd_skip(&r, 12);
    header = (kd_get_u8(&r) >> 4) * 4u;
    flags = kd_get_u8(&r);
    if (!r.ok || !(flags & TCP_FLAG_SYN) || header < TCP_MIN_LEN || header > in->end - in->at)
        return kd_bytes(NULL, 0);
    return kd_bytes(pkt + in->at, header);
}

static void put_u16(uint8_t *at, uint16_t v)
{
    struct kd_writer w;

    kd_writer_init(&w, at, sizeof(v));
    kd_put_u16(&w, v);
}

bool esp_mss_clamp(uint8_t *pkt, size_t len, uint16_t mss)
{
    struct esp_inner in;
    struct kd_bytes tcp;
    struct kd_reader r;
    uint16_t was, checksum;
    size_t at;

    if (!esp_inner_parse(pkt, len, &in) || in.proto != ESP_PROTO_TCP || in.later)
        return false;
    tcp = syn_header(pkt, &in);
    at = find_mss(tcp);
    if (at == 0)
        return false;
    kd_reader_init(&r, tcp);
    kd_skip(&r, TCP_CHECKSUM);
    checksum = kd_get_u16(&r);
    kd_skip(&r, at - TCP_CHECKSUM - 2);
    was = kd_get_u16(&r);
    if (was <= mss)
        return false;
    put_u16(pkt + in.at + at, mss);
    put_u16(pkt + in.at + TCP_CHECKSUM, mend(checksum, was, mss, at % 2 != 0));
    return true;
}
