/* What a child's SA and TS payloads agree on, both roles, and the words for it when they don't.
 * RFC 7296 2.7 (proposals), 2.9 (selectors; Azure takes every selector as responder: facts/azure
 * 1.5). */
#include "ike/child.h"
#include "ike/out.h"
#include "ike/sa.h"

#include <stdio.h>

#define SPI_RESERVED 256

static bool take_spi(const uint8_t *spi, uint8_t len, uint32_t *out)
{
    if (len != 4)
        return false;
    *out = (uint32_t)spi[0] << 24 | (uint32_t)spi[1] << 16 | (uint32_t)spi[2] << 8 | spi[3];
    return *out >= SPI_RESERVED;
}

static const struct ike_proposals *accepted(const struct ike_conn *c)
{
    return c->cfg.esp_accept.n ? &c->cfg.esp_accept : &c->cfg.esp;
}

/* configured is what the peer's offer or answer was held against. */
static void note_proposals(struct ike *e, struct ike_sa *sa, const struct ike_msg *m,
                           const struct ike_proposals *offered,
                           const struct ike_proposals *configured)
{
    char theirs[2048], ours[2048], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_NO_PROPOSAL,
                    "peer %s offered no ESP proposal that is configured",
                    kd_addr_str(&sa->remote.addr, addr));
    ike_note_offer(e, a, ike_proposals_text(offered, theirs, sizeof(theirs)),
                   ike_proposals_text(configured, ours, sizeof(ours)));
    ike_note_lists(e, a, IKE_PROTO_ESP, offered, configured);
    if (a)
        a->rekey = ike_msg_notify(m, IKE_N_REKEY_SA) != NULL;
}

static void pair_text(const struct ike_ts_list *l, const struct ike_ts_list *r, char *buf,
                      size_t cap)
{
    char a[1024], b[1024];

    snprintf(buf, cap, "%s === %s", ike_ts_list_text(l, a, sizeof(a)),
             ike_ts_list_text(r, b, sizeof(b)));
}

static void note_ts(struct ike *e, struct ike_sa *sa, const struct ike_child_config *want,
                    const struct ike_ts_list *local, const struct ike_ts_list *remote)
{
    char theirs[2100], ours[2100], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    pair_text(local, remote, theirs, sizeof(theirs));
    pair_text(&want->local_ts, &want->remote_ts, ours, sizeof(ours));
    a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, KD_REASON_TS_UNACCEPTABLE,
                    "peer %s offered no traffic selectors that are configured",
                    kd_addr_str(&sa->remote.addr, addr));
    ike_note_offer(e, a, theirs, ours);
    ike_note_selectors(e, a, local, remote, want);
}

uint16_t ike_child_select(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, unsigned flags, struct ike_suite *suite,
                          uint32_t *spi_out)
{
    struct ike_proposals offered;
    uint8_t spi[IKE_SPI_LEN], spi_len = 0;

    if (!ike_proposals_parse(m->sa, &offered, NULL, NULL))
        return IKE_N_INVALID_SYNTAX;
    if (ike_proposal_select(&offered, accepted(c), IKE_PROTO_ESP, flags, suite, spi, &spi_len) &&
        take_spi(spi, spi_len, spi_out))
        return 0;
    note_proposals(e, sa, m, &offered, accepted(c));
    return IKE_N_NO_PROPOSAL_CHOSEN;
}

/* How well an offer fits one child of ours (2.9): whole, with the packet that its first selectors
 * describe, in part for a child that is not there yet, in part. */
enum fit { FIT_NONE, FIT_PART, FIT_PART_MISSING, FIT_PACKET, FIT_WHOLE };

static struct ike_ts_list first_of(const struct ike_ts_list *l)
{
    return (struct ike_ts_list){.n = 1, .ts = {l->ts[0]}};
}

