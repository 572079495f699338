/* Requests and answers: the window, what is received, fragments, who handles what, the handshake's
 * steps, and liveness. Only src/ike/ includes this. */
#ifndef IKE_EXCHANGE_H
#define IKE_EXCHANGE_H

#include "ike/sa.h"

/* ---- window.c ---- */

bool ike_sa_silent(const struct ike *e, const struct ike_sa *sa); /* plays dead (DOWN_SILENT) */
struct ike_build *ike_request(struct ike *e, struct ike_sa *sa, uint8_t exchange);
bool ike_request_send(struct ike *e, struct ike_sa *sa, enum ike_xkind kind);
void ike_request_done(struct ike_sa *sa); /* answered, or given up */
void ike_request_resend(struct ike *e, struct ike_sa *sa);
/* An empty request with the outstanding one's id goes before it from now on, at once and as often:
 * the peer answers what it has not seen yet. Time begins anew. */
void ike_request_beside(struct ike *e, struct ike_sa *sa);
/* Each of the messages in msgs: one, or a set of fragments. */
void ike_send_all(struct ike *e, uint32_t conn, const struct ike_from *from, struct kd_bytes msgs);
/* Takes the first of messages that lie one behind the other; false at the end. */
bool ike_next_message(struct kd_bytes *rest, struct kd_bytes *one);
struct ike_build *ike_response(struct ike *e, struct ike_sa *sa);
void ike_response_send(struct ike *e, struct ike_sa *sa);
void ike_response_notify(struct ike *e, struct ike_sa *sa, uint16_t type, struct kd_bytes data);
/* The next request, when the window is free and something is wanted. */
void ike_pump(struct ike *e, struct ike_sa *sa);

/* ---- receive.c ---- */

void ike_receive(struct ike *e, const struct ike_event *ev);
/* A whole message that was opened, in e->msg: its row's handler runs, or it is refused. */
void ike_dispatch(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
void ike_refuse(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                const struct ike_diag *d);

/* ---- sealed.c ---- */

/* A message for an SA with keys, or about to have them: e->rx[0..len). */
void ike_receive_sealed(struct ike *e, struct ike_sa *sa, size_t len, const struct ike_from *from);
/* The data plane has heard from elsewhere (CHILD_SOURCE): followed as an IKE message would be. */
void ike_child_source(struct ike *e, const struct ike_event *ev);
/* The last answer, when it is there. */
void ike_answer_again(struct ike *e, const struct ike_sa *sa, const struct ike_from *from);
/* The request that is being worked on was not heard: its repetition is taken for a first one. */
void ike_unheard(struct ike_sa *sa);
/* The shared secret is there: what has waited for it. */
void ike_unstash(struct ike *e, struct ike_sa *sa);

/* ---- fragment.c ---- */

/* Number and total are possible, and not beyond what is kept. */
bool ike_fragment_sound(const struct ike_msg *m);
/* Keeps text, what was in m's SKF payload; hash: of the datagram as it came. True when it was the
 * last one: m and e->rx hold the whole message, still to be parsed (ike_msg_inner()), hash is
 * fragment 1's. */
bool ike_fragments_add(struct ike *e, struct ike_sa *sa, struct ike_msg *m, struct kd_bytes text,
                       uint8_t hash[20]);
void ike_fragments_free(struct ike_fragments **set);
uint64_t ike_fragments_deadline(const struct ike_sa *sa);
void ike_fragments_wake(struct ike *e, struct ike_sa *sa);
void ike_put_fragmentation(const struct ike_sa *sa, struct ike_build *b); /* we can, if we may */
void ike_fragmentation_check(struct ike_sa *sa, const struct ike_msg *m);

/* ---- handlers, by exchange: what the rows of receive.c name ---- */

typedef void ike_handler(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
ike_handler ike_init_answered, ike_init_refused;                     /* init.c */
ike_handler ike_auth_requested, ike_auth_wants_eap;                  /* auth_r.c */
ike_handler ike_childless_requested;                                 /* childless.c */
ike_handler ike_followup_requested, ike_followup_answered, ike_followup_refused; /* followup.c */
ike_handler ike_inter_requested, ike_inter_answered, ike_inter_refused; /* inter.c */
ike_handler ike_auth_answered, ike_auth_refused;                     /* auth_i.c */
ike_handler ike_child_requested; /* create_r.c */
ike_handler ike_child_answered, ike_child_refused; /* create_i.c */
ike_handler ike_create_closing; /* create.c */
ike_handler ike_rekey_requested, ike_rekey_answered, ike_rekey_refused; /* rekey.c */
ike_handler ike_info_requested, ike_probe_answered, ike_child_deleted, ike_ike_deleted; /* info.c */
ike_handler ike_mtu_answered; /* mtu_probe.c */

/* ---- init.c, init_r.c, auth_*.c ---- */

void ike_init_start(struct ike *e, struct ike_conn *c);
void ike_init_job(struct ike *e, struct ike_sa *sa, const struct ike_event *ev);
void ike_init_requested(struct ike *e, const struct ike_msg *m, const uint8_t hash[20],
                        const struct ike_event *ev);
void ike_init_respond(struct ike *e, struct ike_sa *sa);
void ike_init_give_up(struct ike *e, struct ike_sa *sa);
void ike_put_natd(struct ike *e, struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b,
                  const uint8_t spi_r[IKE_SPI_LEN]);
void ike_natd_check(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                    const struct kd_endpoint *local, const struct kd_endpoint *remote);
void ike_auth_send(struct ike *e, struct ike_sa *sa);
void ike_auth_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
/* Authenticated and the first child decided (NULL: there is none): everyone is told, older SAs
 * go. */
void ike_announce(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool initial_contact);

/* ---- mtu_probe.c ---- */

void ike_mtu_start(struct ike *e, struct ike_conn *c, uint32_t octets); /* one that runs goes on */
void ike_mtu_hint(struct ike_conn *c, uint32_t octets); /* to one that runs, which tries it */
/* Nothing is outstanding: the next probe, or wish for a round trip that has to precede it. */
void ike_mtu_pump(struct ike *e, struct ike_sa *sa);
/* The outstanding request isn't answered in time. True: it is one of these, and dealt with. */
bool ike_mtu_overdue(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
/* Of one that closes: a probe that is out may be lost, and the DELETE waits for it. */
void ike_mtu_yield(struct ike *e, struct ike_sa *sa);

/* ---- liveness.c ---- */

uint64_t ike_sa_deadline(const struct ike *e, const struct ike_sa *sa);
void ike_sa_wake(struct ike *e, struct ike_sa *sa);
void ike_proof(struct ike *e, struct ike_sa *sa); /* an authenticated round trip is complete */
uint64_t ike_first_gap(const struct ike_sa *sa);
void ike_probe(struct ike *e, struct ike_sa *sa);

#endif
