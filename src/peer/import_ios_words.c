/* The words of a line of IOS: which they are, numbers, masks and prefixes among them. */
#include "base/addr.h"
#include "peer/import_ios.h"

#include <string.h>

bool ios_is(const struct import_ios *r, unsigned at, const char *word)
{
    return at < r->n_w && strcmp(r->w[at], word) == 0;
}

bool ios_says(const struct import_ios *r, const char *words)
{
    char one[32];

    for (unsigned i = 0; *words; i++) {
        size_t n = strcspn(words, " ");
        snprintf(one, sizeof(one), "%.*s", (int)n, words);
        if (i >= r->n_w || (strcmp(one, "*") != 0 && !ios_is(r, i, one)))
            return false;
        words += n + (words[n] == ' ');
    }
    return true;
}

const char *ios_word(const struct import_ios *r, unsigned at)
{
    return at < r->n_w ? r->w[at] : "";
}

bool ios_number(const struct import_ios *r, unsigned at, unsigned *out)
{
    unsigned long long v;

    if (!import_number(ios_word(r, at), UINT32_MAX, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

int ios_mask_len(const char *text, bool wildcard)
{
    struct kd_addr a;
    uint32_t m;

    if (!kd_addr_parse(text, &a) || a.family != 4)
        return -1;
    m = (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
    m = wildcard ? ~m : m;
    return (~m & (~m + 1)) == 0 ? __builtin_popcount(m) : -1;
}

bool ios_prefix(const char *address, const char *mask, bool wildcard, char *out)
{
    int len = ios_mask_len(mask, wildcard);
    struct kd_prefix p;
    char text[64];

    snprintf(text, sizeof(text), "%.40s/%d", address, len);
    return len >= 0 && kd_prefix_parse(text, true, &p) && import_copy(out, IMPORT_WORD, text);
}
