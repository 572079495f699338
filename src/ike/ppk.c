/* Postquantum pre-shared keys (RFC 8784): a second secret mixed into SK_d, SK_pi and SK_pr before
 * IKE_AUTH, so that who breaks the key exchange later has neither the child SAs' keys nor those of
 * rekeyed IKE SAs.
 *
 *   IKE_SA_INIT  both announce USE_PPK, where they have one
 *   IKE_AUTH     the initiator names it (PPK_IDENTITY) and proves itself by the mixed keys;
 * NO_PPK_AUTH is the proof by the plain ones, left out where the PPK is required. The responder's
 *                PPK_IDENTITY says that it used it too.
 *
 * The plain keys stay in hs->ppk until IKE_AUTH has decided. SK_e and SK_a are not touched. With a
 * certificate NO_PPK_AUTH is a second signature, made before the one of AUTH. */
#include "ike/further.h"
#include "ike/sa.h"

#define ID_FIXED 2 /* RFC 8784 5.1 */

static const struct kd_bytes none = {NULL, 0};

static bool configured(const struct ike_conn *c)
{
    return !kd_handle_none(c->cfg.ppk.key);
}

static bool agreed(const struct ike_sa *sa)
{
    return sa->hs->ppk.said && sa->hs->ppk.peer;
}

/* ---- IKE_SA_INIT ---- */

void ike_ppk_heard(struct ike_sa *sa, const struct ike_msg *m)
{
    sa->hs->ppk.peer = ike_msg_notify(m, IKE_N_USE_PPK) != NULL;
}

void ike_ppk_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b)
{
    sa->hs->ppk.said = configured(c) && (sa->initiator || sa->hs->ppk.peer);
    if (sa->hs->ppk.said)
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_USE_PPK, none);
}

bool ike_ppk_possible(const struct ike_sa *sa, const struct ike_conn *c)
{
    return !c->cfg.ppk.required || sa->hs->ppk.peer;
}

/* ---- keys ---- */

/* SK_x = prf+ (PPK, SK_x') for d, pi and pr: all or nothing. */
static bool mix(struct ike *e, struct ike_sa *sa, struct kd_handle ppk)
{
    const uint16_t len = sa->suite.prf->out_len;
    struct kd_handle *key[] = {&sa->k.d, &sa->k.pi, &sa->k.pr};
    struct kd_handle mixed[3] = {KD_HANDLE_NONE, KD_HANDLE_NONE, KD_HANDLE_NONE};
    bool ok = true;

    for (int i = 0; i < 3 && ok; i++)
        ok = kc_prf_plus(e->crypto, (enum kc_prf)sa->suite.prf->id, ppk, *key[i], NULL, 0, &len, 1,
                         &mixed[i]);
    for (int i = 0; i < 3; i++) {
        if (ok) {
            sa->hs->ppk.plain[i] = *key[i];
            *key[i] = mixed[i];
        } else {
            ike_key_doom(e, &mixed[i]);
        }
    }
    sa->hs->ppk.used = ok;
    return ok;
}

static void unmix(struct ike *e, struct ike_sa *sa)
{
    struct kd_handle *key[] = {&sa->k.d, &sa->k.pi, &sa->k.pr};

    for (int i = 0; i < 3; i++) {
        ike_key_doom(e, key[i]);
        *key[i] = sa->hs->ppk.plain[i];
        sa->hs->ppk.plain[i] = KD_HANDLE_NONE;
    }
    sa->hs->ppk.used = false;
}

void ike_ppk_free(struct ike *e, struct ike_hs *hs)
{
    ike_buf_free(&hs->ppk.plain_auth);
    for (int i = 0; i < 3; i++)
        ike_key_doom(e, &hs->ppk.plain[i]);
}

/* ---- the initiator ---- */

bool ike_ppk_begin(struct ike *e, struct ike_sa *sa, const struct ike_conn *c)
{
    if (!agreed(sa) || !configured(c))
        return true;
    sa->hs->ppk.optional = !c->cfg.ppk.required;
    return mix(e, sa, c->cfg.ppk.key);
}

bool ike_ppk_plain_due(const struct ike_sa *sa)
{
    return sa->hs->ppk.optional && !sa->hs->ppk.plain_auth.p;
}

void ike_ppk_swap_pi(struct ike_sa *sa)
{
    struct kd_handle pi = sa->k.pi;

    sa->k.pi = sa->hs->ppk.plain[1];
    sa->hs->ppk.plain[1] = pi;
}

bool ike_ppk_plain_proven(struct ike_sa *sa)
{
    const struct ike_auth *a = &sa->hs->auth;

    return ike_buf_set(&sa->hs->ppk.plain_auth, kd_bytes(a->data, a->len));
}

void ike_ppk_put(const struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b)
{
    const struct ike_ppk_config *p = &c->cfg.ppk;
    uint8_t id[1 + IKE_PPK_ID_MAX] = {ID_FIXED};

    if (!sa->hs->ppk.used)
        return;
    if (!sa->initiator) { /* it has named it, we say that we have it */
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_PPK_IDENTITY, none);
        return;
    }
    memcpy(id + 1, p->id, p->id_len);
    ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_PPK_IDENTITY,
                   kd_bytes(id, 1 + (size_t)p->id_len));
    if (sa->hs->ppk.optional)
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_NO_PPK_AUTH,
                       ike_buf_bytes(&sa->hs->ppk.plain_auth));
}

const char *ike_ppk_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    if (!sa->hs->ppk.used || ike_msg_notify(m, IKE_N_PPK_IDENTITY))
        return NULL;
    if (!sa->hs->ppk.optional)
        return "it did not use the PPK, which is required";
    unmix(e, sa);
    return NULL;
}

/* ---- the responder ---- */

static bool names_ours(const struct ike_conn *c, const struct ike_notify *n)
{
    const struct ike_ppk_config *p = &c->cfg.ppk;

    return configured(c) && n->data.len == 1 + (size_t)p->id_len && n->data.p[0] == ID_FIXED &&
           memcmp(n->data.p + 1, p->id, p->id_len) == 0;
}

const char *ike_ppk_requested(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                              const struct ike_msg *m)
{
    const struct ike_notify *n = agreed(sa) ? ike_msg_notify(m, IKE_N_PPK_IDENTITY) : NULL;

    if (n && names_ours(c, n))
        return mix(e, sa, c->cfg.ppk.key) ? NULL : "no room for the keys of its PPK";
    if (c->cfg.ppk.required)
        return n ? "its PPK has another identity" : "it uses no PPK, which is required here";
    if (n && !ike_msg_notify(m, IKE_N_NO_PPK_AUTH))
        return "its PPK has an identity that is not configured, and it requires it";
    return NULL;
}

struct ike_typed ike_ppk_auth(const struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_NO_PPK_AUTH);
    struct ike_typed auth = m->auth;

    if (!sa->initiator && agreed(sa) && !sa->hs->ppk.used && n &&
        ike_msg_notify(m, IKE_N_PPK_IDENTITY))
        auth.data = n->data;
    return auth;
}
