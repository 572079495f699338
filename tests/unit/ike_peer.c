/* See ike_peer.h. */
#include "ike/proof.h"
#include "ike_peer.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const uint8_t some_iv[IKE_IV_MAX] = {9};

/* ---- what the engine sends ---- */

static bool open_last(struct peer *t, const struct pair_packet *k)
{
    struct ike_diag d;

    t->len = k->len;
    memcpy(t->raw, k->data, k->len);
    memcpy(t->opened, k->data, k->len);
    REQUIRE(ike_msg_parse(kd_bytes(t->opened, t->len), &t->last, &d));
    return !ike_msg_has(&t->last, IKE_PL_SK) || !t->from.box ||
           ike_msg_open(t->opened, t->len, &t->last, &t->from, &d);
}

static void post(struct peer *t, struct kd_bytes msg)
{
    struct pair_packet *k;

    REQUIRE(t->p->n_pkt < PAIR_PACKETS);
    k = &t->p->pkt[t->p->n_pkt++];
    *k = (struct pair_packet){.at_us = t->p->now_us,
                              .seq = t->p->seq++,
                              .from = !t->side,
                              .src = t->here,
                              .dst = t->engine,
                              .natt = t->natt,
                              .data = malloc(msg.len ? msg.len : 1),
                              .len = msg.len};
    REQUIRE(k->data);
    if (msg.len)
        memcpy(k->data, msg.p, msg.len);
}

static bool take(struct pair *p, struct pair_packet *k)
{
    struct peer *t = p->ctx;
    bool request;

    if (k->from != t->side)
        return false;
    t->n++;
    t->src = k->src;
    t->dst = k->dst;
    (void)open_last(t, k);
    request = !ike_header_response(&t->last.h);
    t->n_requests += request;
    if (request)
        t->asked = t->last.h;
    if (request && t->polite && t->last.h.exchange == IKE_X_INFORMATIONAL) {
        (void)peer_answer(t);
        post(t, ike_build_end(&t->b));
    }
    return false;
}

/* ---- made and freed ---- */

static struct peer *peer_new(struct pair *p, int side)
{
    struct peer *t = calloc(1, sizeof(*t));

    REQUIRE(t);
    t->p = p;
    t->side = side;
    p->filter = take;
    p->ctx = t;
    p->s[!side].cut_out = true;
    return t;
}

struct peer *peer_of(struct pair *p, int side)
{
    struct peer *t = peer_new(p, side);
    struct ike *e = p->s[side].e;
    struct ike_sa *sa = ike_sa_get(e, ike_conn_find(e, 7)->sa);
    bool i;

    REQUIRE(sa && sa->state == IKE_ST_UP);
    i = sa->initiator;
    t->engine = sa->local;
    t->here = sa->remote;
    t->natt = sa->natt;
    t->flags = i ? 0 : IKE_FLAG_INITIATOR;
    t->next_id = sa->rx.next_id;
    memcpy(t->spi_i, sa->spi_i, 8);
    memcpy(t->spi_r, sa->spi_r, 8);
    t->to = (struct ike_sk){kc_box_new(e->crypto, sa->open.encr, sa->open.integ,
                                       i ? sa->k.er : sa->k.ei, i ? sa->k.ar : sa->k.ai),
                            sa->open.encr, sa->open.integ};
    t->from = (struct ike_sk){kc_box_new(e->crypto, sa->seal.encr, sa->seal.integ,
                                         i ? sa->k.ei : sa->k.er, i ? sa->k.ai : sa->k.ar),
                              sa->seal.encr, sa->seal.integ};
    REQUIRE(t->to.box && t->from.box);
    return t;
}

struct peer *peer_stranger(struct pair *p, int side)
{
    struct peer *t = peer_new(p, side);

    t->engine = (struct kd_endpoint){p->s[side].cfg.local, 500};
    t->here = (struct kd_endpoint){p->s[!side].cfg.local, 500};
    t->flags = IKE_FLAG_INITIATOR;
    memset(t->spi_i, 0x51, 8);
    return t;
}

