/* The netlink socket against the running kernel: batches, lost messages, who is listened to; and
 * XFRM as far as a kernel without ESP takes it. Exits 77 with the reason where it can't be asked.
 */
#include "netlink/probe.h"
#include "netlink/xfrm.h"
#include "test_netlink_kernel.h"

/* --- the socket --- */

static void batch_of_a_thousand_routes_is_acked_whole(void **state)
{
    struct nl_route r = {.metric = 20, .protocol = NL_PROTO_KEDGE, .type = NL_ROUTE_BLACKHOLE};
    struct kd_addr a;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        a = kd_addr_v4(0x0a000000 + (i << 8));
        r.dst = kd_prefix_make(&a, 24);
        assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    }
    assert_int_equal(ask(), 0);
    assert_int_equal(k.n_seen, 999); /* acks before the last */
    for (size_t i = 0; i < k.n_seen; i++)
        assert_true(k.seen[i].kind == NL_ACK && k.seen[i].error == 0);
    assert_non_null(find_route("10.3.231.0/24", 20));
}

static void other_processes_are_not_listened_to(void **state)
{
    struct sockaddr_nl to = {0};
    socklen_t to_len = sizeof(to);
    struct kd_bytes d;
    bool overrun;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(getsockname(nl_fd(k.mon), (struct sockaddr *)&to, &to_len), 0);
    assert_true(nl_put_nexthop_del(&k.b, ++k.seq, 1));
    assert_int_equal(sendto(fd, k.b.p, k.b.len, 0, (struct sockaddr *)&to, sizeof(to)),
                     (ssize_t)k.b.len);
    close(fd);
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_int_equal(d.len, 0);
    assert_false(overrun);
}

static void open_says_why_not(void **state)
{
    static const uint16_t no_such_group[] = {60000, 0};

    (void)state;
    assert_null(nl_open(NETLINK_ROUTE, no_such_group));
    assert_int_equal(errno, EINVAL);
    assert_null(nl_open(31, NULL));
    assert_int_equal(errno, EPROTONOSUPPORT);
}

static void refused_message_does_not_stop_its_batch(void **state)
{
    struct nl_route r = {
        .dst = net("10.1.0.0/16"), .metric = 20, .protocol = NL_PROTO_KEDGE, .nh_id = 4711};

    (void)state;
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    r.nh_id = 0;
    r.type = NL_ROUTE_BLACKHOLE;
    r.metric = 21;
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    assert_int_equal(ask(), 0);
    assert_int_equal(k.n_seen, 1);
    assert_int_equal(k.seen[0].kind, NL_ACK);
    assert_int_equal(k.seen[0].seq, k.seq - 1);
    assert_int_equal(k.seen[0].error, EINVAL);
    assert_string_equal(k.seen[0].text, "Nexthop id does not exist");
    assert_non_null(find_route("10.1.0.0/16", 21));
}

static void full_queue_is_an_overrun_once_and_the_socket_goes_on(void **state)
{
    int small = 1;
    struct kd_bytes d;
    bool overrun;
    char dst[32];

    (void)state;
    assert_int_equal(setsockopt(nl_fd(k.mon), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(dst, sizeof(dst), "10.%d.0.0/16", i);
        assert_int_equal(route(dst, 20, 0, true), 0);
    }
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_true(overrun);
    assert_int_equal(d.len, 0);
    assert_true(hear()); /* what had fitted before */
    assert_int_equal(route("10.200.0.0/16", 20, 0, true), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false), 1);
}

static void empty_queue_is_no_error(void **state)
{
    struct kd_bytes d;
    bool overrun;

    (void)state;
    assert_true(nl_recv(k.mon, &d, &overrun));
    assert_false(overrun);
    assert_int_equal(d.len, 0);
}

