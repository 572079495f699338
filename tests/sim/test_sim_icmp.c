/* Routers' complaints about too long datagrams, in virtual time: a true one has the path measured
 * at once, a forged one changes nothing, and what is none is nothing. */
#include "test_sim.h"

#include <stdlib.h>

#define ESP 50
#define UDP 17
#define TCP 6

struct message {
    uint8_t type, code, protocol;
    uint16_t mtu, port;
    const char *from, *to;
};

static const struct message good = {3, 4, ESP, 1400, 0, "198.51.100.20", "203.0.113.10"};

static void put_header4(struct kd_writer *w, uint8_t protocol, const char *from, const char *to)
{
    struct kd_addr a[2];

    assert_true(kd_addr_parse(from, &a[0]) && kd_addr_parse(to, &a[1]));
    kd_put_u8(w, 0x45);
    kd_put_zero(w, 8);
    kd_put_u8(w, protocol);
    kd_put_zero(w, 2);
    kd_put_bytes(w, kd_bytes(a[0].b, 4));
    kd_put_bytes(w, kd_bytes(a[1].b, 4));
}

static size_t build(const struct message *m, uint8_t *buf, size_t cap)
{
    struct kd_writer w;

    kd_writer_init(&w, buf, cap);
    put_header4(&w, 1, "192.0.2.1", m->from);
    kd_put_u8(&w, m->type);
    kd_put_u8(&w, m->code);
    kd_put_zero(&w, 4);
    kd_put_u16(&w, m->mtu);
    put_header4(&w, m->protocol, m->from, m->to);
    kd_put_u16(&w, m->port);
    kd_put_zero(&w, 6);
    assert_true(w.ok);
    return w.pos;
}

static size_t build6(const struct message *m, uint8_t *buf, size_t cap)
{
    struct kd_addr a[2];
    struct kd_writer w;

    assert_true(kd_addr_parse(m->from, &a[0]) && kd_addr_parse(m->to, &a[1]));
    kd_writer_init(&w, buf, cap);
    kd_put_u8(&w, m->type);
    kd_put_u8(&w, m->code);
    kd_put_zero(&w, 2);
    kd_put_u32(&w, m->mtu);
    kd_put_u8(&w, 0x60);
    kd_put_zero(&w, 5);
    kd_put_u8(&w, m->protocol);
    kd_put_u8(&w, 64);
    kd_put_bytes(&w, kd_bytes(a[0].b, 16));
    kd_put_bytes(&w, kd_bytes(a[1].b, 16));
    kd_put_u16(&w, m->port);
    kd_put_zero(&w, 6);
    assert_true(w.ok);
    return w.pos;
}

static void post(struct sim_pair *p, uint8_t family, const uint8_t *data, size_t len)
{
    sim_gw_post(p->onprem,
                &(struct core_ev){.kind = CORE_EV_ICMP, .n = family, .data = kd_bytes(data, len)});
}

static void complain(struct sim_pair *p, const struct message *m)
{
    uint8_t buf[128];

    post(p, 4, buf, build(m, buf, sizeof(buf)));
}

static struct core_pmtu_view path(const struct sim_pair *p)
{
    struct core_tunnel_view v;

    assert_true(core_tunnel_get(p->onprem->core, SIM_VPN, &v));
    assert_int_equal(v.state, CORE_T_UP);
    return v.pmtu;
}

/* Measured once, and not again for an hour; from then on the way carries 1400. */
static void narrowed(struct sim_pair *p, uint64_t seed)
{
    struct sim_pair_options o = {.seed = seed, .bfd_us = 300000};

    pair_new(p, &o);
    p->onprem->cfg.tunnels[0].mtu_probe_us = KD_S(3600);
    sim_pair_start(p);
    sim_run(p->sim, KD_S(90));
    assert_true(path(p).at_us > 0 && path(p).path >= path(p).need);
    p->internet->faults.mtu = 1400;
}

static void a_complaint_has_the_path_measured_at_once(void **st KD_UNUSED)
{
    struct sim_pair p;

    narrowed(&p, 1);
    sim_run(p.sim, KD_S(60));
    assert_true(path(&p).path >= path(&p).need); /* nothing says so yet */
    complain(&p, &good);
    sim_run(p.sim, KD_S(60));
    assert_in_range(path(&p).path, 1400 - 15, 1400);
    sim_pair_free(&p);
}

