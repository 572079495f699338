"""kedge's systemd units live, under the sandbox they come with: kedged on the kernel's ESP beside strongSwan, drills by
their unit and timer, and what is left of a drill when kedged is killed or started anew."""
import json
from datetime import datetime

import pytest
import yaml

from kernel_peers import kernel_pair
from lab import xfrm
from lab.systemd import Systemd
from lab.topology import Topology
from lab.wait import until

SET_MTU = ["/sbin/ip", "link", "set", "dev", "lo", "mtu"]
HELD = {"hold": "300s"}
# CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK; and CAP_CHOWN
POWERS, POWERS_AND_CHOWN = "0000000000007400", "0000000000007401"


def drill(name, *steps, lease="60s", **head):
    """A program that needs what only kedged's unit may, the tunnel goes down, then steps."""
    mtu = {"do": [*SET_MTU, "65000"], "undo": [*SET_MTU, "65536"], "timeout": "30s"}
    return yaml.safe_dump({"drill": name, "lease": lease, **head, "steps": [
        {"exec": mtu}, {"tunnel": {"name": "peer", "how": "down"}}, *steps]}, sort_keys=False)


NEVER = {"days": ["sat"], "from": "02:00", "to": "02:01", "timezone": "Pacific/Kiritimati"}
FILES = {
    "/etc/kedge/drills/whole.yaml": drill("whole", {"restore": "all"}),
    "/etc/kedge/drills/held.yaml": drill("held", HELD),
    "/etc/kedge/drills/alone.yaml": drill("alone", HELD, lease="1s"),
    "/etc/kedge/drills/closed.yaml": drill("closed", window=NEVER),
    "/etc/kedge/psk": "a-preshared-key-of-the-lab",
    "/run/systemd/system/kedged.service.d/psk.conf": "[Service]\nLoadCredential=onprem:/etc/kedge/psk\n",
    "/run/systemd/system/kedge-drill@whole.timer.d/soon.conf": "[Timer]\nOnActiveSec=1s\nAccuracySec=10ms\n",
}


class Gate:
    """The host of the units. Its kedged is asked from inside."""

    def __init__(self, lab):
        text = lab.description["hosts"]["gate"]["kedge"]
        text["tunnels"][0]["auth"] = {"psk-credential": "onprem"}
        self.init = Systemd(lab["gate"], {**FILES, "/etc/kedge/kedge.yaml": yaml.safe_dump(text, sort_keys=False)})
        self.run = self.init.run
        done = self.systemctl("start", "kedged.service", check=False)
        assert done.returncode == 0, self.log()
        self.wait_up()

    def kedge(self, *arguments):
        return json.loads(self.run("kedge", *arguments, "--json").stdout)

    def tunnel(self):
        return self.kedge("status")["tunnels"][0]["state"]

    def wait_up(self):
        until(lambda: self.tunnel() == "up", 15, lambda: f"the tunnel up\n{self.log()}", 0.1)

    def systemctl(self, *words, check=True):
        return self.run("systemctl", *words, check=check)

    def show(self, unit, key):
        return self.systemctl("show", "--value", "-p", key, unit).stdout.strip()

    def log(self, unit="kedged.service"):
        return self.run("journalctl", "-o", "cat", "-u", unit).stdout

    def mtu(self):
        return self.run("cat", "/sys/class/net/lo/mtu").stdout.strip()

    def processes(self):
        """{pid: its /proc/PID/status as a map} of all that runs in kedged's cgroup, guards too."""
        text = self.run("sh", "-c", "cd /sys/fs/cgroup/system.slice/kedged.service 2>/dev/null || exit 0; "
                                    "for pid in $(cat cgroup.procs); do cat /proc/$pid/status; done").stdout
        found = [dict(line.split(":\t", 1) for line in part.splitlines() if ":\t" in line)
                 for part in ("\n" + text).split("\nName:")[1:]]
        return {status["Pid"]: status for status in found}

    def hold(self, name):
        """Starts a drill by its unit; returns when it holds."""
        self.systemctl("start", "--no-block", f"kedge-drill@{name}.service")
        until(lambda: self.mtu() == "65000" and self.tunnel() == "disabled", 15,
              lambda: f"the drill's steps done\n{self.log()}{self.log(f'kedge-drill@{name}')}", 0.1)

    def ended(self, name):
        until(lambda: self.show(f"kedge-drill@{name}", "ActiveState") in ("failed", "inactive"), 15,
              lambda: f"the end of drill {name}\n{self.log()}", 0.1)

    def verdicts(self, name):
        """Of its runs, the first one first."""
        runs = sorted(self.kedge("drill", "list")["runs"], key=lambda run: run["id"])
        return [run["verdict"] for run in runs if run["drill"] == name]

    def restored(self):
        until(lambda: self.mtu() == "65536", 15, lambda: f"the command taken back\n{self.log()}", 0.1)
        self.wait_up()


@pytest.fixture(scope="module")
def whole_gate():
    description = kernel_pair("xfrm", "aes256gcm16")
    with Topology(description, start=False) as lab:
        lab.start_services("peer")
        gate = Gate(lab)
        yield gate
        gate.init.end()


@pytest.fixture
def gate(whole_gate, request):
    failed = request.session.testsfailed
    yield whole_gate
    if request.session.testsfailed != failed:
        print(whole_gate.log())


