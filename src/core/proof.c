/* The packet of the two-way proof: an ICMP or ICMPv6 echo request from our inner address to the
 * neighbor's. Its answer, any answer, is an inbound packet on the pair (DESIGN 3.5).
 * RFC 792, RFC 4443 4.1. */
#include "base/checksum.h"
#include "core/internal.h"

static size_t echo(struct kd_writer *w, uint8_t type, uint16_t id, uint16_t seq)
{
    size_t at = w->pos;

    kd_put_u8(w, type);
    kd_put_u8(w, 0);
    kd_put_u16(w, 0); /* checksum */
    kd_put_u16(w, id);
    kd_put_u16(w, seq);
    kd_put_bytes(w, kd_bytes_str("kedge two-way proof"));
    kd_put_u8(w, 0); /* an even length keeps the sums simple */
    return at;
}

static void put_v4(struct kd_writer *w, const struct kd_addr *src, const struct kd_addr *dst,
                   uint16_t id, uint16_t seq)
{
    size_t icmp;

    kd_put_u16(w, 0x4500);
    kd_put_u16(w, 0);          /* length */
    kd_put_u32(w, 0x00004000); /* id 0, DF */
    kd_put_u16(w, 64 << 8 | 1);
    kd_put_u16(w, 0); /* checksum */
    kd_put_bytes(w, kd_addr_bytes(src));
    kd_put_bytes(w, kd_addr_bytes(dst));
    icmp = echo(w, 8, id, seq);
    kd_patch_u16(w, 2, (uint16_t)w->pos);
    if (!w->ok)
        return;
    kd_patch_u16(w, 10, kd_checksum(kd_bytes(w->p, 20), 0));
    kd_patch_u16(w, icmp + 2, kd_checksum(kd_bytes(w->p + icmp, w->pos - icmp), 0));
}

static void put_v6(struct kd_writer *w, const struct kd_addr *src, const struct kd_addr *dst,
                   uint16_t id, uint16_t seq)
{
    size_t icmp;

    kd_put_u32(w, 0x60000000);
    kd_put_u16(w, 0); /* payload length */
    kd_put_u16(w, 58 << 8 | 64);
    kd_put_bytes(w, kd_addr_bytes(src));
    kd_put_bytes(w, kd_addr_bytes(dst));
    icmp = echo(w, 128, id, seq);
    kd_patch_u16(w, 4, (uint16_t)(w->pos - icmp));
    if (!w->ok)
        return;
    kd_patch_u16(w, icmp + 2,
                 kd_checksum(kd_bytes(w->p + 8, w->pos - 8), (uint32_t)(w->pos - icmp) + 58));
}

size_t core_proof_packet(const struct kd_addr *src, const struct kd_addr *dst, uint16_t id,
                         uint16_t seq, uint8_t *buf, size_t cap)
{
    struct kd_writer w;

    if (src->family != dst->family || src->family == 0)
        return 0;
    kd_writer_init(&w, buf, cap);
    (src->family == 4 ? put_v4 : put_v6)(&w, src, dst, id, seq);
    return w.ok ? w.pos : 0;
}
