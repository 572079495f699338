/* Writes the seeds of the IKE targets: every form of message, and beside it the nearest one that is
 * refused. usage: gen_corpus DIR (fuzz/corpus; ike_clear and ike_inner are made below it). The
 * files are kept in the tree; run it again when a payload is added. */
#include "tests/unit/ike_letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define I IKE_FLAG_INITIATOR
#define R IKE_FLAG_RESPONSE

struct seed {
    const char *name, *letters;
    uint8_t exchange, flags;
    uint16_t at[2]; /* octets to change afterwards, 0: none; from the end when above 0x8000 */
    uint8_t v[2];
};

#define END(n) (0x8000 + (n))

static const struct seed clear[] = {
    {"init-req", "SKNddV", IKE_X_SA_INIT, I, {0}, {0}},
    {"init-req-cookie", "cSKNdd", IKE_X_SA_INIT, I, {0}, {0}},
    {"init-req-unknown", "uSKuN", IKE_X_SA_INIT, I, {0}, {0}},
    {"init-resp", "SKNddQV", IKE_X_SA_INIT, R, {0}, {0}},
    {"init-refused", "e", IKE_X_SA_INIT, R, {0}, {0}},
    {"init-cookie", "cV", IKE_X_SA_INIT, R, {0}, {0}},
    {"clear-notify", "e", IKE_X_INFORMATIONAL, R, {0}, {0}},
    {"fragment", "F", IKE_X_AUTH, I, {0}, {0}},
    {"all", "SKNIRCQAirPEVnckdDx", IKE_X_SA_INIT, I, {0}, {0}},
    {"bad-critical", "SKUN", IKE_X_SA_INIT, I, {0}, {0}},
    {"bad-twice", "SKNN", IKE_X_SA_INIT, I, {0}, {0}},
    {"bad-missing", "SK", IKE_X_SA_INIT, I, {0}, {0}},
    {"bad-version", "SKN", IKE_X_SA_INIT, I, {17}, {0x30}},
    {"bad-length", "SKN", IKE_X_SA_INIT, I, {27}, {0xff}},
    {"bad-spi-r", "SKN", IKE_X_SA_INIT, I, {15}, {1}},
    {"bad-message-id", "SKN", IKE_X_SA_INIT, I, {23}, {1}},
    {"bad-payload-length-0", "SKN", IKE_X_SA_INIT, I, {31}, {0}},
    {"bad-payload-length-3", "KSN", IKE_X_SA_INIT, I, {31}, {3}},
    {"bad-next-payload", "SKN", IKE_X_SA_INIT, I, {END(36)}, {33}},
    {"bad-ikev1-number", "v", IKE_X_SA_INIT, I, {29}, {0x80}},
    {"bad-clear-delete", "D", IKE_X_INFORMATIONAL, I, {0}, {0}},
    {"bad-clear-beside-fragment", "nF", IKE_X_AUTH, I, {0}, {0}},
    {"bad-transform-count", "SKN", IKE_X_SA_INIT, I, {39}, {5}},
    {"bad-spi-size", "SKN", IKE_X_SA_INIT, I, {38}, {255}},
    {"bad-key-length", "SKN", IKE_X_SA_INIT, I, {50}, {0xff}},
    {"bad-attribute", "SKN", IKE_X_SA_INIT, I, {48}, {0}},
};

static const struct seed inner[] = {
    {"auth-req", "IAsir", IKE_X_AUTH, I, {0}, {0}},
    {"auth-req-full", "ICQRAPsirnV", IKE_X_AUTH, I, {0}, {0}},
    {"auth-eap", "Isir", IKE_X_AUTH, I, {0}, {0}},
    {"auth-childless", "IA", IKE_X_AUTH, I, {0}, {0}},
    {"auth-resp", "RAsir", IKE_X_AUTH, R, {0}, {0}},
    {"auth-no-child", "RAe", IKE_X_AUTH, R, {0}, {0}},
    {"auth-refused", "e", IKE_X_AUTH, R, {0}, {0}},
    {"child-req", "sNir", IKE_X_CREATE_CHILD_SA, I, {0}, {0}},
    {"child-rekey", "ksNKir", IKE_X_CREATE_CHILD_SA, I, {0}, {0}},
    {"child-resp", "sNKir", IKE_X_CREATE_CHILD_SA, R, {0}, {0}},
    {"child-refused", "e", IKE_X_CREATE_CHILD_SA, R, {0}, {0}},
    {"rekey-ike-req", "SNK", IKE_X_CREATE_CHILD_SA, I, {0}, {0}},
    {"rekey-ike-resp", "SNK", IKE_X_CREATE_CHILD_SA, R, {0}, {0}},
    {"inter-req", "K", IKE_X_INTERMEDIATE, I, {0}, {0}},
    {"inter-resp", "K", IKE_X_INTERMEDIATE, R, {0}, {0}},
    {"inter-refused", "e", IKE_X_INTERMEDIATE, R, {0}, {0}},
    {"bad-inter-empty", "", IKE_X_INTERMEDIATE, I, {0}, {0}},
    {"followup-req", "Kn", IKE_X_FOLLOWUP_KE, I, {0}, {0}},
    {"followup-resp", "K", IKE_X_FOLLOWUP_KE, R, {0}, {0}},
    {"followup-refused", "e", IKE_X_FOLLOWUP_KE, R, {0}, {0}},
    {"bad-followup-no-link", "K", IKE_X_FOLLOWUP_KE, I, {0}, {0}},
    {"info-empty", "", IKE_X_INFORMATIONAL, I, {0}, {0}},
    {"info-delete-ike", "D", IKE_X_INFORMATIONAL, I, {0}, {0}},
    {"info-delete-esp", "xn", IKE_X_INFORMATIONAL, 0, {0}, {0}},
    {"info-resp", "x", IKE_X_INFORMATIONAL, R, {0}, {0}},
    {"bad-fragment-inside", "F", IKE_X_AUTH, I, {0}, {0}},
    {"bad-no-auth", "Rsir", IKE_X_AUTH, R, {0}, {0}},
    {"bad-critical", "IAUsir", IKE_X_AUTH, I, {0}, {0}},
    {"bad-rekey-protocol", "ksNir", IKE_X_CREATE_CHILD_SA, I, {32}, {1}},
    {"bad-rekey-spi-size", "ksNir", IKE_X_CREATE_CHILD_SA, I, {33}, {8}},
    {"bad-delete-count", "x", IKE_X_INFORMATIONAL, I, {35}, {3}},
    {"bad-delete-spi-size", "x", IKE_X_INFORMATIONAL, I, {33}, {8}},
    {"bad-ts-count", "irsN", IKE_X_CREATE_CHILD_SA, I, {32}, {2}},
    {"bad-ts-length", "irsN", IKE_X_CREATE_CHILD_SA, I, {39}, {15}},
    {"bad-ts-range", "irsN", IKE_X_CREATE_CHILD_SA, I, {44}, {11}},
    {"bad-id-type", "IAsir", IKE_X_AUTH, I, {32}, {0}},
    {"bad-id-dn", "IAsir", IKE_X_AUTH, I, {32}, {9}},
    {"bad-esp-spi", "sNir", IKE_X_CREATE_CHILD_SA, I, {40, 42}, {0, 0}},
};

