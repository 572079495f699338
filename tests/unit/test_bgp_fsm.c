/* The finite state machine as a whole: every event in every state, RFC 4271 8.2.2 laid out as a
 * table of the states that follow. What is said meanwhile is test_bgp_session.c's. */
#include "unit/bgp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STATES 6 /* as in enum bgp_state */

/* Connect is reached by connecting; from Active on the neighbor opens, so that nothing of ours goes
 * on by itself once a connection has ended. */
static void reach(struct bgp_raw *r, enum bgp_state state)
{
    struct bgp_peer_config *c = bgp_test_config("192.0.2.10", 65020);
    struct bgp_open o = bgp_raw_open(c, 10);

    c->passive = state >= BGP_ACTIVE;
    bgp_raw_init(r, 65515, 1, false);
    bgp_raw_peer(r, 0, c);
    if (state >= BGP_CONNECT)
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_PEER_ON});
    if (state >= BGP_OPENSENT)
        bgp_raw_event(r, (struct bgp_event){.kind = BGP_EV_TCP_INCOMING,
                                            .token = 1,
                                            .local = bgp_test_addr("192.0.2.1"),
                                            .remote = bgp_test_addr("192.0.2.10"),
                                            .iface = BGP_NO_IFACE});
    if (state >= BGP_OPENCONFIRM)
        bgp_raw_send_open(r, 0, &o);
    if (state >= BGP_ESTABLISHED)
        bgp_raw_message(r, 0, BGP_MSG_KEEPALIVE, NULL, 0);
    assert_int_equal(bgp_node_state(&r->node, 0), state);
}

static void event(struct bgp_raw *r, enum bgp_event_kind kind)
{
    bgp_raw_event(r, (struct bgp_event){.kind = kind,
                                        .conn = r->conn[0].h,
                                        .reason = kind == BGP_EV_PEER_OFF ? KD_REASON_ADMIN
                                                                          : KD_REASON_NONE,
                                        .heard = true,
                                        .token = 2,
                                        .local = bgp_test_addr("192.0.2.1"),
                                        .remote = bgp_test_addr("192.0.2.10"),
                                        .iface = BGP_NO_IFACE});
}

static void message(struct bgp_raw *r, enum bgp_msg_type type, const void *body, size_t len)
{
    if (r->conn[0].open)
        bgp_raw_message(r, 0, type, body, len);
}

static void start(struct bgp_raw *r)
{
    event(r, BGP_EV_PEER_ON);
}

static void stop(struct bgp_raw *r)
{
    event(r, BGP_EV_PEER_OFF);
}

static void opened(struct bgp_raw *r)
{
    event(r, BGP_EV_TCP_OPENED);
}

static void incoming(struct bgp_raw *r)
{
    event(r, BGP_EV_TCP_INCOMING);
}

static void failed(struct bgp_raw *r)
{
    event(r, BGP_EV_TCP_FAILED);
}

static void closed(struct bgp_raw *r)
{
    event(r, BGP_EV_TCP_CLOSED);
}

static void bfd_down(struct bgp_raw *r)
{
    event(r, BGP_EV_BFD);
}

static void retry_timer(struct bgp_raw *r)
{
    bgp_raw_pass(r, KD_S(6)); /* ConnectRetryTime is 5 s here */
}

static void hold_timer(struct bgp_raw *r)
{
    bgp_raw_pass(r, KD_S(241)); /* 4 minutes before, 180 s after the OPEN */
}

static void open_msg(struct bgp_raw *r)
{
    struct bgp_open o = {.asn = 65020, .hold_s = 180, .id = 10, .as4 = true};

    if (r->conn[0].open)
        bgp_raw_send_open(r, 0, &o);
}

static void bad_open(struct bgp_raw *r)
{
    struct bgp_open o = {.asn = 65021, .hold_s = 180, .id = 10, .as4 = true};

    if (r->conn[0].open)
        bgp_raw_send_open(r, 0, &o);
}

static void keepalive(struct bgp_raw *r)
{
    message(r, BGP_MSG_KEEPALIVE, NULL, 0);
}

