/* What the explanation's files share; inside src/ike only. */
#ifndef IKE_EXPLAINING_H
#define IKE_EXPLAINING_H

#include "ike/explain.h"
#include "ike/grammar.h"
#include "ike/text.h"

#define IKE_NOT_TOLD "(not told)"

/* explain.c: cut at what fits. */
void ike_explain_row(struct ike_explanation *x, const char *what, const char *left,
                     const char *right, bool differs);
void ike_explain_here(struct ike_explanation *x, enum ike_explain_key key, const char *fmt, ...)
    KD_PRINTF(3, 4);
void ike_explain_there(struct ike_explanation *x, const char *where, const char *fmt, ...)
    KD_PRINTF(3, 4);
#define ike_explain_say(field, ...) ike_explain_put(field, sizeof(field), __VA_ARGS__)
void ike_explain_put(char *buf, size_t cap, const char *fmt, ...) KD_PRINTF(3, 4);

/* explain_sa.c: NO_PROPOSAL and INVALID_KE. */
void ike_explain_proposals(const struct ike_refusal *r, const struct ike_explain_env *env,
                           struct ike_explanation *x);

/* explain_peer.c: a proposal in the notation of IOS, as far as it has one: false. */
bool ike_ios_ike(const struct ike_proposal *p, char *buf, size_t cap);
bool ike_ios_esp(const struct ike_proposal *p, char *buf, size_t cap);
/* "set pfs group14", "no set pfs" for none. */
bool ike_ios_pfs(const struct ike_proposal *p, char *buf, size_t cap);

#endif
