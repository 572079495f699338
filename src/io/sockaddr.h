/* Between struct kd_endpoint and the socket API's addresses. */
#ifndef IO_SOCKADDR_H
#define IO_SOCKADDR_H

#include "base/addr.h"

#include <sys/socket.h>

/* Length of the filled address; 0 for family 0. */
socklen_t io_sockaddr_from(const struct kd_endpoint *e, struct sockaddr_storage *ss);
/* v4-mapped addresses become IPv4; family 0 for anything else than INET and INET6. */
struct kd_endpoint io_sockaddr_to(const struct sockaddr *sa);

#endif
