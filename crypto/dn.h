/* Distinguished names (X.501): the subject of a certificate, an ID_DER_ASN1_DN. As text in their
 * own order, "C=US, O=Example, CN=gw"; as bytes the DER of a Name. Included by crypto/crypto.h. */
#ifndef KC_DN_H
#define KC_DN_H

#include "base/wire.h"

/* Appends the DER of the name. Attributes: C, ST, L, O, OU, CN, DC, UID, serialNumber,
 * emailAddress (or E), in any case; in a value a backslash takes the next character as it is, or as
 * two hexadecimal digits. False when it is not such a text, or w is full. */
bool kc_dn_put(struct kd_writer *w, const char *text) KD_MUST_USE;
/* Into buf, always terminated; printable, whatever it holds, and what kc_dn_put() reads. Unknown
 * attributes print as their OID in hexadecimal. False, with buf empty, when it is no Name; a text
 * that is too long is cut. */
bool kc_dn_str(struct kd_bytes der, char *buf, size_t cap);
/* It is a Name: strict DER to its last octet, perhaps without any attribute. */
bool kc_dn_valid(struct kd_bytes der);
/* The same attributes with the same values in the same order. Of text it doesn't matter which of
 * PrintableString, UTF8String and IA5String it is; all else is compared byte by byte. */
bool kc_dn_equal(struct kd_bytes a, struct kd_bytes b);

#endif
