/* IKE messages on the wire: header, payload chain, notifies, building, SK. facts/peers.md 4c,
 * classes 1 to 15, 24 to 33, 35. */
#include "test_ike_wire.h"

#define I IKE_FLAG_INITIATOR
#define R IKE_FLAG_RESPONSE

/* ---- header: classes 1 to 6 ---- */

static void a_datagram_shorter_than_a_header_is_refused(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_msg m;

    build(&x, IKE_X_INFORMATIONAL, I, "");
    assert_int_equal(x.n, 28);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
    for (x.n = 0; x.n < 28; x.n++)
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
}

static void a_length_field_other_than_the_datagrams_is_refused(void **st KD_UNUSED)
{
    static const uint32_t wrong[] = {0, 1, 27, 28, 0x7fffffff, 0xffffffff};
    static struct buf x;
    struct ike_msg m;

    build(&x, IKE_X_SA_INIT, I, "SKN");
    for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
        set32(&x, 24, wrong[i]);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
    }
    set32(&x, 24, (uint32_t)x.n - 1);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
    set32(&x, 24, (uint32_t)x.n + 1);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
    fix_length(&x);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
}

static void only_major_version_2_is_taken_and_a_higher_one_is_told_apart(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_header h;
    struct ike_diag d;
    struct ike_msg m;

    build(&x, IKE_X_SA_INIT, I, "SKN");
    x.b[17] = 0x00;
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
    x.b[17] = 0x10;
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_HEADER);
    x.b[17] = 0x30;
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_VERSION);
    x.b[17] = 0xf0;
    assert_false(ike_header_parse(buf_view(&x), &h, &d));
    assert_int_equal(d.err, IKE_WIRE_VERSION);
    assert_int_equal(h.exchange, IKE_X_SA_INIT); /* filled in for the answer */
    x.b[17] = 0x2f;                              /* RFC 7296 2.5: the minor version is no reason */
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
}

static enum ike_form form_of(struct buf *x, struct ike_diag *d)
{
    struct ike_msg m;

    if (!ike_msg_parse(buf_view(x), &m, d))
        return IKE_FORM_NONE;
    return ike_grammar_check(&m, d);
}

static void spis_must_fit_the_exchange(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;

    build(&x, IKE_X_SA_INIT, I, "SKN");
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REQ);
    x.b[15] = 1; /* a responder's SPI in the first message */
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    x.b[15] = 0;
    memset(x.b, 0, 8);
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    assert_int_equal(d.err, IKE_WIRE_HEADER);

    build(&x, IKE_X_SA_INIT, R, "SKN");
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_RESP);
    memset(x.b + 8, 0, 8);
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    build(&x, IKE_X_INFORMATIONAL, I, "F");
    memset(x.b + 8, 0, 8);
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    assert_int_equal(d.err, IKE_WIRE_HEADER);
    build(&x, IKE_X_SA_INIT, R, "c"); /* RFC 7296 2.6: a cookie is sent without making an SPI */
    memset(x.b + 8, 0, 8);
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REFUSED);
}

static void
flags_and_message_id_of_ike_sa_init_are_checked_and_reserved_flags_ignored(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;

    build(&x, IKE_X_SA_INIT, I, "SKN");
    x.b[19] = 0xd7 | I; /* all reserved ones and Version */
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REQ);
    x.b[19] = 0;
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    build(&x, IKE_X_SA_INIT, R, "SKN");
    x.b[19] = R | I;
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    build(&x, IKE_X_SA_INIT, I, "SKN");
    x.b[23] = 1;
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
    assert_int_equal(d.err, IKE_WIRE_HEADER);
}

static void an_unknown_exchange_is_refused_in_clear_and_inside(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;

    for (unsigned e = 0; e < 256; e++) {
        if (e >= IKE_X_SA_INIT && e <= IKE_X_INFORMATIONAL)
            continue;
        build(&x, (uint8_t)e, I, "SKN");
        assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
        assert_int_equal(d.err, IKE_WIRE_HEADER);
        assert_true(parse_inner(&x, &m, &d));
        assert_int_equal(ike_grammar_check(&m, &d), IKE_FORM_NONE);
        assert_int_equal(d.err, IKE_WIRE_SYNTAX);
    }
}

