/* Traffic selectors and identities. facts/peers.md 4c, classes 25, 26, 33, 34; azure.md 1.5. */
#include "test_ike_wire.h"

#include <stdio.h>

/* ---- wire form ---- */

static bool parses(const uint8_t *body, size_t len, struct ike_ts_list *l)
{
    uint8_t *exact = test_malloc(len + 1);
    bool ok;

    memcpy(exact + 1, body, len);
    ok = ike_ts_parse(kd_bytes(exact + 1, len), l);
    test_free(exact);
    return ok;
}

/* "10.0.0.0/8" or "10.0.0.1-10.0.0.9", then " proto port_lo port_hi" where given; ';' between. */
static struct ike_ts_list list_of(const char *text)
{
    struct ike_ts_list l = {.n = 0};

    while (*text) {
        struct ike_ts *ts = &l.ts[l.n++];
        char one[128], *where, *num, *dash;
        size_t n = strcspn(text, ";");
        struct kd_prefix p;

        memcpy(one, text, n);
        one[n] = '\0';
        text += n + (text[n] == ';');
        where = strtok_r(one, " ", &num);
        dash = strchr(where, '-');
        if (dash) {
            *dash = '\0';
            *ts = (struct ike_ts){.port_hi = 65535};
            assert_true(kd_addr_parse(where, &ts->lo) && kd_addr_parse(dash + 1, &ts->hi));
        } else {
            assert_true(kd_prefix_parse(where, true, &p));
            *ts = ike_ts_from_prefix(&p);
        }
        if (*num) {
            unsigned proto, lo, hi;
            assert_int_equal(sscanf(num, "%u %u %u", &proto, &lo, &hi), 3);
            ts->proto = (uint8_t)proto;
            ts->port_lo = (uint16_t)lo;
            ts->port_hi = (uint16_t)hi;
        }
    }
    return l;
}

static const char *text_of(const struct ike_ts_list *l)
{
    static char out[2048];

    out[0] = '\0';
    for (unsigned i = 0; i < l->n; i++) {
        char one[128];

        ike_ts_str(&l->ts[i], one, sizeof(one));
        strcat(out, i ? " " : "");
        strcat(out, one);
    }
    return out;
}

static void selectors_survive_the_round_trip_and_no_truncation_does(void **st KD_UNUSED)
{
    struct ike_ts_list l = list_of(
                           "0.0.0.0/0;10.0.0.1-10.0.0.9;2001:db8::/32;192.0.2.7/32 6 179 179;"
                           "10.9.0.0/16 17 0 65535;::1/128 58 256 511"),
                       got;
    uint8_t body[1024];
    struct kd_writer w;

    kd_writer_init(&w, body, sizeof(body));
    ike_ts_write(&w, &l);
    assert_true(parses(body, w.pos, &got));
    assert_int_equal(got.n, l.n);
    assert_string_equal(text_of(&got),
                        "0.0.0.0/0 10.0.0.1-10.0.0.9 2001:db8::/32 192.0.2.7/32[tcp/179] "
                        "10.9.0.0/16[udp] ::1/128[icmpv6/256-511]");
    for (size_t n = 0; n < w.pos; n++)
        assert_false(parses(body, n, &got));
}

static void the_count_must_match_and_be_bounded(void **st KD_UNUSED)
{
    static uint8_t body[4 + 256 * 16];
    struct ike_ts_list l = list_of("10.0.0.0/8"), got;
    struct kd_writer w;

    kd_writer_init(&w, body, sizeof(body));
    ike_ts_write(&w, &l);
    for (unsigned n = 0; n < 256; n++) {
        body[0] = (uint8_t)n;
        assert_int_equal(parses(body, 20, &got), n == 1);
    }
    assert_false(parses((const uint8_t[4]){0}, 4, &got));
    for (unsigned i = 1; i < 256; i++)
        memcpy(body + 4 + 16 * i, body + 4, 16);
    body[0] = IKE_TS_MAX;
    assert_true(parses(body, 4 + 16 * IKE_TS_MAX, &got));
    body[0] = IKE_TS_MAX + 1;
    assert_false(parses(body, 4 + 16 * (IKE_TS_MAX + 1), &got));
    body[0] = 255;
    assert_false(parses(body, 4 + 16 * 255, &got));
}

