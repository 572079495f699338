"""One IKE SA of a scripted peer: its keys, its window of 1 each way, sealing and opening. Who says what is ikepeer.py's.

The window is the counterpart's duty too: a new request while one of its own is unanswered, a message id out of order, a
retransmission that is not identical, an answer to nothing are Faults.
"""
from dataclasses import dataclass, field

from .ikepeer_crypto import Box, IkeKeys
from .ikepeer_wire import F_INITIATOR, F_RESPONSE, SK, Message, Payload, chain, header, need, unchain


@dataclass
class Pending:
    """A request of ours: the datagram, and the answer once it is there."""
    id: int
    exchange: int
    raw: bytes
    answer: Message = None
    duplicates: int = 0
    then: object = None             # what to do with the answer, before anybody sees it
    path: tuple = None


@dataclass
class IkeSa:
    initiator: bool                 # we are the original initiator
    spi_i: bytes
    spi_r: bytes = bytes(8)
    suite: object = None
    keys: IkeKeys = None
    path: tuple = None              # (port of ours, the counterpart's address and port)
    next_out: int = 0
    next_in: int = 0
    pending: dict = field(default_factory=dict)     # message id: Pending
    answered: bytes = None          # our last answer, and the request that it answers
    asked: bytes = None
    open_request: bool = False      # the last request is not answered yet
    children: list = field(default_factory=list)
    state: str = "init"             # init, up, rekeyed, deleted
    ni: bytes = b""
    nr: bytes = b""
    box_in: Box = None
    box_out: Box = None
    peer_id: bytes = b""

    @property
    def spi(self):
        """Ours."""
        return self.spi_i if self.initiator else self.spi_r

    def key(self, suite, skeyseed):
        self.suite = suite
        self.keys = IkeKeys(suite, skeyseed, self.ni, self.nr, self.spi_i, self.spi_r)
        forward = Box(suite, self.keys.ei, self.keys.ai)
        backward = Box(suite, self.keys.er, self.keys.ar)
        self.box_out, self.box_in = (forward, backward) if self.initiator else (backward, forward)

    # ---- writing ----

    def message(self, exchange, number, response, payloads):
        """The datagram; sealed as soon as there are keys and it is not IKE_SA_INIT."""
        flags = (F_INITIATOR if self.initiator else 0) | (F_RESPONSE if response else 0)
        message = Message(self.spi_i, self.spi_r, exchange, flags, number)
        first, inner = chain(payloads)
        if not self.keys or exchange == 34:
            return header(message, first, len(inner)) + inner
        pad = -(len(inner) + 1) % max(self.box_out.block, 1)
        plain = inner + bytes(pad) + bytes([pad])
        length = 4 + len(plain) + self.box_out.overhead()
        front = header(message, SK, length) + bytes([first, 0]) + length.to_bytes(2, "big")
        return front + self.box_out.seal(front, plain)

    def request(self, exchange, payloads, number=None):
        """Takes the next message id, unless it is told another."""
        if number is None:
            number = self.next_out
            self.next_out += 1
        self.pending[number] = Pending(number, exchange, self.message(exchange, number, False, payloads))
        return self.pending[number]

    # ---- reading ----

    def opened(self, message):
        """The message with its inner payloads."""
        need(message.payloads and message.payloads[-1].type == SK, f"exchange {message.exchange} without SK")
        need(len(message.payloads) == 1, "payloads in front of SK")
        sealed = message.payloads[-1]
        front = len(message.raw) - len(sealed.body)
        plain = self.box_in.open(message.raw[:front], sealed.body)
        need(plain[-1] < len(plain), "padding longer than what is sealed")
        inner = plain[:len(plain) - 1 - plain[-1]]
        return Message(message.spi_i, message.spi_r, message.exchange, message.flags, message.id,
                       unchain(sealed.first, inner), message.raw)

    def is_new(self, message):
        """A request: False when it is the last one again (then the answer, if any, is due again)."""
        need(bool(message.flags & F_INITIATOR) != self.initiator, "initiator flag of the wrong side")
        if message.raw == self.asked:
            return False
        need(message.id == self.next_in, f"request {message.id}, {self.next_in} expected")
        need(not self.open_request, "a second request outstanding: the window is 1")
        return True

    def take(self, message):
        """An opened request that is new."""
        self.asked, self.answered, self.open_request = message.raw, None, True
        self.next_in = message.id + 1

    def answer(self, message, payloads):
        self.answered = self.message(message.exchange, message.id, True, payloads)
        self.open_request = False
        return self.answered




def unknown_critical(kind=200):
    """A payload that nobody knows, with the critical bit."""
    return Payload(kind, b"\0\1\2\3", critical=True)
