/* The kernel's data plane: calls of xfrm.h, in the order that never leaves a hole.
 *
 *   ADD   inbound SA, outbound SA, policies that aren't there: it receives before anybody answers
 *   USE   each outbound policy names the new SPI
 *   DEL   policies to a successor (or away), then the SAs
 *
 * Known differences to the userspace one: ESP is taken in the form that was negotiated only, in UDP
 * or plain; TCP's MSS is not clamped (the interface's MTU is the SA's, and who is too large is
 * told); of a pair with several selectors what comes in is held against the tunnel's. */
#include "io/xf.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_LAST 8u /* 256 ticks of 50 ms */

/* ---- requests ---- */

void *xf_alloc(size_t len)
{
    void *p = calloc(1, len);

    kd_assert(p);
    return p;
}

void xf_begin(struct io_xfrm *x, struct xf_request *r)
{
    if (++x->seq == 0)
        x->seq = 1;
    r->seq = x->seq;
    r->b = (struct nl_buf){r->room, sizeof(r->room), 0};
    r->text[0] = '\0';
}

int xf_ask(struct io_xfrm *x, struct xf_request *r, io_xfrm_take_fn *take, void *arg)
{
    int err = x->k.talk(x->k.arg, &r->b, r->seq, take, arg, r->text, sizeof(r->text));

    kc_wipe(r->room, r->b.len);
    if (err && !r->text[0])
        snprintf(r->text, sizeof(r->text), "%s", strerror(err));
    return err;
}

/* ---- what would not go ---- */

void xf_trouble(struct io_xfrm *x, uint32_t tunnel, const char *what, const char *why)
{
    struct io_dp_event ev = {.kind = IO_DP_TROUBLE, .tunnel = tunnel};

    snprintf(ev.text, sizeof(ev.text), "%s refused: %s; asked again", what, why);
    x->k.tell(x->k.arg, &ev);
}

static uint32_t tunnel_of(const struct io_xfrm *x, const struct nl_sa_id *id)
{
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        if (xf_child_by_sa(x, i, id))
            return i;
    return CORE_NO_TUNNEL;
}

static void say_gone(struct io_xfrm *x, const struct xf_gone *g, const char *why)
{
    char what[64];

    if (g->is_policy)
        snprintf(what, sizeof(what), "deletion of policy %s", nl_policy_dir_names[g->policy.dir]);
    else
        snprintf(what, sizeof(what), "deletion of SA 0x%08x", g->id.spi);
    xf_trouble(x, g->is_policy ? g->policy.if_id - xf_id(0) : tunnel_of(x, &g->id), what, why);
}

void xf_gone_add(struct io_xfrm *x, const struct xf_gone *g, const char *why)
{
    struct xf_gone *made = xf_alloc(sizeof(*made));

    say_gone(x, g, why);
    *made = *g;
    made->next = x->gone;
    x->gone = made;
}

/* An SA or a policy of the same name may be wanted again meanwhile. */
static bool sa_wanted(const struct io_xfrm *x, const struct nl_sa_id *id)
{
    return tunnel_of(x, id) != CORE_NO_TUNNEL;
}

static bool policy_wanted(const struct io_xfrm *x, const struct nl_policy *p)
{
    struct nl_selector out = p->dir == NL_POLICY_OUT ? p->sel : io_xfrm_selector_back(&p->sel);
    uint32_t tunnel = p->if_id - xf_id(0);
    const struct xf_policy *have = tunnel < CORE_TUNNELS_MAX ? x->tunnel[tunnel].policies : NULL;

    if (tunnel < CORE_TUNNELS_MAX && p->dir == NL_POLICY_OUT &&
        xf_trapped(&x->tunnel[tunnel], &out) >= 0)
        return true;

    while (have && !io_xfrm_selector_eq(&have->sel, &out))
        have = have->next;
    return have != NULL;
}

static bool gone_now(struct io_xfrm *x, const struct xf_gone *g)
{
    char text[160];

    if (g->is_policy)
        return policy_wanted(x, &g->policy) ||
               xf_policy_del(x, &g->policy, text, sizeof(text)) == 0;
    return sa_wanted(x, &g->id) || xf_sa_try_del(x, &g->id, text, sizeof(text)) == 0;
}

static void retry_gone(struct io_xfrm *x)
{
    for (struct xf_gone **at = &x->gone, *g; (g = *at);) {
        if (!gone_now(x, g)) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        free(g);
    }
}

