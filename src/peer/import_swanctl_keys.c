/* The keys of swanctl.conf that are understood, one row each: where they stand and what they set.
 * Some say nothing that kedge would do otherwise; what has no row, or a value that kedge has no
 * counterpart for, is a note. */
#include "ike/proposal.h"
#include "peer/import_swanctl.h"

#include <ctype.h>

bool import_swanctl_at(const struct import_swanctl *r, unsigned depth, const char *name)
{
    return r->depth > depth && strcmp(r->section[depth], name) == 0;
}

enum swanctl_place import_swanctl_place(const struct import_swanctl *r)
{
    if (import_swanctl_at(r, 0, "secrets") && r->depth == 2 && import_begins(r->section[1], "ike"))
        return P_SECRET;
    if (!import_swanctl_at(r, 0, "connections") || !r->t)
        return P_OTHER;
    if (r->depth == 2)
        return P_CONN;
    if (r->depth == 3 && import_begins(r->section[2], "local"))
        return P_LOCAL;
    if (r->depth == 3 && import_begins(r->section[2], "remote"))
        return P_REMOTE;
    return r->depth == 4 && import_swanctl_at(r, 2, "children") && r->c ? P_CHILD : P_OTHER;
}

/* ---- values ---- */

/* "27000s", "4h", "1d": seconds; false: something else. */
static bool seconds(const char *s, unsigned *out)
{
    char number[24];
    size_t n = strspn(s, "0123456789");
    unsigned long long v, unit = 1;

    if (n == 0 || n >= sizeof(number))
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)n, s);
    if (s[n] && !s[n + 1])
        unit = s[n] == 'm' ? 60 : s[n] == 'h' ? 3600 : s[n] == 'd' ? 86400 : s[n] == 's';
    else if (s[n])
        unit = 0;
    if (!unit || !import_number(number, UINT32_MAX / unit, &v))
        return false;
    *out = (unsigned)(v * unit);
    return true;
}

/* "a,b , c" as "a, b, c". */
static bool list(const char *value, char *out, size_t cap)
{
    char one[IMPORT_WORD];

    out[0] = '\0';
    while (*value) {
        size_t n = strcspn(value, ",");
        const char *from = value + strspn(value, " \t");
        size_t len = from < value + n ? (size_t)(value + n - from) : 0;
        while (len && isspace((unsigned char)from[len - 1]))
            len--;
        if (len >= sizeof(one))
            return false;
        snprintf(one, sizeof(one), "%.*s", (int)len, from);
        if (len && !import_append(out, cap, one))
            return false;
        value += n + (value[n] == ',');
    }
    return out[0] != '\0';
}

/* strongSwan's "@#hex" is our key-id:hex; "@fqdn" is a name. */
static bool identity(const char *value, char *out)
{
    if (import_begins(value, "@#"))
        return snprintf(out, IMPORT_WORD, "key-id:%s", value + 2) < IMPORT_WORD;
    return import_copy(out, IMPORT_WORD, value + (value[0] == '@'));
}

/* ---- keys ---- */

/* "a, b", of which those stay that kedge can read; the others ("default", say) are named. */
static bool known(struct import_swanctl *r, uint8_t protocol, const char *all, char *out)
{
    char text[IMPORT_LIST], err[256], *save = NULL;
    struct ike_proposal p;

    out[0] = '\0';
    snprintf(text, sizeof(text), "%s", all);
    for (char *one = strtok_r(text, ", ", &save); one; one = strtok_r(NULL, ", ", &save))
        if (!ike_proposal_from_string(one, protocol, &p, err, sizeof(err)))
            import_note(r->im, r->line, one, "no proposal of kedge's");
        else if (!import_append(out, IMPORT_LIST, one))
            return false;
    return true;
}

static bool set_ike(struct import_swanctl *r, const char *v)
{
    char all[IMPORT_LIST];

    return list(v, all, sizeof(all)) && known(r, IKE_PROTO_IKE, all, r->t->ike);
}

/* A tunnel of ours has one list for all children. */
static bool set_esp(struct import_swanctl *r, const char *v)
{
    char all[IMPORT_LIST], mine[IMPORT_LIST];

    if (!list(v, all, sizeof(all)) || !known(r, IKE_PROTO_ESP, all, mine))
        return false;
    if (r->t->n_children > 1 && r->t->esp[0])
        return strcmp(r->t->esp, mine) == 0;
    memcpy(r->t->esp, mine, sizeof(mine));
    return true;
}

static bool one_address(const char *v, char *out)
{
    if (strcmp(v, "%any") == 0 || strchr(v, ',') || strchr(v, '/'))
        return strcmp(v, "%any") == 0;
    return import_copy(out, IMPORT_WORD, v);
}

static bool set_local(struct import_swanctl *r, const char *v)
{
    return one_address(v, r->t->local);
}

static bool set_remote(struct import_swanctl *r, const char *v)
{
    return one_address(v, r->t->remote);
}

static bool set_encap(struct import_swanctl *r, const char *v)
{
    r->t->encap = strcmp(v, "yes") == 0;
    return r->t->encap || strcmp(v, "no") == 0;
}

