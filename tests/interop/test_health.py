"""Health probes with FRR in the path: the far end falls silent while every session stays, and comes back.

    router (kedge) -- frr -- far (10.20.0.10, 2001:db8:20::10)
       |
      bird
"""
import pytest

from lab.topology import read
from lab.wait import until

FAR, FAR6 = "10.20.0.10", "2001:db8:20::10"


def described(*probes, **fields):
    """bgp-beside with a host behind FRR and health probes of it over FRR's link."""
    description = read("bgp-beside")
    description["hosts"]["far"] = {"routes": ["default via 10.20.0.1", "default via 2001:db8:20::1"]}
    description["links"]["behind"] = {
        "frr": {"dev": "lan0", "addresses": ["10.20.0.1/24", "2001:db8:20::1/64"]},
        "far": {"dev": "eth0", "addresses": [f"{FAR}/24", f"{FAR6}/64"]}}
    kedge = description["hosts"]["router"]["kedge"]
    kedge["health"] = [{"name": "far", "probe": "icmp", "to": FAR, "via": "frr", "every": "100ms", "fail": 3,
                        "recover": {"stable": "1s"}, **fields, **probe} for probe in probes]
    return description


def start(build, description, *names):
    lab = build(description)
    kedge = lab["router"].kedge
    kedge.wait_route("10.20.0.0/24", 30, neighbor="frr", installed=True)
    kedge.wait_route("10.30.0.0/24", 30, neighbor="bird", installed=True)
    for name in names:
        kedge.events.wait("health.up", 15, health=name)
    return lab, kedge


def silence(lab, on):
    """The far host drops what comes, or no longer: no link changes its state."""
    verb = "add" if on else "delete"
    for family in ("-4", "-6"):
        lab["far"].ip(family, "rule", verb, "priority", "10", "blackhole")


def health(kedge, name="far"):
    return next(row for row in kedge.json("status")["health"] if row["name"] == name)


def stops(kedge, after):
    return [event for event in kedge.events.drain() if event["event"] == "bgp.stop" and event["seq"] > after]


@pytest.mark.parametrize("probe", [{"probe": "icmp"}, {"probe": "tcp", "port": 7777}, {"probe": "udp", "port": 7777},
                                   {"probe": "icmp", "to": FAR6, "via": "frr6"},
                                   {"probe": "icmp", "via": "192.0.2.1"}, {"probe": "icmp", "via": "dev frr0"}],
                         ids=lambda probe: "-".join(map(str, probe.values())))
def test_a_far_end_that_falls_silent_is_found_and_found_again(build, probe):
    """FRR hears that our network is withdrawn, on the session that stays; and hears of it again."""
    lab = build(described({**probe, "then": "withdraw", "neighbors": ["frr"]}))
    if "port" in probe:
        lab["far"].spawn("echo", ["/usr/bin/python3", "-c", ECHO])
    kedge, frr = lab["router"].kedge, lab["frr"].frr
    kedge.wait_route("10.20.0.0/24", 30, neighbor="frr", installed=True)
    kedge.events.wait("health.up", 30, health="far")
    frr.wait_path("10.10.0.0/24")
    mark = kedge.events.last_seq
    silence(lab, True)
    down = kedge.events.wait("health.down", 15, mark, health="far", reason="health-down")
    assert down["took_us"] >= 200_000
    until(lambda: frr.paths("10.10.0.0/24") == [], 10, "FRR to hear of the withdrawal", 0.1)
    assert kedge.neighbor("frr")["steering"]["by"] == ["far"]
    assert "told nothing" in kedge.cli("bgp", "neighbors", "frr").stdout
    assert health(kedge)["state"] == "down"
    assert " down " in kedge.cli("status").stdout
    silence(lab, False)
    up = kedge.events.wait("health.up", 15, down["seq"], health="far")
    assert up["took_us"] >= 1_000_000  # stable for so long at least
    frr.wait_path("10.10.0.0/24")
    assert kedge.neighbor("frr")["steering"] is None
    assert stops(kedge, mark) == []


# Answers on TCP and UDP port 7777 as the echo service does.
ECHO = """
import socket, threading
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 7777))
tcp = socket.socket()
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tcp.bind(("", 7777))
tcp.listen()
def serve():
    while True:
        tcp.accept()[0].close()
threading.Thread(target=serve, daemon=True).start()
while True:
    try:
        udp.sendto(*udp.recvfrom(4096))
    except OSError:  # silenced
        pass
"""


