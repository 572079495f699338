/* What the engine says: actions, notes, and the values beside a refusal. Only
 * src/ike/ includes this. */
#ifndef IKE_OUT_H
#define IKE_OUT_H

#include "ike/sa.h"

/* ---- out.c ---- */

/* NULL when the output is full: only messages and notes may be lost that way. */
struct ike_action *ike_out_add(struct ike *e, enum ike_action_kind kind, uint32_t conn);
bool ike_out_room(const struct ike *e); /* for one more SA's worth of actions */
struct kd_span ike_out_bytes(struct ike *e, struct kd_bytes b);
/* n parts behind one another; false, with nothing added, when there is no room. */
bool ike_out_join(struct ike *e, const struct kd_bytes *part, size_t n,
                  struct kd_span *out) KD_MUST_USE;
void ike_out_send(struct ike *e, uint32_t conn, const struct kd_endpoint *local,
                  const struct kd_endpoint *remote, bool natt, bool df, struct kd_bytes msg);
struct ike_action *ike_note(struct ike *e, uint32_t conn, enum ike_note note, enum kd_reason reason,
                            const char *fmt, ...) KD_PRINTF(5, 6);
struct ike_action *ike_sa_note(struct ike *e, const struct ike_sa *sa, enum ike_note note,
                               enum kd_reason reason, const char *fmt, ...) KD_PRINTF(5, 6);
void ike_note_offer(struct ike *e, struct ike_action *a, const char *offered,
                    const char *configured);
/* "peer refused: NO_PROPOSAL_CHOSEN" with our list; the peer's is not known. May return NULL. */
struct ike_action *ike_note_peer_refused(struct ike *e, struct ike_sa *sa, uint16_t notify,
                                         const struct ike_child_config *child);
enum kd_reason ike_notify_reason(uint16_t notify);
const char *ike_ts_list_text(const struct ike_ts_list *l, char *buf, size_t cap);

/* ---- refusal.c: the values beside a refusal's words; a may be NULL ---- */

/* configured is the refuser's. Either list may be NULL: not known. */
void ike_note_lists(struct ike *e, struct ike_action *a, uint8_t protocol,
                    const struct ike_proposals *offered, const struct ike_proposals *configured);
/* local and remote were offered, want is the refuser's; each may be NULL: not known. */
void ike_note_selectors(struct ike *e, struct ike_action *a, const struct ike_ts_list *local,
                        const struct ike_ts_list *remote, const struct ike_child_config *want);
/* What INVALID_KE_PAYLOAD asks for; 0 when it is not there, or malformed. */
uint16_t ike_wanted_group(const struct ike_msg *m);
/* The exchange a handshake or an established SA is in (enum ike_exchange). */
uint8_t ike_sa_exchange(const struct ike_sa *sa);

#endif
