"""kedge drill run and abort: the steps between kedged, FRR and BIRD, and everything restored whatever ends it: the
client killed or interrupted, kedged stopped or killed, after every step."""
import json
import os
import signal
import socket
import subprocess

import pytest
import yaml

from lab import kedge as programs
from lab.process import ENVIRONMENT
from lab.topology import Topology, read
from lab.wait import until

NETWORK = "10.20.0.0/24"  # FRR's
SET_MTU = ["/sbin/ip", "link", "set", "dev", "lo", "mtu"]


@pytest.fixture(scope="module")
def lab():
    with Topology(read("bgp-beside")) as built:
        settle(built)
        yield built


LEARNED = {NETWORK, "10.30.0.0/24", "2001:db8:20::/48", "2001:db8:30::/48"}


def settle(lab):
    kedge = lab["router"].kedge
    for name in ("frr", "frr6", "bird", "bird6"):
        until(lambda name=name: kedge.neighbor(name)["state"] == "Established", 30, f"{name} Established")
    until(lambda: LEARNED <= {row["prefix"] for row in kedge.routes()}, 30, "all routes")
    until(lambda: lab["frr"].frr.paths("10.30.0.0/24"), 30, "BIRD's route at FRR")


class Drill:
    """A drill of four steps that disturb something: BGP twice, a file is made, and a link's MTU is set, which takes
    CAP_NET_ADMIN (in kedged, whose capabilities are dropped, no program would have it)."""

    def __init__(self, lab, lease="1s", hold="300s", extra=()):
        self.lab = lab
        self.host = lab["router"]
        self.kedge = self.host.kedge
        self.file = os.path.join(self.host.directory, "made")
        self.steps = [{"shutdown": {"neighbor": "frr"}}, self.command(["/usr/bin/touch", self.file], ["/bin/rm", "-f", self.file]),
                      {"drain": {"neighbor": "bird", "by": "gshut"}},
                      self.command([*SET_MTU, "65000"], [*SET_MTU, "65536"])] + list(extra)
        self.head = {"drill": "four-steps", "lease": lease}
        self.hold = hold
        self.program = None

    @staticmethod
    def command(do, undo):
        return {"exec": {"do": do, "undo": undo, "timeout": "5s"}}

    def marks(self):
        """What each of the two commands has left."""
        with open(self.host.namespace.path("/sys/class/net/lo/mtu"), encoding="utf-8") as mtu:
            return [os.path.exists(self.file), mtu.read().strip() == "65000"]

    def write(self, steps):
        return self.host.write("drill.yaml", yaml.safe_dump({**self.head, "steps": steps}, sort_keys=False))

    def start(self, n, *options):
        """Runs the first n steps and holds; returns when the hold has begun."""
        path = self.write(self.steps[:n] + [{"hold": self.hold}])
        mark = self.kedge.events.last_seq
        self.program = self.host.spawn("drill", [programs.kedge(), "drill", "run", path, *options])
        until(lambda: self.said(f"step {n + 1} begin: hold", mark), 15, f"step {n} done")
        done = [word for step in self.steps[:n] for word in step.get("exec", {}).get("do", [])]
        assert self.marks() == [self.file in done, "65000" in done], "only what was journalled"
        return self

    def said(self, words, after=-1):
        return [e for e in self.kedge.events.drain()
                if e["seq"] > after and e["event"] == "drill" and words in e["detail"]]

    def restored(self):
        until(lambda: not any(self.marks()), 15, "the commands taken back", 0.02)
        settle(self.lab)
        assert self.lab["bird"].bird.show("show route 10.20.0.0/24 all").count("(65535, 0)") == 0

    def journal(self):
        with open(os.path.join(self.host.directory, "state", "drill.journal"), encoding="utf-8") as file:
            return file.read().splitlines()

    def over(self):
        return self.journal()[-1].startswith("end ")


def test_a_drill_passes_and_says_what_it_did(lab):
    drill = Drill(lab)
    path = drill.write(drill.steps + [{"hold": "100ms"}, {"restore": "all"},
                                      {"expect": {"routes_unchanged": True, "within": "20s"}}])
    plan = drill.kedge.cli("drill", "run", path, "--dry-run").stdout
    assert "shut neighbor frr down" in plan and f"/bin/rm -f {drill.file}" in plan
    assert drill.kedge.neighbor("frr")["state"] == "Established"  # a dry run is dry
    done = drill.host.run(programs.kedge(), "drill", "run", path, "--json", timeout=60)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["event"] == "start" and lines[-1]["event"] == "end"
    assert lines[-1]["verdict"] == "passed" and lines[-1]["left"] == 0 and lines[-1]["reason"] == ""
    assert [line["step"] for line in lines if line.get("what") == "undone"] == [3, 1, 4, 2]  # ours first
    assert [s["outcome"] for s in lines[-1]["result"]["steps"]] == ["done"] * 11
    drill.restored()
    assert drill.over()


