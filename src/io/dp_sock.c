/* The sockets of a listen address: UDP for NAT-T and IKE behind the marker, raw for plain ESP. Each
 * is bound to its one address, so what arrives needs no IP_PKTINFO and what leaves has its source.
 *
 * The kernel writes the outer header: TTL is the system's, DF is off and too long packets leave in
 * fragments, so a path that narrows loses none; the inner MTU keeps fragments rare. Not done: the
 * inner DSCP is not copied outside, no TOS is set per packet. ECN outside is 0, and as nothing
 * marks CE without ECT, opening has nothing to combine (RFC 6040 4.3, "compatibility mode"). */
#include "io/dp.h"

#include "io/bypass.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define SOCK_BUF (4 * 1024 * 1024) /* 30 ms of 1 Gbit/s while the thread is elsewhere */

static void set_int(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value,
                     sizeof(value)); /* a wish: works without, only worse */
}

/* Beyond rmem_max where CAP_NET_ADMIN is there. */
static void set_buffers(int fd)
{
    const int size = SOCK_BUF;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
        set_int(fd, SOL_SOCKET, SO_SNDBUF, size);
}

/* Whether what leaves may be cut up, here or on the way. */
static void cut_up(int fd, uint8_t family, bool may)
{
    if (family == 6)
        set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                may ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE);
    else
        set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, may ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
}

/* Before the address is: it may be the VRF's alone. */
static bool bind_outer(int fd, const struct core_outer *o)
{
    return (!o->device[0] || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device,
                                        (socklen_t)strlen(o->device)) == 0) &&
           (!o->mark || setsockopt(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof(o->mark)) == 0);
}

static int bound_socket(const struct kd_endpoint *local, const struct core_outer *outer, int type,
                        int proto)
{
    const int family = local->addr.family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, proto), err;
    struct sockaddr_storage ss;
    socklen_t len = io_sockaddr_from(local, &ss);

    if (fd < 0)
        return -1;
    set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    set_buffers(fd);
    if (family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    cut_up(fd, local->addr.family, true);
    if (bind_outer(fd, outer) && bind(fd, (struct sockaddr *)&ss, len) == 0)
        return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

static const char *remedy(int err)
{
    switch (err) {
    case EADDRINUSE:
        return "another program has the port (an IKE daemon?): stop it or change `natt_port`";
    case EADDRNOTAVAIL:
        return "the address isn't on this host, or not on its `device`: add it or change `listen`";
    case ENODEV:
        return "its `device` isn't there: make it or change `listen`";
    case EACCES:
    case EPERM:
        return "needs CAP_NET_RAW and CAP_NET_BIND_SERVICE: run as root or grant them";
    default:
        return strerror(err);
    }
}

static bool give_esp_to_kernel(const struct io_dp_listener *l, const char *where, char *text,
                               size_t cap)
{
    const int type = UDP_ENCAP_ESPINUDP;

    if (setsockopt(l->udp, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) == 0)
        return true;
    snprintf(text, cap, "udp %s: the kernel takes no ESP from it (UDP_ENCAP): %s", where,
             strerror(errno));
    close(l->udp);
    return false;
}

static bool open_pair(struct io_dp_listener *l, bool in_kernel, char *text, size_t cap)
{
    struct kd_endpoint udp = {.addr = l->addr, .port = l->port}, raw = {.addr = l->addr};
    char where[KD_ENDPOINT_STR_MAX];

    kd_endpoint_str(&udp, where);
    l->raw = -1;
    l->udp = bound_socket(&udp, &l->outer, SOCK_DGRAM, 0);
    if (l->udp < 0) {
        snprintf(text, cap, "udp %s: %s", where, remedy(errno));
        return false;
    }
    io_bypass(l->udp, l->addr.family);
    if (in_kernel)
        return give_esp_to_kernel(l, where, text, cap);
    l->raw = bound_socket(&raw, &l->outer, SOCK_RAW, IPPROTO_ESP);
    if (l->raw >= 0)
        io_bypass(l->raw, l->addr.family);
    else
        snprintf(text, cap, "plain ESP on %s: %s", kd_addr_str(&l->addr, where), remedy(errno));
    return true;
}

void io_dp_listener_close(struct io_dp_listener *l)
{
    if (l->udp >= 0)
        close(l->udp);
    if (l->raw >= 0)
        close(l->raw);
}

/* Entries are appended and never change, so a pointer to one is good without the lock. */
const struct io_dp_listener *io_dp_listener_of(struct io_dp *dp, const struct kd_addr *local)
{
    const struct io_dp_listener *l = NULL;

    pthread_mutex_lock(&dp->lock);
    for (uint32_t i = 0; i < dp->n_listen && !l; i++)
        if (kd_addr_eq(&dp->listen[i].addr, local))
            l = &dp->listen[i];
    pthread_mutex_unlock(&dp->lock);
    return l;
}

/* Called by the control thread only: nobody appends beside it. */
bool io_dp_listen(struct io_dp *dp, const struct kd_addr *local, const struct core_outer *outer,
                  uint16_t natt_port, bool in_kernel, bool *raw_ok, char *text, size_t cap)
{
    struct io_dp_listener l = {
        .addr = *local, .outer = *outer, .port = natt_port, .udp = -1, .raw = -1};
    uint32_t i = dp->n_listen;

    *raw_ok = false;
    if (cap > 0)
        text[0] = '\0';
    if (i == CORE_LISTEN_MAX || io_dp_listener_of(dp, local)) {
        snprintf(text, cap,
                 i == CORE_LISTEN_MAX ? "too many listen addresses"
                                      : "the address is listened on already");
        return false;
    }
    if (!open_pair(&l, in_kernel, text, cap))
        return false;
    *raw_ok = l.raw >= 0;
    pthread_mutex_lock(&dp->lock);
    dp->listen[i] = l;
    dp->n_listen++;
    pthread_mutex_unlock(&dp->lock);
    if (io_dp_watch(dp, l.udp, IO_DP_TAG(IO_DP_TAG_UDP, i)) &&
        (l.raw < 0 || io_dp_watch(dp, l.raw, IO_DP_TAG(IO_DP_TAG_RAW, i))))
        return true;
    snprintf(text, cap, "epoll: %s", strerror(errno));
    return false;
}

uint32_t io_dp_outer_mtu(struct io_dp *dp, const struct kd_endpoint *local,
                         const struct kd_endpoint *remote)
{
    static const struct core_outer plain;
    const struct io_dp_listener *l = io_dp_listener_of(dp, &local->addr);
    const bool v6 = local->addr.family == 6;
    const struct kd_endpoint from = {.addr = local->addr};
    struct sockaddr_storage ss;
    int mtu = 0, fd = bound_socket(&from, l ? &l->outer : &plain, SOCK_DGRAM, 0);
    socklen_t to_len, len = sizeof(mtu);

    if (fd < 0)
        return 1500;
    to_len = io_sockaddr_from(remote, &ss);
    if (connect(fd, (struct sockaddr *)&ss, to_len) != 0 ||
        getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &len) != 0)
        mtu = 0;
    close(fd);
    return mtu >= 576 ? (uint32_t)mtu : 1500;
}

