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
