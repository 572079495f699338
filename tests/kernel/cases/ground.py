"""The ground that cases share: one topology with its charon, as long as only kedge.yaml and connections differ.

In the guest a topology and a charon take some ten times as long as kedged. After each case `kedge audit` is asked,
kedged ends, charon drops what it has, and no namespace holds an SA or a policy: the case that left one fails, and the
next gets new ground.
"""
import copy
import json
import os
from contextlib import ExitStack

from lab import xfrm
from lab.topology import Topology
from lab.wait import until


def tunnels(lab):
    return lab.description["hosts"]["gate"]["kedge"]["tunnels"]


def left(lab):
    """{host: what its kernel holds}, of the hosts whose kernels hold any."""
    held = {name: (xfrm.states(host), xfrm.policies(host)) for name, host in lab.hosts.items()}
    return {name: what for name, what in held.items() if any(what)}


def audited(kedge):
    """`kedge audit` finds no difference."""
    done = kedge.cli("audit", "--wait", "20s", check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def leaves_nothing(lab):
    """Every kedged has no SA or policy that it doesn't want, and none is left when it has ended."""
    for host in lab.hosts.values():
        if host.kedge and host.kedge.program.alive():
            found = json.loads(host.kedge.cli("audit", "--wait", "20s", "--json", check=False).stdout)
            extra = [row for row in found["differences"] if row["state"] == "extra" and row["what"] in ("sa", "policy")]
            assert not extra, extra
            host.kedge.stop()
        held = host.ip("xfrm", "state") + host.ip("xfrm", "policy")
        assert "if_id 0x6b65" not in held, held


def bare(description):
    """What two descriptions have in common that can share ground."""
    common = copy.deepcopy(description)
    for host in common["hosts"].values():
        if host:
            host.pop("kedge", None)
            host.get("strongswan", {}).pop("connections", None)
    return common


class Ground:
    def __init__(self):
        self.lab = self.bare = None
        self.around = ExitStack()

    def take(self, description):
        """The topology of a description, without kedged; charon runs and has its connections."""
        if self.bare != bare(description):
            self.give_up()
            self.lab, self.bare = Topology(description, start=False).__enter__(), bare(description)
        self.lab.description = copy.deepcopy(description)
        charon = self.lab["peer"].strongswan
        if charon:
            for name, connection in description["hosts"]["peer"]["strongswan"]["connections"].items():
                charon.load(name, connection)
        self.lab.start_services(*(name for name in self.lab.hosts if name != "gate"))
        return self.lab

    def clear(self):
        """After a case: what kedged has in the kernel is what it wants there; it ends, and nothing of it is left."""
        for host in self.lab.hosts.values():
            if host.kedge:
                if host.kedge.program.alive():
                    audited(host.kedge)
                host.kedge.stop()
                os.truncate(host.kedge.program.log_path, 0)
                host.kedge = None
            for program in host.programs:
                if program.name.endswith("/events"):
                    program.kill()
            host.programs = [program for program in host.programs if program.alive()]
        charon = self.lab["peer"].strongswan
        for sa in charon.sas_list():
            charon.vici.request("terminate", {"ike-id": sa["uniqueid"], "force": "yes", "timeout": -1})
        for name in self.lab.description["hosts"]["peer"]["strongswan"]["connections"]:
            charon.vici.request("unload-conn", {"name": name})
        self.around.close()
        until(lambda: not charon.sas_list(), 5, lambda: f"charon without SAs; it has {charon.sas_list()}")
        until(lambda: not left(self.lab), 5, lambda: f"kernels that hold nothing; they hold {left(self.lab)}")

    def give_up(self):
        """kedged has ended; a charon that has had many connections may take half a minute to."""
        if self.lab:
            self.around.close()
            for host in self.lab.hosts.values():
                for program in host.programs:
                    program.kill()
            self.lab.down()
        self.lab = self.bare = None


def bring_up(lab):
    """Starts what isn't started and waits for all tunnels of the gate; charon calls those whose role is to respond."""
    lab.start_services()
    for tunnel in tunnels(lab):
        if tunnel.get("role") == "responder":
            name = "gate" if tunnel["name"] == "peer" else tunnel["name"].replace("peer", "gate")
            assert lab["peer"].strongswan.initiate(name) is None
    for tunnel in tunnels(lab):
        lab["gate"].kedge.wait_up(tunnel["name"])
    lab.dropped = xfrm.counters(lab["peer"])
