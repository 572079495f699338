"""What keeps strangers off a BGP session: GTSM and TCP MD5, with FRR and with BIRD."""
import pytest

from lab.topology import read
from lab.wait import until


def neighbors_of(description):
    return {row["name"]: row for row in description["hosts"]["router"]["kedge"]["neighbors"]}


def with_gtsm(description, frr=True):
    for row in neighbors_of(description).values():
        row["ttl-security"] = 1
    bird = description["hosts"]["bird"]
    bird["bird"] = bird["bird"].replace("connect delay time", "ttl security on; connect delay time")
    if frr:
        bgpd = description["hosts"]["frr"]["frr"]
        for peer in ("192.0.2.1", "2001:db8:1::1"):
            bgpd["bgpd"] = bgpd["bgpd"].replace(f" neighbor {peer} timers connect 1",
                                                f" neighbor {peer} timers connect 1\n neighbor {peer} ttl-security hops 1")
    return description


def dropped(host):
    row = [line for line in host.run("nstat", "-az", "TcpExtTCPMinTTLDrop").stdout.splitlines() if "MinTTL" in line]
    return int(row[0].split()[1])


def test_sessions_with_ttl_security_at_both_ends_come_up(build):
    """RFC 5082, both families, with FRR and with BIRD; a hop's worth less and BIRD itself would refuse us."""
    lab = build(with_gtsm(read("bgp-beside")))
    for name in ("frr", "frr6", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    lab["frr"].frr.wait_path("10.30.0.0/24")
    lab["frr"].frr.wait_path("2001:db8:30::/48", family="ipv6")


def test_what_comes_with_a_smaller_ttl_is_dropped(build):
    """FRR sends with TTL 1, as eBGP does: no session with it, in either role; BIRD's, with 255, come up."""
    lab = build(with_gtsm(read("bgp-beside"), frr=False))
    for name in ("bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    until(lambda: dropped(lab["router"]) >= 6, 30, "segments of FRR dropped", 0.2)
    for name in ("frr", "frr6"):
        assert lab["router"].kedge.neighbor(name)["state"] != "Established"


SECRET, WRONG = "correct-horse-battery", "correct-horse-batterz"


def with_passwords(description, password_file, secret=SECRET, only=None):
    """kedge has the file's for every neighbor; the others have secret. only: "kedge" or "others" connects."""
    password_file.write_text(SECRET + "\n")
    password_file.chmod(0o600)
    for row in neighbors_of(description).values():
        row.update({"password-file": str(password_file), "passive": only == "others"})
    bird = description["hosts"]["bird"]
    passive = "passive on; " if only == "kedge" else ""
    bird["bird"] = bird["bird"].replace("connect delay time", f'password "{secret}"; {passive}connect delay time')
    bgpd = description["hosts"]["frr"]["frr"]
    for peer in ("192.0.2.1", "2001:db8:1::1"):
        row = f" neighbor {peer} timers connect 1"
        more = f"\n neighbor {peer} password {secret}" + (f"\n neighbor {peer} passive" if only == "kedge" else "")
        bgpd["bgpd"] = bgpd["bgpd"].replace(row, row + more)
    return description


def counted(host, name):
    row = [line for line in host.run("nstat", "-az", name).stdout.splitlines() if name in line]
    return int(row[0].split()[1])


@pytest.mark.parametrize("only", ["kedge", "others"])
def test_signed_sessions_come_up_in_either_role(build, tmp_path, only):
    """RFC 2385, both families, with FRR and with BIRD; who connects is set."""
    lab = build(with_passwords(read("bgp-beside"), tmp_path / "password", only=only))
    for name in ("frr", "frr6", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    lab["frr"].frr.wait_path("10.30.0.0/24")
    lab["frr"].frr.wait_path("2001:db8:30::/48", family="ipv6")
    lab["bird"].bird.wait_route("10.20.0.0/24")
    assert counted(lab["router"], "TcpExtTCPMD5Failure") == 0


@pytest.mark.parametrize("only", ["kedge", "others"])
def test_a_wrong_password_never_comes_up(build, tmp_path, only):
    """One letter is off: what is wrongly signed is dropped where it arrives, until the password is right."""
    lab = build(with_passwords(read("bgp-beside"), tmp_path / "password", secret=WRONG, only=only))
    dropping = ["router"] if only == "others" else ["frr", "bird"]
    for name in dropping:
        until(lambda host=lab[name]: counted(host, "TcpExtTCPMD5Failure") >= 6, 60, f"dropped by {name}", 0.2)
    for name in ("frr", "frr6", "bird", "bird6"):
        assert lab["router"].kedge.neighbor(name)["state"] in ("Active", "Connect")
    assert lab["router"].kedge.events.find("bgp.state", state="Established") is None


def test_an_unsigned_connection_is_not_accepted(build, tmp_path):
    """The nearest to signed: the right neighbors without the option; kedge's kernel counts and drops them."""
    description = with_passwords(read("bgp-beside"), tmp_path / "password", only="others")
    description["hosts"]["bird"]["bird"] = description["hosts"]["bird"]["bird"].replace(f'password "{SECRET}"; ', "")
    lab = build(description)
    for name in ("frr", "frr6"):
        lab["router"].kedge.wait_established(name)
    until(lambda: counted(lab["router"], "TcpExtTCPMD5NotFound") >= 6, 60, "unsigned segments dropped", 0.2)
    for name in ("bird", "bird6"):
        assert lab["router"].kedge.neighbor(name)["state"] == "Active"
