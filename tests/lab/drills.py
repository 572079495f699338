"""kedge's own drills on expressroute-backup: tests/demo calls this, and tests/interop/test_drill_backup.py.

The drill files are conf/lab/drills; they run in the kedged of the on-premises firewall, and an agent on the test
server measures. Prints each drill's timeline, leaves its page, and ends with 0 when all of them have passed.
"""
import json
import os
import sys

from . import farside
from .errors import LabError
from .kedge import ROOT
from .topology import Topology
from .wait import until

TOPOLOGY = "expressroute-backup"
SESSIONS = {"sea-srx42-01": ("ce-primary", "ce-secondary", "azure-primary", "azure-secondary"),
            "gw-vpn-0": ("onprem", "gw-er-0", "gw-er-1", "spoke"), "gw-vpn-1": ("onprem", "gw-er-0", "gw-er-1", "spoke")}
DRILLS = {"er-outage": "both CE routers go, the VPN carries, they come back",
          "drained": "the same after traffic was moved away by more-specifics: nothing may be lost",
          "er-cut": "both circuits cut silently: BFD between the CE routers and Microsoft finds it",
          "tunnel-silent": "with ExpressRoute out, one tunnel of the active-active gateway falls silent (detect: 2s)"}


class Backup:
    """The lab with everything up and the agent connected."""

    def __init__(self, lab):
        self.lab = lab
        self.kedge = lab["sea-srx42-01"].kedge
        for host, names in SESSIONS.items():
            for name in names:
                until(lambda host=host, name=name: lab[host].kedge.neighbor(name)["state"] == "Established", 60,
                      f"{name} Established on {host}")
        farside.install(lab, "sea-srx42-01")
        self.kedge.agent(lab["server"], "server")

    def run(self, name):
        """Runs the drill; the object of its end."""
        with open(os.path.join(ROOT, "conf/lab/drills", f"{name}.yaml"), encoding="utf-8") as file:
            path = self.kedge.host.write(f"{name}.yaml", file.read())  # root's, as exec wants it
        done = self.kedge.cli("drill", "run", path, "--json", check=False, timeout=180)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines or lines[-1]["event"] != "end":
            raise LabError(f"drill {name}: {done.stderr or done.stdout}")
        return lines[-1]

    def page(self, name):
        """The path of its page."""
        path = os.path.join(ROOT, os.environ.get("KEDGE_BUILD", "build"), f"drill-{name}.html")
        self.kedge.cli("drill", "report", name, "--out", path)
        return path


def main():
    print(f"building the topology {TOPOLOGY}: firewall, CE routers, MSEEs, gateways, server, vm", flush=True)
    failed = []
    with Topology.load(TOPOLOGY) as lab:
        backup = Backup(lab)
        for name, what in DRILLS.items():
            print(f"\ndrill {name}: {what}", flush=True)
            if backup.run(name)["verdict"] != "passed":
                failed.append(name)
            print(backup.kedge.cli("drill", "show", name).stdout, end="")
            print(f"page: {backup.page(name)}", flush=True)
        print("\n" + backup.kedge.cli("drill", "list").stdout, end="")
        if failed:
            lab.report(lines=25)
    print(f"\nverdict: {'fail: ' + ', '.join(failed) if failed else 'pass'}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("tests/demo: interrupted; everything it made has been removed", file=sys.stderr)
        sys.exit(130)
    except LabError as error:
        print(f"tests/demo: {error}", file=sys.stderr)
        sys.exit(1)
