/* kedge probe --agent NAME: measures for the drills of a kedged whose control socket it reaches. It
 * follows a stream of orders; a run is two processes of its own, so that neither orders nor reports
 * ever keep a packet waiting:
 *
 *   prober    sends and judges, and writes a report a line into a pipe, whenever that has room
 *   reporter  posts each line, with its times made those of kedged's clock
 *
 * The control socket decides who may be an agent; from another host it is reached through ssh -L.
 */
#include "cli/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RETRY_S   1
#define LIMIT_MAX KD_S(24 * 3600)

struct agent {
    const struct cli *c;
    char path[96]; /* /v1/agents/NAME */
    uint32_t run;  /* 0: none */
    pid_t prober, reporter;
};

/* ---- a run ---- */

static void end_run(struct agent *a)
{
    if (!a->run)
        return;
    kill(a->prober, SIGTERM);
    a->run = 0; /* the reporter ends once it has posted the last report */
}

static bool read_order(const json_t *o, struct agent_order *out)
{
    const char *to = json_string_value(json_object_get(o, "to"));
    const char *from = json_string_value(json_object_get(o, "from"));
    json_int_t every = json_integer_value(json_object_get(o, "every_us"));
    json_int_t limit = json_integer_value(json_object_get(o, "limit_us"));
    json_int_t port = json_integer_value(json_object_get(o, "port"));
    *out = (struct agent_order){.run = (uint32_t)json_integer_value(json_object_get(o, "run")),
                                .port = (uint16_t)port,
                                .every_us = (uint64_t)every,
                                .limit_us = KD_MIN((uint64_t)limit, LIMIT_MAX)};
    return out->run && to && kd_addr_parse(to, &out->to) &&
           (!from || (kd_addr_parse(from, &out->from) && out->from.family == out->to.family)) &&
           every >= 1000 && every <= 10000000 && limit > 0 && port >= 0 && port <= UINT16_MAX;
}

static void begin_run(struct agent *a, const struct agent_order *o)
{
    int ends[2];
    pid_t self = getpid();
    if (pipe(ends) != 0) {
        perror("kedge: pipe");
        return;
    }
    fflush(NULL);
    a->prober = fork();
    if (a->prober == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != self)
            _exit(CLI_FAILED);
        _exit(agent_measure(o, ends[1]));
    }
    a->reporter = a->prober > 0 ? fork() : -1;
    if (a->reporter == 0) {
        close(ends[1]);
        _exit(agent_report(a->c, a->path, ends[0]));
    }
    close(ends[0]);
    close(ends[1]);
    if (a->reporter < 0)
        perror("kedge: fork");
    a->run = o->run;
}

static bool on_order(void *arg, json_t *line)
{
    struct agent *a = arg;
    const char *order = json_string_value(json_object_get(line, "order"));
    struct agent_order o;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    if (!order) {
        printf("agent %s waits for drills\n", a->c->agent);
    } else if (strcmp(order, "stop") == 0) {
        end_run(a);
    } else if (strcmp(order, "start") == 0 && read_order(line, &o)) {
        char to[KD_ADDR_STR_MAX];
        end_run(a);
        printf("run %u: to %s every %.0f ms\n", o.run, kd_addr_str(&o.to, to),
               (double)o.every_us / 1000);
        begin_run(a, &o);
    } else {
        fputs("kedge: an order that isn't understood; use the kedge of kedged's version\n", stderr);
    }
    fflush(stdout);
    return true;
}

/* ---- waiting for kedged ---- */

static bool listens(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void pause_s(unsigned s)
{
    struct timespec t = {.tv_sec = s};
    nanosleep(&t, NULL);
}

enum cli_exit cli_agent(const struct cli *c)
{
    struct agent a = {.c = c};
    bool said = false;
    snprintf(a.path, sizeof(a.path), "/v1/agents/%.32s", c->agent);
    for (;; pause_s(RETRY_S)) {
        if (!listens(c->socket)) {
            if (!said)
                fprintf(stderr, "kedge: kedged isn't reachable at %s yet: %s\n", c->socket,
                        strerror(errno));
            said = true;
            continue;
        }
        said = false;
        enum cli_exit e = cli_stream(c, a.path, "", 0, on_order, &a);
        end_run(&a);
        if (e == CLI_FAILED) /* refused, and said so: the name is taken or no name */
            return e;
    }
}
