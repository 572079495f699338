/* The audit of the kernel's SAs and policies: all of our range against the account of xf.h. It
 * changes nothing. */
#include "io/xf.h"
#include "io/xfrm_alg.h"

#include <stdio.h>

struct look {
    struct io_xfrm *x;
    struct core_audit *a;
    const struct core_config *cfg;
};

static const char *name_of(const struct look *l, uint32_t tunnel)
{
    return tunnel < l->cfg->n_tunnels ? l->cfg->tunnels[tunnel].ike.name : "?";
}

static struct core_finding finding(enum core_audit_what what, enum core_audit_kind kind,
                                   uint32_t tunnel)
{
    return (struct core_finding){.what = what, .kind = kind, .tunnel = tunnel};
}

static void reset(const struct look *l, struct core_finding *f)
{
    snprintf(f->remedy, sizeof(f->remedy), "kedge reset %s", name_of(l, f->tunnel));
}

/* ---- SAs ---- */

static void place_sa(struct core_finding *f, const struct nl_sa_id *id)
{
    char dst[KD_ADDR_STR_MAX];

    snprintf(f->where, sizeof(f->where), "dst %s proto esp spi 0x%08x", kd_addr_str(&id->dst, dst),
             id->spi);
}

static void extra_sa(const struct look *l, const struct nl_sa *sa)
{
    uint32_t tunnel = sa->if_id - xf_id(0);
    struct core_finding f = finding(CORE_AUDIT_SA, CORE_AUDIT_EXTRA,
                                    tunnel < l->cfg->n_tunnels ? tunnel : CORE_NO_TUNNEL);
    const struct nl_sa_id id = {sa->dst, sa->spi};
    const struct xf_gone *g = l->x->gone;

    while (g && (g->is_policy || g->id.spi != id.spi || !kd_addr_eq(&g->id.dst, &id.dst)))
        g = g->next;
    l->a->looked[CORE_AUDIT_SA]++;
    place_sa(&f, &id);
    snprintf(f.detail, sizeof(f.detail), "reqid 0x%x if_id 0x%x: %s", sa->reqid, sa->if_id,
             g ? "its deletion was refused, and is asked for again"
               : "of kedge's range, and no pair has it");
    snprintf(f.remedy, sizeof(f.remedy), "ip xfrm state delete %s", f.where);
    core_audit_add(l->a, &f);
}

static bool same_alg(const struct nl_sa *sa, const struct core_sa *want)
{
    const struct kc_alg *encr = kc_alg_find(KC_ENCR, want->encr, want->encr_bits);
    const struct kc_alg *integ = want->integ ? kc_alg_find(KC_INTEG, want->integ, 0) : NULL;
    struct nl_sa_alg e, i;

    return io_xfrm_alg(encr, integ, &e, &i) && strcmp(e.name, sa->encr.name) == 0 &&
           e.key_len == sa->encr.key_len && strcmp(i.name, sa->integ.name) == 0;
}

/* NULL, or what isn't as it was made. */
static const char *sa_differs(const struct xf_child *c, bool inbound, const struct nl_sa *sa)
{
    const struct kd_endpoint *from = inbound ? &c->sa.remote : &c->sa.local;
    const struct kd_endpoint *to = inbound ? &c->sa.local : &c->sa.remote;

    if (!kd_addr_eq(&sa->src, &from->addr))
        return "its source address";
    if (sa->reqid != xf_id(c->sa.tunnel) || sa->if_id != xf_id(c->sa.tunnel))
        return "its reqid or if_id";
    if (sa->encap != c->sa.sa.encap)
        return sa->encap ? "it is in UDP" : "it isn't in UDP";
    if (sa->encap && (sa->encap_sport != from->port || sa->encap_dport != to->port))
        return "its UDP ports";
    if (sa->mark_out != (inbound ? 0 : c->sa.kernel.mark))
        return "its output mark";
    return same_alg(sa, &c->sa.sa) ? NULL : "its algorithms";
}

