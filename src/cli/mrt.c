/* kedge bgp mrt: the table, or the messages as they come and go, as a file that route collectors'
 * tools read. */
#include "cli/cli.h"

#include <string.h>

enum cli_exit cli_mrt(const struct cli *c)
{
    bool updates = strcmp(c->argv[0], "updates") == 0;
    if ((!updates && strcmp(c->argv[0], "table") != 0) || !c->out) {
        fputs("usage: kedge bgp mrt table|updates --out FILE\n", stderr);
        return CLI_USAGE;
    }
    enum cli_exit e = cli_save(c, updates ? "/v1/bgp/mrt/updates" : "/v1/bgp/mrt", updates, c->out);
    if (e == CLI_OK && updates) {
        fputs("kedge: kedged has ended the stream\n", stderr);
        e = CLI_UNREACHABLE;
    }
    return e;
}
