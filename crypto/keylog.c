/* The one way a negotiated key leaves the arena as text: the key log, which an operator switches on
 * in the configuration and starts as root (src/io/keylog.c). Nothing else may call this. */
#include "crypto/provider.h"

size_t kc_keylog_hex(const struct kc_ctx *c, struct kd_handle key, char *hex, size_t cap)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[KC_KEY_MAX];
    size_t len = kc_key_export(c, key, raw, sizeof(raw));

    if (2 * len + 1 > cap)
        len = 0;
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[2 * len] = '\0';
    kc_wipe(raw, sizeof(raw));
    return len;
}
