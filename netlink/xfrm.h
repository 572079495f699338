/* XFRM: SAs, policies and what the kernel says of them, as values; built into and parsed from
 * NETLINK_XFRM messages. Pure, as msg.h, whose rules hold here too. ESP in tunnel mode only: what
 * else a dump shows is told as found (proto, mode), never built. Layout: include/uapi/linux/xfrm.h.
 */
#ifndef NL_XFRM_H
#define NL_XFRM_H

#include "netlink/msg.h"

/* Attributes that the headers of Linux 6.1 lack; older kernels pass over them in silence. Numbers
 * of include/uapi/linux/xfrm.h in Linux 6.10 and 6.13, and as a 6.18 answers to wrong values. */
#define NL_XFRMA_SA_DIR  33 /* u8 */
#define NL_XFRMA_SA_PCPU 35 /* u32 */

#define NL_SA_KEY_MAX   68   /* bytes; HMAC-SHA2-512's 64, and an AEAD's salt behind 32 */
#define NL_SA_ALG_NAME  64   /* the kernel's, NUL included */
#define NL_REPLAY_MAX   4096 /* packets, XFRMA_REPLAY_ESN_MAX */
#define NL_REPLAY_WORDS (NL_REPLAY_MAX / 32)

/* A packet's flow. Ports in host order, port & mask compared; for ICMP sport is the type, dport the
 * code. */
struct nl_selector {
    uint8_t family; /* 4, 6; 0: an SA's "any", with prefixes of none */
    struct kd_prefix src, dst;
    uint8_t proto; /* 0: any */
    uint16_t sport, sport_mask, dport, dport_mask;
    uint32_t ifindex;
};

struct nl_sa_alg {
    char name[NL_SA_ALG_NAME]; /* the kernel's: "cbc(aes)"; "": none */
    uint16_t key_len;          /* bytes, salt included */
    uint16_t icv_bits;         /* integrity and AEAD; 0 in what an old kernel tells untruncated */
    uint8_t key[NL_SA_KEY_MAX];
};

/* 0: no limit. The kernel's soft limits report, its hard ones delete. */
struct nl_sa_life {
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
    uint64_t soft_add_s, hard_add_s, soft_use_s, hard_use_s;
};

struct nl_sa_used {
    uint64_t bytes, packets;
    uint64_t add_s, use_s; /* UTC seconds; use_s 0: never */
};

/* Sequence numbers, as they stand; bit 0 of word 0 is not the newest: positions are modulo window.
 */
struct nl_sa_replay {
    uint64_t seq, oseq;
    uint32_t n_words;
    uint32_t words[NL_REPLAY_WORDS];
};

enum nl_sa_dir { NL_SA_BOTH, NL_SA_IN, NL_SA_OUT };
enum nl_sa_offload { NL_OFFLOAD_NONE, NL_OFFLOAD_CRYPTO, NL_OFFLOAD_PACKET };

/* What names an SA in the kernel. */
struct nl_sa_id {
    struct kd_addr dst;
    uint32_t spi;
};

struct nl_sa {
    struct kd_addr src, dst;
    uint32_t spi, reqid, if_id;
    uint8_t proto, mode; /* parsed only */
    struct nl_selector sel;
    bool any_family;              /* inner packets of either family; sel.family is 0 */
    struct nl_sa_alg encr, integ; /* integ.name "": encr is an AEAD */
    bool esn;
    uint32_t window;            /* packets, up to NL_REPLAY_MAX; of an SA that only sends: 0 */
    struct nl_sa_replay replay; /* n_words 0 and all zero: a fresh SA */
    bool dir_known;             /* the kernel knows NL_XFRMA_SA_DIR; built only */
    enum nl_sa_dir dir;         /* who builds says which; BOTH in what an older kernel tells */
    bool encap;                 /* ESP in UDP (RFC 3948) */
    uint16_t encap_sport, encap_dport;
    uint32_t mapping_max_s;           /* at most one MAPPING in so many seconds; 0: one a packet */
    uint32_t mark_out, mark_out_mask; /* of the outer packet; mask 0: none */
    enum nl_sa_offload offload;
    uint32_t offload_ifindex;
    bool pcpu_set; /* dir_known only */
    uint32_t pcpu;
    struct nl_sa_life life;
    struct nl_sa_used used; /* built where use_s or packets is set: a moved SA goes on counting */
    uint32_t dropped_replay, dropped_auth; /* parsed only */
};

enum nl_policy_dir { NL_POLICY_IN, NL_POLICY_OUT, NL_POLICY_FWD };

