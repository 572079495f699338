/* Structs as JSON objects and back, by tables of fields: what is written is what is read. Numbers
 * that mean "none" (KD_NEVER, UINT32_MAX) are null. */
#ifndef CONTROL_FIELDS_H
#define CONTROL_FIELDS_H

#include "base/schema.h"
#include "control/control.h"
#include "probe/probe.h"

#define CTL_NUMBER_MAX ((uint64_t)1 << 56) /* in files and reports: sums of them don't overflow */

struct ctl_fields_error {
    char text[128];
};

/* An array of structs inside another struct. */
struct ctl_fields_list {
    const char *key;
    size_t n_offset, offset, size; /* of the uint32_t count, the array, one of it */
    uint32_t max;
    const struct kd_field *fields;
    size_t n_fields;
    bool (*more)(const json_t *o, void *one); /* what the table can't say; NULL: nothing */
    void (*add)(json_t *o, const void *one);  /* likewise, the other way; may be NULL */
};

json_t *ctl_fields_json(const struct kd_field *f, size_t n, const void *obj) KD_MUST_USE;
json_t *ctl_fields_list_json(const struct ctl_fields_list *l, const void *obj) KD_MUST_USE;

/* False with the place in *e: the key is missing, or not as it was written. */
bool ctl_fields_take(const struct kd_field *f, size_t n, const json_t *o, void *obj,
                     const char *where, struct ctl_fields_error *e) KD_MUST_USE;
bool ctl_fields_take_list(const struct ctl_fields_list *l, const json_t *o, void *obj,
                          struct ctl_fields_error *e) KD_MUST_USE;
/* Says so; false. */
bool ctl_fields_wrong(struct ctl_fields_error *e, const char *where, const char *key);

/* "hops" and "reached" of a way; a silent hop is null. */
void ctl_hops_add(json_t *o, const struct probe_path *p);
bool ctl_hops_take(const json_t *o, struct probe_path *p) KD_MUST_USE;
/* A probe_outage: its fields; and as more(), does it end, if it has ended, after its beginning? */
extern const struct kd_field ctl_outage_fields[7];
bool ctl_outage_in_order(const json_t *o, void *outage);

#endif
