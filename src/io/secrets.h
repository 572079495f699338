/* Files the operator names: the configuration's text and the secrets it points to. */
#ifndef IO_SECRETS_H
#define IO_SECRETS_H

#include "config/config.h"

/* The whole file, malloc'ed (the caller wipes and frees *text); false with text of errno in why. */
bool io_read_file(const char *path, size_t max, uint8_t **text, size_t *len, char *why, size_t cap);

/* config_env's callback: psk-file by path, psk-credential below $CREDENTIALS_DIRECTORY. arg not
 * NULL: a check only, for which a credential may be out of reach. */
enum config_secret_status io_read_secret(void *arg, enum config_secret_from from, const char *name,
                                         struct config_secret *out);

/* config_env's read_file. */
enum config_secret_status io_read_public(void *arg, const char *path, size_t max, uint8_t **data,
                                         size_t *len, char *why, size_t cap);

#endif
