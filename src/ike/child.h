/* CHILD_SAs: made, wanted, rekeyed, and what happens where both ends rekey at once (RFC 7296 2.8,
 * 2.25); the exchange that does so rekeys IKE SAs as well. Only src/ike/ includes this. */
#ifndef IKE_CHILD_H
#define IKE_CHILD_H

#include "ike/sa.h"

/* ---- child.c ---- */

struct ike_child *ike_child_get(const struct ike *e, struct kd_handle h);
uint32_t ike_child_spi(struct ike *e); /* unique, not reserved */
void ike_child_spi_put(uint8_t out[4], uint32_t spi); /* in network order */
/* A pair without keys and selectors yet; NULL: no room, or an SPI that is in use. */
struct ike_child *ike_child_new(struct ike *e, struct ike_sa *sa, const struct ike_suite *suite,
                                uint32_t spi_in, uint32_t spi_out, bool initiator) KD_MUST_USE;
void ike_child_install(struct ike *e, struct ike_sa *sa, struct ike_child *c); /* CHILD_ADD */
void ike_child_result(struct ike *e, const struct ike_event *ev);
void ike_child_expire(struct ike *e, const struct ike_event *ev);
void ike_child_up(struct ike *e, struct ike_sa *sa, struct ike_child *c);
void ike_child_use(struct ike *e, struct ike_sa *sa, struct ike_child *c);
/* Out of the data plane and freed. reason NONE: it was rekeyed. */
void ike_child_drop(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
/* It was rekeyed and deleted on both sides: it receives for a while longer. */
void ike_child_retire(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
/* Its lifetime is over. */
void ike_child_hard(struct ike *e, struct ike_sa *sa, struct ike_child *c);
/* By DELETE. reason NONE or COLLISION: another takes its place, and it receives until the DELETE is
 * answered and a while longer; else it leaves the data plane at once. */
void ike_child_delete(struct ike *e, struct ike_sa *sa, struct ike_child *c, enum kd_reason reason);
void ike_child_move(struct ike *e, struct ike_sa *sa, struct ike_sa *to);
void ike_children_moved(struct ike *e, struct ike_sa *sa); /* outer endpoints changed */
uint32_t ike_children_live(const struct ike *e, const struct ike_sa *sa);
struct ike_child *ike_child_by_spi_out(const struct ike *e, const struct ike_sa *sa, uint32_t spi);
/* What the peer's TSi and TSr come to: which of the connection's children is meant, and how much of
 * what was asked for; more: others of ours would take some of the rest. */
struct ike_match {
    uint8_t conf;
    bool more;
    struct ike_ts_list local, remote;
};
/* TSi and TSr of the peer's request against the configuration; 0 or the notify that refuses. */
uint16_t ike_child_narrow(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, struct ike_match *match);
/* SA payload of the peer's request; 0 or the notify that refuses. */
uint16_t ike_child_select(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, unsigned flags, struct ike_suite *suite,
                          uint32_t *spi_out);
/* SA, TSi, TSr of the peer's answer to what child conf proposes; 0 or the reason it can't be
 * taken. */
enum kd_reason ike_child_accept(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                uint8_t conf, const struct ike_msg *m, unsigned flags,
                                struct ike_suite *suite, uint32_t *spi_out,
                                struct ike_ts_list *local, struct ike_ts_list *remote);

/* ---- children.c: which children a connection wants and has ---- */

unsigned ike_conn_children(const struct ike_conn *c); /* configured: 1 to IKE_CONN_CHILDREN */
/* Is there a pair, or one being installed, for child conf (of a ladder: for any step)? */
bool ike_children_have(const struct ike *e, const struct ike_sa *sa, unsigned conf);
uint8_t ike_children_first(const struct ike_conn *c); /* what IKE_AUTH asks for */
void ike_children_begin(struct ike *e, struct ike_sa *sa); /* a new IKE SA is announced */
/* The peer refused child conf. Back-off, or a ladder's next step. */
void ike_children_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify);
/* The same, and the IKE SA with it. */
void ike_ladder_refused(struct ike *e, struct ike_conn *c, unsigned conf, uint16_t notify);
void ike_children_up(struct ike *e, struct ike_sa *sa, const struct ike_child *ch);
void ike_children_lost(struct ike *e, struct ike_sa *sa, const struct ike_child *ch,
                       enum kd_reason reason);
void ike_ladder_reset(struct ike_conn *c); /* the peer may be another one */
/* There is a child that has not been tried on this IKE SA, which we initiated. */
bool ike_children_hope(struct ike *e, const struct ike_sa *sa);
uint64_t ike_children_due(const struct ike *e, const struct ike_sa *sa);
void ike_children_make(struct ike *e, struct ike_sa *sa); /* the next one that is due */
/* Traffic waits: what is missing, and nothing is wrong with, is due at once. */
void ike_children_hasten(struct ike *e, struct ike_sa *sa);
/* The peer has made more than one pair of ch's configuration. */
bool ike_children_split(const struct ike *e, const struct ike_sa *sa, const struct ike_child *ch);
/* ch is up and replaces none by REKEY_SA: what of others for the same traffic? */
void ike_children_double(struct ike *e, struct ike_sa *sa, struct ike_child *ch);
/* The peer deletes ch: the newest other for the same traffic, if there is one, sends instead. */
void ike_children_stand_in(struct ike *e, struct ike_sa *sa, const struct ike_child *ch);

/* ---- childless.c: an IKE SA without a child, by intent (RFC 6023) or by loss ---- */

void ike_childless_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* Initiator, at the responder's IKE_SA_INIT: false when the configuration wants what it lacks. */
bool ike_childless_possible(const struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Initiator, authenticated: the first child by CREATE_CHILD_SA. */
void ike_childless_begin(struct ike *e, struct ike_sa *sa);
/* An IKE SA that lost its last child, or was refused its first: what now? */
void ike_childless(struct ike *e, struct ike_sa *sa, enum kd_reason reason);
/* Its time is over: true when we try to make a child ourselves, else it ends. */
bool ike_childless_adopt(struct ike *e, struct ike_sa *sa);

/* ---- collide.c ---- */

int ike_nonce_cmp(const struct ike_nonce *a, const struct ike_nonce *b); /* 2.8.1: octet by octet */
const struct ike_nonce *ike_nonce_lower(const struct ike_nonce *a, const struct ike_nonce *b);
/* We have asked to rekey old, too, and our exchange is not complete. */
bool ike_collides(const struct ike_sa *sa, struct kd_handle old);
void ike_collide_noted(struct ike_sa *sa, const struct ike_child *c); /* c: theirs is complete */
bool ike_collide_lost(const struct ike *e, const struct ike_xchg *x); /* x: ours is complete */
/* rival is the peer's to delete. */
void ike_collide_won(struct ike *e, struct ike_sa *sa, struct ike_child *c,
                     struct ike_child *rival);
/* Who is to be used where the pair goes: its successor that is up; the same, or a collision's other
 * pair, or the old one it was to replace. NULL: nobody. */
struct ike_child *ike_child_successor(const struct ike *e, const struct ike_child *c);
struct ike_child *ike_child_heir(const struct ike *e, const struct ike_child *c);
/* The peer has deleted c: heir is in use now. */
void ike_child_inherit(struct ike *e, struct ike_sa *sa, struct ike_child *c,
                       struct ike_child *heir);
/* The peer's DELETE. */
void ike_child_overdue(struct ike *e, struct ike_sa *sa, struct ike_child *c);

/* ---- create*.c, rekey.c ---- */

struct ike_xchg *ike_xchg_new(struct ike *e, enum ike_xkind kind); /* with a nonce of ours in ni */
/* When to try again what could not be done now, before a lifetime's end (2.25). */
uint64_t ike_later(struct ike *e, const struct ike_sa *sa, uint64_t expire_us);
/* TEMPORARY_FAILURE has come: false when that has gone on for too long and the SA is closed. */
bool ike_temporary(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
void ike_child_rekey_later(struct ike *e, struct ike_sa *sa, struct kd_handle old);
/* A job of our exchange, or of the peer's, is done; the data plane has answered. */
void ike_create_ours_job(struct ike *e, struct ike_sa *sa, bool ok);
void ike_create_theirs_job(struct ike *e, struct ike_sa *sa, bool ok);
void ike_create_ours_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_create_theirs_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_create_theirs_refuse(struct ike *e, struct ike_sa *sa, uint16_t type);
void ike_child_rekey_start(struct ike *e, struct ike_sa *sa, struct ike_child *old);
void ike_child_start(struct ike *e, struct ike_sa *sa, uint8_t conf); /* a new one */
void ike_child_request(struct ike *e, struct ike_sa *sa); /* ours is ready */
/* A request of ours may have made a pair at the peer that we don't know yet. */
bool ike_child_pending(const struct ike_sa *sa);
void ike_child_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x,
                   const struct ike_event *ev);
void ike_create_child_done(struct ike *e, struct ike_sa *sa, struct ike_child *c, bool ok);
void ike_rekey_start(struct ike *e, struct ike_sa *sa);
void ike_rekey_request(struct ike *e, struct ike_sa *sa);
/* Ours was asked for, and what the peer has made of it is not done here. */
bool ike_rekey_undecided(const struct ike_sa *sa);
void ike_rekey_job(struct ike *e, struct ike_sa *sa, struct ike_xchg *x,
                   const struct ike_event *ev);

#endif
