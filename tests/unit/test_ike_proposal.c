/* Proposals: wire form, choice, notation, profiles. facts/peers.md 4c, classes 16 to 21;
 * facts/azure.md 1.1, 1.2. */
#include "test_ike_wire.h"

/* ---- wire form ---- */

static size_t write_all(uint8_t *out, size_t cap, const struct ike_proposals *l, uint8_t protocol,
                        size_t spi_len)
{
    struct kd_writer w;

    kd_writer_init(&w, out, cap);
    ike_proposals_write(&w, l, protocol, kd_bytes(some, spi_len), false);
    assert_true(w.ok);
    return w.pos;
}

static bool parses(const uint8_t *body, size_t len, struct ike_proposals *l)
{
    uint8_t *exact = test_malloc(len + 1);
    const char *rule = NULL;
    size_t at;
    bool ok;

    memcpy(exact + 1, body, len);
    ok = ike_proposals_parse(kd_bytes(exact + 1, len), l, &rule, &at);
    assert_int_equal(ok, rule == NULL);
    assert_true(at <= len);
    test_free(exact);
    return ok;
}

static void a_written_list_is_read_as_it_was(void **st KD_UNUSED)
{
    static struct ike_proposals l, got;
    static uint8_t body[8192];
    char a[2048], b[2048];
    size_t len;

    for (const char *const *name = ike_profile_names; *name; name++) {
        for (int esp = 0; esp < 2; esp++) {
            assert_true(ike_profile(*name, esp ? NULL : &l, NULL, esp ? &l : NULL));
            len =
                write_all(body, sizeof(body), &l, esp ? IKE_PROTO_ESP : IKE_PROTO_IKE, esp ? 4 : 8);
            assert_true(parses(body, len, &got));
            assert_int_equal(got.n, l.n);
            assert_string_equal(ike_proposals_text(&l, a, sizeof(a)),
                                ike_proposals_text(&got, b, sizeof(b)));
            assert_int_equal(got.p[got.n - 1].number, got.n);
            assert_int_equal(got.p[0].spi_len, esp ? 4 : 8);
            assert_memory_equal(got.p[0].spi, some, got.p[0].spi_len);
            for (size_t cut = 0; cut < len; cut++) /* a cut between proposals is told by octet 0 */
                assert_false(parses(body, cut, &got));
        }
    }
}

/* One proposal: ENCR aes256 (12 octets at 8), PRF (at 20), INTEG (at 28), DH (at 36). */
static size_t one_ike(uint8_t *body)
{
    struct ike_proposals l = one_proposal("aes256-sha1-modp1024", IKE_PROTO_IKE);
    size_t len = write_all(body, 256, &l, IKE_PROTO_IKE, 0);

    assert_int_equal(len, 44);
    return len;
}

static void structure_is_checked_octet_by_octet(void **st KD_UNUSED)
{
    static const struct {
        size_t at;
        uint8_t v;
        const char *what;
    } rows[] = {
        {0, 2, "more proposals announced"},
        {0, 3, "a transform's mark"},
        {3, 43, "proposal too short"},
        {3, 45, "proposal too long"},
        {3, 7, "proposal below its header"},
        {3, 0, "proposal length 0"},
        {2, 0xff, "proposal length huge"},
        {6, 1, "SPI size 1"},
        {6, 4, "SPI size of ESP"},
        {6, 255, "SPI size huge"},
        {7, 0, "no transforms"},
        {7, 3, "count too small"},
        {7, 5, "count too large"},
        {7, 255, "count huge"},
        {8, 0, "last too early"},
        {36, 3, "last not marked"},
        {8, 2, "a proposal's mark"},
        {11, 7, "transform below its header"},
        {11, 0, "transform length 0"},
        {11, 11, "attribute cut"},
        {10, 0xff, "transform length huge"},
        {39, 9, "transform past the end"},
        {17, 4, NULL}, /* another TV attribute: unusable, not broken */
        {1, 9, NULL},
        {9, 9, NULL},
        {13, 9, NULL}, /* reserved octets */
        {5, 77, NULL}, /* an unknown protocol */
        {12, 200, NULL},
        {14, 0xff, NULL},
        {4, 9, NULL}, /* a lone proposal may have any number: an answer */
    };
    struct ike_proposals l;
    uint8_t body[256];

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        size_t len = one_ike(body);

        body[rows[i].at] = rows[i].v;
        if (parses(body, len, &l) != !rows[i].what)
            fail_msg("octet %zu = %u: %s", rows[i].at, rows[i].v,
                     rows[i].what ? rows[i].what : "should be taken");
    }
}

static void a_long_attribute_stays_inside_its_transform(void **st KD_UNUSED)
{
    /* one transform of 16 octets: a TLV attribute of 4 */
    uint8_t body[] = {0, 0, 0, 24, 1, 1, 0, 1, 0, 0, 0, 16, 1, 0, 0, 12, 0, 14, 0, 4, 1, 0, 0, 0};
    struct ike_proposals l;

    assert_true(parses(body, sizeof(body), &l));
    assert_true(l.p[0].t[0].unusable); /* Key Length is TV (RFC 7296 3.3.5) */
    assert_int_equal(l.p[0].t[0].key_bits, 0);
    body[19] = 5;
    assert_false(parses(body, sizeof(body), &l));
    body[18] = body[19] = 0xff;
    assert_false(parses(body, sizeof(body), &l));
    memcpy(body + 16, "\200\016\001\000\200\016\000\200", 8); /* Key Length twice */
    assert_true(parses(body, sizeof(body), &l));
    assert_true(l.p[0].t[0].unusable);
}

