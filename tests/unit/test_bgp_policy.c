/* Policies: for each match what it takes and the nearest it doesn't, for each set what becomes of a
 * route; between engines what is told and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/aspath.h"
#include "bgp_pair.h"

#include <stdio.h>
#include <stdlib.h>

#define SEED 11

/* ---- AS path patterns ---- */

static bool matches(const char *pattern, const char *text)
{
    struct bgp_as_regex x;
    const char *why;
    unsigned at;

    if (!bgp_as_regex_compile(&x, pattern, &why, &at))
        fail_msg("%s: %s at %u", pattern, why, at);
    return bgp_as_regex_match(&x, kd_bytes_str(text));
}

static void as_path_patterns_mean_what_they_mean_to_ios(void **state)
{
    static const struct {
        const char *pattern, *yes, *no;
    } rows[] = {
        {"^$", "", "65010"},
        {"_65010_", "65010", "165010"},
        {"_65010_", "1 65010 2", "1 650102"},
        {"_65010_", "1 {65009,65010}", "1 {65009,650100}"},
        {"_65010_", "(65010) 3", "(65011) 3"},
        {"^65010(_65020)*$", "65010", "65020"},
        {"^65010(_65020)*$", "65010 65020 65020", "65010 65020 65021"},
        {"^65010_", "65010 3", "3 65010"},
        {"_65010$", "3 65010", "65010 3"},
        {"65010", "1650100", "16501"},
        {"^6501[0-9]$", "65015", "65020"},
        {"^[^6]", "75010", "65010"},
        {"^6501[05-7]$", "65016", "65014"},
        {"^(65010|65020)_3$", "65020 3", "65030 3"},
        {"^1+ 2?3$", "111 3", "111 223"},
        {"^.*_3$", "1 2 3", "1 2 33"},
        {"^_65010_$", "65010", "65010 1"}, /* an anchor is an anchor for both of them */
        {"\\(65010\\)", "(65010) 1", "65010 1"},
        {"^65010 65020$", "65010 65020", "65010  65020"},
        {"^(1|1 1)*( 2)?$", "1 2", "1 3"},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        if (!matches(rows[i].pattern, rows[i].yes) || matches(rows[i].pattern, rows[i].no))
            fail_msg("row %zu: %s", i, rows[i].pattern);
    }
    assert_true(matches("", "65010"));
    assert_true(matches("(65010)?", "3")); /* what may be nothing is everywhere */
}

static void patterns_that_mean_nothing_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *pattern, *why;
        unsigned at;
    } rows[] = {
        {"*65010", "nothing to repeat", 0},
        {"65010|+", "nothing to repeat", 6},
        {"(65010", "( without )", 6},
        {"65010)", ") without (", 5},
        {"[65010", "[ without its characters and ]", 6},
        {"[]", "[ without its characters and ]", 1},
        {"[9-0]", "in [] stand digits, ranges of digits, blank, comma", 3},
        {"6501x", "not a character of an AS path pattern", 4},
        {"AS65010", "not a character of an AS path pattern", 0},
        {"0000000000111111111122222222223333333333444444444455555555556666",
         "longer than 63 characters", 63},
    };
    struct bgp_as_regex x;
    const char *why;
    unsigned at;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_false(bgp_as_regex_compile(&x, rows[i].pattern, &why, &at));
        assert_string_equal(why, rows[i].why);
        assert_int_equal(at, rows[i].at);
    }
    assert_true(bgp_as_regex_compile(
        &x, "000000000011111111112222222222333333333344444444445555555555666", &why, &at));
}

/* A pattern on which backtracking would take 2^n steps, on the longest path there is. */
static void the_longest_path_costs_no_more_than_its_length(void **state)
{
    static char text[BGP_AS_TEXT_MAX];
    struct bgp_as_regex x;
    const char *why;
    unsigned at;

    (void)state;
    memset(text, '1', sizeof(text));
    assert_true(bgp_as_regex_compile(&x, "^((1*)*(1*)*(1*)*(1*)*)*2$", &why, &at));
    assert_false(bgp_as_regex_match(&x, kd_bytes(text, sizeof(text))));
    text[sizeof(text) - 1] = '2';
    assert_true(bgp_as_regex_match(&x, kd_bytes(text, sizeof(text))));
}

