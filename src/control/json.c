/* Small JSON values that all views share. */
#include "control/control.h"

#include <stdio.h>
#include <stdlib.h>

json_t *ctl_text(struct kd_bytes b)
{
    json_t *s = json_stringn(b.len ? (const char *)b.p : "", b.len);
    if (s)
        return s;
    char *copy = malloc(b.len);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < b.len; i++)
        copy[i] = b.p[i] < 0x80 ? (char)b.p[i] : '?';
    s = json_stringn(copy, b.len);
    free(copy);
    return s;
}

json_t *ctl_addr(const struct kd_addr *a)
{
    char buf[KD_ADDR_STR_MAX];
    return a->family ? json_string(kd_addr_str(a, buf)) : json_null();
}

json_t *ctl_prefix(const struct kd_prefix *p)
{
    char buf[KD_PREFIX_STR_MAX];
    return json_string(kd_prefix_str(p, buf));
}

json_t *ctl_spi(uint32_t spi)
{
    char buf[9];
    snprintf(buf, sizeof(buf), "%08x", spi);
    return json_string(buf);
}

json_t *ctl_seconds(uint64_t us)
{
    return us == KD_NEVER ? json_null() : json_real((double)(us / 1000) / 1000.0);
}

json_t *ctl_list(struct kd_bytes b)
{
    json_t *list = json_array();
    size_t at = 0;
    while (list && at < b.len) {
        while (at < b.len && (b.p[at] == ' ' || b.p[at] == ','))
            at++;
        size_t end = at;
        while (end < b.len && b.p[end] != ',')
            end++;
        if (end > at)
            json_array_append_new(list, ctl_text(kd_bytes(b.p + at, end - at)));
        at = end;
    }
    return list;
}

json_t *ctl_lines(struct kd_bytes b)
{
    json_t *list = json_array();
    for (size_t at = 0, end; list && at < b.len; at = end + 1) {
        for (end = at; end < b.len && b.p[end] != '\n';)
            end++;
        json_array_append_new(list, ctl_text(kd_bytes(b.p + at, end - at)));
    }
    return list;
}

char *ctl_dump(json_t *obj, size_t *len)
{
    char *s = obj ? json_dumps(obj, CTL_DUMP) : NULL;
    json_decref(obj);
    *len = s ? strlen(s) : 0;
    return s;
}