static void a_proposal_without_transforms_is_refused(void **st KD_UNUSED)
{
    const uint8_t body[] = {0, 0, 0, 8, 1, 1, 0, 0};
    struct ike_proposals l;

    assert_false(parses(body, sizeof(body), &l));
    assert_false(parses(body, 0, &l));
}

static void proposal_numbers_count_from_one(void **st KD_UNUSED)
{
    const char *const rows[] = {"aes256-sha1", "aes128-sha1", NULL};
    struct ike_proposals l = proposals_of(rows, IKE_PROTO_ESP), got;
    uint8_t body[256];
    size_t len = write_all(body, sizeof(body), &l, IKE_PROTO_ESP, 4);

    assert_true(parses(body, len, &got));
    body[4] = 0;
    assert_false(parses(body, len, &got));
    body[4] = 2;
    assert_false(parses(body, len, &got));
    body[4] = 1;
    body[len / 2 + 4] = 1; /* IKEv1's AND */
    assert_false(parses(body, len, &got));
    body[len / 2 + 4] = 3;
    assert_false(parses(body, len, &got));
}

static void spi_sizes_follow_the_protocol_and_reserved_spis_are_unusable(void **st KD_UNUSED)
{
    static const struct {
        uint8_t protocol;
        size_t spi_len;
        bool ok;
    } rows[] = {{1, 0, true}, {1, 8, true},  {1, 4, false}, {2, 4, true}, {2, 0, false},
                {3, 4, true}, {3, 0, false}, {3, 8, false}, {9, 17, true}};
    struct ike_proposals got;
    uint8_t body[64] = {0};

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        const uint8_t transform[] = {0, 0, 0, 8, 5, 0, 0, 0};
        size_t len = 8 + rows[i].spi_len + sizeof(transform);
        uint8_t head[] = {0, 0, 0, (uint8_t)len, 1, rows[i].protocol, (uint8_t)rows[i].spi_len, 1};

        memcpy(body, head, 8);
        memset(body + 8, 0, rows[i].spi_len);
        memcpy(body + 8 + rows[i].spi_len, transform, sizeof(transform));
        assert_int_equal(parses(body, len, &got), rows[i].ok);
        if (rows[i].ok && rows[i].spi_len > 0)
            assert_true(got.p[0].unusable); /* SPI 0 */
        if (rows[i].ok && rows[i].protocol == 3) {
            body[11] = 255;
            assert_true(parses(body, len, &got) && got.p[0].unusable);
            body[10] = 1;
            assert_true(parses(body, len, &got) && !got.p[0].unusable);
        }
    }
}

static void more_than_are_kept_is_checked_and_cut(void **st KD_UNUSED)
{
    static uint8_t body[16384];
    static struct ike_proposals l, got;
    struct ike_suite s;
    struct kd_writer w;

    l = one_proposal("aes256-sha1", IKE_PROTO_ESP);
    kd_writer_init(&w, body, sizeof(body));
    for (unsigned i = 1; i <= 40; i++) {
        size_t at = w.pos;

        ike_proposals_write(&w, &l, IKE_PROTO_ESP, kd_bytes(some, 4), false);
        body[at] = i < 40 ? 2 : 0;
        body[at + 4] = (uint8_t)i;
    }
    assert_true(parses(body, w.pos, &got));
    assert_int_equal(got.n, IKE_PROPOSAL_MAX);
    assert_true(got.cut);
    assert_true(ike_proposal_select(&got, &l, IKE_PROTO_ESP, 0, &s, NULL, NULL));
    body[w.pos - 1] = 9; /* the last one's ESN id: no matter */
    body[w.pos - 5] = 9; /* its length: matters */
    assert_false(parses(body, w.pos, &got));

    /* a proposal with 33 transforms: what was cut could forbid what was kept */
    uint8_t *p = body;
    const uint8_t head[] = {0, 0, 0x01, 0x14, 1, 3, 4, 33, 1, 2, 3, 4};
    memcpy(p, head, sizeof(head));
    for (unsigned i = 0; i < 33; i++) {
        const uint8_t t[] = {i < 32 ? 3 : 0, 0, 0, 8, 3, 0, 0, 2};
        memcpy(p + 12 + 8 * i, t, 8);
    }
    assert_true(parses(body, 0x114, &got));
    assert_int_equal(got.p[0].n, IKE_TRANSFORM_MAX);
    assert_true(got.p[0].unusable);
}

/* ---- choice ---- */

/* What a peer offers: the rows as text, through the wire. */
static struct ike_proposals offer(const char *const *rows, uint8_t protocol, size_t spi_len)
{
    struct ike_proposals l = proposals_of(rows, protocol), got;
    static uint8_t body[8192];

