/* Inside src/config: what auth says about certificates, and what becomes of it. */
#ifndef CONFIG_CERTS_H
#define CONFIG_CERTS_H

#include "config/cfg.h"

#include "base/utc.h"

#define CFG_PATH_MAX  256
#define CFG_FILES_MAX 16 /* of ca, of crl: each may hold many certificates */

struct cfg_path {
    char name[CFG_PATH_MAX]; /* "" when it isn't given */
    struct cfg_where at;
};

struct cfg_certs {
    struct cfg_where at;
    struct cfg_path cert, key;
    enum config_secret_from key_from;
    uint32_t n_ca, n_crl;
    struct cfg_path ca[CFG_FILES_MAX], crl[CFG_FILES_MAX];
};

/* Loads, or finds what was loaded of the same files; it belongs to the configuration. What is wrong
 * has been said. */
const struct ike_certs *cfg_certs_load(struct cfg *c, const struct cfg_certs *spec);
/* local-id against our certificate, once both are known: a name becomes the certificate's bytes,
 * one that isn't in it is a warning (none for Azure, which looks at the CN). */
void cfg_certs_identity(struct cfg *c, struct ike_conn_config *k, struct cfg_where at, bool azure);

#endif
