/* What the tests of the configuration share: a world of secrets and files, a file with one line put
 * into it, and what is said of it. */
#ifndef TEST_TEST_CONFIG_H
#define TEST_TEST_CONFIG_H

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "certs.h"

static struct kc_ctx *crypto;
static struct core_config cfg;
static struct config_errors errs;

/* ---- a world of secrets ---- */

/* What the kernel takes at most. */
#define PASSWORD_80                                                                                \
    "0123456789012345678901234567890123456789"                                                     \
    "0123456789012345678901234567890123456789"

static inline enum config_secret_status read_secret(void *arg, enum config_secret_from from,
                                                    const char *name, struct config_secret *out)
{
    (void)arg;
    const char *text = NULL;
    if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "onprem") == 0)
        text = "from-systemd";
    else if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "gw-key") == 0)
        text = key_p256;
    else if (from == CONFIG_SECRET_CREDENTIAL && strcmp(name, "other-key") == 0)
        text = key_second;
    else if (strcmp(name, "/etc/kedge/psk") == 0)
        text = "from-file\r\nsecond line";
    else if (strcmp(name, "/etc/kedge/open") == 0)
        text = "from-open-file\n";
    else if (strcmp(name, "/etc/kedge/ppk") == 0)
        text = "thirty-two octets of a good ppk!\n";
    else if (strcmp(name, "/etc/kedge/password80") == 0)
        text = PASSWORD_80 "\n";
    else if (strcmp(name, "/etc/kedge/password81") == 0)
        text = PASSWORD_80 "!\n";
    else if (strcmp(name, "/etc/kedge/empty") == 0)
        text = "\nnot the first line";
    else if (strcmp(name, "/etc/kedge/gw.key") == 0)
        text = key_p256;
    else if (strcmp(name, "/etc/kedge/other.key") == 0)
        text = key_second;
    else if (strcmp(name, "/etc/kedge/elsewhere") == 0)
        return CONFIG_SECRET_UNKNOWN;
    if (!text) {
        snprintf(out->why, sizeof(out->why), "no such file");
        return CONFIG_SECRET_FAILED;
    }
    out->len = strlen(text);
    memcpy(out->data, text, out->len);
    out->exposed = strcmp(name, "/etc/kedge/open") == 0;
    return CONFIG_SECRET_OK;
}

static inline enum config_secret_status read_pem(void *arg, const char *path, size_t max,
                                                 uint8_t **data, size_t *len, char *why, size_t cap)
{
    static const struct {
        const char *path, *pem[3];
    } files[] = {
        {"/etc/kedge/gw.pem", {cert_p256, cert_mid, cert_root}},
        {"/etc/kedge/old.pem", {cert_old}},
        {"/etc/kedge/ca.pem", {cert_root}},
        {"/etc/kedge/crl.pem", {crl_mid}},
        {"/etc/kedge/text.pem", {"no certificate"}},
    };
    (void)arg;
    for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
        if (strcmp(path, files[i].path) != 0)
            continue;
        *data = calloc(1, 65536);
        assert_non_null(*data);
        for (size_t k = 0; k < 3 && files[i].pem[k]; k++)
            strcat((char *)*data, files[i].pem[k]);
        *len = strlen((char *)*data);
        assert_true(*len <= max);
        return CONFIG_SECRET_OK;
    }
    snprintf(why, cap, "no such file");
    return strcmp(path, "/root/ca.pem") == 0 ? CONFIG_SECRET_UNKNOWN : CONFIG_SECRET_FAILED;
}

static inline void drop(void)
{
    for (uint32_t i = 0; i < cfg.n_tunnels; i++) {
        kc_key_free(crypto, cfg.tunnels[i].ike.psk);
        kc_key_free(crypto, cfg.tunnels[i].ike.ppk.key);
        kc_key_free(crypto, cfg.tunnels[i].neighbor.bfd.auth.key[0].key);
        kc_key_free(crypto, cfg.tunnels[i].neighbor.password);
    }
    for (uint32_t i = 0; i < cfg.n_neighbors; i++) {
        kc_key_free(crypto, cfg.neighbors[i].bfd.auth.key[0].key);
        kc_key_free(crypto, cfg.neighbors[i].password);
    }
    for (uint32_t i = 0; i < cfg.n_policies; i++)
        bgp_route_map_unref(cfg.policies[i]);
    free(cfg.policies);
    free(cfg.tunnels);
    free(cfg.neighbors);
    free(cfg.health);
    ike_certs_free(cfg.certs);
    memset(&cfg, 0, sizeof(cfg));
}