    assert_true(parses(body, write_all(body, sizeof(body), &l, protocol, spi_len), &got));
    return got;
}

struct choice {
    uint8_t protocol;
    unsigned flags;
    const char *offered[5], *configured[5];
    const char *chosen; /* NULL: NO_PROPOSAL_CHOSEN */
    unsigned number;
};

/* clang-format off */
static const struct choice choices[] = {
    /* the configured order decides, between proposals and inside one */
    {1, 0, {"aes128-sha1-modp1024", "aes256-sha1-modp1024"}, {"aes256-sha1-modp1024",
     "aes128-sha1-modp1024"}, "aes256-sha1-modp1024", 2},
    {1, 0, {"aes128-aes256-sha1-sha256-modp1024-modp2048"}, {"aes256-aes128-sha256-sha1-modp2048"},
     "aes256-sha256-modp2048", 1},
    {1, 0, {"aes256-sha1-modp1024"}, {"aes256-sha1-modp2048"}, NULL, 0},
    {1, 0, {"aes256-sha1-modp1024"}, {"aes128-sha1-modp1024"}, NULL, 0},
    {1, 0, {"aes256-sha1-prfsha256-modp1024"}, {"aes256-sha1-modp1024"}, NULL, 0},
    /* DH is the configured first choice although the peer's KE may be for another */
    {1, 0, {"aes256-sha256-modp1024-modp2048"}, {"aes256-sha256-modp2048-modp1024"},
     "aes256-sha256-modp2048", 1},
    /* AEAD */
    {1, 0, {"aes256gcm16-prfsha384-ecp384"}, {"aes256gcm16-prfsha384-ecp384"},
     "aes256gcm16-prfsha384-ecp384", 1},
    {1, 0, {"aes256gcm16-prfsha384-ecp384"}, {"aes256-sha384-ecp384"}, NULL, 0},
    {3, 0, {"aes256gcm16", "aes256-sha1"}, {"aes256-sha1", "aes256gcm16"}, "aes256-sha1", 2},
    {3, 0, {"aes128gcm16"}, {"aes256gcm16"}, NULL, 0},
    /* PFS: both or neither */
    {3, 0, {"aes256-sha1"}, {"aes256-sha1-modp1024"}, NULL, 0},
    {3, 0, {"aes256-sha1-modp1024"}, {"aes256-sha1"}, NULL, 0},
    {3, 0, {"aes256-sha1-modp1024-modpnone"}, {"aes256-sha1"}, "aes256-sha1", 1},
    {3, 0, {"aes256-sha1"}, {"aes256-sha1-modp2048-modpnone"}, "aes256-sha1", 1},
    {3, 0, {"aes256-sha1", "aes256-sha1-modp2048"}, {"aes256-sha1-modp2048"},
     "aes256-sha1-modp2048", 2},
    /* but not in IKE_AUTH */
    {3, IKE_SELECT_NO_DH, {"aes256-sha1"}, {"aes256-sha1-modp1024"}, "aes256-sha1", 1},
    {3, IKE_SELECT_NO_DH, {"aes256-sha1-modp2048"}, {"aes256-sha1"}, "aes256-sha1", 1},
    {3, IKE_SELECT_NO_DH, {"aes256-sha1-modp2048"}, {"aes256-sha1-modp1024"}, "aes256-sha1", 1},
    /* ESN */
    {3, 0, {"aes256-sha1-esn-noesn"}, {"aes256-sha1-noesn"}, "aes256-sha1", 1},
    {3, 0, {"aes256-sha1-esn-noesn"}, {"aes256-sha1-esn-noesn"}, "aes256-sha1-esn", 1},
    {3, 0, {"aes256-sha1-esn"}, {"aes256-sha1"}, NULL, 0},
    {3, 0, {"aes256-sha1"}, {"aes256-sha1-esn"}, NULL, 0},
    /* Cisco's one proposal for everything, against Azure's default */
    {1, 0, {"aes256-aes128-3des-sha1-modp1024"}, {"3des-sha1-modp1024", "aes256-sha1-modp1024"},
     "3des-sha1-modp1024", 1},
    {1, 0, {"aes256-aes128-3des-sha1-sha256-modp1024-modp2048"}, {"aes256-sha1-modp1024"},
     "aes256-sha1-modp1024", 1},
};

/* clang-format on */

static void the_choice_follows_the_configured_order(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(choices); i++) {
        const struct choice *c = &choices[i];
        struct ike_proposals off = offer(c->offered, c->protocol, c->protocol == 3 ? 4 : 0);
        struct ike_proposals conf = proposals_of(c->configured, c->protocol);
        struct ike_suite s;
        char text[64];
        bool ok = ike_proposal_select(&off, &conf, c->protocol, c->flags, &s, NULL, NULL);

        if (ok != !!c->chosen)
            fail_msg("row %zu (%s): %s", i, c->offered[0], ok ? "chosen" : "refused");
        if (!ok)
            continue;
        ike_suite_text(&s, text, sizeof(text));
        if (strcmp(text, c->chosen) != 0 || s.number != c->number)
            fail_msg("row %zu (%s): %s", i, c->offered[0], text);
    }
}

