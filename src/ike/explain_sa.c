/* Two lists of proposals side by side: the nearest pair of one offered and one configured, its
 * transforms type by type, the first type without a common algorithm (RFC 7296 2.7, 3.3), and the
 * smallest change on either side that would have made it fit. */
#include "ike/explaining.h"

struct lists {
    uint8_t protocol;
    bool no_dh; /* IKE_AUTH: the group is not negotiated */
    bool has_off, has_conf;
    struct ike_proposals off, conf;
};

/* Types in the order in which they are compared and told. */
static const struct {
    uint8_t type;
    bool ike, esp;
    const char *what;
} types[] = {
    {KC_ENCR, true, true, "encryption"}, {KC_INTEG, true, true, "integrity"},
    {KC_PRF, true, false, "PRF"},        {KC_DH, true, true, "group"},
    {KC_ESN, false, true, "ESN"},
};
#define N_TYPES KD_ARRAY_LEN(types)

static bool compared(const struct lists *l, size_t k)
{
    if (l->protocol == IKE_PROTO_IKE)
        return types[k].ike;
    return types[k].esp && !(l->no_dh && types[k].type == KC_DH);
}

static const char *what_of(const struct lists *l, size_t k)
{
    return l->protocol == IKE_PROTO_ESP && types[k].type == KC_DH ? "PFS group" : types[k].what;
}

/* ---- one type of one proposal ---- */

static bool has(const struct ike_proposal *p, uint8_t type, uint16_t id, uint16_t bits)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && p->t[i].id == id && p->t[i].key_bits == bits &&
            !p->t[i].unusable)
            return true;
    return false;
}

static bool has_type(const struct ike_proposal *p, uint8_t type)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && !(p->t[i].id == 0 && type != KC_ESN))
            return true;
    return false;
}

static bool intersect(const struct ike_proposal *a, const struct ike_proposal *b, uint8_t type)
{
    for (unsigned i = 0; i < a->n; i++)
        if (a->t[i].type == type && !a->t[i].unusable && has(b, type, a->t[i].id, a->t[i].key_bits))
            return true;
    return false;
}

/* Absent stands for NONE (3.3.3), and for ESN off. */
static bool may_lack(const struct ike_proposal *p, uint8_t type)
{
    if (type == KC_ESN)
        return !has_type(p, type) || has(p, type, 0, 0);
    return !has_type(p, type) || has(p, type, 0, 0);
}

static bool agree(const struct ike_proposal *a, const struct ike_proposal *b, uint8_t type)
{
    return intersect(a, b, type) || (may_lack(a, type) && may_lack(b, type));
}

static void type_text(const struct ike_proposal *p, uint8_t type, char *buf, size_t cap)
{
    struct ike_text t = ike_text(buf, cap);
    unsigned n = 0;

    for (unsigned i = 0; i < p->n; i++) {
        const struct ike_transform *x = &p->t[i];
        const struct kc_alg *alg = kc_alg_find(x->type, x->id, x->key_bits);
        if (x->type != type)
            continue;
        if (x->id == 0 && type != KC_ESN)
            ike_text_add(&t, "%snone", n++ ? ", " : "");
        else if (alg && !x->unusable)
            ike_text_add(&t, "%s%s", n++ ? ", " : "", alg->name);
        else
            ike_text_add(&t, "%snumber %u%s", n++ ? ", " : "", x->id,
                         x->unusable ? " (bad attribute)" : "");
    }
    if (!n)
        ike_text_add(&t, type == KC_ESN ? "noesn" : "none");
}

/* A transform type that spoils the proposal (3.3.6): type, or 0. */
static uint8_t foreign_type(const struct ike_proposal *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type > KC_ESN)
            return p->t[i].type;
    return 0;
}

/* ---- the nearest pair ---- */

struct nearest {
    unsigned off, conf;
    bool differs[N_TYPES];
    int first; /* index of types; -1: none differs */
    unsigned n_differ;
};

static struct nearest compare(const struct lists *l, unsigned off, unsigned conf)
{
    struct nearest n = {.off = off, .conf = conf, .first = -1};

    for (size_t k = 0; k < N_TYPES; k++) {
        if (!compared(l, k) || agree(&l->off.p[off], &l->conf.p[conf], types[k].type))
            continue;
        n.differs[k] = true;
        n.n_differ++;
        if (n.first < 0)
            n.first = (int)k;
    }
    return n;
}

/* Fewest types differ; of equals the one that differs latest, then the first of the lists. */
static bool nearer(const struct nearest *a, const struct nearest *b)
{
    return a->n_differ != b->n_differ ? a->n_differ < b->n_differ : a->first > b->first;
}