static void audit_sa(void *arg, const struct nl_xfrm_event *ev)
{
    const struct look *l = arg;
    const struct nl_sa_id id = {ev->sa.dst, ev->sa.spi};
    struct core_finding f;
    struct xf_child *c;
    const char *why;
    bool inbound;

    if (!xf_sa_is_ours(ev) || id.spi == 0) /* the kernel's own, while a trap's packet waits */
        return;
    c = xf_child_by_sa(l->x, ev->sa.reqid - xf_id(0), &id);
    if (!c)
        c = xf_child_by_sa(l->x, ev->sa.if_id - xf_id(0), &id);
    if (!c) {
        extra_sa(l, &ev->sa);
        return;
    }
    inbound = xf_sa_id(&c->sa, true).spi == id.spi && kd_addr_eq(&c->sa.local.addr, &id.dst);
    c->audited[inbound] = true;
    why = sa_differs(c, inbound, &ev->sa);
    if (!why)
        return;
    f = finding(CORE_AUDIT_SA, CORE_AUDIT_DIFFERENT, c->sa.tunnel);
    place_sa(&f, &id);
    snprintf(f.detail, sizeof(f.detail), "not as it was made: %s", why);
    reset(l, &f);
    core_audit_add(l->a, &f);
}

static void missing_sa(const struct look *l, const struct xf_child *c, bool inbound)
{
    const struct nl_sa_id id = xf_sa_id(&c->sa, inbound);
    struct core_finding f =
        finding(CORE_AUDIT_SA, c->ended ? CORE_AUDIT_BUSY : CORE_AUDIT_MISSING, c->sa.tunnel);

    place_sa(&f, &id);
    snprintf(f.detail, sizeof(f.detail), "the %s SA of %s: %s", inbound ? "inbound" : "outbound",
             name_of(l, c->sa.tunnel),
             c->ended ? "IKE has been told, and makes another" : "it was there, and is gone");
    reset(l, &f);
    core_audit_add(l->a, &f);
}

/* ---- policies ---- */

static void place_policy(struct core_finding *f, const struct nl_selector *sel,
                         enum nl_policy_dir dir, uint32_t if_id)
{
    char src[KD_PREFIX_STR_MAX], dst[KD_PREFIX_STR_MAX], proto[64] = "";
    struct nl_selector s = *sel;

    if (s.proto)
        snprintf(proto, sizeof(proto), " proto %u sport %u dport %u", s.proto, s.sport, s.dport);
    snprintf(f->where, sizeof(f->where), "src %s dst %s%s dir %s if_id 0x%x",
             kd_prefix_str(&s.src, src), kd_prefix_str(&s.dst, dst), proto,
             nl_policy_dir_names[dir], if_id);
}

static struct xf_policy *policy_of(const struct io_xfrm *x, const struct nl_policy *p)
{
    struct nl_selector out = p->dir == NL_POLICY_OUT ? p->sel : io_xfrm_selector_back(&p->sel);
    uint32_t tunnel = p->if_id - xf_id(0);
    struct xf_policy *have = tunnel < CORE_TUNNELS_MAX ? x->tunnel[tunnel].policies : NULL;

    while (have && !io_xfrm_selector_eq(&have->sel, &out))
        have = have->next;
    return have;
}

static const char *policy_differs(const struct io_xfrm *x, const struct xf_policy *want,
                                  const struct nl_policy *p)
{
    const struct io_dp_sa *sa = &want->owner->sa;
    const bool mute = x->tunnel[sa->tunnel].mute;

    if (p->block != mute)
        return mute ? "it lets pass, though the tunnel is muted" : "it blocks";
    if (p->priority != io_xfrm_priority(&want->sel))
        return "its priority";
    if (p->n_tmpl != 1 || p->tmpl.reqid != xf_id(sa->tunnel))
        return "its template";
    if (p->dir == NL_POLICY_OUT &&
        (p->tmpl.spi != sa->sa.spi_out || !kd_addr_eq(&p->tmpl.dst, &sa->remote.addr)))
        return "it names another SA";
    return NULL;
}

/* A trap's policy, while no pair has its selector. */
static bool is_trap(const struct io_xfrm *x, const struct nl_policy *p)
{
    const uint32_t tunnel = p->if_id - xf_id(0);
    const struct xf_tunnel *t = tunnel < CORE_TUNNELS_MAX ? &x->tunnel[tunnel] : NULL;
    int i = t && p->dir == NL_POLICY_OUT ? xf_trapped(t, &p->sel) : -1;

    if (i < 0 || p->block || p->tmpl.spi || !kd_addr_eq(&p->tmpl.dst, &t->trap.remote))
        return false;
    t->trap.audited[i] = true;
    return true;
}

