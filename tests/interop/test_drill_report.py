"""The page of kedge drill report in a browser: it renders alone, in both schemes, and what others wrote stays text.

The drill it shows is a file of the history, written here; what a real drill leaves is test_drill.py's."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import zlib

import pytest
from lab.topology import Topology
from lab.wait import until

EVIL = '<script>document.title="owned"</script><img src=x onerror=y>'
ID = "20261121T020000.123Z"
CHROMIUMS_OWN = re.compile(r"https?://[^/]*(google|gvt1|chromium|gstatic)[^/]*/")
LIGHT, DARK = (246, 247, 249), (18, 22, 29)


def result(name):
    """As kedged writes one: control/drill_result.c."""
    def mark(kind, at_ms, source="daemon", precision_us=0):
        return {"kind": kind, "source": source, "at_us": at_ms * 1000, "precision_us": precision_us, "what": name[:40]}
    step = {"text": f"shutdown neighbor {name}", "detail": name, "outcome": "done", "start_us": 4_000_000,
            "end_us": 4_100_000, "undo": False}
    path = {"at_us": 0, "name": "expressroute", "source": "probe", "text": "", "reached": True,
            "hops": ["10.1.11.1", None, "10.17.11.132"]}
    loss = dict.fromkeys(["late", "duplicate", "reordered", "rtt_p50_us", "rtt_p95_us", "rtt_max_us"], 0)
    return {
        "version": 1, "id": ID, "drill": name, "node": name, "kedge": "0.1.0", "start_wall_us": 1795226400123456,
        "length_us": 42_000_000, "verdict": "passed", "reason": name, "forced": False, "rehearsed": False,
        "probe_from": "", "probe_to": "10.17.11.132", "probe_udp": False, "probe_every_us": 10000, "bucket_us": 100_000,
        "events_left_out": 0, "before": 0, "during": 1, "after": 0,
        "loss": {**loss, "sent": 4200, "answered": 4191, "lost": 9, "counted": True, "lost_out": 6, "lost_back": 3,
                 "outages": 1, "longest_us": 98000},
        "steps": [step], "paths": [path, {**path, "at_us": 4_300_000, "name": "vpn"}], "routes": [],
        "marks": [mark("last-good", 4012, "probe", 10000), mark("detection", 4034), mark("bgp-stop", 4035),
                  mark("fib", 4073), mark("first-good", 4110, "probe", 10000), mark("restore", 34160)],
        "outages": [{"first_seq": 401, "lost": 9, "last_good_us": 4_012_000, "first_good_us": 4_110_000, "counted": True,
                     "lost_out": 6, "lost_back": 3}],
        "events": [{"at_us": 4_034_000, "of": "bgp", "name": "bgp.stop", "what": name, "detail": name}],
        "buckets": [{"answered": 10, "lost": 0, "rtt_max_us": 900}] * 420,
    }


@pytest.fixture(scope="module")
def gate():
    spec = {"gateway": {"listen": ["192.0.2.1"], "dataplane": "none"}, "router": {"id": "10.0.0.1", "asn": 65515}}
    with Topology({"hosts": {"gate": {"loopback": ["192.0.2.1/32"], "kedge": spec}}}) as lab:
        gate = lab["gate"]
        drills = os.path.join(gate.directory, "state", "drills")
        assert until(lambda: os.path.isdir(drills), 10, "the history's directory", 0.02)
        with open(os.path.join(drills, f"{ID}.json"), "w", encoding="utf-8") as file:
            json.dump(result(EVIL), file)
        with open(os.path.join(drills, "20261122T020000.000Z.json"), "w", encoding="utf-8") as file:
            file.write('{"version":1,"id":')
        gate.kedge.stop()
        gate.kedge.start()
        yield gate


@pytest.fixture(scope="module")
def page(gate):
    path = os.path.join(gate.directory, "page.html")
    assert gate.kedge.cli("drill", "report", EVIL, "--out", path).stdout.strip() == path
    return path


class Browser:
    """Headless Chromium in the host's namespace, with a home that goes with it."""

    def __init__(self, host):
        self.host = host
        self.home = tempfile.mkdtemp(prefix="kedge-browser-")
        self.net_log = os.path.join(self.home, "net.json")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, page, *options):
        return self.host.run("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                             f"--user-data-dir={self.home}", "--enable-logging=stderr", f"--log-net-log={self.net_log}",
                             "--hide-scrollbars", "--window-size=1100,1900", *options, f"file://{page}", timeout=90)

    def requests(self):
        """What it asked of a network, as its own log has it."""
        with open(self.net_log, encoding="utf-8") as file:
            text = file.read()
        asked = set()
        for event in json.loads(text if text.rstrip().endswith("}") else text.rstrip().rstrip(",") + "]}")["events"]:
            url = event.get("params", {}).get("url", "")
            if url:
                asked.add(url)
        return asked


