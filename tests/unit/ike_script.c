/* See ike_script.h. */
#include "ike_script.h"

#include "ike/child.h"
#include "ike/sa.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

#define NAMES 32

struct named {
    uint64_t id;
    char letter;
};

struct play {
    struct pair *p;
    const struct script *s;
    struct named name[NAMES];
    unsigned n_names;
    uint32_t last_seq; /* of what was seen on the network */
    char sent[512];
};

/* ---- names ---- */

static uint64_t id_of(const uint8_t spi[IKE_SPI_LEN])
{
    uint64_t v;

    memcpy(&v, spi, sizeof(v));
    return v;
}

static char letter_of(const struct play *y, uint64_t id)
{
    for (unsigned i = 0; i < y->n_names; i++)
        if (y->name[i].id == id)
            return y->name[i].letter;
    return 0;
}

static bool taken(const struct play *y, char letter)
{
    for (unsigned i = 0; i < y->n_names; i++)
        if (y->name[i].letter == letter)
            return true;
    return false;
}

static void name(struct play *y, uint64_t id, char letter)
{
    assert_true(y->n_names < NAMES);
    y->name[y->n_names++] = (struct named){id, letter};
}

static void name_first_free(struct play *y, uint64_t id, const char *letters)
{
    while (*letters && taken(y, *letters))
        letters++;
    assert_true(*letters);
    name(y, id, *letters);
}

static void name_children(struct play *y, int side)
{
    const struct pair_side *s = &y->p->s[side];

    for (unsigned i = 0; i < s->n_children; i++) {
        const struct pair_child *k = &s->child[i];
        const struct ike_child *c = ike_child_get(s->e, k->child);
        char letter = letter_of(y, k->spi_in);
        if (!letter && !letter_of(y, k->spi_out)) {
            name_first_free(y, k->spi_in, (side == A) == c->initiator ? "aceg" : "bdfh");
            letter = letter_of(y, k->spi_in);
        }
        if (!letter)
            name(y, k->spi_in, letter_of(y, k->spi_out));
        else if (!letter_of(y, k->spi_out))
            name(y, k->spi_out, letter);
    }
}

static void name_all(struct play *y)
{
    for (int side = 0; side < 2; side++) {
        struct kd_handle h = KD_HANDLE_NONE;
        const struct ike_sa *sa;
        name_children(y, side);
        while ((sa = kd_slab_next(&y->p->s[side].e->sas, &h)))
            if (sa->state == IKE_ST_UP && !letter_of(y, id_of(sa->spi_i)))
                name_first_free(y, id_of(sa->spi_i),
                                (side == A) == sa->initiator ? "xu12" : "yv34");
    }
}

/* ---- what is on the network ---- */

static const char *create_text(const struct play *y, const struct ike_msg *m, char *buf, size_t cap)
{
    const struct ike_notify *rekey = ike_msg_notify(m, IKE_N_REKEY_SA);
    const struct ike_notify *err = ike_msg_error(m);

    if (rekey)
        snprintf(buf, cap, "rekey(%c)",
                 letter_of(y, (uint32_t)rekey->spi.p[0] << 24 | (uint32_t)rekey->spi.p[1] << 16 |
                                  (uint32_t)rekey->spi.p[2] << 8 | rekey->spi.p[3]));
    else if (err)
        snprintf(buf, cap, "%s",
                 err->type == IKE_N_TEMPORARY_FAILURE    ? "temporary-failure"
                 : err->type == IKE_N_CHILD_SA_NOT_FOUND ? "child-sa-not-found"
                                                         : "error");
    else
        snprintf(buf, cap, "%s",
                 ike_header_response(&m->h)   ? "ok"
                 : ike_msg_has(m, IKE_PL_TSI) ? "new"
                                              : "rekey-ike");
    return buf;
}

static const char *info_text(const struct play *y, const struct ike_msg *m, char *buf, size_t cap)
{
    char what[8] = "";

    for (unsigned d = 0; d < m->n_deletes; d++) {
        if (m->deletes[d].protocol == IKE_PROTO_IKE)
            snprintf(what, sizeof(what), "%c", letter_of(y, id_of(m->h.spi_i)));
        for (uint16_t i = 0; m->deletes[d].protocol == IKE_PROTO_ESP && i < m->deletes[d].n; i++)
            snprintf(what + strlen(what), sizeof(what) - strlen(what), "%c",
                     letter_of(y, ike_delete_spi(&m->deletes[d], i)));
    }
    snprintf(buf, cap, m->n_deletes ? "D(%s)" : ike_header_response(&m->h) ? "()" : "probe", what);
    return buf;
}

