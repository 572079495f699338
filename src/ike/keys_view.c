/* The engine's keys by handle, for the key log. */
#include "ike/keys_view.h"

#include "ike/sa.h"

bool ike_sa_keys_next(const struct ike *e, struct kd_handle *at, struct ike_sa_keys *k)
{
    const struct ike_sa *sa;

    do
        sa = kd_slab_next(&e->sas, at);
    while (sa && (sa->state == IKE_ST_GONE || kd_handle_none(sa->k.ei) || !sa->suite.encr));
    if (!sa)
        return false;
    *k = (struct ike_sa_keys){.self = sa->self,
                              .conn = sa->conn,
                              .encr = sa->suite.encr,
                              .integ = sa->suite.integ,
                              .ei = sa->k.ei,
                              .er = sa->k.er,
                              .ai = sa->k.ai,
                              .ar = sa->k.ar};
    memcpy(k->spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(k->spi_r, sa->spi_r, IKE_SPI_LEN);
    return true;
}

bool ike_child_keys_next(const struct ike *e, struct kd_handle *at, struct ike_child_keys *k)
{
    const struct ike_child *c;
    const struct ike_sa *sa = NULL;

    do {
        c = kd_slab_next(&e->children, at);
        sa = c ? ike_sa_get(e, c->sa) : NULL;
    } while (c && (!sa || !c->installed));
    if (!c)
        return false;
    *k = (struct ike_child_keys){.self = c->self,
                                 .conn = sa->conn,
                                 .spi_in = c->spi_in,
                                 .spi_out = c->spi_out,
                                 .encr = c->suite.encr,
                                 .integ = c->suite.integ,
                                 .encap = c->encap,
                                 .local = sa->local,
                                 .remote = sa->remote,
                                 .enc_in = c->key[0],
                                 .int_in = c->key[1],
                                 .enc_out = c->key[2],
                                 .int_out = c->key[3]};
    return true;
}
