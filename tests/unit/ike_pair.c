/* See ike_pair.h. The order of equal times is the order of creation, so a seed is a trace. */
#include "ike_pair.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum kc_provider pair_provider = KC_PROVIDER_SIM;

void pair_proposals(struct ike_proposals *l, const char *text, uint8_t protocol)
{
    char copy[512], err[256], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", text);
    memset(l, 0, sizeof(*l));
    for (char *s = strtok_r(copy, ", ", &save); s; s = strtok_r(NULL, ", ", &save)) {
        if (!ike_proposal_from_string(s, protocol, &l->p[l->n++], err, sizeof(err))) {
            fprintf(stderr, "%s: %s\n", s, err);
            abort();
        }
    }
}

void pair_psk(struct pair *p, int side, const char *psk)
{
    p->s[side].cfg.psk = kc_key_import(p->s[side].crypto, kd_bytes_str(psk));
    pair_config(p, side);
}

static void engine_init(struct pair_side *s, int i)
{
    struct ike_params params = {.conns_max = 8, .crypto = s->crypto};

    for (int k = 0; k < 8; k++)
        params.seed[k] = (uint8_t)(s->seed >> (8 * k));
    params.seed[8] = (uint8_t)i;
    params.seed[9] = s->starts++;
    if (s->qcd)
        params.qcd = kc_key_import(s->crypto, kd_bytes_str(s->qcd));
    s->e = ike_new(&params);
    REQUIRE(s->e);
    s->deadline_us = KD_NEVER;
}

static void side_init(struct pair *p, int i, uint64_t seed, const char *ike, const char *esp)
{
    struct pair_side *s = &p->s[i];
    struct kd_prefix any = {.addr = {.family = 4}};
    struct ike_conn_config *c = &s->cfg;

    s->crypto = kc_ctx_new(pair_provider, 1024);
    REQUIRE(s->crypto);
    s->seed = seed;
    engine_init(s, i);
    s->out = malloc(sizeof(*s->out));
    REQUIRE(s->out);
    s->trace = UINT64_C(14695981039346656037);
    snprintf(c->name, sizeof(c->name), "t%d", i);
    c->local = kd_addr_v4(0x0a000001u + (uint32_t)i);
    c->remote = kd_addr_v4(0x0a000002u - (uint32_t)i);
    c->port = 500;
    c->natt_port = 4500;
    REQUIRE(ike_id_parse(i ? "b.example" : "a.example", &c->local_id));
    REQUIRE(ike_id_parse(i ? "a.example" : "b.example", &c->remote_id));
    c->role = i ? IKE_ROLE_RESPONDER : IKE_ROLE_BOTH;
    pair_proposals(&c->ike, ike, IKE_PROTO_IKE);
    pair_proposals(&c->esp, esp, IKE_PROTO_ESP);
    c->child[0].local_ts = c->child[0].remote_ts =
        (struct ike_ts_list){.n = 1, .ts = {ike_ts_from_prefix(&any)}};
    c->detect_us = KD_S(2);
    c->abandon_us = KD_S(60);
    c->retry_us = KD_S(3);
    c->ike_life_us = KD_S(28800);
    c->child_life_us = KD_S(27000);
    pair_psk(p, i, "a shared secret");
    s->keys_at_start = kc_keys_live(s->crypto);
}

/* What the dead engine waited for comes to nobody. */
static void forget_events(struct pair *p, int side)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->n_evq; i++) {
        if (p->evq[i].side == side)
            kc_key_free(p->s[side].crypto, p->evq[i].ev.secret);
        else
            p->evq[n++] = p->evq[i];
    }
    p->n_evq = n;
}

void pair_restart(struct pair *p, int side)
{
    struct pair_side *s = &p->s[side];

    ike_free(s->e);
    forget_events(p, side);
    s->n_children = 0;
    engine_init(s, side);
    pair_psk(p, side, "a shared secret");
    s->keys_at_start = kc_keys_live(s->crypto);
}

void pair_renew(struct pair *p)
{
    while (p->n_pkt)
        free(p->pkt[--p->n_pkt].data);
    for (int i = 0; i < 2; i++) {
        struct pair_side *s = &p->s[i];
        s->starts = 0;
        pair_restart(p, i);
        s->adds = s->dels = s->uses = s->moves = s->n_notes = s->n_sent = s->n_jobs = 0;
    }
    p->now_us = KD_S(1000);
    p->hold_net = false;
}

