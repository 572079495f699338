/* What strangers may cost us: half-open SAs per address and in total, clear-text answers and log
 * lines by token buckets in virtual time. RFC 7296 2.6 (the caps; cookies are cookie.c's), 2.21.1,
 * 2.21.4.
 *
 * Half-open is a responder's SA whose peer is not authenticated, and one that still repeats its
 * refusal. */
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdio.h>

#define NOTES_BURST    10
#define NOTES_REFILL   KD_S(1)
#define REPLIES_BURST  32
#define REPLIES_REFILL KD_MS(50)

/* An IPv4 address, or an IPv6 site's /64. */
static uint64_t key_of(const struct kd_addr *a)
{
    struct kd_reader r;

    kd_reader_init(&r, kd_bytes(a->b, sizeof(a->b)));
    return a->family == 4 ? kd_get_u32(&r) : kd_get_u64(&r);
}

static uint32_t bucket(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 56) % IKE_HALF_BUCKETS;
}

/* The chains have half_open_max SAs all together, whoever chooses the addresses. */
uint32_t ike_halfopen_from(const struct ike *e, const struct kd_addr *remote)
{
    uint64_t key = key_of(remote);
    uint32_t n = 0;

    for (const struct ike_sa *sa = e->half_open[bucket(key)]; sa; sa = sa->half_link)
        n += sa->half_key == key;
    return n;
}

bool ike_halfopen_admit(const struct ike *e, const struct kd_addr *remote)
{
    return e->n_half_open < e->half_open_max &&
           ike_halfopen_from(e, remote) < e->half_open_per_addr;
}

void ike_halfopen_add(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa **head;

    sa->half_key = key_of(&sa->remote.addr);
    head = &e->half_open[bucket(sa->half_key)];
    sa->half_link = *head;
    *head = sa;
    e->n_half_open++;
    sa->half_open = true;
}

void ike_halfopen_del(struct ike *e, struct ike_sa *sa)
{
    struct ike_sa **p;

    if (!sa->half_open)
        return;
    for (p = &e->half_open[bucket(sa->half_key)]; *p != sa;)
        p = &(*p)->half_link;
    *p = sa->half_link;
    e->n_half_open--;
    sa->half_open = false;
}

bool ike_bucket_take(struct ike_bucket *b, uint64_t now_us, uint32_t burst, uint64_t refill_us)
{
    uint64_t refill = (now_us - b->at_us) / refill_us;

    if (b->at_us == 0) { /* the first time: full */
        b->tokens = burst;
        b->at_us = KD_MAX(now_us, 1);
    } else if (refill) {
        b->tokens = (uint32_t)KD_MIN(burst, b->tokens + refill);
        b->at_us += refill * refill_us;
    }
    if (b->tokens == 0)
        return false;
    b->tokens--;
    return true;
}

void ike_stranger(struct ike *e, const struct kd_endpoint *remote, const char *what)
{
    char ep[KD_ENDPOINT_STR_MAX];
    struct ike_action *a;

    if (!ike_bucket_take(&e->stranger_notes, e->now_us, NOTES_BURST, NOTES_REFILL))
        return;
    a = ike_note(e, UINT32_MAX, IKE_NOTE_STRANGER, KD_REASON_NONE, "%s: %s",
                 kd_endpoint_str(remote, ep), what);
    if (a)
        a->remote = *remote;
}

void ike_clear_reply(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                     uint16_t notify, struct kd_bytes data, size_t asked_len)
{
    struct ike_header r = *h;
    struct kd_bytes msg;

    r.version = 0;
    r.flags = IKE_FLAG_RESPONSE | (~h->flags & IKE_FLAG_INITIATOR);
    ike_build_begin(&e->build, e->tx, sizeof(e->tx), &r);
    ike_put_notify(&e->build, IKE_PROTO_NONE, kd_bytes(NULL, 0), notify, data);
    msg = ike_build_end(&e->build);
    if (msg.len > 0 && msg.len <= asked_len) /* no amplifier */
        ike_out_send(e, UINT32_MAX, &from->local, &from->remote, from->natt, false, msg);
}

bool ike_stateless_may(struct ike *e)
{
    return ike_bucket_take(&e->stateless_replies, e->now_us, REPLIES_BURST, REPLIES_REFILL);
}

void ike_stateless(struct ike *e, const struct ike_event *ev, const struct ike_header *h,
                   uint16_t notify, struct kd_bytes data)
{
    const struct ike_from from = {ev->local, ev->remote, ev->natt};

    /* RFC 7296 2.21.4: no more of it than a trickle. */
    if (ike_stateless_may(e))
        ike_clear_reply(e, &from, h, notify, data, ev->data.len);
}
