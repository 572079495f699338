/* Answers that are made while the client reads (control/rows.h): a part each time its socket takes
 * more, so that neither the loop nor the memory sees the whole. */
#include "io/http_rows.h"

#include <stdlib.h>

#define PART_LEN 8192

struct reading {
    const struct io_http_callbacks *cb;
    struct ctl_rows *rows;
};

static ssize_t read_part(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct reading *d = cls;
    size_t n = d->cb->read(d->cb->arg, d->rows, buf, max);
    (void)pos;
    return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void done(void *cls)
{
    struct reading *d = cls;
    ctl_rows_free(d->rows);
    free(d);
}

struct MHD_Response *io_http_rows(const struct io_http_callbacks *cb, struct ctl_rows **rows)
{
    struct reading *d = malloc(sizeof(*d));
    struct MHD_Response *m =
        d ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PART_LEN, read_part, d, done)
          : NULL;
    if (!m) {
        free(d);
        return NULL;
    }
    *d = (struct reading){cb, *rows};
    *rows = NULL;
    return m;
}
