/* BFD packets into an engine with two sessions: one without and one with authentication, over one
 * hop or several. Packets come as they are, or with what a stranger can't guess put right
 * (discriminators, the authentication section), so that what lies behind is reached; between them
 * time passes and the operator switches and reconfigures.
 *
 * Whatever happened: everything sent is well-formed by our own strict reading and within the rules
 * for senders (the net asserts it); the session with authentication moved only for packets that
 * carried it; and an engine left alone comes to rest: no session stays Up in silence. */
#include "bfd/auth.h"
#include "tests/unit/test_bfd_net.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of an input. */
#define MULTIHOP   0x01
#define METICULOUS 0x02
#define P2P        0x04
#define ANY_PORT   0x08
#define PASSIVE    0x10

/* A command's low bits; its high bits are the command's own. */
enum { RAW, FIXED, SEALED, PASS, ADMIN, CONFIG, COMMANDS };

#define SESSION 0x08 /* which of the two */
#define YOURS   0x10 /* FIXED, SEALED: our discriminator */
#define FORM                                                                                       \
    0x20 /* FIXED, SEALED: version, length, M, P with F and Detect Mult as they must be            \
          */
#define UP       0x10 /* ADMIN */
#define SEQ_STEP 0x07 /* SEALED: of the byte that follows */

struct run {
    struct net *n;
    struct bfd_auth_config peer; /* of session 1 */
    uint32_t seq;
};

static void configure(struct run *r, uint8_t how)
{
    struct bfd_session_config *c = &r->n->config[A];

    c->multihop = how & MULTIHOP;
    c->passive = c->multihop && how & PASSIVE;
    c->point_to_point = !c->multihop && how & P2P;
    c->any_src_port = how & ANY_PORT;
    for (uint32_t i = 0; i < 2; i++) {
        net_path(c, A, i);
        c->iface = 100 + i; /* of several hops as well: the two differ by more than addresses */
        if (i == 1) {
            enum bfd_auth_type type = how & METICULOUS ? BFD_AUTH_METICULOUS_SHA1 : BFD_AUTH_SHA1;
            c->auth = net_auth(r->n, A, type, 1, "fuzz");
            r->peer = net_auth(r->n, B, type, 1, "fuzz");
        }
        kd_assert(bfd_session_set(r->n->node[A].b, i, c) == BFD_CONFIG_OK);
        net_admin(r->n, A, i, true);
    }
}

/* Exact copies, so that the sanitizer sees the first byte behind. */
static void hear(struct run *r, uint32_t session, struct kd_bytes b, uint8_t ttl, uint16_t port)
{
    uint8_t *p = malloc(b.len ? b.len : 1);
    struct bfd_event ev = net_packet_event(r->n, kd_bytes(p, b.len));
    struct bfd_session_config c = {0};

    kd_assert(p);
    if (b.len)
        memcpy(p, b.p, b.len);
    net_path(&c, A, session);
    ev.local = c.local;
    ev.remote = c.remote;
    ev.iface = 100 + session;
    ev.ttl = ttl;
    ev.src_port = port;
    net_event(r->n, A, ev);
    free(p);
}

static void put_right(struct run *r, uint8_t *raw, uint8_t command)
{
    struct bfd_session_view v = net_view(r->n, A, command & SESSION ? 1 : 0);

    if (command & YOURS)
        for (int i = 0; i < 4; i++)
            raw[8 + i] = (uint8_t)(v.local_discr >> (24 - 8 * i));
    if (!(command & FORM))
        return;
    raw[0] = (uint8_t)(0x20 | (raw[0] & 0x1f));
    raw[1] &= 0xfe & (raw[1] & 0x20 ? ~0x10 : 0xff) & ~0x04;
    raw[2] |= 1;
    raw[3] = BFD_HEADER_LEN;
    raw[7] |= 1;
}