static void a_path_is_written_as_ios_shows_it(void **state)
{
    static const uint8_t path[] = {BGP_AS_SEQUENCE, 2, 0, 0, 0xfd, 0xf2, 0xff, 0xff, 0xff, 0xff,
                                   BGP_AS_SET, 2, 0, 0, 0, 1, 0, 0, 0, 2,
                                   BGP_CONFED_SEQUENCE, 1, 0, 0, 0, 3};
    char text[64] = "";
    struct kd_writer w;

    (void)state;
    kd_writer_init(&w, text, sizeof(text));
    bgp_aspath_text(&w, kd_bytes(path, sizeof(path)));
    assert_string_equal(text, "65010 4294967295 {1,2} (3)");
}

/* ---- communities ---- */

#define STANDARD BGP_COMMUNITY_STANDARD
#define EXTENDED BGP_COMMUNITY_EXTENDED
#define LARGE    BGP_COMMUNITY_LARGE

static struct bgp_community community(const char *text, enum bgp_community_kind kind)
{
    struct bgp_community c;

    assert_true(bgp_community_parse(text, strlen(text), kind, &c));
    return c;
}

static void communities_are_read_with_their_bounds(void **state)
{
    static const struct {
        const char *good, *bad;
        enum bgp_community_kind kind;
    } rows[] = {
        {"65535:65535", "65536:1", STANDARD},       {"0:0", ":0", STANDARD},
        {"65010:*", "65010:**", STANDARD},          {"*:1", "*", STANDARD},
        {"no-export", "no-exports", STANDARD},      {"65010:1", "65010:1:1", STANDARD},
        {"1:2", "1:-2", STANDARD},                  {"1:2", "1:99999999999", STANDARD},
        {"1:2:4294967295", "1:2:4294967296", LARGE}, {"1:*:3", "1:2", LARGE},
        {"1:2:3", "1:2:", LARGE},                   {"1:2:3", "no-export", LARGE},
        {"1:2:3", "1:2:3:4", LARGE},                {"rt:65010:*", "rt:*:1", EXTENDED},
        {"rt:65535:4294967295", "rt:65536:65536", EXTENDED},
        {"rt:65536:65535", "rt:65010", EXTENDED},
        {"soo:192.0.2.1:7", "soo:192.0.2.1:65536", EXTENDED},
        {"soo:1:1", "so:1:1", EXTENDED},            {"rt:1:1", "1:1", EXTENDED},
        {"generic:0x43000000:0x1", "generic:0x43000000:1", EXTENDED},
        {"generic:0xffffffff:0x0", "generic:0x1ffffffff:0x0", EXTENDED},
    };
    struct bgp_community c;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char text[BGP_COMMUNITY_TEXT_MAX];
        assert_true(bgp_community_parse(rows[i].good, strlen(rows[i].good), rows[i].kind, &c));
        assert_string_equal(bgp_community_text(&c, text), rows[i].good);
        assert_false(bgp_community_parse(rows[i].bad, strlen(rows[i].bad), rows[i].kind, &c));
    }
    c = community("graceful-shutdown", STANDARD);
    assert_int_equal(c.part[0] << 16 | c.part[1], 0xffff0000u);
}

/* RFC 4360 3.1, 3.2 and RFC 5668, octet by octet. */
static void extended_communities_are_their_rfcs_octets(void **state)
{
    static const struct {
        const char *text;
        uint32_t high, low;
    } rows[] = {
        {"rt:65010:100", 0x0002fdf2, 100},
        {"soo:65010:4294967295", 0x0003fdf2, 0xffffffff},
        {"rt:192.0.2.1:5", 0x0102c000, 0x02010005},
        {"rt:4200000000:5", 0x0202fa56, 0xea000005},
        {"generic:0x43000000:0x1", 0x43000000, 1},
    };

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct bgp_community c = community(rows[i].text, EXTENDED);
        assert_int_equal(c.part[0], rows[i].high);
        assert_int_equal(c.part[1], rows[i].low);
        assert_false(bgp_community_open(&c));
    }
    assert_true((community("rt:1:*", EXTENDED).mask[1]) == 0);
}

/* 65010:1 65010:2, rt:65010:100, and 1:2:3 */
static struct bgp_attrs tagged(void)
{
    static const uint8_t standard[] = {0xfd, 0xf2, 0, 1, 0xfd, 0xf2, 0, 2};
    static const uint8_t extended[] = {0, 2, 0xfd, 0xf2, 0, 0, 0, 100};
    static const uint8_t large[] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};

    return (struct bgp_attrs){
        .has = BGP_HAS(BGP_A_COMMUNITIES) | BGP_HAS(BGP_A_EXT_COMMUNITIES) |
               BGP_HAS(BGP_A_LARGE_COMMUNITIES),
        .ext_communities = kd_bytes(extended, sizeof(extended)),
        .communities = kd_bytes(standard, sizeof(standard)),
        .large_communities = kd_bytes(large, sizeof(large)),
    };
}

