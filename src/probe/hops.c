/* Rounds of packets that die on the way. What a round tells of it is path.c's; here it is known
 * which round an answer belongs to, by 8 bits of its number, and when a round has told all. */
#include "probe/hops.h"

#include "probe/echo.h"

#include <string.h>

#define EVERY_US      KD_S(1) /* routers answer about once a second */
#define URGENT_US     KD_MS(250)
#define URGENT_ROUNDS 5  /* they have some answers in store (Linux: six) */
#define FIRST         16 /* TTLs, while the way isn't known */
#define BEYOND        4  /* the way that is known */
#define NEAR_US       KD_MS(200)
#define NEAR_TRIPS    10

void probe_hops_begin(struct probe_hops *h, uint8_t family, uint16_t id, uint64_t session,
                      uint64_t wait_us)
{
    *h = (struct probe_hops){.wire = {.family = family, .id = id, .session = session},
                             .wait_us = wait_us};
}

static struct probe_round *round_at(struct probe_hops *h, uint64_t n)
{
    return &h->round[n % PROBE_ROUNDS_MAX];
}

/* ---- asking ---- */

uint64_t probe_hops_next(const struct probe_hops *h)
{
    return h->asked_us ? h->asked_us + (h->urgent ? URGENT_US : EVERY_US) : 0;
}

static uint8_t how_far(const struct probe_hops *h)
{
    if (h->further)
        return PROBE_HOPS_MAX;
    return h->way.known ? (uint8_t)KD_MIN(h->way.path.n + BEYOND, PROBE_HOPS_MAX) : FIRST;
}

uint8_t probe_hops_ask(struct probe_hops *h, uint64_t now_us)
{
    if (now_us < probe_hops_next(h))
        return 0;
    if (h->begun - h->judged == PROBE_ROUNDS_MAX)
        h->judged++;
    h->asked_us = now_us;
    h->urgent -= h->urgent > 0;
    *round_at(h, h->begun++) = (struct probe_round){.asked_us = now_us};
    return how_far(h);
}

size_t probe_hops_put(const struct probe_hops *h, uint8_t ttl, uint8_t buf[PROBE_WIRE_MAX])
{
    return probe_wire_put(&h->wire, ((h->begun - 1) & 0xff) << 8 | ttl, buf);
}

/* ---- answers ---- */

/* The round under way that has the number; NULL: none has. */
static struct probe_round *round_of(struct probe_hops *h, uint8_t number)
{
    for (uint64_t n = h->judged; n < h->begun; n++)
        if ((n & 0xff) == number)
            return round_at(h, n);
    return NULL;
}

static void reached(struct probe_round *r, uint8_t ttl, const struct kd_addr *from, uint64_t now_us)
{
    if (r->seen.reached && ttl >= r->seen.n)
        return; /* of packets that had TTL to spare */
    r->seen.reached = true;
    r->seen.n = ttl;
    r->seen.hop[ttl - 1] = *from;
    r->reached_us = now_us;
}

static void passed(struct probe_round *r, uint8_t ttl, const struct kd_addr *from)
{
    if (r->seen.reached && ttl >= r->seen.n)
        return;
    r->seen.hop[ttl - 1] = *from;
    if (!r->seen.reached)
        r->seen.n = KD_MAX(r->seen.n, ttl);
}

void probe_hops_take(struct probe_hops *h, const struct kd_addr *from, struct kd_bytes msg,
                     uint64_t now_us)
{
    struct probe_echo e = probe_echo_get(msg, h->wire.family);
    uint8_t ttl = e.seq & 0xff;
    struct probe_round *r;
    uint64_t seq, count;

    if (e.kind == PROBE_ECHO_NONE || e.id != h->wire.id || ttl == 0 || ttl > PROBE_HOPS_MAX)
        return;
    r = round_of(h, (uint8_t)(e.seq >> 8));
    if (!r)
        return;
    if (e.kind == PROBE_ECHO_EXCEEDED)
        passed(r, ttl, from);
    else if (probe_wire_get(&h->wire, msg, &seq, &count))
        reached(r, ttl, from, now_us);
}

/* ---- judging ---- */

static bool complete(const struct probe_path *p)
{
    for (uint8_t i = 0; i < p->n; i++)
        if (!p->hop[i].family)
            return false;
    return p->reached;
}

/* When it is judged. */
static uint64_t limit_us(const struct probe_hops *h, const struct probe_round *r)
{
    uint64_t wait_us = h->wait_us;

    if (complete(&r->seen))
        return r->asked_us;
    if (r->seen.reached)
        wait_us = KD_MIN(wait_us, NEAR_US + NEAR_TRIPS * (r->reached_us - r->asked_us));
    return r->asked_us + wait_us;
}

enum probe_news probe_hops_judge(struct probe_hops *h, uint64_t now_us)
{
    for (uint64_t n = h->judged; n < h->begun; n++) {
        const struct probe_round *r = round_at(h, n);
        if (now_us < limit_us(h, r))
            continue;
        h->judged = n + 1;
        h->further = !r->seen.reached;
        enum probe_news news = probe_way_seen(&h->way, &r->seen, r->asked_us);
        if (news != PROBE_WAY_SAME)
            return news;
    }
    return PROBE_WAY_SAME;
}

uint64_t probe_hops_deadline(const struct probe_hops *h)
{
    uint64_t at = KD_NEVER;

    for (uint64_t n = h->judged; n < h->begun; n++)
        at = KD_MIN(at, limit_us(h, &h->round[n % PROBE_ROUNDS_MAX]));
    return at;
}

/* ---- hints ---- */

void probe_hops_hurry(struct probe_hops *h)
{
    h->urgent = URGENT_ROUNDS;
}

void probe_hops_hint(struct probe_hops *h, uint64_t seq, uint8_t ttl)
{
    if ((h->ttl && ttl != h->ttl) || seq > h->newest + 1)
        probe_hops_hurry(h);
    h->ttl = ttl;
    h->newest = KD_MAX(h->newest, seq);
}