/* The initiator takes the responder's answer, and any other only if it was offered. */
static void an_answer_is_taken_only_if_it_was_offered(void **st KD_UNUSED)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(choices); i++) {
        const struct choice *c = &choices[i];
        struct ike_proposals off = proposals_of(c->offered, c->protocol), got;
        struct ike_proposals seen = offer(c->offered, c->protocol, c->protocol == 3 ? 4 : 0);
        struct ike_proposals conf = proposals_of(c->configured, c->protocol);
        struct ike_suite s, t;
        uint8_t body[256], spi[8], spi_len;
        struct kd_writer w;

        if (!ike_proposal_select(&seen, &conf, c->protocol, c->flags, &s, NULL, NULL))
            continue;
        kd_writer_init(&w, body, sizeof(body));
        ike_suite_write(&w, &s, c->protocol, kd_bytes(some, c->protocol == 3 ? 4 : 0),
                        !(c->flags & IKE_SELECT_NO_DH));
        assert_true(parses(body, w.pos, &got));
        assert_true(ike_proposal_accept(&got, &off, c->protocol, c->flags, &t, spi, &spi_len));
        assert_int_equal(spi_len, c->protocol == 3 ? 4 : 0);
        assert_true(t.encr == s.encr && t.integ == s.integ && t.prf == s.prf && t.dh == s.dh);
        assert_int_equal(t.esn, s.esn);
        got.p[0].number = (uint8_t)(off.n + 1);
        assert_false(ike_proposal_accept(&got, &off, c->protocol, c->flags, &t, spi, &spi_len));
        got.p[0].number = 0;
        assert_false(ike_proposal_accept(&got, &off, c->protocol, c->flags, &t, spi, &spi_len));
    }
}

static bool accepts(const struct ike_proposals *answer, const char *offered, unsigned flags)
{
    struct ike_proposals off = one_proposal(offered, IKE_PROTO_ESP);
    struct ike_suite s;

    return ike_proposal_accept(answer, &off, IKE_PROTO_ESP, flags, &s, NULL, NULL);
}

static void an_answer_with_two_of_a_kind_or_two_proposals_is_refused(void **st KD_UNUSED)
{
    const char *const two[] = {"aes256-sha1", "aes128-sha1", NULL};
    const char *const twin[] = {"aes256-aes128-sha1", NULL};
    const char *const dh[] = {"aes256-sha1-modp1024", NULL};
    const char *const good[] = {"aes256-sha1", NULL};
    struct ike_proposals a;

    a = offer(good, IKE_PROTO_ESP, 4);
    assert_true(accepts(&a, "aes256-aes128-sha1", 0));
    assert_true(accepts(&a, "aes256-sha1-modp1024", IKE_SELECT_NO_DH));
    assert_false(accepts(&a, "aes256-sha1-modp1024", 0)); /* PFS silently dropped */
    a = offer(twin, IKE_PROTO_ESP, 4);
    assert_false(accepts(&a, "aes256-aes128-sha1", 0));
    a = offer(two, IKE_PROTO_ESP, 4);
    assert_false(accepts(&a, "aes256-aes128-sha1", 0));
    a = offer(dh, IKE_PROTO_ESP, 4);
    assert_true(accepts(&a, "aes256-sha1-modp1024", 0));
    assert_false(
        accepts(&a, "aes256-sha1-modp1024", IKE_SELECT_NO_DH)); /* none was offered there */
    a.n = 0;
    assert_false(accepts(&a, "aes256-sha1", 0));
}

/* Class 18 to 21: what spoils an offer of aes256-sha1-modp1024 by one transform. */
static void what_is_not_understood_is_not_chosen(void **st KD_UNUSED)
{
    static const struct {
        bool more; /* beside the others, else instead of the one of its type */
        struct ike_transform t;
        bool chosen;
    } rows[] = {
        {false, {KC_ENCR, 12, 0, false}, false},     /* AES without Key Length */
        {false, {KC_ENCR, 12, 65535, false}, false}, /* and with an absurd one */
        {false, {KC_ENCR, 12, 256, true}, false},    /* with another attribute */
        {false, {KC_ENCR, 3, 192, false}, false},    /* 3DES with Key Length */
        {false, {KC_ENCR, 21, 256, false}, false},   /* GMAC */
        {false, {KC_PRF, 2, 160, false}, false},
        {false, {KC_INTEG, 2, 160, false}, false},
        {false, {KC_INTEG, 0, 0, false}, false}, /* no integrity */
        {false, {KC_DH, 0, 0, false}, false},    /* no DH */
        {false, {KC_DH, 1025, 0, false}, false}, /* another program's internal number */
        {false, {KC_DH, 0xffff, 0, false}, false},
        {true, {KC_DH, 1025, 0, false}, true}, /* an unknown id beside a good one */
        {true, {KC_DH, 2, 0, false}, true},    /* the same once more */
        {true, {KC_ENCR, 1024, 0, false}, true},
        {true, {6, 35, 0, false}, false}, /* an unknown type: RFC 9370's */
        {true, {0, 0, 0, false}, false},
        {true, {255, 0, 0, false}, false},
        {true, {KC_ESN, 0, 0, false}, false}, /* has no place in IKE */
    };
    struct ike_proposals conf = one_proposal("aes256-3des-sha1-modp1024", IKE_PROTO_IKE);
    struct ike_suite s;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ike_proposals off = one_proposal("aes256-sha1-modp1024", IKE_PROTO_IKE);
        unsigned at = rows[i].more ? off.p[0].n++ : 0;

        off.p[0].protocol = IKE_PROTO_IKE;
        while (!rows[i].more && off.p[0].t[at].type != rows[i].t.type)
            at++;
        off.p[0].t[at] = rows[i].t;
        if (ike_proposal_select(&off, &conf, IKE_PROTO_IKE, 0, &s, NULL, NULL) != rows[i].chosen)
            fail_msg("row %zu", i);
    }
}

