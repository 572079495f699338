"""kedge's drills on seed 002 whole: ExpressRoute out and back, and the same drained, measured from the test server."""
import pytest

from lab.drills import TOPOLOGY, Backup
from lab.topology import Topology


@pytest.fixture(scope="module")
def backup():
    with Topology.load(TOPOLOGY) as lab:
        yield Backup(lab)


def way(result, when):
    return result["paths"][result[when]]["name"]


def test_the_backup_carries_while_expressroute_is_out(backup):
    end = backup.run("er-outage")
    result = end["result"]
    assert end["verdict"] == "passed", end["reason"]
    assert [way(result, when) for when in ("before", "during", "after")] == ["expressroute", "vpn", "expressroute"]
    assert result["loss"]["sent"] > 100
    firewall = {row["neighbor"]: row for row in result["routes"]}
    assert firewall["ce-primary"]["before"] == 2 and firewall["ce-primary"]["during"] == 0
    assert firewall["azure-primary"]["during"] == 2


def test_circuits_cut_silently_are_found_by_bfd_and_mended(backup):
    end = backup.run("er-cut")
    assert end["verdict"] == "passed", end["reason"]
    assert [way(end["result"], when) for when in ("before", "during", "after")] == ["expressroute", "vpn", "expressroute"]
    assert end["result"]["loss"]["outages"] >= 1


def test_a_drained_drill_loses_nothing_in_either_direction(backup):
    end = backup.run("drained")
    assert end["verdict"] == "passed", end["reason"]
    assert end["result"]["loss"]["lost"] == 0 and end["result"]["loss"]["outages"] == 0
    assert way(end["result"], "during") == "vpn"
