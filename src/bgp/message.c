/* Header, OPEN, KEEPALIVE and ROUTE-REFRESH on the wire: RFC 4271 4.1, 4.2, 4.4, 6.1 and 6.2, RFC
 * 5492 (capabilities), RFC 9072 (extended optional parameters), RFC 6793, RFC 2918, RFC 4724 3.
 * UPDATE is update.c's, NOTIFICATION notification.c's.
 *
 * Stricter than the RFC asks: a known capability of the wrong length refuses the OPEN; speakers
 * that read past a capability's length have crashed of it (facts/peers.md 4b). */
#include "bgp/message.h"

/* ---- header (RFC 4271 4.1, 6.1) ---- */

static const struct {
    uint16_t min, max; /* of the whole message; max 0: what was negotiated */
} type_len[] = {
    [BGP_MSG_OPEN] = {29, BGP_MESSAGE_MAX},
    [BGP_MSG_UPDATE] = {23, 0},
    [BGP_MSG_NOTIFICATION] = {21, 0},
    [BGP_MSG_KEEPALIVE] = {19, 19},
    [BGP_MSG_REFRESH] = {23, 0},
};

static bool marker_ok(struct kd_bytes data)
{
    for (size_t i = 0; i < 16 && i < data.len; i++)
        if (data.p[i] != 0xff)
            return false;
    return true;
}

enum bgp_frame_verdict bgp_frame_parse(struct kd_bytes data, size_t len_max, struct bgp_frame *f,
                                       struct bgp_error *e)
{
    struct kd_reader r;
    struct kd_bytes len_field;
    size_t max;

    /* Judged as soon as it can be, so that a stranger's bytes aren't waited for. */
    if (!marker_ok(data)) {
        bgp_error_set(e, BGP_E_HEADER, 1, kd_bytes(NULL, 0), "marker is not all ones");
        return BGP_FRAME_BAD;
    }
    if (data.len < BGP_HEADER_LEN)
        return BGP_FRAME_MORE;
    len_field = kd_bytes(data.p + 16, 2);
    kd_reader_init(&r, data);
    kd_skip(&r, 16);
    f->len = kd_get_u16(&r);
    f->type = kd_get_u8(&r);
    if (f->type == 0 || f->type >= KD_ARRAY_LEN(type_len)) {
        bgp_error_set(e, BGP_E_HEADER, 3, kd_bytes(data.p + 18, 1), "message type %u", f->type);
        return BGP_FRAME_BAD;
    }
    max = type_len[f->type].max ? type_len[f->type].max : len_max;
    if (f->len < type_len[f->type].min || f->len > max) {
        bgp_error_set(e, BGP_E_HEADER, 2, len_field, "message type %u of %zu bytes", f->type,
                      f->len);
        return BGP_FRAME_BAD;
    }
    if (data.len < f->len)
        return BGP_FRAME_MORE;
    f->body = kd_bytes(data.p + BGP_HEADER_LEN, f->len - BGP_HEADER_LEN);
    return BGP_FRAME_OK;
}

size_t bgp_frame_begin(struct kd_writer *w, enum bgp_msg_type type)
{
    size_t start = w->pos;

    for (int i = 0; i < 4; i++)
        kd_put_u32(w, UINT32_MAX);
    kd_put_gap(w, 2);
    kd_put_u8(w, (uint8_t)type);
    return start;
}

void bgp_frame_end(struct kd_writer *w, size_t start)
{
    if (w->ok)
        kd_patch_u16(w, start + 16, (uint16_t)(w->pos - start));
}

/* ---- capabilities (RFC 5492) ---- */

enum {
    CAP_MP = 1,
    CAP_REFRESH = 2,
    CAP_EXTENDED_MESSAGE = 6,
    CAP_GRACEFUL = 64,
    CAP_AS4 = 65,
    CAP_ENHANCED_REFRESH = 70,
};

#define GRACEFUL_FORWARDING 0x80 /* RFC 4724 3: a family's F bit */

static void cap_mp(struct bgp_open *o, struct kd_reader *r)
{
    uint16_t afi = kd_get_u16(r);
    uint8_t safi;

    kd_skip(r, 1);
    safi = kd_get_u8(r);
    o->mp_any = true;
    if (safi != BGP_SAFI_UNICAST)
        return;
    o->mp_ipv4 |= afi == BGP_AFI_IPV4;
    o->mp_ipv6 |= afi == BGP_AFI_IPV6;
}

static void cap_refresh(struct bgp_open *o, struct kd_reader *r)
{
    (void)r;
    o->refresh = true;
}

static void cap_extended_message(struct bgp_open *o, struct kd_reader *r)
{
    (void)r;
    o->extended_message = true;
}

