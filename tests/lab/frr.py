"""FRR's zebra and (where asked for) bgpd, bfdd and ospfd in the host's namespaces, each with its configuration text.

    frr:
      bgpd: |
        router bgp 65020
        ...
      zebra: |      # optional
      bfdd: ""      # optional: bfdd runs
      ospfd: |      # optional; without it bgpd runs always
"""
import json

from .errors import LabError
from .wait import until

RUN = "/run/frr"


class Frr:
    def __init__(self, host, spec):
        self.host = host
        self.spec = spec
        self.zebra = self.bgpd = self.bfdd = self.ospfd = None

    def start(self):
        self.host.run("install", "-d", "-o", "frr", "-g", "frr", RUN)
        self.zebra = self._daemon("zebra", "-s", "90000000")
        self._wait_vty("zebra", self.zebra)
        if "bfdd" in self.spec:
            self.bfdd = self._daemon("bfdd", "--bfdctl", f"{RUN}/bfdd.sock")
            self._wait_vty("bfdd", self.bfdd)
        if "ospfd" in self.spec:
            self.ospfd = self._daemon("ospfd")
            self._wait_vty("ospfd", self.ospfd)
        if "bgpd" in self.spec or not self.ospfd:
            self.start_bgpd()

    def start_bgpd(self):
        """Also again, after bgpd.kill(), with what the spec says then."""
        self.bgpd = self._daemon("bgpd", "-p", "179")
        self._wait_vty("bgpd", self.bgpd)

    def _wait_vty(self, name, program):
        def answers():
            if not program.alive():
                raise LabError(f"{name} ended at once: {program.log()[-2000:]}")
            return self._vtysh(name, "show version").returncode == 0
        until(answers, 10, f"{name}'s vty")

    def _daemon(self, name, *options):
        path = self.host.write(f"{name}.conf", f"log stdout informational\n{self.spec.get(name) or ''}\n")
        return self.host.spawn(name, [f"/usr/lib/frr/{name}", "-f", path, "-i", f"{RUN}/{name}.pid", "-z",
                                      f"{RUN}/zserv.api", "--vty_socket", RUN, "-A", "127.0.0.1", "-P", "0",
                                      *options])

    def _vtysh(self, daemon, *commands):
        arguments = [part for command in commands for part in ("-c", command)]
        return self.host.run("vtysh", "--vty_socket", RUN, "-d", daemon, *arguments, check=False)

    def show(self, command, daemon="bgpd"):
        """`show <command> json`, parsed."""
        done = self._vtysh(daemon, f"show {command} json")
        return json.loads(done.stdout or "{}")

    def configure(self, *lines):
        """Configuration lines, as after `configure terminal`."""
        return self._vtysh("bgpd", "configure terminal", *lines)

    def configure_bfd(self, *lines):
        return self._vtysh("bfdd", "configure terminal", "bfd", *lines)

    def command(self, line):
        return self._vtysh("bgpd", line)

    def neighbor(self, address):
        return self.show(f"bgp neighbors {address}").get(address, {})

    def state(self, address):
        return self.neighbor(address).get("bgpState")

    def wait_established(self, address, timeout=30):
        until(lambda: self.state(address) == "Established", timeout,
              lambda: f"FRR on {self.host.name} Established with {address}, it is {self.state(address)}", 0.1)

    def paths(self, prefix, family="ipv4"):
        """The paths of a prefix in bgpd's table, as its JSON has them."""
        return self.show(f"bgp {family} unicast {prefix}").get("paths", [])

    def wait_path(self, prefix, matches=lambda path: True, timeout=15, family="ipv4"):
        def found():
            return next((path for path in self.paths(prefix, family) if matches(path)), None)
        return until(found, timeout, f"FRR on {self.host.name} has a wanted path to {prefix}", 0.1)

    def kill(self):
        if self.bfdd:
            self.bfdd.kill()
        for program in (self.ospfd, self.bgpd, self.zebra):
            if program:
                program.kill()
