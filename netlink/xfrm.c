/* XFRM messages, so far only the throw-away SA by which the kernel is asked what it can do. */
#include "netlink/xfrm.h"

#include "netlink/build.h"

#include <arpa/inet.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#define KEY_MAX 64 /* bytes; HMAC-SHA2-512's is the longest */

/* Should kedge die between the two messages, the kernel removes the SA by itself. */
#define PROBE_LIFE_S 10

static void put_xaddr(xfrm_address_t *to, const struct kd_addr *a)
{
    memcpy(to, a->b, kd_addr_len(a));
}

/* The three attribute structs begin alike: name, key length in bits. */
union alg {
    struct xfrm_algo crypt;
    struct xfrm_algo_auth auth;
    struct xfrm_algo_aead aead;
    uint8_t room[sizeof(struct xfrm_algo_auth) + KEY_MAX]; /* key: zero */
};

static void alg_init(union alg *u, const char *name, uint16_t key_len)
{
    kd_assert(strlen(name) < sizeof(u->crypt.alg_name) && key_len <= KEY_MAX);
    memset(u, 0, sizeof(*u));
    memcpy(u->crypt.alg_name, name, strlen(name));
    u->crypt.alg_key_len = key_len * 8u;
}

static void put_algs(struct nl_build *m, const struct nl_sa_probe *sa)
{
    union alg u;

    alg_init(&u, sa->encr, sa->encr_key_len);
    if (!sa->integ) {
        u.aead.alg_icv_len = sa->icv_bits;
        nl_build_put(m, XFRMA_ALG_AEAD, &u, sizeof(u.aead) + sa->encr_key_len);
        return;
    }
    nl_build_put(m, XFRMA_ALG_CRYPT, &u, sizeof(u.crypt) + sa->encr_key_len);
    alg_init(&u, sa->integ, sa->integ_key_len);
    u.auth.alg_trunc_len = sa->icv_bits;
    nl_build_put(m, XFRMA_ALG_AUTH_TRUNC, &u, sizeof(u.auth) + sa->integ_key_len);
}

bool nl_put_sa_probe(struct nl_buf *b, uint32_t seq, const struct nl_sa_probe *sa)
{
    struct nl_build m;
    uint16_t flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    struct xfrm_usersa_info *i = nl_build_start(&m, XFRM_MSG_NEWSA, flags, seq, sizeof(*i));

    kd_assert(sa->src.family != 0 && sa->src.family == sa->dst.family);
    i->family = nl_af(sa->dst.family);
    i->sel.family = i->family;
    put_xaddr(&i->saddr, &sa->src);
    put_xaddr(&i->id.daddr, &sa->dst);
    i->id.spi = htonl(sa->spi);
    i->id.proto = IPPROTO_ESP;
    i->mode = XFRM_MODE_TUNNEL;
    i->reqid = sa->reqid;
    i->lft.soft_byte_limit = i->lft.hard_byte_limit = XFRM_INF;
    i->lft.soft_packet_limit = i->lft.hard_packet_limit = XFRM_INF;
    i->lft.hard_add_expires_seconds = PROBE_LIFE_S;
    put_algs(&m, sa);
    if (sa->if_id)
        nl_build_u32(&m, XFRMA_IF_ID, sa->if_id);
    return nl_build_end(&m, b);
}

bool nl_put_sa_probe_del(struct nl_buf *b, uint32_t seq, const struct nl_sa_probe *sa)
{
    struct nl_build m;
    struct xfrm_usersa_id *i = nl_build_start(&m, XFRM_MSG_DELSA, NLM_F_ACK, seq, sizeof(*i));

    i->family = nl_af(sa->dst.family);
    put_xaddr(&i->daddr, &sa->dst);
    i->spi = htonl(sa->spi);
    i->proto = IPPROTO_ESP;
    return nl_build_end(&m, b);
}
