/* One SA of a pair, from the core's values to the kernel and back. Keys leave the arena for the
 * length of one request; the kernel holds them from then on. */
#include "io/xf.h"
#include "io/xfrm_alg.h"

#include <errno.h>
#include <stdio.h>

/* The kernel tells of a moved peer on every packet; once a second is enough to follow it. */
#define MAPPING_MAX_S 1
/* A moved SA that sends goes on behind what its old self may have sent meanwhile. */
#define SEQ_GAP 4096

struct nl_sa_id xf_sa_id(const struct io_dp_sa *sa, bool inbound)
{
    return inbound ? (struct nl_sa_id){sa->local.addr, sa->sa.spi_in}
                   : (struct nl_sa_id){sa->remote.addr, sa->sa.spi_out};
}

/* ---- made ---- */

static bool put_key(struct io_xfrm *x, struct nl_sa_alg *a, struct kd_handle key)
{
    return !a->name[0] || kc_key_export(x->crypto, key, a->key, sizeof(a->key)) == a->key_len;
}

static const char *set_algs(struct io_xfrm *x, const struct core_sa *s, bool inbound,
                            struct nl_sa *out)
{
    const struct kc_alg *encr = kc_alg_find(KC_ENCR, s->encr, s->encr_bits);
    const struct kc_alg *integ = s->integ ? kc_alg_find(KC_INTEG, s->integ, 0) : NULL;

    if (!io_xfrm_alg(encr, integ, &out->encr, &out->integ))
        return "the kernel has no such algorithm: set `dataplane: tun`";
    if (!put_key(x, &out->encr, inbound ? s->key_enc_in : s->key_enc_out) ||
        !put_key(x, &out->integ, inbound ? s->key_int_in : s->key_int_out))
        return "a key is gone or doesn't fit its algorithm";
    return NULL;
}

static void set_encap(const struct io_dp_sa *sa, bool inbound, struct nl_sa *out)
{
    if (!sa->sa.encap)
        return;
    out->encap = true;
    out->encap_sport = inbound ? sa->remote.port : sa->local.port;
    out->encap_dport = inbound ? sa->local.port : sa->remote.port;
    out->mapping_max_s = MAPPING_MAX_S;
}

static void set_replay(const struct core_sa *s, bool inbound, struct nl_sa *out)
{
    out->esn = s->esn;
    if (inbound)
        out->window = KD_MIN(s->replay_window, (uint32_t)NL_REPLAY_MAX);
    if (inbound && s->esn && out->window == 0)
        out->window = 1; /* the kernel's least with ESN */
}

static void set_kernel(const struct io_dp_kernel *k, bool inbound, struct nl_sa *out)
{
    static const enum nl_sa_offload offloads[] = {[CORE_OFFLOAD_NO] = NL_OFFLOAD_NONE,
                                                  [CORE_OFFLOAD_CRYPTO] = NL_OFFLOAD_CRYPTO,
                                                  [CORE_OFFLOAD_PACKET] = NL_OFFLOAD_PACKET};

    out->offload = offloads[k->offload];
    out->offload_ifindex = k->offload_ifindex;
    if (k->mark && !inbound) { /* on one that receives it would be the inner packets' */
        out->mark_out = k->mark;
        out->mark_out_mask = UINT32_MAX;
    }
}

static void set_life(const struct ike_limits *l, struct nl_sa *out)
{
    out->life = (struct nl_sa_life){.soft_bytes = l->soft_bytes,
                                    .hard_bytes = l->hard_bytes,
                                    .soft_packets = l->soft_packets,
                                    .hard_packets = l->hard_packets};
}

/* One selector stands in the inbound SA itself, so that the kernel holds what comes in on it
 * against the pair's own (RFC 4301 5.2 step 4); of several it checks the tunnel's policies alone.
 */
static void set_selector(const struct xf_child *c, bool inbound, struct nl_sa *out)
{
    if (inbound && c->n_sel == 1)
        out->sel = io_xfrm_selector_back(&c->sel[0]);
    else
        out->any_family = true;
}