static void put_file(const char *dir, const char *kind, const char *name, const uint8_t *p,
                     size_t n)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, kind);
    mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name);
    f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void make(struct buf *x, const struct seed *s)
{
    build(x, s->exchange, s->flags, s->letters);
    for (unsigned i = 0; i < 2; i++) {
        size_t at = s->at[i] & 0x8000 ? x->n - (s->at[i] & 0x7fff) : s->at[i];

        if (at)
            x->b[at] = s->v[i];
    }
}

/* The inner target's input: exchange, flags, first payload, chain. */
static void put_inner(const char *dir, const struct seed *s, struct buf *x)
{
    make(x, s);
    x->b[25] = x->b[18];
    x->b[26] = x->b[19];
    x->b[27] = x->b[16];
    put_file(dir, "ike_inner", s->name, x->b + 25, x->n - 25);
}

static void put_offer(const char *dir, const char *name, const struct ike_proposals *l)
{
    struct ike_header h = header_of(IKE_X_SA_INIT, I);
    static uint8_t out[8192];
    struct ike_build b;
    struct kd_bytes msg;

    ike_build_begin(&b, out, sizeof(out), &h);
    ike_put_sa(&b, l, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
    put_letter(&b, 'K');
    put_letter(&b, 'N');
    msg = ike_build_end(&b);
    put_file(dir, "ike_clear", name, msg.p, msg.len);
}

/* An offer of ESP proposals, as in CREATE_CHILD_SA. */
static void put_child(const char *dir, const char *name, const struct ike_proposals *l)
{
    struct ike_header h = header_of(IKE_X_CREATE_CHILD_SA, I);
    static uint8_t out[8192];
    struct ike_build b;
    struct kd_bytes msg;

    ike_build_begin(&b, out, sizeof(out), &h);
    ike_put_sa(&b, l, IKE_PROTO_ESP, kd_bytes(some, 4), false);
    for (const char *c = "Nir"; *c; c++)
        put_letter(&b, *c);
    msg = ike_build_end(&b);
    out[25] = out[18];
    out[26] = out[19];
    out[27] = out[16];
    put_file(dir, "ike_inner", name, msg.p + 25, msg.len - 25);
}

static void put_profiles(const char *dir)
{
    static struct ike_proposals ike, esp;
    char name[64];

    for (const char *const *p = ike_profile_names; *p; p++) {
        bool ok = ike_profile(*p, &ike, NULL, &esp);

        kd_assert(ok);
        snprintf(name, sizeof(name), "init-%s", *p);
        put_offer(dir, name, &ike);
        snprintf(name, sizeof(name), "child-%s", *p);
        put_child(dir, name, &esp);
    }
    ike = one_proposal("aes256-aes128-3des-sha1-sha256-modp1024-modp2048", IKE_PROTO_IKE);
    put_offer(dir, "init-cisco", &ike);
}

int main(int argc, char **argv)
{
    static struct buf x;
    char many[IKE_MSG_PAYLOADS + 2] = "";

    if (argc != 2) {
        fprintf(stderr, "usage: gen_corpus DIR\n");
        return 2;
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(clear); i++) {
        make(&x, &clear[i]);
        put_file(argv[1], "ike_clear", clear[i].name, x.b, x.n);
    }
    for (size_t i = 0; i < KD_ARRAY_LEN(inner); i++)
        put_inner(argv[1], &inner[i], &x);
    put_profiles(argv[1]);
    memset(many, 'u', IKE_MSG_PAYLOADS + 1);
    build(&x, IKE_X_SA_INIT, I, many);
    put_file(argv[1], "ike_clear", "bad-too-many", x.b, x.n);
    build(&x, IKE_X_SA_INIT, I, "SKN");
    put_file(argv[1], "ike_clear", "bad-cut", x.b, x.n - 1);
    put_file(argv[1], "ike_clear", "bad-header-cut", x.b, 27);
    return 0;
}
