/* Children (pairs of SAs): made on the caller's thread while their keys are certain to exist, then
 * owned by the data plane's. Found by inbound SPI and local address, by handle, and in order of
 * choice for sending.
 *
 * A pair that is added receives at once and until it is deleted, so packets on their way survive a
 * rekey (RFC 7296 2.8). It sends once it is put to use, or where no pair in use takes the packet:
 * the successor whose elder the peer has deleted already. Of those in use the narrower comes first,
 * of equals the one put to use last. */
#include "io/dp.h"

#include "io/sockaddr.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- made and freed ---- */

static struct esp_sa *make_sa(struct kc_ctx *crypto, const struct io_dp_child *c,
                              const struct core_sa *sa, bool inbound)
{
    struct esp_params p = {.spi = inbound ? sa->spi_in : sa->spi_out,
                           .encr = c->encr,
                           .integ = c->integ,
                           .key_enc = inbound ? sa->key_enc_in : sa->key_enc_out,
                           .key_int = inbound ? sa->key_int_in : sa->key_int_out,
                           .esn = sa->esn,
                           .replay_window = inbound ? sa->replay_window : 0};
    struct esp_sa *made;

    if (!inbound)
        kc_os_random(p.iv_seed, sizeof(p.iv_seed));
    made = esp_sa_new(crypto, &p);
    kc_wipe(p.iv_seed, sizeof(p.iv_seed));
    return made;
}

/* The algorithms and both directions; NULL or why not. */
static const char *make_pair(struct kc_ctx *crypto, struct io_dp_child *c, const struct core_sa *sa)
{
    c->encr = kc_alg_find(KC_ENCR, sa->encr, sa->encr_bits);
    if (!c->encr || !kc_available(crypto, c->encr))
        return "the encryption algorithm can't be had in this process";
    if (sa->integ != KC_INTEG_NONE) {
        c->integ = kc_alg_find(KC_INTEG, sa->integ, 0);
        if (!c->integ || !kc_available(crypto, c->integ))
            return "the integrity algorithm can't be had in this process";
    }
    c->in = make_sa(crypto, c, sa, true);
    c->out = make_sa(crypto, c, sa, false);
    if (!c->in || !c->out)
        return "a key is gone or doesn't fit its algorithm, or memory is out";
    return NULL;
}

static void set_endpoints(struct io_dp_child *c, const struct kd_endpoint *local,
                          const struct kd_endpoint *remote, uint32_t outer_mtu)
{
    struct kd_endpoint to = *remote;

    if (!c->encap)
        to.port = 0; /* a raw IPv6 socket wants none */
    c->local = *local;
    c->remote = *remote;
    c->to_len = io_sockaddr_from(&to, &c->to);
    c->outer_mtu = outer_mtu;
    c->inner_mtu = esp_inner_mtu(c->encr, c->integ, local->addr.family, c->encap, outer_mtu);
}

/* One number is configured, for IPv4; IPv6's header takes 20 bytes more of the same packet. The
 * core has resolved "auto"; a 0 that slips through leaves packets alone and TCP working. */
static void set_mss(struct io_dp_child *c, uint16_t mss)
{
    const bool off = mss == CORE_MSS_OFF || mss == CORE_MSS_AUTO;

    c->mss_v4 = off ? UINT16_MAX : mss;
    c->mss_v6 = off ? UINT16_MAX : (uint16_t)(mss > 20 ? mss - 20 : mss);
}

static struct io_dp_node *node_of(enum io_dp_event_kind kind, const struct io_dp_child *c)
{
    struct io_dp_node *node = io_dp_alloc(sizeof(*node));

    node->ev.kind = kind;
    node->ev.child = c->id;
    node->ev.tunnel = c->tunnel;
    node->ev.ok = true;
    return node;
}

struct io_dp_child *io_dp_child_new(struct io_dp *dp, const struct io_dp_sa *sa)
{
    struct io_dp_child *c = io_dp_alloc(sizeof(*c));