static bool chosen(const struct ike_transform *off, unsigned n_off,
                   const struct ike_transform *conf, unsigned n_conf, uint8_t protocol)
{
    struct ike_proposals o = {.n = 1}, c = {.n = 1};
    struct ike_suite s;

    o.p[0] = (struct ike_proposal){.number = 1,
                                   .protocol = protocol,
                                   .n = (uint8_t)n_off,
                                   .spi_len = protocol == IKE_PROTO_ESP ? 4 : 0};
    c.p[0].n = (uint8_t)n_conf;
    memcpy(o.p[0].t, off, n_off * sizeof(*off));
    memcpy(c.p[0].t, conf, n_conf * sizeof(*conf));
    return ike_proposal_select(&o, &c, protocol, 0, &s, NULL, NULL);
}

/* RFC 5282 8. */
static void an_aead_is_chosen_without_integrity_or_with_none(void **st KD_UNUSED)
{
    const struct ike_transform gcm = {KC_ENCR, 20, 256, false}, sha1 = {KC_INTEG, 2, 0, false};
    const struct ike_transform none = {KC_INTEG, 0, 0, false};
    const struct ike_transform a[] = {gcm}, b[] = {gcm, sha1}, c[] = {gcm, none},
                               d[] = {gcm, sha1, none};

    assert_true(chosen(a, 1, a, 1, IKE_PROTO_ESP));
    assert_false(chosen(b, 2, a, 1, IKE_PROTO_ESP));
    assert_true(chosen(c, 2, a, 1, IKE_PROTO_ESP));
    assert_true(chosen(d, 3, a, 1, IKE_PROTO_ESP));
    assert_false(chosen(b, 2, b, 2, IKE_PROTO_ESP)); /* even where both sides say so */
}

/* Not even when a configuration asked for it. */
static void nothing_goes_without_integrity_and_ike_not_without_dh(void **st KD_UNUSED)
{
    const struct ike_transform ike[] = {{KC_ENCR, 12, 256, false},
                                        {KC_INTEG, 2, 0, false},
                                        {KC_PRF, 2, 0, false},
                                        {KC_DH, 2, 0, false}};
    const struct ike_transform no_dh[] = {ike[0], ike[1], ike[2], {KC_DH, 0, 0, false}};
    const struct ike_transform null[] = {{KC_ENCR, 11, 0, false}, ike[1], ike[2], ike[3]};

    assert_true(chosen(ike, 4, ike, 4, IKE_PROTO_IKE));
    assert_false(chosen(ike, 3, ike, 3, IKE_PROTO_IKE));
    assert_false(chosen(no_dh, 4, no_dh, 4, IKE_PROTO_IKE));
    assert_false(chosen(null, 4, null, 4, IKE_PROTO_IKE));
    assert_true(chosen(null, 2, null, 2, IKE_PROTO_ESP));
    assert_true(chosen(ike, 2, ike, 2, IKE_PROTO_ESP));
    assert_false(chosen(ike, 1, ike, 1, IKE_PROTO_ESP));
}

static void an_offer_without_a_mandatory_type_is_not_chosen(void **st KD_UNUSED)
{
    struct ike_proposals conf = one_proposal("aes256-sha1-modp1024", IKE_PROTO_IKE);
    struct ike_suite s;

    for (unsigned type = KC_ENCR; type <= KC_DH; type++) {
        struct ike_proposals off = conf;
        unsigned n = 0;

        off.p[0].protocol = IKE_PROTO_IKE;
        assert_true(ike_proposal_select(&off, &conf, IKE_PROTO_IKE, 0, &s, NULL, NULL));
        for (unsigned i = 0; i < conf.p[0].n; i++) {
            if (conf.p[0].t[i].type != type)
                off.p[0].t[n++] = conf.p[0].t[i];
        }
        off.p[0].n = (uint8_t)n;
        assert_false(ike_proposal_select(&off, &conf, IKE_PROTO_IKE, 0, &s, NULL, NULL));
        assert_null(s.encr);
    }
}

