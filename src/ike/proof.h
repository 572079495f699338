/* How one end proves who it is and the other checks it (RFC 7296 2.15, 3.6 to 3.8; RFC 7427).
 * auth.h has what a connection is configured with. Only src/ike/ includes this. */
#ifndef IKE_PROOF_H
#define IKE_PROOF_H

#include "ike/sa.h"

/* ---- auth_octets.c, auth_psk.c: AUTH of the original initiator or responder (2.15) ---- */

#define IKE_AUTH_METHOD_PSK 2 /* RFC 7296 3.8 */
#define IKE_AUTH_MAX        64 /* the longest PRF's output */
#define IKE_OCTETS_PARTS    8

/* In order; views of the SA's and of maced_id. */
struct ike_octets {
    struct kd_bytes part[IKE_OCTETS_PARTS];
    size_t n;
    uint8_t maced_id[IKE_AUTH_MAX], mid[4];
};

/* id_body: the sender's identification payload without its generic header, as it was sent. */
bool ike_auth_octets(struct ike *e, const struct ike_sa *sa, bool initiator,
                     struct kd_bytes id_body, struct ike_octets *out) KD_MUST_USE;
/* The length of AUTH's data; 0: the key is not there. */
size_t ike_auth_psk(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                    struct kd_bytes id_body, uint8_t out[IKE_AUTH_MAX]);
bool ike_auth_psk_is(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                     struct kd_bytes id_body, struct kd_bytes auth);

/* ---- auth_sig.c: kinds of signatures, and the AUTH payload around one (3.8, RFC 7427) ---- */

/* The method and kind that our key signs with for this peer; false with *why. */
bool ike_sig_ours(const struct ike_sa *sa, const struct ike_auth_config *a, uint8_t *method,
                  struct kc_sig *sig, const char **why) KD_MUST_USE;
/* Our signature into hs->auth as AUTH's data. */
bool ike_sig_put(struct ike_auth *a, struct kd_bytes signature) KD_MUST_USE;
/* The peer's AUTH: its kind, as far as it is one we offered, and the signature; false with *why. */
bool ike_sig_read(const struct ike_sa *sa, const struct ike_typed *auth, struct kc_sig *sig,
                  struct kd_bytes *signature, const char **why) KD_MUST_USE;
/* Method 1 doesn't say its hash: what to try after sig; false when there is nothing. */
bool ike_sig_next(const struct ike_auth_config *a, const struct ike_typed *auth,
                  struct kc_sig *sig) KD_MUST_USE;
/* SIGNATURE_HASH_ALGORITHMS. */
uint32_t ike_hashes_read(const struct ike_msg *m);
void ike_put_hashes(struct ike_build *b, uint32_t hashes);
uint32_t ike_hashes_ours(const struct ike_auth_config *a); /* that we can check */

/* ---- auth_cert.c: CERT and CERTREQ (3.6, 3.7) ---- */

#define IKE_WHY_MAX 320

void ike_put_certs(struct ike_build *b, const struct ike_auth_config *a);
void ike_put_certreq(struct ike_build *b, const struct ike_auth_config *a);
/* The peer's certificates in their order, or the pinned one; their number, 0 with why. */
size_t ike_certs_read(const struct ike_auth_config *a, const struct ike_id *id,
                      const struct ike_msg *m, struct kd_bytes der[IKE_MSG_CERTS], char *why);
/* Why the peer's certificates are refused, in words. */
void ike_certs_refused(const struct ike *e, const struct ike_auth_config *a,
                       const struct ike_id *id, const struct ike_msg *m,
                       const struct kc_chain_result *r, char *why);

/* ---- auth.c: one end proves who it is, the other is checked ---- */

enum ike_auth_step { IKE_AUTH_READY, IKE_AUTH_WAITS, IKE_AUTH_REFUSED };

/* Our AUTH into hs->auth: at once, or when its job is done. REFUSED with why (IKE_WHY_MAX). */
enum ike_auth_step ike_auth_prove(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  char *why);
/* The peer's AUTH in m, whose identity is sa->peer_id: at once, or m is kept until its jobs are
 * done. */
enum ike_auth_step ike_auth_check(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                  const struct ike_msg *m, char *why);
bool ike_auth_keep(struct ike_sa *sa, const struct ike_msg *m) KD_MUST_USE;
void ike_auth_job(struct ike *e, struct ike_sa *sa, enum kc_job_kind kind,
                  const struct ike_event *ev);
void ike_auth_free(struct ike *e, struct ike_auth *a);
/* What auth.c says when a job is done, to the roles: why is NULL when all is well. m: kept. */
void ike_auth_i_proven(struct ike *e, struct ike_sa *sa, const char *why);
void ike_auth_i_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                        const char *why);
void ike_auth_r_checked(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                        const char *why);
void ike_auth_r_proven(struct ike *e, struct ike_sa *sa, const struct ike_msg *m, const char *why);

#endif
