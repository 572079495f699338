/* kedge probe: numbered packets at a steady pace, what became of them, and the way they took. Runs
 * on any host, without the daemon. The far end that counts is reflect.c. */
#include "cli/agent.h"
#include "cli/probe_loop.h"

#include <string.h>

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

static void tell_outage(struct prober_run *r, const struct probe_outage *o)
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
    tell(r->arg, j, text);
}

json_t *prober_hops_json(const struct probe_path *p)
{
    char addr[KD_ADDR_STR_MAX];
    json_t *l = json_array();
    for (uint8_t i = 0; i < p->n; i++)
        json_array_append_new(l, p->hop[i].family ? json_string(kd_addr_str(&p->hop[i], addr))
                                                  : json_null());
    return l;
}

/* A hop that is heard of later is in the summary. */
static void tell_path(struct prober_run *r, const struct probe_way *w, enum probe_news news)
{
    if (news != PROBE_WAY_ANOTHER)
        return;
    char hops[PROBE_HOPS_MAX * KD_ADDR_STR_MAX], text[sizeof(hops) + 32];
    double at = (double)(w->since_us - r->start_us) / 1e6;
    snprintf(text, sizeof(text), "%.3f s: path %s", at,
             probe_path_text(&w->path, hops, sizeof(hops)));
    tell(r->arg,
         json_pack("{s:s, s:f, s:o}", "event", "path", "at_ms", at * 1000, "hops",
                   prober_hops_json(&w->path)),
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

static json_t *summary_json(const struct prober_run *r, const struct probe_summary *s)
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
    if (r->p.hops.way.known)
        json_object_set_new(j, "path", prober_hops_json(&r->p.hops.way.path));
    return j;
}

static void tell_summary(const struct prober_run *r, const struct probe_summary *s)
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
    tell(r->arg, summary_json(r, s), text);
}

/* ---- the run ---- */

static enum cli_exit verdict(const struct cli *c, const struct probe_summary *s)
{
    uint64_t longest = s->longest.first_good_us - s->longest.last_good_us;
    if (s->answered == 0)
        return CLI_FAILED;
    if (c->outage_max_us && (s->open || (s->longest.lost && longest > c->outage_max_us)))
        return CLI_FAILED;
    return CLI_OK;
}

enum cli_exit cli_probe(const struct cli *c)
{
    static struct prober_run r;
    struct probe_summary s;
    if (c->reflect)
        return prober_reflect(c);
    if (c->agent)
        return cli_agent(c);
    r = (struct prober_run){
        .p = {.fd = -1, .hops_fd = c->path ? 0 : -1, .udp_port = c->port},
        .params = {.interval_us = c->interval_us, .timeout_us = c->timeout_us},
        .duration_us = c->duration_us,
        .on_outage = tell_outage,
        .on_path = tell_path,
        .arg = (void *)(uintptr_t)c,
    };
    if (!c->to) {
        fputs("kedge: probe needs --to ADDRESS, or --reflect at the far end, or --agent NAME\n",
              stderr);
        return CLI_USAGE;
    }
    if (!prober_address("--to", c->to, &r.p.to) || !prober_address("--from", c->from, &r.p.from))
        return CLI_USAGE;
    if (r.p.from.family && r.p.from.family != r.p.to.family) {
        fputs("kedge: --from and --to are of different families\n", stderr);
        return CLI_USAGE;
    }
    enum cli_exit e = prober_run(&r);
    if (e == CLI_OK) {
        probe_summarize(r.p.probe, prober_now(), &s);
        tell_summary(&r, &s);
        e = verdict(c, &s);
    }
    prober_run_done(&r);
    return e;
}
