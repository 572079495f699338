/* A policy as FRR's configuration would have it: `ip prefix-list`, `bgp as-path access-list`, `bgp
 * community-list`, `route-map`. An entry for both families becomes two, for FRR's matches of one
 * exclude the other. Patterns all of which have to be there (`all-of`) aren't in its language, nor
 * is `replace` of extended communities. */
#include "bgp/route_map.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_LINE_MAX 1024 /* 16 communities */
#define SEQ_STEP      10
#define SEQ_SECOND    5 /* an entry's IPv6 half */

struct text {
    void (*line)(void *arg, const char *text);
    void *arg;
    const char *name;
    unsigned seq;
    char buf[TEXT_LINE_MAX];
    size_t len;
};

KD_PRINTF(2, 3)
static void add(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
    va_end(ap);
    t->len = KD_MIN(t->len + (size_t)n, sizeof(t->buf) - 1);
}

static void end(struct text *t)
{
    t->buf[t->len] = '\0';
    t->line(t->arg, t->buf);
    t->len = 0;
}

/* ---- lists ---- */

static void prefix_list(struct text *t, const struct bgp_route_map_entry *e, uint8_t family)
{
    char prefix[KD_PREFIX_STR_MAX];
    unsigned seq = 0, bits = family == 6 ? 128 : 32; /* where `ge` alone ends */

    for (unsigned i = 0; i < e->n_rules; i++) {
        const struct bgp_prefix_rule *r = &e->rules[i];
        if (r->prefix.addr.family != family)
            continue;
        add(t, "%s prefix-list %s-%u seq %u permit %s", family == 6 ? "ipv6" : "ip", t->name,
            t->seq, seq += 5, kd_prefix_str(&r->prefix, prefix));
        if (r->ge < r->prefix.len)
            add(t, " overlapping");
        else if (r->ge > r->prefix.len)
            add(t, " ge %u", r->ge);
        if (r->ge >= r->prefix.len && r->le != (r->ge > r->prefix.len ? bits : r->prefix.len))
            add(t, " le %u", r->le);
        end(t);
    }
}

static const char *const kind_words[] = {[BGP_COMMUNITY_STANDARD] = "community",
                                         [BGP_COMMUNITY_EXTENDED] = "extcommunity",
                                         [BGP_COMMUNITY_LARGE] = "large-community"};

/* FRR has its own capitals, and a blank behind "rt" where no pattern is meant. */
static void community(struct text *t, const struct bgp_community *c, bool pattern)
{
    char text[BGP_COMMUNITY_TEXT_MAX];
    char *s = text;

    bgp_community_text(c, text);
    if (strcmp(text, "local-as") == 0)
        memcpy(text + 6, "AS", 2);
    if (c->kind == BGP_COMMUNITY_EXTENDED && !pattern)
        *strchr(text, ':') = ' ';
    for (; c->kind == BGP_COMMUNITY_EXTENDED && pattern && *s != ':'; s++)
        add(t, "%c", *s - 'a' + 'A');
    for (; *s; s++) {
        if (*s == '*')
            add(t, "[0-9]+");
        else
            add(t, "%c", *s);
    }
}

static bool of_kind(const struct bgp_community *list, unsigned n, unsigned kind, bool *open)
{
    bool any = false;

    *open = false;
    for (unsigned i = 0; i < n; i++) {
        any |= list[i].kind == kind;
        *open |= list[i].kind == kind && bgp_community_open(&list[i]);
    }
    return any;
}

/* `what` is behind the list's name: "" or "-delete". */
static void community_list(struct text *t, const struct bgp_community *list, unsigned n,
                           unsigned kind, const char *what)
{
    bool open, begin = true, both = false;

    if (!of_kind(list, n, kind, &open))
        return;
    for (unsigned i = 0; i < n; i++)
        both |= open && list[i].kind == kind && list[i].and_next;
    for (unsigned i = 0; i < n; i++) {
        if (list[i].kind != kind)
            continue;
        if (begin)
            add(t, "bgp %s-list %s %s-%u%s permit", kind_words[kind],
                both   ? "all-of"
                : open ? "expanded"
                       : "standard",
                t->name, t->seq, what);
        add(t, open ? " _" : " ");
        community(t, &list[i], open);
        add(t, open ? "_" : "");
        begin = !list[i].and_next;
        if (begin)
            end(t);
    }
}

static void lists(struct text *t, const struct bgp_route_map_entry *e, uint8_t family)
{
    prefix_list(t, e, family);
    for (unsigned i = 0; i < e->n_regex; i++) {
        add(t, "bgp as-path access-list %s-%u seq %u permit %s", t->name, t->seq, 5 * (i + 1),
            e->regex[i].text);
        end(t);
    }
    for (unsigned kind = 0; kind < BGP_COMMUNITY_KINDS; kind++) {
        community_list(t, e->match, e->n_match, kind, "");
        community_list(t, e->set.community.delete, e->set.community.n_delete, kind, "-delete");
    }
}

/* ---- the entry ---- */

static void matches(struct text *t, const struct bgp_route_map_entry *e, uint8_t family)
{
    bool open;

    if (e->n_rules) {
        add(t, " match %s address prefix-list %s-%u", family == 6 ? "ipv6" : "ip", t->name, t->seq);
        end(t);
    }
    if (e->n_regex) {
        add(t, " match as-path %s-%u", t->name, t->seq);
        end(t);
    }
    for (unsigned kind = 0; kind < BGP_COMMUNITY_KINDS; kind++)
        if (of_kind(e->match, e->n_match, kind, &open)) {
            add(t, " match %s %s-%u", kind_words[kind], t->name, t->seq);
            end(t);
        }
    if (!e->from)
        return;
    add(t, " match from");
    for (unsigned i = 0; bgp_source_names[i]; i++)
        if (e->from & 1u << i)
            add(t, " %s", bgp_source_names[i]);
    end(t);
}

