/* What a child's SA and TS payloads agree on, both roles, and the words for it when they don't.
 * RFC 7296 2.7 (proposals), 2.9 (selectors; Azure takes every selector as responder: facts/azure
 * 1.5). */
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

/* TSi is the exchange's initiator's, so the peer's. */
uint16_t ike_child_narrow(struct ike *e, struct ike_sa *sa, const struct ike_conn *c,
                          const struct ike_msg *m, uint8_t *conf, struct ike_ts_list *local,
                          struct ike_ts_list *remote)
{
    const struct ike_child_config *want = &c->cfg.child[0];
    struct ike_ts_list tsi, tsr;

    *conf = 0;
    if (!ike_ts_parse(m->tsi, &tsi) || !ike_ts_parse(m->tsr, &tsr))
        return IKE_N_TS_UNACCEPTABLE;
    if (c->cfg.accept_any_ts && tsi.n && tsr.n) {
        *local = tsr;
        *remote = tsi;
        return 0;
    }
    if (ike_ts_narrow(&tsr, &want->local_ts, local) &&
        ike_ts_narrow(&tsi, &want->remote_ts, remote))
        return 0;
    note_ts(e, sa, want, &tsr, &tsi);
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
