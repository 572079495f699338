/* A gateway made and ended, and what each event from the shell means to it. */
#include "core/internal.h"

#include <stdlib.h>
#include <stdio.h>

/* ---- events ---- */

static void start(struct core *c, const struct core_ev *ev)
{
    struct core_act *a;

    if (c->started)
        return;
    c->started = true;
    c->dataplane = ev->dataplane;
    snprintf(c->dataplane_why, sizeof(c->dataplane_why), "%.*s", (int)ev->data.len,
             (const char *)ev->data.p);
    core_say_text(c, CORE_NOTE_START, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_NONE, "");
    core_say_text(c, CORE_NOTE_DATAPLANE, CORE_NO_TUNNEL, CORE_NO_PEER, KD_REASON_NONE,
                  c->dataplane_why);
    if (c->cfg.n_neighbors) {
        a = core_emit(c, CORE_ACT_TCP_LISTEN);
        a->local = (struct kd_endpoint){.port = 179};
    }
    core_monitor_start(c);
    core_sync_start(c);
}

static void ike_datagram(struct core *c, const struct core_ev *ev)
{
    struct ike_event i = {.kind = IKE_EV_DATAGRAM,
                          .local = ev->local,
                          .remote = ev->remote,
                          .natt = ev->natt,
                          .data = ev->data};

    core_run_ike(c, &i);
}

static void job_done(struct core *c, const struct core_ev *ev)
{
    struct ike_event i = {.kind = IKE_EV_JOB_DONE,
                          .job = ev->handle,
                          .job_status = ev->job_status,
                          .secret = ev->secret,
                          .data = ev->data};

    core_run_ike(c, &i);
}

static void sa_source(struct core *c, const struct core_ev *ev)
{
    struct ike_event i = {.kind = IKE_EV_CHILD_SOURCE, .child = ev->handle, .remote = ev->remote};

    core_run_ike(c, &i);
}

/* The data plane's own words, where it refused or lost something. */
static void sa_said(struct core *c, const struct core_ev *ev)
{
    struct core_event_record r =
        core_record(c, CORE_NOTE_KERNEL_ERROR, CORE_NO_TUNNEL, CORE_NO_PEER);

    if (ev->ok || ev->data.len == 0)
        return;
    r.reason = KD_REASON_KERNEL_REFUSED;
    r.text = ev->data;
    core_say(c, &r);
}

static void sa_trouble(struct core *c, const struct core_ev *ev)
{
    char text[160];

    snprintf(text, sizeof(text), "%.*s", (int)ev->data.len, (const char *)ev->data.p);
    core_say_text(c, CORE_NOTE_KERNEL_ERROR, ev->tunnel, CORE_NO_PEER, KD_REASON_KERNEL_REFUSED,
                  text);
}

static void sa_expire(struct core *c, const struct core_ev *ev)
{
    struct ike_event i = {.kind = IKE_EV_CHILD_EXPIRE, .child = ev->handle, .ok = ev->ok};

    sa_said(c, ev);
    core_run_ike(c, &i);
}

static void sa_result(struct core *c, const struct core_ev *ev)
{
    struct ike_event i = {.kind = IKE_EV_CHILD_RESULT, .child = ev->handle, .ok = ev->ok};

    sa_said(c, ev);
    c->install_why = ev->data;
    core_run_ike(c, &i);
    c->install_why = kd_bytes(NULL, 0);
}

/* What the shell has done, said where everything is said. */
static void shell_note(struct core *c, const struct core_ev *ev)
{
    enum core_note note = ev->command == CORE_CMD_KEYLOG ? CORE_NOTE_KEYLOG
                          : ev->ok                       ? CORE_NOTE_RELOAD
                                                         : CORE_NOTE_RELOAD_REFUSED;
    struct core_event_record r = core_record(c, note, CORE_NO_TUNNEL, CORE_NO_PEER);

    r.text = ev->data;
    core_say(c, &r);
}

static void shell_command(struct core *c, const struct core_ev *ev)
{
    shell_note(c, ev);
    if (ev->command == CORE_CMD_RELOAD && ev->ok)
        core_health_reconsider(c);
}

