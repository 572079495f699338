/* The last events, numbered, so that a reader can take up where it left. An event is kept as the
 * record it came as and becomes a line when somebody reads it: a failover brings thousands, each
 * in the way of the next packet, and mostly nobody asks. */
#include "control/control.h"

#include <stdlib.h>

_Static_assert(CORE_NOTE_N < 64, "a set of notes is a uint64_t");

struct kept {
    struct core_event_record record;
    struct ctl_names names;
    uint64_t wall_us;
    char strings[]; /* of both */
};

struct ctl_ring {
    uint64_t last; /* number of the newest event, 0 before the first */
    struct {
        struct kept *kept; /* until it is read */
        char *line;        /* from then on; neither: was lost to a lack of memory */
        uint64_t note;     /* its bit */
    } slot[CTL_RING_MAX]; /* event n lies in n % CTL_RING_MAX */
};

struct ctl_ring *ctl_ring_new(void)
{
    return calloc(1, sizeof(struct ctl_ring));
}

static void drop(struct ctl_ring *r, uint64_t seq)
{
    size_t i = seq % CTL_RING_MAX;
    free(r->slot[i].kept);
    free(r->slot[i].line);
    r->slot[i].kept = NULL;
    r->slot[i].line = NULL;
}

void ctl_ring_free(struct ctl_ring *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < CTL_RING_MAX; i++)
        drop(r, i);
    free(r);
}

/* ---- writing ---- */

static const char *copy_name(char **at, const char *name)
{
    if (!name)
        return NULL;
    size_t n = strlen(name) + 1;
    char *copy = memcpy(*at, name, n);
    *at += n;
    return copy;
}

static void copy_text(char **at, struct kd_bytes *b)
{
    if (b->len)
        memcpy(*at, b->p, b->len);
    b->p = (const uint8_t *)*at;
    *at += b->len;
}

static size_t name_size(const char *name)
{
    return name ? strlen(name) + 1 : 0;
}

/* A copy that borrows nothing; NULL when out of memory. */
static struct kept *keep(const struct core_event_record *ev, const struct ctl_names *n,
                         uint64_t wall_us)
{
    size_t size = name_size(n->tunnel) + name_size(n->neighbor) + name_size(n->health) +
                  ev->text.len + ev->offered.len + ev->configured.len;
    struct kept *k = malloc(sizeof(*k) + size);
    if (!k)
        return NULL;
    char *at = k->strings;
    k->record = *ev;
    k->wall_us = wall_us;
    copy_text(&at, &k->record.text);
    copy_text(&at, &k->record.offered);
    copy_text(&at, &k->record.configured);
    k->names.tunnel = copy_name(&at, n->tunnel);
    k->names.neighbor = copy_name(&at, n->neighbor);
    k->names.health = copy_name(&at, n->health);
    return k;
}

bool ctl_ring_add(struct ctl_ring *r, const struct core_event_record *ev,
                  const struct ctl_names *names, uint64_t wall_us)
{
    size_t i = ++r->last % CTL_RING_MAX;
    drop(r, r->last);
    r->slot[i].kept = keep(ev, names, wall_us);
    r->slot[i].note = CTL_NOTE(ev->note);
    return r->slot[i].kept != NULL;
}

uint64_t ctl_ring_last(const struct ctl_ring *r)
{
    return r->last;
}

/* ---- reading ---- */

struct ctl_cursor ctl_ring_since(const struct ctl_ring *r, uint64_t since, uint64_t notes,
                                 bool follow)
{
    uint64_t gone = r->last > CTL_RING_MAX ? r->last - CTL_RING_MAX : 0;
    uint64_t at = KD_MAX(since, gone);
    /* Numbers from before a restart of the daemon: nothing matches. */
    return (struct ctl_cursor){.seq = KD_MIN(at, r->last),
                               .until = follow ? UINT64_MAX : r->last,
                               .notes = notes};
}

/* NULL: there is none, for want of memory. */
static const char *line_of(struct ctl_ring *r, uint64_t seq)
{
    size_t i = seq % CTL_RING_MAX;
    struct kept *k = r->slot[i].kept;
    if (!k)
        return r->slot[i].line;
    r->slot[i].line = ctl_event_json(&k->record, &k->names, seq, k->wall_us);
    r->slot[i].kept = NULL;
    free(k);
    return r->slot[i].line;
}

/* How much of what is left of a line goes into the room that a buffer has: all of it, or a part
 * where even the empty buffer is too short. */
static size_t part(size_t left, size_t room, bool empty)
{
    return left <= room ? left : empty ? room : 0;
}

bool ctl_ring_lost(const struct ctl_ring *r, const struct ctl_cursor *c)
{
    return r->last - c->seq > CTL_RING_MAX;
}

size_t ctl_ring_read(struct ctl_ring *r, struct ctl_cursor *c, char *buf, size_t cap)
{
    size_t len = 0;
    uint64_t last = KD_MIN(r->last, c->until);
    while (c->seq < last && len < cap && !ctl_ring_lost(r, c)) {
        bool wanted = r->slot[(c->seq + 1) % CTL_RING_MAX].note & c->notes;
        const char *line = wanted ? line_of(r, c->seq + 1) : NULL;
        size_t left = line ? strlen(line) - c->into : 0, n = part(left, cap - len, len == 0);
        if (n)
            memcpy(buf + len, line + c->into, n);
        len += n;
        c->into += n;
        if (n < left)
            break;
        c->into = 0;
        c->seq++;
    }
    return len;
}
