/* kedge probe: numbered packets at a steady pace, what became of them, and the way they took. Runs
 * on any host, without the daemon. The far end that counts is reflect.c. */
#include "cli/probe.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define HOPS_EVERY_US KD_S(1) /* routers answer about once a second */
#define HOPS_FIRST    16
#define HOPS_WAIT_US  KD_MS(300) /* for the answers of a round */

struct run {
    const struct cli *c;
    struct prober p;
    struct probe_path path; /* told last */
    bool has_path;
    uint64_t start_us, next_us, end_us;
    uint64_t hops_us, round_us; /* the next round begins, this one ends */
};

/* ---- telling ---- */

static void tell(const struct cli *c, json_t *o, const char *text)
{
    if (c->json) {
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
    } else {
        puts(text);
    }
    fflush(stdout);
    json_decref(o);
}

static double ms(uint64_t us)
{
    return (double)us / 1000;
}

static json_t *outage_json(const struct probe_outage *o, uint64_t start_us)
{
    bool over = o->first_good_us != 0;
    json_t *j = json_pack(
        "{s:I, s:I, s:f, s:o, s:o}", "first_seq", (json_int_t)o->first_seq, "lost",
        (json_int_t)o->lost, "last_good_ms", ms(o->last_good_us - start_us), "first_good_ms",
        over ? json_real(ms(o->first_good_us - start_us)) : json_null(), "outage_ms",
        over ? json_real(ms(o->first_good_us - o->last_good_us)) : json_null());
    if (o->counted) {
        json_object_set_new(j, "lost_out", json_integer((json_int_t)o->lost_out));
        json_object_set_new(j, "lost_back", json_integer((json_int_t)o->lost_back));
    }
    return j;
}

static void tell_outage(const struct run *r, const struct probe_outage *o)
{
    char text[192], sides[80] = "";
    json_t *j = outage_json(o, r->start_us);
    if (o->counted)
        snprintf(sides, sizeof(sides), " (%llu on the way out, %llu on the way back)",
                 (unsigned long long)o->lost_out, (unsigned long long)o->lost_back);
    snprintf(text, sizeof(text), "%.3f s: outage of %.1f ms: %llu lost from number %llu on%s",
             (double)(o->last_good_us - r->start_us) / 1e6, ms(o->first_good_us - o->last_good_us),
             (unsigned long long)o->lost, (unsigned long long)o->first_seq, sides);
    json_object_set_new(j, "event", json_string("outage"));
    tell(r->c, j, text);
}

static json_t *path_json(const struct probe_path *p)
{
    char addr[KD_ADDR_STR_MAX];
    json_t *l = json_array();
    for (uint8_t i = 0; i < p->n; i++)
        json_array_append_new(l, p->hop[i].family ? json_string(kd_addr_str(&p->hop[i], addr))
                                                  : json_null());
    return l;
}

static void tell_path(struct run *r)
{
    char hops[PROBE_HOPS_MAX * KD_ADDR_STR_MAX], text[sizeof(hops) + 32];
    double at = (double)(prober_now() - r->start_us) / 1e6;
    snprintf(text, sizeof(text), "%.3f s: path %s", at,
             probe_path_text(&r->path, hops, sizeof(hops)));
    tell(r->c,
         json_pack("{s:s, s:f, s:o}", "event", "path", "at_ms", at * 1000, "hops",
                   path_json(&r->path)),
         text);
}

static double share(uint64_t part, uint64_t of)
{
    return of ? 100 * (double)part / (double)of : 0;
}

static json_t *rtt_json(const struct probe_summary *s)
{
    return s->answered ? json_pack("{s:f, s:f, s:f, s:f, s:f}", "min", ms(s->rtt_min_us), "mean",
                                   ms(s->rtt_mean_us), "p50", ms(s->rtt_p50_us), "p95",
                                   ms(s->rtt_p95_us), "max", ms(s->rtt_max_us))
                       : json_null();
}

static json_t *summary_json(const struct run *r, const struct probe_summary *s)
{
    json_t *j =
        json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "event", "summary",
                  "version", 1, "sent", (json_int_t)s->sent, "answered", (json_int_t)s->answered,
                  "lost", (json_int_t)s->lost, "late", (json_int_t)s->late, "duplicate",
                  (json_int_t)s->duplicate, "reordered", (json_int_t)s->reordered, "outages",
                  (json_int_t)s->outages, "down", s->open, "rtt_ms", rtt_json(s));
    json_object_set_new(j, "longest",
                        s->longest.lost ? outage_json(&s->longest, r->start_us) : json_null());
    if (s->counted) {
        json_object_set_new(j, "lost_out", json_integer((json_int_t)s->lost_out));
        json_object_set_new(j, "lost_back", json_integer((json_int_t)s->lost_back));
    }
    if (r->has_path)
        json_object_set_new(j, "path", path_json(&r->path));
    return j;
}

static void tell_summary(const struct run *r, const struct probe_summary *s)
{
    char text[320];
    uint64_t longest = s->longest.lost
                           ? (s->longest.first_good_us ? s->longest.first_good_us : prober_now()) -
                                 s->longest.last_good_us
                           : 0;
    snprintf(text, sizeof(text),
             "sent %llu, answered %llu, lost %llu (%.2f %%), outages %llu, the longest %.1f ms%s\n"
             "round trip min/mean/p50/p95/max %.3f/%.3f/%.3f/%.3f/%.3f ms",
             (unsigned long long)s->sent, (unsigned long long)s->answered,
             (unsigned long long)s->lost, share(s->lost, s->answered + s->lost),
             (unsigned long long)s->outages, ms(longest), s->open ? ", and it goes on" : "",
             ms(s->rtt_min_us), ms(s->rtt_mean_us), ms(s->rtt_p50_us), ms(s->rtt_p95_us),
             ms(s->rtt_max_us));
    tell(r->c, summary_json(r, s), text);
}

