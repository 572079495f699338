/* BGP's messages, as they are read and written, to whoever asked for them in MRT's form: one
 * follower at a time. Nothing is done, and nothing kept, while there is none. */
#include "io/mrt.h"

#include "bgp/message.h"
#include "bgp/mrt.h"
#include "io/io.h"

#include <stdlib.h>
#include <time.h>

struct io_mrt_taps {
    uint64_t stream; /* whose: another's begin anew */
    struct bgp_mrt_tap dir[2];
};

bool io_mrt_start(struct io *io, uint64_t stream)
{
    if (io->mrt_stream)
        return false;
    io->mrt_stream = stream;
    return true;
}

void io_mrt_stop(struct io *io, uint64_t stream)
{
    if (io->mrt_stream == stream)
        io->mrt_stream = 0;
}

static uint64_t wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* False for a connection that is nobody's. */
static bool session(const struct io *io, const struct kd_addr *local, const struct kd_addr *remote,
                    struct bgp_mrt_session *s)
{
    char text[KD_ADDR_STR_MAX];
    struct bgp_peer_view v;
    uint32_t peer;

    if (!core_peer_find(io->core, kd_addr_str(remote, text), &peer) ||
        !bgp_peer_get(core_bgp(io->core), peer, &v))
        return false;
    *s = (struct bgp_mrt_session){.local_as = core_configuration(io->core)->asn,
                                  .peer_as = v.asn,
                                  .as4 = v.as4,
                                  .local = *local,
                                  .peer = *remote};
    return true;
}

static struct bgp_mrt_tap *tap(struct io *io, struct io_mrt_taps **taps, bool sent)
{
    if (*taps && (*taps)->stream != io->mrt_stream)
        io_mrt_forget(taps);
    if (!*taps)
        *taps = calloc(1, sizeof(**taps));
    if (!*taps)
        return NULL;
    (*taps)->stream = io->mrt_stream;
    return &(*taps)->dir[sent];
}

void io_mrt_bytes(struct io *io, struct io_mrt_taps **taps, const struct kd_addr *local,
                  const struct kd_addr *remote, bool sent, struct kd_bytes data)
{
    uint8_t room[BGP_EXTENDED_MAX + BGP_MRT_HEAD_MAX];
    struct bgp_mrt_session s;
    struct bgp_mrt_tap *t;
    struct kd_bytes msg;
    struct kd_writer w;

    if (!io->mrt_stream || !io->http || !session(io, local, remote, &s))
        return;
    t = tap(io, taps, sent);
    if (!t || !bgp_mrt_feed(t, data))
        return;
    while (bgp_mrt_next(t, &msg)) {
        kd_writer_init(&w, room, sizeof(room));
        bgp_mrt_message(&w, &s, wall_us(), sent, msg);
        io_http_bytes(io->http, io->mrt_stream, kd_written(&w));
    }
}

void io_mrt_forget(struct io_mrt_taps **taps)
{
    if (!*taps)
        return;
    bgp_mrt_tap_done(&(*taps)->dir[0]);
    bgp_mrt_tap_done(&(*taps)->dir[1]);
    free(*taps);
    *taps = NULL;
}
