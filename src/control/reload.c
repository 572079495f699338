/* The answer to a reload: what was taken over, what waits for a restart; or why nothing was. */
#include "control/control.h"

struct ctl_response ctl_reloaded(const struct ctl_reload *r)
{
    json_t *o;
    if (r->errors.len)
        o = json_pack("{s:i, s:s, s:s, s:o}", "version", CTL_VERSION, "error",
                      "the configuration isn't good; nothing has changed", "remedy",
                      "mend it (kedge check judges it too) and reload again", "errors",
                      ctl_lines(r->errors));
    else
        o = json_pack("{s:i, s:o, s:o, s:o}", "version", CTL_VERSION, "applied",
                      ctl_lines(r->applied), "restart", ctl_lines(r->restart), "warnings",
                      ctl_lines(r->warnings));
    return ctl_respond(r->errors.len ? 409 : 200, o);
}