def test_what_is_wrong_is_refused_with_its_place_and_disturbs_nothing(lab):
    drill = Drill(lab)
    mark = drill.kedge.events.last_seq
    path = drill.write([{"shutdown": {"neighbor": "fr"}}, {"exec": {"do": ["/bin/true"]}}])
    done = drill.kedge.cli("drill", "run", path, check=False)
    assert done.returncode == 1 and "nothing was disturbed" in done.stderr and '"undo" is missing' in done.stderr
    path = drill.write([{"shutdown": {"neighbor": "fr"}}])
    done = drill.kedge.cli("drill", "run", path, check=False)
    assert f"{path}:4:" in done.stderr and 'no neighbor "fr"; there are: frr' in done.stderr
    done = drill.kedge.cli("drill", "abort", check=False)
    assert done.returncode == 1 and "no drill is running" in done.stderr
    drill.head["probe"] = {"agent": "nobody", "to": "192.0.2.6"}
    done = drill.kedge.cli("drill", "run", drill.write(drill.steps), check=False)
    assert done.returncode == 1 and 'no agent "nobody" is connected' in done.stderr
    assert not drill.said("", mark)


def test_a_window_and_another_drill_keep_it_from_running(lab):
    drill = Drill(lab)
    day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    today = int(subprocess.run(["date", "-u", "+%w"], capture_output=True, text=True, check=True).stdout)
    drill.head["window"] = {"days": [day[(today + 3) % 7]], "from": "02:00", "to": "04:00", "timezone": "Asia/Tokyo"}
    path = drill.write([{"hold": "100ms"}])
    done = drill.kedge.cli("drill", "run", path, check=False)
    assert done.returncode == 1 and "02:00 to 04:00 Asia/Tokyo" in done.stderr
    assert drill.kedge.cli("drill", "run", path, "--force").returncode == 0
    drill.head["window"].update(timezone="Mars/Olympus")
    assert "isn't known here" in drill.kedge.cli("drill", "run", drill.write([{"hold": "100ms"}]), check=False).stderr
    del drill.head["window"]
    drill.start(1)
    other = drill.write([{"hold": "1s"}])
    done = drill.kedge.cli("drill", "run", other, check=False)
    assert done.returncode == 1 and "drill four-steps is running" in done.stderr
    drill.kedge.cli("drill", "abort")
    drill.restored()
    assert drill.program.process.wait(10) == 1


def test_a_command_that_fails_or_hangs_ends_the_drill(lab):
    own = f"sleep 77.{os.getpid()}"
    for do, why in ((["/bin/sh", "-c", "echo so it is >&2; exit 3"], "exit status 3: so it is"),
                    (["/bin/sh", "-c", f"{own} & {own}"], "its time ran out"), (["/no/such"], "exit status 127")):
        drill = Drill(lab)
        steps = drill.steps[:2] + [{"exec": {"do": do, "undo": ["/bin/true"], "timeout": "300ms"}}]
        done = drill.kedge.cli("drill", "run", drill.write(steps), check=False, timeout=60)
        assert done.returncode == 1 and f"failed: step 3: {why}" in done.stdout
        drill.restored()
        assert subprocess.run(["pgrep", "-fx", own], check=False).returncode == 1


def test_commands_run_only_from_a_file_that_root_alone_can_change(lab):
    drill = Drill(lab)
    drill.steps = drill.steps[1:2]
    mark = drill.kedge.events.last_seq
    for user, mode, why in ((65534, 0o644, "the file belongs to user 65534"), (0, 0o664, "may write to the file (mode 0664)"),
                            (0, 0o646, "may write to the file (mode 0646)")):
        path = drill.write(drill.steps)
        os.chown(path, user, 0)
        os.chmod(path, mode)
        done = drill.kedge.cli("drill", "run", path, check=False)
        assert done.returncode == 1 and why in done.stderr and "chmod go-w" in done.stderr, done.stderr
    drill.write([{"hold": "100ms"}])
    drill.kedge.cli("drill", "run", path)  # without commands anyone may have written it
    os.chown(path, 0, 0)
    path = drill.write(drill.steps)
    os.chmod(drill.host.directory, 0o775)
    done = drill.kedge.cli("drill", "run", path, check=False)
    os.chmod(drill.host.directory, 0o755)
    assert done.returncode == 1 and "its directory (mode 0775)" in done.stderr
    assert not drill.said("step 1 begin: run", mark) and not any(drill.marks())
    drill.kedge.cli("drill", "run", path)


