/* Health: probes of something beyond a neighbor, which tell that a way is dead although session and
 * tunnel are well. Each probe asks every so often and has its answer until it asks next; so many
 * without one in a row are a failure, and as many answers as fill the span of stable.h its end.
 * What follows from it is steer.c's.
 *
 * A probe through a tunnel that doesn't carry rests: the tunnel's own end is told of by the tunnel.
 *
 * An answer counts by the id, sequence number and random octets of the one request that is out, or
 * by a TCP connection that is its own proof; a late one, or anybody else's, changes nothing. The
 * shell reads its sockets dry before it wakes the core, so silence is the wire's: like BFD's, these
 * timers fire on WAKE only. RFC 792, RFC 4443 (echo), RFC 862. */
#include "core/internal.h"
#include "probe/echo.h"

#include <stdio.h>
#include <stdlib.h>

bool core_health_init(struct core *c)
{
    c->health = calloc(c->cfg.n_health + 1, sizeof(*c->health));
    for (uint32_t i = 0; c->health && i < c->cfg.n_health; i++) {
        struct core_health *h = &c->health[i];
        core_stable_init(&h->stable, c->cfg.health[i].recover_us);
        h->id = (uint16_t)kc_rng_u32(&c->rng);
        h->since_us = c->now_us;
        h->next_us = KD_NEVER;
    }
    return c->health != NULL;
}

/* Spread over the first interval, so that many probes don't leave in one burst each time. */
void core_health_start(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_health; i++)
        if (c->health[i].next_us == KD_NEVER)
            c->health[i].next_us =
                c->now_us + c->cfg.health[i].every_us * i / (2 * c->cfg.n_health);
}

/* ---- verdicts ---- */

static void say(struct core *c, uint32_t i, enum core_note note, uint64_t latency_us,
                const char *text)
{
    const struct core_health_config *f = &c->cfg.health[i];
    struct core_event_record r = core_record(
        c, note, f->tunnel < c->cfg.n_tunnels ? f->tunnel : CORE_NO_TUNNEL, CORE_NO_PEER);

    r.health = i;
    r.reason = note == CORE_NOTE_HEALTH_DOWN ? KD_REASON_HEALTH_DOWN : KD_REASON_NONE;
    r.latency_us = latency_us;
    r.text = kd_bytes_str(text);
    core_say(c, &r);
}

static void enter(struct core *c, struct core_health *h, enum core_health_state state)
{
    h->state = state;
    h->since_us = c->now_us;
}

static void down(struct core *c, uint32_t i)
{
    struct core_health *h = &c->health[i];
    char to[KD_ENDPOINT_STR_MAX], text[256];

    snprintf(text, sizeof(text), "%u in a row unanswered by %s%s%s", h->lost,
             c->cfg.health[i].to.port ? kd_endpoint_str(&c->cfg.health[i].to, to)
                                      : kd_addr_str(&c->cfg.health[i].to.addr, to),
             h->why[0] ? ": " : "", h->why);
    enter(c, h, CORE_HEALTH_DOWN);
    h->failures++;
    core_stable_fail(&h->stable);
    say(c, i, CORE_NOTE_HEALTH_DOWN, h->answered_us ? c->now_us - h->answered_us : 0, text);
    core_steer(c, i);
}

static void up(struct core *c, uint32_t i)
{
    struct core_health *h = &c->health[i];
    uint64_t was_down_us = h->state == CORE_HEALTH_DOWN ? c->now_us - h->since_us : 0;
    char text[64];

    snprintf(text, sizeof(text), "answered after %llu.%03llu ms",
             (unsigned long long)(h->rtt_us / 1000), (unsigned long long)(h->rtt_us % 1000));
    enter(c, h, CORE_HEALTH_UP);
    say(c, i, CORE_NOTE_HEALTH_UP, was_down_us, text);
    core_steer(c, i);
}

static void lost(struct core *c, uint32_t i)
{
    struct core_health *h = &c->health[i];

    h->waiting = false;
    h->lost += h->lost < UINT32_MAX;
    core_stable_break(&h->stable);
    if (h->state != CORE_HEALTH_DOWN && h->lost >= c->cfg.health[i].fail)
        down(c, i);
}

/* ---- answers ---- */