struct pair *pair_new(uint64_t seed, const char *ike, const char *esp)
{
    struct pair *p = calloc(1, sizeof(*p));
    uint8_t net[32] = {0x6e, 0x65, 0x74};

    REQUIRE(p);
    for (int k = 0; k < 8; k++)
        net[8 + k] = (uint8_t)(seed >> (8 * k));
    kc_rng_init(&p->rng, net);
    p->now_us = KD_S(1000);
    p->delay_us = KD_MS(5);
    p->wall_s = PAIR_WALL_S;
    side_init(p, A, seed, ike, esp);
    side_init(p, B, seed, ike, esp);
    return p;
}

void pair_free(struct pair *p)
{
    for (unsigned i = 0; i < p->n_pkt; i++)
        free(p->pkt[i].data);
    for (int i = 0; i < 2; i++) {
        ike_free(p->s[i].e);
        kc_ctx_free(p->s[i].crypto);
        free(p->s[i].out);
    }
    free(p);
}

void pair_config(struct pair *p, int side)
{
    REQUIRE(ike_conn_set(p->s[side].e, 7, &p->s[side].cfg));
}

/* ---- the network ---- */

static struct kd_addr nat_addr(void)
{
    return kd_addr_v4(0xc0000201u);
}

/* Leaving A: another address, another port. Coming back: the port says where to. */
static void nat_out(struct pair *p, struct pair_packet *k)
{
    if (p->nat_a && k->from == A) {
        k->src.addr = nat_addr();
        k->src.port = (uint16_t)(k->src.port + 20000);
    }
}

static bool nat_in(struct pair *p, struct pair_packet *k)
{
    if (!p->nat_a || k->from == A)
        return true;
    if (!kd_addr_eq(&k->dst.addr, &(struct kd_addr){0}) && k->dst.port < 20000)
        return false;
    k->dst.addr = p->s[A].cfg.local;
    k->dst.port = (uint16_t)(k->dst.port - 20000);
    return true;
}

static void travel(struct pair *p, const struct pair_packet *k, uint64_t delay)
{
    struct pair_packet *q;

    if (p->n_pkt == PAIR_PACKETS)
        return;
    q = &p->pkt[p->n_pkt++];
    *q = *k;
    q->data = malloc(k->len ? k->len : 1);
    REQUIRE(q->data);
    memcpy(q->data, k->data, k->len);
    q->at_us = p->now_us + delay;
    q->seq = p->seq++;
    q->held = p->hold_net;
}

static void net_send(struct pair *p, int from, const struct ike_action *a)
{
    uint8_t copy[65536];
    struct pair_side *s = &p->s[from];
    struct pair_packet k = {.from = from,
                            .src = a->local,
                            .dst = a->remote,
                            .natt = a->natt,
                            .df = a->df,
                            .data = copy,
                            .len = a->data.len};
    uint64_t delay = p->delay_us;

    memcpy(copy, s->out->buf + a->data.off, a->data.len);
    if (s->n_sent < PAIR_SENT)
        s->sent_at[s->n_sent] = p->now_us;
    s->n_sent++;
    nat_out(p, &k);
    p->n_seen++;
    if (s->cut_out || (p->filter && !p->filter(p, &k)))
        return;
    if (kc_rng_below(&p->rng, 100) < p->loss_pct)
        return;
    if (kc_rng_below(&p->rng, 100) < p->reorder_pct)
        delay += p->delay_us * kc_rng_below(&p->rng, 20);
    travel(p, &k, delay);
    if (kc_rng_below(&p->rng, 100) < p->dup_pct)
        travel(p, &k, delay + p->delay_us * kc_rng_below(&p->rng, 30));
}

/* ---- data plane and jobs ---- */

static struct pair_event *later(struct pair *p, int side, uint64_t delay)
{
    struct pair_event *q;

    REQUIRE(p->n_evq < PAIR_EVENTS);
    q = &p->evq[p->n_evq++];
    memset(q, 0, sizeof(*q));
    q->at_us = p->now_us + delay;
    q->seq = p->seq++;
    q->side = side;
    return q;
}

static struct kd_bytes span(const struct pair_side *s, struct kd_span at)
{
    return kd_bytes(s->out->buf + at.off, at.len);
}

