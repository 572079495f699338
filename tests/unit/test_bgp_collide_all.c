/* Connection collision, gone through: both ends call each other at once, and everything that either
 * end can see is delivered in every order in which TCP may deliver it. After each order one session
 * stands, the same at both ends, and nothing else. The other end is kedge, or a model of a speaker
 * that does what RFC 4271 6.8 says and no more, or of one that examines OpenSent too.
 *
 * The engines are made anew for each way (they can't be copied); states seen before, by what the
 * ends know and what is under way, are not gone through twice. No time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/engine.h"
#include "bgp_pair.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW     KD_S(1)
#define WAY_MAX 64
#define SEEN    (1u << 16)

enum { OPENED = 'o', INCOMING = 'i', CLOSED = 'c' }; /* beside message types */

struct letter {
    uint8_t what; /* one of the above, or enum bgp_msg_type */
    uint8_t len;
    uint8_t bytes[200];
};

/* What is on its way to one end of a connection. */
struct end {
    bool attached;
    struct kd_handle h;
    unsigned head, tail;
    struct letter box[16];
};

enum kind { KEDGE, LETTER_OF_6_8, EXAMINES_OPENSENT, DROPS_THE_OTHER, KINDS };

static const char *const kind_names[KINDS] = {"kedge", "6.8 to the letter", "OpenSent examined too",
                                              "and none beside an Established one"};

struct speaker {
    struct world *w;
    unsigned no;
    enum kind kind;
    uint32_t id;
    bool on;
    struct bgp_node node;    /* KEDGE */
    enum bgp_state state[2]; /* else: of its end of each connection; BGP_IDLE: none */
};

struct world {
    struct speaker s[2];
    struct end end[2][2]; /* [connection, numbered by who opened it][whose end] */
};

/* ---- the network ---- */

static void post(struct world *w, unsigned conn, unsigned to, uint8_t what, struct kd_bytes bytes)
{
    struct end *e = &w->end[conn][to];
    struct letter *l = &e->box[e->tail++];

    assert_in_range(e->tail, 1, KD_ARRAY_LEN(e->box));
    assert_in_range(bytes.len, 0, sizeof(l->bytes));
    l->what = what;
    l->len = (uint8_t)bytes.len;
    if (bytes.len)
        memcpy(l->bytes, bytes.p, bytes.len);
}

static void call(struct world *w, unsigned who)
{
    w->end[who][who].attached = true;
    post(w, who, who, OPENED, kd_bytes(NULL, 0));
    post(w, who, !who, INCOMING, kd_bytes(NULL, 0));
}

/* What is still on its way to who closes is nobody's. */
static void hang_up(struct world *w, unsigned conn, unsigned who)
{
    struct end *e = &w->end[conn][who];

    e->attached = false;
    e->head = e->tail;
    post(w, conn, !who, CLOSED, kd_bytes(NULL, 0));
}

static void post_messages(struct world *w, unsigned conn, unsigned from, struct kd_bytes bytes)
{
    struct bgp_frame f;
    struct bgp_error e;

    for (size_t at = 0; at < bytes.len; at += f.len) {
        struct kd_bytes rest = kd_bytes(bytes.p + at, bytes.len - at);
        assert_int_equal(bgp_frame_parse(rest, BGP_MESSAGE_MAX, &f, &e), BGP_FRAME_OK);
        post(w, conn, !from, f.type, kd_bytes(rest.p, f.len));
    }
}

/* ---- kedge at an end ---- */

static unsigned conn_of(const struct speaker *s, struct kd_handle h)
{
    unsigned conn = 0;

    while (!s->w->end[conn][s->no].attached || !kd_handle_eq(s->w->end[conn][s->no].h, h))
        assert_in_range(++conn, 0, 1);
    return conn;
}

