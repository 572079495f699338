/* Whose a line of IOS-XE is: the heads of blocks, one row each, and which command stands inside
 * one. The commands are import_ios_crypto.c's and import_ios_routing.c's. */
#include "peer/import_ios.h"

#include <string.h>

struct ios_object *import_ios_find(struct import_ios *r, enum block kind, const char *name)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->all[i].kind == kind && strcmp(r->all[i].name, name) == 0)
            return &r->all[i];
    return NULL;
}

/* ---- heads of blocks ---- */

static const struct head {
    const char *words;
    enum block block;
    unsigned name; /* which word is */
} heads[] = {
    {"crypto ikev2 proposal", B_PROPOSAL, 3},
    {"crypto ikev2 policy", B_POLICY, 3},
    {"crypto ikev2 keyring", B_KEYRING, 3},
    {"crypto ikev2 profile", B_PROFILE, 3},
    {"crypto ipsec transform-set", B_TRANSFORM, 3},
    {"crypto ipsec profile", B_IPSEC, 3},
    {"interface", B_INTERFACE, 1},
    {"ip access-list extended", B_ACL, 3},
    {"router bgp", B_BGP, 2},
};

static struct ios_object *object_new(struct import_ios *r, enum block kind, const char *name)
{
    struct ios_object *o = import_ios_find(r, kind, name);

    if (o || r->n == OBJECTS)
        return o;
    o = &r->all[r->n];
    o->kind = kind;
    if (!name[0] || !import_copy(o->name, sizeof(o->name), name))
        return NULL;
    r->n++;
    return o;
}

/* A line that begins in column 1. False: it is none of ours. */
bool import_ios_head(struct import_ios *r)
{
    r->block = B_OTHER;
    for (size_t i = 0; i < KD_ARRAY_LEN(heads); i++) {
        if (!ios_says(r, heads[i].words))
            continue;
        r->o = object_new(r, heads[i].block, ios_word(r, heads[i].name));
        if (!r->o || (heads[i].block == B_BGP && !ios_number(r, 2, &r->im->asn)))
            return false;
        r->block = heads[i].block;
        if (r->block != B_TRANSFORM || import_ios_transforms(r, r->o))
            return true;
        r->o->text[0] = '\0'; /* half a set is none */
        return false;
    }
    return false;
}

/* The host route to a neighbor through its tunnel is implied. */
bool import_ios_implied(const struct import_ios *r)
{
    const char *last = ios_word(r, r->n_w - 1);

    return (ios_says(r, "ip route") && strncmp(last, "Tunnel", 6) == 0 &&
            ios_is(r, r->n_w - 2, "255.255.255.255")) ||
           (ios_says(r, "ipv6 route") && strncmp(last, "Tunnel", 6) == 0 &&
            strstr(ios_word(r, r->n_w - 2), "/128"));
}

/* ---- commands inside a block ---- */

bool import_ios_nothing(struct import_ios *r KD_UNUSED)
{
    return true;
}

static const struct ios_command *command_of(const struct import_ios *r,
                                            const struct ios_command *table)
{
    for (; table->words; table++)
        if (table->block == r->block && ios_says(r, table->words))
            return table;
    return NULL;
}

bool import_ios_command(struct import_ios *r)
{
    const struct ios_command *c = command_of(r, import_ios_crypto);

    if (!c)
        c = command_of(r, import_ios_routing);
    return c && c->run(r);
}
