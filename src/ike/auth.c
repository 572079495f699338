/* Authentication, whichever way and role: one end proves who it is, the other is checked. RFC 7296
 * 2.15. A pre-shared key is a matter of the moment; certificates take jobs (DESIGN 3.2), during
 * which IKE_AUTH's content is kept:
 *
 *   prove   SIGN                          -> I_SIGN, R_SIGN
 *   check   CHAIN, then VERIFY by its key -> I_CHECK, R_CHECK
 *
 * What a stranger can cause so: one chain and at most two verifications an IKE SA, and IKE SAs of
 * strangers are counted (halfopen.c); a second IKE_AUTH finds the first one under way. Not here:
 * what the roles do about it (auth_i.c, auth_r.c). */
#include "ike/further.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdio.h>

const char *const ike_auth_kind_names[] = {"psk", "cert", NULL};

/* ---- jobs ---- */

void ike_auth_job_set(struct kc_job *job, struct kc_chain *chain, const struct ike_auth_job *a,
                      struct kd_bytes data, struct kd_bytes data2, struct kd_bytes data3)
{
    job->sig = a->sig;
    job->sha1_ok = a->sha1_ok;
    job->signer = a->signer;
    job->data = data;
    job->signature = data2;
    job->spki = data3;
    *chain = (struct kc_chain){.trust = a->trust,
                               .certs = data,
                               .wall_s = a->wall_s,
                               .sha1_ok = a->sha1_ok,
                               .id = {a->id_type, data2},
                               .cn = data3};
    job->chain = chain;
}

struct kd_bytes ike_job_data(enum kc_job_kind kind, const struct kc_job_result *res)
{
    switch (kind) {
    case KC_JOB_DH_KEYGEN:
        return kd_bytes(res->pub, res->pub_len);
    case KC_JOB_SIGN:
        return kd_bytes(res->sig, res->sig_len);
    case KC_JOB_CHAIN:
        return kd_bytes((const uint8_t *)&res->chain, sizeof(res->chain));
    default:
        return kd_bytes(NULL, 0);
    }
}

void ike_auth_free(struct ike *e, struct ike_auth *a)
{
    ike_job_forget(e, &a->job);
    ike_buf_free(&a->kept);
}

/* What is signed, as one piece in the output. */
static bool put_octets(struct ike *e, const struct ike_sa *sa, bool initiator, struct kd_bytes id,
                       struct kd_span *out)
{
    struct ike_octets o;

    return ike_auth_octets(e, sa, initiator, id, &o) && ike_out_join(e, o.part, o.n, out);
}

/* Ours. */
static bool put_own_octets(struct ike *e, struct ike_sa *sa, struct kd_bytes id,
                           struct kd_span *out)
{
    bool plain = ike_ppk_plain_due(sa), ok;

    if (plain)
        ike_ppk_swap_pi(sa);
    ok = put_octets(e, sa, sa->initiator, id, out);
    if (plain)
        ike_ppk_swap_pi(sa);
    return ok;
}

static enum ike_auth_step no_room(char *why)
{
    snprintf(why, IKE_WHY_MAX, "no room for a job");
    return IKE_AUTH_REFUSED;
}

/* ---- our proof ---- */

static struct kd_bytes id_body(const struct ike_conn *c, uint8_t buf[4 + IKE_ID_MAX])
{
    struct kd_writer w;

    kd_writer_init(&w, buf, 4 + IKE_ID_MAX);
    ike_id_write(&w, &c->cfg.local_id);
    return kd_written(&w);
}

static enum ike_auth_step sign(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                               char *why)
{
    struct ike_auth *a = &sa->hs->auth;
    uint8_t id[4 + IKE_ID_MAX];
    const char *flaw = NULL;
    struct ike_action *act;
    struct kd_span data;

    if (!ike_sig_ours(sa, &c->cfg.auth, &a->method, &a->sig, &flaw)) {
        snprintf(why, IKE_WHY_MAX, "we can't sign for it: %s", flaw);
        return IKE_AUTH_REFUSED;
    }
    if (!put_own_octets(e, sa, id_body(c, id), &data) ||
        !(act = ike_job_new(e, sa, KC_JOB_SIGN, &a->job)))
        return no_room(why);
    act->data = data;
    act->auth = (struct ike_auth_job){
        .sig = a->sig, .sha1_ok = c->cfg.auth.sha1_ok, .signer = c->cfg.auth.certs->key};
    return IKE_AUTH_WAITS;
}

/* By the pre-shared key, into hs->auth. */
static bool prove_psk(struct ike *e, struct ike_sa *sa, const struct ike_conn *c)
{
    struct ike_auth *a = &sa->hs->auth;
    uint8_t id[4 + IKE_ID_MAX];

    a->method = IKE_AUTH_METHOD_PSK;
    a->len = (uint16_t)ike_auth_psk(e, sa, c->cfg.psk, sa->initiator, id_body(c, id), a->data);
    return a->len > 0;
}

