"""Readiness in seed 002's network: the firewall judges its two tunnels to Azure; each test breaks one thing where it
breaks in the field, and the daemon finds it by itself, names it and what to do. From the start the only drill is old,
the primary tunnel's rekey is not rehearsed, and of the secondary much is wrong: a PFS mismatch, BFD at one end only, a
certificate of Azure's that ends, a way that carries 1400 octets and says nothing. What needs a primary that is another
AS is in test_failover_reference.py."""
import datetime
import json
import os
import time

import pytest
import yaml

from lab.pki import Authority
from lab.topology import Topology, read
from lab.wait import deadline_in, until

SPOKE = "10.17.11.128/26"
FIREWALL, PRIMARY, SECONDARY = "sea-srx42-01", "azure-primary", "azure-secondary"
PACKETS = 6000  # what the secondary's pair may carry
OWN_SUITE = {"ike": ["aes256-sha1-modp1024"], "legacy": True}

OLD_DRILL = {
    "version": 1, "id": "20231114T221320.000Z", "kedge": "", "drill": "er-outage", "node": "",
    "start_wall_us": 1700000000000000, "length_us": 1000000, "verdict": "passed", "reason": "", "forced": False,
    "rehearsed": False, "probe_from": "", "probe_to": "", "probe_udp": False, "probe_every_us": 0,
    "events_left_out": 0, "before": None, "during": None, "after": None,
    "loss": {**dict.fromkeys(("sent", "answered", "lost", "late", "duplicate", "reordered", "lost_out", "lost_back",
                              "outages", "longest_us", "rtt_p50_us", "rtt_p95_us", "rtt_max_us"), 0),
             "counted": False},
    "steps": [], "marks": [], "outages": [], "paths": [], "routes": [], "events": [], "buckets": [], "bucket_us": 0}


def certificates(lab_directory):
    """auth of either end of the secondary tunnel: Azure's certificate ends in ten days."""
    root = Authority("Lab Root")
    soon = datetime.datetime.utcnow() + datetime.timedelta(days=10)

    def file(name, text):
        path = os.path.join(lab_directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o600)
        return path

    def auth(who, **options):
        entity = root.issue(who, dns=[f"{who}.example"], **options)
        return {"cert": file(f"{who}.pem", entity.chain), "key-file": file(f"{who}.key", entity.key),
                "ca": [file("ca.pem", root.cert)]}
    return auth("firewall"), auth("azure", end=soon)


def description(directory):
    text = read("expressroute-backup")
    ours, theirs = certificates(directory)
    firewall = text["hosts"][FIREWALL]["kedge"]
    firewall["readiness"] = {"established": "2s", "primary": ["ce-primary", "ce-secondary"]}
    firewall["policies"].update({"nothing": [{"deny": {}}], "from-azure": [{"permit": {}}],
                                 "to-azure": firewall["policies"]["lan"]})
    primary, secondary = firewall["tunnels"]
    for tunnel in (primary, secondary):
        tunnel["mtu-probe"] = "10s"
        tunnel["neighbor"].update({"hold": "60s", "keepalive": "3s"})
    primary["neighbor"].update({"import": "from-azure", "export": "to-azure"})
    del secondary["profile"]
    secondary.update(OWN_SUITE, esp=["aes256-sha1-modp1024"], auth=ours, **{
        "rekey-rehearsal": "2s", "local-id": "firewall.example", "remote-id": "azure.example",
        "lifetime": {"esp-packets": PACKETS}})
    secondary["neighbor"]["bfd"] = {"interval": "300ms", "multiplier": 3}
    azure = dict(text["hosts"]["gw-vpn-1"]["kedge"]["tunnels"][0], **OWN_SUITE, esp=["aes256-sha1"], auth=theirs, **{
        "local-id": "azure.example", "remote-id": "firewall.example"})
    del azure["profile"]
    text["hosts"]["gw-vpn-1"]["kedge"]["tunnels"] = [azure]
    return text


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with Topology(description(str(tmp_path_factory.mktemp("certificates"))), start=False) as topology:
        drills = os.path.join(topology[FIREWALL].directory, "state", "drills")
        os.makedirs(drills, 0o700)
        with open(os.path.join(drills, OLD_DRILL["id"] + ".json"), "w", encoding="utf-8") as file:
            json.dump(OLD_DRILL, file)
        router = topology["internet"]
        router.run("iptables", "-I", "OUTPUT", "-p", "icmp", "-j", "DROP")
        router.run("ip", "route", "add", "203.0.113.77/32", "dev", "azure0", "mtu", "lock", "1400")
        topology.start_services()
        topology.always = {"drill-old"}
        yield topology


