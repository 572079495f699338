"""What the stock kernel has that the data planes, and the cases here, build on."""
import pytest

from lab.topology import Topology
from peers import strongswan_pair

KEY = "0x" + "5a" * 32
ALGORITHMS = {
    "cbc-sha1": ["enc", "cbc(aes)", KEY, "auth-trunc", "hmac(sha1)", KEY[:42], "96"],
    "cbc-sha256": ["enc", "cbc(aes)", KEY, "auth-trunc", "hmac(sha256)", KEY, "128"],
    "gcm": ["aead", "rfc4106(gcm(aes))", KEY + "01020304", "128"],
    "chacha20poly1305": ["aead", "rfc7539esp(chacha20,poly1305)", KEY + "01020304", "128"],
}


@pytest.fixture(scope="module")
def host():
    with Topology({"hosts": {"alone": {}}}) as lab:
        yield lab["alone"]


@pytest.mark.parametrize("esn", [[], ["flag", "esn", "replay-window", "1024"]], ids=["32 bits", "esn"])
@pytest.mark.parametrize("suite", ALGORITHMS)
def test_an_esp_sa_of_the_suite_is_taken(host, suite, esn):
    host.ip("xfrm", "state", "add", "src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1000",
            "mode", "tunnel", "if_id", "7", *ALGORITHMS[suite], *esn)
    assert "proto esp spi 0x00001000" in host.ip("xfrm", "state")
    host.ip("xfrm", "state", "flush")


@pytest.mark.parametrize("kind", [["xfrm", "if_id", "7"], ["vrf", "table", "10"], ["dummy"]], ids=lambda kind: kind[0])
def test_the_device_is_made(host, kind):
    host.ip("link", "add", "device0", "type", *kind)
    host.ip("link", "del", "device0")


def test_a_queue_can_lose_and_reorder(host):
    host.run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms", "loss", "1%", "reorder", "25%")
    host.run("tc", "qdisc", "del", "dev", "lo", "root")


def test_kedged_finds_esp_in_this_kernel(build):
    lab = build(strongswan_pair(), start=False)
    lab.start_services("gate")
    assert "no ESP in this kernel" not in lab["gate"].kedge.log()
