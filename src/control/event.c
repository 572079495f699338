/* Event records as JSON lines and as log lines: one table says which fields an event has, and both
 * forms come from the same object. */
#include "control/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum field {
    F_STATE = 1,      /* tunnel state */
    F_BSTATE = 2,     /* BGP state */
    F_REASON = 4,
    F_SPI = 8,
    F_REMOTE = 16,
    F_PREFIX = 32,
    F_NEXTHOP = 64,
    F_COUNT = 128,    /* routes, and how long they took */
    F_SUITE = 256,    /* the text is a suite */
    F_DETAIL = 512,   /* the text, where there is one */
    F_PROPOSALS = 1024, /* offered and configured */
    F_TOOK = 2048,    /* how long it took */
};

static const unsigned fields[CORE_NOTE_N] = {
    [CORE_NOTE_START] = F_DETAIL,
    [CORE_NOTE_DATAPLANE] = F_DETAIL,
    [CORE_NOTE_STOP] = F_DETAIL,
    [CORE_NOTE_TUNNEL_STATE] = F_STATE | F_REASON | F_DETAIL,
    [CORE_NOTE_IKE_UP] = F_SUITE | F_REMOTE,
    [CORE_NOTE_IKE_CLOSED] = F_REASON | F_DETAIL,
    [CORE_NOTE_IKE_REKEYED] = F_SUITE,
    [CORE_NOTE_IKE_REFUSED] = F_REASON | F_REMOTE | F_DETAIL | F_PROPOSALS,
    [CORE_NOTE_CHILD_UP] = F_SPI | F_SUITE,
    [CORE_NOTE_CHILD_DOWN] = F_SPI | F_REASON,
    [CORE_NOTE_DETECT] = F_REASON | F_DETAIL,
    [CORE_NOTE_RESTORE] = F_DETAIL,
    [CORE_NOTE_ABANDON] = F_REASON | F_DETAIL,
    [CORE_NOTE_BGP_STATE] = F_BSTATE | F_REASON,
    [CORE_NOTE_BGP_STOP] = F_REASON | F_DETAIL,
    [CORE_NOTE_BGP_ERROR] = F_REASON | F_DETAIL,
    [CORE_NOTE_BFD_STATE] = F_REASON | F_TOOK | F_DETAIL,
    [CORE_NOTE_BFD_REFUSED] = F_DETAIL,
    [CORE_NOTE_ROUTE_ADD] = F_PREFIX | F_NEXTHOP,
    [CORE_NOTE_ROUTE_DEL] = F_PREFIX | F_NEXTHOP,
    [CORE_NOTE_ROUTE_REFUSED] = F_PREFIX | F_DETAIL,
    [CORE_NOTE_FIB_CLEAR] = F_COUNT,
    [CORE_NOTE_KERNEL_ERROR] = F_REASON | F_DETAIL,
    [CORE_NOTE_STRANGER] = F_REMOTE | F_DETAIL,
    [CORE_NOTE_IKE_WARNING] = F_DETAIL,
    [CORE_NOTE_REHEARSAL_START] = 0,
    [CORE_NOTE_REHEARSAL_PASS] = F_TOOK | F_DETAIL,
    [CORE_NOTE_REHEARSAL_FAIL] = F_REASON | F_TOOK | F_DETAIL,
    [CORE_NOTE_RELOAD] = F_DETAIL,
    [CORE_NOTE_RELOAD_REFUSED] = F_DETAIL,
    [CORE_NOTE_KEYLOG] = F_DETAIL,
    [CORE_NOTE_HEALTH_DOWN] = F_REASON | F_TOOK | F_DETAIL,
    [CORE_NOTE_HEALTH_UP] = F_TOOK | F_DETAIL,
    [CORE_NOTE_HEALTH_WAY] = F_DETAIL,
    [CORE_NOTE_RECOVER_HOLD] = F_TOOK,
    [CORE_NOTE_PATH_MTU] = F_DETAIL,
    [CORE_NOTE_DRILL] = F_DETAIL,
    [CORE_NOTE_READINESS] = F_DETAIL,
};

struct ctl_names ctl_event_names(const struct core *core, const struct core_event_record *r)
{
    struct ctl_names n = {NULL, NULL, NULL};
    struct core_health_view h;
    struct core_tunnel_view t;
    if (r->tunnel != CORE_NO_TUNNEL && core_tunnel_get(core, r->tunnel, &t))
        n.tunnel = t.config->ike.name;
    const struct bgp_peer_config *p =
        r->peer != CORE_NO_PEER ? core_peer_config(core, r->peer) : NULL;
    if (p)
        n.neighbor = p->name;
    if (r->note >= CORE_NOTE_HEALTH_DOWN && r->note <= CORE_NOTE_HEALTH_WAY &&
        core_health_get(core, r->health, &h))
        n.health = h.config->name;
    return n;
}

static void set(json_t *o, const char *key, json_t *v)
{
    json_object_set_new(o, key, v); /* out of memory: the field is missing */
}

static void add_endpoint(json_t *o, const struct kd_endpoint *e)
{
    char buf[KD_ENDPOINT_STR_MAX];
    if (e->addr.family && e->port)
        set(o, "remote", json_string(kd_endpoint_str(e, buf)));
    else if (e->addr.family)
        set(o, "remote", ctl_addr(&e->addr));
}

