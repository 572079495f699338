/* The way back, as far as it shows at this end: a speaker tells what it prefers, and nothing that
 * it prefers from us. So
 *
 *   a primary that is told a prefix by us, and tells it not itself, uses our way: the backup;
 *   a primary that tells us our own prefix prefers another way to us than ours.
 *
 * The second only where the path proves it: some speakers repeat to a neighbor what they heard from
 * it, and then what stands behind their own AS is as long as what they were told. What the far end
 * prefers further away does not show here at all. */
#include "ready/ready.h"

static void follow(struct ready_side told, const struct ready_route *b, struct ready_back *out)
{
    uint32_t i = ready_routes_find(told.r, told.n, &b->prefix);

    if (i == told.n)
        return;
    if (out->follows.n == 0)
        out->follower = told.r[i];
    ready_list_add(&out->follows, &b->prefix);
}

/* What the neighbor put before what it had. */
static uint32_t in_front(const struct ready_route *own)
{
    return own->ibgp ? 0 : own->n_first;
}

/* Is it no more than what that neighbor was told? */
static bool is_echo(struct ready_side told, const struct ready_route *own)
{
    uint32_t i = ready_routes_find(told.r, told.n, &own->prefix);

    for (; i < told.n && kd_prefix_eq(&told.r[i].prefix, &own->prefix); i++)
        if (told.r[i].peer == own->peer && told.r[i].n_as + in_front(own) == own->n_as)
            return true;
    return false;
}

static void come_back(struct ready_side told_primary, struct ready_side told_backup,
                      const struct ready_route *own, struct ready_back *out)
{
    if (ready_routes_find(told_backup.r, told_backup.n, &own->prefix) == told_backup.n ||
        is_echo(told_primary, own))
        return;
    if (out->returned.n == 0)
        out->returner = *own;
    ready_list_add(&out->returned, &own->prefix);
}

void ready_back(struct ready_side backup, struct ready_side told_primary,
                struct ready_side told_backup, struct ready_side own, struct ready_back *out)
{
    *out = (struct ready_back){0};
    for (uint32_t i = 0; i < backup.n; i++)
        if (backup.r[i].extra)
            follow(told_primary, &backup.r[i], out);
    for (uint32_t i = 0; i < own.n; i++)
        come_back(told_primary, told_backup, &own.r[i], out);
}
