/* Read-only views for status. */
#include "bfd/engine.h"

/* The peer reckons the same way with what we last said (6.8.4). */
static uint64_t peers_detect_us(const struct bfd_session *s)
{
    return (uint64_t)s->config.detect_mult * KD_MAX(s->tx.said_us, s->remote_rx_us);
}

bool bfd_session_get(const struct bfd *b, uint32_t session, struct bfd_session_view *v)
{
    const struct bfd_session *s = bfd_find_id(b, session);

    if (!s)
        return false;
    *v = (struct bfd_session_view){
        .state = s->state,
        .remote_state = s->remote_state,
        .diag = s->diag,
        .remote_diag = s->remote_diag,
        .reason = s->reason,
        .since_us = s->since_us,
        .heard_us = s->heard_us,
        .local_discr = s->local_discr,
        .remote_discr = s->remote_discr,
        .src_port = s->src_port,
        .tx_us = bfd_transmit_interval(s),
        .rx_us = s->remote_mult ? KD_MAX(s->rx.used_us, s->remote_tx_us) : 0,
        .detect_us = bfd_detect_us(s),
        .announce_us = s->remote_discr ? peers_detect_us(s) : 0,
        .remote_mult = s->remote_mult,
        .remote_demand = bfd_demand_active(s),
        .remote_cpi = s->remote_cpi,
        .polling = bfd_polling(s),
        .failures = s->failures,
        .packets_in = s->packets_in,
        .packets_out = s->packets_out,
        .refused = s->refused,
        .last_refusal = s->last_refusal,
    };
    return true;
}

uint64_t bfd_refused(const struct bfd *b, enum bfd_refusal why)
{
    return (unsigned)why < BFD_REFUSAL_N ? b->refused[why] : 0;
}
