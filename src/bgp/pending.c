/* The two-level bit set. */
#include "bgp/pending.h"

#include <stdlib.h>
#include <string.h>

void bgp_pending_fini(struct bgp_pending *s)
{
    free(s->bits);
    free(s->sum);
    *s = (struct bgp_pending){0};
}

static uint64_t *grown(uint64_t *p, uint32_t from, uint32_t to)
{
    p = realloc(p, to * sizeof(*p));
    if (p)
        memset(p + from, 0, (to - from) * sizeof(*p));
    return p;
}

bool bgp_pending_reserve(struct bgp_pending *s, uint32_t i)
{
    uint32_t have = s->words, want = KD_MAX((i / 4096 + 1) * 64, have * 2);
    uint64_t *p;

    if (i / 64 < have)
        return true;
    p = grown(s->sum, have / 64, want / 64);
    if (!p)
        return false;
    s->sum = p;
    p = grown(s->bits, have, want);
    if (!p)
        return false;
    s->bits = p;
    s->words = want;
    return true;
}

bool bgp_pending_set(struct bgp_pending *s, uint32_t i)
{
    uint64_t bit = 1ull << (i % 64);

    if (!bgp_pending_reserve(s, i))
        return false;
    if (s->bits[i / 64] & bit)
        return true;
    s->bits[i / 64] |= bit;
    s->sum[i / 4096] |= 1ull << (i / 64 % 64);
    s->n++;
    return true;
}

void bgp_pending_clear(struct bgp_pending *s, uint32_t i)
{
    uint64_t bit = 1ull << (i % 64);

    if (i / 64 >= s->words || !(s->bits[i / 64] & bit))
        return;
    s->bits[i / 64] &= ~bit;
    if (s->bits[i / 64] == 0)
        s->sum[i / 4096] &= ~(1ull << (i / 64 % 64));
    s->n--;
}

/* Index of the lowest bit >= from in an array of n words, or UINT32_MAX. */
static uint32_t scan(const uint64_t *w, uint32_t n, uint32_t from)
{
    uint64_t v;

    if (from / 64 >= n)
        return UINT32_MAX;
    v = w[from / 64] & ~0ull << (from % 64);
    for (uint32_t k = from / 64;; v = w[k]) {
        if (v)
            return k * 64 + (uint32_t)__builtin_ctzll(v);
        if (++k >= n)
            return UINT32_MAX;
    }
}

uint32_t bgp_pending_next(const struct bgp_pending *s, uint32_t from)
{
    uint64_t v;
    uint32_t word;

    if (s->n == 0 || from / 64 >= s->words)
        return 0;
    v = s->bits[from / 64] & ~0ull << (from % 64);
    if (v)
        return from / 64 * 64 + (uint32_t)__builtin_ctzll(v);
    word = scan(s->sum, s->words / 64, from / 64 + 1);
    if (word == UINT32_MAX)
        return 0;
    return word * 64 + (uint32_t)__builtin_ctzll(s->bits[word]);
}

bool bgp_pending_fill(struct bgp_pending *s, uint32_t end)
{
    if (end < 2)
        return true;
    if (!bgp_pending_reserve(s, end))
        return false;
    for (uint32_t i = 1; i < end; i++) {
        if (i % 64 == 0 && end - i >= 64) {
            s->n += 64 - (uint32_t)__builtin_popcountll(s->bits[i / 64]);
            s->bits[i / 64] = ~0ull;
            s->sum[i / 4096] |= 1ull << (i / 64 % 64);
            i += 63;
            continue;
        }
        if (!bgp_pending_set(s, i))
            return false;
    }
    return true;
}