    c->id = sa->child;
    c->tunnel = sa->tunnel;
    c->spi_in = sa->sa.spi_in;
    c->spi_out = sa->sa.spi_out;
    c->encap = sa->sa.encap;
    c->ts_local = sa->ts_local;
    c->ts_remote = sa->ts_remote;
    c->result = node_of(IO_DP_RESULT, c);
    c->first = node_of(IO_DP_SEEN, c);
    c->limits = sa->sa.limits;
    c->soft = node_of(IO_DP_EXPIRE, c);
    c->hard = node_of(IO_DP_EXPIRE, c);
    c->hard->ev.ok = false;
    set_mss(c, sa->sa.mss);
    c->why = make_pair(dp->crypto, c, &sa->sa);
    if (!c->why)
        set_endpoints(c, &sa->local, &sa->remote, io_dp_outer_mtu(dp, &sa->local, &sa->remote));
    return c;
}

void io_dp_child_free(struct io_dp_child *c)
{
    if (!c)
        return;
    esp_sa_free(c->in);
    esp_sa_free(c->out);
    free(c->result);
    free(c->first);
    free(c->soft);
    free(c->hard);
    free(c);
}

/* ---- limits ---- */

static bool reached(uint64_t limit, uint64_t n)
{
    return limit && n >= limit;
}

static void expire(struct io_dp *dp, struct io_dp_node **node)
{
    if (*node)
        io_dp_post(dp, *node);
    *node = NULL;
}

void io_dp_child_spent(struct io_dp *dp, struct io_dp_child *c, const struct esp_sa *sa)
{
    const struct ike_limits *l = &c->limits;
    uint64_t packets, bytes;

    esp_used(sa, &packets, &bytes);
    if (reached(l->soft_bytes, bytes) || reached(l->soft_packets, packets))
        expire(dp, &c->soft);
    if (reached(l->hard_bytes, bytes) || reached(l->hard_packets, packets))
        expire(dp, &c->hard);
}

/* ---- the tables ---- */

static uint32_t spi_bucket(uint32_t spi)
{
    return (spi * UINT32_C(0x9e3779b1)) >> 20;
}

static uint32_t id_bucket(struct kd_handle id)
{
    return (id.idx ^ id.gen * UINT32_C(0x9e3779b1)) % IO_DP_BUCKETS;
}

struct io_dp_child *io_dp_child_by_id(const struct io_dp *dp, struct kd_handle id)
{
    struct io_dp_child *c = dp->by_id[id_bucket(id)];

    while (c && !kd_handle_eq(c->id, id))
        c = c->next_id;
    return c;
}

/* The local address is compared but not hashed: a move doesn't change the bucket. */
struct io_dp_child *io_dp_child_by_spi(const struct io_dp *dp, uint32_t spi,
                                       const struct kd_addr *local)
{
    struct io_dp_child *c = dp->by_spi[spi_bucket(spi)];

    while (c && (c->spi_in != spi || !kd_addr_eq(&c->local.addr, local)))
        c = c->next_spi;
    return c;
}

struct io_dp_child *io_dp_child_for(const struct io_dp_tunnel *t, const struct esp_flow *f)
{
    for (struct io_dp_child *c = t->out; c; c = c->next_out)
        if (ike_ts_match(&c->ts_local, &f->src, f->proto, f->sport) &&
            ike_ts_match(&c->ts_remote, &f->dst, f->proto, f->dport))
            return c;
    return NULL;
}

static void out_unlink(struct io_dp_tunnel *t, const struct io_dp_child *c)
{
    struct io_dp_child **at = &t->out;

    while (*at && *at != c)
        at = &(*at)->next_out;
    if (*at)
        *at = c->next_out;
}

static void out_append(struct io_dp_tunnel *t, struct io_dp_child *c)
{
    struct io_dp_child **at = &t->out;

    while (*at)
        at = &(*at)->next_out;
    c->next_out = NULL;
    *at = c;
}

static bool inside(const struct io_dp_child *a, const struct io_dp_child *b)
{
    return ike_ts_inside(&a->ts_local, &b->ts_local) && ike_ts_inside(&a->ts_remote, &b->ts_remote);
}

/* Before the first pair that takes all it takes, and before those not in use. So every pair stands
 * before the wider ones, and the first that matches a packet is the one to send it. */