static void one_bad_proposal_does_not_spoil_the_others(void **st KD_UNUSED)
{
    const char *const rows[] = {"aes256-sha1", "aes256-sha1", NULL};
    struct ike_proposals off = offer(rows, IKE_PROTO_ESP, 4);
    struct ike_proposals conf = one_proposal("aes256-sha1", IKE_PROTO_ESP);
    struct ike_suite s;

    off.p[0].protocol = IKE_PROTO_AH;
    off.p[1].spi[3] = 9;
    uint8_t spi[8], spi_len;
    assert_true(ike_proposal_select(&off, &conf, IKE_PROTO_ESP, 0, &s, spi, &spi_len));
    assert_int_equal(s.number, 2);
    assert_int_equal(spi_len, 4);
    assert_int_equal(spi[3], 9); /* each proposal has its own SPI */
    off.p[1].unusable = true;
    assert_false(ike_proposal_select(&off, &conf, IKE_PROTO_ESP, 0, &s, NULL, NULL));
}

/* Cisco and others leave ESN out: it is off then, and the answer has none either. */
static void an_absent_esn_transform_means_off(void **st KD_UNUSED)
{
    const char *const rows[] = {"aes256-sha1", NULL};
    struct ike_proposals off = offer(rows, IKE_PROTO_ESP, 4), got;
    struct ike_proposals conf = one_proposal("aes256-sha1-esn-noesn", IKE_PROTO_ESP);
    struct ike_suite s;
    uint8_t body[64];
    struct kd_writer w;

    assert_true(ike_proposal_select(&off, &conf, IKE_PROTO_ESP, 0, &s, NULL, NULL));
    assert_false(s.esn || s.esn_absent);
    off.p[0].n--; /* ESN is the last one */
    assert_true(ike_proposal_select(&off, &conf, IKE_PROTO_ESP, 0, &s, NULL, NULL));
    assert_true(!s.esn && s.esn_absent);
    kd_writer_init(&w, body, sizeof(body));
    ike_suite_write(&w, &s, IKE_PROTO_ESP, kd_bytes(some, 4), true);
    assert_true(parses(body, w.pos, &got));
    assert_int_equal(got.p[0].n, 2);
    conf = one_proposal("aes256-sha1-esn", IKE_PROTO_ESP);
    assert_false(ike_proposal_select(&off, &conf, IKE_PROTO_ESP, 0, &s, NULL, NULL));
}

static void rekeying_ike_needs_an_spi_in_the_proposal(void **st KD_UNUSED)
{
    const char *const rows[] = {"aes256-sha1-modp1024", NULL};
    struct ike_proposals conf = proposals_of(rows, IKE_PROTO_IKE);
    struct ike_proposals with = offer(rows, IKE_PROTO_IKE, 8),
                         without = offer(rows, IKE_PROTO_IKE, 0);
    struct ike_suite s;
    uint8_t spi[8], n;

    assert_true(
        ike_proposal_select(&with, &conf, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE, &s, spi, &n));
    assert_memory_equal(spi, some, 8);
    assert_false(ike_proposal_select(&with, &conf, IKE_PROTO_IKE, 0, &s, spi, &n));
    assert_true(ike_proposal_select(&without, &conf, IKE_PROTO_IKE, 0, &s, spi, &n));
    assert_false(
        ike_proposal_select(&without, &conf, IKE_PROTO_IKE, IKE_SELECT_REKEY_IKE, &s, spi, &n));
}

static void without_dh_rows_that_become_equal_are_offered_once(void **st KD_UNUSED)
{
    struct ike_proposals l;

    assert_true(ike_profile("azure-default", NULL, NULL, &l));
    assert_int_equal(l.n, 26);
    ike_proposals_strip_dh(&l);
    assert_int_equal(l.n, 8); /* six of the initiator, DES, AES128-SHA256 */
    assert_null(ike_proposals_first_dh(&l));
    l = one_proposal("aes256-sha1-modp2048-modp1024-modpnone", IKE_PROTO_ESP);
    assert_int_equal(ike_proposals_first_dh(&l)->id, KC_DH_MODP2048);
    assert_true(ike_proposals_have_dh(&l, 2));
    assert_false(ike_proposals_have_dh(&l, 5));
    assert_false(ike_proposals_have_dh(&l, 0));
}

static void what_the_process_cannot_do_is_filtered_out(void **st KD_UNUSED)
{
    struct kc_ctx *c = kc_ctx_new(KC_PROVIDER_REAL, 4);
    struct ike_proposals l;
    char text[64];

    assert_true(ike_profile("azure-default", NULL, NULL, &l));
    ike_proposals_filter(&l, c);
    assert_int_equal(l.n, kc_available(c, kc_alg_by_name("des")) ? 26 : 25);
    l = one_proposal("des-aes256-sha1-modp1024-modpnone", IKE_PROTO_ESP);
    ike_proposals_filter(&l, c);
    assert_int_equal(l.n, 1);
    if (!kc_available(c, kc_alg_by_name("des")))
        assert_string_equal(ike_proposal_text(&l.p[0], text, sizeof(text)),
                            "aes256-sha1-modp1024-modpnone");
    l.p[0].t[0].id = 999; /* the only cipher left */
    l.p[0].t[1].id = 999;
    ike_proposals_filter(&l, c);
    assert_int_equal(l.n, 0);
    kc_ctx_free(c);
}

