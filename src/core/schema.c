/* The versioned encoding of the core's events and actions: trace, record and replay (DESIGN 1). */
#include "core/core.h"

static const char *const job_status_names[] = {"ok", "bad-peer", "failed", NULL};
static const char *const job_kind_names[] = {"dh-keygen", "dh-shared", "sign",
                                             "verify",    "chain",     NULL};

#define EV(m, t) KD_FIELD(struct core_ev, m, t)

static const struct kd_field ev_start[] = {
    KD_FIELD_ENUM(struct core_ev, dataplane, core_dataplane_names), EV(data, KD_F_BYTES)};
static const struct kd_field ev_datagram[] = {EV(local, KD_F_ENDPOINT), EV(remote, KD_F_ENDPOINT),
                                              EV(natt, KD_F_BOOL), EV(data, KD_F_BYTES),
                                              EV(wall_s, KD_F_U64)};
static const struct kd_field ev_job[] = {
    EV(handle, KD_F_HANDLE), KD_FIELD_ENUM(struct core_ev, job_status, job_status_names),
    EV(secret, KD_F_HANDLE), EV(data, KD_F_BYTES), EV(wall_s, KD_F_U64)};
static const struct kd_field ev_sa[] = {EV(handle, KD_F_HANDLE), EV(ok, KD_F_BOOL),
                                        EV(data, KD_F_BYTES)};
static const struct kd_field ev_traffic[] = {EV(tunnel, KD_F_U32)};
static const struct kd_field ev_expire[] = {EV(handle, KD_F_HANDLE), EV(ok, KD_F_BOOL)};
static const struct kd_field ev_source[] = {EV(handle, KD_F_HANDLE), EV(remote, KD_F_ENDPOINT)};
static const struct kd_field ev_handle[] = {EV(handle, KD_F_HANDLE)};
static const struct kd_field ev_trouble[] = {EV(tunnel, KD_F_U32), EV(data, KD_F_BYTES)};
static const struct kd_field ev_device[] = {EV(tunnel, KD_F_U32), EV(ok, KD_F_BOOL),
                                            EV(ifindex, KD_F_U32), EV(data, KD_F_BYTES)};
static const struct kd_field ev_data[] = {EV(data, KD_F_BYTES)};
static const struct kd_field ev_opened[] = {EV(handle, KD_F_HANDLE), EV(local, KD_F_ENDPOINT),
                                            EV(remote, KD_F_ENDPOINT)};
static const struct kd_field ev_incoming[] = {EV(token, KD_F_U64), EV(local, KD_F_ENDPOINT),
                                              EV(remote, KD_F_ENDPOINT), EV(tunnel, KD_F_U32)};
static const struct kd_field ev_ended[] = {EV(handle, KD_F_HANDLE),
                                           KD_FIELD_ENUM(struct core_ev, reason, kd_reason_names)};
static const struct kd_field ev_bytes[] = {EV(handle, KD_F_HANDLE), EV(data, KD_F_BYTES)};
static const struct kd_field ev_sent[] = {EV(handle, KD_F_HANDLE), EV(n, KD_F_U32)};
static const struct kd_field ev_bfd[] = {EV(local, KD_F_ENDPOINT), EV(remote, KD_F_ENDPOINT),
                                         EV(ifindex, KD_F_U32), EV(n, KD_F_U32),
                                         EV(data, KD_F_BYTES)};
static const struct kd_field ev_probe[] = {EV(n, KD_F_U32), EV(token, KD_F_U64), EV(ok, KD_F_BOOL),
                                           EV(data, KD_F_BYTES)};
static const struct kd_field ev_icmp[] = {EV(n, KD_F_U32), EV(data, KD_F_BYTES)};
static const struct kd_field ev_command[] = {
    KD_FIELD_ENUM(struct core_ev, command, core_command_names), EV(tunnel, KD_F_U32),
    EV(peer, KD_F_U32), EV(data, KD_F_BYTES)};

#define REC(tag, name, fields)                                                                     \
    {                                                                                              \
        tag, name, fields, KD_ARRAY_LEN(fields)                                                    \
    }

