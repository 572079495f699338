/* ESP over buffers: seal and open, in place, without allocation; the replay window; 64-bit sequence
 * numbers. Not step-shaped (DESIGN 1): called for batches by the data plane's thread, and by the
 * simulator's pretend kernel. RFC 4303, 4106 (GCM), 3948 (UDP encapsulation is the shell's).
 *
 * An esp_sa is one direction. Tunnel mode only: the payload is an IPv4 or IPv6 packet. */
#ifndef ESP_ESP_H
#define ESP_ESP_H

#include "base/addr.h"
#include "crypto/crypto.h"
#include "ike/ts.h"

#define ESP_HEADROOM 32 /* bytes the caller keeps free before the inner packet: SPI, seq, longest
                           IV */
#define ESP_TAILROOM 64 /* and behind it: padding, trailer, longest ICV */
#define ESP_REPLAY_MAX 4096

struct esp_sa;

struct esp_params {
    uint32_t spi;
    const struct kc_alg *encr, *integ; /* integ NULL with an AEAD */
    struct kd_handle key_enc, key_int;
    bool esn;
    uint32_t replay_window; /* inbound; packets, 32..ESP_REPLAY_MAX, rounded up to 64; 0 off */
    uint8_t iv_seed[32];    /* outbound CBC: IVs are a stream of this seed; the caller wipes its
                               copy */
    uint64_t seq_start;     /* outbound: last number used (0 for a new SA) */
};

/* Owns its keyed contexts; keys in the arena may be freed afterwards. NULL as kc_box_new(). */
struct esp_sa *esp_sa_new(struct kc_ctx *c, const struct esp_params *p) KD_MUST_USE;
void esp_sa_free(struct esp_sa *sa);

enum esp_verdict {
    ESP_OK,
    ESP_SHORT,      /* too short, or not a multiple of the block */
    ESP_REPLAY,     /* old or seen */
    ESP_BAD_ICV,
    ESP_BAD_PAD,    /* pad length or pad bytes wrong, after a good ICV */
    ESP_DUMMY,      /* next header 59: to be dropped silently (RFC 4303 2.6) */
    ESP_BAD_INNER,  /* next header and inner version disagree, or inner lengths don't fit */
    ESP_EXHAUSTED,  /* outbound: the sequence number may not wrap */
    ESP_NO_ROOM,
    ESP_VERDICT_N
};
extern const char *const esp_verdict_names[];

/* A packet in its buffer: inner (or ESP) bytes are buf[off..off+len), cap the whole. */
struct esp_pkt {
    uint8_t *buf;
    uint32_t cap, off, len;
    enum esp_verdict verdict;
    bool newest; /* opened: authentic, and no higher number had come before (RFC 7296 2.23) */
};

/* Inner packets become ESP packets (from SPI to ICV) in place; verdicts one a packet. seq numbers
 * are taken in order. Bytes behind the inner header's own length are cut off. */
void esp_seal(struct esp_sa *sa, struct esp_pkt *pkts, size_t n);
/* ESP packets become inner packets in place. The replay window moves only after a good ICV. */
void esp_open(struct esp_sa *sa, struct esp_pkt *pkts, size_t n);

struct esp_counters {
    uint64_t packets, bytes; /* inner bytes of packets with ESP_OK */
    uint64_t drop[ESP_VERDICT_N];
    uint64_t seq; /* last sent, or highest received */
};
/* What an SA's lifetime is counted by: packets and inner bytes with ESP_OK. */
void esp_used(const struct esp_sa *sa, uint64_t *packets, uint64_t *bytes);
/* May be called from another thread than the one that seals: values are each exact, not one
 * instant. */
void esp_count(const struct esp_sa *sa, struct esp_counters *c);

/* Largest inner packet whose ESP packet fits outer_mtu (IP header of the family, UDP when
 * encap). */
uint32_t esp_inner_mtu(const struct kc_alg *encr, const struct kc_alg *integ, uint8_t outer_family,
                       bool encap, uint32_t outer_mtu);
/* The other way round: the datagram that an inner packet of so many octets becomes. */
uint32_t esp_outer_len(const struct kc_alg *encr, const struct kc_alg *integ, uint8_t outer_family,
                       bool encap, uint32_t inner);

/* Clamps the MSS option of a TCP SYN (IPv4 or IPv6 packet of len bytes) to mss and mends the
 * checksum (RFC 1624). Returns true when it changed the packet; anything malformed is left
 * alone. */
bool esp_mss_clamp(uint8_t *pkt, size_t len, uint16_t mss);

/* Addresses, protocol and ports of an inner packet, for selector checks; false when malformed.
 * Fragments other than the first have ports 0. */
struct esp_flow {
    struct kd_addr src, dst;
    uint8_t proto;
    uint16_t sport, dport;
};
bool esp_flow_of(const uint8_t *pkt, size_t len, struct esp_flow *f) KD_MUST_USE;

#endif
