/* See ike_state.h. Names are numbered as they are met, so the order of the walk is part of the
 * state: slots of SAs and of children. */
#include "ike/child.h"
#include "ike_state.h"

#define NAMES  128
#define NONCES 64

struct walk {
    uint64_t h;
    uint64_t name[NAMES];
    unsigned n_names;
    const struct ike_nonce *nonce[NONCES];
    unsigned n_nonces;
};

static void put(struct walk *w, uint64_t v)
{
    w->h = (w->h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    w->h ^= w->h >> 29;
}

static void put_name(struct walk *w, uint64_t name)
{
    unsigned i = 0;

    while (i < w->n_names && w->name[i] != name)
        i++;
    if (i == w->n_names && w->n_names < NAMES)
        w->name[w->n_names++] = name;
    put(w, name ? i + 1 : 0);
}

static uint64_t spi_of(const uint8_t spi[IKE_SPI_LEN])
{
    uint64_t v;

    memcpy(&v, spi, sizeof(v));
    return v;
}

static void put_sa_name(struct walk *w, const struct ike_sa *sa)
{
    put_name(w, sa ? spi_of(sa->spi_i) : 0);
}

static void put_child_name(struct walk *w, const struct ike_child *c)
{
    put_name(w, c ? c->spi_in : 0);
}

static void put_nonce(struct walk *w, const struct ike_nonce *n)
{
    if (n->len && w->n_nonces < NONCES)
        w->nonce[w->n_nonces++] = n;
    put(w, n->len != 0);
}

/* Soon, some time, or never. */
static unsigned when(const struct ike *e, uint64_t at_us)
{
    return at_us == KD_NEVER ? 0 : at_us < e->now_us + KD_S(300) ? 1 : 2;
}

static void put_xchg(struct walk *w, const struct ike *e, const struct ike_xchg *x)
{
    put(w, x ? x->kind : 0);
    if (!x)
        return;
    put(w, (unsigned)x->ready << 4 | (unsigned)x->sent << 3 | (unsigned)(x->ke.dh != NULL) << 2 |
               (unsigned)!kd_handle_none(x->ke.job) << 1 | (unsigned)!kd_handle_none(x->ke.secret));
    put_child_name(w, ike_child_get(e, x->old));
    put_child_name(w, ike_child_get(e, x->child));
    put(w, !kd_handle_none(x->rival));
    put_child_name(w, ike_child_get(e, x->rival));
    put_nonce(w, &x->ni);
    put_nonce(w, &x->nr);
    for (unsigned i = 0; i < x->n_gone; i++)
        put_name(w, x->gone[i]);
    put_name(w, x->spi);
    put_name(w, x->spi_peer);
}

static void put_child(struct walk *w, const struct ike *e, const struct ike_child *c)
{
    put_name(w, c->spi_in);
    put_name(w, c->spi_out);
    put(w, c->state);
    put(w, (unsigned)c->refused << 7 | (unsigned)c->noted << 6 | (unsigned)c->installed << 5 |
               (unsigned)c->want_rekey << 4 | (unsigned)c->delete_sent << 3 |
               (unsigned)c->redundant << 2 | (unsigned)c->initiator << 1 | (unsigned)c->ordered);
    put(w, c->down);
    put_child_name(w, ike_child_get(e, c->replaces));
    put_child_name(w, ike_child_get(e, c->replaced_by));
    put_child_name(w, ike_child_get(e, c->rival));
    put_nonce(w, &c->nonce_low);
    put(w, when(e, c->rekey_us) << 4 | when(e, c->expire_us) << 2 | when(e, c->end_us));
}

/* meeting: SAs are being made, whose nonces are compared with those of the others. */
static void put_sa(struct walk *w, const struct ike *e, const struct ike_sa *sa, bool meeting)
{
    put_sa_name(w, sa);
    put(w, sa->state);
    put(w, (unsigned)sa->said_contact << 10 | (unsigned)sa->initiator << 9 |
               (unsigned)sa->redundant << 8 |
               (unsigned)sa->successor << 7 | (unsigned)sa->waiting << 6 |
               (unsigned)sa->announced << 5 | (unsigned)sa->want_rekey << 4 |
               (unsigned)sa->want_probe << 3 | (unsigned)sa->tx.out << 2 |
               (unsigned)sa->rx.busy << 1 | (unsigned)sa->ordered);
    put(w, sa->tx.kind);
    put(w, sa->tx.next_id);
    put(w, sa->rx.next_id);
    put(w, sa->temporary);
    put(w, sa->closing);
    put_sa_name(w, ike_sa_get(e, sa->heir));
    put_sa_name(w, ike_sa_get(e, sa->before));
    put_sa_name(w, ike_sa_get(e, sa->rival));
    put(w, when(e, sa->rekey_us) << 4 | when(e, sa->expire_us) << 2 | when(e, sa->end_us));
    put_child_name(w, ike_child_get(e, sa->tx.child));
    put_xchg(w, e, sa->ours);
    put_xchg(w, e, sa->theirs);
    if (sa->waiting || meeting)
        put_nonce(w, &sa->nonce_low);
    if (sa->hs) {
        put_nonce(w, &sa->hs->ni);
        put_nonce(w, &sa->hs->nr);
    }
    for (int i = 0; i < IKE_SA_CHILDREN; i++) {
        const struct ike_child *c = ike_child_get(e, sa->child[i]);
        if (c)
            put_child(w, e, c);
    }
}

static void put_engine(struct walk *w, const struct ike *e)
{
    const struct ike_conn *c = ike_conn_find(e, 7);
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_sa *sa;
    bool meeting = false;

    while ((sa = kd_slab_next(&e->sas, &h)))
        meeting = meeting || sa->hs;
    h = KD_HANDLE_NONE;
    put(w, c->admin);
    put_sa_name(w, ike_sa_get(e, c->sa));
    put_sa_name(w, ike_sa_get(e, c->elect));
    put_sa_name(w, ike_sa_get(e, c->attempt));
    put(w, when(e, c->retry_us));
    put(w, when(e, c->want[0].retry_us) << 4 | (unsigned)c->want[0].tried);
    put(w, c->want[0].refused);
    while ((sa = kd_slab_next(&e->sas, &h)))
        put_sa(w, e, sa, meeting);
}

static void put_side(struct walk *w, const struct pair_side *s)
{
    for (unsigned i = 0; i < s->n_children; i++) {
        put_name(w, s->child[i].spi_in);
        put(w, s->child[i].used);
    }
    put(w, ~UINT64_C(0));
}

/* ---- the network ---- */

static void put_notify(struct walk *w, const struct ike_notify *n)
{
    put(w, n->type);
    if (n->spi.len == 4)
        put_name(w, (uint32_t)n->spi.p[0] << 24 | (uint32_t)n->spi.p[1] << 16 |
                        (uint32_t)n->spi.p[2] << 8 | n->spi.p[3]);
}

static void put_inner(struct walk *w, const struct ike_msg *m)
{
    put(w, (unsigned)(m->sa.len > 0) << 2 | (unsigned)(m->ke.data.len > 0) << 1 |
               (unsigned)(m->tsi.len > 0));
    for (unsigned i = 0; i < m->n_notifies; i++)
        put_notify(w, &m->notifies[i]);
    for (unsigned i = 0; i < m->n_deletes; i++) {
        put(w, m->deletes[i].protocol);
        for (uint16_t k = 0; m->deletes[i].protocol == IKE_PROTO_ESP && k < m->deletes[i].n; k++)
            put_name(w, ike_delete_spi(&m->deletes[i], k));
    }
}

static void put_datagram(struct walk *w, const struct pair *p, const struct pair_packet *k)
{
    static uint8_t copy[65536];
    static struct ike_msg m;
    const struct ike *to = p->s[!k->from].e;
    const struct ike_sa *sa;
    struct ike_diag d;

    memcpy(copy, k->data, k->len);
    put(w, (unsigned)k->from);
    put(w, k->len);
    if (!ike_msg_parse(kd_bytes(copy, k->len), &m, &d))
        return;
    put_name(w, spi_of(m.h.spi_i));
    put(w, (uint64_t)m.h.exchange << 40 | (uint64_t)m.h.flags << 32 | m.h.msg_id);
    sa = ike_index_spi(to, m.h.flags & IKE_FLAG_INITIATOR ? m.h.spi_r : m.h.spi_i);
    if (sa && sa->open.box && ike_msg_has(&m, IKE_PL_SK) &&
        ike_msg_open(copy, k->len, &m, &sa->open, &d))
        put_inner(w, &m);
}

/* ---- all of it ---- */

static void put_order(struct walk *w)
{
    for (unsigned i = 0; i < w->n_nonces; i++) {
        unsigned rank = 0;
        for (unsigned k = 0; k < w->n_nonces; k++)
            rank += ike_nonce_cmp(w->nonce[k], w->nonce[i]) < 0;
        put(w, rank);
    }
}

uint64_t state_hash(const struct pair *p)
{
    struct walk w = {.h = 1};

    for (int side = 0; side < 2; side++) {
        put_engine(&w, p->s[side].e);
        put_side(&w, &p->s[side]);
    }
    for (unsigned i = 0; i < p->n_pkt; i++)
        put_datagram(&w, p, &p->pkt[i]);
    for (unsigned i = 0; i < p->n_evq; i++)
        put(&w, (unsigned)p->evq[i].side << 8 | (unsigned)p->evq[i].ev.kind);
    put_order(&w);
    return w.h;
}

bool state_outstanding(const struct pair *p, int side, bool attempts)
{
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_sa *sa;

    while ((sa = kd_slab_next(&p->s[side].e->sas, &h)))
        if (sa->tx.out && (sa->state == IKE_ST_UP || sa->state == IKE_ST_CLOSING ||
                           (attempts && sa->state < IKE_ST_UP)))
            return true;
    return false;
}

unsigned state_sas(const struct pair *p, int side)
{
    struct kd_handle h = KD_HANDLE_NONE;
    const struct ike_sa *sa;
    unsigned n = 0;

    while ((sa = kd_slab_next(&p->s[side].e->sas, &h)))
        n += sa->state != IKE_ST_GONE;
    return n;
}

void state_seed(struct pair *p, uint64_t seed)
{
    for (int side = 0; side < 2; side++) {
        uint8_t b[32] = {(uint8_t)side};
        for (int i = 0; i < 8; i++)
            b[8 + i] = (uint8_t)(seed >> (8 * i));
        kc_rng_init(&p->s[side].e->rng, b);
    }
}
