/* All interleavings of two engines, within bounds: exchanges begun by either side at any time,
 * datagrams lost, repeated or overtaken in every place. Every state is entered once; what holds in
 * it is checked there; from every state that is at rest the two are left alone for two minutes and
 * must end as one (or as nothing, where that was ordered).
 *
 *   In every state, unless a pair's or an SA's end was ordered: each side sends on exactly one
 * pair, and what it sends, or has sent less than 4 s ago, is received by the other.
 *
 * No time passes between two steps but where nothing is under way and something is unanswered:
 * there the next timer fires. A path is replayed from the start where the search turns back; what
 * is drawn at random depends on the state alone (ike_state.h), so equal states have equal futures.
 *
 * EXPLORE=ops,faults[,kinds[,local]] explores those bounds as well (kinds: bits of enum op; local:
 * jobs and installations end at any time), EXPLORE_SEED draws otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "ike/child.h"
#include "ike_state.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SLOW 1 /* the sanitizers': several times slower, so less of it */
#else
#define SLOW 0
#endif

#define DEPTH_MAX 120
#define REST_US   KD_S(120)
#define SETTLED_US KD_S(3) /* two that call each other: long before a death would be noticed */
#define FLIGHT_US KD_S(4) /* a packet is no longer under way; the old pair receives for 5 s */
#define USED      32
#define SAS_MAX                                                                                    \
    5 /* in use, two that ended by our own rekeys, a collision's loser, a predecessor              \
       */

/* An expired child is deleted, and a new one made. UP is for two that begin apart. */
enum op { OP_REKEY_CHILD, OP_REKEY_IKE, OP_EXPIRE_CHILD, OP_DOWN, OP_PROBE, OP_N, OP_UP = OP_N };
static const char *const op_name[] = {"rekey-child", "rekey-ike", "expire-child",
                                      "down",        "probe",     "up"};
#define ENDS(op) ((op) == OP_EXPIRE_CHILD || (op) == OP_DOWN)

enum kind { T_OP, T_DELIVER, T_LOSE, T_REPEAT, T_LOCAL, T_TIMER };
static const char *const kind_name[] = {"begins", "delivered", "lost", "repeated", "done", "timer"};

struct step {
    enum kind kind;
    int side;     /* T_OP, T_LOCAL */
    unsigned arg; /* op, or datagram */
    uint64_t seed;
    char what[64];
};

struct bound {
    unsigned ops, faults; /* exchanges a side; faults in all */
    unsigned kinds;       /* bits of enum op */
    bool local;           /* jobs and installations end at any time, not at once */
    bool apart;           /* nothing is up yet: the one op of either side is UP */
    bool abrupt;          /* B ends its other SA on INITIAL_CONTACT, without a word */
};

struct used {
    uint32_t spi;
    uint64_t at_us;
};

struct explorer {
    struct pair *p;
    struct bound bound;
    uint64_t base;
    struct step path[DEPTH_MAX];
    unsigned depth, depth_max;
    unsigned ops[2], faults;
    bool ended, down; /* an end was ordered: traffic stops; for good */
    struct used used[2][USED];
    unsigned n_used[2];
    uint64_t *seen;
    size_t seen_cap;
    unsigned long states, transitions, rests;
    void (*plant)(struct explorer *x); /* breaks something after every step */
    char failure[256];
};

/* ---- the set of states ---- */

static void *must(void *p)
{
    assert_non_null(p);
    return p;
}

static bool place(uint64_t *seen, size_t cap, uint64_t h)
{
    size_t i = h & (cap - 1);

    while (seen[i] && seen[i] != h)
        i = (i + 1) & (cap - 1);
    if (seen[i])
        return false;
    seen[i] = h;
    return true;
}

static bool is_new(struct explorer *x, uint64_t h)
{
    if (x->states * 2 >= x->seen_cap) {
        size_t cap = x->seen_cap ? x->seen_cap * 2 : 1 << 14;
        uint64_t *bigger = must(calloc(cap, sizeof(*bigger)));
        for (size_t i = 0; i < x->seen_cap; i++)
            if (x->seen[i])
                place(bigger, cap, x->seen[i]);
        free(x->seen);
        x->seen = bigger;
        x->seen_cap = cap;
    }
    if (!place(x->seen, x->seen_cap, h ? h : 1))
        return false;
    x->states++;
    return true;
}

/* ---- what must hold ---- */