static void command(struct core *c, const struct core_ev *ev)
{
    if (ev->command >= CORE_CMD_NEIGHBOR_SHUTDOWN && ev->command <= CORE_CMD_NEIGHBOR_ENABLE)
        core_peer_command(c, ev->peer, ev->command, ev->data);
    else if (ev->command == CORE_CMD_KEYLOG || ev->command == CORE_CMD_RELOAD)
        shell_command(c, ev);
    else if (ev->tunnel < c->cfg.n_tunnels)
        core_tunnel_command(c, ev->tunnel, ev->command);
}

void core_dispatch(struct core *c, const struct core_ev *ev)
{
    switch (ev->kind) {
    case CORE_EV_WAKE:
        c->bulk = !core_bfd_wake(c);
        core_health_wake(c);
        break;
    case CORE_EV_PROBE:
        core_health_answer(c, ev);
        break;
    case CORE_EV_ICMP:
        core_icmp(c, ev);
        break;
    case CORE_EV_BFD:
        core_bfd_packet(c, ev);
        break;
    case CORE_EV_START:
        start(c, ev);
        break;
    case CORE_EV_STOP:
        core_stop_begin(c);
        break;
    case CORE_EV_IKE_DATAGRAM:
        ike_datagram(c, ev);
        break;
    case CORE_EV_JOB_DONE:
        job_done(c, ev);
        break;
    case CORE_EV_SA_RESULT:
        sa_result(c, ev);
        break;
    case CORE_EV_SA_SEEN:
        core_tunnel_seen(c, ev->handle);
        break;
    case CORE_EV_SA_SOURCE:
        sa_source(c, ev);
        break;
    case CORE_EV_SA_EXPIRE:
        sa_expire(c, ev);
        break;
    case CORE_EV_TRAFFIC:
        core_tunnel_traffic(c, ev->tunnel);
        break;
    case CORE_EV_SA_TROUBLE:
        sa_trouble(c, ev);
        break;
    case CORE_EV_DEVICE:
        core_tunnel_device(c, ev);
        break;
    case CORE_EV_NETLINK:
        core_netlink(c, ev->data);
        break;
    case CORE_EV_NETLINK_LOST:
        core_netlink_lost(c);
        break;
    case CORE_EV_MONITOR:
        core_monitor_news(c, ev->data);
        break;
    case CORE_EV_MONITOR_LOST:
        core_monitor_lost(c);
        break;
    case CORE_EV_TCP_OPENED:
    case CORE_EV_TCP_INCOMING:
    case CORE_EV_TCP_FAILED:
    case CORE_EV_TCP_BYTES:
    case CORE_EV_TCP_SENT:
    case CORE_EV_TCP_CLOSED:
        core_peer_tcp(c, ev);
        break;
    case CORE_EV_COMMAND:
        command(c, ev);
        break;
    }
}

/* ---- making and ending ---- */

static bool engines_new(struct core *c, const struct core_params *p, uint8_t bfd_seed[32])
{
    struct ike_params ip = {.crypto = p->crypto,
                            .qcd = p->qcd,
                            .conns_max = CORE_TUNNELS_MAX,
                            .half_open_max = 256,
                            .half_open_per_addr = 8};
    struct bgp_params bp = {.crypto = p->crypto,
                            .now_us = p->now_us,
                            .asn = c->cfg.asn,
                            .router_id = c->cfg.router_id,
                            .ecmp = c->cfg.ecmp,
                            .redistribute = c->cfg.redistribute.policy,
                            .no_fib = c->cfg.no_install,
                            .peers_max = CORE_TUNNELS_MAX + CORE_NEIGHBORS_MAX};

    kc_rng_init(&c->rng, p->seed);
    kc_rng_bytes(&c->rng, ip.seed, sizeof(ip.seed));
    kc_rng_bytes(&c->rng, bp.seed, sizeof(bp.seed));
    c->ike = ike_new(&ip);
    c->bgp = bgp_new(&bp);
    kc_rng_bytes(&c->rng, bfd_seed, 32);
    kc_wipe(&ip, sizeof(ip));
    kc_wipe(&bp, sizeof(bp));
    return c->ike && c->bgp;
}

