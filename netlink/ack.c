/* Answers: NLMSG_ERROR (an ack when its error is 0) and NLMSG_DONE, with the extended ack's text.
 * Which attribute was at fault (NLMSGERR_ATTR_OFFS) is not read. */
#include "netlink/parse.h"

#include <errno.h>

static const uint8_t types[] = {
    [NLMSGERR_ATTR_MSG] = MNL_TYPE_NUL_STRING,
};

/* The kernel speaks in negative errno, of which there are MAX_ERRNO = 4095. */
static bool set_error(struct nl_event *ev, int error)
{
    if (error > 0 || error < -4095)
        return false;
    ev->error = -error;
    return true;
}

/* fixed_len: where the extended ack begins. */
static const char *set_text(const struct nlmsghdr *h, size_t fixed_len, struct nl_event *ev)
{
    const struct nlattr *tb[KD_ARRAY_LEN(types)];

    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
        return NULL;
    if (!nl_attrs(h, fixed_len, types, KD_ARRAY_LEN(types), tb))
        return "ack: malformed extended ack";
    nl_attr_str(tb[NLMSGERR_ATTR_MSG], ev->text, sizeof(ev->text));
    for (char *c = ev->text; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return NULL;
}

const char *nl_parse_ack(const struct nlmsghdr *h, struct nl_event *ev)
{
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
    size_t fixed_len = sizeof(*e);

    if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
        return "ack: short";
    if (!set_error(ev, e->error))
        return "ack: not an errno";
    /* Without NLM_F_CAPPED the whole request comes back before the extended ack. */
    if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
        if (e->msg.nlmsg_len < MNL_NLMSG_HDRLEN || e->msg.nlmsg_len > h->nlmsg_len)
            return "ack: malformed request in it";
        fixed_len += e->msg.nlmsg_len - MNL_NLMSG_HDRLEN;
    }
    return set_text(h, fixed_len, ev);
}

const char *nl_parse_done(const struct nlmsghdr *h, struct nl_event *ev)
{
    const int *error = mnl_nlmsg_get_payload(h);

    if (mnl_nlmsg_get_payload_len(h) < sizeof(*error))
        return NULL; /* some families send none */
    if (!set_error(ev, *error))
        return "done: not an errno";
    return set_text(h, sizeof(*error), ev);
}
