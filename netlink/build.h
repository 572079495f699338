/* One outgoing message, put together aside and appended whole, so that a batch never holds half a
 * message. Internal to netlink/. */
#ifndef NL_BUILD_H
#define NL_BUILD_H

#include "netlink/msg.h"

#include <libmnl/libmnl.h>

/* The largest: an SA with two algorithms, 224 + 2 x (76 + 68), the widest replay window, 540, and
 * the small attributes, 160. */
#define NL_BUILD_MAX 1280

struct nl_build {
    union {
        struct nlmsghdr h;
        _Alignas(8) uint8_t raw[NL_BUILD_MAX]; /* XFRM's structs have 64 bits */
    };
};

/* Starts a request with the given NLM_F_* besides NLM_F_REQUEST; returns its zeroed fixed part of
 * fixed_len bytes, lent until nl_build_end(). */
void *nl_build_start(struct nl_build *m, uint16_t type, uint16_t flags, uint32_t seq,
                     size_t fixed_len);
/* Attributes. One that doesn't fit NL_BUILD_MAX is a bug: callers bound what they put. */
void nl_build_put(struct nl_build *m, uint16_t attr, const void *data, size_t len);
void nl_build_u32(struct nl_build *m, uint16_t attr, uint32_t v);
void nl_build_addr(struct nl_build *m, uint16_t attr, const struct kd_addr *a);
/* Appends to the batch; false, with the batch as it was, when it is too small. */
bool nl_build_end(const struct nl_build *m, struct nl_buf *b) KD_MUST_USE;

/* 4, 6, 0 to AF_INET, AF_INET6, AF_UNSPEC. */
uint8_t nl_af(uint8_t family);

#endif
