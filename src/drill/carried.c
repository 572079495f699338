/* Spells of traffic into marks. What was there before the drill began is no news. */
#include "drill/carried.h"

static void mark(struct drill_result *r, const struct drill_carried *c, enum drill_mark_kind kind,
                 uint64_t at_us, uint64_t precision_us, const char *tunnel)
{
    struct drill_mark *m =
        at_us > r->start_us
            ? drill_result_mark(r, kind, c->count.looked_us ? DRILL_BY_KERNEL : DRILL_BY_DATAPLANE,
                                at_us, tunnel)
            : NULL;

    if (m)
        m->precision_us = precision_us;
}

/* A spell begins behind another, which ended with before_us. */
static void tell(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                 uint64_t before_us, uint64_t precision_us)
{
    if (c->told++ >= DRILL_SPELLS_MAX)
        return;
    mark(r, c, DRILL_LAST_GOOD, before_us, c->precision_us, tunnel);
    mark(r, c, DRILL_FIRST_GOOD, c->first_us, precision_us, tunnel);
}

void drill_carried_spell(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                         const struct drill_spell *s)
{
    if (s->first_us != c->first_us) {
        c->first_us = s->first_us;
        if (s->first_us > r->start_us)
            tell(c, r, tunnel, s->before_us, 0);
    }
    c->last_us = s->last_us;
}

static void grown(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                  uint64_t packets, uint64_t gap_us, uint64_t now_us)
{
    uint64_t precision_us = now_us - c->count.looked_us;

    if (now_us > c->count.moved_us + gap_us) {
        c->count.small = true;
        c->count.from = c->count.packets;
        c->count.from_us = now_us;
        c->count.from_precision_us = precision_us;
    }
    c->count.moved_us = now_us;
    if (c->count.small && packets < c->count.from + DRILL_SPELL_PACKETS)
        return;
    if (c->count.small) {
        c->first_us = c->count.from_us;
        tell(c, r, tunnel, c->last_us, c->count.from_precision_us);
    }
    c->count.small = false;
    c->last_us = now_us;
    c->precision_us = precision_us;
}

void drill_carried_count(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                         uint64_t packets, uint64_t gap_us, uint64_t now_us)
{
    if (!c->count.looked_us)
        c->count.moved_us = now_us;
    else if (packets > c->count.packets)
        grown(c, r, tunnel, packets, gap_us, now_us);
    c->count.packets = packets; /* fewer than before: a pair has gone */
    c->count.looked_us = now_us;
}

void drill_carried_end(const struct drill_carried *c, struct drill_result *r, const char *tunnel,
                       uint64_t gap_us, uint64_t now_us)
{
    if (c->told <= DRILL_SPELLS_MAX && now_us > c->last_us + gap_us)
        mark(r, c, DRILL_LAST_GOOD, c->last_us, c->precision_us, tunnel);
}
