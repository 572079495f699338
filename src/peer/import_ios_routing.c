/* The commands of IOS-XE for interfaces, for the access lists that are a tunnel's selectors, and
 * for BGP. */
#include "peer/import_ios.h"

#include <string.h>

static bool if_address(struct import_ios *r)
{
    return !ios_is(r, 4, "secondary") && import_copy(r->o->address, IMPORT_WORD, ios_word(r, 2));
}

static bool if_unnumbered(struct import_ios *r)
{
    return import_copy(r->o->text, sizeof(r->o->text), ios_word(r, 2));
}

static bool if_address6(struct import_ios *r)
{
    char text[IMPORT_WORD];

    snprintf(text, sizeof(text), "%.*s", (int)strcspn(ios_word(r, 2), "/"), ios_word(r, 2));
    return import_copy(r->o->address, IMPORT_WORD, text);
}

static bool if_mtu(struct import_ios *r)
{
    return ios_number(r, 2, &r->o->mtu);
}

static bool if_mss(struct import_ios *r)
{
    return ios_number(r, 3, &r->o->mss);
}

static bool if_source(struct import_ios *r)
{
    return import_copy(r->o->local, IMPORT_WORD, ios_word(r, 2));
}

static bool if_destination(struct import_ios *r)
{
    return import_copy(r->o->remote, IMPORT_WORD, ios_word(r, 2));
}

static bool if_profile(struct import_ios *r)
{
    return import_copy(r->o->uses, IMPORT_WORD, ios_word(r, 4));
}

static bool if_selectors(struct import_ios *r)
{
    return import_copy(r->o->acl, IMPORT_WORD, ios_word(r, 5));
}

/* permit ip A W B W, any for a pair: a selector pair, "A/LEN>B/LEN" */
static bool acl_permit(struct import_ios *r)
{
    char side[2][IMPORT_WORD], both[2 * IMPORT_WORD + 2];
    unsigned i = 2;

    for (int k = 0; k < 2; k++) {
        if (ios_is(r, i, "any")) {
            strcpy(side[k], "0.0.0.0/0");
            i++;
        } else {
            if (!ios_prefix(ios_word(r, i), ios_word(r, i + 1), true, side[k]))
                return false;
            i += 2;
        }
    }
    snprintf(both, sizeof(both), "%s>%s", side[0], side[1]);
    return i == r->n_w && import_append(r->o->text, sizeof(r->o->text), both);
}

static struct ios_session *session_of(struct import_ios *r)
{
    for (unsigned i = 0; i < r->n_sessions; i++)
        if (strcmp(r->session[i].remote, ios_word(r, 1)) == 0)
            return &r->session[i];
    if (r->n_sessions == IMPORT_TUNNELS ||
        !import_copy(r->session[r->n_sessions].remote, IMPORT_WORD, ios_word(r, 1)))
        return NULL;
    r->session[r->n_sessions].line = r->line;
    return &r->session[r->n_sessions++];
}

static bool bgp_remote_as(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && ios_number(r, 3, &s->asn);
}

static bool bgp_source(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && import_copy(s->source, IMPORT_WORD, ios_word(r, 3));
}

static bool bgp_timers(struct import_ios *r)
{
    struct ios_session *s = session_of(r);

    return s && ios_number(r, 3, &s->keepalive_s) && ios_number(r, 4, &s->hold_s);
}

static bool bgp_network(struct import_ios *r)
{
    struct import *im = r->im;

    if (im->n_networks == KD_ARRAY_LEN(im->network) || !ios_is(r, 2, "mask"))
        return false;
    if (!ios_prefix(ios_word(r, 1), ios_word(r, 3), false, im->network[im->n_networks]))
        return false;
    for (unsigned i = 0; i < im->n_networks; i++)
        if (strcmp(im->network[i], im->network[im->n_networks]) == 0)
            return true; /* in another address family, or once more */
    im->n_networks++;
    return true;
}

static bool bgp_router_id(struct import_ios *r)
{
    return import_copy(r->im->router_id, IMPORT_WORD, ios_word(r, 2));
}

const struct ios_command import_ios_routing[] = {
    {B_INTERFACE, "ip address", if_address},
    {B_INTERFACE, "ipv6 address", if_address6},
    {B_INTERFACE, "ip unnumbered", if_unnumbered},
    {B_INTERFACE, "ip mtu", if_mtu},
    {B_INTERFACE, "ip tcp adjust-mss", if_mss},
    {B_INTERFACE, "tunnel source", if_source},
    {B_INTERFACE, "tunnel mode ipsec ipv4", import_ios_nothing},
    {B_INTERFACE, "tunnel mode ipsec ipv6", import_ios_nothing},
    {B_INTERFACE, "tunnel destination", if_destination},
    {B_INTERFACE, "tunnel protection ipsec profile", if_profile},
    {B_INTERFACE, "tunnel protection ipsec policy ipv4", if_selectors},
    {B_ACL, "permit ip", acl_permit},
    {B_BGP, "bgp router-id", bgp_router_id},
    {B_BGP, "neighbor * remote-as", bgp_remote_as},
    {B_BGP, "neighbor * update-source", bgp_source},
    {B_BGP, "neighbor * timers", bgp_timers},
    {B_BGP, "neighbor * ebgp-multihop", import_ios_nothing},
    {B_BGP, "neighbor * activate", import_ios_nothing},
    {B_BGP, "neighbor * soft-reconfiguration inbound", import_ios_nothing},
    {B_BGP, "address-family ipv4", import_ios_nothing},
    {B_BGP, "address-family ipv6", import_ios_nothing},
    {B_BGP, "exit-address-family", import_ios_nothing},
    {B_BGP, "network", bgp_network},
    {B_NONE, NULL, NULL},
};
