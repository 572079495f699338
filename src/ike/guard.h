/* What keeps strangers from costing much: half-open SAs, cookies (RFC 7296 2.6), answers without
 * state, and tokens of crash detection (RFC 6290). Only src/ike/ includes this. */
#ifndef IKE_GUARD_H
#define IKE_GUARD_H

#include "ike/sa.h"

/* ---- qcd.c: quick crash detection (RFC 6290) ---- */

void ike_qcd_put(struct ike *e, const struct ike_sa *sa, struct ike_build *b); /* our token */
/* The peer's, from a message it authenticated. */
void ike_qcd_take(struct ike *e, struct ike_sa *sa, const struct ike_msg *m);
/* What a request of ours must have at least, in octets, to be answered by the peer's token; 0:
 * any. */
size_t ike_qcd_len_min(const struct ike_sa *sa);
/* A sealed request for an IKE SA that is not here: our token in clear. False: none is due. */
bool ike_qcd_present(struct ike *e, const struct ike_event *ev, const struct ike_header *h);
/* A message in clear about sa shows its token: sa has gone. */
bool ike_qcd_shown(struct ike *e, struct ike_sa *sa, const struct ike_event *ev);

/* ---- halfopen.c ---- */

bool ike_halfopen_admit(const struct ike *e, const struct kd_addr *remote);
uint32_t ike_halfopen_from(const struct ike *e, const struct kd_addr *remote); /* how many */
void ike_halfopen_add(struct ike *e, struct ike_sa *sa);
void ike_halfopen_del(struct ike *e, struct ike_sa *sa);
bool ike_bucket_take(struct ike_bucket *b, uint64_t now_us, uint32_t burst, uint64_t refill_us);
void ike_stranger(struct ike *e, const struct kd_endpoint *remote, const char *what);
/* An answer without state to h: one notify. Never larger than the request (asked_len octets). */
void ike_clear_reply(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                     uint16_t notify, struct kd_bytes data, size_t asked_len);
bool ike_stateless_may(struct ike *e); /* takes from the bucket of answers without state */
/* The same, rate-limited: for refusals, which nobody has to rely on. */
void ike_stateless(struct ike *e, const struct ike_event *ev, const struct ike_header *h,
                   uint16_t notify, struct kd_bytes data);

/* ---- cookie.c ---- */

bool ike_cookie_init(struct ike *e) KD_MUST_USE; /* false: no room in the key arena */
void ike_cookie_fini(struct ike *e);
/* May this IKE_SA_INIT request be looked at? When there is load and it brings no valid cookie it is
 * answered with one, and false. */
bool ike_cookie_admit(struct ike *e, const struct ike_from *from, const struct ike_header *h,
                      struct kd_bytes datagram);
/* Has this request (parsed before) brought a valid cookie? If not it is asked for one. */
bool ike_cookie_returned(struct ike *e, const struct ike_from *from, struct kd_bytes datagram);

#endif
