/* kedge: options, the table of commands, help. */
#include "cli/cli.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_DEFAULT "/run/kedge/kedge.sock"
#define CONFIG_DEFAULT "/etc/kedge/kedge.yaml"

/* One bit an option; a command takes those of its row. */
enum given {
    O_WAIT = 1 << 0,
    O_SILENT = 1 << 1,
    O_FOLLOW = 1 << 2,
    O_SINCE = 1 << 3,
    O_CHILD = 1 << 4,
    O_IKE = 1 << 5,
    O_REHEARSE = 1 << 6,
    O_OUT = 1 << 7,
    O_TUNNEL = 1 << 8,
    O_AZURE = 1 << 9,
    O_GRACEFUL = 1 << 10,
    O_CONFIG = 1 << 11,
    O_FOR = 1 << 12,
    O_SECRETS = 1 << 13,
    O_TO = 1 << 14,
    O_FROM = 1 << 15,
    O_UDP = 1 << 16,
    O_PATH = 1 << 17,
    O_REFLECT = 1 << 18,
    O_INTERVAL = 1 << 19,
    O_TIMEOUT = 1 << 20,
    O_DURATION = 1 << 21,
    O_OUTAGE_MAX = 1 << 22,
    O_MESSAGE = 1 << 23,
    O_AGENT = 1 << 24,
    O_STRICT = 1 << 25,
    O_DRY_RUN = 1 << 26,
    O_FORCE = 1 << 27,
    O_DETACH = 1 << 28,
    O_EVENT = 1 << 29,
};
#define O_PROBE                                                                                    \
    (O_TO | O_FROM | O_UDP | O_PATH | O_REFLECT | O_INTERVAL | O_TIMEOUT | O_DURATION |            \
     O_OUTAGE_MAX | O_AGENT)

enum kind { FLAG, TEXT, FLAG_TEXT, DURATION, PORT };

#define OPT(name, kind, bit, field)                                                                \
    {                                                                                              \
        name, kind, bit, offsetof(struct cli, field)                                               \
    }

/* What is given where in struct cli; bit 0: every command takes it. */
static const struct opt {
    const char *name;
    enum kind kind;
    unsigned bit;
    size_t field;
} opts[] = {
    OPT("json", FLAG, 0, json),
    OPT("socket", TEXT, 0, socket),
    OPT("wait", DURATION, O_WAIT, wait_us),
    OPT("silent", FLAG, O_SILENT, silent),
    OPT("follow", FLAG, O_FOLLOW, follow),
    OPT("since", TEXT, O_SINCE, since),
    OPT("event", TEXT, O_EVENT, event),
    OPT("message", TEXT, O_MESSAGE, message),
    OPT("dry-run", FLAG, O_DRY_RUN, dry_run),
    OPT("force", FLAG, O_FORCE, force),
    OPT("detach", FLAG, O_DETACH, detach),
    OPT("child", FLAG, O_CHILD, child),
    OPT("ike", FLAG, O_IKE, ike),
    OPT("rehearse", FLAG, O_REHEARSE, rehearse),
    OPT("out", TEXT, O_OUT, out),
    OPT("tunnel", TEXT, O_TUNNEL, tunnel),
    OPT("azure", FLAG_TEXT, O_AZURE, columns),
    OPT("graceful", FLAG, O_GRACEFUL, graceful),
    OPT("config", TEXT, O_CONFIG, config),
    OPT("for", TEXT, O_FOR, kind),
    OPT("secrets", FLAG, O_SECRETS, secrets),
    OPT("strict", FLAG, O_STRICT, strict),
    OPT("to", TEXT, O_TO, to),
    OPT("from", TEXT, O_FROM, from),
    OPT("udp", PORT, O_UDP, port),
    OPT("path", FLAG, O_PATH, path),
    OPT("agent", TEXT, O_AGENT, agent),
    OPT("reflect", PORT, O_REFLECT, port),
    OPT("interval", DURATION, O_INTERVAL, interval_us),
    OPT("timeout", DURATION, O_TIMEOUT, timeout_us),
    OPT("duration", DURATION, O_DURATION, duration_us),
    OPT("outage-max", DURATION, O_OUTAGE_MAX, outage_max_us),
};

