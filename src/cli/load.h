/* A configuration file, for the commands that need no daemon. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "cli/cli.h"
#include "config/config.h"

/* Reads FILE into *cfg (the caller's to core_config_free() on CLI_OK); its secrets go into crypto's
 * arena, or are only checked where crypto is NULL. CLI_FAILED: errs has the errors, nothing said;
 * CLI_UNREACHABLE: the file can't be read, said on stderr. */
enum cli_exit cli_load(const char *file, struct kc_ctx *crypto, struct core_config *cfg,
                       struct config_errors *errs) KD_MUST_USE;
/* The whole file, malloc'ed; false when it can't be read or is longer than max: said on stderr. */
bool cli_read_file(const char *file, size_t max, struct kd_bytes *out) KD_MUST_USE;
/* One line each on stderr. */
void cli_load_errors(const struct config_errors *errs, bool warnings);

#endif
