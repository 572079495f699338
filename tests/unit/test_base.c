/* Claims about src/base: cursors, addresses, handles, timers, schema. */
#include "base/addr.h"
#include "base/schema.h"
#include "base/slab.h"
#include "base/timers.h"
#include "base/utc.h"
#include "base/wire.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

static void reader_past_the_end_gives_zero_and_stays_failed(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5};
    struct kd_reader r;

    (void)state;
    kd_reader_init(&r, kd_bytes(data, sizeof(data)));
    assert_int_equal(kd_get_u32(&r), 0x01020304);
    assert_int_equal(kd_get_u16(&r), 0);
    assert_false(r.ok);
    assert_int_equal(kd_get_u8(&r), 0);
    assert_int_equal(kd_reader_left(&r), 0);
    assert_false(kd_reader_done(&r));
}

static void reader_exactly_to_the_end_is_done(void **state)
{
    static const uint8_t data[] = {0, 0, 0, 0, 0, 0, 1, 2};
    struct kd_reader r;

    (void)state;
    kd_reader_init(&r, kd_bytes(data, sizeof(data)));
    assert_int_equal(kd_get_u64(&r), 0x0102);
    assert_true(kd_reader_done(&r));
    assert_int_equal(kd_get_bytes(&r, 0).len, 0);
    assert_true(kd_reader_done(&r));
}

static void reader_length_near_size_max_does_not_wrap(void **state)
{
    static const uint8_t data[] = {1, 2};
    struct kd_reader r;

    (void)state;
    kd_reader_init(&r, kd_bytes(data, sizeof(data)));
    kd_get_u8(&r);
    assert_int_equal(kd_get_bytes(&r, SIZE_MAX).len, 0);
    assert_false(r.ok);
}

static void sub_reader_error_stays_inside(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4};
    struct kd_reader r, sub;

    (void)state;
    kd_reader_init(&r, kd_bytes(data, sizeof(data)));
    sub = kd_get_sub(&r, 1);
    kd_get_u16(&sub);
    assert_false(sub.ok);
    assert_true(r.ok);
    assert_int_equal(kd_get_u8(&r), 2);
    sub = kd_get_sub(&r, 3);
    assert_false(sub.ok);
    assert_false(r.ok);
}

static void writer_overflow_writes_nothing_and_stays_failed(void **state)
{
    uint8_t buf[4] = {9, 9, 9, 9};
    struct kd_writer w;

    (void)state;
    kd_writer_init(&w, buf, 3);
    kd_put_u16(&w, 0x0102);
    kd_put_u32(&w, 0xffffffff);
    assert_false(w.ok);
    kd_put_u8(&w, 7);
    assert_int_equal(w.pos, 2);
    assert_int_equal(buf[2], 9);
    assert_int_equal(buf[3], 9);
}

static void gap_is_patched_in_place(void **state)
{
    uint8_t buf[8];
    struct kd_writer w;
    size_t at;

    (void)state;
    kd_writer_init(&w, buf, sizeof(buf));
    at = kd_put_gap(&w, 2);
    kd_put_u24(&w, 0x010203);
    kd_patch_u16(&w, at, (uint16_t)w.pos);
    assert_int_equal(w.pos, 5);
    assert_memory_equal(buf, "\0\5\1\2\3", 5);
}

static void addresses_print_as_they_parse(void **state)
{
    static const char *const good[] = {"10.17.11.76", "0.0.0.0", "2001:db8::1", "::"};
    static const char *const bad[] = {"10.17.11", "10.17.11.256", "10.17.11.1 ",
                                      "",         "::g",          "1::2::3"};
    char buf[KD_ADDR_STR_MAX];
    struct kd_addr a;

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
        assert_true(kd_addr_parse(good[i], &a));
        assert_string_equal(kd_addr_str(&a, buf), good[i]);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
        assert_false(kd_addr_parse(bad[i], &a));
}

