/* The BFD control packet (RFC 5880 4.1 and the first half of 6.8.6). Not here: which session it is
 * for, whether its authentication is right (auth.c), what it does. */
#include "bfd/packet.h"

#define VERSION 1

#define FLAG_POLL       0x20
#define FLAG_FINAL      0x10
#define FLAG_CPI        0x08
#define FLAG_AUTH       0x04
#define FLAG_DEMAND     0x02
#define FLAG_MULTIPOINT 0x01

/* Auth Type and Auth Len. */
#define AUTH_HEAD_LEN 2

static void parse_auth(struct kd_reader *r, struct bfd_packet *p)
{
    p->section = kd_bytes(r->p + r->pos, kd_reader_left(r));
    p->auth_type = kd_get_u8(r);
    p->auth_len = kd_get_u8(r);
}

/* The rules of 6.8.6 in its order; then ours. */
static enum bfd_refusal judge(const struct bfd_packet *p, uint8_t version, bool multipoint,
                              size_t datagram)
{
    if (version != VERSION)
        return BFD_R_VERSION;
    if (p->length < BFD_HEADER_LEN + (p->auth ? AUTH_HEAD_LEN : 0))
        return BFD_R_LENGTH;
    if (p->length > datagram)
        return BFD_R_TRUNCATED;
    if (p->detect_mult == 0)
        return BFD_R_DETECT_MULT;
    if (multipoint)
        return BFD_R_MULTIPOINT;
    if (p->my_discr == 0)
        return BFD_R_MY_DISCR;
    if (p->poll && p->final) /* 6.5: MUST NOT have both */
        return BFD_R_POLL_FINAL;
    if (p->your_discr == 0 && p->state != BFD_DOWN && p->state != BFD_ADMIN_DOWN)
        return BFD_R_YOUR_DISCR_ZERO;
    return BFD_ACCEPTED;
}

enum bfd_refusal bfd_packet_parse(struct kd_bytes datagram, struct bfd_packet *p)
{
    enum bfd_refusal refusal;
    struct kd_reader r;
    uint8_t vers, flags;

    memset(p, 0, sizeof(*p));
    kd_reader_init(&r, datagram);
    vers = kd_get_u8(&r);
    flags = kd_get_u8(&r);
    p->diag = vers & 0x1f;
    p->state = (enum bfd_state)(flags >> 6);
    p->poll = flags & FLAG_POLL;
    p->final = flags & FLAG_FINAL;
    p->cpi = flags & FLAG_CPI;
    p->auth = flags & FLAG_AUTH;
    p->demand = flags & FLAG_DEMAND;
    p->detect_mult = kd_get_u8(&r);
    p->length = kd_get_u8(&r);
    p->my_discr = kd_get_u32(&r);
    p->your_discr = kd_get_u32(&r);
    p->tx_us = kd_get_u32(&r);
    p->rx_us = kd_get_u32(&r);
    p->echo_us = kd_get_u32(&r);
    if (!r.ok)
        return BFD_R_SHORT;
    refusal = judge(p, vers >> 5, flags & FLAG_MULTIPOINT, datagram.len);
    if (refusal != BFD_ACCEPTED)
        return refusal;
    p->whole = kd_bytes(datagram.p, p->length);
    if (!p->auth)
        return BFD_ACCEPTED;
    r.len = p->length;
    parse_auth(&r, p);
    return p->auth_len == p->section.len ? BFD_ACCEPTED : BFD_R_AUTH_LENGTH;
}

void bfd_packet_build(const struct bfd_packet *p, struct kd_writer *w)
{
    uint8_t flags = (uint8_t)(p->state << 6);

    flags |= (p->poll ? FLAG_POLL : 0) | (p->final ? FLAG_FINAL : 0) | (p->cpi ? FLAG_CPI : 0) |
             (p->auth ? FLAG_AUTH : 0) | (p->demand ? FLAG_DEMAND : 0);
    kd_put_u8(w, (uint8_t)(VERSION << 5 | (p->diag & 0x1f)));
    kd_put_u8(w, flags);
    kd_put_u8(w, p->detect_mult);
    kd_put_u8(w, p->length);
    kd_put_u32(w, p->my_discr);
    kd_put_u32(w, p->your_discr);
    kd_put_u32(w, p->tx_us);
    kd_put_u32(w, p->rx_us);
    kd_put_u32(w, p->echo_us);
}
