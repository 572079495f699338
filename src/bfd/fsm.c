/* The state machine of RFC 5880 6.2, 6.8.4, 6.8.6 and 6.8.16, as a table. What isn't in it changes
 * nothing. */
#include "bfd/engine.h"

/* LocalDiag stays: it still says why the session failed last (4.1). */
#define KEEP BFD_DIAG_N
/* Given with the event. */
#define GIVEN (BFD_DIAG_N + 1)

static const struct row {
    enum bfd_state state;
    enum bfd_fsm_event event;
    enum bfd_state next;
    unsigned diag;
    enum kd_reason reason;
    bool failure; /* RFC 5882 4.2: the clients act */
    const char *source;
} rows[] = {
    {BFD_ADMIN_DOWN, BFD_FSM_ENABLE, BFD_DOWN, KEEP, KD_REASON_NONE, false, "6.8.16"},

    {BFD_DOWN, BFD_FSM_RX_DOWN, BFD_INIT, KEEP, KD_REASON_NONE, false, "6.8.6"},
    {BFD_DOWN, BFD_FSM_RX_INIT, BFD_UP, BFD_DIAG_NONE, KD_REASON_NONE, false, "6.8.6"},
    {BFD_DOWN, BFD_FSM_DISABLE, BFD_ADMIN_DOWN, GIVEN, KD_REASON_ADMIN, false, "6.8.16"},

    {BFD_INIT, BFD_FSM_RX_INIT, BFD_UP, BFD_DIAG_NONE, KD_REASON_NONE, false, "6.8.6"},
    {BFD_INIT, BFD_FSM_RX_UP, BFD_UP, BFD_DIAG_NONE, KD_REASON_NONE, false, "6.8.6"},
    {BFD_INIT, BFD_FSM_RX_ADMIN_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, KD_REASON_ADMIN, false,
     "6.8.6"},
    {BFD_INIT, BFD_FSM_SILENCE, BFD_DOWN, BFD_DIAG_DETECT_EXPIRED, KD_REASON_UNREACHABLE, false,
     "6.8.4"},
    {BFD_INIT, BFD_FSM_DISABLE, BFD_ADMIN_DOWN, GIVEN, KD_REASON_ADMIN, false, "6.8.16"},

    {BFD_UP, BFD_FSM_RX_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, KD_REASON_BFD_DOWN, true, "6.8.6"},
    {BFD_UP, BFD_FSM_RX_ADMIN_DOWN, BFD_DOWN, BFD_DIAG_NEIGHBOR_DOWN, KD_REASON_ADMIN, false,
     "6.8.6; RFC 5882 4.2"},
    {BFD_UP, BFD_FSM_SILENCE, BFD_DOWN, BFD_DIAG_DETECT_EXPIRED, KD_REASON_UNREACHABLE, true,
     "6.8.4"},
    {BFD_UP, BFD_FSM_DISABLE, BFD_ADMIN_DOWN, GIVEN, KD_REASON_ADMIN, false, "6.8.16"},
};

static const struct row *find(enum bfd_state state, enum bfd_fsm_event event)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        if (rows[i].state == state && rows[i].event == event)
            return &rows[i];
    return NULL;
}

static void note(struct bfd *b, const struct bfd_session *s, enum bfd_state old, bool failure)
{
    struct bfd_action *a = bfd_emit_session(b, BFD_ACT_NOTE, s);

    a->note = BFD_NOTE_STATE;
    a->old_state = old;
    a->state = s->state;
    a->remote_state = s->remote_state;
    a->diag = s->diag;
    a->remote_diag = s->remote_diag;
    a->reason = s->reason;
    a->failure = failure;
    a->heard_us = s->heard_us;
}

void bfd_fsm_run(struct bfd *b, struct bfd_session *s, enum bfd_fsm_event event, enum bfd_diag diag,
                 enum kd_reason reason)
{
    const struct row *row = find(s->state, event);
    enum bfd_state old = s->state;

    if (!row)
        return;
    s->state = row->next;
    if (row->diag == GIVEN)
        s->diag = diag;
    else if (row->diag != KEEP)
        s->diag = (enum bfd_diag)row->diag;
    s->reason = row->diag == GIVEN && reason != KD_REASON_NONE ? reason : row->reason;
    s->since_us = b->now_us;
    s->failures += row->failure;
    s->news = true;
    bfd_poll_retune(s, true);
    note(b, s, old, row->failure);
}