static void a_forged_one_is_measured_and_found_wrong(void **st KD_UNUSED)
{
    static const uint16_t claims[] = {0, 1, 68, 600, 1300, 1499};

    for (size_t i = 0; i < KD_ARRAY_LEN(claims); i++) {
        struct message m = good;
        struct sim_pair p;
        uint32_t was;
        narrowed(&p, 10 + i);
        p.internet->faults.mtu = 0;
        was = path(&p).path;
        m.mtu = claims[i];
        complain(&p, &m);
        sim_run(p.sim, KD_S(60));
        assert_int_equal(path(&p).path, was);
        sim_pair_free(&p);
    }
}

static void what_is_no_complaint_about_us_starts_nothing(void **st KD_UNUSED)
{
    struct message bad[] = {good, good, good, good, good, good, good, good};
    struct sim_pair p;
    uint64_t at_us;

    narrowed(&p, 20);
    at_us = path(&p).at_us;
    bad[0].type = 11;                             /* time exceeded */
    bad[1].code = 3;                              /* port unreachable */
    bad[2].from = "198.51.100.21";                /* of somebody else */
    bad[3].to = "203.0.113.11";                   /* to nobody we know */
    bad[4].protocol = TCP;                        /* neither IKE nor ESP */
    bad[5].protocol = UDP, bad[5].port = 53;      /* nor this */
    bad[6].mtu = 1500;                            /* no news: as much as is wanted */
    bad[7].from = good.to, bad[7].to = good.from; /* the wrong way round */
    for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++)
        complain(&p, &bad[i]);
    sim_run(p.sim, KD_S(60));
    assert_int_equal(path(&p).at_us, at_us);
    bad[5].port = 500;
    complain(&p, &bad[5]);
    sim_run(p.sim, KD_S(60));
    assert_true(path(&p).at_us > at_us);
    sim_pair_free(&p);
}

static void a_message_that_is_cut_off_is_none(void **st KD_UNUSED)
{
    const struct message six = {2, 0, ESP, 1400, 0, "2001:db8::1", "2001:db8::2"};
    uint8_t buf[128];
    struct sim_pair p;
    uint64_t at_us;
    size_t len;

    narrowed(&p, 21);
    at_us = path(&p).at_us;
    len = build(&good, buf, sizeof(buf));
    for (size_t n = 0; n < len - 8; n++) /* the last octets tell nothing */
        post(&p, 4, buf, n);
    buf[0] = 0x44; /* a header shorter than a header, and one longer than all */
    post(&p, 4, buf, len);
    buf[0] = 0x4f;
    post(&p, 4, buf, len);
    len = build6(&six, buf, sizeof(buf));
    for (size_t n = 0; n <= len; n++)
        post(&p, 6, buf, n);
    sim_run(p.sim, KD_S(60));
    assert_int_equal(path(&p).at_us, at_us);
    sim_pair_free(&p);
}

/* Ten thousand in a minute: a measurement every ten seconds at most, and the tunnel stays. */
static void a_flood_of_them_costs_a_few_measurements(void **st KD_UNUSED)
{
    uint64_t last_us = 0;
    unsigned measured = 0;
    struct sim_pair p;
    size_t mark;

    narrowed(&p, 22);
    p.internet->faults.mtu = 0;
    mark = p.onprem->n_rec;
    for (unsigned i = 0; i < 6000; i++) {
        struct message m = good;
        m.mtu = (uint16_t)(i % 1600);
        complain(&p, &m);
        sim_run(p.sim, KD_MS(10));
        measured += path(&p).at_us != last_us;
        last_us = path(&p).at_us;
    }
    printf("# %u measurements\n", measured);
    assert_in_range(measured, 2, 8);
    assert_never(p.onprem, mark, CORE_NOTE_TUNNEL_STATE, SIM_ANY);
    assert_never(p.onprem, mark, CORE_NOTE_BGP_STOP, SIM_ANY);
    sim_pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complaint_has_the_path_measured_at_once),
        cmocka_unit_test(a_forged_one_is_measured_and_found_wrong),
        cmocka_unit_test(what_is_no_complaint_about_us_starts_nothing),
        cmocka_unit_test(a_message_that_is_cut_off_is_none),
        cmocka_unit_test(a_flood_of_them_costs_a_few_measurements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
