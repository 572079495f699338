/* The shell of the kernel's data plane: netlink sockets, XFRM interfaces, what the kernel says of
 * its own accord. What shall be in the kernel is decided in xfrm.c. */
#ifndef IO_XNET_H
#define IO_XNET_H

#include "io/io.h"
#include "io/xfrm.h"

/* Opens the sockets and removes what an earlier life left (SAs, policies, interfaces of our range).
 * Made even where no tunnel is the kernel's, for that alone: then a kernel without XFRM is no
 * error. */
bool io_xnet_open(struct io *io, char *text, size_t cap);
/* NULL when no tunnel is the kernel's. */
struct io_xfrm *io_xnet_plane(struct io *io);
/* Is the tunnel's ESP the kernel's? */
bool io_xnet_has(const struct io *io, uint32_t tunnel);
/* Makes the tunnel's XFRM interface; false with what to do in text. */
bool io_xnet_device(struct io *io, uint32_t tunnel, const char *name, uint32_t *ifindex, char *text,
                    size_t cap);
void io_xnet_device_del(struct io *io, uint32_t tunnel); /* its pairs go with it */
/* Sends an inner packet out of the tunnel's interface. */
void io_xnet_inject(struct io *io, uint32_t tunnel, struct kd_bytes pkt);
/* Pairs changed: a first packet may have to be watched for, or a deletion tried again. */
void io_xnet_watch(struct io *io);
void io_xnet_close(struct io *io);

#endif
