/* Ways as lists of routers. */
#include "probe/probe.h"

#include <stdio.h>
#include <string.h>

bool probe_path_same(const struct probe_path *a, const struct probe_path *b)
{
    uint8_t n = a->n < b->n ? a->n : b->n;

    if (a->reached && b->reached && a->n != b->n)
        return false;
    for (uint8_t i = 0; i < n; i++)
        if (a->hop[i].family && b->hop[i].family && !kd_addr_eq(&a->hop[i], &b->hop[i]))
            return false;
    return true;
}

#define SETTLED    3       /* rounds, and */
#define SETTLED_US KD_S(2) /* they may follow quickly, but a router answers once a second */

/* Is a hop known in a that b is silent about? */
static bool knows_more(const struct probe_path *a, const struct probe_path *b)
{
    for (uint8_t i = 0; i < a->n; i++)
        if (a->hop[i].family && (i >= b->n || !b->hop[i].family))
            return true;
    return false;
}

static void fill_in(struct probe_path *p, const struct probe_path *seen)
{
    for (uint8_t i = 0; i < p->n; i++)
        if (!p->hop[i].family)
            p->hop[i] = seen->hop[i];
}

enum probe_news probe_way_seen(struct probe_way *w, const struct probe_path *seen, uint64_t at_us)
{
    bool lost, more, spoke, another;

    if (!seen->reached)
        return PROBE_WAY_SAME;
    lost = w->known && knows_more(&w->path, seen);
    more = w->known && knows_more(seen, &w->path);
    spoke = more && w->rounds >= SETTLED && at_us - w->since_us >= SETTLED_US;
    another = !w->known || !probe_path_same(&w->path, seen);
    if (lost && w->silent++ == 0)
        w->silent_us = at_us;
    if (!lost)
        w->silent = 0;
    if (another || spoke || (w->silent >= SETTLED && at_us - w->silent_us >= SETTLED_US)) {
        *w = (struct probe_way){true, *seen, another || spoke ? at_us : w->silent_us, 0, 0, 0};
        return PROBE_WAY_ANOTHER;
    }
    fill_in(&w->path, seen);
    w->rounds++;
    return more ? PROBE_WAY_FULLER : PROBE_WAY_SAME;
}

const char *probe_path_text(const struct probe_path *p, char *buf, size_t cap)
{
    char addr[KD_ADDR_STR_MAX];
    size_t at = 0;

    buf[0] = '\0';
    for (uint8_t i = 0; i < p->n && at < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? " " : "",
                               p->hop[i].family ? kd_addr_str(&p->hop[i], addr) : "*");
    return buf;
}
