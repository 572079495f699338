/* Sequence numbers and replay windows: XFRMA_REPLAY_VAL up to 32 packets without ESN,
 * XFRMA_REPLAY_ESN_VAL beyond (which despite its name needs no ESN). RFC 4303 3.4.3, 3.3.3. */
#include "netlink/xfrm_wire.h"

#define OLD_WINDOW_MAX 32

#define ESN_MAX (sizeof(struct xfrm_replay_state_esn) + NL_REPLAY_WORDS * sizeof(uint32_t))

bool nl_xreplay_old(const struct nl_sa *sa)
{
    return !sa->esn && sa->window <= OLD_WINDOW_MAX;
}

static void put_old(struct nl_build *m, const struct nl_sa *sa)
{
    struct xfrm_replay_state r = {.seq = (uint32_t)sa->replay.seq,
                                  .oseq = (uint32_t)sa->replay.oseq,
                                  .bitmap = sa->replay.n_words ? sa->replay.words[0] : 0};

    if (r.seq || r.oseq || r.bitmap)
        nl_build_put(m, XFRMA_REPLAY_VAL, &r, sizeof(r));
}

/* An SA that only sends has no window; a kernel that isn't told its direction wants one with ESN.
 */
static uint32_t window_of(const struct nl_sa *sa)
{
    return sa->window == 0 && !sa->dir_known ? 1 : sa->window;
}

static void put_esn(struct nl_build *m, const struct nl_sa *sa, uint32_t window)
{
    const uint32_t n = (window + 31) / 32;
    _Alignas(struct xfrm_replay_state_esn) uint8_t raw[ESN_MAX] = {0};
    struct xfrm_replay_state_esn *e = (void *)raw;

    e->bmp_len = n;
    e->replay_window = window;
    e->seq = (uint32_t)sa->replay.seq;
    e->seq_hi = (uint32_t)(sa->replay.seq >> 32);
    e->oseq = (uint32_t)sa->replay.oseq;
    e->oseq_hi = (uint32_t)(sa->replay.oseq >> 32);
    memcpy(raw + sizeof(*e), sa->replay.words,
           KD_MIN(n, sa->replay.n_words) * sizeof(sa->replay.words[0]));
    nl_build_put(m, XFRMA_REPLAY_ESN_VAL, raw, sizeof(*e) + n * sizeof(sa->replay.words[0]));
}

void nl_xreplay_put(struct nl_build *m, const struct nl_sa *sa)
{
    kd_assert(sa->window <= NL_REPLAY_MAX);
    if (nl_xreplay_old(sa))
        put_old(m, sa);
    else
        put_esn(m, sa, window_of(sa));
}

static bool get_esn(const struct nlattr *a, uint32_t *window, struct nl_sa_replay *r)
{
    const struct xfrm_replay_state_esn *e = nl_xattr(a, sizeof(*e));

    if (!e || e->bmp_len > NL_REPLAY_WORDS || e->replay_window > e->bmp_len * 32 ||
        !nl_xattr(a, sizeof(*e) + e->bmp_len * sizeof(r->words[0])))
        return false;
    *window = e->replay_window;
    r->seq = (uint64_t)e->seq_hi << 32 | e->seq;
    r->oseq = (uint64_t)e->oseq_hi << 32 | e->oseq;
    r->n_words = e->bmp_len;
    memcpy(r->words, e->bmp, e->bmp_len * sizeof(r->words[0]));
    return true;
}

bool nl_xreplay_get(const struct nlattr *const *tb, uint32_t *window, struct nl_sa_replay *r)
{
    const struct xfrm_replay_state *old = nl_xattr(tb[XFRMA_REPLAY_VAL], sizeof(*old));

    if (tb[XFRMA_REPLAY_ESN_VAL])
        return get_esn(tb[XFRMA_REPLAY_ESN_VAL], window, r);
    if (!tb[XFRMA_REPLAY_VAL])
        return true;
    if (!old)
        return false;
    r->seq = old->seq;
    r->oseq = old->oseq;
    r->n_words = 1;
    r->words[0] = old->bitmap;
    return true;
}
