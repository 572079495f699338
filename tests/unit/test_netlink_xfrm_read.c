/* XFRM messages as they are read: round trips, and what only the kernel says. */
#include "test_netlink_xfrm.h"

#include <errno.h>
#include <linux/netlink.h>

/* --- round trips --- */

static void same_sel(const struct nl_selector *a, const struct nl_selector *b)
{
    assert_int_equal(a->family, b->family);
    assert_true(kd_prefix_eq(&a->src, &b->src));
    assert_true(kd_prefix_eq(&a->dst, &b->dst));
    assert_int_equal(a->proto, b->proto);
    assert_int_equal(a->sport, b->sport);
    assert_int_equal(a->sport_mask, b->sport_mask);
    assert_int_equal(a->dport, b->dport);
    assert_int_equal(a->dport_mask, b->dport_mask);
    assert_int_equal(a->ifindex, b->ifindex);
}

static void same_alg(const struct nl_sa_alg *a, const struct nl_sa_alg *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->key_len, b->key_len);
    assert_int_equal(a->icv_bits, b->icv_bits);
    assert_memory_equal(a->key, b->key, sizeof(a->key));
}

static void same_sa(const struct nl_sa *a, const struct nl_sa *b)
{
    assert_true(kd_addr_eq(&a->src, &b->src));
    assert_true(kd_addr_eq(&a->dst, &b->dst));
    assert_int_equal(a->spi, b->spi);
    assert_int_equal(a->reqid, b->reqid);
    assert_int_equal(a->if_id, b->if_id);
    same_sel(&a->sel, &b->sel);
    assert_int_equal(a->any_family, b->any_family);
    same_alg(&a->encr, &b->encr);
    same_alg(&a->integ, &b->integ);
    assert_int_equal(a->esn, b->esn);
    assert_int_equal(a->window, b->window);
    assert_memory_equal(&a->replay, &b->replay, sizeof(a->replay));
    assert_int_equal(a->dir, b->dir);
    assert_int_equal(a->encap, b->encap);
    assert_int_equal(a->encap_sport, b->encap_sport);
    assert_int_equal(a->encap_dport, b->encap_dport);
    assert_int_equal(a->mapping_max_s, b->mapping_max_s);
    assert_int_equal(a->mark_out, b->mark_out);
    assert_int_equal(a->mark_out_mask, b->mark_out_mask);
    assert_int_equal(a->offload, b->offload);
    assert_int_equal(a->offload_ifindex, b->offload_ifindex);
    assert_int_equal(a->pcpu_set, b->pcpu_set);
    assert_int_equal(a->pcpu, b->pcpu);
    assert_memory_equal(&a->life, &b->life, sizeof(a->life));
    assert_memory_equal(&a->used, &b->used, sizeof(a->used));
}

static void an_sa_round_trips_with_everything_in_it(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct nl_sa sa = full_sa(v6), plain = gcm_sa();

        buf.len = 0;
        assert_true(nl_put_sa(&buf, 1, &sa));
        feed_back(NL_XFRM_SA);
        assert_false(ev.base.is_del);
        same_sa(&ev.sa, &sa);
        assert_int_equal(ev.sa.proto, 50);
        assert_int_equal(ev.sa.mode, XFRM_MODE_TUNNEL);
        buf.len = 0;
        plain.dir = NL_SA_BOTH;
        assert_true(nl_put_sa_update(&buf, 1, &plain));
        feed_back(NL_XFRM_SA);
        same_sa(&ev.sa, &plain);
    }
}

static void used_counters_are_read_from_the_fixed_part(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    assert_true(nl_put_sa(&buf, 1, &sa));
    unhex("e803000000000000 0200000000000000 0300000000000000 0400000000000000"
          "05000000 06000000 07000000",
          buf.p + CURLFT);
    feed_back(NL_XFRM_SA);
    assert_int_equal(ev.sa.used.bytes, 1000);
    assert_int_equal(ev.sa.used.packets, 2);
    assert_int_equal(ev.sa.used.add_s, 3);
    assert_int_equal(ev.sa.used.use_s, 4);
    assert_int_equal(ev.sa.dropped_replay, 6);
    assert_int_equal(ev.sa.dropped_auth, 7);
}

