/* Privileged requests, done in this process. Each row of the table makes one socket or device. */
#include "io/priv.h"

#include "io/sockaddr.h"
#include "io/tun.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1 /* linux/icmp.h, which can't be had beside netinet/ip_icmp.h */
#endif

static bool failed(struct io_priv_res *res, const char *what, const char *remedy)
{
    snprintf(res->text, sizeof(res->text), "%s: %s%s%s", what, strerror(errno), remedy ? "; " : "",
             remedy ? remedy : "");
    if (res->fd >= 0)
        close(res->fd);
    res->fd = -1;
    return false;
}

static const char *remedy_of(int err)
{
    switch (err) {
    case EACCES:
    case EPERM:
        return "run as root or with CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE";
    case EADDRINUSE:
        return "another daemon holds this port: stop it, or listen on another address";
    case EADDRNOTAVAIL:
        return "the address isn't on this host, or not on its device: check gateway.listen";
    case ENODEV:
        return "there is no such device: make it first";
    default:
        return NULL;
    }
}

static bool make_socket(const struct io_priv_req *req, struct io_priv_res *res, int type)
{
    uint8_t family = req->local.addr.family ? req->local.addr.family : req->family;
    int one = 1;

    res->fd = socket(family == 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (res->fd < 0)
        return failed(res, "socket", remedy_of(errno));
    if (family == 6)
        setsockopt(res->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (req->ifname[0] && setsockopt(res->fd, SOL_SOCKET, SO_BINDTODEVICE, req->ifname,
                                     (socklen_t)strnlen(req->ifname, sizeof(req->ifname))) < 0)
        return failed(res, "SO_BINDTODEVICE", remedy_of(errno));
    if (req->mark && setsockopt(res->fd, SOL_SOCKET, SO_MARK, &req->mark, sizeof(req->mark)) < 0)
        return failed(res, "SO_MARK", remedy_of(errno));
    return true;
}

static bool bind_local(const struct io_priv_req *req, struct io_priv_res *res)
{
    struct sockaddr_storage ss;
    struct kd_endpoint e = req->local;
    char what[KD_ENDPOINT_STR_MAX + 8], text[KD_ENDPOINT_STR_MAX];
    socklen_t len;

    if (e.addr.family == 0)
        e.addr.family = req->family; /* any address of the family */
    len = io_sockaddr_from(&e, &ss);
    if (bind(res->fd, (struct sockaddr *)&ss, len) == 0)
        return true;
    snprintf(what, sizeof(what), "bind %s", kd_endpoint_str(&e, text));
    return failed(res, what, remedy_of(errno));
}

static bool do_tun(const struct io_priv_req *req, struct io_priv_res *res)
{
    res->fd = io_tun_open(req->ifname, &res->ifindex, res->text, sizeof(res->text));
    return res->fd >= 0;
}

static bool do_udp(const struct io_priv_req *req, struct io_priv_res *res)
{
    return make_socket(req, res, SOCK_DGRAM) && bind_local(req, res);
}

static bool do_listen(const struct io_priv_req *req, struct io_priv_res *res)
{
    int one = 1;

    if (!make_socket(req, res, SOCK_STREAM))
        return false;
    /* The listener of a tunnel's interface and the one for all others share the port; the kernel
     * prefers the bound one for what arrives on its device. */
    if (setsockopt(res->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        setsockopt(res->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
        return failed(res, "SO_REUSEPORT", NULL);
    return bind_local(req, res);
}

bool io_tcp_ttl(int fd, uint8_t family, uint8_t ttl, uint8_t ttl_min)
{
    bool six = family == 6;
    int level = six ? IPPROTO_IPV6 : IPPROTO_IP, to_send = ttl, least = ttl_min;

    if (ttl &&
        setsockopt(fd, level, six ? IPV6_UNICAST_HOPS : IP_TTL, &to_send, sizeof(to_send)) < 0)
        return false;
    return !ttl_min ||
           setsockopt(fd, level, six ? IPV6_MINHOPCOUNT : IP_MINTTL, &least, sizeof(least)) == 0;
}

static bool do_connect_socket(const struct io_priv_req *req, struct io_priv_res *res)
{
    int one = 1, mss = req->mss;
    uint8_t family = req->local.addr.family ? req->local.addr.family : req->family;

    if (!make_socket(req, res, SOCK_STREAM))
        return false;
    setsockopt(res->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (mss && setsockopt(res->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) < 0)
        return failed(res, "TCP_MAXSEG", NULL);
    if (!io_tcp_ttl(res->fd, family, req->ttl, req->ttl_min))
        return failed(res, "TTL", NULL);
    return req->local.addr.family == 0 || bind_local(req, res);
}

/* Of all the ICMP that comes from there only echo replies are wanted, and word of hops. */
static void filter(int fd, uint8_t family, bool hops)
{
    struct icmp6_filter six;
    uint32_t four = ~(1u << ICMP_ECHOREPLY | (uint32_t)hops << ICMP_TIME_EXCEEDED);

    ICMP6_FILTER_SETBLOCKALL(&six);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &six);
    if (hops)
        ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &six);
    if (family == 6)
        (void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &six, sizeof(six));
    else
        (void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &four, sizeof(four));
}

static bool do_probe(const struct io_priv_req *req, struct io_priv_res *res)
{
    bool icmp = req->protocol == IPPROTO_ICMP, v6 = req->family == 6;
    int type = icmp ? SOCK_RAW : req->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int ifindex = (int)req->ifindex;

    res->fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     icmp && v6 ? IPPROTO_ICMPV6 : req->protocol);
    if (res->fd < 0)
        return failed(res, "socket", remedy_of(errno));
    if (icmp)
        filter(res->fd, req->family, req->hops);
    if (ifindex && setsockopt(res->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex)) < 0)
        return failed(res, "SO_BINDTOIFINDEX", NULL);
    return req->local.addr.family == 0 || bind_local(req, res);
}

bool io_priv(const struct io_priv_req *req, struct io_priv_res *res)
{
    static bool (*const row[])(const struct io_priv_req *, struct io_priv_res *) = {
        [IO_PRIV_TUN] = do_tun,           [IO_PRIV_UDP] = do_udp,
        [IO_PRIV_TCP_LISTEN] = do_listen, [IO_PRIV_TCP_SOCKET] = do_connect_socket,
        [IO_PRIV_PROBE] = do_probe,
    };

    memset(res, 0, sizeof(*res));
    res->fd = -1;
    return row[req->kind](req, res);
}