static struct bgp_policy *one_entry(void)
{
    struct bgp_policy *p = calloc(1, sizeof(*p));

    p->n = 1;
    p->entry[0].permit = true;
    return p;
}

/* Is entry 0 eligible for a? Frees p. */
static bool takes(struct bgp_policy *p, const struct bgp_attrs *a)
{
    struct bgp_route_map *m = bgp_route_map_new(p);
    uint32_t work = 0;
    bool yes = bgp_route_map_eligible(m, a, BGP_FROM_VPN, &work) & 1;

    bgp_route_map_unref(m);
    free(p);
    return yes;
}

static bool takes_communities(const char *first, const char *second, bool both,
                              enum bgp_community_kind kind)
{
    struct bgp_policy *p = one_entry();
    struct bgp_policy_entry *e = &p->entry[0];
    struct bgp_attrs a = tagged();

    e->community[e->n_community++] = community(first, kind);
    if (second)
        e->community[e->n_community++] = community(second, kind);
    e->community[0].and_next = both;
    return takes(p, &a);
}

static void a_community_match_takes_any_of_its_list_and_all_of_a_row(void **state)
{
    (void)state;
    assert_true(takes_communities("65010:1", NULL, false, STANDARD));
    assert_false(takes_communities("65010:3", NULL, false, STANDARD));
    assert_true(takes_communities("65010:*", NULL, false, STANDARD));
    assert_false(takes_communities("65011:*", NULL, false, STANDARD));
    assert_true(takes_communities("*:2", NULL, false, STANDARD));
    assert_true(takes_communities("65010:3", "65010:2", false, STANDARD)); /* either */
    assert_false(takes_communities("65010:3", "65010:2", true, STANDARD)); /* both */
    assert_true(takes_communities("65010:1", "65010:2", true, STANDARD));
    assert_true(takes_communities("1:2:3", NULL, false, LARGE));
    assert_true(takes_communities("1:*:3", NULL, false, LARGE));
    assert_false(takes_communities("1:2:4", NULL, false, LARGE));
    assert_true(takes_communities("rt:65010:100", NULL, false, EXTENDED));
    assert_true(takes_communities("rt:65010:*", NULL, false, EXTENDED));
    assert_false(takes_communities("soo:65010:*", NULL, false, EXTENDED));
    assert_false(takes_communities("rt:65010:101", NULL, false, EXTENDED));
}

static void every_kind_of_match_has_to_hold(void **state)
{
    static const uint8_t path[] = {BGP_AS_SEQUENCE, 1, 0, 0, 0xfd, 0xf2};

    (void)state;
    for (int i = 0; i < 32; i++) {
        struct bgp_policy *p = one_entry();
        struct bgp_policy_entry *e = &p->entry[0];
        struct bgp_attrs a = tagged();
        a.as_path = kd_bytes(path, sizeof(path));
        strcpy(e->as_path[e->n_as_path++], i & 1 ? "^65011$" : "^65010$");
        e->community[e->n_community++] = community(i & 2 ? "65010:9" : "65010:1", STANDARD);
        e->community[e->n_community++] = community(i & 4 ? "1:2:9" : "1:2:3", LARGE);
        e->community[e->n_community++] = community(i & 8 ? "soo:1:1" : "rt:65010:100", EXTENDED);
        e->from = i & 16 ? 1 << BGP_FROM_LOCAL : 1 << BGP_FROM_VPN | 1 << BGP_FROM_OTHER;
        assert_int_equal(takes(p, &a), i == 0);
    }
}

static bool takes_prefix(const struct bgp_prefix_rule *rule, const char *prefix)
{
    struct bgp_policy *p = one_entry();
    struct bgp_route_map *m;
    struct kd_prefix k;
    bool yes;

    p->entry[0].n_prefix = 1;
    p->entry[0].prefix[0] = *rule;
    m = bgp_route_map_new(p);
    assert_true(kd_prefix_parse(prefix, true, &k));
    yes = bgp_route_map_match(m, 1, &k) == 0;
    bgp_route_map_unref(m);
    free(p);
    return yes;
}

