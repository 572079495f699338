/* SA pairs: made from the core's action, looked up by SPI, used as the core says. */
#include "sim/dataplane.h"

#include "sim/gateway.h"

#include <stdlib.h>

#define ROOM 2048

static struct sim_sa *by_child(const struct sim_gw *g, struct kd_handle h)
{
    struct sim_sa *s = g->dp.sas;

    while (s && !kd_handle_eq(s->child, h))
        s = s->next;
    return s;
}

static void sa_free(struct sim_sa *s)
{
    esp_sa_free(s->in);
    esp_sa_free(s->out);
    free(s);
}

/* ---- adding ---- */

static struct esp_sa *one_way(struct sim_gw *g, const struct core_sa *s, bool out)
{
    struct esp_params p = {
        .spi = out ? s->spi_out : s->spi_in,
        .encr = kc_alg_find(KC_ENCR, s->encr, s->encr_bits),
        .integ = s->integ ? kc_alg_find(KC_INTEG, s->integ, 0) : NULL,
        .key_enc = out ? s->key_enc_out : s->key_enc_in,
        .key_int = out ? s->key_int_out : s->key_int_in,
        .esn = s->esn,
        .replay_window = s->replay_window,
    };

    for (size_t i = 0; i < sizeof(p.iv_seed); i++)
        p.iv_seed[i] = (uint8_t)sim_random(g->sim);
    return esp_sa_new(g->sim->crypto, &p);
}

static bool refused(struct sim_dp *d)
{
    return d->fail_in && --d->fail_in == 0;
}

static bool make(struct sim_gw *g, const struct core_act *a)
{
    struct sim_sa *s = calloc(1, sizeof(*s));

    kd_assert(s);
    s->child = a->handle;
    s->tunnel = a->tunnel;
    s->sa = a->sa;
    s->local = a->local;
    s->remote = a->remote;
    s->in = one_way(g, &a->sa, false);
    s->out = one_way(g, &a->sa, true);
    if (refused(&g->dp) || !s->in || !s->out ||
        !ike_ts_parse(core_out_bytes(g->sim->out, a->data), &s->ts_local) ||
        !ike_ts_parse(core_out_bytes(g->sim->out, a->data2), &s->ts_remote)) {
        sa_free(s);
        return false;
    }
    s->next = g->dp.sas;
    g->dp.sas = s;
    return true;
}

static void add(struct sim_gw *g, const struct core_act *a)
{
    struct core_ev ev = {.kind = CORE_EV_SA_RESULT, .handle = a->handle};

    ev.ok = make(g, a);
    if (!ev.ok)
        ev.data = kd_bytes_str("the simulator's data plane refused the SA");
    sim_gw_later(g, g->sa_us, &ev);
}

/* ---- changing ---- */

static bool inside(const struct sim_sa *a, const struct sim_sa *b)
{
    return ike_ts_inside(&a->ts_local, &b->ts_local) && ike_ts_inside(&a->ts_remote, &b->ts_remote);
}

/* The pair it replaces, and any other for the same traffic, no longer sends. */
static void use(struct sim_gw *g, struct kd_handle child, struct kd_handle replaces)
{
    struct sim_sa *s = by_child(g, child);

    for (struct sim_sa *o = g->dp.sas; s && o; o = o->next)
        if (o->tunnel == s->tunnel &&
            (kd_handle_eq(o->child, replaces) || (inside(o, s) && inside(s, o))))
            o->use = false;
    if (s)
        s->use = true;
}

static void del(struct sim_gw *g, struct kd_handle child)
{
    struct sim_sa *s = by_child(g, child), **p = &g->dp.sas;

    if (!s)
        return;
    while (*p != s)
        p = &(*p)->next;
    *p = s->next;
    sa_free(s);
}

void sim_dp_act(struct sim_gw *g, const struct core_act *a)
{
    struct sim_sa *s;

    switch (a->kind) {
    case CORE_ACT_SA_ADD:
        add(g, a);
        break;
    case CORE_ACT_SA_USE:
        use(g, a->handle, a->replaces);
        break;
    case CORE_ACT_SA_MOVE:
        s = by_child(g, a->handle);
        if (s) {
            s->local = a->local;
            s->remote = a->remote;
        }
        break;
    case CORE_ACT_SA_DEL:
        del(g, a->handle);
        break;
    case CORE_ACT_MUTE:
        for (s = g->dp.sas; s; s = s->next)
            if (s->tunnel == a->tunnel)
                s->mute = a->silent;
        break;
    default:
        sim_dp_out(g, a->tunnel, core_out_bytes(g->sim->out, a->data));
        break;
    }
}

void sim_dp_tun_del(struct sim_gw *g, uint32_t tunnel)
{
    for (struct sim_sa **p = &g->dp.sas; *p;) {
        struct sim_sa *s = *p;
        if (s->tunnel != tunnel) {
            p = &s->next;
            continue;
        }
        *p = s->next;
        sa_free(s);
    }
}

void sim_dp_fini(struct sim_gw *g)
{
    while (g->dp.sas) {
        struct sim_sa *s = g->dp.sas;
        g->dp.sas = s->next;
        sa_free(s);
    }
    memset(&g->dp, 0, sizeof(g->dp));
}