void peer_free(struct peer *t)
{
    t->p->filter = NULL;
    t->p->ctx = NULL;
    kc_box_free(t->to.box);
    kc_box_free(t->from.box);
    free(t);
}

/* ---- what the peer sends ---- */

struct ike_header peer_header(const struct peer *t, uint8_t exchange, uint8_t flags, uint32_t id)
{
    struct ike_header h = {
        .exchange = exchange, .flags = (uint8_t)(flags | t->flags), .msg_id = id};

    memcpy(h.spi_i, t->spi_i, 8);
    memcpy(h.spi_r, t->spi_r, 8);
    return h;
}

struct ike_build *peer_begin_clear(struct peer *t, const struct ike_header *h)
{
    ike_build_begin(&t->b, t->buf, sizeof(t->buf), h);
    return &t->b;
}

struct ike_build *peer_begin(struct peer *t, const struct ike_header *h)
{
    (void)peer_begin_clear(t, h);
    ike_build_seal(&t->b, &t->to, some_iv);
    return &t->b;
}

struct ike_build *peer_request(struct peer *t, uint8_t exchange)
{
    struct ike_header h = peer_header(t, exchange, 0, t->next_id);

    return peer_begin(t, &h);
}

struct ike_build *peer_answer(struct peer *t)
{
    struct ike_header h = peer_header(t, t->asked.exchange, IKE_FLAG_RESPONSE, t->asked.msg_id);

    return peer_begin(t, &h);
}

unsigned peer_throw(struct peer *t, struct kd_bytes datagram)
{
    unsigned before = t->n;

    post(t, datagram);
    pair_run(t->p, KD_MS(20));
    return t->n - before;
}

unsigned peer_send(struct peer *t)
{
    struct kd_bytes msg = ike_build_end(&t->b);

    REQUIRE(msg.len > 0);
    if (!(msg.p[19] & IKE_FLAG_RESPONSE) && msg.p[18] != IKE_X_SA_INIT)
        t->next_id++;
    return peer_throw(t, msg);
}

struct ike_build *peer_init(struct peer *t)
{
    /* As long as makes no answer larger than the request. */
    static const uint8_t pub[512] = {1, 2, 3}, nonce[64] = {0x4e};
    const struct ike_conn_config *c = &t->p->s[!t->side].cfg;
    const struct kc_alg *dh = ike_proposals_first_dh(&c->ike);
    struct ike_header h = peer_header(t, IKE_X_SA_INIT, 0, 0);
    struct ike_build *b = peer_begin_clear(t, &h);

    ike_put_sa(b, &c->ike, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
    ike_put_ke(b, dh->id, kd_bytes(pub, dh->pub_len));
    ike_put_nonce(b, kd_bytes(nonce, sizeof(nonce)));
    return b;
}

void peer_flags(struct ike_build *b, uint8_t flags)
{
    kd_patch_u8(&b->w, b->payload_at + 1, flags);
}

uint16_t peer_error(const struct peer *t)
{
    const struct ike_notify *n = ike_msg_error(&t->last);

    return n ? n->type : 0;
}

void peer_put_child(struct peer *t, struct ike_build *b, uint32_t spi)
{
    const struct ike_conn_config *c = &t->p->s[!t->side].cfg;
    const uint8_t s[4] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
                          (uint8_t)spi};
    static const uint8_t nonce[32] = {0x4e};

    ike_put_sa(b, &c->esp, IKE_PROTO_ESP, kd_bytes(s, 4), false);
    ike_put_nonce(b, kd_bytes(nonce, sizeof(nonce)));
    ike_put_ts(b, IKE_PL_TSI, &c->child[0].local_ts);
    ike_put_ts(b, IKE_PL_TSR, &c->child[0].remote_ts);
}

/* ---- in the middle ---- */