static void a_prefix_rule_takes_its_lengths_and_overlapping_both_ways(void **state)
{
    static const struct {
        uint8_t ge, le;
        const char *yes, *no;
    } rows[] = {
        {16, 16, "10.1.0.0/16", "10.1.0.0/17"}, {16, 16, "10.1.0.0/16", "10.0.0.0/15"},
        {16, 24, "10.1.9.0/24", "10.1.9.0/25"}, {20, 24, "10.1.16.0/20", "10.1.0.0/19"},
        {16, 32, "10.1.1.1/32", "10.2.0.0/16"}, {0, 32, "10.1.1.1/32", "10.2.0.0/16"},
        {0, 32, "10.0.0.0/15", "10.2.0.0/15"},  {0, 32, "0.0.0.0/0", "11.0.0.0/8"},
        {0, 32, "10.1.0.0/16", "2001:db8::/32"}, {0, 32, "10.0.0.0/8", "::/0"},
    };
    struct bgp_prefix_rule rule = {0};

    (void)state;
    assert_true(kd_prefix_parse("10.1.0.0/16", true, &rule.prefix));
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        rule.ge = rows[i].ge;
        rule.le = rows[i].le;
        if (!takes_prefix(&rule, rows[i].yes) || takes_prefix(&rule, rows[i].no))
            fail_msg("row %zu", i);
    }
}

static void append(void *arg, const char *line)
{
    strcat(arg, line);
    strcat(arg, "\n");
}

static void add_rule(struct bgp_policy_entry *e, const char *prefix, uint8_t ge, uint8_t le)
{
    struct bgp_prefix_rule *r = &e->prefix[e->n_prefix++];

    assert_true(kd_prefix_parse(prefix, true, &r->prefix));
    r->ge = ge;
    r->le = le;
}

static void a_policy_reads_as_frr_would_have_it(void **state)
{
    static char text[4096];
    struct bgp_policy *p = one_entry();
    struct bgp_policy_entry *e = &p->entry[0];
    struct bgp_route_map *m;

    (void)state;
    strcpy(p->name, "in");
    e->permit = false;
    add_rule(e, "10.1.0.0/16", 16, 16);
    add_rule(e, "10.2.0.0/16", 16, 24);
    add_rule(e, "10.3.0.0/16", 20, 32);
    add_rule(e, "10.4.0.0/16", 0, 32);
    add_rule(e, "2001:db8::/32", 48, 48);
    e = &p->entry[p->n++];
    e->permit = true;
    e->from = 1 << BGP_FROM_VPN | 1 << BGP_FROM_LOCAL;
    strcpy(e->as_path[e->n_as_path++], "_65010$");
    e->community[e->n_community++] = community("65010:1", STANDARD);
    e->community[0].and_next = true;
    e->community[e->n_community++] = community("no-export", STANDARD);
    e->community[e->n_community++] = community("local-as", STANDARD);
    e->community[e->n_community++] = community("65010:1:*", LARGE);
    e->set_local_pref = e->set_med = true;
    e->local_pref = 150;
    e->med = 5;
    e->n_prepend = 2;
    e->prepend[0] = e->prepend[1] = 65515;
    e->delete[e->n_delete++] = community("65010:*", STANDARD);
    e->add[e->n_add++] = community("65515:1", STANDARD);
    e->add[e->n_add++] = community("rt:65515:1", EXTENDED);
    e->add[e->n_add++] = community("soo:1:1", EXTENDED);
    e->add[e->n_add++] = community("rt:65515:2", EXTENDED);
    e->community[e->n_community++] = community("rt:1:*", EXTENDED);
    e->replace[LARGE] = true;
    e->set_nexthop = BGP_NEXTHOP_PEER;
    m = bgp_route_map_new(p);
    text[0] = '\0';
    bgp_route_map_text(m, append, text);
    assert_string_equal(text,
                        "ip prefix-list in-10 seq 5 permit 10.1.0.0/16\n"
                        "ip prefix-list in-10 seq 10 permit 10.2.0.0/16 le 24\n"
                        "ip prefix-list in-10 seq 15 permit 10.3.0.0/16 ge 20\n"
                        "ip prefix-list in-10 seq 20 permit 10.4.0.0/16 overlapping\n"
                        "route-map in deny 10\n"
                        " match ip address prefix-list in-10\n"
                        "ipv6 prefix-list in-15 seq 5 permit 2001:db8::/32 ge 48 le 48\n"
                        "route-map in deny 15\n"
                        " match ipv6 address prefix-list in-15\n"
                        "bgp as-path access-list in-20 seq 5 permit _65010$\n"
                        "bgp community-list standard in-20 permit 65010:1 no-export\n"
                        "bgp community-list standard in-20 permit local-AS\n"
                        "bgp community-list expanded in-20-delete permit _65010:[0-9]+_\n"
                        "bgp extcommunity-list expanded in-20 permit _RT:1:[0-9]+_\n"
                        "bgp large-community-list expanded in-20 permit _65010:1:[0-9]+_\n"
                        "route-map in permit 20\n"
                        " match as-path in-20\n"
                        " match community in-20\n"
                        " match extcommunity in-20\n"
                        " match large-community in-20\n"
                        " match from local vpn\n"
                        " set local-preference 150\n"
                        " set metric 5\n"
                        " set as-path prepend 65515 65515\n"
                        " set comm-list in-20-delete delete\n"
                        " set community 65515:1 additive\n"
                        " set extcommunity rt 65515:1 65515:2\n"
                        " set extcommunity soo 1:1\n"
                        " set large-community none\n"
                        " set ip next-hop peer-address\n"
                        " set ipv6 next-hop peer-address\n");
    struct bgp_route_map *again = bgp_route_map_new(p);
    assert_true(bgp_route_map_same(m, again));
    bgp_route_map_unref(again);
    e->med = 6;
    again = bgp_route_map_new(p);
    assert_false(bgp_route_map_same(m, again));
    bgp_route_map_unref(again);
    bgp_route_map_unref(m);
    free(p);
}

