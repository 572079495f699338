/* IKE_AUTH as responder, and the announcement of both roles.
 * RFC 7296 1.2, 2.15, 2.21.2; install before reply: DESIGN 3.1.
 *
 *   R_INIT --request--> [R_CHECK] --authentic--> [R_SIGN] --> R_AUTH --CHILD_RESULT--> UP, the
 *   answer leaves
 *
 * A child that can't be had is refused beside IDr and AUTH, the IKE SA stands (2.21.2). */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdio.h>

/* Refusals of strangers are rate-limited like all they cause; retransmissions get the same
 * answer. */
static void refuse(struct ike *e, struct ike_sa *sa, const char *got, const char *want,
                   const char *why)
{
    char addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    if (ike_bucket_take(&e->stranger_notes, e->now_us, 10, KD_S(1))) {
        a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_AUTH_FAILED, "peer %s as %.160s: %s",
                        kd_addr_str(&sa->remote.addr, addr), got, why);
        ike_note_offer(e, a, got, want);
    }
    ike_response_notify(e, sa, IKE_N_AUTHENTICATION_FAILED, kd_bytes(NULL, 0));
    ike_sa_drop(e, sa, KD_REASON_AUTH_FAILED, true);
}

/* The connection that IDi and IDr mean; NULL: refused, or left to ask again. */
static struct ike_conn *find_conn(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    char got[IKE_ID_MAX * 4 + 8], want[IKE_ID_MAX * 4 + 8] = "";
    bool has_idr = ike_msg_has(m, IKE_PL_IDR);
    struct ike_conn *c = ike_conn_of(e, sa);
    struct ike_id idr;
    bool held;

    if (c)
        ike_id_str(&c->cfg.remote_id, want, sizeof(want));
    if (!ike_id_read(&m->idi, &sa->peer_id) || (has_idr && !ike_id_read(&m->idr, &idr))) {
        refuse(e, sa, "a malformed identity", want, "refused");
        return NULL;
    }
    ike_id_str(&sa->peer_id, got, sizeof(got));
    c = ike_conn_by_id(e, sa, &sa->peer_id, has_idr ? &idr : NULL, &held);
    if (!c && held)
        ike_unheard(sa);
    else if (!c)
        refuse(e, sa, got, want, "no connection expects this pair of identities");
    return c;
}

static void refuse_peer(struct ike *e, struct ike_sa *sa, const struct ike_conn *c, const char *why)
{
    char got[IKE_ID_MAX * 4 + 8], want[IKE_ID_MAX * 4 + 8];

    ike_id_str(&sa->peer_id, got, sizeof(got));
    ike_id_str(&c->cfg.remote_id, want, sizeof(want));
    refuse(e, sa, got, want, why);
}

/* The child as far as it can go; 0 when its installation is under way, else the notify. */
static uint16_t make_child(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                           const struct ike_msg *m)
{
    struct ike_match match;
    struct ike_suite suite;
    struct ike_child *child;
    uint32_t spi_out;
    uint16_t err;

    if (c->cfg.childless == IKE_CHILDLESS_FORCE) {
        ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_UNSUPPORTED,
                    "peer asked for a child in IKE_AUTH, which childless: force refuses");
        return IKE_N_NO_ADDITIONAL_SAS;
    }
    err = ike_child_select(e, sa, c, m, IKE_SELECT_NO_DH, &suite, &spi_out);
    if (!err)
        err = ike_child_narrow(e, sa, c, m, &match);
    if (err)
        return err;
    child = ike_child_new(e, sa, &suite, ike_child_spi(e), spi_out, false);
    if (!child)
        return IKE_N_NO_ADDITIONAL_SAS;
    child->first = child->birth.by_auth = true;
    child->conf = match.conf;
    child->more_ts = match.more;
    child->ts_local = match.local;
    child->ts_remote = match.remote;
    if (!ike_keys_child(e, sa, child, &sa->hs->ni, &sa->hs->nr, NULL, 0)) {
        ike_child_drop(e, sa, child, KD_REASON_NO_RESOURCES);
        return IKE_N_TEMPORARY_FAILURE;
    }
    ike_child_install(e, sa, child);
    return 0;
}

static void answer(struct ike *e, struct ike_sa *sa, const struct ike_child *child,
                   uint16_t refused)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    const struct kd_bytes none = kd_bytes(NULL, 0);
    const struct ike_auth *a = &sa->hs->auth;
    struct ike_build *b = ike_response(e, sa);

    ike_put_id(b, IKE_PL_IDR, &c->cfg.local_id);
    ike_put_certs(b, &c->cfg.auth);
    ike_put_auth(b, a->method, kd_bytes(a->data, a->len));
    ike_qcd_put(e, sa, b);
    ike_ppk_put(sa, c, b);
    if (child) {
        uint8_t spi[4];
        for (int i = 0; i < 4; i++)
            spi[i] = (uint8_t)(child->spi_in >> (24 - 8 * i));
        ike_put_sa_answer(b, &child->suite, IKE_PROTO_ESP, kd_bytes(spi, 4), false);
        ike_put_ts(b, IKE_PL_TSI, &child->ts_remote);
        ike_put_ts(b, IKE_PL_TSR, &child->ts_local);
        if (child->more_ts)
            ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_ADDITIONAL_TS_POSSIBLE, none);
    } else if (refused) {
        ike_put_notify(b, IKE_PROTO_NONE, none, refused, none);
    }
    ike_response_send(e, sa);
}

