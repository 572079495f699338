/* MRT: BGP4MP_ET (RFC 6396 4.4, 4.5), messages of a connection as they come and go. A tap may begin
 * in the middle of a stream: it waits for a marker with a plausible header behind it, and again
 * whenever that isn't where a message should begin. Not here: STATE_CHANGE. */
#include "bgp/message.h"
#include "bgp/mrt.h"

#include <stdlib.h>

enum mrt_type { MRT_BGP4MP_ET = 17 };
enum mrt_subtype {
    MRT_MESSAGE = 1,
    MRT_MESSAGE_AS4 = 4,
    MRT_MESSAGE_LOCAL = 6,
    MRT_MESSAGE_AS4_LOCAL = 7
};

#define MARKER_LEN 16
/* A message that isn't whole yet, and what one read brings behind it. */
#define HELD_MAX (2 * (size_t)BGP_EXTENDED_MAX)

/* ---- cutting ---- */

/* The length of the message that begins at p, of whose header all is there; 0: none begins here. */
static size_t message_at(const uint8_t *p)
{
    size_t len = (size_t)p[MARKER_LEN] << 8 | p[MARKER_LEN + 1];

    for (size_t i = 0; i < MARKER_LEN; i++)
        if (p[i] != 0xff)
            return 0;
    return len >= BGP_HEADER_LEN && p[MARKER_LEN + 2] >= BGP_MSG_OPEN &&
                   p[MARKER_LEN + 2] <= BGP_MSG_REFRESH
               ? len
               : 0;
}

bool bgp_mrt_feed(struct bgp_mrt_tap *t, struct kd_bytes data)
{
    uint8_t *p;

    if (data.len == 0)
        return true;
    if (t->at)
        memmove(t->p, t->p + t->at, t->len - t->at);
    t->len -= t->at;
    t->at = 0;
    if (data.len > HELD_MAX - t->len) {
        bgp_mrt_tap_done(t); /* never of a stream that kedge reads itself */
        return false;
    }
    p = realloc(t->p, t->len + data.len);
    if (!p)
        return false;
    t->p = p;
    memcpy(t->p + t->len, data.p, data.len);
    t->len += data.len;
    return true;
}

bool bgp_mrt_next(struct bgp_mrt_tap *t, struct kd_bytes *msg)
{
    for (; t->len - t->at >= BGP_HEADER_LEN; t->at++) {
        size_t len = message_at(t->p + t->at);
        if (len == 0)
            continue;
        if (len > t->len - t->at)
            return false;
        *msg = kd_bytes(t->p + t->at, len);
        t->at += len;
        return true;
    }
    return false;
}

void bgp_mrt_tap_done(struct bgp_mrt_tap *t)
{
    free(t->p);
    *t = (struct bgp_mrt_tap){0};
}

/* ---- writing ---- */

static void put_asn(struct kd_writer *w, uint32_t asn, bool as4)
{
    if (as4)
        kd_put_u32(w, asn);
    else
        kd_put_u16(w, (uint16_t)(asn > UINT16_MAX ? BGP_AS_TRANS : asn));
}

void bgp_mrt_message(struct kd_writer *w, const struct bgp_mrt_session *s, uint64_t wall_us,
                     bool sent, struct kd_bytes msg)
{
    static const enum mrt_subtype subtypes[2][2] = {{MRT_MESSAGE, MRT_MESSAGE_AS4},
                                                    {MRT_MESSAGE_LOCAL, MRT_MESSAGE_AS4_LOCAL}};
    size_t start;

    kd_put_u32(w, (uint32_t)(wall_us / 1000000));
    kd_put_u16(w, MRT_BGP4MP_ET);
    kd_put_u16(w, (uint16_t)subtypes[sent][s->as4]);
    start = kd_put_gap(w, 4);
    kd_put_u32(w, (uint32_t)(wall_us % 1000000));
    put_asn(w, s->peer_as, s->as4);
    put_asn(w, s->local_as, s->as4);
    kd_put_u16(w, 0); /* the interface's index: not told */
    kd_put_u16(w, s->peer.family == 6 ? BGP_AFI_IPV6 : BGP_AFI_IPV4);
    kd_put_bytes(w, kd_addr_bytes(&s->peer));
    kd_put_bytes(w, kd_addr_bytes(&s->local));
    kd_put_bytes(w, msg);
    kd_patch_u32(w, start, (uint32_t)(w->pos - start - 4));
}
