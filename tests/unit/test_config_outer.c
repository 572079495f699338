/* The way of the outer packets, VRFs, cards that do ESP, and who opens a tunnel, in the
 * configuration: each key once as it should be and once just beside it. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct kc_ctx *crypto;
static struct core_config cfg;
static struct config_errors errs;

/* What stands in the braces of lines 1 and 2, and in line 7 from column 5. */
struct file {
    const char *gateway, *router, *tunnel;
};

static const struct file good = {"listen: [192.0.2.1]", "id: 10.0.0.1, asn: 65515", "role: both"};

static bool parse(struct file f)
{
    struct config_env env = {.crypto = crypto, .wall_s = 1800000000};
    char text[1024];

    config_discard(crypto, &cfg);
    memset(&cfg, 0, sizeof(cfg));
    snprintf(text, sizeof(text),
             "gateway: {%s}\nrouter: {%s}\n"
             "tunnels:\n  - name: onprem\n    remote: 192.0.2.2\n    auth: {psk: swordfish}\n"
             "    %s\n",
             f.gateway ? f.gateway : good.gateway, f.router ? f.router : good.router,
             f.tunnel ? f.tunnel : good.tunnel);
    return config_parse(kd_bytes_str(text), "kedge.yaml", &env, &cfg, &errs);
}

