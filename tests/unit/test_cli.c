/* What kedge prints of the daemon's JSON, and with what it ends: explain, rekey, neighbors and
 * routes, against a daemon made of stubs. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the daemon ---- */

static const char *answer, *lines[8];
static char asked[256], body[128];
static enum cli_exit stream_end;

enum cli_exit cli_ask(const struct cli *c, const char *method, const char *path, const char *data,
                      json_t **out)
{
    (void)c;
    snprintf(asked, sizeof(asked), "%s %s", method, path);
    snprintf(body, sizeof(body), "%s", data ? data : "");
    *out = json_loads(answer, 0, NULL);
    assert_non_null(*out);
    return CLI_OK;
}

enum cli_exit cli_stream(const struct cli *c, const char *path, const char *data,
                         uint64_t timeout_us, bool (*fn)(void *arg, json_t *line), void *arg)
{
    bool more = true;
    (void)c;
    (void)timeout_us;
    assert_null(data);
    assert_non_null(strstr(path, "follow=1"));
    assert_non_null(strstr(path, "since=7"));
    assert_non_null(strstr(path, "event=")); /* thousands of routes are not for who waits */
    for (size_t i = 0; more && i < KD_ARRAY_LEN(lines) && lines[i]; i++) {
        json_t *o = json_loads(lines[i], 0, NULL);
        assert_non_null(o);
        more = fn(arg, o);
        json_decref(o);
    }
    return more ? stream_end : CLI_OK;
}

void cli_query(char *path, size_t cap, const char *key, const char *value)
{
    if (value)
        snprintf(path + strlen(path), cap - strlen(path), "%c%s=%s", strchr(path, '?') ? '&' : '?',
                 key, value);
}