/* A command for each type, which in FRR always adds. */
static void set_extended(struct text *t, const struct bgp_community_edit *e)
{
    static const char *const types[] = {"rt", "soo", "generic"};
    char text[BGP_COMMUNITY_TEXT_MAX];

    for (size_t k = 0; k < KD_ARRAY_LEN(types); k++) {
        size_t len = strlen(types[k]), begin = t->len;
        for (unsigned i = 0; i < e->n_add; i++) {
            if (e->add[i].kind != BGP_COMMUNITY_EXTENDED ||
                strncmp(bgp_community_text(&e->add[i], text), types[k], len) != 0)
                continue;
            if (t->len == begin)
                add(t, " set extcommunity %s", types[k]);
            add(t, " %s", text + len + 1);
        }
        if (t->len == begin)
            continue;
        if (e->replace[BGP_COMMUNITY_EXTENDED])
            add(t, " replace");
        end(t);
    }
}

static void set_communities(struct text *t, const struct bgp_community_edit *e, unsigned kind)
{
    static const char *const delete_words[] = {"comm-list", "extended-comm-list",
                                               "large-comm-list"};
    bool open, added = of_kind(e->add, e->n_add, kind, &open);

    if (of_kind(e->delete, e->n_delete, kind, &open)) {
        add(t, " set %s %s-%u-delete delete", delete_words[kind], t->name, t->seq);
        end(t);
    }
    if (kind == BGP_COMMUNITY_EXTENDED && added) {
        set_extended(t, e);
        return;
    }
    if (!added && !e->replace[kind])
        return;
    add(t, " set %s", kind_words[kind]);
    for (unsigned i = 0; i < e->n_add; i++)
        if (e->add[i].kind == kind) {
            add(t, " ");
            community(t, &e->add[i], false);
        }
    add(t, added ? e->replace[kind] ? "" : " additive" : " none");
    end(t);
}

static void set_nexthop(struct text *t, const struct bgp_route_set *s, uint8_t family)
{
    char addr[KD_ADDR_STR_MAX];
    bool six = s->nexthop.family == 6;

    if (s->set_nexthop == BGP_NEXTHOP_ADDRESS) {
        add(t, " set %s next-hop %s%s", six ? "ipv6" : "ip", six ? "global " : "",
            kd_addr_str(&s->nexthop, addr));
        end(t);
    }
    for (unsigned f = 4; s->set_nexthop == BGP_NEXTHOP_PEER && f <= 6; f += 2)
        if (!family || family == f) {
            add(t, " set %s next-hop peer-address", f == 6 ? "ipv6" : "ip");
            end(t);
        }
}

static void sets(struct text *t, const struct bgp_route_set *s, uint8_t family)
{
    if (s->set_local_pref) {
        add(t, " set local-preference %u", s->local_pref);
        end(t);
    }
    if (s->set_med) {
        add(t, " set metric %u", s->med);
        end(t);
    }
    if (s->n_prepend) {
        add(t, " set as-path prepend");
        for (unsigned i = 0; i < s->n_prepend; i++)
            add(t, " %u", s->prepend[i]);
        end(t);
    }
    for (unsigned kind = 0; kind < BGP_COMMUNITY_KINDS; kind++)
        set_communities(t, &s->community, kind);
    set_nexthop(t, s, family);
}

/* family: of the prefixes; 0: no match of prefixes. */
static void entry(struct text *t, const struct bgp_route_map_entry *e, uint8_t family)
{
    lists(t, e, family);
    add(t, "route-map %s %s %u", t->name, e->permit ? "permit" : "deny", t->seq);
    end(t);
    matches(t, e, family);
    sets(t, &e->set, family);
}

static bool has_family(const struct bgp_route_map_entry *e, uint8_t family)
{
    for (unsigned i = 0; i < e->n_rules; i++)
        if (e->rules[i].prefix.addr.family == family)
            return true;
    return false;
}

void bgp_route_map_text(const struct bgp_route_map *m, void (*line)(void *arg, const char *text),
                        void *arg)
{
    struct text t = {.line = line, .arg = arg, .name = m->name};

    for (unsigned i = 0; i < m->n; i++) {
        const struct bgp_route_map_entry *e = &m->entry[i];
        bool four = has_family(e, 4), six = has_family(e, 6);
        t.seq = SEQ_STEP * (i + 1);
        if (four || !six)
            entry(&t, e, four ? 4 : 0);
        if (four && six)
            t.seq += SEQ_SECOND;
        if (six)
            entry(&t, e, 6);
    }
}

static void digest(void *arg, const char *text)
{
    uint64_t *h = arg;

    for (; *text; text++)
        *h = (*h ^ (uint8_t)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    *h = (*h ^ '\n') * UINT64_C(0x100000001b3);
}

bool bgp_route_map_same(const struct bgp_route_map *a, const struct bgp_route_map *b)
{
    uint64_t ha = 0, hb = 0;

    bgp_route_map_text(a, digest, &ha);
    bgp_route_map_text(b, digest, &hb);
    return ha == hb && strcmp(a->name, b->name) == 0;
}
