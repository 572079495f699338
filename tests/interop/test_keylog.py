"""The key log against Wireshark itself: what kedge keylog writes decrypts the IKE messages and the ESP of a capture in
tshark, integrity checked; without the switch, or without root, nothing is given."""
import json
import os
import pathlib
import stat
import struct
import subprocess

import pytest

from lab import kedge as programs
from lab.sniff import Sniffer
from lab.wait import until
from peers import kedge_pair, ping, strongswan_pair

LINKTYPE_RAW = 101
TABLES = "ikev2_decryption_table", "esp_sa"


def allowed(description, *hosts):
    """The description with the key log switched on."""
    for host in hosts:
        description["hosts"][host]["kedge"]["control"] = {"keylog": True}
    return description


def write_pcap(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for packet in packets:
            seconds = int(packet.time)
            out.write(struct.pack("<IIII", seconds, int((packet.time - seconds) * 1e6), len(packet.raw), len(packet.raw)))
            out.write(packet.raw)


def tshark(capture, keys, display, *fields):
    """The fields of the packets that match, one list a packet; keys is a directory or a file of the key log."""
    keys = pathlib.Path(keys)
    options = ["-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    if keys.is_dir():
        environment["WIRESHARK_CONFIG_DIR"] = str(keys)
    else:
        environment["WIRESHARK_CONFIG_DIR"] = str(keys.parent / "empty")
        for line in keys.read_text().splitlines():
            options += ["-o", line] if not line.startswith("#") else []
    argv = ["tshark", "-n", "-r", str(capture), *options, "-Y", display, "-T", "fields", "-E", "separator=;"]
    for field in fields:
        argv += ["-e", field]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, env=environment)
    assert "rror" not in done.stderr, done.stderr
    return [line.split(";") for line in done.stdout.splitlines()]


def keylog(host, out, *more):
    """Starts kedge keylog and waits until the daemon says that it writes."""
    mark = host.kedge.events.last_seq
    program = host.spawn("keylog", [programs.kedge(), "keylog", "--out", str(out), *more])
    event = host.kedge.events.wait("daemon.keylog", after=mark)
    assert "ARE BEING WRITTEN" in event["detail"]
    return program


def captured(host, action, path):
    """What passes wan0 while action runs, as a pcap."""
    with Sniffer(host) as sniffer:
        action()
        packets = [packet for packet in sniffer.packets(0.3) if packet.interface == "wan0"]
    write_pcap(path, packets)
    return path


def check_ike(capture, keys, initiator):
    """IKE_AUTH is readable (its identity is) and its checksum right, in both directions."""
    display = "isakmp.exchangetype == 35 && isakmp.id.data.ipv4_addr"
    auth = tshark(capture, keys, display, "ip.src", "isakmp.id.data.ipv4_addr")
    assert {row[0] for row in auth} == {"192.0.2.1", "198.51.100.1"} or \
           {row[0] for row in auth} == {"192.0.2.1", "192.0.2.2"}
    assert any(row[1].split(",")[0] == initiator for row in auth), auth
    assert not tshark(capture, keys, "isakmp.ikev2.integrity_checksum", "frame.number")  # an expert's complaint


def check_esp(capture, keys, count):
    """Requests and replies of the inner ping are readable."""
    assert len(tshark(capture, keys, "esp && icmp.type == 8", "icmp.seq")) >= count
    assert len(tshark(capture, keys, "esp && icmp.type == 0", "icmp.seq")) >= count
    assert not tshark(capture, keys, "esp.icv_bad == 1", "frame.number")
    assert tshark(capture, keys, "esp.icv_good == 1 && icmp", "frame.number")


# of each kind in IKE and ESP what the peer can as well
OVER_UDP = [("aes256-sha1-modp1024", "aes256-sha1"), ("aes128-sha256-modp2048", "aes192-sha256-modp2048"),
            ("aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384")]


@pytest.mark.parametrize("ike,esp", OVER_UDP, ids=[f"{ike}={esp}" for ike, esp in OVER_UDP])
def test_tshark_reads_ike_and_esp_over_udp_4500(build, tmp_path, ike, esp):
    lab = build(allowed(strongswan_pair(tunnel={"ike": [ike], "esp": [esp], "role": "initiator"},
                                        connection={"proposals": [ike]}, child={"esp_proposals": [esp]}), "gate"))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    gate.kedge.cli("down", "peer", "--wait", "10s")
    keylog(gate, tmp_path)

    def traffic():
        gate.kedge.cli("up", "peer", "--wait", "10s")
        ping(gate, "10.0.2.1", "10.0.1.1")
        gate.kedge.cli("rekey", "peer", "--wait", "10s")  # new SAs are written as they come
        ping(gate, "10.0.2.1", "10.0.1.1")

    capture = captured(gate, traffic, tmp_path / "capture.pcap")
    check_ike(capture, tmp_path, "192.0.2.1")
    check_esp(capture, tmp_path, 6)
    ike_rows, esp_rows = ((tmp_path / table).read_text().splitlines() for table in TABLES)
    assert len(ike_rows) >= 2 and len(esp_rows) >= 4 and len(set(esp_rows)) == len(esp_rows)
    for table in TABLES:
        assert stat.S_IMODE((tmp_path / table).stat().st_mode) == 0o600


# every row of the tables of names: kedge at both ends, plain ESP
NAMES = [("3des-sha1-modp1024", "3des-md5"), ("aes128-md5-modp1024", "null-sha1"),
         ("aes192-sha384-ecp256", "aes128-sha384"), ("aes256-sha512-ecp256", "aes192-sha512"),
         ("aes128gcm8-prfsha256-ecp256", "aes128gcm8"), ("aes192gcm8-prfsha256-ecp256", "aes192gcm8"),
         ("aes256gcm8-prfsha256-ecp256", "aes256gcm8"), ("aes128gcm12-prfsha256-ecp256", "aes128gcm12"),
         ("aes192gcm12-prfsha256-ecp256", "aes192gcm12"), ("aes256gcm12-prfsha256-ecp256", "aes256gcm12"),
         ("aes128gcm16-prfsha256-ecp256", "aes128gcm16"), ("aes192gcm16-prfsha256-ecp256", "aes192gcm16"),
         ("aes256gcm16-prfsha256-ecp256", "aes256gcm16"), ("aes256-sha256-ecp256", "des-sha256")]


@pytest.mark.parametrize("ike,esp", NAMES, ids=[f"{ike}={esp}" for ike, esp in NAMES])
def test_tshark_knows_every_name_in_plain_esp(build, tmp_path, ike, esp):
    both = {"ike": [ike], "esp": [esp], "encap": "never"}
    if any(word in ("md5", "des", "null") for word in f"{ike}-{esp}".split("-")):
        both["legacy"] = True
    lab = build(allowed(kedge_pair(both=both, right={"role": "responder"}), "left"), start=False)
    lab.start_services("left")
    left = lab["left"]
    out = tmp_path / "keys"
    keylog(left, out, "--tunnel", "right")

    def traffic():
        lab.start_services("right")
        left.kedge.wait_up("right")
        ping(left, "10.0.2.1", "10.0.1.1")

    capture = captured(left, traffic, tmp_path / "capture.pcap")
    check_ike(capture, out, "192.0.2.1")
    check_esp(capture, out, 3)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_what_wireshark_has_no_name_for_is_a_comment(build, tmp_path):
    both = {"ike": ["chacha20poly1305-prfsha256-x25519"], "esp": ["chacha20poly1305"]}
    lab = build(allowed(kedge_pair(both=both), "left"))
    lab["left"].kedge.wait_up("right")
    keylog(lab["left"], tmp_path / "keys")
    lines = (tmp_path / "keys").read_text().splitlines()
    assert len(lines) >= 3 and all(line.startswith("# ") and "chacha20poly1305" in line for line in lines)


def test_sas_that_are_there_are_written_at_the_start_and_no_event_holds_a_key(build, tmp_path):
    lab = build(allowed(strongswan_pair(), "gate"))
    gate = lab["gate"]
    gate.kedge.wait_up("peer")
    program = keylog(gate, tmp_path)
    rows = [row for table in TABLES for row in (tmp_path / table).read_text().splitlines()]
    until(lambda: "IKE SA" in program.log() and "pair of ESP SAs" in program.log(), 5, "kedge keylog's lines")
    assert gate.kedge.json("status")["daemon"]["keylog"] == str(tmp_path)
    assert "KEYS ARE BEING WRITTEN" in gate.kedge.cli("status").stdout
    keys = {part.strip('"').removeprefix("0x") for row in rows for part in row.split(",")
            if len(part.strip('"').removeprefix("0x")) in (40, 64) and " " not in part}
    assert len(keys) >= 6
    seen = json.dumps(gate.kedge.events.drain()) + program.log() + gate.kedge.log()
    assert not any(key in seen for key in keys)
    mark = gate.kedge.events.last_seq
    program.stop()
    assert "no longer" in gate.kedge.events.wait("daemon.keylog", after=mark)["detail"]
    gate.kedge.cli("rekey", "peer", "--wait", "10s")
    assert [row for table in TABLES for row in (tmp_path / table).read_text().splitlines()] == rows
    assert gate.kedge.json("status")["daemon"]["keylog"] is None


def test_without_the_switch_nothing_is_given(build, tmp_path):
    gate = build(strongswan_pair())["gate"]
    gate.kedge.wait_up("peer")
    done = gate.kedge.cli("keylog", "--out", str(tmp_path), check=False)
    assert done.returncode == 1 and "control: {keylog: true}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_others_than_root_are_refused(build, tmp_path):
    description = allowed(strongswan_pair(), "gate")
    description["hosts"]["gate"]["kedge"]["control"]["group"] = "nogroup"
    gate = build(description)["gate"]
    gate.kedge.wait_up("peer")
    done = gate.run("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", programs.kedge(), "keylog",
                    "--out", str(tmp_path), check=False)
    assert done.returncode == 1 and "root only" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_that_others_may_read_and_links_are_refused(build, tmp_path):
    gate = build(allowed(strongswan_pair(), "gate"))["gate"]
    gate.kedge.wait_up("peer")
    (tmp_path / "open").touch(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name, why in (("open", "chmod 600"), ("link", "symbolic"), ("no/such", "No such file")):
        done = gate.kedge.cli("keylog", "--out", str(tmp_path / name), check=False)
        assert done.returncode == 1 and why in done.stderr, done.stderr
    assert (tmp_path / "open").read_bytes() == b"" and not (tmp_path / "elsewhere").exists()
    assert gate.kedge.events.find("daemon.keylog") is None


def test_one_key_log_at_a_time(build, tmp_path):
    gate = build(allowed(strongswan_pair(), "gate"))["gate"]
    keylog(gate, tmp_path / "one")
    done = gate.kedge.cli("keylog", "--out", str(tmp_path / "two"), check=False)
    assert done.returncode == 1 and "already" in done.stderr
    assert gate.kedge.cli("keylog", check=False).returncode == 2
