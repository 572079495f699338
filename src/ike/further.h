/* Further key exchanges (RFC 9242, 9370) and post-quantum pre-shared keys (RFC 8784).
 * Only src/ike/ includes this. */
#ifndef IKE_FURTHER_H
#define IKE_FURTHER_H

#include "ike/proof.h"
#include "ike/sa.h"

/* ---- inter.c: further key exchanges before IKE_AUTH (RFC 9242, 9370) ---- */

void ike_inter_heard(struct ike_sa *sa, const struct ike_msg *m); /* the peer's IKE_SA_INIT */
void ike_inter_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
bool ike_inter_possible(const struct ike_sa *sa); /* false: the suite needs what the peer lacks */
bool ike_inter_due(const struct ike_sa *sa);      /* before IKE_AUTH */
void ike_inter_start(struct ike *e, struct ike_sa *sa); /* initiator: the next one, or IKE_AUTH */
void ike_inter_job(struct ike *e, struct ike_sa *sa);
void ike_inter_octets(const struct ike_sa *sa, struct ike_octets *out); /* appended to AUTH's */

/* ---- followup.c: further key exchanges of CREATE_CHILD_SA (RFC 9370) ---- */

/* x's secret is there (in x->ke): true when another exchange has to follow, which is under way;
 * false when x->sk has them all. */
bool ike_followup_more(struct ike *e, struct ike_sa *sa, struct ike_xchg *x);
/* Ours: the answer to the exchange under way names the next one, where there is one. */
bool ike_followup_linked(struct ike_xchg *x, const struct ike_msg *m) KD_MUST_USE;
void ike_followup_request(struct ike *e, struct ike_sa *sa); /* ours is ready */
void ike_followup_put(struct ike_build *b, const struct ike_xchg *x); /* theirs: the answer */
void ike_followup_forget(struct ike *e, struct ike_sa *sa);
/* The answer to the peer's CREATE_CHILD_SA request. */
void ike_create_theirs_put(struct ike_build *b, const struct ike_xchg *x); /* create_r.c */
void ike_rekey_put(struct ike_build *b, const struct ike_xchg *x);         /* rekey.c */

/* ---- ppk.c: postquantum pre-shared keys (RFC 8784) ---- */

void ike_ppk_heard(struct ike_sa *sa, const struct ike_msg *m); /* the peer's IKE_SA_INIT */
void ike_ppk_announce(struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* Initiator, at the responder's IKE_SA_INIT: false when the configuration wants what it lacks. */
bool ike_ppk_possible(const struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Initiator, before AUTH: the keys are mixed where both know of PPKs. False: no room. */
bool ike_ppk_begin(struct ike *e, struct ike_sa *sa, const struct ike_conn *c) KD_MUST_USE;
/* Our next proof is the one without the PPK: made between two swaps of SK_pi, then kept from
 * hs->auth by plain_proven (false: no room). The one of AUTH follows. */
bool ike_ppk_plain_due(const struct ike_sa *sa);
void ike_ppk_swap_pi(struct ike_sa *sa);
bool ike_ppk_plain_proven(struct ike_sa *sa) KD_MUST_USE;
/* IKE_AUTH's notifies, both roles. */
void ike_ppk_put(const struct ike_sa *sa, const struct ike_conn *c, struct ike_build *b);
/* IKE_AUTH's answer and request, before their AUTH is checked: the keys are what it has to be
 * checked with. Not NULL: the peer is refused, and why. */
const char *ike_ppk_answered(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
const char *ike_ppk_requested(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                              const struct ike_msg *m);
/* What is to be checked: AUTH, or what NO_PPK_AUTH holds of it. */
struct ike_typed ike_ppk_auth(const struct ike_sa *sa, const struct ike_msg *m);
void ike_ppk_free(struct ike *e, struct ike_hs *hs);

#endif
