"""A tunnel's end and its return: by command, by the peer, by SIGTERM; and what kedged leaves behind (nothing)."""
import os
import socket

import yaml

from peers import ping_both_ways, strongswan_pair, with_bgp
from lab.kedge import SOCKET, Kedge, kedged

DEVICE_HIDDEN = "mount -t tmpfs tmpfs /dev/net && exec "


def test_down_sends_delete_and_up_brings_it_back(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    kedge.wait_up("peer")
    peer.wait_ike()
    mark = kedge.events.last_seq
    kedge.cli("down", "peer")
    peer.wait_ike(up=False)
    kedge.events.wait("tunnel.state", after=mark, tunnel="peer", reason="admin")
    row = kedge.tunnel("peer")
    assert row["state"] in ("down", "disabled") and not row["children"] and not row["ike"]["established"]
    assert peer.sas() == {}
    kedge.cli("up", "peer", "--wait", "10s")
    peer.wait_ike()
    ping_both_ways(lab)


def test_the_peers_delete_is_peer_deleted_and_kedge_reconnects(build):
    lab = build(strongswan_pair(tunnel={"role": "both"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    kedge.wait_up("peer")
    mark = kedge.events.last_seq
    assert peer.terminate("gate")["success"] == "yes"
    down = kedge.events.wait("tunnel.state", after=mark, tunnel="peer", reason="peer-deleted")
    kedge.wait_up("peer", after=down["seq"])
    ping_both_ways(lab)


def test_a_responder_waits_after_the_peers_delete(build):
    lab = build(strongswan_pair(tunnel={"role": "responder"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    assert peer.initiate("gate") is None
    kedge.wait_up("peer")
    mark = kedge.events.last_seq
    peer.terminate("gate")
    down = kedge.events.wait("tunnel.state", after=mark, tunnel="peer", reason="peer-deleted")
    assert peer.initiate("gate") is None
    kedge.wait_up("peer", after=down["seq"])
    ping_both_ways(lab)


def test_the_peers_delete_of_the_child_alone_is_survived(build):
    lab = build(strongswan_pair(tunnel={"role": "both"}))
    kedge, peer = lab["gate"].kedge, lab["peer"].strongswan
    kedge.wait_up("peer")
    mark = kedge.events.last_seq
    peer.terminate_child("gate")
    down = kedge.events.wait("child.down", after=mark, tunnel="peer")
    kedge.wait_up("peer", 20, after=down["seq"])
    ping_both_ways(lab)


def test_sigterm_says_goodbye_and_leaves_nothing_behind(build):
    lab = build(with_bgp(strongswan_pair(tunnel={"role": "initiator"})))
    gate, peer = lab["gate"], lab["peer"]
    rules = gate.ip("rule")
    gate.kedge.wait_up("peer")
    gate.kedge.wait_established("peer")
    gate.kedge.wait_route("10.2.0.0/24", installed=True)
    peer.strongswan.wait_ike()
    assert gate.device_exists("kedge0") and "10.2.0.0/24" in gate.ip("route")
    assert gate.kedge.stop() == 0
    peer.strongswan.wait_ike(up=False, timeout=3)
    assert not gate.device_exists("kedge0")
    routes = gate.ip("route", "show", "table", "all") + gate.ip("-6", "route", "show", "table", "all")
    for trace in ("10.2.0.0/24", "10.0.2.1", "10.0.1.1", "kedge"):
        assert trace not in routes
    assert gate.ip("nexthop") == "" and gate.ip("rule") == rules
    assert not os.path.exists(gate.namespace.path(SOCKET))
    assert gate.run("ss", "-Hltun").stdout == ""


def test_systemd_is_told_when_the_control_socket_answers_and_when_the_end_begins(build):
    lab = build({"hosts": {"gate": {"kedge": {"router": {"id": "192.0.2.1", "asn": 65010},
                                              "gateway": {"listen": ["192.0.2.1"], "dataplane": "none"}}}}}, start=False)
    gate = lab["gate"]
    kedge = gate.kedge = Kedge(gate, lab.description["hosts"]["gate"]["kedge"])
    kedge.env["NOTIFY_SOCKET"] = os.path.join(gate.directory, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, socket.socket(socket.AF_UNIX) as asked:
        told.settimeout(15)
        told.bind(kedge.env["NOTIFY_SOCKET"])
        kedge.spawn()
        assert told.recv(100) == b"READY=1"
        asked.connect(gate.namespace.path(SOCKET))
        assert kedge.program.stop() == 0
        assert told.recv(100) == b"STOPPING=1"


def test_a_second_kedged_on_the_same_addresses_is_refused_and_harms_nothing(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    done = gate.run(kedged(), "-c", os.path.join(gate.directory, "kedge.yaml"), check=False)
    assert done.returncode == 1
    assert any(word in done.stderr for word in ("in use", "already", "running"))
    assert gate.kedge.tunnel("peer")["state"] == "up"
    ping_both_ways(lab)


def test_after_sigkill_the_next_kedged_starts_clean(build):
    lab = build(strongswan_pair(tunnel={"role": "initiator"}))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    gate.kedge.kill()
    gate.kedge.start()
    gate.kedge.wait_up("peer", 30)
    ping_both_ways(lab)


def test_without_root_kedged_says_what_it_needs(build):
    lab = build(strongswan_pair(), start=False)
    gate = lab["gate"]
    path = gate.write("kedge.yaml", yaml.safe_dump(lab.description["hosts"]["gate"]["kedge"]))
    os.chmod(lab.directory, 0o755)
    done = gate.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                    "--bounding-set=-all", kedged(), "-c", path, check=False)
    assert done.returncode == 1
    assert "CAP_NET_ADMIN" in done.stderr or "root" in done.stderr


def test_without_dev_net_tun_kedged_says_which_device_is_missing(build):
    lab = build(strongswan_pair(), start=False)
    gate = lab["gate"]
    path = gate.write("kedge.yaml", yaml.safe_dump(lab.description["hosts"]["gate"]["kedge"]))
    done = gate.run("timeout", "10", "unshare", "--mount", "sh", "-c", DEVICE_HIDDEN + f"{kedged()} -c {path}",
                    check=False)
    assert "/dev/net/tun" in done.stderr
