/* For the BGP tests: engines with what they said recorded, wired to each other by a pretend TCP in
 * virtual time (bgp_net), or spoken to byte by byte by the test (bgp_raw). */
#ifndef TESTS_BGP_PAIR_H
#define TESTS_BGP_PAIR_H

#include "bgp/bgp.h"
#include "bgp/message.h"

/* ---- a node: one engine and the record of its actions ---- */

struct bgp_fib_entry {
    uint32_t table;
    struct kd_prefix prefix;
    struct bgp_pathset paths;
};

struct bgp_note_record {
    uint32_t peer;
    enum bgp_note note;
    enum bgp_state state;
    enum kd_reason reason;
    char text[160];
};

struct bgp_node {
    struct bgp *b;
    struct bgp_out *out;
    uint32_t fib_n, fib_cap;
    struct bgp_fib_entry *fib; /* in the order of installation */
    uint32_t notes_n;
    struct bgp_note_record notes[256]; /* the last ones, wrapping */
    uint64_t steps, sets, dels;
    uint32_t trace; /* hash of every action's text so far */
    bool fib_off;   /* only count: for large tables */
    bool trace_off; /* for speed */
    void (*act)(struct bgp_node *n, const struct bgp_action *a); /* sees every action */
    void *arg;
    bool nexthops_down; /* what watches are answered with */
    uint32_t watches;
};

void bgp_node_init(struct bgp_node *n, uint32_t asn, uint32_t router_id, bool ecmp, uint64_t seed);
void bgp_node_fini(struct bgp_node *n);
/* Steps with ev, then until nothing is left to do; answers next-hop watches. */
void bgp_node_step(struct bgp_node *n, const struct bgp_event *ev);
const struct bgp_fib_entry *bgp_node_fib(const struct bgp_node *n, const char *prefix);
/* The last note of the kind about the peer, or NULL. */
const struct bgp_note_record *bgp_node_note(const struct bgp_node *n, uint32_t peer,
                                            enum bgp_note note);
unsigned bgp_node_count(const struct bgp_node *n, enum bgp_note note);
enum bgp_state bgp_node_state(const struct bgp_node *n, uint32_t peer);
/* Routes of a view; fills up to max. */
unsigned bgp_node_routes(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                         struct bgp_route_view *r, unsigned max);
bool bgp_node_route(const struct bgp_node *n, enum bgp_rib_view view, uint32_t peer,
                    const char *prefix, struct bgp_route_view *r);
void bgp_node_local(struct bgp_node *n, const char *prefix, bool up, uint64_t now_us);

struct kd_addr bgp_test_addr(const char *s);
struct kd_prefix bgp_test_prefix(const char *s);
/* A peer that accepts and offers everything; timers 180/60. For bgp_test_set(). */
struct bgp_peer_config *bgp_test_config(const char *remote, uint32_t asn);
/* Of a bgp_test_config(): its policies, to be filled before it is set; or none of them. */
struct bgp_policy *bgp_test_import(struct bgp_peer_config *c);
struct bgp_policy *bgp_test_export(struct bgp_peer_config *c);
void bgp_test_policies(struct bgp_peer_config *c, bool import, bool export);
/* bgp_peer_set() with the policies compiled; frees c. */
bool bgp_test_set(struct bgp *b, uint32_t peer, struct bgp_peer_config *c) KD_MUST_USE;

/* ---- net: nodes joined by links ---- */

struct bgp_net;

struct bgp_net *bgp_net_new(uint64_t seed); /* prints the seed */
void bgp_net_free(struct bgp_net *net);
uint64_t bgp_net_now(const struct bgp_net *net);
struct bgp_node *bgp_net_add(struct bgp_net *net, uint32_t asn, uint32_t router_id, bool ecmp);
/* Joins two nodes; iface_a, iface_b: what each calls the link. */
void bgp_net_link(struct bgp_net *net, struct bgp_node *a, const char *addr_a, uint32_t iface_a,
                  struct bgp_node *b, const char *addr_b, uint32_t iface_b);
