/* The IKE state machine, in front of the cipher and behind it. The input is a list of operations
 * on two engines wired back to back (tests/unit/ike_pair.h): time passes, commands, datagrams
 * out of nothing, changed, lost and repeated ones, refusals of the data plane, and messages
 * sealed with an established SA's own keys, so that every handler sees what only an
 * authenticated peer can send.
 *
 * Whatever happened: after DOWN on both sides and a minute of peace nothing is left, no child
 * and no key. */
#include "ike/sa.h"
#include "tests/unit/ike_certs.h"
#include "tests/unit/ike_pair.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OPS_MAX 64

static const char *const suites[][2] = {
    {"aes256-sha1-modp1024", "aes256-sha1"},
    {"aes256-sha256-modp2048-x25519", "aes256-sha256-x25519-modp2048"},
    {"aes256gcm16-prfsha256-x25519", "aes256gcm16-esn"},
    {"aes128-sha256-ecp256-ke1_x25519-ke3_ecp384", "aes128gcm16-ecp256-ke1_x25519, aes256-sha1"},
};

static struct kd_bytes get_piece(struct kd_reader *r)
{
    return kd_get_bytes(r, KD_MIN((size_t)kd_get_u8(r), kd_reader_left(r)));
}

static void op_run(struct pair *p, int side, struct kd_reader *r)
{
    uint64_t n = kd_get_u8(r);

    pair_run(p, n * (side ? KD_MS(1) : KD_MS(100)));
}

static void op_command(struct pair *p, int side, struct kd_reader *r)
{
    pair_command(p, side, (enum ike_command)(kd_get_u8(r) % IKE_CMD_REMOVE));
}

static void deliver_bytes(struct pair *p, int side, bool natt, struct kd_bytes b)
{
    uint16_t port = natt ? 4500 : 500;
    struct ike_event ev = {.kind = IKE_EV_DATAGRAM, .natt = natt, .data = b};
    uint8_t *exact = malloc(b.len ? b.len : 1); /* so that ASan sees the first octet behind it */

    REQUIRE(exact);
    if (b.len)
        memcpy(exact, b.p, b.len);
    ev.data.p = exact;
    ev.local = (struct kd_endpoint){p->s[side].cfg.local, port};
    ev.remote = (struct kd_endpoint){p->s[!side].cfg.local, port};
    pair_step(p, side, &ev);
    free(exact);
}

static void op_datagram(struct pair *p, int side, struct kd_reader *r)
{
    bool natt = kd_get_u8(r) & 1;

    deliver_bytes(p, side, natt, get_piece(r));
}

static struct ike_sa *victim(struct pair *p, int side)
{
    struct ike_conn *c = ike_conn_find(p->s[side].e, 7);
    struct ike_sa *sa = ike_sa_get(p->s[side].e, c->sa);

    if (!sa)
        sa = ike_sa_get(p->s[side].e, c->attempt);
    return sa && sa->open.box ? sa : NULL;
}

/* A well-formed message with any payloads, under the peer's own key, with the id that is
 * expected. */
static void op_sealed(struct pair *p, int side, struct kd_reader *r)
{
    static uint8_t buf[20000];
    static const uint8_t iv[IKE_IV_MAX] = {9};
    struct ike_sa *sa = victim(p, side);
    uint8_t what = kd_get_u8(r), n = kd_get_u8(r) & 15;
    static const uint8_t exchanges[] = {IKE_X_AUTH, IKE_X_CREATE_CHILD_SA, IKE_X_INFORMATIONAL,
                                        IKE_X_INTERMEDIATE, IKE_X_FOLLOWUP_KE};
    struct ike_header h = {.exchange = exchanges[what % KD_ARRAY_LEN(exchanges)]};
    struct ike_build b;
    struct kd_bytes msg;

    if (!sa)
        return;
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    h.flags = (what & 0x80 ? IKE_FLAG_RESPONSE : 0) | (sa->initiator ? 0 : IKE_FLAG_INITIATOR);
    h.msg_id = what & 0x80 ? sa->tx.next_id - 1 : sa->rx.next_id;
    if (what & 0x80)
        h.exchange = sa->tx.exchange;
    ike_build_begin(&b, buf, sizeof(buf), &h);
    ike_build_seal(&b, &sa->open, iv);
    while (n--) {
        uint8_t type = kd_get_u8(r);
        ike_put_payload(&b, (uint8_t)(IKE_PL_SA + type % 16), get_piece(r));
    }
    msg = ike_build_end(&b);
    if (msg.len)
        deliver_bytes(p, side, sa->natt, msg);
}