static void act(struct bgp_node *n, const struct bgp_action *a)
{
    struct speaker *s = n->arg;
    struct end *accepted = &s->w->end[!s->no][s->no];

    if (a->kind == BGP_ACT_CONNECT) {
        call(s->w, s->no);
        s->w->end[s->no][s->no].h = a->conn;
    } else if (a->kind == BGP_ACT_ACCEPT) {
        accepted->attached = true;
        accepted->h = a->conn;
    } else if (a->kind == BGP_ACT_REFUSE) {
        hang_up(s->w, !s->no, s->no);
    } else if (a->kind == BGP_ACT_WRITE) {
        post_messages(s->w, conn_of(s, a->conn), s->no,
                      kd_bytes(n->out->buf + a->data.off, a->data.len));
    } else if (a->kind == BGP_ACT_CLOSE) {
        hang_up(s->w, conn_of(s, a->conn), s->no);
    }
}

static struct kd_addr addr_of(unsigned no)
{
    return bgp_test_addr(no ? "10.0.0.2" : "10.0.0.1");
}

static void kedge_gets(struct speaker *s, unsigned conn, const struct letter *l)
{
    struct end *e = &s->w->end[conn][s->no];
    struct bgp_event ev = {.kind = BGP_EV_TCP_BYTES,
                           .now_us = NOW,
                           .conn = e->h,
                           .token = 1,
                           .iface = BGP_NO_IFACE,
                           .local = addr_of(s->no),
                           .remote = addr_of(!s->no),
                           .data = kd_bytes(l->bytes, l->len)};

    if (l->what == OPENED)
        ev.kind = BGP_EV_TCP_OPENED;
    else if (l->what == INCOMING)
        ev.kind = BGP_EV_TCP_INCOMING;
    else if (l->what == CLOSED)
        ev.kind = BGP_EV_TCP_CLOSED;
    if (l->what == CLOSED)
        e->attached = false;
    bgp_node_step(&s->node, &ev);
}

static void kedge_new(struct speaker *s)
{
    struct bgp_peer_config *c = bgp_test_config(s->no ? "10.0.0.1" : "10.0.0.2", 65000 + !s->no);

    bgp_node_init(&s->node, 65000 + s->no, s->id, false, 1);
    s->node.act = act;
    s->node.arg = s;
    assert_true(bgp_test_set(s->node.b, 0, c));
}

static const struct bgp_conn *kedge_conn(const struct speaker *s, unsigned conn)
{
    const struct bgp_peer *p = s->node.b->peers[0];

    return conn == s->no ? p->out : p->in;
}

/* ---- a model at an end ---- */

static void model_say(struct speaker *s, unsigned conn, enum bgp_msg_type type)
{
    struct bgp_open o = {.asn = 65000 + s->no, .hold_s = 180, .id = s->id, .as4 = true};
    uint8_t buf[200];
    struct kd_writer w;

    kd_writer_init(&w, buf, sizeof(buf));
    if (type == BGP_MSG_OPEN)
        bgp_open_put(&w, &o);
    else
        bgp_keepalive_put(&w);
    post(s->w, conn, !s->no, type, kd_bytes(buf, w.pos));
}

static void model_ends(struct speaker *s, unsigned conn)
{
    struct bgp_error e;
    uint8_t buf[32];
    struct kd_writer w;

    bgp_error_set(&e, BGP_E_CEASE, BGP_CEASE_COLLISION, kd_bytes(NULL, 0), "%s", "");
    kd_writer_init(&w, buf, sizeof(buf));
    bgp_notification_put(&w, &e);
    post(s->w, conn, !s->no, BGP_MSG_NOTIFICATION, kd_bytes(buf, w.pos));
    hang_up(s->w, conn, s->no);
    s->state[conn] = BGP_IDLE;
}

/* False: conn was closed. */
static bool model_resolves(struct speaker *s, unsigned conn)
{
    enum bgp_state other = s->state[!conn];
    unsigned keep = s->id > s->w->s[!s->no].id ? s->no : !s->no;
    unsigned loser = other == BGP_ESTABLISHED ? conn : !keep;

    if (other < (s->kind == LETTER_OF_6_8 ? BGP_OPENCONFIRM : BGP_OPENSENT))
        return true;
    model_ends(s, loser);
    return loser != conn;
}