/* ---- chain: classes 10 to 15 ---- */

static void a_payload_length_that_does_not_fit_is_refused(void **st KD_UNUSED)
{
    static const unsigned lens[] = {0, 1, 2, 3, 0xffff};
    static struct buf x;
    struct ike_msg m;

    build(&x, IKE_X_SA_INIT, I, "KN");
    for (size_t i = 0; i < KD_ARRAY_LEN(lens); i++) {
        set16(&x, 30, lens[i]);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    }
    build(&x, IKE_X_SA_INIT, I, "SKN");
    set16(&x, x.n - 34, 37); /* the last one's: one octet past the end */
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    set16(&x, x.n - 34, 35); /* one octet left over */
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    set16(&x, x.n - 34, 36);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
    build(&x, IKE_X_SA_INIT, I, "u"); /* skipping is no excuse */
    set16(&x, 30, 8);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
}

static void every_truncation_is_refused_without_reading_on(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_msg m;
    size_t whole;

    build(&x, IKE_X_SA_INIT, I, "cSKNddnVuk");
    whole = x.n;
    for (x.n = 28; x.n < whole; x.n++) {
        fix_length(&x);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    }
    fix_length(&x);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
}

static void too_many_payloads_are_refused_with_the_reason(void **st KD_UNUSED)
{
    static struct buf x;
    static char letters[512];
    struct ike_msg m;

    memset(letters, 'u', 300);
    build(&x, IKE_X_SA_INIT, I, letters);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_TOO_MANY);
    letters[IKE_MSG_PAYLOADS + 1] = '\0';
    build(&x, IKE_X_SA_INIT, I, letters);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_TOO_MANY);
    letters[IKE_MSG_PAYLOADS] = '\0';
    build(&x, IKE_X_SA_INIT, I, letters);
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
    assert_int_equal(m.n_unknown, IKE_MSG_PAYLOADS);
}

static void each_bounded_array_refuses_one_more_but_vendor_ids_are_skipped(void **st KD_UNUSED)
{
    static const struct {
        char letter;
        unsigned max;
        enum ike_wire beyond;
    } rows[] = {
        {'n', IKE_MSG_NOTIFIES, IKE_WIRE_TOO_MANY}, {'D', IKE_MSG_DELETES, IKE_WIRE_TOO_MANY},
        {'C', IKE_MSG_CERTS, IKE_WIRE_TOO_MANY},    {'Q', IKE_MSG_CERTS, IKE_WIRE_TOO_MANY},
        {'V', IKE_MSG_VENDORS, IKE_WIRE_OK},
    };
    static struct buf x;
    struct ike_msg m;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        char letters[128] = "";

        memset(letters, rows[i].letter, rows[i].max);
        build(&x, IKE_X_INFORMATIONAL, I, letters);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
        letters[rows[i].max] = rows[i].letter;
        build(&x, IKE_X_INFORMATIONAL, I, letters);
        assert_int_equal(parse_err(&x, &m), rows[i].beyond);
    }
    assert_int_equal(m.n_vendors, IKE_MSG_VENDORS);
}

static void an_unknown_payload_is_skipped_unless_it_is_critical(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;

    build(&x, IKE_X_SA_INIT, I, "uSKuN");
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REQ);
    build(&x, IKE_X_SA_INIT, I, "SKUN");
    assert_false(ike_msg_parse(buf_view(&x), &m, &d));
    assert_int_equal(d.err, IKE_WIRE_CRITICAL);
    assert_int_equal(d.payload, 201); /* the notify's data */
}

static void the_critical_flag_of_a_known_payload_is_ignored(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;

    build(&x, IKE_X_SA_INIT, I, "SKN");
    x.b[29] = 0x80;
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REQ);
    x.b[29] = 0x7f; /* reserved bits as well */
    assert_int_equal(form_of(&x, &d), IKE_FORM_SA_INIT_REQ);
}

