/* ML-KEM (KE methods 35 to 37, draft-ietf-ipsecme-ikev2-mlkem): not done yet, and said so by name.
 * OpenSSL has it from 3.5 on; what was compiled against and what runs may be two versions. */
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define HAS_MLKEM(major, minor) ((major) > 3 || ((major) == 3 && (minor) >= 5))

const char *kc_no_mlkem(void)
{
    static char text[128]; /* the same whoever writes it */
    const char *version = OpenSSL_version(OPENSSL_VERSION_STRING);

    if (!HAS_MLKEM(OPENSSL_version_major(), OPENSSL_version_minor()))
        snprintf(text, sizeof(text), "this crypto library (OpenSSL %.24s) has no ML-KEM", version);
    else if (!HAS_MLKEM(OPENSSL_VERSION_MAJOR, OPENSSL_VERSION_MINOR))
        snprintf(text, sizeof(text), "kedge was built with OpenSSL " OPENSSL_VERSION_STR
                                     ", which has no ML-KEM");
    else
        snprintf(text, sizeof(text), "kedge does not do ML-KEM yet, though OpenSSL %.24s has it",
                 version);
    return text;
}