static void accepted(struct file f)
{
    if (!parse(f))
        fail_msg("%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
}

/* "LINE:COL: text" is the only error. */
static void refused(struct file f, const char *want)
{
    char got[CONFIG_LINE_MAX];

    assert_false(parse(f));
    snprintf(got, sizeof(got), "%u:%u: %s", errs.e[0].line, errs.e[0].col, errs.e[0].text);
    assert_string_equal(got, want);
    assert_int_equal(errs.n, 1);
}

#define GATEWAY(s) ((struct file){.gateway = (s)})
#define ROUTER(s)  ((struct file){.router = "id: 10.0.0.1, asn: 65515, " s})
#define TUNNEL(s)  ((struct file){.tunnel = (s)})

static void a_listen_address_has_a_device_and_a_mark_of_its_own(void **state)
{
    (void)state;
    accepted((struct file){"listen: [192.0.2.1, {address: 192.0.2.9, device: red, mark: 0x10}]",
                           NULL, "local: 192.0.2.9"});
    assert_string_equal(cfg.outer[0].device, "");
    assert_int_equal(cfg.outer[0].mark, 0);
    assert_string_equal(cfg.outer[1].device, "red");
    assert_int_equal(cfg.outer[1].mark, 16);
}

static void the_address_alone_is_a_listen_address_and_needed(void **state)
{
    (void)state;
    accepted(GATEWAY("listen: [{address: 192.0.2.1}]"));
    assert_string_equal(cfg.outer[0].device, "");
    refused(GATEWAY("listen: [{device: red}]"), "1:20: gateway.listen[0]: \"address\" is missing");
    refused(GATEWAY("listen: [192.0.2.1, {address: 192.0.2.1}]"),
            "1:41: gateway.listen[1].address: \"192.0.2.1\" is already in the list");
}

static void marks_are_numbers_of_32_bits_and_not_0(void **state)
{
    (void)state;
    accepted(GATEWAY("listen: [{address: 192.0.2.1, mark: 4294967295}]"));
    assert_int_equal(cfg.outer[0].mark, UINT32_MAX);
#define BAD(m) "1:47: gateway.listen[0].mark: \"" m "\"; allowed: 1 to 0xffffffff"
    refused(GATEWAY("listen: [{address: 192.0.2.1, mark: 4294967296}]"), BAD("4294967296"));
    refused(GATEWAY("listen: [{address: 192.0.2.1, mark: 0x0}]"), BAD("0x0"));
    refused(GATEWAY("listen: [{address: 192.0.2.1, mark: -1}]"), BAD("-1"));
    refused(GATEWAY("listen: [{address: 192.0.2.1, mark: 16/16}]"), BAD("16/16"));
#undef BAD
}

static void devices_have_names_that_the_kernel_takes(void **state)
{
    (void)state;
    accepted(GATEWAY("listen: [{address: 192.0.2.1, device: fifteen-letters}]"));
    refused(GATEWAY("listen: [{address: 192.0.2.1, device: sixteen-letters!}]"),
            "1:49: gateway.listen[0].device: \"sixteen-letters!\"; allowed: 1 to 15 characters, no "
            "control characters");
    refused(GATEWAY("listen: [{address: 192.0.2.1, device: a/b}]"),
            "1:49: gateway.listen[0].device: \"a/b\"; allowed: a name without / : % and blanks");
    refused(GATEWAY("listen: [{address: 192.0.2.1, device: lo}]"),
            "1:49: gateway.listen[0].device: \"lo\"; allowed: a name without / : % and blanks");
}

static void a_vrf_comes_with_its_table(void **state)
{
    (void)state;
    accepted(ROUTER("vrf: blue, table: 100"));
    assert_string_equal(cfg.vrf, "blue");
    assert_int_equal(cfg.tunnels[0].table, 100);
    accepted(ROUTER("table: 100"));
    assert_string_equal(cfg.vrf, "");
    refused(ROUTER("vrf: blue"),
            "2:41: router.vrf: needs table, the VRF's own; neither main nor default is");
    refused(ROUTER("vrf: blue, table: main"),
            "2:41: router.vrf: needs table, the VRF's own; neither main nor default is");
    refused(ROUTER("vrf: 'b b', table: 100"),
            "2:41: router.vrf: \"b b\"; allowed: a name without / : % and blanks");
}

/* Two more tunnels behind the first, whose keys begin in lines 11 and 15. */
#define MORE(first, a, b)                                                                          \
    first "\n  - name: two\n    remote: 192.0.2.3\n    auth: {psk: s}\n    " a                     \
          "\n  - name: three\n    remote: 192.0.2.4\n    auth: {psk: s}\n    " b
#define BLUE "id: 10.0.0.1, asn: 65515, vrf: blue, table: 100"

static void a_tunnel_has_routers_vrf_or_one_of_its_own(void **state)
{
    (void)state;
    accepted((struct file){
        NULL, BLUE, MORE("role: both", "vrf: red\n    table: 200", "table: 300\n    role: both")});
    assert_string_equal(cfg.tunnels[0].vrf, "blue");
    assert_int_equal(cfg.tunnels[0].table, 100);
    assert_string_equal(cfg.tunnels[1].vrf, "red");
    assert_int_equal(cfg.tunnels[1].table, 200);
    assert_string_equal(cfg.tunnels[2].vrf, ""); /* not blue: it has a table of its own */
    assert_int_equal(cfg.tunnels[2].table, 300);
    accepted((struct file){NULL, BLUE, "table: main"});
    assert_string_equal(cfg.tunnels[0].vrf, "");
    assert_int_equal(cfg.tunnels[0].table, 254);
    accepted((struct file){NULL, BLUE, "vrf: blue"}); /* as it is anyhow */
    assert_int_equal(cfg.tunnels[0].table, 100);
    accepted(TUNNEL("vrf: red\n    table: 200"));
    refused((struct file){NULL, BLUE, "vrf: red"},
            "7:10: tunnels[0].vrf: needs table, the VRF's own");
    refused(TUNNEL("vrf: red\n    table: main"),
            "7:10: tunnels[0].vrf: needs table, the VRF's own; neither main nor default is");
    refused(TUNNEL("table: 255"), "7:12: tunnels[0].table: \"255\" is the kernel's local table; "
                                  "allowed: main or another number");
    refused(TUNNEL("table: 75001"),
            "7:12: tunnels[0].table: \"75001\" is one of 75000 to 75063, where health probes have "
            "their own ways; allowed: main or another number");
}

static void a_vrf_has_one_table_and_a_table_one_vrf(void **state)
{
    (void)state;
    accepted((struct file){
        NULL, BLUE, MORE("role: both", "vrf: red\n    table: 200", "vrf: red\n    table: 200")});
    refused((struct file){NULL, BLUE, "vrf: blue\n    table: 200"},
            "7:10: tunnels[0].vrf: \"blue\" has table 100, of router: it can't have 200 too");
    refused((struct file){NULL, BLUE, "vrf: red\n    table: 100"},
            "7:10: tunnels[0].vrf: table 100 is in VRF blue, of router: it can't be in VRF red "
            "too");
    refused(
        (struct file){NULL, BLUE,
                      MORE("role: both", "vrf: red\n    table: 200", "table: 200\n    mtu: auto")},
        "16:12: tunnels[2].vrf: table 200 is in VRF red, of tunnels[1]: it can't be in no VRF "
        "too");
    refused(
        (struct file){NULL, BLUE,
                      MORE("role: both", "vrf: red\n    table: 200", "vrf: red\n    table: 201")},
        "16:10: tunnels[2].vrf: \"red\" has table 200, of tunnels[1]: it can't have 201 too");
}

static void offload_is_of_the_kernels_esp(void **state)
{
    (void)state;
    accepted(TUNNEL("role: both"));
    assert_int_equal(cfg.tunnels[0].offload, CORE_OFFLOAD_NO);
    accepted(TUNNEL("offload: crypto"));
    assert_int_equal(cfg.tunnels[0].offload, CORE_OFFLOAD_CRYPTO);
    accepted(TUNNEL("offload: packet\n    offload-device: eth0"));
    assert_int_equal(cfg.tunnels[0].offload, CORE_OFFLOAD_PACKET);
    assert_string_equal(cfg.tunnels[0].offload_device, "eth0");
    refused(TUNNEL("offload: hardware"),
            "7:14: tunnels[0].offload: \"hardware\"; allowed: no, crypto, packet");
    refused(TUNNEL("offload: packet"),
            "7:14: tunnels[0].offload: packet needs offload-device, which its policies name");
    refused(TUNNEL("offload-device: eth0"),
            "7:21: tunnels[0].offload-device: needs offload: crypto or packet");
    refused((struct file){"listen: [192.0.2.1], dataplane: tun", NULL, "offload: crypto"},
            "7:14: tunnels[0].offload: needs gateway.dataplane xfrm or auto; allowed with others: "
            "no");
}

static void a_tunnel_begins_with_traffic_where_it_may_call(void **state)
{
    (void)state;
    accepted(TUNNEL("start: now"));
    assert_false(cfg.tunnels[0].ike.on_traffic);
    accepted(TUNNEL("start: on-traffic"));
    assert_true(cfg.tunnels[0].ike.on_traffic);
    accepted(TUNNEL("start: on-traffic\n    role: initiator"));
    refused(TUNNEL("start: traffic"), "7:12: tunnels[0].start: \"traffic\"; allowed: now, "
                                      "on-traffic; did you mean \"on-traffic\"?");
    refused(
        TUNNEL("start: on-traffic\n    role: responder"),
        "7:12: tunnels[0].start: on-traffic is for who calls; allowed with role: responder: now");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listen_address_has_a_device_and_a_mark_of_its_own),
        cmocka_unit_test(the_address_alone_is_a_listen_address_and_needed),
        cmocka_unit_test(marks_are_numbers_of_32_bits_and_not_0),
        cmocka_unit_test(devices_have_names_that_the_kernel_takes),
        cmocka_unit_test(a_vrf_comes_with_its_table),
        cmocka_unit_test(a_tunnel_has_routers_vrf_or_one_of_its_own),
        cmocka_unit_test(a_vrf_has_one_table_and_a_table_one_vrf),
        cmocka_unit_test(offload_is_of_the_kernels_esp),
        cmocka_unit_test(a_tunnel_begins_with_traffic_where_it_may_call),
    };
    int failed;

    crypto = kc_ctx_new(KC_PROVIDER_REAL, 16);
    assert_non_null(crypto);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    config_discard(crypto, &cfg);
    kc_ctx_free(crypto);
    return failed;
}
