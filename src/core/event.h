/* What happened, as the operator sees it: one record for the log, the event stream and
 * timelines. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "base/addr.h"
#include "base/reason.h"
#include "base/slab.h"
#include "bgp/bgp.h"

enum core_note {
    CORE_NOTE_START,          /* daemon.start */
    CORE_NOTE_DATAPLANE,      /* daemon.dataplane: text says which and why */
    CORE_NOTE_STOP,           /* daemon.stop */
    CORE_NOTE_TUNNEL_STATE,   /* tunnel.state: tstate, reason */
    CORE_NOTE_IKE_UP,         /* ike.established: text = suite, remote */
    CORE_NOTE_IKE_CLOSED,     /* ike.closed: reason */
    CORE_NOTE_IKE_REKEYED,    /* ike.rekeyed: text = suite */
    CORE_NOTE_IKE_REFUSED,    /* ike.refused: reason, text, offered, configured */
    CORE_NOTE_CHILD_UP,       /* child.up: spi_in, spi_out, text = suite */
    CORE_NOTE_CHILD_DOWN,     /* child.down */
    CORE_NOTE_DETECT,         /* tunnel.detect: the budget ran out (or the SA went) */
    CORE_NOTE_RESTORE,        /* tunnel.restore */
    CORE_NOTE_ABANDON,        /* tunnel.abandon */
    CORE_NOTE_BGP_STATE,      /* bgp.state: bstate */
    CORE_NOTE_BGP_STOP,       /* bgp.stop: reason, text; bstate: the one that ended */
    CORE_NOTE_BGP_ERROR,      /* bgp.error */
    CORE_NOTE_BFD_STATE,      /* bfd.state: reason, text; after a failure latency_us since the
                                 last packet */
    CORE_NOTE_BFD_REFUSED,    /* bfd.refused: rate-limited */
    CORE_NOTE_ROUTE_ADD,      /* route.add: prefix, nexthop; acknowledged by the kernel */
    CORE_NOTE_ROUTE_DEL,      /* route.del */
    CORE_NOTE_ROUTE_REFUSED,  /* route.refused: prefix; text: it would carry its tunnel */
    CORE_NOTE_FIB_CLEAR,      /* fib.clear: count routes, latency_us since tunnel.detect */
    CORE_NOTE_KERNEL_ERROR,   /* kernel.error: text */
    CORE_NOTE_STRANGER,       /* ike.stranger: rate-limited */
    CORE_NOTE_REHEARSAL_START, /* rehearsal.start */
    CORE_NOTE_REHEARSAL_PASS, /* rehearsal.pass: latency_us it took, text = the groups */
    CORE_NOTE_REHEARSAL_FAIL, /* rehearsal.fail: reason, latency_us, text */
    CORE_NOTE_RELOAD,         /* daemon.reload: the configuration was read again; text */
    CORE_NOTE_RELOAD_REFUSED, /* daemon.reload-refused: and is wrong; text */
    CORE_NOTE_KEYLOG,         /* daemon.keylog: keys are being written, or no longer; text */
    CORE_NOTE_IKE_WARNING,    /* ike.warning: text; once a tunnel */
    CORE_NOTE_HEALTH_DOWN,    /* health.down: health, reason, text; latency_us since an answer */
    CORE_NOTE_HEALTH_UP,      /* health.up: health, text; latency_us it was down */
    CORE_NOTE_HEALTH_WAY,     /* health.way: health, text: the probe has none of its own */
    CORE_NOTE_RECOVER_HOLD,   /* recover.hold: good again; latency_us that it has to be so */
    CORE_NOTE_PATH_MTU,       /* tunnel.path-mtu: what passes was measured, and is another; text */
    CORE_NOTE_READINESS,      /* readiness.change: text: the verdict, and the reasons' codes */
    CORE_NOTE_DRILL,          /* drill: text; said by the shell that runs it */
    CORE_NOTE_N
};
extern const char *const core_note_names[];

/* PRODUCT 4 */
enum core_tunnel_state {
    CORE_T_DISABLED,
    CORE_T_DOWN,
    CORE_T_CONNECTING,
    CORE_T_UNPROVEN,
    CORE_T_UP,
    CORE_T_FAILING,
    CORE_T_UNREACHABLE,
    CORE_T_N
};
extern const char *const core_tunnel_state_names[];

#define CORE_NO_TUNNEL UINT32_MAX
#define CORE_NO_PEER   UINT32_MAX

struct core_event_record {
    enum core_note note;
    uint64_t now_us;  /* CLOCK_MONOTONIC */
    uint32_t tunnel;  /* or CORE_NO_TUNNEL */
    uint32_t peer;    /* or CORE_NO_PEER */
    uint32_t health;  /* HEALTH_*: which probe */
    enum core_tunnel_state tstate;
    enum bgp_state bstate;
    enum kd_reason reason;
    uint32_t spi_in, spi_out;
    struct kd_prefix prefix;
    struct kd_addr nexthop;
    struct kd_endpoint remote;
    uint32_t count;
    uint64_t latency_us;
    struct kd_bytes text, offered, configured; /* borrowed for the call; UTF-8, safe to print */
};

#endif
