/* What the peer's side is made of, mirrored once for all languages. */
#ifndef PEER_SIDE_H
#define PEER_SIDE_H

#include "peer/peer.h"

#define PEER_ADDR_ANY "PEER_ADDRESS" /* stands where our configuration says `remote: any` */

struct peer_side {
    const struct peer *p;
    const char *name; /* the tunnel's */
    const struct ike_conn_config *ike;
    const struct bgp_peer_config *bgp; /* NULL: none */
    const struct core_bfd_config *bfd; /* beside it; NULL: none */
    char outer[KD_ADDR_STR_MAX];       /* the peer's outer address, or PEER_ADDR_ANY */
    char us[KD_ADDR_STR_MAX];          /* our outer address */
    char inner[KD_ADDR_STR_MAX];       /* the peer's inner address: its BGP one; "" without BGP */
    char inner_us[KD_ADDR_STR_MAX];
    uint32_t mtu, mss;     /* of the tunnel; mss 0: none */
    bool password;         /* TCP MD5 under the session */
    bool psk_here, psk_us; /* does the peer (do we) prove itself by the key? */
};

struct peer_side peer_side_of(const struct peer *p);

/* No letter in it ends a string in one language or another; true of the placeholder. */
bool peer_psk_plain(const struct peer *p);
/* The key as text where it is plain, else as hex digits with the prefix given; PRE_SHARED_KEY where
 * there is none. */
void peer_put_psk(FILE *to, const struct peer *p, const char *hex_prefix);
/* The BGP session's password as text, BGP_PASSWORD where there is none or it needs quotes. */
void peer_put_password(FILE *to, const struct peer *p);
/* Seconds, rounded down; at least 1. */
unsigned peer_seconds(uint64_t us);
/* The same as far as a language takes them, up to a day; what is left out is said behind comment.
 * Lifetimes need not be the same at both ends. */
unsigned peer_lifetime(FILE *to, const char *comment, uint64_t us, unsigned least);
/* True when the selector is a prefix; then *out is it. */
bool peer_ts_prefix(const struct ike_ts *ts, struct kd_prefix *out);
/* 0.0.0.0/0 or ::/0, any protocol, on both sides of every child: a route-based VPN. */
bool peer_takes_all(const struct ike_conn_config *c);

/* ---- words.c ---- */

enum peer_tongue {
    PEER_WORD_IOS_IKE,
    PEER_WORD_IOS_ESP,
    PEER_WORD_JUNOS_IKE,
    PEER_WORD_JUNOS_ESP,
    PEER_WORD_AZURE_IKE,
    PEER_WORD_AZURE_ESP,
    PEER_TONGUES
};

/* The algorithm's name there; NULL: it has none. */
const char *peer_word(const struct kc_alg *alg, enum peer_tongue tongue);
/* The other way round: our name of what they call so; NULL: nothing of that type. */
const char *peer_unword(const char *word, enum peer_tongue tongue, enum kc_transform_type type);
/* The n-th algorithm of the type in the proposal; NULL: no more. NONE counts as none. */
const struct kc_alg *peer_alg(const struct ike_proposal *p, enum kc_transform_type type,
                              unsigned n);
/* The same of those that have a name there; the others are alternatives nobody misses. */
const struct kc_alg *peer_said(const struct ike_proposal *p, enum kc_transform_type type,
                               unsigned n, enum peer_tongue tongue);
/* An algorithm of the proposal that has no name there, nor any alternative to it; NULL: it can be
 * said. */
const struct kc_alg *peer_unsaid(const struct ike_proposal *p, enum peer_tongue tongue);
/* The first group in the list that has a name there, for languages with one group for all
 * proposals; NULL: no PFS, or none that it could say: *unsaid is the first of those then. */
const char *peer_pfs(const struct ike_proposals *l, enum peer_tongue tongue,
                     const struct kc_alg **unsaid);
/* Milliseconds of a BFD interval, rounded up. */
unsigned peer_bfd_ms(const struct core_bfd_config *b);

/* ---- the languages ---- */

typedef void peer_writer(const struct peer_side *s, FILE *to);
peer_writer peer_strongswan, peer_ios, peer_junos, peer_frr, peer_bird, peer_azure_cli;

#endif
