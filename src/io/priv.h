/* Everything that needs privilege, behind fixed messages: a request of plain values, an answer that
 * is a file descriptor or a text with the remedy. In-process now; a process of its own later
 * without touching anyone else (DESIGN 1). */
#ifndef IO_PRIV_H
#define IO_PRIV_H

#include "base/addr.h"

enum io_priv_kind {
    IO_PRIV_TUN,        /* name -> fd, ifindex */
    IO_PRIV_UDP,        /* local, ifname ("" for any), mark -> bound UDP socket */
    IO_PRIV_TCP_LISTEN, /* local, ifname ("" for any) -> bound socket, not yet listening */
    IO_PRIV_TCP_SOCKET, /* local, ifname, ttl, ttl_min, mss -> bound socket, not yet connected */
    IO_PRIV_PROBE,      /* protocol, local, ifindex -> bound socket, not yet connected */
};

struct io_priv_req {
    enum io_priv_kind kind;
    struct kd_endpoint local; /* addr.family 0 with TCP_LISTEN: any; family of remote else */
    uint8_t family;           /* 4 or 6, where local has none */
    char ifname[16];
    uint32_t mark;        /* UDP: 0: none */
    uint8_t ttl, ttl_min; /* 0: leave */
    uint16_t mss;         /* 0: leave */
    int protocol;         /* PROBE: IPPROTO_ICMP (raw, echo replies; of IPv6 its like), UDP, TCP */
    uint32_t ifindex;     /* PROBE: 0: none */
    bool hops;            /* PROBE by ICMP: hears also where the TTL of what it sends ran out */
};

struct io_priv_res {
    int fd; /* -1 on failure; owned by the caller */
    uint32_t ifindex;
    char text[192]; /* on failure: what, why, remedy */
};

/* Sends with ttl and takes nothing that arrives with less than ttl_min (RFC 5082); 0 leaves what
 * is. False with errno set. */
bool io_tcp_ttl(int fd, uint8_t family, uint8_t ttl, uint8_t ttl_min) KD_MUST_USE;
bool io_priv(const struct io_priv_req *req, struct io_priv_res *res) KD_MUST_USE;

#endif