static const struct kd_record ev_records[] = {
    {CORE_EV_WAKE, "wake", NULL, 0},
    REC(CORE_EV_START, "start", ev_start),
    {CORE_EV_STOP, "stop", NULL, 0},
    REC(CORE_EV_IKE_DATAGRAM, "ike.datagram", ev_datagram),
    REC(CORE_EV_JOB_DONE, "job.done", ev_job),
    REC(CORE_EV_SA_RESULT, "sa.result", ev_sa),
    REC(CORE_EV_SA_SEEN, "sa.seen", ev_handle),
    REC(CORE_EV_SA_SOURCE, "sa.source", ev_source),
    REC(CORE_EV_SA_EXPIRE, "sa.expire", ev_expire),
    REC(CORE_EV_TRAFFIC, "traffic", ev_traffic),
    REC(CORE_EV_SA_TROUBLE, "sa.trouble", ev_trouble),
    REC(CORE_EV_DEVICE, "device", ev_device),
    REC(CORE_EV_NETLINK, "netlink", ev_data),
    {CORE_EV_NETLINK_LOST, "netlink.lost", NULL, 0},
    REC(CORE_EV_MONITOR, "monitor", ev_data),
    {CORE_EV_MONITOR_LOST, "monitor.lost", NULL, 0},
    REC(CORE_EV_TCP_OPENED, "tcp.opened", ev_opened),
    REC(CORE_EV_TCP_INCOMING, "tcp.incoming", ev_incoming),
    REC(CORE_EV_TCP_FAILED, "tcp.failed", ev_ended),
    REC(CORE_EV_TCP_BYTES, "tcp.bytes", ev_bytes),
    REC(CORE_EV_TCP_SENT, "tcp.sent", ev_sent),
    REC(CORE_EV_TCP_CLOSED, "tcp.closed", ev_ended),
    REC(CORE_EV_BFD, "bfd", ev_bfd),
    REC(CORE_EV_PROBE, "probe", ev_probe),
    REC(CORE_EV_ICMP, "icmp", ev_icmp),
    REC(CORE_EV_COMMAND, "command", ev_command),
};

const struct kd_schema core_ev_schema = {
    .name = "core.event",
    .version = 1,
    .tag_offset = offsetof(struct core_ev, kind),
    .records = ev_records,
    .n_records = KD_ARRAY_LEN(ev_records),
};

#define ACT(m, t) KD_FIELD(struct core_act, m, t)
#define ACTF(name, path, t)                                                                        \
    {                                                                                              \
        name, t, offsetof(struct core_act, path), sizeof(((struct core_act *)0)->path), NULL       \
    }

static const struct kd_field act_send[] = {ACT(local, KD_F_ENDPOINT), ACT(remote, KD_F_ENDPOINT),
                                           ACT(natt, KD_F_BOOL), ACT(data, KD_F_SPAN),
                                           ACT(df, KD_F_BOOL)};
static const struct kd_field act_job[] = {ACT(handle, KD_F_HANDLE),
                                          KD_FIELD_ENUM(struct core_act, job_kind, job_kind_names),
                                          ACT(group, KD_F_U32),
                                          ACT(priv, KD_F_HANDLE),
                                          ACT(data, KD_F_SPAN),
                                          ACT(data2, KD_F_SPAN),
                                          ACT(data3, KD_F_SPAN),
                                          ACTF("scheme", auth.sig.scheme, KD_F_U32),
                                          ACTF("hash", auth.sig.hash, KD_F_U32),
                                          ACTF("salt_len", auth.sig.salt_len, KD_F_U16),
                                          ACTF("sha1_ok", auth.sha1_ok, KD_F_BOOL),
                                          ACTF("id_type", auth.id_type, KD_F_U8),
                                          ACTF("wall_s", auth.wall_s, KD_F_U64)};
static const struct kd_field act_keepalive[] = {ACT(local, KD_F_ENDPOINT),
                                                ACT(remote, KD_F_ENDPOINT)};
