/* The incoming side: attributes checked against a table, and one parser a message type. Internal to
 * netlink/. Messages are complete and aligned here (nl_next() sees to it). */
#ifndef NL_PARSE_H
#define NL_PARSE_H

#include "netlink/msg.h"

#include <libmnl/libmnl.h>

/* Fills tb[0..n) with the last attribute of each type that types[] names (enum mnl_attr_data_type;
 * MNL_TYPE_UNSPEC: skipped, MNL_TYPE_BINARY: any length), NULL where absent. fixed_len: of the part
 * before the attributes. False when the fixed part is short, an attribute runs over the end, or one
 * has not its type's length. */
bool nl_attrs(const struct nlmsghdr *h, size_t fixed_len, const uint8_t *types, size_t n,
              const struct nlattr **tb) KD_MUST_USE;
/* The same of what is nested in a, an attribute of type MNL_TYPE_NESTED. */
bool nl_attrs_in(const struct nlattr *a, const uint8_t *types, size_t n,
                 const struct nlattr **tb) KD_MUST_USE;

/* Takes the next message from *data, complete and aligned (copied where it isn't): see nl_next().
 */
bool nl_frame(struct kd_bytes *data, void (*parse)(const struct nlmsghdr *h, void *arg),
              void *arg) KD_MUST_USE;
/* What is alike in all families: acks, the end of a dump, overruns; else NL_OTHER with seq and
 * interrupted. */
void nl_parse_control(const struct nlmsghdr *h, struct nl_event *ev);

/* The value, or 0 for NULL. */
uint32_t nl_attr_u32(const struct nlattr *a);
/* An address of the family (4 or 6), or none for NULL. False on another length. */
bool nl_attr_addr(const struct nlattr *a, uint8_t family, struct kd_addr *out) KD_MUST_USE;
/* Copies at most cap - 1 characters of a checked MNL_TYPE_NUL_STRING; "" for NULL. */
void nl_attr_str(const struct nlattr *a, char *dst, size_t cap);

/* AF_INET, AF_INET6 to 4, 6; anything else to 0. */
uint8_t nl_family(uint8_t af);

/* Each fills its member of ev: NULL when done, "" when the message isn't ours to read, else what is
 * malformed in it. */
const char *nl_parse_ack(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_done(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_link(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_addr(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_route(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_nexthop(const struct nlmsghdr *h, struct nl_event *ev);
const char *nl_parse_rule(const struct nlmsghdr *h, struct nl_event *ev);

#endif
