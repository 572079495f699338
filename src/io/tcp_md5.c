/* The TCP MD5 signature option (RFC 2385) by the kernel's TCP_MD5SIG: a key an address, set on the
 * socket that connects and on the one that listens, before either is used. From then on the kernel
 * drops what comes from that address unsigned or wrongly signed, and an accepted connection has its
 * listener's key. Neither end hears of a wrong password: its segments are as good as lost. */
#include "io/io.h"

#include "io/sockaddr.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(CORE_PASSWORD_MAX == TCP_MD5SIG_MAXKEYLEN, "what the kernel takes");

bool io_tcp_md5(const struct io *io, int fd, const struct core_neighbor_config *p)
{
    struct kd_endpoint remote = {p->bgp.remote, 0};
    struct tcp_md5sig sig = {0};
    struct sockaddr_storage ss;
    bool ok;

    if (kd_handle_none(p->password))
        return true;
    memcpy(&sig.tcpm_addr, &ss, io_sockaddr_from(&remote, &ss));
    sig.tcpm_keylen =
        (uint16_t)kc_key_export(io->crypto, p->password, sig.tcpm_key, sizeof(sig.tcpm_key));
    ok = sig.tcpm_keylen > 0 && /* an empty key would take a key away */
         setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)) == 0;
    kc_wipe(&sig, sizeof(sig));
    return ok;
}

const struct core_neighbor_config *io_neighbor(const struct io *io, uint32_t tunnel,
                                               const struct kd_addr *remote)
{
    const struct core_config *c = io->cfg;

    if (tunnel != CORE_NO_TUNNEL)
        return c->tunnels[tunnel].has_neighbor ? &c->tunnels[tunnel].neighbor : NULL;
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        if (kd_addr_eq(&c->neighbors[i].bgp.remote, remote))
            return &c->neighbors[i];
    return NULL;
}

bool io_tcp_md5_listener(const struct io *io, int fd, uint32_t tunnel, uint8_t family)
{
    const struct core_config *c = io->cfg;
    bool ok = true;

    if (tunnel != CORE_NO_TUNNEL) {
        const struct core_neighbor_config *p = io_neighbor(io, tunnel, NULL);
        return !p || p->bgp.remote.family != family || io_tcp_md5(io, fd, p);
    }
    for (uint32_t i = 0; i < c->n_neighbors; i++)
        if (c->neighbors[i].bgp.remote.family == family)
            ok &= io_tcp_md5(io, fd, &c->neighbors[i]);
    return ok;
}