static const struct kd_field act_device[] = {ACT(tunnel, KD_F_U32), ACT(name, KD_F_STR)};
static const struct kd_field act_tunnel[] = {ACT(tunnel, KD_F_U32)};
static const struct kd_field act_sa[] = {ACT(tunnel, KD_F_U32),
                                         ACT(handle, KD_F_HANDLE),
                                         ACT(local, KD_F_ENDPOINT),
                                         ACT(remote, KD_F_ENDPOINT),
                                         ACTF("spi_in", sa.spi_in, KD_F_U32),
                                         ACTF("spi_out", sa.spi_out, KD_F_U32),
                                         ACTF("encr", sa.encr, KD_F_U16),
                                         ACTF("encr_bits", sa.encr_bits, KD_F_U16),
                                         ACTF("integ", sa.integ, KD_F_U16),
                                         ACTF("esn", sa.esn, KD_F_BOOL),
                                         ACTF("encap", sa.encap, KD_F_BOOL),
                                         ACTF("key_enc_in", sa.key_enc_in, KD_F_HANDLE),
                                         ACTF("key_int_in", sa.key_int_in, KD_F_HANDLE),
                                         ACTF("key_enc_out", sa.key_enc_out, KD_F_HANDLE),
                                         ACTF("key_int_out", sa.key_int_out, KD_F_HANDLE),
                                         ACTF("replay_window", sa.replay_window, KD_F_U32),
                                         ACTF("mss", sa.mss, KD_F_U16),
                                         ACTF("soft_bytes", sa.limits.soft_bytes, KD_F_U64),
                                         ACTF("hard_bytes", sa.limits.hard_bytes, KD_F_U64),
                                         ACTF("soft_packets", sa.limits.soft_packets, KD_F_U64),
                                         ACTF("hard_packets", sa.limits.hard_packets, KD_F_U64),
                                         ACT(data, KD_F_SPAN),
                                         ACT(data2, KD_F_SPAN)};
static const struct kd_field act_handle[] = {ACT(handle, KD_F_HANDLE)};
static const struct kd_field act_use[] = {ACT(handle, KD_F_HANDLE), ACT(replaces, KD_F_HANDLE)};
static const struct kd_field act_move[] = {ACT(handle, KD_F_HANDLE), ACT(local, KD_F_ENDPOINT),
                                           ACT(remote, KD_F_ENDPOINT)};
static const struct kd_field act_inject[] = {ACT(tunnel, KD_F_U32), ACT(data, KD_F_SPAN)};
static const struct kd_field act_data[] = {ACT(data, KD_F_SPAN)};
static const struct kd_field act_listen[] = {ACT(tunnel, KD_F_U32), ACT(local, KD_F_ENDPOINT)};
static const struct kd_field act_connect[] = {ACT(handle, KD_F_HANDLE),   ACT(local, KD_F_ENDPOINT),
                                              ACT(remote, KD_F_ENDPOINT), ACT(tunnel, KD_F_U32),
                                              ACT(ttl, KD_F_U8),          ACT(ttl_min, KD_F_U8),
                                              ACT(mss, KD_F_U16)};
static const struct kd_field act_accept[] = {ACT(token, KD_F_U64), ACT(handle, KD_F_HANDLE),
                                             ACT(ttl, KD_F_U8), ACT(ttl_min, KD_F_U8)};
static const struct kd_field act_token[] = {ACT(token, KD_F_U64)};
static const struct kd_field act_write[] = {ACT(handle, KD_F_HANDLE), ACT(data, KD_F_SPAN)};
static const struct kd_field act_close[] = {ACT(handle, KD_F_HANDLE), ACT(silent, KD_F_BOOL)};
static const struct kd_field act_mute[] = {ACT(tunnel, KD_F_U32), ACT(silent, KD_F_BOOL)};
static const struct kd_field act_bfd[] = {ACT(local, KD_F_ENDPOINT), ACT(remote, KD_F_ENDPOINT),
                                          ACT(ifindex, KD_F_U32), ACT(ttl, KD_F_U8),
                                          ACT(data, KD_F_SPAN)};
