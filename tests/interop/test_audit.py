"""kedge audit: one thing broken at a time is named with its place, its remedy mends it, and others' things are none."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.wait import until
from peers import kedge_pair

PREFIX = "10.2.0.0/24 metric 20"


def audit(host, wait="5s"):
    done = host.kedge.cli("audit", "--wait", wait, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def clean(host):
    def look():
        code, answer = audit(host)
        return code == 0 and answer
    return until(look, 15, lambda: f"no clean audit: {audit(host)}")


def apply(host, remedy):
    assert remedy.startswith("ip "), remedy
    host.ip(*remedy.split()[1:])


@pytest.fixture
def left(build):
    lab = build(kedge_pair())
    for name, other in (("left", "right"), ("right", "left")):
        lab[name].kedge.wait_up(other)
        lab[name].kedge.wait_established(other)
    lab["left"].kedge.wait_route("10.2.0.0/24", interface="kedge0", installed=True)
    return lab["left"]


def nexthops(host):
    """The group of the prefix, and its member."""
    route, = json.loads(host.ip("-j", "route", "show", *PREFIX.split()))
    group, = (n for n in json.loads(host.ip("-j", "nexthop", "show")) if n["id"] == route["nhid"])
    return group["id"], group["group"][0]["id"]


def test_all_who_ask_at_once_are_answered(left):
    """A look takes turns of the loop; who asks meanwhile gets the next one, with what has changed by then."""
    route = ("10.77.0.0/16", "dev", "lan0", "metric", "20", "proto", "75")
    clean(left)
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(audit, left) for _ in range(4)]
        left.ip("route", "add", *route)
        code, answer = audit(left)
        assert code == 1 and [row["where"] for row in answer["differences"]] == ["10.77.0.0/16 metric 20"]
        assert all(asked.result()[0] in (0, 1) for asked in others)
    left.ip("route", "delete", *route)
    clean(left)


def breakages(left):
    group, member = nexthops(left)
    return [
        (f"route delete {PREFIX}", "route", "missing", PREFIX),
        (f"route replace {PREFIX} dev lan0 proto 75", "route", "different", PREFIX),
        (f"route replace {PREFIX} nhid {member} proto 75", "route", "different", PREFIX),
        ("route add 10.77.0.0/16 dev lan0 metric 20 proto 75", "route", "extra", "10.77.0.0/16 metric 20"),
        ("route add 10.77.0.0/16 dev lan0 table 75003 proto 75", "route", "extra", "10.77.0.0/16 table 75003 metric 0"),
        ("nexthop add id 77 dev lan0 proto 75", "next-hop", "extra", "id 77"),
        (f"nexthop replace id {member} dev lan0 proto 75", "next-hop", "different", f"id {member}"),
        ("nexthop add id 77 dev kedge0", None, None, None),
        (f"nexthop replace id {group} group 77 proto 75", "next-hop", "different", f"id {group}"),
        ("rule add to 10.9.9.9 oif lan0 lookup 75001 priority 75 protocol 75", "rule", "extra",
         "priority 75 to 10.9.9.9/32 oif lan0 lookup 75001"),
        ("link set kedge0 mtu 1300", "interface", "different", "kedge0"),
        ("link set kedge0 alias another", "interface", "different", "kedge0"),
        ("link set lan0 alias kedge:nobody", "interface", "extra", "lan0"),
    ]


def test_each_thing_that_is_broken_is_named_and_its_remedy_mends_it(left):
    looked = clean(left)["looked"]
    assert looked["interface"] == looked["address"] == looked["sa"] == 1 and looked["route"] > 2, looked
    for command, what, state, where in breakages(left):
        left.ip(*command.split())
        if what is None:
            continue
        code, answer = audit(left)
        rows = [(row["what"], row["state"], row["where"]) for row in answer["differences"]]
        assert (code, rows) == (1, [(what, state, where)]), (command, answer)
        if command != "link set lan0 alias kedge:nobody":
            apply(left, answer["differences"][0]["remedy"])
        else:
            left.ip("link", "set", "lan0", "alias", "")
        assert clean(left)["clean"], command


def test_what_others_have_is_no_difference(left):
    left.ip("route", "add", "10.66.0.0/16", "dev", "lan0", "metric", "20", "proto", "static")
    left.ip("route", "add", "10.66.0.0/16", "dev", "lan0", "table", "75001")
    left.ip("nexthop", "add", "id", "1000999", "dev", "lan0")
    left.ip("rule", "add", "to", "10.9.9.9", "lookup", "75001", "priority", "75")
    left.ip("address", "add", "10.66.0.1/32", "dev", "kedge0")
    left.ip("link", "set", "lan0", "alias", "another's")
    clean(left)


def test_a_deleted_interface_is_made_again_and_the_command_says_what_a_script_needs(left):
    mark = left.kedge.events.last_seq
    left.ip("link", "delete", "kedge0")
    left.kedge.events.wait("kernel.error", 10, mark, tunnel="right", reason="no-device")
    left.kedge.wait_up("right", 30, mark)
    left.kedge.events.wait("route.add", 30, mark, prefix="10.2.0.0/24")
    clean(left)
    done = left.kedge.cli("audit")
    assert done.stdout.startswith("no difference; looked at: sa 1, "), done.stdout
    left.ip("route", "delete", *PREFIX.split())
    done = left.kedge.cli("audit", check=False)
    assert done.returncode == 1
    assert f"route missing: {PREFIX}\n" in done.stdout and "    remedy: ip route add " in done.stdout, done.stdout
    assert "1 difference, 0 in progress" in done.stdout
    left.kedge.stop()
    assert left.kedge.cli("audit", check=False).returncode == 3
