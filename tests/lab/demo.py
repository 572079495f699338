"""The ExpressRoute failover of seed 002 as one command: tests/demo calls this.

Brings the topology up, proves tunnel and BGP, cuts ExpressRoute while a probe runs, measures the outage until
the VPN carries it, restores, and judges. Progress and timeline go to the reader; --json prints the result instead.
"""
import argparse
import json
import sys
import time

from .errors import LabError, LabTimeout
from .probe import PathProbe
from .topology import Topology
from .wait import until

TOPOLOGY = "expressroute-one-tunnel"
VM = "10.17.11.132"
ONPREM_PREFIX = "10.1.11.0/25"
AZURE_PREFIXES = ("10.17.11.0/25", "10.17.11.128/26")
CIRCUIT = ("onprem0", "azure0")  # the devices of the MSEE


class Timeline:
    """Moments with their wall-clock time, printed relative to the cut."""

    def __init__(self):
        self.moments = []

    def add(self, what, when=None):
        self.moments.append((time.time() if when is None else when, what))

    def rows(self, zero):
        return [(round((when - zero) * 1000, 1), what) for when, what in sorted(self.moments)]


class Demo:
    def __init__(self, out):
        self.out = out
        self.lab = self.azure = self.onprem = None
        self.timeline = Timeline()
        self.cut_at = None
        self.result = {"tunnel_up": False, "bgp_established": False, "routes_learned": [], "outage_ms": None,
                       "path_before": None, "path_during": None, "path_after": None, "verdict": "fail",
                       "reasons": []}

    def say(self, text):
        print(text, file=self.out, flush=True)

    def fail(self, reason):
        """Adds a reason to fail; the result."""
        self.result["reasons"].append(reason)
        return self.result

    def run(self, lab):
        """The whole drill; the verdict is pass only when nothing was left to complain about."""
        self.lab, self.azure, self.onprem = lab, lab["azure"], lab["onprem"]
        try:
            self.bring_up()
            self.show()
            self.drill()
            self.judge()
        except LabError as error:
            self.fail(str(error))
        self.result["verdict"] = "fail" if self.result["reasons"] else "pass"
        return self.result

    def bring_up(self):
        kedge = self.azure.kedge
        up = kedge.wait_up("onprem", 30)
        self.result["tunnel_up"] = True
        ike = kedge.tunnel("onprem")["ike"]
        self.say(f"tunnel onprem up at +{up['t_us'] / 1e6 - kedge.events.all[0]['t_us'] / 1e6:.2f} s: "
                 f"{ike['suite']}, {'UDP-encapsulated' if ike['udp_encap'] else 'plain ESP'}")
        kedge.wait_established("onprem", 30)
        self.result["bgp_established"] = True
        kedge.wait_established("msee", 30)
        self.onprem.frr.wait_established("10.17.11.76")
        self.say("BGP Established over the tunnel (192.168.11.88) and over ExpressRoute (100.64.11.17)")

    def show(self):
        kedge = self.azure.kedge
        learned = until(self._learned_from_both, 20, f"{ONPREM_PREFIX} learned over both paths", 0.1)
        for prefix in AZURE_PREFIXES:
            until(lambda prefix=prefix: len(self.onprem.frr.paths(prefix)) >= 2, 20,
                  f"FRR on-prem has {prefix} over both paths", 0.1)
        self.result["routes_learned"] = sorted({row["prefix"] for row in learned})
        self.say("\nkedge routes learned (azure):\n" + kedge.cli("routes", "learned").stdout.rstrip())
        self.say("\nFRR on-prem, show bgp ipv4 unicast:\n" +
                 self.onprem.frr.command("show bgp ipv4 unicast").stdout.rstrip() + "\n")

    def _learned_from_both(self):
        rows = self.azure.kedge.routes("learned")
        sources = {row["neighbor"] for row in rows if row["prefix"] == ONPREM_PREFIX}
        return rows if {"onprem", "msee"} <= sources else None

    def drill(self):
        result = self.result
        with PathProbe(self.lab["server"], VM, self.azure, {"er0": "expressroute", "kedge0": "vpn"}) as probe:
            result["path_before"] = self.settle(probe, "expressroute", 20)
            self.say(f"path server <-> vm: {result['path_before']}, round trip {probe.rtt_ms()} ms")
            mark = self.azure.kedge.events.last_seq
            begin = time.time()
            self.cut_at = self.circuit("down")
            self.say("ExpressRoute cut (both MSEE links down)")
            result["path_during"] = self.settle(probe, "vpn", 30)
            self.hold(probe)
            restored_at = self.circuit("up")
            self.say(f"path {result['path_during']}; ExpressRoute restored")
            result["path_after"] = self.settle(probe, "expressroute", 60)
            self.hold(probe)
            self.measure(probe, begin, restored_at)
            self.note_events(mark)

    def settle(self, probe, path, timeout):
        """Waits for a path; the one that is there instead when it does not come."""
        try:
            probe.wait_path(path, timeout)
        except LabTimeout as error:
            self.fail(str(error))
        return probe.wait_any(2) or "none"

    def hold(self, probe):
        """A second more on this path: late replies count, and a path that flaps back is seen."""
        count = len(probe.samples)
        until(lambda: len(probe.samples) >= count + 100, 10, "100 more probes", 0.05)

    def circuit(self, state):
        """Both links of the circuit at the MSEE, in one go; the time just before."""
        at = time.time()
        self.lab["msee"].run("ip", "-batch", "-",
                             text_input="".join(f"link set {device} {state}\n" for device in CIRCUIT))
        self.timeline.add(f"ExpressRoute {'cut' if state == 'down' else 'restored'}", at)
        return at

    def measure(self, probe, begin, restored_at):
        cut = probe.outage(begin - 0.2, restored_at)
        back = probe.outage(restored_at)
        self.result["outage_ms"] = cut.ms
        self.result["lost_packets"] = cut.lost
        self.result["outage_on_restore_ms"] = back.ms
        self.result["probe"] = {"interval_ms": probe.interval * 1000, "sent": len(probe.samples),
                                "lost": probe.lost(), "rtt_ms": probe.rtt_ms()}
        if cut.lost:
            self.timeline.add("last good packet over ExpressRoute", cut.last_good)
        for path, after in (("vpn", begin), ("expressroute", restored_at)):
            first = probe.first(path, after)
            if first:
                self.timeline.add(f"first good packet over {path}", first)

    def note_events(self, mark):
        """kedged's own view of the same time, laid into the timeline."""
        events = self.azure.kedge.events
        if not events.drain():
            return
        offset = time.time() - time.monotonic()
        for event in events.all:
            if event["seq"] > mark and event["event"].split(".")[0] in ("tunnel", "bgp", "route", "fib"):
                detail = " ".join(str(event[key]) for key in ("tunnel", "neighbor", "prefix", "state", "reason")
                                  if event.get(key) not in (None, "", "none"))
                self.timeline.add(f"kedged: {event['event']} {detail}", event["t_us"] / 1e6 + offset)

    def judge(self):
        result = self.result
        wanted = {"path_before": "expressroute", "path_during": "vpn", "path_after": "expressroute"}
        for key, path in wanted.items():
            if result[key] != path and not result["reasons"]:
                self.fail(f"{key} is {result[key]}, not {path}")
        if result["outage_ms"] is None:
            self.fail("no outage could be measured")
        tunnel = self.azure.kedge.tunnel("onprem")
        if tunnel["state"] != "up":
            self.fail(f"tunnel is {tunnel['state']} at the end ({tunnel['reason']})")
        state = self.azure.kedge.neighbor("onprem")["state"]
        if state != "Established":
            self.fail(f"BGP over the tunnel is {state} at the end")
        result["timeline"] = [{"ms": ms, "what": what} for ms, what in self.timeline.rows(self.cut_at)]

    def print_verdict(self):
        self.say("\ntimeline (ms after the cut):")
        for row in self.result.get("timeline", []):
            self.say(f"  {row['ms']:>10.1f}  {row['what']}")
        for reason in self.result["reasons"]:
            self.say(f"failed: {reason}")
        outage = self.result["outage_ms"]
        self.say(f"\nverdict: {self.result['verdict']} (outage {outage if outage is not None else '?'} ms; paths "
                 f"{self.result['path_before']} -> {self.result['path_during']} -> {self.result['path_after']})")


def main():
    parser = argparse.ArgumentParser(prog="tests/demo", description="ExpressRoute failover drill of seed 002")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, progress on stderr")
    arguments = parser.parse_args()
    out = sys.stderr if arguments.json else sys.stdout
    print("building the topology: azure, onprem, msee, internet, server, vm", file=out, flush=True)
    demo = Demo(out)
    try:
        with Topology.load(TOPOLOGY) as lab:
            result = demo.run(lab)
            if result["verdict"] != "pass":
                lab.report(lines=25)
    except LabError as error:
        result = demo.fail(str(error))
    demo.print_verdict()
    if arguments.json:
        print(json.dumps(result))
    return 0 if result["verdict"] == "pass" else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("tests/demo: interrupted; everything it made has been removed", file=sys.stderr)
        sys.exit(130)
