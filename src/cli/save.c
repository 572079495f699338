/* An answer of the daemon as a file. */
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

enum cli_exit cli_save(const struct cli *c, const char *path, bool endless, const char *out)
{
    bool standard = strcmp(out, "-") == 0;
    FILE *f = standard ? stdout : fopen(out, "wb");
    if (!f) {
        fprintf(stderr, "kedge: %s: %s\n", out, strerror(errno));
        return CLI_FAILED;
    }
    if (endless)
        setvbuf(f, NULL, _IONBF, 0); /* it is ended by a signal */
    enum cli_exit e = cli_download(c, path, endless, f);
    if ((standard ? fflush(f) : fclose(f)) != 0 && e == CLI_OK) {
        fprintf(stderr, "kedge: %s: %s\n", out, strerror(errno));
        e = CLI_FAILED;
    }
    if (e != CLI_OK && !endless && !standard)
        drop(out);
    return e;
}
