/* swanctl.conf: sections in braces, keys and values, comments from # on, and the secrets that
 * belong to a connection. Not here: includes, settings by reference (section : other),
 * strongswan.conf; the keys are import_swanctl_keys.c's. */
#include "crypto/crypto.h"
#include "crypto/der.h"
#include "peer/import_swanctl.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- sections ---- */

static void open_connection(struct import_swanctl *r, const char *name)
{
    r->t = NULL;
    if (r->im->n == IMPORT_TUNNELS) {
        import_note(r->im, r->line, name, "too many connections");
        return;
    }
    r->t = &r->im->t[r->im->n];
    import_tunnel_name(r->im, name, r->t->name);
    r->im->n++;
}

static void open_child(struct import_swanctl *r, const char *name)
{
    r->c = NULL;
    if (r->t->n_children == IMPORT_CHILDREN) {
        import_note(r->im, r->line, name, "too many children");
        return;
    }
    r->c = &r->t->child[r->t->n_children];
    import_child_name(r->t, name, r->c->name);
    r->t->n_children++;
}

/* "name : other": what it inherits is not looked up. */
static void inherited(struct import_swanctl *r, char *name)
{
    char *colon = strchr(name, ':');

    if (!colon)
        return;
    import_note(r->im, r->line, name, "what it inherits");
    while (colon > name && isspace((unsigned char)colon[-1]))
        colon--;
    *colon = '\0';
}

static bool open_section(struct import_swanctl *r, char *name)
{
    inherited(r, name);
    if (r->depth == DEPTH || !import_copy(r->section[r->depth], IMPORT_WORD, name))
        return false;
    r->depth++;
    if (r->depth == 2 && import_swanctl_at(r, 0, "connections"))
        open_connection(r, name);
    if (r->depth == 4 && import_swanctl_at(r, 0, "connections") &&
        import_swanctl_at(r, 2, "children") && r->t)
        open_child(r, name);
    if (import_swanctl_place(r) != P_SECRET)
        return true;
    if (r->n_secrets == IMPORT_TUNNELS)
        return false;
    r->secret[r->n_secrets++].line = r->line;
    return true;
}

static void close_section(struct import_swanctl *r)
{
    if (r->depth)
        r->depth--;
    if (r->depth < 4)
        r->c = NULL;
    if (r->depth < 2)
        r->t = NULL;
}

/* ---- the text ---- */

/* Without the comment and blanks around; a # in quotation marks is none. */
static char *strip(char *s)
{
    bool quoted = false;
    char *c;

    for (c = s; *c && (quoted || *c != '#'); c++)
        quoted ^= *c == '"';
    while (c > s && isspace((unsigned char)c[-1]))
        c--;
    *c = '\0';
    return s + strspn(s, " \t\r");
}

static char *unquoted(char *v)
{
    size_t n = strlen(v);

    if (n < 2 || v[0] != '"' || v[n - 1] != '"')
        return v;
    v[n - 1] = '\0';
    return v + 1;
}

static void pair(struct import_swanctl *r, char *s)
{
    char *value = strchr(s, '=');

    if (!value) {
        import_note(r->im, r->line, s, "");
        return;
    }
    *value = '\0';
    import_swanctl_take(r, strip(s), unquoted(strip(value + 1)));
}

/* A line: `name {`, `}`, `key = value`, or several of them in one: `local { auth = psk }`. */
static bool line(struct import_swanctl *r, char *s)
{
    while (*(s = strip(s))) {
        size_t n = strcspn(s, "\"={}");
        if (s[n] == '{') {
            s[n] = '\0';
            if (!open_section(r, strip(s)))
                return false;
            s += n + 1;
        } else if (s[0] == '}') {
            close_section(r);
            s++;
        } else {
            char *value = s + n + (s[n] == '=');
            char *end = value + strspn(value, " \t");
            bool quoted = *end == '"';
            end = quoted ? strchr(end + 1, '"') : strchr(end, '}');
            end = end && quoted ? end + 1 : end;
            char after = end ? *end : '\0';
            if (end)
                *end = '\0';
            pair(r, s);
            if (!after)
                return true;
            *end = after;
            s = end;
        }
    }
    return true;
}

static bool names(const struct swanctl_secret *s, const char *id)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->id[i], id) == 0)
            return true;
    return false;
}

/* Text, 0x and hex, 0s and base64. */
static void take_secret(const struct import_swanctl *r, const struct swanctl_secret *s,
                        struct import_tunnel *t)
{
    struct kc_pem base64 = {.text = kd_bytes_str(s->secret + 2)};
    uint8_t octets[IMPORT_WORD];

    if (import_begins(s->secret, "0x")) {
        (void)import_copy(t->psk_hex, IMPORT_WORD, s->secret + 2);
    } else if (import_begins(s->secret, "0s")) {
        size_t n = kc_pem_decode(&base64, octets, sizeof(octets));
        if (!import_hex(kd_bytes(octets, n), "", t->psk_hex))
            import_note(r->im, s->line, "secret = 0s...", "not base64, or too long");
        kc_wipe(octets, sizeof(octets));
    } else {
        (void)import_copy(t->psk, IMPORT_WORD, s->secret);
    }
}

/* The secret whose identities say most about the tunnel. */
static void give_secret(const struct import_swanctl *r, struct import_tunnel *t)
{
    const char *remote = t->remote_id[0] ? t->remote_id : t->remote;
    const char *local = t->local_id[0] ? t->local_id : t->local;
    int best = -1;

    for (unsigned i = 0; i < r->n_secrets; i++) {
        const struct swanctl_secret *s = &r->secret[i];
        int score = 4 * names(s, remote) + 2 * names(s, local) + (s->n == 0);
        if (score == 0 || score <= best)
            continue;
        best = score;
        t->psk[0] = t->psk_hex[0] = '\0';
        take_secret(r, s, t);
    }
}

static bool read_lines(struct import_swanctl *r)
{
    char *s = r->text;

    while (s) {
        char *end = strchr(s, '\n');
        if (end)
            *end = '\0';
        r->line++;
        if (!line(r, s)) {
            import_note(r->im, r->line, s, "too deep or too long");
            return false;
        }
        s = end ? end + 1 : NULL;
    }
    return true;
}

bool import_swanctl(struct kd_bytes text, struct import *im)
{
    struct import_swanctl *r = calloc(1, sizeof(*r));
    bool ok = false;

    if (r && (r->text = malloc(text.len + 1))) {
        memcpy(r->text, text.p, text.len);
        r->text[text.len] = '\0';
        r->im = im;
        ok = read_lines(r);
        for (unsigned i = 0; i < im->n; i++)
            give_secret(r, &im->t[i]);
        kc_wipe(r->text, text.len);
        free(r->text);
        kc_wipe(r, sizeof(*r));
    }
    free(r);
    return ok;
}
