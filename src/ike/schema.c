/* The tables from which events and actions are encoded, replayed and printed (DESIGN 1). */
#include "ike/ike.h"

#define EV(m, t)  KD_FIELD(struct ike_event, m, t)
#define ACT(m, t) KD_FIELD(struct ike_action, m, t)
#define LIMIT(m)                                                                                   \
    {                                                                                              \
#m, KD_F_U64, offsetof(struct ike_action, limits.m), sizeof(uint64_t), NULL                \
    }
#define REC(k, n, f)                                                                               \
    {                                                                                              \
        k, n, f, KD_ARRAY_LEN(f)                                                                   \
    }

static const char *const command_names[] = {
    [IKE_CMD_UP] = "up",
    [IKE_CMD_TRAFFIC] = "traffic",
    [IKE_CMD_DOWN] = "down",
    [IKE_CMD_HOLD] = "hold",
    [IKE_CMD_DOWN_SILENT] = "down-silent",
    [IKE_CMD_RESET] = "reset",
    [IKE_CMD_PROBE] = "probe",
    [IKE_CMD_REKEY_IKE] = "rekey-ike",
    [IKE_CMD_REKEY_CHILD] = "rekey-child",
    [IKE_CMD_MTU] = "mtu",
    [IKE_CMD_MTU_HINT] = "mtu-hint",
    [IKE_CMD_REMOVE] = "remove",
    [IKE_CMD_N] = NULL,
};

static const char *const job_status_names[] = {"ok", "bad-peer", "failed", NULL};
static const char *const job_kind_names[] = {"dh-keygen", "dh-shared", "sign",
                                             "verify",    "chain",     NULL};

static const struct kd_field ev_wake[] = {EV(now_us, KD_F_U64)};
static const struct kd_field ev_datagram[] = {
    EV(now_us, KD_F_U64), EV(local, KD_F_ENDPOINT), EV(remote, KD_F_ENDPOINT),
    EV(natt, KD_F_BOOL),  EV(data, KD_F_BYTES),    EV(wall_s, KD_F_U64),
};
static const struct kd_field ev_job_done[] = {
    EV(now_us, KD_F_U64),
    EV(job, KD_F_HANDLE),
    KD_FIELD_ENUM(struct ike_event, job_status, job_status_names),
    EV(secret, KD_F_HANDLE),
    EV(data, KD_F_BYTES),
    EV(wall_s, KD_F_U64),
};
static const struct kd_field ev_child[] = {
    EV(now_us, KD_F_U64),
    EV(child, KD_F_HANDLE),
    EV(ok, KD_F_BOOL),
};
static const struct kd_field ev_source[] = {
    EV(now_us, KD_F_U64),
    EV(child, KD_F_HANDLE),
    EV(remote, KD_F_ENDPOINT),
};
static const struct kd_field ev_command[] = {
    EV(now_us, KD_F_U64),
    EV(conn, KD_F_U32),
    KD_FIELD_ENUM(struct ike_event, command, command_names),
    EV(octets, KD_F_U32),
};

static const struct kd_record events[] = {
    REC(IKE_EV_WAKE, "wake", ev_wake),
    REC(IKE_EV_DATAGRAM, "datagram", ev_datagram),
    REC(IKE_EV_JOB_DONE, "job.done", ev_job_done),
    REC(IKE_EV_CHILD_RESULT, "child.result", ev_child),
    REC(IKE_EV_COMMAND, "command", ev_command),
    REC(IKE_EV_CHILD_SOURCE, "child.source", ev_source),
    REC(IKE_EV_CHILD_EXPIRE, "child.expire", ev_child),
};

const struct kd_schema ike_event_schema = {
    .name = "ike.event",
    .version = 1,
    .tag_offset = offsetof(struct ike_event, kind),
    .records = events,
    .n_records = KD_ARRAY_LEN(events),
};

