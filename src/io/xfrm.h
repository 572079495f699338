/* The kernel's ESP as a data plane: pairs of SAs and their policies, behind the calls that
 * dataplane.h has for the userspace one. Says what the kernel shall have and keeps account of it;
 * every request leaves through one function of the caller's, which answers before it returns, so
 * that a refused step is undone in the same call.
 *
 * A tunnel is an XFRM interface; its if_id and reqid are NL_ID_KEDGE + 1 + its number. What
 * goes out through it finds a policy of that if_id, which names the SA by its SPI: a rekey is one
 * replaced policy a selector. What comes in on any of its SAs has to match a policy too. */
#ifndef IO_XFRM_H
#define IO_XFRM_H

#include "core/audit.h"
#include "io/dataplane.h"
#include "netlink/xfrm.h"

struct io_xfrm;

/* For each message of an answer but the ack; what it points to is wiped afterwards. */
typedef void io_xfrm_take_fn(void *arg, const struct nl_xfrm_event *ev);

struct io_xfrm_kernel {
    /* Sends b, whose one message has seq, and waits for its ack: 0, or a positive errno and the
     * kernel's words ("" when it had none). take: NULL, or gets what came before the ack. */
    int (*talk)(void *arg, const struct nl_buf *b, uint32_t seq, io_xfrm_take_fn *take,
                void *take_arg, char *text, size_t cap);
    /* An event for the control loop: RESULT, SEEN, SOURCE, EXPIRE, TRAFFIC. May be called inside
     * any call.
     */
    void (*tell)(void *arg, const struct io_dp_event *ev);
    void *arg;
    bool knows_direction; /* nl_probe_direction() */
};

/* NULL when out of memory. */
struct io_xfrm *io_xfrm_new(struct kc_ctx *crypto, const struct io_xfrm_kernel *k) KD_MUST_USE;
/* Forgets; io_xfrm_clean() empties the kernel. */
void io_xfrm_free(struct io_xfrm *x);

/* Removes every SA and policy that carries our range, ours or an earlier life's. False with the
 * reason when one wouldn't go. */
bool io_xfrm_clean(struct io_xfrm *x, char *text, size_t cap);

/* As io_dp_sa_*(), but done on return. ADD tells RESULT. Refused on the way: what was made is
 * undone, and the pair that sent before goes on. USE that the kernel refuses is asked again, as
 * long as that one is there; refused once more when it goes: a hard EXPIRE, as it can't send. */
void io_xfrm_add(struct io_xfrm *x, const struct io_dp_sa *sa);
void io_xfrm_use(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child);
void io_xfrm_move(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child,
                  const struct kd_endpoint *local, const struct kd_endpoint *remote);
void io_xfrm_del(struct io_xfrm *x, uint32_t tunnel, struct kd_handle child);
void io_xfrm_mute(struct io_xfrm *x, uint32_t tunnel, bool on);
void io_xfrm_tunnel_del(struct io_xfrm *x, uint32_t tunnel); /* all of its pairs and policies */

/* Holds the kernel's SAs and policies of our range against the account, and changes nothing. cfg:
 * for the tunnels' names. False with the reason: the kernel could not be asked. */
bool io_xfrm_audit(struct io_xfrm *x, const struct core_config *cfg, struct core_audit *a,
                   char *text, size_t cap) KD_MUST_USE;
/* The account's pairs, up to max, into out; how many there are. */
uint32_t io_xfrm_pairs(const struct io_xfrm *x, struct core_audit_pair *out, uint32_t max);

/* A packet of these flows that finds no pair tells TRAFFIC: the kernel has a policy for each,
 * without SAs, whenever no pair's stands there. Until io_xfrm_tunnel_del(). False with the reason:
 * the kernel refused, nothing is left. */
bool io_xfrm_trap(struct io_xfrm *x, uint32_t tunnel, const struct ike_conn_config *cfg, char *text,
                  size_t cap) KD_MUST_USE;

/* Asks the kernel; false when it has no such pair. */
bool io_xfrm_count(struct io_xfrm *x, struct kd_handle child, struct io_dp_counters *c);
/* What a tunnel's pairs have received, packets; false when the kernel didn't say. */
bool io_xfrm_received(struct io_xfrm *x, uint32_t tunnel, uint64_t *packets);
/* What the kernel said of its own accord: EXPIRE, MAPPING, ACQUIRE. */
void io_xfrm_heard(struct io_xfrm *x, const struct nl_xfrm_event *ev, uint64_t now_us);
/* Something it said was lost: a pair that is no longer there tells a hard EXPIRE. */
void io_xfrm_resync(struct io_xfrm *x);
/* The kernel has no word for the first packet on an SA: asks for pairs that have not been heard, at
 * most so many a call, and tells SEEN; also tries again what would not go. True: call again soon.
 */
bool io_xfrm_tick(struct io_xfrm *x);

#endif