static void audit_policy(void *arg, const struct nl_xfrm_event *ev)
{
    const struct look *l = arg;
    const struct nl_policy *p = &ev->policy;
    struct core_finding f;
    struct xf_policy *want;
    const char *why;

    if (!xf_policy_is_ours(ev))
        return;
    want = policy_of(l->x, p);
    if (!want && is_trap(l->x, p))
        return;
    why = want ? policy_differs(l->x, want, p) : "of kedge's range, and no pair has it";
    if (want)
        want->audited[p->dir] = true;
    else
        l->a->looked[CORE_AUDIT_POLICY]++;
    if (!why)
        return;
    f = finding(CORE_AUDIT_POLICY, want ? CORE_AUDIT_DIFFERENT : CORE_AUDIT_EXTRA,
                want ? want->owner->sa.tunnel : CORE_NO_TUNNEL);
    place_policy(&f, &p->sel, p->dir, p->if_id);
    snprintf(f.detail, sizeof(f.detail), "%s%s", want ? "not as it was made: " : "", why);
    if (want)
        reset(l, &f);
    else
        snprintf(f.remedy, sizeof(f.remedy), "ip xfrm policy delete %s", f.where);
    core_audit_add(l->a, &f);
}

static void missing_policy(const struct look *l, uint32_t tunnel, const struct nl_selector *sel,
                           enum nl_policy_dir dir)
{
    struct core_finding f = finding(CORE_AUDIT_POLICY, CORE_AUDIT_MISSING, tunnel);
    struct nl_selector back = io_xfrm_selector_back(sel);

    place_policy(&f, dir == NL_POLICY_OUT ? sel : &back, dir, xf_id(tunnel));
    snprintf(f.detail, sizeof(f.detail), "of %s: it was there, and is gone", name_of(l, tunnel));
    reset(l, &f);
    core_audit_add(l->a, &f);
}

/* ---- all of it ---- */

static void begin(struct io_xfrm *x)
{
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++) {
        for (struct xf_child *c = x->tunnel[i].children; c; c = c->next)
            c->audited[0] = c->audited[1] = false;
        for (struct xf_policy *p = x->tunnel[i].policies; p; p = p->next)
            memset(p->audited, 0, sizeof(p->audited));
        for (uint32_t s = 0; s < x->tunnel[i].trap.n_sel; s++)
            x->tunnel[i].trap.audited[s] = false;
    }
}

static void missing_traps(const struct look *l, uint32_t tunnel)
{
    const struct xf_tunnel *t = &l->x->tunnel[tunnel];

    for (uint32_t i = 0; i < t->trap.n_sel; i++) {
        const struct nl_policy p = {
            .sel = t->trap.sel[i], .dir = NL_POLICY_OUT, .if_id = xf_id(tunnel)};
        if (policy_of(l->x, &p))
            continue; /* a pair has taken it over */
        l->a->looked[CORE_AUDIT_POLICY]++;
        if (!t->trap.audited[i])
            missing_policy(l, tunnel, &t->trap.sel[i], NL_POLICY_OUT);
    }
}

static void end(const struct look *l, uint32_t tunnel)
{
    const struct xf_tunnel *t = &l->x->tunnel[tunnel];

    for (const struct xf_child *c = t->children; c; c = c->next)
        for (int inbound = 1; inbound >= 0; inbound--)
            if (!c->audited[inbound])
                missing_sa(l, c, inbound);
    for (const struct xf_policy *p = t->policies; p; p = p->next)
        for (size_t dir = 0; dir < KD_ARRAY_LEN(p->audited); dir++) {
            l->a->looked[CORE_AUDIT_POLICY]++;
            if (!p->audited[dir])
                missing_policy(l, tunnel, &p->sel, (enum nl_policy_dir)dir);
        }
    missing_traps(l, tunnel);
}

bool io_xfrm_audit(struct io_xfrm *x, const struct core_config *cfg, struct core_audit *a,
                   char *text, size_t cap)
{
    struct look l = {x, a, cfg};

    begin(x);
    if (xf_dump(x, false, audit_sa, &l, text, cap) != 0 ||
        xf_dump(x, true, audit_policy, &l, text, cap) != 0)
        return false;
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        end(&l, i);
    return true;
}

uint32_t io_xfrm_pairs(const struct io_xfrm *x, struct core_audit_pair *out, uint32_t max)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        for (const struct xf_child *c = x->tunnel[i].children; c; c = c->next, n++)
            if (n < max)
                out[n] =
                    (struct core_audit_pair){i, c->sa.child, c->sa.sa.spi_in, c->sa.sa.spi_out};
    return n;
}
