/* kedged: options, configuration, start of the shells, signals, end. Everything that happens after
 * is the core's doing. */
#include "io/io.h"

#include "io/audit.h"
#include "io/drill.h"
#include "io/drill_guard.h"
#include "io/fault.h"
#include "io/metrics.h"
#include "io/notify.h"
#include "io/state.h"
#include "io/xnet.h"

#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEYS_MAX 16384 /* a thousand tunnels, each with its IKE SA and two pairs */

struct options {
    const char *config, *control;
    bool check;
};

static int usage(FILE *to, int code)
{
    fputs("usage: kedged -c FILE [--check] [--control PATH]\n"
          "\n"
          "  -c, --config FILE   the configuration (default /etc/kedge/kedge.yaml)\n"
          "      --check         judge the configuration and end: 0 good, 1 not\n"
          "      --control PATH  the control socket, instead of the configured one\n"
          "      --version       print the version\n",
          to);
    return code;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},  {"check", no_argument, NULL, 'k'},
        {"control", required_argument, NULL, 's'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    int c;

    *o = (struct options){.config = "/etc/kedge/kedge.yaml"};
    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'k':
            o->check = true;
            break;
        case 's':
            o->control = optarg;
            break;
        case 'V':
            puts("kedged " KEDGE_VERSION);
            return 0;
        case 'h':
            return usage(stdout, 0);
        default:
            return usage(stderr, 2);
        }
    }
    return optind == argc ? -1 : usage(stderr, 2);
}

static void print_errors(const struct config_errors *errs)
{
    char line[CONFIG_LINE_MAX];

    for (uint32_t i = 0; i < errs->n; i++)
        fprintf(stderr, "%s\n", config_error_line(errs, &errs->e[i], line, sizeof(line)));
    for (uint32_t i = 0; i < errs->n_warnings; i++)
        fprintf(stderr, "%s\n", config_error_line(errs, &errs->w[i], line, sizeof(line)));
    if (errs->more)
        fprintf(stderr, "%s: more errors follow; mend these first\n", errs->file);
}

static bool load(const struct options *o, struct kc_ctx *crypto, struct core_config *cfg,
                 struct config_print **print)
{
    static struct config_errors errs;
    char why[256] = "";
    bool ok = io_config_load(o->config, crypto, o->check, cfg, print, &errs, why, sizeof(why));

    if (why[0])
        fprintf(stderr, "kedged: %s; name another with -c FILE\n", why);
    print_errors(&errs);
    if (ok && o->control)
        snprintf(cfg->control_socket, sizeof(cfg->control_socket), "%s", o->control);
    return ok;
}

/* What remains needed is kept, the rest of root's power goes; commands of drills are the guard's,
 * which has begun before. Without CAP_SETPCAP the bounding set isn't ours to change: a service
 * manager has set it. */
static void drop_capabilities(void)
{
    capng_select_t what = CAPNG_SELECT_CAPS;

    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
        what = CAPNG_SELECT_BOTH;
    capng_clear(CAPNG_SELECT_BOTH);
    capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_NET_RAW,
                  CAP_NET_BIND_SERVICE, CAP_IPC_LOCK, -1);
    if (capng_apply(what) != 0)
        fprintf(stderr, "kedged: capabilities could not be dropped; going on\n");
}

static bool may_run(void)
{
    capng_get_caps_process();
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
        capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) &&
        capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_BIND_SERVICE))
        return true;
    fputs("kedged: needs CAP_NET_ADMIN (interfaces, routes), CAP_NET_RAW (plain ESP) and "
          "CAP_NET_BIND_SERVICE (ports 500 and 179): run it as root, or by its systemd unit\n",
          stderr);
    return false;
}

static struct kd_handle crash_detection(const struct io *io)
{
    struct kd_handle secret = KD_HANDLE_NONE;
    char why[640];

    if (io->cfg->state_directory[0] &&
        !io_state_qcd(io->cfg->state_directory, io->crypto, &secret, why, sizeof(why)))
        fprintf(stderr,
                "kedged: %s; without it, peers find our restart by their detection only "
                "(gateway.state-directory)\n",
                why);
    return secret;
}

static bool open_shells(struct io *io, char *why, size_t cap)
{
    io_fault_open(io);
    if (!io_kernel_open(io, why, cap))
        return false;
    if (io->cfg->dataplane != CORE_DP_NONE) {
        if (!io_xnet_open(io, why, cap))
            return false;
        for (uint32_t i = 0; i < io->cfg->n_listen; i++)
            if (!io_udp_open(io, i, &io->cfg->listen[i], io->cfg->port, why, cap))
                return false;
        if (!io_sa_open(io, why, cap))
            return false;
        io_icmp_open(io);
    }
    if (!io_probe_open(io) || !io_ready_open(io)) {
        snprintf(why, cap, "out of memory");
        return false;
    }
    return io_bfd_open(io, why, cap) && io_report_open(io, why, cap);
}

