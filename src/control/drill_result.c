/* A drill's result as JSON and back, for the history, the control interface and the page. One table
 * of fields serves both directions, so that what is written is what is read; a result that doesn't
 * fit the table is refused with its place. Times that did not come are null. */
#include "control/drill_result.h"

#include <stdio.h>

#define F(T, m, t)      KD_FIELD(struct T, m, KD_F_##t)
#define FE(T, m, names) KD_FIELD_ENUM(struct T, m, names)

static const struct kd_field head_fields[] = {
    F(drill_result, drill, STR),
    F(drill_result, node, STR),
    F(drill_result, start_wall_us, U64),
    F(drill_result, length_us, U64),
    FE(drill_result, verdict, drill_verdict_names),
    F(drill_result, reason, STR),
    F(drill_result, forced, BOOL),
    F(drill_result, rehearsed, BOOL),
    F(drill_result, probe_from, STR),
    F(drill_result, probe_to, STR),
    F(drill_result, probe_udp, BOOL),
    F(drill_result, probe_every_us, U64),
    F(drill_result, events_left_out, U32),
    F(drill_result, before, U32),
    F(drill_result, during, U32),
    F(drill_result, after, U32),
    {"kedge", KD_F_STR, offsetof(struct drill_result, version),
     sizeof(((struct drill_result *)0)->version), NULL},
    {"bucket_us", KD_F_U64, offsetof(struct drill_result, samples.width_us), sizeof(uint64_t),
     NULL},
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

#define LIST(key, n, array, max, fields, more, add)                                                \
    {                                                                                              \
        key, offsetof(struct drill_result, n), offsetof(struct drill_result, array),               \
            sizeof(((struct drill_result *)0)->array[0]), max, fields, KD_ARRAY_LEN(fields), more, \
            add                                                                                    \
    }

static bool take_hops(const json_t *o, void *one)
{
    return ctl_hops_take(o, &((struct drill_path *)one)->hops);
}

static void add_hops(json_t *o, const void *one)
{
    ctl_hops_add(o, &((const struct drill_path *)one)->hops);
}

static const struct ctl_fields_list lists[] = {
    LIST("steps", n_steps, step, DRILL_STEPS_MAX, step_fields, NULL, NULL),
    LIST("marks", n_marks, mark, DRILL_MARKS_MAX, mark_fields, NULL, NULL),
    LIST("outages", n_outages, outage, DRILL_OUTAGES_MAX, ctl_outage_fields, ctl_outage_in_order,
         NULL),
    LIST("paths", n_paths, path, DRILL_PATHS_MAX, path_fields, take_hops, add_hops),
    LIST("routes", n_routes, routes, DRILL_ROUTES_MAX, routes_fields, NULL, NULL),
    LIST("events", n_events, event, DRILL_EVENTS_MAX, event_fields, NULL, NULL),
    LIST("buckets", samples.n, samples.b, DRILL_BUCKETS_MAX, bucket_fields, NULL, NULL),
};

json_t *ctl_drill_json(const struct drill_result *r)
{
    char id[DRILL_ID_MAX];
    json_t *o = json_pack("{s:i, s:s}", "version", DRILL_FORMAT, "id",
                          drill_result_id(r->start_wall_us, id));
    json_t *head = ctl_fields_json(head_fields, KD_ARRAY_LEN(head_fields), r);

    json_object_update(o, head);
    json_decref(head);
    json_object_set_new(o, "loss",
                        ctl_fields_json(loss_fields, KD_ARRAY_LEN(loss_fields), &r->loss));
    for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++)
        json_object_set_new(o, lists[i].key, ctl_fields_list_json(&lists[i], r));
    return o;
}

static bool paths_exist(const struct drill_result *r)
{
    const uint32_t at[] = {r->before, r->during, r->after};

    for (size_t i = 0; i < KD_ARRAY_LEN(at); i++)
        if (at[i] != DRILL_NO_PATH && at[i] >= r->n_paths)
            return false;
    return true;
}

bool ctl_drill_parse(const json_t *o, struct drill_result *r, struct ctl_fields_error *e)
{
    json_int_t version = json_integer_value(json_object_get(o, "version"));

    memset(r, 0, sizeof(*r));
    if (version != DRILL_FORMAT) {
        snprintf(e->text, sizeof(e->text), "format %lld; this kedge reads %d", (long long)version,
                 DRILL_FORMAT);
        return false;
    }
    if (!ctl_fields_take(head_fields, KD_ARRAY_LEN(head_fields), o, r, "", e) ||
        !ctl_fields_take(loss_fields, KD_ARRAY_LEN(loss_fields), json_object_get(o, "loss"),
                         &r->loss, "loss", e))
        return false;
    for (size_t i = 0; i < KD_ARRAY_LEN(lists); i++)
        if (!ctl_fields_take_list(&lists[i], o, r, e))
            return false;
    if (r->length_us == KD_NEVER || r->start_wall_us == KD_NEVER || r->samples.width_us == KD_NEVER)
        return ctl_fields_wrong(e, "", "length_us, start_wall_us or bucket_us");
    return paths_exist(r) || ctl_fields_wrong(e, "", "before, during or after");
}

bool ctl_drill_read(struct kd_bytes text, struct drill_result *r, struct ctl_fields_error *e)
{
    json_error_t at;
    json_t *o = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &at);
    bool ok = o && ctl_drill_parse(o, r, e);

    if (!o)
        snprintf(e->text, sizeof(e->text), "no JSON in line %d", at.line);
    json_decref(o);
    return ok;
}