/* ---- Azure ---- */

static const char *azure_choice(const char *offered, bool esp)
{
    static struct ike_proposals conf;
    static char text[64];
    const char *const rows[] = {offered, NULL};
    struct ike_proposals off = offer(rows, esp ? IKE_PROTO_ESP : IKE_PROTO_IKE, esp ? 4 : 0);
    struct ike_suite s;

    assert_true(ike_profile("azure-default", esp ? NULL : &conf, NULL, esp ? &conf : NULL));
    if (!ike_proposal_select(&off, &conf, esp ? IKE_PROTO_ESP : IKE_PROTO_IKE, 0, &s, NULL, NULL))
        return "none";
    return ike_suite_text(&s, text, sizeof(text));
}

static void azures_default_policy_answers_as_documented(void **st KD_UNUSED)
{
    static const struct {
        bool esp;
        const char *offered, *chosen;
    } rows[] = {
        {false, "aes256-aes128-3des-sha256-sha1-modp2048-modp1024", "aes256-sha1-modp1024"},
        {false, "aes128-sha256-modp1024", "aes128-sha256-modp1024"},
        {false, "3des-sha256-modp1024", "3des-sha256-modp1024"},
        {false, "aes256-sha256-modp2048", "none"}, /* only group 2 */
        {false, "aes256gcm16-prfsha384-ecp384", "none"},
        {false, "aes192-sha1-modp1024", "none"},
        {true, "aes256-sha256-sha1", "aes256-sha1"},
        {true, "3des-aes256-sha256-sha1", "aes256-sha1"},
        {true, "3des-sha1", "3des-sha1"},
        {true, "aes256gcm16", "aes256gcm16"},
        {true, "aes256gcm16-modp2048", "none"}, /* never GCM with PFS */
        {true, "aes128gcm16", "none"},
        {true, "aes256-sha1-modp2048", "aes256-sha1-modp2048"},
        {true, "aes256-sha256-modp2048s256", "aes256-sha256-modp2048s256"},
        {true, "aes256-sha256-ecp256", "none"},
        {true, "aes128-sha256", "aes128-sha256"},
        {true, "3des-sha256-modp2048", "none"},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        assert_string_equal(azure_choice(rows[i].offered, rows[i].esp), rows[i].chosen);
}

static void azures_lists_have_their_order(void **st KD_UNUSED)
{
    struct ike_proposals ike, ini, resp;
    char text[1024];

    assert_true(ike_profile("azure-default", &ike, &ini, &resp));
    assert_string_equal(ike_proposals_text(&ike, text, sizeof(text)),
                        "aes256-sha1-modp1024, aes256-sha256-modp1024, aes128-sha1-modp1024, "
                        "aes128-sha256-modp1024, 3des-sha1-modp1024, 3des-sha256-modp1024");
    assert_string_equal(
        ike_proposals_text(&ini, text, sizeof(text)),
        "aes256gcm16, aes256-sha1, 3des-sha1, aes256-sha256, aes128-sha1, 3des-sha256");
    assert_true(ike_profile("azure-vwan", &ike, &ini, &resp));
    assert_int_equal(ike.n, 4);
    assert_string_equal(ike_proposals_text(&ini, text, sizeof(text)),
                        "aes256gcm16, aes256-sha1, aes256-sha256, aes128-sha1");
    assert_true(ike_profile("modern", &ike, NULL, NULL));
    assert_string_equal(ike_proposals_text(&ike, text, sizeof(text)),
                        "aes256gcm16-prfsha384-ecp384, aes256gcm16-prfsha256-x25519, "
                        "aes256-sha256-modp2048");
    assert_false(ike_profile("legacy", &ike, NULL, NULL));
}

/* ---- notation ---- */

static void the_configurations_notation_prints_as_it_was_written(void **st KD_UNUSED)
{
    static const char *const ike[] = {
        "aes256-sha1-modp1024", "aes128-aes256-sha1-sha256-modp2048-ecp256",
        "aes256gcm16-prfsha384-ecp384", "aes256-sha256-prfsha1-x25519",
        "chacha20poly1305-prfsha256-prfsha384-x25519"};
    static const char *const esp[] = {"aes256gcm16", "null-sha1", "aes256-sha256-modp2048-modpnone",
                                      "aes128gcm16-esn", "aes256-sha1-esn-noesn"};
    struct ike_proposals l;
    char text[128];

    for (size_t i = 0; i < KD_ARRAY_LEN(ike); i++) {
        l = one_proposal(ike[i], IKE_PROTO_IKE);
        assert_string_equal(ike_proposal_text(&l.p[0], text, sizeof(text)), ike[i]);
        l = one_proposal(esp[i], IKE_PROTO_ESP);
        assert_string_equal(ike_proposal_text(&l.p[0], text, sizeof(text)), esp[i]);
    }
    l = one_proposal("aes256-sha1-prfsha1-modp1024", IKE_PROTO_IKE); /* the default, spelled out */
    assert_string_equal(ike_proposal_text(&l.p[0], text, sizeof(text)), "aes256-sha1-modp1024");
}

static void errors_name_the_word_and_what_is_right(void **st KD_UNUSED)
{
    static const struct {
        uint8_t protocol;
        const char *text, *error;
    } rows[] = {
        {1, "", "it is empty"},
        {1, "aes256--sha1", "an empty word"},
        {1, "aes256-sha1-modp1024-", "an empty word"},
        {1, "aes256-sha265-modp2048",
         "'sha265' is not an algorithm kedge knows; the nearest is 'sha256'"},
        {1, "aes256-sha1-modp2408", "the nearest is 'modp2048'"},
        {1, "AES256-sha1-modp2048",
         "'AES256' is not an algorithm kedge knows; the nearest is 'aes256'"},
        {1, "rot13xyzzyqq-sha1-modp2048", "'rot13xyzzyqq' is not an algorithm kedge knows"},
        {1, "aes256-sha1-averyveryverylongalgorithmname", "too long"},
        {1, "aes256-aes256-sha1-modp2048", "'aes256' is there twice"},
        {1, "sha1-modp2048", "an encryption algorithm is missing"},
        {1, "aes256-modp2048", "an integrity algorithm is missing"},
        {1, "aes256-sha1", "a Diffie-Hellman group is missing"},
        {1, "aes256gcm16-modp2048", "an AEAD needs a PRF"},
        {1, "aes256gcm16-sha256-modp2048",
         "an AEAD takes no integrity algorithm; did you mean its PRF"},
        {1, "aes256gcm16-aes256-sha1-modp2048", "can't share a proposal"},
        {1, "null-sha1-modp2048", "IKE can't go without encryption"},
        {1, "aes256-sha1-modpnone", "IKE needs a Diffie-Hellman group"},
        {1, "aes256-sha1-modp2048-esn", "'esn' belongs to ESP"},
        {3, "aes256-sha1-prfsha1", "'prfsha1' belongs to IKE"},
        {3, "aes256gcm16-sha1", "an AEAD takes no integrity algorithm: leave it out"},
        {3, "aes256gcm16-integnone", "'integnone' is implied"},
        {3, "aes256", "an integrity algorithm is missing"},
        {3, "aes256-%n%s", "'%n%s' is not an algorithm"},
    };
    struct ike_proposal p;
    char err[256];

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        assert_false(
            ike_proposal_from_string(rows[i].text, rows[i].protocol, &p, err, sizeof(err)));
        if (!strstr(err, rows[i].error))
            fail_msg("'%s': %s", rows[i].text, err);
    }
}