static bool prove_psk_plain(struct ike *e, struct ike_sa *sa, const struct ike_conn *c)
{
    bool ok;

    ike_ppk_swap_pi(sa);
    ok = prove_psk(e, sa, c);
    ike_ppk_swap_pi(sa);
    return ok && ike_ppk_plain_proven(sa);
}

enum ike_auth_step ike_auth_prove(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  char *why)
{
    if (c->cfg.auth.local == IKE_AUTH_CERT)
        return sign(e, sa, c, why);
    if ((!ike_ppk_plain_due(sa) || prove_psk_plain(e, sa, c)) && prove_psk(e, sa, c))
        return IKE_AUTH_READY;
    snprintf(why, IKE_WHY_MAX, "the pre-shared key is not there");
    return IKE_AUTH_REFUSED;
}

static void sign_done(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                      const struct ike_event *ev, const struct ike_msg *m)
{
    bool ok = ev->job_status == KC_JOB_OK && ike_sig_put(&sa->hs->auth, ev->data);
    char text[IKE_WHY_MAX] = "our signature could not be made";
    const char *why = ok ? NULL : text;

    if (ok && ike_ppk_plain_due(sa)) {
        if (ike_ppk_plain_proven(sa) && sign(e, sa, c, text) == IKE_AUTH_WAITS)
            return;
        why = text;
    }
    if (sa->state == IKE_ST_I_SIGN)
        ike_auth_i_proven(e, sa, why);
    else
        ike_auth_r_proven(e, sa, m, why);
}

/* ---- the peer's ---- */

bool ike_auth_keep(struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_auth *a = &sa->hs->auth;

    if (a->kept.p) /* it is there already */
        return true;
    a->kept_h = m->h;
    a->kept_first = m->chain_first;
    return ike_buf_set(&a->kept, m->chain);
}

/* What was kept, parsed as it was before. In e->rx, where any message lies. */
static const struct ike_msg *kept(struct ike *e, const struct ike_sa *sa)
{
    const struct ike_auth *a = &sa->hs->auth;
    struct ike_msg *m = &e->msg;
    struct ike_diag d;
    bool ok;

    if (!a->kept.p)
        return NULL;
    memset(m, 0, sizeof(*m));
    m->h = a->kept_h;
    m->inner = true;
    m->raw = kd_bytes(e->rx, a->kept.len);
    memcpy(e->rx, a->kept.p, a->kept.len);
    ok = ike_chain_parse(m->raw, a->kept_first, 0, m, &d);
    kd_assert(ok);
    return m;
}

static const struct ike_typed *peer_id_of(const struct ike_sa *sa, const struct ike_msg *m)
{
    return sa->initiator ? &m->idr : &m->idi;
}

static enum ike_auth_step start_chain(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                      const struct ike_msg *m, char *why)
{
    const struct ike_auth_config *cfg = &c->cfg.auth;
    struct kd_bytes der[IKE_MSG_CERTS];
    size_t n = ike_certs_read(cfg, &sa->peer_id, m, der, why);
    struct ike_action *act;
    struct kd_span certs;

    if (n == 0)
        return IKE_AUTH_REFUSED;
    if (!ike_auth_keep(sa, m) || !ike_out_join(e, der, n, &certs) ||
        !(act = ike_job_new(e, sa, KC_JOB_CHAIN, &sa->hs->auth.job)))
        return no_room(why);
    act->data = certs;
    act->auth = (struct ike_auth_job){
        .sha1_ok = cfg->sha1_ok, .trust = cfg->certs->trust, .wall_s = e->wall_s};
    if (cfg->cn[0]) {
        act->data3 = ike_out_bytes(e, kd_bytes_str(cfg->cn));
    } else {
        act->auth.id_type = sa->peer_id.type;
        act->data2 = ike_out_bytes(e, kd_bytes(sa->peer_id.data, sa->peer_id.len));
    }
    return IKE_AUTH_WAITS;
}

static enum ike_auth_step check_cert(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                     const struct ike_msg *m, char *why)
{
    const struct ike_typed auth = ike_ppk_auth(sa, m);
    struct kd_bytes signature;
    const char *flaw = NULL;

    if (!ike_sig_read(sa, &auth, &sa->hs->auth.sig, &signature, &flaw)) {
        snprintf(why, IKE_WHY_MAX, "%s", flaw);
        return IKE_AUTH_REFUSED;
    }
    return start_chain(e, sa, c, m, why);
}

static void remember(struct ike_sa *sa, const char *how, int64_t not_after_s)
{
    snprintf(sa->peer_auth.how, sizeof(sa->peer_auth.how), "%s", how);
    sa->peer_auth.not_after_s = not_after_s;
}

