/* What XFRM messages are made of, to and from the uapi's structs. Internal to netlink/. */
#ifndef NL_XFRM_WIRE_H
#define NL_XFRM_WIRE_H

#include "netlink/build.h"
#include "netlink/parse.h"
#include "netlink/xfrm.h"

#include <linux/xfrm.h>

#define NL_XFRMA_N 36 /* attributes read: all below */

void nl_xaddr_put(xfrm_address_t *to, const struct kd_addr *a);
/* None for a family that isn't AF_INET or AF_INET6. */
struct kd_addr nl_xaddr_get(const xfrm_address_t *x, uint16_t af);
void nl_xsel_put(struct xfrm_selector *to, const struct nl_selector *s);
bool nl_xsel_get(const struct xfrm_selector *x, struct nl_selector *s) KD_MUST_USE;
void nl_xlife_put(struct xfrm_lifetime_cfg *to, const struct nl_sa_life *l);
void nl_xlife_none(struct xfrm_lifetime_cfg *to);
void nl_xlife_get(const struct xfrm_lifetime_cfg *x, struct nl_sa_life *l);
void nl_xused_get(const struct xfrm_lifetime_cur *x, struct nl_sa_used *u);

/* The attributes of an XFRM message behind fixed_len bytes, into tb[NL_XFRMA_N]. */
bool nl_xattrs(const struct nlmsghdr *h, size_t fixed_len, const struct nlattr **tb) KD_MUST_USE;
/* The attribute's bytes when it has at least len, else NULL. Aligned to four: of structs with 64
 * bits nl_xattr_copy() makes a copy, false when it is absent or short. */
const void *nl_xattr(const struct nlattr *a, size_t len);
bool nl_xattr_copy(const struct nlattr *a, void *out, size_t len) KD_MUST_USE;

/* xfrm_sa.c, xfrm_policy.c: the readers; NULL, or what is malformed. */
const char *nl_xfrm_sa(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
const char *nl_xfrm_sa_gone(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
const char *nl_xfrm_expire(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
const char *nl_xfrm_policy(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
const char *nl_xfrm_policy_gone(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
const char *nl_xfrm_acquire(const struct nlmsghdr *h, struct nl_xfrm_event *ev);
/* XFRM_OFFLOAD_PACKET is of Linux 6.2. */
#define NL_XFRM_OFFLOAD_PACKET 4
void nl_xoffload_put(struct nl_build *m, uint32_t ifindex, uint8_t flags);

/* xfrm_replay.c: XFRMA_REPLAY_VAL or _ESN_VAL. */
bool nl_xreplay_old(const struct nl_sa *sa); /* the window stands in the fixed part */
void nl_xreplay_put(struct nl_build *m, const struct nl_sa *sa);
bool nl_xreplay_get(const struct nlattr *const *tb, uint32_t *window,
                    struct nl_sa_replay *r) KD_MUST_USE;

#endif