static struct nearest nearest_of(const struct lists *l)
{
    struct nearest best = compare(l, 0, 0);

    for (unsigned c = 0; c < l->conf.n; c++)
        for (unsigned o = 0; o < l->off.n; o++) {
            struct nearest n = compare(l, o, c);
            if (nearer(&n, &best))
                best = n;
        }
    return best;
}

/* ---- what to change ---- */

/* base, with the transforms of each differing type taken from other as far as kedge knows them;
 * false when there is a type of which it knows none. */
static bool adapt(const struct ike_proposal *base, const struct ike_proposal *other,
                  const struct nearest *n, struct ike_proposal *out)
{
    *out = (struct ike_proposal){.protocol = base->protocol};
    for (size_t k = 0; k < N_TYPES; k++) {
        const struct ike_proposal *from = n->differs[k] ? other : base;
        bool wanted = has_type(from, types[k].type), any = false;
        for (unsigned i = 0; i < from->n && out->n < IKE_TRANSFORM_MAX; i++) {
            const struct ike_transform *t = &from->t[i];
            if (t->type != types[k].type || t->unusable ||
                !kc_alg_find(t->type, t->id, t->key_bits))
                continue;
            out->t[out->n++] = *t;
            any = true;
        }
        if (wanted && !any)
            return false;
    }
    return out->n > 0;
}

/* The tunnel's list with one more in it, or one for its only one. */
static void here(const struct lists *l, const struct ike_explain_env *env, const char *want,
                 struct ike_explanation *x)
{
    bool ike = l->protocol == IKE_PROTO_IKE;
    const struct ike_proposals *now = ike ? &env->conn->ike : &env->conn->esp;
    const struct ike_proposals *rest = ike ? &env->conn->esp : &env->conn->ike;
    const char *key = ike ? "ike" : "esp";
    char list[256], other[256];

    if (env->profile[0]) {
        ike_proposals_text(rest, other, sizeof(other));
        ike_explain_here(x, ike ? IKE_KEY_IKE : IKE_KEY_ESP,
                         "%s: [%s] and %s: [%s], instead of profile: %s", key, want,
                         ike ? "esp" : "ike", other, env->profile);
        return;
    }
    ike_proposals_text(now, list, sizeof(list));
    if (now->n == 1 || strlen(list) > 200)
        ike_explain_here(x, ike ? IKE_KEY_IKE : IKE_KEY_ESP, "%s: [%s]%s", key, want,
                         now->n == 1 ? "" : ", beside the others");
    else
        ike_explain_here(x, ike ? IKE_KEY_IKE : IKE_KEY_ESP, "%s: [%s, %s]", key, list, want);
}

static void there(const struct lists *l, const struct ike_proposal *want, bool pfs_alone,
                  struct ike_explanation *x)
{
    char text[200], pfs[64];

    ike_proposal_text(want, text, sizeof(text));
    if (l->protocol == IKE_PROTO_IKE) {
        ike_explain_there(x, "swanctl.conf", "connections.*.proposals = %s", text);
        if (ike_ios_ike(want, text, sizeof(text)))
            ike_explain_there(x, "IOS", "crypto ikev2 proposal P: %s", text);
        return;
    }
    ike_explain_there(x, "swanctl.conf", "connections.*.children.*.esp_proposals = %s", text);
    if (!pfs_alone && ike_ios_esp(want, text, sizeof(text)))
        ike_explain_there(x, "IOS", "crypto ipsec transform-set T %s", text);
    if (!l->no_dh && ike_ios_pfs(want, pfs, sizeof(pfs)))
        ike_explain_there(x, "IOS", "crypto ipsec profile P: %s", pfs);
}

/* ---- both lists are known ---- */

static void rows(const struct lists *l, const struct nearest *n, struct ike_explanation *x)
{
    const struct ike_proposal *o = &l->off.p[n->off], *c = &l->conf.p[n->conf];
    char left[256], right[256], text[200];

    ike_explain_say(left, "%s (%u of %u)", ike_proposal_text(o, text, sizeof(text)), n->off + 1,
                    l->off.n);
    ike_explain_say(right, "%s (%u of %u)", ike_proposal_text(c, text, sizeof(text)), n->conf + 1,
                    l->conf.n);
    ike_explain_row(x, "nearest", left, right, false);
    for (size_t k = 0; k < N_TYPES; k++) {
        if (!compared(l, k))
            continue;
        type_text(o, types[k].type, left, sizeof(left));
        type_text(c, types[k].type, right, sizeof(right));
        ike_explain_row(x, what_of(l, k), left, right, n->differs[k]);
    }
}

