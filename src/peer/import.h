/* From another's configuration to ours: what a router or strongSwan has been told, as the
 * kedge.yaml of a kedge in its place. The other way round is peer.h; one after the other and again
 * gives the same tunnel. Pure: text in, text out.
 *
 *   import.c         what both languages come to, and the YAML
 *   import_ios.c     IOS-XE: ikev2, ipsec profiles, tunnel interfaces, BGP over them
 *   import_swanctl.c swanctl.conf: connections, children, secrets
 *
 * What isn't understood changes nothing and is named with its line. Bounds: IMPORT_*. */
#ifndef PEER_IMPORT_H
#define PEER_IMPORT_H

#include "base/bytes.h"

#include <stdio.h>

enum import_from { IMPORT_IOS, IMPORT_SWANCTL, IMPORT_KINDS };
extern const char *const import_names[]; /* "ios", "swanctl", NULL */

#define IMPORT_TUNNELS  32
#define IMPORT_CHILDREN 16
#define IMPORT_NOTES    256
#define IMPORT_WORD     128 /* a name, an identity, a secret; longer ones are notes */
#define IMPORT_LIST     512 /* proposals, selectors: separated by ", " */

struct import_child {
    char name[16];
    char local_ts[IMPORT_LIST], remote_ts[IMPORT_LIST]; /* "": everything */
};

struct import_tunnel {
    char name[16];
    char local[IMPORT_WORD], remote[IMPORT_WORD]; /* addresses; "" or %any: anybody */
    char local_id[IMPORT_WORD], remote_id[IMPORT_WORD];
    char ike[IMPORT_LIST], esp[IMPORT_LIST]; /* as kedge.yaml has them */
    char psk[IMPORT_WORD], psk_hex[IMPORT_WORD];
    char certs[IMPORT_WORD], cacerts[IMPORT_WORD]; /* files, where it proves itself by one */
    bool cert_local, cert_remote;
    bool responder, encap;
    unsigned ike_life_s, child_life_s, port, mtu, mss; /* 0: not said */
    unsigned long long child_life_kb;
    unsigned n_children;
    struct import_child child[IMPORT_CHILDREN];
    char inner[IMPORT_WORD]; /* our BGP address */
    char neighbor[IMPORT_WORD];
    unsigned neighbor_asn, hold_s, keepalive_s;
};

struct import_note {
    unsigned line;
    char text[96];
};

struct import {
    unsigned n, asn;
    struct import_tunnel t[IMPORT_TUNNELS];
    char router_id[IMPORT_WORD];
    unsigned n_networks;
    char network[64][IMPORT_WORD];
    unsigned n_notes, more_notes; /* more: beyond IMPORT_NOTES */
    struct import_note note[IMPORT_NOTES];
};

/* Reads text. False: no tunnel is in it, out of memory; the notes may say more. im is large: on the
 * heap. */
bool import_read(enum import_from from, struct kd_bytes text, struct import *im) KD_MUST_USE;
/* kedge.yaml; notes stand in it as comments. */
void import_write(const struct import *im, FILE *to);

/* ---- between the files ---- */

typedef bool import_reader(struct kd_bytes text, struct import *im);
import_reader import_ios, import_swanctl;

/* Names a line that isn't understood, and why (may be ""). */
void import_note(struct import *im, unsigned line, const char *text, const char *why);
/* Into a field of cap octets; false where it does not fit. */
bool import_copy(char *to, size_t cap, const char *from);
/* ", " and from behind what is there. */
bool import_append(char *to, size_t cap, const char *from);
bool import_number(const char *s, unsigned long long max, unsigned long long *out);
/* A name that kedge.yaml takes: a-z, 0-9 and -, 15 at most; base from any text. */
void import_tunnel_name(const struct import *im, const char *base, char name[16]);
/* The same, other than those of t's children so far. */
void import_child_name(const struct import_tunnel *t, const char *base, char name[16]);
/* before, then the octets in hex; false where there are none, or they don't fit. */
bool import_hex(struct kd_bytes octets, const char *before, char out[IMPORT_WORD]);

#endif
