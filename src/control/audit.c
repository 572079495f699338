/* The answer to an audit: what differs, where, and how to mend it; what is still on its way. */
#include "control/control.h"

static json_t *looked(const struct core_audit *a)
{
    json_t *o = json_object();
    for (int i = 0; i < CORE_AUDIT_WHATS; i++)
        json_object_set_new(o, core_audit_what_names[i], json_integer(a->looked[i]));
    return o;
}

static json_t *finding(const struct core *c, const struct core_finding *f)
{
    const struct core_config *cfg = core_configuration(c);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "what", core_audit_what_names[f->what],
                     "state", core_audit_kind_names[f->kind], "tunnel",
                     f->tunnel < cfg->n_tunnels ? json_string(cfg->tunnels[f->tunnel].ike.name)
                                                : json_null(),
                     "where", ctl_text(kd_bytes_str(f->where)), "detail",
                     ctl_text(kd_bytes_str(f->detail)), "remedy",
                     ctl_text(kd_bytes_str(f->remedy)));
}

struct ctl_response ctl_audited(const struct core *c, const struct core_audit *a)
{
    json_t *differences = json_array(), *busy = json_array();
    uint32_t all = 0;
    for (uint32_t i = 0; i < a->n_kept; i++)
        json_array_append_new(a->f[i].kind == CORE_AUDIT_BUSY ? busy : differences,
                              finding(c, &a->f[i]));
    for (int i = 0; i < CORE_AUDIT_KINDS; i++)
        all += a->n[i];
    return ctl_respond(200, json_pack("{s:i, s:b, s:o, s:o, s:i, s:o}", "version", CTL_VERSION,
                                      "clean", core_audit_clean(a), "differences", differences,
                                      "in_progress", busy, "left_out", (int)(all - a->n_kept),
                                      "looked", looked(a)));
}
