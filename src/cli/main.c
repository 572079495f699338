/* kedge: options, the table of commands, help. */
#include "cli/cli.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_DEFAULT "/run/kedge/kedge.sock"
#define CONFIG_DEFAULT "/etc/kedge/kedge.yaml"

/* Bits above every letter of getopt's. */
enum given {
    O_WAIT = 1 << 8,
    O_SILENT = 1 << 9,
    O_FOLLOW = 1 << 10,
    O_SINCE = 1 << 11,
    O_CHILD = 1 << 12,
    O_IKE = 1 << 13,
    O_REHEARSE = 1 << 14,
    O_OUT = 1 << 15,
    O_TUNNEL = 1 << 16,
    O_AZURE = 1 << 17,
    O_GRACEFUL = 1 << 24,
    O_CONFIG = 1 << 18,
    O_FOR = 1 << 19,
    O_SECRETS = 1 << 20,
};

static const struct command {
    const char *name, *args;
    int min, max;
    unsigned options;
    cli_command *fn;
    const char *help;
} commands[] = {
    {"status", "[TUNNEL]", 0, 1, 0, cli_status, "states and counters, or one tunnel in full"},
    {"watch", "[TUNNEL]", 0, 1, 0, cli_watch, "the same, drawn every second"},
    {"up", "TUNNEL [--wait 10s]", 1, 1, O_WAIT, cli_tunnel, "bring the tunnel up"},
    {"down", "TUNNEL [--silent] [--wait 10s]", 1, 1, O_WAIT | O_SILENT, cli_tunnel,
     "take it down with DELETE and Cease; --silent only stops answering"},
    {"rekey", "TUNNEL [--child|--ike|--rehearse] [--wait 10s]", 1, 1,
     O_WAIT | O_CHILD | O_IKE | O_REHEARSE, cli_rekey,
     "new keys now; --rehearse: all of them, one after the other, with a verdict"},
    {"explain", "[TUNNEL]", 0, 1, 0, cli_explain,
     "the last refusal side by side, and the line to change; or the last strangers"},
    {"reset", "TUNNEL [--wait 10s]", 1, 1, O_WAIT, cli_tunnel, "down, then up at once"},
    {"bgp neighbors", "[NEIGHBOR] [--azure[=COLUMN,...]]", 0, 1, O_AZURE, cli_neighbors,
     "BGP sessions, or one in full; --azure: as Get-AzVirtualNetworkGatewayBGPPeerStatus"},
    {"bgp policy", "[POLICY]", 0, 1, 0, cli_policies,
     "import and export policies as FRR's route-maps, and who uses them"},
    {"bgp mrt", "table|updates --out FILE", 1, 1, O_OUT, cli_mrt,
     "the table (TABLE_DUMP_V2), or BGP's messages until Ctrl-C (BGP4MP_ET), for bgpdump and its "
     "kind"},
    {"neighbor shutdown", "NAME [--graceful [--wait 60s]]", 1, 1, O_GRACEFUL | O_WAIT, cli_neighbor,
     "end a session until it is enabled; --graceful: only tag what it is told (RFC 8326), and end "
     "it after --wait"},
    {"neighbor refresh", "NAME [in|out]", 1, 2, 0, cli_refresh,
     "apply the policies again: ask for its routes, tell it ours"},
    {"neighbor enable", "NAME", 1, 1, 0, cli_neighbor, "let it come up again"},
    {"routes", "[best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX] [--azure[=COLUMN,...]]", 0,
     3, O_AZURE, cli_routes,
     "routes; of a PREFIX and what is inside, or that hold an ADDRESS; --azure: as Get-Az...Route"},
    {"events", "[--follow] [--since N]", 0, 0, O_FOLLOW | O_SINCE, cli_events,
     "what happened, the last 4096"},
    {"keylog", "--out DIR|FILE [--tunnel NAME]", 0, 0, O_OUT | O_TUNNEL, cli_keylog,
     "write the keys for Wireshark, as they come, until Ctrl-C; as root, with control.keylog"},
    {"check", "FILE", 1, 1, 0, cli_check, "judge a configuration, without the daemon"},
    {"peer-config", "TUNNEL --for KIND [--secrets] [--config FILE]", 1, 1,
     O_FOR | O_SECRETS | O_CONFIG, cli_peer_config,
     "the other side's configuration: strongswan, ios, junos, frr, bird or azure-cli"},
    {"version", "", 0, 0, 0, cli_version, "print the version"},
};

enum cli_exit cli_version(const struct cli *c)
{
    if (c->json)
        printf("{\"version\":1,\"kedge\":\"%s\"}\n", KEDGE_VERSION);
    else
        puts("kedge " KEDGE_VERSION);
    return CLI_OK;
}