void sim_dp_count(const struct sim_gw *g, uint32_t tunnel, uint32_t *pairs, uint32_t *in_use)
{
    *pairs = *in_use = 0;
    for (const struct sim_sa *s = g->dp.sas; s; s = s->next) {
        *pairs += s->tunnel == tunnel;
        *in_use += s->tunnel == tunnel && s->use;
    }
}

/* ---- packets ---- */

static bool selected(const struct sim_sa *s, const uint8_t *pkt, size_t len, bool out)
{
    struct esp_flow f;

    if (!esp_flow_of(pkt, len, &f))
        return false;
    return ike_ts_match(&s->ts_local, out ? &f.src : &f.dst, f.proto, out ? f.sport : f.dport) &&
           ike_ts_match(&s->ts_remote, out ? &f.dst : &f.src, f.proto, out ? f.dport : f.sport);
}

/* As in src/io/dp_sa.c: those in use before the others, the narrower first; NULL where none takes
 * the packet. */
static struct sim_sa *sender(const struct sim_gw *g, uint32_t tunnel, struct kd_bytes inner)
{
    struct sim_sa *best = NULL;

    for (struct sim_sa *s = g->dp.sas; s; s = s->next) {
        if (s->tunnel != tunnel || !selected(s, inner.p, inner.len, true))
            continue;
        if (!best || (s->use && !best->use) || (s->use == best->use && inside(s, best)))
            best = s;
    }
    return best;
}

/* Its limits, as src/io/dp_sa.c tells of them. */
static void spent(struct sim_gw *g, struct sim_sa *s, const struct esp_sa *sa)
{
    const struct ike_limits *l = &s->sa.limits;
    struct core_ev ev = {.kind = CORE_EV_SA_EXPIRE, .handle = s->child, .ok = true};
    uint64_t packets, bytes;

    esp_used(sa, &packets, &bytes);
    if (!s->soft && ((l->soft_bytes && bytes >= l->soft_bytes) ||
                     (l->soft_packets && packets >= l->soft_packets))) {
        s->soft = true;
        sim_gw_later(g, 0, &ev);
    }
    ev.ok = false;
    if (!s->hard && ((l->hard_bytes && bytes >= l->hard_bytes) ||
                     (l->hard_packets && packets >= l->hard_packets))) {
        s->hard = true;
        sim_gw_later(g, 0, &ev);
    }
}

/* Of every packet: src/io/dp_tx.c has a limit, the core must not need it. */
static void no_pair(struct sim_gw *g, uint32_t tunnel)
{
    struct core_ev ev = {.kind = CORE_EV_TRAFFIC, .tunnel = tunnel};

    g->dp.n_no_sa++;
    sim_gw_later(g, 0, &ev);
}

void sim_dp_out(struct sim_gw *g, uint32_t tunnel, struct kd_bytes inner)
{
    struct sim_sa *s = sender(g, tunnel, inner);
    uint8_t room[ROOM];
    struct esp_pkt p = {room, sizeof(room), ESP_HEADROOM, (uint32_t)inner.len, ESP_OK};
    struct sim_frame f = {.proto = SIM_UDP};

    if (!s || s->mute) {
        no_pair(g, tunnel);
        return;
    }
    kd_assert(inner.len + ESP_HEADROOM + ESP_TAILROOM <= sizeof(room));
    memcpy(room + p.off, inner.p, inner.len);
    if (s->sa.mss != CORE_MSS_OFF)
        esp_mss_clamp(room + p.off, p.len, s->sa.mss);
    esp_seal(s->out, &p, 1);
    spent(g, s, s->out);
    if (p.verdict != ESP_OK) {
        g->dp.n_dropped++;
        return;
    }
    f.src = s->local;
    f.dst = s->remote;
    if (!s->sa.encap) {
        f.proto = SIM_ESP;
        f.src.port = f.dst.port = 0;
    }
    f.data = kd_bytes(room + p.off, p.len);
    sim_gw_transmit(g, &f);
}

static void seen(struct sim_gw *g, struct sim_sa *s)
{
    struct core_ev ev = {.kind = CORE_EV_SA_SEEN, .handle = s->child};

    if (!s->seen)
        sim_gw_later(g, 0, &ev);
    s->seen = true;
}

void sim_dp_in(struct sim_gw *g, struct kd_bytes esp)
{
    struct sim_sa *s = g->dp.sas;
    uint8_t room[ROOM];
    struct esp_pkt p = {room, sizeof(room), 0, (uint32_t)esp.len, ESP_OK};
    struct kd_reader r;
    uint32_t spi;

    kd_reader_init(&r, esp);
    spi = kd_get_u32(&r);
    while (s && s->sa.spi_in != spi)
        s = s->next;
    if (!s || s->mute || esp.len > sizeof(room)) {
        g->dp.n_unknown += !s;
        g->dp.n_dropped++;
        return;
    }
    memcpy(room, esp.p, esp.len);
    esp_open(s->in, &p, 1);
    spent(g, s, s->in);
    if (p.verdict != ESP_OK || !selected(s, room + p.off, p.len, false)) {
        g->dp.n_dropped++;
        return;
    }
    seen(g, s);
    if (g->tun[s->tunnel])
        sim_stack_input(g, g->tun[s->tunnel], kd_bytes(room + p.off, p.len));
}
