/* What the tests of kedge import share: a file read and written as kedge.yaml, its notes, its
 * parse. */
#ifndef TEST_IMPORT_H
#define TEST_IMPORT_H

#include "config/config.h"
#include "peer/import.h"
#include "peer/peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct import *im;
static char *yaml;

static inline int set_up(void **st KD_UNUSED)
{
    im = malloc(sizeof(*im));
    yaml = NULL;
    return im == NULL;
}

static inline int tear_down(void **st KD_UNUSED)
{
    free(im);
    free(yaml);
    return 0;
}

/* What kedge import prints of it; NULL: no tunnel. */
static inline const char *imported(enum import_from from, const char *text)
{
    size_t len;
    FILE *to;

    free(yaml);
    yaml = NULL;
    if (!import_read(from, kd_bytes_str(text), im))
        return NULL;
    to = open_memstream(&yaml, &len);
    assert_non_null(to);
    import_write(im, to);
    assert_int_equal(fclose(to), 0);
    return yaml;
}

static inline void has(const char *text, const char *line)
{
    if (!text || !strstr(text, line))
        fail_msg("no \"%s\" in:\n%s", line, text ? text : "(nothing)");
}

static inline void note(unsigned line, const char *text)
{
    for (unsigned i = 0; i < im->n_notes; i++)
        if (im->note[i].line == line && strstr(im->note[i].text, text))
            return;
    for (unsigned i = 0; i < im->n_notes; i++)
        print_message("%u: %s\n", im->note[i].line, im->note[i].text);
    fail_msg("no note of line %u with \"%s\"", line, text);
}

static inline void parsed(const char *text, struct core_config *cfg)
{
    static struct config_errors errs;
    const struct config_env env = {0};

    if (!config_parse(kd_bytes_str(text), "t.yaml", &env, cfg, &errs))
        fail_msg("%u:%u %s in:\n%s", errs.e[0].line, errs.e[0].col, errs.e[0].text, text);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

#endif