static void edit_of(struct bgp_attrs *a, const struct bgp_community_edit *e, uint8_t *buf)
{
    struct kd_writer w;

    kd_writer_init(&w, buf, 256);
    bgp_community_apply(a, e, &w);
    assert_true(w.ok);
}

static void communities_are_replaced_added_and_deleted(void **state)
{
    struct bgp_community two[] = {community("65010:2", STANDARD), community("7:7:7", LARGE)};
    struct bgp_community all[] = {community("65010:*", STANDARD), community("1:*:*", LARGE)};
    struct bgp_community_edit add = {.n_add = 2, .add = two},
                              none = {.replace = {true, true, true}},
                              set = {.replace = {true}, .n_add = 1, .add = two},
                              del = {.n_delete = 2, .delete = all, .n_add = 1, .add = two};
    struct bgp_attrs a = tagged();
    uint8_t buf[256];

    (void)state;
    edit_of(&a, &add, buf);
    assert_int_equal(a.communities.len, 8); /* 65010:2 was there: not twice */
    assert_int_equal(a.large_communities.len, 24);
    a = tagged();
    edit_of(&a, &none, buf);
    assert_int_equal(a.communities.len, 0);
    assert_int_equal(a.has, 0); /* no empty attribute */
    a = tagged();
    edit_of(&a, &set, buf);
    assert_int_equal(a.communities.len, 4);
    assert_int_equal(a.communities.p[3], 2);
    assert_int_equal(a.large_communities.len, 12); /* the other kind is left alone */
    a = tagged();
    edit_of(&a, &del, buf);
    assert_int_equal(a.communities.len, 4); /* deleted, then added again */
    assert_false(a.has & BGP_HAS(BGP_A_LARGE_COMMUNITIES));
}

/* ---- between engines ---- */

struct pair {
    struct bgp_net *net;
    struct bgp_node *a, *b; /* AS 65515 at 10.0.0.1 and asn_b at 10.0.0.2; each other's peer 0 */
    struct bgp_peer_config *ca, *cb;
};

static struct pair pair_of(uint32_t asn_b)
{
    struct pair p = {.net = bgp_net_new(SEED)};

    p.a = bgp_net_add(p.net, 65515, 1, false);
    p.b = bgp_net_add(p.net, asn_b, 2, false);
    bgp_net_link(p.net, p.a, "10.0.0.1", BGP_NO_IFACE, p.b, "10.0.0.2", BGP_NO_IFACE);
    p.ca = bgp_test_config("10.0.0.2", asn_b);
    p.cb = bgp_test_config("10.0.0.1", 65515);
    return p;
}

/* b announces 10.1.0.0/16, a 10.2.0.0/16. */
static void start(struct pair *p)
{
    assert_true(bgp_test_set(p->a->b, 0, p->ca));
    assert_true(bgp_test_set(p->b->b, 0, p->cb));
    bgp_node_local(p->b, "10.1.0.0/16", true, bgp_net_now(p->net));
    bgp_node_local(p->a, "10.2.0.0/16", true, bgp_net_now(p->net));
    bgp_net_on(p->net, p->a, 0);
    bgp_net_on(p->net, p->b, 0);
    assert_true(bgp_net_until_up(p->net, p->a, 0, KD_S(30)));
    assert_true(bgp_net_until_up(p->net, p->b, 0, KD_S(30)));
    bgp_net_run(p->net, KD_S(1));
}