static const struct kd_field act_send[] = {
    ACT(conn, KD_F_U32),  ACT(local, KD_F_ENDPOINT), ACT(remote, KD_F_ENDPOINT),
    ACT(natt, KD_F_BOOL), ACT(data, KD_F_SPAN),      ACT(df, KD_F_BOOL),
};
static const struct kd_field act_job[] = {
    ACT(conn, KD_F_U32),
    ACT(job, KD_F_HANDLE),
    KD_FIELD_ENUM(struct ike_action, job_kind, job_kind_names),
    ACT(group, KD_F_U32),
    ACT(priv, KD_F_HANDLE),
    ACT(data, KD_F_SPAN),
    ACT(data2, KD_F_SPAN),
    ACT(data3, KD_F_SPAN),
    /* The pointers of auth are the connection's configuration, which no trace holds. */
    {"scheme", KD_F_U32, offsetof(struct ike_action, auth.sig.scheme), 4, NULL},
    {"hash", KD_F_U32, offsetof(struct ike_action, auth.sig.hash), 4, NULL},
    {"salt_len", KD_F_U16, offsetof(struct ike_action, auth.sig.salt_len), 2, NULL},
    {"sha1_ok", KD_F_BOOL, offsetof(struct ike_action, auth.sha1_ok), 1, NULL},
    {"id_type", KD_F_U8, offsetof(struct ike_action, auth.id_type), 1, NULL},
    {"wall_s", KD_F_U64, offsetof(struct ike_action, auth.wall_s), 8, NULL},
};
static const struct kd_field act_child_add[] = {
    ACT(conn, KD_F_U32),
    ACT(child, KD_F_HANDLE),
    ACT(local, KD_F_ENDPOINT),
    ACT(remote, KD_F_ENDPOINT),
    ACT(natt, KD_F_BOOL),
    ACT(spi_in, KD_F_U32),
    ACT(spi_out, KD_F_U32),
    ACT(encr, KD_F_U16),
    ACT(encr_bits, KD_F_U16),
    ACT(integ, KD_F_U16),
    ACT(esn, KD_F_BOOL),
    ACT(encap, KD_F_BOOL),
    ACT(key_enc_in, KD_F_HANDLE),
    ACT(key_int_in, KD_F_HANDLE),
    ACT(key_enc_out, KD_F_HANDLE),
    ACT(key_int_out, KD_F_HANDLE),
    ACT(ts_local, KD_F_SPAN),
    ACT(ts_remote, KD_F_SPAN),
    LIMIT(soft_bytes),
    LIMIT(hard_bytes),
    LIMIT(soft_packets),
    LIMIT(hard_packets),
};
static const struct kd_field act_child[] = {
    ACT(conn, KD_F_U32),        ACT(child, KD_F_HANDLE), ACT(local, KD_F_ENDPOINT),
    ACT(remote, KD_F_ENDPOINT), ACT(natt, KD_F_BOOL),    ACT(spi_in, KD_F_U32),
    ACT(spi_out, KD_F_U32),     ACT(encap, KD_F_BOOL),   ACT(replaces, KD_F_HANDLE),
};
static const struct kd_field act_keepalive[] = {
    ACT(conn, KD_F_U32),
    ACT(local, KD_F_ENDPOINT),
    ACT(remote, KD_F_ENDPOINT),
};
static const struct kd_field act_note[] = {
    ACT(conn, KD_F_U32),
    KD_FIELD_ENUM(struct ike_action, note, ike_note_names),
    KD_FIELD_ENUM(struct ike_action, reason, kd_reason_names),
    ACT(local, KD_F_ENDPOINT),
    ACT(remote, KD_F_ENDPOINT),
    ACT(child, KD_F_HANDLE),
    ACT(spi_in, KD_F_U32),
    ACT(spi_out, KD_F_U32),
    ACT(detail, KD_F_SPAN),
    ACT(offered, KD_F_SPAN),
    ACT(configured, KD_F_SPAN),
    ACT(exchange, KD_F_U8),
    ACT(by_peer, KD_F_BOOL),
    ACT(rekey, KD_F_BOOL),
    ACT(notify, KD_F_U16),
    ACT(group, KD_F_U32),
    ACT(sa_offered, KD_F_SPAN),
    ACT(sa_configured, KD_F_SPAN),
    ACT(ts_local, KD_F_SPAN),
    ACT(ts_remote, KD_F_SPAN),
    ACT(ts_want_local, KD_F_SPAN),
    ACT(ts_want_remote, KD_F_SPAN),
};

static const struct kd_record actions[] = {
    REC(IKE_ACT_SEND, "send", act_send),
    REC(IKE_ACT_JOB, "job", act_job),
    REC(IKE_ACT_CHILD_ADD, "child.add", act_child_add),
    REC(IKE_ACT_CHILD_USE, "child.use", act_child),
    REC(IKE_ACT_CHILD_MOVE, "child.move", act_child),
    REC(IKE_ACT_KEEPALIVE, "keepalive", act_keepalive),
    REC(IKE_ACT_CHILD_DEL, "child.del", act_child),
    REC(IKE_ACT_KEYS_FREE, "keys.free", act_child),
    REC(IKE_ACT_NOTE, "note", act_note),
};

const struct kd_schema ike_action_schema = {
    .name = "ike.action",
    .version = 1,
    .tag_offset = offsetof(struct ike_action, kind),
    .records = actions,
    .n_records = KD_ARRAY_LEN(actions),
};
