/* Drills on disk: written whole, read again at the next start; what is damaged or not ours stays.
 */
#include "io/history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALL UINT64_C(1795226400123456)
#define ID   "20261121T020000.123Z"

static char dir[64], why[192];
static struct drill_result *r, *again;
static struct io_history *h;

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/kedge-history-XXXXXX");
    assert_non_null(mkdtemp(dir));
    r = calloc(1, sizeof(*r));
    again = calloc(1, sizeof(*again));
    drill_result_begin(r, "er-outage", KD_S(1), WALL);
    drill_result_step(r, KD_S(2), "shutdown neighbor msee");
    drill_result_end(r, KD_S(43), DRILL_PASSED, "");
    h = io_history_open(dir);
    assert_non_null(h);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    io_history_close(h);
    free(r);
    free(again);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static const char *name(const char *file)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/drills/%s", dir, file);
    return path;
}

static void put(const char *file, const char *text)
{
    FILE *f = fopen(name(file), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool exists(const char *file)
{
    struct stat st;
    return lstat(name(file), &st) == 0;
}

static void reopen(void)
{
    io_history_close(h);
    h = io_history_open(dir);
    assert_non_null(h);
}

static void a_drill_is_there_after_a_restart(void **state)
{
    struct stat st;
    (void)state;
    assert_true(io_history_add(h, r, why, sizeof(why)));
    assert_int_equal(io_history(h)->n, 1);
    assert_int_equal(stat(name(ID ".json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_false(exists("new"));
    reopen();
    assert_int_equal(io_history(h)->n, 1);
    assert_string_equal(io_history(h)->s[0].id, ID);
    assert_string_equal(io_history(h)->s[0].drill, "er-outage");
    assert_true(io_history_read(h, ID, again, why, sizeof(why)));
    assert_string_equal(again->step[0].text, "shutdown neighbor msee");
    assert_int_equal(again->length_us, KD_S(42));
}

static void its_page_lies_beside_it(void **state)
{
    char text[8192] = "";
    FILE *f;
    (void)state;
    assert_true(io_history_add(h, r, why, sizeof(why)));
    assert_true(io_history_page(h, r, why, sizeof(why)));
    f = fopen(name(ID ".html"), "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, "<title>Failover drill er-outage</title>"));
    reopen();
    assert_true(io_history(h)->n == 1 && io_history(h)->n_damaged == 0);
}

static void a_damaged_file_is_named_and_left(void **state)
{
    char text[100] = "";
    FILE *f;
    (void)state;
    assert_true(io_history_add(h, r, why, sizeof(why)));
    f = fopen(name(ID ".json"), "r");
    assert_int_equal(fread(text, 1, sizeof(text) - 1, f), sizeof(text) - 1);
    fclose(f);
    put(ID ".json", text); /* cut short */
    put("20261122T020000.000Z.json", "{\"version\":2}");
    reopen();
    assert_int_equal(io_history(h)->n, 0);
    assert_int_equal(io_history(h)->n_damaged, 2);
    assert_non_null(strstr(io_history(h)->damaged[0], ID ".json: no JSON"));
    assert_non_null(strstr(io_history(h)->damaged[1], "format 2"));
    assert_true(exists(ID ".json") && exists("20261122T020000.000Z.json"));
}

static void a_file_under_anothers_name_is_damaged(void **state)
{
    char from[256];
    (void)state;
    assert_true(io_history_add(h, r, why, sizeof(why)));
    strcpy(from, name(ID ".json"));
    assert_int_equal(rename(from, name("20261121T020000.124Z.json")), 0);
    reopen();
    assert_int_equal(io_history(h)->n, 0);
    assert_non_null(strstr(io_history(h)->damaged[0], "another drill's content"));
}

static void what_is_not_named_as_ours_is_not_looked_at(void **state)
{
    static const char *const names[] = {"notes.json", "20261121T020000.123Z.html",
                                        "20261121T020000.1234Z.json", "2026112xT020000.123Z.json"};
    (void)state;
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
        put(names[i], "?");
    reopen();
    assert_int_equal(io_history(h)->n + io_history(h)->n_damaged, 0);
    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
        assert_true(exists(names[i]));
}

static void a_link_or_a_pipe_in_its_place_is_damaged_and_blocks_nobody(void **state)
{
    (void)state;
    assert_int_equal(symlink("/etc/passwd", name(ID ".json")), 0);
    assert_int_equal(mkfifo(name("20261122T020000.000Z.json"), 0600), 0);
    reopen();
    assert_int_equal(io_history(h)->n_damaged, 2);
}

static void what_a_crash_left_is_written_over(void **state)
{
    (void)state;
    put("new", "{\"half\":");
    assert_true(io_history_add(h, r, why, sizeof(why)));
    assert_false(exists("new"));
}

static void a_disk_that_refuses_is_said_and_the_drill_is_kept_in_memory(void **state)
{
    (void)state;
    assert_int_equal(rmdir(name("")), 0);
    assert_false(io_history_add(h, r, why, sizeof(why)));
    assert_non_null(strstr(why, ID ".json: No such file"));
    assert_int_equal(io_history(h)->n, 1);
    assert_false(io_history_read(h, ID, again, why, sizeof(why)));
}

static void without_a_directory_drills_are_kept_in_memory(void **state)
{
    (void)state;
    io_history_close(h);
    h = io_history_open("");
    assert_true(io_history_add(h, r, why, sizeof(why)));
    assert_int_equal(io_history(h)->n, 1);
    assert_false(io_history_read(h, ID, again, why, sizeof(why)));
    assert_non_null(strstr(why, "state-directory"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_drill_is_there_after_a_restart),
        T(its_page_lies_beside_it),
        T(a_damaged_file_is_named_and_left),
        T(a_file_under_anothers_name_is_damaged),
        T(what_is_not_named_as_ours_is_not_looked_at),
        T(a_link_or_a_pipe_in_its_place_is_damaged_and_blocks_nobody),
        T(what_a_crash_left_is_written_over),
        T(a_disk_that_refuses_is_said_and_the_drill_is_kept_in_memory),
        T(without_a_directory_drills_are_kept_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
