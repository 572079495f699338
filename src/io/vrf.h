/* VRF devices: tunnels' interfaces in one, outer packets in another's table. */
#ifndef IO_VRF_H
#define IO_VRF_H

#include "base/addr.h"

/* Puts the interface, which is down, into the VRF of the name; its routes are then in table. False
 * with what to do in text: there is no such device, it is no VRF, or has another table. Asks the
 * kernel and waits. */
bool io_vrf_put(const char *vrf, uint32_t table, uint32_t ifindex, char *text,
                size_t cap) KD_MUST_USE;
/* Is there a VRF of the name? Asks the kernel and waits. */
bool io_vrf_is(const char *name) KD_MUST_USE;

#endif