static void model_hears(struct speaker *s, unsigned conn, uint8_t type)
{
    enum bgp_state *st = &s->state[conn];

    if (type == BGP_MSG_OPEN && *st == BGP_OPENSENT) {
        if (!model_resolves(s, conn))
            return;
        *st = BGP_OPENCONFIRM;
        model_say(s, conn, BGP_MSG_KEEPALIVE);
    } else if (type == BGP_MSG_KEEPALIVE && *st >= BGP_OPENCONFIRM) {
        *st = BGP_ESTABLISHED;
        if (s->kind == DROPS_THE_OTHER && s->state[!conn] > BGP_CONNECT)
            model_ends(s, !conn);
    } else if (type != BGP_MSG_UPDATE || *st != BGP_ESTABLISHED) {
        model_ends(s, conn); /* a NOTIFICATION, or what has no place here */
    }
}

static void model_gets(struct speaker *s, unsigned conn, const struct letter *l)
{
    struct end *e = &s->w->end[conn][s->no];

    if (l->what == CLOSED) {
        e->attached = false;
        s->state[conn] = BGP_IDLE;
    } else if (l->what == INCOMING && !s->on) {
        hang_up(s->w, conn, s->no);
    } else if (l->what == OPENED || l->what == INCOMING) {
        e->attached = true;
        s->state[conn] = BGP_OPENSENT;
        model_say(s, conn, BGP_MSG_OPEN);
    } else {
        model_hears(s, conn, l->what);
    }
}

/* ---- one way through ---- */

static void switch_on(struct speaker *s)
{
    struct bgp_event on = {.kind = BGP_EV_PEER_ON, .now_us = NOW};

    s->on = true;
    if (s->kind == KEDGE) {
        bgp_node_step(&s->node, &on);
        return;
    }
    s->state[s->no] = BGP_CONNECT;
    call(s->w, s->no);
}

/* Steps 0 to 3: the next letter of an end; 4 and 5: an end is switched on. A call refused before
 * that has been heard to be: a caller that still counts on it may prefer it, and calls again. */
static bool possible(const struct world *w, unsigned step)
{
    unsigned who = step % 2, called = step < 4 ? step / 2 : !who;
    const struct end *e = &w->end[called][step < 4 ? who : called];

    if (step < 4)
        return e->head < e->tail;
    return !w->s[who].on && (e->head == e->tail || e->box[e->tail - 1].what != CLOSED);
}

static void take(struct world *w, unsigned step)
{
    struct end *e = &w->end[step / 2 % 2][step % 2];
    struct speaker *s = &w->s[step % 2];
    struct letter l;

    if (step >= 4) {
        switch_on(s);
        return;
    }
    l = e->box[e->head++];
    if (l.what != INCOMING && !e->attached)
        return; /* hung up before */
    if (s->kind == KEDGE)
        kedge_gets(s, step / 2, &l);
    else
        model_gets(s, step / 2, &l);
}

static struct world *world_after(enum kind kind, const uint32_t id[2], const uint8_t *way,
                                 unsigned n)
{
    struct world *w = calloc(1, sizeof(*w));

    for (unsigned i = 0; i < 2; i++) {
        w->s[i] = (struct speaker){.w = w, .no = i, .id = id[i], .kind = i ? kind : KEDGE};
        if (w->s[i].kind == KEDGE)
            kedge_new(&w->s[i]);
    }
    for (unsigned i = 0; i < n; i++)
        take(w, way[i]);
    return w;
}

static void world_free(struct world *w)
{
    for (unsigned i = 0; i < 2; i++)
        if (w->s[i].kind == KEDGE)
            bgp_node_fini(&w->s[i].node);
    free(w);
}

static enum bgp_state state_of(const struct speaker *s, unsigned conn)
{
    const struct bgp_conn *c;

    if (s->kind != KEDGE)
        return s->state[conn];
    c = kedge_conn(s, conn);
    return c ? c->state : BGP_IDLE;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * 1099511628211u;
}