static void on_signal(uv_signal_t *h, int number)
{
    struct io *io = h->data;
    struct core_ev ev = {.kind = CORE_EV_STOP};

    (void)number;
    io_notify("STOPPING=1");
    uv_signal_stop(h); /* a second one ends us at once, by default action */
    if (!io_drill_may_stop(io))
        return;
    io_feed(io, &ev);
}

static void on_hangup(uv_signal_t *h, int number)
{
    struct ctl_response answer = io_reload(h->data, false); /* the core has said what came of it */

    (void)number;
    ctl_response_done(&answer);
}

static void signals(struct io *io)
{
    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(&io->loop, &io->sigint);
    uv_signal_init(&io->loop, &io->sigterm);
    uv_signal_init(&io->loop, &io->sighup);
    io->sigint.data = io->sigterm.data = io->sighup.data = io;
    uv_signal_start(&io->sighup, on_hangup, SIGHUP);
    uv_signal_start(&io->sigint, on_signal, SIGINT);
    uv_signal_start(&io->sigterm, on_signal, SIGTERM);
}

static void close_any(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void close_shells(struct io *io)
{
    io_drill_close(io);
    io_tcp_close_all(io);
    io_udp_close(io);
    io_icmp_close(io);
    io_bfd_close(io);
    io_probe_close(io);
    io_audit_close(io);
    if (io->http)
        io_http_free(io->http);
    io_metrics_free(io->metrics);
    io_sa_close(io);
    io_xnet_close(io);
    io_kernel_close(io);
    uv_run(&io->loop, UV_RUN_NOWAIT); /* what closed above is freed by its own callbacks */
    uv_walk(&io->loop, close_any, NULL);
    while (uv_run(&io->loop, UV_RUN_DEFAULT) != 0)
        ;
    uv_loop_close(&io->loop);
}

static int run(struct io *io)
{
    struct core_params params = {.crypto = io->crypto, .now_us = io_now_us()};
    struct core_ev start = {.kind = CORE_EV_START};
    char why[1024] = "";

    io->start_us = params.now_us;
    io_kernel_decide(io->cfg, &io->decision, why, sizeof(why));
    if (io->decision.unable) {
        fprintf(stderr, "kedged: dataplane: %s; set dataplane: auto or tun\n", why);
        return 1;
    }
    params.qcd = crash_detection(io);
    kc_os_random(params.seed, sizeof(params.seed));
    io->core = core_new(&params, io->cfg);
    kc_wipe(params.seed, sizeof(params.seed));
    io->out = malloc(sizeof(*io->out));
    io->ring = ctl_ring_new();
    io->drills = io_history_open(io->cfg->state_directory);
    io->measure = io_measure_new();
    if (!io->core || !io->out || !io->ring || !io->drills || !io->measure) {
        fputs("kedged: out of memory\n", stderr);
        return 1;
    }
    start.dataplane = io->decision.all;
    start.data = kd_bytes_str(why);
    io_drill_open(io); /* before there is a socket that its process could hold for a moment */
    {
        char text[256] = "";
        if (!open_shells(io, text, sizeof(text))) {
            fprintf(stderr, "kedged: %s\n", text);
            return 1;
        }
    }
    signals(io);
    io_drill_recover(io);
    drop_capabilities();
    io_feed(io, &start);
    io_notify("READY=1");
    uv_run(&io->loop, UV_RUN_DEFAULT);
    return io->exit_code;
}

int main(int argc, char **argv)
{
    struct io *io = calloc(1, sizeof(*io));
    struct core_config cfg = {0};
    struct options o;
    int code;

    if (argc > 1 && strncmp(argv[1], "--drill-", 8) == 0)
        return io_guard_main(argc, argv);
    setenv("TZ", "", 0); /* drill_start.c */
    code = parse_options(argc, argv, &o);

    if (code >= 0 || !io) {
        free(io);
        return code >= 0 ? code : 1;
    }
    io->crypto = kc_ctx_new(KC_PROVIDER_REAL, KEYS_MAX);
    if (!io->crypto)
        io->crypto = kc_ctx_new(KC_PROVIDER_REAL, KEYS_MAX / 16); /* a small memlock limit */
    if (!io->crypto) {
        fputs("kedged: no locked memory for keys: raise the memlock limit (ulimit -l)\n", stderr);
        return 1;
    }
    code = load(&o, io->crypto, &cfg, &io->print) ? 0 : 1;
    if (code == 0 && !o.check) {
        if (!kc_keys_locked(io->crypto))
            fputs(
                "kedged: the kernel locks no memory for keys, they could reach the swap: raise the "
                "memlock limit (ulimit -l, LimitMEMLOCK=)\n",
                stderr);
        io_loop_init(io);
        io->cfg = &cfg;
        io->config_path = o.config;
        io->log_level = cfg.log_level;
        code = may_run() ? run(io) : 1;
        close_shells(io);
        io_ready_close(io);
        core_free(io->core);
        ctl_ring_free(io->ring);
        io_history_close(io->drills);
        free(io->measure);
        free(io->out);
        free(io->bfd);
        free(io->probes);
    }
    core_config_free(&cfg);
    config_print_free(io->print);
    kc_ctx_free(io->crypto);
    free(io);
    return code;
}
