/* What the two halves of the swanctl reader share. Only src/peer/import_swanctl*.c include this. */
#ifndef PEER_IMPORT_SWANCTL_H
#define PEER_IMPORT_SWANCTL_H

#include "peer/import.h"

#include <string.h>

#define DEPTH 6

/* Where a key stands: the depth's section names; one '*' each in the table. */
enum swanctl_place { P_CONN, P_LOCAL, P_REMOTE, P_CHILD, P_SECRET, P_OTHER };

struct import_swanctl {
    struct import *im;
    char *text; /* a copy, cut up */
    unsigned line, depth;
    char section[DEPTH][IMPORT_WORD];
    struct import_tunnel *t;
    struct import_child *c;
    struct swanctl_secret {
        char id[4][IMPORT_WORD], secret[IMPORT_WORD];
        unsigned n, line;
    } secret[IMPORT_TUNNELS];
    unsigned n_secrets;
};

static inline bool import_begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

bool import_swanctl_at(const struct import_swanctl *r, unsigned depth, const char *name);
enum swanctl_place import_swanctl_place(const struct import_swanctl *r);
/* A key where it stands: its row sets something, or it is a note. */
void import_swanctl_take(struct import_swanctl *r, const char *key, const char *value);

#endif