bool cli_no_tunnel(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* ---- running a command with its output in memory ---- */

static char printed[8192];

static enum cli_exit run(cli_command *fn, struct cli *c)
{
    int keep = dup(STDOUT_FILENO);
    FILE *f = tmpfile();
    fflush(stdout);
    dup2(fileno(f), STDOUT_FILENO);
    enum cli_exit e = fn(c);
    fflush(stdout);
    dup2(keep, STDOUT_FILENO);
    close(keep);
    rewind(f);
    printed[fread(printed, 1, sizeof(printed) - 1, f)] = '\0';
    fclose(f);
    return e;
}

static struct cli tunnel(void)
{
    static char name[] = "peer", *argv[] = {name, NULL};
    return (struct cli){.command = "x", .argc = 1, .argv = argv};
}

static int setup(void **st)
{
    (void)st;
    memset(lines, 0, sizeof(lines));
    stream_end = CLI_OK;
    return 0;
}

/* ---- readiness ---- */

static void readiness_says_what_is_wrong_and_what_to_do(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    answer =
        "{\"version\":1,\"verdict\":\"not-ready\",\"drill\":null,\"tunnels\":[{\"tunnel\":\"peer\","
        "\"verdict\":\"not-ready\",\"since_s\":75.2,\"reasons\":[{\"code\":\"prefix-missing\","
        "\"verdict\":\"not-ready\",\"since_s\":3.0,\"text\":\"1 prefix\",\"remedy\":\"tell "
        "it\"}]}]}";
    assert_int_equal(run(cli_readiness, &c), CLI_FAILED);
    assert_string_equal(asked, "GET /v1/readiness?tunnel=peer");
    assert_string_equal(printed, "peer: not-ready for 1m15s\n"
                                 "  not-ready prefix-missing, for 3s\n"
                                 "            1 prefix\n"
                                 "            remedy: tell it\n");
    answer =
        "{\"version\":1,\"verdict\":\"ready\",\"drill\":null,\"tunnels\":[{\"tunnel\":\"peer\","
        "\"verdict\":\"ready\",\"since_s\":75.2,\"reasons\":[]}]}";
    assert_int_equal(run(cli_readiness, &c), CLI_OK);
    assert_string_equal(printed, "peer: ready for 1m15s\n");
    answer = "{\"version\":1,\"verdict\":null,\"drill\":null,\"tunnels\":[]}";
    assert_int_equal(run(cli_readiness, &c), CLI_FAILED);
    assert_non_null(strstr(printed, "no tunnel is judged"));
}

/* ---- explain ---- */

#define REFUSED                                                                                    \
    "{\"version\":1,\"tunnel\":\"peer\",\"refused\":{\"age_s\":12.5,\"count\":3,"                  \
    "\"reason\":\"no-proposal\",\"peer\":\"198.51.100.1\",\"detail\":\"peer 198.51.100.1 offered " \
    "no ESP proposal that is configured\",\"title\":\"kedge refused the proposals of "             \
    "198.51.100.1 in CREATE_CHILD_SA (a rekey)\",\"heads\":[\"offered by the peer\","              \
    "\"configured here\"],\"rows\":["                                                              \
    "{\"what\":\"nearest\",\"left\":\"aes256-sha256 (1 of 1)\",\"right\":"                         \
    "\"aes256-sha256-modp2048-modp3072-modp4096-ecp256-ecp384-ecp521-x25519-modp1024 (1 of 2)\","  \
    "\"differs\":false},"                                                                          \
    "{\"what\":\"PFS group\",\"left\":\"none\",\"right\":\"modp2048, modp3072, modp4096, ecp256, " \
    "ecp384\",\"differs\":true}],"                                                                 \
    "\"difference\":\"PFS group: none is offered, modp2048 is configured\","                       \
    "\"cause\":\"PFS is negotiated in rekeys only (RFC 7296 1.2): until the first one nothing "    \
    "shows.\",\"changes\":[{\"side\":\"here\",\"where\":\"kedge.yaml\",\"line\":12,\"key\":"       \
    "\"esp\","                                                                                     \
    "\"text\":\"esp: [aes256-sha256]\"},{\"side\":\"peer\",\"where\":\"swanctl.conf\","            \
    "\"line\":null,\"key\":\"\",\"text\":\"connections.*.children.*.esp_proposals = "              \
    "aes256-sha256-modp2048\"}],\"now_up\":true}}"

static void a_refusal_is_printed_in_two_columns_of_100(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    answer = REFUSED;
    assert_int_equal(run(cli_explain, &c), CLI_OK);
    assert_string_equal(asked, "GET /v1/explain?tunnel=peer");
    assert_string_equal(printed,
                        "peer: no-proposal, 12s ago, 3 times since the start; a pair of SAs is up\n"
                        "  kedge refused the proposals of 198.51.100.1 in CREATE_CHILD_SA (a "
                        "rekey)\n"
                        "  peer 198.51.100.1 offered no ESP proposal that is configured\n"
                        "\n"
                        "                 offered by the peer                       configured "
                        "here\n"
                        "  nearest        aes256-sha256 (1 of 1)                    "
                        "aes256-sha256-modp2048-modp3072-\n"
                        "                                                           "
                        "modp4096-ecp256-ecp384-ecp521-x25519-\n"
                        "                                                           modp1024 (1 "
                        "of 2)\n"
                        "* PFS group      none                                      modp2048, "
                        "modp3072, modp4096, ecp256,\n"
                        "                                                           ecp384\n"
                        "\n"
                        "first difference  PFS group: none is offered, modp2048 is configured\n"
                        "                  PFS is negotiated in rekeys only (RFC 7296 1.2): "
                        "until the first one nothing\n"
                        "                  shows.\n"
                        "\n"
                        "to change, on one side:\n"
                        "  here  kedge.yaml:12   esp: [aes256-sha256]\n"
                        "  peer  swanctl.conf    connections.*.children.*.esp_proposals = "
                        "aes256-sha256-modp2048\n");
}

static void no_line_is_wider_than_100(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    answer = REFUSED;
    run(cli_explain, &c);
    for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 100);
}

static void nothing_refused_is_said_and_is_no_failure(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    answer = "{\"version\":1,\"tunnel\":\"peer\",\"refused\":null}";
    assert_int_equal(run(cli_explain, &c), CLI_OK);
    assert_string_equal(printed, "peer: nothing was refused since kedged started\n");
    c.argc = 0;
    answer = "{\"version\":1,\"strangers\":[]}";
    assert_int_equal(run(cli_explain, &c), CLI_OK);
    assert_string_equal(asked, "GET /v1/explain");
    assert_string_equal(printed,
                        "no stranger was refused; kedge explain TUNNEL explains a tunnel's "
                        "last refusal\n");
}

