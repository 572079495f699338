/* Exchanges drawn as the RFC draws them: rows of who does what, what that makes the two ends send,
 * and which SAs they have after it.
 *
 *   {A, BEGINS, REKEY_CHILD, "A rekey(o)", "I O/I O"}
 *   {B, HEARS, REQUEST, "B ok(a)", "I O/I Oa"}       the oldest request that is on its way to B
 *   {A, LOSES, ANSWER, "", "I O/I Oa"}               the same, but it never arrives
 *   {B, HEARS_ONE_OF_TWO, REQUEST, ...}              the same, and a copy is still on its way
 *   {A, WAITS, 2100, "A rekey(o)", ...}              milliseconds: retransmissions, retries
 *
 * SAs after a row: those of A, "/", those of B; first IKE SAs, then installed pairs. I and O are
 * the ones of the start; x, u (y, v) IKE SAs that A (B) made, a, c (b, d) pairs. Upper case: the
 * IKE SA that counts, the pair that is sent on; lower case: others that are not gone.
 *
 * "?" is what the receiver has no keys for any more. After every row: what a side sends on, the
 * other has. */
#ifndef TESTS_IKE_SCRIPT_H
#define TESTS_IKE_SCRIPT_H

#include "ike_pair.h"

enum script_verb { BEGINS, HEARS, HEARS_ONE_OF_TWO, LOSES, WAITS };
enum { REQUEST, ANSWER };                                    /* HEARS, LOSES */
enum { REKEY_CHILD, REKEY_IKE, EXPIRE_CHILD, SOFT_CHILD, DOWN, PROBE }; /* BEGINS */

struct script_row {
    int side;
    enum script_verb verb;
    int arg;
    const char *sends; /* all that both ends send because of it, in order */
    const char *has;
};

/* Which of the four nonces of two crossing exchanges is the lowest: of A's exchange (Ni by A, Nr by
 * B) or of B's. */
enum script_lowest { A_NI, A_NR, B_NI, B_NR };

struct script {
    const char *name;
    enum script_lowest lowest;
    bool gap; /* an end is ordered: there may be nothing to send on */
    const struct script_row *rows; /* up to one without `has` */
    const char *end;               /* a minute later */
};

void script_run(const struct script *s);

#endif
