/* Distinguished names between text and DER. */
#include "test_crypto.h"

static struct blob der_of(const char *text)
{
    struct blob out;
    struct kd_writer w;

    kd_writer_init(&w, out.b, sizeof(out.b));
    if (!kc_dn_put(&w, text))
        fail_msg("refused: %s", text);
    out.len = w.pos;
    return out;
}

static void a_name_is_written_as_rfc5280_has_it(void **state)
{
    struct blob x = der_of("C=US, O=Example, CN=gw");

    (void)state;
    assert_bytes(x.b, x.len,
                 "302c310b3009060355040613025553"       /* PrintableString */
                 "3110300e060355040a0c074578616d706c65" /* UTF8String */
                 "310b300906035504030c026777");
}

static void a_name_comes_back_as_it_was_written(void **state)
{
    static const char *const same[] = {
        "C=US, O=Example, CN=gw",
        "DC=com, DC=example, UID=17",
        "CN=a b  c",
        "CN=a\\2cb\\3d\\5c",
        "emailAddress=ops@example.com, serialNumber=0a",
        "CN=\\20x\\20",
        "CN=\\c3\\a9",
    };
    char buf[200];

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(same); i++) {
        struct blob x = der_of(same[i]);
        assert_true(kc_dn_str(view(&x), buf, sizeof(buf)));
        assert_string_equal(buf, same[i]);
    }
}

static void blanks_and_case_of_types_do_not_matter(void **state)
{
    struct blob x = der_of("C=US, O=Example, CN=gw"), y = der_of("c=US,o=  Example ,CN=gw ");

    (void)state;
    assert_true(kc_dn_equal(view(&x), view(&y)));
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const bad[] = {"",          "gw",     "CN=",       "CN=a,", "XX=a",
                                      "CN=a+O=b",  "CN=a=b", "CN=a\\",    "=a",    ",CN=a",
                                      "CN=a,,O=b", "CN a=b", "2.5.4.3=gw"};

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        uint8_t out[100];
        struct kd_writer w;
        kd_writer_init(&w, out, sizeof(out));
        if (kc_dn_put(&w, bad[i]))
            fail_msg("taken: %s", bad[i]);
    }
}

/* A certificate's PrintableString is the configuration's UTF8String. */
static void the_kind_of_string_does_not_matter_the_value_does(void **state)
{
    struct blob utf8 = unhex("300d310b300906035504030c026777"),
                printable = unhex("300d310b3009060355040313026777"),
                bmp = unhex("300f310d300b06035504031e0400670077"),
                upper = unhex("300d310b300906035504030c024757"),
                twice = unhex("301a310b300906035504030c026777310b300906035504030c026777"),
                multi = unhex("30183116300906035504030c026777300906035504030c026777");

    (void)state;
    assert_true(kc_dn_equal(view(&utf8), view(&printable)));
    assert_false(kc_dn_equal(view(&utf8), view(&bmp)));
    assert_true(kc_dn_equal(view(&bmp), view(&bmp)));
    assert_true(kc_dn_valid(view(&bmp)) && kc_dn_valid(view(&multi)));
    assert_false(kc_dn_equal(view(&utf8), view(&upper)));
    assert_false(kc_dn_equal(view(&utf8), view(&twice)));
    assert_false(kc_dn_equal(view(&twice), view(&utf8)));
    assert_false(kc_dn_equal(view(&twice), view(&multi)));
}

static void malformed_der_has_no_text_and_equals_nothing(void **state)
{
    static const char *const bad[] = {"",
                                      "30",
                                      "3000ff",
                                      "300d310b300906035504030c0267",
                                      "300d310b300906035504030c02677700",
                                      "310b300906035504030c026777",
                                      "300f310d300906035504030c0267770500",
                                      "30043102ffff"};
    char buf[100];

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
        struct blob x = unhex(bad[i]);
        if (kc_dn_str(view(&x), buf, sizeof(buf)) || buf[0])
            fail_msg("text of %s: %s", bad[i], buf);
        assert_false(kc_dn_equal(view(&x), view(&x)));
        assert_false(kc_dn_valid(view(&x)));
    }
}

static void a_text_is_cut_at_its_buffer_and_harmless(void **state)
{
    struct blob x = unhex("3014311230100603550403"
                          "0c09"
                          "1b5b33316d22240a3c");
    char buf[64], small[8];

    (void)state;
    assert_true(kc_dn_str(view(&x), buf, sizeof(buf)));
    assert_string_equal(buf, "CN=\\1b[31m\\22\\24\\0a\\3c");
    assert_true(kc_dn_str(view(&x), small, sizeof(small)));
    assert_string_equal(small, "CN=\\1b[");
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_name_is_written_as_rfc5280_has_it),
        T(a_name_comes_back_as_it_was_written),
        T(blanks_and_case_of_types_do_not_matter),
        T(what_is_no_name_is_refused),
        T(the_kind_of_string_does_not_matter_the_value_does),
        T(malformed_der_has_no_text_and_equals_nothing),
        T(a_text_is_cut_at_its_buffer_and_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