static void run_job(struct pair *p, int side, const struct ike_action *a)
{
    struct pair_side *s = &p->s[side];
    struct kc_job job = {.kind = a->job_kind,
                         .group = (enum kc_dh)a->group,
                         .priv = a->priv,
                         .peer = span(s, a->data)};
    struct kc_job_result res;
    struct kc_chain chain;
    struct pair_event *q = later(p, side, 300);
    struct kd_bytes data;

    ike_auth_job_set(&job, &chain, &a->auth, span(s, a->data), span(s, a->data2),
                     span(s, a->data3));
    memset(&res, 0, sizeof(res));
    kc_job_run(s->crypto, &job, &res);
    data = ike_job_data(a->job_kind, &res);
    q->held = s->hold_jobs;
    q->ev.kind = IKE_EV_JOB_DONE;
    q->ev.job = a->job;
    q->ev.job_status = res.status;
    q->ev.secret = res.secret;
    REQUIRE(data.len <= sizeof(q->data));
    if (data.len)
        memcpy(q->data, data.p, data.len);
    q->ev.data.len = data.len;
    s->n_jobs++;
    s->n_jobs_of[a->job_kind]++;
}

static struct pair_child *child_of(struct pair_side *s, struct kd_handle h)
{
    for (unsigned i = 0; i < s->n_children; i++)
        if (kd_handle_eq(s->child[i].child, h))
            return &s->child[i];
    return NULL;
}

static void child_add(struct pair *p, int side, const struct ike_action *a)
{
    struct pair_side *s = &p->s[side];
    const struct kd_handle key[4] = {a->key_enc_in, a->key_int_in, a->key_enc_out, a->key_int_out};
    struct pair_event *q = later(p, side, 500);
    struct pair_child *c;

    s->adds++;
    q->held = s->hold_install;
    q->ev.kind = IKE_EV_CHILD_RESULT;
    q->ev.child = a->child;
    q->ev.ok = !s->refuse_install;
    if (s->refuse_install)
        return;
    REQUIRE(s->n_children < PAIR_CHILDREN && !child_of(s, a->child));
    c = &s->child[s->n_children++];
    memset(c, 0, sizeof(*c));
    c->child = a->child;
    c->spi_in = a->spi_in;
    c->spi_out = a->spi_out;
    c->local = a->local;
    c->remote = a->remote;
    c->encap = a->encap;
    c->limits = a->limits;
    for (int i = 0; i < 4; i++)
        c->key_len[i] = kc_key_export(s->crypto, key[i], c->key[i], sizeof(c->key[i]));
    REQUIRE(a->encr == KC_ENCR_NULL || (c->key_len[0] && c->key_len[2]));
    REQUIRE(ike_ts_parse(kd_bytes(s->out->buf + a->ts_local.off, a->ts_local.len), &c->ts_local));
    REQUIRE(
        ike_ts_parse(kd_bytes(s->out->buf + a->ts_remote.off, a->ts_remote.len), &c->ts_remote));
}

static void child_del(struct pair_side *s, struct kd_handle h)
{
    struct pair_child *c = child_of(s, h);

    s->dels++;
    if (c)
        memmove(c, c + 1, (size_t)(&s->child[--s->n_children] - c) * sizeof(*c));
}

static void child_use(struct pair_side *s, struct kd_handle h)
{
    REQUIRE(child_of(s, h));
    s->uses++;
    for (unsigned i = 0; i < s->n_children; i++)
        s->child[i].used = kd_handle_eq(s->child[i].child, h);
}

static void copy_text(const struct pair_side *s, struct kd_span at, char *buf, size_t cap)
{
    snprintf(buf, cap, "%.*s", (int)at.len, (const char *)s->out->buf + at.off);
}

static void note(struct pair *p, struct pair_side *s, const struct ike_action *a)
{
    struct pair_note *n = &s->note[s->n_notes];

    if (s->n_notes == PAIR_NOTES)
        return;
    s->n_notes++;
    n->at_us = p->now_us;
    n->note = a->note;
    n->reason = a->reason;
    n->child = a->child;
    copy_text(s, a->detail, n->detail, sizeof(n->detail));
    copy_text(s, a->offered, n->offered, sizeof(n->offered));
    copy_text(s, a->configured, n->configured, sizeof(n->configured));
}

static void trace(struct pair_side *s, const struct ike_action *a)
{
    static uint8_t buf[300000];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    kd_schema_encode(&ike_action_schema, a, kd_bytes(s->out->buf, s->out->used), &w);
    REQUIRE(w.ok);
    for (size_t i = 0; i < w.pos; i++)
        s->trace = (s->trace ^ buf[i]) * UINT64_C(1099511628211);
}