static bool broken(struct explorer *x, const char *what)
{
    snprintf(x->failure, sizeof(x->failure), "%s", what);
    return false;
}

static const struct pair_child *inbound(const struct pair *p, int side, uint32_t spi)
{
    for (unsigned i = 0; i < p->s[side].n_children; i++)
        if (p->s[side].child[i].spi_in == spi)
            return &p->s[side].child[i];
    return NULL;
}

static void remember(struct explorer *x, int side, uint32_t spi)
{
    struct used *u = x->used[side];
    unsigned i = 0;

    while (i < x->n_used[side] && u[i].spi != spi)
        i++;
    assert_true(i < USED);
    x->n_used[side] += i == x->n_used[side];
    u[i] = (struct used){spi, x->p->now_us};
}

static bool keys_fit(const struct pair *p)
{
    for (unsigned i = 0; i < p->s[A].n_children; i++) {
        const struct pair_child *a = &p->s[A].child[i];
        const struct pair_child *b = inbound(p, B, a->spi_out);
        if (b && (b->spi_out != a->spi_in || memcmp(a->key[2], b->key[0], a->key_len[2]) != 0 ||
                  memcmp(a->key[0], b->key[2], a->key_len[0]) != 0))
            return false;
    }
    return true;
}

static bool traffic_passes(struct explorer *x, int side)
{
    const struct pair *p = x->p;
    const struct pair_child *out = pair_outbound(p, side);

    if (!out)
        return broken(x, "a side has no pair to send on");
    remember(x, side, out->spi_out);
    for (unsigned i = 0; i < x->n_used[side]; i++) {
        const struct used *u = &x->used[side][i];
        if (u->at_us + FLIGHT_US > p->now_us && !inbound(p, !side, u->spi))
            return broken(x, u->spi == out->spi_out ? "a side sends on a pair the other has not"
                                                    : "a packet under way is not received");
    }
    return true;
}

static bool holds(struct explorer *x)
{
    if (x->p->s[A].n_children > IKE_SA_CHILDREN || x->p->s[B].n_children > IKE_SA_CHILDREN)
        return broken(x, "more pairs than there is room for");
    if (state_sas(x->p, A) > SAS_MAX || state_sas(x->p, B) > SAS_MAX)
        return broken(x, "IKE SAs pile up");
    if (!keys_fit(x->p))
        return broken(x, "one pair, and the ends have other keys");
    return x->ended || (traffic_passes(x, A) && traffic_passes(x, B));
}

static bool agree(struct explorer *x)
{
    struct ike_view a, b;

    if (!ike_conn_view(x->p->s[A].e, 7, &a) || !ike_conn_view(x->p->s[B].e, 7, &b) ||
        !a.established || !b.established || memcmp(a.spi_i, b.spi_i, 8) != 0)
        return broken(x, "the ends don't have the same IKE SA");
    return true;
}

static bool ends_well(struct explorer *x)
{
    const struct pair *p = x->p;

    if (x->down)
        return p->s[A].n_children + p->s[B].n_children == 0 || broken(x, "pairs are left");
    if (!agree(x))
        return false;
    if (state_sas(p, A) != 1 || state_sas(p, B) != 1)
        return broken(x, "an IKE SA is left over");
    if (p->s[A].n_children != 1 || p->s[B].n_children != 1 || !pair_children_agree(p))
        return broken(x, "the ends don't have the same one pair");
    return true;
}

/* ---- steps ---- */

static void settle(struct explorer *x)
{
    if (!x->bound.local)
        pair_run(x->p, KD_MS(1)); /* jobs and installations */
    if (x->plant)
        x->plant(x);
}

static void begin(struct explorer *x)
{
    struct pair *p = x->p;

    pair_renew(p);
    p->s[A].hold_jobs = p->s[B].hold_jobs = p->s[A].hold_install = p->s[B].hold_install = false;
    state_seed(p, x->base);
    if (!x->bound.apart)
        assert_true(pair_establish(p));
    p->hold_net = true;
    for (int i = 0; i < 2; i++)
        p->s[i].hold_jobs = p->s[i].hold_install = x->bound.local;
    x->ops[A] = x->ops[B] = x->bound.ops;
    x->faults = x->bound.faults;
    x->ended = x->bound.apart; /* there is no traffic that must not stop */
    x->down = false;
    x->n_used[A] = x->n_used[B] = 0;
}

