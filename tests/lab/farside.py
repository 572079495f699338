"""A topology's faults as a program on one of its hosts, where a drill there reaches what is far away, as az or ssh does:

    exec: {do: [/run/lab-fault, circuit-cut, break], undo: [/run/lab-fault, circuit-cut, mend]}

The hosts of a fault break at once. To mend what isn't broken is no error: a drill may take a step back twice.
"""
import os
import shlex

from .kedge import words

PROGRAM = "/run/lab-fault"


def _commands(lab, host, commands, joint):
    return joint.join(shlex.join(lab[host].namespace.enter(words(command))) for command in commands)


def _break(lab, hosts):
    """Succeeds when each host's commands have."""
    lines = [f"( {_commands(lab, host, which['break'], ' && ')} ) & a{n}=$!" for n, (host, which) in enumerate(hosts.items())]
    return lines + [f"wait $a{n} || code=1" for n in range(len(hosts))]


def _mend(lab, hosts):
    return [f"( {_commands(lab, host, which['mend'], '; ')} ) 2>/dev/null &" for host, which in hosts.items()] + ["wait"]


def install(lab, host):
    """Puts the program into the /run of the lab's host."""
    cases = []
    for name, hosts in (lab.description.get("faults") or {}).items():
        cases += [f"{name}/break)", *_break(lab, hosts), ";;", f"{name}/mend)", *_mend(lab, hosts), ";;"]
    text = "\n".join(["#!/bin/sh", "code=0", 'case "$1/$2" in', *cases, '*) echo "no fault $1 to $2" >&2; exit 2 ;;', "esac",
                      "exit $code", ""])
    path = lab[host].namespace.path(PROGRAM)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, 0o755)
