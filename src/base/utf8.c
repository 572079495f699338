/* UTF-8, RFC 3629 3 and 4. */
#include "base/utf8.h"

size_t kd_utf8_next(struct kd_bytes b, uint32_t *cp)
{
    static const struct {
        uint8_t mask, head;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t i = 0; b.len > 0 && i < KD_ARRAY_LEN(forms); i++) {
        if ((b.p[0] & forms[i].mask) != forms[i].head)
            continue;
        *cp = b.p[0] & (uint8_t)~forms[i].mask;
        for (size_t k = 1; k <= i; k++) {
            if (k == b.len || (b.p[k] & 0xc0) != 0x80)
                return 0;
            *cp = *cp << 6 | (b.p[k] & 0x3f);
        }
        return *cp < forms[i].least || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000) ? 0
                                                                                         : i + 1;
    }
    return 0;
}

bool kd_utf8_ok(struct kd_bytes b)
{
    uint32_t cp;
    size_t n;

    for (; b.len > 0; b = kd_bytes(b.p + n, b.len - n)) {
        n = kd_utf8_next(b, &cp);
        if (n == 0)
            return false;
    }
    return true;
}

static bool harmless(uint32_t cp)
{
    return cp >= 0x20 && (cp < 0x7f || cp > 0x9f) && !(cp >= 0x202a && cp <= 0x202e) &&
           !(cp >= 0x2066 && cp <= 0x2069);
}

void kd_utf8_printable(struct kd_bytes text, char *buf, size_t cap)
{
    size_t at = 0, n, put;
    uint32_t cp;

    for (; text.len > 0; text = kd_bytes(text.p + n, text.len - n)) {
        n = kd_utf8_next(text, &cp);
        put = n && harmless(cp) ? n : 1;
        if (at + put >= cap)
            break;
        if (n && harmless(cp))
            memcpy(buf + at, text.p, n);
        else
            buf[at] = '?';
        at += put;
        n = n ? n : 1;
    }
    buf[at] = '\0';
}
