/* What the files about tunnels share: the state table (tunnel.c), carrying (carry.c), pairs of SAs
 * (child.c), the interface (device.c) and commands (admin.c). */
#ifndef CORE_TUNNEL_H
#define CORE_TUNNEL_H

#include "core/internal.h"

#define CORE_PROOF_FIRST_US KD_MS(200) /* own traffic usually proves a fresh pair before */

/* What moves a tunnel from one state to another: the rows of tunnel.c. */
enum core_input {
    CORE_IN_CONNECT,
    CORE_IN_CHILD,
    CORE_IN_RENEWED,
    CORE_IN_PROVEN,
    CORE_IN_FAILING,
    CORE_IN_REACHABLE,
    CORE_IN_DETECT,
    CORE_IN_CHILDLESS,
    CORE_IN_CLOSED,
    CORE_IN_DISABLE
};

static inline uint32_t core_tunnel_id(const struct core *c, const struct core_tunnel *t)
{
    return (uint32_t)(t - c->tunnels);
}

/* tunnel.c: takes the row of the input and the present state, and says so; false when there is
 * none. */
bool core_tunnel_move(struct core *c, struct core_tunnel *t, enum core_input in,
                      enum kd_reason reason);
void core_tunnel_say_state(struct core *c, const struct core_tunnel *t);

/* carry.c */
void core_carry_on(struct core *c, struct core_tunnel *t);
/* heard: the neighbor can probably still hear a Cease. */
void core_carry_off(struct core *c, struct core_tunnel *t, enum kd_reason reason, bool heard);
void core_carry_cleared(struct core *c, struct core_tunnel *t);

/* child.c */
struct core_child *core_child_of(struct core_tunnel *t, struct kd_handle h);
void core_child_forget(struct core_tunnel *t, struct kd_handle h);
bool core_child_any_up(const struct core_tunnel *t);
void core_child_up(struct core *c, struct core_tunnel *t, struct kd_handle h);
void core_child_down(struct core *c, struct core_tunnel *t, struct kd_handle h,
                     enum kd_reason reason);
/* IKE's CHILD_ADD: towards the data plane. */
void core_child_add(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                    const struct ike_out *out);

/* refusal.c: REFUSED, or CLOSED for want of an answer. */
void core_refused_note(struct core *c, struct core_tunnel *t, const struct ike_action *a,
                       const struct ike_out *out);
const struct core_refused_view *core_refused(const struct core_tunnel *t);
void core_refused_free(struct core_tunnel *t);

/* rehearse.c */
void core_rehearse_start(struct core *c, struct core_tunnel *t); /* nothing while one runs */
void core_rehearse_child_up(struct core *c, struct core_tunnel *t);
void core_rehearse_note(struct core *c, struct core_tunnel *t, const struct ike_action *a);
void core_rehearse_wake(struct core *c, struct core_tunnel *t);

/* pmtu.c */
void core_pmtu_child(struct core *c, struct core_tunnel *t, const struct ike_action *a);
void core_pmtu_wake(struct core *c, struct core_tunnel *t);
/* Somebody says that the way carries datagrams of mtu octets; 0: some less than before. */
void core_pmtu_hint(struct core *c, struct core_tunnel *t, uint32_t mtu);
void core_pmtu_note(struct core *c, struct core_tunnel *t, struct kd_bytes detail);
struct core_pmtu_view core_pmtu_of(const struct core_tunnel *t, const struct ike_mtu_view *m);

/* device.c */
void core_device_ask(struct core *c, struct core_tunnel *t);
void core_device_prepare(struct core *c, struct core_tunnel *t);
void core_device_mtu(struct core *c, struct core_tunnel *t, uint32_t mtu);

#endif