def test_kedged_is_ready_in_its_sandbox_and_a_reload_leaves_the_tunnel_alone(gate):
    pid = gate.show("kedged", "MainPID")
    kedged, guard = sorted(gate.processes().values(), key=lambda status: status["Pid"] != pid)
    assert (kedged["CapEff"], guard["CapEff"]) == (POWERS, POWERS_AND_CHOWN)
    assert {(s["NoNewPrivs"], s["Seccomp"], s["CapBnd"]) for s in (kedged, guard)} == {("1", "2", POWERS_AND_CHOWN)}
    assert "libcap" not in gate.log()
    spis = gate.kedge("status")["tunnels"][0]["children"][0]["spi_in"]
    gate.run("sed", "-i", "s/permit: {}/permit: {set: {local-preference: 150}}/", "/etc/kedge/kedge.yaml")
    gate.systemctl("reload", "kedged")
    until(lambda: 'daemon.reload detail="taken over: polic' in gate.log(), 15, lambda: f"the reload\n{gate.log()}", 0.1)
    assert gate.kedge("status")["tunnels"][0]["children"][0]["spi_in"] == spis and gate.show("kedged", "MainPID") == pid
    gate.run("kedge", "audit", "--wait", "20s")


def test_the_timer_means_a_saturday_of_the_next_quarter_and_starts_the_drill(gate):
    gate.systemctl("start", "kedge-drill@held.timer")
    due = datetime.strptime(gate.show("kedge-drill@held.timer", "NextElapseUSecRealtime"), "%a %Y-%m-%d %H:%M:%S UTC")
    gate.systemctl("stop", "kedge-drill@held.timer")
    assert (due.strftime("%a %H:%M"), due.month % 3, due.day <= 7) == ("Sat 02:15", 1, True)
    gate.systemctl("start", "kedge-drill@whole.timer")
    until(lambda: gate.verdicts("whole"), 20, lambda: f"a drill by its timer\n{gate.log('kedge-drill@whole')}", 0.1)
    gate.ended("whole")
    assert gate.verdicts("whole") == ["passed"] and gate.show("kedge-drill@whole", "Result") == "success"
    gate.restored()


def test_a_drill_that_is_refused_fails_its_unit_and_disturbs_nothing(gate):
    assert gate.systemctl("start", "kedge-drill@closed", check=False).returncode == 1
    said = gate.log("kedge-drill@closed")
    assert "it is outside the window: sat 02:00 to 02:01 Pacific/Kiritimati" in said, said
    assert gate.show("kedge-drill@closed", "ExecMainStatus") == "1" and not gate.verdicts("closed")
    assert (gate.tunnel(), gate.mtu()) == ("up", "65536")


def test_a_drill_whose_unit_is_stopped_is_taken_back(gate):
    known = gate.verdicts("held")
    gate.hold("held")
    gate.systemctl("stop", "kedge-drill@held")
    gate.restored()
    assert gate.verdicts("held") == [*known, "aborted"]


def test_kedged_killed_is_started_again_and_restores_before_a_tunnel_rises(gate):
    known = gate.verdicts("held")
    gate.hold("held")
    before, mark = gate.processes(), len(gate.log())
    gate.systemctl("kill", "--signal=KILL", "--kill-whom=main", "kedged")
    until(lambda: "daemon.start" in gate.log()[mark:], 20, lambda: f"kedged again\n{gate.log()}", 0.1)
    gate.restored()
    said = gate.log()[mark:]
    assert said.index("step 1 is taken back") < said.index("daemon.start") < said.index("state=connecting"), said
    gate.ended("held")
    until(lambda: not before.keys() & gate.processes().keys(), 15, "the end of the guard that wasn't needed", 0.1)
    assert gate.show("kedge-drill@held", "ExecMainStatus") == "3" and len(gate.processes()) == 2
    assert gate.verdicts("held") == [*known, "interrupted"]


def test_the_guard_outlives_a_kedged_that_stays_away(gate):
    gate.run("sh", "-c", "printf '[Service]\\nRestart=no\\n' >/run/systemd/system/kedged.service.d/away.conf")
    gate.systemctl("daemon-reload")
    gate.hold("alone")
    gate.systemctl("kill", "--signal=KILL", "--kill-whom=main", "kedged")
    until(lambda: gate.mtu() == "65536", 20, lambda: f"the guard's work\n{gate.log()}", 0.1)
    until(lambda: not gate.processes(), 15, "the guard's end", 0.1)
    assert gate.show("kedged", "ActiveState") == "failed"
    gate.run("rm", "/run/systemd/system/kedged.service.d/away.conf")
    gate.systemctl("daemon-reload")
    gate.systemctl("start", "kedged")
    gate.restored()
    assert gate.verdicts("alone") == ["interrupted"]


def test_kedged_started_anew_ends_a_drill_and_nothing_starts_it_again(gate):
    known = gate.verdicts("held")
    gate.hold("held")
    gate.systemctl("restart", "kedged")
    gate.restored()
    gate.ended("held")
    assert not gate.run("systemctl", "list-jobs", "--no-legend").stdout.strip()
    assert gate.verdicts("held") == [*known, "aborted"]


def test_kedged_stopped_leaves_no_process_and_nothing_in_the_kernel(gate):
    gate.systemctl("stop", "kedged")
    assert gate.show("kedged", "Result") == "success" and not gate.processes()
    assert (xfrm.states(gate.init.host), xfrm.policies(gate.init.host)) == ({}, [])
    assert not gate.init.host.device_exists("kedge0")
