/* A datagram's way through the engine: header, SA, (sealed.c: window, decryption,) grammar, row,
 * handler (DESIGN 4). Nothing here believes a message before its ICV is checked, except
 * IKE_SA_INIT's two, which have none: those meet only SAs that are not established. RFC 7296 2.1
 * to 2.3 (window), 2.5 (versions, critical payloads), 2.21 (errors), 2.23 (addresses). */
#include "ike/exchange.h"
#include "ike/further.h"
#include "ike/guard.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdio.h>

#define HINTS_BURST  4
#define HINTS_REFILL KD_S(5)

#define IN(s) (1u << IKE_ST_##s)

static void nothing(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    (void)e;
    (void)sa;
    (void)m;
}

/* One row: in these states, this message (as the answer to that request of ours) runs the
 * handler. */
static const struct row {
    const char *name;
    uint32_t states;
    enum ike_form form;
    enum ike_xkind answers; /* NONE: the message is a request */
    ike_handler *run;
    const char *rfc; /* RFC 7296 section */
} rows[] = {
    {"init.answered", IN(I_INIT), IKE_FORM_SA_INIT_RESP, IKE_XK_INIT, ike_init_answered, "1.2"},
    {"init.refused", IN(I_INIT), IKE_FORM_SA_INIT_REFUSED, IKE_XK_INIT, ike_init_refused,
     "2.6, 2.21.1"},

    {"inter.requested", IN(R_INIT), IKE_FORM_INTER_REQ, IKE_XK_NONE, ike_inter_requested,
     "RFC 9242"},
    {"inter.answered", IN(I_INTER), IKE_FORM_INTER_RESP, IKE_XK_INTER, ike_inter_answered,
     "RFC 9242"},
    {"inter.refused", IN(I_INTER), IKE_FORM_INTER_REFUSED, IKE_XK_INTER, ike_inter_refused,
     "RFC 9242"},

    {"auth.requested", IN(R_INIT), IKE_FORM_AUTH_REQ, IKE_XK_NONE, ike_auth_requested, "1.2, 2.15"},
    {"auth.childless", IN(R_INIT), IKE_FORM_AUTH_CHILDLESS_REQ, IKE_XK_NONE,
     ike_childless_requested, "RFC 6023"},
    {"auth.eap", IN(R_INIT), IKE_FORM_AUTH_EAP_REQ, IKE_XK_NONE, ike_auth_wants_eap, "2.16"},
    {"auth.answered", IN(I_AUTH), IKE_FORM_AUTH_RESP, IKE_XK_AUTH, ike_auth_answered, "1.2, 2.15"},
    {"auth.no-child", IN(I_AUTH), IKE_FORM_AUTH_NO_CHILD, IKE_XK_AUTH, ike_auth_answered, "2.21.2"},
    {"auth.refused", IN(I_AUTH), IKE_FORM_AUTH_REFUSED, IKE_XK_AUTH, ike_auth_refused, "2.21.2"},

    {"child.requested", IN(UP), IKE_FORM_CHILD_REQ, IKE_XK_NONE, ike_child_requested,
     "1.3.1, 1.3.3"},
    {"child.answered", IN(UP), IKE_FORM_CHILD_RESP, IKE_XK_CHILD, ike_child_answered,
     "1.3.1, 1.3.3"},
    {"child.refused", IN(UP), IKE_FORM_CHILD_REFUSED, IKE_XK_CHILD, ike_child_refused, "1.3, 2.25"},
    {"rekey.requested", IN(UP), IKE_FORM_REKEY_IKE_REQ, IKE_XK_NONE, ike_rekey_requested,
     "1.3.2, 2.18"},
    {"rekey.answered", IN(UP), IKE_FORM_REKEY_IKE_RESP, IKE_XK_REKEY_IKE, ike_rekey_answered,
     "1.3.2, 2.18"},
    {"rekey.refused", IN(UP), IKE_FORM_CHILD_REFUSED, IKE_XK_REKEY_IKE, ike_rekey_refused,
     "1.3, 2.25"},
    {"followup.requested", IN(UP), IKE_FORM_FOLLOWUP_REQ, IKE_XK_NONE, ike_followup_requested,
     "RFC 9370"},
    {"followup.answered", IN(UP), IKE_FORM_FOLLOWUP_RESP, IKE_XK_FOLLOWUP, ike_followup_answered,
     "RFC 9370"},
    {"followup.refused", IN(UP), IKE_FORM_FOLLOWUP_REFUSED, IKE_XK_FOLLOWUP, ike_followup_refused,
     "RFC 9370"},
    {"followup.closing", IN(CLOSING), IKE_FORM_FOLLOWUP_REQ, IKE_XK_NONE, ike_create_closing,
     "RFC 9370"},
    {"child.closing", IN(CLOSING), IKE_FORM_CHILD_REQ, IKE_XK_NONE, ike_create_closing, "2.25.2"},
    {"rekey.closing", IN(CLOSING), IKE_FORM_REKEY_IKE_REQ, IKE_XK_NONE, ike_create_closing,
     "2.25.2"},

    {"info.requested", IN(UP) | IN(CLOSING), IKE_FORM_INFO_REQ, IKE_XK_NONE, ike_info_requested,
     "1.4"},
    {"probe.answered", IN(UP), IKE_FORM_INFO_RESP, IKE_XK_PROBE, ike_probe_answered, "2.4"},
    {"mtu.answered", IN(UP), IKE_FORM_INFO_RESP, IKE_XK_MTU, ike_mtu_answered, "2.4"},
    {"child.deleted", IN(UP), IKE_FORM_INFO_RESP, IKE_XK_DEL_CHILD, ike_child_deleted, "1.4.1"},
    {"ike.deleted", IN(CLOSING), IKE_FORM_INFO_RESP, IKE_XK_DEL_IKE, ike_ike_deleted, "1.4.1"},

    /* Answers to what was asked before closing began: the window is free for the DELETE; and an IKE
     * SA that the peer has made by one is made here as well, to be deleted. */
    {"late.auth", IN(CLOSING), IKE_FORM_AUTH_RESP, IKE_XK_AUTH, nothing, "1.4.1"},
    {"late.auth.no-child", IN(CLOSING), IKE_FORM_AUTH_NO_CHILD, IKE_XK_AUTH, nothing, "1.4.1"},
    {"late.auth.refused", IN(CLOSING), IKE_FORM_AUTH_REFUSED, IKE_XK_AUTH, ike_ike_deleted,
     "2.21.2"},
    {"late.child", IN(CLOSING), IKE_FORM_CHILD_RESP, IKE_XK_CHILD, nothing, "1.4.1"},
    {"late.child.refused", IN(CLOSING), IKE_FORM_CHILD_REFUSED, IKE_XK_CHILD, nothing, "1.4.1"},
    {"late.rekey", IN(CLOSING), IKE_FORM_REKEY_IKE_RESP, IKE_XK_REKEY_IKE, ike_rekey_answered,
     "1.4.1, 2.8"},
    {"late.rekey.refused", IN(CLOSING), IKE_FORM_CHILD_REFUSED, IKE_XK_REKEY_IKE, nothing, "1.4.1"},
    {"late.followup", IN(CLOSING), IKE_FORM_FOLLOWUP_RESP, IKE_XK_FOLLOWUP, ike_followup_answered,
     "RFC 9370"},
    {"late.followup.refused", IN(CLOSING), IKE_FORM_FOLLOWUP_REFUSED, IKE_XK_FOLLOWUP, nothing,
     "1.4.1"},
    {"late.probe", IN(CLOSING), IKE_FORM_INFO_RESP, IKE_XK_PROBE, nothing, "1.4.1"},
    {"late.mtu", IN(CLOSING), IKE_FORM_INFO_RESP, IKE_XK_MTU, nothing, "1.4.1"},
    {"late.delete", IN(CLOSING), IKE_FORM_INFO_RESP, IKE_XK_DEL_CHILD, nothing, "1.4.1"},
};