static void ikev1_payload_numbers_are_unknown_types(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_msg m;
    struct ike_diag d;

    for (unsigned type = 1; type < 33; type++) {
        build(&x, IKE_X_SA_INIT, I, "v");
        x.b[16] = (uint8_t)type;
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
        assert_int_equal(m.n_unknown, 1);
        assert_int_equal(m.has, 0);
        x.b[29] = 0x80;
        assert_false(ike_msg_parse(buf_view(&x), &m, &d));
        assert_int_equal(d.err, IKE_WIRE_CRITICAL);
        assert_int_equal(d.payload, type);
    }
}

static void next_payload_values_that_point_anywhere_still_end(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_msg m;
    size_t n;

    build(&x, IKE_X_SA_INIT, I, "nnn");
    n = x.n;
    for (unsigned v = 1; v < 256; v++) {
        x.b[n - 8] = (uint8_t)v; /* the last one says that another follows */
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    }
    x.b[n - 8] = 0;
    x.b[28] = 0; /* and the first one that none does */
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
}

static void a_second_payload_of_a_single_kind_is_refused(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_msg m;

    for (const char *c = "SKNIRAirPE"; *c; c++) {
        char twice[3] = {*c, *c, '\0'};

        build(&x, IKE_X_INFORMATIONAL, I, twice);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
        twice[1] = '\0';
        build(&x, IKE_X_INFORMATIONAL, I, twice);
        assert_int_equal(parse_err(&x, &m), IKE_WIRE_OK);
    }
}

static void payloads_in_clear_beside_encrypted_ones_are_refused(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;

    build(&x, IKE_X_INFORMATIONAL, I, "F");
    assert_int_equal(form_of(&x, &d), IKE_FORM_FRAGMENT);
    build(&x, IKE_X_INFORMATIONAL, I, "uF"); /* unknown ones are skipped there too */
    assert_int_equal(form_of(&x, &d), IKE_FORM_FRAGMENT);
    build(&x, IKE_X_INFORMATIONAL, I, "nF");
    assert_int_equal(parse_err(&x, &m), IKE_WIRE_SYNTAX);
    build(&x, IKE_X_INFORMATIONAL, I, "Fn");
    assert_int_equal(form_of(&x, &d), IKE_FORM_NONE);
}

/* ---- bodies: classes 24 to 33 ---- */

static enum ike_wire body_err(uint8_t type, const void *body, size_t len, struct ike_msg *m)
{
    static struct buf x;
    struct ike_header h = header_of(IKE_X_INFORMATIONAL, I);
    struct ike_build b;

    ike_build_begin(&b, x.b, sizeof(x.b), &h);
    ike_put_payload(&b, type, kd_bytes(body, len));
    x.n = ike_build_end(&b).len;
    return parse_err(&x, m);
}

static void bodies_shorter_than_their_fields_are_refused(void **st KD_UNUSED)
{
    static const struct {
        uint8_t type;
        size_t min; /* octets of body that are enough */
    } rows[] = {
        {IKE_PL_SA, 1},     {IKE_PL_KE, 5},      {IKE_PL_IDI, 5},  {IKE_PL_IDR, 5},
        {IKE_PL_CERT, 2},   {IKE_PL_CERTREQ, 1}, {IKE_PL_AUTH, 5}, {IKE_PL_NONCE, 16},
        {IKE_PL_TSI, 4},    {IKE_PL_TSR, 4},     {IKE_PL_CP, 4},   {IKE_PL_EAP, 4},
        {IKE_PL_VENDOR, 0}, {IKE_PL_NOTIFY, 4},
    };
    static const uint8_t zero[512];
    struct ike_msg m;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        for (size_t n = 0; n < rows[i].min; n++)
            assert_int_equal(body_err(rows[i].type, zero, n, &m), IKE_WIRE_SYNTAX);
        assert_int_equal(body_err(rows[i].type, zero, rows[i].min, &m), IKE_WIRE_OK);
    }
    assert_int_equal(body_err(IKE_PL_NONCE, zero, 256, &m), IKE_WIRE_OK);
    assert_int_equal(body_err(IKE_PL_NONCE, zero, 257, &m), IKE_WIRE_SYNTAX);
}

