/* Authentication as a connection is configured with it, and the jobs it takes (RFC 7296 2.15, RFC
 * 7427). Values and borrowed constants; nothing here is done. Included by ike.h. */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "crypto/crypto.h"

enum ike_auth_kind { IKE_AUTH_PSK, IKE_AUTH_CERT };
extern const char *const ike_auth_kind_names[]; /* "psk", "cert" */

/* Our certificates and their key, and whom we trust. Constant once loaded: connections, actions and
 * jobs on other threads borrow it. Whoever loaded it owns it, until no connection names it and no
 * job runs. */
struct ike_certs {
    struct ike_certs *next;              /* of its owner's list */
    char *name;                          /* the owner's, freed with it; or NULL */
    struct kc_private *key;              /* NULL: we don't sign */
    struct kc_cert *chain[KC_CHAIN_MAX]; /* ours first, then what is between it and its root */
    uint32_t n_chain;
    struct kc_trust *trust; /* NULL: nobody is checked */
};
/* Frees a list of them, each by free(); before the crypto context goes. NULL is ignored. */
void ike_certs_free(struct ike_certs *list);

#define IKE_CHAIN_BYTES                                                                            \
    12288             /* of chain in all: beside the largest proposals IKE_AUTH holds it           \
                       */
#define IKE_CN_MAX 65 /* X.520: 64, and a NUL */

struct ike_auth_config {
    enum ike_auth_kind local, remote; /* how we prove who we are, and how the peer must */
    const struct ike_certs *certs;    /* borrowed; NULL where both are PSK */
    bool pss;            /* an RSA key of ours signs with PSS where the peer speaks RFC 7427 */
    bool sha1_ok;        /* legacy: method 1 with SHA-1, certificates signed with SHA-1 */
    char cn[IKE_CN_MAX]; /* Azure's rule: the peer's CN, instead of its identity; "": not asked */
};

/* What a job of authentication works on, beside the bytes of its action:
 *
 *            data                 data2             data3
 *   SIGN     what is signed
 *   VERIFY   what is signed       the signature     SubjectPublicKeyInfo
 *   CHAIN    certificates         the identity      the CN
 *
 * Its JOB_DONE has the signature as data, nothing, or a struct kc_chain_result. */
struct ike_auth_job {
    struct kc_sig sig;
    bool sha1_ok;
    uint8_t id_type;                 /* KC_ID_NONE: not asked */
    const struct kc_private *signer; /* borrowed as above */
    const struct kc_trust *trust;
    int64_t wall_s; /* UTC seconds since 1970 */
};

/* For whoever runs jobs: job as kc_job_run() wants it, with everything but its kind; chain is
 * memory for it. The bytes are borrowed until it has run. */
void ike_auth_job_set(struct kc_job *job, struct kc_chain *chain, const struct ike_auth_job *a,
                      struct kd_bytes data, struct kd_bytes data2, struct kd_bytes data3);
/* What JOB_DONE is to carry as its data, with any kind of job; borrows res. */
struct kd_bytes ike_job_data(enum kc_job_kind kind, const struct kc_job_result *res);

/* How a peer has shown who it is, for status: "psk", "rsa-pss-sha256", ... */
struct ike_peer_auth {
    char how[24];
    int64_t not_after_s; /* of its certificate; 0: none */
};

#endif