static uint64_t print_of(const struct world *w)
{
    uint64_t h = 14695981039346656037u;

    for (unsigned i = 0; i < 4; i++) {
        const struct end *e = &w->end[i / 2][i % 2];
        const struct speaker *s = &w->s[i % 2];
        const struct bgp_conn *c = s->kind == KEDGE ? kedge_conn(s, i / 2) : NULL;
        h = mix(h, s->on | e->attached << 1 | state_of(s, i / 2) << 2);
        h = mix(h, c ? 1u + c->held + 2 * c->in_len : 0);
        for (unsigned k = e->head; k < e->tail; k++)
            h = mix(h, e->box[k].what);
        h = mix(h, 255);
    }
    return h ? h : 1;
}

/* ---- all ways ---- */

struct search {
    enum kind kind;
    uint32_t id[2];
    uint8_t way[WAY_MAX];
    uint64_t seen[SEEN];
    unsigned states, ends, by_first;
};

static bool seen_before(struct search *x, uint64_t print)
{
    unsigned i = print % SEEN;

    while (x->seen[i] && x->seen[i] != print)
        i = (i + 1) % SEEN;
    if (x->seen[i])
        return true;
    x->seen[i] = print;
    assert_in_range(++x->states, 1, SEEN / 2);
    return false;
}

static void print_way(const struct search *x, unsigned n)
{
    static const char *const steps[] = {"to A on A's", "to B on A's", "to A on B's",
                                        "to B on B's", "A is on",     "B is on"};

    printf("# after");
    for (unsigned i = 0; i < n; i++)
        printf(" [%s]", steps[x->way[i]]);
    printf("\n");
}

/* Nothing is on its way any more. */
static void judge(struct search *x, const struct world *w, unsigned n)
{
    unsigned up = 0, left = 0;

    for (unsigned conn = 0; conn < 2; conn++) {
        bool both = state_of(&w->s[0], conn) == BGP_ESTABLISHED &&
                    state_of(&w->s[1], conn) == BGP_ESTABLISHED;
        up += both;
        left += !both && (state_of(&w->s[0], conn) || state_of(&w->s[1], conn));
        x->by_first += both && conn == 0;
    }
    x->ends++;
    if (up != 1 || left)
        print_way(x, n);
    assert_int_equal(up, 1);
    assert_int_equal(left, 0);
}

static void explore(struct search *x, unsigned n)
{
    struct world *w = world_after(x->kind, x->id, x->way, n);
    bool next[6], any = false;

    if (seen_before(x, print_of(w))) {
        world_free(w);
        return;
    }
    for (unsigned i = 0; i < 6; i++)
        any |= next[i] = possible(w, i);
    if (!any)
        judge(x, w, n);
    world_free(w);
    assert_in_range(n, 0, WAY_MAX - 1);
    for (unsigned i = 0; i < 6; i++)
        if (next[i]) {
            x->way[n] = (uint8_t)i;
            explore(x, n + 1);
        }
}

static void explore_all(enum kind kind)
{
    for (unsigned higher = 0; higher < 2; higher++) {
        struct search *x = calloc(1, sizeof(*x));
        x->kind = kind;
        x->id[0] = higher ? 2 : 1;
        x->id[1] = higher ? 1 : 2;
        explore(x, 0);
        printf("# %s, kedge's identifier the %s: %u states, %u ends, kedge's call stands in %u\n",
               kind_names[kind], higher ? "higher" : "lower", x->states, x->ends, x->by_first);
        assert_in_range(x->by_first, 1, x->ends - 1);
        free(x);
    }
}

static void one_session_stands_after_every_order_of_events(void **state)
{
    (void)state;
    explore_all(KEDGE);
}

static void one_session_stands_with_a_speaker_that_goes_by_the_letter(void **state)
{
    (void)state;
    explore_all(LETTER_OF_6_8);
}

static void one_session_stands_with_a_speaker_that_examines_opensent(void **state)
{
    (void)state;
    explore_all(EXAMINES_OPENSENT);
    explore_all(DROPS_THE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_session_stands_after_every_order_of_events),
        cmocka_unit_test(one_session_stands_with_a_speaker_that_goes_by_the_letter),
        cmocka_unit_test(one_session_stands_with_a_speaker_that_examines_opensent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