def corner(png):
    """The colour of the first pixel: no filter changes it."""
    with open(png, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 20000, "an empty picture"
    at, packed = 8, b""
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    return tuple(zlib.decompress(packed)[1:4])


def test_the_history_is_listed_and_a_damaged_file_is_named_and_left(gate):
    done = gate.kedge.cli("drill", "list")
    assert "98.0 ms" in done.stdout and ID in done.stdout
    assert "20261122T020000.000Z.json: no JSON" in done.stderr
    listed = gate.kedge.json("drill", "list")
    assert listed["damaged"] == 1 and listed["drills"][0]["outage_p95_ms"] == 98.0
    assert os.path.exists(os.path.join(gate.directory, "state", "drills", "20261122T020000.000Z.json"))


def test_one_is_shown_by_name_by_id_and_as_the_last(gate):
    shown = gate.kedge.cli("drill", "show").stdout
    assert shown == gate.kedge.cli("drill", "show", ID).stdout == gate.kedge.cli("drill", "show", EVIL).stdout
    assert "path expressroute -> vpn -> expressroute" in shown
    assert "lost 9 of 4200 packets: 6 on the way out, 3 on the way back" in shown
    assert gate.kedge.json("drill", "show")["marks"][0]["kind"] == "last-good"
    refused = gate.kedge.cli("drill", "show", "another", check=False)
    assert refused.returncode == 1 and 'there was no drill "another"' in refused.stderr


def test_age_and_verdict_are_in_the_metrics(gate):
    text = gate.run("curl", "-s", "--unix-socket", "/run/kedge/kedge.sock", "http://kedge/metrics").stdout
    quoted = EVIL.replace('"', '\\"')
    assert f'kedge_drill_last_passed{{drill="{quoted}"}} 1' in text
    assert f'kedge_drill_last_timestamp_seconds{{drill="{quoted}"}} 1795226400' in text
    assert "kedge_drill_damaged_files 1" in text


def test_the_page_renders_alone_and_what_others_wrote_is_text(gate, page):
    with Browser(gate) as browser:
        done = browser.run(page, "--dump-dom")
        dom = done.stdout
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "source: chrome://" not in line]
        asked = browser.requests()
    assert not said, said  # a request that the page's policy forbids would be said, too
    assert not [url for url in asked if url.startswith("http") and not CHROMIUMS_OWN.search(url)], asked
    assert "<title>Failover drill &lt;script&gt;document.title=" in dom and "owned</title>" not in dom
    assert "<script" not in dom and "<img" not in dom
    assert dom.count("<svg viewBox") == 2 and dom.count('class="mark m') == 6
    for label in ("Last good packet", "Detected +22.0 ms", "BGP stopped +23.0 ms", "Routes moved +61.0 ms",
                  "First good packet +98.0 ms"):
        assert f">{label}</text>" in dom, label
    assert "98.0 ms, 9 lost (6 out, 3 back)</text>" in dom


@pytest.mark.parametrize("options,background", [([], LIGHT), (["--force-dark-mode"], DARK)], ids=["light", "dark"])
def test_the_page_follows_the_readers_scheme(gate, page, options, background):
    with Browser(gate) as browser:
        picture = os.path.join(browser.home, "page.png")
        browser.run(page, f"--screenshot={picture}", *options)
        assert corner(picture) == background
