/* kedge bgp mrt: the table, or the messages as they come and go, as a file that route collectors'
 * tools read. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that isn't whole doesn't stay; a device or a pipe does. */
static void drop(const char *out)
{
    struct stat st;
    if (stat(out, &st) == 0 && S_ISREG(st.st_mode))
        unlink(out);
}

static enum cli_exit into_file(const struct cli *c, const char *out, bool updates)
{
    bool standard = strcmp(out, "-") == 0;
    FILE *f = standard ? stdout : fopen(out, "wb");
    if (!f) {
        fprintf(stderr, "kedge: %s: %s\n", out, strerror(errno));
        return CLI_FAILED;
    }
    if (updates)
        setvbuf(f, NULL, _IONBF, 0); /* it is ended by a signal */
    enum cli_exit e =
        cli_download(c, updates ? "/v1/bgp/mrt/updates" : "/v1/bgp/mrt", updates, f);
    if ((standard ? fflush(f) : fclose(f)) != 0 && e == CLI_OK) {
        fprintf(stderr, "kedge: %s: %s\n", out, strerror(errno));
        e = CLI_FAILED;
    }
    if (e != CLI_OK && !updates && !standard)
        drop(out);
    if (e == CLI_OK && updates) {
        fputs("kedge: kedged has ended the stream\n", stderr);
        e = CLI_UNREACHABLE;
    }
    return e;
}

enum cli_exit cli_mrt(const struct cli *c)
{
    bool updates = strcmp(c->argv[0], "updates") == 0;
    if ((!updates && strcmp(c->argv[0], "table") != 0) || !c->out) {
        fputs("usage: kedge bgp mrt table|updates --out FILE\n", stderr);
        return CLI_USAGE;
    }
    return into_file(c, c->out, updates);
}
