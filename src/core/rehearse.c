/* The rekey rehearsal: some seconds after a tunnel came up, every pair is rekeyed and then the IKE
 * SA, so that a mismatch that IKE_AUTH can't show (PFS is negotiated in CREATE_CHILD_SA only: RFC
 * 7296 1.2, 1.3) shows at commissioning instead of at the first lifetime's end (facts/peers 2, pain
 * 2).
 *
 *   none -> waiting -> child -> ike -> passed
 *                        |       |
 *                        +-------+---> failed, and waiting again after an interruption
 *
 * A failure changes nothing: the pairs stand, and their own rekeying keeps its time. Only what an
 * authenticated exchange says counts; a stranger can't make one fail. */
#include "core/tunnel.h"

#include "ike/payload.h"

#include <stdio.h>

#define LIMIT_US KD_S(30) /* beyond the detection budget: three tries after TEMPORARY_FAILURE */

static bool running(const struct core_rehearsal *r)
{
    return r->v.state == CORE_REHEARSAL_CHILD || r->v.state == CORE_REHEARSAL_IKE;
}

static void say(struct core *c, struct core_tunnel *t, enum core_note note, const char *text)
{
    const struct core_rehearsal *r = &t->rehearsal;
    struct core_event_record rec = core_record(c, note, core_tunnel_id(c, t), CORE_NO_PEER);

    rec.reason = r->v.reason;
    rec.latency_us = r->v.took_us;
    rec.text = kd_bytes_str(text);
    core_say(c, &rec);
}

static void enter(struct core *c, struct core_tunnel *t, enum core_rehearsal_state state)
{
    t->rehearsal.v.state = state;
    t->rehearsal.v.since_us = c->now_us;
}

static void keep_verdict(struct core_rehearsal *r)
{
    r->v.last.state = r->v.state;
    r->v.last.reason = r->v.reason;
    r->v.last.failed_ike = r->v.failed_ike;
}

static const char *group_name(uint16_t group)
{
    const struct kc_alg *dh = group ? kc_alg_find(KC_DH, group, 0) : NULL;

    return dh ? dh->name : "none";
}

static void wait_for_it(struct core *c, struct core_tunnel *t)
{
    t->rehearsal.at_us = c->now_us + t->cfg.rehearse_us;
    enter(c, t, CORE_REHEARSAL_WAITING);
}

static void fail(struct core *c, struct core_tunnel *t, enum kd_reason reason, bool again)
{
    struct core_rehearsal *r = &t->rehearsal;
    const char *what = r->v.state == CORE_REHEARSAL_IKE ? "IKE" : "child";
    char text[160];

    r->v.reason = reason;
    r->v.took_us = c->now_us - r->begun_us;
    r->v.failed_ike = r->v.state == CORE_REHEARSAL_IKE;
    r->again = again;
    r->at_us = KD_NEVER;
    enter(c, t, CORE_REHEARSAL_FAILED);
    if (!again)
        keep_verdict(r);
    snprintf(text, sizeof(text),
             again ? "the %s rekey was interrupted"
                   : "the %s rekey failed; the tunnel stands; kedge explain %s says what to change",
             what, t->cfg.ike.name);
    say(c, t, CORE_NOTE_REHEARSAL_FAIL, text);
    if (again && t->cfg.rehearse_us && core_child_any_up(t))
        wait_for_it(c, t); /* the peer has come back before we noticed that it went */
}

static void pass(struct core *c, struct core_tunnel *t)
{
    struct core_rehearsal *r = &t->rehearsal;
    char text[160];

    r->v.reason = KD_REASON_NONE;
    r->v.took_us = c->now_us - r->begun_us;
    r->at_us = KD_NEVER;
    enter(c, t, CORE_REHEARSAL_PASSED);
    keep_verdict(r);
    snprintf(text, sizeof(text), "PFS group %s, IKE group %s", group_name(r->v.pfs),
             group_name(r->v.group));
    say(c, t, CORE_NOTE_REHEARSAL_PASS, text);
}

void core_rehearse_start(struct core *c, struct core_tunnel *t)
{
    struct core_rehearsal *r = &t->rehearsal;

    if (running(r))
        return;
    r->begun_us = c->now_us;
    r->again = false;
    r->v.took_us = 0;
    r->v.reason = KD_REASON_NONE;
    r->v.pfs = r->v.group = 0;
    r->n_old = 0;
    for (uint32_t i = 0; i < t->n_child; i++)
        if (t->child[i].up)
            r->old[r->n_old++] = t->child[i].h;
    enter(c, t, CORE_REHEARSAL_CHILD);
    say(c, t, CORE_NOTE_REHEARSAL_START, "");
    if (r->n_old == 0) {
        fail(c, t, KD_REASON_TUNNEL_DOWN, true);
        return;
    }
    r->at_us = c->now_us + t->cfg.ike.detect_us + LIMIT_US;
    core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_REKEY_CHILD);
}

void core_rehearse_child_up(struct core *c, struct core_tunnel *t)
{
    struct core_rehearsal *r = &t->rehearsal;
    bool first = r->v.state == CORE_REHEARSAL_NONE;

    if (t->cfg.rehearse_us && (first || (r->v.state == CORE_REHEARSAL_FAILED && r->again)))
        wait_for_it(c, t);
}

void core_rehearse_wake(struct core *c, struct core_tunnel *t)
{
    struct core_rehearsal *r = &t->rehearsal;

    if (r->at_us > c->now_us)
        return;
    r->at_us = KD_NEVER;
    if (running(r))
        fail(c, t, KD_REASON_TIMEOUT, false);
    else if (core_child_any_up(t))
        core_rehearse_start(c, t);
    else
        enter(c, t, CORE_REHEARSAL_NONE); /* down again before its time: the next up counts */
}

/* A pair has gone: replaced, or with the tunnel. */
static void child_gone(struct core *c, struct core_tunnel *t, const struct ike_action *a)
{
    struct core_rehearsal *r = &t->rehearsal;

    for (uint32_t i = 0; i < r->n_old; i++) {
        if (!kd_handle_eq(r->old[i], a->child))
            continue;
        r->old[i] = r->old[--r->n_old];
        if (a->reason != KD_REASON_NONE) {
            fail(c, t, a->reason, true);
        } else if (r->n_old == 0) {
            enter(c, t, CORE_REHEARSAL_IKE);
            core_queue_ike_command(c, core_tunnel_id(c, t), IKE_CMD_REKEY_IKE);
        }
        return;
    }
}

void core_rehearse_note(struct core *c, struct core_tunnel *t, const struct ike_action *a)
{
    struct core_rehearsal *r = &t->rehearsal;

    if (!running(r))
        return;
    if (a->note == IKE_NOTE_REFUSED && a->exchange == IKE_X_CREATE_CHILD_SA)
        fail(c, t, a->reason, false);
    else if (a->note == IKE_NOTE_CLOSED)
        fail(c, t, a->reason, true);
    else if (r->v.state == CORE_REHEARSAL_CHILD && a->note == IKE_NOTE_CHILD_UP)
        r->v.pfs = (uint16_t)a->group;
    else if (r->v.state == CORE_REHEARSAL_CHILD && a->note == IKE_NOTE_CHILD_DOWN)
        child_gone(c, t, a);
    else if (r->v.state == CORE_REHEARSAL_IKE && a->note == IKE_NOTE_REKEYED) {
        r->v.group = (uint16_t)a->group;
        pass(c, t);
    }
}