static bool send_parts(struct io_dp *dp, const struct kd_endpoint *local,
                       const struct kd_endpoint *remote, struct iovec *iov, size_t n)
{
    const struct io_dp_listener *l = io_dp_listener_of(dp, &local->addr);
    struct sockaddr_storage to;
    struct msghdr h = {.msg_name = &to, .msg_iov = iov, .msg_iovlen = n};
    size_t len = 0;

    if (!l)
        return false;
    for (size_t i = 0; i < n; i++)
        len += iov[i].iov_len;
    h.msg_namelen = io_sockaddr_from(remote, &to);
    return sendmsg(l->udp, &h, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

/* RFC 3948 2.2: four zero bytes before an IKE message on the NAT-T port. */
bool io_dp_send_ike(struct io_dp *dp, const struct kd_endpoint *local,
                    const struct kd_endpoint *remote, struct kd_bytes msg)
{
    static const uint8_t marker[4];
    struct iovec iov[2] = {{(void *)marker, sizeof(marker)}, {(void *)msg.p, msg.len}};

    return send_parts(dp, local, remote, iov, 2);
}

bool io_dp_send_whole(struct io_dp *dp, const struct kd_endpoint *local,
                      const struct kd_endpoint *remote, struct kd_bytes msg)
{
    const struct io_dp_listener *l = io_dp_listener_of(dp, &local->addr);
    bool sent;

    if (!l)
        return false;
    cut_up(l->udp, local->addr.family, false);
    sent = io_dp_send_ike(dp, local, remote, msg);
    cut_up(l->udp, local->addr.family, true);
    return sent;
}

bool io_dp_send_keepalive(struct io_dp *dp, const struct kd_endpoint *local,
                          const struct kd_endpoint *remote)
{
    static const uint8_t octet = 0xff;
    struct iovec iov = {(void *)&octet, 1};

    return send_parts(dp, local, remote, &iov, 1);
}
