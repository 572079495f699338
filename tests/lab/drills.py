"""kedge's own drills on expressroute-backup: tests/demo calls this, and tests/interop/test_drill_backup.py.

The drill files are conf/lab/drills; they run in the kedged of the on-premises firewall, and an agent on the test
server measures. Prints each drill's timeline, leaves its page, and ends with 0 when all of them have passed.
"""
import copy
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
SCALE = "10.16.0.0/16"  # /28s of it: all before the vm's prefix in the order of a table


def scaled(description, prefixes):
    """The topology with so many prefixes of Azure's, announced by the ExpressRoute gateways and by the VPN's."""
    more = [f"10.16.{n // 16}.{n % 16 * 16}/28" for n in range(prefixes - 2)]
    for name in ("gw-er-0", "gw-er-1", "gw-vpn-0", "gw-vpn-1"):
        host = description["hosts"][name]
        if host.get("kedge"):
            host["routes"] = [*(host.get("routes") or []), *(f"{prefix} dev vnet0" for prefix in more)]
            spec = host["kedge"] = copy.deepcopy(host["kedge"])
            spec["router"]["redistribute"] = {"protocols": ["boot"], "policy": "spokes", "max": prefixes}
            spec.setdefault("policies", {})["spokes"] = [{"permit": {"match": {"prefix": [f"{SCALE} le 28"]}}}]
        else:
            statics = " ".join(f"route {prefix} unreachable;" for prefix in more)
            host["bird"] = host["bird"].replace("protocol static { ipv4;", f"protocol static {{ ipv4; {statics}")
    vm = description["hosts"]["vm"]  # Azure's own prefixes are not the gateways' to tell it
    if vm.get("bird"):
        vm["bird"] = vm["bird"].replace("10.17.11.128/26+]", f"10.17.11.128/26+, {SCALE}+]")
    return description


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

    def run(self, name, changes=None):
        """Runs the drill, its text with changes made; the object of its end."""
        with open(os.path.join(ROOT, "conf/lab/drills", f"{name}.yaml"), encoding="utf-8") as source:
            text = source.read()
        for old, new in (changes or {}).items():
            text = text.replace(old, new)
        path = self.kedge.host.write(f"{name}.yaml", text)  # root's, as exec wants it
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
