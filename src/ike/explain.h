/* Why a refusal came about, side by side: what was offered, what is configured, where they first
 * differ, and the line to change on either side. Values in, values out (facts/peers 2, pain 18). */
#ifndef IKE_EXPLAIN_H
#define IKE_EXPLAIN_H

#include "ike/ike.h"

/* A refusal as IKE_NOTE_REFUSED tells it (struct ike_action); views, borrowed. TIMEOUT: no answer
 * in exchange. KERNEL_REFUSED: offered is what the data plane said. AUTH_FAILED: offered is the
 * identity shown, configured the one expected; by_peer: ours and the peer's. */
struct ike_refusal {
    enum kd_reason reason;
    uint8_t exchange;
    bool by_peer, rekey;
    uint16_t notify, group;
    struct kd_bytes detail, offered, configured;
    struct kd_bytes sa_offered, sa_configured;       /* SA payloads' bodies */
    struct kd_bytes ts_offered[2], ts_configured[2]; /* TS payloads' bodies: our side, the peer's */
};

/* Where the tunnel stands, for the lines to change. */
struct ike_explain_env {
    const char *peer;    /* its address as text */
    const char *profile; /* "" when ike and esp are spelled out */
    const struct ike_conn_config *conn;
    bool child_up; /* a pair stands: all but its group was agreed on when it was made */
};

#define IKE_EXPLAIN_ROWS    12
#define IKE_EXPLAIN_CHANGES 6

/* The keys of kedge.yaml in which something is to be changed. */
enum ike_explain_key {
    IKE_KEY_NONE,
    IKE_KEY_IKE,
    IKE_KEY_ESP,
    IKE_KEY_SELECTORS,
    IKE_KEY_AUTH,
    IKE_KEY_LOCAL_ID,
    IKE_KEY_REMOTE_ID,
    IKE_KEY_REMOTE,
    IKE_KEY_N
};
extern const char *const ike_explain_key_names[]; /* as written; NONE: "" */

struct ike_explanation {
    char title[200];          /* who refused whom what, in which exchange */
    char left[32], right[32]; /* heads of the columns: what was offered; what the refuser wants */
    uint32_t n_rows;
    struct ike_explain_row {
        char what[16]; /* "encryption" */
        char left[256], right[256];
        bool differs;
    } row[IKE_EXPLAIN_ROWS];
    char difference[400]; /* the first one, or why there is none to be seen */
    char cause[400];      /* what most often is behind it, with the facts at hand; may be "" */
    uint32_t n_changes;
    struct ike_explain_change {
        bool here;                /* in kedge.yaml, under the tunnel; else at the peer */
        enum ike_explain_key key; /* here */
        char where[20];           /* "kedge.yaml", "swanctl.conf", "IOS" */
        char text[400];           /* "esp: [aes256-sha256-modp2048]" */
    } change[IKE_EXPLAIN_CHANGES];
};

/* Never fails: what can't be known is said to be so. */
void ike_explain(const struct ike_refusal *r, const struct ike_explain_env *env,
                 struct ike_explanation *x);

#endif
