/* CREATE_CHILD_SA for children: what both roles share. RFC 7296 1.3.1, 1.3.3, 2.8, 2.17, 2.25.
 *
 *   create_i.c  ours    keygen job, request, response, shared job, CHILD_ADD, result: use it,
 *                       DELETE the old
 *   create_r.c  theirs  request, keygen job, shared job, CHILD_ADD, result: response; their DELETE
 *                       of the old pair says that the new one is to be used (2.8)
 *   collide.c   both at once */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdlib.h>

#define LATER_US      KD_S(3) /* doubled by each TEMPORARY_FAILURE in a row, LATER_DOUBLED times */
#define LATER_DOUBLED 4
#define LATER_MIN_US  KD_MS(100)
#define TEMPORARY_US  KD_S(300) /* "several minutes" (2.25): the ends are out of step */

struct ike_xchg *ike_xchg_new(struct ike *e, enum ike_xkind kind)
{
    struct ike_xchg *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->kind = kind;
    ike_nonce_draw(e, &x->ni, IKE_NONCE_LEN);
    return x;
}

/* ---- again, later ---- */

uint64_t ike_later(struct ike *e, const struct ike_sa *sa, uint64_t expire_us)
{
    uint64_t left = expire_us > e->now_us ? expire_us - e->now_us : 0;
    uint64_t pause = LATER_US << KD_MIN(sa->temporary ? sa->temporary - 1 : 0, LATER_DOUBLED);

    pause = KD_MAX(KD_MIN(pause, left / 4), LATER_MIN_US);
    return e->now_us + pause + ike_jitter(e, pause);
}

bool ike_temporary(struct ike *e, struct ike_sa *sa)
{
    if (!sa->temporary++)
        sa->temporary_us = e->now_us;
    if (e->now_us - sa->temporary_us < TEMPORARY_US)
        return true;
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_PROTOCOL_ERROR,
                "peer answered %u requests in a row with TEMPORARY_FAILURE", sa->temporary);
    ike_sa_close(e, sa, KD_REASON_PROTOCOL_ERROR);
    return false;
}

/* ---- jobs, and the data plane's result ---- */

void ike_child_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x, const struct ike_event *ev)
{
    if (x == sa->ours)
        ike_create_ours_job(e, sa, ev->job_status == KC_JOB_OK);
    else
        ike_create_theirs_job(e, sa, ev->job_status == KC_JOB_OK);
}

void ike_create_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok)
{
    if (!ok)
        ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_KERNEL_REFUSED,
                    "the data plane did not install the new child");
    if (sa->ours && kd_handle_eq(sa->ours->child, c->self))
        ike_create_ours_done(e, sa, c, ok);
    else if (sa->theirs && kd_handle_eq(sa->theirs->child, c->self))
        ike_create_theirs_done(e, sa, c, ok);
}

void ike_create_closing(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    (void)m;
    ike_response_notify(e, sa, IKE_N_TEMPORARY_FAILURE, kd_bytes(NULL, 0));
}
