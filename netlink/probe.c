/* Finds out whether this kernel does ESP, by trying. Decides nothing: core chooses the data plane.
 */
#include "netlink/probe.h"

#include "netlink/socket.h"
#include "netlink/xfrm.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>

#define TALK_MS 1000

/* Should kedge die between the two messages, the kernel removes the SA by itself. */
#define PROBE_LIFE_S 10

static enum nl_esp_support judge_open(int err, char *reason, size_t cap)
{
    if (err == EPERM || err == EACCES) {
        snprintf(reason, cap, "no permission for XFRM netlink (need CAP_NET_ADMIN)");
        return NL_ESP_NO_PERMISSION;
    }
    if (err == EPROTONOSUPPORT || err == EAFNOSUPPORT) {
        snprintf(reason, cap, "no XFRM netlink in this kernel (%s)", strerror(err));
        return NL_ESP_NO_XFRM;
    }
    snprintf(reason, cap, "can't open XFRM netlink: %s", strerror(err));
    return NL_ESP_UNKNOWN;
}

enum nl_esp_support nl_esp_judge(int open_err, int add_err, const char *text, char *reason,
                                 size_t cap)
{
    if (open_err)
        return judge_open(open_err, reason, cap);
    if (!text[0])
        text = strerror(add_err);
    switch (add_err) {
    case 0:
        snprintf(reason, cap, "ESP in this kernel");
        return NL_ESP_SUPPORTED;
    case EPERM:
    case EACCES:
        snprintf(reason, cap, "no permission to add an SA (need CAP_NET_ADMIN)");
        return NL_ESP_NO_PERMISSION;
    case EEXIST: /* the SPI is taken */
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case ETIMEDOUT:
        snprintf(reason, cap, "can't tell whether this kernel does ESP: %s", text);
        return NL_ESP_UNKNOWN;
    default:
        snprintf(reason, cap, "no ESP in this kernel: %s", text);
        return NL_ESP_ABSENT;
    }
}

static int talk(struct nl_socket *s, const struct nl_sa *sa, bool add, char *text, size_t cap)
{
    struct nl_sa_id id = {sa->dst, sa->spi};
    uint8_t raw[1024];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};
    uint32_t seq = add ? 1 : 2;

    kd_assert(add ? nl_put_sa(&b, seq, sa) : nl_put_sa_del(&b, seq, &id));
    return nl_talk(s, &b, seq, TALK_MS, text, cap);
}

/* With its answer lost the SA may be there all the same, hence the delete; one that was never added
 * or isn't ours (EEXIST) is not touched. */
static enum nl_esp_support try(struct nl_socket *s, const struct nl_sa *sa, char *reason,
                               size_t cap)
{
    char text[160];
    int err = talk(s, sa, true, text, sizeof(text));
    enum nl_esp_support res = nl_esp_judge(0, err, text, reason, cap);

    if (err != 0 && err != ETIMEDOUT && err != ENOBUFS)
        return res;
    err = talk(s, sa, false, text, sizeof(text));
    if (err && res == NL_ESP_SUPPORTED)
        snprintf(reason, cap, "ESP in this kernel; the probe's SA %08x stays until it expires: %s",
                 sa->spi, text[0] ? text : strerror(err));
    return res;
}

static struct nl_sa probe_sa(bool v6, uint32_t spi, const struct nl_sa_alg *encr,
                             const struct nl_sa_alg *integ)
{
    struct nl_sa sa = {.spi = spi,
                       .encr = *encr,
                       .integ = *integ,
                       .reqid = NL_PROBE_REQID,
                       .any_family = true,
                       .life.hard_add_s = PROBE_LIFE_S};

    kd_assert(spi >= 256);
    kd_assert(kd_addr_parse(v6 ? "2001:db8::6b65:1" : "192.0.2.1", &sa.src));
    kd_assert(kd_addr_parse(v6 ? "2001:db8::6b65:2" : "198.51.100.1", &sa.dst));
    return sa;
}

enum nl_esp_support nl_probe_esp(const struct kd_addr *local, uint32_t spi,
                                 const struct nl_sa_alg *encr, const struct nl_sa_alg *integ,
                                 char *reason, size_t cap)
{
    struct nl_sa sa = probe_sa(local && local->family == 6, spi, encr, integ);
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    enum nl_esp_support res;

    if (!s)
        return nl_esp_judge(errno, 0, "", reason, cap);
    res = try(s, &sa, reason, cap);
    nl_close(s);
    return res;
}

/* One that only sends and has a replay window: refused as soon as the kernel reads the direction,
 * before it looks for the algorithm. */
bool nl_probe_direction(uint32_t spi, const struct nl_sa_alg *encr, const struct nl_sa_alg *integ)
{
    struct nl_sa sa = probe_sa(false, spi, encr, integ);
    struct nl_socket *s = nl_open(NETLINK_XFRM, NULL);
    char text[160];
    int err;

    if (!s)
        return false;
    sa.dir_known = true;
    sa.dir = NL_SA_OUT;
    sa.window = 32;
    err = talk(s, &sa, true, text, sizeof(text));
    if (err == 0)
        (void)talk(s, &sa, false, text, sizeof(text));
    nl_close(s);
    return err == EINVAL;
}

#define PROBE_NAME "kedge-probe"

static int make_interface(struct nl_socket *s, char *text, size_t cap)
{
    uint8_t raw[256];
    struct nl_buf b = {.p = raw, .cap = sizeof(raw)};
    uint32_t ifindex;
    int err;

    kd_assert(nl_put_link_xfrm(&b, 1, PROBE_NAME, NL_PROBE_REQID, 0));
    err = nl_talk(s, &b, 1, TALK_MS, text, cap);
    ifindex = if_nametoindex(PROBE_NAME);
    if (ifindex == 0 || (err && err != EEXIST))
        return err;
    b.len = 0;
    kd_assert(nl_put_link_del(&b, 2, ifindex));
    return nl_talk(s, &b, 2, TALK_MS, text, cap);
}

bool nl_probe_interface(char *reason, size_t cap)
{
    struct nl_socket *s = nl_open(NETLINK_ROUTE, NULL);
    char text[160] = "";
    int err = s ? make_interface(s, text, sizeof(text)) : errno;

    if (err == EOPNOTSUPP)
        snprintf(reason, cap, "no XFRM interfaces in this kernel (module xfrm_interface)");
    else
        snprintf(reason, cap, "%s", text[0] ? text : err ? strerror(err) : "");
    nl_close(s);
    return err == 0;
}
