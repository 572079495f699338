/* Inbound: datagrams from a socket in batches, told apart, opened in place, checked against the
 * child's selectors, written to its tunnel's TUN device.
 *
 * A NAT-T socket carries three things (RFC 3948 2): keepalives of one byte 0xff, IKE behind four
 * zero bytes, ESP. ESP is taken in either form whatever was negotiated for sending (RFC 7296 2.23).
 * The outer source address is not what a packet is judged by: the ICV is. When the newest authentic
 * one comes from elsewhere, that is told, and IKE decides whether the SAs move (RFC 7296 2.23). */
#include "io/dp.h"

#include "io/sockaddr.h"

#include <errno.h>
#include <unistd.h>

#define KEEPALIVE 0xff
/* A peer behind a NAT whose mapping changes does so once in minutes; who plays with our packets'
 * source causes no more events than that. */
#define SOURCE_GAP_US 100000

/* ---- from the socket ---- */

static void prepare(struct io_dp *dp)
{
    for (uint32_t i = 0; i < IO_DP_BATCH; i++) {
        dp->iov[i] = (struct iovec){io_dp_buf(dp, i) + ESP_HEADROOM, IO_DP_PKT_MAX};
        dp->msg[i].msg_hdr = (struct msghdr){.msg_name = &dp->from[i],
                                             .msg_namelen = sizeof(dp->from[i]),
                                             .msg_iov = &dp->iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = dp->control[i],
                                             .msg_controllen = sizeof(dp->control[i])};
    }
}

/* SO_RXQ_OVFL: how many the kernel has dropped on this socket so far, modulo 2^32. */
static void note_overflow(struct io_dp *dp, struct io_dp_listener *l, struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        uint32_t total;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&total, CMSG_DATA(c), sizeof(total));
        atomic_fetch_add_explicit(&dp->n.rxq_overflow, (uint32_t)(total - l->rxq_overflow),
                                  memory_order_relaxed);
        l->rxq_overflow = total;
    }
}

/* An ESP packet joins the batch when its SPI is known. */
static void add_esp(struct io_dp *dp, const struct io_dp_listener *l, uint32_t i, uint32_t off,
                    uint32_t len, bool udp)
{
    struct kd_reader r;
    struct io_dp_child *c;
    uint32_t spi;

    kd_reader_init(&r, kd_bytes(io_dp_buf(dp, i) + off, len));
    spi = kd_get_u32(&r);
    if (!r.ok) {
        io_dp_bump(&dp->n.malformed);
        return;
    }
    c = io_dp_child_by_spi(dp, spi, &l->addr);
    if (!c) {
        io_dp_bump(&dp->n.unknown_spi);
        return;
    }
    if (dp->tunnel[c->tunnel].mute)
        return;
    dp->pkt[dp->n_pkt] = (struct esp_pkt){io_dp_buf(dp, i), IO_DP_BUF, off, len, ESP_OK};
    dp->source[dp->n_pkt] = udp ? &dp->from[i] : NULL;
    dp->owner[dp->n_pkt++] = c;
}

static void sort_udp(struct io_dp *dp, const struct io_dp_listener *l, uint32_t i, uint32_t len,
                     uint64_t now_us)
{
    const uint8_t *p = io_dp_buf(dp, i) + ESP_HEADROOM;
    struct kd_reader r;

    if (len == 1 && p[0] == KEEPALIVE) {
        io_dp_bump(&dp->n.keepalives);
        return;
    }
    kd_reader_init(&r, kd_bytes(p, len));
    if (kd_get_u32(&r) != 0)
        add_esp(dp, l, i, ESP_HEADROOM, len, true);
    else if (kd_reader_left(&r) > 0)
        io_dp_post_ike(dp, l, &dp->from[i], kd_bytes(p + 4, len - 4), now_us);
    else
        io_dp_bump(&dp->n.malformed);
}

/* A raw IPv4 socket delivers the IP header, a raw IPv6 socket doesn't. */
static void sort_raw(struct io_dp *dp, const struct io_dp_listener *l, uint32_t i, uint32_t len)
{
    uint32_t header = 0;

    if (l->addr.family == 4)
        header = len > 0 ? (io_dp_buf(dp, i)[ESP_HEADROOM] & 15u) * 4 : 20;
    if (header > len)
        io_dp_bump(&dp->n.malformed);
    else
        add_esp(dp, l, i, ESP_HEADROOM + header, len - header, false);
}

static int receive(struct io_dp *dp, struct io_dp_listener *l, bool raw)
{
    int n;

    prepare(dp);
    n = recvmmsg(raw ? l->raw : l->udp, dp->msg, IO_DP_BATCH, MSG_DONTWAIT, NULL);
    if (n > 0) {
        uint64_t now_us = dp->read_us = io_dp_now_us();
        for (uint32_t i = 0; i < (uint32_t)n; i++) {
            if (raw)
                sort_raw(dp, l, i, dp->msg[i].msg_len);
            else
                sort_udp(dp, l, i, dp->msg[i].msg_len, now_us);
        }
        note_overflow(dp, l, &dp->msg[n - 1].msg_hdr);
    }
    return n;
}