/* A packet with what can't be guessed put right; SEALED with a right hash as well. */
static void fixed(struct run *r, struct kd_reader *in, uint8_t command)
{
    uint8_t raw[BFD_PACKET_MAX] = {0}, step = kd_get_u8(in);
    size_t len = KD_MIN(kd_reader_left(in), (size_t)BFD_HEADER_LEN);
    struct kd_writer w;

    kd_get_copy(in, raw, len);
    put_right(r, raw, command);
    if ((command & 7) == FIXED) {
        hear(r, command & SESSION ? 1 : 0, kd_bytes(raw, BFD_HEADER_LEN), 255, BFD_SRC_PORT_MIN);
        return;
    }
    raw[1] |= 0x04;
    raw[3] = BFD_PACKET_MAX;
    kd_writer_init(&w, raw, sizeof(raw));
    kd_put_gap(&w, BFD_HEADER_LEN);
    r->seq += step & SEQ_STEP;
    bfd_auth_append(r->n->node[B].crypto, &r->peer, r->seq, &w);
    hear(r, command & SESSION ? 1 : 0, kd_written(&w), 255, BFD_SRC_PORT_MIN);
}

static void raw_packet(struct run *r, struct kd_reader *in, uint8_t command)
{
    uint8_t ttl = kd_get_u8(in), len = kd_get_u8(in);
    uint16_t port = kd_get_u16(in);

    hear(r, command & SESSION ? 1 : 0, kd_get_bytes(in, KD_MIN((size_t)len, kd_reader_left(in))),
         ttl, port);
}

static void reconfigure(struct run *r, struct kd_reader *in, uint8_t command)
{
    uint32_t session = command & SESSION ? 1 : 0;
    struct bfd_session_config c = r->n->config[A];

    net_path(&c, A, session);
    c.iface = 100 + session;
    if (session == 0)
        c.auth = (struct bfd_auth_config){0};
    c.tx_us = (uint32_t)BFD_INTERVAL_MIN + kd_get_u8(in) * 10000u;
    c.rx_us = (uint32_t)BFD_INTERVAL_MIN + kd_get_u8(in) * 10000u;
    c.detect_mult = (uint8_t)(kd_get_u8(in) | 1);
    kd_assert(bfd_session_set(r->n->node[A].b, session, &c) == BFD_CONFIG_OK);
    net_event(r->n, A, (struct bfd_event){.kind = BFD_EV_CONFIG, .session = session});
}

static void obey(struct run *r, struct kd_reader *in, uint8_t command)
{
    struct bfd_session_view before = net_view(r->n, A, 1), after;

    switch (command & 7) {
    case RAW:
        raw_packet(r, in, command);
        break;
    case FIXED:
    case SEALED:
        fixed(r, in, command);
        break;
    case PASS:
        net_run(r->n, KD_MS(kd_get_u8(in)) * 10);
        break;
    case ADMIN:
        net_admin(r->n, A, command & SESSION ? 1 : 0, command & UP);
        break;
    case CONFIG:
        reconfigure(r, in, command);
        break;
    }
    after = net_view(r->n, A, 1);
    if ((command & 7) <= FIXED) /* nothing in it carries the hash */
        kd_assert(after.state == before.state && after.heard_us == before.heard_us &&
                  after.remote_discr == before.remote_discr && after.tx_us == before.tx_us &&
                  after.packets_in == before.packets_in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {.n = net_new(NET_QUIET, 1, 4)};
    struct kd_reader in;

    r.n->node[A].trace_off = true;
    kd_reader_init(&in, kd_bytes(data, size));
    configure(&r, kd_get_u8(&in));
    for (unsigned i = 0; i < 200 && kd_reader_left(&in) > 1; i++)
        obey(&r, &in, kd_get_u8(&in));
    for (uint32_t i = 0; i < 2; i++) {
        struct bfd_session_view v = net_view(r.n, A, i);
        r.n->node[A].deadline_us = KD_NEVER; /* straight to the end of the detection time */
        r.n->now_us = KD_MAX(r.n->now_us, v.heard_us + v.detect_us);
        net_event(r.n, A, (struct bfd_event){.kind = BFD_EV_WAKE});
        kd_assert(net_view(r.n, A, i).state < BFD_INIT);
        bfd_session_del(r.n->node[A].b, i);
    }
    kd_assert(kc_keys_live(r.n->node[A].crypto) == 0);
    net_free(r.n);
    return 0;
}
