/* Our intervals and the Poll Sequences that tell the peer of them (RFC 5880 6.5, 6.6, 6.8.3).
 *
 * A change goes out as `said` at once and counts as `used` at once, but for the two that would end
 * in a false alarm while the session is Up: sending more slowly, and expecting packets faster.
 * These count from the Final on.
 *
 * Deviation: a peer we have not heard for a detection time isn't polled; there is nobody to answer,
 * and while a session isn't Up every change counts at once anyway. */
#include "bfd/engine.h"

/* 6.8.3: when not Up, not less than a second. */
#define SLOW_TX_US 1000000u

bool bfd_polling(const struct bfd_session *s)
{
    return s->poll == BFD_POLL_DUE || s->poll == BFD_POLL_SENT;
}

void bfd_poll_cancel(struct bfd_session *s)
{
    s->poll = BFD_POLL_IDLE;
    s->tx.used_us = s->tx.said_us;
    s->rx.used_us = s->rx.said_us;
}

/* A sequence on its way tells what it told when it began; the next change waits for its end, or the
 * Final would be ambiguous. A change of state overrules: nothing it changes waits for a Final. */
static bool must_wait(const struct bfd_session *s, bool moved)
{
    return !moved && s->state == BFD_UP &&
           (s->poll == BFD_POLL_SENT || s->poll == BFD_POLL_SETTLING);
}

void bfd_poll_retune(struct bfd_session *s, bool moved)
{
    bool up = s->state == BFD_UP;
    uint32_t tx = up ? s->config.tx_us : KD_MAX(s->config.tx_us, SLOW_TX_US);
    uint32_t rx = s->config.rx_us;
    bool changed = tx != s->tx.said_us || rx != s->rx.said_us;

    if (must_wait(s, moved))
        return; /* bfd_poll_heard() comes back here */
    s->tx.said_us = tx;
    s->rx.said_us = rx;
    if (!up || tx < s->tx.used_us)
        s->tx.used_us = tx;
    if (!up || rx > s->rx.used_us)
        s->rx.used_us = rx;
    if (changed && s->remote_discr)
        s->poll = BFD_POLL_DUE;
}

void bfd_poll_heard(struct bfd_session *s, bool final)
{
    if (final && s->poll == BFD_POLL_SENT) {
        s->poll = BFD_POLL_SETTLING;
        s->tx.used_us = s->tx.said_us;
        s->rx.used_us = s->rx.said_us;
    } else if (!final && s->poll == BFD_POLL_SETTLING) {
        s->poll = BFD_POLL_IDLE;
        bfd_poll_retune(s, false);
    }
}

void bfd_poll_changed(struct bfd_session *s)
{
    uint8_t header[BFD_HEADER_LEN];
    struct bfd_packet p;
    struct kd_writer w;

    if (s->poll != BFD_POLL_IDLE || !bfd_demand_active(s))
        return;
    bfd_packet_of(s, &p);
    kd_writer_init(&w, header, sizeof(header));
    bfd_packet_build(&p, &w);
    if (memcmp(header, s->told, sizeof(header)) != 0)
        s->poll = BFD_POLL_DUE;
}
