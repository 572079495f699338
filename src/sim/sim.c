/* The clock and the queue: a binary heap ordered by (time, sequence). Knows nothing of what runs.
 */
#include "sim/sim.h"

#include "sim/gateway.h"
#include "sim/link.h"

#include <stdlib.h>

/* More events than this at one instant mean that somebody asks to be woken in the past for ever. */
#define STANDSTILL 2000000u

/* ---- queue ---- */

static bool before(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void swap(struct sim_entry *a, struct sim_entry *b)
{
    struct sim_entry t = *a;

    *a = *b;
    *b = t;
}

static void push(struct sim *s, const struct sim_entry *e)
{
    size_t i = s->n;

    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->heap = realloc(s->heap, s->cap * sizeof(*s->heap));
        kd_assert(s->heap);
    }
    s->heap[s->n++] = *e;
    for (; i > 0 && before(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static struct sim_entry pop(struct sim *s)
{
    struct sim_entry top = s->heap[0];
    size_t i = 0;

    s->heap[0] = s->heap[--s->n];
    for (;;) {
        size_t l = 2 * i + 1, r = l + 1, least = i;
        if (l < s->n && before(&s->heap[l], &s->heap[least]))
            least = l;
        if (r < s->n && before(&s->heap[r], &s->heap[least]))
            least = r;
        if (least == i)
            return top;
        swap(&s->heap[i], &s->heap[least]);
        i = least;
    }
}

void sim_after(struct sim *s, uint64_t delay_us, sim_fn fn, void *obj, const void *data, size_t len)
{
    struct sim_entry e = {s->now_us + delay_us, s->next_seq++, fn, obj, NULL, len};

    if (len) {
        e.data = malloc(len);
        kd_assert(e.data);
        memcpy(e.data, data, len);
    }
    push(s, &e);
}

/* ---- running ---- */

static void run_one(struct sim *s)
{
    struct sim_entry e = pop(s);

    if (e.at_us > s->now_us)
        s->n_run = 0;
    kd_assert(s->n_run++ < STANDSTILL);
    s->now_us = e.at_us;
    e.fn(e.obj, e.data, e.len);
    free(e.data);
}

void sim_run_until(struct sim *s, uint64_t at_us)
{
    while (s->n && s->heap[0].at_us <= at_us)
        run_one(s);
    s->now_us = KD_MAX(s->now_us, at_us);
}

void sim_run(struct sim *s, uint64_t for_us)
{
    sim_run_until(s, s->now_us + for_us);
}

bool sim_wait(struct sim *s, uint64_t for_us, bool (*cond)(void *arg), void *arg)
{
    uint64_t end_us = s->now_us + for_us;

    while (!cond(arg)) {
        if (!s->n || s->heap[0].at_us > end_us) {
            s->now_us = end_us;
            return false;
        }
        run_one(s);
    }
    return true;
}

/* ---- randomness: splitmix64, apart from the engines' streams ---- */

uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->rng += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t sim_below(struct sim *s, uint64_t bound)
{
    return bound ? sim_random(s) % bound : 0;
}

bool sim_chance(struct sim *s, uint32_t per_mille)
{
    return per_mille && sim_below(s, 1000) < per_mille;
}

uint64_t sim_trace(const struct sim *s)
{
    uint64_t h = 0;

    for (const struct sim_gw *g = s->gws; g; g = g->next)
        h = h * 31 + g->trace;
    return h;
}

/* ---- making and ending ---- */

struct sim *sim_new(uint64_t seed, uint32_t keys_max)
{
    struct sim *s = calloc(1, sizeof(*s));

    kd_assert(s);
    s->seed = s->rng = seed;
    s->now_us = KD_S(1); /* not zero: a zeroed time shows */
    s->crypto = kc_ctx_new(KC_PROVIDER_SIM, keys_max);
    s->out = calloc(1, sizeof(*s->out));
    s->scratch = malloc(SIM_SCRATCH);
    kd_assert(s->crypto && s->out && s->scratch);
    return s;
}

void sim_free(struct sim *s)
{
    while (s->gws) {
        struct sim_gw *g = s->gws;
        s->gws = g->next;
        sim_gw_free(g);
    }
    while (s->n) {
        struct sim_entry e = pop(s);
        if (e.fn == sim_gw_on_event)
            sim_gw_event_drop(s, e.data);
        free(e.data);
    }
    sim_links_free(s);
    kd_assert(kc_keys_live(s->crypto) == 0);
    kc_ctx_free(s->crypto);
    free(s->heap);
    free(s->scratch);
    free(s->out);
    free(s);
}