static void act(struct pair *p, int side, const struct ike_action *a)
{
    struct pair_side *s = &p->s[side];
    struct pair_child *c;

    trace(s, a);
    switch (a->kind) {
    case IKE_ACT_SEND:
        net_send(p, side, a);
        break;
    case IKE_ACT_JOB:
        run_job(p, side, a);
        break;
    case IKE_ACT_CHILD_ADD:
        child_add(p, side, a);
        break;
    case IKE_ACT_KEEPALIVE:
        s->keepalives++;
        s->keepalive_at = p->now_us;
        break;
    case IKE_ACT_CHILD_USE:
        child_use(s, a->child);
        break;
    case IKE_ACT_CHILD_MOVE:
        s->moves++;
        if ((c = child_of(s, a->child))) {
            c->local = a->local;
            c->remote = a->remote;
        }
        break;
    case IKE_ACT_CHILD_DEL:
        child_del(s, a->child);
        break;
    case IKE_ACT_KEYS_FREE:
        REQUIRE(!child_of(s, a->child));
        break;
    case IKE_ACT_NOTE:
        note(p, s, a);
        break;
    }
}

/* ---- time ---- */

void pair_step(struct pair *p, int side, const struct ike_event *ev)
{
    struct pair_side *s = &p->s[side];
    struct ike_event e = *ev;

    for (int rounds = 0;; rounds++) {
        REQUIRE(rounds < 100);
        e.now_us = p->now_us;
        e.wall_s = p->wall_s;
        ike_step(s->e, &e, s->out);
        REQUIRE(s->out->n <= IKE_OUT_ACTIONS && s->out->used <= IKE_OUT_BYTES);
        for (uint32_t i = 0; i < s->out->n; i++)
            act(p, side, &s->out->a[i]);
        s->deadline_us = s->out->deadline_us;
        if (!s->out->more)
            return;
        e = (struct ike_event){.kind = IKE_EV_WAKE};
    }
}

void pair_command(struct pair *p, int side, enum ike_command cmd)
{
    pair_step(p, side, &(struct ike_event){.kind = IKE_EV_COMMAND, .conn = 7, .command = cmd});
}

void pair_deliver(struct pair *p, unsigned i)
{
    struct pair_packet k = p->pkt[i];
    int to = !k.from;

    memmove(&p->pkt[i], &p->pkt[i + 1], (--p->n_pkt - i) * sizeof(p->pkt[0]));
    if (nat_in(p, &k) && !p->s[to].cut_in) {
        struct ike_event ev = {.kind = IKE_EV_DATAGRAM,
                               .local = k.dst,
                               .remote = k.src,
                               .natt = k.natt,
                               .data = kd_bytes(k.data, k.len)};
        pair_step(p, to, &ev);
    }
    free(k.data);
}

static void happen(struct pair *p, unsigned i)
{
    struct pair_event q = p->evq[i];

    memmove(&p->evq[i], &p->evq[i + 1], (--p->n_evq - i) * sizeof(p->evq[0]));
    q.ev.data.p = q.data;
    pair_step(p, q.side, &q.ev);
}

/* Does the next thing that is due until then; false when there is none. */
static bool next(struct pair *p, uint64_t until)
{
    uint64_t best = until;
    uint32_t seq = UINT32_MAX;
    int kind = 0;
    unsigned at = 0;

    for (unsigned i = 0; i < p->n_pkt; i++)
        if (!p->pkt[i].held &&
            (p->pkt[i].at_us < best || (p->pkt[i].at_us == best && p->pkt[i].seq < seq))) {
            best = p->pkt[i].at_us;
            seq = p->pkt[i].seq;
            kind = 1;
            at = i;
        }
    for (unsigned i = 0; i < p->n_evq; i++)
        if (!p->evq[i].held &&
            (p->evq[i].at_us < best || (p->evq[i].at_us == best && p->evq[i].seq < seq))) {
            best = p->evq[i].at_us;
            seq = p->evq[i].seq;
            kind = 2;
            at = i;
        }
    for (unsigned i = 0; i < 2; i++)
        if (p->s[i].deadline_us < best || (p->s[i].deadline_us == best && !kind)) {
            best = p->s[i].deadline_us;
            kind = 3;
            at = i;
        }
    if (!kind)
        return false;
    p->now_us = KD_MAX(p->now_us, best);
    if (kind == 1)
        pair_deliver(p, at);
    else if (kind == 2)
        happen(p, at);
    else
        pair_step(p, (int)at, &(struct ike_event){.kind = IKE_EV_WAKE});
    return true;
}

