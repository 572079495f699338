/* The configuration reader against any text: it takes it whole or leaves nothing behind, and an
 * inline secret never comes back in a message. */
#include "config/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte decides what secrets named in the text are found to be. */
static enum config_secret_status read_secret(void *arg, enum config_secret_from from,
                                             const char *name, struct config_secret *out)
{
    unsigned how = *(const unsigned *)arg;
    (void)from;
    (void)name;
    out->exposed = how & 4;
    out->len = how & 8 ? sizeof(out->data) : 5;
    memset(out->data, how & 16 ? '\n' : 'k', out->len);
    return how % 3 == 0   ? CONFIG_SECRET_OK
           : how % 3 == 1 ? CONFIG_SECRET_FAILED
                          : CONFIG_SECRET_UNKNOWN;
}

static void differs(void *arg, const char *path, bool live)
{
    (void)arg;
    (void)path;
    (void)live;
    kd_assert(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kc_ctx *crypto;
    static struct core_config cfg;
    static struct config_errors errs;
    char line[CONFIG_LINE_MAX];
    unsigned how = size ? data[0] : 0;
    if (!crypto)
        crypto = kc_ctx_new(KC_PROVIDER_REAL, 2048);
    kd_assert(crypto);
    struct config_env env = {.crypto = crypto, .read_secret = read_secret, .arg = &how};
    bool ok = config_parse(kd_bytes(data, size), "fuzz", &env, &cfg, &errs);
    kd_assert(ok == (errs.n == 0));
    kd_assert(ok || (cfg.tunnels == NULL && cfg.n_listen == 0));
    for (uint32_t i = 0; i < errs.n; i++) {
        config_error_line(&errs, &errs.e[i], line, sizeof(line));
        kd_assert(strlen(line) < sizeof(line));
    }
    config_discard(crypto, &cfg);
    kd_assert(kc_keys_live(crypto) == 0);
    if (ok) { /* what was accepted can be compared, and is like itself */
        struct config_print *a = config_print_new(kd_bytes(data, size)),
                            *b = config_print_new(kd_bytes(data, size));
        config_diff(a, b, differs, NULL);
        config_print_free(a);
        config_print_free(b);
    }
    return 0;
}
