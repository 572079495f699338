/* The output of a step: actions in order, their bytes behind them, and the notes' words.
 *
 * A step is bounded by construction: before each SA is worked on there is room for all it can
 * cause (ike_out_room()), the rest waits for the next step (more). Only messages and notes may
 * be dropped when that fails, as a network or a log may lose them; the others are asserted. */
#include "ike/out.h"
#include "ike/sa.h"

#include <stdarg.h>
#include <stdio.h>

/* A message of IKE_TX_MAX octets in datagrams of IKE_FRAGMENT_MIN. */
#define MSG_FRAGMENTS 40
/* What one SA can cause: its children (down, delete, keys), its own notes, a message, a job. */
#define SA_ACTIONS (IKE_SA_CHILDREN * 3 + 8 + MSG_FRAGMENTS)

const char *const ike_note_names[] = {
    [IKE_NOTE_CONNECTING] = "connecting",
    [IKE_NOTE_ESTABLISHED] = "established",
    [IKE_NOTE_CHILD_UP] = "child.up",
    [IKE_NOTE_CHILD_DOWN] = "child.down",
    [IKE_NOTE_FAILING] = "failing",
    [IKE_NOTE_UNREACHABLE] = "unreachable",
    [IKE_NOTE_REACHABLE] = "reachable",
    [IKE_NOTE_CLOSED] = "closed",
    [IKE_NOTE_REFUSED] = "refused",
    [IKE_NOTE_STRANGER] = "stranger",
    [IKE_NOTE_REPLACED] = "replaced",
    [IKE_NOTE_REKEYED] = "rekeyed",
    [IKE_NOTE_MTU] = "mtu",
    [IKE_NOTE_WARNING] = "warning",
    [IKE_NOTE_N] = NULL,
};

bool ike_out_room(const struct ike *e)
{
    return e->out->n + SA_ACTIONS <= IKE_OUT_ACTIONS && e->out->used <= IKE_OUT_BYTES / 2;
}

struct ike_action *ike_out_add(struct ike *e, enum ike_action_kind kind, uint32_t conn)
{
    struct ike_action *a;

    if (e->out->n == IKE_OUT_ACTIONS) {
        kd_assert(kind == IKE_ACT_SEND || kind == IKE_ACT_NOTE || kind == IKE_ACT_KEEPALIVE);
        return NULL;
    }
    a = &e->out->a[e->out->n++];
    memset(a, 0, sizeof(*a));
    a->kind = kind;
    a->conn = conn;
    return a;
}

struct kd_span ike_out_bytes(struct ike *e, struct kd_bytes b)
{
    struct kd_span s = {e->out->used, (uint32_t)b.len};

    if (b.len > IKE_OUT_BYTES - e->out->used)
        return (struct kd_span){0, 0};
    if (b.len)
        memcpy(e->out->buf + s.off, b.p, b.len);
    e->out->used += s.len;
    return s;
}

bool ike_out_join(struct ike *e, const struct kd_bytes *part, size_t n, struct kd_span *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += part[i].len;
    if (len > IKE_OUT_BYTES - e->out->used)
        return false;
    *out = (struct kd_span){e->out->used, (uint32_t)len};
    for (size_t i = 0; i < n; i++)
        (void)ike_out_bytes(e, part[i]);
    return true;
}

void ike_out_send(struct ike *e, uint32_t conn, const struct kd_endpoint *local,
                  const struct kd_endpoint *remote, bool natt, bool df, struct kd_bytes msg)
{
    struct ike_action *a;

    if (msg.len == 0 || msg.len > IKE_OUT_BYTES - e->out->used)
        return;
    a = ike_out_add(e, IKE_ACT_SEND, conn);
    if (!a)
        return;
    a->local = *local;
    a->remote = *remote;
    a->natt = natt;
    a->df = df;
    a->data = ike_out_bytes(e, msg);
}

/* Whatever a peer's text held, a note can be printed. */
static struct kd_span text(struct ike *e, const char *s)
{
    struct kd_span at = ike_out_bytes(e, kd_bytes_str(s));

    for (uint32_t i = 0; i < at.len; i++) {
        uint8_t *c = &e->out->buf[at.off + i];
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    }
    return at;
}

static KD_PRINTF(5, 0) struct ike_action *note(struct ike *e, uint32_t conn, enum ike_note n,
                                               enum kd_reason reason, const char *fmt, va_list ap)
{
    struct ike_action *a = ike_out_add(e, IKE_ACT_NOTE, conn);
    char buf[512];

    if (!a)
        return NULL;
    a->note = n;
    a->reason = reason;
    vsnprintf(buf, sizeof(buf), fmt, ap);
    a->detail = text(e, buf);
    return a;
}

struct ike_action *ike_note(struct ike *e, uint32_t conn, enum ike_note n, enum kd_reason reason,
                            const char *fmt, ...)
{
    struct ike_action *a;
    va_list ap;

    va_start(ap, fmt);
    a = note(e, conn, n, reason, fmt, ap);
    va_end(ap);
    return a;
}