static void what_kedge_does_not_know_prints_as_numbers(void **st KD_UNUSED)
{
    struct ike_proposal p = {.n = 6,
                             .t = {{KC_ENCR, 12, 512, false},
                                   {KC_ENCR, 12, 256, true},
                                   {KC_INTEG, 2, 0, false},
                                   {KC_PRF, 9, 0, false},
                                   {KC_DH, 1025, 0, false},
                                   {6, 35, 0, false}}};
    char text[128], tiny[12];

    assert_string_equal(ike_proposal_text(&p, text, sizeof(text)),
                        "encr#12/512-encr#12(bad attribute)-sha1-prf#9-group#1025-ke1_group#35");
    assert_string_equal(ike_proposal_text(&p, tiny, sizeof(tiny)), "encr#12/...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_list_is_read_as_it_was),
        cmocka_unit_test(structure_is_checked_octet_by_octet),
        cmocka_unit_test(a_long_attribute_stays_inside_its_transform),
        cmocka_unit_test(a_proposal_without_transforms_is_refused),
        cmocka_unit_test(proposal_numbers_count_from_one),
        cmocka_unit_test(spi_sizes_follow_the_protocol_and_reserved_spis_are_unusable),
        cmocka_unit_test(more_than_are_kept_is_checked_and_cut),
        cmocka_unit_test(the_choice_follows_the_configured_order),
        cmocka_unit_test(an_answer_is_taken_only_if_it_was_offered),
        cmocka_unit_test(an_answer_with_two_of_a_kind_or_two_proposals_is_refused),
        cmocka_unit_test(what_is_not_understood_is_not_chosen),
        cmocka_unit_test(an_aead_is_chosen_without_integrity_or_with_none),
        cmocka_unit_test(nothing_goes_without_integrity_and_ike_not_without_dh),
        cmocka_unit_test(an_offer_without_a_mandatory_type_is_not_chosen),
        cmocka_unit_test(one_bad_proposal_does_not_spoil_the_others),
        cmocka_unit_test(an_absent_esn_transform_means_off),
        cmocka_unit_test(rekeying_ike_needs_an_spi_in_the_proposal),
        cmocka_unit_test(without_dh_rows_that_become_equal_are_offered_once),
        cmocka_unit_test(what_the_process_cannot_do_is_filtered_out),
        cmocka_unit_test(azures_default_policy_answers_as_documented),
        cmocka_unit_test(azures_lists_have_their_order),
        cmocka_unit_test(the_configurations_notation_prints_as_it_was_written),
        cmocka_unit_test(errors_name_the_word_and_what_is_right),
        cmocka_unit_test(what_kedge_does_not_know_prints_as_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