static void a_small_windows_state_round_trips(void **state)
{
    struct nl_sa sa = gcm_sa();

    (void)state;
    sa.dir = NL_SA_BOTH;
    sa.replay = (struct nl_sa_replay){.seq = 9, .oseq = 4, .n_words = 1, .words = {0x1ff}};
    assert_true(nl_put_sa(&buf, 1, &sa));
    expect_attr(XFRMA_REPLAY_VAL, "1000 0a00 04000000 09000000 ff010000");
    feed_back(NL_XFRM_SA);
    same_sa(&ev.sa, &sa);
}

static void same_policy(const struct nl_policy *a, const struct nl_policy *b)
{
    same_sel(&a->sel, &b->sel);
    assert_int_equal(a->dir, b->dir);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->if_id, b->if_id);
    assert_int_equal(a->n_tmpl, b->n_tmpl);
    assert_true(kd_addr_eq(&a->tmpl.src, &b->tmpl.src));
    assert_true(kd_addr_eq(&a->tmpl.dst, &b->tmpl.dst));
    assert_int_equal(a->tmpl.spi, b->tmpl.spi);
    assert_int_equal(a->tmpl.reqid, b->tmpl.reqid);
}

static void a_policy_round_trips(void **state)
{
    struct nl_policy p[4] = {out_policy(), out_policy(), out_policy(), out_policy()};

    (void)state;
    p[1].sel = flow("2001:db8::/32", "::/0"); /* IPv6 inside IPv4 */
    p[1].dir = NL_POLICY_FWD;
    p[1].block = true;
    p[2].tmpl = (struct nl_policy_tmpl){.reqid = 7}; /* any addresses, as inbound */
    p[2].dir = NL_POLICY_IN;
    p[3].n_tmpl = 0;
    p[3].tmpl = (struct nl_policy_tmpl){0};
    for (size_t i = 0; i < 4; i++) {
        buf.len = 0;
        assert_true(nl_put_policy(&buf, 1, &p[i], i & 1));
        feed_back(NL_XFRM_POLICY);
        same_policy(&ev.policy, &p[i]);
    }
}

/* --- what only the kernel says --- */

static void put(const void *p, size_t len)
{
    memcpy(buf.p + buf.len, p, len);
    buf.len += len;
}

static void begin(uint16_t type)
{
    struct nlmsghdr h = {.nlmsg_type = type};

    buf.len = 0;
    memset(room, 0, sizeof(room));
    put(&h, sizeof(h));
}

static void put_attr(uint16_t type, const void *p, size_t len)
{
    uint16_t head[2] = {(uint16_t)(4 + len), type};

    put(head, sizeof(head));
    put(p, len);
    while (buf.len % 4)
        buf.p[buf.len++] = 0;
}

/* A NEWSA's fixed part and attributes, for messages that carry an SA inside. */
static size_t sa_bytes(uint8_t *out)
{
    struct nl_sa sa = cbc_sa();
    uint8_t raw[2048];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    assert_true(nl_put_sa(&b, 1, &sa));
    memcpy(out, raw + 16, b.len - 16);
    return b.len - 16;
}

static void expire_names_the_sa_and_how_hard(void **state)
{
    uint8_t sa[1024];
    uint8_t hard[8] = {1};
    uint32_t if_id = 5;

    (void)state;
    sa_bytes(sa);
    for (int i = 0; i < 2; i++) {
        begin(XFRM_MSG_EXPIRE);
        hard[0] = (uint8_t)i;
        put(sa, 224);
        put(hard, 8);
        put_attr(XFRMA_IF_ID, &if_id, 4);
        end();
        feed_back(NL_XFRM_EXPIRE);
        assert_int_equal(ev.hard, i);
        assert_int_equal(ev.sa.spi, 0xc0ffee01);
        assert_int_equal(ev.sa.reqid, 0x6b650007);
        assert_int_equal(ev.sa.if_id, 5);
    }
    buf.len = 16 + 224 + 7; /* the part that says how hard, cut */
    end();
    refused("expire: malformed attributes");
}

