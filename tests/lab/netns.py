"""A named network namespace with its own mount namespace: /run is a tmpfs of its own.

A holder process keeps the mount namespace, so that programs which insist on fixed names under /run (charon's
vici socket, kedge's control socket) can run side by side. Commands enter both through nsenter.
"""
import ctypes
import os
import socket
import threading

from .errors import LabError
from .process import Program, run

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_HOLDER = "mount --make-rprivate / && mount -t tmpfs -o mode=755 tmpfs /run && echo ready && exec sleep infinity"


def of_process(pid):
    """The names of those that a lab in this process has now."""
    names = (line.split()[0] for line in run(["ip", "netns", "list"]).stdout.splitlines())
    return {name for name in names if name.startswith(f"kd{pid}-")}


class Namespace:
    """name is unique on the machine; log_path receives what the holder has to say."""

    def __init__(self, name, log_path):
        self.name = name
        try:
            run(["ip", "netns", "add", name])
            self.holder = Program(f"{name} holder", ["ip", "netns", "exec", name, "sh", "-c", _HOLDER],
                                  log_path, pipe=True)
            if self.holder.line() != b"ready\n":
                raise LabError(f"namespace {name}: {self.holder.log().strip()}")
            self.net_fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            run(["ip", "netns", "del", name], check=False)
            raise

    def enter(self, argv):
        """argv as it has to be written from outside to run inside."""
        pid = self.holder.pid
        return ["nsenter", f"--net=/proc/{pid}/ns/net", f"--mount=/proc/{pid}/ns/mnt", "--", *argv]

    def socket(self, *args):
        """socket.socket(*args) that belongs to this namespace; usable from any thread."""
        made = []

        def make():
            if _libc.setns(self.net_fd, CLONE_NEWNET) != 0:
                made.append(OSError(ctypes.get_errno(), f"setns {self.name}"))
                return
            try:
                made.append(socket.socket(*args))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=make)  # a thread of its own: setns moves only the calling thread
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def path(self, path):
        """An absolute path inside as seen from outside."""
        return f"/proc/{self.holder.pid}/root{path}"

    def delete(self):
        self.holder.kill()
        os.close(self.net_fd)
        run(["ip", "netns", "del", self.name], check=False)
