/* Netlink messages as pure functions over buffers: build into a struct nl_buf, parse from bytes.
 * One file (socket.c) touches the kernel. Built on libmnl.
 *
 * Every builder appends one complete message with NLM_F_ACK and the given sequence number, so that
 * several fit one batch. False when the buffer is too small (nothing appended), never for another
 * reason: a field out of its bounds is a bug (asserted). The buffer needs no alignment. */
#ifndef NL_MSG_H
#define NL_MSG_H

#include "base/addr.h"

struct nl_buf {
    uint8_t *p;
    size_t cap;
    size_t len;
};

/* Our rtm_protocol and next-hop protocol number (DESIGN 3.9): "K", free in iproute2 and in what FRR
 * (186 to 198), BIRD (12) and systemd use; FRR removes at its start whatever carries one of its
 * own. */
#define NL_PROTO_KEDGE 75

/* reqid and if_id of a tunnel's SAs and policies, and its XFRM interface's if_id: this + 1 + its
 * number. "ke": the range of 65,536 that is ours (DESIGN 3.9). */
#define NL_ID_KEDGE 0x6b650000u

#define NL_NAME_MAX  16 /* IFNAMSIZ, NUL included */
#define NL_ALIAS_MAX 64 /* of ours; a longer foreign one is parsed cut */

struct nl_link_set {
    uint32_t ifindex;
    bool up;
    uint32_t mtu;      /* 0: leave */
    const char *alias; /* NULL: leave; "kedge:<tunnel>", less than NL_ALIAS_MAX bytes */
    uint32_t master;   /* 0: leave; the device, a VRF's, that it belongs to */
};

struct nl_addr_set {
    uint32_t ifindex;
    struct kd_prefix prefix; /* addr/len; local address = prefix.addr for host prefixes */
    struct kd_addr local;    /* family 0: prefix.addr. Outside prefix: prefix is the peer's */
    uint8_t protocol;        /* IFA_PROTO tag, NL_PROTO_KEDGE on ours; 0: none */
};

enum nl_route_type { NL_ROUTE_UNICAST, NL_ROUTE_UNREACHABLE, NL_ROUTE_BLACKHOLE };

#define NL_ROUTE_HOPS_MAX 8 /* read of a multipath route; the others are left out */

struct nl_hop {
    struct kd_addr gateway; /* family 0: none */
    uint32_t oif;
};

