/* ICMP messages of a probe. */
#include "probe/echo.h"

#include "base/checksum.h"

#include <string.h>

static const struct types {
    uint8_t request, reply, exceeded;
} types[2] = {{8, 0, 11}, {128, 129, 3}}; /* IPv4, IPv6 */

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

size_t probe_echo_put(uint8_t *buf, uint8_t family, uint16_t id, uint16_t seq,
                      struct kd_bytes payload)
{
    size_t len = PROBE_ECHO_HEAD + payload.len;

    memset(buf, 0, PROBE_ECHO_HEAD);
    buf[0] = types[family == 6].request;
    put_u16(buf + 4, id);
    put_u16(buf + 6, seq);
    memcpy(buf + PROBE_ECHO_HEAD, payload.p, payload.len);
    if (family == 4)
        put_u16(buf + 2, kd_checksum(kd_bytes(buf, len), 0));
    return len;
}

/* What stands behind an IPv4 header; nothing when that is cut short. */
static struct kd_bytes behind_ipv4(struct kd_bytes b)
{
    size_t head = b.len >= 20 ? (size_t)(b.p[0] & 15) * 4 : 0;

    return head >= 20 && b.len >= head ? kd_bytes(b.p + head, b.len - head) : kd_bytes(NULL, 0);
}

/* The request inside an error message: of IPv6 only where no extension header stands in between. */
static struct kd_bytes inner(struct kd_bytes b, uint8_t family)
{
    if (family == 4)
        return b.len >= 10 && b.p[9] == 1 ? behind_ipv4(b) : kd_bytes(NULL, 0);
    return b.len >= 40 && b.p[6] == 58 ? kd_bytes(b.p + 40, b.len - 40) : kd_bytes(NULL, 0);
}

struct probe_echo probe_echo_get(struct kd_bytes msg, uint8_t family)
{
    const struct types *t = &types[family == 6];
    struct kd_bytes m = family == 4 ? behind_ipv4(msg) : msg;
    struct probe_echo e = {.kind = PROBE_ECHO_NONE};

    if (m.len < PROBE_ECHO_HEAD)
        return e;
    if (m.p[0] == t->reply && m.p[1] == 0) {
        e.kind = PROBE_ECHO_REPLY;
        e.payload = kd_bytes(m.p + PROBE_ECHO_HEAD, m.len - PROBE_ECHO_HEAD);
    } else if (m.p[0] == t->exceeded && m.p[1] == 0) {
        m = inner(kd_bytes(m.p + PROBE_ECHO_HEAD, m.len - PROBE_ECHO_HEAD), family);
        if (m.len < PROBE_ECHO_HEAD || m.p[0] != t->request)
            return e;
        e.kind = PROBE_ECHO_EXCEEDED;
    } else {
        return e;
    }
    e.id = get_u16(m.p + 4);
    e.seq = get_u16(m.p + 6);
    return e;
}