static bool would_fit(const struct lists *l)
{
    struct ike_suite s;

    return ike_proposal_select(&l->off, &l->conf, l->protocol, l->no_dh ? IKE_SELECT_NO_DH : 0, &s,
                               NULL, NULL);
}

static void difference(const struct lists *l, const struct nearest *n, struct ike_explanation *x)
{
    const struct ike_proposal *o = &l->off.p[n->off];
    char left[150], right[150];

    if (n->first < 0) {
        if (would_fit(l))
            ike_explain_say(x->difference, "no difference: this would be accepted now");
        else if (foreign_type(o))
            ike_explain_say(x->difference,
                            "the offer holds a transform of type %u, which nobody "
                            "may ignore (RFC 7296 3.3.6)",
                            foreign_type(o));
        else
            ike_explain_say(x->difference, "no single type differs, but no combination fits: an "
                                           "AEAD goes without integrity, other ciphers don't");
        return;
    }
    type_text(o, types[n->first].type, left, sizeof(left));
    type_text(&l->conf.p[n->conf], types[n->first].type, right, sizeof(right));
    ike_explain_say(x->difference, "%s: %s is offered, %s is configured",
                    what_of(l, (size_t)n->first), left, right);
}

/* As the operator wrote it: IKE_AUTH's list lacks the groups of later rekeys. */
static const struct ike_proposal *with_groups(const struct ike_proposal *bare,
                                              const struct ike_proposals *written)
{
    char want[200], got[200];

    ike_proposal_text(bare, want, sizeof(want));
    for (unsigned i = 0; i < written->n; i++) {
        struct ike_proposals one = {.n = 1, .p = {written->p[i]}};
        ike_proposals_strip_dh(&one);
        if (strcmp(ike_proposal_text(&one.p[0], got, sizeof(got)), want) == 0)
            return &written->p[i];
    }
    return bare;
}

static void side_by_side(const struct lists *l, const struct ike_explain_env *env,
                         struct ike_explanation *x)
{
    struct nearest n = nearest_of(l);
    const struct ike_proposal *o = &l->off.p[n.off], *c = &l->conf.p[n.conf];
    bool pfs_alone = n.n_differ == 1 && types[n.first].type == KC_DH;
    struct ike_proposal want;
    char text[200];

    rows(l, &n, x);
    difference(l, &n, x);
    if (n.first < 0)
        return;
    if (pfs_alone && l->protocol == IKE_PROTO_ESP)
        ike_explain_say(x->cause,
                        "PFS is negotiated in rekeys only (RFC 7296 1.2): until the first "
                        "one nothing shows.");
    if (l->no_dh)
        c = with_groups(c, &env->conn->esp);
    if (adapt(c, o, &n, &want))
        here(l, env, ike_proposal_text(&want, text, sizeof(text)), x);
    if (adapt(o, &l->conf.p[n.conf], &n, &want))
        there(l, &want, pfs_alone, x);
}

/* ---- the peer refused ours ---- */

static void our_offers(const struct lists *l, const char *wanted, struct ike_explanation *x)
{
    char what[16], text[200];

    for (unsigned i = 0; i < l->off.n && i < 6; i++) {
        ike_explain_say(what, "proposal %u", i + 1);
        ike_explain_row(x, what, ike_proposal_text(&l->off.p[i], text, sizeof(text)),
                        i ? "" : wanted, false);
    }
    if (l->off.n > 6)
        ike_explain_row(x, "...", "and more", "", false);
}

/* INVALID_KE_PAYLOAD says which group it wants. */
static void other_group(const struct ike_refusal *r, const struct lists *l,
                        const struct ike_explain_env *env, struct ike_explanation *x)
{
    const struct kc_alg *dh = kc_alg_find(KC_DH, r->group, 0);
    struct ike_proposal want = l->off.p[0];
    char text[200];
    unsigned kept = 0;

    if (!dh) {
        ike_explain_say(x->difference, "group: the peer wants number %u, which kedge does not know",
                        r->group);
        return;
    }
    type_text(&l->off.p[0], KC_DH, text, sizeof(text));
    ike_explain_say(x->difference, "group: the peer wants %s, %s is offered", dh->name, text);
    for (unsigned i = 0; i < want.n; i++)
        if (want.t[i].type != KC_DH)
            want.t[kept++] = want.t[i];
    want.t[kept++] = (struct ike_transform){.type = KC_DH, .id = dh->id};
    want.n = (uint8_t)kept;
    here(l, env, ike_proposal_text(&want, text, sizeof(text)), x);
    there(l, &l->off.p[0], true, x);
}

