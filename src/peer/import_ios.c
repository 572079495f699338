/* IOS-XE: what of a running configuration makes an IKEv2 tunnel on a Tunnel interface and the BGP
 * session over it. Commands are read into objects by name (proposals, keyrings, profiles, ...), and
 * every Tunnel interface that is protected by a profile becomes a tunnel when all is read. Not
 * here: crypto maps, IKEv1; policies: route-maps and prefix-lists have no counterpart that could be
 * trusted unseen, so they are notes. What a command sets is import_ios_lines.c's. */
#include "base/addr.h"
#include "crypto/crypto.h"
#include "peer/import_ios.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A command of an interface that is no tunnel is no matter, unless it is about tunnels. */
static bool of_no_matter(const struct import_ios *r)
{
    return r->block == B_INTERFACE && strncmp(r->o->name, "Tunnel", 6) != 0 &&
           strcmp(r->w[0], "crypto") != 0;
}

static bool has_secret(const char *line)
{
    static const char *const words[] = {"pre-share",  "password",  "secret",
                                        "key-string", "community", " key "};

    for (size_t i = 0; i < KD_ARRAY_LEN(words); i++)
        if (strstr(line, words[i]))
            return true;
    return false;
}

/* Names the line; of one that may hold a secret, no more than its first word. */
static void note_line(struct import_ios *r, const char *whole)
{
    char first[40];

    snprintf(first, sizeof(first), "%.30s ...", r->w[0]);
    import_note(r->im, r->line, has_secret(whole) ? first : whole, "");
}

/* ---- the text ---- */

static void read_line(struct import_ios *r, char *s)
{
    bool indented = isspace((unsigned char)*s);
    char whole[IMPORT_LIST], *save = NULL;

    snprintf(whole, sizeof(whole), "%s", s + strspn(s, " \t"));
    whole[strcspn(whole, "\r")] = '\0';
    r->n_w = 0;
    for (char *w = strtok_r(s, " \t\r", &save); w && r->n_w < WORDS;
         w = strtok_r(NULL, " \t\r", &save))
        r->w[r->n_w++] = w;
    if (r->n_w == 0 || r->w[0][0] == '!') {
        r->block = indented ? r->block : B_NONE;
        return;
    }
    if (!indented || r->block == B_NONE) {
        if (!import_ios_head(r) && !import_ios_implied(r))
            note_line(r, whole);
    } else if (!import_ios_command(r) && !of_no_matter(r)) {
        note_line(r, whole);
    }
}

/* ---- what it comes to ---- */

/* A proposal of which too little was understood is none: its lines are notes. */
static void ike_of(const struct ios_object *p, char *out)
{
    const char *parts[] = {p->encr, p->integ, p->prf, p->group};
    char one[IMPORT_LIST] = "";

    if (!p->encr[0] || !p->group[0] || (!p->integ[0] && !p->prf[0]))
        return;
    for (size_t i = 0; i < KD_ARRAY_LEN(parts); i++) {
        size_t n = strlen(one);
        snprintf(one + n, sizeof(one) - n, "%s%s", n && parts[i][0] ? "-" : "", parts[i]);
    }
    (void)import_append(out, IMPORT_LIST, one);
}

static void esp_of(const struct ios_object *set, const char *pfs, char *out)
{
    char one[IMPORT_LIST];

    if (!set->text[0])
        return;
    snprintf(one, sizeof(one), "%.400s%s%s", set->text, pfs[0] ? "-" : "", pfs);
    (void)import_append(out, IMPORT_LIST, one);
}

/* Each name of "a, b" to fn, with its object. */
static void each(struct import_ios *r, enum block kind, const char *names, const char *pfs,
                 char *out)
{
    char list[IMPORT_LIST], *save = NULL;
    struct ios_object *o;

    snprintf(list, sizeof(list), "%s", names);
    for (char *n = strtok_r(list, ", ", &save); n; n = strtok_r(NULL, ", ", &save)) {
        o = import_ios_find(r, kind, n);
        if (!o)
            import_note(r->im, 0, n, "isn't in the file");
        else if (kind == B_PROPOSAL)
            ike_of(o, out);
        else
            esp_of(o, pfs, out);
    }
}

/* The policy that matches our address, else the only one. */
static struct ios_object *policy_of(struct import_ios *r, const char *local)
{
    struct ios_object *any = NULL;

    for (unsigned i = 0; i < r->n; i++) {
        if (r->all[i].kind != B_POLICY)
            continue;
        if (strcmp(r->all[i].local, local) == 0)
            return &r->all[i];
        any = r->all[i].local[0] ? any : &r->all[i];
    }
    return any;
}

static void selectors(struct import_ios *r, const struct ios_object *acl, struct import_tunnel *t)
{
    char list[IMPORT_LIST], *save = NULL;

    snprintf(list, sizeof(list), "%s", acl ? acl->text : "");
    for (char *pair = strtok_r(list, ", ", &save); pair; pair = strtok_r(NULL, ", ", &save)) {
        struct import_child *c = &t->child[t->n_children];
        char *to = strchr(pair, '>');
        if (t->n_children == IMPORT_CHILDREN) {
            import_note(r->im, 0, acl->name, "too many selectors");
            return;
        }
        *to = '\0';
        snprintf(c->name, sizeof(c->name), "line%u", ++t->n_children);
        (void)import_copy(c->local_ts, sizeof(c->local_ts), pair);
        (void)import_copy(c->remote_ts, sizeof(c->remote_ts), to + 1);
    }
}