static bool retry_stale(struct io_xfrm *x)
{
    bool any = false;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++) {
        if (x->tunnel[i].stale)
            (void)xf_policies_put(x, i);
        any |= x->tunnel[i].stale;
    }
    return any;
}

/* The elder first, so that the newest has the last word. */
static bool retry_use(struct io_xfrm *x, struct xf_child *c)
{
    char text[160];
    bool any = c && retry_use(x, c->next);

    if (c && c->use_again)
        c->use_again = xf_policies_use(x, c, text, sizeof(text)) != 0;
    return any || (c && c->use_again);
}

static bool retry_uses(struct io_xfrm *x)
{
    bool any = false;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        any |= retry_use(x, x->tunnel[i].children);
    return any;
}

static bool refused(const struct io_xfrm *x)
{
    bool any = x->gone != NULL;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++) {
        any |= x->tunnel[i].stale;
        for (const struct xf_child *c = x->tunnel[i].children; c; c = c->next)
            any |= c->use_again;
    }
    return any;
}

bool xf_retry(struct io_xfrm *x)
{
    bool any;

    if (!refused(x)) {
        x->tries = x->wait = 0;
        return false;
    }
    if (x->wait > 0) {
        x->wait--;
        return true;
    }
    retry_gone(x);
    x->wait = (1u << KD_MIN(x->tries, RETRY_LAST)) - 1;
    x->tries++;
    any = retry_uses(x);
    any |= retry_stale(x);
    return any || x->gone;
}

/* ---- life ---- */

struct io_xfrm *io_xfrm_new(struct kc_ctx *crypto, const struct io_xfrm_kernel *k)
{
    struct io_xfrm *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->crypto = crypto;
    x->k = *k;
    return x;
}

static void child_free(struct xf_child *c)
{
    free(c->sel);
    free(c);
}

static void tunnel_free(struct xf_tunnel *t)
{
    free(t->trap.sel);
    free(t->trap.audited);
    while (t->children) {
        struct xf_child *c = t->children;

        t->children = c->next;
        child_free(c);
    }
    while (t->policies) {
        struct xf_policy *p = t->policies;

        t->policies = p->next;
        free(p);
    }
}

void io_xfrm_free(struct io_xfrm *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++)
        tunnel_free(&x->tunnel[i]);
    while (x->gone) {
        struct xf_gone *g = x->gone;

        x->gone = g->next;
        free(g);
    }
    free(x);
}

struct xf_child *xf_child_of(const struct io_xfrm *x, uint32_t tunnel, struct kd_handle id)
{
    struct xf_child *c = tunnel < CORE_TUNNELS_MAX ? x->tunnel[tunnel].children : NULL;

    while (c && !kd_handle_eq(c->sa.child, id))
        c = c->next;
    return c;
}

struct xf_child *xf_child_by_sa(const struct io_xfrm *x, uint32_t tunnel, const struct nl_sa_id *id)
{
    struct xf_child *c = tunnel < CORE_TUNNELS_MAX ? x->tunnel[tunnel].children : NULL;

    for (; c; c = c->next)
        for (int inbound = 0; inbound < 2; inbound++) {
            struct nl_sa_id own = xf_sa_id(&c->sa, inbound);
            if (own.spi == id->spi && kd_addr_eq(&own.dst, &id->dst))
                return c;
        }
    return NULL;
}

/* ---- told ---- */

static void tell(struct io_xfrm *x, const struct io_dp_sa *sa, enum io_dp_event_kind kind, bool ok,
                 const char *text)
{
    struct io_dp_event ev = {.kind = kind, .tunnel = sa->tunnel, .child = sa->child, .ok = ok};

    snprintf(ev.text, sizeof(ev.text), "%s", text);
    x->k.tell(x->k.arg, &ev);
}

void xf_ended(struct io_xfrm *x, struct xf_child *c, const char *why)
{
    if (c->ended)
        return;
    c->ended = true;
    tell(x, &c->sa, IO_DP_EXPIRE, false, why);
}

/* ---- a pair ---- */

static int install(struct io_xfrm *x, struct xf_child *c, char *text, size_t cap)
{
    const struct nl_sa_id in = xf_sa_id(&c->sa, true), out = xf_sa_id(&c->sa, false);
    int err = xf_sa_add(x, c, true, NULL, text, cap);

    if (err)
        return err;
    err = xf_sa_add(x, c, false, NULL, text, cap);
    if (!err) {
        err = xf_policies_add(x, c, text, cap);
        if (err)
            xf_sa_del(x, &out);
    }
    if (err)
        xf_sa_del(x, &in);
    return err;
}

