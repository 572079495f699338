/* The outgoing side common to all messages. Knows no message type. */
#include "netlink/build.h"

void *nl_build_start(struct nl_build *m, uint16_t type, uint16_t flags, uint32_t seq,
                     size_t fixed_len)
{
    struct nlmsghdr *h;

    memset(m->raw, 0, sizeof(m->raw)); /* libmnl leaves the padding behind attributes as it was */
    h = mnl_nlmsg_put_header(m->raw);

    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | flags;
    h->nlmsg_seq = seq;
    return mnl_nlmsg_put_extra_header(h, fixed_len);
}

void nl_build_put(struct nl_build *m, uint16_t attr, const void *data, size_t len)
{
    kd_assert(mnl_attr_put_check(&m->h, sizeof(m->raw), attr, len, data));
}

void nl_build_u32(struct nl_build *m, uint16_t attr, uint32_t v)
{
    nl_build_put(m, attr, &v, sizeof(v));
}

void nl_build_addr(struct nl_build *m, uint16_t attr, const struct kd_addr *a)
{
    nl_build_put(m, attr, a->b, kd_addr_len(a));
}

bool nl_build_end(const struct nl_build *m, struct nl_buf *b)
{
    size_t len = m->h.nlmsg_len;

    kd_assert(len == MNL_ALIGN(len) && b->len <= b->cap);
    if (b->cap - b->len < len)
        return false;
    memcpy(b->p + b->len, m->raw, len);
    b->len += len;
    return true;
}

uint8_t nl_af(uint8_t family)
{
    return family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
}
