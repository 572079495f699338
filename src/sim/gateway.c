/* Driving one core: feed, act, trace, wake. The counterpart of src/io/loop.c. */
#include "sim/gateway.h"

#include <stdio.h>
#include <stdlib.h>

struct sim_post {
    struct sim_post *next;
    uint32_t life;
    struct core_ev ev;
    uint8_t data[];
};

/* ---- trace: FNV-1a over the versioned encodings ---- */

static void trace(struct sim_gw *g, const struct kd_schema *schema, const void *obj,
                  struct kd_bytes arena)
{
    struct kd_writer w;

    kd_writer_init(&w, g->sim->scratch, SIM_SCRATCH);
    kd_schema_encode(schema, obj, arena, &w);
    kd_assert(w.ok);
    g->trace = (g->trace ^ g->sim->now_us) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < w.pos; i++)
        g->trace = (g->trace ^ w.p[i]) * UINT64_C(0x100000001b3);
}

/* ---- records ---- */

static void record(struct sim_gw *g, const struct core_act *a)
{
    struct core_event_record r = core_out_record(g->sim->out, a);
    struct sim_record *slot;

    g->rec = sim_kernel_grow(g->rec, g->n_rec, sizeof(*g->rec));
    slot = &g->rec[g->n_rec++];
    slot->r = r;
    snprintf(slot->text, sizeof(slot->text), "%.*s", (int)r.text.len, (const char *)r.text.p);
    slot->r.text = slot->r.offered = slot->r.configured = kd_bytes(NULL, 0);
}

size_t sim_gw_find(const struct sim_gw *g, size_t from, enum core_note note, uint32_t tunnel)
{
    for (size_t i = from; i < g->n_rec; i++)
        if (g->rec[i].r.note == note &&
            (tunnel == SIM_ANY || g->rec[i].r.tunnel == tunnel || g->rec[i].r.peer == tunnel))
            return i;
    return SIZE_MAX;
}

/* ---- actions ---- */

static void ike_send(struct sim_gw *g, const struct core_act *a, struct kd_bytes data)
{
    uint8_t room[65536] = {0};
    size_t marker = a->natt ? 4 : 0;
    struct sim_frame f = {SIM_UDP, a->local, a->remote, kd_bytes(room, marker + data.len),
                          a->df};

    kd_assert(f.data.len <= sizeof(room));
    memcpy(room + marker, data.p, data.len);
    sim_gw_transmit(g, &f);
}

static void keepalive(struct sim_gw *g, const struct core_act *a)
{
    static const uint8_t octet = 0xff;
    struct sim_frame f = {SIM_UDP, a->local, a->remote, kd_bytes(&octet, 1)};

    sim_gw_transmit(g, &f);
}

static void job(struct sim_gw *g, const struct core_act *a)
{
    const struct core_out *o = g->sim->out;
    const struct kd_bytes data = core_out_bytes(o, a->data);
    struct kc_job in = {
        .kind = a->job_kind, .group = (enum kc_dh)a->group, .priv = a->priv, .peer = data};
    struct core_ev ev = {.kind = CORE_EV_JOB_DONE, .handle = a->handle};
    struct kc_job_result out = {0};
    struct kc_chain chain;

    ike_auth_job_set(&in, &chain, &a->auth, data, core_out_bytes(o, a->data2),
                     core_out_bytes(o, a->data3));
    kc_job_run(g->sim->crypto, &in, &out);
    ev.job_status = out.status;
    ev.secret = out.secret;
    ev.data = ike_job_data(a->job_kind, &out);
    sim_gw_later(g, g->job_us, &ev);
}

static void device(struct sim_gw *g, const struct core_act *a)
{
    struct core_ev ev = {.kind = CORE_EV_DEVICE, .tunnel = a->tunnel, .ok = true};

    if (a->kind == CORE_ACT_DEVICE_ADD) {
        g->tun[a->tunnel] = ev.ifindex = sim_kernel_link_add(&g->kernel, a->name, 1500, false);
        sim_gw_post(g, &ev);
    } else if (g->tun[a->tunnel]) {
        sim_dp_tun_del(g, a->tunnel);
        sim_kernel_link_del(&g->kernel, g->tun[a->tunnel]);
        g->tun[a->tunnel] = 0;
    }
}

