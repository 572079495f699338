/* The encodings of the engine's events and actions (base/schema.h): one record a kind, with the
 * fields that kind means. */
#include "bgp/bgp.h"

#define E(m, t)  KD_FIELD(struct bgp_event, m, t)
#define A(m, t)  KD_FIELD(struct bgp_action, m, t)
#define STEER(m, t)                                                                                \
    {                                                                                              \
        #m, t, offsetof(struct bgp_event, steer.m), sizeof(((struct bgp_event *)0)->steer.m), NULL \
    }
#define E_NOW    E(now_us, KD_F_U64), E(hold, KD_F_BOOL)
#define E_PEER   E(peer, KD_F_U32)
#define E_REASON KD_FIELD_ENUM(struct bgp_event, reason, kd_reason_names)
#define E_CONN   E(conn, KD_F_HANDLE)

static const struct kd_field ev_wake[] = {E_NOW};
static const struct kd_field ev_peer[] = {E_NOW, E_PEER};
static const struct kd_field ev_off[] = {E_NOW, E_PEER, E_REASON, E(heard, KD_F_BOOL),
                                         E(data, KD_F_BYTES)};
static const struct kd_field ev_opened[] = {E_NOW, E_CONN, E(local, KD_F_ADDR),
                                            E(remote, KD_F_ADDR)};
static const struct kd_field ev_incoming[] = {E_NOW, E(token, KD_F_U64), E(local, KD_F_ADDR),
                                              E(remote, KD_F_ADDR), E(iface, KD_F_U32)};
static const struct kd_field ev_ended[] = {E_NOW, E_CONN, E_REASON};
static const struct kd_field ev_bytes[] = {E_NOW, E_CONN, E(data, KD_F_BYTES)};
static const struct kd_field ev_sent[] = {E_NOW, E_CONN, E(n, KD_F_U32)};
static const struct kd_field ev_nexthop[] = {E_NOW,
                                             E(table, KD_F_U32),
                                             E(nexthop, KD_F_ADDR),
                                             E(iface, KD_F_U32),
                                             E(up, KD_F_BOOL),
                                             E(metric, KD_F_U32)};
static const struct kd_field ev_local[] = {E_NOW, E(table, KD_F_U32), E(prefix, KD_F_PREFIX),
                                           E(up, KD_F_BOOL), E(redistributed, KD_F_BOOL),
                                           E(internal, KD_F_BOOL), E(half, KD_F_BOOL)};
static const struct kd_field ev_guard[] = {E_NOW, E(iface, KD_F_U32), E(nexthop, KD_F_ADDR),
                                           E(n, KD_F_U32)};
static const struct kd_field ev_refresh[] = {E_NOW, E_PEER, E(in, KD_F_BOOL), E(out, KD_F_BOOL)};
static const struct kd_field ev_restarted[] = {E_NOW, E(in, KD_F_BOOL), E(out, KD_F_BOOL)};
static const struct kd_field ev_leave[] = {E_NOW, E_PEER, E(up, KD_F_BOOL)};
static const struct kd_field ev_steer[] = {
    E_NOW, E_PEER, STEER(withdraw, KD_F_BOOL), STEER(set_local_pref, KD_F_BOOL),
    STEER(local_pref, KD_F_U32), STEER(prepend, KD_F_U8), STEER(halves, KD_F_BOOL)};
static const struct kd_field ev_bfd[] = {E_NOW, E_PEER, E(up, KD_F_BOOL), E(heard, KD_F_BOOL)};

#define RECORD(tag, name, fields)                                                                  \
    {                                                                                              \
        tag, name, fields, KD_ARRAY_LEN(fields)                                                    \
    }