@pytest.fixture
def primary(lab):
    """Nothing is wrong with the primary but what is wrong from the start, before and after."""
    wait_until(lab, PRIMARY, lambda seen: lab.always <= seen and "session-young" not in seen, "what is always", 60)
    if "rekey-unrehearsed" in reasons(lab, PRIMARY):
        rehearse(lab)
    wait_for(lab)
    yield lab
    lab[FIREWALL].kedge.cli("reload")
    wait_for(lab)


# ---- judgements ----

def reasons(lab, tunnel=PRIMARY, host=FIREWALL):
    """By code; the command's exit status says whether all is well."""
    done = lab[host].kedge.cli("readiness", tunnel, "--json", check=False)
    rows = json.loads(done.stdout)["tunnels"]
    assert done.returncode == (0 if rows and rows[0]["verdict"] == "ready" else 1), done
    return {reason["code"]: reason for row in rows for reason in row["reasons"]}


def wait_until(lab, tunnel, good, what, timeout, host=FIREWALL):
    """Each change is told by an event; what holds then is what the command says."""
    events, deadline = lab[host].kedge.events, deadline_in(timeout)
    while True:
        mark = events.last_seq
        seen = reasons(lab, tunnel, host)
        if good(set(seen)):
            return seen
        left = deadline - time.monotonic()
        assert left > 0, f"{tunnel}: {sorted(seen)} instead of {what}"
        events.wait("readiness.change", left, mark, tunnel=tunnel)


def wait_for(lab, *codes, timeout=30):
    """Exactly these reasons of the primary, beside those from the start."""
    expected = lab.always | set(codes)
    return wait_until(lab, PRIMARY, lambda seen: seen == expected, sorted(expected), timeout)


def wait_among(lab, tunnel, code, without=(), timeout=30, host=FIREWALL):
    return wait_until(lab, tunnel, lambda seen: code in seen and not seen & set(without), code, timeout, host)[code]


def reload(lab, change, host=FIREWALL):
    """The host's configuration with a change to it; all of it has to be taken over."""
    spec = yaml.safe_load(lab[host].kedge.config_text())
    change(spec)
    lab[host].write("kedge.yaml", yaml.safe_dump(spec, sort_keys=False), 0o600)
    answer = lab[host].kedge.json("reload")
    assert answer["applied"] and not answer["restart"], answer


@pytest.fixture
def firewall(primary):
    """reload(), and as it was afterwards (by the fixture below it)."""
    yield lambda change: reload(primary, change)
    primary[FIREWALL].write("kedge.yaml", primary[FIREWALL].kedge.config_text(), 0o600)


def azure_has(lab, *spokes):
    """The primary gateway's virtual network has these spokes from now on."""
    reload(lab, lambda spec: spec["router"]["azure"].update(spokes=[SPOKE, *spokes]), "gw-vpn-0")


def ce_router(lab, *lines):
    """Changes the primary CE router's BGP, and has the firewall told."""
    words = ("configure terminal", "router bgp 65020", *lines, "end", "clear bgp 192.168.11.1 soft out")
    lab["sea-mx03-01"].run("vtysh", *(word for line in words for word in ("-c", line)))


def rehearse(lab):
    lab[FIREWALL].kedge.cli("rekey", PRIMARY, "--rehearse", "--wait", "10s")


# ---- what is wrong from the start ----

def test_a_rekey_that_nobody_rehearsed_until_the_remedy_is_followed(lab):
    reason = wait_among(lab, PRIMARY, "rekey-unrehearsed", without=("session-young", "session-down", "tunnel-down"),
                        timeout=60)
    assert reason["verdict"] == "degraded" and reason["remedy"] == f"kedge rekey {PRIMARY} --rehearse"
    rehearse(lab)
    wait_for(lab)


def test_a_stale_drill_and_none_at_all(lab):
    reason = wait_among(lab, PRIMARY, "drill-old")
    assert reason["verdict"] == "degraded" and "er-outage" in reason["text"]
    assert reason["remedy"] == "kedge drill run er-outage"
    reason = wait_among(lab, "onprem", "drill-none", host="gw-vpn-0")  # a kedged without a history
    assert reason["verdict"] == "degraded" and "never drilled" in reason["text"]


