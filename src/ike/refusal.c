/* What a refusal was about, in values beside its words: the two lists of proposals or selectors, in
 * their wire form, and the exchange. explain.c compares them; nothing here decides anything. */
#include "ike/out.h"
#include "ike/sa.h"

/* 32 proposals of 32 transforms, each at its largest. */
#define LIST_MAX 12288

void ike_note_lists(struct ike *e, struct ike_action *a, uint8_t protocol,
                    const struct ike_proposals *offered, const struct ike_proposals *configured)
{
    static const uint8_t spi[4] = {1, 1, 1, 1}; /* one that may be used: 3.3.1, RFC 4303 2.1 */
    const struct ike_proposals *l[] = {offered, configured};
    struct kd_span *to[] = {a ? &a->sa_offered : NULL, a ? &a->sa_configured : NULL};
    uint8_t buf[LIST_MAX];

    for (size_t i = 0; a && i < KD_ARRAY_LEN(l); i++) {
        struct kd_writer w;
        if (!l[i])
            continue;
        kd_writer_init(&w, buf, sizeof(buf));
        ike_proposals_write(&w, l[i], protocol, kd_bytes(spi, protocol == IKE_PROTO_ESP ? 4 : 0),
                            protocol == IKE_PROTO_ESP && a->exchange == IKE_X_AUTH);
        if (w.ok)
            *to[i] = ike_out_bytes(e, kd_written(&w));
    }
}

static struct kd_span selectors(struct ike *e, const struct ike_ts_list *l)
{
    uint8_t buf[4 + IKE_TS_MAX * 40];
    struct kd_writer w;

    if (!l)
        return (struct kd_span){0, 0};
    kd_writer_init(&w, buf, sizeof(buf));
    ike_ts_write(&w, l);
    return ike_out_bytes(e, kd_written(&w));
}

void ike_note_selectors(struct ike *e, struct ike_action *a, const struct ike_ts_list *local,
                        const struct ike_ts_list *remote, const struct ike_child_config *want)
{
    if (!a)
        return;
    a->ts_local = selectors(e, local);
    a->ts_remote = selectors(e, remote);
    a->ts_want_local = selectors(e, want ? &want->local_ts : NULL);
    a->ts_want_remote = selectors(e, want ? &want->remote_ts : NULL);
}

uint16_t ike_wanted_group(const struct ike_msg *m)
{
    const struct ike_notify *n = ike_msg_notify(m, IKE_N_INVALID_KE_PAYLOAD);

    return n && n->data.len == 2 ? (uint16_t)(n->data.p[0] << 8 | n->data.p[1]) : 0;
}

uint8_t ike_sa_exchange(const struct ike_sa *sa)
{
    switch (sa->state) {
    case IKE_ST_I_KEYGEN:
    case IKE_ST_I_INIT:
    case IKE_ST_I_SHARED:
    case IKE_ST_R_KEYGEN:
        return IKE_X_SA_INIT;
    case IKE_ST_I_INTER:
    case IKE_ST_R_INTER:
        return IKE_X_INTERMEDIATE;
    case IKE_ST_I_AUTH:
    case IKE_ST_R_INIT:
    case IKE_ST_R_SHARED:
    case IKE_ST_R_AUTH:
        return IKE_X_AUTH;
    default: /* an IKE SA that still has its handshake's state is about to answer IKE_AUTH */
        return sa->hs ? IKE_X_AUTH : IKE_X_CREATE_CHILD_SA;
    }
}