static void a_notifys_spi_stays_inside_the_payload(void **st KD_UNUSED)
{
    uint8_t body[8] = {3, 4, 0x40, 0x09, 1, 2, 3, 4};
    struct ike_msg m;

    assert_int_equal(body_err(IKE_PL_NOTIFY, body, 8, &m), IKE_WIRE_OK);
    assert_int_equal(m.notifies[0].spi.len, 4);
    body[1] = 5;
    assert_int_equal(body_err(IKE_PL_NOTIFY, body, 8, &m), IKE_WIRE_SYNTAX);
    body[1] = 255;
    assert_int_equal(body_err(IKE_PL_NOTIFY, body, 8, &m), IKE_WIRE_SYNTAX);
}

static void a_deletes_count_and_spi_size_must_fit_its_length_and_protocol(void **st KD_UNUSED)
{
    static const struct {
        uint8_t body[12];
        size_t len;
        enum ike_wire want;
    } rows[] = {
        {{3, 4, 0, 2, 0, 0, 1, 0, 0, 0, 2, 0}, 12, IKE_WIRE_OK},
        {{2, 4, 0, 1, 0, 0, 1, 0}, 8, IKE_WIRE_OK},
        {{1, 0, 0, 0}, 4, IKE_WIRE_OK},
        {{3, 4, 0, 3, 0, 0, 1, 0, 0, 0, 2, 0}, 12, IKE_WIRE_SYNTAX},
        {{3, 4, 0, 1, 0, 0, 1, 0, 0, 0, 2, 0}, 12, IKE_WIRE_SYNTAX},
        {{3, 4, 0xff, 0xff, 0, 0, 1, 0}, 8, IKE_WIRE_SYNTAX},
        {{3, 8, 0, 1, 0, 0, 1, 0, 0, 0, 2, 0}, 12, IKE_WIRE_SYNTAX},
        {{3, 0, 0, 1}, 4, IKE_WIRE_SYNTAX},
        {{1, 8, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 12, IKE_WIRE_SYNTAX},
        {{0, 0, 0, 0}, 4, IKE_WIRE_SYNTAX},
        {{4, 4, 0, 1, 0, 0, 1, 0}, 8, IKE_WIRE_SYNTAX},
        {{3, 4, 0}, 3, IKE_WIRE_SYNTAX},
    };
    struct ike_msg m;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
        assert_int_equal(body_err(IKE_PL_DELETE, rows[i].body, rows[i].len, &m), rows[i].want);
    /* Delete after Delete is two (CVE-2023-38712). */
    static struct buf x;
    build(&x, IKE_X_INFORMATIONAL, I, "xDx");
    assert_true(ike_msg_parse(buf_view(&x), &m, &(struct ike_diag){0}));
    assert_int_equal(m.n_deletes, 3);
    assert_int_equal(m.deletes[0].n, 2);
    assert_int_equal(ike_delete_spi(&m.deletes[0], 1), 0x2000);
    assert_int_equal(m.deletes[1].n, 0);
}

static void notifies_of_a_fixed_shape_are_held_to_it(void **st KD_UNUSED)
{
    static const struct {
        uint16_t type;
        uint8_t protocol;
        size_t spi, data;
        bool ok;
    } rows[] = {
        {IKE_N_NAT_DETECTION_SOURCE_IP, 0, 0, 20, true},
        {IKE_N_NAT_DETECTION_SOURCE_IP, 0, 0, 19, false},
        {IKE_N_NAT_DETECTION_DESTINATION_IP, 0, 0, 21, false},
        {IKE_N_NAT_DETECTION_DESTINATION_IP, 0, 0, 0, false},
        {IKE_N_COOKIE, 0, 0, 1, true},
        {IKE_N_COOKIE, 0, 0, 64, true},
        {IKE_N_COOKIE, 0, 0, 0, false},
        {IKE_N_COOKIE, 0, 0, 65, false},
        {IKE_N_INVALID_KE_PAYLOAD, 0, 0, 2, true},
        {IKE_N_INVALID_KE_PAYLOAD, 0, 0, 1, false},
        {IKE_N_INVALID_KE_PAYLOAD, 0, 0, 3, false},
        {IKE_N_REKEY_SA, 3, 4, 0, true},
        {IKE_N_REKEY_SA, 0, 4, 0, false},
        {IKE_N_REKEY_SA, 1, 4, 0, false},
        {IKE_N_REKEY_SA, 3, 8, 0, false},
        {IKE_N_REKEY_SA, 3, 0, 4, false},
        {IKE_N_INITIAL_CONTACT, 1, 8, 3, true}, /* shape does not matter: taken as it comes */
        {40000, 9, 3, 50, true},                /* unknown status */
        {8000, 9, 3, 50, true},                 /* unknown error */
    };
    static struct buf x;

    for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
        struct ike_header h = header_of(IKE_X_INFORMATIONAL, I);
        static const uint8_t fill[80] = {1};
        struct ike_build b;
        struct ike_diag d;
        struct ike_msg m;

        ike_build_begin(&b, x.b, sizeof(x.b), &h);
        ike_put_notify(&b, rows[i].protocol, kd_bytes(fill, rows[i].spi), rows[i].type,
                       kd_bytes(fill, rows[i].data));
        x.n = ike_build_end(&b).len;
        assert_true(parse_inner(&x, &m, &d));
        assert_int_equal(ike_grammar_check(&m, &d), rows[i].ok ? IKE_FORM_INFO_REQ : IKE_FORM_NONE);
        assert_int_equal(d.err, rows[i].ok ? IKE_WIRE_OK : IKE_WIRE_SYNTAX);
    }
}

