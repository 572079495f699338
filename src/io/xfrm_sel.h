/* Traffic selectors as the kernel's policies have them. */
#ifndef IO_XFRM_SEL_H
#define IO_XFRM_SEL_H

#include "ike/ts.h"
#include "netlink/xfrm.h"

/* A list of 32 ranges each way could become millions; a pair of real sites takes one to thirty. */
#define IO_XFRM_SELS_MAX 128

/* Outbound (local to remote) selectors that together match what the lists match: prefixes for
 * ranges of addresses, masks for ranges of ports. Their number, or 0 with the reason in *why: more
 * than IO_XFRM_SELS_MAX, none at all, or ICMP types the kernel can't tell apart. */
uint32_t io_xfrm_selectors(const struct ike_ts_list *local, const struct ike_ts_list *remote,
                           struct nl_selector out[IO_XFRM_SELS_MAX], const char **why);
/* The same flow seen from the other end. ICMP's type and code stay where they are. */
struct nl_selector io_xfrm_selector_back(const struct nl_selector *s);
/* The narrower, the lower: 1 to 65535. */
uint32_t io_xfrm_priority(const struct nl_selector *s);
bool io_xfrm_selector_eq(const struct nl_selector *a, const struct nl_selector *b);

#endif
