"""systemd as the init of a host of the topology: kedge's units, installed as they are, live.

It has namespaces of its own (processes, mounts, a cgroup) beside the host's network. /usr, /etc and /var are the
machine's with what is written to them gone at the end; nothing of what the machine itself would start is there but
the journal. Needs root and cgroup v2.
"""
import os
import shutil

from . import kedge
from .process import run
from .wait import until

UNITS = ("kedged.service", "kedge-drill@.service", "kedge-drill@.timer")

# $1: what is installed; $2: the cgroup's name.
BOOT = r"""
mount -t tmpfs -o mode=755 tmpfs /mnt
cp -a "$1/." /mnt
for tree in usr etc var; do
    mkdir "/mnt/$tree.work"
    mount -t overlay -o "lowerdir=/$tree,upperdir=/mnt/$tree,workdir=/mnt/$tree.work" overlay "/$tree"
done
rm -rf /usr/lib/systemd/system/*.target.wants /etc/systemd/system/*.target.wants
mkdir /usr/lib/systemd/system/sysinit.target.wants
ln -s ../systemd-journald.service /usr/lib/systemd/system/sysinit.target.wants
mount -t tmpfs -o mode=755 tmpfs /run
cp -a /mnt/run/. /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$2"
echo $$ >"/sys/fs/cgroup/$2/cgroup.procs"
umount /sys/fs/cgroup
exec unshare --cgroup --pid --uts --ipc --fork --kill-child --mount sh -ec '
    mount -t proc proc /proc
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount --make-rshared /
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab /lib/systemd/systemd --unit=basic.target \
        --show-status=no --log-target=console --log-level=info'
"""


class Systemd:
    def __init__(self, host, files):
        """files: {path: text} to install beside the programs and units."""
        self.host = host
        tree = os.path.join(host.directory, "installed")
        self._install(tree, files)
        self.program = host.spawn("systemd", ["sh", "-ec", BOOT, "boot", tree, os.path.basename(host.directory) + "-init"])
        self.pid = until(self._init, 20, "systemd's first process", 0.05)
        until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
              60, lambda: f"systemd up: {self.run('systemctl', 'list-jobs', check=False).stdout}", 0.1)

    @staticmethod
    def _install(tree, files):
        for name in ("usr/sbin", "usr/bin", "usr/lib/systemd/system", "etc/kedge/drills", "var", "run"):
            os.makedirs(os.path.join(tree, name))
        shutil.copy2(kedge.kedged(), os.path.join(tree, "usr/sbin/kedged"))
        shutil.copy2(kedge.kedge(), os.path.join(tree, "usr/bin/kedge"))
        for unit in UNITS:
            shutil.copyfile(os.path.join(kedge.ROOT, "conf", unit), os.path.join(tree, "usr/lib/systemd/system", unit))
        for path, text in files.items():
            where = tree + path
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "w", encoding="utf-8") as out:
                out.write(text)
            os.chmod(where, 0o600)

    def _init(self):
        """Its pid as seen from here: the grandchild of the shell that became unshare."""
        with open(f"/proc/{self.program.pid}/task/{self.program.pid}/children", encoding="ascii") as children:
            pids = children.read().split()
        if not pids:
            return None
        with open(f"/proc/{pids[0]}/comm", encoding="ascii") as comm:
            return int(pids[0]) if comm.read() == "systemd\n" else None

    def run(self, *argv, check=True, timeout=30, text_input=None):
        return run(["nsenter", "-t", str(self.pid), "-a", "--", *argv], check=check, timeout=timeout, text_input=text_input)

    def end(self):
        """At once, with all that runs in it: unshare takes its child along."""
        self.program.kill()
