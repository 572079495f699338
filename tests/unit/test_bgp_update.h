/* What the tests of UPDATE share: the mandatory attributes, and the verdict on a list of them. */
#ifndef TEST_TEST_BGP_UPDATE_H
#define TEST_TEST_BGP_UPDATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bgp/aspath.h"
#include "bgp/nlri.h"
#include "bgp/update.h"

#include <stdio.h>
#include <stdlib.h>

#define ORIGIN_IGP 0x40, 1, 1, 0
#define PATH_65000 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe8
#define NEXT_HOP   0x40, 3, 4, 192, 0, 2, 10
#define MANDATORY  ORIGIN_IGP, PATH_65000, NEXT_HOP

static uint8_t room[BGP_UPDATE_SCRATCH];

static inline struct bgp_update parse_with(const void *attrs, size_t n_attrs, const void *nlri,
                                           size_t n_nlri, bool as4, bool ibgp)
{
    static uint8_t body[8192];
    struct bgp_session_rules rules = {.as4 = as4, .ibgp = ibgp, .peer_as = 65000};
    struct bgp_update u;
    struct kd_writer w, scratch;

    kd_writer_init(&w, body, sizeof(body));
    kd_put_u16(&w, 0);
    kd_put_u16(&w, (uint16_t)n_attrs);
    kd_put_bytes(&w, kd_bytes(attrs, n_attrs));
    kd_put_bytes(&w, kd_bytes(nlri, n_nlri));
    kd_writer_init(&scratch, room, sizeof(room));
    bgp_update_parse(kd_written(&w), &rules, &scratch, &u);
    return u;
}

static const uint8_t one_prefix[] = {16, 10, 1};

static inline enum bgp_disposition verdict(const uint8_t *attrs, size_t n, bool ibgp)
{
    return parse_with(attrs, n, one_prefix, sizeof(one_prefix), true, ibgp).verdict;
}

/* Mandatory attributes and one more. */
static inline enum bgp_disposition with(bool ibgp, uint8_t flags, uint8_t code, const void *value,
                                        uint8_t len)
{
    uint8_t buf[512] = {MANDATORY};
    size_t n = sizeof((uint8_t[]){MANDATORY});

    buf[n] = flags;
    buf[n + 1] = code;
    buf[n + 2] = len;
    memcpy(buf + n + 3, value, len);
    return verdict(buf, n + 3 + len, ibgp);
}

#define V(ibgp, ...)                                                                               \
    verdict((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), ibgp)

static inline struct bgp_update parse_body(const void *body, size_t len)
{
    struct bgp_session_rules rules = {.as4 = true, .peer_as = 65000};
    struct bgp_update u;
    struct kd_writer scratch;

    kd_writer_init(&scratch, room, sizeof(room));
    bgp_update_parse(kd_bytes(body, len), &rules, &scratch, &u);
    return u;
}

#endif
