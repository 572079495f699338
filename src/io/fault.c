/* The fault switch's state and its requests. */
#include "io/fault.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_SUCH_TYPE 0x7fff /* of a netlink message */

enum io_fault io_fault_ask(struct io *io, int *error)
{
    struct io_faults *f = &io->faults;

    f->asked++;
    if (f->in == 0 || --f->in > 0)
        return IO_FAULT_NONE;
    *error = f->error;
    return f->error ? IO_FAULT_REFUSE : IO_FAULT_LOSE;
}

void io_fault_message(struct io *io, const struct nl_socket *s, uint8_t *msg)
{
    struct io_faults *f = &io->faults;
    struct nlmsghdr h;
    int error = 0;
    enum io_fault kind = io_fault_ask(io, &error);

    if (kind == IO_FAULT_NONE)
        return;
    memcpy(&h, msg, sizeof(h));
    f->sock = s;
    f->seq = h.nlmsg_seq;
    f->seq_error = error;
    if (kind == IO_FAULT_REFUSE)
        h.nlmsg_type = NO_SUCH_TYPE;
    memcpy(msg, &h, sizeof(h));
}

/* The message at p is what the fault is about: true when all is to be lost. */
static bool hit(struct io_faults *f, uint8_t *p, const struct nlmsghdr *h)
{
    const int error = -f->seq_error;

    if (f->seq_error && h->nlmsg_type != NLMSG_ERROR)
        return false; /* news that carry its number */
    f->seq = 0;
    if (f->seq_error)
        memcpy(p + sizeof(*h), &error, sizeof(error));
    return !f->seq_error;
}

bool io_fault_answers(struct io *io, const struct nl_socket *s, uint8_t *data, size_t len)
{
    struct io_faults *f = &io->faults;
    struct nlmsghdr h = {0};

    for (size_t at = 0; f->seq && f->sock == s && at + sizeof(h) <= len;
         at += NLMSG_ALIGN(h.nlmsg_len)) {
        memcpy(&h, data + at, sizeof(h));
        if (h.nlmsg_len < sizeof(h))
            return false;
        if (h.nlmsg_seq == f->seq && hit(f, data + at, &h))
            return true;
    }
    return false;
}

/* ---- /v1/faults ---- */

static uint32_t number(const struct ctl_request *req, const char *key)
{
    const char *v = req->query(req->query_arg, key);

    return v ? (uint32_t)strtoul(v, NULL, 10) : 0;
}

void io_fault_open(struct io *io)
{
    const char *v = getenv("KEDGE_FAULTS"), *colon = v ? strchr(v, ':') : NULL;

    io->faults = (struct io_faults){.open = colon != NULL};
    if (!colon)
        return;
    io->faults.in = (uint32_t)strtoul(v, NULL, 10);
    io->faults.error = (int)strtoul(colon + 1, NULL, 10);
}

bool io_fault_request(struct io *io, const struct ctl_request *req, struct ctl_response *res)
{
    struct io_faults *f = &io->faults;
    int n;

    if (strcmp(req->path, "/v1/faults") != 0 || !f->open)
        return false;
    if (req->query(req->query_arg, "in"))
        *f = (struct io_faults){.open = true,
                                .asked = f->asked,
                                .in = number(req, "in"),
                                .error = (int)number(req, "errno")};
    *res = (struct ctl_response){
        .status = 200, .type = "application/json", .tunnel = CORE_NO_TUNNEL, .peer = CORE_NO_PEER};
    n = asprintf(&res->body, "{\"asked\": %llu}\n", (unsigned long long)f->asked);
    res->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}
