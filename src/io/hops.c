/* A round's packets out, and what comes of them in. When and which is probe/hops.c's to say. */
#include "io/hops.h"

#include "io/sockaddr.h"

#include <netinet/in.h>

static void set_ttl(int fd, uint8_t family, int ttl)
{
    if (family == 6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

/* What can't be sent is a hop that says nothing. */
void io_hops_ask(int fd, const struct kd_addr *to, struct probe_hops *h, uint64_t now_us)
{
    const struct kd_endpoint e = {*to, 0};
    struct sockaddr_storage ss;
    socklen_t len = io_sockaddr_from(&e, &ss);
    uint8_t buf[PROBE_WIRE_MAX], last = probe_hops_ask(h, now_us);

    for (uint8_t ttl = 1; ttl <= last; ttl++) {
        size_t n = probe_hops_put(h, ttl, buf);
        set_ttl(fd, to->family, ttl);
        (void)!sendto(fd, buf, n, MSG_DONTWAIT, (struct sockaddr *)&ss, len);
    }
}

void io_hops_read(int fd, struct probe_hops *h, unsigned most, uint64_t now_us)
{
    struct sockaddr_storage ss;
    uint8_t buf[2048];

    for (unsigned i = 0; i < most; i++) {
        socklen_t len = sizeof(ss);
        ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&ss, &len);
        if (n < 0)
            return;
        struct kd_endpoint from = io_sockaddr_to((struct sockaddr *)&ss);
        probe_hops_take(h, &from.addr, kd_bytes(buf, (size_t)n), now_us);
    }
}