static void talk_gives_errno_and_text(void **state)
{
    struct nl_nexthop n = {.id = 5, .family = 4, .oif = 4711};
    char text[160];

    (void)state;
    assert_true(nl_put_nexthop(&k.b, 90, &n));
    assert_int_equal(nl_talk(k.talk, &k.b, 90, TALK_MS, text, sizeof(text)), EINVAL);
    assert_string_equal(text, "Invalid device index");
    k.b.len = 0;
    n = (struct nl_nexthop){.id = 5, .family = 4, .blackhole = true};
    assert_true(nl_put_nexthop(&k.b, 91, &n));
    assert_int_equal(nl_talk(k.talk, &k.b, 91, TALK_MS, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(nl_talk(k.talk, &k.b, 92, 50, text, sizeof(text)), ETIMEDOUT);
}

/* Told of what others do: our own routes and objects only clutter, dumps show all the same. */
static void own_news_are_kept_away_others_and_dumps_are_not(void **state)
{
    struct nl_route r = {
        .dst = net("10.9.0.0/16"), .metric = 20, .protocol = RTPROT_STATIC, .oif = k.oif[0]};
    struct nl_nexthop n = {.id = 9, .family = 4, .protocol = RTPROT_STATIC, .oif = k.oif[0]};
    struct nl_socket *talk = k.talk;

    (void)state;
    assert_true(nl_unsubscribe_own(k.mon, NL_PROTO_KEDGE));
    put_primary_and_backup();
    assert_int_equal(route("10.1.0.0/16", 20, 100, false), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false) + count(NL_ROUTE, true), 0);
    assert_int_equal(count(NL_NEXTHOP, false), 0);
    assert_true(nl_put_route(&k.b, ++k.seq, &r, true));
    assert_int_equal(ask(), 0);
    assert_true(nl_put_nexthop(&k.b, ++k.seq, &n));
    assert_int_equal(ask(), 0);
    assert_true(nl_put_route(&k.b, ++k.seq, &r, false));
    assert_int_equal(ask(), 0);
    assert_true(hear());
    assert_int_equal(count(NL_ROUTE, false), 1);
    assert_int_equal(count(NL_ROUTE, true), 1);
    assert_int_equal(count(NL_NEXTHOP, false), 1);
    assert_int_equal(nh_del(9), 0);
    k.talk = k.mon;
    dump(RTM_GETNEXTHOP, 0);
    k.talk = talk;
    assert_true(count(NL_NEXTHOP, false) >= 2);
}

/* --- ESP --- */

static const struct nl_sa_alg cbc = {.name = "cbc(aes)", .key_len = 32};
static const struct nl_sa_alg sha1 = {.name = "hmac(sha1)", .key_len = 20, .icv_bits = 96};

static void probe_finds_out_and_leaves_nothing(void **state)
{
    struct kd_addr v6 = ip("2001:db8::1");
    char reason[200], again[200];
    enum nl_esp_support res = nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));

    (void)state;
    print_message("probe: %s\n", reason);
    assert_true(res == NL_ESP_SUPPORTED || res == NL_ESP_ABSENT || res == NL_ESP_NO_XFRM);
    assert_int_equal(nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, again, sizeof(again)),
                     res); /* no EEXIST */
    assert_string_equal(again, reason);
    res = nl_probe_esp(&v6, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));
    print_message("probe, IPv6: %s\n", reason);
    assert_true(res == NL_ESP_SUPPORTED || res == NL_ESP_ABSENT || res == NL_ESP_NO_XFRM);
}

