/* ICMP's complaints that a datagram was too long (core/icmp.c), into a core with two tunnels that
 * are up, one over IPv4 and one over IPv6, and measure their paths. Messages come as they are, or
 * with a tunnel's outer addresses put somewhere into them, so that what lies behind them is
 * reached; between them time passes and a measurement begins or ends.
 *
 * Whatever happened: nothing leaves and no tunnel changes; what moves a measurement of a tunnel
 * holds its outer addresses, ours before the peer's, and names less than is wanted; and outside a
 * running measurement it does so once in ten seconds at most. */
#include "core/tunnel.h"
#include "ike/sa.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TUNNELS 2
#define NEED    1500
#define GAP_US  KD_S(10)

/* A command's low bits; its high bits are the command's own. */
enum { RAW, ADDRESSED, PASS, RUN, COMMANDS };

#define SIX   0x04 /* RAW, ADDRESSED: what an ICMPv6 socket brings */
#define OTHER 0x08 /* ADDRESSED, RUN: the tunnel over IPv6 */
#define ON    0x10 /* RUN */

struct run {
    struct core *core;
    struct ike_conn *conn[TUNNELS];
    uint64_t now_us;
    uint64_t started_us[TUNNELS]; /* 0: not yet */
};

static struct core_out out;

static struct core *make(struct kc_ctx *crypto)
{
    static struct core_tunnel_config tunnel[TUNNELS];
    static const struct core_config cfg = {
        .asn = 65501, .port = 500, .natt_port = 4500, .tunnels = tunnel, .n_tunnels = TUNNELS};
    const struct core_params params = {.crypto = crypto};
    struct core *c;

    for (int i = 0; i < TUNNELS; i++)
        tunnel[i].mtu_probe_us = KD_S(3600);
    c = core_new(&params, &cfg);
    kd_assert(c);
    return c;
}

/* One core for all inputs, for making one takes longer than an input: as new but for the time. */
static void begin(struct run *r)
{
    static const uint8_t ends[TUNNELS][2][16] = {
        {{198, 51, 100, 20}, {203, 0, 113, 10}},
        {{0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb8, [15] = 2}},
    };
    static struct core *c;

    if (!c)
        c = make(kc_ctx_new(KC_PROVIDER_SIM, 16));
    *r = (struct run){.core = c, .now_us = c->now_us + GAP_US};
    for (uint32_t i = 0; i < TUNNELS; i++) {
        c->tunnels[i].state = CORE_T_UP;
        c->tunnels[i].pmtu = (struct core_pmtu){.at_us = KD_NEVER,
                                                .need = NEED,
                                                .local = kd_addr_from(i ? 6 : 4, ends[i][0]),
                                                .remote = kd_addr_from(i ? 6 : 4, ends[i][1])};
        r->conn[i] = ike_conn_find(c->ike, i);
        memset(&r->conn[i]->mtu, 0, sizeof(r->conn[i]->mtu));
    }
}

/* ---- what must hold ---- */

static bool holds_ends(struct kd_bytes b, const struct core_pmtu *p)
{
    const size_t n = p->local.family == 6 ? 16 : 4;

    for (size_t i = 0; i + 2 * n <= b.len; i++)
        if (memcmp(b.p + i, p->local.b, n) == 0 && memcmp(b.p + i + n, p->remote.b, n) == 0)
            return true;
    return false;
}

static void check(struct run *r, int i, const struct ike_mtu *was, uint64_t hinted_us,
                  struct kd_bytes b)
{
    const struct core_tunnel *t = &r->core->tunnels[i];
    const struct ike_mtu *is = &r->conn[i]->mtu;
    const bool begun = t->pmtu.hinted_us != hinted_us;

    kd_assert(t->state == CORE_T_UP && t->pmtu.need == NEED && !t->carrying && !t->reachable);
    kd_assert(is->v.passes == was->v.passes);
    kd_assert(is->v.state == (begun ? IKE_MTU_RUNNING : was->v.state));
    if (!begun && is->hint == was->hint)
        return;
    kd_assert(holds_ends(b, &t->pmtu) && is->hint < NEED);
    if (!begun)
        return;
    kd_assert(was->v.state != IKE_MTU_RUNNING);
    kd_assert(!r->started_us[i] || r->now_us - r->started_us[i] >= GAP_US);
    r->started_us[i] = r->now_us;
}

/* ---- commands ---- */

static void hear(struct run *r, uint8_t family, struct kd_bytes b)
{
    struct core_ev ev = {.kind = CORE_EV_ICMP, .now_us = r->now_us, .n = family, .data = b};
    struct ike_mtu was[TUNNELS];
    uint64_t hinted_us[TUNNELS];

    for (int i = 0; i < TUNNELS; i++) {
        was[i] = r->conn[i]->mtu;
        hinted_us[i] = r->core->tunnels[i].pmtu.hinted_us;
    }
    core_step(r->core, &ev, &out);
    kd_assert(out.n == 0 && !r->core->work_head);
    for (int i = 0; i < TUNNELS; i++)
        check(r, i, &was[i], hinted_us[i], b);
}

/* Exact copies, so that the sanitizer sees the first byte behind. */
static void message(struct run *r, struct kd_reader *in, uint8_t command)
{
    const struct core_pmtu *p = &r->core->tunnels[command & OTHER ? 1 : 0].pmtu;
    const size_t n = p->local.family == 6 ? 16 : 4;
    size_t at = (command & 3) == ADDRESSED ? kd_get_u8(in) : SIZE_MAX / 2;
    size_t len = kd_get_u8(in);
    struct kd_bytes b = kd_get_bytes(in, KD_MIN(len, kd_reader_left(in)));
    uint8_t *exact = malloc(b.len ? b.len : 1);

    kd_assert(exact);
    if (b.len)
        memcpy(exact, b.p, b.len);
    if (at + 2 * n <= b.len) {
        memcpy(exact + at, p->local.b, n);
        memcpy(exact + at + n, p->remote.b, n);
    }
    hear(r, command & SIX ? 6 : 4, kd_bytes(exact, b.len));
    free(exact);
}

static void measure(struct run *r, struct kd_reader *in, uint8_t command)
{
    struct ike_mtu *m = &r->conn[command & OTHER ? 1 : 0]->mtu;
    uint16_t passes = kd_get_u16(in);

    m->v.state = command & ON ? IKE_MTU_RUNNING : IKE_MTU_KNOWN;
    m->v.passes = command & ON ? 0 : passes;
    m->hint = 0;
}

static void obey(struct run *r, struct kd_reader *in, uint8_t command)
{
    switch (command & 3) {
    case RAW:
    case ADDRESSED:
        message(r, in, command);
        break;
    case PASS:
        r->now_us += kd_get_u8(in) * KD_MS(100);
        break;
    case RUN:
        measure(r, in, command);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kd_reader in;
    struct run r;

    begin(&r);
    kd_reader_init(&in, kd_bytes(data, size));
    for (unsigned i = 0; i < 64 && kd_reader_left(&in) > 1; i++)
        obey(&r, &in, kd_get_u8(&in));
    return 0;
}
