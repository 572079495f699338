/* The answer to a reload: what was taken over, what waits for a restart; or why nothing was. Of a
 * dry one: what would be. */
#include "control/control.h"

static json_t *refusal(const struct ctl_reload *r)
{
    return json_pack("{s:i, s:s, s:s, s:o}", "version", CTL_VERSION, "error",
                     r->dry ? "the configuration isn't good; a reload would change nothing"
                            : "the configuration isn't good; nothing has changed",
                     "remedy", "mend it (kedge check judges it too) and reload again", "errors",
                     ctl_lines(r->errors));
}

struct ctl_response ctl_reloaded(const struct ctl_reload *r)
{
    json_t *o;
    if (r->errors.len)
        o = refusal(r);
    else
        o = json_pack("{s:i, s:o, s:o, s:o}", "version", CTL_VERSION, "applied",
                      ctl_lines(r->applied), "restart", ctl_lines(r->restart), "warnings",
                      ctl_lines(r->warnings));
    if (o && r->dry)
        json_object_set_new(o, "dry", json_true());
    return ctl_respond(r->errors.len ? 409 : 200, o);
}
