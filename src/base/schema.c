/* Encoding, decoding and text of plain structs by table. Not a general serializer: the field types
 * are those that events and actions are made of. */
#include "base/schema.h"

#include <stdio.h>

const struct kd_record *kd_schema_record(const struct kd_schema *s, uint16_t tag)
{
    for (size_t i = 0; i < s->n_records; i++)
        if (s->records[i].tag == tag)
            return &s->records[i];
    return NULL;
}

static uint16_t tag_of(const struct kd_schema *s, const void *obj)
{
    uint32_t tag;

    memcpy(&tag, (const uint8_t *)obj + s->tag_offset, sizeof(tag));
    return (uint16_t)tag;
}

static struct kd_bytes span_bytes(struct kd_bytes arena, const struct kd_span *sp)
{
    if (sp->len == 0)
        return kd_bytes(NULL, 0);
    kd_assert(sp->off <= arena.len && sp->len <= arena.len - sp->off);
    return kd_bytes(arena.p + sp->off, sp->len);
}

static void put_addr(struct kd_writer *w, const struct kd_addr *a)
{
    kd_put_u8(w, a->family);
    kd_put_bytes(w, kd_addr_bytes(a));
}

static void put_blob(struct kd_writer *w, struct kd_bytes b)
{
    kd_put_u32(w, (uint32_t)b.len);
    kd_put_bytes(w, b);
}

static void put_field(struct kd_writer *w, const struct kd_field *f, const uint8_t *p,
                      struct kd_bytes arena)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (f->type) {
    case KD_F_U8:
    case KD_F_BOOL:
        kd_put_u8(w, *p);
        break;
    case KD_F_U16:
        memcpy(&u16, p, sizeof(u16));
        kd_put_u16(w, u16);
        break;
    case KD_F_U32:
    case KD_F_ENUM:
        memcpy(&u32, p, sizeof(u32));
        kd_put_u32(w, u32);
        break;
    case KD_F_U64:
        memcpy(&u64, p, sizeof(u64));
        kd_put_u64(w, u64);
        break;
    case KD_F_HANDLE:
        kd_put_u32(w, ((const struct kd_handle *)(const void *)p)->idx);
        kd_put_u32(w, ((const struct kd_handle *)(const void *)p)->gen);
        break;
    case KD_F_ADDR:
        put_addr(w, (const void *)p);
        break;
    case KD_F_ENDPOINT:
        put_addr(w, &((const struct kd_endpoint *)(const void *)p)->addr);
        kd_put_u16(w, ((const struct kd_endpoint *)(const void *)p)->port);
        break;
    case KD_F_PREFIX:
        put_addr(w, &((const struct kd_prefix *)(const void *)p)->addr);
        kd_put_u8(w, ((const struct kd_prefix *)(const void *)p)->len);
        break;
    case KD_F_STR:
        put_blob(w, kd_bytes(p, strnlen((const char *)p, f->size)));
        break;
    case KD_F_BYTES:
        put_blob(w, *(const struct kd_bytes *)(const void *)p);
        break;
    case KD_F_SPAN:
        put_blob(w, span_bytes(arena, (const void *)p));
        break;
    }
}

void kd_schema_encode(const struct kd_schema *s, const void *obj, struct kd_bytes arena,
                      struct kd_writer *w)
{
    const struct kd_record *rec = kd_schema_record(s, tag_of(s, obj));
    size_t len_at;

    kd_assert(rec);
    kd_put_u8(w, s->version);
    kd_put_u16(w, rec->tag);
    len_at = kd_put_gap(w, 4);
    for (size_t i = 0; i < rec->n_fields; i++)
        put_field(w, &rec->fields[i], (const uint8_t *)obj + rec->fields[i].offset, arena);
    if (w->ok)
        kd_patch_u32(w, len_at, (uint32_t)(w->pos - len_at - 4));
}

static struct kd_addr get_addr(struct kd_reader *r)
{
    struct kd_addr a = {.family = kd_get_u8(r)};

    if (a.family != 0 && a.family != 4 && a.family != 6)
        kd_reader_fail(r);
    kd_get_copy(r, a.b, kd_addr_len(&a));
    return a;
}