/* A fragment of any number and total, under the peer's own key (RFC 7383). */
static void op_fragment(struct pair *p, int side, struct kd_reader *r)
{
    static uint8_t buf[1024];
    struct ike_sa *sa = victim(p, side);
    uint8_t what = kd_get_u8(r);
    struct ike_header h = {.next = IKE_PL_SKF, .version = 0x20};
    struct kd_writer w;

    if (!sa)
        return;
    memcpy(h.spi_i, sa->spi_i, 8);
    memcpy(h.spi_r, sa->spi_r, 8);
    h.flags = (what & 0x80 ? IKE_FLAG_RESPONSE : 0) | (sa->initiator ? 0 : IKE_FLAG_INITIATOR);
    h.msg_id = (what & 0x80 ? sa->tx.next_id - 1 : sa->rx.next_id) - (what >> 6 & 1);
    h.exchange = what & 0x80 ? sa->tx.exchange : (uint8_t)(IKE_X_AUTH + what % 3);
    kd_writer_init(&w, buf, sizeof(buf));
    ike_header_write(&w, &h);
    kd_put_u8(&w, kd_get_u8(r)); /* the first payload inside */
    kd_put_zero(&w, 3);
    kd_put_u16(&w, kd_get_u8(r));
    kd_put_u16(&w, kd_get_u8(r));
    kd_put_zero(&w, ike_sk_iv_len(&sa->open));
    kd_put_bytes(&w, get_piece(r));
    ike_sk_close(&w, &sa->open, IKE_HEADER_LEN, IKE_HEADER_LEN + 8, 0);
    deliver_bytes(p, side, sa->natt, kd_written(&w));
}

static void op_flip(struct pair *p, int side, struct kd_reader *r)
{
    unsigned at = kd_get_u16(r), bit = kd_get_u8(r);
    struct pair_packet *k;

    (void)side;
    if (p->n_pkt == 0)
        return;
    k = &p->pkt[p->n_pkt - 1];
    k->data[at % k->len] ^= (uint8_t)bit;
}

static void op_lose(struct pair *p, int side, struct kd_reader *r)
{
    (void)r;
    if (p->n_pkt == 0)
        return;
    if (side)
        travel(p, &p->pkt[p->n_pkt - 1], KD_MS(40)); /* or repeat */
    else
        free(p->pkt[--p->n_pkt].data);
}

static void op_conditions(struct pair *p, int side, struct kd_reader *r)
{
    uint8_t b = kd_get_u8(r);

    p->s[side].refuse_install = b & 1;
    p->s[side].cut_in = b & 2;
    p->s[side].hold_jobs = b & 4;
    p->s[side].hold_install = b & 8;
    p->loss_pct = b >> 4;
    pair_release(p, side);
}

static void op_expire(struct pair *p, int side, struct kd_reader *r)
{
    bool soft = kd_get_u8(r) & 1;

    if (p->s[side].n_children)
        pair_step(p, side,
                  &(struct ike_event){
                      .kind = IKE_EV_CHILD_EXPIRE, .ok = soft, .child = p->s[side].child[0].child});
}