static void communities_cross_and_are_matched_on_arrival(void **state)
{
    struct pair p = pair_of(65020);
    struct bgp_policy *out = bgp_test_export(p.cb), *in = bgp_test_import(p.ca);
    struct bgp_route_view r;

    (void)state;
    out->entry[0].add[out->entry[0].n_add++] = community("65020:7", STANDARD);
    out->entry[0].add[out->entry[0].n_add++] = community("65020:1:9", LARGE);
    in->n = 2;
    in->entry[1] = in->entry[0];
    in->entry[0].community[in->entry[0].n_community++] = community("65020:7", STANDARD);
    in->entry[0].set_local_pref = in->entry[1].set_local_pref = true;
    in->entry[0].local_pref = 300;
    in->entry[1].local_pref = 50;
    start(&p);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.local_pref, 300);
    assert_int_equal(r.n_communities, 1);
    assert_int_equal(r.communities[0], 65020u << 16 | 7);
    assert_int_equal(r.n_large, 1);
    assert_int_equal(r.large[0][2], 9);
    bgp_net_free(p.net);
}

/* RFC 4360 6: a does not tell c what is not transitive. */
static void extended_communities_cross_unless_they_stay_inside_an_as(void **state)
{
    struct pair p = pair_of(65020);
    struct bgp_node *c = bgp_net_add(p.net, 65030, 3, false);
    struct bgp_policy_entry *out = &bgp_test_export(p.cb)->entry[0];
    struct bgp_route_view r;

    (void)state;
    bgp_net_link(p.net, p.a, "10.0.1.1", BGP_NO_IFACE, c, "10.0.1.3", BGP_NO_IFACE);
    out->add[out->n_add++] = community("rt:65020:7", EXTENDED);
    out->add[out->n_add++] = community("generic:0x40040000:0x1", EXTENDED);
    assert_true(bgp_test_set(p.a->b, 1, bgp_test_config("10.0.1.3", 65030)));
    assert_true(bgp_test_set(c->b, 0, bgp_test_config("10.0.1.1", 65515)));
    bgp_net_on(p.net, p.a, 1);
    bgp_net_on(p.net, c, 0);
    start(&p);
    bgp_net_run(p.net, KD_S(30));
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.n_ext, 2); /* b's own policy set both */
    assert_true(bgp_node_route(c, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_int_equal(r.n_ext, 1);
    assert_int_equal(r.ext[0][0], 0x0002fdfc);
    bgp_net_free(p.net);
}

/* b is ExpressRoute to a, c a site: what b tells goes to c only where nothing denies its source. */
static void an_export_policy_knows_where_a_route_was_learned(void **state)
{
    struct bgp_route_view r;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pair p = pair_of(65020);
        struct bgp_node *c = bgp_net_add(p.net, 65030, 3, false);
        struct bgp_peer_config *site = bgp_test_config("10.0.1.3", 65030);
        struct bgp_policy *out = bgp_test_export(site);
        bgp_net_link(p.net, p.a, "10.0.1.1", BGP_NO_IFACE, c, "10.0.1.3", BGP_NO_IFACE);
        p.ca->source = BGP_FROM_EXPRESSROUTE;
        out->entry[0].from = i ? 1 << BGP_FROM_EXPRESSROUTE : 1 << BGP_FROM_VPN;
        out->entry[0].permit = false;
        out->entry[out->n++].permit = true;
        assert_true(bgp_test_set(p.a->b, 1, site));
        assert_true(bgp_test_set(c->b, 0, bgp_test_config("10.0.1.1", 65515)));
        bgp_net_on(p.net, p.a, 1);
        bgp_net_on(p.net, c, 0);
        start(&p);
        bgp_net_run(p.net, KD_S(30));
        assert_true(bgp_node_route(c, BGP_VIEW_BEST, UINT32_MAX, "10.2.0.0/16", &r)); /* a's own */
        assert_int_equal(bgp_node_route(c, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r), !i);
        bgp_net_free(p.net);
    }
}

static void an_as_path_match_decides_on_import_and_export(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct pair p = pair_of(65020);
        (void)state;
        strcpy(bgp_test_import(p.ca)->entry[0].as_path[0], i & 1 ? "_65020_" : "_65021_");
        bgp_test_import(p.ca)->entry[0].n_as_path = 1;
        strcpy(bgp_test_export(p.ca)->entry[0].as_path[0], i & 2 ? "^$" : "^1$");
        bgp_test_export(p.ca)->entry[0].n_as_path = 1;
        start(&p);
        assert_int_equal(p.a->fib_n, i & 1);
        assert_int_equal(p.b->fib_n, i >> 1);
        bgp_net_free(p.net);
    }
}

