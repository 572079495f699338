/* kedge import: selectors, strongSwan's own notation, what is not understood, and bounds. */
#include "test_import.h"

#include <stdio.h>

/* ---- IOS ---- */

static void selectors_come_from_the_access_list(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_IOS, "crypto ipsec profile p\n"
                                           "interface Tunnel1\n"
                                           " tunnel source 192.0.2.1\n"
                                           " tunnel destination 192.0.2.2\n"
                                           " tunnel protection ipsec policy ipv4 both\n"
                                           " tunnel protection ipsec profile p\n"
                                           "ip access-list extended both\n"
                                           " permit ip 10.1.0.0 0.0.255.255 any\n"
                                           " permit ip 10.2.0.0 0.0.0.255 10.3.0.0 0.0.0.255\n"
                                           " permit ip 10.2.0.0 0.255.0.255 any\n"
                                           " permit tcp any any\n");
    has(out, "- {name: line1, local: [\"10.1.0.0/16\"], remote: [\"0.0.0.0/0\"]}");
    has(out, "- {name: line2, local: [\"10.2.0.0/24\"], remote: [\"10.3.0.0/24\"]}");
    note(10, "permit ip 10.2.0.0 0.255.0.255 any");
    note(11, "permit tcp any any");
}

/* ---- swanctl ---- */

#define SWANCTL                                                                                    \
    "connections {\n"                                                                              \
    "  site-a {\n"                                                                                 \
    "    version = 2 # IKEv2\n"                                                                    \
    "    local_addrs = 192.0.2.1\n"                                                                \
    "    remote_addrs = %any\n"                                                                    \
    "    proposals = aes256-sha256-modp2048,aes128-sha1-modp1024\n"                                \
    "    rekey_time = 4h\n"                                                                        \
    "    local { auth = psk\n id = gw.example }\n"                                                 \
    "    remote {\n      auth = psk\n      id = \"@#0a0b\"\n    }\n"                               \
    "    children { web { local_ts = 10.1.0.0/24, 10.2.0.0/24\n remote_ts = 10.9.0.0/16\n"         \
    "      esp_proposals = aes256gcm16\n rekey_time = 1d\n start_action = none } }\n"              \
    "  }\n"                                                                                        \
    "}\n"

static void strongswans_sections_become_a_tunnel(void **st KD_UNUSED)
{
    const char *out = imported(IMPORT_SWANCTL, SWANCTL "secrets {\n"
                                                       "  ike-1 { secret = wrong\n }\n"
                                                       "  ike-2 {\n"
                                                       "    id-a = @gw.example\n"
                                                       "    id-b = \"@#0a0b\"\n"
                                                       "    secret = \"a \\b#c\"\n  }\n}\n");
    struct core_config cfg;

    has(out, "- name: site-a\n");
    has(out, "remote: \"any\"");
    has(out, "local-id: \"gw.example\"");
    has(out, "remote-id: \"key-id:0a0b\"");
    has(out, "psk: \"a \\\\b#c\"");
    has(out, "role: responder");
    has(out, "ike: [\"aes256-sha256-modp2048\", \"aes128-sha1-modp1024\"]");
    has(out, "lifetime: {ike: 14400s, esp: 86400s}");
    has(out, "selectors: {local: [\"10.1.0.0/24\", \"10.2.0.0/24\"], remote: [\"10.9.0.0/16\"]}");
    assert_int_equal(im->n_notes, 0);
    parsed(out, &cfg);
    core_config_free(&cfg);
}

static void selectors_of_one_side_are_taken_over(void **st KD_UNUSED)
{
    struct core_config cfg;
    const char *out = imported(IMPORT_SWANCTL, "connections { a { local_addrs = 192.0.2.1\n"
                                               "remote_addrs = 192.0.2.2\n"
                                               "children { c { remote_ts = 10.9.0.0/16\n } } } }");

    has(out, "selectors: {local: [\"0.0.0.0/0\"], remote: [\"10.9.0.0/16\"]}");
    parsed(out, &cfg);
    core_config_free(&cfg);
}