#define NL_POLICY_TMPL_MAX 6 /* XFRM_MAX_DEPTH */

struct nl_policy {
    struct nl_selector sel;
    enum nl_policy_dir dir;
    uint32_t priority; /* the lowest number wins */
    uint32_t index;    /* the kernel's; parsed only */
    bool block;        /* action: drops; else lets pass, through the template where there is one */
    uint32_t if_id;
    uint32_t offload_ifindex; /* built only: packet offload to it (Linux 6.2); 0: none */
    uint32_t n_tmpl;          /* as found; built: 0 or 1 */
    struct nl_policy_tmpl {
        struct kd_addr src, dst; /* family 0: any */
        uint32_t spi;            /* 0: any; outbound, one names the SA that sends */
        uint32_t reqid;
    } tmpl; /* the first */
};

/* ---- builders ---- */

/* NEWSA, which refuses an id that is taken. Holds keys: the caller wipes the buffer. */
bool nl_put_sa(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa);
/* UPDSA: limits, encapsulation ports and selector of an SA that is there. */
bool nl_put_sa_update(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa);
bool nl_put_sa_del(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id);
/* Answered with one NL_XFRM_SA (keys in it) and an ack. */
bool nl_put_sa_get(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id);
/* Takes an SPI of min to max for SAs from src to dst: answered with an NL_XFRM_SA that holds it,
 * and an ack. The larval SA goes by itself after net.core.xfrm_acq_expires. */
bool nl_put_spi_alloc(struct nl_buf *b, uint32_t seq, const struct nl_sa *sa, uint32_t min,
                      uint32_t max);
/* NEWAE: after how many packets the kernel tells where the SA's sequence numbers stand; 0: never.
 */
bool nl_put_sa_threshold(struct nl_buf *b, uint32_t seq, const struct nl_sa_id *id,
                         uint32_t packets);
/* NEWPOLICY, which refuses a second one of the same direction, selector and if_id; or UPDPOLICY,
 * which takes its place in one step, or makes it. */
bool nl_put_policy(struct nl_buf *b, uint32_t seq, const struct nl_policy *p, bool update);
/* These go by direction, selector and if_id. GET is answered with one NL_XFRM_POLICY and an ack. */
bool nl_put_policy_del(struct nl_buf *b, uint32_t seq, const struct nl_policy *p);
bool nl_put_policy_get(struct nl_buf *b, uint32_t seq, const struct nl_policy *p);
/* Answered with any number of messages and NL_DONE. */
bool nl_put_sa_dump(struct nl_buf *b, uint32_t seq);
bool nl_put_policy_dump(struct nl_buf *b, uint32_t seq);

/* ---- parser ---- */

enum nl_xfrm_kind {
    NL_XFRM_NONE,    /* base says what it is */
    NL_XFRM_SA,      /* sa; base.is_del: it went, by our hand or another's */
    NL_XFRM_POLICY,  /* policy */
    NL_XFRM_EXPIRE,  /* sa, hard: a limit is reached; after a hard one it is gone */
    NL_XFRM_ACQUIRE, /* policy: a packet matched it (acquire_sel is the packet's) and found no SA */
    NL_XFRM_MAPPING, /* mapping: authentic packets come from elsewhere */
    NL_XFRM_AE,      /* ae: where the sequence numbers stand */
};

struct nl_xfrm_event {
    struct nl_event base; /* kind NL_ACK, NL_DONE, NL_OVERRUN, NL_OTHER as in msg.h */
    enum nl_xfrm_kind kind;
    bool hard;
    struct nl_selector acquire_sel;
    union {
        struct nl_sa sa;
        struct nl_policy policy;
        struct {
            struct nl_sa_id id;
            uint32_t reqid;
            struct kd_addr src; /* the SA's; the new address */
            struct kd_addr old_src;
            uint16_t sport, old_sport;
        } mapping;
        struct {
            struct nl_sa_id id;
            uint32_t reqid;
            bool has_replay;
            struct nl_sa_replay replay;
            struct nl_sa_used used;
        } ae;
    };
};

/* nl_next() for a NETLINK_XFRM socket. The event can hold keys (a GETSA's answer, a dump): whoever
 * asked for one wipes it. */
bool nl_xfrm_next(struct kd_bytes *data, struct nl_xfrm_event *ev) KD_MUST_USE;

/* The direction of nl_policy, in the kernel's words: "in", "out", "fwd". */
extern const char *const nl_policy_dir_names[];

#endif
