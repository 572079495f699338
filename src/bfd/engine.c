/* The BFD engine: made, stepped, freed.
 *
 *   packet -> packet.c (form) -> index.c (whose) -> auth.c (whether) -> receive.c -> fsm.c, poll.c
 *   wake   -> session.c -> receive.c (silence), transmit.c (what is due)
 *
 * RFC 5880 but for what follows. Not here: the Echo function (Required Min Echo RX is 0: the peer
 * may not use it towards us), demand mode of our own (D is never set), multipoint, MD5
 * authentication. C is never set: this BFD shares the daemon's fate (RFC 5882 4.3). */
#include "bfd/engine.h"

#include <stdlib.h>

const char *const bfd_config_error_names[] = {
    [BFD_CONFIG_OK] = "ok",
    [BFD_CONFIG_FULL] = "no more sessions",
    [BFD_CONFIG_TAKEN] = "another session has this path",
    [BFD_CONFIG_MOVED] = "a session's path can't change",
    [BFD_CONFIG_ADDRESS] = "bad address",
    [BFD_CONFIG_INTERVAL] = "interval not within 10 ms and 60 s",
    [BFD_CONFIG_MULT] = "detect multiplier 0",
    [BFD_CONFIG_ROLE] = "passive on a single hop, or point-to-point over several",
    [BFD_CONFIG_PASSWORD] = "simple password is not spoken",
    [BFD_CONFIG_LEGACY] = "MD5 only as legacy",
    [BFD_CONFIG_NO_HASH] = "hash not available",
    [BFD_CONFIG_KEYS] = "bad keys",
    [BFD_CONFIG_N] = NULL,
};

/* ---- made and freed ---- */

/* Room for every timer from the start: setting one never fails later. */
static bool reserve_timers(struct bfd *b)
{
    kd_timers_init(&b->timers);
    for (uint32_t i = b->sessions_max; i-- > 0;)
        if (!kd_timers_set(&b->timers, i, 1))
            return false;
    for (uint32_t i = 0; i < b->sessions_max; i++)
        kd_timers_del(&b->timers, i);
    return true;
}

static bool allocate(struct bfd *b)
{
    b->session = calloc(b->sessions_max, sizeof(*b->session));
    b->free_slot = calloc(b->sessions_max, sizeof(*b->free_slot));
    for (int k = 0; k < BFD_INDEXES; k++)
        b->bucket[k] = calloc(b->buckets, sizeof(*b->bucket[k]));
    return b->session && b->free_slot && b->bucket[BFD_BY_ID] && b->bucket[BFD_BY_DISCR] &&
           b->bucket[BFD_BY_PATH] && reserve_timers(b);
}

struct bfd *bfd_new(const struct bfd_params *p)
{
    struct bfd *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    kd_assert(p->sessions_max <= BFD_SESSIONS_MAX);
    b->crypto = p->crypto;
    b->sessions_max = p->sessions_max ? p->sessions_max : BFD_SESSIONS_DEFAULT;
    for (b->buckets = 1; b->buckets < b->sessions_max;)
        b->buckets *= 2;
    kc_rng_init(&b->rng, p->seed);
    b->port_base = kc_rng_below(&b->rng, BFD_SESSIONS_MAX);
    if (!allocate(b)) {
        bfd_free(b);
        return NULL;
    }
    for (uint32_t i = b->sessions_max; i-- > 0;)
        b->free_slot[b->n_free++] = i;
    return b;
}

void bfd_free(struct bfd *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->session && i < b->sessions_max; i++)
        if (b->session[i].live)
            bfd_session_del(b, b->session[i].id);
    kd_timers_fini(&b->timers);
    for (int k = 0; k < BFD_INDEXES; k++)
        free(b->bucket[k]);
    free(b->free_slot);
    free(b->session);
    kc_wipe(&b->rng, sizeof(b->rng));
    free(b);
}

/* ---- step ---- */

/* Bounded by the room in out: what is left fires in the next step. */
static bool fire(struct bfd *b)
{
    uint32_t slot;

    while (bfd_emit_room(b) && kd_timers_pop(&b->timers, b->now_us, &slot))
        bfd_session_wake(b, &b->session[slot]);
    return kd_timers_next(&b->timers) <= b->now_us;
}

void bfd_step(struct bfd *b, const struct bfd_event *ev, struct bfd_out *out)
{
    b->now_us = ev->now_us;
    b->out = out;
    out->n = out->used = 0;
    out->more = false;
    switch (ev->kind) {
    case BFD_EV_WAKE:
        out->more = fire(b);
        break;
    case BFD_EV_PACKET:
        bfd_receive(b, ev);
        break;
    case BFD_EV_ADMIN_UP:
    case BFD_EV_ADMIN_DOWN:
        bfd_session_admin(b, ev);
        break;
    case BFD_EV_CONFIG:
        bfd_session_retune(b, ev);
        break;
    }
    out->deadline_us = kd_timers_next(&b->timers);
    b->out = NULL;
}