static void a_deleted_sa_is_told_with_what_it_was(void **state)
{
    uint8_t sa[1024], id[24] = {0};
    uint32_t if_id = 5;

    (void)state;
    sa_bytes(sa);
    begin(XFRM_MSG_DELSA);
    put(id, sizeof(id));
    put_attr(XFRMA_SA, sa, 224);
    put_attr(XFRMA_IF_ID, &if_id, 4);
    end();
    feed_back(NL_XFRM_SA);
    assert_true(ev.base.is_del);
    assert_int_equal(ev.sa.spi, 0xc0ffee01);
    begin(XFRM_MSG_DELSA);
    put(id, sizeof(id));
    put_attr(XFRMA_SA, sa, 223);
    end();
    refused("sa: deleted, without which");
}

static void a_deleted_policy_is_told_with_what_it_was(void **state)
{
    struct nl_policy p = out_policy();
    uint8_t raw[1024], id[64] = {0};
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    (void)state;
    assert_true(nl_put_policy(&b, 1, &p, false));
    begin(XFRM_MSG_DELPOLICY);
    put(id, sizeof(id));
    put_attr(XFRMA_POLICY, raw + 16, 168);
    put(raw + 16 + 168, b.len - 16 - 168);
    end();
    feed_back(NL_XFRM_POLICY);
    assert_true(ev.base.is_del);
    same_policy(&ev.policy, &p);
    begin(XFRM_MSG_DELPOLICY);
    put(id, sizeof(id));
    end();
    refused("policy: deleted, without which");
}

static void mapping_tells_where_the_peer_is_now(void **state)
{
    struct xfrm_user_mapping m = {0};

    (void)state;
    assert_int_equal(sizeof(m), 64);
    begin(XFRM_MSG_MAPPING);
    unhex("c0000201 00000000 00000000 00000000 c0ffee01 0200 32 00 0700656b"
          "c6336401 00000000 00000000 00000000 c6336402 00000000 00000000 00000000 1194 0401",
          buf.p + 16);
    buf.len = 16 + 64;
    end();
    feed_back(NL_XFRM_MAPPING);
    assert_int_equal(ev.mapping.id.spi, 0xc0ffee01);
    assert_int_equal(ev.mapping.reqid, 0x6b650007);
    assert_true(kd_addr_eq(&ev.mapping.id.dst, &(struct kd_addr){4, {192, 0, 2, 1}}));
    assert_true(kd_addr_eq(&ev.mapping.old_src, &(struct kd_addr){4, {198, 51, 100, 1}}));
    assert_true(kd_addr_eq(&ev.mapping.src, &(struct kd_addr){4, {198, 51, 100, 2}}));
    assert_int_equal(ev.mapping.old_sport, 4500);
    assert_int_equal(ev.mapping.sport, 1025);
    buf.p[16 + 20] = 3; /* of no family that there is */
    refused("mapping: bad family");
    buf.len--;
    end();
    refused("mapping: short");
}

static void newae_tells_where_the_numbers_stand(void **state)
{
    struct nl_sa_id id = {ip("198.51.100.1"), 0xc0ffee01};
    uint32_t replay[3] = {4, 9, 0x1ff};
    uint64_t used[4] = {1000, 2, 3, 4};

    (void)state;
    assert_true(nl_put_sa_threshold(&buf, 13, &id, 1));
    feed_back(NL_XFRM_AE);
    assert_false(ev.ae.has_replay);
    put_attr(XFRMA_REPLAY_VAL, replay, sizeof(replay));
    put_attr(XFRMA_LTIME_VAL, used, sizeof(used));
    end();
    feed_back(NL_XFRM_AE);
    assert_true(ev.ae.has_replay);
    assert_int_equal(ev.ae.id.spi, 0xc0ffee01);
    assert_int_equal(ev.ae.replay.seq, 9);
    assert_int_equal(ev.ae.replay.oseq, 4);
    assert_int_equal(ev.ae.used.packets, 2);
    buf.len -= 4;
    end();
    refused("ae: malformed attributes"); /* it runs over the end */
}