static void our_own_as_is_let_in_as_often_as_allowed(void **state)
{
    struct bgp_route_view r;

    (void)state;
    for (uint8_t allowed = 0; allowed < 3; allowed++) {
        struct pair p = pair_of(65020);
        bgp_test_export(p.cb)->entry[0].n_prepend = 2;
        bgp_test_export(p.cb)->entry[0].prepend[0] = 65515;
        bgp_test_export(p.cb)->entry[0].prepend[1] = 65515;
        p.ca->allow_as_in = allowed;
        start(&p);
        assert_true(bgp_node_route(p.a, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &r));
        assert_int_equal(r.accepted, allowed >= 2);
        bgp_net_free(p.net);
    }
}

/* Through 65515, between two sites of one AS. */
static void sites_with_one_as_hear_of_each_other_by_as_override(void **state)
{
    struct bgp_route_view r;

    (void)state;
    for (int on = 0; on < 2; on++) {
        struct pair p = pair_of(65020);
        struct bgp_node *site = bgp_net_add(p.net, 65020, 3, false);
        struct bgp_peer_config *c = bgp_test_config("10.0.1.2", 65020);
        bgp_net_link(p.net, p.a, "10.0.1.1", BGP_NO_IFACE, site, "10.0.1.2", BGP_NO_IFACE);
        c->as_override = on;
        assert_true(bgp_test_set(p.a->b, 1, c));
        assert_true(bgp_test_set(site->b, 0, bgp_test_config("10.0.1.1", 65515)));
        start(&p);
        bgp_net_on(p.net, p.a, 1);
        bgp_net_on(p.net, site, 0);
        assert_true(bgp_net_until_up(p.net, site, 0, KD_S(30)));
        bgp_net_run(p.net, KD_S(1));
        assert_int_equal(bgp_node_route(site, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r), on);
        if (on) {
            assert_int_equal(r.n_as, 2);
            assert_int_equal(r.as_path[0], 65515);
            assert_int_equal(r.as_path[1], 65515);
        }
        bgp_net_free(p.net);
    }
}

static void a_next_hop_is_set_both_ways(void **state)
{
    struct pair p = pair_of(65020);
    struct bgp_route_view r;

    (void)state;
    bgp_test_import(p.ca)->entry[0].set_nexthop = BGP_NEXTHOP_ADDRESS;
    bgp_test_import(p.ca)->entry[0].nexthop = bgp_test_addr("10.0.0.9");
    bgp_test_export(p.ca)->entry[0].set_nexthop = BGP_NEXTHOP_ADDRESS;
    bgp_test_export(p.ca)->entry[0].nexthop = bgp_test_addr("10.0.0.8");
    start(&p);
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_true(kd_addr_eq(&r.nexthop, &(struct kd_addr){.family = 4, .b = {10, 0, 0, 9}}));
    assert_true(kd_addr_eq(&bgp_node_fib(p.a, "10.1.0.0/16")->paths.best[0].nexthop, &r.nexthop));
    assert_true(bgp_node_route(p.b, BGP_VIEW_BEST, UINT32_MAX, "10.2.0.0/16", &r));
    assert_true(kd_addr_eq(&r.nexthop, &(struct kd_addr){.family = 4, .b = {10, 0, 0, 8}}));
    p.ca = bgp_test_config("10.0.0.2", 65020); /* taken back without a new session */
    bgp_test_import(p.ca)->entry[0].set_nexthop = BGP_NEXTHOP_PEER;
    assert_true(bgp_test_set(p.a->b, 0, p.ca));
    bgp_net_event(p.net, p.a, (struct bgp_event){.kind = BGP_EV_REFRESH});
    bgp_net_run(p.net, KD_S(1));
    assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
    assert_true(kd_addr_eq(&r.nexthop, &(struct kd_addr){.family = 4, .b = {10, 0, 0, 2}}));
    assert_true(kd_addr_eq(&bgp_node_fib(p.a, "10.1.0.0/16")->paths.best[0].nexthop, &r.nexthop));
    assert_null(bgp_node_note(p.a, 0, BGP_NOTE_STOP));
    bgp_net_free(p.net);
}

