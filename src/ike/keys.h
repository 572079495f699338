/* Nonces, Diffie-Hellman and the keys derived from them (RFC 7296 2.10 to 2.18), and the jobs
 * that compute them. Only src/ike/ includes this. */
#ifndef IKE_KEYS_H
#define IKE_KEYS_H

#include "ike/sa.h"

/* ---- ke.c: jobs, and those of Diffie-Hellman ---- */

/* The action of a new job of sa's; *job is its handle. NULL: too many. */
struct ike_action *ike_job_new(struct ike *e, const struct ike_sa *sa, enum kc_job_kind kind,
                               struct kd_handle *job) KD_MUST_USE;
/* Nobody waits for it any more; *job becomes none. */
void ike_job_forget(struct ike *e, struct kd_handle *job);

bool ike_ke_keygen(struct ike *e, struct ike_sa *sa, struct ike_ke *ke,
                   const struct kc_alg *dh) KD_MUST_USE;
/* False when the peer's value can't be right by its length alone. */
bool ike_ke_shared(struct ike *e, struct ike_sa *sa, struct ike_ke *ke,
                   struct kd_bytes peer) KD_MUST_USE;
void ike_ke_free(struct ike *e, struct ike_ke *ke);
void ike_job_done(struct ike *e, const struct ike_event *ev);

/* ---- keys.c ---- */

/* At least half the key size of every PRF we negotiate (RFC 7296 2.10). IKE_SA_INIT's own is longer
 * by what an answer of ours has beyond its request, so that two kedges need no cookie for its
 * size. */
#define IKE_NONCE_LEN      32
#define IKE_NONCE_LEN_INIT 48
void ike_nonce_draw(struct ike *e, struct ike_nonce *n, uint16_t len);
bool ike_nonce_set(struct ike_nonce *n, struct kd_bytes from) KD_MUST_USE;
/* SKEYSEED and the seven keys (2.14), and the two boxes. */
bool ike_keys_init(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
void ike_keys_free(struct ike *e, struct ike_sa *sa); /* the seven and the boxes */
/* After a further key exchange of the handshake: RFC 9370 2.2.2; the boxes are made anew. */
bool ike_keys_further(struct ike *e, struct ike_sa *sa) KD_MUST_USE;
/* The same for a rekeyed SA: from the old SK_d and PRF (2.18). */
bool ike_keys_rekey(struct ike *e, struct ike_sa *sa, const struct ike_sa *old,
                    const struct ike_xchg *x) KD_MUST_USE;
/* KEYMAT (2.17; RFC 9370 2.2.4); sk: the key exchanges' secrets, of which there may be none. */
bool ike_keys_child(struct ike *e, const struct ike_sa *sa, struct ike_child *c,
                    const struct ike_nonce *ni, const struct ike_nonce *nr,
                    const struct kd_handle *sk, unsigned n_sk) KD_MUST_USE;

#endif
