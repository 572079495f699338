/* Which data plane a listen address gets: every ESP suite of its tunnels is held against what the
 * kernel can do. A tunnel is at one address (its `local`), so addresses decide apart. */
#include "io/decide.h"

#include "io/xfrm_alg.h"

#include <stdio.h>

#define SUITES_MAX 96 /* above all the table's encryption times integrity algorithms */

struct asking {
    io_probe_fn *probe;
    void *arg;
    const struct kd_addr *local;
    uint32_t asked;
    struct {
        const struct kc_alg *encr, *integ;
    } good[SUITES_MAX];
    bool unable;
    char reason[160]; /* of the first suite the kernel can't do, or of the last good one */
};

static bool known(const struct asking *a, const struct kc_alg *encr, const struct kc_alg *integ)
{
    for (uint32_t i = 0; i < a->asked; i++)
        if (a->good[i].encr == encr && a->good[i].integ == integ)
            return true;
    return false;
}

static bool ask(struct asking *a, const struct kc_alg *encr, const struct kc_alg *integ)
{
    struct nl_sa_alg e, i;
    char why[112];

    if (known(a, encr, integ))
        return true;
    if (!io_xfrm_alg(encr, integ, &e, &i)) {
        snprintf(a->reason, sizeof(a->reason), "the kernel has no %s%s%s", encr ? encr->name : "?",
                 integ ? "-" : "", integ ? integ->name : "");
        return false;
    }
    if (a->probe(a->arg, a->local, &e, &i, why, sizeof(why)) == NL_ESP_SUPPORTED) {
        if (a->asked < SUITES_MAX) {
            a->good[a->asked].encr = encr;
            a->good[a->asked++].integ = integ;
        }
        return true;
    }
    snprintf(a->reason, sizeof(a->reason), "%s%s%s: %s", encr->name, encr->aead ? "" : "-",
             encr->aead ? "" : integ->name, why);
    return false;
}

static bool ask_with_integ(struct asking *a, const struct ike_proposal *p,
                           const struct kc_alg *encr)
{
    for (uint8_t k = 0; k < p->n; k++)
        if (p->t[k].type == KC_INTEG && p->t[k].id != KC_INTEG_NONE &&
            !ask(a, encr, ike_transform_alg(&p->t[k])))
            return false;
    return true;
}

static bool ask_proposal(struct asking *a, const struct ike_proposal *p)
{
    for (uint8_t k = 0; k < p->n; k++) {
        const struct kc_alg *encr = ike_transform_alg(&p->t[k]);

        if (p->t[k].type != KC_ENCR)
            continue;
        if (encr && encr->aead ? !ask(a, encr, NULL) : !ask_with_integ(a, p, encr))
            return false;
    }
    return true;
}

static bool ask_list(struct asking *a, const struct ike_proposals *l)
{
    for (uint8_t k = 0; k < l->n; k++)
        if (!ask_proposal(a, &l->p[k]))
            return false;
    return true;
}

static bool ask_tunnels(struct asking *a, const struct core_config *cfg)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++) {
        const struct ike_conn_config *c = &cfg->tunnels[i].ike;

        if (!kd_addr_eq(&c->local, a->local))
            continue;
        if (!ask_list(a, &c->esp) || !ask_list(a, &c->esp_accept))
            return false;
    }
    return true;
}

static enum core_dataplane decide_one(struct asking *a, const struct core_config *cfg)
{
    a->unable = !ask_tunnels(a, cfg);
    if (a->unable)
        return CORE_DP_TUN;
    if (a->asked == 0) {
        snprintf(a->reason, sizeof(a->reason), "no tunnel has this address");
        return CORE_DP_TUN;
    }
    snprintf(a->reason, sizeof(a->reason), "the kernel does all suites of its tunnels");
    return CORE_DP_XFRM;
}

static size_t say(char *why, size_t cap, size_t n, const struct asking *a, enum core_dataplane dp)
{
    char addr[KD_ADDR_STR_MAX];

    if (n >= cap)
        return n;
    return n + (size_t)snprintf(why + n, cap - n, "%s%s for %s: %s", n ? "; " : "",
                                core_dataplane_names[dp], kd_addr_str(a->local, addr), a->reason);
}

void io_decide(const struct core_config *cfg, io_probe_fn *probe, void *arg, struct io_decision *d,
               char *why, size_t cap)
{
    const bool asked = cfg->dataplane == CORE_DP_AUTO || cfg->dataplane == CORE_DP_XFRM;
    bool any = false;
    size_t n = 0;

    *d = (struct io_decision){.all = asked ? CORE_DP_XFRM : cfg->dataplane};
    for (uint32_t i = 0; i < cfg->n_listen; i++) {
        struct asking a = {.probe = probe, .arg = arg, .local = &cfg->listen[i]};

        d->at[i] = asked ? decide_one(&a, cfg) : cfg->dataplane;
        if (cfg->dataplane == CORE_DP_XFRM) {
            d->at[i] = CORE_DP_XFRM;
            d->unable |= a.unable;
        }
        if (cfg->dataplane == CORE_DP_AUTO || a.unable)
            n = say(why, cap, n, &a, d->at[i]);
        if (d->at[i] != CORE_DP_XFRM && (a.asked || a.unable))
            d->all = CORE_DP_TUN;
        any |= d->at[i] == CORE_DP_XFRM;
    }
    if (cfg->dataplane == CORE_DP_AUTO && !any)
        d->all = CORE_DP_TUN;
    if (cfg->dataplane != CORE_DP_AUTO && !d->unable)
        snprintf(why, cap, "%s: configured", core_dataplane_names[cfg->dataplane]);
}

enum core_dataplane io_decision_of(const struct io_decision *d, const struct core_config *cfg,
                                   const struct kd_addr *local)
{
    for (uint32_t i = 0; i < cfg->n_listen; i++)
        if (kd_addr_eq(&cfg->listen[i], local))
            return d->at[i];
    return d->all;
}