static void what_strongswan_says_and_we_do_not_is_named(void **st KD_UNUSED)
{
    (void)imported(IMPORT_SWANCTL, "include conf.d/*.conf\n"
                                   "connections {\n"
                                   "  a {\n"
                                   "    version = 1\n"
                                   "    mobike = yes\n"
                                   "    remote_addrs = 192.0.2.2,192.0.2.3\n"
                                   "    unique = replace\n"
                                   "    local {\n"
                                   "      auth = eap-tls\n"
                                   "    }\n"
                                   "    children { c {\n"
                                   "      mode = transport\n"
                                   "      local_ts = dynamic\n"
                                   "    } }\n"
                                   "  }\n"
                                   "}\n"
                                   "secrets { eap-1 { secret = SECRET } }\n"
                                   "pools { p { addrs = 10.0.0.0/24 } }\n");
    note(1, "include");
    note(4, "version = 1");
    note(5, "mobike = yes");
    note(6, "remote_addrs");
    note(7, "unique = replace");
    note(9, "auth = eap-tls");
    note(12, "mode = transport");
    note(13, "local_ts = dynamic");
    note(18, "addrs");
    note(17, "secret = ...");
    for (unsigned i = 0; i < im->n_notes; i++)
        assert_null(strstr(im->note[i].text, "SECRET"));
}

/* ---- both ---- */

static void files_without_a_tunnel_are_none(void **st KD_UNUSED)
{
    for (int from = 0; from < IMPORT_KINDS; from++) {
        assert_null(imported((enum import_from)from, ""));
        assert_null(imported((enum import_from)from, "}}}}\n{{{{{{{{{{\n!\n= = =\n"));
    }
}

static void no_text_becomes_anything_but_a_string(void **st KD_UNUSED)
{
    const char *out =
        imported(IMPORT_SWANCTL, "connections { x:[evil {\n"
                                 "local_addrs = 192.0.2.1\n"
                                 "remote_addrs = 192.0.2.2\n proposals = aes256-sha256-modp2048\n"
                                 "local { id = key: {x\n auth = psk }\n"
                                 "children { c { esp_proposals = aes256-sha256\n } } } }\n"
                                 "secrets { ike { secret = \"pw: {x}, [y] '\\ # \" } }\n");

    has(out, "- name: x\n"); /* the rest is what it would inherit */
    note(1, "x:[evil");
    has(out, "local-id: \"key: {x\"");
    has(out, "psk: \"pw: {x}, [y] '\\\\ # \"");
    assert_int_equal(im->n, 1);
}

static void more_than_the_bounds_is_said(void **st KD_UNUSED)
{
    char *text = malloc(400000);
    size_t n = 0;

    assert_non_null(text);
    n += (size_t)sprintf(text + n, "connections {\n");
    for (int i = 0; i < 40; i++)
        n += (size_t)sprintf(text + n, "same { remote_addrs = 192.0.2.%d\n }\n", i);
    n += (size_t)sprintf(text + n, "}\n");
    for (int i = 0; i < 400; i++)
        n += (size_t)sprintf(text + n, "nonsense\n");
    has(imported(IMPORT_SWANCTL, text), "lines more");
    assert_int_equal(im->n, IMPORT_TUNNELS);
    assert_string_equal(im->t[0].name, "same");
    assert_string_equal(im->t[31].name, "same-32");
    assert_int_equal(im->n_notes, IMPORT_NOTES);
    assert_true(im->more_notes > 100);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(selectors_come_from_the_access_list),  T(strongswans_sections_become_a_tunnel),
        T(selectors_of_one_side_are_taken_over), T(what_strongswan_says_and_we_do_not_is_named),
        T(files_without_a_tunnel_are_none),      T(no_text_becomes_anything_but_a_string),
        T(more_than_the_bounds_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