/* ---- the run ---- */

static void judge(struct run *r)
{
    struct probe_outage o;
    while (probe_judge(r->p.probe, prober_now(), &o))
        tell_outage(r, &o);
}

/* A round that didn't get there tells of loss, not of the way. */
static void end_round(struct run *r)
{
    r->round_us = KD_NEVER;
    if (!r->p.seen.reached)
        return;
    bool news = !r->has_path || !probe_path_same(&r->path, &r->p.seen);
    for (uint8_t i = 0; !news && i < r->path.n; i++) /* what was silent has spoken */
        if (!r->path.hop[i].family)
            r->path.hop[i] = r->p.seen.hop[i];
    if (!news)
        return;
    r->path = r->p.seen;
    r->has_path = true;
    tell_path(r);
}

static void hops_due(struct run *r, uint64_t now)
{
    if (now >= r->round_us || (r->round_us != KD_NEVER && prober_hops_complete(&r->p)))
        end_round(r);
    if (now < r->hops_us || now >= r->end_us)
        return;
    prober_ask_hops(&r->p,
                    r->has_path ? (uint8_t)KD_MIN(r->path.n + 4, PROBE_HOPS_MAX) : HOPS_FIRST);
    r->round_us = now + HOPS_WAIT_US;
    r->hops_us = now + HOPS_EVERY_US;
}

static void due(struct run *r, uint64_t now)
{
    if (now >= r->next_us && now < r->end_us) {
        prober_send(&r->p);
        r->next_us += r->c->interval_us;
        if (r->next_us < now) /* we were not let: no burst to make up for it */
            r->next_us = now + r->c->interval_us;
    }
    if (r->p.hops_fd >= 0)
        hops_due(r, now);
    judge(r);
}

static uint64_t deadline(const struct run *r, uint64_t now)
{
    uint64_t at = KD_MIN(probe_deadline(r->p.probe), now < r->end_us ? r->next_us : KD_NEVER);
    if (r->p.hops_fd < 0)
        return at;
    return KD_MIN(at, KD_MIN(r->round_us, now < r->end_us ? r->hops_us : KD_NEVER));
}

static void await(const struct run *r, uint64_t until, const sigset_t *mask)
{
    struct pollfd fds[2] = {{r->p.fd, POLLIN, 0}, {r->p.hops_fd, POLLIN, 0}};
    uint64_t now = prober_now(), left = until > now ? until - now : 0;
    struct timespec t = {(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
    (void)ppoll(fds, r->p.hops_fd >= 0 ? 2 : 1, &t, mask);
}

/* Sending ends at Ctrl-C or --duration; then what is under way is waited for. */
static bool over(struct run *r, uint64_t now)
{
    if (prober_stopped() && now < r->end_us)
        r->end_us = now;
    return now >= r->end_us && probe_deadline(r->p.probe) == KD_NEVER && r->round_us == KD_NEVER;
}

static void run(struct run *r, const sigset_t *mask)
{
    for (uint64_t now = prober_now(); !over(r, now); now = prober_now()) {
        due(r, now);
        await(r, deadline(r, now), mask);
        prober_receive(&r->p);
        if (r->p.hops_fd >= 0)
            prober_receive_hops(&r->p);
        judge(r);
    }
}

static enum cli_exit verdict(const struct cli *c, const struct probe_summary *s)
{
    uint64_t longest = s->longest.first_good_us - s->longest.last_good_us;
    if (s->answered == 0)
        return CLI_FAILED;
    if (c->outage_max_us && (s->open || (s->longest.lost && longest > c->outage_max_us)))
        return CLI_FAILED;
    return CLI_OK;
}

static enum cli_exit measure(const struct cli *c, struct run *r)
{
    struct probe_params par = {.interval_us = c->interval_us, .timeout_us = c->timeout_us};
    struct probe_summary s;
    sigset_t mask;
    r->p.hops_fd = c->path ? 0 : -1;
    r->p.udp_port = c->port;
    r->p.probe = probe_new(&par);
    if (!r->p.probe) {
        fprintf(stderr, "kedge: --timeout: at most %u times --interval\n", PROBE_WINDOW_MAX - 2);
        return CLI_USAGE;
    }
    if (!prober_open(&r->p))
        return CLI_FAILED;
    prober_catch_signals(&mask);
    r->start_us = r->next_us = r->hops_us = prober_now();
    r->round_us = KD_NEVER;
    r->end_us = c->duration_us ? r->start_us + c->duration_us : KD_NEVER;
    run(r, &mask);
    probe_summarize(r->p.probe, prober_now(), &s);
    tell_summary(r, &s);
    return verdict(c, &s);
}

enum cli_exit cli_probe(const struct cli *c)
{
    static struct run r;
    if (c->reflect)
        return prober_reflect(c);
    r = (struct run){.c = c, .p = {.fd = -1, .hops_fd = -1}};
    if (!c->to) {
        fputs("kedge: probe needs --to ADDRESS, or --reflect at the far end\n", stderr);
        return CLI_USAGE;
    }
    if (!prober_address("--to", c->to, &r.p.to) || !prober_address("--from", c->from, &r.p.from))
        return CLI_USAGE;
    if (r.p.from.family && r.p.from.family != r.p.to.family) {
        fputs("kedge: --from and --to are of different families\n", stderr);
        return CLI_USAGE;
    }
    enum cli_exit e = measure(c, &r);
    prober_close(&r.p);
    probe_free(r.p.probe);
    return e;
}
