/* Conversions of addresses; no sockets. */
#include "io/sockaddr.h"

#include <netinet/in.h>

socklen_t io_sockaddr_from(const struct kd_endpoint *e, struct sockaddr_storage *ss)
{
    struct sockaddr_in *in = (struct sockaddr_in *)ss;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

    memset(ss, 0, sizeof(*ss));
    if (e->addr.family == 4) {
        in->sin_family = AF_INET;
        in->sin_port = htons(e->port);
        memcpy(&in->sin_addr, e->addr.b, 4);
        return sizeof(*in);
    }
    if (e->addr.family == 6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(e->port);
        memcpy(&in6->sin6_addr, e->addr.b, 16);
        return sizeof(*in6);
    }
    return 0;
}

struct kd_endpoint io_sockaddr_to(const struct sockaddr *sa)
{
    struct kd_endpoint e = {0};

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        e.addr = kd_addr_from(4, (const uint8_t *)&in->sin_addr);
        e.port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        const uint8_t *b = (const uint8_t *)&in6->sin6_addr;
        e.addr =
            IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? kd_addr_from(4, b + 12) : kd_addr_from(6, b);
        e.port = ntohs(in6->sin6_port);
    }
    return e;
}