def test_a_drill_that_fails_in_the_simulator_is_refused_before_anything_happens(lab):
    drill = Drill(lab)
    config = os.path.join(drill.host.directory, "kedge.yaml")
    drill.head["rehearse"] = True
    mark = drill.kedge.events.last_seq
    path = drill.write([{"shutdown": {"neighbor": "frr"}}, {"expect": {"routes_unchanged": True, "within": "5s"}}])
    done = drill.kedge.cli("drill", "run", path, "--config", config, check=False)
    assert done.returncode == 1 and "the rehearsal failed: step 2: 1 routes are missing" in done.stderr, done.stderr
    assert NETWORK in done.stderr and "nothing was disturbed" in done.stderr
    done = drill.kedge.cli("drill", "run", path, "--config", "/nonexistent", check=False)
    assert done.returncode == 1 and "--config FILE" in done.stderr
    with socket.socket(socket.AF_UNIX) as asked:  # one who doesn't rehearse
        asked.connect(drill.host.namespace.path(programs.SOCKET))
        body = yaml.safe_dump({**drill.head, "steps": [{"hold": "1s"}]}).encode()
        asked.sendall(b"POST /v1/drills/run HTTP/1.1\r\nHost: kedge\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert b"it is to be rehearsed first" in asked.recv(4096)
    assert not drill.said("", mark) and drill.kedge.neighbor("frr")["state"] == "Established"
    path = drill.write([{"drain": {"neighbor": "bird", "by": "gshut"}}, {"expect": {"routes_unchanged": True}}])
    drill.kedge.cli("drill", "run", path, "--config", config)
    assert drill.kedge.json("drill", "show", "four-steps")["rehearsed"]
    drill.restored()


def test_more_specifics_are_told_to_the_others_only_and_taken_back(lab):
    drill = Drill(lab)
    drill.steps = [{"drain": {"neighbor": "bird", "by": "more-specific", "over": ["frr"]}}]
    mark = drill.kedge.events.last_seq
    drill.start(1)
    frr = lab["frr"].frr
    for half in ("10.10.0.0/25", "10.10.0.128/25"):
        until(lambda half=half: frr.paths(half), 15, f"{half} at FRR", 0.1)
        assert half not in lab["bird"].bird.show("route")
    assert frr.paths("10.10.0.0/24") and "10.10.0.0/24" in lab["bird"].bird.show("route")
    drill.kedge.cli("drill", "abort")
    until(lambda: not frr.paths("10.10.0.0/25") and not frr.paths("10.10.0.128/25"), 15, "the halves gone", 0.1)
    drill.restored()
    assert not [e for e in drill.kedge.events.drain() if e["seq"] > mark and e["event"] == "bgp.stop"]


def test_a_silent_neighbor_is_heard_again(lab):
    drill = Drill(lab)
    drill.steps = [{"shutdown": {"neighbor": "frr", "how": "silent"}}]
    mark = drill.kedge.events.last_seq
    drill.start(1)
    assert drill.kedge.neighbor("frr")["state"] == "Established"  # nobody has noticed yet
    drill.kedge.cli("drill", "abort")
    drill.kedge.wait_established("frr", after=mark)
    drill.restored()


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_lost_client_restores_everything(lab, step):
    drill = Drill(lab).start(step)
    drill.program.kill()
    drill.restored()
    until(lambda: drill.said("aborted: its client has gone"), 15, "the end told")
    assert drill.over()


HALVES = ("10.10.0.0/25", "10.10.0.128/25")
KINDS = {"silent": {"shutdown": {"neighbor": "bird", "how": "silent"}},
         "graceful": {"shutdown": {"neighbor": "bird", "how": "graceful", "after": "100ms"}},
         "more-specific": {"drain": {"neighbor": "bird", "by": "more-specific", "over": ["frr"]}},
         "local-pref": {"drain": {"neighbor": "bird6", "by": "local-pref"}}}


def undisturbed(drill):
    """Nothing of a step is left, at either end; the judge of plans sees none either."""
    until(drill.over, 15, "the journal's end", 0.02)
    drill.restored()
    until(lambda: not any(drill.lab["frr"].frr.paths(half) for half in HALVES), 15, "the halves gone", 0.1)
    until(lambda: {row["local_pref"] for row in drill.kedge.routes("learned")} == {100}, 15, "no path the last choice", 0.1)
    drill.kedge.cli("drill", "run", drill.write(drill.steps), "--dry-run")


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_client_restores_every_kind_of_step(lab, kind):
    drill = Drill(lab)
    drill.steps = [KINDS[kind]]
    drill.start(1)
    if kind == "local-pref":
        assert len({row["local_pref"] for row in drill.kedge.routes("learned")}) == 2
    drill.program.kill()
    until(lambda: drill.said("aborted: its client has gone"), 15, "the end told")
    undisturbed(drill)


def test_kedged_killed_has_nothing_left_of_any_kind_of_step(lab):
    drill = Drill(lab, lease="60s")
    drill.steps = [KINDS["local-pref"], KINDS["more-specific"], KINDS["graceful"],
                   {"shutdown": {"neighbor": "frr6", "how": "silent"}}]
    drill.start(4)
    drill.kedge.kill()
    drill.kedge.events.close()
    drill.kedge.start()
    undisturbed(drill)


def test_kedged_killed_while_it_restores_is_followed_by_the_guard(lab):
    """The command that takes back is under way: whatever of it was done, it is done again, to its end."""
    drill = Drill(lab)
    begun = os.path.join(drill.host.directory, "begun")
    slow = ["/bin/sh", "-c", f"touch {begun}; [ -e {begun}.again ] || {{ touch {begun}.again; sleep 60; }}; rm -f {drill.file}"]
    drill.steps = [drill.command(["/usr/bin/touch", drill.file], slow)]
    drill.steps[0]["exec"]["timeout"] = "100s"
    drill.steps.append({"shutdown": {"neighbor": "frr"}})
    path = drill.write([*drill.steps, {"hold": "300s"}])
    mark = drill.kedge.events.last_seq
    drill.program = drill.host.spawn("drill", [programs.kedge(), "drill", "run", path])
    until(lambda: drill.said("step 3 begin: hold", mark), 15, "the hold")
    drill.program.signal(signal.SIGINT)
    until(lambda: os.path.exists(begun), 15, "the command that takes back")
    drill.kedge.kill()
    until(drill.over, 15, "the guard's work", 0.02)
    assert drill.marks() == [False, False]
    drill.kedge.events.close()
    drill.kedge.start()
    drill.restored()


def test_ctrl_c_restores_and_the_client_sees_it(lab):
    drill = Drill(lab).start(4)
    drill.program.signal(signal.SIGINT)
    assert drill.program.process.wait(15) == 1
    assert "aborted by command" in drill.program.log() and "undone" in drill.program.log()
    drill.restored()


def test_a_detached_drill_is_held_by_the_daemon(lab):
    drill = Drill(lab).start(2, "--detach")
    assert drill.program.process.wait(10) == 0
    assert drill.marks()[0]
    drill.kedge.cli("drill", "abort")
    drill.restored()


def test_kedged_that_is_stopped_restores_first(lab):
    drill = Drill(lab).start(4)
    assert drill.kedge.stop() == 0
    assert not any(drill.marks()) and drill.over()
    drill.kedge.start()
    drill.restored()


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_guard_restores_when_kedged_was_killed_and_stays_away(lab, step):
    drill = Drill(lab, lease="1s").start(step)
    drill.kedge.kill()
    until(lambda: not any(drill.marks()), 15, "the guard's work", 0.02)
    until(lambda: step == 1 or drill.over(), 15, "the journal's end", 0.02)
    assert drill.program.process.wait(10) == 3
    drill.kedge.events.close()
    drill.kedge.start()
    drill.restored()
    last = drill.kedge.json("drill", "list")["drills"]
    assert "interrupted" in [row["verdict"] for row in last]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_kedged_killed_and_started_again_restores_before_it_does_anything_else(lab, step):
    drill = Drill(lab, lease="60s").start(step)
    before = len(drill.kedge.log())
    drill.kedge.kill()
    assert drill.marks()[0] == (step >= 2)  # the guard still waits
    drill.kedge.events.close()
    drill.kedge.start()
    assert not any(drill.marks())
    assert drill.over()
    drill.restored()
    assert ("step 2 is taken back" in drill.kedge.log()[before:]) == (step >= 2)


def test_a_damaged_journal_is_named_and_no_drill_runs(lab):
    drill = Drill(lab)
    path = os.path.join(drill.host.directory, "state", "drill.journal")
    with open(path, "a", encoding="utf-8") as file:
        file.write("nonsense\n")
    done = drill.kedge.cli("drill", "run", drill.write([{"hold": "100ms"}]), check=False)
    assert done.returncode == 1 and "isn't understood" in done.stderr
    os.unlink(path)
    drill.kedge.cli("drill", "run", drill.write([{"hold": "100ms"}]))
