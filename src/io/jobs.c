/* Slow crypto on libuv's pool: Diffie-Hellman, signatures, certificates off the control loop, the
 * result an event. Nothing else of ours uses this pool (DESIGN 1). What is quicker done than handed
 * over and back (X25519 and P-256: 15 to 40 us an operation, against two context switches and their
 * locks) is done at once; its result is an event behind the step all the same. */
#include "io/io.h"

#include <stdio.h>
#include <stdlib.h>

#define POOL_MAX 4 /* more threads than cores only fight for the pool's lock */

struct job {
    uv_work_t work;
    struct io *io;
    struct kd_handle handle;
    struct kc_job in;
    struct kc_chain chain;
    struct kc_job_result out;
    uint8_t bytes[]; /* data, data2, data3 of the action */
};

static void run(uv_work_t *w)
{
    struct job *j = w->data;

    kc_job_run(j->io->crypto, &j->in, &j->out);
}

static struct core_ev result(const struct job *j, bool ran)
{
    return (struct core_ev){
        .kind = CORE_EV_JOB_DONE,
        .handle = j->handle,
        .job_status = ran ? j->out.status : KC_JOB_FAILED,
        .secret = j->out.secret,
        .data = ike_job_data(j->in.kind, &j->out),
    };
}

static void job_free(struct job *j)
{
    kc_wipe(j, sizeof(*j));
    free(j);
}

static void done(uv_work_t *w, int status)
{
    struct job *j = w->data;
    struct core_ev ev = result(j, status == 0);

    io_feed(j->io, &ev);
    job_free(j);
}

static bool quick(const struct kc_job *job)
{
    return (job->kind == KC_JOB_DH_KEYGEN || job->kind == KC_JOB_DH_SHARED) &&
           (job->group == KC_DH_X25519 || job->group == KC_DH_ECP256);
}

static void run_now(struct job *j)
{
    struct core_ev ev;

    run(&j->work);
    ev = result(j, true);
    io_post_event(j->io, &ev);
    job_free(j);
}

void io_jobs_init(void)
{
    char threads[16];
    size_t len = sizeof(threads);

    if (uv_os_getenv("UV_THREADPOOL_SIZE", threads, &len) != UV_ENOENT)
        return; /* the operator knows better */
    snprintf(threads, sizeof(threads), "%u", KD_MIN(uv_available_parallelism(), POOL_MAX));
    uv_os_setenv("UV_THREADPOOL_SIZE", threads);
}

/* Copies b to *at, which moves behind it. */
static struct kd_bytes copy(uint8_t **at, struct kd_bytes b)
{
    uint8_t *to = *at;

    if (b.len)
        memcpy(to, b.p, b.len);
    *at += b.len;
    return kd_bytes(to, b.len);
}

void io_job_start(struct io *io, const struct core_act *a)
{
    const struct kd_bytes from[] = {core_out_bytes(io->out, a->data),
                                    core_out_bytes(io->out, a->data2),
                                    core_out_bytes(io->out, a->data3)};
    struct job *j = calloc(1, sizeof(*j) + from[0].len + from[1].len + from[2].len);
    struct kd_bytes b[3];
    uint8_t *at;

    kd_assert(j);
    at = j->bytes;
    for (size_t i = 0; i < KD_ARRAY_LEN(from); i++)
        b[i] = copy(&at, from[i]);
    j->io = io;
    j->handle = a->handle;
    j->in = (struct kc_job){
        .kind = a->job_kind, .group = (enum kc_dh)a->group, .priv = a->priv, .peer = b[0]};
    ike_auth_job_set(&j->in, &j->chain, &a->auth, b[0], b[1], b[2]);
    j->work.data = j;
    if (quick(&j->in))
        run_now(j);
    else
        uv_queue_work(&io->loop, &j->work, run, done);
}