static void strangers_are_a_table_and_cannot_write_over_the_screen(void **st KD_UNUSED)
{
    struct cli c = {.command = "explain"};

    answer = "{\"version\":1,\"strangers\":[{\"age_s\":5,\"count\":12,\"remote\":"
             "\"203.0.113.9:500\",\"detail\":\"IKE_SA_INIT from \\u001b[2Jnowhere\"}]}";
    assert_int_equal(run(cli_explain, &c), CLI_OK);
    assert_string_equal(printed, "AGO  TIMES  FROM             WHAT\n"
                                 " 5s     12  203.0.113.9:500  IKE_SA_INIT from ?[2Jnowhere\n");
}

/* ---- neighbors and routes ---- */

#define LOCAL "\"local\":{\"asn\":65515,\"router_id\":\"10.17.11.76\"}"
#define NEIGHBORS                                                                                  \
    "{\"version\":1,\"neighbors\":[{\"name\":\"onprem\",\"address\":\"192.168.11.88\","            \
    "\"asn\":65020,"                                                                               \
    "\"state\":\"Established\",\"reason\":\"\",\"since_s\":183723,"                                \
    "\"router_id\":\"192.168.11.88\","                                                             \
    "\"hold_s\":180,\"keepalive_s\":60,\"tunnel\":\"onprem\",\"local_address\":\"10.17.11.76\","   \
    "\"prefixes_received\":2,\"prefixes_accepted\":1,\"prefixes_advertised\":3,"                   \
    "\"messages_in\":12,"                                                                          \
    "\"prefixes_max\":4000,\"retry_in_s\":null,\"messages_out\":14,\"last_error\":\"old\","        \
    "\"bfd\":{\"state\":\"Up\",\"transmit_ms\":300,"                                               \
    "\"receive_ms\":300,\"detect_ms\":900,\"failures\":1,\"diagnostic\":\"none\","                 \
    "\"packets_in\":7,"                                                                            \
    "\"packets_out\":8,\"refused\":0},\"ibgp\":false},"                                            \
    "{\"name\":\"msee\",\"address\":\"172.16.0.2\",\"asn\":12076,\"state\":\"Active\","            \
    "\"reason\":\"tcp-refused\",\"since_s\":61,\"tunnel\":null,\"bfd\":null,\"ibgp\":true,"        \
    "\"last_error\":\"\"}]," LOCAL "}"

static enum cli_exit view(cli_command *fn, const char *words, struct cli c)
{
    static char text[128], *argv[8];
    snprintf(text, sizeof(text), "%s", words);
    c.argv = argv;
    for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
        argv[c.argc++] = w;
    return run(fn, &c);
}
#define VIEW(fn, words, ...) view(fn, words, (struct cli){.command = &#fn[4], __VA_ARGS__})

static void neighbors_are_the_summary_a_router_prints(void **st KD_UNUSED)
{
    answer = NEIGHBORS;
    assert_int_equal(VIEW(cli_neighbors, "", .json = false), CLI_OK);
    assert_string_equal(asked, "GET /v1/bgp/neighbors");
    assert_string_equal(
        printed,
        "BGP router identifier 10.17.11.76, local AS number 65515\n\n"
        "Neighbor       V     AS  MsgRcvd  MsgSent   Up/Down  State/PfxRcd  PfxAcc  PfxSnt  BFD  "
        "Tunnel  Desc    Reason\n"
        "192.168.11.88  4  65020       12       14  2d03h02m             2       1       3  Up   "
        "onprem  onprem  -\n"
        "172.16.0.2     4  12076        0        0  00:01:01        Active       0       0  -    "
        "-       msee    tcp-refused\n");
}

