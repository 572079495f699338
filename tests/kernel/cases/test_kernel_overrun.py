"""What the kernel says of its own accord is lost when nobody reads it: then kedged asks what is still there."""
import signal
import sys

from kernel_peers import kernel_pair
from lab.wait import until
from peers import ping_both_ways

FOREIGN = ("203.0.113.1", "203.0.113.2", 0x7777)

# In the gate's namespace: SOURCE DESTINATION SPI HARD TIMES; the kernel tells everybody who listens of each.
EXPIRE = """
import socket, struct, sys
_, dst, spi, hard, times = sys.argv[1:]
info = bytearray(232)
info[56:72] = socket.inet_aton(dst) + bytes(12)
info[72:77] = struct.pack("!IB", int(spi, 0), 50)
info[212:214] = struct.pack("=H", socket.AF_INET)
info[224] = int(hard)
message = struct.pack("=IHHII", 248, 0x18, 1, 1, 0) + bytes(info)
xfrm = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 6)
left = int(times)
while left > 0:
    left -= xfrm.send(message * min(left, 100)) // len(message)
"""


def expire(host, sa, hard, times):
    host.run(sys.executable, "-c", EXPIRE, *map(str, sa), str(hard), str(times))


def drops(host):
    """Of the XFRM sockets in the namespace, those of a program that isn't read from."""
    rows = [line.split() for line in host.run("cat", "/proc/net/netlink").stdout.splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "6")


def test_a_lost_expiry_is_found_out(up):
    lab = up(kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"}))
    gate = lab["gate"]
    src, dst, spi = FOREIGN
    gate.ip("xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp", "spi", hex(spi), "reqid", "7", "mode",
            "tunnel", "aead", "rfc4106(gcm(aes))", "0x" + "11" * 20, "128")
    (child,) = gate.kedge.tunnel("peer")["children"]
    mark = gate.kedge.events.last_seq
    gate.kedge.program.signal(signal.SIGSTOP)
    try:
        until(lambda: expire(gate, FOREIGN, 0, 4000) or drops(gate), 60, "the socket to overrun", 0.01)
        expire(gate, ("198.51.100.1", "192.0.2.1", "0x" + child["spi_in"]), 1, 1)
        assert f"spi 0x{child['spi_in']}" not in gate.ip("xfrm", "state")
    finally:
        gate.kedge.program.signal(signal.SIGCONT)
    gate.kedge.events.wait("child.down", 20, mark, tunnel="peer")
    gate.kedge.wait_up("peer", 30, after=mark)
    ping_both_ways(lab)
    gate.ip("xfrm", "state", "delete", "src", src, "dst", dst, "proto", "esp", "spi", hex(spi))    # nobody else has
