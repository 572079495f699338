/* Outbound: packets from a TUN device in batches, given to the pair whose selectors match, sealed
 * in place, sent with one system call a run. */
#include "io/dp.h"

#include <errno.h>
#include <unistd.h>

#define ICMP_GAP_US 10000 /* RFC 4443 2.4 f: at most 100 "too big" a second and tunnel */

#define TRAFFIC_GAP_US 1000000 /* an attempt takes longer, and a second one would be refused */

/* ---- into the batch ---- */

/* What an interface says by itself (MLD, router solicitations) or to everybody on it. */
static bool is_chatter(const struct esp_flow *f)
{
    const uint8_t *src = f->src.b, *dst = f->dst.b;

    if (f->dst.family == 4)
        return dst[0] >= 224;
    return dst[0] == 0xff || (dst[0] == 0xfe && (dst[1] & 0xc0) == 0x80) ||
           (src[0] == 0xfe && (src[1] & 0xc0) == 0x80);
}

static bool trapped(const struct ike_conn_config *trap, const struct esp_flow *f)
{
    for (uint32_t i = 0; trap && i < KD_MAX(trap->n_children, 1); i++)
        if (ike_ts_match(&trap->child[i].local_ts, &f->src, f->proto, f->sport) &&
            ike_ts_match(&trap->child[i].remote_ts, &f->dst, f->proto, f->dport))
            return !is_chatter(f);
    return false;
}

static void no_pair(struct io_dp *dp, uint32_t tunnel, const struct esp_flow *f)
{
    struct io_dp_tunnel *t = &dp->tunnel[tunnel];
    struct io_dp_node *node;
    uint64_t now;

    io_dp_bump(t->out ? &t->out->dropped_ts : &dp->n.no_sa);
    if (!trapped(t->trap, f))
        return;
    now = io_dp_now_us();
    if (t->traffic_at_us && now < t->traffic_at_us + TRAFFIC_GAP_US)
        return;
    t->traffic_at_us = now;
    node = io_dp_alloc(sizeof(*node));
    node->ev.kind = IO_DP_TRAFFIC;
    node->ev.tunnel = tunnel;
    io_dp_post(dp, node);
}

/* The fragments of a packet that may be fragmented leave outside, by the kernel; one that may not
 * is answered where it came from. */
static bool too_big(struct io_dp *dp, uint32_t tunnel, struct io_dp_child *c, struct kd_bytes pkt)
{
    struct io_dp_tunnel *t = &dp->tunnel[tunnel];
    uint8_t answer[IO_DP_ICMP_MAX];
    uint64_t now_us;
    size_t len;

    if (!io_dp_icmp_needed(pkt, c->inner_mtu))
        return false;
    io_dp_bump(&c->dropped_other);
    now_us = io_dp_now_us();
    len = now_us < t->icmp_at_us ? 0 : io_dp_icmp_too_big(pkt, c->inner_mtu, answer);
    if (len > 0 && t->fd >= 0 && write(t->fd, answer, len) == (ssize_t)len)
        t->icmp_at_us = now_us + ICMP_GAP_US;
    return true;
}

/* Takes the inner packet of len bytes in the batch's next buffer, or drops and counts it. */
static void add(struct io_dp *dp, uint32_t tunnel, uint32_t len)
{
    struct io_dp_tunnel *t = &dp->tunnel[tunnel];
    uint8_t *buf = io_dp_buf(dp, dp->n_pkt), *inner = buf + ESP_HEADROOM;
    struct io_dp_child *c;
    struct esp_flow f;

    if (t->mute)
        return;
    if (!esp_flow_of(inner, len, &f)) {
        io_dp_bump(&dp->n.malformed);
        return;
    }
    c = io_dp_child_for(t, &f);
    if (!c) {
        no_pair(dp, tunnel, &f);
        return;
    }
    if (too_big(dp, tunnel, c, kd_bytes(inner, len)))
        return;
    esp_mss_clamp(inner, len, inner[0] >> 4 == 4 ? c->mss_v4 : c->mss_v6);
    dp->pkt[dp->n_pkt] = (struct esp_pkt){buf, IO_DP_BUF, ESP_HEADROOM, len, ESP_OK};
    dp->owner[dp->n_pkt++] = c;
}