static void strict_prefix_refuses_host_bits_and_bad_lengths(void **state)
{
    static const char *const bad[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                                      "10.0.0.0/8x", "2001:db8::/129", "10.0.0.0/ 8"};
    char buf[KD_PREFIX_STR_MAX];
    struct kd_prefix p;

    (void)state;
    assert_true(kd_prefix_parse("10.17.11.128/26", true, &p));
    assert_string_equal(kd_prefix_str(&p, buf), "10.17.11.128/26");
    assert_true(kd_prefix_parse("10.0.0.1", true, &p));
    assert_int_equal(p.len, 32);
    assert_true(kd_prefix_parse("10.0.0.1/8", false, &p));
    assert_string_equal(kd_prefix_str(&p, buf), "10.0.0.0/8");
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
        assert_false(kd_prefix_parse(bad[i], true, &p));
}

static void prefix_covers_itself_and_inside_only(void **state)
{
    struct kd_prefix wide, narrow, other, any;
    struct kd_addr last;
    char buf[KD_ADDR_STR_MAX];

    (void)state;
    assert_true(kd_prefix_parse("10.17.11.0/25", true, &wide));
    assert_true(kd_prefix_parse("10.17.11.64/26", true, &narrow));
    assert_true(kd_prefix_parse("10.17.11.128/26", true, &other));
    assert_true(kd_prefix_parse("::/0", true, &any));
    assert_true(kd_prefix_covers(&wide, &wide));
    assert_true(kd_prefix_covers(&wide, &narrow));
    assert_false(kd_prefix_covers(&narrow, &wide));
    assert_false(kd_prefix_covers(&wide, &other));
    assert_false(kd_prefix_covers(&any, &wide));
    last = kd_prefix_last(&wide);
    assert_string_equal(kd_addr_str(&last, buf), "10.17.11.127");
}

static void freed_handle_finds_nothing_even_after_reuse(void **state)
{
    struct kd_slab s;
    struct kd_handle a, b;
    int *p;

    (void)state;
    kd_slab_init(&s, sizeof(int), 2);
    p = kd_slab_new(&s, &a);
    assert_non_null(p);
    *p = 5;
    kd_slab_free(&s, a);
    assert_null(kd_slab_get(&s, a));
    p = kd_slab_new(&s, &b);
    assert_non_null(p);
    assert_int_equal(*p, 0);
    assert_int_equal(b.idx, a.idx);
    assert_int_not_equal(b.gen, a.gen);
    assert_null(kd_slab_get(&s, a));
    assert_ptr_equal(kd_slab_get(&s, b), p);
    kd_slab_free(&s, a); /* stale: ignored */
    assert_ptr_equal(kd_slab_get(&s, b), p);
    kd_slab_fini(&s);
}

/* From many slots a chunk to one. */
static void slab_of_any_size_keeps_its_objects_apart(void **state)
{
    static const size_t elem[] = {1, 2000, 2032, 2033, 40000, 65536, 100000};
    (void)state;

    for (size_t k = 0; k < sizeof(elem) / sizeof(elem[0]); k++) {
        struct kd_handle h[70], at = KD_HANDLE_NONE;
        struct kd_slab s;
        unsigned n = 0;
        uint8_t *p;
        kd_slab_init(&s, elem[k], 70);
        for (unsigned i = 0; i < 70; i++) {
            p = kd_slab_new(&s, &h[i]);
            assert_non_null(p);
            assert_int_equal(p[0] | p[elem[k] - 1], 0);
            memset(p, (int)i + 1, elem[k]);
        }
        for (; (p = kd_slab_next(&s, &at)); n++) {
            assert_ptr_equal(p, kd_slab_get(&s, h[n]));
            assert_int_equal(p[0], n + 1);
            assert_int_equal(p[elem[k] - 1], n + 1);
        }
        assert_int_equal(n, 70);
        assert_true(s.n_made >= 70 && s.n_made < 70 + KD_SLAB_CHUNK);
        kd_slab_fini(&s);
    }
}

static void slab_ends_at_its_cap(void **state)
{
    struct kd_slab s;
    struct kd_handle h[3];

    (void)state;
    kd_slab_init(&s, 8, 2);
    assert_non_null(kd_slab_new(&s, &h[0]));
    assert_non_null(kd_slab_new(&s, &h[1]));
    assert_null(kd_slab_new(&s, &h[2]));
    kd_slab_free(&s, h[0]);
    assert_non_null(kd_slab_new(&s, &h[2]));
    kd_slab_fini(&s);
}

