/* AUTH by pre-shared key: authentication method 2. RFC 7296 2.15, 3.8. The key stays in the arena;
 * what is compared is compared in constant time. */
#include "ike/proof.h"
#include "ike/sa.h"

/* AUTH = prf(prf(secret, "Key Pad for IKEv2"), octets) */
size_t ike_auth_psk(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                    struct kd_bytes id_body, uint8_t out[IKE_AUTH_MAX])
{
    enum kc_prf prf = (enum kc_prf)sa->suite.prf->id;
    const struct kd_bytes pad = kd_bytes_str("Key Pad for IKEv2");
    size_t len = sa->suite.prf->out_len;
    struct ike_octets octets;
    struct kd_handle key;
    bool ok;

    if (len > IKE_AUTH_MAX || !ike_auth_octets(e, sa, initiator, id_body, &octets))
        return 0;
    key = kc_prf_derive(e->crypto, prf, psk, KD_HANDLE_NONE, &pad, 1);
    ok = !kd_handle_none(key) && kc_prf(e->crypto, prf, key, octets.part, octets.n, out);
    kc_key_free(e->crypto, key);
    return ok ? len : 0;
}

bool ike_auth_psk_is(struct ike *e, const struct ike_sa *sa, struct kd_handle psk, bool initiator,
                     struct kd_bytes id_body, struct kd_bytes auth)
{
    uint8_t want[IKE_AUTH_MAX];
    size_t len = ike_auth_psk(e, sa, psk, initiator, id_body, want);

    return len && kc_equal(auth, kd_bytes(want, len));
}