static const struct command {
    const char *name, *args;
    int min, max;
    unsigned options;
    cli_command *fn;
    const char *help;
} commands[] = {
    {"status", "[TUNNEL]", 0, 1, 0, cli_status, "states and counters, or one tunnel in full"},
    {"readiness", "[TUNNEL]", 0, 1, 0, cli_readiness,
     "would the backup carry now: each reason why not, and what to do; exit 1 unless ready"},
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
    {"reload", "[--dry-run]", 0, 0, O_DRY_RUN, cli_reload,
     "read the configuration again; sessions stay; --dry-run: what that would do"},
    {"bgp policy", "[POLICY]", 0, 1, 0, cli_policies,
     "import and export policies as FRR's route-maps, and who uses them"},
    {"bgp mrt", "table|updates --out FILE", 1, 1, O_OUT, cli_mrt,
     "the table (TABLE_DUMP_V2), or BGP's messages until Ctrl-C (BGP4MP_ET), for bgpdump and its "
     "kind"},
    {"neighbor shutdown", "NAME [--graceful [--wait 60s]] [--message TEXT]", 1, 1,
     O_GRACEFUL | O_WAIT | O_MESSAGE, cli_neighbor,
     "end a session until it is enabled, telling it TEXT (RFC 9003); --graceful: only tag what it "
     "is told (RFC 8326), and end it after --wait"},
    {"neighbor refresh", "NAME [in|out]", 1, 2, 0, cli_refresh,
     "apply the policies again: ask for its routes, tell it ours"},
    {"neighbor enable", "NAME", 1, 1, 0, cli_neighbor, "let it come up again"},
    {"routes", "[best|learned [NEIGHBOR]|advertised NEIGHBOR] [PREFIX] [--azure[=COLUMN,...]]", 0,
     3, O_AZURE, cli_routes,
     "routes; of a PREFIX and what is inside, or that hold an ADDRESS; --azure: as Get-Az...Route"},
    {"drill run", "FILE|NAME [--dry-run] [--force] [--detach] [--config FILE]", 1, 1,
     O_DRY_RUN | O_FORCE | O_DETACH | O_CONFIG, cli_drill_run,
     "a failover drill, restored whatever happens; NAME: of /etc/kedge/drills; --dry-run: what it "
     "would do and what takes that back; --force: outside its window, unready or unrehearsed; "
     "--detach: kedged holds it"},
    {"drill rehearse", "FILE|NAME [--config FILE]", 1, 1, O_CONFIG, cli_drill_rehearse,
     "the same on a simulated copy of kedged's configuration and routes; nothing real is touched"},
    {"drill abort", "", 0, 0, 0, cli_drill_abort,
     "end the drill that runs: everything is restored"},
    {"events", "[--follow] [--since N] [--event NAME,...]", 0, 0, O_FOLLOW | O_SINCE | O_EVENT,
     cli_events,
     "what happened, the last 16384; --event: only such, as tunnel.detect, or all of a kind, as "
     "bgp"},
    {"keylog", "--out DIR|FILE [--tunnel NAME]", 0, 0, O_OUT | O_TUNNEL, cli_keylog,
     "write the keys for Wireshark, as they come, until Ctrl-C; as root, with control.keylog"},
    {"audit", "[--wait 5s]", 0, 0, O_WAIT, cli_audit,
     "what is wanted against what is in the data plane and the kernel; changes nothing"},
    {"drill list", "", 0, 0, 0, cli_drill_list,
     "failover drills that were, and what they say together"},
    {"drill show", "[NAME|ID]", 0, 1, 0, cli_drill_show,
     "one of them: verdict, timeline, loss, paths; the last one where no other is named"},
    {"drill report", "[NAME|ID] [--out FILE|-]", 0, 1, O_OUT, cli_drill_report,
     "the same as one HTML page with its pictures, that needs nothing else"},
    {"check", "FILE", 1, 1, 0, cli_check, "judge a configuration, without the daemon"},
    {"import", "ios|swanctl FILE [--strict]", 2, 2, O_STRICT, cli_import,
     "a router's or strongSwan's configuration as a kedge.yaml in its place; --strict: fail when "
     "a line isn't taken over"},
    {"peer-config", "TUNNEL --for KIND [--secrets] [--config FILE]", 1, 1,
     O_FOR | O_SECRETS | O_CONFIG, cli_peer_config,
     "the other side's configuration: strongswan, ios, junos, frr, bird or azure-cli"},
    {"probe",
     "--to ADDR [--from ADDR] [--interval 10ms] [--duration 10s] [--udp[=PORT]] [--path]\n"
     "      [--timeout 1s] [--outage-max 100ms], or --reflect[=PORT] [--from ADDR], or --agent "
     "NAME",
     0, 0, O_PROBE, cli_probe,
     "loss, outages and the way to ADDR, without the daemon; --reflect: the far end of --udp; "
     "--agent: measures for kedged's drills"},
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
          "exit: 0 done, 1 refused or failed, 2 usage, 3 no daemon, 4 timed out\n",
          to);
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

