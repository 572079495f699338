/* A session's life: configured, switched on and off, woken, forgotten. */
#include "bfd/engine.h"

/* ---- configuration ---- */

static bool interval_ok(uint32_t us)
{
    return us >= BFD_INTERVAL_MIN && us <= BFD_INTERVAL_MAX;
}

static enum bfd_config_error check(const struct bfd *b, const struct bfd_session_config *c)
{
    if (kd_addr_is_any(&c->remote) || (c->local.family && c->local.family != c->remote.family))
        return BFD_CONFIG_ADDRESS;
    if (!interval_ok(c->tx_us) || !interval_ok(c->rx_us))
        return BFD_CONFIG_INTERVAL;
    if (c->detect_mult == 0)
        return BFD_CONFIG_MULT;
    if (c->multihop ? c->point_to_point : c->passive)
        return BFD_CONFIG_ROLE;
    return bfd_auth_check_config(b->crypto, &c->auth);
}

static bool has_key(const struct bfd_auth_config *c, struct kd_handle key)
{
    for (size_t i = 0; c && i < c->n_keys; i++)
        if (kd_handle_eq(c->key[i].key, key))
            return true;
    return false;
}

/* Frees the keys of c that the next configuration (NULL: none) doesn't use. */
static void drop_keys(struct bfd *b, const struct bfd_auth_config *c,
                      const struct bfd_auth_config *next)
{
    for (size_t i = 0; i < c->n_keys; i++)
        if (!has_key(next, c->key[i].key))
            kc_key_free(b->crypto, c->key[i].key);
}

/* 6.8.1: unique, not zero, random. */
static uint32_t draw_discr(struct bfd *b)
{
    uint32_t d;

    do
        d = kc_rng_u32(&b->rng);
    while (d == 0 || bfd_find_discr(b, d));
    return d;
}

static enum bfd_config_error create(struct bfd *b, uint32_t id, const struct bfd_session_config *c)
{
    struct bfd_session *s;
    uint32_t slot;

    if (bfd_find_path(b, c))
        return BFD_CONFIG_TAKEN;
    if (b->n_free == 0)
        return BFD_CONFIG_FULL;
    slot = b->free_slot[--b->n_free];
    s = &b->session[slot];
    *s = (struct bfd_session){
        .id = id,
        .slot = slot,
        .live = true,
        .config = *c,
        .src_port = (uint16_t)(BFD_SRC_PORT_MIN + (b->port_base + slot) % BFD_SESSIONS_MAX),
        .state = BFD_ADMIN_DOWN,
        .remote_state = BFD_DOWN,
        .local_discr = draw_discr(b),
        .remote_rx_us = 1,
        .xmit_seq = kc_rng_u32(&b->rng),
    };
    bfd_poll_retune(s, true);
    bfd_index_add(b, s);
    return BFD_CONFIG_OK;
}

static enum bfd_config_error replace(struct bfd *b, struct bfd_session *s,
                                     const struct bfd_session_config *c)
{
    if (!bfd_same_path(&s->config, c) || !kd_addr_eq(&s->config.remote, &c->remote))
        return BFD_CONFIG_MOVED;
    drop_keys(b, &s->config.auth, &c->auth);
    s->config = *c;
    if (c->auth.type == BFD_AUTH_NONE)
        s->rcv_seq.known = false; /* what comes without a number can't keep one alive */
    return BFD_CONFIG_OK;
}

enum bfd_config_error bfd_session_set(struct bfd *b, uint32_t session,
                                      const struct bfd_session_config *c)
{
    struct bfd_session *s = bfd_find_id(b, session);
    enum bfd_config_error error = check(b, c);

    if (error != BFD_CONFIG_OK)
        return error;
    return s ? replace(b, s, c) : create(b, session, c);
}

void bfd_session_del(struct bfd *b, uint32_t session)
{
    struct bfd_session *s = bfd_find_id(b, session);

    if (!s)
        return;
    drop_keys(b, &s->config.auth, NULL);
    bfd_index_del(b, s);
    kd_timers_del(&b->timers, s->slot);
    b->free_slot[b->n_free++] = s->slot;
    s->live = false;
}

/* ---- events ---- */

void bfd_session_settle(struct bfd *b, struct bfd_session *s)
{
    bfd_poll_changed(s);
    if (s->news)
        bfd_transmit(b, s, false);
    /* All timers exist since bfd_new(). */
    kd_assert(kd_timers_set(&b->timers, s->slot, KD_MIN(bfd_detect_at(s), bfd_transmit_at(s))));
}

void bfd_session_admin(struct bfd *b, const struct bfd_event *ev)
{
    struct bfd_session *s = bfd_find_id(b, ev->session);
    enum bfd_diag diag = ev->diag == BFD_DIAG_PATH_DOWN ? ev->diag : BFD_DIAG_ADMIN_DOWN;

    if (!s)
        return;
    if (!s->on && ev->kind == BFD_EV_ADMIN_DOWN) {
        s->diag = diag; /* AdminDown it is already; now it says so */
        s->reason = ev->reason != KD_REASON_NONE ? ev->reason : KD_REASON_ADMIN;
        s->since_us = b->now_us;
        s->news = true;
    }
    s->on = true;
    bfd_fsm_run(b, s, ev->kind == BFD_EV_ADMIN_UP ? BFD_FSM_ENABLE : BFD_FSM_DISABLE, diag,
                ev->reason);
    bfd_session_settle(b, s);
}

void bfd_session_retune(struct bfd *b, const struct bfd_event *ev)
{
    struct bfd_session *s = bfd_find_id(b, ev->session);

    if (!s)
        return;
    bfd_poll_retune(s, false);
    bfd_session_settle(b, s);
}

void bfd_session_wake(struct bfd *b, struct bfd_session *s)
{
    if (bfd_detect_at(s) <= b->now_us)
        bfd_silence(b, s);
    if (bfd_transmit_at(s) <= b->now_us)
        s->news = true;
    bfd_session_settle(b, s);
}
