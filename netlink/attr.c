/* Attribute walking and checking. libmnl's own mnl_attr_parse() stops in silence at an attribute
 * that runs over the end; here that refuses the message. */
#include "netlink/parse.h"

static bool take(const struct nlattr *a, const uint8_t *types, size_t n, const struct nlattr **tb)
{
    uint16_t type = mnl_attr_get_type(a);

    if (type >= n || types[type] == MNL_TYPE_UNSPEC)
        return true;
    if (mnl_attr_validate(a, (enum mnl_attr_data_type)types[type]) < 0)
        return false;
    tb[type] = a;
    return true;
}

static bool walk(const uint8_t *p, size_t len, const uint8_t *types, size_t n,
                 const struct nlattr **tb)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        tb[i] = NULL;
    while (at < len) {
        const struct nlattr *a = (const void *)(p + at);

        if (!mnl_attr_ok(a, (int)(len - at)) || !take(a, types, n, tb))
            return false;
        at += MNL_ALIGN(a->nla_len);
    }
    return true;
}

bool nl_attrs(const struct nlmsghdr *h, size_t fixed_len, const uint8_t *types, size_t n,
              const struct nlattr **tb)
{
    const size_t at = MNL_NLMSG_HDRLEN + MNL_ALIGN(fixed_len);

    if (h->nlmsg_len < MNL_NLMSG_HDRLEN + fixed_len)
        return false;
    return walk((const uint8_t *)h + at, h->nlmsg_len > at ? h->nlmsg_len - at : 0, types, n, tb);
}

bool nl_attrs_in(const struct nlattr *a, const uint8_t *types, size_t n, const struct nlattr **tb)
{
    return walk(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), types, n, tb);
}

uint32_t nl_attr_u32(const struct nlattr *a)
{
    return a ? mnl_attr_get_u32(a) : 0;
}

bool nl_attr_addr(const struct nlattr *a, uint8_t family, struct kd_addr *out)
{
    *out = (struct kd_addr){0};
    if (!a)
        return true;
    if (mnl_attr_get_payload_len(a) != (family == 4 ? 4 : 16))
        return false;
    *out = kd_addr_from(family, mnl_attr_get_payload(a));
    return true;
}

void nl_attr_str(const struct nlattr *a, char *dst, size_t cap)
{
    const char *s = a ? mnl_attr_get_str(a) : "";
    size_t len = strnlen(s, cap - 1);

    memcpy(dst, s, len);
    dst[len] = '\0';
}

uint8_t nl_family(uint8_t af)
{
    return af == AF_INET ? 4 : af == AF_INET6 ? 6 : 0;
}