def test_a_pfs_mismatch_found_by_the_rehearsal(lab):
    reason = wait_among(lab, SECONDARY, "rekey-failed", timeout=60)
    assert reason["verdict"] == "not-ready" and "child rekey: no-proposal" in reason["text"]
    assert f"kedge explain {SECONDARY}" in reason["remedy"]


def test_bfd_at_one_end_only(lab):
    reason = wait_among(lab, SECONDARY, "bfd-down", timeout=60)
    assert reason["verdict"] == "degraded" and f"configure BFD at {SECONDARY}" in reason["remedy"]
    assert lab[FIREWALL].kedge.neighbor(SECONDARY)["state"] == "Established"


def test_a_certificate_of_the_peer_that_ends_and_another_threshold(firewall, lab):
    reason = wait_among(lab, SECONDARY, "certificate-ending", timeout=60)
    assert reason["verdict"] == "degraded" and reason["remedy"] == "the peer renews it"
    assert reason["text"].startswith("the peer's certificate ends 20")
    firewall(lambda spec: spec["readiness"].update(certificate="9d"))
    wait_until(lab, SECONDARY, lambda seen: "certificate-ending" not in seen, "no certificate", 15)
    assert "rekey-failed" in reasons(lab, SECONDARY)


def test_the_text_is_for_people_and_the_metrics_for_prometheus(primary):
    firewall = primary[FIREWALL]
    text = firewall.kedge.cli("readiness", check=False).stdout
    assert "azure-primary: degraded for" in text and "azure-secondary: not-ready for" in text
    assert "remedy: kedge drill run er-outage" in text
    metrics = firewall.run("curl", "-s", "--unix-socket", "/run/kedge/kedge.sock", "http://kedge/metrics").stdout
    assert 'kedge_readiness{tunnel="azure-primary",verdict="degraded"} 1' in metrics
    assert 'kedge_readiness{tunnel="azure-primary",verdict="ready"} 0' in metrics
    assert 'kedge_readiness_reason{tunnel="azure-secondary",reason="rekey-failed",verdict="not-ready"} 1' in metrics


def test_a_tunnel_that_is_none_is_named(lab):
    done = lab[FIREWALL].kedge.cli("readiness", "nosuch", check=False)
    assert done.returncode == 1 and "nosuch" in done.stderr and PRIMARY in done.stderr


# ---- the tunnel and its session ----

def test_a_tunnel_cut_silently(primary):
    kedge = primary[FIREWALL].kedge
    mark = kedge.events.last_seq
    primary.fault("tunnel-primary-cut")
    kedge.events.wait("tunnel.detect", 20, mark, tunnel=PRIMARY)
    reason = wait_for(primary, "tunnel-down")["tunnel-down"]
    assert reason["verdict"] == "not-ready" and "kedge explain azure-primary" in reason["remedy"]
    primary.mend("tunnel-primary-cut")


def test_a_session_that_is_down_and_then_too_young(primary):
    kedge, far = primary[FIREWALL].kedge, primary["gw-vpn-0"].kedge
    mark = kedge.events.last_seq
    far.cli("neighbor", "shutdown", "onprem")
    reason = wait_for(primary, "session-down")["session-down"]
    assert reason["verdict"] == "not-ready" and PRIMARY in reason["text"]
    far.cli("neighbor", "enable", "onprem")
    kedge.events.wait("readiness.change", 30, mark, tunnel=PRIMARY, detail="degraded: session-young, drill-old")


def test_esp_that_comes_in_one_direction_only(primary):
    rule = ("FORWARD", "-p", "esp", "-s", "203.0.113.76", "-j", "DROP")
    primary["internet"].run("iptables", "-I", *rule)
    reason = wait_for(primary, "one-way", timeout=40)["one-way"]
    assert "ESP packets were sent in the last" in reason["text"] and "protocol 50" in reason["remedy"]
    assert primary[FIREWALL].kedge.tunnel(PRIMARY)["state"] == "up"  # IKE still goes both ways
    primary["internet"].run("iptables", "-D", *rule)
    primary[FIREWALL].run("ping", "-c", "1", "-W", "2", "-I", "192.168.11.88", "10.17.11.76")  # before TCP asks again


# ---- routes ----

