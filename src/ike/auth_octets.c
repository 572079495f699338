/* What AUTH proves: the sender's own IKE_SA_INIT message, the other's nonce and the sender's
 * identity, as RFC 7296 2.15 lines them up. One function for every method: a pre-shared key runs
 * its PRF over these octets (auth_psk.c), a signature signs them.
 *
 * Not here: how they are proven. What other RFCs append goes behind the last part. */
#include "ike/further.h"
#include "ike/proof.h"
#include "ike/sa.h"

/* InitiatorSignedOctets = RealMessage1 | NonceRData | MACedIDForI, and the responder's with 2, I, R
 */
bool ike_auth_octets(struct ike *e, const struct ike_sa *sa, bool initiator,
                     struct kd_bytes id_body, struct ike_octets *out)
{
    const struct ike_hs *hs = sa->hs;
    size_t len = sa->suite.prf->out_len;

    memset(out, 0, sizeof(*out));
    if (len > sizeof(out->maced_id) ||
        !kc_prf(e->crypto, (enum kc_prf)sa->suite.prf->id, initiator ? sa->k.pi : sa->k.pr,
                &id_body, 1, out->maced_id))
        return false;
    out->part[out->n++] = ike_buf_bytes(initiator ? &hs->init_req : &hs->init_resp);
    out->part[out->n++] = ike_nonce_bytes(initiator ? &hs->nr : &hs->ni);
    out->part[out->n++] = kd_bytes(out->maced_id, len);
    ike_inter_octets(sa, out);
    return true;
}
