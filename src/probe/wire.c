/* Numbered packets. Of an echo, 16 bits of the number are its sequence number, too; the payload has
 * the session, so that another program's echo with our identifier is no answer. */
#include "probe/wire.h"

#include "probe/echo.h"

#include <string.h>

#define PAYLOAD 16 /* the session and the number: our own byte order, for nobody else */

size_t probe_wire_put(const struct probe_wire *w, uint64_t seq, uint8_t buf[PROBE_WIRE_MAX])
{
    uint8_t payload[PAYLOAD];

    if (w->udp) {
        probe_packet_put(buf, &(struct probe_packet){.session = w->session, .seq = seq});
        return PROBE_UDP_LEN;
    }
    memcpy(payload, &w->session, 8);
    memcpy(payload + 8, &seq, 8);
    return probe_echo_put(buf, w->family, w->id, (uint16_t)seq, kd_bytes(payload, PAYLOAD));
}

static bool get_udp(const struct probe_wire *w, struct kd_bytes msg, uint64_t *seq, uint64_t *count)
{
    struct probe_packet a;

    if (!probe_packet_get(msg, &a) || !a.answer || a.session != w->session)
        return false;
    *seq = a.seq;
    *count = a.count;
    return true;
}

bool probe_wire_get(const struct probe_wire *w, struct kd_bytes msg, uint64_t *seq, uint64_t *count)
{
    struct probe_echo e;

    if (w->udp)
        return get_udp(w, msg, seq, count);
    e = probe_echo_get(msg, w->family);
    if (e.kind != PROBE_ECHO_REPLY || e.id != w->id || e.payload.len != PAYLOAD ||
        memcmp(e.payload.p, &w->session, 8) != 0)
        return false;
    memcpy(seq, e.payload.p + 8, 8);
    *count = 0;
    return (uint16_t)*seq == e.seq;
}
