/* The encodings of the engine's events and actions (base/schema.h): one record a kind, with the
 * fields that kind means; and the names. */
#include "bfd/bfd.h"

const char *const bfd_state_names[] = {
    [BFD_ADMIN_DOWN] = "AdminDown", [BFD_DOWN] = "Down", [BFD_INIT] = "Init", [BFD_UP] = "Up", NULL,
};

const char *const bfd_diag_names[] = {
    [BFD_DIAG_NONE] = "none",
    [BFD_DIAG_DETECT_EXPIRED] = "detection-time-expired",
    [BFD_DIAG_ECHO_FAILED] = "echo-failed",
    [BFD_DIAG_NEIGHBOR_DOWN] = "neighbor-down",
    [BFD_DIAG_FORWARDING_RESET] = "forwarding-plane-reset",
    [BFD_DIAG_PATH_DOWN] = "path-down",
    [BFD_DIAG_CONCATENATED_DOWN] = "concatenated-path-down",
    [BFD_DIAG_ADMIN_DOWN] = "admin-down",
    [BFD_DIAG_REVERSE_CONCATENATED_DOWN] = "reverse-concatenated-path-down",
    [BFD_DIAG_N] = NULL,
};

const char *const bfd_note_names[] = {
    [BFD_NOTE_STATE] = "state", [BFD_NOTE_REFUSED] = "refused", [BFD_NOTE_N] = NULL};

const char *const bfd_refusal_names[] = {
    [BFD_ACCEPTED] = "accepted",
    [BFD_R_SHORT] = "short",
    [BFD_R_VERSION] = "version",
    [BFD_R_LENGTH] = "length",
    [BFD_R_TRUNCATED] = "truncated",
    [BFD_R_DETECT_MULT] = "detect-mult-zero",
    [BFD_R_MULTIPOINT] = "multipoint",
    [BFD_R_MY_DISCR] = "my-discr-zero",
    [BFD_R_POLL_FINAL] = "poll-and-final",
    [BFD_R_YOUR_DISCR_ZERO] = "your-discr-zero",
    [BFD_R_AUTH_LENGTH] = "auth-length",
    [BFD_R_NO_SESSION] = "no-session",
    [BFD_R_PATH] = "wrong-path",
    [BFD_R_TTL] = "ttl",
    [BFD_R_SRC_PORT] = "source-port",
    [BFD_R_AUTH_MISSING] = "auth-missing",
    [BFD_R_AUTH_UNEXPECTED] = "auth-unexpected",
    [BFD_R_AUTH_TYPE] = "auth-type",
    [BFD_R_AUTH_KEY_ID] = "auth-key-id",
    [BFD_R_AUTH_SEQUENCE] = "auth-sequence",
    [BFD_R_AUTH_HASH] = "auth-hash",
    [BFD_REFUSAL_N] = NULL,
};

#define E(m, t)          KD_FIELD(struct bfd_event, m, t)
#define E_ENUM(m, names) KD_FIELD_ENUM(struct bfd_event, m, names)
#define A(m, t)          KD_FIELD(struct bfd_action, m, t)
#define A_ENUM(m, names) KD_FIELD_ENUM(struct bfd_action, m, names)
#define RECORD(tag, name, fields)                                                                  \
    {                                                                                              \
        tag, name, fields, KD_ARRAY_LEN(fields)                                                    \
    }

static const struct kd_field ev_wake[] = {E(now_us, KD_F_U64)};
static const struct kd_field ev_packet[] = {
    E(now_us, KD_F_U64),    E(local, KD_F_ADDR),   E(remote, KD_F_ADDR),
    E(table, KD_F_U32),     E(iface, KD_F_U32),    E(ttl, KD_F_U8),
    E(multihop, KD_F_BOOL), E(src_port, KD_F_U16), E(data, KD_F_BYTES),
};
static const struct kd_field ev_session[] = {E(now_us, KD_F_U64), E(session, KD_F_U32)};
static const struct kd_field ev_down[] = {
    E(now_us, KD_F_U64),
    E(session, KD_F_U32),
    E_ENUM(diag, bfd_diag_names),
    E_ENUM(reason, kd_reason_names),
};

static const struct kd_record event_records[] = {
    RECORD(BFD_EV_WAKE, "wake", ev_wake),
    RECORD(BFD_EV_PACKET, "packet", ev_packet),
    RECORD(BFD_EV_ADMIN_UP, "admin.up", ev_session),
    RECORD(BFD_EV_ADMIN_DOWN, "admin.down", ev_down),
    RECORD(BFD_EV_CONFIG, "config", ev_session),
};

const struct kd_schema bfd_event_schema = {
    .name = "bfd.event",
    .version = 1,
    .tag_offset = offsetof(struct bfd_event, kind),
    .records = event_records,
    .n_records = KD_ARRAY_LEN(event_records),
};

static const struct kd_field act_send[] = {
    A(session, KD_F_U32),  A(local, KD_F_ADDR),   A(remote, KD_F_ADDR),
    A(table, KD_F_U32),    A(iface, KD_F_U32),    A(ttl, KD_F_U8),
    A(src_port, KD_F_U16), A(dst_port, KD_F_U16), A(data, KD_F_SPAN),
};
static const struct kd_field act_note[] = {
    A_ENUM(note, bfd_note_names),
    A(session, KD_F_U32),
    A(local, KD_F_ADDR),
    A(remote, KD_F_ADDR),
    A(table, KD_F_U32),
    A(iface, KD_F_U32),
    A(ttl, KD_F_U8),
    A(src_port, KD_F_U16),
    A(dst_port, KD_F_U16),
    A_ENUM(old_state, bfd_state_names),
    A_ENUM(state, bfd_state_names),
    A_ENUM(remote_state, bfd_state_names),
    A_ENUM(diag, bfd_diag_names),
    A(remote_diag, KD_F_U8),
    A_ENUM(reason, kd_reason_names),
    A(failure, KD_F_BOOL),
    A(heard_us, KD_F_U64),
    A_ENUM(refusal, bfd_refusal_names),
    A(suppressed, KD_F_U32),
};

static const struct kd_record action_records[] = {
    RECORD(BFD_ACT_SEND, "send", act_send),
    RECORD(BFD_ACT_NOTE, "note", act_note),
};

const struct kd_schema bfd_action_schema = {
    .name = "bfd.action",
    .version = 1,
    .tag_offset = offsetof(struct bfd_action, kind),
    .records = action_records,
    .n_records = KD_ARRAY_LEN(action_records),
};
