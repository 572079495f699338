/* When a tunnel began to carry and when it ceased: marks of a drill's timeline, by the data plane
 * that saw it. Pure: the shell looks and has the clock. */
#ifndef DRILL_CARRIED_H
#define DRILL_CARRIED_H

#include "drill/result.h"

#define DRILL_SPELLS_MAX                                                                           \
    4 /* told, a tunnel; traffic that comes and goes by itself is no failover */

/* Of one tunnel; zero at first. */
struct drill_carried {
    uint32_t told;              /* spells */
    uint64_t first_us, last_us; /* of the spell that is known */
    uint64_t precision_us;      /* of last_us */
    struct {                    /* a counter that is looked at: */
        uint64_t looked_us, packets;
        uint64_t moved_us;                         /* it had grown at that look, or begins */
        uint64_t from, from_us, from_precision_us; /* where it grew again */
        bool small; /* not more than a few packets since: no spell yet */
    } count;
};

/* kedge's own ESP: the present spell and the end of the one before, CLOCK_MONOTONIC, 0 for none. */
struct drill_spell {
    uint64_t before_us, first_us, last_us;
};
void drill_carried_spell(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                         const struct drill_spell *s);
/* The kernel's: packets received by now. A spell is DRILL_SPELL_PACKETS of them, none further from
 * the one before than gap_us: fewer are what BGP says on a tunnel without traffic. As precise as
 * one looks often. */
#define DRILL_SPELL_PACKETS 10u
void drill_carried_count(struct drill_carried *c, struct drill_result *r, const char *tunnel,
                         uint64_t packets, uint64_t gap_us, uint64_t now_us);
/* The drill ends: a spell that is over by now ended with its last packet. */
void drill_carried_end(const struct drill_carried *c, struct drill_result *r, const char *tunnel,
                       uint64_t gap_us, uint64_t now_us);

#endif
