/* What the commands about drills share. */
#ifndef CLI_DRILL_H
#define CLI_DRILL_H

#include "cli/cli.h"

/* drill_file.c: name itself when it is a file's, else one of /etc/kedge/drills, in buf. */
const char *cli_drill_path(const char *name, char *buf, size_t cap);
/* The file's text, malloc'ed; NULL: said on stderr. loose: who but root could have changed it, as a
 * clause; "" nobody. */
char *cli_drill_read(const char *file, char *loose, size_t cap) KD_MUST_USE;

/* rehearse.c: the drill on a simulated copy of what the daemon runs now, whose configuration is
 * c->config. CLI_OK: it has passed; else why is said. */
enum cli_exit cli_rehearse(const struct cli *c, const char *file, const char *text);

#endif
