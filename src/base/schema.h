/* One table describes a struct of plain data; from it come the versioned encoding (trace, record,
 * replay), its decoding and its text. Every engine event and action has such a table (DESIGN 1). */
#ifndef KD_BASE_SCHEMA_H
#define KD_BASE_SCHEMA_H

#include "base/addr.h"
#include "base/slab.h"
#include "base/wire.h"

enum kd_field_type {
    KD_F_U8,
    KD_F_U16,
    KD_F_U32,
    KD_F_U64,
    KD_F_BOOL,     /* C bool */
    KD_F_ENUM,     /* C enum (int sized), names[] for the text */
    KD_F_HANDLE,   /* struct kd_handle */
    KD_F_ADDR,     /* struct kd_addr */
    KD_F_ENDPOINT, /* struct kd_endpoint */
    KD_F_PREFIX,   /* struct kd_prefix */
    KD_F_STR,      /* char[size], NUL-terminated */
    KD_F_BYTES,    /* struct kd_bytes: encoded with its content, decoded as a view */
    KD_F_SPAN,     /* struct kd_span into the arena handed to the encoder */
};

struct kd_field {
    const char *name;
    enum kd_field_type type;
    uint16_t offset;
    uint16_t size;            /* KD_F_STR: of the array */
    const char *const *names; /* KD_F_ENUM: NULL-terminated */
};

#define KD_FIELD(T, m, t)       {#m, t, offsetof(T, m), sizeof(((T *)0)->m), NULL}
#define KD_FIELD_ENUM(T, m, nm) {#m, KD_F_ENUM, offsetof(T, m), sizeof(((T *)0)->m), nm}

struct kd_record {
    uint16_t tag;      /* the value of the struct's kind field */
    const char *name;  /* as printed: "datagram", "child.add" */
    const struct kd_field *fields;
    size_t n_fields;
};

struct kd_schema {
    const char *name; /* "ike.event" */
    uint8_t version;  /* raised when a record changes its meaning */
    uint16_t tag_offset; /* of the enum that says which record it is */
    const struct kd_record *records;
    size_t n_records;
};

const struct kd_record *kd_schema_record(const struct kd_schema *s, uint16_t tag);

/* Appends: u8 version, u16 tag, u32 length, fields in table order. arena backs KD_F_SPAN (may be
 * empty). A tag without a record is a bug. Overflow shows in w->ok. */
void kd_schema_encode(const struct kd_schema *s, const void *obj, struct kd_bytes arena,
                      struct kd_writer *w);

/* Fills obj (whole struct zeroed first, obj_size bytes). Views point into the reader's data; spans
 * are decoded as offsets into *data_base (the reader's p). False, with nothing promised of obj, on
 * unknown version or tag, short data or trailing bytes in the record. */
bool kd_schema_decode(const struct kd_schema *s, struct kd_reader *r, void *obj, size_t obj_size)
    KD_MUST_USE;

/* One line of text "name key=value ...", at most cap - 1 characters, always terminated. Bytes and
 * spans print as their length and a 32-bit FNV-1a hash: no secrets, no flooding. */
void kd_schema_text(const struct kd_schema *s, const void *obj, struct kd_bytes arena, char *buf,
                    size_t cap);

#endif
