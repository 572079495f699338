"""The drill of tests/demo (seed 002) with strongSwan's ESP in the kernel: which paths are taken, not how fast."""
import io

import pytest

from kernel_peers import DATAPLANES, IF_ID
from lab import demo
from lab.topology import read


def described(dataplane):
    description = read(demo.TOPOLOGY)
    kedge = description["hosts"]["azure"]["kedge"]
    kedge["gateway"]["dataplane"] = dataplane
    del kedge["tunnels"][0]["profile"]      # its list has DES, which the kernel's ESP has not
    kedge["tunnels"][0].update(ike=["aes256-sha1-modp1024"], esp=["aes256-sha1"])
    strongswan = description["hosts"]["onprem"]["strongswan"]
    strongswan["kernel"] = {"ipsec0": IF_ID}
    (connection,) = strongswan["connections"].values()
    (child,) = connection["children"].values()
    child.update(if_id_in=str(IF_ID), if_id_out=str(IF_ID))
    return description


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_the_drill_passes(build, dataplane):
    progress = io.StringIO()
    result = demo.Demo(progress).run(build(described(dataplane)))
    assert result["verdict"] == "pass", (result, progress.getvalue())
    assert "plain ESP" in progress.getvalue()
