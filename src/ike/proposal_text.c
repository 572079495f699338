/* Proposals as text, in strongSwan's notation: out for explanations, in from the configuration.
 *
 * Deviations from strongSwan: an AEAD must be given its PRF ("prfsha384"); ESN stays off unless
 * "esn" is written, as there. */
#include "ike/proposal.h"
#include "ike/text.h"

#define WORD_MAX 24 /* the longest keyword has 17 letters */

static const struct {
    uint16_t integ, prf;
} prf_of_integ[] = {
    {KC_INTEG_HMAC_MD5_96, KC_PRF_HMAC_MD5},
    {KC_INTEG_HMAC_SHA1_96, KC_PRF_HMAC_SHA1},
    {KC_INTEG_HMAC_SHA2_256_128, KC_PRF_HMAC_SHA2_256},
    {KC_INTEG_HMAC_SHA2_384_192, KC_PRF_HMAC_SHA2_384},
    {KC_INTEG_HMAC_SHA2_512_256, KC_PRF_HMAC_SHA2_512},
};

static const char *const type_names[] = {
    [KC_ENCR] = "encr", [KC_PRF] = "prf", [KC_INTEG] = "integ", [KC_DH] = "group", [KC_ESN] = "esn",
};

static uint16_t default_prf(uint16_t integ)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(prf_of_integ); i++) {
        if (prf_of_integ[i].integ == integ)
            return prf_of_integ[i].prf;
    }
    return KC_PRF_NONE;
}

static unsigned count_type(const struct ike_proposal *p, uint8_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->n; i++)
        n += p->t[i].type == type;
    return n;
}

/* Number i of the type's transforms; i is below count_type(). */
static const struct ike_transform *nth(const struct ike_proposal *p, uint8_t type, unsigned i)
{
    const struct ike_transform *t = p->t;

    while (t->type != type || i-- > 0)
        t++;
    return t;
}

/* ---- out ---- */

/* The PRFs are those that the integrity algorithms stand for, in the same order. */
static bool prf_follows(const struct ike_proposal *p)
{
    unsigned n = count_type(p, KC_PRF);

    if (n != count_type(p, KC_INTEG))
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (nth(p, KC_PRF, i)->id != default_prf(nth(p, KC_INTEG, i)->id))
            return false;
    }
    return true;
}

static bool esn_offered(const struct ike_proposal *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type == KC_ESN && p->t[i].id != 0)
            return true;
    }
    return false;
}

static void put_transform(struct ike_text *x, const struct ike_transform *t, const char *sep)
{
    const struct kc_alg *alg = ike_transform_alg(t);

    if (ike_is_addke(t->type)) {
        ike_text_add(x, "%ske%u_", sep, t->type - IKE_ADDKE_FIRST + 1u);
        sep = "";
    }
    if (alg && !t->unusable)
        ike_text_add(x, "%s%s", sep, ike_is_addke(t->type) && !t->id ? "none" : alg->name);
    else if (ike_is_addke(t->type))
        ike_text_add(x, "group#%u", t->id);
    else if (t->type >= KC_ENCR && t->type <= KC_ESN)
        ike_text_add(x, "%s%s#%u", sep, type_names[t->type], t->id);
    else
        ike_text_add(x, "%stype%u#%u", sep, t->type, t->id);
    if (!alg && t->key_bits)
        ike_text_add(x, "/%u", t->key_bits);
    if (t->unusable)
        ike_text_add(x, "(bad attribute)");
}

static bool printed(const struct ike_proposal *p, const struct ike_transform *t)
{
    switch (t->type) {
    case KC_INTEG:
        return t->id != KC_INTEG_NONE || t->unusable;
    case KC_PRF:
        return !prf_follows(p);
    case KC_ESN:
        return esn_offered(p);
    default:
        return true;
    }
}

static void put_proposal(struct ike_text *x, const struct ike_proposal *p)
{
    static const uint8_t order[] = {KC_ENCR, KC_INTEG, KC_PRF, KC_DH, KC_ESN};
    const char *sep = "";

    for (size_t k = 0; k < KD_ARRAY_LEN(order); k++) {
        for (unsigned i = 0; i < p->n; i++) {
            if (p->t[i].type != order[k] || !printed(p, &p->t[i]))
                continue;
            put_transform(x, &p->t[i], sep);
            sep = "-";
        }
    }
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type >= KC_ENCR && p->t[i].type <= KC_ESN)
            continue;
        put_transform(x, &p->t[i], sep);
        sep = "-";
    }
}

const char *ike_proposal_text(const struct ike_proposal *p, char *buf, size_t cap)
{
    struct ike_text x = ike_text(buf, cap);

    put_proposal(&x, p);
    return buf;
}

const char *ike_proposals_text(const struct ike_proposals *l, char *buf, size_t cap)
{
    struct ike_text x = ike_text(buf, cap);

    for (unsigned i = 0; i < l->n; i++) {
        if (i > 0)
            ike_text_add(&x, ", ");
        put_proposal(&x, &l->p[i]);
    }
    if (l->cut)
        ike_text_add(&x, ", and more");
    return buf;
}

