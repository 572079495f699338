"""A host of the topology: a namespace, a directory for configurations and logs, and its programs."""
import json
import os

from .netns import Namespace
from .process import Program, run


class Host:
    """kedge, strongswan, frr, bird and reflect are the services of topology.SERVICES, once started."""

    def __init__(self, name, namespace_name, directory):
        self.name = name
        self.directory = directory
        os.makedirs(directory)
        self.namespace = Namespace(namespace_name, os.path.join(directory, "holder.log"))
        self.programs = []
        self.kedge = self.strongswan = self.frr = self.bird = self.reflect = None

    def write(self, name, text, mode=0o644):
        """Puts a file into the host's directory and returns its path."""
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def run(self, *argv, check=True, text_input=None, timeout=30, env=None):
        """Runs a command here, to its end."""
        return run(self.namespace.enter(argv), check=check, text_input=text_input, timeout=timeout, env=env)

    def spawn(self, name, argv, env=None, pipe=False):
        """Starts a program here; it is ended with the topology at the latest."""
        log_path = os.path.join(self.directory, f"{name}.log")
        program = Program(f"{self.name}/{name}", self.namespace.enter(argv), log_path, env=env, pipe=pipe)
        self.programs.append(program)
        return program

    def ip(self, *args, check=True):
        """The output of an ip command here."""
        return self.run("ip", *args, check=check).stdout

    def ip_all(self, commands):
        """Several ip commands in one go, each as a list of words."""
        self.run("ip", "-batch", "-", text_input="".join(" ".join(words) + "\n" for words in commands))

    def ip_json(self, *args):
        """The output of `ip -j`, parsed."""
        return json.loads(self.ip("-j", *args) or "[]")

    def device_exists(self, device):
        return os.path.isdir(self.namespace.path(f"/sys/class/net/{device}"))

    def down(self):
        for program in reversed(self.programs):
            program.stop(timeout=5)
        self.namespace.delete()
