/* Whole datagrams, as anyone can send them: header, chain, grammar, bodies. */
#include "fuzz_ike.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct ike_msg m;
    struct ike_diag d;
    bool ok = ike_msg_parse(kd_bytes(data, len), &m, &d);

    fuzz_diag(&d, ok, len);
    if (ok)
        fuzz_consume(&m);
    return 0;
}