static void act(struct sim_gw *g, const struct core_act *a)
{
    struct kd_bytes data = core_out_bytes(g->sim->out, a->data);

    switch (a->kind) {
    case CORE_ACT_IKE_SEND:
        ike_send(g, a, data);
        break;
    case CORE_ACT_IKE_KEEPALIVE:
        keepalive(g, a);
        break;
    case CORE_ACT_JOB:
        job(g, a);
        break;
    case CORE_ACT_DEVICE_ADD:
    case CORE_ACT_DEVICE_DEL:
        device(g, a);
        break;
    case CORE_ACT_SA_ADD:
    case CORE_ACT_SA_USE:
    case CORE_ACT_SA_MOVE:
    case CORE_ACT_SA_DEL:
    case CORE_ACT_MUTE:
    case CORE_ACT_INJECT:
        sim_dp_act(g, a);
        break;
    case CORE_ACT_NETLINK:
        if (!g->outside.netlink || !g->outside.netlink(g->outside.arg, data))
            sim_kernel_request(&g->kernel, data);
        if (g->kernel.lost)
            sim_gw_overrun(g);
        g->kernel.lost = false;
        break;
    case CORE_ACT_MONITOR:
        sim_kernel_monitor_request(&g->kernel, data);
        if (g->kernel.lost)
            sim_gw_monitor_overrun(g);
        g->kernel.lost = false;
        break;
    case CORE_ACT_BFD_SEND:
        sim_stack_bfd(g, a, data);
        break;
    case CORE_ACT_PROBE:
        sim_stack_probe(g, a, data);
        break;
    case CORE_ACT_EVENT:
        record(g, a);
        break;
    case CORE_ACT_STOPPED:
        g->stopped = true;
        break;
    default:
        sim_tcp_act(g, a, data);
        break;
    }
}

/* ---- steps ---- */

static void on_wake(void *obj, const void *data, size_t len);

static void arm(struct sim_gw *g)
{
    uint64_t at = g->deadline_us, now = g->sim->now_us;

    if (at == KD_NEVER || !g->core || at >= g->wake_at_us)
        return;
    g->wake_at_us = KD_MAX(at, now);
    sim_after(g->sim, g->wake_at_us - now, on_wake, g, &g->life, sizeof(g->life));
}

static void step(struct sim_gw *g, struct core_ev *ev)
{
    struct core_out *out = g->sim->out;

    ev->now_us = g->sim->now_us;
    ev->wall_s = SIM_WALL_S + (int64_t)(g->sim->now_us / KD_S(1));
    trace(g, &core_ev_schema, ev, kd_bytes(NULL, 0));
    g->stepping = true;
    g->n_steps++;
    if (g->outside.step)
        g->outside.step(g->outside.arg);
    core_step(g->core, ev, out);
    for (uint32_t i = 0; i < out->n; i++) {
        trace(g, &core_act_schema, &out->a[i], kd_bytes(out->buf, out->used));
        act(g, &out->a[i]);
    }
    g->stepping = false;
    g->deadline_us = out->more ? g->sim->now_us : out->deadline_us;
}

/* The data plane goes first: a dead process seals nothing, so a reset reaches only plain neighbors.
 */
static void process_end(struct sim_gw *g)
{
    sim_dp_fini(g);
    sim_tcp_fini(g);
    for (uint32_t i = 0; i < g->cfg.n_tunnels; i++) {
        if (g->tun[i])
            sim_kernel_link_del(&g->kernel, g->tun[i]);
        g->tun[i] = 0;
    }
    core_free(g->core);
    g->core = NULL;
    g->life++;
    g->wake_at_us = g->deadline_us = KD_NEVER;
    while (g->post_head) {
        struct sim_post *p = g->post_head;
        g->post_head = p->next;
        sim_gw_event_drop(g->sim, p);
        free(p);
    }
    g->post_tail = &g->post_head;
}

void sim_gw_run(struct sim_gw *g)
{
    while (g->post_head && g->core && !g->stepping) {
        struct sim_post *p = g->post_head;
        g->post_head = p->next;
        if (!g->post_head)
            g->post_tail = &g->post_head;
        step(g, &p->ev);
        free(p);
        if (g->stopped)
            process_end(g);
    }
    arm(g);
}