static void lengths_ranges_and_ports_are_checked(void **st KD_UNUSED)
{
    static const struct {
        size_t at;
        uint8_t v;
        bool ok;
        unsigned kept;
    } rows[] = {
        {4, 8, false, 0}, /* the IPv6 type in 16 octets: mixed family */
        {4, 9, true, 0},  /* an unknown type is skipped */
        {7, 15, false, 0},  {7, 17, false, 0},   {7, 0, false, 0},
        {7, 3, false, 0},   {6, 0xff, false, 0}, {12, 11, false, 0}, /* start above end */
        {8, 0xff, true, 1},                  /* start port 0xff00, end 0xffff */
        {10, 0, true, 1},                    /* end port 0x00ff */
        {1, 9, true, 1},    {3, 9, true, 1}, /* reserved octets */
    };
    struct ike_ts_list l = list_of("10.0.0.0/8"), got;
    uint8_t body[64];
    struct kd_writer w;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        kd_writer_init(&w, body, sizeof(body));
        ike_ts_write(&w, &l);
        body[rows[i].at] = rows[i].v;
        if (parses(body, w.pos, &got) != rows[i].ok)
            fail_msg("octet %zu = %u", rows[i].at, rows[i].v);
        if (rows[i].ok)
            assert_int_equal(got.n, rows[i].kept);
    }
    kd_writer_init(&w, body, sizeof(body));
    ike_ts_write(&w, &l);
    memcpy(body + 8, "\0\2\0\1", 4); /* ports reversed */
    assert_false(parses(body, w.pos, &got));
    memcpy(body + 8, "\377\377\0\0", 4); /* OPAQUE: skipped */
    assert_true(parses(body, w.pos, &got));
    assert_int_equal(got.n, 0);
}

/* ---- narrowing ---- */

