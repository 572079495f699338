/* Route refresh: RFC 2918 (told everything again) and RFC 7313 (between BoRR and EoRR, so that what
 * isn't told again is known to be gone).
 *
 * Staleness is an epoch a path was last told in: BoRR begins the next one, EoRR has every path of
 * an older one taken out, in bounded work. A peer that never says EoRR keeps what it had, as
 * without RFC 7313; no time bound is kept on that (RFC 7313 4: MAY). We ask a peer only when the
 * operator does: what an import policy refused is held (adjin.c). */
#include "bgp/refresh.h"
#include "bgp/adjin.h"

enum { REFRESH_PLAIN = 0, REFRESH_BEGIN = 1, REFRESH_END = 2 }; /* RFC 7313 3.2 */

static void put(struct bgp *b, struct bgp_peer *p, const struct bgp_family *f, uint8_t subtype)
{
    struct kd_writer w = bgp_write_begin(b, 64);

    bgp_refresh_put(&w,
                    &(struct bgp_refresh){.afi = f->rib->family == 6 ? BGP_AFI_IPV6 : BGP_AFI_IPV4,
                                          .subtype = subtype,
                                          .safi = BGP_SAFI_UNICAST});
    bgp_write_end(b, p->up, &w);
    p->msgs_out++;
}

void bgp_refresh_ask(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    if (p->up->open.refresh && f->rib) /* RFC 2918 3 */
        put(b, p, f, REFRESH_PLAIN);
}

void bgp_refresh_begin(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    put(b, p, f, REFRESH_BEGIN);
    f->refresh_due = false;
    f->refreshing = true;
    bgp_peer_readvertise(p, f->rib->family, true);
}

void bgp_refresh_end(struct bgp *b, struct bgp_peer *p, struct bgp_family *f)
{
    put(b, p, f, REFRESH_END);
    f->refreshing = false;
}

/* ---- what the peer says ---- */

static void asked(struct bgp_peer *p, struct bgp_family *f)
{
    if (p->up->open.enhanced_refresh)
        f->refresh_due = true; /* BoRR waits for our End-of-RIB (RFC 7313 4) */
    else
        bgp_peer_readvertise(p, f->rib->family, true);
}

/* RFC 7313 4: before its End-of-RIB a peer that restarts gracefully can't refresh. */
static bool too_early(const struct bgp_peer *p, const struct bgp_family *f)
{
    return p->up->open.graceful && !f->eor_seen;
}

static void begun(struct bgp_peer *p, struct bgp_family *f)
{
    if (too_early(p, f))
        return;
    f->epoch++;
    f->begun = true;
}

static void ended(struct bgp_peer *p, struct bgp_family *f)
{
    if (!f->begun || too_early(p, f)) /* RFC 7313 4: MAY be ignored without its BoRR */
        return;
    f->begun = false;
    f->sweep_epoch = f->epoch;
    f->sweep = f->paths.head;
}

/* RFC 7313 5: the data is the whole message; its header lies before the body. */
static bool wrong_length(struct bgp *b, struct bgp_peer *p, const struct bgp_refresh *r,
                         struct kd_bytes body, struct bgp_error *e)
{
    bool ends =
        p->up->open.enhanced_refresh && (r->subtype == REFRESH_BEGIN || r->subtype == REFRESH_END);

    if (!ends) {
        bgp_note_error(b, p, "ROUTE-REFRESH of wrong length: ignored");
        return true;
    }
    return bgp_error_set(e, BGP_E_REFRESH, 1,
                         kd_bytes(body.p - BGP_HEADER_LEN, body.len + BGP_HEADER_LEN),
                         "subtype %u of %zu bytes", r->subtype, body.len + BGP_HEADER_LEN);
}

bool bgp_refresh_message(struct bgp *b, struct bgp_peer *p, struct kd_bytes body,
                         struct bgp_error *e)
{
    struct bgp_refresh r;
    struct bgp_family *f;

    if (!bgp_refresh_parse(body, &r))
        return wrong_length(b, p, &r, body, e);
    f = r.afi == BGP_AFI_IPV4 ? &p->family[0] : r.afi == BGP_AFI_IPV6 ? &p->family[1] : NULL;
    if (!f || r.safi != BGP_SAFI_UNICAST || !f->up || !f->rib)
        return true; /* RFC 2918 4: ignored */
    if (r.subtype == REFRESH_PLAIN)
        asked(p, f);
    else if (r.subtype == REFRESH_BEGIN && p->up->open.enhanced_refresh)
        begun(p, f);
    else if (r.subtype == REFRESH_END && p->up->open.enhanced_refresh)
        ended(p, f);
    return true; /* RFC 7313 5: another subtype is ignored */
}

bool bgp_refresh_sweep(struct bgp *b, struct bgp_peer *p)
{
    for (int k = 0; k < 2; k++) {
        struct bgp_family *f = &p->family[k];
        while (f->sweep) {
            uint32_t i = f->sweep;
            if (bgp_busy(b))
                return true;
            b->work++;
            f->sweep = bgp_rib_path(f->rib, i)->peer_next;
            /* serial numbers: a new BoRR may have come since */
            if ((int16_t)(bgp_rib_path(f->rib, i)->epoch - f->sweep_epoch) < 0)
                bgp_adjin_remove(b, f, i);
        }
    }
    return false;
}
