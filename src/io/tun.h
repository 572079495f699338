/* TUN devices: made here, moved by the data plane. */
#ifndef IO_TUN_H
#define IO_TUN_H

#include "base/attr.h"

/* Makes the TUN device name (IFF_TUN | IFF_NO_PI; it lives as long as the descriptor) and gives its
 * non-blocking descriptor and interface index; a persistent TUN device of that name that nobody
 * holds is taken. -1 on failure, and text says what is wrong and what to do. */
int io_tun_open(const char *name, uint32_t *ifindex, char *text, size_t cap) KD_MUST_USE;

#endif