static bool set_life(struct import_swanctl *r, const char *v)
{
    return seconds(v, &r->t->ike_life_s);
}

/* As with proposals: the first child's stands. */
static bool set_child_life(struct import_swanctl *r, const char *v)
{
    unsigned s;

    if (!seconds(v, &s))
        return false;
    if (r->t->n_children > 1 && r->t->child_life_s)
        return s == r->t->child_life_s;
    r->t->child_life_s = s;
    return true;
}

/* Who starts one of its children starts the tunnel. */
static bool set_action(struct import_swanctl *r, const char *v)
{
    bool start = strcmp(v, "start") == 0;

    if (!start && strcmp(v, "none") != 0)
        return false;
    r->t->responder = !start && (r->t->n_children == 1 || r->t->responder);
    return true;
}

static bool set_local_id(struct import_swanctl *r, const char *v)
{
    return identity(v, r->t->local_id);
}

static bool set_remote_id(struct import_swanctl *r, const char *v)
{
    return identity(v, r->t->remote_id);
}

static bool how(const char *v, bool *cert)
{
    *cert = strcmp(v, "pubkey") == 0;
    return *cert || strcmp(v, "psk") == 0;
}

static bool set_local_auth(struct import_swanctl *r, const char *v)
{
    return how(v, &r->t->cert_local);
}

static bool set_remote_auth(struct import_swanctl *r, const char *v)
{
    return how(v, &r->t->cert_remote);
}

static bool set_certs(struct import_swanctl *r, const char *v)
{
    return !strchr(v, ',') && import_copy(r->t->certs, IMPORT_WORD, v);
}

static bool set_cacerts(struct import_swanctl *r, const char *v)
{
    return !strchr(v, ',') && import_copy(r->t->cacerts, IMPORT_WORD, v);
}

static bool set_local_ts(struct import_swanctl *r, const char *v)
{
    return strcmp(v, "dynamic") != 0 && list(v, r->c->local_ts, sizeof(r->c->local_ts));
}

static bool set_remote_ts(struct import_swanctl *r, const char *v)
{
    return strcmp(v, "dynamic") != 0 && list(v, r->c->remote_ts, sizeof(r->c->remote_ts));
}

static bool set_secret(struct import_swanctl *r, const char *v)
{
    return import_copy(r->secret[r->n_secrets - 1].secret, IMPORT_WORD, v);
}

static bool set_secret_id(struct import_swanctl *r, const char *v)
{
    struct swanctl_secret *s = &r->secret[r->n_secrets - 1];

    return s->n < KD_ARRAY_LEN(s->id) && identity(v, s->id[s->n++]);
}

static bool is_two(struct import_swanctl *r KD_UNUSED, const char *v)
{
    return strcmp(v, "2") == 0;
}

static bool is_no(struct import_swanctl *r KD_UNUSED, const char *v)
{
    return strcmp(v, "no") == 0;
}

static bool nothing(struct import_swanctl *r KD_UNUSED, const char *v KD_UNUSED)
{
    return true; /* kedge has its own way there: detect, a route-based interface */
}

static const struct key {
    enum swanctl_place place;
    const char *name;
    bool (*set)(struct import_swanctl *r, const char *value);
} keys[] = {
    {P_CONN, "version", is_two},           {P_CONN, "mobike", is_no},
    {P_CONN, "local_addrs", set_local},    {P_CONN, "remote_addrs", set_remote},
    {P_CONN, "encap", set_encap},          {P_CONN, "proposals", set_ike},
    {P_CONN, "rekey_time", set_life},      {P_CONN, "dpd_delay", nothing},
    {P_LOCAL, "auth", set_local_auth},     {P_LOCAL, "id", set_local_id},
    {P_LOCAL, "certs", set_certs},         {P_REMOTE, "auth", set_remote_auth},
    {P_REMOTE, "id", set_remote_id},       {P_REMOTE, "cacerts", set_cacerts},
    {P_CHILD, "local_ts", set_local_ts},   {P_CHILD, "remote_ts", set_remote_ts},
    {P_CHILD, "esp_proposals", set_esp},   {P_CHILD, "rekey_time", set_child_life},
    {P_CHILD, "start_action", set_action}, {P_CHILD, "dpd_action", nothing},
    {P_CHILD, "if_id_in", nothing},        {P_CHILD, "if_id_out", nothing},
    {P_SECRET, "secret", set_secret},
};

void import_swanctl_take(struct import_swanctl *r, const char *key, const char *value)
{
    enum swanctl_place p = import_swanctl_place(r);
    char text[2 * IMPORT_WORD];

    snprintf(text, sizeof(text), "%.100s = %.100s", key,
             import_swanctl_at(r, 0, "secrets") ? "..." : value);
    if (p == P_SECRET && import_begins(key, "id")) {
        if (!set_secret_id(r, value))
            import_note(r->im, r->line, text, "too many");
        return;
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++)
        if (keys[i].place == p && strcmp(keys[i].name, key) == 0) {
            if (!keys[i].set(r, value))
                import_note(r->im, r->line, text, "kedge can't take this value over");
            return;
        }
    import_note(r->im, r->line, text, "");
}