static void cap_graceful(struct bgp_open *o, struct kd_reader *r)
{
    o->graceful = true;
    o->graceful_flags_time = kd_get_u16(r);
    for (int i = 0; i < 2; i++) /* RFC 4724 3: of several the last counts */
        o->graceful_family[i] = o->graceful_forwarding[i] = false;
    while (kd_reader_left(r) > 0) {
        uint16_t afi = kd_get_u16(r);
        uint8_t safi = kd_get_u8(r), flags = kd_get_u8(r);
        if (safi != BGP_SAFI_UNICAST || (afi != BGP_AFI_IPV4 && afi != BGP_AFI_IPV6))
            continue;
        o->graceful_family[afi == BGP_AFI_IPV6] = true;
        o->graceful_forwarding[afi == BGP_AFI_IPV6] = flags & GRACEFUL_FORWARDING;
    }
}

static void cap_as4(struct bgp_open *o, struct kd_reader *r)
{
    o->as4 = true;
    o->asn = kd_get_u32(r);
}

static void cap_enhanced_refresh(struct bgp_open *o, struct kd_reader *r)
{
    (void)r;
    o->enhanced_refresh = true;
}

static const struct capability {
    uint8_t code;
    const char *name;
    uint8_t min, max, step; /* length: min, min + step, ... max */
    void (*parse)(struct bgp_open *o, struct kd_reader *r);
} capabilities[] = {
    {CAP_MP, "multiprotocol", 4, 4, 1, cap_mp},
    {CAP_REFRESH, "route refresh", 0, 0, 1, cap_refresh},
    {CAP_EXTENDED_MESSAGE, "extended message", 0, 0, 1, cap_extended_message},
    {CAP_GRACEFUL, "graceful restart", 2, 254, 4, cap_graceful},
    {CAP_AS4, "4-octet AS", 4, 4, 1, cap_as4},
    {CAP_ENHANCED_REFRESH, "enhanced route refresh", 0, 0, 1, cap_enhanced_refresh},
};

static const struct capability *cap_find(uint8_t code)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(capabilities); i++)
        if (capabilities[i].code == code)
            return &capabilities[i];
    return NULL;
}

static bool parse_capabilities(struct kd_reader *r, struct bgp_open *o, struct bgp_error *e)
{
    while (r->ok && kd_reader_left(r) > 0) {
        uint8_t code = kd_get_u8(r), len = kd_get_u8(r);
        struct kd_reader v = kd_get_sub(r, len);
        const struct capability *c = cap_find(code);
        if (!r->ok)
            return bgp_error_set(e, BGP_E_OPEN, 0, kd_bytes(NULL, 0),
                                 "capability %u runs past its parameter", code);
        if (!c) {
            o->n_unknown++;
            continue;
        }
        if (len < c->min || len > c->max || (len - c->min) % c->step)
            return bgp_error_set(e, BGP_E_OPEN, 0, kd_bytes(NULL, 0), "%s capability of %u bytes",
                                 c->name, len);
        c->parse(o, &v);
    }
    return true;
}

/* ---- OPEN (RFC 4271 4.2, 6.2; RFC 9072) ---- */

static bool parse_parameters(struct kd_reader *r, bool extended, struct bgp_open *o,
                             struct bgp_error *e)
{
    while (kd_reader_left(r) > 0) {
        uint8_t type = kd_get_u8(r);
        size_t len = extended ? kd_get_u16(r) : kd_get_u8(r);
        struct kd_reader v = kd_get_sub(r, len);
        if (!r->ok)
            return bgp_error_set(e, BGP_E_OPEN, 0, kd_bytes(NULL, 0),
                                 "optional parameter %u runs past the OPEN", type);
        if (type != 2) /* RFC 9072 3: 255 inside is as unknown as any other */
            return bgp_error_set(e, BGP_E_OPEN, 4, kd_bytes(NULL, 0), "optional parameter %u",
                                 type);
        if (!parse_capabilities(&v, o, e))
            return false;
    }
    return true;
}

static bool parse_optional(struct kd_reader *r, struct bgp_open *o, struct bgp_error *e)
{
    size_t len = kd_get_u8(r);
    bool extended = len > 0 && kd_reader_left(r) > 0 && r->p[r->pos] == 255;
    struct kd_reader sub;

    if (extended) {
        kd_skip(r, 1);
        len = kd_get_u16(r);
    }
    sub = kd_get_sub(r, len);
    if (!kd_reader_done(r))
        return bgp_error_set(e, BGP_E_OPEN, 0, kd_bytes(NULL, 0),
                             "optional parameters length doesn't fit the OPEN");
    return parse_parameters(&sub, extended, o, e);
}

static bool check_open(const struct bgp_open *o, struct bgp_error *e)
{
    uint8_t hold[2] = {(uint8_t)(o->hold_s >> 8), (uint8_t)o->hold_s};

    if (o->asn == 0)
        return bgp_error_set(e, BGP_E_OPEN, 2, kd_bytes(NULL, 0), "AS 0 (RFC 7607)");
    if (o->hold_s == 1 || o->hold_s == 2)
        return bgp_error_set(e, BGP_E_OPEN, 6, kd_bytes(hold, 2), "hold time %u s", o->hold_s);
    if (o->id == 0)
        return bgp_error_set(e, BGP_E_OPEN, 3, kd_bytes(NULL, 0), "BGP identifier 0.0.0.0");
    return true;
}