static void neighbor(struct import_ios *r, const struct ios_object *i, struct import_tunnel *t)
{
    for (unsigned k = 0; k < r->n_sessions; k++) {
        struct ios_session *s = &r->session[k];
        if (strcmp(s->source, i->name) != 0 || !s->asn)
            continue;
        s->used = true;
        memcpy(t->neighbor, s->remote, sizeof(t->neighbor));
        t->neighbor_asn = s->asn;
        t->hold_s = s->hold_s;
        t->keepalive_s = s->keepalive_s;
    }
}

/* The ring's peer with that address, else the one for all or without one, else its only one. */
static const struct ios_object *ring_of(struct import_ios *r, const char *name, const char *remote)
{
    const struct ios_object *best = NULL, *last = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < r->n; i++) {
        const struct ios_object *o = &r->all[i];
        if (o->kind != B_KEYRING || strcmp(o->name, name) != 0)
            continue;
        if (strcmp(o->remote, remote) == 0)
            return o;
        if (!o->remote[0] || strcmp(o->remote, "0.0.0.0") == 0)
            best = o;
        last = o;
        n++;
    }
    return best ? best : n == 1 ? last : NULL;
}

/* Of several that a profile takes, the one that is the tunnel's far end; else the first. */
static void remote_identity(struct import_ios *r, const struct ios_object *profile,
                            struct import_tunnel *t)
{
    char list[IMPORT_LIST], *save = NULL;
    unsigned n = 0;

    snprintf(list, sizeof(list), "%s", profile->text);
    for (char *id = strtok_r(list, ", ", &save); id; id = strtok_r(NULL, ", ", &save)) {
        bool far_end = strcmp(id, t->remote) == 0;
        if (n++ == 0 || far_end)
            (void)import_copy(t->remote_id, IMPORT_WORD, id);
        if (far_end)
            return;
    }
    if (n > 1)
        import_note(r->im, 0, profile->name, "several identities: the first");
}

static void authentication(struct import_ios *r, const struct ios_object *profile,
                           struct import_tunnel *t)
{
    const struct ios_object *ring = ring_of(r, profile->uses, t->remote);

    memcpy(t->local_id, profile->local, sizeof(t->local_id));
    remote_identity(r, profile, t);
    memcpy(t->psk, profile->psk, sizeof(t->psk));
    t->cert_local = profile->cert_local;
    t->cert_remote = profile->cert_remote;
    t->ike_life_s = profile->life_s;
    if (!ring || profile->psk[0])
        return;
    memcpy(t->psk, ring->psk, sizeof(t->psk));
    memcpy(t->psk_hex, ring->psk_hex, sizeof(t->psk_hex));
}

static void tunnel(struct import_ios *r, const struct ios_object *i)
{
    const struct ios_object *ipsec = import_ios_find(r, B_IPSEC, i->uses), *source, *policy,
                            *profile, *lender;
    struct kd_addr address;
    struct import_tunnel *t = &r->im->t[r->im->n];

    if (!ipsec || r->im->n == IMPORT_TUNNELS) {
        import_note(r->im, 0, i->name, ipsec ? "too many tunnels" : "its ipsec profile isn't here");
        return;
    }
    import_tunnel_name(r->im, i->name, t->name);
    source = import_ios_find(r, B_INTERFACE, i->local);
    if (source || kd_addr_parse(i->local, &address))
        memcpy(t->local, source ? source->address : i->local, sizeof(t->local));
    else
        import_note(r->im, 0, i->local, "its address isn't here");
    memcpy(t->remote, i->remote, sizeof(t->remote));
    policy = policy_of(r, t->local);
    if (policy)
        each(r, B_PROPOSAL, policy->text, "", t->ike);
    each(r, B_TRANSFORM, ipsec->text, ipsec->pfs, t->esp);
    profile = import_ios_find(r, B_PROFILE, ipsec->uses);
    if (profile)
        authentication(r, profile, t);
    t->child_life_s = ipsec->life_s;
    t->child_life_kb = ipsec->life_kb;
    t->mtu = i->mtu;
    t->mss = i->mss;
    lender = i->address[0] ? NULL : import_ios_find(r, B_INTERFACE, i->text);
    memcpy(t->inner, lender ? lender->address : i->address, sizeof(t->inner));
    selectors(r, import_ios_find(r, B_ACL, i->acl), t);
    neighbor(r, i, t);
    r->im->n++;
}

static void read_text(struct import_ios *r, char *s)
{
    while (s) {
        char *end = strchr(s, '\n');
        if (end)
            *end = '\0';
        r->line++;
        read_line(r, s);
        s = end ? end + 1 : NULL;
    }
    for (unsigned i = 0; i < r->n; i++)
        if (r->all[i].kind == B_INTERFACE && r->all[i].uses[0])
            tunnel(r, &r->all[i]);
    for (unsigned i = 0; i < r->n_sessions; i++)
        if (!r->session[i].used) {
            char text[IMPORT_WORD + 16];
            snprintf(text, sizeof(text), "neighbor %s", r->session[i].remote);
            import_note(r->im, r->session[i].line, text, "not over a tunnel");
        }
}

bool import_ios(struct kd_bytes text, struct import *im)
{
    struct import_ios *r = calloc(1, sizeof(*r));
    char *copy = r ? malloc(text.len + 1) : NULL;

    if (copy) {
        memcpy(copy, text.p, text.len);
        copy[text.len] = '\0';
        r->im = im;
        read_text(r, copy);
        kc_wipe(copy, text.len);
        kc_wipe(r, sizeof(*r));
    }
    free(copy);
    free(r);
    return copy != NULL;
}
