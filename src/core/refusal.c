/* What was refused: the last refusal of each tunnel, kept over reconnects with how many there were,
 * and the last few of strangers. For `kedge explain`; decides nothing. */
#include "core/tunnel.h"

#include <stdlib.h>

/* Everything the views of r hold, one after the other; at most two lists of 12 KiB, four of
 * selectors of 1.3 KiB and three texts of 2 KiB (ike/refusal.c, ike/out.c). */
static bool copy_deep(struct ike_refusal *r, uint8_t **blob)
{
    struct kd_bytes *part[] = {&r->detail,        &r->offered,          &r->configured,
                               &r->sa_offered,    &r->sa_configured,    &r->ts_offered[0],
                               &r->ts_offered[1], &r->ts_configured[0], &r->ts_configured[1]};
    size_t len = 0, at = 0;
    uint8_t *to;

    for (size_t i = 0; i < KD_ARRAY_LEN(part); i++)
        len += part[i]->len;
    to = malloc(len + 1);
    if (!to)
        return false;
    for (size_t i = 0; i < KD_ARRAY_LEN(part); i++) {
        if (part[i]->len)
            memcpy(to + at, part[i]->p, part[i]->len);
        part[i]->p = to + at;
        at += part[i]->len;
    }
    free(*blob);
    *blob = to;
    return true;
}

static void keep(struct core *c, struct core_tunnel *t, struct ike_refusal r,
                 const struct kd_endpoint *remote)
{
    struct core_refused *k = t->refused;

    if (!k)
        k = t->refused = calloc(1, sizeof(*k));
    if (!k || !copy_deep(&r, &k->blob))
        return; /* out of memory: the one before stays */
    k->v.at_us = c->now_us;
    k->v.count++;
    k->v.remote = *remote;
    k->v.r = r;
}

void core_refused_note(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                       const struct ike_out *out)
{
#define VIEW(s) kd_bytes(out->buf + a->s.off, a->s.len)
    struct ike_refusal r = {.reason = a->reason,
                            .exchange = a->exchange,
                            .by_peer = a->by_peer,
                            .rekey = a->rekey,
                            .notify = a->notify,
                            .group = (uint16_t)a->group,
                            .detail = VIEW(detail),
                            .offered = VIEW(offered),
                            .configured = VIEW(configured),
                            .sa_offered = VIEW(sa_offered),
                            .sa_configured = VIEW(sa_configured),
                            .ts_offered = {VIEW(ts_local), VIEW(ts_remote)},
                            .ts_configured = {VIEW(ts_want_local), VIEW(ts_want_remote)}};
#undef VIEW

    if (r.reason == KD_REASON_KERNEL_REFUSED)
        r.offered = c->install_why;
    keep(c, t, r, &a->remote);
}

const struct core_refused_view *core_refused(const struct core_tunnel *t)
{
    return t->refused ? &t->refused->v : NULL;
}

void core_refused_free(struct core_tunnel *t)
{
    if (t->refused)
        free(t->refused->blob);
    free(t->refused);
    t->refused = NULL;
}

/* ---- strangers ---- */

/* The newest first; one that repeats itself is counted, so that it can't push out the others. */
void core_stranger(struct core *c, const struct kd_endpoint *remote, struct kd_bytes text)
{
    struct core_stranger_view s = {.at_us = c->now_us, .remote = *remote};
    uint32_t i = 0;

    memcpy(s.text, text.p, KD_MIN(text.len, sizeof(s.text) - 1));
    while (i < c->n_strangers && !(kd_addr_eq(&c->strangers[i].remote.addr, &remote->addr) &&
                                   strcmp(c->strangers[i].text, s.text) == 0))
        i++;
    if (i < c->n_strangers)
        s.count = c->strangers[i].count;
    else if (c->n_strangers < CORE_STRANGERS_MAX)
        c->n_strangers++;
    else
        i--;
    s.count++;
    memmove(&c->strangers[1], &c->strangers[0], i * sizeof(c->strangers[0]));
    c->strangers[0] = s;
}

const struct core_stranger_view *core_strangers(const struct core *c, uint32_t *n)
{
    *n = c->n_strangers;
    return c->strangers;
}
