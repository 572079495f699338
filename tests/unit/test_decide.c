/* Which data plane a listen address gets, and what is said of it. */
#include "xfrm_kernel.h"

#include "ike/suites.h"
#include "io/decide.h"

static const char *lacking; /* the kernel's name of what it can't do; "": it has no ESP */
static unsigned probes;

static enum nl_esp_support probe(void *arg, const struct kd_addr *local,
                                 const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                 char *reason, size_t cap)
{
    (void)arg;
    (void)local;
    probes++;
    if (!lacking ||
        (lacking[0] && strcmp(encr->name, lacking) != 0 && strcmp(integ->name, lacking) != 0))
        return NL_ESP_SUPPORTED;
    snprintf(reason, cap, "no ESP in this kernel: Requested type not found");
    return NL_ESP_ABSENT;
}

static void suite(struct core_tunnel_config *t, const char *local, const char *esp)
{
    char err[128];

    t->ike.local = at(local, 0).addr;
    t->ike.esp.n = 1;
    assert_true(ike_proposal_from_string(esp, IKE_PROTO_ESP, &t->ike.esp.p[0], err, sizeof(err)));
}

static void auto_decides_each_address_by_the_suites_of_its_tunnels(void **state)
{
    static struct core_tunnel_config t[3];
    struct core_config cfg = {.n_listen = 2, .n_tunnels = 3, .tunnels = t};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    cfg.listen[1] = at("192.0.2.2", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-sha256");
    suite(&t[1], "192.0.2.1", "aes256gcm16");
    suite(&t[2], "192.0.2.2", "chacha20poly1305");
    lacking = NULL;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_int_equal(d.at[1], CORE_DP_XFRM);
    assert_int_equal(d.all, CORE_DP_XFRM);
    assert_string_equal(why, "xfrm for 192.0.2.1: the kernel does all suites of its tunnels; "
                             "xfrm for 192.0.2.2: the kernel does all suites of its tunnels");
    cfg.n_listen = 3; /* an address without a tunnel changes nothing */
    cfg.listen[2] = at("192.0.2.3", 0).addr;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[2], CORE_DP_TUN);
    assert_int_equal(d.all, CORE_DP_XFRM);
    assert_non_null(strstr(why, "tun for 192.0.2.3: no tunnel has this address"));
    lacking = "rfc7539esp(chacha20,poly1305)";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_int_equal(d.at[1], CORE_DP_TUN);
    assert_int_equal(d.all, CORE_DP_TUN);
    assert_non_null(strstr(why, "tun for 192.0.2.2: chacha20poly1305: no ESP in this kernel"));
    assert_int_equal(io_decision_of(&d, &cfg, &cfg.listen[0]), CORE_DP_XFRM);
    assert_int_equal(io_decision_of(&d, &cfg, &cfg.listen[1]), CORE_DP_TUN);
}

static void a_suite_is_asked_for_once_an_address(void **state)
{
    static struct core_tunnel_config t[2];
    struct core_config cfg = {.n_listen = 1, .n_tunnels = 2, .tunnels = t};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-aes128-sha256-sha1");
    suite(&t[1], "192.0.2.1", "aes256-aes128-sha256-sha1");
    lacking = NULL;
    probes = 0;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(probes, 4);
}

static void what_is_accepted_counts_as_what_is_offered(void **state)
{
    static struct core_tunnel_config t[1];
    struct core_config cfg = {.n_listen = 1, .n_tunnels = 1, .tunnels = t};
    struct io_decision d;
    char why[512], err[128];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-sha256");
    lacking = "rfc4106(gcm(aes))";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.all, CORE_DP_XFRM);
    t[0].ike.esp_accept.n = 1;
    assert_true(ike_proposal_from_string("aes128gcm16", IKE_PROTO_ESP, &t[0].ike.esp_accept.p[0],
                                         err, sizeof(err)));
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.all, CORE_DP_TUN);
    assert_non_null(strstr(why, "tun for 192.0.2.1: aes128gcm16: no ESP in this kernel"));
}

static void an_algorithm_without_a_name_in_the_kernel_is_not_asked_for(void **state)
{
    static struct core_tunnel_config t[1];
    struct core_config cfg = {.n_listen = 1, .n_tunnels = 1, .tunnels = t};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes128-sha256");
    t[0].ike.esp.p[0].t[0].id = 1024; /* of private use */
    lacking = NULL;
    probes = 0;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(probes, 0);
    assert_string_equal(why, "tun for 192.0.2.1: ?-sha256: the kernel has no name for it");
    cfg.dataplane = CORE_DP_XFRM;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_true(d.unable);
    assert_string_equal(why, "xfrm for 192.0.2.1: ?-sha256: the kernel has no name for it");
}

