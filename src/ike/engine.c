/* The engine's entry points: making it, one step, and what holds at the end of a step.
 *
 * Not here: what a message means (receive.c and the files it names), when something is due
 * (liveness.c). Handlers change an SA and touch it; settling does the rest once, at the end: the
 * next request leaves if the window is free, the deadline is set, the dead are freed. So no
 * handler can find its SA freed under its feet, and no path can forget a timer.
 *
 * Timer ids: 2n is the SA in slot n, 2n + 1 the connection in slot n. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdlib.h>

#define CONNS_MAX_DEFAULT     1024
#define HALF_OPEN_DEFAULT     256
#define HALF_OPEN_PER_DEFAULT 8
#define COOKIE_TOTAL_DEFAULT  32
#define COOKIE_PER_DEFAULT    3

/* SAs a connection may own at once: in use, our attempt, the peer's, one or two that close. */
#define SAS_PER_CONN 5

static uint32_t or_default(uint32_t v, uint32_t d)
{
    return v ? v : d;
}

struct ike *ike_new(const struct ike_params *p)
{
    struct ike *e = calloc(1, sizeof(*e));
    uint32_t sas;

    if (!e)
        return NULL;
    e->crypto = p->crypto;
    e->qcd = p->qcd;
    kc_rng_init(&e->rng, p->seed);
    e->conns_max = or_default(p->conns_max, CONNS_MAX_DEFAULT);
    e->half_open_max = or_default(p->half_open_max, HALF_OPEN_DEFAULT);
    e->half_open_per_addr = or_default(p->half_open_per_addr, HALF_OPEN_PER_DEFAULT);
    e->cookie_total = or_default(p->cookie_total, COOKIE_TOTAL_DEFAULT);
    e->cookie_per_addr = or_default(p->cookie_per_addr, COOKIE_PER_DEFAULT);
    sas = e->conns_max * SAS_PER_CONN + e->half_open_max;
    kd_slab_init(&e->sas, sizeof(struct ike_sa), sas);
    kd_slab_init(&e->children, sizeof(struct ike_child), e->conns_max * IKE_SA_CHILDREN * 2);
    kd_slab_init(&e->jobs, sizeof(struct ike_job), sas * 2);
    kd_slab_init(&e->conns, sizeof(struct ike_conn), e->conns_max);
    kd_timers_init(&e->timers);
    /* Slabs grow by chunks, so slot numbers may run a chunk past the cap. */
    e->sa_at = calloc(sas + KD_SLAB_CHUNK, sizeof(struct ike_sa *));
    e->conn_at = calloc(e->conns_max + KD_SLAB_CHUNK, sizeof(struct ike_conn *));
    e->conn = calloc(e->conns_max, sizeof(struct ike_conn *));
    if (!e->sa_at || !e->conn_at || !e->conn || !ike_cookie_init(e)) {
        ike_free(e);
        return NULL;
    }
    return e;
}

void ike_key_doom(struct ike *e, struct kd_handle *key)
{
    if (kd_handle_none(*key))
        return;
    if (e->n_doomed == e->doomed_cap) {
        uint32_t cap = e->doomed_cap ? e->doomed_cap * 2 : 64;
        struct kd_handle *p = realloc(e->doomed, cap * sizeof(*p));
        if (p) {
            e->doomed = p;
            e->doomed_cap = cap;
        }
    }
    if (e->n_doomed < e->doomed_cap)
        e->doomed[e->n_doomed++] = *key;
    else
        kc_key_free(e->crypto, *key);
    *key = KD_HANDLE_NONE;
}

static void free_doomed(struct ike *e)
{
    for (uint32_t i = 0; i < e->n_doomed; i++)
        kc_key_free(e->crypto, e->doomed[i]);
    e->n_doomed = 0;
}

void ike_free(struct ike *e)
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_child *c;
    struct ike_job *j;
    struct ike_sa *sa;

    if (!e)
        return;
    while ((c = kd_slab_next(&e->children, &h)))
        for (int i = 0; i < 4; i++)
            ike_key_doom(e, &c->key[i]);
    for (h = KD_HANDLE_NONE; (sa = kd_slab_next(&e->sas, &h));) {
        ike_sa_wipe(e, sa);
        ike_buf_free(&sa->rx.resp);
    }
    for (h = KD_HANDLE_NONE; (j = kd_slab_next(&e->jobs, &h));)
        ike_key_doom(e, &j->priv);
    ike_conns_free(e);
    ike_cookie_fini(e);
    ike_key_doom(e, &e->qcd);
    free_doomed(e);
    free(e->doomed);
    free(e->sa_at);
    free(e->conn_at);
    free(e->conn);
    kd_slab_fini(&e->sas);
    kd_slab_fini(&e->children);
    kd_slab_fini(&e->jobs);
    kd_slab_fini(&e->conns);
    kd_timers_fini(&e->timers);
    kc_wipe(e, sizeof(*e));
    free(e);
}

