/* Jobs, and Diffie-Hellman as such: slow work leaves the engine and comes back as an event
 * (DESIGN 3.2). A job's answer is believed only when the SA it was made for still waits for exactly
 * that job; else its secret is freed and nothing else happens. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

struct ike_action *ike_job_new(struct ike *e, const struct ike_sa *sa, enum kc_job_kind kind,
                               struct kd_handle *job)
{
    struct ike_action *a;
    struct ike_job *j = kd_slab_new(&e->jobs, job);

    if (!j) {
        *job = KD_HANDLE_NONE;
        return NULL;
    }
    j->self = *job;
    j->sa = sa->self;
    j->kind = kind;
    a = ike_out_add(e, IKE_ACT_JOB, sa->conn);
    a->job = *job;
    a->job_kind = kind;
    return a;
}

void ike_job_forget(struct ike *e, struct kd_handle *job)
{
    struct ike_job *j = kd_slab_get(&e->jobs, *job);

    if (j)
        j->sa = KD_HANDLE_NONE;
    *job = KD_HANDLE_NONE;
}

static bool job_new(struct ike *e, struct ike_sa *sa, struct ike_ke *ke, enum kc_job_kind kind)
{
    struct ike_action *a = ike_job_new(e, sa, kind, &ke->job);

    if (!a)
        return false;
    a->group = ke->dh->id;
    a->priv = ke->priv;
    if (kind == KC_JOB_DH_SHARED)
        a->data = ike_out_bytes(e, kd_bytes(ke->peer, ke->peer_len));
    return true;
}

bool ike_ke_keygen(struct ike *e, struct ike_sa *sa, struct ike_ke *ke, const struct kc_alg *dh)
{
    ike_ke_free(e, ke);
    if (!dh || dh->pub_len > sizeof(ke->pub))
        return false;
    ke->dh = dh;
    ke->priv = kc_dh_private(e->crypto, (enum kc_dh)dh->id, &e->rng);
    return !kd_handle_none(ke->priv) && job_new(e, sa, ke, KC_JOB_DH_KEYGEN);
}

bool ike_ke_shared(struct ike *e, struct ike_sa *sa, struct ike_ke *ke, struct kd_bytes peer)
{
    if (!ke->dh || peer.len != ke->dh->pub_len || !kd_handle_none(ke->job))
        return false;
    memmove(ke->peer, peer.p, peer.len); /* it may lie there already */
    ke->peer_len = (uint16_t)peer.len;
    return job_new(e, sa, ke, KC_JOB_DH_SHARED);
}

void ike_ke_free(struct ike *e, struct ike_ke *ke)
{
    struct ike_job *j = kd_slab_get(&e->jobs, ke->job);

    if (j) { /* in flight: the worker may be reading the private value */
        j->priv = ke->priv;
        j->sa = KD_HANDLE_NONE;
        ke->priv = KD_HANDLE_NONE;
    }
    ike_key_doom(e, &ke->priv);
    ike_key_doom(e, &ke->secret);
    kc_wipe(ke, sizeof(*ke));
}

/* Takes the result into ke; false when it is of no use. */
static bool ke_take(struct ike *e, struct ike_ke *ke, enum kc_job_kind kind,
                    const struct ike_event *ev)
{
    ke->job = KD_HANDLE_NONE;
    if (ev->job_status != KC_JOB_OK)
        return false;
    if (kind == KC_JOB_DH_SHARED) {
        ke->secret = ev->secret;
        ike_key_doom(e, &ke->priv);
        return !kd_handle_none(ke->secret);
    }
    if (ev->data.len != ke->dh->pub_len)
        return false;
    memcpy(ke->pub, ev->data.p, ev->data.len);
    ke->pub_len = (uint16_t)ev->data.len;
    return true;
}

static bool waits_for(const struct ike_ke *ke, struct kd_handle job)
{
    return !kd_handle_none(ke->job) && kd_handle_eq(ke->job, job);
}

/* A signature or certificates: auth.c's. */
static bool auth_job_done(struct ike *e, struct ike_sa *sa, const struct ike_job *j,
                          const struct ike_event *ev)
{
    struct kd_handle secret = ev->secret;
    enum kc_job_kind kind = j->kind;

    if (kd_handle_none(sa->hs->auth.job) || !kd_handle_eq(sa->hs->auth.job, ev->job))
        return false;
    sa->hs->auth.job = KD_HANDLE_NONE;
    kd_slab_free(&e->jobs, ev->job);
    ike_key_doom(e, &secret); /* not asked for */
    ike_touch(e, sa);
    ike_auth_job(e, sa, kind, ev);
    return true;
}

void ike_job_done(struct ike *e, const struct ike_event *ev)
{
    struct ike_job *j = kd_slab_get(&e->jobs, ev->job);
    struct kd_handle secret = ev->secret;
    struct ike_event fate = *ev;
    enum kc_job_kind kind;
    struct ike_xchg *x;
    struct ike_sa *sa;
    struct ike_ke *ke;

    sa = j ? ike_sa_get(e, j->sa) : NULL;
    if (sa && sa->hs && auth_job_done(e, sa, j, ev))
        return;
    x = !sa                                                 ? NULL
        : sa->ours && waits_for(&sa->ours->ke, ev->job)     ? sa->ours
        : sa->theirs && waits_for(&sa->theirs->ke, ev->job) ? sa->theirs
                                                            : NULL;
    ke = x ? &x->ke : sa && sa->hs && waits_for(&sa->hs->ke, ev->job) ? &sa->hs->ke : NULL;
    if (!ke) {
        if (j)
            ike_key_doom(e, &j->priv);
        kd_slab_free(&e->jobs, ev->job);
        ike_key_doom(e, &secret);
        return;
    }
    kind = j->kind;
    kd_slab_free(&e->jobs, ev->job);
    if (!ke_take(e, ke, kind, ev)) {
        if (kd_handle_none(ke->secret))
            ike_key_doom(e, &secret);
        if (fate.job_status == KC_JOB_OK)
            fate.job_status = KC_JOB_FAILED;
    } else if (kind == KC_JOB_DH_KEYGEN) {
        ike_key_doom(e, &secret); /* not asked for */
    }
    ike_touch(e, sa);
    if (!x)
        ike_init_job(e, sa, &fate);
    else if (x->kind == IKE_XK_REKEY_IKE)
        ike_rekey_job(e, sa, x, &fate);
    else
        ike_child_job(e, sa, x, &fate);
}
