/* Looking for the way: rounds of echo requests with TTLs from 1 on, whose deaths name the routers.
 * Rounds overlap, so that a long way is seen as often as a short one, and an answer counts for the
 * round that asked it, whenever it comes. Pure: the caller sends, receives and has the clock. */
#ifndef PROBE_HOPS_H
#define PROBE_HOPS_H

#include "probe/probe.h"
#include "probe/wire.h"

#define PROBE_ROUNDS_MAX 16 /* under way: four seconds' of those that follow quickly */

struct probe_hops {
    struct probe_way way;
    /* its own */
    struct probe_wire wire;
    uint64_t wait_us;
    uint64_t asked_us; /* the last round; 0: none yet */
    unsigned urgent;   /* rounds that follow one another quickly, because something has changed */
    bool further;      /* the last round judged didn't get there: the next asks all that may be */
    uint64_t begun, judged; /* rounds: the next to begin, the next to be judged */
    struct probe_round {
        uint64_t asked_us, reached_us; /* the answer of the end; 0: none yet */
        struct probe_path seen;
    } round[PROBE_ROUNDS_MAX];
    /* what ordinary packets hint at */
    uint8_t ttl;     /* of the last answer; 0: not known */
    uint64_t newest; /* the highest number answered */
};

/* id, session: random, the identifier another than the numbered packets'. wait_us: what a hop may
 * take to answer, at the most. */
void probe_hops_begin(struct probe_hops *h, uint8_t family, uint16_t id, uint64_t session,
                      uint64_t wait_us);

/* Begins the round that is due, if one is: how many TTLs from 1 on to send; 0: none is. Of sixteen
 * that are under way the oldest is given up. */
uint8_t probe_hops_ask(struct probe_hops *h, uint64_t now_us);
/* The packet of the round begun last, to be sent with that TTL; its length. */
size_t probe_hops_put(const struct probe_hops *h, uint8_t ttl, uint8_t buf[PROBE_WIRE_MAX]);
/* What a raw ICMP socket received (IPv4: with its header) and from whom. What answers none of the
 * rounds under way changes nothing. */
void probe_hops_take(struct probe_hops *h, const struct kd_addr *from, struct kd_bytes msg,
                     uint64_t now_us);
/* Judges the rounds whose hops have all answered, or whose time is up: what one says of h->way (one
 * with news a call; call again). A hop has wait_us; once the end has answered, 200 ms and ten of
 * its round trips are enough. When a round is judged, those before it are over. */
enum probe_news probe_hops_judge(struct probe_hops *h, uint64_t now_us);

/* When the next round begins. */
uint64_t probe_hops_next(const struct probe_hops *h);
/* When a round is judged, if nothing comes before; in the past where all has come. KD_NEVER: none
 * is under way. */
uint64_t probe_hops_deadline(const struct probe_hops *h);

/* The way may have changed: the next rounds follow quickly. */
void probe_hops_hurry(struct probe_hops *h);
/* A numbered packet was answered; ttl: what was left of the answer's, 0: not known. Another one
 * than before, or a gap in the numbers, says that the way may have changed. */
void probe_hops_hint(struct probe_hops *h, uint64_t seq, uint8_t ttl);

#endif
