/* The simulator: one virtual clock and one ordered queue of events, on which whole gateways (struct
 * core), a pretend kernel each, and the links between them run. No real clock, no threads, no OS
 * randomness: the same seed gives the same run, to the byte (sim_trace()).
 *
 *   sim.c       clock, queue, randomness         link.c       wires: latency, loss, cuts, NAT
 *   kernel.c    links, addresses, look-ups       kernel_fib.c next-hop objects and routes
 *   kernel_nl.c requests and answers as bytes    dataplane.c  SAs on the real src/esp
 *   packet.c    inner packets                    stack.c      a host's IP: input, output, echo
 *   tcp.c       pretend TCP                      gateway.c    drives one core
 *   check.c     what must hold at any time       scenario.c   ready-made pairs and hubs
 *
 * What it is not: a model of congestion, of queues, or of the kernel's own delays (one latency knob
 * a kind). Thousands of gateways share one struct core_out. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "core/core.h"

struct sim_gw;
struct sim_link;

/* obj is whatever was scheduled with; data[0..len) is the queue's copy. */
typedef void (*sim_fn)(void *obj, const void *data, size_t len);

struct sim {
    uint64_t seed, now_us, rng;
    struct kc_ctx *crypto; /* the simulator's provider, of all gateways */
    struct core_out *out;  /* of the one step that runs */
    uint8_t *scratch;      /* for encoding one event or action */
    struct sim_entry {
        uint64_t at_us, seq;
        sim_fn fn;
        void *obj;
        uint8_t *data;
        size_t len;
    } * heap;
    size_t n, cap;
    uint64_t next_seq, n_run;
    struct sim_gw *gws; /* in the order of making */
    struct sim_link *links;
};

#define SIM_SCRATCH (2u * CORE_OUT_BYTES) /* the largest action, encoded, with room */

/* keys_max as kc_ctx_new(). Never NULL: out of memory is a failed assertion. Who calls it with a
 * seed that varies prints it first. */
struct sim *sim_new(uint64_t seed, uint32_t keys_max) KD_MUST_USE;
/* Ends gateways and links, too; a key that is left in the arena then is a leak (asserted). */
void sim_free(struct sim *s);

/* Calls fn(obj, copy of data, len) in delay_us; equal times in the order of scheduling. */
void sim_after(struct sim *s, uint64_t delay_us, sim_fn fn, void *obj, const void *data,
               size_t len);

/* Runs everything that is due until at_us, which is then the time. */
void sim_run_until(struct sim *s, uint64_t at_us);
void sim_run(struct sim *s, uint64_t for_us);
/* Runs until cond holds, asked after every event; false when for_us passed before. */
bool sim_wait(struct sim *s, uint64_t for_us, bool (*cond)(void *arg), void *arg) KD_MUST_USE;

uint64_t sim_random(struct sim *s);
uint64_t sim_below(struct sim *s, uint64_t bound); /* 0 for bound 0 */
bool sim_chance(struct sim *s, uint32_t per_mille);

/* Hash over every event and action of every gateway, in order. */
uint64_t sim_trace(const struct sim *s);

#endif