static void get_field(struct kd_reader *r, const struct kd_field *f, uint8_t *p)
{
    struct kd_bytes b;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (f->type) {
    case KD_F_U8:
        *p = kd_get_u8(r);
        break;
    case KD_F_BOOL:
        *p = kd_get_u8(r) != 0;
        break;
    case KD_F_U16:
        u16 = kd_get_u16(r);
        memcpy(p, &u16, sizeof(u16));
        break;
    case KD_F_U32:
    case KD_F_ENUM:
        u32 = kd_get_u32(r);
        memcpy(p, &u32, sizeof(u32));
        break;
    case KD_F_U64:
        u64 = kd_get_u64(r);
        memcpy(p, &u64, sizeof(u64));
        break;
    case KD_F_HANDLE:
        ((struct kd_handle *)(void *)p)->idx = kd_get_u32(r);
        ((struct kd_handle *)(void *)p)->gen = kd_get_u32(r);
        break;
    case KD_F_ADDR:
        *(struct kd_addr *)(void *)p = get_addr(r);
        break;
    case KD_F_ENDPOINT:
        ((struct kd_endpoint *)(void *)p)->addr = get_addr(r);
        ((struct kd_endpoint *)(void *)p)->port = kd_get_u16(r);
        break;
    case KD_F_PREFIX:
        ((struct kd_prefix *)(void *)p)->addr = get_addr(r);
        ((struct kd_prefix *)(void *)p)->len = kd_get_u8(r);
        break;
    case KD_F_STR:
        b = kd_get_bytes(r, kd_get_u32(r));
        if (b.len >= f->size)
            kd_reader_fail(r);
        else if (b.len)
            memcpy(p, b.p, b.len);
        break;
    case KD_F_BYTES:
        *(struct kd_bytes *)(void *)p = kd_get_bytes(r, kd_get_u32(r));
        break;
    case KD_F_SPAN:
        u32 = kd_get_u32(r);
        *(struct kd_span *)(void *)p = (struct kd_span){(uint32_t)r->pos, u32};
        kd_skip(r, u32);
        break;
    }
}

bool kd_schema_decode(const struct kd_schema *s, struct kd_reader *r, void *obj, size_t obj_size)
{
    uint8_t version = kd_get_u8(r);
    uint16_t tag = kd_get_u16(r);
    size_t len = kd_get_u32(r);
    const struct kd_record *rec = kd_schema_record(s, tag);
    size_t end;
    uint32_t tag32 = tag;

    memset(obj, 0, obj_size);
    if (!r->ok || version != s->version || !rec || len > kd_reader_left(r)) {
        kd_reader_fail(r);
        return false;
    }
    end = r->pos + len;
    memcpy((uint8_t *)obj + s->tag_offset, &tag32, sizeof(tag32));
    for (size_t i = 0; i < rec->n_fields; i++)
        get_field(r, &rec->fields[i], (uint8_t *)obj + rec->fields[i].offset);
    if (r->pos != end)
        kd_reader_fail(r);
    return r->ok;
}

static uint32_t fnv1a(struct kd_bytes b)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < b.len; i++)
        h = (h ^ b.p[i]) * 16777619u;
    return h;
}

static void text_enum(const struct kd_field *f, uint32_t v, char *buf, size_t cap)
{
    for (uint32_t i = 0; f->names && f->names[i]; i++)
        if (i == v) {
            snprintf(buf, cap, "%s", f->names[i]);
            return;
        }
    snprintf(buf, cap, "%u", v);
}

static void text_field(const struct kd_field *f, const uint8_t *p, struct kd_bytes arena, char *buf,
                       size_t cap)
{
    const struct kd_handle *h = (const void *)p;
    struct kd_bytes b = {0};
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    char tmp[KD_ENDPOINT_STR_MAX];

    switch (f->type) {
    case KD_F_U8:
    case KD_F_BOOL:
        snprintf(buf, cap, "%u", *p);
        return;
    case KD_F_U16:
        memcpy(&u16, p, sizeof(u16));
        snprintf(buf, cap, "%u", u16);
        return;
    case KD_F_U32:
        memcpy(&u32, p, sizeof(u32));
        snprintf(buf, cap, "%u", u32);
        return;
    case KD_F_ENUM:
        memcpy(&u32, p, sizeof(u32));
        text_enum(f, u32, buf, cap);
        return;
    case KD_F_U64:
        memcpy(&u64, p, sizeof(u64));
        snprintf(buf, cap, "%llu", (unsigned long long)u64);
        return;
    case KD_F_HANDLE:
        snprintf(buf, cap, "%u.%u", h->idx, h->gen);
        return;
    case KD_F_ADDR:
        snprintf(buf, cap, "%s", kd_addr_str((const void *)p, tmp));
        return;
    case KD_F_ENDPOINT:
        snprintf(buf, cap, "%s", kd_endpoint_str((const void *)p, tmp));
        return;
    case KD_F_PREFIX:
        snprintf(buf, cap, "%s", kd_prefix_str((const void *)p, tmp));
        return;
    case KD_F_STR:
        snprintf(buf, cap, "%.*s", (int)strnlen((const char *)p, f->size), (const char *)p);
        return;
    case KD_F_BYTES:
        b = *(const struct kd_bytes *)(const void *)p;
        break;
    case KD_F_SPAN:
        b = span_bytes(arena, (const void *)p);
        break;
    }
    snprintf(buf, cap, "%zu:%08x", b.len, fnv1a(b));
}

void kd_schema_text(const struct kd_schema *s, const void *obj, struct kd_bytes arena, char *buf,
                    size_t cap)
{
    const struct kd_record *rec = kd_schema_record(s, tag_of(s, obj));
    size_t n;

    kd_assert(rec && cap > 0);
    n = (size_t)snprintf(buf, cap, "%s", rec->name);
    for (size_t i = 0; i < rec->n_fields && n < cap; i++) {
        const struct kd_field *f = &rec->fields[i];
        char value[256];
        text_field(f, (const uint8_t *)obj + f->offset, arena, value, sizeof(value));
        n += (size_t)snprintf(buf + n, cap - n, " %s=%s", f->name, value);
    }
}
