/* Can this kernel do ESP? Asked by adding an SA nobody can use (DESIGN 6: `dataplane: auto`). */
#ifndef NL_PROBE_H
#define NL_PROBE_H

#include "netlink/xfrm.h"

enum nl_esp_support {
    NL_ESP_SUPPORTED,
    NL_ESP_ABSENT,        /* XFRM answers, but not ESP or not this suite */
    NL_ESP_NO_XFRM,       /* no XFRM netlink at all */
    NL_ESP_NO_PERMISSION, /* unknown: CAP_NET_ADMIN is missing */
    NL_ESP_UNKNOWN,       /* unknown: the probe itself failed */
};

#define NL_PROBE_REQID 0x6b656467u /* "kedg": the tag of the probe's SA (DESIGN 3.9) */

/* Adds and deletes a tunnel SA of the suite (integ->name "" with an AEAD; keys as they are, zero
 * will do) between two documentation addresses (RFC 5737, RFC 3849) of local's family, IPv4 when
 * local is NULL or none; it matches no packet, and expires by itself should the delete fail. spi:
 * random, at least 256 (RFC 4303 2.1). reason: one line for the operator, always set. Blocks, a
 * second a message at most. */
enum nl_esp_support nl_probe_esp(const struct kd_addr *local, uint32_t spi,
                                 const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                 char *reason, size_t cap) KD_MUST_USE;

/* Does the kernel judge an SA by its direction (NL_XFRMA_SA_DIR)? Asked by one that contradicts
 * itself; whatever else stands in the way is "no". The algorithm has to be one the kernel has. */
bool nl_probe_direction(uint32_t spi, const struct nl_sa_alg *encr, const struct nl_sa_alg *integ);

/* Does the kernel make XFRM interfaces? Asked by making one and deleting it. */
bool nl_probe_interface(char *reason, size_t cap) KD_MUST_USE;

/* The judgement alone: open_err is nl_open()'s errno or 0, add_err the NEWSA's errno or 0, text the
 * kernel's. Pure. */
enum nl_esp_support nl_esp_judge(int open_err, int add_err, const char *text, char *reason,
                                 size_t cap);

#endif