const char *ike_suite_text(const struct ike_suite *s, char *buf, size_t cap)
{
    const struct kc_alg *algs[] = {s->encr, s->prf, s->integ, s->dh};
    struct ike_proposal p = {.n = 0};

    for (size_t i = 0; i < KD_ARRAY_LEN(algs); i++) {
        if (algs[i])
            p.t[p.n++] = (struct ike_transform){
                .type = (uint8_t)algs[i]->type, .id = algs[i]->id, .key_bits = algs[i]->key_bits};
    }
    for (unsigned i = 0; i < IKE_ADDKE_MAX; i++)
        if (s->addke[i])
            p.t[p.n++] = (struct ike_transform){.type = (uint8_t)(IKE_ADDKE_FIRST + i),
                                                .id = s->addke[i]->id};
    if (s->esn)
        p.t[p.n++] = (struct ike_transform){.type = KC_ESN, .id = 1};
    return ike_proposal_text(&p, buf, cap);
}

/* ---- in ---- */

struct in {
    uint8_t protocol;
    const char *text;
    struct ike_proposal *p;
    struct ike_text err;
};

KD_PRINTF(2, 3) static bool refuse(struct in *c, const char *fmt, ...)
{
    char why[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    ike_text_add(&c->err, "proposal '%.80s': %s", c->text, why);
    return false;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    return KD_MIN(KD_MIN(a, b), c);
}

/* Levenshtein's distance, for the nearest right spelling. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t lb = strnlen(b, WORD_MAX);

    for (size_t j = 0; j <= lb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diag = row[0];

        row[0] = (unsigned)i + 1;
        for (size_t j = 1; j <= lb; j++) {
            unsigned up = row[j];

            row[j] = min3(up + 1, row[j - 1] + 1, diag + (a[i] != b[j - 1]));
            diag = up;
        }
    }
    return row[lb];
}

static const char *nearest(const char *word)
{
    size_t n;
    const struct kc_alg *table = kc_alg_table(&n);
    const char *best = NULL;
    unsigned best_d = KD_MIN((unsigned)strlen(word) / 2 + 1, 4); /* farther is no help */

    for (size_t i = 0; i < n; i++) {
        unsigned d = distance(word, table[i].name);

        if (d < best_d) {
            best = table[i].name;
            best_d = d;
        }
    }
    return best;
}

static bool fits_protocol(struct in *c, const struct kc_alg *alg)
{
    bool ike = c->protocol == IKE_PROTO_IKE;

    if (ike && alg->type == KC_ESN)
        return refuse(c, "'%s' belongs to ESP, not to IKE", alg->name);
    if (!ike && alg->type == KC_PRF)
        return refuse(c, "'%s' belongs to IKE, not to ESP", alg->name);
    if (ike && alg->type == KC_ENCR && alg->id == KC_ENCR_NULL)
        return refuse(c, "IKE can't go without encryption");
    if (alg->type == KC_INTEG && alg->id == KC_INTEG_NONE)
        return refuse(c, "'%s' is implied by an AEAD and not allowed elsewhere: leave it out",
                      alg->name);
    if (ike && alg->type == KC_DH && alg->id == KC_DH_NONE)
        return refuse(c, "IKE needs a Diffie-Hellman group");
    return true;
}

static bool append(struct in *c, uint8_t type, uint16_t id, uint16_t key_bits)
{
    if (c->p->n == IKE_TRANSFORM_MAX)
        return refuse(c, "more than %d algorithms", IKE_TRANSFORM_MAX);
    c->p->t[c->p->n++] = (struct ike_transform){.type = type, .id = id, .key_bits = key_bits};
    return true;
}

/* "ke1_x25519": a further key exchange (RFC 9370); the type it is, 0 for another word. */
static uint8_t further(const char *word)
{
    return word[0] == 'k' && word[1] == 'e' && word[2] >= '1' && word[2] <= '7' && word[3] == '_'
               ? (uint8_t)(IKE_ADDKE_FIRST + word[2] - '1')
               : 0;
}

