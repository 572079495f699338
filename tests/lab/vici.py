"""charon's VICI: commands, and the events that say what charon did, so that nobody has to poll it.

The wire format is that of strongSwan's src/libcharon/plugins/vici/README.md.
"""
import select
import socket
import struct
import time

from .errors import LabError, LabTimeout
from .wait import deadline_in

CMD_REQUEST, CMD_RESPONSE, CMD_UNKNOWN, EVENT_REGISTER = 0, 1, 2, 3
EVENT_CONFIRM, EVENT_UNKNOWN, EVENT = 5, 6, 7
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = 1, 2, 3, 4, 5, 6


def _name(text):
    raw = text.encode()
    return bytes([len(raw)]) + raw


def _value(value):
    raw = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    raw = raw.encode()
    return struct.pack("!H", len(raw)) + raw


def encode(message):
    """A message of maps, lists and scalars, as VICI's elements."""
    out = b""
    for key, value in message.items():
        if isinstance(value, dict):
            out += bytes([SECTION_START]) + _name(key) + encode(value) + bytes([SECTION_END])
        elif isinstance(value, list):
            items = b"".join(bytes([LIST_ITEM]) + _value(item) for item in value)
            out += bytes([LIST_START]) + _name(key) + items + bytes([LIST_END])
        else:
            out += bytes([KEY_VALUE]) + _name(key) + _value(value)
    return out


def decode(raw):
    """The reverse; every scalar is text."""
    position, stack, items = 0, [{}], None

    def take(length_bytes):
        nonlocal position
        length = int.from_bytes(raw[position:position + length_bytes], "big")
        position += length_bytes + length
        return raw[position - length:position].decode("utf-8", "replace")

    while position < len(raw):
        element = raw[position]
        position += 1
        if element == SECTION_START:
            stack.append(stack[-1].setdefault(take(1), {}))
        elif element == SECTION_END:
            stack.pop()
        elif element == KEY_VALUE:
            key = take(1)
            stack[-1][key] = take(2)
        elif element == LIST_START:
            items = stack[-1].setdefault(take(1), [])
        elif element == LIST_ITEM:
            items.append(take(2))
        elif element != LIST_END:
            raise LabError(f"VICI element {element} unknown")
    return stack[0]


class Vici:
    """One connection. Events that arrive are kept in order in self.events as (name, message)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.events = []

    def close(self):
        self.socket.close()

    def _send(self, kind, name, message=b""):
        packet = bytes([kind]) + _name(name) + message
        self.socket.sendall(struct.pack("!I", len(packet)) + packet)

    def _exactly(self, length):
        out = b""
        while len(out) < length:
            part = self.socket.recv(length - len(out))
            if not part:
                raise LabError("charon closed its VICI connection")
            out += part
        return out

    def _receive(self):
        packet = self._exactly(struct.unpack("!I", self._exactly(4))[0])
        if packet[0] != EVENT:
            return packet[0], packet[1:]
        name = packet[2:2 + packet[1]].decode()
        self.events.append((name, decode(packet[2 + packet[1]:])))
        return EVENT, b""

    def _answer(self, wanted):
        while True:
            kind, body = self._receive()
            if kind == wanted:
                return body
            if kind != EVENT:
                raise LabError(f"VICI answered {kind}, {wanted} expected")

    def register(self, *names):
        for name in names:
            self._send(EVENT_REGISTER, name)
            self._answer(EVENT_CONFIRM)

    def request(self, command, message=None):
        """A command's answer; what charon streams meanwhile is in self.events."""
        self._send(CMD_REQUEST, command, encode(message or {}))
        return decode(self._answer(CMD_RESPONSE))

    def wait(self, name, timeout, matches=lambda message: True):
        """The first event of this name that matches, among those kept or to come; it is taken out."""
        deadline = deadline_in(timeout)
        while True:
            for index, (kind, message) in enumerate(self.events):
                if kind == name and matches(message):
                    del self.events[index]
                    return message
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise LabTimeout(f"charon sent no matching {name} within {timeout:g} s")
            self._receive()
