/* IKE_AUTH as initiator. RFC 7296 1.2, 2.15, 2.16 (refused), 2.21.2
 * (errors).
 *
 * When the responder is not who it should be, it is told by AUTHENTICATION_FAILED in an
 * INFORMATIONAL exchange (2.21.2). When it is, but gives no child, the IKE SA stands and
 * childless() decides. */
#include "ike/child.h"
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/keys.h"
#include "ike/out.h"
#include "ike/proof.h"
#include "ike/sa.h"

#include <stdio.h>

static void cant(struct ike *e, struct ike_sa *sa, enum kd_reason reason, const char *why)
{
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, reason, "%s", why);
    ike_sa_drop(e, sa, reason, false);
}

static void put_child(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                      struct ike_build *b)
{
    const struct ike_child_config *want;
    uint8_t spi[4];

    sa->hs->child_spi = c->cfg.childless == IKE_CHILDLESS_FORCE ? 0 : ike_child_spi(e);
    sa->hs->child_conf = ike_children_first(c);
    want = &c->cfg.child[sa->hs->child_conf];
    if (!sa->hs->child_spi)
        return;
    for (int i = 0; i < 4; i++)
        spi[i] = (uint8_t)(sa->hs->child_spi >> (24 - 8 * i));
    ike_put_sa(b, &c->cfg.esp, IKE_PROTO_ESP, kd_bytes(spi, 4), true);
    ike_put_ts(b, IKE_PL_TSI, &want->local_ts);
    ike_put_ts(b, IKE_PL_TSR, &want->remote_ts);
}

void ike_auth_i_proven(struct ike *e, struct ike_sa *sa, const char *why)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    const struct kd_bytes none = kd_bytes(NULL, 0);
    const struct ike_auth *a = &sa->hs->auth;
    struct ike_build *b;

    if (!c)
        return;
    if (why) {
        cant(e, sa, KD_REASON_AUTH_FAILED, why);
        return;
    }
    b = ike_request(e, sa, IKE_X_AUTH);
    ike_put_id(b, IKE_PL_IDI, &c->cfg.local_id);
    ike_put_certs(b, &c->cfg.auth);
    ike_put_certreq(b, &c->cfg.auth);
    if (c->cfg.remote_id.type != IKE_ID_ANY)
        ike_put_id(b, IKE_PL_IDR, &c->cfg.remote_id);
    ike_put_auth(b, a->method, kd_bytes(a->data, a->len));
    sa->said_contact = kd_handle_none(c->sa); /* 2.4: it is the only one we know of */
    if (sa->said_contact)
        ike_put_notify(b, IKE_PROTO_NONE, none, IKE_N_INITIAL_CONTACT, none);
    ike_qcd_put(e, sa, b);
    ike_ppk_put(sa, c, b);
    put_child(e, sa, c, b);
    sa->state = IKE_ST_I_AUTH;
    sa->end_us = KD_NEVER;
    if (!ike_request_send(e, sa, IKE_XK_AUTH))
        cant(e, sa, KD_REASON_NO_RESOURCES, "our IKE_AUTH request does not fit");
}

void ike_auth_send(struct ike *e, struct ike_sa *sa)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    char why[IKE_WHY_MAX];

    if (!c)
        return;
    sa->state = IKE_ST_I_SIGN;
    if (!ike_ppk_begin(e, sa, c)) {
        ike_auth_i_proven(e, sa, "no room for the keys of the PPK");
        return;
    }
    switch (ike_auth_prove(e, sa, c, why)) {
    case IKE_AUTH_READY:
        ike_auth_i_proven(e, sa, NULL);
        break;
    case IKE_AUTH_WAITS:
        break;
    case IKE_AUTH_REFUSED:
        ike_auth_i_proven(e, sa, why);
        break;
    }
}

static void not_the_peer(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                         const char *got, const char *why)
{
    char want[IKE_ID_MAX * 4 + 8], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    ike_id_str(&c->cfg.remote_id, want, sizeof(want));
    a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_AUTH_FAILED, "peer %s as %.160s: %s",
                    kd_addr_str(&sa->remote.addr, addr), got, why);
    ike_note_offer(e, a, got, want);
    ike_sa_close_as(e, sa, KD_REASON_AUTH_FAILED, IKE_XK_AUTH_FAILED);
}

