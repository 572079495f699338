"""Processes of the lab: each has a log file, dies with the lab, and is ended by its own pid only."""
import ctypes
import os
import select
import signal
import subprocess
import time

from .errors import LabError, LabTimeout
from .wait import PATIENCE, deadline_in

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def _die_with_parent():
    """In the child: a killed lab leaves no program behind (strictly: the thread that spawned it)."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(argv, check=True, text_input=None, timeout=30, env=None):
    """Runs a command to its end; its CompletedProcess has stdout and stderr as text. LabError if it fails."""
    done = subprocess.run(argv, input=text_input, capture_output=True, text=True, timeout=timeout * PATIENCE,
                          env={**ENVIRONMENT, **(env or {})},
                          stdin=None if text_input is not None else subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


class Program:
    """A program in the background, its output in a log file (or its stdout in a pipe for who reads it)."""

    def __init__(self, name, argv, log_path, env=None, pipe=False):
        self.name = name
        self.log_path = log_path
        self._unread = b""
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if pipe else log, stderr=log,
                env={**ENVIRONMENT, **(env or {})}, start_new_session=True, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def line(self, timeout=30):
        """The next line from its pipe; b"" when it has ended without one."""
        deadline, pipe = deadline_in(timeout), self.process.stdout
        while b"\n" not in self._unread:
            if not select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise LabTimeout(f"{self.name} said nothing within {timeout:g} s; before: {self.log()[-2000:]}")
            part = os.read(pipe.fileno(), 65536)
            if not part:
                return b""
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line + b"\n"

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL, and waits until it is gone: the peer that dies without a word."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self, timeout=10):
        """SIGTERM and the exit status; SIGKILL when it does not end in time (the status says so: -9)."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self._close()
        return self.process.returncode

    def _close(self):
        if self.process.stdout:
            self.process.stdout.close()
