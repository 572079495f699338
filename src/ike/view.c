/* Read-only views for status. No state changes here, and no secret is visible. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/sa.h"

static void child_view(const struct ike_conn *conn, const struct ike_child *c,
                       struct ike_child_view *v)
{
    memcpy(v->name, conn->cfg.child[c->conf].name, sizeof(v->name));
    v->conf = c->conf;
    v->child = c->self;
    v->spi_in = c->spi_in;
    v->spi_out = c->spi_out;
    ike_suite_text(&c->suite, v->suite, sizeof(v->suite));
    v->esn = c->suite.esn;
    v->encap = c->encap;
    v->installed = c->state == IKE_CH_UP;
    v->since_us = c->created_us;
    v->rekey_at_us = c->rekey_us;
    v->expire_at_us = c->expire_us;
    v->local_ts = c->ts_local;
    v->remote_ts = c->ts_remote;
}

static void missing_view(const struct ike *e, const struct ike_conn *c, const struct ike_sa *sa,
                         struct ike_view *v)
{
    for (uint8_t i = 0; i < ike_conn_children(c); i++) {
        struct ike_missing_view *m = &v->missing[v->n_missing];
        if (ike_children_have(e, sa, i) || (c->cfg.ladder && i != c->step))
            continue;
        memcpy(m->name, c->cfg.child[i].name, sizeof(m->name));
        m->conf = i;
        m->refused = c->want[i].refused;
        m->retry_at_us = c->cfg.role == IKE_ROLE_RESPONDER ? KD_NEVER : c->want[i].retry_us;
        v->n_missing++;
    }
}

static void sa_view(const struct ike *e, const struct ike_conn *conn, const struct ike_sa *sa,
                    struct ike_view *v)
{
    v->established = sa->state == IKE_ST_UP;
    v->initiator = sa->initiator;
    v->encap = sa->encap;
    v->outstanding = sa->tx.out;
    memcpy(v->spi_i, sa->spi_i, IKE_SPI_LEN);
    memcpy(v->spi_r, sa->spi_r, IKE_SPI_LEN);
    if (sa->suite.encr)
        ike_suite_text(&sa->suite, v->suite, sizeof(v->suite));
    v->remote_id = sa->peer_id;
    v->auth = sa->peer_auth;
    v->local = sa->local;
    v->remote = sa->remote;
    v->since_us = sa->up_us;
    v->rekey_at_us = sa->rekey_us;
    v->expire_at_us = sa->expire_us;
    v->last_proof_us = sa->proof_us;
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c && c->state != IKE_CH_OLD && v->n_children < KD_ARRAY_LEN(v->children))
            child_view(conn, c, &v->children[v->n_children++]);
    }
}

bool ike_conn_view(const struct ike *e, uint32_t conn, struct ike_view *v)
{
    const struct ike_conn *c = ike_conn_find(e, conn);
    const struct ike_sa *sa;

    memset(v, 0, sizeof(*v));
    if (!c)
        return false;
    sa = ike_sa_get(e, c->sa);
    if (!sa)
        sa = ike_sa_get(e, c->attempt);
    v->mtu = c->mtu.v;
    if (sa)
        sa_view(e, c, sa, v);
    if (sa && v->established)
        missing_view(e, c, sa, v);
    return true;
}

bool ike_untold(const struct ike *e)
{
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_sa *sa;

    while ((sa = kd_slab_next(&e->sas, &h)))
        if (sa->state == IKE_ST_CLOSING && sa->tx.kind != IKE_XK_DEL_IKE && !ike_sa_silent(e, sa))
            return true;
    return false;
}

bool ike_has_child(const struct ike *e, struct kd_handle child)
{
    return ike_child_get(e, child) != NULL;
}