def test_a_closed_port_says_so(build):
    """Refused isn't answered; why is told, and a host that answers ping is told apart by it."""
    lab, kedge = start(build, described({"name": "tcp", "probe": "tcp", "port": 7777},
                                        {"name": "udp", "probe": "udp", "port": 7777}, {"name": "ping"},
                                        then="withdraw", neighbors=["frr"]), "ping")
    for name in ("tcp", "udp"):
        kedge.events.wait("health.down", 15, health=name)
        until(lambda: health(kedge, name)["detail"] == "Connection refused", 10, f"why {name} isn't answered", 0.1)
    assert health(kedge, "ping")["state"] == "up"
    assert lab["frr"].frr.state("192.0.2.1") == "Established"


def own_way(host, family="-4"):
    """The rules and routes that the probe has for itself."""
    rules = [row for row in host.ip(family, "rule").splitlines() if "lookup 75" in row]
    routes = host.ip(family, "route", "show", "table", "all").splitlines()
    return [" ".join(row.split()) for row in rules], [" ".join(row.split()) for row in routes if "table 75" in row]


OWN_WAY = (["75: from all to 10.20.0.10 oif frr0 lookup 75000 proto 75"],
           ["10.20.0.10 via 192.0.2.2 dev frr0 table 75000 proto 75 metric 5"])
OWN_WAY6 = (["75: from all to 2001:db8:20::10 oif frr0 lookup 75001 proto 75"],
            ["2001:db8:20::10 via 2001:db8:1::2 dev frr0 table 75001 proto 75 metric 5 pref medium"])


def test_another_way_is_preferred_while_the_far_end_is_silent(build):
    """Both FRR and BIRD tell 10.20.0.0/24; local preference moves the traffic, and back. The probe keeps a way of its
    own over FRR's link, which a life that is killed leaves behind and the next one takes over; an orderly end doesn't."""
    description = described({}, {"name": "far6", "to": FAR6, "via": "frr6"}, then="local-pref", **{"local-pref": 50})
    bird = description["hosts"]["bird"]
    bird["bird"] = bird["bird"].replace("route 10.30.0.0/24 unreachable;",
                                        "route 10.30.0.0/24 unreachable; route 10.20.0.0/24 unreachable;")
    description["hosts"]["router"]["kedge"]["policies"]["second"] = [{"permit": {"set": {"local-preference": 90}}}]
    next(row for row in description["hosts"]["router"]["kedge"]["neighbors"]
         if row["name"] == "bird")["import"] = "second"
    lab = build(description)
    kedge = lab["router"].kedge
    kedge.events.wait("health.up", 30, health="far")
    assert kedge.wait_route("10.20.0.0/24", 15, neighbor="frr", installed=True)["local_pref"] == 100
    kedge.events.wait("health.up", 30, health="far6")
    assert own_way(lab["router"]) == OWN_WAY and own_way(lab["router"], "-6") == OWN_WAY6
    mark = kedge.events.last_seq
    silence(lab, True)
    down = kedge.events.wait("health.down", 15, mark, health="far")
    row = kedge.wait_route("10.20.0.0/24", 15, neighbor="bird", best=True, installed=True)
    assert row["local_pref"] == 90
    learned = {r["prefix"]: r for r in kedge.routes("learned", "frr")}
    assert learned["10.20.0.0/24"]["local_pref"] == 50
    silence(lab, False)
    kedge.events.wait("health.up", 15, down["seq"], health="far")
    kedge.wait_route("10.20.0.0/24", 15, neighbor="frr", best=True, installed=True)
    assert stops(kedge, mark) == []

    kedge.kill()
    assert own_way(lab["router"]) == OWN_WAY
    kedge.start()
    kedge.events.wait("health.up", 30, health="far")
    assert own_way(lab["router"]) == OWN_WAY
    lab["router"].ip("link", "set", "frr0", "down")  # the kernel takes the route out
    until(lambda: own_way(lab["router"])[1] == [], 10, "the route to go with its link", 0.1)
    lab["router"].ip("link", "set", "frr0", "up")
    until(lambda: own_way(lab["router"]) == OWN_WAY, 15, "the route to come back with its link", 0.1)
    assert kedge.stop() == 0
    assert own_way(lab["router"]) == own_way(lab["router"], "-6") == ([], [])


def test_a_longer_path_is_told_while_the_far_end_is_silent(build):
    lab, kedge = start(build, described({"then": "prepend", "prepend": 3}), "far")
    frr, mark = lab["frr"].frr, kedge.events.last_seq
    frr.wait_path("10.10.0.0/24", lambda path: path["aspath"]["string"] == "65010")
    silence(lab, True)
    frr.wait_path("10.10.0.0/24", lambda path: path["aspath"]["string"] == "65010 65010 65010 65010")
    silence(lab, False)
    frr.wait_path("10.10.0.0/24", lambda path: path["aspath"]["string"] == "65010")
    assert stops(kedge, mark) == []