static const struct kd_field act_probe[] = {ACT(health, KD_F_U32),
                                            KD_FIELD_ENUM(struct core_act, probe, core_probe_names),
                                            ACT(token, KD_F_U64),
                                            ACT(local, KD_F_ENDPOINT),
                                            ACT(remote, KD_F_ENDPOINT),
                                            ACT(ifindex, KD_F_U32),
                                            ACT(data, KD_F_SPAN)};
static const struct kd_field act_event[] = {
    {"note", KD_F_ENUM, offsetof(struct core_act, record.note), 4, core_note_names},
    ACTF("tunnel", record.tunnel, KD_F_U32),
    ACTF("peer", record.peer, KD_F_U32),
    ACTF("health", record.health, KD_F_U32),
    {"tstate", KD_F_ENUM, offsetof(struct core_act, record.tstate), 4, core_tunnel_state_names},
    {"bstate", KD_F_ENUM, offsetof(struct core_act, record.bstate), 4, bgp_state_names},
    {"reason", KD_F_ENUM, offsetof(struct core_act, record.reason), 4, kd_reason_names},
    ACTF("spi_in", record.spi_in, KD_F_U32),
    ACTF("spi_out", record.spi_out, KD_F_U32),
    ACTF("prefix", record.prefix, KD_F_PREFIX),
    ACTF("nexthop", record.nexthop, KD_F_ADDR),
    ACTF("remote", record.remote, KD_F_ENDPOINT),
    ACTF("count", record.count, KD_F_U32),
    ACTF("latency_us", record.latency_us, KD_F_U64),
    ACT(data, KD_F_SPAN),
    ACT(data2, KD_F_SPAN),
    ACT(data3, KD_F_SPAN)};

static const struct kd_record act_records[] = {
    REC(CORE_ACT_IKE_SEND, "ike.send", act_send),
    REC(CORE_ACT_IKE_KEEPALIVE, "ike.keepalive", act_keepalive),
    REC(CORE_ACT_JOB, "job", act_job),
    REC(CORE_ACT_DEVICE_ADD, "device.add", act_device),
    REC(CORE_ACT_DEVICE_DEL, "device.del", act_tunnel),
    REC(CORE_ACT_SA_ADD, "sa.add", act_sa),
    REC(CORE_ACT_SA_USE, "sa.use", act_use),
    REC(CORE_ACT_SA_MOVE, "sa.move", act_move),
    REC(CORE_ACT_SA_DEL, "sa.del", act_handle),
    REC(CORE_ACT_MUTE, "mute", act_mute),
    REC(CORE_ACT_INJECT, "inject", act_inject),
    REC(CORE_ACT_NETLINK, "netlink", act_data),
    REC(CORE_ACT_MONITOR, "monitor", act_data),
    REC(CORE_ACT_TCP_LISTEN, "tcp.listen", act_listen),
    REC(CORE_ACT_TCP_UNLISTEN, "tcp.unlisten", act_listen),
    REC(CORE_ACT_TCP_CONNECT, "tcp.connect", act_connect),
    REC(CORE_ACT_TCP_ACCEPT, "tcp.accept", act_accept),
    REC(CORE_ACT_TCP_REFUSE, "tcp.refuse", act_token),
    REC(CORE_ACT_TCP_WRITE, "tcp.write", act_write),
    REC(CORE_ACT_TCP_CLOSE, "tcp.close", act_close),
    REC(CORE_ACT_TCP_PAUSE, "tcp.pause", act_handle),
    REC(CORE_ACT_TCP_RESUME, "tcp.resume", act_handle),
    REC(CORE_ACT_BFD_SEND, "bfd.send", act_bfd),
    REC(CORE_ACT_PROBE, "probe", act_probe),
    REC(CORE_ACT_EVENT, "event", act_event),
    {CORE_ACT_STOPPED, "stopped", NULL, 0},
};

const struct kd_schema core_act_schema = {
    .name = "core.action",
    .version = 1,
    .tag_offset = offsetof(struct core_act, kind),
    .records = act_records,
    .n_records = KD_ARRAY_LEN(act_records),
};