static void start(struct explorer *x, int side, enum op op)
{
    static const enum ike_command cmd[] = {[OP_REKEY_CHILD] = IKE_CMD_REKEY_CHILD,
                                               [OP_REKEY_IKE] = IKE_CMD_REKEY_IKE,
                                               [OP_DOWN] = IKE_CMD_DOWN,
                                               [OP_PROBE] = IKE_CMD_PROBE,
                                               [OP_UP] = IKE_CMD_UP};
    const struct pair_child *out = pair_outbound(x->p, side);

    x->ops[side]--;
    x->ended = x->ended || ENDS(op);
    x->down = x->down || op == OP_DOWN;
    if (op == OP_EXPIRE_CHILD && out)
        pair_step(x->p, side,
                  &(struct ike_event){.kind = IKE_EV_CHILD_EXPIRE, .child = out->child});
    else if (op != OP_EXPIRE_CHILD)
        pair_command(x->p, side, cmd[op]);
}

/* To B the SA that A's IKE_AUTH request belongs to is no collision with one that is up already, so
 * the INITIAL_CONTACT in it ends that one. */
static void believe(struct pair *p, const struct pair_packet *k)
{
    const struct ike *b = p->s[B].e;
    struct ike_sa *sa = ike_index_spi(b, k->data + IKE_SPI_LEN);

    if (k->from == A && k->data[18] == IKE_X_AUTH && sa && sa->state == IKE_ST_R_INIT &&
        !kd_handle_none(ike_conn_find(b, 7)->sa))
        sa->created_us = KD_NEVER;
}

static void deliver(struct explorer *x, unsigned i)
{
    if (x->bound.abrupt)
        believe(x->p, &x->p->pkt[i]);
    pair_deliver(x->p, i);
}

static void apply(struct explorer *x, const struct step *s)
{
    struct pair *p = x->p;
    uint64_t next = KD_MIN(p->s[A].deadline_us, p->s[B].deadline_us);

    state_seed(p, s->seed);
    switch (s->kind) {
    case T_OP:
        start(x, s->side, (enum op)s->arg);
        break;
    case T_DELIVER:
        deliver(x, s->arg);
        break;
    case T_LOSE:
        pair_lose(p, s->arg);
        break;
    case T_REPEAT:
        pair_repeat(p, s->arg);
        deliver(x, s->arg);
        break;
    case T_LOCAL:
        pair_release_one(p, s->side);
        break;
    case T_TIMER:
        pair_run(p, KD_MAX(next, p->now_us) - p->now_us + 1);
        break;
    }
    if (s->kind == T_LOSE || s->kind == T_REPEAT || (s->kind == T_DELIVER && s->what[0] == '!'))
        x->faults--;
    settle(x);
}

static bool overtakes(const struct pair *p, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (p->pkt[k].from == p->pkt[i].from)
            return true;
    return false;
}

static void add(struct step *s, unsigned *n, enum kind kind, int side, unsigned arg,
                const char *what)
{
    struct step *t = &s[(*n)++];

    *t = (struct step){.kind = kind, .side = side, .arg = arg};
    snprintf(t->what, sizeof(t->what), "%s", what);
}

static void add_datagram(const struct explorer *x, struct step *s, unsigned *n, unsigned i)
{
    const struct pair_packet *k = &x->p->pkt[i];
    bool late = overtakes(x->p, i);
    char what[64];

    snprintf(what, sizeof(what), "%s%c's %s %u.%u", late ? "!" : "", 'A' + k->from,
             k->data[19] & IKE_FLAG_RESPONSE ? "answer" : "request", k->data[18], k->data[23]);
    if (!late || x->faults)
        add(s, n, T_DELIVER, k->from, i, what);
    if (x->faults && !late) {
        add(s, n, T_LOSE, k->from, i, what);
        add(s, n, T_REPEAT, k->from, i, what);
    }
}

static bool at_rest(const struct explorer *x)
{
    return x->p->n_pkt == 0 && x->p->n_evq == 0;
}

static bool unanswered(const struct explorer *x)
{
    return state_outstanding(x->p, A, x->bound.apart) || state_outstanding(x->p, B, x->bound.apart);
}