static void on_wake(void *obj, const void *data, size_t len KD_UNUSED)
{
    struct core_ev ev = {.kind = CORE_EV_WAKE};
    struct sim_gw *g = obj;

    if (*(const uint32_t *)data != g->life || g->wake_at_us != g->sim->now_us)
        return;
    g->wake_at_us = KD_NEVER;
    if (g->deadline_us <= g->sim->now_us)
        sim_gw_post(g, &ev);
    sim_gw_run(g);
}

/* ---- posting ---- */

static struct sim_post *post_new(const struct sim_gw *g, const struct core_ev *ev)
{
    struct sim_post *p = calloc(1, sizeof(*p) + ev->data.len);

    kd_assert(p);
    p->life = g->life;
    p->ev = *ev;
    if (ev->data.len)
        memcpy(p->data, ev->data.p, ev->data.len);
    p->ev.data = kd_bytes(p->data, ev->data.len);
    return p;
}

static void append(struct sim_gw *g, struct sim_post *p)
{
    p->next = NULL;
    *g->post_tail = p;
    g->post_tail = &p->next;
}

void sim_gw_post(struct sim_gw *g, const struct core_ev *ev)
{
    if (g->core)
        append(g, post_new(g, ev));
}

void sim_gw_later(struct sim_gw *g, uint64_t delay_us, const struct core_ev *ev)
{
    struct sim_post *p = post_new(g, ev);

    sim_after(g->sim, delay_us, sim_gw_on_event, g, p, sizeof(*p) + ev->data.len);
    free(p);
}

/* A job's secret that nobody waits for any more. */
void sim_gw_event_drop(struct sim *s, const void *data)
{
    const struct sim_post *p = data;

    if (p->ev.kind == CORE_EV_JOB_DONE)
        kc_key_free(s->crypto, p->ev.secret);
}

void sim_gw_on_event(void *obj, const void *data, size_t len)
{
    const struct sim_post *p = data;
    struct sim_gw *g = obj;
    struct core_ev ev = p->ev;

    if (p->life != g->life || !g->core || (g->nl_deaf && ev.kind == CORE_EV_NETLINK)) {
        sim_gw_event_drop(g->sim, p);
        return;
    }
    ev.data = kd_bytes((const uint8_t *)data + sizeof(*p), len - sizeof(*p));
    sim_gw_post(g, &ev);
    sim_gw_run(g);
}

/* ---- outer packets ---- */

void sim_gw_transmit(struct sim_gw *g, const struct sim_frame *f)
{
    int end;
    struct sim_link *l = sim_link_outer(g->sim, &f->src.addr, &f->dst.addr, &end);

    if (l)
        sim_link_send(l, end, f);
}

/* Port 4500: a zero SPI is the non-ESP marker (RFC 3948 2.2), one octet 0xff a keepalive. */
static void natt(struct sim_gw *g, const struct sim_frame *f, struct core_ev *ev)
{
    static const uint8_t marker[4];

    if (f->data.len >= 4 && memcmp(f->data.p, marker, 4) != 0) {
        sim_dp_in(g, f->data);
    } else if (f->data.len > 4) {
        ev->natt = true;
        ev->data = kd_bytes(f->data.p + 4, f->data.len - 4);
        sim_gw_post(g, ev);
    }
}

void sim_gw_receive(struct sim_gw *g, uint32_t ifindex, const struct sim_frame *f)
{
    struct core_ev ev = {
        .kind = CORE_EV_IKE_DATAGRAM, .local = f->dst, .remote = f->src, .data = f->data};

    if (f->proto == SIM_IP)
        sim_stack_input(g, ifindex, f->data);
    else if (f->proto == SIM_ESP)
        sim_dp_in(g, f->data);
    else if (f->dst.port == g->cfg.natt_port)
        natt(g, f, &ev);
    else if (f->dst.port == g->cfg.port)
        sim_gw_post(g, &ev);
    sim_gw_run(g);
}

/* ---- life ---- */

