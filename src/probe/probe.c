/* Packets and outages. A packet is judged when it is answered or overdue, in the order of sending,
 * so that an outage is a run of numbers, whatever order the answers come in. */
#include "probe/probe.h"

#include "probe/rtt.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    uint64_t sent_us, count, rtt_us;
    bool answered;
};

struct probe {
    struct probe_params par;
    uint64_t next, judged; /* numbers: the next to be sent, the next to be judged */
    uint32_t mask;
    struct slot *slot; /* of the packets from judged to next */
    /* what was judged */
    uint64_t good, lost, late, duplicate, strange, reordered, highest;
    bool any_good;
    uint64_t last_good_us, last_good_count; /* of the last good one */
    struct probe_outage open;               /* lost 0: none */
    struct probe_outage longest;
    uint64_t outages, lost_out, lost_back;
    bool counted;
    struct probe_rtt rtt;
};

struct probe *probe_new(const struct probe_params *par)
{
    uint64_t need = par->interval_us ? par->timeout_us / par->interval_us + 2 : 0, cap = 2;
    struct probe *p;

    if (!need || need > PROBE_WINDOW_MAX)
        return NULL;
    while (cap < need)
        cap *= 2;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->par = *par;
    p->mask = (uint32_t)cap - 1;
    p->slot = calloc(cap, sizeof(*p->slot));
    if (p->slot)
        return p;
    free(p);
    return NULL;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    free(p->slot);
    free(p);
}

static struct slot *slot(const struct probe *p, uint64_t seq)
{
    return &p->slot[seq & p->mask];
}

/* ---- judging ---- */

/* How many of the lost ones had reached the far end, by its counts before and after. */
static void tell_apart(struct probe *p, uint64_t count)
{
    struct probe_outage *o = &p->open;
    uint64_t arrived = count - p->last_good_count - 1;

    if (!count || !p->last_good_count || count <= p->last_good_count || arrived > o->lost)
        return; /* it doesn't count, or began anew */
    o->counted = p->counted = true;
    o->lost_back = arrived;
    o->lost_out = o->lost - arrived;
    p->lost_back += o->lost_back;
    p->lost_out += o->lost_out;
}

static bool judge_good(struct probe *p, const struct slot *s, struct probe_outage *out)
{
    bool ended = p->open.lost > 0 && p->any_good;

    if (ended) {
        p->open.first_good_us = s->sent_us;
        tell_apart(p, s->count);
        *out = p->open;
        p->outages++;
        if (p->open.first_good_us - p->open.last_good_us >
            p->longest.first_good_us - p->longest.last_good_us)
            p->longest = p->open;
    }
    p->open = (struct probe_outage){0};
    p->good++;
    p->any_good = true;
    p->last_good_us = s->sent_us;
    p->last_good_count = s->count;
    return ended;
}

static void judge_lost(struct probe *p)
{
    if (p->open.lost == 0) {
        p->open.first_seq = p->judged;
        p->open.last_good_us = p->last_good_us;
    }
    p->open.lost++;
    p->lost++;
}

bool probe_judge(struct probe *p, uint64_t now_us, struct probe_outage *out)
{
    while (p->judged < p->next) {
        const struct slot *s = slot(p, p->judged);
        bool ended = false;
        if (s->answered)
            ended = judge_good(p, s, out);
        else if (now_us >= s->sent_us + p->par.timeout_us)
            judge_lost(p);
        else
            return false;
        if (p->par.judged)
            p->par.judged(p->par.arg, s->sent_us, s->answered, s->rtt_us);
        p->judged++;
        if (ended)
            return true;
    }
    return false;
}

uint64_t probe_deadline(const struct probe *p)
{
    return p->judged == p->next ? KD_NEVER : slot(p, p->judged)->sent_us + p->par.timeout_us;
}

/* ---- packets ---- */

uint64_t probe_sent(struct probe *p, uint64_t now_us)
{
    struct probe_outage ignored;

    if (p->next - p->judged > p->mask) /* the caller's clock has jumped */
        (void)probe_judge(p, KD_NEVER, &ignored);
    *slot(p, p->next) = (struct slot){.sent_us = now_us};
    return p->next++;
}

void probe_answered(struct probe *p, uint64_t seq, uint64_t count, uint64_t now_us)
{
    struct slot *s = slot(p, seq);

    if (seq >= p->next) {
        p->strange++;
    } else if (seq < p->judged) {
        p->late++; /* or the second answer to one judged good: both came too late to matter */
    } else if (s->answered) {
        p->duplicate++;
    } else if (now_us >= s->sent_us + p->par.timeout_us) {
        p->late++;
    } else {
        s->answered = true;
        s->count = count;
        p->reordered += seq < p->highest;
        p->highest = seq > p->highest ? seq : p->highest;
        s->rtt_us = now_us - s->sent_us;
        probe_rtt_add(&p->rtt, s->rtt_us);
    }
}

/* ---- summary ---- */

static uint64_t length(const struct probe_outage *o)
{
    return o->lost ? o->first_good_us - o->last_good_us : 0;
}

static void passed_over(const struct probe *p, struct probe_summary *out)
{
    struct probe_outage run = {.lost = p->open.lost};
    uint64_t waiting = 0, waiting_us = 0;

    out->newest_good_us = p->last_good_us;
    out->waiting_us = run.lost ? p->open.last_good_us : 0;
    for (uint64_t seq = p->judged; seq < p->next; seq++) {
        const struct slot *s = slot(p, seq);
        if (!s->answered) {
            run.lost++;
            waiting++;
            waiting_us = s->sent_us;
            out->waiting_us = out->waiting_us ? out->waiting_us : s->sent_us;
            continue;
        }
        run.last_good_us = out->newest_good_us;
        run.first_good_us = s->sent_us;
        if (run.last_good_us && length(&run) > length(&out->passed))
            out->passed = run;
        out->n_passed += waiting;
        out->passed_us = waiting ? waiting_us : out->passed_us;
        run.lost = waiting = 0;
        out->newest_good_us = s->sent_us;
        out->waiting_us = 0;
    }
}

void probe_summarize(const struct probe *p, uint64_t now_us, struct probe_summary *out)
{
    struct probe_outage open = p->open;

    *out = (struct probe_summary){
        .sent = p->next,
        .answered = p->good,
        .lost = p->lost,
        .late = p->late,
        .duplicate = p->duplicate,
        .strange = p->strange,
        .reordered = p->reordered,
        .lost_out = p->lost_out,
        .lost_back = p->lost_back,
        .counted = p->counted,
        .outages = p->outages,
        .longest = p->longest,
        .open = p->open.lost > 0,
        .now_us = now_us,
    };
    passed_over(p, out);
    if (p->open.lost && p->any_good) {
        out->outages++;
        out->open_since_us = open.last_good_us;
        open.first_good_us = now_us;
        if (length(&open) > length(&p->longest))
            out->longest = p->open;
    }
    probe_rtt_sum(&p->rtt, &out->rtt_min_us, &out->rtt_mean_us, &out->rtt_max_us);
    out->rtt_p50_us = probe_rtt_quantile(&p->rtt, 50);
    out->rtt_p95_us = probe_rtt_quantile(&p->rtt, 95);
}
