/* Drills as JSON: a plan with what takes each step back, news while one runs, refusals. */
#include "control/drill.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *step_object(const struct drill_step *s)
{
    char say[DRILL_SAY_MAX], undo[DRILL_SAY_MAX];
    return json_pack("{s:o, s:o, s:i}", "do", ctl_text(kd_bytes_str(drill_step_say(s, say))),
                     "undo", ctl_text(kd_bytes_str(drill_undo_say(s, undo))), "line", (int)s->line);
}

json_t *ctl_drill_plan(const struct drill_plan *p)
{
    json_t *steps = json_array();
    char say[DRILL_SAY_MAX];
    for (uint32_t i = 0; i < p->n; i++)
        json_array_append_new(steps, step_object(&p->step[i]));
    return json_pack("{s:i, s:s, s:o, s:o, s:b, s:b, s:o, s:o}", "version", CTL_VERSION, "drill",
                     p->name, "limit_s", ctl_seconds(p->limit_us), "window",
                     p->window.on ? json_string(drill_window_say(&p->window, say)) : json_null(),
                     "require_ready", p->require_ready, "rehearse", p->rehearse, "probe",
                     p->probe.on ? ctl_addr(&p->probe.to) : json_null(), "steps", steps);
}

struct ctl_response ctl_drill_refused(struct kd_bytes lines)
{
    return ctl_respond(409, json_pack("{s:i, s:s, s:s, s:o}", "version", CTL_VERSION, "error",
                                      "the drill isn't good; nothing was disturbed", "remedy",
                                      "mend its file and run it again", "errors",
                                      ctl_lines(lines)));
}

/* One line with its line feed; takes o. */
static char *line_of(json_t *o)
{
    size_t len;
    char *text = ctl_dump(o, &len);
    char *line = text ? realloc(text, len + 2) : NULL;
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + len, "\n", 2);
    return line;
}

char *ctl_drill_head(const struct drill_plan *p)
{
    json_t *o = ctl_drill_plan(p);
    json_object_set_new(o, "event", json_string("start"));
    return line_of(o);
}

static json_t *say(const struct drill_plan *p, const struct drill_run_act *a)
{
    char text[DRILL_SAY_MAX];
    const struct drill_step *s = a->step < p->n ? &p->step[a->step] : NULL;
    bool back = a->what == DRILL_TELL_UNDONE || a->what == DRILL_TELL_LEFT;
    if (!s)
        return json_null();
    return ctl_text(kd_bytes_str(back ? drill_undo_say(s, text) : drill_step_say(s, text)));
}

char *ctl_drill_news(const struct drill_plan *p, const struct drill_run_act *a, uint64_t after_us)
{
    return line_of(json_pack("{s:i, s:s, s:o, s:s, s:o, s:o, s:o}", "version", CTL_VERSION,
                             "event", "step", "t_s", ctl_seconds(after_us), "what",
                             drill_tell_names[a->what], "step",
                             a->step < p->n ? json_integer(a->step + 1) : json_null(), "text",
                             say(p, a), "detail", ctl_text(kd_bytes_str(a->text))));
}

char *ctl_drill_end(const struct drill_run_act *a, const struct drill_result *r, const char *id)
{
    return line_of(json_pack("{s:i, s:s, s:o, s:s, s:o, s:i, s:s, s:o}", "version", CTL_VERSION,
                             "event", "end", "t_s", ctl_seconds(r->length_us), "verdict",
                             drill_verdict_names[a->verdict], "reason",
                             ctl_text(kd_bytes_str(a->text)), "left", (int)a->left, "id", id,
                             "result", ctl_drill_json(r)));
}