bool ike_buf_set(struct ike_buf *b, struct kd_bytes from)
{
    uint8_t *p = malloc(from.len ? from.len : 1);

    if (!p)
        return false;
    if (from.len)
        memcpy(p, from.p, from.len);
    free(b->p);
    *b = (struct ike_buf){p, (uint32_t)from.len};
    return true;
}

void ike_buf_free(struct ike_buf *b)
{
    free(b->p);
    *b = (struct ike_buf){0};
}

/* ---- the step ---- */

void ike_touch(struct ike *e, struct ike_sa *sa)
{
    if (sa->dirty)
        return;
    sa->dirty = true;
    sa->dirty_link = e->dirty;
    e->dirty = sa;
}

void ike_conn_arm(struct ike *e, struct ike_conn *c)
{
    uint64_t at = c->admin == IKE_ADMIN_UP ? c->retry_us : KD_NEVER;

    /* Out of memory for a timer: now, which is at worst too early. */
    if (!kd_timers_set(&e->timers, c->self.idx * 2 + 1, at))
        c->retry_us = e->now_us;
}

static void settle(struct ike *e, uint64_t earliest)
{
    struct ike_sa *sa;
    uint64_t at;

    while ((sa = e->dirty)) {
        e->dirty = sa->dirty_link;
        sa->dirty = false;
        if (sa->dead) {
            ike_sa_free(e, sa);
            continue;
        }
        ike_pump(e, sa);
        if (sa->dead || sa->dirty)
            continue; /* it is in the list again */
        at = KD_MAX(ike_sa_deadline(e, sa), earliest);
        if (!kd_timers_set(&e->timers, sa->self.idx * 2, at))
            ike_sa_drop(e, sa, KD_REASON_NO_RESOURCES, false);
    }
}

/* What an SA could not do now (no memory for its message) waits a microsecond at least: so a
 * step ends. */
static void wake_due(struct ike *e)
{
    uint32_t id;

    while (ike_out_room(e) && kd_timers_pop(&e->timers, e->now_us, &id)) {
        if (id & 1) {
            ike_conn_wake(e, e->conn_at[id / 2]);
        } else {
            ike_sa_wake(e, e->sa_at[id / 2]);
            ike_touch(e, e->sa_at[id / 2]);
        }
        settle(e, e->now_us + 1);
    }
}

static void on_wake(struct ike *e, const struct ike_event *ev)
{
    (void)e;
    (void)ev;
}

static void on_command(struct ike *e, const struct ike_event *ev)
{
    ike_conn_command(e, ev);
}

void ike_step(struct ike *e, const struct ike_event *ev, struct ike_out *out)
{
    static void (*const handle[])(struct ike *, const struct ike_event *) = {
        [IKE_EV_WAKE] = on_wake,          [IKE_EV_DATAGRAM] = ike_receive,
        [IKE_EV_JOB_DONE] = ike_job_done, [IKE_EV_CHILD_RESULT] = ike_child_result,
        [IKE_EV_COMMAND] = on_command,    [IKE_EV_CHILD_EXPIRE] = ike_child_expire,
        [IKE_EV_CHILD_SOURCE] = ike_child_source,
    };

    out->n = out->used = 0;
    e->out = out;
    e->now_us = KD_MAX(e->now_us, ev->now_us);
    e->wall_s = ev->wall_s ? ev->wall_s : e->wall_s;
    free_doomed(e);
    kd_assert((unsigned)ev->kind < KD_ARRAY_LEN(handle));
    handle[ev->kind](e, ev);
    settle(e, 0);
    wake_due(e);
    out->deadline_us = kd_timers_next(&e->timers);
    /* Doomed keys wait until the data plane has seen this output. */
    out->more = out->deadline_us <= e->now_us || e->n_doomed > 0;
    e->out = NULL;
}