static void narrowing_is_the_intersection_in_the_offers_order(void **st KD_UNUSED)
{
    static const struct {
        const char *offered, *configured, *want; /* "": nothing in common */
    } rows[] = {
        {"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"},
        {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8"},
        {"10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/16"},
        {"10.0.0.0/8", "11.0.0.0/8", ""},
        {"10.0.0.0/8", "2001:db8::/32", ""},
        {"0.0.0.0/0;::/0", "10.0.0.0/8;2001:db8::/32", "10.0.0.0/8 2001:db8::/32"},
        {"10.0.0.0-10.0.0.20", "10.0.0.10-10.0.0.30", "10.0.0.10-10.0.0.20"},
        {"10.0.0.0-10.0.0.9", "10.0.0.9-10.0.0.30", "10.0.0.9/32"},
        {"10.0.0.0-10.0.0.9", "10.0.0.10-10.0.0.30", ""},
        /* RFC 7296 2.9: the packet's own selector first, and kept although the next one has it too
         */
        {"10.1.1.1/32 6 80 80;10.0.0.0/8", "10.0.0.0/8", "10.1.1.1/32[tcp/80] 10.0.0.0/8"},
        {"10.0.0.0/8;10.1.1.1/32", "10.0.0.0/8", "10.0.0.0/8"}, /* said already */
        {"10.0.0.0/8", "10.0.0.0/8;10.1.0.0/16", "10.0.0.0/8"},
        {"0.0.0.0/0", "10.2.0.0/16;10.1.0.0/16", "10.2.0.0/16 10.1.0.0/16"},
        {"0.0.0.0/0 6 0 65535", "10.0.0.0/8", "10.0.0.0/8[tcp]"},
        {"10.0.0.0/8", "0.0.0.0/0 17 53 53", "10.0.0.0/8[udp/53]"},
        {"0.0.0.0/0 6 0 65535", "0.0.0.0/0 17 0 65535", ""},
        {"0.0.0.0/0 6 100 200", "0.0.0.0/0 6 150 300", "0.0.0.0/0[tcp/150-200]"},
        {"0.0.0.0/0 6 100 200", "0.0.0.0/0 6 201 300", ""},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ike_ts_list o = list_of(rows[i].offered), c = list_of(rows[i].configured), out;
        bool ok = ike_ts_narrow(&o, &c, &out);

        assert_int_equal(ok, rows[i].want[0] != '\0');
        assert_string_equal(text_of(&out), rows[i].want);
        assert_true(ike_ts_inside(&out, &o) && ike_ts_inside(&out, &c));
        ok = ike_ts_narrow(&o, &c, &o); /* in place */
        assert_string_equal(text_of(&o), rows[i].want);
    }
}

static void narrowing_stops_at_its_bound(void **st KD_UNUSED)
{
    struct ike_ts_list a = {.n = IKE_TS_MAX}, b = {.n = IKE_TS_MAX}, out;

    for (unsigned i = 0; i < IKE_TS_MAX; i++) {
        a.ts[i] = (struct ike_ts){.port_lo = (uint16_t)(1000 * i),
                                  .port_hi = (uint16_t)(1000 * i + 500),
                                  .lo = kd_addr_v4(0),
                                  .hi = kd_addr_v4(UINT32_MAX)};
        b.ts[i] = (struct ike_ts){
            .port_hi = 65535, .lo = kd_addr_v4(i << 16), .hi = kd_addr_v4((i << 16) + 9)};
    }
    assert_true(ike_ts_narrow(&a, &b, &out));
    assert_int_equal(out.n, IKE_TS_MAX);
    assert_true(ike_ts_inside(&out, &a) && ike_ts_inside(&out, &b));
}

static void a_packet_matches_by_address_protocol_and_port(void **st KD_UNUSED)
{
    struct ike_ts_list l = list_of("10.0.0.0/8;192.0.2.0/24 6 179 180");
    struct kd_addr in = kd_addr_v4(0x0a010203), bgp = kd_addr_v4(0xc0000209), out = kd_addr_v4(1);

    assert_true(ike_ts_match(&l, &in, 17, 53));
    assert_true(ike_ts_match(&l, &in, 1, 0));
    assert_true(ike_ts_match(&l, &bgp, 6, 179));
    assert_false(ike_ts_match(&l, &bgp, 6, 181));
    assert_false(ike_ts_match(&l, &bgp, 17, 179));
    assert_false(ike_ts_match(&l, &bgp, 6, 0));
    assert_false(ike_ts_match(&l, &out, 6, 179));
    l.n = 0;
    assert_true(ike_ts_inside(&l, &l));
}

/* ---- identities ---- */

static bool reads(uint8_t type, const void *data, size_t len, struct ike_id *id)
{
    struct ike_typed v = {.type = type, .data = kd_bytes(data, len)};

    return ike_id_read(&v, id);
}

static void an_identitys_length_must_fit_its_type(void **st KD_UNUSED)
{
    static const uint8_t big[65536] = {'a'};
    struct ike_id id;
    uint8_t name[IKE_ID_MAX + 1];

    memset(name, 'a', sizeof(name));
    for (unsigned type = 0; type < 256; type++) {
        bool v4 = type == IKE_ID_IPV4, v6 = type == IKE_ID_IPV6;

        if (type == IKE_ID_DER_ASN1_DN)
            continue; /* below */
        assert_false(reads((uint8_t)type, name, 0, &id));
        assert_int_equal(reads((uint8_t)type, name, 4, &id), type != 0 && !v6);
        assert_int_equal(reads((uint8_t)type, name, 16, &id), type != 0 && !v4);
        assert_int_equal(reads((uint8_t)type, name, IKE_ID_MAX, &id), type != 0 && !v4 && !v6);
        assert_false(reads((uint8_t)type, name, IKE_ID_MAX + 1, &id));
        assert_false(reads((uint8_t)type, big, sizeof(big), &id));
    }
    assert_false(reads(IKE_ID_FQDN, "gw\0.evil", 8, &id)); /* would compare short elsewhere */
    assert_true(reads(IKE_ID_KEY_ID, "gw\0.evil", 8, &id));
}

static void a_distinguished_name_must_be_one_and_equals_itself(void **st KD_UNUSED)
{
    static const uint8_t cn_gw[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                    0x55, 0x04, 0x03, 0x0c, 0x02, 'g',  'w'};
    uint8_t bad[sizeof(cn_gw) + 1] = {0};
    struct ike_id id;
    char text[32];

    assert_true(reads(IKE_ID_DER_ASN1_DN, cn_gw, sizeof(cn_gw), &id));
    assert_true(ike_id_match(&id, &id));
    ike_id_str(&id, text, sizeof(text));
    assert_string_equal(text, "CN=gw");
    assert_true(reads(IKE_ID_DER_ASN1_DN, "\x30\x00", 2, &id));
    ike_id_str(&id, text, sizeof(text));
    assert_string_equal(text, "dn:3000");
    for (size_t len = 0; len < sizeof(cn_gw); len++)
        assert_false(reads(IKE_ID_DER_ASN1_DN, cn_gw, len, &id));
    memcpy(bad, cn_gw, sizeof(cn_gw));
    assert_false(reads(IKE_ID_DER_ASN1_DN, bad, sizeof(bad), &id)); /* an octet too many */
    for (size_t i = 0; i < 13; i++) {
        if (i >= 8 && i < 12)
            continue; /* another OID or kind of string is a name too */
        bad[i] ^= 0x01;
        assert_false(reads(IKE_ID_DER_ASN1_DN, bad, sizeof(cn_gw), &id));
        bad[i] ^= 0x01;
    }
}

static void an_identity_survives_the_wire_and_the_configuration(void **st KD_UNUSED)
{
    static const struct {
        const char *text;
        uint8_t type;
    } rows[] = {
        {"203.0.113.7", IKE_ID_IPV4},     {"2001:db8::7", IKE_ID_IPV6},
        {"gw.example.com", IKE_ID_FQDN},  {"a@b.example", IKE_ID_RFC822},
        {"key-id:00ff0d", IKE_ID_KEY_ID}, {"branch_3", IKE_ID_FQDN},
    };
    uint8_t body[300];
    char text[600];
    struct kd_writer w;
    struct ike_id id, got;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ike_typed v;

        assert_true(ike_id_parse(rows[i].text, &id));
        assert_int_equal(id.type, rows[i].type);
        kd_writer_init(&w, body, sizeof(body));
        ike_id_write(&w, &id);
        v = (struct ike_typed){.type = body[0], .data = kd_bytes(body + 4, w.pos - 4)};
        assert_true(ike_id_read(&v, &got));
        assert_true(ike_id_match(&id, &got));
        ike_id_str(&got, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
    assert_true(ike_id_parse("any", &id));
    assert_true(ike_id_match(&id, &got));
    assert_false(ike_id_match(&got, &id));
    ike_id_str(&id, text, sizeof(text));
    assert_string_equal(text, "any");
}

static void a_wrong_identity_in_the_configuration_is_refused(void **st KD_UNUSED)
{
    static const char *const bad[] = {"",      "key-id:", "key-id:0", "key-id:0g", "a@",   "@b",
                                      "a@b@c", "a b",     "a;rm",     "gw\n",      "%any", "a/b"};
    char longest[IKE_ID_MAX + 2];
    struct ike_id id;

    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
        assert_false(ike_id_parse(bad[i], &id));
    memset(longest, 'a', sizeof(longest));
    longest[IKE_ID_MAX + 1] = '\0';
    assert_false(ike_id_parse(longest, &id));
    longest[IKE_ID_MAX] = '\0';
    assert_true(ike_id_parse(longest, &id));
}

static void names_compare_without_case_and_other_types_exactly(void **st KD_UNUSED)
{
    struct ike_id a, b;

    assert_true(reads(IKE_ID_FQDN, "GW.Example", 10, &a) &&
                reads(IKE_ID_FQDN, "gw.eXample", 10, &b));
    assert_true(ike_id_match(&a, &b));
    assert_true(reads(IKE_ID_KEY_ID, "GW.Example", 10, &a));
    assert_false(ike_id_match(&a, &b)); /* another type */
    assert_true(reads(IKE_ID_FQDN, "GW.Example", 10, &b));
    assert_false(ike_id_match(&a, &b));
    assert_true(reads(IKE_ID_KEY_ID, "gw.eXample", 10, &b));
    assert_false(ike_id_match(&a, &b));
    assert_true(reads(IKE_ID_FQDN, "gw.example", 9, &a) &&
                reads(IKE_ID_FQDN, "gw.example", 10, &b));
    assert_false(ike_id_match(&a, &b)); /* a prefix of it */
}

/* CVE-2023-28771 and its like: what a peer says is never more than text. */
static void no_identity_can_break_a_log_line(void **st KD_UNUSED)
{
    struct ike_id id;
    uint8_t all[255];
    char text[2000], tiny[10];

    for (unsigned i = 0; i < 255; i++)
        all[i] = (uint8_t)(i + 1);
    for (unsigned type = 1; type < 256; type++) {
        size_t len = type == IKE_ID_IPV4 ? 4 : type == IKE_ID_IPV6 ? 16 : sizeof(all);

        if (type == IKE_ID_DER_ASN1_DN)
            continue; /* test_crypto_dn.c */
        assert_true(reads((uint8_t)type, all, len, &id));
        ike_id_str(&id, text, sizeof(text));
        for (const char *c = text; *c; c++)
            assert_true(*c > 0x20 && *c < 0x7f && !strchr("\"'`$%<>", *c));
        ike_id_str(&id, tiny, sizeof(tiny));
        assert_true(strlen(tiny) < sizeof(tiny));
    }
    assert_true(reads(IKE_ID_FQDN, "$(reboot)\n%n", 12, &id));
    ike_id_str(&id, text, sizeof(text));
    assert_string_equal(text, "\\x24(reboot)\\x0a\\x25n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_survive_the_round_trip_and_no_truncation_does),
        cmocka_unit_test(the_count_must_match_and_be_bounded),
        cmocka_unit_test(lengths_ranges_and_ports_are_checked),
        cmocka_unit_test(narrowing_is_the_intersection_in_the_offers_order),
        cmocka_unit_test(narrowing_stops_at_its_bound),
        cmocka_unit_test(a_packet_matches_by_address_protocol_and_port),
        cmocka_unit_test(an_identitys_length_must_fit_its_type),
        cmocka_unit_test(a_distinguished_name_must_be_one_and_equals_itself),
        cmocka_unit_test(an_identity_survives_the_wire_and_the_configuration),
        cmocka_unit_test(a_wrong_identity_in_the_configuration_is_refused),
        cmocka_unit_test(names_compare_without_case_and_other_types_exactly),
        cmocka_unit_test(no_identity_can_break_a_log_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