static void one_neighbor_is_told_in_full(void **st KD_UNUSED)
{
    answer = NEIGHBORS;
    assert_int_equal(VIEW(cli_neighbors, "onprem", .json = false), CLI_OK);
    assert_string_equal(asked, "GET /v1/bgp/neighbors?neighbor=onprem");
    assert_string_equal(
        printed, "BGP neighbor is 192.168.11.88, remote AS 65020, local AS 65515, external link\n"
                 "  Description: onprem\n"
                 "  Through tunnel onprem\n"
                 "  BGP version 4, remote router ID 192.168.11.88, local router ID 10.17.11.76\n"
                 "  BGP state = Established, up for 2d03h02m\n"
                 "  Hold time is 180, keepalive interval is 60 seconds\n"
                 "  Local address: 10.17.11.76\n"
                 "  Messages: 12 received, 14 sent\n"
                 "  Prefixes: 2 received, 1 accepted, 3 advertised\n"
                 "  Maximum prefixes: 4000, one more ends the session\n"
                 "  BFD: Up, transmit 300 ms, receive 300 ms, detection time 900 ms\n"
                 "    1 failures, diagnostic none; packets: 7 in, 8 out, 0 refused\n"
                 "  Last error: old\n");
}

#define ROUTE(prefix, hop, more)                                                                   \
    "{\"prefix\":\"" prefix "\",\"next_hop\":" hop ",\"local_pref\":100," more "}"

static void routes_are_the_table_a_router_prints(void **st KD_UNUSED)
{
    answer = "{\"version\":1,\"routes\":[" ROUTE(
        "10.1.11.0/25", "\"192.168.11.88\"",
        "\"valid\":true,\"accepted\":true,\"best\":true,\"installed\":true,\"ibgp\":false,"
        "\"neighbor\":\"onprem\",\"interface\":\"kedge0\",\"med\":20,\"origin\":\"igp\","
        "\"as_path\":[65020,65020]") ","
        ROUTE("10.1.11.0/25", "\"10.17.11.77\"",
              "\"valid\":true,\"accepted\":true,\"best\":false,\"ibgp\":true,"
              "\"stale\":true,\"neighbor\":\"other\","
              "\"med\":null,\"origin\":\"incomplete\",\"as_path\":[]") ","
        ROUTE("10.17.11.0/26", "\"192.168.11.88\"",
              "\"valid\":false,\"accepted\":false,\"best\":false,\"neighbor\":\"onprem\","
              "\"origin\":\"egp\",\"as_path\":[65020]") ","
        ROUTE("0.0.0.0/0", "\"192.168.11.88\"",
              "\"valid\":false,\"accepted\":true,\"recursive\":true,\"best\":false,"
              "\"neighbor\":\"onprem\",\"origin\":\"igp\",\"as_path\":[65020]") ","
        ROUTE("2001:db8::/48", "null",
              "\"valid\":true,\"accepted\":true,\"local\":true,\"best\":true,\"origin\":\"igp\","
              "\"as_path\":[]") "]," LOCAL "}";
    assert_int_equal(VIEW(cli_routes, "", .json = false), CLI_OK);
    assert_string_equal(asked, "GET /v1/routes?view=best");
    assert_string_equal(
        printed,
        "BGP table, local router ID is 10.17.11.76, local AS 65515\n"
        "Status codes: * valid, S valid and stale (its neighbor restarts), > best, "
        "= in the kernel,\n"
        "              - refused (policy, AS loop), i internal,\n"
        "              r refused: would carry its tunnel's outer address into the tunnel\n"
        "Origin codes: i IGP, e EGP, ? incomplete\n\n"
        "     Network        Next Hop       Metric  LocPrf  Neighbor  Interface  Path\n"
        "*>=  10.1.11.0/25   192.168.11.88      20     100  onprem    kedge0     65020 65020 i\n"
        "Si   10.1.11.0/25   10.17.11.77               100  other     -          ?\n"
        "-    10.17.11.0/26  192.168.11.88             100  onprem    -          65020 e\n"
        "r    0.0.0.0/0      192.168.11.88             100  onprem    -          65020 i\n"
        "*>   2001:db8::/48  ::                        100  (ours)    -          i\n");
}