def test_a_session_is_shut_down_and_comes_back_by_itself(build):
    """The way to the far host is static, so that the probe doesn't hang on the session it ends."""
    description = described({"then": "shutdown"})
    description["hosts"]["router"]["routes"] = [f"{FAR}/32 via 192.0.2.2"]
    lab, kedge = start(build, description, "far")
    frr, mark = lab["frr"].frr, kedge.events.last_seq
    silence(lab, True)
    stop = kedge.events.wait("bgp.stop", 15, mark, neighbor="frr", reason="health-down")
    assert kedge.events.find("health.down", mark)["seq"] < stop["seq"]
    until(lambda: "Administrative Shutdown" in str(frr.neighbor("192.0.2.1").get("lastNotificationReason")), 10,
          "FRR to be told why", 0.1)
    row = kedge.neighbor("frr")
    assert (row["state"], row["reason"]) == ("Idle", "health-down") and row["steering"]["shutdown"]
    silence(lab, False)
    kedge.wait_established("frr", 30, stop["seq"])
    assert kedge.neighbor("frr6")["state"] == "Established"  # the other session wasn't named


def test_a_way_that_comes_and_goes_is_left_once(build):
    """Answered for less than the span again and again: one failure, and the end of it."""
    lab, kedge = start(build, described({"then": "withdraw", "recover": {"stable": "5s"}}), "far")
    mark = kedge.events.last_seq
    silence(lab, True)
    kedge.events.wait("health.down", 15, mark, health="far")
    for _ in range(4):
        silence(lab, False)
        until(lambda: health(kedge)["recovers_in_s"] is not None, 10, "an answer", 0.05)
        silence(lab, True)
        until(lambda: health(kedge)["recovers_in_s"] is None, 10, "a loss", 0.05)
    assert kedge.events.find("health.up", mark) is None
    silence(lab, False)
    kedge.events.wait("health.up", 20, mark, health="far")
    assert len([e for e in kedge.events.drain() if e["event"] == "health.down" and e["seq"] > mark]) == 1


def test_the_far_end_of_a_tunnel_is_judged_beyond_the_tunnel(build):
    """Two kedges: the server behind the right one falls silent; the left one withdraws its network from the tunnel's
    neighbor and takes it back, and the tunnel stays up. A second probe would move the routes it goes by: it has a way of
    its own into the tunnel. The tunnel itself comes back once it is stable."""
    description = read("kedge-pair")
    left = description["hosts"]["left"]["kedge"]
    left["health"] = [{"name": "server", "probe": "icmp", "to": "10.2.0.10", "via": "right", "every": "100ms",
                       "then": "withdraw", "recover": {"stable": "1s"}},
                      {"name": "gate", "probe": "icmp", "to": "10.2.0.1", "via": "right", "every": "100ms",
                       "then": "local-pref", "local-pref": 50, "recover": {"stable": "1s"}}]
    left["tunnels"][0]["recover"] = {"stable": "2s"}
    lab = build(description)
    left, right = lab["left"].kedge, lab["right"].kedge
    right.wait_route("10.1.0.0/24", 30, installed=True)
    left.events.wait("health.up", 30, health="server")
    left.events.wait("health.up", 30, health="gate")
    device = left.tunnel("right")["interface"]
    assert own_way(lab["left"]) == ([f"75: from all to 10.2.0.1 oif {device} lookup 75001 proto 75"],
                                    [f"10.2.0.1 dev {device} table 75001 proto 75 scope link metric 5"])
    mark = left.events.last_seq
    lab["server"].ip("rule", "add", "priority", "10", "blackhole")
    down = left.events.wait("health.down", 15, mark, health="server", tunnel="right")
    until(lambda: right.routes("best", "10.1.0.0/24") == [], 10, "the withdrawal", 0.1)
    lab["server"].ip("rule", "delete", "priority", "10", "blackhole")
    left.events.wait("health.up", 15, down["seq"], health="server")
    right.wait_route("10.1.0.0/24", 15, installed=True)
    assert stops(left, mark) == []

    lab["left"].ip("link", "set", "wan0", "down")
    left.events.wait("tunnel.detect", 15, mark)
    lab["left"].ip("link", "set", "wan0", "up")
    hold = left.events.wait("recover.hold", 90, mark, tunnel="right")
    assert hold["took_us"] == 2_000_000
    back = left.events.wait("bgp.state", 30, hold["seq"], neighbor="right", state="Established")
    assert back["t_us"] - hold["t_us"] >= 2_000_000
