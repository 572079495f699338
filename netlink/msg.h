/* Netlink messages as pure functions over buffers: build into a struct nl_buf, parse from bytes.
 * One file (socket.c) touches the kernel. Built on libmnl.
 *
 * Every builder appends one complete message with NLM_F_ACK and the given sequence number, so that
 * several fit one batch. False when the buffer is too small (nothing appended). */
#ifndef NL_MSG_H
#define NL_MSG_H

#include "base/addr.h"

struct nl_buf {
    uint8_t *p;
    size_t cap;
    size_t len;
};

#define NL_PROTO_KEDGE 190 /* our rtm_protocol / nh protocol number (DESIGN 3.9) */

struct nl_link_set {
    uint32_t ifindex;
    bool up;
    uint32_t mtu;      /* 0: leave */
    const char *alias; /* NULL: leave; "kedge:<tunnel>" */
};

struct nl_addr_set {
    uint32_t ifindex;
    struct kd_prefix prefix; /* addr/len; local address = prefix.addr for host prefixes */
    struct kd_addr local;
};

enum nl_route_type { NL_ROUTE_UNICAST, NL_ROUTE_UNREACHABLE, NL_ROUTE_BLACKHOLE };

struct nl_route {
    struct kd_prefix dst;
    uint32_t table;
    uint32_t metric;
    uint8_t protocol; /* NL_PROTO_KEDGE in what we build; as found in what we parse */
    enum nl_route_type type;
    uint32_t nh_id;   /* next-hop object; else gateway/oif */
    struct kd_addr gateway; /* family 0: none */
    uint32_t oif;
    struct kd_addr prefsrc; /* family 0: none */
};

#define NL_NH_GROUP_MAX 16

struct nl_nexthop {
    uint32_t id;
    uint8_t family; /* 4, 6; 0 for a group (kernel: AF_UNSPEC) */
    uint8_t protocol;
    bool blackhole;
    struct kd_addr gateway; /* family 0: none (device route) */
    uint32_t oif;
    bool onlink;
    uint32_t group[NL_NH_GROUP_MAX]; /* ids; n_group > 0 makes it a group */
    uint32_t n_group;
};

struct nl_link_info {
    uint32_t ifindex;
    char name[16];
    char alias[64];
    uint32_t mtu;
    bool up, carrier;
};

/* builders */
bool nl_put_link_set(struct nl_buf *b, uint32_t seq, const struct nl_link_set *l);
bool nl_put_addr(struct nl_buf *b, uint32_t seq, const struct nl_addr_set *a, bool add);
bool nl_put_route(struct nl_buf *b, uint32_t seq, const struct nl_route *r, bool add); /* add: NLM_F_CREATE|REPLACE */
bool nl_put_nexthop(struct nl_buf *b, uint32_t seq, const struct nl_nexthop *n); /* CREATE|REPLACE */
bool nl_put_nexthop_del(struct nl_buf *b, uint32_t seq, uint32_t id);
bool nl_put_dump(struct nl_buf *b, uint32_t seq, uint16_t type, uint8_t family); /* RTM_GETROUTE, ... */
bool nl_put_route_get(struct nl_buf *b, uint32_t seq, const struct kd_addr *dst, uint32_t table);

/* parser: one incoming message */
enum nl_kind { NL_ACK, NL_DONE, NL_LINK, NL_ADDR, NL_ROUTE, NL_NEXTHOP, NL_OVERRUN, NL_OTHER };

struct nl_event {
    enum nl_kind kind;
    uint32_t seq;
    bool is_del; /* RTM_DEL* */
    /* NL_ACK */
    int error;       /* 0 or a positive errno */
    char text[160];  /* the kernel's extended-ack text, "" when none */
    union {
        struct nl_link_info link;
        struct nl_addr_set addr;
        struct nl_route route;
        struct nl_nexthop nexthop;
    };
};

/* Takes the next message from *data (advances it). False at the end or when the rest is malformed. */
bool nl_next(struct kd_bytes *data, struct nl_event *ev);

#endif