static void describe(struct play *y, const struct pair_packet *k)
{
    static uint8_t copy[65536];
    static struct ike_msg m;
    const struct ike_sa *sa;
    char text[64] = "?";
    struct ike_diag d;
    size_t at = strlen(y->sent);

    memcpy(copy, k->data, k->len);
    assert_true(ike_msg_parse(kd_bytes(copy, k->len), &m, &d));
    sa = ike_index_spi(y->p->s[!k->from].e, m.h.flags & IKE_FLAG_INITIATOR ? m.h.spi_r : m.h.spi_i);
    if (sa && sa->open.box && ike_msg_has(&m, IKE_PL_SK) &&
        ike_msg_open(copy, k->len, &m, &sa->open, &d))
        (m.h.exchange == IKE_X_CREATE_CHILD_SA ? create_text : info_text)(y, &m, text,
                                                                          sizeof(text));
    snprintf(y->sent + at, sizeof(y->sent) - at, "%s%c %s", at ? ", " : "", 'A' + k->from, text);
}

static void look_at_network(struct play *y)
{
    uint32_t from = y->last_seq;

    for (unsigned i = 0; i < y->p->n_pkt; i++)
        if (y->p->pkt[i].seq >= from) {
            describe(y, &y->p->pkt[i]);
            y->last_seq = y->p->pkt[i].seq + 1;
        }
}

static unsigned on_the_way(const struct play *y, int to, int what)
{
    for (unsigned i = 0; i < y->p->n_pkt; i++)
        if (y->p->pkt[i].from == !to &&
            (y->p->pkt[i].data[19] & IKE_FLAG_RESPONSE ? ANSWER : REQUEST) == what)
            return i;
    fail_msg("%s: nothing of that kind is on its way", y->s->name);
    return 0;
}

/* ---- nonces ---- */

static void draw(struct ike_nonce *n, bool lowest)
{
    n->b[0] = lowest ? 0x00 : 0x80;
}

/* What the next messages will carry. */
static void draw_nonces(struct play *y)
{
    for (int side = 0; side < 2; side++) {
        struct kd_handle h = KD_HANDLE_NONE;
        struct ike_sa *sa;
        while ((sa = kd_slab_next(&y->p->s[side].e->sas, &h))) {
            if (sa->ours && !sa->ours->sent)
                draw(&sa->ours->ni, y->s->lowest == (side == A ? A_NI : B_NI));
            if (sa->theirs)
                draw(&sa->theirs->nr, y->s->lowest == (side == A ? B_NR : A_NR));
        }
    }
}

/* ---- rows ---- */

static void settle(struct play *y)
{
    draw_nonces(y);
    while (pair_release_one(y->p, A) || pair_release_one(y->p, B)) {
        draw_nonces(y);
        name_all(y);
        look_at_network(y);
    }
    name_all(y);
    look_at_network(y);
}

static void begin(struct play *y, int side, int what)
{
    static const enum ike_command cmd[] = {[REKEY_CHILD] = IKE_CMD_REKEY_CHILD,
                                           [REKEY_IKE] = IKE_CMD_REKEY_IKE,
                                           [DOWN] = IKE_CMD_DOWN,
                                           [PROBE] = IKE_CMD_PROBE};

    if (what == EXPIRE_CHILD || what == SOFT_CHILD)
        pair_step(y->p, side,
                  &(struct ike_event){.kind = IKE_EV_CHILD_EXPIRE,
                                      .child = pair_outbound(y->p, side)->child,
                                      .ok = what == SOFT_CHILD});
    else
        pair_command(y->p, side, cmd[what]);
}

static void wait(struct play *y, int ms)
{
    uint64_t until = y->p->now_us + (uint64_t)ms * 1000;

    while (y->p->now_us < until) {
        pair_run(y->p, KD_MS(10));
        settle(y);
    }
}

static void act(struct play *y, const struct script_row *r)
{
    switch (r->verb) {
    case BEGINS:
        begin(y, r->side, r->arg);
        break;
    case HEARS_ONE_OF_TWO:
        pair_repeat(y->p, on_the_way(y, r->side, r->arg));
        y->last_seq = y->p->seq;
        pair_deliver(y->p, on_the_way(y, r->side, r->arg));
        break;
    case HEARS:
        pair_deliver(y->p, on_the_way(y, r->side, r->arg));
        break;
    case LOSES:
        pair_lose(y->p, on_the_way(y, r->side, r->arg));
        break;
    case WAITS:
        wait(y, r->arg);
        break;
    }
    settle(y);
}

