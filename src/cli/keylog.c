/* kedge keylog: asks kedged to write keys into files for Wireshark, for as long as this command
 * runs. The keys themselves don't come this way. */
#include "cli/cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct told {
    const struct cli *c;
    const char *path;
};

static bool on_line(void *arg, json_t *o)
{
    const struct told *t = arg;
    const char *wrote = cli_str(o, "wrote");
    if (t->c->json) {
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (json_is_string(json_object_get(o, "keylog"))) {
        printf("keys are being written to %s until this ends (Ctrl-C)\n", t->path);
    } else if (strcmp(wrote, "-") != 0) {
        printf("%s: %s %s%s\n", cli_str(o, "tunnel"),
               strcmp(wrote, "ike") == 0 ? "IKE SA" : "pair of ESP SAs", cli_str(o, "spis"),
               json_is_true(json_object_get(o, "usable"))
                   ? ""
                   : " (Wireshark has no name for an algorithm of it)");
    }
    fflush(stdout);
    return !ferror(stdout);
}

/* The daemon's directory is another. */
static bool absolute(const char *out, char path[PATH_MAX])
{
    char here[PATH_MAX];
    if (out[0] == '/')
        return snprintf(path, PATH_MAX, "%s", out) < PATH_MAX;
    return getcwd(here, sizeof(here)) && snprintf(path, PATH_MAX, "%s/%s", here, out) < PATH_MAX;
}

enum cli_exit cli_keylog(const struct cli *c)
{
    char path[PATH_MAX];
    struct told t = {.c = c, .path = path};
    if (!c->out || !absolute(c->out, path)) {
        fputs("usage: kedge keylog --out DIR|FILE [--tunnel NAME]\n", stderr);
        return CLI_USAGE;
    }
    json_t *o = json_pack("{s:s}", "out", path);
    if (o && c->tunnel)
        json_object_set_new(o, "tunnel", json_string(c->tunnel));
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!body)
        return CLI_FAILED; /* out of memory, or a path that is no UTF-8 */
    enum cli_exit e = cli_stream(c, "/v1/keylog", body, 0, on_line, &t);
    free(body);
    if (e == CLI_OK) {
        fputs("kedge: kedged has ended\n", stderr);
        return CLI_UNREACHABLE;
    }
    return e;
}
