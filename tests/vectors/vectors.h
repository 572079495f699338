/* What the vector tests share: where the published vectors lie, and reading them as JSON.
 *
 * The directory is $KEDGE_VECTORS, or ../shared/vectors as seen from the project's root or a build
 * directory in it. Without it a test prints a line and returns 77, which meson counts as
 * skipped. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include "test_crypto.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static const char *dir;

static json_t *load(const char *file)
{
    char path[4096];
    json_error_t err;
    json_t *j;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    j = json_load_file(path, 0, &err);
    if (!j)
        fail_msg("%s: %s", path, err.text);
    return j;
}

static const char *str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    if (!s)
        fail_msg("no string \"%s\"", key);
    return s;
}

static bool find_dir(void)
{
    static const char *const places[] = {"../shared/vectors", "../../shared/vectors",
                                         "../../../shared/vectors"};

    dir = getenv("KEDGE_VECTORS");
    if (dir)
        return access(dir, R_OK) == 0;
    for (size_t i = 0; i < KD_ARRAY_LEN(places); i++) {
        dir = places[i];
        if (access(dir, R_OK) == 0)
            return true;
    }
    return false;
}

/* main()'s end: the tests, or the skip. */
#define RUN_VECTORS(tests)                                                                         \
    (find_dir() ? cmocka_run_group_tests(tests, NULL, NULL)                                        \
                : (printf("SKIP: no test vectors: set KEDGE_VECTORS or provide "                   \
                          "../shared/vectors\n"),                                                  \
                   77))

#endif