static unsigned steps_of(struct explorer *x, struct step *s)
{
    struct pair *p = x->p;
    unsigned n = 0;

    for (unsigned i = 0; i < p->n_pkt && i < 4; i++)
        add_datagram(x, s, &n, i);
    for (int side = 0; side < 2; side++) {
        for (unsigned op = 0; op <= OP_UP && x->ops[side] && !x->down; op++)
            if (x->bound.kinds & 1u << op)
                add(s, &n, T_OP, side, op, op_name[op]);
        for (unsigned i = 0; i < p->n_evq; i++)
            if (p->evq[i].side == side) {
                add(s, &n, T_LOCAL, side, 0, side ? "B's job" : "A's job");
                break;
            }
    }
    if (at_rest(x) && unanswered(x))
        add(s, &n, T_TIMER, 0, 0, "");
    return n;
}

/* ---- the search ---- */

static void print_path(const struct explorer *x)
{
    for (unsigned i = 0; i < x->depth; i++)
        print_error("  %2u  %c %-10s %s\n", i + 1, 'A' + x->path[i].side,
                    kind_name[x->path[i].kind], x->path[i].what);
}

static void replay(struct explorer *x)
{
    begin(x);
    for (unsigned i = 0; i < x->depth; i++) {
        apply(x, &x->path[i]);
        (void)holds(x); /* it did; what was used is remembered */
    }
}

static bool rest(struct explorer *x)
{
    struct pair *p = x->p;

    x->rests++;
    p->hold_net = false;
    for (int i = 0; i < 2; i++) {
        p->s[i].hold_jobs = p->s[i].hold_install = false;
        pair_release(p, i);
    }
    for (uint64_t t = 0; t < REST_US; t += KD_S(1)) {
        pair_run(p, KD_S(1));
        if (x->plant)
            x->plant(x);
        if (!holds(x))
            return false;
        if (x->bound.apart && t == SETTLED_US &&
            !(agree(x) && traffic_passes(x, A) && traffic_passes(x, B)))
            return false;
    }
    return ends_well(x);
}

static uint64_t hash(const struct explorer *x)
{
    uint64_t h = state_hash(x->p);

    h ^= (x->ops[A] * 64 + x->ops[B] * 16 + x->faults * 4 + x->ended * 2 + x->down + 1) *
         UINT64_C(0xd6e8feb86659fd93);
    for (int side = 0; side < 2; side++)
        for (unsigned i = 0; i < x->n_used[side]; i++)
            if (x->used[side][i].at_us + FLIGHT_US > x->p->now_us)
                h = h * 31 + (inbound(x->p, !side, x->used[side][i].spi) != NULL);
    return h;
}

/* False: something is broken, and x->path leads there. */
static bool explore(struct explorer *x)
{
    struct step s[64];
    uint64_t h;
    unsigned n;
    bool resting;

    if (!holds(x))
        return false;
    h = hash(x);
    if (!is_new(x, h))
        return true;
    if (x->depth == DEPTH_MAX)
        return broken(x, "it does not come to rest");
    x->depth_max = KD_MAX(x->depth_max, x->depth);
    n = steps_of(x, s);
    assert_true(n <= 64);
    resting = at_rest(x) && !unanswered(x) && (!x->bound.apart || x->ops[A] + x->ops[B] == 0);
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            replay(x);
        s[i].seed = h ^ x->base;
        x->path[x->depth++] = s[i];
        x->transitions++;
        apply(x, &s[i]);
        if (!explore(x))
            return false;
        x->depth--;
    }
    if (!resting)
        return true;
    if (n > 0)
        replay(x);
    return rest(x);
}

static bool run(struct explorer *x, const struct bound *b, uint64_t seed)
{
    bool ok;

    x->bound = *b;
    x->base = seed;
    x->p = pair_new(seed, AZURE_IKE, AZURE_ESP);
    for (int i = 0; i < 2; i++) {
        x->p->s[i].cfg.role = IKE_ROLE_BOTH;
        x->p->s[i].cfg.detect_us = KD_S(45);
        x->p->s[i].cfg.retry_us = b->apart ? KD_S(60) : 0; /* what went wrong is seen */
    }
    begin(x);
    ok = explore(x);
    pair_free(x->p);
    free(x->seen);
    return ok;
}

static void explored(const char *name, const struct bound *b, uint64_t seed)
{
    struct explorer x = {.depth = 0};
    bool ok = run(&x, b, seed);

    print_message("%s, %u a side, %u faults, seed %llu: %lu states, %lu transitions, %lu rests, "
                  "%u deep\n",
                  name, b->ops, b->faults, (unsigned long long)seed, x.states, x.transitions,
                  x.rests, x.depth_max);
    if (ok)
        return;
    print_error("%s after\n", x.failure);
    print_path(&x);
    fail();
}

