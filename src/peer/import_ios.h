/* What the two halves of the IOS reader share: the objects that its lines name. Only
 * src/peer/import_ios*.c include this. */
#ifndef PEER_IMPORT_IOS_H
#define PEER_IMPORT_IOS_H

#include "peer/import.h"

#define OBJECTS 64 /* of a kind */
#define WORDS   16 /* of a line */

enum block {
    B_NONE,
    B_OTHER, /* not ours: each of its lines is a note */
    B_PROPOSAL,
    B_POLICY,
    B_KEYRING,
    B_PROFILE,
    B_TRANSFORM,
    B_IPSEC,
    B_INTERFACE,
    B_ACL,
    B_BGP,
    B_N
};

/* An object of any kind; each uses what it needs. */
struct ios_object {
    enum block kind;
    char name[IMPORT_WORD];
    char text[IMPORT_LIST]; /* transform set: ours; policy, ipsec: the names it uses; keyring: its
                               peer's name; profile: the peers' identities; interface: whose address
                               it borrows */
    char encr[IMPORT_LIST], integ[IMPORT_LIST], prf[IMPORT_LIST], group[IMPORT_LIST];
    char local[IMPORT_WORD], remote[IMPORT_WORD]; /* addresses; a profile's own identity */
    char psk[IMPORT_WORD], psk_hex[IMPORT_WORD];
    char uses[IMPORT_WORD]; /* profile: keyring; ipsec: profile; interface: ipsec profile */
    char acl[IMPORT_WORD], address[IMPORT_WORD], pfs[IMPORT_WORD];
    bool cert_local, cert_remote;
    unsigned life_s, mtu, mss;
    unsigned long long life_kb;
};

struct ios_session {
    char remote[IMPORT_WORD], source[IMPORT_WORD];
    unsigned asn, hold_s, keepalive_s, line;
    bool used; /* by a tunnel */
};

struct import_ios {
    struct import *im;
    unsigned line, n, n_sessions;
    enum block block;
    struct ios_object *o; /* of the block */
    struct ios_object all[OBJECTS];
    struct ios_session session[IMPORT_TUNNELS];
    const char *w[WORDS]; /* the line's words */
    unsigned n_w;
};

/* The line's command, in the block it stands in, or a block's head. False: not understood. */
bool import_ios_command(struct import_ios *r) KD_MUST_USE;
bool import_ios_head(struct import_ios *r) KD_MUST_USE;
/* It says what kedge does by itself: the host route to a neighbor through its tunnel. */
bool import_ios_implied(const struct import_ios *r);
struct ios_object *import_ios_find(struct import_ios *r, enum block kind, const char *name);

#endif
