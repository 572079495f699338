/* NOTIFICATION: RFC 4271 4.5 and 6, with the codes of RFC 4486, 6608, 7313, 8538, 9003, 9234, 9384
 * and 9687; built of a bgp_error, told in the field's words. Who says what when is fsm.c's. */
#include "base/utf8.h"
#include "bgp/message.h"

#include <stdarg.h>
#include <stdio.h>

bool bgp_error_set(struct bgp_error *e, uint8_t code, uint8_t sub, struct kd_bytes data,
                   const char *fmt, ...)
{
    va_list ap;

    *e = (struct bgp_error){.code = code, .sub = sub};
    e->n_data = (uint16_t)KD_MIN(data.len, BGP_ERROR_DATA_MAX);
    if (e->n_data)
        memcpy(e->data, data.p, e->n_data);
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    return false;
}

static const struct {
    uint8_t code, sub;
    const char *name;
} errors[] = {
    {1, 0, "Message Header Error"},
    {1, 1, "Message Header Error/Connection Not Synchronized"},
    {1, 2, "Message Header Error/Bad Message Length"},
    {1, 3, "Message Header Error/Bad Message Type"},
    {2, 0, "OPEN Message Error"},
    {2, 1, "OPEN Message Error/Unsupported Version Number"},
    {2, 2, "OPEN Message Error/Bad Peer AS"},
    {2, 3, "OPEN Message Error/Bad BGP Identifier"},
    {2, 4, "OPEN Message Error/Unsupported Optional Parameter"},
    {2, 6, "OPEN Message Error/Unacceptable Hold Time"},
    {2, 7, "OPEN Message Error/Unsupported Capability"},
    {2, 11, "OPEN Message Error/Role Mismatch"},
    {3, 0, "UPDATE Message Error"},
    {3, 1, "UPDATE Message Error/Malformed Attribute List"},
    {3, 2, "UPDATE Message Error/Unrecognized Well-known Attribute"},
    {3, 3, "UPDATE Message Error/Missing Well-known Attribute"},
    {3, 4, "UPDATE Message Error/Attribute Flags Error"},
    {3, 5, "UPDATE Message Error/Attribute Length Error"},
    {3, 6, "UPDATE Message Error/Invalid ORIGIN Attribute"},
    {3, 8, "UPDATE Message Error/Invalid NEXT_HOP Attribute"},
    {3, 9, "UPDATE Message Error/Optional Attribute Error"},
    {3, 10, "UPDATE Message Error/Invalid Network Field"},
    {3, 11, "UPDATE Message Error/Malformed AS_PATH"},
    {4, 0, "Hold Timer Expired"},
    {5, 0, "Finite State Machine Error"},
    {5, 1, "Finite State Machine Error/Unexpected Message in OpenSent"},
    {5, 2, "Finite State Machine Error/Unexpected Message in OpenConfirm"},
    {5, 3, "Finite State Machine Error/Unexpected Message in Established"},
    {6, 0, "Cease"},
    {6, 1, "Cease/Maximum Number of Prefixes Reached"},
    {6, 2, "Cease/Administrative Shutdown"},
    {6, 3, "Cease/Peer De-configured"},
    {6, 4, "Cease/Administrative Reset"},
    {6, 5, "Cease/Connection Rejected"},
    {6, 6, "Cease/Other Configuration Change"},
    {6, 7, "Cease/Connection Collision Resolution"},
    {6, 8, "Cease/Out of Resources"},
    {6, 9, "Cease/Hard Reset"},
    {6, 10, "Cease/BFD Down"},
    {7, 0, "ROUTE-REFRESH Message Error"},
    {7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"},
    {8, 0, "Send Hold Timer Expired"},
};

const char *bgp_error_name(uint8_t code, uint8_t sub)
{
    const char *general = "unknown error";

    for (size_t i = 0; i < KD_ARRAY_LEN(errors); i++) {
        if (errors[i].code != code)
            continue;
        if (errors[i].sub == sub)
            return errors[i].name;
        if (errors[i].sub == 0)
            general = errors[i].name;
    }
    return general;
}

bool bgp_notification_parse(struct kd_bytes body, struct bgp_notification *n)
{
    struct kd_reader r;

    kd_reader_init(&r, body);
    n->code = kd_get_u8(&r);
    n->sub = kd_get_u8(&r);
    n->data = kd_get_rest(&r);
    return r.ok;
}

void bgp_notification_put(struct kd_writer *w, const struct bgp_error *e)
{
    size_t start = bgp_frame_begin(w, BGP_MSG_NOTIFICATION);

    kd_put_u8(w, e->code);
    kd_put_u8(w, e->sub);
    kd_put_bytes(w, kd_bytes(e->data, e->n_data));
    bgp_frame_end(w, start);
}

/* RFC 9003 2: one length octet, then UTF-8. */
static struct kd_bytes shutdown_text(const struct bgp_notification *n)
{
    struct kd_reader r;
    struct kd_bytes text;

    if (n->code != BGP_E_CEASE ||
        (n->sub != BGP_CEASE_ADMIN_SHUTDOWN && n->sub != BGP_CEASE_ADMIN_RESET))
        return kd_bytes(NULL, 0);
    kd_reader_init(&r, n->data);
    text = kd_get_bytes(&r, kd_get_u8(&r));
    return r.ok ? text : kd_bytes(NULL, 0);
}

void bgp_notification_text(const struct bgp_notification *n, char *buf, size_t cap)
{
    struct kd_bytes text = shutdown_text(n);
    size_t at;

    snprintf(buf, cap, "%s (%u/%u)", bgp_error_name(n->code, n->sub), n->code, n->sub);
    at = strlen(buf);
    if (text.len == 0 || at + 3 >= cap)
        return;
    memcpy(buf + at, ": ", 2);
    kd_utf8_printable(text, buf + at + 2, cap - at - 2);
}

void bgp_error_say(struct bgp_error *e, struct kd_bytes text)
{
    if (text.len == 0 || text.len > BGP_SHUTDOWN_MAX)
        return;
    e->data[0] = (uint8_t)text.len;
    memcpy(e->data + 1, text.p, text.len);
    e->n_data = (uint16_t)(text.len + 1);
}
