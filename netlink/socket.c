/* The one file that touches netlink sockets. Knows no message but the ack nl_talk() waits for. */
#include "netlink/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#define RCVBUF_LEN (4 << 20)

struct nl_socket {
    struct mnl_socket *mnl;
    _Alignas(struct nlmsghdr) uint8_t buf[NL_DATAGRAM_MAX];
};

static bool set_one(struct mnl_socket *m, int option)
{
    int one = 1;

    return mnl_socket_setsockopt(m, option, &one, sizeof(one)) == 0;
}

static bool join(struct mnl_socket *m, const uint16_t *groups)
{
    for (; groups && *groups; groups++) {
        int group = *groups;

        if (mnl_socket_setsockopt(m, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
            return false;
    }
    return true;
}

/* Past rmem_max only with CAP_NET_ADMIN; else as much as rmem_max gives. */
static void grow(int fd)
{
    int len = RCVBUF_LEN;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof(len)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof(len));
}

/* The options are older than next-hop objects (5.3): a kernel without them can't serve us. */
static bool set_up(struct mnl_socket *m, const uint16_t *groups)
{
    grow(mnl_socket_get_fd(m));
    return set_one(m, NETLINK_EXT_ACK) && set_one(m, NETLINK_CAP_ACK) &&
           set_one(m, NETLINK_GET_STRICT_CHK) && mnl_socket_bind(m, 0, MNL_SOCKET_AUTOPID) == 0 &&
           join(m, groups);
}

struct nl_socket *nl_open(int family, const uint16_t *groups)
{
    struct nl_socket *s = calloc(1, sizeof(*s));
    int err;

    if (!s)
        return NULL;
    s->mnl = mnl_socket_open2(family, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s->mnl && set_up(s->mnl, groups))
        return s;
    err = errno;
    nl_close(s);
    errno = err;
    return NULL;
}

/* News begin with one message's header: type at 4, flags at 6, then struct rtmsg with the protocol
 * at 5 or struct nhmsg with it at 2. A dump's datagrams hold many messages, and pass whole. */
bool nl_unsubscribe_own(struct nl_socket *s, uint8_t protocol)
{
    enum { TYPE = 4, FLAGS = 6, BODY = 16 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, FLAGS),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_MULTI), 9, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEXTHOP), 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEXTHOP), 2, 4),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, BODY + 5),
        BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, BODY + 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, protocol, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog prog = {.len = KD_ARRAY_LEN(code), .filter = code};

    return setsockopt(nl_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

void nl_close(struct nl_socket *s)
{
    if (!s)
        return;
    if (s->mnl)
        mnl_socket_close(s->mnl);
    free(s);
}

int nl_fd(const struct nl_socket *s)
{
    return mnl_socket_get_fd(s->mnl);
}

bool nl_send(struct nl_socket *s, const struct nl_buf *b)
{
    return b->len == 0 || mnl_socket_sendto(s->mnl, b->p, b->len) == (ssize_t)b->len;
}

/* recvmsg() and not mnl_socket_recvfrom(), which doesn't say who sent it. */
static ssize_t receive(struct nl_socket *s, struct sockaddr_nl *from, int *flags)
{
    struct iovec iov = {.iov_base = s->buf, .iov_len = sizeof(s->buf)};
    struct msghdr msg = {
        .msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    do {
        n = recvmsg(nl_fd(s), &msg, 0);
    } while (n < 0 && errno == EINTR);
    *flags = msg.msg_flags;
    return n;
}

bool nl_recv(struct nl_socket *s, struct kd_bytes *data, bool *overrun)
{
    struct sockaddr_nl from = {0};
    int flags;
    ssize_t n = receive(s, &from, &flags);

    *data = kd_bytes(NULL, 0);
    *overrun = false;
    if (n < 0) {
        *overrun = errno == ENOBUFS;
        return *overrun || errno == EAGAIN || errno == EWOULDBLOCK;
    }
    if (from.nl_pid != 0)
        return true; /* not from the kernel: another process may send to us, we don't listen */
    if (flags & MSG_TRUNC) {
        *overrun = true; /* what was cut off is as lost as what didn't fit the queue */
        return true;
    }
    *data = kd_bytes(s->buf, (size_t)n);
    return true;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
}

bool nl_answered(struct kd_bytes data, uint32_t seq, int *error, char *text, size_t cap)
{
    struct nl_event ev;

    while (nl_next_ack(&data, &ev)) {
        if ((ev.kind != NL_ACK && ev.kind != NL_DONE) || ev.seq != seq)
            continue;
        *error = ev.error;
        if (cap) {
            size_t len = strnlen(ev.text, cap - 1);

            memcpy(text, ev.text, len);
            text[len] = '\0';
        }
        return true;
    }
    return false;
}

int nl_ask(struct nl_socket *s, const struct nl_buf *b, uint32_t seq, int timeout_ms,
           void (*take)(void *arg, struct kd_bytes data), void *arg, char *text, size_t cap)
{
    int64_t end, left;
    struct kd_bytes data;
    bool overrun, found;
    int error;

    if (cap)
        text[0] = '\0';
    if (!nl_send(s, b)) /* can take seconds: the kernel loads modules in it */
        return errno;
    end = now_ms() + timeout_ms;
    while ((left = end - now_ms()) > 0) {
        struct pollfd p = {.fd = nl_fd(s), .events = POLLIN};

        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            return errno;
        if (!nl_recv(s, &data, &overrun))
            return errno;
        if (overrun)
            return ENOBUFS; /* the answer may be among what was lost */
        if (take)
            take(arg, data);
        found = nl_answered(data, seq, &error, text, cap);
        if (take)
            explicit_bzero(s->buf, data.len);
        if (found)
            return error;
    }
    return ETIMEDOUT;
}

int nl_talk(struct nl_socket *s, const struct nl_buf *b, uint32_t seq, int timeout_ms, char *text,
            size_t cap)
{
    return nl_ask(s, b, seq, timeout_ms, NULL, NULL, text, cap);
}
