/* kedge probe --reflect: the far end of kedge probe --udp, which counts what reached it. An answer
 * leaves from the address that was asked, whatever routes a host has. */
#include "cli/probe.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int bound(const struct kd_endpoint *at)
{
    struct sockaddr_storage ss;
    socklen_t len = io_sockaddr_from(at, &ss);
    int on = 1, fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
    if (ss.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&ss, len) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* The route back is the kernel's to choose: only the address is kept. */
static void from_where_it_came(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            ((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex = 0;
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            ((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_ifindex = 0;
    }
}

static void answer_one(int fd, struct probe_reflector *r)
{
    struct sockaddr_storage ss;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    uint8_t buf[PROBE_UDP_LEN + 1];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr m = {&ss, sizeof(ss), &iov, 1, &control, sizeof(control.room), 0};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    if (n < 0)
        return;
    struct kd_endpoint from = io_sockaddr_to((struct sockaddr *)&ss);
    if (!probe_reflect(r, &from, prober_now(), buf, (size_t)n))
        return;
    from_where_it_came(&m);
    iov.iov_len = (size_t)n;
    m.msg_flags = 0;
    (void)!sendmsg(fd, &m, MSG_DONTWAIT);
}

enum cli_exit prober_reflect(const struct cli *c)
{
    static struct probe_reflector reflector;
    struct kd_endpoint at = {.port = c->port};
    sigset_t mask;
    if (!prober_address("--from", c->from ? c->from : "::", &at.addr))
        return CLI_USAGE;
    int fd = bound(&at);
    if (fd < 0 && !c->from && errno == EAFNOSUPPORT && kd_addr_parse("0.0.0.0", &at.addr))
        fd = bound(&at);
    if (fd < 0) {
        fprintf(stderr, "kedge: UDP port %u: %s\n", c->port, strerror(errno));
        return CLI_FAILED;
    }
    prober_catch_signals(&mask);
    printf("reflecting on UDP port %u\n", c->port);
    fflush(stdout);
    while (!prober_stopped()) {
        struct pollfd pfd = {fd, POLLIN, 0};
        if (ppoll(&pfd, 1, NULL, &mask) > 0)
            answer_one(fd, &reflector);
    }
    close(fd);
    return CLI_OK;
}