/* ---- grammar: class 13 ---- */

struct form_case {
    uint8_t exchange, flags;
    bool inner;
    const char *letters;
    enum ike_form form;
};

static enum ike_form check_form(const struct form_case *c)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;
    enum ike_form f;

    build(&x, c->exchange, c->flags, c->letters);
    if (c->inner)
        assert_true(parse_inner(&x, &m, &d));
    else
        assert_true(ike_msg_parse(buf_view(&x), &m, &d));
    f = ike_grammar_check(&m, &d);
    assert_int_equal(f == IKE_FORM_NONE, d.err != IKE_WIRE_OK);
    return f;
}

static void messages_are_recognised_by_their_payloads(void **st KD_UNUSED)
{
    static const struct form_case cases[] = {
        {IKE_X_SA_INIT, I, false, "SKN", IKE_FORM_SA_INIT_REQ},
        {IKE_X_SA_INIT, I, false, "cSKNddVVu", IKE_FORM_SA_INIT_REQ},
        {IKE_X_SA_INIT, I, false, "SKNI", IKE_FORM_NONE},
        {IKE_X_SA_INIT, I, false, "c", IKE_FORM_NONE},
        {IKE_X_SA_INIT, I, false, "", IKE_FORM_NONE},
        {IKE_X_SA_INIT, R, false, "SKNddQ", IKE_FORM_SA_INIT_RESP},
        {IKE_X_SA_INIT, R, false, "e", IKE_FORM_SA_INIT_REFUSED},
        {IKE_X_SA_INIT, R, false, "cV", IKE_FORM_SA_INIT_REFUSED},
        {IKE_X_SA_INIT, R, false, "eK", IKE_FORM_NONE},
        {IKE_X_SA_INIT, R, false, "", IKE_FORM_NONE},
        {IKE_X_AUTH, I, true, "IAsir", IKE_FORM_AUTH_REQ},
        {IKE_X_AUTH, I, true, "ICQRAPsirnV", IKE_FORM_AUTH_REQ},
        {IKE_X_AUTH, I, true, "Isir", IKE_FORM_AUTH_EAP_REQ},
        {IKE_X_AUTH, I, true, "IA", IKE_FORM_AUTH_CHILDLESS_REQ},
        {IKE_X_AUTH, I, true, "IAir", IKE_FORM_NONE},
        {IKE_X_AUTH, I, true, "E", IKE_FORM_NONE},
        {IKE_X_AUTH, I, true, "IAsirK", IKE_FORM_NONE}, /* no PFS in the first child */
        {IKE_X_AUTH, I, true, "IAsirN", IKE_FORM_NONE},
        {IKE_X_AUTH, I, true, "IAsirD", IKE_FORM_NONE},
        {IKE_X_AUTH, R, true, "RAsir", IKE_FORM_AUTH_RESP},
        {IKE_X_AUTH, R, true, "RCAPsirn", IKE_FORM_AUTH_RESP},
        {IKE_X_AUTH, R, true, "RAe", IKE_FORM_AUTH_NO_CHILD},
        {IKE_X_AUTH, R, true, "e", IKE_FORM_AUTH_REFUSED},
        {IKE_X_AUTH, R, true, "Rsir", IKE_FORM_NONE}, /* a child without proof of identity */
        {IKE_X_AUTH, R, true, "RAE", IKE_FORM_NONE},
        {IKE_X_AUTH, R, true, "IAsir", IKE_FORM_NONE},
        {IKE_X_AUTH, I, true, "RAsir", IKE_FORM_NONE},
        {IKE_X_CREATE_CHILD_SA, I, true, "sNir", IKE_FORM_CHILD_REQ},
        {IKE_X_CREATE_CHILD_SA, 0, true, "ksNKir", IKE_FORM_CHILD_REQ},
        {IKE_X_CREATE_CHILD_SA, I, true, "sNi", IKE_FORM_NONE},
        {IKE_X_CREATE_CHILD_SA, I, true, "sNr", IKE_FORM_NONE},
        {IKE_X_CREATE_CHILD_SA, I, true, "SNK", IKE_FORM_REKEY_IKE_REQ},
        {IKE_X_CREATE_CHILD_SA, I, true, "SN", IKE_FORM_NONE},
        {IKE_X_CREATE_CHILD_SA, I, true, "", IKE_FORM_NONE},
        {IKE_X_CREATE_CHILD_SA, R, true, "sNir", IKE_FORM_CHILD_RESP},
        {IKE_X_CREATE_CHILD_SA, R, true, "SNK", IKE_FORM_REKEY_IKE_RESP},
        {IKE_X_CREATE_CHILD_SA, R, true, "e", IKE_FORM_CHILD_REFUSED},
        {IKE_X_CREATE_CHILD_SA, R, true, "", IKE_FORM_NONE},
        {IKE_X_INFORMATIONAL, I, true, "", IKE_FORM_INFO_REQ},
        {IKE_X_INFORMATIONAL, 0, true, "DnxP", IKE_FORM_INFO_REQ},
        {IKE_X_INFORMATIONAL, R, true, "x", IKE_FORM_INFO_RESP},
        {IKE_X_INFORMATIONAL, R, true, "S", IKE_FORM_NONE},
        {IKE_X_INFORMATIONAL, I, true, "A", IKE_FORM_NONE},
        /* in clear: nothing that could change a state */
        {IKE_X_INFORMATIONAL, R, false, "e", IKE_FORM_CLEAR_NOTIFY},
        {IKE_X_AUTH, R, false, "e", IKE_FORM_CLEAR_NOTIFY},
        {IKE_X_INFORMATIONAL, R, false, "eD", IKE_FORM_NONE},
        {IKE_X_INFORMATIONAL, R, false, "", IKE_FORM_NONE},
        {IKE_X_INFORMATIONAL, I, false, "D", IKE_FORM_NONE},
        {IKE_X_AUTH, I, false, "IAsir", IKE_FORM_NONE},
        {IKE_X_SA_INIT, I, false, "F", IKE_FORM_NONE},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        enum ike_form got = check_form(&cases[i]);

        if (got != cases[i].form)
            fail_msg("case %zu '%s': %s, not %s", i, cases[i].letters, ike_form_name(got),
                     ike_form_name(cases[i].form));
    }
}