#define BIT(op) (1u << OP_##op)
#define REKEYS  (BIT(REKEY_CHILD) | BIT(REKEY_IKE))
#define ALL     ((1u << OP_N) - 1)

static void every_interleaving_of_rekeys_keeps_the_traffic_and_ends_in_one(void **state)
{
    (void)state;
    explored("rekeys", &(struct bound){.ops = 1, .faults = 2 - SLOW, .kinds = REKEYS}, 1);
    explored("rekeys", &(struct bound){.ops = 2 - SLOW, .faults = 0, .kinds = REKEYS}, 2);
}

static void so_does_every_interleaving_with_jobs_and_installations(void **state)
{
    (void)state;
    explored("rekeys in parts",
             &(struct bound){.ops = 1, .faults = 1, .kinds = REKEYS, .local = true}, 3);
}

static void so_does_every_interleaving_with_ends_and_probes(void **state)
{
    (void)state;
    explored("all", &(struct bound){.ops = 1, .faults = 1 - SLOW, .kinds = ALL}, 4);
}

static void two_that_call_each_other_end_with_one_whoever_is_heard_first(void **state)
{
    struct bound b = {.ops = 1, .faults = 2 - SLOW, .kinds = BIT(UP), .apart = true};
    (void)state;

    for (uint64_t seed = 5; seed < 9; seed++) {
        b.abrupt = false;
        explored("from nothing", &b, seed);
        b.abrupt = true;
        explored("from nothing, where one believes INITIAL_CONTACT", &b, seed);
    }
}

/* ---- it can fail ---- */

/* To B the nonces of A's exchange are these. */
static void b_misjudges(struct explorer *x, int octet)
{
    struct kd_handle h = KD_HANDLE_NONE;
    struct ike_sa *sa;

    while ((sa = kd_slab_next(&x->p->s[B].e->sas, &h))) {
        struct ike_child *rival = sa->ours ? ike_child_get(x->p->s[B].e, sa->ours->rival) : NULL;
        if (rival)
            memset(rival->nonce_low.b, octet, sizeof(rival->nonce_low.b));
        if (sa->waiting)
            memset(sa->nonce_low.b, octet, sizeof(sa->nonce_low.b));
    }
}

static void b_always_loses(struct explorer *x)
{
    b_misjudges(x, 0xff);
}

static void b_always_wins(struct explorer *x)
{
    b_misjudges(x, 0);
}

/* A's data plane forgets old pairs at once. */
static void a_drops_what_is_not_used(struct explorer *x)
{
    struct pair_side *s = &x->p->s[A];

    for (unsigned i = 0; i < s->n_children; i++)
        if (s->n_children > 1 && !s->child[i].used && s->uses)
            s->child[i--] = s->child[--s->n_children];
}

static void must_break(void (*plant)(struct explorer *))
{
    const struct bound b = {.ops = 1, .faults = 0, .kinds = REKEYS};
    struct explorer x;
    uint64_t seed = 0;

    do {
        assert_true(++seed < 10); /* half of the draws decide as they should all the same */
        x = (struct explorer){.plant = plant};
    } while (run(&x, &b, seed));
    print_message("planted: %s after %u steps, in state %lu of seed %llu\n", x.failure, x.depth,
                  x.states, (unsigned long long)seed);
}

static void planted_errors_are_found(void **state)
{
    (void)state;
    must_break(b_always_loses);
    must_break(b_always_wins);
    must_break(a_drops_what_is_not_used);
}

static void bounds_of_the_environment_are_explored(void **state)
{
    const char *text = getenv("EXPLORE"), *seed = getenv("EXPLORE_SEED");
    struct bound b = {.kinds = ALL};
    unsigned local = 0;
    (void)state;

    if (!text || sscanf(text, "%u,%u,%i,%u", &b.ops, &b.faults, (int *)&b.kinds, &local) < 2)
        skip();
    b.local = local;
    explored("as asked for", &b, seed ? strtoull(seed, NULL, 0) : 1);
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_interleaving_of_rekeys_keeps_the_traffic_and_ends_in_one),
        T(so_does_every_interleaving_with_jobs_and_installations),
        T(so_does_every_interleaving_with_ends_and_probes),
        T(two_that_call_each_other_end_with_one_whoever_is_heard_first),
        T(planted_errors_are_found),
        T(bounds_of_the_environment_are_explored),
    };

    cmocka_set_test_filter(getenv("IKE_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
