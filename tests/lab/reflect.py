"""The far end of `kedge probe --udp`: counts what comes and sends it back.

    reflect: 7007     # the UDP port
"""
from .kedge import kedge


class Reflector:
    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.program = None

    def start(self):
        self.program = self.host.spawn("reflect", [kedge(), "probe", f"--reflect={self.port}"])
