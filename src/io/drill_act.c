/* What a drill's steps do and what takes them back: commands to the core, which answer at once, and
 * programs, which the guard runs. */
#include "io/drill_int.h"

#include <stdio.h>

static void answer(struct io_drill *d, uint32_t token, bool ok, const char *text)
{
    const struct drill_run_ev ev = {
        .kind = DRILL_RUN_ACK, .token = token, .ok = ok, .text = text};

    io_drill_feed(d, &ev);
}

/* ---- programs ---- */

bool io_drill_needs_guard(const struct drill_plan *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->step[i].kind == DRILL_STEP_EXEC)
            return true;
    return false;
}

static void on_program(void *arg, bool ok, const char *text)
{
    struct io_drill *d = arg;

    answer(d, d->command, ok, text);
}

static void program(struct io_drill *d, const struct drill_run_act *a,
                    const struct drill_step *s, const struct drill_argv *words)
{
    d->command = a->token;
    io_guard_run(d->io->guard, a->step, words, s->after_us, on_program, d);
}

/* ---- steps ---- */

/* What a neighbor is told with the Cease (RFC 9003). */
static struct kd_bytes farewell(const struct io_drill *d, char buf[64])
{
    snprintf(buf, 64, "drill %s", drill_run_plan(d->run)->name);
    return kd_bytes_str(buf);
}

void io_drill_act(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_step *s = &drill_run_plan(d->run)->step[a->step];
    struct core_ev ev;
    char words[64], why[128] = "";
    bool can;

    if (s->kind == DRILL_STEP_EXEC) {
        program(d, a, s, &s->run);
        return;
    }
    can = practice_can(d->io->core, s, why, sizeof(why));
    if (can) {
        ev = practice_do(s, a->phase, farewell(d, words));
        io_feed(d->io, &ev);
    }
    answer(d, a->token, can, why);
}

void io_drill_undo(struct io_drill *d, const struct drill_run_act *a)
{
    const struct drill_step *s = &drill_run_plan(d->run)->step[a->step];
    struct core_ev ev;

    if (s->kind == DRILL_STEP_EXEC) {
        program(d, a, s, &s->undo);
        return;
    }
    ev = practice_undo(s);
    io_feed(d->io, &ev);
    answer(d, a->token, true, "");
}
