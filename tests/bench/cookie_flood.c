/* Sends IKE_SA_INIT requests without a cookie as fast as it can, for tests/bench/cookie.
 *
 *   build/tests/bench_cookie_flood ADDRESS SECONDS */
#include "ike/grammar.h"
#include "ike/message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64

static uint8_t msg[BATCH][1024];
static struct iovec iov[BATCH];
static struct mmsghdr hdr[BATCH];

static void make(struct sockaddr_in *to)
{
    static const uint8_t pub[256] = {1}, nonce[32] = {2};
    struct ike_header h = {.spi_i = {1}, .exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_INITIATOR};
    static struct ike_proposals offer = {.n = 1};
    char err[256];

    if (!ike_proposal_from_string("aes256-sha256-modp2048", IKE_PROTO_IKE, &offer.p[0], err,
                                  sizeof(err)))
        exit(1);
    for (int i = 0; i < BATCH; i++) {
        struct ike_build b;

        ike_build_begin(&b, msg[i], sizeof(msg[i]), &h);
        ike_put_sa(&b, &offer, IKE_PROTO_IKE, kd_bytes(NULL, 0), false);
        ike_put_ke(&b, KC_DH_MODP2048, kd_bytes(pub, sizeof(pub)));
        ike_put_nonce(&b, kd_bytes(nonce, sizeof(nonce)));
        iov[i] = (struct iovec){msg[i], ike_build_end(&b).len};
        hdr[i].msg_hdr = (struct msghdr){
            .msg_name = to, .msg_namelen = sizeof(*to), .msg_iov = &iov[i], .msg_iovlen = 1};
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(500)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t n = 0;
    time_t end;

    if (argc != 3 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    make(&to);
    for (end = time(NULL) + atoi(argv[2]); time(NULL) < end;) {
        static uint8_t answer[2048];

        for (int i = 0; i < BATCH; i++, n++)
            memcpy(msg[i] + 4, &n, sizeof(n));
        (void)sendmmsg(fd, hdr, BATCH, 0);
        while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
            ;
    }
    printf("%u\n", n);
    return 0;
}