/* NULL, or why there can't be one. */
static const char *make(struct io_xfrm *x, const struct io_dp_sa *sa, struct xf_child **made)
{
    struct nl_selector sel[IO_XFRM_SELS_MAX];
    const char *why;
    uint32_t n;
    struct xf_child *c;

    if (sa->tunnel >= CORE_TUNNELS_MAX)
        return "no such tunnel";
    if (xf_child_of(x, sa->tunnel, sa->child))
        return "this child is installed already";
    n = io_xfrm_selectors(&sa->ts_local, &sa->ts_remote, sel, &why);
    if (n == 0)
        return why;
    c = xf_alloc(sizeof(*c));
    c->sa = *sa;
    c->n_sel = n;
    c->sel = xf_alloc(n * sizeof(sel[0]));
    memcpy(c->sel, sel, n * sizeof(sel[0]));
    *made = c;
    return NULL;
}

void io_xfrm_add(struct io_xfrm *x, const struct io_dp_sa *sa)
{
    char text[96];
    struct xf_child *c = NULL;
    const char *why = make(x, sa, &c);

    if (!why && install(x, c, text, sizeof(text)) != 0) {
        child_free(c);
        why = text;
    }
    if (!why) {
        struct xf_tunnel *t = &x->tunnel[sa->tunnel];

        c->next = t->children;
        t->children = c;
    }
    tell(x, sa, IO_DP_RESULT, !why, why ? why : "");
}

/* What was in use before keeps its policies until it is deleted, where c has no such selector. */
void io_xfrm_use(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child)
{
    struct xf_child *c = xf_child_of(x, tunnel, child);
    char text[96];

    if (!c)
        return;
    c->used = true;
    c->use_again = xf_policies_use(x, c, text, sizeof(text)) != 0;
    if (c->use_again)
        xf_trouble(x, tunnel, "the switch to a new pair", text);
}

static void end(struct io_xfrm *x, struct xf_child *c)
{
    const struct nl_sa_id in = xf_sa_id(&c->sa, true), out = xf_sa_id(&c->sa, false);
    struct xf_child **at = &x->tunnel[c->sa.tunnel].children;

    xf_policies_leave(x, c);
    xf_sa_del(x, &out);
    xf_sa_del(x, &in);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    child_free(c);
}

void io_xfrm_del(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child)
{
    struct xf_child *c = xf_child_of(x, tunnel, child);

    if (c)
        end(x, c);
}

void io_xfrm_tunnel_del(struct io_xfrm *x, uint32_t tunnel)
{
    xf_trap_del(x, tunnel);
    while (x->tunnel[tunnel].children)
        end(x, x->tunnel[tunnel].children);
    x->tunnel[tunnel].mute = false;
}

void io_xfrm_mute(struct io_xfrm *x, uint32_t tunnel, bool on)
{
    x->tunnel[tunnel].mute = on;
    (void)xf_policies_put(x, tunnel);
}

bool io_xfrm_count(struct io_xfrm *x, struct kd_handle child, struct io_dp_counters *c)
{
    struct xf_child *found = NULL;
    struct nl_sa in, out;
    struct nl_sa_id id;

    for (uint32_t i = 0; i < CORE_TUNNELS_MAX && !found; i++)
        found = xf_child_of(x, i, child);
    if (!found)
        return false;
    id = xf_sa_id(&found->sa, true);
    if (xf_sa_get(x, &id, &in) != 0)
        return false;
    id = xf_sa_id(&found->sa, false);
    if (xf_sa_get(x, &id, &out) != 0)
        return false;
    *c = (struct io_dp_counters){.bytes_in = in.used.bytes,
                                 .packets_in = in.used.packets,
                                 .bytes_out = out.used.bytes,
                                 .packets_out = out.used.packets,
                                 .dropped_replay = in.dropped_replay,
                                 .dropped_auth = in.dropped_auth};
    return true;
}

bool io_xfrm_received(struct io_xfrm *x, uint32_t tunnel, uint64_t *packets)
{
    struct nl_sa in;

    *packets = 0;
    for (const struct xf_child *c = x->tunnel[tunnel].children; c; c = c->next) {
        struct nl_sa_id id = xf_sa_id(&c->sa, true);
        if (xf_sa_get(x, &id, &in) != 0)
            return false;
        *packets += in.used.packets;
    }
    return true;
}
