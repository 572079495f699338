/* Proposals: what an SA payload offers and what a configuration accepts, as values.
 * RFC 7296 3.3, 2.7. */
#ifndef IKE_PROPOSAL_H
#define IKE_PROPOSAL_H

#include "base/wire.h"
#include "crypto/crypto.h"

#define IKE_TRANSFORM_MAX 32 /* a proposal; strongSwan's default sends 20 */
#define IKE_PROPOSAL_MAX  32 /* a payload; Azure's responder list has 26 */

enum ike_protocol { IKE_PROTO_NONE = 0, IKE_PROTO_IKE = 1, IKE_PROTO_AH = 2, IKE_PROTO_ESP = 3 };

/* Transform types behind enum kc_transform_type: further key exchanges, by the ids of KC_DH (RFC
 * 9370). */
#define IKE_ADDKE_FIRST 6
#define IKE_ADDKE_LAST  12
#define IKE_ADDKE_MAX   (IKE_ADDKE_LAST - IKE_ADDKE_FIRST + 1)

static inline bool ike_is_addke(uint8_t type)
{
    return type >= IKE_ADDKE_FIRST && type <= IKE_ADDKE_LAST;
}

struct ike_transform {
    uint8_t type; /* enum kc_transform_type, or of a further key exchange */
    uint16_t id;
    uint16_t key_bits; /* Key Length attribute, 0 when absent */
    bool unusable; /* its attributes break a rule or are unknown (RFC 7296 3.3.6): never chosen */
};

struct ike_proposal {
    uint8_t number; /* 1.. as on the wire */
    uint8_t protocol;
    uint8_t spi_len; /* 0, 4 or 8 */
    uint8_t spi[8];
    uint8_t n;
    bool unusable; /* more transforms than are kept, an SPI nobody may use: never chosen */
    struct ike_transform t[IKE_TRANSFORM_MAX];
};

struct ike_proposals {
    uint8_t n;
    bool cut; /* more were offered than are kept: the rest was checked and dropped */
    struct ike_proposal p[IKE_PROPOSAL_MAX];
};

/* One suite: what was chosen. NULL where the proposal has none of the type. */
struct ike_suite {
    uint8_t number; /* of the chosen proposal, to be echoed */
    const struct kc_alg *encr, *prf, *integ, *dh;
    bool esn;
    const struct kc_alg *addke[IKE_ADDKE_MAX]; /* by transform type; NULL: none */
    uint8_t addke_types; /* bit i: the offer had type i of them, so the answer has it, NONE too */
    bool esn_absent; /* the offer had no ESN transform (Cisco): the answer must have none either */
};

/* ---- wire form: proposal.c ---- */

/* Body of an SA payload (what follows its generic header). Algorithms and transform types kedge
 * does not know are kept and can't be chosen; a broken structure (lengths, counts,
 * last-substructure octets, proposal numbers, an SPI size the protocol does not have) is refused:
 * false, with the rule in *rule and the offset in the body in *at (both may be NULL). */
bool ike_proposals_parse(struct kd_bytes body, struct ike_proposals *out, const char **rule,
                         size_t *at) KD_MUST_USE;
/* Writes the body with numbers 1, 2, ... in list order and the given protocol and SPI in each
 * proposal; when no_dh, of what ike_proposals_strip_dh() leaves (IKE_AUTH: RFC 7296 1.2). */
void ike_proposals_write(struct kd_writer *w, const struct ike_proposals *l, uint8_t protocol,
                         struct kd_bytes spi, bool no_dh);
/* The answer: one proposal holding the suite, numbered suite->number; dh only when with_dh. */
void ike_suite_write(struct kd_writer *w, const struct ike_suite *s, uint8_t protocol,
                     struct kd_bytes spi, bool with_dh);

/* What IKE_AUTH offers: no DH transforms nor further key exchanges, and none of the proposals that
 * became equal to an earlier one by that. Numbers are not touched. */
void ike_proposals_strip_dh(struct ike_proposals *l);

/* ---- choice: select.c ---- */

enum ike_select_flags {
    IKE_SELECT_NO_DH = 1,     /* IKE_AUTH's child: DH is not negotiated, on neither side */
    IKE_SELECT_REKEY_IKE = 2, /* an IKE proposal must carry an 8-octet SPI instead of none */
};

/* The responder's choice: the first configured proposal that has a common suite with an offered
 * one; within it the configured order of algorithms. suite->dh is the group the initiator must use:
 * when it sent KE for another one, answer INVALID_KE_PAYLOAD with suite->dh->id. spi (8 octets, may
 * be NULL) and spi_len receive the chosen proposal's SPI. False: NO_PROPOSAL_CHOSEN. RFC
 * 7296 2.7, 3.3. */
bool ike_proposal_select(const struct ike_proposals *offered,
                         const struct ike_proposals *configured, uint8_t protocol, unsigned flags,
                         struct ike_suite *suite, uint8_t *spi, uint8_t *spi_len) KD_MUST_USE;
/* The initiator's check of the answer: exactly one proposal, one transform a type at most, all of
 * it offered under that number by ike_proposals_write(offered, ..., no_dh as in flags). */
bool ike_proposal_accept(const struct ike_proposals *answer, const struct ike_proposals *offered,
                         uint8_t protocol, unsigned flags, struct ike_suite *suite, uint8_t *spi,
                         uint8_t *spi_len) KD_MUST_USE;
/* The group for the first KE payload: the first DH of the first proposal; NULL when none. */
const struct kc_alg *ike_proposals_first_dh(const struct ike_proposals *l);
/* Is there a further key exchange in any proposal? */
bool ike_proposals_have_addke(const struct ike_proposals *l);
/* The row of a transform's algorithm; NULL when unknown. */
const struct kc_alg *ike_transform_alg(const struct ike_transform *t);
/* Is the group in any proposal (may an INVALID_KE_PAYLOAD's wish be granted, RFC 7296 1.2)? */
bool ike_proposals_have_dh(const struct ike_proposals *l, uint16_t group);
/* Drops what the process can't do and what becomes unusable by it; n may end at 0. */
void ike_proposals_filter(struct ike_proposals *l, const struct kc_ctx *crypto);

/* ---- text: proposal_text.c ---- */

#define IKE_PROPOSAL_TEXT_MAX 512 /* longer ones end in "..." */

/* strongSwan's notation, algorithms joined by '-': "aes256-sha1-modp1024". A PRF is printed only
 * where it does not follow from the integrity algorithm, ESN only where offered; what kedge does
 * not know prints as type and number ("encr#1025"). Terminated; safe for logs. Returns buf. */
const char *ike_proposal_text(const struct ike_proposal *p, char *buf, size_t cap);
/* All of them, joined by ", ". */
const char *ike_proposals_text(const struct ike_proposals *l, char *buf, size_t cap);
/* The suite in the same notation, protocol as in the proposal it came from. */
const char *ike_suite_text(const struct ike_suite *s, char *buf, size_t cap);
/* From the configuration: "aes256-sha256-modp2048"; several algorithms of one type in order of
 * preference. IKE: the PRF follows from the integrity algorithms unless given; ESP: ESN is off
 * unless "esn" is given. False with a sentence for the operator in err (names the word at fault,
 * and the nearest right one). */
bool ike_proposal_from_string(const char *s, uint8_t protocol, struct ike_proposal *out, char *err,
                              size_t err_cap) KD_MUST_USE;

#endif
