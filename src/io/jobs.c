/* Slow crypto on libuv's pool: Diffie-Hellman off the control loop, the result an event. Nothing
 * else of ours uses this pool (DESIGN 1). */
#include "io/io.h"

#include <stdlib.h>

struct job {
    uv_work_t work;
    struct io *io;
    struct kd_handle handle;
    struct kc_job in;
    struct kc_job_result out;
    uint8_t peer[1024];
};

static void run(uv_work_t *w)
{
    struct job *j = w->data;

    kc_job_run(j->io->crypto, &j->in, &j->out);
}

static void done(uv_work_t *w, int status)
{
    struct job *j = w->data;
    struct core_ev ev = {
        .kind = CORE_EV_JOB_DONE,
        .handle = j->handle,
        .job_status = status == 0 ? j->out.status : KC_JOB_FAILED,
        .secret = j->out.secret,
        .data = kd_bytes(j->out.pub, j->out.pub_len),
    };

    io_feed(j->io, &ev);
    kc_wipe(j, sizeof(*j));
    free(j);
}

void io_job_start(struct io *io, const struct core_act *a, struct kd_bytes peer)
{
    struct job *j = calloc(1, sizeof(*j));

    kd_assert(j && peer.len <= sizeof(j->peer));
    kd_assert(a->job_kind == KC_JOB_DH_KEYGEN || a->job_kind == KC_JOB_DH_SHARED);
    j->io = io;
    j->handle = a->handle;
    if (peer.len)
        memcpy(j->peer, peer.p, peer.len);
    j->in = (struct kc_job){.kind = a->job_kind,
                            .group = (enum kc_dh)a->group,
                            .priv = a->priv,
                            .peer = kd_bytes(j->peer, peer.len)};
    j->work.data = j;
    uv_queue_work(&io->loop, &j->work, run, done);
}
