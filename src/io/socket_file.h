/* The file of a listening Unix socket. */
#ifndef IO_SOCKET_FILE_H
#define IO_SOCKET_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Listens at path: mode 0660 and the group, or 0600 where group is NULL or "". A socket file that
 * nobody listens at is replaced, a missing directory (one level) made. The descriptor, non-blocking
 * and the caller's, as is the file; -1 with a sentence in text. */
int io_socket_file(const char *path, const char *group, int backlog, char *text, size_t cap);

#endif