def test_a_spoke_prefix_missing_on_the_backup(primary):
    ce_router(primary, "no bgp network import-check", "address-family ipv4 unicast", "network 10.17.12.0/24")
    reason = wait_for(primary, "prefix-missing")["prefix-missing"]
    assert reason["verdict"] == "not-ready" and "azure-primary tells 1 of the primary's" in reason["text"]
    assert "10.17.12.0/24" in reason["text"]
    ce_router(primary, "address-family ipv4 unicast", "no network 10.17.12.0/24")


@pytest.mark.parametrize("prefix,code", [("10.17.11.144/28", "prefix-more-specific"), ("10.99.0.0/24", "prefix-extra")])
def test_a_prefix_that_only_the_backup_tells(primary, prefix, code):
    azure_has(primary, prefix)
    reason = wait_for(primary, code)[code]
    assert reason["verdict"] == "degraded" and prefix in reason["text"]
    azure_has(primary)


def test_the_local_preference_forgotten_on_one_ce_router(primary):
    policy = "neighbor 192.168.11.1 route-map prefer-expressroute out"
    ce_router(primary, "address-family ipv4 unicast", f"no {policy}")
    reason = wait_for(primary, "preference-uneven")["preference-uneven"]
    assert "ce-primary weight 0, local preference 100" in reason["text"]
    assert reason["remedy"].startswith("ce-primary sets the local preference that its twin sets")
    ce_router(primary, "address-family ipv4 unicast", policy)


def backup_first(spec):
    spec["policies"]["from-azure"] = [{"permit": {"set": {"local-preference": 200}}}]


def test_a_policy_that_prefers_the_backup(primary, firewall):
    firewall(backup_first)
    reason = wait_for(primary, "backup-preferred")["backup-preferred"]
    assert "azure-primary weight 0, local preference 200" in reason["text"]


def test_ce_routers_that_take_the_backups_way_because_they_are_told_it(primary, firewall):
    """The same once the CE routers hear of it: their own way is the worse one now, and they tell it no longer."""
    def change(spec):
        backup_first(spec)
        for neighbor in spec["neighbors"]:
            neighbor.update({"export": "all", "next-hop-self": True})
    firewall(change)
    reason = wait_for(primary, "primary-follows")["primary-follows"]
    assert reason["verdict"] == "degraded" and reason["text"].startswith("ce-primary has no way of its own")
    assert SPOKE in reason["text"] and "higher local preference" in reason["remedy"]
    primary[FIREWALL].kedge.wait_route(SPOKE, neighbor=PRIMARY)


def test_a_prefix_that_the_backup_is_not_told(primary, firewall):
    firewall(lambda spec: spec["policies"].update({"to-azure": spec["policies"]["nothing"]}))
    reason = wait_for(primary, "told-missing")["told-missing"]
    assert reason["verdict"] == "not-ready" and "10.1.11.0/25" in reason["text"]


def test_a_more_specific_prefix_that_the_backup_is_told(primary, firewall):
    def change(spec):
        spec["router"]["networks"].append("10.1.11.0/26")
        spec["policies"]["to-azure"] = [{"permit": {"match": {"prefix": ["10.1.11.0/25 le 26"]}}}]
    firewall(change)
    reason = wait_for(primary, "told-more-specific")["told-more-specific"]
    assert reason["verdict"] == "degraded" and "10.1.11.0/26" in reason["text"]


def test_more_routes_than_are_compared_until_the_remedy_is_followed(primary, firewall):
    """They lead nowhere (their next hop is not resolved), and are not installed: it is not they that are tested."""
    bird, which = primary["sea-mx03-02"].bird, {"match": {"prefix": ["100.64.0.0/10 le 32"]}}
    many = "".join(f"route 100.{64 + i // 65536}.{i // 256 % 256}.{i % 256}/32 blackhole;\n" for i in range(50001))
    firewall(lambda spec: spec["policies"]["all"].insert(
        0, {"permit": {**which, "set": {"next-hop": "10.255.255.1"}}}))
    text = bird.text.replace("if source = RTS_BGP then accept", "if source ~ [RTS_BGP, RTS_STATIC] then accept")
    configure(bird, text + "protocol static { ipv4; " + many + "}\n")
    reason = wait_for(primary, "routes-too-many")["routes-too-many"]
    assert reason["verdict"] == "degraded" and "import policy" in reason["remedy"]
    firewall(lambda spec: spec["policies"].update(
        {"all": [{"deny": which}, {"permit": {}}]}))
    wait_for(primary)
    configure(bird, bird.text)
    kedge = primary[FIREWALL].kedge
    until(lambda: kedge.neighbor("ce-secondary")["prefixes_received"] < 10, 30, "the routes withdrawn")


