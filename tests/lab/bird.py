"""BIRD 2, with its configuration text.

    bird: |
      router id 192.0.2.2;
      ...
"""
from .errors import LabError
from .wait import until

SOCKET = "/run/bird.ctl"


class Bird:
    def __init__(self, host, spec):
        self.host = host
        self.text = spec
        self.program = None

    def start(self):
        path = self.host.write("bird.conf", f"log stderr all;\n{self.text}\n")
        self.program = self.host.spawn("bird", ["bird", "-f", "-c", path, "-s", SOCKET, "-P", "/run/bird.pid"])
        until(self._answers, 10, "BIRD's control socket")

    def _answers(self):
        if not self.program.alive():
            raise LabError(f"bird ended at once: {self.program.log()[-2000:]}")
        return self.command("show status").returncode == 0

    def command(self, line):
        return self.host.run("birdc", "-s", SOCKET, *line.split(), check=False)

    def show(self, what):
        return self.command(f"show {what}").stdout

    def wait_established(self, protocol, timeout=30):
        until(lambda: "Established" in self.show(f"protocols {protocol}"), timeout,
              lambda: f"BIRD's {protocol} Established; {self.show(f'protocols {protocol}')}", 0.1)

    def wait_route(self, prefix, contains="", timeout=15):
        """What BIRD says about a prefix, once it knows it and says `contains`."""
        def found():
            text = self.show(f"route for {prefix} all" if "/" not in prefix else f"route {prefix} all")
            return text if prefix in text and contains in text else None
        return until(found, timeout, lambda: f"BIRD has {prefix} {contains}: {self.show('route all')}", 0.1)
