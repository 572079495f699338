/* IKE messages spelled as letters, one a payload: for the wire layer's tests and fuzz corpus. */
#ifndef KEDGE_IKE_LETTERS_H
#define KEDGE_IKE_LETTERS_H

#include "ike/grammar.h"
#include "ike/ike.h"
#include "ike/message.h"
#include "ike/suites.h"

struct buf {
    uint8_t b[65536];
    size_t n;
};

static inline struct kd_bytes buf_view(const struct buf *x)
{
    return kd_bytes(x->b, x->n);
}

static inline struct ike_header header_of(uint8_t exchange, uint8_t flags)
{
    struct ike_header h = {.exchange = exchange, .flags = flags};

    memset(h.spi_i, 0x11, sizeof(h.spi_i));
    if (exchange != IKE_X_SA_INIT || flags & IKE_FLAG_RESPONSE)
        memset(h.spi_r, 0x22, sizeof(h.spi_r));
    h.msg_id = exchange == IKE_X_SA_INIT ? 0 : 1;
    return h;
}

static inline struct ike_proposals proposals_of(const char *const *rows, uint8_t protocol)
{
    struct ike_proposals l = {.n = 0};
    char err[256];

    for (; *rows; rows++) {
        bool ok = ike_proposal_from_string(*rows, protocol, &l.p[l.n++], err, sizeof(err));

        kd_assert(ok);
    }
    return l;
}

static inline struct ike_proposals one_proposal(const char *s, uint8_t protocol)
{
    const char *const rows[] = {s, NULL};

    return proposals_of(rows, protocol);
}

static inline struct ike_ts_list ts_of(const char *prefix)
{
    struct ike_ts_list l = {.n = 1};
    struct kd_prefix p;
    bool ok = kd_prefix_parse(prefix, true, &p);

    kd_assert(ok);
    l.ts[0] = ike_ts_from_prefix(&p);
    return l;
}

static const uint8_t some[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};

/* S SA, s SA of ESP, K KE, N Nonce, I IDi, R IDr, C CERT, Q CERTREQ, A AUTH, i TSi, r TSr, P CP, E
 * EAP, V Vendor, n INITIAL_CONTACT, c COOKIE, e NO_PROPOSAL_CHOSEN, k REKEY_SA, d NAT-D, D Delete
 * (IKE), x Delete (ESP, two), u unknown, U unknown and critical, v an IKEv1 number, F SKF. */
static inline void put_letter(struct ike_build *b, char c)
{
    const struct kd_bytes none = kd_bytes(NULL, 0), spi = kd_bytes(some, 4);
    struct ike_proposals ike = one_proposal("aes256-sha1-modp1024", IKE_PROTO_IKE);
    struct ike_proposals esp = one_proposal("aes256-sha1", IKE_PROTO_ESP);
    struct ike_ts_list ts = ts_of("10.0.0.0/8");
    uint32_t spis[2] = {0x1000, 0x2000};
    struct ike_id id;
    bool ok = ike_id_parse("203.0.113.7", &id);

    kd_assert(ok);
    /* clang-format off */
    switch (c) {
    case 'S': ike_put_sa(b, &ike, IKE_PROTO_IKE, none, false); break;
    case 's': ike_put_sa(b, &esp, IKE_PROTO_ESP, spi, false); break;
    case 'K': ike_put_ke(b, 2, kd_bytes(some, 64)); break;
    case 'N': ike_put_nonce(b, kd_bytes(some, 32)); break;
    case 'I': ike_put_id(b, IKE_PL_IDI, &id); break;
    case 'R': ike_put_id(b, IKE_PL_IDR, &id); break;
    case 'C': ike_put_payload(b, IKE_PL_CERT, kd_bytes(some, 20)); break;
    case 'Q': ike_put_payload(b, IKE_PL_CERTREQ, kd_bytes(some, 21)); break;
    case 'A': ike_put_auth(b, 2, kd_bytes(some, 20)); break;
    case 'i': ike_put_ts(b, IKE_PL_TSI, &ts); break;
    case 'r': ike_put_ts(b, IKE_PL_TSR, &ts); break;
    case 'P': ike_put_payload(b, IKE_PL_CP, kd_bytes(some, 8)); break;
    case 'E': ike_put_payload(b, IKE_PL_EAP, kd_bytes(some, 5)); break;
    case 'V': ike_put_vendor(b, kd_bytes(some, 16)); break;
    case 'n': ike_put_notify(b, 0, none, IKE_N_INITIAL_CONTACT, none); break;
    case 'c': ike_put_notify(b, 0, none, IKE_N_COOKIE, kd_bytes(some, 20)); break;
    case 'e': ike_put_notify(b, 0, none, IKE_N_NO_PROPOSAL_CHOSEN, none); break;
    case 'k': ike_put_notify(b, IKE_PROTO_ESP, spi, IKE_N_REKEY_SA, none); break;
    case 'd': ike_put_notify(b, 0, none, IKE_N_NAT_DETECTION_SOURCE_IP, kd_bytes(some, 20)); break;
    case 'D': ike_put_delete_ike(b); break;
    case 'x': ike_put_delete(b, IKE_PROTO_ESP, spis, 2); break;
    case 'u': ike_put_payload(b, 200, kd_bytes(some, 3)); break;
    case 'U':
        kd_put_u8(ike_payload_begin(b, 201), 1);
        kd_patch_u8(&b->w, b->payload_at + 1, 0x80);
        ike_payload_end(b);
        break;
    case 'v': ike_put_payload(b, 5, kd_bytes(some, 8)); break; /* IKEv1's identification */
    case 'F': ike_put_payload(b, IKE_PL_SKF, kd_bytes(some, 40)); break;
    default: kd_assert(!"a letter without a payload");
    }
    /* clang-format on */
}

static inline void build_with(struct buf *x, const struct ike_header *h, const char *letters)
{
    struct ike_build b;
    struct kd_bytes msg;

    ike_build_begin(&b, x->b, sizeof(x->b), h);
    for (; *letters; letters++)
        put_letter(&b, *letters);
    msg = ike_build_end(&b);
    kd_assert(msg.len > 0);
    x->n = msg.len;
}

static inline void build(struct buf *x, uint8_t exchange, uint8_t flags, const char *letters)
{
    struct ike_header h = header_of(exchange, flags);

    build_with(x, &h, letters);
}

static inline void set16(struct buf *x, size_t at, unsigned v)
{
    x->b[at] = (uint8_t)(v >> 8);
    x->b[at + 1] = (uint8_t)v;
}

static inline void set32(struct buf *x, size_t at, uint32_t v)
{
    set16(x, at, v >> 16);
    set16(x, at + 2, v & 0xffff);
}

/* The header's length field follows the buffer's. */
static inline void fix_length(struct buf *x)
{
    set32(x, 24, (uint32_t)x->n);
}

#endif