/* A rekey of what was agreed on in IKE_AUTH: only the group is new. */
static void pfs(const struct lists *l, const struct ike_explain_env *env, struct ike_explanation *x)
{
    const struct ike_proposal *o = &l->off.p[0];
    struct ike_proposals bare = l->off;
    const struct kc_alg *dh = ike_proposals_first_dh(&env->conn->ike);
    struct ike_proposal want = *o;
    char text[200];

    if (has_type(o, KC_DH)) {
        type_text(o, KC_DH, text, sizeof(text));
        ike_explain_say(x->difference, "PFS group: %s is offered; the peer wants none, or another",
                        text);
        ike_explain_say(x->cause,
                        "All else was agreed on in IKE_AUTH, where the group is not "
                        "negotiated (RFC 7296 1.2). Most often the peer has PFS off; for another "
                        "group it should have said INVALID_KE_PAYLOAD.");
        ike_proposals_strip_dh(&bare);
        here(l, env, ike_proposal_text(&bare.p[0], text, sizeof(text)), x);
        there(l, o, true, x);
        return;
    }
    ike_explain_say(x->difference, "PFS group: none is offered; the peer insists on one");
    ike_explain_say(x->cause,
                    "All else was agreed on in IKE_AUTH, where the group is not negotiated "
                    "(RFC 7296 1.2). Which one it wants the peer does not say; most often it is "
                    "the IKE SA's.");
    if (dh && want.n < IKE_TRANSFORM_MAX) {
        want.t[want.n++] = (struct ike_transform){.type = KC_DH, .id = dh->id};
        here(l, env, ike_proposal_text(&want, text, sizeof(text)), x);
    }
    there(l, o, true, x);
}

static void unknown(const struct ike_refusal *r, const struct lists *l, struct ike_explanation *x)
{
    ike_explain_say(x->difference,
                    "not known: NO_PROPOSAL_CHOSEN does not say what the peer would take");
    if (r->exchange == IKE_X_SA_INIT)
        ike_explain_say(x->cause,
                        "Most often the group or the integrity algorithm differs, or the "
                        "peer has no connection for our address at all and says so like this.");
    else if (l->protocol == IKE_PROTO_IKE)
        ike_explain_say(x->cause, "The same suite was good in IKE_SA_INIT: most often the peer's "
                                  "configuration has changed since, or it does not rekey IKE SAs.");
    else
        ike_explain_say(x->cause, "Most often the integrity algorithm differs, or an AEAD meets "
                                  "CBC; the PFS group plays no part in IKE_AUTH.");
    there(l, &l->off.p[0], false, x);
}

static void refused_by_peer(const struct ike_refusal *r, const struct lists *l,
                            const struct ike_explain_env *env, struct ike_explanation *x)
{
    bool rekey = r->exchange == IKE_X_CREATE_CHILD_SA && l->protocol == IKE_PROTO_ESP;
    const struct kc_alg *dh = kc_alg_find(KC_DH, r->group, 0);

    our_offers(l, r->group && dh ? dh->name : IKE_NOT_TOLD, x);
    if (r->reason == KD_REASON_INVALID_KE && r->group)
        other_group(r, l, env, x);
    else if (rekey && (env->child_up || r->rekey))
        pfs(l, env, x);
    else
        unknown(r, l, x);
}

static void read_lists(const struct ike_refusal *r, struct lists *l)
{
    l->has_off = r->sa_offered.len && ike_proposals_parse(r->sa_offered, &l->off, NULL, NULL) &&
                 l->off.n > 0;
    l->has_conf = r->sa_configured.len &&
                  ike_proposals_parse(r->sa_configured, &l->conf, NULL, NULL) && l->conf.n > 0;
    l->protocol = l->has_off ? l->off.p[0].protocol : IKE_PROTO_NONE;
    l->no_dh = l->protocol == IKE_PROTO_ESP && r->exchange == IKE_X_AUTH;
}

void ike_explain_proposals(const struct ike_refusal *r, const struct ike_explain_env *env,
                           struct ike_explanation *x)
{
    struct lists l;

    read_lists(r, &l);
    if (l.has_off && l.has_conf)
        side_by_side(&l, env, x);
    else if (l.has_off)
        refused_by_peer(r, &l, env, x);
    else
        ike_explain_say(x->difference, "not known: the lists were not kept");
}
