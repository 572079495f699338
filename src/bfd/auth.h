/* Authentication of packets, RFC 5880 6.7. */
#ifndef BFD_AUTH_H
#define BFD_AUTH_H

#include "bfd/packet.h"

struct bfd_auth_alg {
    enum bfd_auth_type type;
    uint8_t len;     /* Auth Len */
    uint8_t key_len; /* of the Key/Hash field; shorter keys are padded with zeros */
    bool meticulous; /* every packet has a number of its own */
    bool legacy;
    /* NULL: crypto/ doesn't have it */
    void (*hash)(struct kc_ctx *c, const struct kd_bytes *parts, size_t n, uint8_t *out);
};

/* NULL for NONE, for the simple password and for numbers without a meaning. */
const struct bfd_auth_alg *bfd_auth_find(enum bfd_auth_type type);

/* What the configuration says, checked against the algorithms and the arena (crypto may be NULL).
 */
enum bfd_config_error bfd_auth_check_config(const struct kc_ctx *crypto,
                                            const struct bfd_auth_config *c) KD_MUST_USE;

/* The peer's sequence numbers (bfd.AuthSeqKnown, bfd.RcvAuthSeq). */
struct bfd_auth_seq {
    bool known;
    uint32_t last;
};

/* Judges p's section; seq moves on only when the packet is accepted. */
enum bfd_refusal bfd_auth_check(struct kc_ctx *crypto, const struct bfd_auth_config *c,
                                const struct bfd_packet *p, struct bfd_auth_seq *seq) KD_MUST_USE;

/* Appends the section to a packet whose mandatory section is all that w holds. */
void bfd_auth_append(struct kc_ctx *crypto, const struct bfd_auth_config *c, uint32_t seq,
                     struct kd_writer *w);

#endif
