/* Tables of fields at work, in both directions. */
#include "control/fields.h"

#include <stdio.h>

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
        kd_assert(f->type == KD_F_STR);
        return ctl_text(kd_bytes_str(p));
    }
}

json_t *ctl_fields_json(const struct kd_field *f, size_t n, const void *obj)
{
    json_t *o = json_object();

    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, f[i].name, value(&f[i], obj));
    return o;
}

json_t *ctl_fields_list_json(const struct ctl_fields_list *l, const void *obj)
{
    const char *base = obj;
    uint32_t n = *(const uint32_t *)(const void *)(base + l->n_offset);
    json_t *out = json_array();

    for (uint32_t i = 0; i < n; i++) {
        const char *one = base + l->offset + i * l->size;
        json_t *o = ctl_fields_json(l->fields, l->n_fields, one);
        if (l->add)
            l->add(o, one);
        json_array_append_new(out, o);
    }
    return out;
}

void ctl_hops_add(json_t *o, const struct probe_path *p)
{
    json_t *l = json_array();

    for (uint8_t i = 0; i < p->n; i++)
        json_array_append_new(l, ctl_addr(&p->hop[i]));
    json_object_set_new(o, "hops", l);
    json_object_set_new(o, "reached", json_boolean(p->reached));
}

/* ---- in ---- */

bool ctl_fields_wrong(struct ctl_fields_error *e, const char *where, const char *key)
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
        return take_number(v, CTL_NUMBER_MAX, KD_NEVER, p);
    case KD_F_BOOL:
        *(bool *)p = json_is_true(v);
        return json_is_boolean(v);
    case KD_F_ENUM:
        return take_name(v, f->names, p);
    default:
        kd_assert(f->type == KD_F_STR);
        return take_text(v, p, f->size);
    }
}

bool ctl_fields_take(const struct kd_field *f, size_t n, const json_t *o, void *obj,
                     const char *where, struct ctl_fields_error *e)
{
    for (size_t i = 0; i < n; i++)
        if (!take(&f[i], json_object_get(o, f[i].name), obj))
            return ctl_fields_wrong(e, where, f[i].name);
    return true;
}

bool ctl_fields_take_list(const struct ctl_fields_list *l, const json_t *o, void *obj,
                          struct ctl_fields_error *e)
{
    const json_t *array = json_object_get(o, l->key);
    char *base = obj, where[64];
    size_t n = json_array_size(array);

    if (!json_is_array(array) || n > l->max)
        return ctl_fields_wrong(e, "", l->key);
    *(uint32_t *)(void *)(base + l->n_offset) = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(array, i);
        char *to = base + l->offset + i * l->size;
        snprintf(where, sizeof(where), "%s[%zu]", l->key, i);
        if (!ctl_fields_take(l->fields, l->n_fields, one, to, where, e))
            return false;
        if (l->more && !l->more(one, to))
            return ctl_fields_wrong(e, "", where);
    }
    return true;
}

bool ctl_hops_take(const json_t *o, struct probe_path *p)
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

const struct kd_field ctl_outage_fields[7] = {
    KD_FIELD(struct probe_outage, first_seq, KD_F_U64),
    KD_FIELD(struct probe_outage, lost, KD_F_U64),
    KD_FIELD(struct probe_outage, last_good_us, KD_F_U64),
    KD_FIELD(struct probe_outage, first_good_us, KD_F_U64),
    KD_FIELD(struct probe_outage, counted, KD_F_BOOL),
    KD_FIELD(struct probe_outage, lost_out, KD_F_U64),
    KD_FIELD(struct probe_outage, lost_back, KD_F_U64),
};

bool ctl_outage_in_order(const json_t *o, void *outage)
{
    const struct probe_outage *x = outage;

    (void)o;
    return x->last_good_us != KD_NEVER &&
           (x->first_good_us == 0 || x->first_good_us >= x->last_good_us);
}