void bgp_net_event(struct bgp_net *net, struct bgp_node *n, struct bgp_event ev);
void bgp_net_on(struct bgp_net *net, struct bgp_node *n, uint32_t peer);
void bgp_net_off(struct bgp_net *net, struct bgp_node *n, uint32_t peer, enum kd_reason reason,
                 bool heard);
/* The link stops carrying without anyone being told: bytes stay where they are. */
void bgp_net_cut(struct bgp_net *net, struct bgp_node *a, struct bgp_node *b, bool cut);
void bgp_net_run(struct bgp_net *net, uint64_t us);
/* Runs until the peer is Established; false after limit_us. */
bool bgp_net_until_up(struct bgp_net *net, struct bgp_node *n, uint32_t peer, uint64_t limit_us);
unsigned bgp_net_connections(const struct bgp_net *net); /* open ones */

/* ---- raw: one engine, its peers played by the test ---- */

#define BGP_RAW_PEERS 8

struct bgp_raw_conn {
    struct kd_handle h;
    bool open, incoming;
    uint8_t ttl, ttl_min;
    bool deaf;       /* takes nothing: TCP_SENT is never said */
    uint32_t unsaid; /* written, not yet said as sent */
    uint8_t *sent;   /* what the engine wrote, all of it */
    size_t sent_len, sent_cap;
};

struct bgp_raw {
    struct bgp_node node;
    uint64_t now_us;
    struct bgp_raw_conn conn[BGP_RAW_PEERS]; /* by peer id, the newest */
    uint32_t refused, closed;
};

void bgp_raw_init(struct bgp_raw *r, uint32_t asn, uint32_t router_id, bool ecmp);
void bgp_raw_fini(struct bgp_raw *r);
/* Configures peer (id < BGP_RAW_PEERS), frees c. */
void bgp_raw_peer(struct bgp_raw *r, uint32_t peer, struct bgp_peer_config *c);
void bgp_raw_event(struct bgp_raw *r, struct bgp_event ev);
/* Switches on and completes the TCP connection: OPEN is sent. */
void bgp_raw_connect(struct bgp_raw *r, uint32_t peer);
/* An OPEN from the peer with our usual capabilities. */
struct bgp_open bgp_raw_open(const struct bgp_peer_config *c, uint32_t router_id);
void bgp_raw_send_open(struct bgp_raw *r, uint32_t peer, const struct bgp_open *o);
void bgp_raw_send(struct bgp_raw *r, uint32_t peer, const void *bytes, size_t len);
void bgp_raw_message(struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type, const void *body,
                     size_t len);
/* connect, OPEN, KEEPALIVE: Established. router_id of the peer. */
void bgp_raw_establish(struct bgp_raw *r, uint32_t peer, uint32_t asn, uint32_t router_id);
/* Virtual time passes: wakes at every deadline on the way. */
void bgp_raw_pass(struct bgp_raw *r, uint64_t us);
/* The engine's last message of the type to peer: body, empty when none. */
struct kd_bytes bgp_raw_last(const struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type);
unsigned bgp_raw_count(const struct bgp_raw *r, uint32_t peer, enum bgp_msg_type type);
bool bgp_raw_notified(const struct bgp_raw *r, uint32_t peer, uint8_t code, uint8_t sub);

/* An UPDATE body made of named parts; zero-length parts are left out. */
struct bgp_raw_update {
    const char *prefix[16];
    const char *withdrawn[16];
    uint32_t as_path[16]; /* one sequence */
    unsigned n_as;
    const char *nexthop;
    uint8_t origin;
    bool has_med, has_local_pref, as2;
    uint32_t med, local_pref;
    uint32_t originator_id; /* 0: none */
    unsigned n_clusters;
    uint8_t extra[256]; /* further attributes, encoded */
    size_t n_extra;
};
size_t bgp_raw_build(const struct bgp_raw_update *u, uint8_t *buf, size_t cap);
void bgp_raw_update(struct bgp_raw *r, uint32_t peer, const struct bgp_raw_update *u);

#endif
