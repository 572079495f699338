"""kedge probe --agent: what it does with the orders of a kedged, scripted here, that it follows on a socket."""
import http.server
import json
import os
import queue
import signal
import socketserver
import threading
import time

import pytest
from lab import kedge
from lab.wait import until

# a - m - b: a's packets to b lose a hop of TTL in m
LINE = {
    "hosts": {"a": {}, "m": {"forward": True}, "b": {}},
    "links": {
        "left": {"a": {"dev": "one", "addresses": ["192.0.2.1/30"]}, "m": {"dev": "left0", "addresses": ["192.0.2.2/30"]}},
        "right": {"b": {"dev": "one", "addresses": ["192.0.2.5/30"]}, "m": {"dev": "right0", "addresses": ["192.0.2.6/30"]}},
    },
}
TO, FROM = "192.0.2.5", "192.0.2.1"


class Scripted(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """kedged's side: orders go to the agent that joins, reports are kept; another boot is another clock."""
    daemon_threads = True

    def __init__(self, path, boot, ahead_us):
        super().__init__(path, Handler)
        self.orders, self.joined, self.reports = queue.Queue(), threading.Event(), []
        self.boot, self.ahead_us = boot, ahead_us
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        return self.socket.accept()[0], ("agent", 0)

    def now_us(self):
        return time.monotonic_ns() // 1000 + self.ahead_us

    def start(self, **order):
        self.orders.put({"version": 1, "order": "start", "run": 1, "to": TO, "from": FROM, "port": 0, "every_us": 10000,
                         "limit_us": 60_000_000, **order})

    def stop(self):
        """Ends the run; its last report."""
        self.orders.put({"version": 1, "order": "stop", "run": 1})
        return until(lambda: next((r for r in self.reports if r["final"]), None), 10, "the final report", 0.02)

    def packets(self):
        return [bucket for report in self.reports for bucket in report["buckets"]]

    def paths(self):
        return [path for report in self.reports for path in report["paths"]]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/agents/server":
            self.follow()
        elif body:
            self.server.reports.append(json.loads(body))
        if self.path == "/v1/agents/server/report":
            text = json.dumps({"version": 1, "t_us": self.server.now_us(), "boot": self.server.boot}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def follow(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'{"version":1,"agent":"server"}\n')
        self.server.joined.set()
        while True:
            order = self.server.orders.get()
            if order is None:
                return
            self.wfile.write(json.dumps(order).encode() + b"\n")

    def log_message(self, *_):
        pass


def this_boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


@pytest.fixture(scope="module")
def line():
    from lab.topology import Topology
    with Topology(LINE) as lab:
        lab["a"].ip("route", "add", "default", "via", "192.0.2.2")
        lab["b"].ip("route", "add", "default", "via", "192.0.2.6")
        yield lab


@pytest.fixture
def script(line, request):
    """An agent on a that follows a scripted kedged; request.param: how far its clock is ahead, None: it is ours."""
    ahead = getattr(request, "param", None)
    path = os.path.join(line["a"].directory, "kedged.sock")
    server = Scripted(path, this_boot() if ahead is None else "another", ahead or 0)
    agent = line["a"].spawn("agent", [kedge.kedge(), "--socket", path, "probe", "--agent", "server"])
    assert server.joined.wait(10)
    yield server
    agent.signal(signal.SIGTERM)
    agent.process.wait()
    server.orders.put(None)
    server.shutdown()
    server.server_close()
    os.unlink(path)


def test_what_is_sent_is_reported_to_the_last_packet_and_with_its_way(script):
    script.start()
    until(lambda: sum(b["b.answered"] for b in script.packets()) >= 50, 15, "50 packets answered", 0.02)
    until(script.paths, 5, "a way", 0.02)
    total = script.stop()["summary"]
    assert total["sent"] == total["answered"] == sum(b["b.answered"] for b in script.packets())
    assert total["lost"] == 0 == sum(b["b.lost"] for b in script.packets()) and not total["open"]
    assert script.paths()[0]["hops"] == ["192.0.2.2", TO] and script.paths()[0]["reached"]
    assert all(report["run"] == 1 and report["error_us"] == 0 for report in script.reports)


def test_an_outage_is_reported_when_it_ends_and_while_it_goes_on(line, script):
    script.start(every_us=1000)
    until(lambda: sum(b["b.answered"] for b in script.packets()) >= 50, 15, "50 packets answered", 0.02)
    line["m"].run("iptables", "-I", "FORWARD", "-s", FROM, "-j", "DROP")
    until(lambda: script.reports[-1]["summary"]["open"], 15, "an outage that goes on", 0.02)
    assert script.reports[-1]["summary"]["open_since_us"] > 0
    line["m"].run("iptables", "-D", "FORWARD", "-s", FROM, "-j", "DROP")
    ended = until(lambda: [o for r in script.reports for o in r["outages"]], 15, "its end", 0.02)
    total = script.stop()["summary"]
    assert ended[0]["lost"] == total["lost"] == sum(b["b.lost"] for b in script.packets()) > 0
    assert ended[0]["first_good_us"] - ended[0]["last_good_us"] >= ended[0]["lost"] * 1000
    assert total["outages"] == 1 and not ended[0]["counted"]


def test_a_reflector_tells_which_way_lost(line, script):
    reflector = line["b"].spawn("reflector", [kedge.kedge(), "probe", "--reflect", "--from", TO], pipe=True)
    assert b"reflecting" in reflector.line()
    script.start(port=8624, every_us=1000)
    until(lambda: sum(b["b.answered"] for b in script.packets()) >= 50, 15, "50 packets answered", 0.02)
    line["m"].run("iptables", "-I", "FORWARD", "-s", TO, "-j", "DROP")
    until(lambda: script.reports[-1]["summary"]["open"], 15, "an outage that goes on", 0.02)
    line["m"].run("iptables", "-D", "FORWARD", "-s", TO, "-j", "DROP")
    outage = until(lambda: [o for r in script.reports for o in r["outages"]], 15, "its end", 0.02)[0]
    assert outage["counted"] and outage["lost_back"] == outage["lost"] > 0 == outage["lost_out"]
    script.stop()
    reflector.kill()


@pytest.mark.parametrize("script", [3_600_000_000, -60_000_000], indirect=True, ids=["ahead", "behind"])
def test_times_are_of_kedgeds_clock_where_that_is_another(script):
    begin = script.now_us()
    script.start()
    until(lambda: len(script.packets()) >= 20, 15, "20 packets", 0.02)
    last = script.stop()
    end = script.now_us()
    error = max(report["error_us"] for report in script.reports)
    assert 0 < last["error_us"] < 1_000_000
    assert all(begin - error <= bucket["at_us"] <= end + error for bucket in script.packets())
    assert all(begin - error <= path["at_us"] <= end + error for path in script.paths())


def test_a_run_ends_by_itself_at_its_limit_and_the_agent_stays(script):
    script.start(limit_us=300_000)
    last = until(lambda: next((r for r in script.reports if r["final"]), None), 15, "the final report", 0.02)
    assert 1 <= last["summary"]["sent"] <= 31
    script.reports.clear()
    script.start(run=2)
    until(lambda: any(r["run"] == 2 for r in script.reports), 15, "a second run", 0.02)


@pytest.mark.parametrize("order", [{"every_us": 999}, {"to": "nowhere"}, {"from": "2001:db8::1"}, {"port": 65536},
                                   {"run": 0}, {"limit_us": 0}], ids=str)
def test_an_order_just_beyond_what_it_may_be_is_not_followed(script, order):
    script.start(**order)
    script.start(run=2)  # is, and so the one before has been looked at
    until(lambda: script.reports, 15, "the second order's reports", 0.02)
    script.stop()
    assert {report["run"] for report in script.reports} == {2}
