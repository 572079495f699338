/* What both languages come to, written as kedge.yaml. Whatever came from the file stands between
 * quotation marks: it can't be anything but a string. */
#include "ike/proposal.h"
#include "ike/suites.h"
#include "peer/import.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *const import_names[] = {
    [IMPORT_IOS] = "ios", [IMPORT_SWANCTL] = "swanctl", [IMPORT_KINDS] = NULL};

/* ---- helpers of the readers ---- */

void import_note(struct import *im, unsigned line, const char *text, const char *why)
{
    struct import_note *n = &im->note[im->n_notes];

    if (im->n_notes == IMPORT_NOTES) {
        im->more_notes++;
        return;
    }
    im->n_notes++;
    n->line = line;
    snprintf(n->text, sizeof(n->text), "%.60s%s%.30s", text, why[0] ? ": " : "", why);
    for (char *c = n->text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
}

bool import_copy(char *to, size_t cap, const char *from)
{
    if (strlen(from) >= cap)
        return false;
    memcpy(to, from, strlen(from) + 1);
    return true;
}

bool import_append(char *to, size_t cap, const char *from)
{
    size_t n = strlen(to);

    return n + strlen(from) + 2 < cap && snprintf(to + n, cap - n, "%s%s", n ? ", " : "", from) > 0;
}

bool import_number(const char *s, unsigned long long max, unsigned long long *out)
{
    char *end;

    *out = strtoull(s, &end, 10);
    return isdigit((unsigned char)s[0]) && !*end && *out <= max;
}

static bool taken(const struct import *im, const char *name)
{
    for (unsigned i = 0; i < im->n; i++)
        if (strcmp(im->t[i].name, name) == 0)
            return true;
    return false;
}

/* The length of what kedge.yaml takes of base: room for "-99" behind it. */
static size_t clean(const char *base, char first, char name[16])
{
    size_t n = 0;

    for (; *base && n < 12; base++)
        if (isalnum((unsigned char)*base) || (n > 0 && strchr("-_. ", *base)))
            name[n++] = isalnum((unsigned char)*base) ? (char)tolower((unsigned char)*base) : '-';
    while (n > 0 && name[n - 1] == '-')
        n--;
    if (n == 0)
        name[n++] = first;
    name[n] = '\0';
    return n;
}

void import_tunnel_name(const struct import *im, const char *base, char name[16])
{
    size_t n = clean(base, 't', name);

    for (unsigned i = 2; taken(im, name); i++)
        snprintf(name + n, 16 - n, "-%u", i);
}

static bool child_taken(const struct import_tunnel *t, const char *name)
{
    for (unsigned i = 0; i < t->n_children; i++)
        if (strcmp(t->child[i].name, name) == 0)
            return true;
    return false;
}

void import_child_name(const struct import_tunnel *t, const char *base, char name[16])
{
    char one[16];
    size_t n = clean(base, 'c', one);

    for (unsigned i = 2; child_taken(t, one); i++)
        snprintf(one + n, 16 - n, "-%u", i);
    memcpy(name, one, sizeof(one));
}

bool import_hex(struct kd_bytes octets, const char *before, char out[IMPORT_WORD])
{
    size_t n = strlen(before);

    if (octets.len == 0 || n + 2 * octets.len >= IMPORT_WORD)
        return false;
    memcpy(out, before, n);
    for (size_t i = 0; i < octets.len; i++)
        snprintf(out + n + 2 * i, 3, "%02x", octets.p[i]);
    return true;
}

/* ---- YAML ---- */

static void put_quoted(FILE *to, const char *s)
{
    fputc('"', to);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', to);
        if ((unsigned char)*s < 0x20)
            fprintf(to, "\\x%02x", (unsigned)*s);
        else
            fputc(*s, to);
    }
    fputc('"', to);
}

static void put_text(FILE *to, const char *indent, const char *key, const char *value)
{
    if (!value[0])
        return;
    fprintf(to, "%s%s: ", indent, key);
    put_quoted(to, value);
    fputc('\n', to);
}

/* "a, b" as ["a", "b"]. */
static void put_list(FILE *to, const char *value)
{
    char one[IMPORT_LIST];
    const char *end;

    fputc('[', to);
    for (const char *at = value; *at; at = *end ? end + 2 : end) {
        end = strstr(at, ", ");
        end = end ? end : at + strlen(at);
        snprintf(one, sizeof(one), "%.*s", (int)(end - at), at);
        fputs(at == value ? "" : ", ", to);
        put_quoted(to, one);
    }
    fputc(']', to);
}