/* The peer has shown who it is and the child is decided: now it is told, and everyone else. */
static void established(struct ike *e, struct ike_sa *sa, struct ike_child *child, uint16_t refused)
{
    bool initial_contact = sa->hs->initial_contact;

    answer(e, sa, child, refused);
    ike_sa_up(e, sa);
    ike_announce(e, sa, child, initial_contact);
    if (!child)
        ike_childless(e, sa, refused ? ike_notify_reason(refused) : KD_REASON_TIMEOUT);
}

void ike_auth_r_proven(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    uint16_t refused;

    if (!c)
        return;
    if (why) {
        refuse_peer(e, sa, c, why);
        return;
    }
    sa->state = IKE_ST_R_AUTH;
    if (!ike_msg_has(m, IKE_PL_SA)) {
        established(e, sa, NULL, 0);
        return;
    }
    refused = make_child(e, sa, c, m);
    if (refused)
        established(e, sa, NULL, refused);
}

void ike_auth_r_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    char cant[IKE_WHY_MAX];

    if (!c)
        return;
    if (why) {
        refuse_peer(e, sa, c, why);
        return;
    }
    sa->hs->initial_contact = ike_msg_notify(m, IKE_N_INITIAL_CONTACT) != NULL;
    ike_qcd_take(e, sa, m);
    sa->state = IKE_ST_R_SIGN;
    ike_halfopen_del(e, sa);
    switch (ike_auth_prove(e, sa, c, cant)) {
    case IKE_AUTH_READY:
        ike_auth_r_proven(e, sa, m, NULL);
        break;
    case IKE_AUTH_WAITS:
        if (!ike_auth_keep(sa, m))
            ike_auth_r_proven(e, sa, m, "no room for a job");
        break;
    case IKE_AUTH_REFUSED:
        ike_auth_r_proven(e, sa, m, cant);
        break;
    }
}

void ike_auth_requested(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_conn *c = find_conn(e, sa, m);
    char why[IKE_WHY_MAX];
    const char *ppk;

    if (!c)
        return;
    sa->conn = c->id;
    sa->detect_us = c->cfg.detect_us;
    sa->abandon_us = KD_MAX(c->cfg.abandon_us, c->cfg.detect_us);
    sa->state = IKE_ST_R_CHECK;
    ppk = ike_ppk_requested(e, sa, c, m);
    if (ppk) {
        ike_auth_r_checked(e, sa, m, ppk);
        return;
    }
    switch (ike_auth_check(e, sa, c, m, why)) {
    case IKE_AUTH_READY:
        ike_auth_r_checked(e, sa, m, NULL);
        break;
    case IKE_AUTH_WAITS:
        break;
    case IKE_AUTH_REFUSED:
        ike_auth_r_checked(e, sa, m, why);
        break;
    }
}

void ike_auth_wants_eap(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    char got[IKE_ID_MAX * 4 + 8] = "a malformed identity";
    struct ike_id id;

    if (ike_id_read(&m->idi, &id))
        ike_id_str(&id, got, sizeof(got));
    refuse(e, sa, got, "pre-shared key or certificate", "it asks for EAP");
}

/* ---- both roles ---- */

void ike_announce(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool initial_contact)
{
    char suite[128];

    ike_hs_free(e, sa);
    sa->announced = true;
    ike_children_begin(e, sa);
    ike_sa_note(e, sa, IKE_NOTE_ESTABLISHED, KD_REASON_NONE, "%s",
                ike_suite_text(&sa->suite, suite, sizeof(suite)));
    if (c)
        ike_child_up(e, sa, c);
    if (c)
        ike_child_use(e, sa, c);
    ike_sa_take_over(e, sa, initial_contact);
}

static void note_refused_by_kernel(struct ike *e, struct ike_sa *sa)
{
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_KERNEL_REFUSED,
                "the data plane did not install the child");
}

/* The data plane's verdict on the first child (CHILD_RESULT). */
void ike_auth_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok)
{
    bool initial_contact = sa->hs && sa->hs->initial_contact;

    if (!ok)
        note_refused_by_kernel(e, sa);
    if (!sa->initiator) {
        if (!ok)
            ike_child_drop(e, sa, c, KD_REASON_KERNEL_REFUSED);
        established(e, sa, ok ? c : NULL, ok ? 0 : IKE_N_TEMPORARY_FAILURE);
        return;
    }
    ike_announce(e, sa, ok ? c : NULL, initial_contact);
    if (!ok) { /* the peer has it installed: the DELETE of the IKE SA takes it along */
        ike_child_drop(e, sa, c, KD_REASON_KERNEL_REFUSED);
        ike_sa_close(e, sa, KD_REASON_KERNEL_REFUSED);
    }
}
