/* A drill's result as JSON and back, for the history, the control interface and the page. One table
 * of fields serves both directions, so that what is written is what is read; a result that doesn't
 * fit the table is refused with its place. Times that did not come are null. */
#include "control/drill_result.h"

#include "base/schema.h"

#include <stdio.h>
#include <stdlib.h>

#define F(T, m, t)      KD_FIELD(struct T, m, KD_F_##t)
#define FE(T, m, names) KD_FIELD_ENUM(struct T, m, names)

static const struct kd_field head_fields[] = {
    F(drill_result, drill, STR),          F(drill_result, node, STR),
    F(drill_result, version, STR),        F(drill_result, start_wall_us, U64),
    F(drill_result, length_us, U64),      FE(drill_result, verdict, drill_verdict_names),
    F(drill_result, reason, STR),         F(drill_result, forced, BOOL),
    F(drill_result, rehearsed, BOOL),     F(drill_result, probe_from, STR),
    F(drill_result, probe_to, STR),       F(drill_result, probe_udp, BOOL),
    F(drill_result, probe_every_us, U64), F(drill_result, events_left_out, U32),
    F(drill_result, before, U32),         F(drill_result, during, U32),
    F(drill_result, after, U32),
};
static const struct kd_field loss_fields[] = {
    F(drill_loss, sent, U64),       F(drill_loss, answered, U64),   F(drill_loss, lost, U64),
    F(drill_loss, late, U64),       F(drill_loss, duplicate, U64),  F(drill_loss, reordered, U64),
    F(drill_loss, counted, BOOL),   F(drill_loss, lost_out, U64),   F(drill_loss, lost_back, U64),
    F(drill_loss, outages, U64),    F(drill_loss, longest_us, U64), F(drill_loss, rtt_p50_us, U64),
    F(drill_loss, rtt_p95_us, U64), F(drill_loss, rtt_max_us, U64),
};
static const struct kd_field step_fields[] = {
    F(drill_step_result, text, STR),
    F(drill_step_result, detail, STR),
    FE(drill_step_result, outcome, drill_outcome_names),
    F(drill_step_result, start_us, U64),
    F(drill_step_result, end_us, U64),
    F(drill_step_result, undo, BOOL),
};
static const struct kd_field mark_fields[] = {
    FE(drill_mark, kind, drill_mark_names),
    FE(drill_mark, source, drill_source_names),
    F(drill_mark, at_us, U64),
    F(drill_mark, precision_us, U64),
    F(drill_mark, what, STR),
};
static const struct kd_field outage_fields[] = {
    F(probe_outage, first_seq, U64),    F(probe_outage, lost, U64),
    F(probe_outage, last_good_us, U64), F(probe_outage, first_good_us, U64),
    F(probe_outage, counted, BOOL),     F(probe_outage, lost_out, U64),
    F(probe_outage, lost_back, U64),
};
static const struct kd_field path_fields[] = {
    F(drill_path, at_us, U64),
    F(drill_path, name, STR),
    FE(drill_path, source, drill_source_names),
    F(drill_path, text, STR),
};
static const struct kd_field routes_fields[] = {
    F(drill_routes, neighbor, STR), F(drill_routes, before, U32),  F(drill_routes, during, U32),
    F(drill_routes, after, U32),    F(drill_routes, missing, U32), F(drill_routes, extra, U32),
};
static const struct kd_field event_fields[] = {
    F(drill_event, at_us, U64),  FE(drill_event, of, drill_event_class_names),
    F(drill_event, name, STR),   F(drill_event, what, STR),
    F(drill_event, detail, STR),
};
static const struct kd_field bucket_fields[] = {
    F(drill_bucket, answered, U32), F(drill_bucket, lost, U32), F(drill_bucket, rtt_max_us, U32)};

#define LIST(key, n, array, max, fields)                                                           \
    {                                                                                              \
        key, offsetof(struct drill_result, n), offsetof(struct drill_result, array),               \
            sizeof(((struct drill_result *)0)->array[0]), max, fields, KD_ARRAY_LEN(fields)        \
    }