/* Or `auto` would take tun for a list that has it. */
static void every_suite_that_can_be_configured_has_the_kernels_name(void **state)
{
    static const char *const encrs[] = {
        "des",         "3des",   "null",   "aes128",      "aes256gcm8",
        "aes192gcm12", "aes192", "aes256", "aes128gcm16", "chacha20poly1305"};
    static const char *const integs[] = {"md5", "sha1", "sha256", "sha384", "sha512"};
    static const char *const profiles[] = {"modern", "azure-default", "azure-vwan"};
    static struct core_tunnel_config t[1];
    struct core_config cfg = {.n_listen = 1, .n_tunnels = 1, .tunnels = t};
    struct io_decision d;
    char why[512], esp[32];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    lacking = NULL;
    for (size_t i = 0; i < KD_ARRAY_LEN(encrs) * KD_ARRAY_LEN(integs); i++) {
        const char *encr = encrs[i / KD_ARRAY_LEN(integs)];
        const bool aead = strstr(encr, "gcm") || strstr(encr, "poly");
        snprintf(esp, sizeof(esp), "%s%s%s", encr, aead ? "" : "-",
                 aead ? "" : integs[i % KD_ARRAY_LEN(integs)]);
        suite(&t[0], "192.0.2.1", esp);
        io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
        assert_int_equal(d.all, CORE_DP_XFRM);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(profiles); i++) {
        assert_true(ike_profile(profiles[i], NULL, &t[0].ike.esp, &t[0].ike.esp_accept));
        io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
        assert_int_equal(d.all, CORE_DP_XFRM);
    }
    lacking = "cbc(des)"; /* of azure-default's row 7 alone */
    assert_true(ike_profile("azure-default", NULL, &t[0].ike.esp, &t[0].ike.esp_accept));
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.all, CORE_DP_TUN);
    assert_string_equal(why,
                        "tun for 192.0.2.1: des-sha1: no ESP in this kernel: Requested type not "
                        "found; the kernel does all others: leave it out of esp (profile "
                        "azure-vwan has neither DES nor 3DES)");
    assert_true(ike_profile("azure-vwan", NULL, &t[0].ike.esp, &t[0].ike.esp_accept));
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.all, CORE_DP_XFRM);
    lacking = "hmac(sha1)";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_non_null(strstr(why, "tun for 192.0.2.1: aes256-sha1, aes128-sha1: no ESP in this "
                                "kernel: Requested type not found; the kernel does all others: "
                                "leave them out of esp"));
    lacking = "";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_string_equal(why,
                        "tun for 192.0.2.1: aes256gcm16: no ESP in this kernel: Requested type not "
                        "found");
}

static void what_is_configured_stays_and_what_it_lacks_is_said(void **state)
{
    static struct core_tunnel_config t[1];
    struct core_config cfg = {
        .n_listen = 1, .n_tunnels = 1, .tunnels = t, .dataplane = CORE_DP_XFRM};
    struct io_decision d;
    char why[512];

    (void)state;
    cfg.listen[0] = at("192.0.2.1", 0).addr;
    suite(&t[0], "192.0.2.1", "aes256-sha256");
    lacking = NULL;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_XFRM);
    assert_string_equal(why, "xfrm: configured");
    assert_false(d.unable);
    lacking = "hmac(sha256)";
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_true(d.unable);
    assert_non_null(strstr(why, "xfrm for 192.0.2.1: aes256-sha256: no ESP in this kernel"));
    cfg.dataplane = CORE_DP_TUN;
    probes = 0;
    io_decide(&cfg, probe, NULL, &d, why, sizeof(why));
    assert_int_equal(d.at[0], CORE_DP_TUN);
    assert_int_equal(probes, 0);
    assert_string_equal(why, "tun: configured");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_decides_each_address_by_the_suites_of_its_tunnels),
        cmocka_unit_test(a_suite_is_asked_for_once_an_address),
        cmocka_unit_test(what_is_accepted_counts_as_what_is_offered),
        cmocka_unit_test(an_algorithm_without_a_name_in_the_kernel_is_not_asked_for),
        cmocka_unit_test(every_suite_that_can_be_configured_has_the_kernels_name),
        cmocka_unit_test(what_is_configured_stays_and_what_it_lacks_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
