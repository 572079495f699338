/* A VRF is looked for when an interface is to be in it: it may have been made since, or again. It
 * is joined before there are addresses and routes, as the kernel takes the interface down for it.
 */
#include "io/vrf.h"

#include "netlink/socket.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#define TALK_MS 1000

struct wanted {
    const char *name;
    struct nl_link_info found;
};

static void take(void *arg, struct kd_bytes data)
{
    struct wanted *w = arg;
    struct nl_event ev;

    while (nl_next(&data, &ev))
        if (ev.kind == NL_LINK && strcmp(ev.link.name, w->name) == 0)
            w->found = ev.link;
}

static int look(struct nl_socket *s, struct wanted *w, char *text, size_t cap)
{
    uint8_t room[64];
    struct nl_buf b = {room, sizeof(room), 0};

    kd_assert(nl_put_dump(&b, 1, RTM_GETLINK, 0));
    return nl_ask(s, &b, 1, TALK_MS, take, w, text, cap);
}

static int join(struct nl_socket *s, uint32_t ifindex, uint32_t vrf, char *text, size_t cap)
{
    uint8_t room[128];
    struct nl_buf b = {room, sizeof(room), 0};
    struct nl_link_set l = {.ifindex = ifindex, .master = vrf};

    kd_assert(nl_put_link_set(&b, 2, &l));
    return nl_talk(s, &b, 2, TALK_MS, text, cap);
}

static bool fits(const struct wanted *w, uint32_t table, char *text, size_t cap)
{
    const uint32_t has = w->found.vrf_table;

    if (has == table)
        return true;
    if (has)
        snprintf(text, cap, "VRF %s has table %u, kedge.yaml says %u", w->name, has, table);
    else
        snprintf(text, cap, "%s %s: ip link add %s type vrf table %u", w->name,
                 w->found.ifindex ? "is no VRF" : "isn't there", w->name, table);
    return false;
}

bool io_vrf_is(const char *name)
{
    struct nl_socket *s = nl_open(NETLINK_ROUTE, NULL);
    struct wanted w = {.name = name};
    char said[160];
    bool asked = s && look(s, &w, said, sizeof(said)) == 0;

    nl_close(s);
    return asked && w.found.vrf_table;
}

bool io_vrf_put(const char *vrf, uint32_t table, uint32_t ifindex, char *text, size_t cap)
{
    struct nl_socket *s = nl_open(NETLINK_ROUTE, NULL);
    struct wanted w = {.name = vrf};
    char said[160] = "";
    int err = s ? look(s, &w, said, sizeof(said)) : errno;
    bool ok = !err && fits(&w, table, text, cap);

    if (ok)
        err = join(s, ifindex, w.found.ifindex, said, sizeof(said));
    if (err)
        snprintf(text, cap, "joining VRF %s: %s", vrf, said[0] ? said : strerror(err));
    nl_close(s);
    return ok && !err;
}
