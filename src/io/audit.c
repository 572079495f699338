/* kedge audit in the daemon: the kernel's dumps, handed to those who know what should be in them.
 * All in one callback of the loop, so that nothing of ours changes meanwhile; the kernel's routes
 * are asked for by our protocol number, for a host may hold a million of others. */
#include "io/audit.h"

#include "io/xnet.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#define DUMP_MS 5000 /* the kernel answers at once; a table of a million is two seconds */
#define TRIES   4    /* of dumps that others' changes interrupt */

struct look {
    struct io *io;
    struct core_audit *a;
    struct nl_socket *s;
    bool interrupted;
};

static void take(void *arg, struct kd_bytes data)
{
    struct look *l = arg;
    struct nl_event ev;

    while (nl_next(&data, &ev)) {
        l->interrupted |= ev.interrupted;
        core_audit_see(l->io->core, l->a, &ev);
    }
}

static int dump(struct look *l, uint32_t seq, uint16_t type, uint8_t family, char *text, size_t cap)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    int err;

    kd_assert(type == RTM_GETROUTE ? nl_put_route_dump(&b, seq, family, NL_PROTO_KEDGE)
                                   : nl_put_dump(&b, seq, type, family));
    err = nl_ask(l->s, &b, seq, DUMP_MS, take, l, text, cap);
    if (err && !text[0])
        snprintf(text, cap, "%s", strerror(err));
    return err == EOPNOTSUPP && type == RTM_GETRULE ? 0 : err;
}

static bool dump_all(struct look *l, char *text, size_t cap)
{
    static const struct {
        uint16_t type;
        uint8_t family;
    } what[] = {{RTM_GETLINK, 0},  {RTM_GETADDR, 0},  {RTM_GETNEXTHOP, 0},
                {RTM_GETROUTE, 4}, {RTM_GETROUTE, 6}, {RTM_GETRULE, 0}};

    core_audit_begin(l->io->core, l->a);
    l->interrupted = false;
    for (uint32_t i = 0; i < KD_ARRAY_LEN(what); i++)
        if (dump(l, i + 1, what[i].type, what[i].family, text, cap) != 0)
            return false;
    return true;
}

static bool routing(struct look *l, char *text, size_t cap)
{
    int tries = TRIES;
    bool ok;

    do {
        ok = dump_all(l, text, cap);
    } while (ok && l->interrupted && --tries > 0);
    if (ok && l->interrupted)
        snprintf(text, cap, "the kernel's tables change too fast to be read");
    if (!ok || l->interrupted)
        return false;
    core_audit_end(l->io->core, l->a);
    return true;
}

static uint32_t pairs_of(struct io *io, struct core_audit_pair *out, uint32_t max)
{
    const struct io_xfrm *x = io_xnet_plane(io);
    uint32_t n = io->dp ? io_dp_pairs(io->dp, out, max) : 0;
    const uint32_t used = KD_MIN(n, max);

    return x ? n + io_xfrm_pairs(x, out ? out + used : NULL, max - used) : n;
}

static bool pairs(struct io *io, struct core_audit *a, char *text, size_t cap)
{
    const uint32_t max = pairs_of(io, NULL, 0) + 1;
    struct core_audit_pair *have = calloc(max, sizeof(*have));
    struct io_xfrm *x = io_xnet_plane(io);
    uint32_t n;

    kd_assert(have);
    n = pairs_of(io, have, max);
    core_audit_pairs(io->core, a, have, KD_MIN(n, max));
    free(have);
    return !x || io_xfrm_audit(x, core_configuration(io->core), a, text, cap);
}

bool io_audit(struct io *io, struct core_audit *a, char *text, size_t cap)
{
    struct look l = {io, a, NULL, false};
    bool ok;

    io_kernel_drain(io);
    l.s = nl_open(NETLINK_ROUTE, NULL);
    if (!l.s) {
        snprintf(text, cap, "netlink: %s", strerror(errno));
        return false;
    }
    ok = routing(&l, text, cap) && pairs(io, a, text, cap);
    nl_close(l.s);
    return ok;
}
