"""strongSwan as the real peer: its userspace data plane (kernel-libipsec on the TUN device ipsec0), or the kernel's.

    strongswan:
      kernel: {ipsec0: 42}                 # kernel-netlink: XFRM interfaces by name, each with its if_id; no libipsec
      charon: {retransmit_tries: 2}        # settings below `charon` in strongswan.conf
      plugins: [revocation]                # beside the usual ones
      connections: {azure: {...}}          # swanctl.conf's keys; lists as YAML lists
      secrets: {azure: {id: [203.0.113.1], secret: "..."}, quantum: {type: ppk, id: [site], secret: "..."}}
      certificates: {ca: [PEM], key: [PEM], crl: [PEM]}       # lab.pki makes them
      swanctl: "connections {...}"         # a whole swanctl.conf, beside or instead of connections and secrets
      routes: [10.17.11.76/32 dev ipsec0 src 192.168.11.88]   # added when ipsec0 is there

What has been measured with 5.9.8 and is arranged here: libipsec needs ESP in UDP (encap) and knows no ESN; charon
would put the selectors' routes into table 220 in front of everything, so its rule stands behind the main table and
the routes above, with FRR's, decide; one charon has one TUN, so one tunnel a host. With the kernel's data plane (only
in the guest of tests/kernel) a child names its interface itself: if_id_in, if_id_out.
"""
import copy

from .errors import LabError
from .links import add_routes
from .vici import Vici
from .wait import PATIENCE, until

PLUGINS = ("random nonce drbg openssl aes sha1 sha2 hmac kdf gmp gcm pem x509 pubkey constraints "
           "kernel-netlink socket-default vici updown counters")
VICI = "/run/charon.vici"
CERTIFICATES = {"ca": ("load-cert", {"type": "X509", "flag": "CA"}), "key": ("load-key", {"type": "any"}),
                "crl": ("load-cert", {"type": "X509_CRL", "flag": "NONE"})}
SETTINGS = {"install_routes": "no", "routing_table_prio": 40000,
            "install_virtual_ip": "no", "filelog": {"stderr": {"default": 1, "ike": 2, "flush_line": "yes"}},
            "plugins": {"vici": {"socket": f"unix://{VICI}"}}}
LIBIPSEC = {"plugins": {"kernel-libipsec": {"load": "yes"}}}


def render(settings, indent=""):
    """A map of maps in the notation of strongswan.conf."""
    out = ""
    for key, value in settings.items():
        if isinstance(value, dict):
            out += f"{indent}{key} {{\n{render(value, indent + '  ')}{indent}}}\n"
        else:
            out += f"{indent}{key} = {value}\n"
    return out


def merge(base, extra):
    """base with extra's values laid over it, map by map."""
    out = copy.deepcopy(base)
    for key, value in extra.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and key in out else value
    return out