bool bgp_open_parse(struct kd_bytes body, struct bgp_open *o, struct bgp_error *e)
{
    static const uint8_t our_version[2] = {0, 4};
    struct kd_reader r;
    uint8_t version;

    *o = (struct bgp_open){0};
    kd_reader_init(&r, body);
    version = kd_get_u8(&r);
    o->asn = kd_get_u16(&r);
    o->hold_s = kd_get_u16(&r);
    o->id = kd_get_u32(&r);
    if (!r.ok)
        return bgp_error_set(e, BGP_E_HEADER, 2, kd_bytes(NULL, 0), "short OPEN");
    if (version != 4)
        return bgp_error_set(e, BGP_E_OPEN, 1, kd_bytes(our_version, 2), "version %u", version);
    return parse_optional(&r, o, e) && check_open(o, e);
}

static void put_cap_mp(struct kd_writer *w, enum bgp_afi afi)
{
    kd_put_u8(w, CAP_MP);
    kd_put_u8(w, 4);
    kd_put_u16(w, (uint16_t)afi);
    kd_put_u8(w, 0);
    kd_put_u8(w, BGP_SAFI_UNICAST);
}

static void put_cap_empty(struct kd_writer *w, uint8_t code)
{
    kd_put_u8(w, code);
    kd_put_u8(w, 0);
}

static void put_cap_graceful(struct kd_writer *w, const struct bgp_open *o)
{
    kd_put_u8(w, CAP_GRACEFUL);
    kd_put_u8(w, (uint8_t)(2 + 4 * (o->graceful_family[0] + o->graceful_family[1])));
    kd_put_u16(w, o->graceful_flags_time);
    for (int i = 0; i < 2; i++)
        if (o->graceful_family[i]) {
            kd_put_u16(w, i ? BGP_AFI_IPV6 : BGP_AFI_IPV4);
            kd_put_u8(w, BGP_SAFI_UNICAST);
            kd_put_u8(w, o->graceful_forwarding[i] ? GRACEFUL_FORWARDING : 0);
        }
}

static void put_capabilities(struct kd_writer *w, const struct bgp_open *o)
{
    if (o->mp_ipv4)
        put_cap_mp(w, BGP_AFI_IPV4);
    if (o->mp_ipv6)
        put_cap_mp(w, BGP_AFI_IPV6);
    if (o->refresh)
        put_cap_empty(w, CAP_REFRESH);
    if (o->extended_message)
        put_cap_empty(w, CAP_EXTENDED_MESSAGE);
    if (o->enhanced_refresh)
        put_cap_empty(w, CAP_ENHANCED_REFRESH);
    if (o->graceful)
        put_cap_graceful(w, o);
    if (o->as4) {
        kd_put_u8(w, CAP_AS4);
        kd_put_u8(w, 4);
        kd_put_u32(w, o->asn);
    }
}

void bgp_open_put(struct kd_writer *w, const struct bgp_open *o)
{
    uint8_t room[512];
    struct kd_writer caps;
    size_t start = bgp_frame_begin(w, BGP_MSG_OPEN);

    kd_writer_init(&caps, room, sizeof(room));
    put_capabilities(&caps, o);
    kd_put_u8(w, 4);
    kd_put_u16(w, o->asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)o->asn);
    kd_put_u16(w, o->hold_s);
    kd_put_u32(w, o->id);
    if (caps.pos + 2 <= 255) {
        kd_put_u8(w, caps.pos ? (uint8_t)(caps.pos + 2) : 0);
        if (caps.pos) {
            kd_put_u8(w, 2);
            kd_put_u8(w, (uint8_t)caps.pos);
        }
    } else {
        kd_put_u16(w, 0xffff); /* RFC 9072 2 */
        kd_put_u16(w, (uint16_t)(caps.pos + 3));
        kd_put_u8(w, 2);
        kd_put_u16(w, (uint16_t)caps.pos);
    }
    kd_put_bytes(w, kd_written(&caps));
    bgp_frame_end(w, start);
}

/* ---- KEEPALIVE, ROUTE-REFRESH ---- */

void bgp_keepalive_put(struct kd_writer *w)
{
    bgp_frame_end(w, bgp_frame_begin(w, BGP_MSG_KEEPALIVE));
}

bool bgp_refresh_parse(struct kd_bytes body, struct bgp_refresh *m)
{
    struct kd_reader r;

    kd_reader_init(&r, body);
    m->afi = kd_get_u16(&r);
    m->subtype = kd_get_u8(&r);
    m->safi = kd_get_u8(&r);
    return kd_reader_done(&r); /* RFC 2918 3; an ORF (RFC 5291) behind it was never negotiated */
}

void bgp_refresh_put(struct kd_writer *w, const struct bgp_refresh *m)
{
    size_t start = bgp_frame_begin(w, BGP_MSG_REFRESH);

    kd_put_u16(w, m->afi);
    kd_put_u8(w, m->subtype);
    kd_put_u8(w, m->safi);
    bgp_frame_end(w, start);
}
