/* Traffic selectors as values, their wire form and narrowing. RFC 7296 3.13, 2.9. */
#ifndef IKE_TS_H
#define IKE_TS_H

#include "base/addr.h"
#include "base/wire.h"

#define IKE_TS_MAX 32 /* selectors a payload; more is refused as TS_UNACCEPTABLE */

struct ike_ts {
    uint8_t proto; /* 0: any */
    uint16_t port_lo, port_hi;
    struct kd_addr lo, hi; /* same family */
};

struct ike_ts_list {
    uint8_t n;
    struct ike_ts ts[IKE_TS_MAX];
};

struct ike_ts ike_ts_from_prefix(const struct kd_prefix *p);
/* Body of a TSi/TSr payload (from the "Number of TSs" octet). Unknown TS types are skipped (RFC
 * 7296 3.13.1); false on any wrong length, count, mixed family or start > end. */
bool ike_ts_parse(struct kd_bytes body, struct ike_ts_list *out) KD_MUST_USE;
void ike_ts_write(struct kd_writer *w, const struct ike_ts_list *l);
/* Intersection of what was offered with what is configured, in the offer's order, without
 * duplicates; false when empty. Narrowing's preference for the packet-specific first selector
 * (RFC 7296 2.9) holds because the order is kept. */
bool ike_ts_narrow(const struct ike_ts_list *offered, const struct ike_ts_list *configured,
                   struct ike_ts_list *out) KD_MUST_USE;
/* True when every selector of inner lies inside some selector of outer. */
bool ike_ts_inside(const struct ike_ts_list *inner, const struct ike_ts_list *outer);
/* Does a packet (addresses, protocol, port or 0) match? */
bool ike_ts_match(const struct ike_ts_list *l, const struct kd_addr *a, uint8_t proto,
                  uint16_t port);
/* "10.0.0.0/8", "10.0.0.1-10.0.0.9", with "[tcp/179]" where not any. */
void ike_ts_str(const struct ike_ts *ts, char *buf, size_t cap);

#endif