/* Tunnels with VRFs of their own. */
static void routes_of_several_tables_say_which(void **st KD_UNUSED)
{
#define IN_TABLE(table)                                                                            \
    ROUTE("10.1.0.0/16", "\"10.0.0.1\"",                                                           \
          "\"table\":" #table ",\"valid\":true,\"accepted\":true,\"best\":true,"                   \
          "\"neighbor\":\"a\",\"interface\":\"kedge0\",\"origin\":\"igp\",\"as_path\":[1]")
    answer = "{\"version\":1,\"routes\":[" IN_TABLE(254) "," IN_TABLE(200) "]," LOCAL "}";
    assert_int_equal(VIEW(cli_routes, "", .json = false), CLI_OK);
    assert_string_equal(
        strstr(printed, "    Network"),
        "    Network      Next Hop  Metric  LocPrf  Neighbor  Interface  Table  Path\n"
        "*>  10.1.0.0/16  10.0.0.1             100  a         kedge0       254  1 i\n"
        "*>  10.1.0.0/16  10.0.0.1             100  a         kedge0       200  1 i\n");
    answer = "{\"version\":1,\"routes\":[" IN_TABLE(200) "," IN_TABLE(200) "]," LOCAL "}";
    assert_int_equal(VIEW(cli_routes, "", .json = false), CLI_OK);
    assert_null(strstr(printed, "Table"));
}

/* seeds/002, byte for byte but for the blanks at the ends of lines. */
#define AZURE(local, network, hop, path, weight)                                                   \
    "{\"asPath\":\"" path "\",\"localAddress\":\"" local "\",\"network\":\"" network               \
    "\",\"nextHop\":\"" hop "\",\"origin\":\"EBgp\",\"sourcePeer\":\"\",\"weight\":" #weight "}"
#define SEED(me, other)                                                                            \
    AZURE(me, "10.1.11.0/25", "192.168.11.88", "65020", 32768)                                     \
    "," AZURE(me, "10.1.11.0/25", other, "65020", 32768) ","                                       \
    AZURE(me, "10.1.11.0/25", "10.17.11.69", "12076-65020", 32769) ","                             \
    AZURE(me, "10.1.11.0/25", "10.17.11.69", "12076-65020", 32769)

static void azures_columns_are_laid_out_as_in_the_seed(void **st KD_UNUSED)
{
    static const char columns[] = "Network,NextHop,AsPath,Weight";
    answer = "{\"version\":1,\"value\":[" SEED("10.17.11.77", "10.17.11.76") ","
        SEED("10.17.11.76", "10.17.11.77") "]}";
    assert_int_equal(
        VIEW(cli_routes, "learned 10.1.11.0/25", .azure = true, .columns = columns), CLI_OK);
    assert_string_equal(asked, "GET /v1/routes?view=learned&prefix=10.1.11.0/25&azure=1");
    assert_string_equal(printed, "Network      NextHop       AsPath      Weight\n"
                                 "-------      -------       ------      ------\n"
                                 "10.1.11.0/25 192.168.11.88 65020        32768\n"
                                 "10.1.11.0/25 10.17.11.76   65020        32768\n"
                                 "10.1.11.0/25 10.17.11.69   12076-65020  32769\n"
                                 "10.1.11.0/25 10.17.11.69   12076-65020  32769\n"
                                 "10.1.11.0/25 192.168.11.88 65020        32768\n"
                                 "10.1.11.0/25 10.17.11.77   65020        32768\n"
                                 "10.1.11.0/25 10.17.11.69   12076-65020  32769\n"
                                 "10.1.11.0/25 10.17.11.69   12076-65020  32769\n");
    answer = "{\"version\":1,\"value\":["
        AZURE("", "10.17.11.0/25", "10.17.11.76", "65515", 0) ","
        AZURE("", "10.17.11.128/26", "10.17.11.76", "65515", 0) "]}";
    assert_int_equal(VIEW(cli_routes, "advertised onprem", .azure = true, .columns = columns),
                     CLI_OK);
    assert_string_equal(printed, "Network         NextHop     AsPath Weight\n"
                                 "-------         -------     ------ ------\n"
                                 "10.17.11.0/25   10.17.11.76 65515       0\n"
                                 "10.17.11.128/26 10.17.11.76 65515       0\n");
}