static void acquire_tells_the_packet_and_its_policy(void **state)
{
    struct nl_policy p = out_policy();
    struct nl_selector pkt = flow("10.1.0.1/32", "10.2.0.2/32");
    struct xfrm_user_acquire a = {0};
    uint8_t raw[1024];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};

    (void)state;
    assert_int_equal(sizeof(a), 280);
    assert_true(nl_put_policy(&b, 1, &p, false));
    memcpy(&a.policy, raw + 16, sizeof(a.policy));
    a.sel.family = 2;
    memcpy(&a.sel.saddr, pkt.src.addr.b, 4);
    memcpy(&a.sel.daddr, pkt.dst.addr.b, 4);
    a.sel.prefixlen_s = a.sel.prefixlen_d = 32;
    begin(XFRM_MSG_ACQUIRE);
    put(&a, sizeof(a));
    put(raw + 16 + 168, b.len - 16 - 168);
    end();
    feed_back(NL_XFRM_ACQUIRE);
    same_policy(&ev.policy, &p);
    same_sel(&ev.acquire_sel, &pkt);
    a.sel.prefixlen_s = 33;
    begin(XFRM_MSG_ACQUIRE);
    put(&a, sizeof(a));
    end();
    refused("acquire: bad family or prefix");
}

static void acks_and_the_end_of_a_dump_are_read_as_elsewhere(void **state)
{
    (void)state;
    buf.len = unhex("3e000000 0200 0003 05000000 00000000 daffffff"
                    "f8000000 1000 0506 05000000 00000000"
                    "1a00 0100 4e6f206b6579206d616e61676572 2068657265 2e00 00",
                    buf.p);
    end();
    assert_true(feed(buf.p, buf.len));
    assert_int_equal(ev.base.kind, NL_ACK);
    assert_string_equal(ev.base.text, "No key manager here.");
    assert_int_equal(ev.base.seq, 5);
    assert_int_equal(ev.base.error, 38);
    buf.len = unhex("14000000 0300 1200 06000000 00000000 00000000", buf.p);
    feed_back(NL_XFRM_NONE);
    assert_int_equal(ev.base.kind, NL_DONE);
    assert_true(ev.base.interrupted);
}

static void a_multipart_dump_is_walked_to_its_end(void **state)
{
    struct nl_sa sa = cbc_sa();
    struct kd_bytes d;
    unsigned n = 0;

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        sa.spi = 0x1000 + i;
        assert_true(nl_put_sa(&buf, 7, &sa));
    }
    buf.len += unhex("14000000 0300 0200 07000000 00000000 00000000", buf.p + buf.len);
    d = kd_bytes(buf.p, buf.len);
    while (nl_xfrm_next(&d, &ev) && ev.kind == NL_XFRM_SA)
        assert_int_equal(ev.sa.spi, 0x1000 + n++);
    assert_int_equal(n, 4);
    assert_int_equal(ev.base.kind, NL_DONE);
    assert_int_equal(d.len, 0);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_sa_round_trips_with_everything_in_it),
        T(used_counters_are_read_from_the_fixed_part),
        T(a_small_windows_state_round_trips),
        T(a_policy_round_trips),
        T(expire_names_the_sa_and_how_hard),
        T(a_deleted_sa_is_told_with_what_it_was),
        T(a_deleted_policy_is_told_with_what_it_was),
        T(mapping_tells_where_the_peer_is_now),
        T(newae_tells_where_the_numbers_stand),
        T(acquire_tells_the_packet_and_its_policy),
        T(acks_and_the_end_of_a_dump_are_read_as_elsewhere),
        T(a_multipart_dump_is_walked_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