/* The responder's identity and AUTH; what follows is ike_auth_i_checked()'s. */
static void authenticate(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                         const struct ike_msg *m)
{
    char got[IKE_ID_MAX * 4 + 8], why[IKE_WHY_MAX];
    const char *ppk;

    if (!ike_id_read(&m->idr, &sa->peer_id)) {
        not_the_peer(e, sa, c, "a malformed identity", "refused");
        return;
    }
    ike_id_str(&sa->peer_id, got, sizeof(got));
    if (!ike_id_match(&c->cfg.remote_id, &sa->peer_id)) {
        not_the_peer(e, sa, c, got, "another identity is configured");
        return;
    }
    ppk = ike_ppk_answered(e, sa, m);
    if (ppk) {
        not_the_peer(e, sa, c, got, ppk);
        return;
    }
    sa->state = IKE_ST_I_CHECK;
    sa->end_us = e->now_us + IKE_HALF_OPEN_US;
    switch (ike_auth_check(e, sa, c, m, why)) {
    case IKE_AUTH_READY:
        ike_auth_i_checked(e, sa, m, NULL);
        break;
    case IKE_AUTH_WAITS:
        break;
    case IKE_AUTH_REFUSED:
        ike_auth_i_checked(e, sa, m, why);
        break;
    }
}

static void take_child(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                       const struct ike_msg *m)
{
    struct ike_ts_list local, remote;
    struct ike_suite suite;
    struct ike_child *child;
    enum kd_reason reason;
    uint32_t spi_out;

    reason = ike_child_accept(e, sa, c, sa->hs->child_conf, m, IKE_SELECT_NO_DH, &suite, &spi_out,
                              &local, &remote);
    if (reason == KD_REASON_NONE) {
        child = ike_child_new(e, sa, &suite, sa->hs->child_spi, spi_out, true);
        if (child) {
            child->first = child->birth.by_auth = true;
            child->conf = sa->hs->child_conf;
            child->ts_local = local;
            child->ts_remote = remote;
            if (ike_keys_child(e, sa, child, &sa->hs->ni, &sa->hs->nr, NULL, 0)) {
                ike_child_install(e, sa, child);
                return;
            }
            ike_child_drop(e, sa, child, KD_REASON_NO_RESOURCES);
        }
        reason = KD_REASON_NO_RESOURCES;
    }
    ike_announce(e, sa, NULL, false);
    ike_sa_close(e, sa, reason); /* the peer has a pair that we don't */
}

static void with_child(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                       const struct ike_msg *m)
{
    sa->hs->initial_contact = ike_msg_notify(m, IKE_N_INITIAL_CONTACT) != NULL;
    ike_qcd_take(e, sa, m);
    ike_sa_up(e, sa);
    if (sa->hs->child_spi) {
        take_child(e, sa, c, m);
        return;
    }
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_PROTOCOL_ERROR,
                "peer answered with a child that was not asked for");
    ike_sa_close(e, sa, KD_REASON_PROTOCOL_ERROR);
}

static void without_child(struct ike *e, struct ike_sa *sa, struct ike_conn *c,
                          const struct ike_msg *m)
{
    const struct ike_notify *err = ike_msg_error(m);
    uint16_t type = err ? err->type : IKE_N_NO_ADDITIONAL_SAS;
    uint8_t conf = sa->hs->child_conf;
    bool asked = sa->hs->child_spi != 0;

    ike_qcd_take(e, sa, m);
    ike_sa_up(e, sa);
    ike_announce(e, sa, NULL, ike_msg_notify(m, IKE_N_INITIAL_CONTACT) != NULL);
    if (!asked) {
        ike_childless_begin(e, sa);
        return;
    }
    ike_note_peer_refused(e, sa, type, &c->cfg.child[conf]);
    ike_children_refused(e, c, conf, type);
    ike_childless(e, sa, ike_notify_reason(type));
}

void ike_auth_i_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    char got[IKE_ID_MAX * 4 + 8];

    if (!c)
        return;
    ike_id_str(&sa->peer_id, got, sizeof(got));
    if (why)
        not_the_peer(e, sa, c, got, why);
    else if (ike_msg_has(m, IKE_PL_SA))
        with_child(e, sa, c, m);
    else
        without_child(e, sa, c, m);
}

void ike_auth_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    const struct ike_conn *c = ike_conn_of(e, sa);

    if (c)
        authenticate(e, sa, c, m);
}

/* Encrypted, but by a peer that has not shown who it is (2.21.2). There is nothing better to
 * come. */
void ike_auth_refused(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_conn *c = ike_conn_of(e, sa);
    const struct ike_notify *err = ike_msg_error(m);
    uint16_t type = err ? err->type : IKE_N_INVALID_SYNTAX;

    if (c && type == IKE_N_TS_UNACCEPTABLE) {
        ike_note_peer_refused(e, sa, type, &c->cfg.child[sa->hs->child_conf]);
        ike_ladder_refused(e, c, sa->hs->child_conf, type);
    } else {
        ike_note_peer_refused(e, sa, type, NULL);
    }
    ike_sa_drop(e, sa, ike_notify_reason(type), false);
}
