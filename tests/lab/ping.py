"""The ping program: a few echo requests that must all be answered, or a stream of them beside something else.

After its last request it waits no longer than its interval, or twice the longest round trip, whatever -W says: a
host that is busy for 50 ms looks like a loss. So a few leave at once and a second is waited for the last, and of a
stream the requests after the last one that was answered are not judged.
"""
import re
import signal

from .wait import PATIENCE, until

LAST = f"{PATIENCE:g}"      # seconds that the last answer may take


def ping(host, destination, source=None, count=3, *options):
    """Fails when one of the pings is not answered. An interval among the options spreads them."""
    origin = ["-I", source] if source else []
    pace = [] if "-i" in options else ["-l", str(count), "-i", LAST]
    done = host.run("ping", "-n", *pace, "-W", LAST, "-c", str(count), *origin, *options, destination, check=False)
    assert f"{count} received" in done.stdout, done.stdout + done.stderr


class Pinging:
    """A request each interval (seconds), from now until lost() ends it."""

    def __init__(self, host, destination, source, interval, *options):
        self.program = host.spawn("ping", ["ping", "-n", "-i", str(interval), "-I", source, *options, destination])

    def count(self):
        return self.program.log().count("bytes from")

    def answered(self, more, timeout=30):
        """Waits for so many more answers."""
        wanted = self.count() + more
        until(lambda: self.count() >= wanted, timeout, f"{more} more answers", 0.02)

    def lost(self):
        """Ends it; the numbers (from 1) of the requests without an answer before one that has its answer."""
        self.program.signal(signal.SIGINT)
        self.program.process.wait(10)
        answers = {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+) ", self.program.log())}
        return sorted(set(range(1, max(answers))) - answers)