static void probe_without_privilege_says_so(void **state)
{
    char reason[200];
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        enum nl_esp_support res = NL_ESP_UNKNOWN;

        if (setresuid(65534, 65534, 65534) == 0)
            res = nl_probe_esp(NULL, 0xf0e1d2c3, &cbc, &sha1, reason, sizeof(reason));
        _exit(res == NL_ESP_NO_PERMISSION && strstr(reason, "CAP_NET_ADMIN") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- XFRM: policies, which need no ESP --- */

static struct {
    unsigned n;
    struct nl_policy last;
} policies;

static void take_policies(void *arg, struct kd_bytes data)
{
    struct nl_xfrm_event ev;

    (void)arg;
    while (nl_xfrm_next(&data, &ev)) {
        assert_string_equal(ev.base.kind == NL_OTHER ? ev.base.text : "", "");
        if (ev.kind != NL_XFRM_POLICY)
            continue;
        policies.n++;
        policies.last = ev.policy;
    }
}

static int ask_xfrm(struct nl_socket *s, char *text, size_t cap)
{
    int err;

    policies.n = 0;
    err = nl_ask(s, &k.b, k.seq, TALK_MS, take_policies, NULL, text, cap);
    k.b.len = 0;
    return err;
}

/* The kernel reads what we build and we read what it tells; UPDPOLICY replaces, NEWPOLICY does not.
 */
static void policies_are_put_replaced_read_back_and_deleted(void **state)
{
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    struct nl_policy p = {.sel = {.family = 4,
                                  .src = net("10.1.0.0/16"),
                                  .dst = net("10.2.0.0/24"),
                                  .proto = 6,
                                  .dport = 179,
                                  .dport_mask = 0xffff},
                          .dir = NL_POLICY_OUT,
                          .priority = 1234,
                          .if_id = 0x6b650001,
                          .n_tmpl = 1,
                          .tmpl = {.src = ip("192.0.2.1"),
                                   .dst = ip("198.51.100.1"),
                                   .spi = 0xc0ffee01,
                                   .reqid = 0x6b650001}};
    char text[160];

    (void)state;
    if (!s)
        skip(); /* this kernel has no XFRM at all */
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, true));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, false));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), EEXIST);
    p.tmpl.spi++;
    assert_true(nl_put_policy(&k.b, ++k.seq, &p, true));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy_get(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 1);
    assert_true(nl_put_policy_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 1);
    assert_int_equal(policies.last.tmpl.spi, p.tmpl.spi);
    assert_int_equal(policies.last.if_id, p.if_id);
    assert_int_equal(policies.last.priority, p.priority);
    assert_int_equal(policies.last.sel.dport, 179);
    assert_true(kd_addr_eq(&policies.last.tmpl.dst, &p.tmpl.dst));
    p.if_id++; /* another interface's policy is another one */
    assert_true(nl_put_policy_del(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), ENOENT);
    p.if_id--;
    assert_true(nl_put_policy_del(&k.b, ++k.seq, &p));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_true(nl_put_policy_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    assert_int_equal(policies.n, 0);
    assert_true(nl_put_sa_dump(&k.b, ++k.seq));
    assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
    nl_close(s);
}

/* A kernel without ESP refuses an SA for that alone: what it checks first (attributes, windows,
 * directions) is as it wants it. */
static void sas_in_every_form_have_nothing_wrong_but_the_algorithm(void **state)
{
    static const uint32_t windows[] = {0, 1, 32, 33, 128, NL_REPLAY_MAX};
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    const bool knows = nl_probe_direction(0xf0e1d2c3, &cbc, &sha1);
    char text[160];

    (void)state;
    if (!s)
        skip();
    print_message("direction: %s\n", knows ? "known" : "not known");
    for (unsigned i = 0; i < 8 * KD_ARRAY_LEN(windows); i++) {
        const bool out = i & 1;
        struct nl_sa sa = {.src = ip(i & 2 ? "2001:db8::1" : "192.0.2.1"),
                           .dst = ip(i & 2 ? "2001:db8::2" : "198.51.100.1"),
                           .spi = 0xf0e1d2c3,
                           .reqid = 0x6b650001,
                           .if_id = 0x6b650001,
                           .any_family = true,
                           .encr = cbc,
                           .integ = sha1,
                           .esn = i & 4,
                           .window = out ? 0 : windows[i / 8],
                           .dir = out ? NL_SA_OUT : NL_SA_IN,
                           .dir_known = knows,
                           .encap = true,
                           .encap_sport = 4500,
                           .encap_dport = 4500,
                           .mapping_max_s = 1};
        struct nl_sa_id id = {sa.dst, sa.spi};
        int err;

        if (!out && sa.esn && sa.window == 0)
            sa.window = 1; /* as the data plane has it */
        assert_true(nl_put_sa(&k.b, ++k.seq, &sa));
        err = ask_xfrm(s, text, sizeof(text));
        if (err == 0) {
            assert_true(nl_put_sa_del(&k.b, ++k.seq, &id));
            assert_int_equal(ask_xfrm(s, text, sizeof(text)), 0);
        } else if (err == EINVAL || err == ERANGE || err == EMSGSIZE) {
            fail_msg("form %u: %s (errno %d)", i, text, err);
        }
    }
    nl_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(batch_of_a_thousand_routes_is_acked_whole),
        T(other_processes_are_not_listened_to),
        T(open_says_why_not),
        T(refused_message_does_not_stop_its_batch),
        T(own_news_are_kept_away_others_and_dumps_are_not),
        T(full_queue_is_an_overrun_once_and_the_socket_goes_on),
        T(empty_queue_is_no_error),
        T(talk_gives_errno_and_text),
        T(policies_are_put_replaced_read_back_and_deleted),
        T(sas_in_every_form_have_nothing_wrong_but_the_algorithm),
        T(probe_finds_out_and_leaves_nothing),
        T(probe_without_privilege_says_so),
    };

    if (!can_ask())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
