/* Chunked storage addressed by small numbers: a pool of equal elements with a free list, and a
 * sparse map from such numbers to 32-bit values. Growing never moves and never copies what is
 * there, so that a table of a million routes grows without a pause. Number 0 means "none"
 * everywhere. */
#ifndef BGP_POOL_H
#define BGP_POOL_H

#include "base/attr.h"

#define BGP_CHUNK_BITS 9
#define BGP_CHUNK      (1u << BGP_CHUNK_BITS)

struct bgp_pool {
    uint32_t elem;   /* bytes an element, at least 4 */
    uint32_t n_made; /* numbers given out so far are below this; 0 when nothing was made */
    uint32_t n_live;
    uint32_t free; /* free list, threaded through the first four bytes */
    uint32_t chunks_cap;
    void **chunk;
};

void bgp_pool_init(struct bgp_pool *p, uint32_t elem);
void bgp_pool_fini(struct bgp_pool *p);
/* A zeroed element's number; 0 when out of memory. The last one freed comes first. */
uint32_t bgp_pool_new(struct bgp_pool *p) KD_MUST_USE;
void bgp_pool_free(struct bgp_pool *p, uint32_t i);

/* The element; i must have been made (it may have been freed). */
static inline void *bgp_pool_at(const struct bgp_pool *p, uint32_t i)
{
    return (char *)p->chunk[i >> BGP_CHUNK_BITS] + (size_t)(i & (BGP_CHUNK - 1)) * p->elem;
}

/* number -> value, 0 where nothing was set */
struct bgp_map {
    uint32_t chunks_cap;
    void **chunk;
};

void bgp_map_fini(struct bgp_map *m);
bool bgp_map_set(struct bgp_map *m, uint32_t i, uint32_t v) KD_MUST_USE; /* false: no memory */

static inline uint32_t bgp_map_get(const struct bgp_map *m, uint32_t i)
{
    uint32_t c = i >> BGP_CHUNK_BITS;

    if (c >= m->chunks_cap || !m->chunk[c])
        return 0;
    return ((const uint32_t *)m->chunk[c])[i & (BGP_CHUNK - 1)];
}

/* The first number >= from whose chunk exists, to skip the holes; UINT32_MAX at the end. */
uint32_t bgp_map_skip(const struct bgp_map *m, uint32_t from);

#endif
