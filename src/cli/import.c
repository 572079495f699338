/* kedge import ios|swanctl FILE: another's configuration as a kedge.yaml in its place. What isn't
 * taken over is named with its line, in the output and on stderr. */
#include "cli/load.h"
#include "peer/import.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX (4 * 1024 * 1024)

static bool from_of(const char *name, enum import_from *from)
{
    for (int i = 0; i < IMPORT_KINDS; i++)
        if (strcmp(import_names[i], name) == 0) {
            *from = (enum import_from)i;
            return true;
        }
    fprintf(stderr, "kedge: import from \"%s\"; allowed: %s, %s\n", name, import_names[IMPORT_IOS],
            import_names[IMPORT_SWANCTL]);
    return false;
}

static void say_notes(const struct import *im, const char *file)
{
    for (unsigned i = 0; i < im->n_notes; i++)
        fprintf(stderr, "%s:%u: not taken over: %s\n", file, im->note[i].line, im->note[i].text);
    if (im->more_notes)
        fprintf(stderr, "%s: and %u lines more\n", file, im->more_notes);
}

enum cli_exit cli_import(const struct cli *c)
{
    struct import *im = calloc(1, sizeof(*im));
    enum import_from from;
    enum cli_exit e = CLI_FAILED;
    struct kd_bytes text;
    if (!im || !from_of(c->argv[0], &from)) {
        free(im);
        return CLI_USAGE;
    }
    if (cli_read_file(c->argv[1], FILE_MAX, &text)) {
        if (import_read(from, text, im)) {
            import_write(im, stdout);
            e = c->strict && im->n_notes ? CLI_FAILED : CLI_OK;
        } else {
            fprintf(stderr, "%s: no IKEv2 tunnel is in it\n", c->argv[1]);
        }
        say_notes(im, c->argv[1]);
        kc_wipe((void *)(uintptr_t)text.p, text.len);
        free((void *)(uintptr_t)text.p);
    }
    kc_wipe(im, sizeof(*im));
    free(im);
    return e;
}