static const struct kd_record event_records[] = {
    RECORD(BGP_EV_WAKE, "wake", ev_wake),
    RECORD(BGP_EV_PEER_ON, "peer.on", ev_peer),
    RECORD(BGP_EV_PEER_OFF, "peer.off", ev_off),
    RECORD(BGP_EV_TCP_OPENED, "tcp.opened", ev_opened),
    RECORD(BGP_EV_TCP_INCOMING, "tcp.incoming", ev_incoming),
    RECORD(BGP_EV_TCP_FAILED, "tcp.failed", ev_ended),
    RECORD(BGP_EV_TCP_BYTES, "tcp.bytes", ev_bytes),
    RECORD(BGP_EV_TCP_SENT, "tcp.sent", ev_sent),
    RECORD(BGP_EV_TCP_CLOSED, "tcp.closed", ev_ended),
    RECORD(BGP_EV_NEXTHOP, "nexthop", ev_nexthop),
    RECORD(BGP_EV_GUARD, "guard", ev_guard),
    RECORD(BGP_EV_LOCAL_ROUTE, "local.route", ev_local),
    RECORD(BGP_EV_BFD, "bfd", ev_bfd),
    RECORD(BGP_EV_REFRESH, "refresh", ev_refresh),
    RECORD(BGP_EV_LEAVE, "leave", ev_leave),
    RECORD(BGP_EV_RESTARTED, "restarted", ev_restarted),
    RECORD(BGP_EV_STEER, "steer", ev_steer),
};

const struct kd_schema bgp_event_schema = {
    .name = "bgp.event",
    .version = 1,
    .tag_offset = offsetof(struct bgp_event, kind),
    .records = event_records,
    .n_records = KD_ARRAY_LEN(event_records),
};

#define A_PEER  A(peer, KD_F_U32)
#define A_CONN  A(conn, KD_F_HANDLE)
#define A_TOKEN A(token, KD_F_U64)

static const struct kd_field act_connect[] = {A_PEER,
                                              A_CONN,
                                              A(local, KD_F_ADDR),
                                              A(remote, KD_F_ADDR),
                                              A(ttl, KD_F_U8),
                                              A(ttl_min, KD_F_U8),
                                              A(iface, KD_F_U32),
                                              A(table, KD_F_U32)};
static const struct kd_field act_accept[] = {A_PEER,
                                             A_TOKEN,
                                             A_CONN,
                                             A(local, KD_F_ADDR),
                                             A(remote, KD_F_ADDR),
                                             A(ttl, KD_F_U8),
                                             A(ttl_min, KD_F_U8),
                                             A(iface, KD_F_U32)};
static const struct kd_field act_refuse[] = {A_PEER, A_TOKEN, A(remote, KD_F_ADDR),
                                             A(iface, KD_F_U32)};
static const struct kd_field act_write[] = {A_PEER, A_CONN, A(data, KD_F_SPAN),
                                            A(offers, KD_F_BOOL)};
static const struct kd_field act_close[] = {A_PEER, A_CONN};
static const struct kd_field act_nexthop[] = {A(table, KD_F_U32), A(nexthop, KD_F_ADDR),
                                              A(iface, KD_F_U32)};
static const struct kd_field act_set[] = {A(table, KD_F_U32), A(prefix, KD_F_PREFIX),
                                          A(paths, KD_F_SPAN)};
static const struct kd_field act_del[] = {A(table, KD_F_U32), A(prefix, KD_F_PREFIX)};
static const struct kd_field act_note[] = {
    KD_FIELD_ENUM(struct bgp_action, note, bgp_note_names),
    A_PEER,
    KD_FIELD_ENUM(struct bgp_action, state, bgp_state_names),
    KD_FIELD_ENUM(struct bgp_action, reason, kd_reason_names),
    A(prefix, KD_F_PREFIX),
    A(data, KD_F_SPAN),
};

static const struct kd_record action_records[] = {
    RECORD(BGP_ACT_CONNECT, "connect", act_connect),
    RECORD(BGP_ACT_ACCEPT, "accept", act_accept),
    RECORD(BGP_ACT_REFUSE, "refuse", act_refuse),
    RECORD(BGP_ACT_WRITE, "write", act_write),
    RECORD(BGP_ACT_CLOSE, "close", act_close),
    RECORD(BGP_ACT_PAUSE, "pause", act_close),
    RECORD(BGP_ACT_RESUME, "resume", act_close),
    RECORD(BGP_ACT_NH_WATCH, "nexthop.watch", act_nexthop),
    RECORD(BGP_ACT_NH_UNWATCH, "nexthop.unwatch", act_nexthop),
    RECORD(BGP_ACT_ROUTE_SET, "route.set", act_set),
    RECORD(BGP_ACT_ROUTE_DEL, "route.del", act_del),
    RECORD(BGP_ACT_NOTE, "note", act_note),
};

const struct kd_schema bgp_action_schema = {
    .name = "bgp.action",
    .version = 1,
    .tag_offset = offsetof(struct bgp_action, kind),
    .records = action_records,
    .n_records = KD_ARRAY_LEN(action_records),
};
