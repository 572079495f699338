"""What a drill's timeline says of a tunnel whose ESP is the kernel's: when it carried, by its SAs' counters."""
import time

import yaml

from kernel_peers import kernel_pair
from lab.kedge import kedge
from lab.wait import until
from peers import INNER_GATE, INNER_PEER

SILENCE_S = 1  # the counters tell of traffic that pauses for 300 ms


def silence():
    end = time.monotonic() + SILENCE_S
    until(lambda: time.monotonic() >= end, SILENCE_S + 5, "silence")


def test_the_first_and_last_packet_are_as_sure_as_the_counters_are_looked_at(up):
    lab = up(kernel_pair("xfrm", "aes256gcm16"))
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    path = gate.write("drill.yaml", yaml.safe_dump({"drill": "carried", "steps": [{"hold": "600s"}]}))
    running = gate.spawn("drill", [kedge(), "drill", "run", path])
    until(lambda: [e for e in gate.kedge.events.drain() if e["seq"] > mark and e["event"] == "drill"
                   and "step 1 begin" in e["detail"]], 20, "the drill's first step")
    silence()
    lab["peer"].run("ping", "-n", "-q", "-i", "0.02", "-c", "30", "-I", INNER_PEER, INNER_GATE, timeout=60)
    silence()
    gate.kedge.cli("drill", "abort")
    until(lambda: not running.alive(), 20, "the drill's end")
    marks = [m for m in gate.kedge.json("drill", "show")["marks"] if m["source"] == "kernel"]
    assert marks and (marks[0]["kind"], marks[-1]["kind"]) == ("first-good", "last-good"), marks
    assert all(m["what"] == "peer" and m["precision_us"] > 0 for m in marks), marks
    assert marks[0]["at_us"] < marks[-1]["at_us"]