static bool port(const char *s, uint16_t *out)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);
    *out = (uint16_t)n;
    return *s >= '0' && *s <= '9' && !*end && n > 0 && n <= UINT16_MAX;
}

static bool take(const struct opt *o, const char *arg, struct cli *c)
{
    void *field = (char *)c + o->field;
    switch (o->kind) {
    case FLAG:
        *(bool *)field = true;
        return true;
    case TEXT:
    case FLAG_TEXT:
        *(const char **)field = arg;
        return true;
    case DURATION:
        if (cli_duration(arg, field))
            return true;
        fprintf(stderr, "kedge: --%s \"%s\"; allowed: 10s, 500ms, 2m\n", o->name, arg);
        return false;
    case PORT:
        *(uint16_t *)field = CLI_PROBE_PORT;
        if (!arg || port(arg, field))
            return true;
        fprintf(stderr, "kedge: --%s \"%s\"; allowed: 1 to 65535\n", o->name, arg);
        return false;
    }
    return false;
}

static void long_options(struct option longs[KD_ARRAY_LEN(opts) + 3])
{
    static const int has_arg[] = {[FLAG] = no_argument,
                                  [TEXT] = required_argument,
                                  [FLAG_TEXT] = optional_argument,
                                  [DURATION] = required_argument,
                                  [PORT] = optional_argument};
    size_t n = KD_ARRAY_LEN(opts);
    for (size_t i = 0; i < n; i++)
        longs[i] = (struct option){opts[i].name, has_arg[opts[i].kind], NULL, 256 + (int)i};
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n + 1] = (struct option){"version", no_argument, NULL, 'V'};
    longs[n + 2] = (struct option){0};
}

/* -1: go on; else the exit code. *options: those given. */
static int parse_options(int argc, char **argv, struct cli *c, unsigned *options)
{
    struct option longs[KD_ARRAY_LEN(opts) + 3];
    int o;
    long_options(longs);
    while ((o = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (o == '?')
            return CLI_USAGE; /* getopt has said why */
        if (o == 'V')
            return (int)cli_version(c);
        if (o == 'h') {
            print_help(stdout);
            return CLI_OK;
        }
        if (!take(&opts[o - 256], optarg, c))
            return CLI_USAGE;
        *options |= opts[o - 256].bit;
    }
    c->azure = *options & O_AZURE;
    c->reflect = *options & O_REFLECT;
    return -1;
}

int main(int argc, char **argv)
{
    const char *from_env = getenv("KEDGE_SOCKET");
    struct cli c = {.socket = from_env && *from_env ? from_env : SOCKET_DEFAULT,
                    .config = CONFIG_DEFAULT,
                    .interval_us = KD_MS(10),
                    .timeout_us = KD_S(1)};
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
