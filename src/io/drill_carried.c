/* Which tunnels carry while a drill runs, by the data plane that has them: looked at ten times a
 * second. */
#include "io/drill_int.h"

#include "io/xnet.h"

#include <stdlib.h>

#define LOOK_MS    100
#define KERNEL_MAX 64 /* tunnels that the kernel is asked of: a request a pair each time */

static void look_at(struct io_drill *d, uint32_t tunnel, const char *name, uint32_t *asked)
{
    struct drill_carried *c = &d->carried[tunnel];
    struct io_dp_spell s;
    uint64_t packets;

    if (!io_xnet_has(d->io, tunnel)) {
        io_dp_spell(d->io->dp, tunnel, &s);
        drill_carried_spell(c, d->result, name,
                            &(struct drill_spell){s.before_us, s.first_us, s.last_us});
    } else if ((*asked)++ < KERNEL_MAX &&
               io_xfrm_received(io_xnet_plane(d->io), tunnel, &packets)) {
        drill_carried_count(c, d->result, name, packets, IO_DP_SPELL_GAP_US, io_now_us());
    }
}

static void look(uv_timer_t *t)
{
    struct io_drill *d = t->data;
    const struct core_config *c = core_configuration(d->io->core);
    uint32_t asked = 0;

    for (uint32_t i = 0; d->io->dp && i < c->n_tunnels; i++)
        look_at(d, i, c->tunnels[i].ike.name, &asked);
}

bool io_drill_carried_begin(struct io_drill *d)
{
    d->carried = calloc(core_configuration(d->io->core)->n_tunnels + 1, sizeof(*d->carried));
    if (!d->carried)
        return false;
    look(&d->look);
    uv_timer_start(&d->look, look, LOOK_MS, LOOK_MS);
    return true;
}

void io_drill_carried_end(struct io_drill *d)
{
    const struct core_config *c = core_configuration(d->io->core);

    look(&d->look);
    uv_timer_stop(&d->look);
    for (uint32_t i = 0; i < c->n_tunnels; i++)
        drill_carried_end(&d->carried[i], d->result, c->tunnels[i].ike.name, IO_DP_SPELL_GAP_US,
                          io_now_us());
}
