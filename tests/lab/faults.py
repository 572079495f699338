"""A tunnel's life with one of its netlink requests refused, or its answer lost: the fault switch of src/io/fault.h.

kedged obeys it with KEDGE_FAULTS in its environment (`ENABLED`, or "N:ERRNO" for its very first requests), where it was
not built with -Dfaults=off or as a release. What is asked of kedged goes over its control socket from here: a life of
the command's own processes would take ten times as long.
"""
import errno
import http.client
import json
import socket

from .errors import LabError
from .kedge import SOCKET
from .wait import until

ENABLED = "0:0"
LOST = 0        # in the place of an errno
PATIENCE = 10   # seconds until what was refused is asked for again, and answered


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("kedge")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Life:
    """Up, new keys for the pair, new keys for the IKE SA, down: of a tunnel, again and again.

    up_too: what must hold besides before it counts as up; left: what may not be left when it is down, as text.
    """

    def __init__(self, host, tunnel, up_too=lambda: True, left=lambda: ""):
        self.kedge, self.tunnel, self.up_too, self.left = host.kedge, tunnel, up_too, left
        self._ask = _Connection(f"/proc/{host.kedge.program.process.pid}/root{SOCKET}")

    def ask(self, path, method="GET", body=None):
        self._ask.request(method, path, body and json.dumps(body))
        answer = self._ask.getresponse()
        text = json.loads(answer.read())
        if answer.status >= 400:
            raise LabError(f"{method} {path}: {text}")
        return text

    def order(self, command, body=None):
        self.ask(f"/v1/tunnels/{self.tunnel}/{command}", "POST", body)

    def row(self):
        return self.ask(f"/v1/status?tunnel={self.tunnel}")["tunnels"][0]

    def wait_up(self):
        until(lambda: self.row()["state"] == "up" and self.up_too(), 30, lambda: f"not up: {self.row()}", 0.02)

    def wait_clean(self):
        def look():
            answer = self.ask("/v1/audit")
            return answer["clean"] and not answer["in_progress"]
        until(look, PATIENCE, lambda: f"no clean audit: {self.ask('/v1/audit')}", 0.05)

    def renew(self, what, done):
        """Until it is done, or refused: then what there was goes on."""
        mark = self.kedge.events.last_seq
        self.order("rekey", {"what": what})

        def ended():
            self.kedge.events.drain()
            return any(self.kedge.events.find(event, mark) for event in (done, "ike.refused", "kernel.error"))
        until(ended, 30, f"the end of the {what} rekey", 0.02)
        self.wait_up()

    def come_up(self):
        self.order("up")
        self.wait_up()

    def vanish(self):
        self.order("down")
        until(lambda: self.row()["state"] == "disabled" and not self.row()["children"], 10, "the tunnel down", 0.02)
        self.wait_clean()
        until(lambda: not self.left(), PATIENCE, lambda: f"left: {self.left()}", 0.05)

    def stages(self):
        """What a life does, one after the other; each ends with a clean audit, whatever was refused on the way."""
        def stage(act):
            def acted():
                act()
                self.wait_clean()
            return acted

        yield "up", stage(self.come_up)
        yield "child", stage(lambda: self.renew("child", "child.up"))
        yield "ike", stage(lambda: self.renew("ike", "ike.rekeyed"))
        yield "down", self.vanish

    def live(self):
        for _name, stage in self.stages():
            stage()

    def asked(self):
        """How many requests there were."""
        return self.ask("/v1/faults")["asked"]

    def faulty(self, what, n, error, act):
        """Does something with its n-th request from now refused with that errno, or its answer LOST; the events of it."""
        mark = self.kedge.events.last_seq
        self.ask(f"/v1/faults?in={n}&errno={error}")
        try:
            act()
        except Exception as reason:
            fate = errno.errorcode.get(error, "its answer lost")
            raise LabError(f"{what}, request {n}, {fate}: {reason}") from reason
        self.ask("/v1/faults?in=0")
        self.kedge.events.drain()
        return [event for event in self.kedge.events.all if event["seq"] > mark]

    def with_fault(self, n, error):
        """One life with its n-th request refused, or its answer lost; the events of it."""
        return self.faulty("a life", n, error, self.live)

    def with_every_fault(self, error):
        """Lives with the first, the second ... request of each stage refused, or its answer lost, until a stage has no
        more; yields the stage, the number, and the events of it. A way down has them all when it is that of a pair and
        of the one that it replaced, so its turn comes when every rekey succeeds."""
        turn = {name: 1 for name, _stage in self.stages()}
        while turn:
            for name, stage in self.stages():
                if name not in turn or (name == "down" and "child" in turn):
                    stage()
                    continue
                n, before = turn[name], self.asked()
                events = self.faulty(name, n, error, stage)
                if self.asked() - before < n:
                    del turn[name]
                    continue
                turn[name] += 1
                yield name, n, events
