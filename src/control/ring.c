/* The last events, numbered, so that a reader can take up where it left. */
#include "control/control.h"

#include <stdlib.h>

struct ctl_ring {
    uint64_t last; /* number of the newest event, 0 before the first */
    struct {
        char *line; /* NULL: was lost to a lack of memory */
        size_t len;
    } slot[CTL_RING_MAX]; /* event n lies in n % CTL_RING_MAX */
};

struct ctl_ring *ctl_ring_new(void)
{
    return calloc(1, sizeof(struct ctl_ring));
}

void ctl_ring_free(struct ctl_ring *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < CTL_RING_MAX; i++)
        free(r->slot[i].line);
    free(r);
}

const char *ctl_ring_add(struct ctl_ring *r, const struct core_event_record *ev,
                         const struct ctl_names *names, uint64_t wall_us)
{
    size_t i = ++r->last % CTL_RING_MAX;
    free(r->slot[i].line);
    r->slot[i].line = ctl_event_json(ev, names, r->last, wall_us);
    r->slot[i].len = r->slot[i].line ? strlen(r->slot[i].line) : 0;
    return r->slot[i].line;
}

uint64_t ctl_ring_last(const struct ctl_ring *r)
{
    return r->last;
}

char *ctl_ring_since(const struct ctl_ring *r, uint64_t since, size_t *len)
{
    uint64_t kept = r->last > CTL_RING_MAX ? r->last - CTL_RING_MAX : 0;
    uint64_t first = KD_MAX(since, kept);
    size_t total = 0, at = 0;
    if (first > r->last) /* numbers from before a restart of the daemon: nothing matches */
        first = r->last;
    for (uint64_t n = first + 1; n <= r->last; n++)
        total += r->slot[n % CTL_RING_MAX].len;
    char *s = malloc(total + 1);
    if (!s)
        return NULL;
    for (uint64_t n = first + 1; n <= r->last; n++) {
        size_t i = n % CTL_RING_MAX;
        if (r->slot[i].len)
            memcpy(s + at, r->slot[i].line, r->slot[i].len);
        at += r->slot[i].len;
    }
    s[at] = '\0';
    *len = at;
    return s;
}
