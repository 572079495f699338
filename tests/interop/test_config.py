"""What a bad kedge.yaml gets: the place, the value, what is allowed, the nearest right spelling. No root needed."""
import os
import re
import subprocess

import pytest
import yaml

from lab import kedge
from lab.topology import read, topologies


def check(tmp_path, text):
    path = tmp_path / "kedge.yaml"
    path.write_text(text, encoding="utf-8")
    return path, subprocess.run([kedge.kedged(), "--check", "-c", str(path)], capture_output=True, text=True,
                                timeout=10, check=False)


def good_text():
    return yaml.safe_dump(read("expressroute-one-tunnel")["hosts"]["azure"]["kedge"], sort_keys=False)


@pytest.mark.parametrize("topology,host", [(name, host) for name in topologies()
                                           for host, spec in read(name)["hosts"].items() if "kedge" in (spec or {})])
def test_the_labs_own_configurations_are_good(tmp_path, topology, host):
    text = yaml.safe_dump(read(topology)["hosts"][host]["kedge"], sort_keys=False)
    _, done = check(tmp_path, text)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("right,wrong,said", [
    ("detect: 2s", "detekt: 2s", ["detekt", "detect"]),
    ("detect: 2s", "detect: 2", ["2"]),
    ("detect: 2s", "detect: 2 fortnights", ["fortnights"]),
    ("dataplane: auto", "dataplane: tunn", ["tunn", "tun", "xfrm", "auto"]),
    ("profile: azure-default", "profile: azure-defualt", ["azure-defualt", "azure-default"]),
    ("profile: azure-default", "ike: [aes256-sha1-modp1025]", ["modp1025", "modp1024"]),
    ("role: both", "role: starter", ["starter", "initiator", "responder"]),
    ("remote: 198.51.100.1", "remote: 198.51.100.256", ["198.51.100.256"]),
    ("asn: 65515", "asn: 4294967296", ["4294967296"]),
    ("address: 10.17.11.76", "address: 10.17.11.76/33", ["10.17.11.76/33"]),
    ("- 10.17.11.0/25", "- 10.17.11.1/25", ["10.17.11.1/25"]),
    ("import: prefer-expressroute", "import: prefer-expresroute", ["prefer-expresroute", "prefer-expressroute"]),
    ("name: onprem", "name: On Prem", ["On Prem"]),
    ("hold: 180s", "hold: 2s", ["2s"]),
])
def test_an_error_names_place_value_and_remedy(tmp_path, right, wrong, said):
    text = good_text()
    assert right in text
    bad = text.replace(right, wrong, 1)
    path, done = check(tmp_path, bad)
    assert done.returncode == 1
    place = re.match(rf"{re.escape(str(path))}:(\d+):(\d+): error: ", done.stderr)
    assert place, done.stderr
    line = bad[:bad.index(wrong)].count("\n") + 1
    assert int(place[1]) == line
    for word in said:
        assert word in done.stderr


def test_a_near_miss_gets_a_suggestion(tmp_path):
    _, done = check(tmp_path, good_text().replace("detect: 2s", "detekt: 2s"))
    assert "did you mean detect" in done.stderr.replace("'", "").replace("\"", "").replace("`", "")


@pytest.mark.parametrize("key", ["router", "gateway"])
def test_a_missing_section_is_named(tmp_path, key):
    config = yaml.safe_load(good_text())
    del config[key]
    _, done = check(tmp_path, yaml.safe_dump(config))
    assert done.returncode == 1 and key in done.stderr


def test_broken_yaml_names_the_place(tmp_path):
    path, done = check(tmp_path, good_text() + "\n  broken: [1, 2\n")
    assert done.returncode == 1 and re.match(rf"{re.escape(str(path))}:\d+:\d+: error: ", done.stderr)


def test_the_secret_is_never_repeated(tmp_path):
    _, done = check(tmp_path, good_text().replace("detect: 2s", "detekt: 2s"))
    assert "a-preshared-key-of-the-lab" not in done.stdout + done.stderr


def test_a_missing_file_is_named(tmp_path):
    done = subprocess.run([kedge.kedged(), "--check", "-c", str(tmp_path / "no.yaml")], capture_output=True,
                          text=True, timeout=10, check=False)
    assert done.returncode != 0 and "no.yaml" in done.stderr


def test_the_readmes_configurations_are_good(tmp_path):
    """Every yaml block of README.md, with the secrets it names beside it."""
    with open(os.path.join(kedge.ROOT, "README.md"), encoding="utf-8") as readme:
        blocks = re.findall(r"```yaml\n(.*?)```", readme.read(), re.S)
    assert len(blocks) == 2
    (tmp_path / "the.psk").write_text("a-preshared-key\n", encoding="utf-8")
    (tmp_path / "the.psk").chmod(0o600)
    for block in blocks:
        _, done = check(tmp_path, re.sub(r"/etc/kedge/\w+\.psk", str(tmp_path / "the.psk"), block))
        assert done.returncode == 0 and done.stderr == "", done.stderr