static const struct row *row_of(const struct ike_sa *sa, enum ike_form form, enum ike_xkind answers)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if ((rows[i].states & 1u << sa->state) && rows[i].form == form &&
            rows[i].answers == answers)
            return &rows[i];
    return NULL;
}

/* ---- an authenticated message that can't be taken ---- */

static void note_malformed(struct ike *e, struct ike_sa *sa, const struct ike_diag *d)
{
    char text[256];

    ike_diag_str(d, text, sizeof(text));
    ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_INVALID_SYNTAX, "peer sent %s", text);
}

/* RFC 7296 2.21.3: the answer to a malformed request is fatal on both ends, without a DELETE. An
 * unknown critical payload is not, except in IKE_AUTH (2.21.2). */
static void refuse_request(struct ike *e, struct ike_sa *sa, const struct ike_diag *d)
{
    note_malformed(e, sa, d);
    if (d->err == IKE_WIRE_CRITICAL) {
        ike_response_notify(e, sa, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, kd_bytes(&d->payload, 1));
        if (sa->state == IKE_ST_UP || sa->state == IKE_ST_CLOSING)
            return;
    } else {
        ike_response_notify(e, sa, IKE_N_INVALID_SYNTAX, kd_bytes(NULL, 0));
    }
    ike_sa_drop(e, sa, KD_REASON_INVALID_SYNTAX, true);
}

