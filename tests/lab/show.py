"""tests/demo NAME: brings a topology of conf/lab up, shows what kedge says at every host that runs it, and takes
commands until the end of its input: "HOST COMMAND", "break FAULT", "mend FAULT", "show [HOST]", "help", "quit".
"""
import shlex
import sys

from .errors import LabError, LabTimeout
from .kedge import kedge
from .topology import Topology, read, topologies
from .wait import until

HELP = "HOST COMMAND ..., break FAULT, mend FAULT, show [HOST], quit; kedge on a HOST is that host's"


def waiting(lab):
    """What isn't up yet, in words: tunnels, and BGP sessions."""
    tunnels, sessions = [], []
    for host in gateways(lab):
        tunnels += [f"{host.name}: tunnel {row['name']} is {row['state']}"
                    for row in host.kedge.json("status")["tunnels"] if row["state"] != "up"]
        sessions += [f"{host.name}: BGP with {row['name']} is {row['state']}"
                     for row in host.kedge.json("bgp", "neighbors")["neighbors"] if row["state"] != "Established"]
    return tunnels, sessions


def gateways(lab):
    return [host for host in lab.hosts.values() if host.kedge]


def show(lab, names):
    for host in gateways(lab):
        if names and host.name not in names:
            continue
        for words in (("status",), ("bgp", "neighbors"), ("routes", "learned")):
            print(f"\n{host.name}# kedge {' '.join(words)}\n" + host.kedge.cli(*words).stdout.rstrip(), flush=True)


def settle(lab):
    """Waits until all is up; whether the tunnels are."""
    try:
        until(lambda: waiting(lab) == ([], []), 20, "all tunnels and sessions up", 0.2)
    except LabTimeout:
        pass
    tunnels, sessions = waiting(lab)
    for line in tunnels + sessions:
        print(f"not up: {line}")
    return not tunnels


def obey(lab, line):
    """One command; False to end."""
    word, *rest = shlex.split(line) or [""]
    if word in ("quit", "exit"):
        return False
    if word in ("break", "mend") and len(rest) == 1:
        (lab.fault if word == "break" else lab.mend)(rest[0])
    elif word == "show":
        show(lab, rest)
    elif word in lab.hosts and rest:
        argv = [kedge(), *rest[1:]] if rest[0] == "kedge" else rest
        done = lab[word].run(*argv, check=False, timeout=3600)
        print(done.stdout + done.stderr, end="")
    elif word:
        print(f"{HELP}\nhosts: {', '.join(lab.hosts)}\nfaults: {', '.join(lab.description.get('faults') or {}) or 'none'}")
    return True


def converse(lab):
    prompt = "lab> " if sys.stdin.isatty() else ""
    while True:
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        try:
            if not line or not obey(lab, line):
                return
        except (LabError, ValueError) as error:
            print(error)


def main(name):
    if name not in topologies():
        print(f"tests/demo: no topology {name}; there are: {', '.join(topologies())}", file=sys.stderr)
        return 2
    print(f"building the topology: {', '.join(read(name)['hosts'])}", flush=True)
    with Topology.load(name) as lab:
        up = settle(lab)
        show(lab, [])
        print(f"\n{HELP}", flush=True)
        converse(lab)
    return 0 if up else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except LabError as failure:
        print(f"tests/demo: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("tests/demo: interrupted; everything it made has been removed", file=sys.stderr)
        sys.exit(130)
