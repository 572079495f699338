/* Finding the SA of a datagram: by our own SPI, and for IKE_SA_INIT by the hash of the whole
 * request, as two peers behind one NAT may choose the same SPI (RFC 7296 2.1, 2.6). And the
 * connections of an address.
 *
 * Our SPIs are random and the other key is a hash, so the low bits serve as they are; chains are
 * walked for an exact match only, so their order is never visible. */
#include "ike/sa.h"

static uint32_t bucket(const uint8_t *key)
{
    return (uint32_t)(key[0] << 8 | key[1]) % IKE_INDEX_BUCKETS;
}

struct ike_sa *ike_index_spi(const struct ike *e, const uint8_t spi[IKE_SPI_LEN])
{
    struct ike_sa *sa = e->by_spi[bucket(spi)];

    while (sa && memcmp(ike_sa_spi(sa), spi, IKE_SPI_LEN) != 0)
        sa = sa->spi_link;
    return sa;
}

struct ike_sa *ike_index_init(const struct ike *e, const uint8_t hash[20])
{
    struct ike_sa *sa = e->by_init[bucket(hash)];

    while (sa && memcmp(sa->init_hash, hash, 20) != 0)
        sa = sa->init_link;
    return sa;
}

void ike_spi_draw(struct ike *e, uint8_t spi[IKE_SPI_LEN])
{
    static const uint8_t zero[IKE_SPI_LEN];

    do
        kc_rng_bytes(&e->rng, spi, IKE_SPI_LEN);
    while (memcmp(spi, zero, IKE_SPI_LEN) == 0 || ike_index_spi(e, spi));
}

void ike_index_add_spi(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa **head = &e->by_spi[bucket(ike_sa_spi(sa))];

    sa->spi_link = *head;
    *head = sa;
    sa->in_spi = true;
}

void ike_index_add_init(struct ike *e, struct ike_sa *sa, const uint8_t hash[20])
{
    struct ike_sa **head = &e->by_init[bucket(hash)];

    memcpy(sa->init_hash, hash, 20);
    sa->init_link = *head;
    *head = sa;
    sa->in_init = true;
}

void ike_index_del(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa **p;

    if (sa->in_spi) {
        for (p = &e->by_spi[bucket(ike_sa_spi(sa))]; *p != sa;)
            p = &(*p)->spi_link;
        *p = sa->spi_link;
    }
    if (sa->in_init) {
        for (p = &e->by_init[bucket(sa->init_hash)]; *p != sa;)
            p = &(*p)->init_link;
        *p = sa->init_link;
    }
    sa->in_spi = sa->in_init = false;
}

/* ---- connections by remote address ---- */

static uint32_t addr_bucket(const struct kd_addr *a)
{
    uint32_t x = 0;

    for (size_t i = 0; i < kd_addr_len(a); i++)
        x = (x ^ a->b[i]) * UINT32_C(16777619);
    return a->family ? x % IKE_ADDR_BUCKETS : 0;
}

struct ike_conn *ike_index_conns(const struct ike *e, const struct kd_addr *remote)
{
    return e->by_addr[addr_bucket(remote)];
}

void ike_index_add_conn(struct ike *e, struct ike_conn *c)
{
    struct ike_conn **p = &e->by_addr[addr_bucket(&c->cfg.remote)];

    while (*p && (*p)->id < c->id)
        p = &(*p)->addr_link;
    c->addr_link = *p;
    *p = c;
}

void ike_index_del_conn(struct ike *e, struct ike_conn *c)
{
    struct ike_conn **p = &e->by_addr[addr_bucket(&c->cfg.remote)];

    while (*p && *p != c)
        p = &(*p)->addr_link;
    if (*p)
        *p = c->addr_link;
}
