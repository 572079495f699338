/* Mirroring: what is local for us is remote for the peer. And the table of languages. */
#include "peer/side.h"

#include "esp/esp.h"

#include <ctype.h>
#include <string.h>

#define OUTER_MTU 1500 /* of a path nobody has measured yet */

static const struct {
    peer_writer *write;
    bool ipsec; /* else it is the BGP half only */
} kinds[PEER_KINDS] = {
    [PEER_STRONGSWAN] = {peer_strongswan, true},
    [PEER_IOS] = {peer_ios, true},
    [PEER_JUNOS] = {peer_junos, true},
    [PEER_FRR] = {peer_frr, false},
    [PEER_BIRD] = {peer_bird, false},
    [PEER_AZURE_CLI] = {peer_azure_cli, true},
};

const char *const peer_kind_names[PEER_KINDS] = {
    [PEER_STRONGSWAN] = "strongswan",
    [PEER_IOS] = "ios",
    [PEER_JUNOS] = "junos",
    [PEER_FRR] = "frr",
    [PEER_BIRD] = "bird",
    [PEER_AZURE_CLI] = "azure-cli",
};

/* ---- selectors ---- */

bool peer_ts_prefix(const struct ike_ts *ts, struct kd_prefix *out)
{
    for (unsigned len = 0; len <= kd_addr_bits(&ts->lo); len++) {
        struct kd_prefix p = kd_prefix_make(&ts->lo, (uint8_t)len);
        struct kd_addr first = kd_prefix_first(&p), last = kd_prefix_last(&p);
        if (kd_addr_eq(&first, &ts->lo) && kd_addr_eq(&last, &ts->hi)) {
            *out = p;
            return true;
        }
    }
    return false;
}

static bool all(const struct ike_ts_list *l)
{
    struct kd_prefix p;

    return l->n == 1 && l->ts[0].proto == 0 && peer_ts_prefix(&l->ts[0], &p) && p.len == 0;
}

bool peer_takes_all(const struct ike_conn_config *c)
{
    return all(&c->child[0].local_ts) && all(&c->child[0].remote_ts);
}

/* ---- the mirror ---- */

static bool proves_by_key(enum ike_auth_kind kind)
{
    return kind == IKE_AUTH_PSK;
}

/* Of the proposal that leaves least room: which one is chosen is not known here. */
static uint32_t mtu_of(const struct ike_conn_config *c)
{
    bool encap = c->encap != IKE_ENCAP_NEVER;
    uint32_t least = OUTER_MTU;

    for (unsigned i = 0; i < c->esp.n; i++) {
        const struct ike_proposal *p = &c->esp.p[i];
        uint32_t mtu = esp_inner_mtu(peer_alg(p, KC_ENCR, 0), peer_alg(p, KC_INTEG, 0),
                                     c->local.family, encap, OUTER_MTU);
        least = mtu < least ? mtu : least;
    }
    return least;
}

static void sizes(struct peer_side *s)
{
    const struct core_tunnel_config *t = s->p->tunnel;

    s->mtu = t->mtu ? t->mtu : mtu_of(&t->ike);
    s->mss = t->mss == CORE_MSS_OFF    ? 0
             : t->mss == CORE_MSS_AUTO ? s->mtu - (t->inner.family == 6 ? 60 : 40)
                                       : t->mss;
}

struct peer_side peer_side_of(const struct peer *p)
{
    const struct core_tunnel_config *t = p->tunnel;
    struct peer_side s = {.p = p, .name = t->ike.name, .ike = &t->ike};

    s.bgp = t->has_neighbor ? &t->neighbor.bgp : NULL;
    s.bfd = t->has_neighbor && t->neighbor.bfd.on ? &t->neighbor.bfd : NULL;
    s.password = t->has_neighbor && t->neighbor.with_password;
    snprintf(s.outer, sizeof(s.outer), "%s", PEER_ADDR_ANY);
    if (t->ike.remote.family)
        kd_addr_str(&t->ike.remote, s.outer);
    kd_addr_str(&t->ike.local, s.us);
    if (s.bgp)
        kd_addr_str(&s.bgp->remote, s.inner);
    if (t->inner.family)
        kd_addr_str(&t->inner, s.inner_us);
    s.psk_us = proves_by_key(t->ike.auth.local);
    s.psk_here = proves_by_key(t->ike.auth.remote);
    sizes(&s);
    return s;
}

unsigned peer_seconds(uint64_t us)
{
    return us < KD_S(1) ? 1 : (unsigned)(us / KD_S(1));
}

unsigned peer_lifetime(FILE *to, const char *comment, uint64_t us, unsigned least)
{
    unsigned s = peer_seconds(us), day = 86400, taken = s < least ? least : s > day ? day : s;

    if (taken != s)
        fprintf(to, "%s left out: lifetime %us: %u to %u there\n", comment, s, least, day);
    return taken;
}

unsigned peer_bfd_ms(const struct core_bfd_config *b)
{
    return (b->interval_us + 999) / 1000;
}

static bool is_plain(struct kd_bytes secret)
{
    for (size_t i = 0; i < secret.len; i++)
        if (!isgraph(secret.p[i]) || strchr("\"\\'?`$;#{}", secret.p[i]))
            return false;
    return true;
}

bool peer_psk_plain(const struct peer *p)
{
    return is_plain(p->psk);
}

void peer_put_password(FILE *to, const struct peer *p)
{
    bool known = p->password.len > 0 && is_plain(p->password);

    fprintf(to, "%.*s", known ? (int)p->password.len : (int)strlen("BGP_PASSWORD"),
            known ? (const char *)p->password.p : "BGP_PASSWORD");
}

void peer_put_psk(FILE *to, const struct peer *p, const char *hex_prefix)
{
    if (p->psk.len == 0) {
        fputs("PRE_SHARED_KEY", to);
    } else if (peer_psk_plain(p)) {
        fwrite(p->psk.p, 1, p->psk.len, to);
    } else {
        fputs(hex_prefix, to);
        for (size_t i = 0; i < p->psk.len; i++)
            fprintf(to, "%02x", p->psk.p[i]);
    }
}

/* ---- the door ---- */

const char *peer_refuses(const struct peer *p, enum peer_kind kind)
{
    if (!kinds[kind].ipsec && !p->tunnel->has_neighbor)
        return "the tunnel has no BGP neighbor";
    if (kind == PEER_AZURE_CLI && p->tunnel->ike.local.family == 6)
        return "Azure's gateways have IPv4 outer addresses";
    if (kind == PEER_AZURE_CLI && p->tunnel->ike.auth.local != IKE_AUTH_PSK)
        return "certificates aren't written for az; a pre-shared key is";
    if (kind == PEER_AZURE_CLI && !peer_psk_plain(p))
        return "the pre-shared key has characters that az can't be given";
    return NULL;
}

void peer_write(const struct peer *p, enum peer_kind kind, FILE *to)
{
    struct peer_side s = peer_side_of(p);

    kinds[kind].write(&s, to);
}
