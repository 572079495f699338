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
    uint32_t asked, good;
    struct {
        const struct kc_alg *encr, *integ;
    } suite[SUITES_MAX]; /* each is asked for once */
    bool unable, des; /* des: one of what it lacks is DES or 3DES */
    char lacks[96]; /* the suites the kernel can't do, as far as they fit */
    char why[112];  /* of the first of them */
    char reason[320];
};

static bool known(const struct asking *a, const struct kc_alg *encr, const struct kc_alg *integ)
{
    for (uint32_t i = 0; i < a->asked; i++)
        if (a->suite[i].encr == encr && a->suite[i].integ == integ)
            return true;
    return false;
}

static void can_not(struct asking *a, const struct kc_alg *encr, const struct kc_alg *integ,
                    const char *why)
{
    const size_t n = strlen(a->lacks);
    const char *before = n ? ", " : "", *name = encr ? encr->name : "?";

    if (encr && encr->aead)
        snprintf(a->lacks + n, sizeof(a->lacks) - n, "%s%s", before, name);
    else
        snprintf(a->lacks + n, sizeof(a->lacks) - n, "%s%s-%s", before, name,
                 integ ? integ->name : "?");
    if (n + 2 >= sizeof(a->lacks) || strlen(a->lacks) == sizeof(a->lacks) - 1)
        a->lacks[n] = '\0'; /* only whole names */
    a->des |= encr && (encr->id == KC_ENCR_DES || encr->id == KC_ENCR_3DES);
    if (!a->unable)
        snprintf(a->why, sizeof(a->why), "%s", why);
    a->unable = true;
}

static void ask(struct asking *a, const struct kc_alg *encr, const struct kc_alg *integ)
{
    struct nl_sa_alg e, i;
    char why[112] = "the kernel has no name for it";

    if (known(a, encr, integ))
        return;
    if (a->asked < SUITES_MAX) {
        a->suite[a->asked].encr = encr;
        a->suite[a->asked++].integ = integ;
    }
    if (io_xfrm_alg(encr, integ, &e, &i) &&
        a->probe(a->arg, a->local, &e, &i, why, sizeof(why)) == NL_ESP_SUPPORTED)
        a->good++;
    else
        can_not(a, encr, integ, why);
}

static void ask_with_integ(struct asking *a, const struct ike_proposal *p,
                           const struct kc_alg *encr)
{
    for (uint8_t k = 0; k < p->n; k++)
        if (p->t[k].type == KC_INTEG && p->t[k].id != KC_INTEG_NONE)
            ask(a, encr, ike_transform_alg(&p->t[k]));
}

static void ask_proposal(struct asking *a, const struct ike_proposal *p)
{
    for (uint8_t k = 0; k < p->n; k++) {
        const struct kc_alg *encr = ike_transform_alg(&p->t[k]);

        if (p->t[k].type == KC_ENCR && encr && encr->aead)
            ask(a, encr, NULL);
        else if (p->t[k].type == KC_ENCR)
            ask_with_integ(a, p, encr);
    }
}

static void ask_list(struct asking *a, const struct ike_proposals *l)
{
    for (uint8_t k = 0; k < l->n; k++)
        ask_proposal(a, &l->p[k]);
}

static void ask_tunnels(struct asking *a, const struct core_config *cfg)
{
    for (uint32_t i = 0; i < cfg->n_tunnels; i++) {
        const struct ike_conn_config *c = &cfg->tunnels[i].ike;

        if (!kd_addr_eq(&c->local, a->local))
            continue;
        ask_list(a, &c->esp);
        ask_list(a, &c->esp_accept);
    }
}

/* Where the kernel does other suites of theirs, those it lacks need not be in the way. */
static void explain(struct asking *a)
{
    const char *azure = a->des ? " (profile azure-vwan has neither DES nor 3DES)" : "";

    if (a->good)
        snprintf(a->reason, sizeof(a->reason),
                 "%s: %s; the kernel does all others: leave %s out of esp%s", a->lacks, a->why,
                 strchr(a->lacks, ',') ? "them" : "it", azure);
    else
        snprintf(a->reason, sizeof(a->reason), "%.*s: %s", (int)strcspn(a->lacks, ","), a->lacks,
                 a->why);
}

static enum core_dataplane decide_one(struct asking *a, const struct core_config *cfg)
{
    ask_tunnels(a, cfg);
    if (a->unable)
        explain(a);
    else if (a->asked == 0)
        snprintf(a->reason, sizeof(a->reason), "no tunnel has this address");
    else
        snprintf(a->reason, sizeof(a->reason), "the kernel does all suites of its tunnels");
    return a->unable || a->asked == 0 ? CORE_DP_TUN : CORE_DP_XFRM;
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
