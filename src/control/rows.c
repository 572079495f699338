/* Routes as JSON in parts: a million of them are hundreds of megabytes of text, and even some
 * thousand rendered in one go would keep the loop from BFD's packets. A part is of its own time:
 * what comes or goes while others read is in it or not. */
#include "control/rows.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOKED_MAX 64 /* destinations a part, wanted or not */

struct ctl_rows {
    struct bgp_rib_tour *tour;
    struct ctl_routes_query q; /* pointing to these two, or nowhere */
    struct kd_prefix within;
    struct kd_addr holding;
    enum { HEAD, BODY, OVER } next;
    bool some;  /* rows before this one */
    char *text; /* of the destination in turn; read up to at */
    size_t len, at;
};

bool ctl_route_wanted(const struct ctl_routes_query *q, const struct kd_prefix *p)
{
    return (!q->within || kd_prefix_covers(q->within, p)) &&
           (!q->holding || kd_prefix_has(p, q->holding));
}

struct ctl_rows *ctl_rows_new(const struct ctl_env *env, const struct ctl_routes_query *q)
{
    struct ctl_rows *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->q = *q;
    if (q->within) {
        r->within = *q->within;
        r->q.within = &r->within;
    }
    if (q->holding) {
        r->holding = *q->holding;
        r->q.holding = &r->holding;
    }
    r->tour = bgp_rib_tour_new(core_bgp(env->core), q->view, q->peer);
    if (r->tour)
        return r;
    free(r);
    return NULL;
}

void ctl_rows_free(struct ctl_rows *r)
{
    if (!r)
        return;
    bgp_rib_tour_free(r->tour);
    free(r->text);
    free(r);
}

struct part {
    struct ctl_rows *r;
    const struct ctl_env *env;
    FILE *to;
};

static void put(FILE *to, json_t *o)
{
    kd_assert(o && json_dumpf(o, to, CTL_DUMP) == 0);
    json_decref(o);
}

static bool add_row(void *arg, const struct bgp_route_view *v)
{
    struct part *p = arg;

    if (!ctl_route_wanted(&p->r->q, &v->prefix))
        return true;
    if (p->r->some)
        fputc(',', p->to);
    p->r->some = true;
    put(p->to, ctl_route(p->env, p->r->q.view, v));
    return true;
}

static void end(struct part *p)
{
    fputs("],\"local\":", p->to);
    put(p->to, ctl_local(p->env));
    fputc('}', p->to);
    p->r->next = OVER;
}

/* The head, a destination's rows (maybe none), or the end. */
static void render(struct ctl_rows *r, const struct ctl_env *env)
{
    struct part p = {.r = r, .env = env};

    free(r->text);
    r->at = 0;
    p.to = open_memstream(&r->text, &r->len);
    kd_assert(p.to);
    if (r->next == HEAD) {
        fprintf(p.to, "{\"version\":%d,\"routes\":[", CTL_VERSION);
        r->next = BODY;
    } else if (!bgp_rib_tour_next(r->tour, core_bgp(env->core), add_row, &p)) {
        end(&p);
    }
    fclose(p.to);
}

size_t ctl_rows_read(struct ctl_rows *r, const struct ctl_env *env, char *buf, size_t max)
{
    size_t n = 0, part;

    for (unsigned looked = 0; n < max && looked < LOOKED_MAX; n += part) {
        if (r->at == r->len && r->next != OVER) {
            render(r, env);
            looked++;
        }
        part = KD_MIN(r->len - r->at, max - n);
        memcpy(buf + n, r->text + r->at, part);
        r->at += part;
        if (part == 0 && r->next == OVER)
            return n;
    }
    if (n == 0)
        buf[n++] = ' '; /* nothing wanted as yet: 0 would be the end */
    return n;
}