struct nl_route {
    struct kd_prefix dst;
    uint32_t table;   /* 0 in what we build: main */
    uint32_t metric;  /* 1 and up in what we add, see nl_put_route() */
    uint8_t protocol; /* NL_PROTO_KEDGE in what we build; as found in what we parse */
    enum nl_route_type type;
    uint32_t nh_id;         /* next-hop object; else gateway/oif */
    struct kd_addr gateway; /* family 0: none */
    uint32_t oif;
    struct kd_addr prefsrc; /* family 0: none */
    bool cloned;    /* parsed only: the answer to a look-up or a cached exception, no FIB entry */
    uint8_t n_hops; /* parsed only: of a multipath route (RTA_MULTIPATH), dead ones too: the kernel
                       doesn't tell when they live again */
    struct nl_hop hop[NL_ROUTE_HOPS_MAX];
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

/* "to dst oif OIF lookup table": for sockets bound to the interface. */
struct nl_rule {
    struct kd_prefix dst;
    char oif[NL_NAME_MAX];
    uint32_t table;    /* not 0 */
    uint32_t priority; /* the lowest is asked first; main's is 32766 */
    uint8_t protocol;
};

struct nl_link_info {
    uint32_t ifindex;
    char name[NL_NAME_MAX];
    char alias[NL_ALIAS_MAX];
    uint32_t mtu;
    bool up, carrier;
    bool xfrm; /* an XFRM interface, of this if_id */
    uint32_t if_id;
    uint32_t vrf_table; /* of a VRF device; else 0 */
};

/* builders */
bool nl_put_link_set(struct nl_buf *b, uint32_t seq, const struct nl_link_set *l);
/* An XFRM interface: packets routed to it take the policies of its if_id, and what comes in on such
 * an SA comes from it. EEXIST when the name or the if_id is taken. if_id: not 0, of one
 * interface. outer: a VRF, or an interface in one: its SAs' packets are routed by that one's table;
 * 0, and any other interface: by main. */
bool nl_put_link_xfrm(struct nl_buf *b, uint32_t seq, const char *name, uint32_t if_id,
                      uint32_t outer);
bool nl_put_link_del(struct nl_buf *b, uint32_t seq, uint32_t ifindex);
bool nl_put_addr(struct nl_buf *b, uint32_t seq, const struct nl_addr_set *a, bool add);
/* add: NLM_F_CREATE|REPLACE, keyed by the kernel on table, dst and metric, whoever owns the old
 * one. Delete: table, dst, type, protocol and every other field that is not zero must match; a
 * route as parsed deletes itself. nh_id 0 is therefore "any next hop" and metric 0 "any metric",
 * which would take the fallback once the primary is gone: so adding metric 0 is a bug. With nh_id
 * set, gateway and oif are left out. */
bool nl_put_route(struct nl_buf *b, uint32_t seq, const struct nl_route *r, bool add);
/* CREATE|REPLACE. Group and single can't replace each other. The kernel refuses an IPv4 member
 * under IPv6 routes, but takes an IPv6 one under IPv4 routes (RFC 8950): groups per family are the
 * caller's to keep. */
bool nl_put_nexthop(struct nl_buf *b, uint32_t seq, const struct nl_nexthop *n);
/* The kernel also removes it from its groups, and every route left without a next hop. */
bool nl_put_nexthop_del(struct nl_buf *b, uint32_t seq, uint32_t id);
/* add: EEXIST when there is one with the same fields. Delete: the one in which all are the same,
 * ENOENT when there is none. */
bool nl_put_rule(struct nl_buf *b, uint32_t seq, const struct nl_rule *r, bool add);
/* type: RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEXTHOP or RTM_GETRULE; family 4, 6 or 0
 * (all). Answered with any number of messages and NL_DONE, no ack; a refused dump is answered with
 * NL_ACK. */
bool nl_put_dump(struct nl_buf *b, uint32_t seq, uint16_t type, uint8_t family);
/* RTM_GETROUTE's of one protocol number, in all tables: the kernel leaves the others out. */
bool nl_put_route_dump(struct nl_buf *b, uint32_t seq, uint8_t family, uint8_t protocol);
/* Looks dst up as the kernel would route it; answered with one NL_ROUTE (host prefix, resolved
 * gateway, oif and prefsrc, the table it was found in) and an ack, or, where there is no way, an
 * ack with ENETUNREACH, EHOSTUNREACH or EINVAL (blackhole). oif: the VRF device in whose table to
 * look (the kernel takes no table here), 0: as the rules say. */
bool nl_put_route_get(struct nl_buf *b, uint32_t seq, const struct kd_addr *dst, uint32_t oif);

/* parser: one incoming message */
enum nl_kind {
    NL_ACK,
    NL_DONE,
    NL_LINK,
    NL_ADDR,
    NL_ROUTE,
    NL_NEXTHOP,
    NL_RULE,
    NL_OVERRUN,
    NL_OTHER
};

struct nl_event {
    enum nl_kind kind;
    uint32_t seq;
    bool is_del;      /* RTM_DEL* */
    bool interrupted; /* NLM_F_DUMP_INTR: the dump missed a change and must be repeated */
    /* NL_ACK, NL_DONE */
    int error; /* 0 or a positive errno */
    /* The kernel's extended-ack text, "" when none. NL_OTHER: why a message of a type we read was
     * refused as malformed, "" when it merely isn't ours to read. Printable, one line. */
    char text[160];
    union {
        struct nl_link_info link;
        struct nl_addr_set addr;
        struct nl_route route;
        struct nl_nexthop nexthop;
        struct nl_rule rule;
    };
};

/* Takes the next message of a NETLINK_ROUTE socket from *data (advances it). False at the end
 * (data->len is 0) or when the rest is malformed (data stays). Of routes only unicast, unreachable
 * and blackhole ones without source or TOS are read, of rules those of struct nl_rule's kind; a
 * multipath route shows its hops and no gateway. Needs no alignment. */
bool nl_next(struct kd_bytes *data, struct nl_event *ev) KD_MUST_USE;
/* The same for any family (XFRM's type numbers are also rtnetlink's): only NL_ACK, NL_DONE,
 * NL_OVERRUN, and NL_OTHER for all the rest. */
bool nl_next_ack(struct kd_bytes *data, struct nl_event *ev) KD_MUST_USE;

#endif