static void add_fields(json_t *o, const struct core_event_record *r, unsigned f)
{
    if (f & F_STATE)
        set(o, "state", json_string(core_tunnel_state_names[r->tstate]));
    if (f & F_BSTATE)
        set(o, "state", json_string(bgp_state_names[r->bstate]));
    if (f & F_REASON)
        set(o, "reason", json_string(kd_reason_str(r->reason)));
    if (f & F_SPI) {
        set(o, "spi_in", ctl_spi(r->spi_in));
        set(o, "spi_out", ctl_spi(r->spi_out));
    }
    if (f & F_REMOTE)
        add_endpoint(o, &r->remote);
    if (f & F_PREFIX)
        set(o, "prefix", ctl_prefix(&r->prefix));
    if (f & F_NEXTHOP && r->nexthop.family)
        set(o, "next_hop", ctl_addr(&r->nexthop));
    if (f & F_COUNT) {
        set(o, "routes", json_integer(r->count));
        set(o, "latency_us", json_integer((json_int_t)r->latency_us));
    }
    if ((f & F_TOOK) && r->latency_us)
        set(o, "took_us", json_integer((json_int_t)r->latency_us));
    if (f & F_SUITE)
        set(o, "suite", ctl_text(r->text));
    if (f & F_DETAIL && r->text.len)
        set(o, "detail", ctl_text(r->text));
    if (f & F_PROPOSALS && (r->offered.len || r->configured.len)) {
        set(o, "offered", ctl_list(r->offered));
        set(o, "configured", ctl_list(r->configured));
    }
}

static void add_names_and_fields(json_t *o, const struct core_event_record *r,
                                 const struct ctl_names *names)
{
    if (names->tunnel)
        set(o, "tunnel", json_string(names->tunnel));
    if (names->neighbor)
        set(o, "neighbor", json_string(names->neighbor));
    if (names->health)
        set(o, "health", json_string(names->health));
    add_fields(o, r, fields[r->note]);
}

static json_t *wall_text(uint64_t wall_us)
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    char buf[48];
    gmtime_r(&s, &tm);
    size_t n = strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, sizeof(buf) - n, ".%06uZ", (unsigned)(wall_us % 1000000));
    return json_string(buf);
}

char *ctl_event_json(const struct core_event_record *r, const struct ctl_names *names, uint64_t seq,
                     uint64_t wall_us)
{
    json_t *o = json_object();
    size_t len;
    if (!o)
        return NULL;
    set(o, "version", json_integer(CTL_VERSION));
    set(o, "seq", json_integer((json_int_t)seq));
    set(o, "t_us", json_integer((json_int_t)r->now_us));
    set(o, "wall", wall_text(wall_us));
    set(o, "event", json_string(core_note_names[r->note]));
    add_names_and_fields(o, r, names);
    char *s = ctl_dump(o, &len);
    char *line = s ? realloc(s, len + 2) : NULL;
    if (!line) {
        free(s);
        return NULL;
    }
    memcpy(line + len, "\n", 2);
    return line;
}

/* ---- sets ---- */

/* "bgp" and "bgp.stop" name bgp.stop. */
static bool named(const char *event, struct kd_bytes word)
{
    size_t n = word.len;
    return n > 0 && strncmp(event, (const char *)word.p, n) == 0 &&
           (event[n] == '\0' || event[n] == '.');
}

static uint64_t notes_of(struct kd_bytes word)
{
    uint64_t notes = 0;
    for (int i = 0; i < CORE_NOTE_N; i++)
        if (named(core_note_names[i], word))
            notes |= CTL_NOTE(i);
    return notes;
}

bool ctl_event_set(const char *list, uint64_t *notes, struct kd_bytes *wrong)
{
    *notes = 0;
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        *wrong = kd_bytes(at, strcspn(at, ","));
        if (!notes_of(*wrong))
            return false;
        *notes |= notes_of(*wrong);
    }
    return true;
}

/* ---- log lines ---- */

static bool plain(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '"' || *s == '=' ||
            *s == '\\')
            return false;
    return true;
}

static char *joined(const json_t *list)
{
    size_t cap = 1, i;
    json_t *v;
    json_array_foreach (list, i, v)
        cap += json_string_length(v) + 2;
    char *s = calloc(1, cap);
    json_array_foreach (list, i, v)
        if (s)
            strcat(strcat(s, i ? ", " : ""), json_string_value(v));
    return s;
}

static size_t append(char *buf, size_t at, size_t cap, const char *key, const char *value)
{
    char *quoted = NULL;
    if (!plain(value)) {
        json_t *s = json_string(value);
        quoted = json_dumps(s, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        json_decref(s);
    }
    int n = snprintf(buf + at, cap - at, " %s=%s", key,
                     quoted ? quoted : plain(value) ? value : "?");
    free(quoted);
    return KD_MIN(at + (size_t)n, cap - 1);
}

void ctl_event_log(const struct core_event_record *r, const struct ctl_names *names, char *buf,
                   size_t cap)
{
    json_t *o = json_object(), *v;
    const char *key;
    size_t at = KD_MIN((size_t)snprintf(buf, cap, "%s", core_note_names[r->note]), cap - 1);
    if (!o)
        return;
    add_names_and_fields(o, r, names);
    json_object_foreach (o, key, v) { /* in the order they were set */
        char *made = NULL, number[24];
        if (json_is_array(v))
            made = joined(v);
        if (json_is_integer(v))
            snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
        const char *text = json_is_string(v) ? json_string_value(v) : made ? made : number;
        if (json_is_string(v) || made || json_is_integer(v))
            at = append(buf, at, cap, key, text);
        free(made);
    }
    json_decref(o);
}