static void on_netlink(void *arg, struct kd_bytes datagram)
{
    struct sim_gw *g = arg;
    struct core_ev ev = {.kind = CORE_EV_NETLINK, .data = datagram};

    if (g->core && !g->nl_deaf)
        sim_gw_later(g, g->kernel_us, &ev);
}

static void on_monitor(void *arg, struct kd_bytes datagram)
{
    struct sim_gw *g = arg;
    struct core_ev ev = {.kind = CORE_EV_MONITOR, .data = datagram};

    if (g->core && !g->mon_deaf)
        sim_gw_later(g, g->monitor_us, &ev);
}

struct sim_gw *sim_gw_new(struct sim *s, const char *name, struct core_config *cfg, const char *psk)
{
    struct sim_gw *g = calloc(1, sizeof(*g)), **tail = &s->gws;

    kd_assert(g);
    g->sim = s;
    g->cfg = *cfg;
    g->job_us = KD_MS(1);
    g->wake_at_us = g->deadline_us = KD_NEVER;
    g->post_tail = &g->post_head;
    g->tun = calloc(cfg->n_tunnels + 1, sizeof(*g->tun));
    kd_assert(g->tun);
    snprintf(g->name, sizeof(g->name), "%s", name);
    snprintf(g->psk, sizeof(g->psk), "%s", psk);
    sim_kernel_init(&g->kernel, on_netlink, g);
    g->kernel.monitor = on_monitor;
    while (*tail)
        tail = &(*tail)->next;
    *tail = g;
    return g;
}

void sim_gw_free(struct sim_gw *g)
{
    if (g->core)
        process_end(g);
    sim_kernel_fini(&g->kernel);
    core_config_free(&g->cfg);
    free(g->tun);
    free(g->rec);
    free(g);
}

static void bfd_key(struct sim_gw *g, struct bfd_auth_config *a)
{
    if (a->n_keys)
        a->key[0].key = kc_key_import(g->sim->crypto, kd_bytes_str("simulated"));
}

static void keys(struct sim_gw *g)
{
    for (uint32_t i = 0; i < g->cfg.n_tunnels; i++) {
        g->cfg.tunnels[i].ike.psk = kc_key_import(g->sim->crypto, kd_bytes_str(g->psk));
        bfd_key(g, &g->cfg.tunnels[i].neighbor.bfd.auth);
    }
    for (uint32_t i = 0; i < g->cfg.n_neighbors; i++)
        bfd_key(g, &g->cfg.neighbors[i].bfd.auth);
}

void sim_gw_start(struct sim_gw *g)
{
    struct core_params p = {.crypto = g->sim->crypto, .now_us = g->sim->now_us};
    struct core_ev ev = {.kind = CORE_EV_START,
                         .dataplane = CORE_DP_TUN,
                         .data = kd_bytes_str("tun: the simulator")};

    kd_assert(!g->core);
    for (size_t i = 0; i < sizeof(p.seed); i++)
        p.seed[i] = (uint8_t)sim_random(g->sim);
    keys(g);
    g->stopped = g->nl_deaf = g->mon_deaf = false;
    g->core = core_new(&p, &g->cfg);
    kd_assert(g->core);
    sim_gw_later(g, 0, &ev);
}

void sim_gw_stop(struct sim_gw *g)
{
    struct core_ev ev = {.kind = CORE_EV_STOP};

    sim_gw_later(g, 0, &ev);
}

void sim_gw_kill(struct sim_gw *g)
{
    if (g->core)
        process_end(g);
}

void sim_gw_command(struct sim_gw *g, enum core_command cmd, uint32_t tunnel, uint32_t peer)
{
    struct core_ev ev = {.kind = CORE_EV_COMMAND, .command = cmd, .tunnel = tunnel, .peer = peer};

    sim_gw_later(g, 0, &ev);
}

void sim_gw_monitor_overrun(struct sim_gw *g)
{
    struct core_ev ev = {.kind = CORE_EV_MONITOR_LOST};

    g->mon_deaf = false;
    sim_gw_later(g, 0, &ev);
}

void sim_gw_overrun(struct sim_gw *g)
{
    struct core_ev ev = {.kind = CORE_EV_NETLINK_LOST};

    g->nl_deaf = false;
    sim_gw_later(g, 0, &ev);
}