static const char *make(struct io_xfrm *x, const struct xf_child *c, bool inbound,
                        struct nl_sa *out)
{
    const struct io_dp_sa *sa = &c->sa;

    *out = (struct nl_sa){.src = inbound ? sa->remote.addr : sa->local.addr,
                          .dst = inbound ? sa->local.addr : sa->remote.addr,
                          .spi = inbound ? sa->sa.spi_in : sa->sa.spi_out,
                          .reqid = xf_id(sa->tunnel),
                          .if_id = xf_id(sa->tunnel),
                          .dir_known = x->k.knows_direction,
                          .dir = inbound ? NL_SA_IN : NL_SA_OUT};
    set_encap(sa, inbound, out);
    set_replay(&sa->sa, inbound, out);
    set_life(&sa->sa.limits, out);
    set_kernel(&sa->kernel, inbound, out);
    set_selector(c, inbound, out);
    return set_algs(x, &sa->sa, inbound, out);
}

static void go_on(struct nl_sa *out, const struct nl_sa *from)
{
    out->replay = from->replay;
    out->used = from->used;
    if (out->dir == NL_SA_OUT)
        out->replay.oseq += SEQ_GAP;
}

static int put(struct io_xfrm *x, const struct xf_child *c, bool inbound,
               const struct nl_sa *carry_on, bool update, char *text, size_t cap)
{
    struct xf_request r;
    struct nl_sa sa;
    const char *why = make(x, c, inbound, &sa);
    int err = ENOKEY;

    if (why) {
        snprintf(text, cap, "%s", why);
    } else {
        if (carry_on)
            go_on(&sa, carry_on);
        xf_begin(x, &r);
        kd_assert(update ? nl_put_sa_update(&r.b, r.seq, &sa) : nl_put_sa(&r.b, r.seq, &sa));
        err = xf_ask(x, &r, NULL, NULL);
        snprintf(text, cap, "%s", r.text);
    }
    kc_wipe(&sa, sizeof(sa));
    return err;
}

int xf_sa_add(struct io_xfrm *x, const struct xf_child *c, bool inbound,
              const struct nl_sa *carry_on, char *text, size_t cap)
{
    const struct nl_sa_id id = xf_sa_id(&c->sa, inbound);
    int err = put(x, c, inbound, carry_on, false, text, cap);

    if (xf_unsure(err))
        xf_sa_del(x, &id);
    return err;
}

int xf_sa_update(struct io_xfrm *x, const struct xf_child *c, bool inbound)
{
    char text[160];

    return put(x, c, inbound, NULL, true, text, sizeof(text));
}

/* ---- asked for ---- */

static void take_sa(void *arg, const struct nl_xfrm_event *ev)
{
    struct nl_sa *out = arg;

    if (ev->kind != NL_XFRM_SA)
        return;
    *out = ev->sa;
    kc_wipe(out->encr.key, sizeof(out->encr.key));
    kc_wipe(out->integ.key, sizeof(out->integ.key));
}

int xf_sa_get(struct io_xfrm *x, const struct nl_sa_id *id, struct nl_sa *out)
{
    struct xf_request r;
    int err;

    memset(out, 0, sizeof(*out));
    xf_begin(x, &r);
    kd_assert(nl_put_sa_get(&r.b, r.seq, id));
    err = xf_ask(x, &r, take_sa, out);
    return err ? err : out->dst.family ? 0 : ENOMSG;
}

/* ---- deleted ---- */

int xf_sa_try_del(struct io_xfrm *x, const struct nl_sa_id *id, char *text, size_t cap)
{
    struct xf_request r;
    int err;

    xf_begin(x, &r);
    kd_assert(nl_put_sa_del(&r.b, r.seq, id));
    err = xf_ask(x, &r, NULL, NULL);
    snprintf(text, cap, "%s", r.text);
    return err == ESRCH ? 0 : err; /* after a hard limit it went by itself */
}

void xf_sa_del(struct io_xfrm *x, const struct nl_sa_id *id)
{
    char text[160];

    if (xf_sa_try_del(x, id, text, sizeof(text)) != 0)
        xf_gone_add(x, &(struct xf_gone){.id = *id}, text);
}