/* Known by name, and not to be had: "mlkem768", alone or behind "ke1_". */
static bool is_mlkem(const char *name)
{
    static const char *const names[] = {"mlkem512", "mlkem768", "mlkem1024"};

    for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool add_further(struct in *c, const char *word, uint8_t type)
{
    const char *name = strcmp(word + 4, "none") == 0 ? "modpnone" : word + 4;
    const struct kc_alg *alg = kc_alg_by_name(name);

    if (is_mlkem(name))
        return refuse(c, "%s: %s", name, kc_no_mlkem());
    if (!alg || alg->type != KC_DH)
        return refuse(c, "'%s' is not a key exchange kedge knows, such as 'ke1_x25519'", word);
    for (unsigned i = 0; i < c->p->n; i++)
        if (c->p->t[i].type == type && c->p->t[i].id == alg->id)
            return refuse(c, "'%s' is there twice", word);
    return append(c, type, alg->id, 0);
}

static bool add_word(struct in *c, const char *word)
{
    const struct kc_alg *alg = kc_alg_by_name(word);
    const char *near = alg ? NULL : nearest(word);

    if (is_mlkem(word))
        return refuse(c, "%s: %s", word, kc_no_mlkem());
    if (further(word))
        return add_further(c, word, further(word));
    if (!alg && near)
        return refuse(c, "'%s' is not an algorithm kedge knows; the nearest is '%s'", word, near);
    if (!alg)
        return refuse(c, "'%s' is not an algorithm kedge knows", word);
    if (!fits_protocol(c, alg))
        return false;
    for (unsigned i = 0; i < c->p->n; i++) {
        const struct ike_transform *t = &c->p->t[i];

        if (t->type == alg->type && t->id == alg->id && t->key_bits == alg->key_bits)
            return refuse(c, "'%s' is there twice", word);
    }
    return append(c, (uint8_t)alg->type, alg->id, alg->key_bits);
}

static bool add_words(struct in *c)
{
    const char *s = c->text;

    for (;;) {
        size_t len = strcspn(s, "-");
        char word[WORD_MAX + 1];

        if (len == 0)
            return refuse(c, *c->text ? "an empty word" : "it is empty");
        if (len > WORD_MAX)
            return refuse(c, "'%.*s...' is too long for an algorithm", WORD_MAX, s);
        memcpy(word, s, len);
        word[len] = '\0';
        if (!add_word(c, word))
            return false;
        if (s[len] == '\0')
            return true;
        s += len + 1;
    }
}

/* RFC 7296 3.3 and RFC 5282 8: an AEAD and a plain cipher can't share a proposal. */
static bool check_cipher(struct in *c)
{
    unsigned n_encr = count_type(c->p, KC_ENCR), n_aead = 0;
    unsigned n_integ = count_type(c->p, KC_INTEG);

    for (unsigned i = 0; i < n_encr; i++) {
        const struct ike_transform *t = nth(c->p, KC_ENCR, i);

        n_aead += kc_alg_find(KC_ENCR, t->id, t->key_bits)->aead;
    }
    if (n_encr == 0)
        return refuse(c, "an encryption algorithm is missing, such as 'aes256'");
    if (n_aead > 0 && n_aead < n_encr)
        return refuse(c, "AEAD and other ciphers can't share a proposal: write two");
    if (n_aead > 0 && n_integ > 0)
        return refuse(c, "an AEAD takes no integrity algorithm%s",
                      c->protocol == IKE_PROTO_IKE ? "; did you mean its PRF, such as 'prfsha256'?"
                                                   : ": leave it out");
    if (n_aead == 0 && n_integ == 0)
        return refuse(c, "an integrity algorithm is missing, such as 'sha256'");
    return true;
}

static bool complete_ike(struct in *c)
{
    unsigned n_integ = count_type(c->p, KC_INTEG);

    if (count_type(c->p, KC_DH) == 0)
        return refuse(c, "a Diffie-Hellman group is missing, such as 'modp2048'");
    if (count_type(c->p, KC_PRF) > 0)
        return true;
    if (n_integ == 0)
        return refuse(c, "an AEAD needs a PRF in IKE, such as 'prfsha384'");
    for (unsigned i = 0; i < n_integ; i++) {
        if (!append(c, KC_PRF, default_prf(nth(c->p, KC_INTEG, i)->id), 0))
            return false;
    }
    return true;
}

/* They come behind a first one, and may not all be the same. */
static bool check_further(struct in *c)
{
    struct ike_proposals one = {.n = 1, .p = {*c->p}};
    struct ike_suite s;

    if (!ike_proposals_have_addke(&one))
        return true;
    if (count_type(c->p, KC_DH) == 0)
        return refuse(c, "a further key exchange needs a first one, such as 'modp2048'");
    one.p[0].number = 1;
    one.p[0].protocol = c->protocol;
    one.p[0].spi_len = c->protocol == IKE_PROTO_ESP ? 4 : 0;
    if (!ike_proposal_select(&one, &one, c->protocol, 0, &s, NULL, NULL))
        return refuse(c, "no key exchange may be there twice");
    return true;
}

bool ike_proposal_from_string(const char *s, uint8_t protocol, struct ike_proposal *out, char *err,
                              size_t err_cap)
{
    struct in c = {.protocol = protocol, .text = s, .p = out, .err = ike_text(err, err_cap)};

    kd_assert(protocol == IKE_PROTO_IKE || protocol == IKE_PROTO_ESP);
    memset(out, 0, sizeof(*out));
    if (!add_words(&c) || !check_cipher(&c))
        return false;
    if (protocol == IKE_PROTO_IKE ? !complete_ike(&c)
                                  : count_type(out, KC_ESN) == 0 && !append(&c, KC_ESN, 0, 0))
        return false;
    return check_further(&c);
}