def configure(bird, text):
    bird.host.write("bird.conf", f"log stderr all;\n{text}\n")
    done = bird.command("configure")
    assert "Reconfigured" in done.stdout or "in progress" in done.stdout, done


# ---- drills ----

def drill(lab, *steps):
    path = lab[FIREWALL].write("drill.yaml", yaml.safe_dump({"drill": "er-outage", "steps": list(steps)}))
    lab.always = set()
    return lab[FIREWALL].kedge.cli("drill", "run", path, check=False).returncode


def running(command):
    return {"exec": {"do": [command], "undo": ["/bin/true"], "timeout": "5s"}}


def test_a_drill_that_failed_and_one_that_passed(primary):
    assert drill(primary, running("/bin/false")) != 0
    reason = wait_for(primary, "drill-failed")["drill-failed"]
    assert reason["verdict"] == "not-ready" and "er-outage" in reason["text"] and "kedge drill show" in reason["remedy"]
    assert drill(primary, running("/bin/true")) == 0
    wait_for(primary)
    assert primary[FIREWALL].kedge.cli("readiness", PRIMARY).stdout.startswith("azure-primary: ready for ")


def test_what_is_well_stays_ready_through_a_rekey_a_reload_and_a_drill(primary, firewall):
    """Whatever a drill drains, shuts and restores; what is broken afterwards is the first thing that shows."""
    kedge = primary[FIREWALL].kedge
    assert drill(primary, running("/bin/true")) == 0
    wait_for(primary)
    mark = kedge.events.last_seq
    kedge.cli("rekey", PRIMARY, "--wait", "10s")
    rehearse(primary)
    kedge.cli("reload")
    both = ("ce-primary", "ce-secondary")
    assert drill(primary, *({"drain": {"neighbor": name, "by": "gshut"}} for name in both), {"hold": "2s"},
                 *({"shutdown": {"neighbor": name}} for name in both), {"hold": "2s"}, {"restore": "all"}) == 0
    for name in both:
        until(lambda name=name: kedge.neighbor(name)["prefixes_accepted"] == 2, 30, f"what {name} tells")
    firewall(lambda spec: spec["policies"].update({"to-azure": spec["policies"]["nothing"]}))
    wait_for(primary, "told-missing")
    assert [event["detail"] for event in kedge.events.drain() if event["seq"] > mark and
            event["event"] == "readiness.change" and event["tunnel"] == PRIMARY] == ["not-ready: told-missing"]


# ---- the secondary again, last: what takes its time, and what ends the pair ----

def test_an_mtu_black_hole_without_icmp(lab):
    reason = wait_among(lab, SECONDARY, "mtu-black-hole", timeout=60)
    tunnel = lab[FIREWALL].kedge.tunnel(SECONDARY)
    path = tunnel["path_mtu"]
    assert 1385 <= path["passes"] <= 1400 < path["needed"], path  # its cipher makes datagrams of 16 octets' steps
    assert f"set mtu: {path['mtu']} and mss: {path['mtu'] - 40}" in reason["remedy"]
    assert tunnel["state"] == "up" and tunnel["mtu"] > path["mtu"]
    assert lab[FIREWALL].kedge.events.find("tunnel.detect", tunnel=SECONDARY) is None


SEND = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    sender.sendto(b"", ("10.17.11.77", 9))
"""


def test_a_pair_whose_packets_run_out_and_that_can_not_be_renewed(lab):
    wait_among(lab, SECONDARY, "rekey-failed", timeout=60)
    sender = lab[FIREWALL]

    def left():
        (child,) = sender.kedge.tunnel(SECONDARY)["children"]
        return PACKETS - child["packets_out"]

    while left() > PACKETS * 12 // 1000:  # never beyond the end: what is sent may be lost, and is not made more
        sender.run("/usr/bin/python3", "-c", SEND, str(min(left() - PACKETS // 100, 2000)))
    reason = wait_among(lab, SECONDARY, "sa-ending")
    assert reason["verdict"] == "not-ready" and "the child SA ends after " in reason["text"]
    assert "packets more and was not rekeyed" in reason["text"] and f"kedge rekey {SECONDARY}" in reason["remedy"]
