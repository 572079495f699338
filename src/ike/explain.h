/* Why a refusal came about, side by side: what was offered, what is configured, where they first
 * differ, and the line to change on either side. Values in, values out (facts/peers 2, pain 18). */
#ifndef IKE_EXPLAIN_H
#define IKE_EXPLAIN_H

#include "ike/ike.h"

/* A refusal as IKE_NOTE_REFUSED tells it; views, borrowed. See struct ike_action. reason TIMEOUT: no
 * answer in exchange. KERNEL_REFUSED: offered is what the data plane said. AUTH_FAILED: the identity
 * shown and the one expected. */
struct ike_refusal {
    enum kd_reason reason;
    uint8_t exchange;
    bool by_peer, rekey;
    uint16_t notify, group;
    struct kd_bytes detail, offered, configured;
    struct kd_bytes sa_offered, sa_configured;
    struct kd_bytes ts_offered[2], ts_configured[2]; /* our side's, the peer's side's */
};

/* Where things stand in the configuration, for the lines to change. */
struct ike_explain_env {
    const char *tunnel;  /* its name */
    const char *peer;    /* its address as text, "" where unknown */
    const char *profile; /* "" when ike and esp are spelled out */
    const struct ike_conn_config *conn;
    bool child_up; /* an earlier pair stands: all but the group was agreed on when it was made */
};

#define IKE_EXPLAIN_ROWS    12
#define IKE_EXPLAIN_CHANGES 6

/* Of the configuration's keys, in which the operator changes something. */
enum ike_explain_key {
    IKE_KEY_NONE, /* text is advice, not a line */
    IKE_KEY_PROFILE,
    IKE_KEY_IKE,
    IKE_KEY_ESP,
    IKE_KEY_SELECTORS,
    IKE_KEY_AUTH,
    IKE_KEY_LOCAL_ID,
    IKE_KEY_REMOTE_ID,
    IKE_KEY_REMOTE,
};
extern const char *const ike_explain_key_names[]; /* as in kedge.yaml; NONE: "" */

struct ike_explanation {
    char title[200];     /* who refused whom, in which exchange */
    char left[40], right[40]; /* the columns' heads: what was offered; what the refuser wants */
    uint32_t n_rows;
    struct ike_explain_row {
        char what[16]; /* "encryption" */
        char left[256], right[256];
        bool differs;
    } row[IKE_EXPLAIN_ROWS];
    char difference[256]; /* the first one, or "no difference ..." */
    char cause[400];      /* what most often is the cause, with the facts at hand; may be "" */
    uint32_t n_changes;
    struct ike_explain_change {
        bool here; /* in kedge.yaml, under the tunnel; else at the peer */
        enum ike_explain_key key; /* here */
        char where[24];  /* "kedge.yaml", "swanctl.conf", "IOS" */
        char text[320];  /* "esp: [aes256-sha256-modp2048]" */
    } change[IKE_EXPLAIN_CHANGES];
};

/* Never fails: what is not known is said so. */
void ike_explain(const struct ike_refusal *r, const struct ike_explain_env *env,
                 struct ike_explanation *x);

#endif
