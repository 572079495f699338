/* A socket's own policies, which the kernel takes instead of looking one up. */
#include "io/bypass.h"

#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sys/socket.h>

#ifndef IP_XFRM_POLICY
#define IP_XFRM_POLICY 17 /* linux/in.h, which can't stand beside netinet/in.h */
#endif
#ifndef IPV6_XFRM_POLICY
#define IPV6_XFRM_POLICY 35
#endif

void io_bypass(int fd, uint8_t family)
{
    static const uint8_t dirs[] = {XFRM_POLICY_IN, XFRM_POLICY_OUT};
    const int level = family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const int name = family == 6 ? IPV6_XFRM_POLICY : IP_XFRM_POLICY;

    for (unsigned i = 0; i < sizeof(dirs); i++) {
        struct xfrm_userpolicy_info p = {.sel.family = family == 6 ? AF_INET6 : AF_INET,
                                         .dir = dirs[i],
                                         .action = XFRM_POLICY_ALLOW};

        (void)setsockopt(fd, level, name, &p, sizeof(p));
    }
}