static void slab_iteration_survives_freeing_the_current(void **state)
{
    struct kd_slab s;
    struct kd_handle h;
    int n = 0;

    (void)state;
    kd_slab_init(&s, 4, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(kd_slab_new(&s, &h));
    h = KD_HANDLE_NONE;
    while (kd_slab_next(&s, &h)) {
        kd_slab_free(&s, h);
        n++;
    }
    assert_int_equal(n, 100);
    assert_int_equal(s.n_live, 0);
    kd_slab_fini(&s);
}

static void timers_fire_in_order_and_ties_by_id(void **state)
{
    struct kd_timers t;
    uint32_t id;
    static const uint32_t want[] = {4, 2, 7, 1};

    (void)state;
    kd_timers_init(&t);
    assert_true(kd_timers_set(&t, 7, 200));
    assert_true(kd_timers_set(&t, 2, 200));
    assert_true(kd_timers_set(&t, 1, 50));
    assert_true(kd_timers_set(&t, 4, 100));
    assert_true(kd_timers_set(&t, 1, 300)); /* moved */
    assert_true(kd_timers_set(&t, 9, 10));
    kd_timers_del(&t, 9);
    assert_int_equal(kd_timers_next(&t), 100);
    assert_false(kd_timers_pop(&t, 99, &id));
    for (size_t i = 0; i < KD_ARRAY_LEN(want); i++) {
        assert_true(kd_timers_pop(&t, 300, &id));
        assert_int_equal(id, want[i]);
    }
    assert_int_equal(kd_timers_next(&t), KD_NEVER);
    kd_timers_fini(&t);
}

static void timers_agree_with_a_sorted_list(void **state)
{
    struct kd_timers t;
    uint64_t at[64], last = 0;
    uint32_t x = 12345, id, n = 0;

    (void)state;
    printf("seed %u\n", x);
    kd_timers_init(&t);
    for (uint32_t i = 0; i < 64; i++)
        at[i] = KD_NEVER;
    for (int i = 0; i < 5000; i++) {
        x = x * 1664525u + 1013904223u;
        at[x >> 8 & 63] = (x >> 16 & 15) ? x >> 20 : KD_NEVER;
        assert_true(kd_timers_set(&t, x >> 8 & 63, at[x >> 8 & 63]));
    }
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(kd_timers_get(&t, i), at[i]);
        n += at[i] != KD_NEVER;
    }
    while (kd_timers_pop(&t, KD_NEVER - 1, &id)) {
        assert_true(at[id] >= last);
        last = at[id];
        n--;
    }
    assert_int_equal(n, 0);
    kd_timers_fini(&t);
}

/* ---- schema ---- */

enum thing_kind { THING_A, THING_B };

struct thing {
    enum thing_kind kind;
    uint16_t port;
    bool up;
    struct kd_addr addr;
    struct kd_prefix prefix;
    struct kd_handle handle;
    struct kd_bytes data;
    struct kd_span span;
    char name[8];
};

static const struct kd_field thing_a[] = {
    KD_FIELD(struct thing, port, KD_F_U16),      KD_FIELD(struct thing, up, KD_F_BOOL),
    KD_FIELD(struct thing, addr, KD_F_ADDR),     KD_FIELD(struct thing, prefix, KD_F_PREFIX),
    KD_FIELD(struct thing, handle, KD_F_HANDLE), KD_FIELD(struct thing, data, KD_F_BYTES),
    KD_FIELD(struct thing, name, KD_F_STR),
};
static const struct kd_field thing_b[] = {KD_FIELD(struct thing, span, KD_F_SPAN)};
static const struct kd_record thing_records[] = {
    {THING_A, "thing.a", thing_a, KD_ARRAY_LEN(thing_a)},
    {THING_B, "thing.b", thing_b, KD_ARRAY_LEN(thing_b)},
};
static const struct kd_schema thing_schema = {"thing", 3, offsetof(struct thing, kind),
                                              thing_records, KD_ARRAY_LEN(thing_records)};

static size_t encode_thing(uint8_t *buf, size_t cap)
{
    struct thing t = {.kind = THING_A, .port = 4500, .up = true, .handle = {3, 9},
                      .data = kd_bytes("abc", 3), .name = "er"};
    struct kd_writer w;

    assert_true(kd_addr_parse("2001:db8::1", &t.addr));
    assert_true(kd_prefix_parse("10.0.0.0/8", true, &t.prefix));
    kd_writer_init(&w, buf, cap);
    kd_schema_encode(&thing_schema, &t, kd_bytes(NULL, 0), &w);
    assert_true(w.ok);
    return w.pos;
}