static inline bool parse(const char *text)
{
    struct config_env env = {
        .crypto = crypto, .wall_s = 1800000000, .read_secret = read_secret, .read_file = read_pem};
    drop();
    bool ok = config_parse(kd_bytes_str(text), "kedge.yaml", &env, &cfg, &errs);
    if (!ok) { /* nothing half-applied */
        struct core_config none = {0};
        assert_memory_equal(&cfg, &none, sizeof(cfg));
        assert_int_equal(kc_keys_live(crypto), 0);
        assert_true(errs.n > 0);
    }
    return ok;
}

static inline void show(void)
{
    char line[CONFIG_LINE_MAX];
    for (uint32_t i = 0; i < errs.n; i++)
        print_message("%s\n", config_error_line(&errs, &errs.e[i], line, sizeof(line)));
}

/* "LINE:COL: text" must be the only error. */
static inline void refused(const char *text, const char *want)
{
    char got[CONFIG_LINE_MAX];
    if (parse(text))
        fail_msg("accepted, not refused with %s:\n%s", want, text);
    snprintf(got, sizeof(got), "%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
    assert_string_equal(got, want);
    if (errs.n != 1)
        show();
    assert_int_equal(errs.n, 1);
}

static inline void accepted(const char *text)
{
    bool ok = parse(text);
    if (!ok) {
        print_message("%s", text);
        show();
    }
    assert_true(ok);
}

/* ---- one line put into an otherwise good file ---- */

#define GATEWAY "gateway: {listen: [192.0.2.1]}\n"
#define ROUTER  "router: {id: 10.0.0.1, asn: 65515}\n"
#define POLICY  "policies: {all: [{permit: {}}]}\n"
#define TUNNEL  "  - name: onprem\n    remote: 192.0.2.2\n"
#define AUTH    "    auth: {psk: swordfish}\n"
/* the line stands in line 8, its value begins behind the key from column 5 */
#define IN_TUNNEL GATEWAY ROUTER POLICY "tunnels:\n" TUNNEL AUTH "    %s\n"
/* line 10, column 7 */
#define IN_TUNNEL_NEIGHBOR                                                                         \
    GATEWAY ROUTER POLICY "tunnels:\n" TUNNEL AUTH                                                 \
                          "    address: 10.0.0.1\n    neighbor: {import: all, "                    \
                          "export: all, asn: 65020, address: 10.1.0.1,\n      %s}\n"
/* line 5, column 7 */
#define IN_NEIGHBOR                                                                                \
    GATEWAY ROUTER POLICY "neighbors: [{name: msee, import: all, export: all,\n      %s}]\n"
#define IN_ROUTER  GATEWAY "router: {\n  %s}\n" /* line 3, column 3 */
#define IN_GATEWAY "gateway: {\n  %s}\n"        /* line 2, column 3 */
/* line 4, column 3 */
#define IN_ROUTER_P GATEWAY "policies: {p: [{permit: {}}]}\nrouter: {\n  %s}\n"
#define IN_POLICY   GATEWAY "policies:\n  p:\n    - %s\n" /* line 4, column 7 */
#define AT_TOP      GATEWAY "%s\n"                        /* line 2 */

/* The rows carry the surroundings of the line as formats. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

struct row {
    const char *in, *good, *bad, *error;
};

static inline void check_rows(const struct row *rows, size_t n)
{
    char text[4096];
    for (size_t i = 0; i < n; i++) {
        if (rows[i].good) {
            snprintf(text, sizeof(text), rows[i].in, rows[i].good);
            accepted(text);
        }
        snprintf(text, sizeof(text), rows[i].in, rows[i].bad);
        refused(text, rows[i].error);
    }
}

static inline int setup(void **state)
{
    (void)state;
    crypto = kc_ctx_new(KC_PROVIDER_REAL, 64);
    return crypto ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    drop();
    kc_ctx_free(crypto);
    return 0;
}

#endif