/* An answer to a job or an installation that nobody waits for, or an untrue one. */
static void op_stale(struct pair *p, int side, struct kd_reader *r)
{
    struct ike_event ev = {.kind = kd_get_u8(r) & 1 ? IKE_EV_JOB_DONE : IKE_EV_CHILD_RESULT};
    struct kd_handle h = {kd_get_u8(r) & 7, kd_get_u8(r)};

    ev.job = ev.child = h;
    ev.job_status = (enum kc_job_status)(kd_get_u8(r) % 3);
    ev.data = get_piece(r);
    if (ev.kind == IKE_EV_JOB_DONE && ev.job_status == KC_JOB_OK)
        ev.secret = kc_key_import(p->s[side].crypto, kd_bytes("secret", 6));
    pair_step(p, side, &ev);
}

static void heal(struct pair *p)
{
    p->loss_pct = 0;
    for (int i = 0; i < 2; i++) {
        p->s[i].refuse_install = p->s[i].cut_in = p->s[i].hold_jobs = p->s[i].hold_install = false;
        pair_release(p, i);
    }
    pair_command(p, A, IKE_CMD_DOWN);
    pair_command(p, B, IKE_CMD_DOWN);
    pair_run(p, KD_S(60));
    kd_assert(pair_nothing_left(p));
}

/* The last of the suites comes with certificates, so that every operation meets the states that
 * wait for signatures and chains, and IKE_AUTH has CERT and CERTREQ. Loaded once: they are constant
 * and bound to no pair. */
static void use_certs(struct pair *p)
{
    static const struct certs_spec spec = {key_p256, cert_p256, cert_mid, cert_root, NULL};
    static struct ike_certs certs;

    if (!certs.key)
        certs = certs_load(kc_ctx_new(KC_PROVIDER_SIM, 1), &spec);
    for (int side = 0; side < 2; side++) {
        p->s[side].cfg.auth =
            (struct ike_auth_config){IKE_AUTH_CERT, IKE_AUTH_CERT, &certs, false, false, ""};
        pair_config(p, side);
    }
}

/* Crash detection tokens, and a PPK that need not be used. */
static void extensions(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        struct ike_ppk_config *ppk = &p->s[i].cfg.ppk;
        p->s[i].qcd = i ? "b" : "a";
        ppk->key = kc_key_import(p->s[i].crypto, kd_bytes_str("ppk"));
        ppk->id[0] = 'x';
        ppk->id_len = 1;
        pair_restart(p, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const ops[])(struct pair *, int, struct kd_reader *) = {
        op_run,  op_command,    op_datagram, op_sealed, op_flip,
        op_lose, op_conditions, op_expire,   op_stale,  op_fragment,
    };
    struct kd_reader r;
    struct pair *p;
    uint8_t setup;

    kd_reader_init(&r, kd_bytes(data, len));
    setup = kd_get_u8(&r);
    p = pair_new(setup, suites[setup & 3][0], suites[setup & 3][1]);
    if ((setup & 3) == 3)
        use_certs(p);
    if (setup & 4) {
        p->s[B].cfg.role = IKE_ROLE_BOTH;
        pair_config(p, B);
    }
    for (int i = 0; i < 2 && setup & 2; i++) { /* what kedge sends is cut as well */
        p->s[i].cfg.fragment_size = IKE_FRAGMENT_MIN;
        pair_config(p, i);
    }
    if (setup & 4)
        extensions(p);
    p->nat_a = setup & 8;
    pair_command(p, B, IKE_CMD_UP);
    pair_command(p, A, IKE_CMD_UP);
    pair_run(p, setup & 0x80 ? KD_MS(50) : (setup >> 4 & 7) * KD_MS(3));
    for (int i = 0; i < OPS_MAX && kd_reader_left(&r); i++) {
        uint8_t op = kd_get_u8(&r);
        ops[(op & 0x7f) % KD_ARRAY_LEN(ops)](p, op >> 7, &r);
    }
    heal(p);
    pair_free(p);
    return 0;
}