class StrongSwan:
    def __init__(self, host, spec):
        self.host = host
        self.spec = spec
        self.interfaces = spec.get("kernel")
        self.program = self.vici = self.events = None

    def start(self):
        """Starts charon, loads the connections (start_action does the rest), adds the routes."""
        own = self.interfaces is None
        plugins = " ".join(["kernel-libipsec" if own else "", PLUGINS, *(self.spec.get("plugins") or [])])
        settings = merge({**SETTINGS, "load": plugins}, LIBIPSEC if own else {})
        settings = merge(settings, self.spec.get("charon") or {})
        path = self.host.write("strongswan.conf", render({"charon": settings}))
        self.program = self.host.spawn("charon", ["charon-systemd"], env={"STRONGSWAN_CONF": path})
        self.vici = until(self._connect, 10, "charon's VICI socket")
        self.events = self._connect()
        self.events.register("ike-updown", "child-updown", "ike-rekey", "child-rekey")
        if self.interfaces is None:
            until(lambda: self.host.device_exists("ipsec0"), 5, "charon's TUN device ipsec0")
        made = (self.interfaces or {}).items()
        self.host.ip_all([["link", "add", "name", device, "type", "xfrm", "if_id", str(if_id)] for device, if_id in made] +
                         [["link", "set", "dev", device, "up"] for device, _ in made])
        add_routes(self.host, self.spec.get("routes") or [])
        for name, secret in (self.spec.get("secrets") or {}).items():
            self._must("load-shared", {"id": name, "type": secret.get("type", "IKE"), "data": secret["secret"],
                                       "owners": secret.get("id") or []})
        for kind, texts in (self.spec.get("certificates") or {}).items():
            command, fields = CERTIFICATES[kind]
            for text in texts:
                self._must(command, {**fields, "data": text})
        for name, connection in (self.spec.get("connections") or {}).items():
            self.load(name, connection)
        if "swanctl" in self.spec:
            path = self.host.write("swanctl.conf", self.spec["swanctl"])
            self.host.run("swanctl", "--load-all", "--noprompt", "--file", path, "--uri", f"unix://{VICI}")

    def load(self, name, connection):
        """Loads a connection, or another in its place; the SAs that are up stay as they are."""
        self._must("load-conn", {name: merge({"version": 2, "encap": self.interfaces is None}, connection)})

    def _connect(self):
        if not self.program.alive():
            raise LabError(f"charon ended at once: {self.program.log()[-2000:]}")
        try:
            return Vici(self.host.namespace.path(VICI))
        except OSError:
            return None

    def _must(self, command, message):
        answer = self.vici.request(command, message)
        if answer.get("success") != "yes":
            raise LabError(f"strongSwan {command}: {answer.get('errmsg', answer)}")
        return answer

    def initiate(self, child, timeout=10):
        """Brings a CHILD SA up, IKE SA and all; returns charon's error message, or None."""
        answer = self.vici.request("initiate", {"child": child, "timeout": int(timeout * PATIENCE * 1000)})
        return None if answer.get("success") == "yes" else answer.get("errmsg", "failed")

    def terminate(self, ike, timeout=10):
        return self.vici.request("terminate", {"ike": ike, "timeout": int(timeout * PATIENCE * 1000)})

    def terminate_child(self, child, timeout=10):
        return self.vici.request("terminate", {"child": child, "timeout": int(timeout * PATIENCE * 1000)})

    def rekey(self, **which):
        """rekey(child=NAME) or rekey(ike=NAME)."""
        return self._must("rekey", which)

    def _list_sas(self):
        if "list-sa" not in getattr(self.vici, "registered", ()):
            self.vici.register("list-sa")
            self.vici.registered = ("list-sa",)
        self.vici.events.clear()
        self.vici.request("list-sas")
        return [pair for name, message in self.vici.events if name == "list-sa" for pair in message.items()]

    def sas_list(self):
        """Every IKE SA, as `swanctl --list-sas` sees them; there are several of a connection while it is rekeyed."""
        return [sa for _connection, sa in self._list_sas()]

    def sas(self):
        """{connection: {...}}, the last of each."""
        return dict(self._list_sas())

    def wait_child(self, up=True, timeout=15):
        """The event of the next CHILD SA that comes up (or goes down)."""
        return self.events.wait("child-updown", timeout, lambda m: (m.get("up") == "yes") == up)

    def wait_ike(self, up=True, timeout=15):
        return self.events.wait("ike-updown", timeout, lambda m: (m.get("up") == "yes") == up)

    def log(self):
        return self.program.log()

    def wait_log(self, *texts, timeout=10):
        """Until its log has one of the texts; charon may write a line after kedge has read what it speaks of."""
        until(lambda: any(text in self.log() for text in texts), timeout, f"{' or '.join(texts)} in charon's log")

    def kill(self):
        """SIGKILL: no DELETE, no answer any more, ipsec0 gone."""
        self.program.kill()

    def stop(self):
        return self.program.stop()
