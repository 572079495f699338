/* A salted 32-bit hash of bytes. The salt comes from the engine's stream, so that a peer can't
 * choose prefixes or attributes that collide; what it orders is never visible. */
#ifndef BGP_HASH_H
#define BGP_HASH_H

#include "base/bytes.h"

static inline uint64_t bgp_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

static inline uint32_t bgp_hash(uint64_t salt, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = salt ^ len * 0x9e3779b97f4a7c15ull, v;

    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&v, p, 8);
        h = bgp_mix(h ^ v);
    }
    v = 0;
    if (len)
        memcpy(&v, p, len);
    return (uint32_t)bgp_mix(h ^ v);
}

#endif
