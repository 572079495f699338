/* COOKIE as responder: while there is load, a stranger's IKE_SA_INIT costs us one MAC and an answer
 * smaller than itself, until it shows that it receives at the address it sends from. RFC 7296 2.6,
 * 2.6.1.
 *
 *   cookie = version octet | first 16 octets of HMAC-SHA256(secret, SPIi | family, IPi | Ni)
 *
 * Nothing is kept between the cookie and its return. The secret is drawn anew after COOKIE_LIFE_US
 * and the one before it is still accepted, so a cookie is good for one to two of them. The port is
 * not in it: a NAT may change it between two requests.
 *
 * This is the path of a flood: it reads the header, walks to the nonce by lengths, and looks up one
 * counter. It copies, hashes, parses and searches nothing. Not here: the caps that hold even for
 * those who bring a cookie (halfopen.c), cookies as initiator (init.c). */
#include "ike/guard.h"
#include "ike/sa.h"

#define COOKIE_LIFE_US KD_S(15) /* twice an initiator's patience with IKE_SA_INIT */
#define MAC_LEN        16
#define COOKIE_LEN     (1 + MAC_LEN)

/* IKE_SA_INIT requests that are looked at without a cookie although few SAs are half-open: those
 * that are refused leave no SA behind, but each costs a search and a parse. 100 a second is 1 % of
 * a core, and a gateway's thousand peers that all call at once get a cookie and come back. */
#define UNASKED_BURST  64
#define UNASKED_REFILL KD_MS(10)

/* ---- the secret ---- */

static bool draw(struct ike *e)
{
    struct ike_cookie_secret fresh = {.version = (uint8_t)(e->cookie[0].version + 1)};
    uint8_t key[32];

    kc_rng_bytes(&e->rng, key, sizeof(key));
    fresh.key = kc_key_import(e->crypto, kd_bytes(key, sizeof(key)));
    kc_wipe(key, sizeof(key));
    if (kd_handle_none(fresh.key))
        return false;
    kc_key_free(e->crypto, e->cookie[1].key);
    e->cookie[1] = e->cookie[0];
    e->cookie[0] = fresh;
    return true;
}

bool ike_cookie_init(struct ike *e)
{
    return draw(e) && draw(e);
}

void ike_cookie_fini(struct ike *e)
{
    for (int i = 0; i < 2; i++)
        kc_key_free(e->crypto, e->cookie[i].key);
}

/* When the arena is full the old ones stay: a cookie that lives longer is better than none. */
static void rotate(struct ike *e)
{
    uint64_t age = e->now_us - e->cookie_at_us;

    if (age < COOKIE_LIFE_US)
        return;
    if (draw(e) && age >= 2 * COOKIE_LIFE_US)
        (void)draw(e); /* nobody has asked for a while: the previous one is too old as well */
    e->cookie_at_us = e->now_us;
}

/* ---- the cookie ---- */

struct asked {
    const struct ike_header *h;
    const struct kd_addr *from;
    struct kd_bytes cookie; /* as it was brought: the first payload (2.6); empty without one */
    struct kd_bytes nonce;
};

static bool make(struct ike *e, const struct ike_cookie_secret *s, const struct asked *q,
                 uint8_t out[COOKIE_LEN])
{
    const struct kd_bytes parts[] = {kd_bytes(q->h->spi_i, IKE_SPI_LEN),
                                     kd_bytes(&q->from->family, 1), kd_addr_bytes(q->from),
                                     q->nonce};
    uint8_t mac[32];

    out[0] = s->version;
    if (!kc_prf(e->crypto, KC_PRF_HMAC_SHA2_256, s->key, parts, KD_ARRAY_LEN(parts), mac))
        return false;
    memcpy(out + 1, mac, MAC_LEN);
    return true;
}

static bool valid(struct ike *e, const struct asked *q)
{
    uint8_t want[COOKIE_LEN];

    if (q->cookie.len != COOKIE_LEN)
        return false;
    for (int i = 0; i < 2; i++)
        if (e->cookie[i].version == q->cookie.p[0])
            return make(e, &e->cookie[i], q, want) &&
                   kc_equal(q->cookie, kd_bytes(want, COOKIE_LEN));
    return false;
}

/* A Notify payload's body: the data of a COOKIE, else nothing. */
static struct kd_bytes cookie_of(struct kd_reader *body)
{
    uint8_t spi_len;

    kd_skip(body, 1);
    spi_len = kd_get_u8(body);
    if (kd_get_u16(body) != IKE_N_COOKIE || spi_len != 0)
        return kd_bytes(NULL, 0);
    return kd_get_rest(body);
}

/* By lengths alone; false when it has no nonce that could be one. */
static bool peek(struct kd_bytes datagram, struct asked *q)
{
    uint8_t type = q->h->next;
    struct kd_reader r;

    kd_reader_init(&r, datagram);
    kd_skip(&r, IKE_HEADER_LEN);
    q->cookie = kd_bytes(NULL, 0);
    for (int i = 0; i < IKE_MSG_PAYLOADS && type != IKE_PL_NONE; i++) {
        uint8_t next = kd_get_u8(&r);
        struct kd_reader body;
        uint16_t len;

        kd_skip(&r, 1);
        len = kd_get_u16(&r);
        if (!r.ok || len < 4)
            return false;
        body = kd_get_sub(&r, len - 4u);
        if (!body.ok)
            return false;
        if (i == 0 && type == IKE_PL_NOTIFY)
            q->cookie = cookie_of(&body);
        if (type == IKE_PL_NONCE) {
            q->nonce = kd_get_rest(&body);
            return q->nonce.len >= IKE_NONCE_MIN && q->nonce.len <= IKE_NONCE_MAX;
        }
        type = next;
    }
    return false;
}

/* ---- when it is asked for ---- */

static bool under_load(struct ike *e, const struct kd_addr *from)
{
    return e->n_half_open >= e->cookie_total || ike_halfopen_from(e, from) >= e->cookie_per_addr ||
           !ike_bucket_take(&e->unasked, e->now_us, UNASKED_BURST, UNASKED_REFILL);
}

static void ask(struct ike *e, const struct ike_from *from, const struct asked *q, size_t asked_len)
{
    uint8_t cookie[COOKIE_LEN];

    if (make(e, &e->cookie[0], q, cookie))
        ike_clear_reply(e, from, q->h, IKE_N_COOKIE, kd_bytes(cookie, COOKIE_LEN), asked_len);
}

bool ike_cookie_admit(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                      struct kd_bytes datagram)
{
    struct asked q = {.h = h, .from = &from->remote.addr};

    if (!under_load(e, q.from))
        return true;
    rotate(e);
    if (!peek(datagram, &q))
        return false;
    if (valid(e, &q))
        return true;
    ask(e, from, &q, datagram.len);
    return false;
}

bool ike_cookie_returned(struct ike *e, const struct ike_from *from, struct kd_bytes datagram)
{
    struct ike_header h;
    struct asked q = {.h = &h, .from = &from->remote.addr};
    struct ike_diag d;

    rotate(e);
    if (!ike_header_parse(datagram, &h, &d) || !peek(datagram, &q))
        return true; /* it was parsed before: nothing to ask for */
    if (valid(e, &q))
        return true;
    ask(e, from, &q, datagram.len);
    return false;
}