static enum fit fit_of(const struct ike *e, const struct ike_sa *sa, const struct ike_conn *c,
                       unsigned conf, const struct ike_match *offer)
{
    const struct ike_child_config *want = &c->cfg.child[conf];
    const struct ike_ts_list local = first_of(&offer->local), remote = first_of(&offer->remote);
    struct ike_ts_list common;

    if (!ike_ts_narrow(&offer->local, &want->local_ts, &common) ||
        !ike_ts_narrow(&offer->remote, &want->remote_ts, &common))
        return FIT_NONE;
    if (ike_ts_inside(&offer->local, &want->local_ts) &&
        ike_ts_inside(&offer->remote, &want->remote_ts))
        return FIT_WHOLE;
    if (offer->local.n > 1 && offer->remote.n > 1 && ike_ts_inside(&local, &want->local_ts) &&
        ike_ts_inside(&remote, &want->remote_ts))
        return FIT_PACKET;
    return ike_children_have(e, sa, conf) ? FIT_PART : FIT_PART_MISSING;
}

static bool narrower(const struct ike_child_config *a, const struct ike_child_config *b)
{
    return ike_ts_inside(&a->local_ts, &b->local_ts) &&
           ike_ts_inside(&a->remote_ts, &b->remote_ts) &&
           !(ike_ts_inside(&b->local_ts, &a->local_ts) &&
             ike_ts_inside(&b->remote_ts, &a->remote_ts));
}

/* The child that fits best; of equals the most specific, then the first. */
static enum fit best_fit(const struct ike *e, const struct ike_sa *sa, const struct ike_conn *c,
                         struct ike_match *offer)
{
    enum fit best = FIT_NONE;
    unsigned n_fit = 0;

    for (unsigned i = 0; i < ike_conn_children(c); i++) {
        enum fit fit = fit_of(e, sa, c, i, offer);
        n_fit += fit != FIT_NONE;
        if (fit > best || (fit == best && fit != FIT_NONE &&
                           narrower(&c->cfg.child[i], &c->cfg.child[offer->conf]))) {
            best = fit;
            offer->conf = (uint8_t)i;
        }
    }
    offer->more = best < FIT_WHOLE && n_fit > 1;
    return best;
}

/* TSi is the exchange's initiator's, so the peer's. */
uint16_t ike_child_narrow(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, struct ike_match *match)
{
    const struct ike_child_config *want;
    struct ike_match offer = {.conf = 0};
    enum fit fit;

    *match = offer;
    if (!ike_ts_parse(m->tsi, &offer.remote) || !ike_ts_parse(m->tsr, &offer.local))
        return IKE_N_TS_UNACCEPTABLE;
    fit = offer.local.n && offer.remote.n ? best_fit(e, sa, c, &offer) : FIT_NONE;
    want = &c->cfg.child[offer.conf];
    *match = offer;
    if (c->cfg.accept_any_ts && offer.local.n && offer.remote.n) {
        match->more = false;
        return 0;
    }
    if (fit != FIT_NONE && ike_ts_narrow(&offer.local, &want->local_ts, &match->local) &&
        ike_ts_narrow(&offer.remote, &want->remote_ts, &match->remote))
        return 0;
    note_ts(e, sa, want, &offer.local, &offer.remote);
    return IKE_N_TS_UNACCEPTABLE;
}

/* The answer may only narrow what we proposed (RFC 7296 2.9). */
enum kd_reason ike_child_accept(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                                uint8_t conf, const struct ike_msg *m, unsigned flags,
                                struct ike_suite *suite, uint32_t *spi_out,
                                struct ike_ts_list *local, struct ike_ts_list *remote)
{
    const struct ike_child_config *want = &c->cfg.child[conf];
    struct ike_proposals answer;
    uint8_t spi[IKE_SPI_LEN], spi_len = 0;

    if (!ike_proposals_parse(m->sa, &answer, NULL, NULL))
        return KD_REASON_INVALID_SYNTAX;
    if (!ike_proposal_accept(&answer, &c->cfg.esp, IKE_PROTO_ESP, flags, suite, spi, &spi_len) ||
        !take_spi(spi, spi_len, spi_out)) {
        note_proposals(e, sa, m, &answer, &c->cfg.esp);
        return KD_REASON_NO_PROPOSAL;
    }
    local->n = remote->n = 0;
    if (ike_ts_parse(m->tsi, local) && ike_ts_parse(m->tsr, remote) && local->n && remote->n &&
        (c->cfg.accept_any_ts ||
         (ike_ts_inside(local, &want->local_ts) && ike_ts_inside(remote, &want->remote_ts))))
        return KD_REASON_NONE;
    note_ts(e, sa, want, local, remote);
    return KD_REASON_TS_UNACCEPTABLE;
}
