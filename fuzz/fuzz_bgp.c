/* BGP messages into an engine: as a byte stream at OpenSent or Established, or message by message
 * with the framing done here, so that the bodies are reached. A second peer, of a kind the first
 * byte chooses, is told what came of it.
 *
 * Whatever happened: everything the engine wrote is well-formed by its own strict reading, and once
 * both peers are switched off no route, no watch, no FIB entry and no attribute set is left. */
#include "bgp/engine.h"
#include "bgp/update.h"
#include "tests/unit/bgp_net.c"
#include "tests/unit/bgp_node.c"
#include "tests/unit/bgp_raw.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM_OPEN, STREAM_UP, MESSAGES_UP, MESSAGES_OPEN };

#define MINE 65515

static struct bgp_open peer_open(uint32_t asn, uint32_t id, bool as4)
{
    return (struct bgp_open){.asn = asn,
                             .hold_s = 90,
                             .id = id,
                             .as4 = as4,
                             .mp_ipv4 = true,
                             .mp_ipv6 = true,
                             .mp_any = true,
                             .refresh = true};
}

static void establish(struct bgp_raw *r, uint32_t peer, const struct bgp_open *o)
{
    bgp_raw_connect(r, peer);
    bgp_raw_send_open(r, peer, o);
    bgp_raw_message(r, peer, BGP_MSG_KEEPALIVE, NULL, 0);
    kd_assert(bgp_node_state(&r->node, peer) == BGP_ESTABLISHED);
}

/* Exact copies, so that the sanitizer sees the first byte behind. */
static void send_exact(struct bgp_raw *r, struct kd_bytes b, bool framed, uint8_t type)
{
    uint8_t *p = malloc(b.len ? b.len : 1);

    kd_assert(p);
    if (b.len)
        memcpy(p, b.p, b.len);
    if (framed)
        bgp_raw_message(r, 0, 1 + type % 5, p, KD_MIN(b.len, (size_t)BGP_MESSAGE_MAX - 19));
    else
        bgp_raw_send(r, 0, p, b.len);
    free(p);
}

static void messages(struct bgp_raw *r, struct kd_reader *in)
{
    while (kd_reader_left(in) > 3 && r->conn[0].open) {
        uint8_t type = kd_get_u8(in);
        size_t len = kd_get_u16(in);
        if (type & 0x80) { /* time passes instead */
            bgp_raw_pass(r, (uint64_t)len * KD_MS(10));
            continue;
        }
        send_exact(r, kd_get_bytes(in, KD_MIN(len, kd_reader_left(in))), true, type);
    }
}

static void stream(struct bgp_raw *r, struct kd_reader *in)
{
    while (kd_reader_left(in) > 0 && r->conn[0].open) {
        size_t len = 1 + kd_get_u8(in) * 4u;
        send_exact(r, kd_get_bytes(in, KD_MIN(len, kd_reader_left(in))), false, 0);
    }
}

static void check_written(const struct bgp_raw *r, uint32_t peer,
                          const struct bgp_session_rules *rules)
{
    static uint8_t room[BGP_UPDATE_SCRATCH];
    const struct bgp_raw_conn *c = &r->conn[peer];
    struct bgp_frame f;
    struct bgp_error e;
    struct bgp_update u;
    struct kd_writer w;

    for (size_t at = 0; at < c->sent_len; at += f.len) {
        kd_assert(bgp_frame_parse(kd_bytes(c->sent + at, c->sent_len - at), BGP_EXTENDED_MAX, &f,
                                  &e) == BGP_FRAME_OK);
        if (f.type != BGP_MSG_UPDATE)
            continue;
        kd_writer_init(&w, room, sizeof(room));
        bgp_update_parse(f.body, rules, &w, &u);
        kd_assert(u.verdict == BGP_D_OK);
    }
}

static void check_empty(const struct bgp *b)
{
    for (uint32_t i = 0; i < b->n_ribs; i++)
        kd_assert(b->ribs[i]->dests.n_live == 0 && b->ribs[i]->paths.n_live == 0);
    kd_assert(b->attrs.n_live == 0 && b->nexthops.pool.n_live == 0 && b->pathsets.n_live == 0);
    kd_assert(b->conns.n_live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bgp_session_rules rules = {.peer_as = MINE};
    struct bgp_open o0, o1;
    struct kd_reader in;
    struct bgp_raw r;
    uint8_t how, mode;

    kd_reader_init(&in, kd_bytes(data, size));
    how = kd_get_u8(&in);
    mode = how & 3;
    o0 = peer_open(how & 4 ? MINE : 65020, 10, !(how & 8));
    o1 = peer_open(how & 16 ? MINE : 65021, 20, !(how & 32));
    rules.ibgp = how & 16;
    rules.as4 = !(how & 32);
    bgp_raw_init(&r, MINE, 1, how & 64);
    r.node.trace_off = true;
    bgp_raw_peer(&r, 0, bgp_test_config("192.0.2.10", o0.asn));
    bgp_raw_peer(&r, 1, bgp_test_config("192.0.2.20", o1.asn));
    establish(&r, 1, &o1);
    if (mode == STREAM_UP || mode == MESSAGES_UP)
        establish(&r, 0, &o0);
    else
        bgp_raw_connect(&r, 0);
    if (mode == STREAM_OPEN || mode == STREAM_UP)
        stream(&r, &in);
    else
        messages(&r, &in);
    check_written(&r, 1, &rules);
    for (uint32_t peer = 0; peer < 2; peer++)
        bgp_raw_event(&r, (struct bgp_event){.kind = BGP_EV_PEER_OFF, .peer = peer});
    kd_assert(r.node.fib_n == 0 && r.node.watches == 0);
    kd_assert(bgp_node_routes(&r.node, BGP_VIEW_LEARNED, UINT32_MAX, NULL, 0) == 0);
    for (uint32_t peer = 0; peer < 2; peer++)
        bgp_peer_del(r.node.b, peer);
    kd_assert(bgp_node_routes(&r.node, BGP_VIEW_BEST, UINT32_MAX, NULL, 0) == 0);
    check_empty(r.node.b);
    bgp_raw_fini(&r);
    return 0;
}