/* ---- out of it ---- */

static void seal_all(struct io_dp *dp)
{
    for (uint32_t i = 0, end; i < dp->n_pkt; i = end) {
        for (end = i + 1; end < dp->n_pkt && dp->owner[end] == dp->owner[i]; end++)
            ;
        esp_seal(dp->owner[i]->out, &dp->pkt[i], end - i);
        io_dp_child_spent(dp, dp->owner[i], dp->owner[i]->out);
    }
}

static int fd_of(const struct io_dp_child *c)
{
    return !c->sock ? -1 : c->encap ? c->sock->udp : c->sock->raw;
}

/* Sends the n messages prepared; owner[i] pays for message i. A full socket drops the rest (there
 * is nothing to wait for that wouldn't delay the others), any other error only its own packet. */
static void send_run(int fd, struct mmsghdr *msg, struct io_dp_child **owner, uint32_t n)
{
    uint32_t done = 0;

    while (done < n) {
        int sent = sendmmsg(fd, msg + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            done += (uint32_t)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            while (done < n)
                io_dp_bump(&owner[done++]->dropped_other);
        } else if (errno != EINTR) {
            io_dp_bump(&owner[done++]->dropped_other);
        }
    }
}

/* Packs the sealed packets' messages and owners, and forgets the refused: esp has counted them. */
static uint32_t make_messages(struct io_dp *dp)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < dp->n_pkt; i++) {
        struct esp_pkt *p = &dp->pkt[i];
        struct io_dp_child *c = dp->owner[i];
        if (p->verdict != ESP_OK)
            continue;
        if (fd_of(c) < 0) {
            io_dp_bump(&c->dropped_other);
            continue;
        }
        dp->iov[n] = (struct iovec){p->buf + p->off, p->len};
        dp->msg[n].msg_hdr = (struct msghdr){
            .msg_name = &c->to, .msg_namelen = c->to_len, .msg_iov = &dp->iov[n], .msg_iovlen = 1};
        dp->owner[n++] = c;
    }
    return n;
}

static void flush(struct io_dp *dp)
{
    uint32_t n;

    seal_all(dp);
    n = make_messages(dp);
    for (uint32_t i = 0, end; i < n; i = end) {
        const int fd = fd_of(dp->owner[i]);
        for (end = i + 1; end < n && fd_of(dp->owner[end]) == fd; end++)
            ;
        send_run(fd, &dp->msg[i], &dp->owner[i], end - i);
    }
    dp->n_pkt = 0;
}

/* One batch from the device; false when there is no more for now. */
static bool read_batch(struct io_dp *dp, uint32_t tunnel)
{
    const int fd = dp->tunnel[tunnel].fd;

    for (int i = 0; i < IO_DP_BATCH; i++) {
        ssize_t n = read(fd, io_dp_buf(dp, dp->n_pkt) + ESP_HEADROOM, IO_DP_PKT_MAX);
        if (n > 0) {
            add(dp, tunnel, (uint32_t)n);
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) /* no device says 0: no end without it */
            io_dp_tun_fail(dp, tunnel, n == 0 ? ENODEV : errno);
        return false;
    }
    return true;
}

void io_dp_tx(struct io_dp *dp, uint32_t tunnel)
{
    bool more = true;

    for (int round = 0; more && round < IO_DP_ROUNDS; round++) {
        more = read_batch(dp, tunnel);
        flush(dp);
    }
}

void io_dp_tx_one(struct io_dp *dp, uint32_t tunnel, struct kd_bytes pkt)
{
    if (tunnel >= CORE_TUNNELS_MAX || pkt.len > IO_DP_PKT_MAX)
        return;
    memcpy(io_dp_buf(dp, 0) + ESP_HEADROOM, pkt.p, pkt.len);
    add(dp, tunnel, (uint32_t)pkt.len);
    flush(dp);
}
