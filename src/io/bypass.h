/* Sockets whose packets no IPsec policy takes. */
#ifndef IO_BYPASS_H
#define IO_BYPASS_H

#include <stdint.h>

/* What fd sends and receives passes whatever policies the host has, ours or another program's: IKE
 * is never inside the tunnel that it makes, and ESP in UDP arrives though a 0/0 policy wants it
 * protected. (For plain ESP of the kernel's own it looks no policy up.) family: 4 or 6. A kernel
 * without XFRM has no policies, and one that refuses leaves the socket as others have it. */
void io_bypass(int fd, uint8_t family);

#endif
