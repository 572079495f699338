/* Single values: numbers, durations, words, names, addresses, prefixes. Each reader says what is
 * allowed when it refuses. */
#include "config/cfg.h"

#include <stdio.h>

const struct cfg_word cfg_bool_words[] = {{"false", 0}, {"true", 1}, {NULL, 0}};

static void store(void *dst, size_t size, uint64_t v)
{
    switch (size) {
    case 1:
        *(uint8_t *)dst = (uint8_t)v; /* bool too: 0 and 1 */
        break;
    case 2:
        *(uint16_t *)dst = (uint16_t)v;
        break;
    case 4:
        *(uint32_t *)dst = (uint32_t)v; /* enums and int too */
        break;
    default:
        kd_assert(size == 8);
        *(uint64_t *)dst = v;
    }
}

bool cfg_number(const char *s, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (v > (max - digit) / 10 || max < digit)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/* ---- words ---- */

static const char *word_at(const void *arg, size_t i)
{
    return ((const struct cfg_word *)arg)[i].word;
}

static bool find_word(const struct cfg_word *w, const struct cfg_val *v, uint64_t *out)
{
    for (; w && w->word; w++)
        if (strcmp(w->word, v->s) == 0) {
            *out = w->value;
            return true;
        }
    return false;
}

static const char *all_words(const struct cfg_word *w, char *buf, size_t cap)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; w && w[i].word && n < cap; i++)
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "", w[i].word);
    return buf;
}

static bool read_word(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v, void *dst)
{
    uint64_t value;
    if (find_word(k->words, v, &value)) {
        store(dst, k->size, value);
        return true;
    }
    char words[160], quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
    cfg_error(c, v->at, "%s; allowed: %s%s", cfg_quote(v, quote),
              all_words(k->words, words, sizeof(words)),
              cfg_hint(cfg_nearest(v->s, word_at, k->words), hint));
    return false;
}

/* ---- numbers ---- */

static bool read_uint(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v, void *dst)
{
    uint64_t value;
    if (!find_word(k->words, v, &value) &&
        (!cfg_number(v->s, v->len, k->max, &value) || value < k->min)) {
        char words[160], quote[CFG_QUOTE_MAX], hint[CFG_HINT_MAX];
        const char *near = k->words ? cfg_nearest(v->s, word_at, k->words) : NULL;
        cfg_error(c, v->at, "%s; allowed: %llu to %llu%s%s%s", cfg_quote(v, quote),
                  (unsigned long long)k->min, (unsigned long long)k->max, k->words ? ", " : "",
                  all_words(k->words, words, sizeof(words)), cfg_hint(near, hint));
        return false;
    }
    store(dst, k->size, value);
    return true;
}

/* ---- durations ---- */

static const struct {
    const char *name;
    uint64_t us;
} units[] = {{"us", 1}, {"ms", 1000}, {"s", KD_S(1)}, {"m", KD_S(60)}, {"h", KD_S(3600)},
             {"d", KD_S(86400)}};

/* In the largest unit that divides it. */
static const char *duration_text(uint64_t us, char *buf, size_t cap)
{
    size_t i = KD_ARRAY_LEN(units) - 1;
    while (i > 0 && (us == 0 ? units[i].us != KD_S(1) : us % units[i].us != 0))
        i--;
    snprintf(buf, cap, "%llu%s", (unsigned long long)(us / units[i].us), units[i].name);
    return buf;
}

/* Digits and a unit; *unitless when the unit is all that lacks. */
static bool duration(const struct cfg_val *v, uint64_t *us, bool *unitless)
{
    size_t digits = strspn(v->s, "0123456789");
    uint64_t n;
    *unitless = false;
    if (!cfg_number(v->s, digits, UINT64_MAX, &n))
        return false;
    *unitless = v->s[digits] == '\0';
    for (size_t i = 0; i < KD_ARRAY_LEN(units); i++)
        if (strcmp(v->s + digits, units[i].name) == 0 && n <= UINT64_MAX / units[i].us) {
            *us = n * units[i].us;
            return true;
        }
    return false;
}