static void put_auth(const struct import_tunnel *t, FILE *to)
{
    const char *cert = t->certs[0] ? t->certs : "CERTIFICATE";

    fputs("    auth:\n", to);
    if (t->cert_local)
        fputs("      key-file: PRIVATE_KEY    # is not in the file\n", to);
    if (t->cert_local)
        put_text(to, "      ", "cert", cert);
    if (t->cert_remote)
        fputs("      ca: [", to);
    if (t->cert_remote)
        put_quoted(to, t->cacerts[0] ? t->cacerts : "CA_CERTIFICATE");
    if (t->cert_remote)
        fputs("]\n", to);
    if (t->cert_local && t->cert_remote)
        return;
    if (t->psk_hex[0])
        put_text(to, "      ", "psk-hex", t->psk_hex);
    else
        put_text(to, "      ", "psk", t->psk[0] ? t->psk : "PRE_SHARED_KEY");
}

static void put_selectors(FILE *to, const char *head, const struct import_child *c)
{
    fprintf(to, "%slocal: ", head);
    put_list(to, c->local_ts[0] ? c->local_ts : "0.0.0.0/0");
    fputs(", remote: ", to);
    put_list(to, c->remote_ts[0] ? c->remote_ts : "0.0.0.0/0");
    fputs("}\n", to);
}

static void put_children(const struct import_tunnel *t, FILE *to)
{
    char head[64];

    if (t->n_children == 0 ||
        (t->n_children == 1 && !t->child[0].local_ts[0] && !t->child[0].remote_ts[0]))
        return;
    if (t->n_children == 1) {
        put_selectors(to, "    selectors: {", &t->child[0]);
        return;
    }
    fputs("    children:\n", to);
    for (unsigned i = 0; i < t->n_children; i++) {
        snprintf(head, sizeof(head), "      - {name: %s, ", t->child[i].name);
        put_selectors(to, head, &t->child[i]);
    }
}

static void put_lifetime(const struct import_tunnel *t, FILE *to)
{
    if (!t->ike_life_s && !t->child_life_s && !t->child_life_kb)
        return;
    fputs("    lifetime: {", to);
    if (t->ike_life_s)
        fprintf(to, "ike: %us", t->ike_life_s);
    if (t->child_life_s)
        fprintf(to, "%sesp: %us", t->ike_life_s ? ", " : "", t->child_life_s);
    if (t->child_life_kb)
        fprintf(to, "%sesp-bytes: %lluKB", t->ike_life_s || t->child_life_s ? ", " : "",
                t->child_life_kb);
    fputs("}\n", to);
}

static void put_neighbor(const struct import_tunnel *t, FILE *to)
{
    put_text(to, "    ", "address", t->inner);
    if (!t->neighbor[0])
        return;
    if (!t->inner[0])
        fputs("    address: OUR_ADDRESS    # is not in the file\n", to);
    fprintf(to, "    neighbor: {asn: %u, address: \"%s\"", t->neighbor_asn, t->neighbor);
    if (t->hold_s)
        fprintf(to, ", hold: %us", t->hold_s);
    if (t->keepalive_s)
        fprintf(to, ", keepalive: %us", t->keepalive_s);
    fputs(", import: all, export: all}\n", to);
}

/* Is there an algorithm in the list that kedge.yaml wants to be asked for by `legacy`? */
static bool legacy(const char *list)
{
    static const char *const old[] = {"md5", "prfmd5", "des", "null", "modp768"};

    for (const char *at = list; *at; at += strspn(at, "-, ")) {
        size_t n = strcspn(at, "-, ");
        for (size_t i = 0; i < KD_ARRAY_LEN(old); i++)
            if (strlen(old[i]) == n && strncmp(at, old[i], n) == 0)
                return true;
        at += n;
    }
    return false;
}

