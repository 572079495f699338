/* A drill rehearsed in the simulator, as `kedge drill rehearse` does once it has read what kedged
 * shows: seconds, and microseconds a prefix, by the number of prefixes that each of four peers
 * tells. In a release build that is what an operator waits.
 *
 *   build-release/tests/bench_rehearse [prefixes ...]    default: 1000 4000 16000 */
#include "../sim/firewall.h"
#include "config/config.h"
#include "practice/rehearse.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PEERS 4
#define SEED  1

static const char *const drills[] = {
    "drill: er-outage\n"
    "probe: {agent: server, to: 10.16.0.1, every: 5ms}\n"
    "steps:\n"
    "  - shutdown: {neighbor: ce-a}\n"
    "  - shutdown: {neighbor: ce-b}\n"
    "  - expect: {path: vpn, within: 5s, routes_unchanged: true}\n"
    "  - hold: 1s\n"
    "  - restore: all\n"
    "  - expect: {path: expressroute, within: 20s, routes_unchanged: true}\n"
    "  - hold: 1s\n",
    "drill: drained\n"
    "probe: {agent: server, to: 10.16.0.1, every: 5ms}\n"
    "steps:\n"
    "  - drain: {neighbor: ce-a, by: more-specific}\n"
    "  - drain: {neighbor: ce-b, by: more-specific}\n"
    "  - expect: {path: vpn, within: 10s}\n"
    "  - shutdown: {neighbor: ce-a}\n"
    "  - shutdown: {neighbor: ce-b}\n"
    "  - expect: {loss_max: 0, within: 2500ms}\n"
    "  - restore: all\n"
    "  - expect: {path: expressroute, within: 30s}\n"
    "  - expect: {loss_max: 0, within: 2500ms}\n",
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* /28s, told by all; the neighbors beside are preferred. */
static struct rehearse_route *routes(uint32_t n)
{
    static const uint32_t peer[PEERS] = {0, 1, CORE_PEER_BESIDE(0), CORE_PEER_BESIDE(1)};
    struct rehearse_route *r = calloc((size_t)PEERS * n, sizeof(*r));

    must(r != NULL, "out of memory");
    for (uint32_t i = 0; i < PEERS * n; i++) {
        struct kd_addr a = kd_addr_v4(0x0a100000u + i / PEERS * 16);
        bool beside = i % PEERS >= 2;
        r[i] = (struct rehearse_route){.peer = peer[i % PEERS],
                                       .prefix = kd_prefix_make(&a, 28),
                                       .local_pref = beside ? 150 : 100,
                                       .n_as = 1,
                                       .first_as = beside ? 12076 : 65515};
    }
    return r;
}

static struct rehearsal *stand(uint32_t n)
{
    static const bool up[PEERS] = {true, true, true, true};
    static struct config_errors errs;
    const struct config_env env = {.crypto = NULL};
    struct rehearse_route *r = routes(n);
    struct core_config cfg;
    struct rehearsal *made;
    char why[256] = "";

    must(config_parse(kd_bytes_str(firewall), "firewall", &env, &cfg, &errs), errs.e[0].text);
    made =
        rehearsal_new(&cfg, &(struct rehearse_now){up, up, PEERS * n, r}, SEED, why, sizeof(why));
    must(made != NULL, why);
    free(r);
    return made;
}

static void run(uint32_t n, const char *text)
{
    static struct config_errors errs;
    static struct drill_plan plan;
    double start = now_s(), stood, took;
    struct rehearsal *r = stand(n);
    struct practice_world w;
    struct rehearse_end end;

    stood = now_s();
    must(practice_world(rehearsal_core(r), &w) &&
             config_drill_parse(kd_bytes_str(text), "drill", &w.w, &plan, &errs),
         errs.e[0].text);
    practice_world_free(&w);
    rehearsal_run(r, &plan, NULL, NULL, &end);
    must(end.passed, end.why);
    took = now_s() - start;
    printf("%-10s %6u prefixes a peer: %6.2f s, %4.0f us each, of them %6.2f s until it stands\n",
           plan.name, n, took, took / n * 1e6, stood - start);
    fflush(stdout);
    rehearsal_free(r);
}

int main(int argc, char **argv)
{
    uint32_t prefixes[16] = {1000, 4000, 16000}, n = argc > 1 ? 0 : 3;

    for (int i = 1; i < argc && n < KD_ARRAY_LEN(prefixes); i++)
        prefixes[n++] = (uint32_t)strtoul(argv[i], NULL, 10);
    for (size_t d = 0; d < KD_ARRAY_LEN(drills); d++)
        for (uint32_t i = 0; i < n; i++)
            run(prefixes[i], drills[d]);
    return 0;
}