static bool read_duration(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v,
                          void *dst)
{
    uint64_t us, value;
    bool unitless = false;
    char quote[CFG_QUOTE_MAX], lo[24], hi[24], words[64], hint[CFG_HINT_MAX] = "";
    if (find_word(k->words, v, &value)) {
        store(dst, k->size, value);
        return true;
    }
    bool ok = duration(v, &us, &unitless);
    if (!ok && unitless && v->len < 12)
        snprintf(hint, sizeof(hint), "; did you mean \"%ss\"?", v->s);
    if (!ok || us < k->min || us > k->max) {
        cfg_error(c, v->at, "%s; allowed: %s to %s, with a unit (ms, s, m, h, d)%s%s%s",
                  cfg_quote(v, quote), duration_text(k->min, lo, sizeof(lo)),
                  duration_text(k->max, hi, sizeof(hi)), k->words ? ", " : "",
                  all_words(k->words, words, sizeof(words)), hint);
        return false;
    }
    if (us % k->unit != 0) {
        cfg_error(c, v->at, "%s; allowed: a multiple of %s", cfg_quote(v, quote),
                  duration_text(k->unit, lo, sizeof(lo)));
        return false;
    }
    store(dst, k->size, us / k->unit);
    return true;
}

/* ---- texts ---- */

static bool name_char(char ch, bool first)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch == '-' && !first);
}

static bool read_text(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v, void *dst)
{
    char quote[CFG_QUOTE_MAX];
    bool ok = v->len > 0 && v->len < k->size;
    for (size_t i = 0; ok && i < v->len; i++)
        ok = k->type == CFG_NAME ? name_char(v->s[i], i == 0)
                                 : (unsigned char)v->s[i] >= 0x20 && v->s[i] != 0x7f;
    if (!ok) {
        cfg_error(c, v->at, "%s; allowed: 1 to %u characters%s", cfg_quote(v, quote), k->size - 1,
                  k->type == CFG_NAME ? " of a-z, 0-9 and -" : ", no control characters");
        return false;
    }
    memcpy(dst, v->s, v->len);
    ((char *)dst)[v->len] = '\0';
    return true;
}

bool cfg_read_addr(struct cfg *c, const struct cfg_val *v, struct kd_addr *out)
{
    if (kd_addr_parse(v->s, out))
        return true;
    char quote[CFG_QUOTE_MAX];
    cfg_error(c, v->at, "%s; allowed: an IPv4 or IPv6 address%s", cfg_quote(v, quote),
              strchr(v->s, '/') ? ", without a length" : "");
    return false;
}

bool cfg_read_prefix(struct cfg *c, const struct cfg_val *v, struct kd_prefix *out)
{
    char quote[CFG_QUOTE_MAX], right[KD_PREFIX_STR_MAX];
    if (!strchr(v->s, '/')) {
        struct kd_addr a;
        bool addr = kd_addr_parse(v->s, &a);
        cfg_error(c, v->at, "%s; allowed: a prefix, ADDRESS/LENGTH%s%s%s", cfg_quote(v, quote),
                  addr ? "; did you mean \"" : "", addr ? v->s : "",
                  !addr ? "" : a.family == 4 ? "/32\"?" : "/128\"?");
        return false;
    }
    if (kd_prefix_parse(v->s, true, out))
        return true;
    if (kd_prefix_parse(v->s, false, out))
        cfg_error(c, v->at, "%s has host bits set; did you mean \"%s\"?", cfg_quote(v, quote),
                  kd_prefix_str(out, right));
    else
        cfg_error(c, v->at, "%s; allowed: a prefix, ADDRESS/LENGTH", cfg_quote(v, quote));
    return false;
}

bool cfg_scalar(struct cfg *c, const struct cfg_key *k, const struct cfg_val *v, void *dst)
{
    switch (k->type) {
    case CFG_TEXT:
    case CFG_NAME:
        return read_text(c, k, v, dst);
    case CFG_UINT:
        return read_uint(c, k, v, dst);
    case CFG_DURATION:
        return read_duration(c, k, v, dst);
    case CFG_WORD:
        return read_word(c, k, v, dst);
    default:
        kd_assert(k->type == CFG_ADDR);
        return cfg_read_addr(c, v, dst);
    }
}
