/* Building IKE messages, and the SK payload both ways. One ike_build writes one message:
 *
 *     ike_build_begin(&b, buf, cap, &header);
 *     ike_build_seal(&b, &sk, iv);         (only for encrypted messages: what follows goes inside)
 *     ike_put_...(&b, ...);
 *     msg = ike_build_end(&b);
 *
 * Next Payload octets, lengths, padding and ICV are filled in by it. An overflow shows at the end
 * only. RFC 7296 3.1, 3.2, 3.14; RFC 5282. */
#ifndef IKE_MESSAGE_H
#define IKE_MESSAGE_H

#include "ike/payload.h"
#include "ike/proposal.h"
#include "ike/ts.h"

/* One direction's protection: the box and what it was made of (integ NULL for an AEAD). */
struct ike_sk {
    struct kc_box *box; /* borrowed */
    const struct kc_alg *encr, *integ;
};

#define IKE_IV_MAX 16 /* octets; ike_sk_iv_len() says how many are used */

size_t ike_sk_iv_len(const struct ike_sk *sk);
size_t ike_sk_icv_len(const struct ike_sk *sk);

struct ike_build {
    struct kd_writer w;
    size_t next_at; /* where the next payload's type is to be written */
    const struct ike_sk *sk;
    size_t sk_at;      /* of the SK payload's generic header */
    size_t payload_at; /* of the payload being written */
    bool open;         /* there is one */
    size_t len_min;    /* a sealed message is padded to so many octets at least; set after begin */
};

/* h->next and h->length are ignored; version 0 is written as 2.0. */
void ike_build_begin(struct ike_build *b, void *buf, size_t cap, const struct ike_header *h);
/* Opens the SK payload, once. iv: ike_sk_iv_len() octets, copied: unpredictable for CBC, never used
 * before under this key for an AEAD. sk is borrowed until ike_build_end(). */
void ike_build_seal(struct ike_build *b, const struct ike_sk *sk, const uint8_t *iv);
/* What is inside the SK payload so far, and the first payload's type: what RFC 9242
 * authenticates. */
struct kd_bytes ike_build_inner(const struct ike_build *b, uint8_t *first);
/* Closes, seals and returns the message (borrows buf); empty when it did not fit. */
struct kd_bytes ike_build_end(struct ike_build *b);

/* ---- fragments (RFC 7383): skf.c ---- */

/* The next IV, ike_sk_iv_len() octets, as ike_build_seal() wants it. */
typedef void ike_iv_fn(void *arg, uint8_t iv[IKE_IV_MAX]);
/* Would the sealed message be longer than limit octets? Never, when it is in clear. */
bool ike_build_exceeds(const struct ike_build *b, size_t limit);
/* In place of ike_build_end(): messages of at most limit octets with one SKF payload each, one
 * behind the other in buf (borrowed), told apart by their headers' lengths. Empty when they don't
 * fit. What b wrote is wiped. */
struct kd_bytes ike_build_fragments(struct ike_build *b, size_t limit, ike_iv_fn *iv, void *arg,
                                    uint8_t *buf, size_t cap);
/* Verifies and decrypts m's SKF payload in place; text borrows from datagram. False as for
 * ike_msg_open(). */
bool ike_fragment_open(uint8_t *datagram, const struct ike_msg *m, const struct ike_sk *sk,
                       struct kd_bytes *text, struct ike_diag *d) KD_MUST_USE;

/* ---- what SK and SKF share ---- */

/* Pads (to len_min octets in all, or less where 255 of padding don't do) and seals what follows the
 * IV at aad_len, fills in the lengths of payload and message. */
void ike_sk_close(struct kd_writer *w, const struct ike_sk *sk, size_t payload_at, size_t aad_len,
                  size_t len_min);
/* Verifies and decrypts in place the len octets (IV, cipher text, ICV) at iv_at. */
bool ike_sk_text(uint8_t *datagram, size_t iv_at, size_t len, const struct ike_sk *sk,
                 struct kd_bytes *text, struct ike_diag *d) KD_MUST_USE;
/* m becomes what is inside: chain, which begins with a payload of type m->sk.first. */
bool ike_msg_inner(struct ike_msg *m, struct kd_bytes chain, uint32_t base,
                   struct ike_diag *d) KD_MUST_USE;

/* Any payload: the body is what is written to the returned writer until ike_payload_end(). */
struct kd_writer *ike_payload_begin(struct ike_build *b, uint8_t type);
void ike_payload_end(struct ike_build *b);
void ike_put_payload(struct ike_build *b, uint8_t type, struct kd_bytes body);

/* See ike_proposals_write() and ike_suite_write(). */
void ike_put_sa(struct ike_build *b, const struct ike_proposals *l, uint8_t protocol,
                struct kd_bytes spi, bool no_dh);
void ike_put_sa_answer(struct ike_build *b, const struct ike_suite *s, uint8_t protocol,
                       struct kd_bytes spi, bool with_dh);
void ike_put_ke(struct ike_build *b, uint16_t group, struct kd_bytes pub);
void ike_put_nonce(struct ike_build *b, struct kd_bytes nonce);
void ike_put_id(struct ike_build *b, uint8_t type, const struct ike_id *id); /* IDI or IDR */
void ike_put_auth(struct ike_build *b, uint8_t method, struct kd_bytes data);
void ike_put_ts(struct ike_build *b, uint8_t type, const struct ike_ts_list *l); /* TSI or TSR */
void ike_put_notify(struct ike_build *b, uint8_t protocol, struct kd_bytes spi, uint16_t type,
                    struct kd_bytes data);
/* Deletes the IKE SA the message belongs to. */
void ike_put_delete_ike(struct ike_build *b);
/* n SPIs of AH or ESP, host order: those the sender expects in inbound packets. */
void ike_put_delete(struct ike_build *b, uint8_t protocol, const uint32_t *spis, uint16_t n);
void ike_put_vendor(struct ike_build *b, struct kd_bytes id);

/* Opens m's SK payload in place and parses what was inside into m (m->inner becomes true). datagram
 * is the memory m was parsed from: its ciphertext is overwritten, so that it can be opened only
 * once; keep a copy where a retransmission must be recognised. False: see d. CRYPTO: too short or a
 * wrong ICV, nothing is known of the sender, drop it. Any other error was sent by the authenticated
 * peer. */
bool ike_msg_open(uint8_t *datagram, size_t len, struct ike_msg *m, const struct ike_sk *sk,
                  struct ike_diag *d) KD_MUST_USE;

#endif