static void out_insert(struct io_dp_tunnel *t, struct io_dp_child *c)
{
    struct io_dp_child **at = &t->out;

    while (*at && (*at)->used && !inside(c, *at))
        at = &(*at)->next_out;
    c->next_out = *at;
    *at = c;
}

static void link_child(struct io_dp *dp, struct io_dp_child *c)
{
    struct io_dp_child **spi = &dp->by_spi[spi_bucket(c->spi_in)];
    struct io_dp_child **id = &dp->by_id[id_bucket(c->id)];

    c->next_spi = *spi;
    *spi = c;
    out_append(&dp->tunnel[c->tunnel], c);
    pthread_mutex_lock(&dp->lock);
    c->next_id = *id;
    *id = c;
    pthread_mutex_unlock(&dp->lock);
}

static void unlink_child(struct io_dp *dp, struct io_dp_child *c)
{
    struct io_dp_child **spi = &dp->by_spi[spi_bucket(c->spi_in)];
    struct io_dp_child **id = &dp->by_id[id_bucket(c->id)];

    while (*spi != c)
        spi = &(*spi)->next_spi;
    *spi = c->next_spi;
    out_unlink(&dp->tunnel[c->tunnel], c);
    pthread_mutex_lock(&dp->lock);
    while (*id != c)
        id = &(*id)->next_id;
    *id = c->next_id;
    pthread_mutex_unlock(&dp->lock);
}

/* ---- commands ---- */

/* The socket that c sends through; NULL and the reason when its local address has none. */
static const struct io_dp_listener *sock_for(struct io_dp *dp, const struct io_dp_child *c,
                                             const char **why)
{
    const struct io_dp_listener *l = io_dp_listener_of(dp, &c->local.addr);

    if (!l)
        *why = "the local address isn't among `listen`";
    else if (!c->encap && l->raw < 0)
        *why = "plain ESP needs a raw socket: CAP_NET_RAW is missing, or set `encap: always`";
    else
        return l;
    return NULL;
}

static const char *refusal(struct io_dp *dp, struct io_dp_child *c)
{
    const char *why = NULL;

    if (c->why)
        return c->why;
    if (c->tunnel >= CORE_TUNNELS_MAX || dp->tunnel[c->tunnel].fd < 0)
        return "the tunnel has no TUN device";
    if (io_dp_child_by_id(dp, c->id))
        return "this child is installed already";
    if (io_dp_child_by_spi(dp, c->spi_in, &c->local.addr))
        return "the inbound SPI is taken";
    c->sock = sock_for(dp, c, &why);
    return why;
}

void io_dp_child_add(struct io_dp *dp, struct io_dp_child *c)
{
    const char *why = refusal(dp, c);
    struct io_dp_node *result = c->result;

    c->result = NULL;
    if (why) {
        result->ev.ok = false;
        snprintf(result->ev.text, sizeof(result->ev.text), "%s", why);
        io_dp_child_free(c);
    } else {
        link_child(dp, c);
    }
    io_dp_post(dp, result);
}

void io_dp_child_use(struct io_dp *dp, struct kd_handle id, struct kd_handle replaces)
{
    struct io_dp_child *c = io_dp_child_by_id(dp, id), *old = io_dp_child_by_id(dp, replaces);
    struct io_dp_tunnel *t;

    if (!c)
        return;
    t = &dp->tunnel[c->tunnel];
    if (old && old->used && old->tunnel == c->tunnel) {
        out_unlink(t, old);
        old->used = false;
        out_append(t, old);
    }
    out_unlink(t, c);
    c->used = true;
    out_insert(t, c);
}

void io_dp_child_move(struct io_dp *dp, const struct io_dp_cmd *cmd)
{
    struct io_dp_child *c = io_dp_child_by_id(dp, cmd->child);
    const char *why;

    if (!c)
        return;
    set_endpoints(c, &cmd->local, &cmd->remote, cmd->outer_mtu);
    c->sock = sock_for(dp, c, &why);
}

void io_dp_child_del(struct io_dp *dp, struct kd_handle id)
{
    struct io_dp_child *c = io_dp_child_by_id(dp, id);

    if (!c)
        return;
    unlink_child(dp, c);
    io_dp_child_free(c);
}
