/* The parts of kedge probe --agent. */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include "base/addr.h"
#include "cli/cli.h"

#define AGENT_FORMAT 1 /* as control/agent.h's */

struct agent_order {
    uint32_t run;
    struct kd_addr to, from; /* from: family 0, the kernel's choice */
    uint16_t port;           /* of a reflector; 0: ICMP */
    uint64_t every_us, limit_us;
};

enum cli_exit cli_agent(const struct cli *c);
/* agent_measure.c: probes until SIGTERM or the limit, and writes reports, a JSON object a line,
 * into out. In a process of its own. */
enum cli_exit agent_measure(const struct agent_order *o, int out);
/* agent_report.c: posts what in brings, until it ends. In a process of its own. */
enum cli_exit agent_report(const struct cli *c, const char *path, int in);

#endif
