/* Answers that are made while the client reads. */
#ifndef IO_HTTP_ROWS_H
#define IO_HTTP_ROWS_H

#include "control/rows.h"
#include "io/http.h"

#include <microhttpd.h>

/* Takes *rows, unless there is no memory: NULL. *cb outlives the response. */
struct MHD_Response *io_http_rows(const struct io_http_callbacks *cb,
                                  struct ctl_rows **rows) KD_MUST_USE;

#endif