struct ike_action *ike_sa_note(struct ike *e, const struct ike_sa *sa, enum ike_note n,
                               enum kd_reason reason, const char *fmt, ...)
{
    struct ike_action *a;
    va_list ap;

    va_start(ap, fmt);
    a = note(e, sa->conn, n, reason, fmt, ap);
    va_end(ap);
    if (a) {
        a->local = sa->local;
        a->remote = sa->remote;
        a->exchange = ike_sa_exchange(sa);
    }
    return a;
}

void ike_note_offer(struct ike *e, struct ike_action *a, const char *offered,
                    const char *configured)
{
    if (!a)
        return;
    a->offered = text(e, offered);
    a->configured = text(e, configured);
}

/* ---- refusals in the peer's terms ---- */

enum kd_reason ike_notify_reason(uint16_t notify)
{
    static const struct {
        uint16_t notify;
        enum kd_reason reason;
    } map[] = {
        {IKE_N_NO_PROPOSAL_CHOSEN, KD_REASON_NO_PROPOSAL},
        {IKE_N_INVALID_KE_PAYLOAD, KD_REASON_INVALID_KE},
        {IKE_N_AUTHENTICATION_FAILED, KD_REASON_AUTH_FAILED},
        {IKE_N_TS_UNACCEPTABLE, KD_REASON_TS_UNACCEPTABLE},
        {IKE_N_SINGLE_PAIR_REQUIRED, KD_REASON_TS_UNACCEPTABLE},
        {IKE_N_INVALID_SYNTAX, KD_REASON_INVALID_SYNTAX},
        {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, KD_REASON_INVALID_SYNTAX},
        {IKE_N_INVALID_MAJOR_VERSION, KD_REASON_PROTOCOL_ERROR},
        {IKE_N_NO_ADDITIONAL_SAS, KD_REASON_NO_RESOURCES},
        {IKE_N_TEMPORARY_FAILURE, KD_REASON_NO_RESOURCES},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(map); i++)
        if (map[i].notify == notify)
            return map[i].reason;
    return KD_REASON_PROTOCOL_ERROR;
}

const char *ike_ts_list_text(const struct ike_ts_list *l, char *buf, size_t cap)
{
    size_t n = 0;

    buf[0] = 0;
    for (unsigned i = 0; i < l->n && n < cap; i++) {
        char one[128];
        ike_ts_str(&l->ts[i], one, sizeof(one));
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "", one);
    }
    return buf;
}

static struct ike_action *peer_refused_auth(struct ike *e, struct ike_sa *sa,
                                            const struct ike_conn *c)
{
    char ours[IKE_ID_MAX * 4 + 8], theirs[IKE_ID_MAX * 4 + 8], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    ike_id_str(&c->cfg.local_id, ours, sizeof(ours));
    ike_id_str(&c->cfg.remote_id, theirs, sizeof(theirs));
    a = ike_sa_note(
        e, sa, IKE_NOTE_REFUSED, KD_REASON_AUTH_FAILED,
        "peer %s refused our identity %.120s or %s (AUTHENTICATION_FAILED)",
        kd_addr_str(&sa->remote.addr, addr), ours,
        c->cfg.auth.local == IKE_AUTH_CERT ? "our certificate" : "the pre-shared key");
    ike_note_offer(e, a, ours, theirs);
    return a;
}

static struct ike_action *by_peer(struct ike_action *a, uint16_t notify)
{
    if (a) {
        a->by_peer = true;
        a->notify = notify;
    }
    return a;
}

struct ike_action *ike_note_peer_refused(struct ike *e, struct ike_sa *sa, uint16_t notify,
                                         const struct ike_child_config *child)
{
    const struct ike_conn *c = ike_conn_of(e, sa);
    char buf[2100], ts[1024], remote[1024], addr[KD_ADDR_STR_MAX];
    struct ike_action *a;

    if (!c)
        return NULL;
    if (notify == IKE_N_AUTHENTICATION_FAILED)
        return by_peer(peer_refused_auth(e, sa, c), notify);
    a = ike_sa_note(e, sa, IKE_NOTE_REFUSED, ike_notify_reason(notify),
                    "peer %s refused our %s%s%s: %s", kd_addr_str(&sa->remote.addr, addr),
                    child ? "child" : "IKE SA", child && child->name[0] ? " " : "",
                    child ? child->name : "", ike_notify_name(notify));
    if (child && ike_notify_reason(notify) == KD_REASON_TS_UNACCEPTABLE) {
        ike_ts_list_text(&child->local_ts, ts, sizeof(ts));
        ike_ts_list_text(&child->remote_ts, remote, sizeof(remote));
        snprintf(buf, sizeof(buf), "%s === %s", ts, remote);
        ike_note_selectors(e, a, &child->local_ts, &child->remote_ts, NULL);
    } else {
        ike_proposals_text(child ? &c->cfg.esp : &c->cfg.ike, buf, sizeof(buf));
        ike_note_lists(e, a, child ? IKE_PROTO_ESP : IKE_PROTO_IKE,
                       child ? &c->cfg.esp : &c->cfg.ike, NULL);
    }
    ike_note_offer(e, a, buf, buf);
    return by_peer(a, notify);
}
