/* Names of the core's enums, as they stand in events, JSON and the command line. */
#include "core/core.h"

const char *const core_dataplane_names[] = {"auto", "tun", "xfrm", "none", NULL};

const char *const core_probe_names[] = {
    [CORE_PROBE_ICMP] = "icmp",
    [CORE_PROBE_UDP] = "udp",
    [CORE_PROBE_TCP] = "tcp",
    NULL,
};

const char *const core_health_state_names[] = {
    [CORE_HEALTH_UNKNOWN] = "unknown",
    [CORE_HEALTH_UP] = "up",
    [CORE_HEALTH_DOWN] = "down",
    NULL,
};

const char *const core_tunnel_state_names[] = {
    [CORE_T_DISABLED] = "disabled",
    [CORE_T_DOWN] = "down",
    [CORE_T_CONNECTING] = "connecting",
    [CORE_T_UNPROVEN] = "unproven",
    [CORE_T_UP] = "up",
    [CORE_T_FAILING] = "failing",
    [CORE_T_UNREACHABLE] = "unreachable",
    [CORE_T_N] = NULL,
};

const char *const core_rehearsal_state_names[] = {
    [CORE_REHEARSAL_NONE] = "none",     [CORE_REHEARSAL_WAITING] = "waiting",
    [CORE_REHEARSAL_CHILD] = "running", [CORE_REHEARSAL_IKE] = "running",
    [CORE_REHEARSAL_PASSED] = "passed", [CORE_REHEARSAL_FAILED] = "failed",
    [CORE_REHEARSAL_N] = NULL,
};

const char *const core_command_names[] = {
    [CORE_CMD_UP] = "up",
    [CORE_CMD_DOWN] = "down",
    [CORE_CMD_DOWN_SILENT] = "down-silent",
    [CORE_CMD_REKEY] = "rekey",
    [CORE_CMD_REKEY_CHILD] = "rekey-child",
    [CORE_CMD_REKEY_IKE] = "rekey-ike",
    [CORE_CMD_REHEARSE] = "rehearse",
    [CORE_CMD_RESET] = "reset",
    [CORE_CMD_NEIGHBOR_SHUTDOWN] = "neighbor-shutdown",
    [CORE_CMD_NEIGHBOR_LEAVE] = "neighbor-leave",
    [CORE_CMD_NEIGHBOR_SILENT] = "neighbor-silent",
    [CORE_CMD_NEIGHBOR_DRAIN] = "neighbor-drain",
    [CORE_CMD_NEIGHBOR_UNDRAIN] = "neighbor-undrain",
    [CORE_CMD_NEIGHBOR_REFRESH] = "neighbor-refresh",
    [CORE_CMD_NEIGHBOR_REFRESH_IN] = "neighbor-refresh-in",
    [CORE_CMD_NEIGHBOR_REFRESH_OUT] = "neighbor-refresh-out",
    [CORE_CMD_NEIGHBOR_ENABLE] = "neighbor-enable",
    [CORE_CMD_RELOAD] = "reload",
    [CORE_CMD_KEYLOG] = "keylog",
    [CORE_CMD_N] = NULL,
};

const char *const core_note_names[] = {
    [CORE_NOTE_START] = "daemon.start",
    [CORE_NOTE_DATAPLANE] = "daemon.dataplane",
    [CORE_NOTE_STOP] = "daemon.stop",
    [CORE_NOTE_TUNNEL_STATE] = "tunnel.state",
    [CORE_NOTE_IKE_UP] = "ike.established",
    [CORE_NOTE_IKE_CLOSED] = "ike.closed",
    [CORE_NOTE_IKE_REKEYED] = "ike.rekeyed",
    [CORE_NOTE_IKE_REFUSED] = "ike.refused",
    [CORE_NOTE_CHILD_UP] = "child.up",
    [CORE_NOTE_CHILD_DOWN] = "child.down",
    [CORE_NOTE_DETECT] = "tunnel.detect",
    [CORE_NOTE_RESTORE] = "tunnel.restore",
    [CORE_NOTE_ABANDON] = "tunnel.abandon",
    [CORE_NOTE_BGP_STATE] = "bgp.state",
    [CORE_NOTE_BGP_STOP] = "bgp.stop",
    [CORE_NOTE_BGP_ERROR] = "bgp.error",
    [CORE_NOTE_BFD_STATE] = "bfd.state",
    [CORE_NOTE_BFD_REFUSED] = "bfd.refused",
    [CORE_NOTE_ROUTE_ADD] = "route.add",
    [CORE_NOTE_ROUTE_DEL] = "route.del",
    [CORE_NOTE_ROUTE_REFUSED] = "route.refused",
    [CORE_NOTE_FIB_CLEAR] = "fib.clear",
    [CORE_NOTE_KERNEL_ERROR] = "kernel.error",
    [CORE_NOTE_STRANGER] = "ike.stranger",
    [CORE_NOTE_IKE_WARNING] = "ike.warning",
    [CORE_NOTE_REHEARSAL_START] = "rehearsal.start",
    [CORE_NOTE_REHEARSAL_PASS] = "rehearsal.pass",
    [CORE_NOTE_REHEARSAL_FAIL] = "rehearsal.fail",
    [CORE_NOTE_RELOAD] = "daemon.reload",
    [CORE_NOTE_RELOAD_REFUSED] = "daemon.reload-refused",
    [CORE_NOTE_KEYLOG] = "daemon.keylog",
    [CORE_NOTE_HEALTH_DOWN] = "health.down",
    [CORE_NOTE_HEALTH_UP] = "health.up",
    [CORE_NOTE_HEALTH_WAY] = "health.way",
    [CORE_NOTE_RECOVER_HOLD] = "recover.hold",
    [CORE_NOTE_PATH_MTU] = "tunnel.path-mtu",
    [CORE_NOTE_READINESS] = "readiness.change",
    [CORE_NOTE_DRILL] = "drill",
    [CORE_NOTE_N] = NULL,
};