static bool same(struct kd_bytes a, struct kd_bytes b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static bool echo_answers(const struct core_health *h, struct probe_echo e)
{
    return e.kind == PROBE_ECHO_REPLY && e.id == h->id && e.seq == (uint16_t)h->token &&
           same(e.payload, kd_bytes(h->nonce, sizeof(h->nonce)));
}

static bool answers(const struct core_health_config *f, const struct core_health *h,
                    struct kd_bytes data)
{
    switch (f->probe) {
    case CORE_PROBE_ICMP:
        return echo_answers(h, probe_echo_get(data, f->to.addr.family));
    case CORE_PROBE_UDP:
        return same(data, kd_bytes(h->nonce, sizeof(h->nonce)));
    case CORE_PROBE_TCP:
        return true;
    default:
        return false;
    }
}

static void keep_why(struct core_health *h, struct kd_bytes text)
{
    snprintf(h->why, sizeof(h->why), "%.*s", (int)KD_MIN(text.len, sizeof(h->why) - 1),
             (const char *)text.p);
}

void core_health_answer(struct core *c, const struct core_ev *ev)
{
    struct core_health *h = ev->n < c->cfg.n_health ? &c->health[ev->n] : NULL;

    if (!h || !h->waiting || ev->token != h->token)
        return;
    if (!ev->ok) {
        keep_why(h, ev->data); /* it counts when its time is over */
        return;
    }
    if (!answers(&c->cfg.health[ev->n], h, ev->data))
        return;
    h->waiting = false;
    h->answered++;
    h->answered_us = c->now_us;
    h->rtt_us = c->now_us - h->sent_us;
    h->lost = 0;
    h->why[0] = '\0';
    if (h->state == CORE_HEALTH_UP)
        return;
    if (core_stable_good(&h->stable, c->now_us))
        up(c, ev->n);
}

/* ---- asking ---- */

static bool rests(const struct core *c, const struct core_health_config *f)
{
    return c->stopping || (f->tunnel < c->cfg.n_tunnels && !c->tunnels[f->tunnel].carrying);
}

/* Where from; false when the interface isn't there. */
static bool way(const struct core *c, const struct core_health_config *f, struct core_act *a)
{
    const struct core_peer *p = core_peer(c, f->peer);

    a->local.addr = f->local;
    if (f->tunnel < c->cfg.n_tunnels) {
        const struct core_tunnel *t = &c->tunnels[f->tunnel];
        a->ifindex = t->ifindex;
        if (t->cfg.inner.family == f->to.addr.family)
            a->local.addr = t->cfg.inner;
        return a->ifindex != 0;
    }
    if (f->ifname[0])
        a->ifindex = core_link_named(c, f->ifname);
    else if (p)
        a->ifindex = core_link_towards(c, &p->cfg.remote, NULL);
    if (p && p->cfg.local.family == f->to.addr.family)
        a->local.addr = p->cfg.local;
    return a->ifindex != 0 || !(f->ifname[0] || (p && p->cfg.ttl == 1));
}

static struct kd_bytes request(const struct core_health_config *f, const struct core_health *h,
                               uint8_t buf[PROBE_ECHO_HEAD + CORE_PROBE_NONCE])
{
    struct kd_bytes nonce = kd_bytes(h->nonce, sizeof(h->nonce));

    switch (f->probe) {
    case CORE_PROBE_ICMP:
        return kd_bytes(buf,
                        probe_echo_put(buf, f->to.addr.family, h->id, (uint16_t)h->token, nonce));
    case CORE_PROBE_UDP:
        return nonce;
    default:
        return kd_bytes(NULL, 0);
    }
}

static void ask(struct core *c, uint32_t i)
{
    const struct core_health_config *f = &c->cfg.health[i];
    struct core_health *h = &c->health[i];
    struct core_act from = {0}, *a;
    uint8_t buf[PROBE_ECHO_HEAD + CORE_PROBE_NONCE];

    h->token++;
    h->waiting = true;
    h->sent_us = c->now_us;
    h->sent++;
    kc_rng_bytes(&c->rng, h->nonce, sizeof(h->nonce));
    if (!way(c, f, &from)) {
        keep_why(h, kd_bytes_str("no such interface, or none that is up"));
        return;
    }
    a = core_emit(c, CORE_ACT_PROBE);
    a->health = i;
    a->probe = f->probe;
    a->token = h->token;
    a->local = from.local;
    a->ifindex = from.ifindex;
    a->remote = f->to;
    a->data = core_put(c, request(f, h, buf));
}

static void tick(struct core *c, uint32_t i)
{
    struct core_health *h = &c->health[i];
    uint64_t every_us = c->cfg.health[i].every_us;

    h->next_us =
        KD_MAX(h->next_us + every_us, c->now_us + every_us / 2); /* no burst after a stall */
    h->paused = rests(c, &c->cfg.health[i]);
    if (h->paused) {
        h->waiting = false;
        h->lost = 0;
        core_stable_break(&h->stable);
        return;
    }
    if (h->waiting)
        lost(c, i);
    ask(c, i);
}

void core_health_reconsider(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_health; i++) {
        struct core_health *h = &c->health[i];
        if (h->next_us != KD_NEVER)
            h->next_us = KD_MIN(h->next_us, c->now_us + c->cfg.health[i].every_us);
        core_steer(c, i);
    }
    core_pins(c);
}

uint64_t core_health_deadline(const struct core *c)
{
    uint64_t at = KD_NEVER;

    for (uint32_t i = 0; !c->stopping && i < c->cfg.n_health; i++)
        at = KD_MIN(at, c->health[i].next_us);
    return at;
}

void core_health_wake(struct core *c)
{
    for (uint32_t i = 0; i < c->cfg.n_health && core_room(c); i++)
        if (c->health[i].next_us <= c->now_us)
            tick(c, i);
}

bool core_health_get(const struct core *c, uint32_t health, struct core_health_view *v)
{
    const struct core_health *h;

    if (health >= c->cfg.n_health)
        return false;
    h = &c->health[health];
    *v = (struct core_health_view){
        .config = &c->cfg.health[health],
        .state = h->state,
        .paused = h->paused,
        .since_us = h->since_us,
        .rtt_us = h->rtt_us,
        .up_at_us = core_stable_at(&h->stable),
        .lost = h->lost,
        .failures = h->failures,
        .sent = h->sent,
        .answered = h->answered,
        .why = h->why,
    };
    return true;
}
