/* Inside crypto/ only: strict DER (X.690 10) over base's bounded reader and writer, and PEM blocks
 * (RFC 7468). What is read here has been read before OpenSSL sees it. */
#ifndef KC_DER_H
#define KC_DER_H

#include "base/wire.h"

enum kc_der_tag {
    KC_DER_BOOLEAN = 0x01,
    KC_DER_INTEGER = 0x02,
    KC_DER_BITS = 0x03,
    KC_DER_OCTETS = 0x04,
    KC_DER_NULL = 0x05,
    KC_DER_OID = 0x06,
    KC_DER_SEQ = 0x30,
    KC_DER_SET = 0x31,
    KC_DER_CTX0 = 0xa0, /* explicit [0]; [n] is this plus n */
    KC_DER_CTX1 = 0xa1,
    KC_DER_CTX2 = 0xa2,
    KC_DER_CTX3 = 0xa3,
};

/* ---- reading: a broken rule fails the reader, and everything after is empty ---- */

/* The tag that comes next; 0 (no tag of ours) at the end or after an error. */
uint8_t kc_der_peek(const struct kd_reader *r);
/* The content of the next element, which must have this tag and a minimal, definite length of at
 * most three bytes; a view into the reader's data. */
struct kd_bytes kc_der_get(struct kd_reader *r, uint8_t tag);
/* The same with its head, whatever the content. */
struct kd_bytes kc_der_whole(struct kd_reader *r, uint8_t tag);
/* A reader over the content; !ok when there is none. */
struct kd_reader kc_der_sub(struct kd_reader *r, uint8_t tag);
/* A positive INTEGER in the only form DER knows, without the leading zero of its sign. Zero and
 * negative numbers fail. */
struct kd_bytes kc_der_positive(struct kd_reader *r);
/* An INTEGER of one byte, 0 to 127. */
uint8_t kc_der_small(struct kd_reader *r);
/* A BIT STRING of whole bytes, without the byte that counts unused bits. */
struct kd_bytes kc_der_bits(struct kd_reader *r);
/* True when the element is exactly this one; it is read in any case. */
bool kc_der_is(struct kd_reader *r, uint8_t tag, struct kd_bytes content);

#define KC_DER_DEPTH 12   /* a certificate has 8: names inside extensions are OCTET STRINGs here */
#define KC_DER_COUNT 2048 /* elements: a certificate with 200 names has about 700 */

/* One element of nothing but well-formed elements, and nothing behind it: definite minimal lengths,
 * one-byte tags, no constructed strings, at most KC_DER_DEPTH deep and KC_DER_COUNT many. */
bool kc_der_sane(struct kd_bytes der) KD_MUST_USE;

/* ---- writing ---- */

/* The size of a whole element with len bytes of content, below 2^24. */
size_t kc_der_size(size_t len);
void kc_der_put_head(struct kd_writer *w, uint8_t tag, size_t len);
void kc_der_put(struct kd_writer *w, uint8_t tag, struct kd_bytes content);
/* An unsigned number, leading zeros allowed; its sign's zero is added, others are dropped. */
void kc_der_put_uint(struct kd_writer *w, struct kd_bytes number);
size_t kc_der_uint_size(struct kd_bytes number);

/* ---- PEM ---- */

struct kc_pem {
    struct kd_bytes label; /* "CERTIFICATE" */
    struct kd_bytes text;  /* base64 with line breaks */
};

/* The next block of text; *rest moves behind it. What stands between blocks is skipped. False when
 * there is none, or its end is missing. */
bool kc_pem_next(struct kd_bytes *rest, struct kc_pem *out) KD_MUST_USE;
bool kc_pem_label_is(const struct kc_pem *p, const char *label);
/* Into buf; the length, 0 when it isn't base64, is empty or doesn't fit. Headers (encrypted keys of
 * RFC 1421) are not base64. 3 bytes for every 4 of the text are always enough. */
size_t kc_pem_decode(const struct kc_pem *p, uint8_t *buf, size_t cap) KD_MUST_USE;
/* One SEQUENCE and nothing else: binary, not PEM. */
bool kc_pem_is_der(struct kd_bytes data);

#endif