static void print_help(FILE *to)
{
    fputs("usage: kedge [--socket PATH] [--json] COMMAND\n\n", to);
    for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++)
        fprintf(to, "  %s%s%s\n      %s\n", commands[i].name, commands[i].args[0] ? " " : "",
                commands[i].args, commands[i].help);
    fputs("\n"
          "  --socket PATH  the daemon's socket (default $KEDGE_SOCKET, else " SOCKET_DEFAULT ")\n"
          "  --json         JSON instead of text\n\n"
          "exit: 0 done, 1 refused or failed, 2 usage, 3 no daemon, 4 timed out\n", to);
}

/* The row whose words stand at the beginning of the arguments; *used says how many. */
static const struct command *find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++) {
        const char *name = commands[i].name, *second = strchr(name, ' ');
        size_t first = second ? (size_t)(second - name) : strlen(name);
        *used = second ? 2 : 1;
        if (argc >= *used && strlen(argv[0]) == first && strncmp(argv[0], name, first) == 0 &&
            (!second || strcmp(argv[1], second + 1) == 0))
            return &commands[i];
    }
    return NULL;
}

static int usage(const struct command *k)
{
    if (k)
        fprintf(stderr, "usage: kedge %s%s%s\n", k->name, k->args[0] ? " " : "", k->args);
    else
        fputs("kedge: which command? kedge --help lists them\n", stderr);
    return CLI_USAGE;
}

/* -1: go on; else the exit code. *options: those given. */
static int parse_options(int argc, char **argv, struct cli *c, unsigned *options)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'},           {"socket", required_argument, NULL, 's'},
        {"wait", required_argument, NULL, O_WAIT},  {"silent", no_argument, NULL, O_SILENT},
        {"follow", no_argument, NULL, O_FOLLOW},    {"since", required_argument, NULL, O_SINCE},
        {"child", no_argument, NULL, O_CHILD},      {"ike", no_argument, NULL, O_IKE},
        {"rehearse", no_argument, NULL, O_REHEARSE}, {"out", required_argument, NULL, O_OUT},
        {"tunnel", required_argument, NULL, O_TUNNEL},
        {"azure", optional_argument, NULL, O_AZURE},
        {"graceful", no_argument, NULL, O_GRACEFUL},
        {"config", required_argument, NULL, O_CONFIG},
        {"for", required_argument, NULL, O_FOR},     {"secrets", no_argument, NULL, O_SECRETS},
        {"help", no_argument, NULL, 'h'},           {"version", no_argument, NULL, 'V'},
        {0},
    };
    int o;
    while ((o = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (o >= O_WAIT)
            *options |= (unsigned)o;
        if (o == '?')
            return CLI_USAGE; /* getopt has said why */
        if (o == 'j')
            c->json = true;
        if (o == 's')
            c->socket = optarg;
        if (o == O_SINCE)
            c->since = optarg;
        if (o == O_OUT)
            c->out = optarg;
        if (o == O_TUNNEL)
            c->tunnel = optarg;
        if (o == O_CONFIG)
            c->config = optarg;
        if (o == O_FOR)
            c->kind = optarg;
        if (o == O_AZURE)
            c->columns = optarg;
        if (o == O_WAIT && !cli_duration(optarg, &c->wait_us)) {
            fprintf(stderr, "kedge: --wait \"%s\"; allowed: 10s, 500ms, 2m\n", optarg);
            return CLI_USAGE;
        }
        if (o == 'V')
            return (int)cli_version(c);
        if (o == 'h') {
            print_help(stdout);
            return CLI_OK;
        }
    }
    c->silent = *options & O_SILENT;
    c->follow = *options & O_FOLLOW;
    c->child = *options & O_CHILD;
    c->ike = *options & O_IKE;
    c->rehearse = *options & O_REHEARSE;
    c->azure = *options & O_AZURE;
    c->graceful = *options & O_GRACEFUL;
    c->secrets = *options & O_SECRETS;
    return -1;
}

int main(int argc, char **argv)
{
    const char *from_env = getenv("KEDGE_SOCKET");
    struct cli c = {.socket = from_env && *from_env ? from_env : SOCKET_DEFAULT,
                    .config = CONFIG_DEFAULT};
    unsigned options = 0;
    int used = 0, code = parse_options(argc, argv, &c, &options);
    if (code >= 0)
        return code;
    argc -= optind;
    argv += optind;
    const struct command *k = argc ? find(argc, argv, &used) : NULL;
    if (!k) {
        if (argc && strcmp(argv[0], "help") == 0) {
            print_help(stdout);
            return CLI_OK;
        }
        return usage(NULL);
    }
    c.command = k->name;
    c.argc = argc - used;
    c.argv = argv + used;
    if (c.argc < k->min || c.argc > k->max || (options & ~k->options))
        return usage(k);
    curl_global_init(CURL_GLOBAL_NOTHING);
    code = (int)k->fn(&c);
    curl_global_cleanup();
    return fflush(stdout) == 0 ? code : CLI_FAILED;
}