static void update(struct bgp_raw *r)
{
    static const uint8_t end_of_rib[4];

    message(r, BGP_MSG_UPDATE, end_of_rib, sizeof(end_of_rib));
}

static void bad_update(struct bgp_raw *r)
{
    static const uint8_t wide[] = {0, 0, 0, 0, 33, 1, 2, 3, 4, 5};

    message(r, BGP_MSG_UPDATE, wide, sizeof(wide));
}

static void refresh(struct bgp_raw *r)
{
    static const uint8_t ipv4[] = {0, 1, 0, 1};

    message(r, BGP_MSG_REFRESH, ipv4, sizeof(ipv4));
}

static void cease(struct bgp_raw *r)
{
    static const uint8_t reset[] = {6, 4};

    message(r, BGP_MSG_NOTIFICATION, reset, sizeof(reset));
}

static void version_error(struct bgp_raw *r)
{
    static const uint8_t version[] = {2, 1, 0, 4};

    message(r, BGP_MSG_NOTIFICATION, version, sizeof(version));
}

static void bad_header(struct bgp_raw *r)
{
    static const uint8_t zeros[19];

    if (r->conn[0].open)
        bgp_raw_send(r, 0, zeros, sizeof(zeros));
}

/* The letters: Idle, Connect, Active, (OpenS)ent, (OpenC)onfirm as O, Established. */
static char letter(enum bgp_state s)
{
    return "ICASOE"[s];
}

static void every_event_in_every_state_has_its_successor(void **state)
{
    static const struct {
        const char *name;
        void (*happens)(struct bgp_raw *r);
        char next[STATES + 1]; /* from Idle, Connect, Active, OpenSent, OpenConfirm, Established */
    } rows[] = {
        {"1 ManualStart", start, "CCASOE"},
        {"2 ManualStop", stop, "IIIIII"},
        {"9 ConnectRetryTimer_Expires", retry_timer, "ICASOE"},
        {"10 HoldTimer_Expires", hold_timer, "ICAAAA"},
        {"14 Tcp_CR_Valid", incoming, "ISSSOE"},
        {"16 Tcp_CR_Acked", opened, "ISASOE"},
        {"18 TcpConnectionFails, before", failed, "IAASOE"},
        {"18 TcpConnectionFails, after", closed, "IAAAAA"},
        {"19 BGPOpen", open_msg, "ICAOII"},
        {"21 BGPHeaderErr", bad_header, "ICAIII"},
        {"22 BGPOpenMsgErr", bad_open, "ICAIII"},
        {"24 NotifMsgVerErr", version_error, "ICAIII"},
        {"25 NotifMsg, Cease", cease, "ICAAAA"},
        {"26 KeepAliveMsg", keepalive, "ICAIEE"},
        {"27 UpdateMsg", update, "ICAIIE"},
        {"28 UpdateMsgErr", bad_update, "ICAIII"},
        {"RFC 2918 ROUTE-REFRESH", refresh, "ICAIIE"},
        {"RFC 5882 BFD down", bfd_down, "ICASOA"},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char next[STATES + 1] = "";
        for (enum bgp_state s = BGP_IDLE; s <= BGP_ESTABLISHED; s++) {
            struct bgp_raw r;
            reach(&r, s);
            rows[i].happens(&r);
            next[s] = letter(bgp_node_state(&r.node, 0));
            bgp_raw_fini(&r);
        }
        if (strcmp(next, rows[i].next) != 0)
            printf("# event %s: %s, not %s\n", rows[i].name, next, rows[i].next);
        assert_string_equal(next, rows[i].next);
    }
}

static void a_stop_tells_a_session_from_an_attempt_at_one_and_from_nothing(void **state)
{
    (void)state;
    for (enum bgp_state s = BGP_IDLE; s <= BGP_ESTABLISHED; s++) {
        const struct bgp_note_record *n;
        struct bgp_raw r;
        reach(&r, s);
        stop(&r);
        n = bgp_node_note(&r.node, 0, BGP_NOTE_STOP);
        assert_true(s < BGP_OPENSENT ? n == NULL : n && n->state == s);
        bgp_raw_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state_has_its_successor),
        cmocka_unit_test(a_stop_tells_a_session_from_an_attempt_at_one_and_from_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