/* Every form: each order is taken, and without any one of its payloads it is not that form any
 * more. */
static void mandatory_payloads_may_be_reordered_but_not_left_out(void **st KD_UNUSED)
{
    static const struct form_case cases[] = {
        {IKE_X_SA_INIT, I, false, "SKN", IKE_FORM_SA_INIT_REQ},
        {IKE_X_SA_INIT, R, false, "SKN", IKE_FORM_SA_INIT_RESP},
        {IKE_X_AUTH, I, true, "IAsir", IKE_FORM_AUTH_REQ},
        {IKE_X_AUTH, R, true, "RAsir", IKE_FORM_AUTH_RESP},
        {IKE_X_CREATE_CHILD_SA, I, true, "sNir", IKE_FORM_CHILD_REQ},
        {IKE_X_CREATE_CHILD_SA, R, true, "sNir", IKE_FORM_CHILD_RESP},
        {IKE_X_CREATE_CHILD_SA, I, true, "SNK", IKE_FORM_REKEY_IKE_REQ},
        {IKE_X_CREATE_CHILD_SA, R, true, "SNK", IKE_FORM_REKEY_IKE_RESP},
    };

    for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
        struct form_case c = cases[i];
        size_t n = strlen(c.letters);
        char turned[8] = "", less[8] = "";

        for (size_t k = 0; k < n; k++) {
            for (size_t j = 0; j < n; j++)
                turned[j] = cases[i].letters[n - 1 - (j + k) % n];
            c.letters = turned;
            assert_int_equal(check_form(&c), cases[i].form);
            memcpy(less, cases[i].letters, n + 1);
            memmove(less + k, less + k + 1, n - k);
            c.letters = less;
            assert_int_not_equal(check_form(&c), cases[i].form);
        }
    }
}