/* Never an error message for a response (2.21): the two ends don't agree, so the SA goes. */
static void refuse_response(struct ike *e, struct ike_sa *sa, const struct ike_diag *d)
{
    note_malformed(e, sa, d);
    ike_request_done(sa);
    ike_sa_close(e, sa, KD_REASON_INVALID_SYNTAX);
}

void ike_refuse(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const struct ike_diag *d)
{
    if (ike_header_response(&m->h))
        refuse_response(e, sa, d);
    else
        refuse_request(e, sa, d);
}

void ike_dispatch(struct ike *e, struct ike_sa *sa, const struct ike_msg *m)
{
    struct ike_diag d = {.err = IKE_WIRE_SYNTAX, .rule = "a message that does not belong here"};
    enum ike_form form = ike_grammar_check(m, &d);
    bool response = ike_header_response(&m->h);
    const struct row *r;

    if (form == IKE_FORM_NONE) {
        ike_refuse(e, sa, m, &d);
        return;
    }
    r = row_of(sa, form, response ? sa->tx.kind : IKE_XK_NONE);
    if (r && m->h.exchange == IKE_X_AUTH && ike_inter_due(sa))
        r = NULL; /* RFC 9370 2.2.2: what has been negotiated comes first */
    if (!r) {
        d = (struct ike_diag){.err = IKE_WIRE_SYNTAX,
                              .rule = "a message that does not belong here"};
        ike_refuse(e, sa, m, &d);
        return;
    }
    if (response) {
        if (sa->state == IKE_ST_UP)
            ike_proof(e, sa);
        ike_request_done(sa);
    }
    r->run(e, sa, m);
}

/* ---- clear messages ---- */

/* Clear text about an SA that has keys: "INVALID_IKE_SPI" may mean that the peer has restarted. Its
 * token is proof; else a probe finds out, and nothing else may come of it (RFC 7296 2.21.4). */
static void hint(struct ike *e, struct ike_sa *sa, const struct ike_event *ev)
{
    if (!kd_addr_eq(&sa->remote.addr, &ev->remote.addr) || ike_qcd_shown(e, sa, ev) ||
        sa->state != IKE_ST_UP)
        return;
    if (ike_bucket_take(&e->hints, e->now_us, HINTS_BURST, HINTS_REFILL))
        ike_probe(e, sa);
}

