/* XFRM: the messages that install SAs and policies. This far only what finding out needs: can this
 * kernel do ESP with this suite? (issue "kernel data plane" grows it). */
#ifndef NL_XFRM_H
#define NL_XFRM_H

#include "netlink/msg.h"

struct nl_sa_probe {
    struct kd_addr src, dst;
    uint32_t spi;
    const char *encr;      /* kernel name: "cbc(aes)", "rfc4106(gcm(aes))" */
    uint16_t encr_key_len; /* bytes, salt included */
    const char *integ;     /* NULL for AEAD: "hmac(sha1)" */
    uint16_t integ_key_len;
    uint16_t icv_bits;
    uint32_t reqid, if_id;
};

/* A throw-away SA with a zero key (NEWSA), and its removal (DELSA). */
bool nl_put_sa_probe(struct nl_buf *b, uint32_t seq, const struct nl_sa_probe *sa);
bool nl_put_sa_probe_del(struct nl_buf *b, uint32_t seq, const struct nl_sa_probe *sa);

#endif