static void notify_names_follow_their_numbers(void **st KD_UNUSED)
{
    assert_string_equal(ike_notify_name(14), "NO_PROPOSAL_CHOSEN");
    assert_string_equal(ike_notify_name(16393), "REKEY_SA");
    assert_string_equal(ike_notify_name(9999), "notify");
    assert_true(ike_notify_is_error(16383));
    assert_false(ike_notify_is_error(16384));
}

/* ---- what is built is what is read ---- */

static void every_payload_survives_the_round_trip(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_proposals l;
    struct ike_ts_list ts, want = ts_of("10.0.0.0/8");
    struct ike_diag d;
    struct ike_msg m;
    struct ike_id id;
    char text[64];

    build(&x, IKE_X_SA_INIT, I, "SKNIRCQAirPEVnckxD");
    assert_true(ike_msg_parse(buf_view(&x), &m, &d));
    assert_int_equal(m.h.version, 0x20);
    assert_int_equal(m.h.length, x.n);
    assert_true(ike_proposals_parse(m.sa, &l, NULL, NULL));
    assert_string_equal(ike_proposal_text(&l.p[0], text, sizeof(text)), "aes256-sha1-modp1024");
    assert_int_equal(m.ke.group, 2);
    assert_true(kd_bytes_eq(m.ke.data, kd_bytes(some, 64)));
    assert_true(kd_bytes_eq(m.nonce, kd_bytes(some, 32)));
    assert_true(ike_id_read(&m.idi, &id));
    ike_id_str(&id, text, sizeof(text));
    assert_string_equal(text, "203.0.113.7");
    assert_int_equal(m.idi.body.len, 8); /* what AUTH is computed over */
    assert_int_equal(m.auth.type, 2);
    assert_true(kd_bytes_eq(m.auth.data, kd_bytes(some, 20)));
    assert_true(ike_ts_parse(m.tsi, &ts) && ike_ts_inside(&ts, &want) && ike_ts_inside(&want, &ts));
    assert_int_equal(m.n_notifies, 3);
    assert_int_equal(ike_msg_notify(&m, IKE_N_REKEY_SA)->spi.len, 4);
    assert_int_equal(ike_msg_notify(&m, IKE_N_COOKIE)->data.len, 20);
    assert_null(ike_msg_error(&m));
    assert_null(ike_msg_notify(&m, 1234));
    assert_int_equal(m.certs[0].type, 1);
    assert_int_equal(m.certs[0].data.len, 19);
    assert_int_equal(m.vendors[0].len, 16);
}

static void a_message_that_does_not_fit_is_empty_at_every_size(void **st KD_UNUSED)
{
    struct ike_header h = header_of(IKE_X_SA_INIT, I);
    static struct buf x;
    size_t whole;

    build(&x, IKE_X_SA_INIT, I, "cSKNn");
    whole = x.n;
    for (size_t cap = 0; cap <= whole; cap++) {
        struct ike_build b;

        ike_build_begin(&b, x.b, cap, &h);
        for (const char *c = "cSKNn"; *c; c++)
            put_letter(&b, *c);
        assert_int_equal(ike_build_end(&b).len, cap < whole ? 0 : whole);
    }
}

