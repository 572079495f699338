/* Inside the kernel's data plane only (xfrm.c, xfrm_sa.c, xfrm_policy.c, xfrm_event.c): its account
 * of what the kernel has. */
#ifndef IO_XF_H
#define IO_XF_H

#include "io/xfrm.h"
#include "io/xfrm_sel.h"

#include <errno.h>

struct xf_child {
    struct xf_child *next; /* of the tunnel, the newest first */
    struct io_dp_sa sa;
    bool used, seen;
    bool use_again;  /* the switch to it was refused: the pair before it sends meanwhile */
    bool audited[2]; /* outbound, inbound: a look of `kedge audit` has seen it */
    bool ended;      /* told so; nothing more is said of it */
    uint64_t source_at_us;
    uint32_t n_sel;
    struct nl_selector *sel; /* outbound */
};

/* Three policies of one selector: out, in and fwd. */
struct xf_policy {
    struct xf_policy *next;
    struct nl_selector sel;
    struct xf_child *owner; /* whose SPI the outbound one names */
    bool audited[3];        /* by enum nl_policy_dir */
};

/* The flows whose packets begin a tunnel; outbound. */
struct xf_trap {
    struct kd_addr local, remote;
    uint32_t n_sel;
    struct nl_selector *sel;
    bool *audited; /* n_sel of them */
};

struct xf_tunnel {
    struct xf_child *children;
    struct xf_trap trap;
    struct xf_policy *policies;
    bool mute;
    bool stale; /* a policy's put was refused: put again */
};

/* An SA or a policy that should be gone and may not be: asked again until it is. */
struct xf_gone {
    struct xf_gone *next;
    bool is_policy;
    struct nl_sa_id id;
    struct nl_policy policy;
};

struct io_xfrm {
    struct kc_ctx *crypto;
    struct io_xfrm_kernel k;
    uint32_t seq;
    struct xf_gone *gone;
    uint32_t tries, wait; /* of what was refused: how often asked again, ticks until the next */
    struct xf_tunnel tunnel[CORE_TUNNELS_MAX];
};

#define XF_MSG_MAX 2048 /* above NL_BUILD_MAX */

static inline uint32_t xf_id(uint32_t tunnel)
{
    return NL_ID_KEDGE + 1 + tunnel;
}

static inline bool xf_is_ours(uint32_t id)
{
    return id - NL_ID_KEDGE <= UINT16_MAX;
}

/* One request: xf_begin(), a builder with the returned buffer and r->seq, then xf_ask(). */
struct xf_request {
    struct nl_buf b;
    uint32_t seq;
    char text[160]; /* the kernel's words, or the errno's */
    uint8_t room[XF_MSG_MAX];
};
void xf_begin(struct io_xfrm *x, struct xf_request *r);
/* 0 or errno, with r->text filled. Wipes the request. */
int xf_ask(struct io_xfrm *x, struct xf_request *r, io_xfrm_take_fn *take, void *arg);
void *xf_alloc(size_t len); /* zeroed; without memory nobody could be told: kedged ends */

/* The request may have been carried out all the same: its answer was lost. */
static inline bool xf_unsure(int err)
{
    return err == ETIMEDOUT || err == ENOBUFS;
}

/* xfrm.c */
struct xf_child *xf_child_of(const struct io_xfrm *x, uint32_t tunnel, struct kd_handle id);
struct xf_child *xf_child_by_sa(const struct io_xfrm *x, uint32_t tunnel,
                                const struct nl_sa_id *id);            /* either of its two */
void xf_ended(struct io_xfrm *x, struct xf_child *c, const char *why); /* a hard EXPIRE, once */

/* Says so, and asks again until it is gone. why: the kernel's words. */
void xf_gone_add(struct io_xfrm *x, const struct xf_gone *g, const char *why);
void xf_trouble(struct io_xfrm *x, uint32_t tunnel, const char *what, const char *why);
/* What was refused is asked for again, ever more rarely; true while there is any. */
bool xf_retry(struct io_xfrm *x);

/* xfrm_sa.c: 0 or errno with text */
struct nl_sa_id xf_sa_id(const struct io_dp_sa *sa, bool inbound);
int xf_sa_add(struct io_xfrm *x, const struct xf_child *c, bool inbound,
              const struct nl_sa *carry_on, char *text, size_t cap);
int xf_sa_update(struct io_xfrm *x, const struct xf_child *c, bool inbound);
/* 0, also where there was none */
int xf_sa_try_del(struct io_xfrm *x, const struct nl_sa_id *id, char *text, size_t cap);
void xf_sa_del(struct io_xfrm *x, const struct nl_sa_id *id); /* now or later */
/* Without keys. */
int xf_sa_get(struct io_xfrm *x, const struct nl_sa_id *id, struct nl_sa *out);

/* xfrm_range.c: every SA, or policy, to take; which of them carry our range */
int xf_dump(struct io_xfrm *x, bool policies, io_xfrm_take_fn *take, void *arg, char *text,
            size_t cap);
bool xf_sa_is_ours(const struct nl_xfrm_event *ev);
bool xf_policy_is_ours(const struct nl_xfrm_event *ev);

/* xfrm_trap.c */
/* Which of the tunnel's trap the outbound selector is; -1: none. */
int xf_trapped(const struct xf_tunnel *t, const struct nl_selector *sel);
/* The policy of the trap: through an SA that isn't there. */
struct nl_policy xf_trap_policy(const struct io_xfrm *x, uint32_t tunnel,
                                const struct nl_selector *sel);
void xf_trap_del(struct io_xfrm *x, uint32_t tunnel); /* with its policies */

/* xfrm_policy.c */
int xf_policy_put(struct io_xfrm *x, const struct nl_policy *p, char *text, size_t cap);
/* Makes what c's selectors need and isn't there; refused: undone. */
int xf_policies_add(struct io_xfrm *x, struct xf_child *c, char *text, size_t cap);
/* c sends what its selectors take; refused: as before. */
int xf_policies_use(struct io_xfrm *x, struct xf_child *c, char *text, size_t cap);
/* c sends no longer: each of its policies goes to a pair that has its selector, or goes. */
void xf_policies_leave(struct io_xfrm *x, struct xf_child *c);
/* All of the tunnel's, as they should be now; 0 or the first refusal. */
int xf_policies_put(struct io_xfrm *x, uint32_t tunnel);
/* 0, also where there was none */
int xf_policy_del(struct io_xfrm *x, const struct nl_policy *p, char *text, size_t cap);
/* Those that c sends by, blocking or not. */
int xf_policies_block(struct io_xfrm *x, struct xf_child *c, bool on);

#endif
