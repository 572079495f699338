/* Putting a fragmented message together (RFC 7383 2.6): one set for the peer's next request, one
 * for the answer we wait for. Only what verified comes here, so a forger can neither fill a set nor
 * spoil one; what an authentic but ill-behaved peer can make us keep has bounds.
 *
 *   a fragment we have            ignored
 *   of fewer fragments            ignored: it belongs to an older transmission
 *   of more fragments             the set begins anew: the peer has cut it smaller
 *   the last one that was missing the message, as if it had come in one piece
 *
 * Not here: the payload on the wire (skf.c), which message is awaited (receive.c). Known deviation:
 * none. A set that nobody completes is given up after WAIT_US (2.6 wants a time; this is longer
 * than any IKE_AUTH is repeated). */
#include "ike/exchange.h"
#include "ike/sa.h"

#include <stdlib.h>

/* The largest message known: a chain of four RSA certificates has 8 KiB, ML-KEM adds 1.6 KiB. In
 * fragments for the smallest path of IPv4 (576 octets) that many fit 64. */
#define FRAGMENTS_MAX 64
#define MESSAGE_MAX   (24u * 1024)
/* All sets together: of those who have shown who they are and of those who have not (256 half-open
 * SAs could hold 6 MiB between them). */
#define KNOWN_MAX    (8u * 1024 * 1024)
#define STRANGER_MAX (1u * 1024 * 1024)
#define WAIT_US      KD_S(20)

struct ike_fragments {
    uint32_t *pool; /* where bytes is counted as well */
    uint32_t msg_id, bytes;
    uint8_t exchange, first;
    uint16_t total, n;
    uint8_t hash[20]; /* of fragment 1 as it came */
    uint64_t end_us;
    struct ike_buf part[]; /* total */
};

void ike_fragments_free(struct ike_fragments **set)
{
    struct ike_fragments *f = *set;

    if (!f)
        return;
    for (uint16_t i = 0; i < f->total; i++) {
        if (f->part[i].p)
            kc_wipe(f->part[i].p, f->part[i].len);
        ike_buf_free(&f->part[i]);
    }
    *f->pool -= f->bytes;
    free(f);
    *set = NULL;
}

static uint32_t *pool_of(struct ike *e, const struct ike_sa *sa)
{
    return &e->fragment_bytes[sa->half_open];
}

static bool fits(const struct ike *e, const struct ike_fragments *f, size_t len)
{
    uint32_t max = f->pool == &e->fragment_bytes[true] ? STRANGER_MAX : KNOWN_MAX;

    return f->bytes + len <= MESSAGE_MAX && *f->pool + len <= max;
}

static struct ike_fragments *begin(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_fragments *f = calloc(1, sizeof(*f) + m->skf_total * sizeof(f->part[0]));

    if (!f)
        return NULL;
    f->pool = pool_of(e, sa);
    f->msg_id = m->h.msg_id;
    f->exchange = m->h.exchange;
    f->total = m->skf_total;
    f->end_us = e->now_us + WAIT_US;
    return f;
}

/* The set that m belongs to, made or made anew where it has to be; NULL: m is of no use. */
static struct ike_fragments *set_of(struct ike *e, struct ike_sa *sa, struct ike_fragments **set,
                                    const struct ike_msg *m)
{
    struct ike_fragments *f = *set;

    if (f && f->msg_id == m->h.msg_id && f->exchange == m->h.exchange && m->skf_total <= f->total)
        return m->skf_total == f->total ? f : NULL;
    ike_fragments_free(set);
    return *set = begin(e, sa, m);
}

static bool keep(struct ike *e, struct ike_fragments *f, const struct ike_msg *m,
                 struct kd_bytes text, const uint8_t hash[20])
{
    struct ike_buf *part = &f->part[m->skf_number - 1];

    if (part->p || !fits(e, f, text.len) || !ike_buf_set(part, text))
        return false;
    f->bytes += part->len;
    *f->pool += part->len;
    f->n++;
    if (m->skf_number == 1) {
        f->first = m->skf_first;
        memcpy(f->hash, hash, sizeof(f->hash));
    }
    return true;
}

/* As if the message had come behind one SK payload without IV and ICV. */
static void join(struct ike *e, const struct ike_fragments *f, struct ike_msg *m)
{
    struct ike_header h = m->h;
    struct kd_writer w;

    h.next = IKE_PL_SK;
    h.length = IKE_HEADER_LEN + 4 + f->bytes;
    kd_writer_init(&w, e->rx, sizeof(e->rx));
    ike_header_write(&w, &h);
    kd_put_u8(&w, f->first);
    kd_put_u8(&w, 0);
    kd_put_u16(&w, (uint16_t)(4 + f->bytes));
    for (uint16_t i = 0; i < f->total; i++)
        kd_put_bytes(&w, ike_buf_bytes(&f->part[i]));
    kd_assert(w.ok);
    m->h = h;
    m->raw = kd_written(&w);
    m->sk = (struct ike_sk_view){f->first, IKE_HEADER_LEN + 4,
                                 kd_bytes(e->rx + IKE_HEADER_LEN + 4, f->bytes)};
}

bool ike_fragment_sound(const struct ike_msg *m)
{
    return m->skf_number >= 1 && m->skf_number <= m->skf_total && m->skf_total <= FRAGMENTS_MAX;
}

bool ike_fragments_add(struct ike *e, struct ike_sa *sa, struct ike_msg *m, struct kd_bytes text,
                       uint8_t hash[20])
{
    struct ike_fragments **set = &sa->fragments[ike_header_response(&m->h)], *f;

    kd_assert(ike_fragment_sound(m));
    f = set_of(e, sa, set, m);
    if (!f || !keep(e, f, m, text, hash) || f->n < f->total) {
        ike_touch(e, sa); /* its deadline */
        return false;
    }
    memcpy(hash, f->hash, sizeof(f->hash));
    join(e, f, m);
    ike_fragments_free(set);
    return true;
}

/* ---- may we? (2.3) ---- */

void ike_put_fragmentation(const struct ike_sa *sa, struct ike_build *b)
{
    if (sa->fragment_size)
        ike_put_notify(b, IKE_PROTO_NONE, kd_bytes(NULL, 0), IKE_N_FRAGMENTATION_SUPPORTED,
                       kd_bytes(NULL, 0));
}

void ike_fragmentation_check(struct ike_sa *sa, const struct ike_msg *m)
{
    sa->fragmenting = sa->fragment_size && ike_msg_notify(m, IKE_N_FRAGMENTATION_SUPPORTED);
}

/* ---- time ---- */

uint64_t ike_fragments_deadline(const struct ike_sa *sa)
{
    uint64_t at = KD_NEVER;

    for (int i = 0; i < 2; i++)
        if (sa->fragments[i])
            at = KD_MIN(at, sa->fragments[i]->end_us);
    return at;
}

void ike_fragments_wake(struct ike *e, struct ike_sa *sa)
{
    for (int i = 0; i < 2; i++)
        if (sa->fragments[i] && sa->fragments[i]->end_us <= e->now_us)
            ike_fragments_free(&sa->fragments[i]);
}
