/* Attribute sets, interned: routes with the same attributes share one, reached by number and
 * counted. What the decision looks at lies decoded in front, everything is in the encoded blob
 * behind. */
#ifndef BGP_ATTRSET_H
#define BGP_ATTRSET_H

#include "bgp/attr.h"

struct bgp_attrset {
    uint32_t refs, hash, next; /* next: hash chain */
    uint32_t len;              /* of blob */
    uint64_t has;
    uint32_t med, local_pref, originator_id;
    uint32_t first_as;   /* the neighboring AS (RFC 4271 9.1.2.2 c); 0: none */
    uint16_t n_as;       /* AS_PATH length of 9.1.2.2 a */
    uint16_t n_clusters; /* RFC 4456 9 */
    uint8_t origin;
    struct kd_addr nexthop;
    uint8_t blob[]; /* bgp_attrs_put() with four octets, without NEXT_HOP */
};

struct bgp_attrs_table {
    uint64_t salt;
    struct bgp_attrset **set; /* by number; [0] unused */
    uint32_t *bucket;
    uint32_t n_live, n_made, cap, buckets, free; /* free: list threaded through spare[] */
    uint32_t *spare;
    uint8_t *room;
};

bool bgp_attrs_init(struct bgp_attrs_table *t, uint64_t salt) KD_MUST_USE;
void bgp_attrs_fini(struct bgp_attrs_table *t);
/* The number of the set with these attributes, with a reference for the caller; 0: out of memory or
 * too long to be kept. a's views are copied. */
uint32_t bgp_attrs_intern(struct bgp_attrs_table *t, const struct bgp_attrs *a) KD_MUST_USE;
void bgp_attrs_unref(struct bgp_attrs_table *t, uint32_t id); /* 0 is ignored */

static inline struct bgp_attrset *bgp_attrs_at(const struct bgp_attrs_table *t, uint32_t id)
{
    return t->set[id];
}

static inline uint32_t bgp_attrs_ref(const struct bgp_attrs_table *t, uint32_t id)
{
    if (id)
        t->set[id]->refs++;
    return id;
}

/* The values again; views point into the set and live as long as it. */
void bgp_attrs_get(const struct bgp_attrs_table *t, uint32_t id, struct bgp_attrs *a);

#endif