static void azures_columns_are_all_or_those_there_are(void **st KD_UNUSED)
{
    answer = "{\"version\":1,\"value\":[" AZURE("10.0.0.1", "10.0.0.0/8", "", "", 7) "]}";
    assert_int_equal(VIEW(cli_routes, "", .azure = true), CLI_OK);
    assert_string_equal(asked, "GET /v1/routes?view=learned&azure=1"); /* Azure has no best */
    assert_string_equal(printed,
                        "AsPath LocalAddress Network    NextHop Origin SourcePeer Weight\n"
                        "------ ------------ -------    ------- ------ ---------- ------\n"
                        "       10.0.0.1     10.0.0.0/8         EBgp                   7\n");
    assert_int_equal(VIEW(cli_routes, "", .azure = true, .columns = "Weight,Colour"), CLI_USAGE);
    assert_int_equal(VIEW(cli_routes, "", .azure = true, .columns = "Weight,"), CLI_USAGE);
    assert_int_equal(VIEW(cli_neighbors, "onprem", .azure = true), CLI_USAGE);
    answer = "{\"version\":1,\"value\":[{\"asn\":65020,\"neighbor\":\"192.168.11.88\"}]}";
    assert_int_equal(VIEW(cli_neighbors, "", .azure = true, .columns = "neighbor,asn"), CLI_OK);
    assert_string_equal(asked, "GET /v1/bgp/neighbors?azure=1");
    assert_string_equal(printed, "Neighbor        Asn\n"
                                 "--------        ---\n"
                                 "192.168.11.88 65020\n");
}

/* ---- rekey ---- */

#define ORDERED                                                                                    \
    "{\"version\":1,\"tunnel\":\"peer\",\"command\":\"rekey\",\"state\":\"up\",\"seq\":7,"         \
    "\"pairs\":2}"
#define EVENT(name, more) "{\"event\":\"" name "\",\"tunnel\":\"peer\"" more "}"

static enum cli_exit rekey(struct cli c)
{
    c.wait_us = KD_S(10);
    answer = ORDERED;
    return run(cli_rekey, &c);
}

static void each_form_orders_its_part(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    answer = ORDERED;
    assert_int_equal(run(cli_rekey, &c), CLI_OK);
    assert_string_equal(asked, "POST /v1/tunnels/peer/rekey");
    assert_string_equal(body, "");
    assert_string_equal(printed, "peer: rekey ordered\n");
    c.child = true;
    run(cli_rekey, &c);
    assert_string_equal(body, "{\"what\":\"child\"}");
    c.ike = true; /* one of them */
    assert_int_equal(run(cli_rekey, &c), CLI_USAGE);
    c.child = false;
    run(cli_rekey, &c);
    assert_string_equal(body, "{\"what\":\"ike\"}");
    c.ike = false;
    c.rehearse = true;
    run(cli_rekey, &c);
    assert_string_equal(body, "{\"what\":\"rehearse\"}");
}

static void waiting_ends_when_every_pair_and_the_ike_sa_are_new(void **st KD_UNUSED)
{
    lines[0] = EVENT("child.up", "");
    lines[1] = "{\"event\":\"child.up\",\"tunnel\":\"other\"}";
    lines[2] = EVENT("child.up", "");
    lines[3] = EVENT("ike.rekeyed", "");
    lines[4] = EVENT("ike.refused", ""); /* too late to matter */
    assert_int_equal(rekey(tunnel()), CLI_OK);
    assert_string_equal(printed, "peer: rekey done\n");
    stream_end = CLI_TIMEOUT;
    lines[2] = EVENT("tunnel.state", ",\"state\":\"up\"");
    lines[4] = NULL;
    assert_int_equal(rekey(tunnel()), CLI_TIMEOUT); /* one of the pairs is missing */
}

static void a_refusal_ends_the_waiting_with_1(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    c.child = true;
    lines[0] = EVENT("ike.refused", ",\"reason\":\"no-proposal\",\"detail\":\"no\"");
    assert_int_equal(rekey(c), CLI_FAILED);
}

static void a_rehearsal_ends_with_its_own_verdict(void **st KD_UNUSED)
{
    struct cli c = tunnel();

    c.rehearse = true;
    lines[0] = EVENT("rehearsal.start", "");
    lines[1] = EVENT("child.up", "");
    lines[2] = EVENT("ike.rekeyed", "");
    lines[3] = EVENT("rehearsal.pass", ",\"detail\":\"PFS group modp2048, IKE group modp2048\"");
    assert_int_equal(rekey(c), CLI_OK);
    assert_string_equal(printed, "peer: rekey done: PFS group modp2048, IKE group modp2048\n");
    lines[1] = EVENT("ike.refused", "");
    lines[2] = EVENT("rehearsal.fail", ",\"reason\":\"no-proposal\",\"detail\":\"d\"");
    assert_int_equal(rekey(c), CLI_FAILED);
}

