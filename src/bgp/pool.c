/* Chunked pools and maps. Not thread-safe, never shrinks before fini: a table that was large once
 * is expected to be large again after the next session. */
#include "bgp/pool.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for chunk number c in an array of chunk pointers. */
static bool reserve(void ***array, uint32_t *cap, uint32_t c)
{
    void **p = *array;
    uint32_t n = KD_MAX(c + 1, *cap * 2);

    if (c < *cap)
        return true;
    p = realloc(p, n * sizeof(*p));
    if (!p)
        return false;
    memset(p + *cap, 0, (n - *cap) * sizeof(*p));
    *array = p;
    *cap = n;
    return true;
}

static void chunks_free(void **p, uint32_t cap)
{
    for (uint32_t i = 0; i < cap; i++)
        free(p[i]);
    free(p);
}

void bgp_pool_init(struct bgp_pool *p, uint32_t elem)
{
    kd_assert(elem >= sizeof(uint32_t));
    *p = (struct bgp_pool){.elem = elem};
}

void bgp_pool_fini(struct bgp_pool *p)
{
    chunks_free(p->chunk, p->chunks_cap);
    bgp_pool_init(p, p->elem);
}

static uint32_t make(struct bgp_pool *p)
{
    uint32_t i = p->n_made ? p->n_made : 1; /* number 0 is "none" */
    uint32_t c = i >> BGP_CHUNK_BITS;

    if (i == UINT32_MAX || !reserve(&p->chunk, &p->chunks_cap, c))
        return 0;
    if (!p->chunk[c])
        p->chunk[c] = calloc(BGP_CHUNK, p->elem);
    if (!p->chunk[c])
        return 0;
    p->n_made = i + 1;
    return i;
}

uint32_t bgp_pool_new(struct bgp_pool *p)
{
    uint32_t i = p->free;

    if (i) {
        void *e = bgp_pool_at(p, i);
        memcpy(&p->free, e, sizeof(p->free));
        memset(e, 0, p->elem);
    } else {
        i = make(p);
        if (!i)
            return 0;
    }
    p->n_live++;
    return i;
}

void bgp_pool_free(struct bgp_pool *p, uint32_t i)
{
    void *e = bgp_pool_at(p, i);

    memset(e, 0, p->elem);
    memcpy(e, &p->free, sizeof(p->free));
    p->free = i;
    p->n_live--;
}

void bgp_map_fini(struct bgp_map *m)
{
    chunks_free(m->chunk, m->chunks_cap);
    *m = (struct bgp_map){0};
}

bool bgp_map_set(struct bgp_map *m, uint32_t i, uint32_t v)
{
    uint32_t c = i >> BGP_CHUNK_BITS;

    if (v == 0 && bgp_map_get(m, i) == 0)
        return true;
    if (!reserve(&m->chunk, &m->chunks_cap, c))
        return false;
    if (!m->chunk[c])
        m->chunk[c] = calloc(BGP_CHUNK, sizeof(uint32_t));
    if (!m->chunk[c])
        return false;
    ((uint32_t *)m->chunk[c])[i & (BGP_CHUNK - 1)] = v;
    return true;
}

uint32_t bgp_map_skip(const struct bgp_map *m, uint32_t from)
{
    for (uint32_t c = from >> BGP_CHUNK_BITS; c < m->chunks_cap; c++)
        if (m->chunk[c])
            return KD_MAX(from, c << BGP_CHUNK_BITS);
    return UINT32_MAX;
}
