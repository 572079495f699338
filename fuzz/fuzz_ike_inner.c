/* Behind the cipher: what an authenticated peer can send. The input is the header's exchange and
 * flags, the first payload's type and the chain; it is parsed as it is, then sealed under a known
 * key, opened and parsed again: the verdict must be the same. */
#include "fuzz_ike.h"

#define PREFIX    3
#define CHAIN_MAX 60000

static struct kc_ctx *crypto; /* for the whole run */
static struct ike_sk sk;

static void start(void)
{
    static const uint8_t key[32] = {1};

    crypto = kc_ctx_new(KC_PROVIDER_SIM, 4);
    kd_assert(crypto);
    sk.encr = kc_alg_by_name("aes256");
    sk.integ = kc_alg_by_name("sha1");
    sk.box = kc_box_new(crypto, sk.encr, sk.integ,
                        kc_key_import(crypto, kd_bytes(key, sk.encr->key_len)),
                        kc_key_import(crypto, kd_bytes(key, sk.integ->key_len)));
    kd_assert(sk.box);
}

static struct ike_header header_of(const uint8_t *data)
{
    return (struct ike_header){.spi_i = {1},
                               .spi_r = {2},
                               .version = 0x20,
                               .exchange = data[0],
                               .flags = data[1],
                               .next = data[2],
                               .msg_id = 1};
}

/* The chain as it is, behind a header. */
static bool parse_plain(const uint8_t *data, size_t len, struct ike_msg *m, struct ike_diag *d)
{
    static uint8_t msg[IKE_HEADER_LEN + CHAIN_MAX];
    struct ike_header h = header_of(data);
    struct kd_writer w;
    bool ok;

    h.length = (uint32_t)(IKE_HEADER_LEN + len - PREFIX);
    kd_writer_init(&w, msg, sizeof(msg));
    ike_header_write(&w, &h);
    kd_put_bytes(&w, kd_bytes(data + PREFIX, len - PREFIX));
    kd_assert(w.ok);
    memset(m, 0, sizeof(*m));
    m->raw = kd_written(&w);
    m->inner = true;
    ok = ike_header_parse(m->raw, &m->h, d);
    kd_assert(ok);
    return ike_chain_parse(kd_bytes(data + PREFIX, len - PREFIX), h.next, IKE_HEADER_LEN, m, d);
}

static bool parse_sealed(const uint8_t *data, size_t len, struct ike_msg *m, struct ike_diag *d)
{
    static uint8_t msg[IKE_HEADER_LEN + CHAIN_MAX + 256];
    static const uint8_t iv[IKE_IV_MAX] = {7};
    struct ike_header h = header_of(data);
    struct ike_build b;
    struct kd_bytes out;
    bool ok;

    ike_build_begin(&b, msg, sizeof(msg), &h);
    ike_build_seal(&b, &sk, iv);
    kd_patch_u8(&b.w, b.next_at, h.next);
    kd_put_bytes(&b.w, kd_bytes(data + PREFIX, len - PREFIX));
    out = ike_build_end(&b);
    kd_assert(out.len > 0);
    ok = ike_msg_parse(out, m, d);
    kd_assert(ok && ike_msg_has(m, IKE_PL_SK));
    ok = ike_msg_open(msg, out.len, m, &sk, d);
    kd_assert(d->err != IKE_WIRE_CRYPTO);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct ike_msg plain, sealed;
    struct ike_diag a, b;
    bool ok;

    if (!sk.box)
        start();
    if (len < PREFIX || len - PREFIX > CHAIN_MAX)
        return 0;
    ok = parse_plain(data, len, &plain, &a);
    fuzz_diag(&a, ok, IKE_HEADER_LEN + len);
    kd_assert(parse_sealed(data, len, &sealed, &b) == ok);
    kd_assert(a.err == b.err && a.rule == b.rule && a.payload == b.payload);
    kd_assert(plain.has == sealed.has && plain.n_payloads == sealed.n_payloads);
    if (!ok)
        return 0;
    kd_assert(ike_grammar_check(&plain, &a) == ike_grammar_check(&sealed, &b));
    fuzz_consume(&sealed);
    return 0;
}
