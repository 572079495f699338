/* The userspace data plane with real TUN devices in two further namespaces. */
#include "test_dataplane.h"

static int netns_now(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* A namespace with one TUN device; returns to home. */
static int netns_with_tun(int home, const char *ifname, const char *addr, struct side *s)
{
    char text[160];
    uint32_t ifindex;
    int fd, ns;

    assert_int_equal(unshare(CLONE_NEWNET), 0);
    ns = netns_now();
    fd = io_tun_open(ifname, &ifindex, text, sizeof(text));
    if (fd < 0)
        fail_msg("%s", text);
    assert_int_equal(ifindex, if_nametoindex(ifname));
    configure(ifname, addr, 1400);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    io_dp_tun_add(s->dp, 0, fd, NULL, &(struct kd_addr){0});
    return ns;
}

static int socket_in(int ns, int home, int type, int proto)
{
    int fd;

    assert_int_equal(setns(ns, CLONE_NEWNET), 0);
    fd = socket(AF_INET, type | SOCK_CLOEXEC, proto);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in in_addr_of(const char *addr, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET, addr, &in.sin_addr), 1);
    return in;
}

static void udp_crosses(int ns_a, int ns_b, int home)
{
    struct sockaddr_in to = in_addr_of("10.0.0.2", 7777);
    int from = socket_in(ns_a, home, SOCK_DGRAM, 0), at = socket_in(ns_b, home, SOCK_DGRAM, 0);
    char got[2048], sent[1300];

    memset(sent, 'k', sizeof(sent));
    assert_int_equal(bind(at, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(sendto(from, sent, sizeof(sent), 0, (struct sockaddr *)&to, sizeof(to)),
                     sizeof(sent));
    wait_readable(at);
    assert_int_equal(recv(at, got, sizeof(got), 0), sizeof(sent));
    assert_memory_equal(got, sent, sizeof(sent));
    close(from);
    close(at);
}

static void ping_is_answered(int ns, int home)
{
    struct sockaddr_in to = in_addr_of("10.0.0.2", 0);
    uint8_t echo[16] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'k', 'e', 'd', 'g', 'e'}, got[256];
    int fd = socket_in(ns, home, SOCK_RAW, IPPROTO_ICMP);

    put16(echo + 2, inet_sum(echo, sizeof(echo)));
    assert_int_equal(sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)),
                     sizeof(echo));
    do {
        wait_readable(fd);
        assert_true(recv(fd, got, sizeof(got), 0) >= 20 + 16);
    } while (got[20] != 0);
    assert_memory_equal(got + 24, echo + 4, 12);
    close(fd);
}

static void across_devices(bool encap)
{
    struct pair p = gcm_pair(1);
    int home = netns_now();
    int ns_a = netns_with_tun(home, "kd-test-a", "10.0.0.1", &a);
    int ns_b = netns_with_tun(home, "kd-test-b", "10.0.0.2", &b);

    p.encap = encap;
    install(&p);
    udp_crosses(ns_a, ns_b, home);
    ping_is_answered(ns_a, home);
    close(ns_a);
    close(ns_b);
    close(home);
}

static void icmp_and_udp_cross_real_devices_in_udp(void **st KD_UNUSED)
{
    across_devices(true);
}

static void icmp_and_udp_cross_real_devices_in_plain_esp(void **st KD_UNUSED)
{
    across_devices(false);
}

static void a_busy_or_foreign_name_is_refused_with_a_remedy(void **st KD_UNUSED)
{
    static const char *const bad[] = {"", "sixteen-letters-", "a/b", "kd%d", "..", "a b"};
    uint32_t ifindex;
    char text[160];
    int fd = io_tun_open("kd-busy", &ifindex, text, sizeof(text));

    assert_true(fd >= 0);
    assert_int_equal(io_tun_open("kd-busy", &ifindex, text, sizeof(text)), -1);
    assert_non_null(strstr(text, "in use by another program"));
    assert_int_equal(io_tun_open("lo", &ifindex, text, sizeof(text)), -1);
    assert_non_null(strstr(text, "isn't a TUN device"));
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        assert_int_equal(io_tun_open(bad[i], &ifindex, text, sizeof(text)), -1);
        assert_non_null(strstr(text, "can't be an interface's name"));
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_v4(icmp_and_udp_cross_real_devices_in_udp),
        over_v4(icmp_and_udp_cross_real_devices_in_plain_esp),
        cmocka_unit_test(a_busy_or_foreign_name_is_refused_with_a_remedy),
    };

    if (skipped())
        return 77;
    return cmocka_run_group_tests(tests, group_start, group_end);
}