static const struct list {
    const char *key;
    size_t n_offset, offset, size;
    uint32_t max;
    const struct kd_field *fields;
    size_t n_fields;
} lists[] = {
    LIST("steps", n_steps, step, DRILL_STEPS_MAX, step_fields),
    LIST("marks", n_marks, mark, DRILL_MARKS_MAX, mark_fields),
    LIST("outages", n_outages, outage, DRILL_OUTAGES_MAX, outage_fields),
    LIST("paths", n_paths, path, DRILL_PATHS_MAX, path_fields),
    LIST("routes", n_routes, routes, DRILL_ROUTES_MAX, routes_fields),
    LIST("events", n_events, event, DRILL_EVENTS_MAX, event_fields),
    LIST("buckets", samples.n, samples.b, DRILL_BUCKETS_MAX, bucket_fields),
};

/* ---- out ---- */

static json_t *number(uint64_t v, uint64_t none)
{
    return v == none ? json_null() : json_integer((json_int_t)v);
}

static json_t *value(const struct kd_field *f, const char *obj)
{
    const void *p = obj + f->offset;

    switch (f->type) {
    case KD_F_U32:
        return number(*(const uint32_t *)p, UINT32_MAX);
    case KD_F_U64:
        return number(*(const uint64_t *)p, KD_NEVER);
    case KD_F_BOOL:
        return json_boolean(*(const bool *)p);
    case KD_F_ENUM:
        return json_string(f->names[*(const unsigned *)p]);
    default:
        return ctl_text(kd_bytes_str(p));
    }
}

static json_t *object(const struct kd_field *f, size_t n, const void *obj)
{
    json_t *o = json_object();

    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, f[i].name, value(&f[i], obj));
    return o;
}

static json_t *hops_json(const struct probe_path *p)
{
    json_t *l = json_array();

    for (uint8_t i = 0; i < p->n; i++)
        json_array_append_new(l, ctl_addr(&p->hop[i]));
    return l;
}

static json_t *list_json(const struct list *l, const struct drill_result *r)
{
    const char *base = (const char *)r;
    uint32_t n = *(const uint32_t *)(const void *)(base + l->n_offset);
    json_t *out = json_array();

    for (uint32_t i = 0; i < n; i++) {
        json_t *o = object(l->fields, l->n_fields, base + l->offset + i * l->size);
        if (l->fields == path_fields) {
            json_object_set_new(o, "hops", hops_json(&r->path[i].hops));
            json_object_set_new(o, "reached", json_boolean(r->path[i].hops.reached));
        }
        json_array_append_new(out, o);
    }
    return out;
}

json_t *ctl_drill_json(const struct drill_result *r)
{
    char id[DRILL_ID_MAX];
    json_t *o = json_pack("{s:i, s:s}", "version", DRILL_FORMAT, "id",
                          drill_result_id(r->start_wall_us, id));
    json_t *head = object(head_fields, KD_ARRAY_LEN(head_fields), r);

    json_object_set_new(o, "kedge", json_incref(json_object_get(head, "version")));
    json_object_del(head, "version");
    json_object_update(o, head);
    json_decref(head);
    json_object_set_new(o, "loss", object(loss_fields, KD_ARRAY_LEN(loss_fields), &r->loss));
    for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++)
        json_object_set_new(o, lists[i].key, list_json(&lists[i], r));
    json_object_set_new(o, "bucket_us", json_integer((json_int_t)r->samples.width_us));
    return o;
}

/* ---- in ---- */

static bool wrong(struct ctl_drill_error *e, const char *where, const char *key)
{
    snprintf(e->text, sizeof(e->text), "%s%s%s is missing or not as it was written", where,
             where[0] ? "." : "", key);
    return false;
}

static bool take_number(const json_t *v, uint64_t max, uint64_t none, uint64_t *out)
{
    json_int_t n = json_integer_value(v);

    *out = json_is_null(v) ? none : (uint64_t)n;
    return json_is_null(v) || (json_is_integer(v) && n >= 0 && (uint64_t)n <= max);
}

static bool take_name(const json_t *v, const char *const *names, unsigned *out)
{
    const char *s = json_string_value(v);

    for (*out = 0; s && names[*out]; ++*out)
        if (strcmp(names[*out], s) == 0)
            return true;
    return false;
}

static bool take_text(const json_t *v, char *out, size_t cap)
{
    size_t n = json_string_length(v);

    if (!json_is_string(v) || n >= cap || strlen(json_string_value(v)) != n)
        return false;
    memcpy(out, json_string_value(v), n + 1);
    return true;
}