static void a_payload_longer_than_its_length_field_is_not_built(void **st KD_UNUSED)
{
    static uint8_t big[65600], out[70000];
    struct ike_header h = header_of(IKE_X_INFORMATIONAL, I);
    struct ike_build b;

    ike_build_begin(&b, out, sizeof(out), &h);
    ike_put_vendor(&b, kd_bytes(big, 65531));
    assert_int_equal(ike_build_end(&b).len, 28 + 65535);
    ike_build_begin(&b, out, sizeof(out), &h);
    ike_put_vendor(&b, kd_bytes(big, 65532));
    assert_int_equal(ike_build_end(&b).len, 0);
}

static void a_diagnosis_is_one_line(void **st KD_UNUSED)
{
    static struct buf x;
    struct ike_diag d;
    struct ike_msg m;
    char text[160], tiny[16];

    build(&x, IKE_X_SA_INIT, I, "SKNN");
    assert_false(ike_msg_parse(buf_view(&x), &m, &d));
    ike_diag_str(&d, text, sizeof(text));
    assert_string_equal(text, "INVALID_SYNTAX at 184 in Nonce: payload appears twice");
    assert_int_equal(d.offset, 184);
    ike_diag_str(&d, tiny, sizeof(tiny));
    assert_string_equal(tiny, "INVALID_SYNT...");
    build(&x, IKE_X_SA_INIT, I, "U");
    assert_false(ike_msg_parse(buf_view(&x), &m, &d));
    ike_diag_str(&d, text, sizeof(text));
    assert_string_equal(text, "UNSUPPORTED_CRITICAL_PAYLOAD at 28 in payload 201: "
                              "unknown payload marked critical");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_shorter_than_a_header_is_refused),
        cmocka_unit_test(a_length_field_other_than_the_datagrams_is_refused),
        cmocka_unit_test(only_major_version_2_is_taken_and_a_higher_one_is_told_apart),
        cmocka_unit_test(spis_must_fit_the_exchange),
        cmocka_unit_test(
            flags_and_message_id_of_ike_sa_init_are_checked_and_reserved_flags_ignored),
        cmocka_unit_test(an_unknown_exchange_is_refused_in_clear_and_inside),
        cmocka_unit_test(a_payload_length_that_does_not_fit_is_refused),
        cmocka_unit_test(every_truncation_is_refused_without_reading_on),
        cmocka_unit_test(too_many_payloads_are_refused_with_the_reason),
        cmocka_unit_test(each_bounded_array_refuses_one_more_but_vendor_ids_are_skipped),
        cmocka_unit_test(an_unknown_payload_is_skipped_unless_it_is_critical),
        cmocka_unit_test(the_critical_flag_of_a_known_payload_is_ignored),
        cmocka_unit_test(ikev1_payload_numbers_are_unknown_types),
        cmocka_unit_test(next_payload_values_that_point_anywhere_still_end),
        cmocka_unit_test(a_second_payload_of_a_single_kind_is_refused),
        cmocka_unit_test(payloads_in_clear_beside_encrypted_ones_are_refused),
        cmocka_unit_test(bodies_shorter_than_their_fields_are_refused),
        cmocka_unit_test(a_notifys_spi_stays_inside_the_payload),
        cmocka_unit_test(a_deletes_count_and_spi_size_must_fit_its_length_and_protocol),
        cmocka_unit_test(notifies_of_a_fixed_shape_are_held_to_it),
        cmocka_unit_test(messages_are_recognised_by_their_payloads),
        cmocka_unit_test(mandatory_payloads_may_be_reordered_but_not_left_out),
        cmocka_unit_test(notify_names_follow_their_numbers),
        cmocka_unit_test(every_payload_survives_the_round_trip),
        cmocka_unit_test(a_message_that_does_not_fit_is_empty_at_every_size),
        cmocka_unit_test(a_payload_longer_than_its_length_field_is_not_built),
        cmocka_unit_test(a_diagnosis_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
