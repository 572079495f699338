/* IPv4 and IPv6 addresses, endpoints, prefixes and ranges: values, parsed and printed, no
 * sockets. */
#ifndef KD_BASE_ADDR_H
#define KD_BASE_ADDR_H

#include "base/bytes.h"

/* family is 0 (none), 4 or 6; IPv4 uses b[0..4), the rest is zero, so memcmp compares. */
struct kd_addr {
    uint8_t family;
    uint8_t b[16];
};

struct kd_endpoint {
    struct kd_addr addr;
    uint16_t port; /* host order */
};

/* Host bits are always zero (kd_prefix_make() sees to it). */
struct kd_prefix {
    struct kd_addr addr;
    uint8_t len;
};

#define KD_ADDR_STR_MAX     46 /* as INET6_ADDRSTRLEN */
#define KD_ENDPOINT_STR_MAX 56 /* "[addr]:65535" */
#define KD_PREFIX_STR_MAX   50 /* "addr/128" */

struct kd_addr kd_addr_v4(uint32_t host_order);
struct kd_addr kd_addr_from(uint8_t family, const uint8_t *bytes); /* 4 or 16 bytes */
size_t kd_addr_len(const struct kd_addr *a); /* 0, 4 or 16 bytes */
uint8_t kd_addr_bits(const struct kd_addr *a); /* 0, 32 or 128 */
struct kd_bytes kd_addr_bytes(const struct kd_addr *a); /* borrowed */
bool kd_addr_eq(const struct kd_addr *a, const struct kd_addr *b);
int kd_addr_cmp(const struct kd_addr *a, const struct kd_addr *b); /* family, then value */
bool kd_addr_is_any(const struct kd_addr *a); /* none, 0.0.0.0 or :: */
bool kd_addr_parse(const char *s, struct kd_addr *out) KD_MUST_USE;
/* Prints into buf (KD_ADDR_STR_MAX) and returns it; "none" for family 0. */
const char *kd_addr_str(const struct kd_addr *a, char *buf);

bool kd_endpoint_eq(const struct kd_endpoint *a, const struct kd_endpoint *b);
const char *kd_endpoint_str(const struct kd_endpoint *e, char *buf); /* KD_ENDPOINT_STR_MAX */

/* Clears the host bits; len is cut to the family's width. */
struct kd_prefix kd_prefix_make(const struct kd_addr *a, uint8_t len);
struct kd_prefix kd_prefix_host(const struct kd_addr *a);
bool kd_prefix_eq(const struct kd_prefix *a, const struct kd_prefix *b);
int kd_prefix_cmp(const struct kd_prefix *a, const struct kd_prefix *b);
bool kd_prefix_has(const struct kd_prefix *p, const struct kd_addr *a);
/* True when inner is p or inside p. */
bool kd_prefix_covers(const struct kd_prefix *p, const struct kd_prefix *inner);
/* "a/len", or a bare address as a host prefix; refuses host bits set when strict. */
bool kd_prefix_parse(const char *s, bool strict, struct kd_prefix *out) KD_MUST_USE;
const char *kd_prefix_str(const struct kd_prefix *p, char *buf); /* KD_PREFIX_STR_MAX */
struct kd_addr kd_prefix_first(const struct kd_prefix *p);
struct kd_addr kd_prefix_last(const struct kd_prefix *p);

#endif