static size_t side_text(const struct play *y, int side, char *buf, size_t cap)
{
    const struct pair_side *s = &y->p->s[side];
    const struct ike_conn *c = ike_conn_find(s->e, 7);
    const struct pair_child *out = pair_outbound(y->p, side);
    char has[256] = {0}, *at = buf;

    for (struct kd_handle h = KD_HANDLE_NONE;;) {
        const struct ike_sa *sa = kd_slab_next(&s->e->sas, &h);
        if (!sa)
            break;
        if (sa->state == IKE_ST_UP || sa->state == IKE_ST_CLOSING)
            has[(uint8_t)letter_of(y, id_of(sa->spi_i))] = kd_handle_eq(c->sa, h) ? -32 : 1;
    }
    for (unsigned i = 0; i < s->n_children; i++)
        has[(uint8_t)letter_of(y, s->child[i].spi_in)] = &s->child[i] == out ? -32 : 1;
    for (const char *l = "ixuyv1234 oabcdefgh"; *l && (size_t)(at - buf) < cap - 1; l++)
        if (*l == ' ')
            *at++ = ' ';
        else if (has[(uint8_t)*l])
            *at++ = (char)(*l + (has[(uint8_t)*l] == 1 ? 0 : *l < 'a' ? 0 : -32));
    *at = '\0';
    return (size_t)(at - buf);
}

static void check(struct play *y, unsigned row, const struct script_row *r)
{
    char has[128];
    size_t n = side_text(y, A, has, 60);

    has[n++] = '/';
    side_text(y, B, has + n, 60);
    if (strcmp(has, r->has) != 0 || strcmp(y->sent, r->sends) != 0)
        fail_msg("%s, row %u:\n  sent \"%s\", drawn \"%s\"\n  SAs  \"%s\", drawn \"%s\"",
                 y->s->name, row + 1, y->sent, r->sends, has, r->has);
    for (int side = 0; side < 2 && !y->s->gap; side++) {
        const struct pair_child *out = pair_outbound(y->p, side);
        bool received = false;
        for (unsigned i = 0; out && i < y->p->s[!side].n_children; i++)
            received = received || y->p->s[!side].child[i].spi_in == out->spi_out;
        if (!received)
            fail_msg("%s, row %u: what %c sends is not received", y->s->name, row + 1, 'A' + side);
    }
    y->sent[0] = '\0';
}

static void hold(struct pair *p, bool on)
{
    p->hold_net = on;
    for (int i = 0; i < 2; i++)
        p->s[i].hold_jobs = p->s[i].hold_install = on;
}

static void check_end(struct play *y)
{
    char has[128];
    size_t n;

    hold(y->p, false);
    while (y->p->n_pkt)
        pair_deliver(y->p, 0);
    pair_run(y->p, KD_S(60));
    name_all(y);
    n = side_text(y, A, has, 60);
    has[n++] = '/';
    side_text(y, B, has + n, 60);
    if (strcmp(has, y->s->end) != 0)
        fail_msg("%s ends with \"%s\", drawn \"%s\"", y->s->name, has, y->s->end);
}

void script_run(const struct script *s)
{
    static struct play y;

    y = (struct play){.s = s, .p = pair_new(1, AZURE_IKE, "aes256-sha1-modp1024")};
    for (int i = 0; i < 2; i++) {
        y.p->s[i].cfg.role = i == A ? IKE_ROLE_RESPONDER : IKE_ROLE_BOTH;
        y.p->s[i].cfg.detect_us = KD_S(45);
        pair_config(y.p, i);
    }
    assert_true(
        pair_establish(y.p)); /* B's IKE SA: who has initiated it matters when it is childless */
    y.p->s[A].cfg.role = IKE_ROLE_BOTH;
    pair_config(y.p, A);
    name(&y, y.p->s[A].child[0].spi_in, 'o');
    name(&y, y.p->s[A].child[0].spi_out, 'o');
    for (struct kd_handle h = KD_HANDLE_NONE;;) {
        const struct ike_sa *sa = kd_slab_next(&y.p->s[A].e->sas, &h);
        if (!sa)
            break;
        name(&y, id_of(sa->spi_i), 'i');
    }
    hold(y.p, true);
    y.last_seq = y.p->seq;
    for (unsigned i = 0; s->rows[i].has; i++) {
        act(&y, &s->rows[i]);
        check(&y, i, &s->rows[i]);
    }
    check_end(&y);
    pair_free(y.p);
}
