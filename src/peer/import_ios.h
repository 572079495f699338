/* What the parts of the IOS reader share: the objects that its lines name, the words of a line, the
 * tables of commands. Only src/peer/import_ios*.c include this. */
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

/* ---- import_ios_words.c: of the line; at counts from 0 ---- */

bool ios_is(const struct import_ios *r, unsigned at, const char *word);
/* Do they begin with these (separated by blanks; '*' is any)? */
bool ios_says(const struct import_ios *r, const char *words);
const char *ios_word(const struct import_ios *r, unsigned at); /* "": there is none */
bool ios_number(const struct import_ios *r, unsigned at, unsigned *out);
/* The length of a mask, or of a wildcard; -1: it is none. */
int ios_mask_len(const char *text, bool wildcard);
/* "A MASK" as "A/LEN" (IMPORT_WORD). */
bool ios_prefix(const char *address, const char *mask, bool wildcard, char *out);

/* ---- the commands, by what they are of ---- */

/* Which block it stands in, the words it begins with, what it sets (false: not understood). A table
 * ends with a row without words. */
struct ios_command {
    enum block block;
    const char *words;
    bool (*run)(struct import_ios *r);
};
extern const struct ios_command import_ios_crypto[], import_ios_routing[];
bool import_ios_nothing(struct import_ios *r); /* implied by kedge, or its own way */
/* "esp-aes 256 esp-sha-hmac" behind a transform set's name, into o's text. */
bool import_ios_transforms(struct import_ios *r, struct ios_object *o);

#endif
