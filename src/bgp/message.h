/* BGP messages but UPDATE: header, OPEN, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH; parsed into
 * structs of values and views, built into a writer. No effects. */
#ifndef BGP_MESSAGE_H
#define BGP_MESSAGE_H

#include "base/wire.h"

#define BGP_HEADER_LEN   19
#define BGP_MESSAGE_MAX  4096  /* RFC 4271 4.1 */
#define BGP_EXTENDED_MAX 65535 /* RFC 8654, where negotiated */
#define BGP_AS_TRANS     23456 /* RFC 6793 */

enum bgp_msg_type {
    BGP_MSG_OPEN = 1,
    BGP_MSG_UPDATE = 2,
    BGP_MSG_NOTIFICATION = 3,
    BGP_MSG_KEEPALIVE = 4,
    BGP_MSG_REFRESH = 5,
};

enum bgp_error_code {
    BGP_E_HEADER = 1,
    BGP_E_OPEN = 2,
    BGP_E_UPDATE = 3,
    BGP_E_HOLD = 4,
    BGP_E_FSM = 5,
    BGP_E_CEASE = 6,
    BGP_E_REFRESH = 7,   /* RFC 7313 */
    BGP_E_SEND_HOLD = 8, /* RFC 9687 */
};

/* RFC 4486, 8538, 9384 */
enum bgp_cease {
    BGP_CEASE_MAX_PREFIXES = 1,
    BGP_CEASE_ADMIN_SHUTDOWN = 2,
    BGP_CEASE_DECONFIGURED = 3,
    BGP_CEASE_ADMIN_RESET = 4,
    BGP_CEASE_REJECTED = 5,
    BGP_CEASE_OTHER_CHANGE = 6,
    BGP_CEASE_COLLISION = 7,
    BGP_CEASE_NO_RESOURCES = 8,
    BGP_CEASE_HARD_RESET = 9,
    BGP_CEASE_BFD_DOWN = 10,
};

enum bgp_afi { BGP_AFI_IPV4 = 1, BGP_AFI_IPV6 = 2 };
#define BGP_SAFI_UNICAST 1

#define BGP_ERROR_DATA_MAX 64  /* of an offending field that goes back */
#define BGP_SHUTDOWN_MAX   255 /* octets of a shutdown communication (RFC 9003) */

/* What is wrong with a message, ready to be a NOTIFICATION and a line of text. */
struct bgp_error {
    uint8_t code, sub;
    uint16_t n_data;
    uint8_t data[1 + BGP_SHUTDOWN_MAX]; /* offending field, cut; or a shutdown communication */
    char text[96];
};

/* Fills e (data is copied and cut) and returns false, so that a check can end with it. */
bool bgp_error_set(struct bgp_error *e, uint8_t code, uint8_t sub, struct kd_bytes data,
                   const char *fmt, ...) KD_PRINTF(5, 6);
/* Adds a shutdown communication (RFC 9003) to a Cease; nothing for empty or too long a text. */
void bgp_error_say(struct bgp_error *e, struct kd_bytes text);

enum bgp_frame_verdict { BGP_FRAME_OK, BGP_FRAME_MORE, BGP_FRAME_BAD };

struct bgp_frame {
    uint8_t type;
    struct kd_bytes body; /* borrowed from data */
    size_t len;           /* of the whole message */
};

/* Takes the first message off data. MORE: not complete yet. len_max: BGP_MESSAGE_MAX or, for the
 * types RFC 8654 allows it for, the negotiated length. */
enum bgp_frame_verdict bgp_frame_parse(struct kd_bytes data, size_t len_max, struct bgp_frame *f,
                                       struct bgp_error *e);

/* Writes the header with a length to be patched by bgp_frame_end(); returns where it starts. */
size_t bgp_frame_begin(struct kd_writer *w, enum bgp_msg_type type);
void bgp_frame_end(struct kd_writer *w, size_t start);

struct bgp_open {
    uint32_t asn; /* the 4-octet capability's when there is one */
    uint16_t hold_s;
    uint32_t id;
    /* capabilities */
    bool as4, mp_ipv4, mp_ipv6, mp_any, refresh, enhanced_refresh, extended_message;
    bool graceful;
    uint16_t graceful_flags_time; /* RFC 4724 3: flags and restart time as on the wire */
    bool graceful_family[2], graceful_forwarding[2]; /* IPv4, IPv6: named there, its F bit */
    uint16_t n_unknown;
};

/* False with e filled: syntax, version, hold time 1 and 2, AS 0 and identifier 0 (RFC 4271 6.2,
 * 6286, 7607); whether it is the AS we want is the session's to say. */
bool bgp_open_parse(struct kd_bytes body, struct bgp_open *o, struct bgp_error *e) KD_MUST_USE;
/* A whole message; the extended optional parameters form (RFC 9072) only where it is needed. */
void bgp_open_put(struct kd_writer *w, const struct bgp_open *o);

struct bgp_notification {
    uint8_t code, sub;
    struct kd_bytes data; /* borrowed */
};

bool bgp_notification_parse(struct kd_bytes body, struct bgp_notification *n) KD_MUST_USE;
void bgp_notification_put(struct kd_writer *w, const struct bgp_error *e);
/* "Cease/Administrative Shutdown: text", the shutdown communication (RFC 9003) made printable. */
void bgp_notification_text(const struct bgp_notification *n, char *buf, size_t cap);
const char *bgp_error_name(uint8_t code, uint8_t sub); /* never NULL */

void bgp_keepalive_put(struct kd_writer *w);

struct bgp_refresh {
    uint16_t afi;
    uint8_t subtype; /* RFC 7313; 0 for RFC 2918 */
    uint8_t safi;
};
bool bgp_refresh_parse(struct kd_bytes body, struct bgp_refresh *r) KD_MUST_USE;
void bgp_refresh_put(struct kd_writer *w, const struct bgp_refresh *r);

#endif
