/* PRF and PRF+ over key handles, and the key derivations of IKEv2 in the shapes it needs them: a
 * secret that only the arena knows goes in front of the data, or behind it, or is the key.
 *
 * RFC 7296 2.13 (prf+), 2.14 (SKEYSEED), 2.17 (child keys), 2.18 (SKEYSEED after a rekey). Not
 * here: which keys an exchange needs and in which order (src/ike). */
#include "crypto/provider.h"

#define OUT_MAX 64 /* PRF-HMAC-SHA2-512 */

/* The data of one PRF call: the caller's parts and room for prf+'s block number and chaining value
 * or a secret. */
struct data {
    struct kd_bytes part[KC_PARTS_MAX + 3];
    size_t n;
};

static void add(struct data *d, struct kd_bytes b)
{
    d->part[d->n++] = b;
}

static void add_all(struct data *d, const struct kd_bytes *parts, size_t n)
{
    kd_assert(n <= KC_PARTS_MAX);
    for (size_t i = 0; i < n; i++)
        add(d, parts[i]);
}

/* NULL when the number is unknown or can't be had. */
static const struct kc_alg *prf_alg(const struct kc_ctx *c, enum kc_prf prf)
{
    const struct kc_alg *a = kc_alg_find(KC_PRF, (uint16_t)prf, 0);

    return kc_available(c, a) ? a : NULL;
}

/* Like kc_arena_get(), but NONE is an empty secret. */
static bool get_optional(struct kc_ctx *c, struct kd_handle h, struct kc_secret *out)
{
    out->len = 0;
    return kd_handle_none(h) || kc_arena_get(c->arena, h, out);
}

/* One block into the arena. */
static struct kd_handle block_key(struct kc_ctx *c, const struct kc_alg *a, struct kd_bytes key,
                                  const struct data *d)
{
    uint8_t out[OUT_MAX];
    struct kd_handle h;

    c->ops->prf((enum kc_prf)a->id, key, d->part, d->n, out);
    h = kc_key_import(c, kd_bytes(out, a->out_len));
    kc_wipe(out, sizeof(out));
    return h;
}

bool kc_prf(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key, const struct kd_bytes *parts,
            size_t n_parts, uint8_t *out)
{
    struct kc_secret k;
    bool ok = prf_alg(c, prf) && kc_arena_get(c->arena, key, &k);

    if (ok) {
        c->ops->prf(prf, kc_secret_bytes(&k), parts, n_parts, out);
        kc_wipe(&k, sizeof(k));
    }
    return ok;
}

struct kd_handle kc_prf_key(struct kc_ctx *c, enum kc_prf prf, struct kd_bytes key,
                            const struct kd_bytes *parts, size_t n_parts, struct kd_handle secret)
{
    const struct kc_alg *a = prf_alg(c, prf);
    struct kd_handle h = KD_HANDLE_NONE;
    struct data d = {.n = 0};
    struct kc_secret s;

    if (!a || !get_optional(c, secret, &s))
        return h;
    add_all(&d, parts, n_parts);
    add(&d, kc_secret_bytes(&s));
    h = block_key(c, a, key, &d);
    kc_wipe(&s, sizeof(s));
    return h;
}

struct kd_handle kc_prf_derive(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key,
                               struct kd_handle secret, const struct kd_bytes *parts,
                               size_t n_parts)
{
    const struct kc_alg *a = prf_alg(c, prf);
    struct kd_handle h = KD_HANDLE_NONE;
    struct data d = {.n = 0};
    struct kc_secret k, s;

    if (a && kc_arena_get(c->arena, key, &k) && get_optional(c, secret, &s)) {
        add(&d, kc_secret_bytes(&s));
        add_all(&d, parts, n_parts);
        h = block_key(c, a, kc_secret_bytes(&k), &d);
    }
    kc_wipe(&k, sizeof(k));
    kc_wipe(&s, sizeof(s));
    return h;
}

/* prf+(K, S) = T1 | T2 | ..., T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). */
struct stream {
    const struct kc_ctx *c;
    const struct kc_alg *prf;
    struct kc_secret key;
    struct kc_secret secret; /* the beginning of S */
    const struct kd_bytes *seed;
    size_t n_seed;
    uint8_t t[OUT_MAX];
    size_t used; /* of t */
    uint8_t n;   /* blocks so far */
};

static void next_block(struct stream *st)
{
    struct kd_bytes chain = kd_bytes(st->t, st->n > 0 ? st->prf->out_len : 0);
    struct data d = {.n = 0};
    uint8_t t[OUT_MAX];

    kd_assert(st->n < UINT8_MAX);
    st->n++;
    add(&d, chain);
    add(&d, kc_secret_bytes(&st->secret));
    add_all(&d, st->seed, st->n_seed);
    add(&d, kd_bytes(&st->n, 1));
    st->c->ops->prf((enum kc_prf)st->prf->id, kc_secret_bytes(&st->key), d.part, d.n, t);
    memcpy(st->t, t, sizeof(t));
    kc_wipe(t, sizeof(t));
    st->used = 0;
}

static void take(struct stream *st, uint8_t *out, size_t len)
{
    while (len > 0) {
        size_t n;
        if (st->used >= st->prf->out_len)
            next_block(st);
        n = KD_MIN(len, st->prf->out_len - st->used);
        memcpy(out, st->t + st->used, n);
        st->used += n;
        out += n;
        len -= n;
    }
}

/* RFC 7296 2.13: the block number is one octet, so prf+ ends at 255 blocks. */
static bool lens_ok(const struct kc_alg *prf, const uint16_t *lens, size_t n)
{
    size_t left = (size_t)255 * prf->out_len;

    for (size_t i = 0; i < n; i++) {
        if (lens[i] > KC_KEY_MAX || lens[i] > left)
            return false;
        left -= lens[i];
    }
    return true;
}

static bool cut(struct kc_ctx *c, struct stream *st, const uint16_t *lens, size_t n,
                struct kd_handle *keys)
{
    struct kc_secret s;
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++) {
        if (lens[i] == 0)
            continue;
        take(st, s.b, lens[i]);
        keys[i] = kc_key_import(c, kd_bytes(s.b, lens[i]));
        ok = !kd_handle_none(keys[i]);
    }
    kc_wipe(&s, sizeof(s));
    if (ok)
        return true;
    for (size_t i = 0; i < n; i++) {
        kc_key_free(c, keys[i]);
        keys[i] = KD_HANDLE_NONE;
    }
    return false;
}

bool kc_prf_plus(struct kc_ctx *c, enum kc_prf prf, struct kd_handle key, struct kd_handle secret,
                 const struct kd_bytes *seed, size_t n_seed, const uint16_t *lens, size_t n,
                 struct kd_handle *keys)
{
    struct stream st = {.c = c, .prf = prf_alg(c, prf), .seed = seed, .n_seed = n_seed};
    bool ok;

    for (size_t i = 0; i < n; i++)
        keys[i] = KD_HANDLE_NONE;
    ok = st.prf && lens_ok(st.prf, lens, n) && kc_arena_get(c->arena, key, &st.key) &&
         get_optional(c, secret, &st.secret);
    if (ok) {
        st.used = st.prf->out_len;
        ok = cut(c, &st, lens, n, keys);
    }
    kc_wipe(&st, sizeof(st));
    return ok;
}

void kc_sha1(struct kc_ctx *c, const struct kd_bytes *parts, size_t n_parts, uint8_t out[20])
{
    c->ops->sha1(parts, n_parts, out);
}
