"""kedged's numbers in Prometheus: scraped over TCP by the real one, which nobody else needs to reach."""
import json
import re
import socket
import urllib.parse

import pytest
import yaml

from lab.kedge import kedged
from lab.topology import Topology
from lab.wait import until

PORT, ITS_PORT = 9469, 9090


def gate(metrics):
    return {"gateway": {"listen": ["192.0.2.1"], "dataplane": "tun"}, "metrics": metrics,
            "router": {"id": "10.0.0.1", "asn": 65515},
            "tunnels": [{"name": "onprem", "local": "192.0.2.1", "remote": "192.0.2.2", "auth": {"psk": "of this lab's own"},
                         "retry": "1s", "interface": "kedge0", "address": "10.0.0.1",
                         "neighbor": {"asn": 65010, "address": "10.0.0.2", "connect-retry": "1s"}}]}


@pytest.fixture(scope="module")
def host():
    spec = {"hosts": {"gate": {"loopback": ["192.0.2.1/32"], "kedge": gate({"listen": "127.0.0.1"})}}}
    with Topology(spec) as lab:
        yield lab["gate"]


def names(text):
    return [re.split("[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")]


def scrape(host, *options, path="/metrics"):
    return host.run("curl", "-s", "-i", *options, f"http://127.0.0.1:{PORT}{path}", check=False).stdout


def test_what_is_scraped_is_well_formed_and_names_every_tunnel(host):
    text = host.run("curl", "-s", "--fail", f"http://127.0.0.1:{PORT}/metrics").stdout
    checked = host.run("/bin/sh", "-c", f"curl -s http://127.0.0.1:{PORT}/metrics | promtool check metrics", check=False)
    assert checked.returncode == 0 and not checked.stdout + checked.stderr, checked.stdout + checked.stderr
    assert 'kedge_tunnel_up{tunnel="onprem"} 0' in text
    assert 'kedge_bgp_neighbor_up{neighbor="onprem"} 0' in text
    assert 'kedge_tunnel_received_bytes_total{tunnel="onprem"} 0' in text
    assert 'kedge_readiness{tunnel="onprem",verdict="not-ready"} 1' in text
    same = host.run("curl", "-s", "--unix-socket", "/run/kedge/kedge.sock", "http://kedge/metrics").stdout
    assert names(same) == names(text)


def test_nothing_but_the_numbers_is_there(host):
    assert " 404 " in scrape(host, path="/v1/status").splitlines()[0]
    assert " 405 " in scrape(host, "-X", "POST", path="/v1/tunnels/onprem/down").splitlines()[0]
    assert host.kedge.tunnel("onprem")["state"] != "disabled"


def test_prometheus_knows_a_tunnel_that_is_down_and_why(host):
    config = host.write("prometheus.yml", "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
                        f"scrape_configs: [{{job_name: kedge, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}]\n")
    host.spawn("prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={host.directory}/tsdb",
                              f"--web.listen-address=127.0.0.1:{ITS_PORT}"])

    def asked(query):
        url = f"http://127.0.0.1:{ITS_PORT}/api/v1/query?query={urllib.parse.quote(query)}"
        done = host.run("curl", "-s", url, check=False)
        return json.loads(done.stdout)["data"]["result"] if done.stdout.startswith("{") else []

    until(lambda: asked("up == 1"), 30, "Prometheus has scraped kedged", 0.1)
    assert asked("kedge_tunnel_up == 0")[0]["metric"]["tunnel"] == "onprem"
    host.kedge.cli("down", "onprem")
    until(lambda: asked('kedge_tunnel_state{tunnel="onprem",state="disabled",reason="admin"} == 1'), 30,
          "the state by command", 0.1)
    host.kedge.cli("up", "onprem")


def test_who_says_nothing_keeps_nobody_from_reading(host):
    idle = [host.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(12)]
    for one in idle:
        one.connect(("127.0.0.1", PORT))
    until(lambda: " 200 " in (scrape(host, "-m", "2") or " "), 30, "a scrape beside them", 0.1)  # they are ended after 5 s
    for one in idle:
        one.close()


def test_an_address_that_others_reach_is_refused_before_anything_begins(host):
    path = host.write("other.yaml", yaml.safe_dump(gate({"listen": "192.0.2.1"})), 0o600)
    done = host.run(kedged(), "--check", "-c", path, check=False)
    assert done.returncode != 0 and "with allow-remote: true" in done.stderr + done.stdout
