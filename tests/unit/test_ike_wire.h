/* What the tests of src/ike's wire layer share. */
#ifndef KEDGE_TEST_IKE_WIRE_H
#define KEDGE_TEST_IKE_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/ike_letters.h"

/* Parses from an allocation of exactly the right size, so that ASan sees every octet too far. */
static inline enum ike_wire parse_err(const struct buf *x, struct ike_msg *m)
{
    uint8_t *exact = test_malloc(x->n + 1);
    struct ike_diag d;
    bool ok;

    memcpy(exact + 1, x->b, x->n);
    ok = ike_msg_parse(kd_bytes(exact + 1, x->n), m, &d);
    assert_int_equal(ok, d.err == IKE_WIRE_OK);
    assert_int_equal(ok, d.rule == NULL);
    test_free(exact);
    return d.err;
}

/* The chain as if it had come out of an SK payload. */
static inline bool parse_inner(const struct buf *x, struct ike_msg *m, struct ike_diag *d)
{
    memset(m, 0, sizeof(*m));
    m->raw = buf_view(x);
    assert_true(ike_header_parse(m->raw, &m->h, d));
    m->inner = true;
    return ike_chain_parse(kd_bytes(x->b + IKE_HEADER_LEN, x->n - IKE_HEADER_LEN), m->h.next,
                           IKE_HEADER_LEN, m, d);
}

#endif
