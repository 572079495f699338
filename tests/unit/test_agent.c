/* What kedged and an agent say to one another: an order as text, a report as it comes, and the
 * nearest report that is none. */
#include "control/agent.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct drill_report r;
static struct ctl_fields_error error;

static const char good[] =
    "{\"version\":1,\"run\":7,\"final\":true,\"error_us\":120,"
    "\"buckets\":[{\"at_us\":1000,\"b.answered\":9,\"b.lost\":1,\"b.rtt_max_us\":800}],"
    "\"outages\":[{\"first_seq\":5,\"lost\":2,\"last_good_us\":2000,\"first_good_us\":5000,"
    "\"counted\":true,\"lost_out\":2,\"lost_back\":0}],"
    "\"paths\":[{\"at_us\":1500,\"hops\":[\"10.1.11.1\",null,\"10.17.11.132\"],\"reached\":true}],"
    "\"summary\":{\"sent\":12,\"answered\":10,\"lost\":2,\"late\":0,\"duplicate\":0,\"reordered\":"
    "0,"
    "\"lost_out\":2,\"lost_back\":0,\"counted\":true,\"outages\":1,\"open\":false,"
    "\"open_since_us\":0,\"longest.lost\":2,\"longest.last_good_us\":2000,"
    "\"longest.first_good_us\":5000,\"passed.lost\":1,\"passed.last_good_us\":6000,"
    "\"passed.first_good_us\":8000,\"n_passed\":1,\"passed_us\":7000,\"newest_good_us\":9000,"
    "\"waiting_us\":0,"
    "\"now_us\":9500,\"rtt_min_us\":1,\"rtt_mean_us\":2,\"rtt_p50_us\":3,"
    "\"rtt_p95_us\":4,\"rtt_max_us\":5}}";

static void a_report_is_read(void **state)
{
    (void)state;
    assert_true(ctl_agent_report(kd_bytes_str(good), &r, &error));
    assert_true(r.run == 7 && r.final && r.error_us == 120);
    assert_true(r.n_buckets == 1 && r.bucket[0].at_us == 1000 && r.bucket[0].b.answered == 9);
    assert_true(r.n_outages == 1 && r.outage[0].counted && r.outage[0].first_good_us == 5000);
    assert_true(r.n_paths == 1 && r.path[0].hops.n == 3 && r.path[0].hops.reached);
    assert_int_equal(r.path[0].hops.hop[1].family, 0);
    assert_true(r.summary.sent == 12 && r.summary.longest.first_good_us == 5000);
}

/* One place of the good one written otherwise. */
static void what_is_no_report_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *was, *is, *place;
    } rows[] = {
        {"\"version\":1", "\"version\":2", "version"},
        {"\"run\":7", "\"run\":\"7\"", "run"},
        {"\"run\":7", "\"run\":4294967296", "run"},
        {"\"final\":true", "\"final\":1", "final"},
        {"\"at_us\":1000", "\"at_us\":-1", "buckets[0].at_us"},
        {"\"at_us\":1000", "\"at_us\":72057594037927937", "buckets[0].at_us"},
        {"\"b.lost\":1", "\"lost\":1", "buckets[0].b.lost"},
        {"\"buckets\":[", "\"buckets\":7,\"b\":[", "buckets"},
        {"\"first_good_us\":5000,\"counted", "\"first_good_us\":1999,\"counted", "outages[0]"},
        {"\"10.1.11.1\"", "\"10.1.11\"", "paths[0]"},
        {"\"reached\":true}]", "\"reached\":true},{}]", "paths[1].at_us"},
        {"\"n_passed\":1", "\"n_passed\":true", "summary.n_passed"},
        {"\"now_us\":9500,", "", "summary.now_us"},
        {"\"open\":false", "\"open\":null", "summary.open"},
        {"\"summary\":{", "\"total\":{", "summary.sent"},
    };
    char text[2048];
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const char *at = strstr(good, rows[i].was);
        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, rows[i].is,
                 at + strlen(rows[i].was));
        assert_false(ctl_agent_report(kd_bytes_str(text), &r, &error));
        if (!strstr(error.text, rows[i].place))
            fail_msg("\"%s\" doesn't name %s", error.text, rows[i].place);
    }
    assert_false(ctl_agent_report(kd_bytes(good, sizeof(good) - 2), &r, &error));
    assert_false(ctl_agent_report(kd_bytes_str(""), &r, &error));
}

static void an_order_says_what_to_do(void **state)
{
    struct drill_order o = {.port = 8624, .every_us = 10000, .limit_us = KD_S(60)};
    char *line;
    (void)state;
    assert_true(kd_addr_parse("10.17.11.132", &o.to));
    line = ctl_agent_order(3, &o);
    assert_string_equal(line,
                        "{\"version\":1,\"order\":\"start\",\"run\":3,\"to\":\"10.17.11.132\","
                        "\"from\":null,\"port\":8624,\"every_us\":10000,"
                        "\"limit_us\":60000000}\n");
    free(line);
    line = ctl_agent_order(3, NULL);
    assert_string_equal(line, "{\"version\":1,\"order\":\"stop\",\"run\":3}\n");
    free(line);
}

static void an_agents_name_is_one_plain_word(void **state)
{
    (void)state;
    assert_true(ctl_agent_name("server"));
    assert_true(ctl_agent_name("vm-1.spoke_2"));
    assert_true(ctl_agent_name("0123456789012345678901234567890"));
    assert_false(ctl_agent_name("01234567890123456789012345678901"));
    assert_false(ctl_agent_name(""));
    assert_false(ctl_agent_name("a b"));
    assert_false(ctl_agent_name("a/b"));
    assert_false(ctl_agent_name("\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_read),
        cmocka_unit_test(what_is_no_report_is_refused_with_its_place),
        cmocka_unit_test(an_order_says_what_to_do),
        cmocka_unit_test(an_agents_name_is_one_plain_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