static void schema_round_trips_every_field(void **state)
{
    uint8_t buf[256];
    char text[256];
    struct kd_reader r;
    struct thing t;
    size_t n = encode_thing(buf, sizeof(buf));

    (void)state;
    kd_reader_init(&r, kd_bytes(buf, n));
    assert_true(kd_schema_decode(&thing_schema, &r, &t, sizeof(t)));
    assert_true(kd_reader_done(&r));
    kd_schema_text(&thing_schema, &t, kd_bytes(NULL, 0), text, sizeof(text));
    assert_string_equal(text, "thing.a port=4500 up=1 addr=2001:db8::1 prefix=10.0.0.0/8 "
                              "handle=3.9 data=3:1a47e90b name=er");
}

static void schema_refuses_every_truncation_and_another_version(void **state)
{
    uint8_t buf[256];
    struct kd_reader r;
    struct thing t;
    size_t n = encode_thing(buf, sizeof(buf));

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        kd_reader_init(&r, kd_bytes(buf, cut));
        assert_false(kd_schema_decode(&thing_schema, &r, &t, sizeof(t)));
    }
    buf[0]++;
    kd_reader_init(&r, kd_bytes(buf, n));
    assert_false(kd_schema_decode(&thing_schema, &r, &t, sizeof(t)));
}

static void schema_span_comes_from_the_arena(void **state)
{
    static const uint8_t arena[] = {9, 8, 7, 6};
    uint8_t buf[64];
    struct thing t = {.kind = THING_B, .span = {1, 2}}, back;
    struct kd_writer w;
    struct kd_reader r;

    (void)state;
    kd_writer_init(&w, buf, sizeof(buf));
    kd_schema_encode(&thing_schema, &t, kd_bytes(arena, sizeof(arena)), &w);
    kd_reader_init(&r, kd_written(&w));
    assert_true(kd_schema_decode(&thing_schema, &r, &back, sizeof(back)));
    assert_int_equal(back.span.len, 2);
    assert_memory_equal(buf + back.span.off, arena + 1, 2);
}

/* The expected texts are those of date(1). */
static void calendar_time_has_its_leap_days(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } facts[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {951782399, "2000-02-28T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {951868800, "2000-03-01T00:00:00Z"},
        {1700000000, "2023-11-14T22:13:20Z"},
        {4107542399, "2100-02-28T23:59:59Z"},
        {4107542400, "2100-03-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {-62135596800, "0001-01-01T00:00:00Z"},
        {-62167219200, "0000-01-01T00:00:00Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z"},
    };
    char buf[KD_UTC_STR_MAX];

    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(facts); i++)
        assert_string_equal(kd_utc_str(facts[i].s, buf), facts[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_time_has_its_leap_days),
        cmocka_unit_test(reader_past_the_end_gives_zero_and_stays_failed),
        cmocka_unit_test(reader_exactly_to_the_end_is_done),
        cmocka_unit_test(reader_length_near_size_max_does_not_wrap),
        cmocka_unit_test(sub_reader_error_stays_inside),
        cmocka_unit_test(writer_overflow_writes_nothing_and_stays_failed),
        cmocka_unit_test(gap_is_patched_in_place),
        cmocka_unit_test(addresses_print_as_they_parse),
        cmocka_unit_test(strict_prefix_refuses_host_bits_and_bad_lengths),
        cmocka_unit_test(prefix_covers_itself_and_inside_only),
        cmocka_unit_test(freed_handle_finds_nothing_even_after_reuse),
        cmocka_unit_test(slab_of_any_size_keeps_its_objects_apart),
        cmocka_unit_test(slab_ends_at_its_cap),
        cmocka_unit_test(slab_iteration_survives_freeing_the_current),
        cmocka_unit_test(timers_fire_in_order_and_ties_by_id),
        cmocka_unit_test(timers_agree_with_a_sorted_list),
        cmocka_unit_test(schema_round_trips_every_field),
        cmocka_unit_test(schema_refuses_every_truncation_and_another_version),
        cmocka_unit_test(schema_span_comes_from_the_arena),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
