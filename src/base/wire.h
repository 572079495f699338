/* Bounded, big-endian reader and writer with a sticky error: straight-line calls, one check at the
 * end. The only way wire data is touched. */
#ifndef KD_BASE_WIRE_H
#define KD_BASE_WIRE_H

#include "base/bytes.h"

/* Reader. After a read past the end every further read gives zero and ok stays false. */
struct kd_reader {
    const uint8_t *p;
    size_t len;
    size_t pos;
    bool ok;
};

void kd_reader_init(struct kd_reader *r, struct kd_bytes data);
size_t kd_reader_left(const struct kd_reader *r);
uint8_t kd_get_u8(struct kd_reader *r);
uint16_t kd_get_u16(struct kd_reader *r);
uint32_t kd_get_u24(struct kd_reader *r);
uint32_t kd_get_u32(struct kd_reader *r);
uint64_t kd_get_u64(struct kd_reader *r);
/* View of the next len bytes (borrowed from the reader's data); empty and !ok when too short. */
struct kd_bytes kd_get_bytes(struct kd_reader *r, size_t len);
/* Everything that is left. */
struct kd_bytes kd_get_rest(struct kd_reader *r);
void kd_get_copy(struct kd_reader *r, void *dst, size_t len);
void kd_skip(struct kd_reader *r, size_t len);
/* A reader over the next len bytes; its error doesn't spread back, a short parent gives !ok in
 * both. */
struct kd_reader kd_get_sub(struct kd_reader *r, size_t len);
/* Marks the reader failed (a rule was broken that is not a length). */
void kd_reader_fail(struct kd_reader *r);
/* True when nothing failed and nothing is left. */
bool kd_reader_done(const struct kd_reader *r);

/* Writer over a caller's buffer. After an overflow nothing more is written and ok stays false. */
struct kd_writer {
    uint8_t *p;
    size_t cap;
    size_t pos;
    bool ok;
};

void kd_writer_init(struct kd_writer *w, void *buf, size_t cap);
void kd_put_u8(struct kd_writer *w, uint8_t v);
void kd_put_u16(struct kd_writer *w, uint16_t v);
void kd_put_u24(struct kd_writer *w, uint32_t v);
void kd_put_u32(struct kd_writer *w, uint32_t v);
void kd_put_u64(struct kd_writer *w, uint64_t v);
void kd_put_bytes(struct kd_writer *w, struct kd_bytes b);
void kd_put_zero(struct kd_writer *w, size_t len);
/* Reserves len bytes and returns where they start, to be filled by kd_patch_*(); 0 when !ok. */
size_t kd_put_gap(struct kd_writer *w, size_t len);
void kd_patch_u8(struct kd_writer *w, size_t at, uint8_t v);
void kd_patch_u16(struct kd_writer *w, size_t at, uint16_t v);
void kd_patch_u32(struct kd_writer *w, size_t at, uint32_t v);
/* What has been written so far (borrowed). */
struct kd_bytes kd_written(const struct kd_writer *w);

#endif
