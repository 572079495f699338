"""kedge reload and SIGHUP: policies change under sessions that stay, a wrong file changes nothing, what needs a restart
is named."""
import os
import signal

import pytest

from lab.topology import read
from lab.wait import until

NETWORK = "10.20.0.0/24"


@pytest.fixture
def lab(build):
    lab = build(read("bgp-beside"))
    for name in ("frr", "frr6", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    lab["router"].kedge.wait_route(NETWORK, 30, neighbor="frr", installed=True)
    lab["frr"].frr.wait_path("10.30.0.0/24")
    return lab


def write(kedge):
    kedge.host.write("kedge.yaml", kedge.config_text(), 0o600)


def test_policies_change_under_a_session_that_stays(lab):
    kedge, frr = lab["router"].kedge, lab["frr"].frr
    mark = kedge.events.last_seq
    kedge.spec["policies"] = {
        "accept-all": [{"permit": {"set": {"local-preference": 140}}}],
        "few": [{"deny": {"match": {"prefix": ["10.30.0.0/24"]}}}, {"permit": {"set": {"metric": 9}}}]}
    kedge.spec["neighbors"][0]["export"] = "few"
    kedge.spec["router"]["networks"] = ["10.11.0.0/24"]
    write(kedge)
    done = kedge.cli("reload").stdout.splitlines()
    assert sorted(done) == ["taken over: neighbors.frr.export", "taken over: policies.accept-all",
                            "taken over: policies.few", "taken over: router.networks"]
    kedge.wait_route(NETWORK, neighbor="frr", local_pref=140, installed=True)
    frr.wait_path("10.11.0.0/24", lambda path: path["metric"] == 9)
    until(lambda: frr.paths("10.30.0.0/24") == [] and frr.paths("10.10.0.0/24") == [], 15, "what is withdrawn", 0.1)
    lab["bird"].bird.wait_route("10.11.0.0/24")
    assert [e for e in kedge.events.drain() if e["seq"] > mark and e["event"].startswith("bgp.")] == []
    assert kedge.events.wait("daemon.reload", after=mark)
    shown = kedge.cli("bgp", "policy", "few").stdout
    assert "export of frr" in shown and " set metric 9" in shown
    assert kedge.cli("reload").stdout == "nothing has changed\n"


def test_a_wrong_file_is_refused_whole_with_its_place(lab):
    kedge = lab["router"].kedge
    good = kedge.config_text()
    kedge.host.write("kedge.yaml", good.replace("policies:", "polices:"), 0o600)
    done = kedge.cli("reload", check=False)
    assert done.returncode == 1 and "nothing has changed" in done.stderr
    assert 'unknown key "polices"' in done.stderr and "kedge.yaml:" in done.stderr and "did you mean" in done.stderr
    assert kedge.events.wait("daemon.reload-refused")
    os.unlink(os.path.join(kedge.host.directory, "kedge.yaml"))
    done = kedge.cli("reload", check=False)
    assert done.returncode == 1 and "No such file" in done.stderr
    assert kedge.neighbor("frr")["state"] == "Established"
    assert kedge.wait_route(NETWORK, neighbor="frr")["local_pref"] == 100
    write(kedge)
    assert kedge.cli("reload").stdout == "nothing has changed\n"


def test_what_needs_a_restart_is_named_until_there_is_one(lab):
    kedge = lab["router"].kedge
    kedge.spec["neighbors"][0].update({"hold": "9s", "prefixes-max": 1000})
    kedge.spec["neighbors"].append({"name": "new", "asn": 1, "address": "192.0.2.3", "import": "accept-all",
                                    "export": "accept-all"})
    write(kedge)
    answer = kedge.json("reload")
    assert answer["applied"] == ["neighbors.frr.prefixes-max"]
    assert answer["restart"] == ["neighbors.frr.hold", "neighbors.new"]
    answer = kedge.json("reload")
    assert answer["applied"] == [] and answer["restart"] == ["neighbors.frr.hold", "neighbors.new"]
    assert {row["name"] for row in kedge.json("bgp", "neighbors")["neighbors"]} == {"frr", "frr6", "bird", "bird6"}


def test_a_dry_run_says_what_a_reload_does_and_changes_nothing(lab):
    kedge = lab["router"].kedge
    good, policies, mark = kedge.config_text(), kedge.json("bgp", "policy"), kedge.events.last_seq
    kedge.spec["policies"] = {"accept-all": [{"permit": {"set": {"local-preference": 140}}}], "all": [{"permit": {}}]}
    kedge.spec["neighbors"][0].update({"export": "all", "hold": "9s"})
    kedge.spec["router"]["networks"] = ["10.11.0.0/24"]
    write(kedge)
    would = kedge.json("reload", "--dry-run")
    assert would.pop("dry") and would["applied"] == [
        "neighbors.frr.export", "policies.accept-all", "policies.all", "router.networks"]
    assert would["restart"] == ["neighbors.frr.hold"]
    assert {row["neighbor"]: row["state"] for row in would["plan"]} == {
        "frr": "restart", "frr6": "updated", "bird": "updated", "bird6": "updated"}
    assert kedge.json("reload", "--dry-run") == dict(would, dry=True)
    assert kedge.cli("reload", "--dry-run").stdout.splitlines()[:6] == [
        *("would be taken over: " + key for key in would["applied"]), "would need a restart: neighbors.frr.hold",
        "neighbor frr: waits for a restart: neighbors.frr.hold"]
    would.pop("plan")
    kedge.host.write("kedge.yaml", good.replace("policies:", "polices:"), 0o600)
    done = kedge.cli("reload", "--dry-run", check=False)
    assert done.returncode == 1 and "would change nothing" in done.stderr
    assert 'unknown key "polices"' in done.stderr and "kedge.yaml:" in done.stderr and "did you mean" in done.stderr
    assert kedge.json("bgp", "policy") == policies
    assert kedge.wait_route(NETWORK, neighbor="frr", installed=True)["local_pref"] == 100
    assert lab["frr"].frr.paths("10.11.0.0/24") == []
    assert [e for e in kedge.events.drain() if e["seq"] > mark] == []
    write(kedge)
    assert kedge.json("reload") == would
    kedge.wait_route(NETWORK, neighbor="frr", local_pref=140, installed=True)
    lab["frr"].frr.wait_path("10.11.0.0/24")
    assert "neighbor frr6: unchanged\n" in kedge.cli("reload", "--dry-run").stdout


def test_a_hangup_is_a_reload(lab):
    kedge = lab["router"].kedge
    mark = kedge.events.last_seq
    kedge.spec["policies"]["accept-all"] = [{"permit": {"set": {"local-preference": 77}}}]
    write(kedge)
    kedge.program.process.send_signal(signal.SIGHUP)
    assert kedge.events.wait("daemon.reload", after=mark)["detail"] == "taken over: policies.accept-all"
    kedge.wait_route(NETWORK, neighbor="frr", local_pref=77)


def test_another_password_needs_a_restart_and_the_same_one_nothing(build, tmp_path):
    """What is in the file counts, for TCP MD5 is set when the daemon starts."""
    secret = tmp_path / "md5"
    secret.write_text("correct-horse-battery\n")
    secret.chmod(0o600)
    description = read("bgp-beside")
    description["hosts"]["router"]["kedge"]["neighbors"][0]["password-file"] = str(secret)
    kedge = build(description)["router"].kedge
    secret.write_text("correct-horse-battery\n# the first line is the password\n")
    assert kedge.cli("reload").stdout == "nothing has changed\n"
    secret.write_text("correct-horse-batterz\n")
    answer = kedge.json("reload")
    assert (answer["applied"], answer["restart"]) == ([], ["neighbors.frr.password"])
    secret.write_text("correct-horse-battery\n")
    assert kedge.cli("reload").stdout == "nothing has changed\n"