static bool config_copy(struct core *c, const struct core_config *cfg)
{
    c->cfg = *cfg;
    c->cfg.tunnels = calloc(cfg->n_tunnels + 1, sizeof(*cfg->tunnels));
    c->cfg.neighbors = calloc(cfg->n_neighbors + 1, sizeof(*cfg->neighbors));
    c->cfg.health = calloc(cfg->n_health + 1, sizeof(*cfg->health));
    c->cfg.policies = calloc(cfg->n_policies + 1, sizeof(*cfg->policies));
    c->cfg.n_policies = 0;
    c->tunnels = calloc(cfg->n_tunnels + 1, sizeof(*c->tunnels));
    if (!c->cfg.tunnels || !c->cfg.neighbors || !c->cfg.health || !c->cfg.policies || !c->tunnels)
        return false;
    for (; c->cfg.n_policies < cfg->n_policies; c->cfg.n_policies++)
        c->cfg.policies[c->cfg.n_policies] = bgp_route_map_ref(cfg->policies[c->cfg.n_policies]);
    if (cfg->n_tunnels)
        memcpy(c->cfg.tunnels, cfg->tunnels, cfg->n_tunnels * sizeof(*cfg->tunnels));
    if (cfg->n_neighbors)
        memcpy(c->cfg.neighbors, cfg->neighbors, cfg->n_neighbors * sizeof(*cfg->neighbors));
    if (cfg->n_health)
        memcpy(c->cfg.health, cfg->health, cfg->n_health * sizeof(*cfg->health));
    return true;
}

static bool tunnels_new(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_tunnels; i++) {
        struct core_tunnel *t = &c->tunnels[i];
        t->cfg = c->cfg.tunnels[i];
        t->admin_up = true;
        t->state = CORE_T_DOWN;
        t->since_us = c->now_us;
        core_stable_init(&t->stable, t->cfg.recover_us);
        t->proof_at_us = t->down_at_us = t->device_at_us = t->rehearsal.at_us = KD_NEVER;
        t->pmtu.at_us = KD_NEVER;
        if (!ike_conn_set(c->ike, i, &t->cfg.ike))
            return false;
    }
    return true;
}

struct core *core_new(const struct core_params *p, const struct core_config *cfg)
{
    struct core *c = calloc(1, sizeof(*c));
    uint8_t bfd_seed[32] = {0};

    if (!c)
        return NULL;
    c->crypto = p->crypto;
    c->now_us = p->now_us;
    c->work_tail = &c->work_head;
    for (int i = 0; i < CORE_FIB_RANKS; i++)
        c->dirty[i].tail = &c->dirty[i].head;
    c->next_nh_id = CORE_NH_ID_BASE;
    c->fib_retry_us = c->ike_deadline_us = c->bgp_deadline_us = c->stop_at_us = KD_NEVER;
    c->bfd_deadline_us = KD_NEVER;
    if (!config_copy(c, cfg) || !engines_new(c, p, bfd_seed) || !tunnels_new(c) ||
        !core_peers_init(c) || !core_bfd_init(c, bfd_seed) || !core_health_init(c)) {
        core_free(c);
        return NULL;
    }
    kc_wipe(bfd_seed, sizeof(bfd_seed));
    return c;
}

void core_free(struct core *c)
{
    if (!c)
        return;
    while (c->work_head) {
        struct core_work *w = c->work_head;
        c->work_head = w->next;
        free(w);
    }
    for (uint32_t i = 0; c->tunnels && i < c->cfg.n_tunnels; i++)
        core_tunnel_free(c, &c->tunnels[i]);
    core_fib_free(c);
    core_paths_free(c);
    core_peers_free(c);
    core_links_free(c);
    core_kroutes_free(c);
    core_import_free(c);
    core_adopt_free(c);
    if (c->ike)
        ike_free(c->ike);
    if (c->bgp)
        bgp_free(c->bgp);
    if (c->bfd)
        bfd_free(c->bfd);
    free(c->ops);
    free(c->tunnels);
    free(c->health);
    kc_wipe(&c->rng, sizeof(c->rng));
    core_config_free(&c->cfg);
    free(c);
}