enum ike_auth_step ike_auth_check(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  const struct ike_msg *m, char *why)
{
    if (c->cfg.auth.remote == IKE_AUTH_CERT)
        return check_cert(e, sa, c, m, why);
    if (m->auth.type != IKE_AUTH_METHOD_PSK) {
        snprintf(why, IKE_WHY_MAX, "it does not use a pre-shared key");
        return IKE_AUTH_REFUSED;
    }
    if (!ike_auth_psk_is(e, sa, c->cfg.psk, !sa->initiator, peer_id_of(sa, m)->body,
                         ike_ppk_auth(sa, m).data)) {
        snprintf(why, IKE_WHY_MAX, "its pre-shared key%s is another",
                 sa->hs->ppk.used ? " or its PPK" : "");
        return IKE_AUTH_REFUSED;
    }
    remember(sa, "psk", 0);
    return IKE_AUTH_READY;
}

static void checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why)
{
    if (sa->initiator)
        ike_auth_i_checked(e, sa, m, why);
    else
        ike_auth_r_checked(e, sa, m, why);
}

/* By the key of the certificate that has been found good, the kind in hs->auth.sig. */
static bool start_verify(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                         const struct ike_msg *m)
{
    const struct ike_typed auth = ike_ppk_auth(sa, m);
    struct ike_auth *a = &sa->hs->auth;
    struct kd_bytes signature;
    const char *flaw = NULL;
    struct ike_action *act;
    struct kd_span data;
    struct kc_sig sig;

    if (!ike_sig_read(sa, &auth, &sig, &signature, &flaw) ||
        !put_octets(e, sa, !sa->initiator, peer_id_of(sa, m)->body, &data) ||
        !(act = ike_job_new(e, sa, KC_JOB_VERIFY, &a->job)))
        return false;
    act->data = data;
    act->data2 = ike_out_bytes(e, signature);
    act->data3 = ike_out_bytes(e, kd_bytes(a->chain.spki, a->chain.spki_len));
    act->auth = (struct ike_auth_job){.sig = a->sig, .sha1_ok = c->cfg.auth.sha1_ok};
    return true;
}

static bool take_chain(struct ike_auth *a, const struct ike_event *ev)
{
    if (ev->data.len != sizeof(a->chain))
        return false;
    memcpy(&a->chain, ev->data.p, sizeof(a->chain));
    return (unsigned)a->chain.status < KC_CHAIN_N && a->chain.spki_len <= sizeof(a->chain.spki);
}

static void chain_done(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                       const struct ike_event *ev, const struct ike_msg *m)
{
    struct ike_auth *a = &sa->hs->auth;
    char why[IKE_WHY_MAX];

    if (!take_chain(a, ev))
        snprintf(why, sizeof(why), "its certificates could not be checked");
    else if (a->chain.status != KC_CHAIN_OK)
        ike_certs_refused(e, &c->cfg.auth, &sa->peer_id, m, &a->chain, why);
    else if (!kc_sig_suits(&a->sig, kd_bytes(a->chain.spki, a->chain.spki_len)))
        snprintf(why, sizeof(why), "its AUTH (%s) does not fit its certificate's key",
                 kc_sig_str(&a->sig));
    else if (!start_verify(e, sa, c, m))
        (void)no_room(why);
    else
        return;
    checked(e, sa, m, why);
}

static void verify_done(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                        const struct ike_event *ev, const struct ike_msg *m)
{
    struct ike_auth *a = &sa->hs->auth;
    char why[IKE_WHY_MAX];

    if (ev->job_status == KC_JOB_OK) {
        remember(sa, kc_sig_str(&a->sig), a->chain.not_after_s);
        checked(e, sa, m, NULL);
        return;
    }
    if (ev->job_status == KC_JOB_BAD_PEER && ike_sig_next(&c->cfg.auth, &m->auth, &a->sig) &&
        start_verify(e, sa, c, m))
        return;
    snprintf(why, sizeof(why), "its signature does not verify as %s%s", kc_sig_str(&a->sig),
             m->auth.type == 1 && !c->cfg.auth.sha1_ok ? " (SHA-1 is legacy; auth.sha1 allows it)"
                                                       : "");
    checked(e, sa, m, why);
}

/* ---- a job is done ---- */

void ike_auth_job(struct ike *e, struct ike_sa *sa, enum kc_job_kind kind,
                  const struct ike_event *ev)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    bool check = sa->state == IKE_ST_I_CHECK || sa->state == IKE_ST_R_CHECK;
    const struct ike_msg *m = kept(e, sa);

    if (!c) /* removed: its SAs are closing */
        return;
    if (kind == KC_JOB_SIGN && (sa->state == IKE_ST_I_SIGN || sa->state == IKE_ST_R_SIGN))
        sign_done(e, sa, c, ev, m);
    else if (kind == KC_JOB_CHAIN && check)
        chain_done(e, sa, c, ev, m);
    else if (kind == KC_JOB_VERIFY && check)
        verify_done(e, sa, c, ev, m);
}