static void put_body(struct ike_build *b, const struct ike_msg *m, uint32_t except, uint8_t type,
                     struct kd_bytes body)
{
    if (ike_msg_has(m, type) && !(except & IKE_HAS(type)))
        ike_put_payload(b, type, body);
}

void peer_copy(struct ike_build *b, const struct ike_msg *m, uint32_t except)
{
    put_body(b, m, except, IKE_PL_IDI, m->idi.body);
    put_body(b, m, except, IKE_PL_IDR, m->idr.body);
    for (unsigned i = 0; i < m->n_certs && !(except & IKE_HAS(IKE_PL_CERT)); i++)
        ike_put_payload(b, IKE_PL_CERT, m->certs[i].body);
    for (unsigned i = 0; i < m->n_certreqs && !(except & IKE_HAS(IKE_PL_CERTREQ)); i++)
        ike_put_payload(b, IKE_PL_CERTREQ, m->certreqs[i].body);
    put_body(b, m, except, IKE_PL_AUTH, m->auth.body);
    put_body(b, m, except, IKE_PL_SA, m->sa);
    if (ike_msg_has(m, IKE_PL_KE) && !(except & IKE_HAS(IKE_PL_KE)))
        ike_put_ke(b, m->ke.group, m->ke.data);
    put_body(b, m, except, IKE_PL_NONCE, m->nonce);
    put_body(b, m, except, IKE_PL_TSI, m->tsi);
    put_body(b, m, except, IKE_PL_TSR, m->tsr);
    for (unsigned i = 0; i < m->n_notifies && !(except & IKE_HAS(IKE_PL_NOTIFY)); i++) {
        const struct ike_notify *n = &m->notifies[i];
        ike_put_notify(b, n->protocol, n->spi, n->type, n->data);
    }
}

void peer_put_identity(struct rewrite *r, struct ike_build *b, struct kd_bytes id_body)
{
    const struct pair_side *a = &r->p->s[A];
    uint8_t auth[IKE_AUTH_MAX];
    size_t len = ike_auth_psk(a->e, r->sa, a->cfg.psk, !r->response, id_body, auth);

    REQUIRE(len > 0);
    ike_put_payload(b, r->response ? IKE_PL_IDR : IKE_PL_IDI, id_body);
    ike_put_auth(b, IKE_AUTH_METHOD_PSK, kd_bytes(auth, len));
}

static struct ike_sa *sa_of_a(struct pair *p)
{
    struct ike *e = p->s[A].e;
    struct ike_conn *c = ike_conn_find(e, 7);
    struct ike_sa *sa = ike_sa_get(e, c->attempt);

    return sa ? sa : ike_sa_get(e, c->sa);
}

bool peer_rewrite(struct pair *p, struct pair_packet *k)
{
    static uint8_t plain[65536];
    struct rewrite *r = p->ctx;
    const struct ike_sk *sk;
    struct ike_header h;
    struct ike_build b;
    struct ike_diag d;
    struct ike_msg m;
    struct kd_bytes msg;

    if (k->len < IKE_HEADER_LEN || k->data[18] != r->exchange ||
        !(k->data[19] & IKE_FLAG_RESPONSE) == r->response)
        return true;
    if (r->only && ++r->seen != r->only)
        return true;
    r->p = p;
    r->sa = sa_of_a(p);
    memcpy(plain, k->data, k->len);
    REQUIRE(r->sa && ike_msg_parse(kd_bytes(plain, k->len), &m, &d));
    sk = k->from == A ? &r->sa->seal : &r->sa->open;
    if (ike_msg_has(&m, IKE_PL_SK) && !ike_msg_open(plain, k->len, &m, sk, &d))
        return true; /* another SA's */
    h = m.h;
    if (r->as_exchange)
        h.exchange = r->as_exchange;
    ike_build_begin(&b, k->data, 65536, &h);
    if (m.inner)
        ike_build_seal(&b, sk, some_iv);
    r->write(r, &m, &b);
    msg = ike_build_end(&b);
    REQUIRE(msg.len > 0);
    k->len = msg.len;
    return true;
}
