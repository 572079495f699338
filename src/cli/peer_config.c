/* kedge peer-config TUNNEL --for KIND: the other side's configuration, made from the file. */
#include "cli/load.h"
#include "peer/peer.h"

#include <string.h>

#define KEYS_MAX 4096 /* three a tunnel, of as many tunnels as a file can have */

static const struct core_tunnel_config *find(const struct core_config *cfg, const char *name)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        if (strcmp(cfg->tunnels[i].ike.name, name) == 0)
            return &cfg->tunnels[i];
    return NULL;
}

static enum cli_exit no_tunnel(const struct cli *c, const struct core_config *cfg)
{
    fprintf(stderr, "kedge: no tunnel \"%s\" in %s; there are:", c->argv[0], c->config);
    for (uint32_t i = 0; i < cfg->n_tunnels; i++)
        fprintf(stderr, " %s", cfg->tunnels[i].ike.name);
    fputc('\n', stderr);
    return CLI_FAILED;
}

static enum cli_exit write_for(const struct cli *c, const struct core_config *cfg,
                               enum peer_kind kind, struct kc_ctx *crypto)
{
    struct peer p = {.config = cfg, .tunnel = find(cfg, c->argv[0])};
    uint8_t psk[KC_KEY_MAX], password[KC_KEY_MAX];
    const char *why;

    if (!p.tunnel)
        return no_tunnel(c, cfg);
    if (crypto)
        p.psk = kd_bytes(psk, kc_key_export(crypto, p.tunnel->ike.psk, psk, sizeof(psk)));
    if (crypto && p.tunnel->neighbor.with_password)
        p.password = kd_bytes(password, kc_key_export(crypto, p.tunnel->neighbor.password, password,
                                                      sizeof(password)));
    why = peer_refuses(&p, kind);
    if (why)
        fprintf(stderr, "kedge: %s --for %s: %s\n", c->argv[0], c->kind, why);
    else
        peer_write(&p, kind, stdout);
    kc_wipe(psk, sizeof(psk));
    kc_wipe(password, sizeof(password));
    return why ? CLI_FAILED : CLI_OK;
}

static bool kind_of(const char *name, enum peer_kind *kind)
{
    for (int i = 0; name && i < PEER_KINDS; i++)
        if (strcmp(peer_kind_names[i], name) == 0) {
            *kind = (enum peer_kind)i;
            return true;
        }
    fputs("kedge: --for: allowed:", stderr);
    for (int i = 0; i < PEER_KINDS; i++)
        fprintf(stderr, " %s", peer_kind_names[i]);
    fputc('\n', stderr);
    return false;
}

enum cli_exit cli_peer_config(const struct cli *c)
{
    static struct config_errors errs;
    static struct core_config cfg;
    enum peer_kind kind;
    if (!kind_of(c->kind, &kind))
        return CLI_USAGE;
    struct kc_ctx *crypto = c->secrets ? kc_ctx_new(KC_PROVIDER_REAL, KEYS_MAX) : NULL;
    if (c->secrets && !crypto) {
        fputs("kedge: no locked memory for the keys (ulimit -l)\n", stderr);
        return CLI_FAILED;
    }
    enum cli_exit e = cli_load(c->config, crypto, &cfg, &errs);
    if (e == CLI_FAILED)
        cli_load_errors(&errs, false);
    if (e == CLI_OK) {
        e = write_for(c, &cfg, kind, crypto);
        core_config_free(&cfg);
    }
    kc_ctx_free(crypto);
    return e == CLI_UNREACHABLE ? CLI_FAILED : e;
}
