/* The YAML document: loaded with libyaml, looked at through checked accessors, wiped at the end.
 *
 * libyaml grows a scalar by realloc(), so a long inline psk may leave pieces in freed memory that
 * we can't reach: psk-file and psk-credential exist for those who mind. */
#include "config/cfg.h"

#include <stdio.h>

struct cfg_where cfg_at(const yaml_node_t *n)
{
    return (struct cfg_where){(uint32_t)n->start_mark.line + 1, (uint32_t)n->start_mark.column + 1};
}

bool cfg_val(struct cfg *c, yaml_node_t *n, struct cfg_val *v)
{
    if (n->type != YAML_SCALAR_NODE) {
        cfg_error(c, cfg_at(n), "a single value is expected here, not a %s",
                  n->type == YAML_MAPPING_NODE ? "map" : "list");
        return false;
    }
    v->s = (const char *)n->data.scalar.value;
    v->len = n->data.scalar.length;
    v->at = cfg_at(n);
    if (v->len == 0 && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        cfg_error(c, v->at, "the value is missing");
        return false;
    }
    if (memchr(v->s, 0, v->len)) {
        cfg_error(c, v->at, "the value holds a NUL character");
        return false;
    }
    return true;
}

size_t cfg_list_len(const yaml_node_t *n)
{
    if (n->type != YAML_SEQUENCE_NODE)
        return 0;
    return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static void parser_error(struct cfg *c, const yaml_parser_t *p)
{
    const yaml_mark_t *m = &p->problem_mark;
    struct cfg_where at = {(uint32_t)m->line + 1, (uint32_t)m->column + 1};
    const char *problem = p->problem ? p->problem : "out of memory";
    if (p->error == YAML_READER_ERROR) {
        cfg_error(c, (struct cfg_where){0, 0}, "not UTF-8 text: %s at byte %zu", problem,
                  p->problem_offset);
        return;
    }
    bool tab = strstr(problem, "cannot start any token") != NULL;
    cfg_error(c, at, "not YAML: %s%s%s%s", p->context ? p->context : "", p->context ? ": " : "",
              problem, tab ? " (indentation is made of blanks, not tabs)" : "");
}

static void parser_end(yaml_parser_t *p)
{
    kc_wipe(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
    kc_wipe(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
    yaml_parser_delete(p);
}

void cfg_unload(yaml_document_t *doc)
{
    for (yaml_node_t *n = doc->nodes.start; n < doc->nodes.top; n++)
        if (n->type == YAML_SCALAR_NODE)
            kc_wipe(n->data.scalar.value, n->data.scalar.length);
    yaml_document_delete(doc);
}

/* Our own tags have no meaning, and an application's ("!include") would silently not happen. */
static void check_tags(struct cfg *c, yaml_document_t *doc)
{
    for (yaml_node_t *n = doc->nodes.start; n < doc->nodes.top; n++)
        if (n->tag && strncmp((const char *)n->tag, "tag:yaml.org,2002:", 18) != 0)
            cfg_error(c, cfg_at(n), "YAML tags (!...) aren't supported");
}

/* False with an error when anything but the stream's end follows. */
static bool check_end(struct cfg *c, yaml_parser_t *p)
{
    yaml_document_t next;
    if (!yaml_parser_load(p, &next)) {
        parser_error(c, p);
        return false;
    }
    yaml_node_t *root = yaml_document_get_root_node(&next);
    if (root)
        cfg_error(c, cfg_at(root), "a second YAML document; the configuration is one");
    bool ok = root == NULL;
    cfg_unload(&next);
    return ok;
}

bool cfg_load(struct cfg *c, struct kd_bytes text, yaml_document_t *doc)
{
    if (text.len > CONFIG_TEXT_MAX) {
        cfg_error(c, (struct cfg_where){0, 0}, "%zu bytes; allowed: at most %d", text.len,
                  CONFIG_TEXT_MAX);
        return false;
    }
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) {
        cfg_error(c, (struct cfg_where){0, 0}, "out of memory");
        return false;
    }
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, text.len ? text.p : (const uint8_t *)"", text.len);
    bool ok = false;
    if (!yaml_parser_load(&p, doc)) {
        parser_error(c, &p);
    } else if (!yaml_document_get_root_node(doc)) {
        cfg_error(c, (struct cfg_where){0, 0}, "the file is empty; needed: gateway, tunnels");
        cfg_unload(doc);
    } else if (!check_end(c, &p)) {
        cfg_unload(doc);
    } else {
        check_tags(c, doc);
        ok = true;
    }
    parser_end(&p);
    return ok;
}
