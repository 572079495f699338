"""kedge peer-config: strongSwan, FRR and BIRD run what it writes, as it is."""
import subprocess

import pytest
import yaml
from lab import kedge
from lab.topology import read
from lab.wait import until
from peers import ping_both_ways

GATE, PEER = "10.0.1.1", "10.0.2.1"


def described(tmp_path, bgp, **tunnel):
    """conf/lab/pair.yaml, the peer's half made from the gate's."""
    description = read("pair")
    hosts = description["hosts"]
    ours = hosts["gate"]["kedge"]["tunnels"][0]
    ours.update({"encap": "always", **tunnel})   # charon's own ESP needs UDP
    if "profile" in tunnel:
        del ours["ike"], ours["esp"]
    path = tmp_path / "kedge.yaml"
    path.write_text(yaml.safe_dump(hosts["gate"]["kedge"]))

    def written(kind):
        return subprocess.run([kedge.kedge(), "peer-config", "peer", "--for", kind, "--secrets", "--config", path],
                              stdout=subprocess.PIPE, check=True, text=True).stdout

    peer = hosts["peer"]
    peer["strongswan"] = {"swanctl": written("strongswan"), "routes": peer["strongswan"]["routes"]}
    text = written(bgp)
    peer[bgp] = {"bgpd": text, "bfdd": ""} if bgp == "frr" else text
    return description


@pytest.mark.parametrize("tunnel", [{"profile": "azure-default"}, {"profile": "modern"}, {}],
                         ids=["azure-default", "modern", "two words"])
@pytest.mark.parametrize("bgp", ["frr", "bird"])
def test_what_is_written_for_strongswan_and_its_bgp_comes_up(build, tmp_path, bgp, tunnel):
    lab = build(described(tmp_path, bgp, **tunnel))
    lab["gate"].kedge.wait_up("peer")
    lab["gate"].kedge.wait_established("peer")
    ping_both_ways(lab)


@pytest.mark.parametrize("bgp,bfd", [("frr", {}), ("bird", {"any-source-port": True})], ids=["frr", "bird"])
def test_bfd_comes_up_with_what_is_written(build, tmp_path, bgp, bfd):
    neighbor = {**read("pair")["hosts"]["gate"]["kedge"]["tunnels"][0]["neighbor"],
                "bfd": {"interval": "300ms", "multiplier": 3, **bfd}}
    lab = build(described(tmp_path, bgp, neighbor=neighbor))
    gate = lab["gate"].kedge
    gate.wait_established("peer")
    until(lambda: (lambda row: row["state"] == "Up" and row["detect_ms"] == 900)(gate.neighbor("peer")["bfd"]), 20,
          "BFD Up with 300 ms x 3", 0.1)
    ping_both_ways(lab)


def test_selectors_narrower_than_everything_are_written_too(build, tmp_path):
    lab = build(described(tmp_path, "frr", selectors={"local": [f"{GATE}/32"], "remote": [f"{PEER}/32"]}))
    lab["gate"].kedge.wait_up("peer")
    (child,) = lab["gate"].kedge.tunnel("peer")["children"]
    assert child["local_ts"] == [f"{GATE}/32"] and child["remote_ts"] == [f"{PEER}/32"]
    ping_both_ways(lab)


def test_without_secrets_the_key_is_not_written(tmp_path):
    path = tmp_path / "kedge.yaml"
    path.write_text(yaml.safe_dump(read("pair")["hosts"]["gate"]["kedge"]))
    for kind in ("strongswan", "ios", "junos", "azure-cli"):
        done = subprocess.run([kedge.kedge(), "peer-config", "peer", "--for", kind, "--config", path],
                              stdout=subprocess.PIPE, check=True, text=True)
        assert "PRE_SHARED_KEY" in done.stdout and "a-preshared-key-of-the-lab" not in done.stdout


@pytest.mark.parametrize("words,code,said", [
    (["peer", "--for", "asa"], 2, "allowed: strongswan ios junos frr bird azure-cli"),
    (["peer"], 2, "allowed: strongswan"),
    (["pear", "--for", "ios"], 1, 'no tunnel "pear"'),
    (["peer", "--for", "ios", "--config", "/nowhere.yaml"], 1, "/nowhere.yaml: No such file"),
], ids=["no such kind", "for nobody", "no such tunnel", "no file"])
def test_what_can_not_be_written_is_said(tmp_path, words, code, said):
    path = tmp_path / "kedge.yaml"
    path.write_text(yaml.safe_dump(read("pair")["hosts"]["gate"]["kedge"]))
    where = [] if "--config" in words else ["--config", path]
    done = subprocess.run([kedge.kedge(), "peer-config", *words, *where], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode == code and said in done.stderr and not done.stdout