void pair_run(struct pair *p, uint64_t us)
{
    uint64_t until = p->now_us + us;

    while (next(p, until))
        ;
    p->now_us = until;
}

void pair_release(struct pair *p, int side)
{
    for (unsigned i = 0; i < p->n_evq; i++)
        if (p->evq[i].side == side) {
            p->evq[i].held = false;
            p->evq[i].at_us = KD_MAX(p->evq[i].at_us, p->now_us);
        }
}

bool pair_release_one(struct pair *p, int side)
{
    for (unsigned i = 0; i < p->n_evq; i++)
        if (p->evq[i].side == side && p->evq[i].held) {
            happen(p, i);
            return true;
        }
    return false;
}

void pair_lose(struct pair *p, unsigned i)
{
    free(p->pkt[i].data);
    memmove(&p->pkt[i], &p->pkt[i + 1], (--p->n_pkt - i) * sizeof(p->pkt[0]));
}

void pair_repeat(struct pair *p, unsigned i)
{
    struct pair_packet k = p->pkt[i];

    travel(p, &k, p->delay_us);
}

bool pair_establish(struct pair *p)
{
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, KD_S(1));
    return pair_up(p, A) && pair_up(p, B);
}

struct pair *pair_established(uint64_t seed, const char *ike, const char *esp)
{
    struct pair *p = pair_new(seed, ike, esp);

    if (!pair_establish(p)) {
        pair_dump(p);
        REQUIRE(!"not established");
    }
    return p;
}

/* ---- what became of it ---- */

bool pair_nothing_left(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        const struct pair_side *s = &p->s[i];

        pair_step(p, i, &(struct ike_event){.kind = IKE_EV_WAKE}); /* frees what was doomed */
        if (kc_keys_live(s->crypto) != s->keys_at_start || s->n_children) {
            pair_dump(p);
            return false;
        }
    }
    return true;
}

unsigned pair_notes(const struct pair *p, int side, enum ike_note n)
{
    unsigned found = 0;

    for (unsigned i = 0; i < p->s[side].n_notes; i++)
        found += p->s[side].note[i].note == n;
    return found;
}

const struct pair_note *pair_note(const struct pair *p, int side, enum ike_note n)
{
    for (unsigned i = p->s[side].n_notes; i-- > 0;)
        if (p->s[side].note[i].note == n)
            return &p->s[side].note[i];
    return NULL;
}

bool pair_up(const struct pair *p, int side)
{
    struct ike_view v;

    return ike_conn_view(p->s[side].e, 7, &v) && v.established && v.n_children > 0 &&
           p->s[side].n_children > 0;
}

static bool fits(const struct pair_child *x, const struct pair_child *y)
{
    for (int i = 0; i < 4; i++) {
        int j = (i + 2) % 4;
        if (x->key_len[i] != y->key_len[j] || memcmp(x->key[i], y->key[j], x->key_len[i]) != 0)
            return false;
    }
    return x->spi_in == y->spi_out && x->spi_out == y->spi_in;
}

bool pair_children_agree(const struct pair *p)
{
    if (p->s[A].n_children != p->s[B].n_children)
        return false;
    for (unsigned i = 0; i < p->s[A].n_children; i++) {
        bool found = false;
        for (unsigned j = 0; j < p->s[B].n_children; j++)
            found = found || fits(&p->s[A].child[i], &p->s[B].child[j]);
        if (!found)
            return false;
    }
    return p->s[A].n_children > 0;
}

const struct pair_child *pair_outbound(const struct pair *p, int side)
{
    const struct pair_side *s = &p->s[side];

    for (unsigned i = 0; i < s->n_children; i++)
        if (s->child[i].used)
            return &s->child[i];
    return s->n_children ? &s->child[0] : NULL;
}

void pair_dump(const struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        const struct pair_side *s = &p->s[i];
        fprintf(stderr, "side %c: %u children, %u adds, %u dels, %u sent, keys %u (start %u)\n",
                'A' + i, s->n_children, s->adds, s->dels, s->n_sent, kc_keys_live(s->crypto),
                s->keys_at_start);
        for (unsigned k = 0; k < s->n_notes; k++) {
            const struct pair_note *n = &s->note[k];
            fprintf(stderr, "  %9.3f %-12s %-16s %s%s%s%s%s\n", (double)n->at_us / 1e6,
                    ike_note_names[n->note], kd_reason_str(n->reason), n->detail,
                    n->offered[0] ? " | offered " : "", n->offered,
                    n->configured[0] ? " | configured " : "", n->configured);
        }
    }
}