static bool take(const struct kd_field *f, const json_t *v, char *obj)
{
    void *p = obj + f->offset;
    uint64_t n;
    bool ok;

    switch (f->type) {
    case KD_F_U32:
        ok = take_number(v, UINT32_MAX, UINT32_MAX, &n);
        *(uint32_t *)p = (uint32_t)n;
        return ok;
    case KD_F_U64:
        return take_number(v, INT64_MAX, KD_NEVER, p);
    case KD_F_BOOL:
        *(bool *)p = json_is_true(v);
        return json_is_boolean(v);
    case KD_F_ENUM:
        return take_name(v, f->names, p);
    default:
        return take_text(v, p, f->size);
    }
}

static bool take_object(const struct kd_field *f, size_t n, const json_t *o, void *obj,
                        const char *where, struct ctl_drill_error *e)
{
    for (size_t i = 0; i < n; i++) {
        const char *key =
            f == head_fields && strcmp(f[i].name, "version") == 0 ? "kedge" : f[i].name;
        if (!take(&f[i], json_object_get(o, key), obj))
            return wrong(e, where, key);
    }
    return true;
}

static bool take_hops(const json_t *o, struct probe_path *p)
{
    const json_t *l = json_object_get(o, "hops"), *v;
    size_t i;

    if (!json_is_array(l) || json_array_size(l) > PROBE_HOPS_MAX)
        return false;
    p->n = (uint8_t)json_array_size(l);
    p->reached = json_is_true(json_object_get(o, "reached"));
    json_array_foreach (l, i, v)
        if (!json_is_null(v) &&
            !(json_is_string(v) && kd_addr_parse(json_string_value(v), &p->hop[i])))
            return false;
    return true;
}

static bool take_list(const struct list *l, const json_t *o, struct drill_result *r,
                      struct ctl_drill_error *e)
{
    const json_t *array = json_object_get(o, l->key);
    char *base = (char *)r, where[64];
    size_t n = json_array_size(array);

    if (!json_is_array(array) || n > l->max)
        return wrong(e, "", l->key);
    *(uint32_t *)(void *)(base + l->n_offset) = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(array, i);
        snprintf(where, sizeof(where), "%s[%zu]", l->key, i);
        if (!take_object(l->fields, l->n_fields, one, base + l->offset + i * l->size, where, e))
            return false;
        if (l->fields == path_fields && !take_hops(one, &r->path[i].hops))
            return wrong(e, where, "hops");
    }
    return true;
}

static bool paths_exist(const struct drill_result *r)
{
    const uint32_t at[] = {r->before, r->during, r->after};

    for (size_t i = 0; i < KD_ARRAY_LEN(at); i++)
        if (at[i] != DRILL_NO_PATH && at[i] >= r->n_paths)
            return false;
    return true;
}

bool ctl_drill_parse(const json_t *o, struct drill_result *r, struct ctl_drill_error *e)
{
    json_int_t version = json_integer_value(json_object_get(o, "version"));

    memset(r, 0, sizeof(*r));
    if (version != DRILL_FORMAT) {
        snprintf(e->text, sizeof(e->text), "format %lld; this kedge reads %d", (long long)version,
                 DRILL_FORMAT);
        return false;
    }
    if (!take_object(head_fields, KD_ARRAY_LEN(head_fields), o, r, "", e) ||
        !take_object(loss_fields, KD_ARRAY_LEN(loss_fields), json_object_get(o, "loss"), &r->loss,
                     "loss", e))
        return false;
    for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++)
        if (!take_list(&lists[i], o, r, e))
            return false;
    if (!take_number(json_object_get(o, "bucket_us"), INT64_MAX / DRILL_BUCKETS_MAX, 0,
                     &r->samples.width_us))
        return wrong(e, "", "bucket_us");
    return paths_exist(r) || wrong(e, "", "before, during or after");
}

bool ctl_drill_read(struct kd_bytes text, struct drill_result *r, struct ctl_drill_error *e)
{
    json_error_t at;
    json_t *o = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &at);
    bool ok = o && ctl_drill_parse(o, r, e);

    if (!o)
        snprintf(e->text, sizeof(e->text), "no JSON in line %d", at.line);
    json_decref(o);
    return ok;
}
