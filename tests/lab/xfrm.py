"""A namespace's SAs, policies and counters, asked of its kernel: no program is started for it.

The layouts are those of struct xfrm_usersa_info and struct xfrm_userpolicy_info in linux/xfrm.h.
"""
import os
import socket
import struct

from .errors import LabError

NETLINK_XFRM, DUMP = 6, 0x301                       # NLM_F_REQUEST | NLM_F_DUMP
NLMSG_ERROR, NLMSG_DONE, XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY = 2, 3, 0x12, 0x15
AT_SA_ID, AT_SA_SPI, AT_SA_SOURCE = 56, 72, 80      # behind the selector: id {daddr, spi, proto}, saddr
AT_SA_FAMILY, AT_SA_FLAGS, ESN = 212, 216, 128                  # XFRM_STATE_ESN
AT_POLICY_DIR, DIRECTIONS = 160, ("in", "out", "fwd")


def _dump(namespace, message):
    """The bodies of the answers."""
    with namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as asked:
        asked.send(struct.pack("=IHHII", 16, message, DUMP, 1, 0))
        while True:
            part = asked.recv(1 << 20)
            while part:
                length, kind = struct.unpack_from("=IH", part)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from("=i", part, 16)[0]
                    raise LabError(f"XFRM dump in {namespace.name}: {os.strerror(code)}")
                yield part[16:length]
                part = part[(length + 3) & ~3:]


def _address(raw, at):
    family = struct.unpack_from("=H", raw, AT_SA_FAMILY)[0]
    return socket.inet_ntop(family, raw[at:at + (4 if family == socket.AF_INET else 16)])


def states(host):
    """{(source, destination, SPI as kedge writes it): whether it has extended sequence numbers} of all SAs."""
    return {(_address(raw, AT_SA_SOURCE), _address(raw, AT_SA_ID), raw[AT_SA_SPI:AT_SA_SPI + 4].hex()):
            bool(raw[AT_SA_FLAGS] & ESN) for raw in _dump(host.namespace, XFRM_MSG_GETSA)}


def counters(host):
    """Those of /proc/net/xfrm_stat that are not zero."""
    with open(f"/proc/{host.namespace.holder.pid}/net/xfrm_stat", encoding="ascii") as lines:
        rows = (line.split() for line in lines)
        return {name: int(count) for name, count in rows if count != "0"}


def policies(host):
    """The directions of all policies but those of a single socket, which go with it."""
    directions = (raw[AT_POLICY_DIR] for raw in _dump(host.namespace, XFRM_MSG_GETPOLICY))
    return sorted(DIRECTIONS[direction] for direction in directions if direction < len(DIRECTIONS))
