/* The one file that touches netlink sockets. Blocking only in nl_talk(), which start-up uses. */
#ifndef NL_SOCKET_H
#define NL_SOCKET_H

#include "netlink/msg.h"

/* The kernel fills dumps up to the largest size a reader has used, at most 32 KiB. */
#define NL_DATAGRAM_MAX 32768

struct nl_socket; /* owned by the caller, nl_close() frees */

/* family: NETLINK_ROUTE or NETLINK_XFRM. groups: RTNLGRP_* to join, 0-terminated, may be NULL. Sets
 * NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK, non-blocking, 4 MiB receive buffer
 * where allowed. NULL with errno. */
struct nl_socket *nl_open(int family, const uint16_t *groups) KD_MUST_USE;
void nl_close(struct nl_socket *s);
int nl_fd(const struct nl_socket *s);
/* News of routes and next-hop objects with the protocol number aren't received any more; answers
 * and dumps are. False with errno. */
bool nl_unsubscribe_own(struct nl_socket *s, uint8_t protocol) KD_MUST_USE;
/* Sends a batch as one datagram. False with errno. The kernel has carried all of it out on return,
 * a refused message doesn't stop those after it; the acks wait to be read. */
bool nl_send(struct nl_socket *s, const struct nl_buf *b) KD_MUST_USE;
/* Reads one datagram into the socket's buffer (lent until the next call), to be walked with
 * nl_next(). Empty view when nothing from the kernel is there; *overrun true when the kernel
 * dropped messages (ENOBUFS) or one didn't fit: the reader must resync, a dump under way must be
 * repeated. False with errno on another error. */
bool nl_recv(struct nl_socket *s, struct kd_bytes *data, bool *overrun) KD_MUST_USE;
/* Does a datagram hold the answer to seq, of a dump its end? With what nl_talk() returns of it, and
 * the kernel's text. */
bool nl_answered(struct kd_bytes data, uint32_t seq, int *error, char *text, size_t cap);
/* nl_talk() that hands each datagram up to the one with the answer to take (NULL: drops), before
 * the answer is judged: what a GET or a dump asked for is in it. They are wiped afterwards. */
int nl_ask(struct nl_socket *s, const struct nl_buf *b, uint32_t seq, int timeout_ms,
           void (*take)(void *arg, struct kd_bytes data), void *arg, char *text, size_t cap);
/* Sends one message and waits for its ack (timeout_ms): 0, or a positive errno with the kernel's
 * text ("" when it gave none); ETIMEDOUT, or ENOBUFS when the answer may have been lost. Whatever
 * else arrives meanwhile is dropped: for sockets without groups. */
int nl_talk(struct nl_socket *s, const struct nl_buf *b, uint32_t seq, int timeout_ms, char *text,
            size_t cap);

#endif