/* ---- to the device ---- */

/* What is inside must be what was agreed on (RFC 4301 5.2 step 4): no inner source is spoofed. */
static bool selectors_match(const struct io_dp_child *c, const struct esp_flow *f)
{
    return ike_ts_match(&c->ts_remote, &f->src, f->proto, f->sport) &&
           ike_ts_match(&c->ts_local, &f->dst, f->proto, f->dport);
}

/* What is for ourselves, BGP, BFD and health probes, says nothing of what the tunnel carries. */
static void carried(struct io_dp_tunnel *t, const struct kd_addr *dst, uint64_t now_us)
{
    uint64_t last = atomic_load_explicit(&t->spell.last_us, memory_order_relaxed);

    if (kd_addr_eq(dst, &t->own))
        return;
    if (now_us > last + IO_DP_SPELL_GAP_US) {
        atomic_store_explicit(&t->spell.before_us, last, memory_order_relaxed);
        atomic_store_explicit(&t->spell.first_us, now_us, memory_order_release);
    }
    atomic_store_explicit(&t->spell.last_us, now_us, memory_order_relaxed);
}

static void write_tun(struct io_dp *dp, struct io_dp_child *c, const uint8_t *p, uint32_t len)
{
    const int fd = dp->tunnel[c->tunnel].fd;

    if (fd >= 0 && write(fd, p, len) == (ssize_t)len)
        return;
    io_dp_bump(&c->dropped_other); /* EIO: the interface is down; EAGAIN, ENOBUFS: too much */
    if (fd >= 0 && errno == EBADFD)
        io_dp_tun_fail(dp, c->tunnel, errno);
}

/* Everything behind a good ICV is proof that the peer sends on this pair. */
static bool authenticated(enum esp_verdict v)
{
    return v == ESP_OK || v == ESP_DUMMY || v == ESP_BAD_PAD || v == ESP_BAD_INNER;
}

static void tell_source(struct io_dp *dp, struct io_dp_child *c,
                        const struct sockaddr_storage *from)
{
    struct kd_endpoint source;
    struct io_dp_node *node;
    uint64_t now_us;

    if (memcmp(from, &c->to, c->to_len) == 0)
        return;
    source = io_sockaddr_to((const struct sockaddr *)from);
    now_us = io_dp_now_us();
    if (kd_endpoint_eq(&source, &c->remote) || now_us < c->source_at_us + SOURCE_GAP_US)
        return;
    c->source_at_us = now_us;
    node = io_dp_alloc(sizeof(*node));
    node->ev = (struct io_dp_event){.kind = IO_DP_SOURCE,
                                    .tunnel = c->tunnel,
                                    .child = c->id,
                                    .local = c->local,
                                    .remote = source};
    io_dp_post(dp, node);
}

static void deliver(struct io_dp *dp, struct io_dp_child *c, const struct esp_pkt *p)
{
    uint8_t *inner = p->buf + p->off;
    struct esp_flow f;

    if (authenticated(p->verdict) && !c->seen) {
        c->seen = true;
        io_dp_post(dp, c->first);
        c->first = NULL;
    }
    if (p->verdict != ESP_OK)
        return;
    if (!esp_flow_of(inner, p->len, &f) || !selectors_match(c, &f)) {
        io_dp_bump(&c->dropped_ts);
        return;
    }
    carried(&dp->tunnel[c->tunnel], &f.dst, dp->read_us);
    esp_mss_clamp(inner, p->len, inner[0] >> 4 == 4 ? c->mss_v4 : c->mss_v6);
    write_tun(dp, c, inner, p->len);
}

/* Opens what was gathered, a run of one child's packets at a time, so their order stays. */
static void open_all(struct io_dp *dp)
{
    for (uint32_t i = 0, end; i < dp->n_pkt; i = end) {
        for (end = i + 1; end < dp->n_pkt && dp->owner[end] == dp->owner[i]; end++)
            ;
        esp_open(dp->owner[i]->in, &dp->pkt[i], end - i);
        io_dp_child_spent(dp, dp->owner[i], dp->owner[i]->in);
    }
    for (uint32_t i = 0; i < dp->n_pkt; i++) {
        if (dp->pkt[i].newest && dp->source[i] && dp->owner[i]->encap)
            tell_source(dp, dp->owner[i], dp->source[i]);
        deliver(dp, dp->owner[i], &dp->pkt[i]);
    }
    dp->n_pkt = 0;
}

void io_dp_rx(struct io_dp *dp, struct io_dp_listener *l, bool raw)
{
    int n = IO_DP_BATCH;

    for (int round = 0; round < IO_DP_ROUNDS && n == IO_DP_BATCH; round++) {
        n = receive(dp, l, raw);
        open_all(dp);
    }
}