/* First of all the cookie: before anything here is copied, hashed, parsed or looked for. */
static void receive_init_request(struct ike *e, const struct ike_event *ev,
                                 const struct ike_header *h)
{
    const struct ike_from from = {ev->local, ev->remote, ev->natt};
    const struct kd_bytes datagram = kd_bytes(e->rx, ev->data.len);
    struct ike_sa *known;
    struct ike_diag d;
    uint8_t hash[20];

    if (!ike_cookie_admit(e, &from, h, ev->data))
        return;
    memcpy(e->rx, ev->data.p, ev->data.len);
    kc_sha1(e->crypto, &datagram, 1, hash);
    known = ike_index_init(e, hash);
    if (known) {
        /* 2.1: the same answer while IKE_AUTH has not come; later it is ignored. */
        if (known->rx.exchange == IKE_X_SA_INIT && !ike_sa_silent(e, known))
            ike_answer_again(e, known, &from);
        return;
    }
    if (!ike_msg_parse(datagram, &e->msg, &d)) {
        ike_stranger(e, &ev->remote, d.rule);
        if (d.err == IKE_WIRE_CRITICAL)
            ike_stateless(e, ev, &e->msg.h, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD,
                          kd_bytes(&d.payload, 1));
        return;
    }
    if (ike_grammar_check(&e->msg, &d) != IKE_FORM_SA_INIT_REQ) {
        ike_stranger(e, &ev->remote, d.rule ? d.rule : "not an IKE_SA_INIT request");
        return;
    }
    ike_init_requested(e, &e->msg, hash, ev);
}

static void receive_init_response(struct ike *e, const struct ike_event *ev,
                                  const struct ike_header *h)
{
    const struct kd_bytes datagram = kd_bytes(e->rx, ev->data.len);
    struct ike_sa *sa = ike_index_spi(e, h->spi_i);
    const struct row *r;
    struct ike_diag d;

    if (!sa || !sa->initiator || sa->state != IKE_ST_I_INIT || !sa->tx.out ||
        ike_sa_silent(e, sa) || !kd_addr_eq(&sa->remote.addr, &ev->remote.addr)) {
        if (!sa || sa->state == IKE_ST_I_INIT)
            ike_stranger(e, &ev->remote, "IKE_SA_INIT response that nobody asked for");
        return;
    }
    if (!ike_msg_parse(datagram, &e->msg, &d)) {
        ike_stranger(e, &ev->remote, d.rule);
        return;
    }
    r = row_of(sa, ike_grammar_check(&e->msg, &d), IKE_XK_INIT);
    if (!r)
        return; /* it may be forged: the real one is still awaited */
    ike_touch(e, sa);
    r->run(e, sa, &e->msg);
}

static void receive_other(struct ike *e, const struct ike_event *ev, const struct ike_header *h)
{
    const struct ike_from from = {ev->local, ev->remote, ev->natt};
    bool from_initiator = h->flags & IKE_FLAG_INITIATOR;
    struct ike_sa *sa = ike_index_spi(e, from_initiator ? h->spi_r : h->spi_i);

    if (!sa || sa->initiator == from_initiator ||
        memcmp(ike_sa_peer_spi(sa), from_initiator ? h->spi_i : h->spi_r, IKE_SPI_LEN) != 0) {
        ike_stranger(e, &ev->remote, "a message for an IKE SA that is not here");
        if (!ike_header_response(h) && h->next == IKE_PL_SK && !ike_qcd_present(e, ev, h))
            ike_stateless(e, ev, h, IKE_N_INVALID_IKE_SPI, kd_bytes(NULL, 0));
        return;
    }
    if (ike_sa_silent(e, sa))
        return;
    if (h->next != IKE_PL_SK && h->next != IKE_PL_SKF) {
        hint(e, sa, ev);
        return;
    }
    ike_touch(e, sa);
    ike_receive_sealed(e, sa, ev->data.len, &from);
}

void ike_receive(struct ike *e, const struct ike_event *ev)
{
    struct ike_header h;
    struct ike_diag d;

    if (ev->data.len > IKE_RX_MAX)
        return;
    if (!ike_header_parse(ev->data, &h, &d)) {
        ike_stranger(e, &ev->remote, d.rule ? d.rule : "not an IKE message");
        if (d.err == IKE_WIRE_VERSION && !ike_header_response(&h))
            ike_stateless(e, ev, &h, IKE_N_INVALID_MAJOR_VERSION, kd_bytes(NULL, 0));
        return;
    }
    if (h.exchange == IKE_X_SA_INIT && !ike_header_response(&h)) {
        receive_init_request(e, ev, &h);
        return;
    }
    memcpy(e->rx, ev->data.p, ev->data.len);
    if (h.exchange == IKE_X_SA_INIT)
        receive_init_response(e, ev, &h);
    else
        receive_other(e, ev, &h);
}