static void what_is_tagged_as_leaving_is_the_last_choice_where_configured(void **state)
{
    struct bgp_route_view r;

    (void)state;
    for (int on = 0; on < 2; on++) {
        struct pair p = pair_of(65020);
        struct bgp_policy_entry *e = &bgp_test_export(p.cb)->entry[0];
        e->add[e->n_add++] = community("graceful-shutdown", STANDARD);
        p.ca->graceful_shutdown = on;
        start(&p);
        assert_true(bgp_node_route(p.a, BGP_VIEW_BEST, UINT32_MAX, "10.1.0.0/16", &r));
        assert_int_equal(r.local_pref, on ? 0 : 100);
        bgp_net_free(p.net);
    }
}

/* The session stays; what was told is told again with the tag, and without it once taken back. */
static void leaving_is_announced_and_taken_back(void **state)
{
    for (int ibgp = 0; ibgp < 2; ibgp++) {
        struct pair p = pair_of(ibgp ? 65515 : 65020);
        struct bgp_route_view r;
        (void)state;
        start(&p);
        for (int up = 1; up >= 0; up--) {
            bgp_net_event(p.net, p.a, (struct bgp_event){.kind = BGP_EV_LEAVE, .up = up});
            bgp_net_run(p.net, KD_S(1));
            assert_true(bgp_node_route(p.b, BGP_VIEW_BEST, UINT32_MAX, "10.2.0.0/16", &r));
            assert_int_equal(r.n_communities, up);
            if (up)
                assert_int_equal(r.communities[0], BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
            assert_int_equal(r.local_pref, ibgp && up ? 0 : 100);
            /* and what the neighbor says is the last choice, though it says nothing new */
            assert_true(bgp_node_route(p.a, BGP_VIEW_LEARNED, 0, "10.1.0.0/16", &r));
            assert_int_equal(r.local_pref, up ? 0 : 100);
            assert_int_equal(r.n_communities, up);
        }
        assert_null(bgp_node_note(p.a, 0, BGP_NOTE_STOP));
        bgp_net_free(p.net);
    }
}

static void a_refresh_asks_the_peer_or_tells_it_everything_again(void **state)
{
    struct pair p = pair_of(65020);
    struct bgp_peer_view before, after;

    (void)state;
    start(&p);
    for (int out = 0; out < 2; out++) {
        struct bgp_event ev = {.kind = BGP_EV_REFRESH, .in = !out, .out = out};
        struct bgp_node *teller = out ? p.a : p.b;
        assert_true(bgp_peer_get(teller->b, 0, &before));
        bgp_net_event(p.net, p.a, ev);
        bgp_net_run(p.net, KD_MS(500));
        assert_true(bgp_peer_get(teller->b, 0, &after));
        assert_true(after.msgs_out > before.msgs_out);
    }
    assert_null(bgp_node_note(p.a, 0, BGP_NOTE_STOP));
    bgp_net_free(p.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_path_patterns_mean_what_they_mean_to_ios),
        cmocka_unit_test(patterns_that_mean_nothing_are_refused_with_their_place),
        cmocka_unit_test(the_longest_path_costs_no_more_than_its_length),
        cmocka_unit_test(a_path_is_written_as_ios_shows_it),
        cmocka_unit_test(communities_are_read_with_their_bounds),
        cmocka_unit_test(extended_communities_are_their_rfcs_octets),
        cmocka_unit_test(a_prefix_rule_takes_its_lengths_and_overlapping_both_ways),
        cmocka_unit_test(a_policy_reads_as_frr_would_have_it),
        cmocka_unit_test(extended_communities_cross_unless_they_stay_inside_an_as),
        cmocka_unit_test(an_export_policy_knows_where_a_route_was_learned),
        cmocka_unit_test(a_community_match_takes_any_of_its_list_and_all_of_a_row),
        cmocka_unit_test(every_kind_of_match_has_to_hold),
        cmocka_unit_test(communities_are_replaced_added_and_deleted),
        cmocka_unit_test(communities_cross_and_are_matched_on_arrival),
        cmocka_unit_test(an_as_path_match_decides_on_import_and_export),
        cmocka_unit_test(our_own_as_is_let_in_as_often_as_allowed),
        cmocka_unit_test(sites_with_one_as_hear_of_each_other_by_as_override),
        cmocka_unit_test(a_next_hop_is_set_both_ways),
        cmocka_unit_test(leaving_is_announced_and_taken_back),
        cmocka_unit_test(a_refresh_asks_the_peer_or_tells_it_everything_again),
        cmocka_unit_test(what_is_tagged_as_leaving_is_the_last_choice_where_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