static void a_daemon_that_ends_is_3(void **st KD_UNUSED)
{
    lines[0] = "{\"event\":\"daemon.stop\"}";
    assert_int_equal(rekey(tunnel()), CLI_UNREACHABLE);
}

#define T(fn) cmocka_unit_test_setup(fn, setup)

/* ---- reload ---- */

static void a_reload_says_what_it_did_and_a_dry_one_what_it_would(void **st KD_UNUSED)
{
    struct cli real = {.command = "reload"}, dry = {.command = "reload", .dry_run = true};

    answer = "{\"version\":1,\"applied\":[\"policies.p\"],\"restart\":[\"gateway.port\"],"
             "\"warnings\":[]}";
    assert_int_equal(run(cli_reload, &real), CLI_OK);
    assert_string_equal(asked, "POST /v1/reload");
    assert_string_equal(printed, "taken over: policies.p\nneeds a restart: gateway.port\n");
    assert_int_equal(run(cli_reload, &dry), CLI_OK);
    assert_string_equal(asked, "POST /v1/reload?dry=1");
    assert_string_equal(body, "");
    assert_string_equal(printed,
                        "would be taken over: policies.p\nwould need a restart: gateway.port\n");
    answer = "{\"version\":1,\"applied\":[],\"restart\":[],\"warnings\":[],\"plan\":"
             "[{\"tunnel\":\"a\",\"state\":\"unchanged\"}]}";
    assert_int_equal(run(cli_reload, &real), CLI_OK);
    assert_string_equal(printed, "nothing has changed\n");
    assert_int_equal(run(cli_reload, &dry), CLI_OK);
    assert_string_equal(printed, "nothing would change\n");
}

static void a_dry_reload_tells_of_each_tunnel_and_neighbor_and_why(void **st KD_UNUSED)
{
    struct cli dry = {.command = "reload", .dry_run = true};

    answer = "{\"version\":1,\"applied\":[\"policies.p\"],\"restart\":[\"tunnels.c\"],"
             "\"warnings\":[],\"plan\":[{\"tunnel\":\"a\",\"state\":\"unchanged\"},"
             "{\"neighbor\":\"a\",\"state\":\"updated\",\"applied\":[\"policies.p\","
             "\"tunnels.a.neighbor.import\"]},"
             "{\"tunnel\":\"c\",\"state\":\"restart\",\"restart\":[\"tunnels.c\"]}]}";
    assert_int_equal(run(cli_reload, &dry), CLI_OK);
    assert_string_equal(printed,
                        "would be taken over: policies.p\nwould need a restart: tunnels.c\n"
                        "tunnel a: unchanged\n"
                        "neighbor a: updated in place: policies.p, tunnels.a.neighbor.import\n"
                        "tunnel c: waits for a restart: tunnels.c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(readiness_says_what_is_wrong_and_what_to_do),
        T(a_refusal_is_printed_in_two_columns_of_100),
        T(no_line_is_wider_than_100),
        T(nothing_refused_is_said_and_is_no_failure),
        T(strangers_are_a_table_and_cannot_write_over_the_screen),
        T(neighbors_are_the_summary_a_router_prints),
        T(one_neighbor_is_told_in_full),
        T(routes_are_the_table_a_router_prints),
        T(routes_of_several_tables_say_which),
        T(azures_columns_are_laid_out_as_in_the_seed),
        T(azures_columns_are_all_or_those_there_are),
        T(a_reload_says_what_it_did_and_a_dry_one_what_it_would),
        T(a_dry_reload_tells_of_each_tunnel_and_neighbor_and_why),
        T(each_form_orders_its_part),
        T(waiting_ends_when_every_pair_and_the_ike_sa_are_new),
        T(a_refusal_ends_the_waiting_with_1),
        T(a_rehearsal_ends_with_its_own_verdict),
        T(a_daemon_that_ends_is_3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
