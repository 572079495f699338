/* The reflector and its datagrams: magic, direction, session, number, count; padded to one size, so
 * that an answer is no amplification. What it counts is anybody's to disturb who can send with the
 * sender's address and session number; it decides nothing here. */
#include "probe/probe.h"

#include "base/wire.h"

#include <string.h>

static const uint8_t magic[7] = {'k', 'e', 'd', 'g', 'e', 'p', 'r'};

void probe_packet_put(uint8_t buf[PROBE_UDP_LEN], const struct probe_packet *p)
{
    struct kd_writer w;

    memset(buf, 0, PROBE_UDP_LEN);
    kd_writer_init(&w, buf, PROBE_UDP_LEN);
    kd_put_bytes(&w, kd_bytes(magic, sizeof(magic)));
    kd_put_u8(&w, p->answer);
    kd_put_u64(&w, p->session);
    kd_put_u64(&w, p->seq);
    kd_put_u64(&w, p->count);
}

bool probe_packet_get(struct kd_bytes b, struct probe_packet *out)
{
    struct kd_reader r;
    struct kd_bytes head;
    uint8_t kind;

    kd_reader_init(&r, b);
    head = kd_get_bytes(&r, sizeof(magic));
    kind = kd_get_u8(&r);
    out->answer = kind == 1;
    out->session = kd_get_u64(&r);
    out->seq = kd_get_u64(&r);
    out->count = kd_get_u64(&r);
    return r.ok && b.len == PROBE_UDP_LEN && kind <= 1 && memcmp(head.p, magic, sizeof(magic)) == 0;
}

/* The sender's, or the one heard longest ago, made his. */
static struct probe_session *session(struct probe_reflector *r, const struct kd_endpoint *from,
                                     uint64_t id)
{
    struct probe_session *oldest = &r->s[0];

    for (unsigned i = 0; i < PROBE_SESSIONS_MAX; i++) {
        struct probe_session *s = &r->s[i];
        if (s->session == id && kd_endpoint_eq(&s->from, from))
            return s;
        oldest = s->heard_us < oldest->heard_us ? s : oldest;
    }
    *oldest = (struct probe_session){.from = *from, .session = id};
    return oldest;
}

bool probe_reflect(struct probe_reflector *r, const struct kd_endpoint *from, uint64_t now_us,
                   uint8_t *buf, size_t len)
{
    struct probe_packet p;
    struct probe_session *s;

    if (!probe_packet_get(kd_bytes(buf, len), &p) || p.answer)
        return false;
    s = session(r, from, p.session);
    s->heard_us = now_us;
    p.answer = true;
    p.count = ++s->received;
    probe_packet_put(buf, &p);
    return true;
}