/* Where there is none that was understood, kedge's own list stands: the keys go together. */
static void put_proposals(FILE *to, const char *key, const char *list, bool esp)
{
    struct ike_proposals own_ike, own_esp, accepted;
    const struct ike_proposals *own = esp ? &own_esp : &own_ike;
    char text[IKE_PROPOSAL_TEXT_MAX];

    fprintf(to, "    %s: ", key);
    if (list[0]) {
        put_list(to, list);
        fputc('\n', to);
        return;
    }
    kd_assert(ike_profile("modern", &own_ike, &own_esp, &accepted));
    for (unsigned i = 0; i < own->n; i++)
        fprintf(to, "%s\"%s\"", i ? ", " : "[", ike_proposal_text(&own->p[i], text, sizeof(text)));
    fputs("]    # none that is known here is in the file: kedge's own\n", to);
}

static void put_tunnel(const struct import_tunnel *t, FILE *to)
{
    fprintf(to, "  - name: %s\n", t->name);
    put_text(to, "    ", "local", t->local);
    put_text(to, "    ", "remote", t->remote[0] ? t->remote : "any");
    put_text(to, "    ", "local-id", t->local_id);
    put_text(to, "    ", "remote-id", t->remote_id);
    put_auth(t, to);
    fprintf(to, "    role: %s\n", t->responder || !t->remote[0] ? "responder" : "both");
    if (t->encap)
        fputs("    encap: always\n", to);
    if (legacy(t->ike) || legacy(t->esp))
        fputs("    legacy: true\n", to);
    put_proposals(to, "ike", t->ike, false);
    put_proposals(to, "esp", t->esp, true);
    put_lifetime(t, to);
    put_children(t, to);
    if (t->mtu)
        fprintf(to, "    mtu: %u\n", t->mtu);
    if (t->mss)
        fprintf(to, "    mss: %u\n", t->mss);
    put_neighbor(t, to);
}

static const char *identity(const struct import *im)
{
    if (im->router_id[0])
        return im->router_id;
    for (unsigned i = 0; i < im->n; i++)
        if (im->t[i].inner[0] && !strchr(im->t[i].inner, ':'))
            return im->t[i].inner;
    for (unsigned i = 0; i < im->n; i++)
        if (im->t[i].local[0] && !strchr(im->t[i].local, ':'))
            return im->t[i].local;
    return "192.0.2.1";
}

static void put_router(const struct import *im, FILE *to)
{
    if (!im->asn)
        return;
    fprintf(to, "router:\n  id: %s\n  asn: %u\n", identity(im), im->asn);
    if (im->n_networks)
        fputs("  networks: [", to);
    for (unsigned i = 0; i < im->n_networks; i++) {
        fputs(i ? ", " : "", to);
        put_quoted(to, im->network[i]);
    }
    if (im->n_networks)
        fputs("]\n", to);
}

static void put_gateway(const struct import *im, FILE *to)
{
    bool any = false;

    fputs("gateway:\n  listen: [", to);
    for (unsigned i = 0; i < im->n; i++) {
        bool known = !im->t[i].local[0];
        for (unsigned k = 0; k < i && !known; k++)
            known = strcmp(im->t[i].local, im->t[k].local) == 0;
        if (known)
            continue;
        fputs(any ? ", " : "", to);
        put_quoted(to, im->t[i].local);
        any = true;
    }
    fputs(any ? "]\n" : "OUR_ADDRESS]    # is not in the file\n", to);
}

static void put_notes(const struct import *im, FILE *to)
{
    for (unsigned i = 0; i < im->n_notes; i++)
        fprintf(to, "# not taken over, line %u: %s\n", im->note[i].line, im->note[i].text);
    if (im->more_notes)
        fprintf(to, "# and %u lines more\n", im->more_notes);
}

void import_write(const struct import *im, FILE *to)
{
    bool bgp = false;

    put_notes(im, to);
    put_router(im, to);
    put_gateway(im, to);
    fputs("tunnels:\n", to);
    for (unsigned i = 0; i < im->n; i++) {
        put_tunnel(&im->t[i], to);
        bgp |= im->t[i].neighbor[0] != '\0';
    }
    if (bgp)
        fputs("policies:\n  all: [permit: {}]    # takes and tells everything: narrow it\n", to);
}

bool import_read(enum import_from from, struct kd_bytes text, struct import *im)
{
    static import_reader *const readers[] = {
        [IMPORT_IOS] = import_ios, [IMPORT_SWANCTL] = import_swanctl};

    memset(im, 0, sizeof(*im));
    return readers[from](text, im) && im->n > 0;
}
