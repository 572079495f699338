"""The seeds' tables, typed into tables/NAME.rows, and what kedge and the others show in the same words.

A file has sections, "[command as the seed has it]", each with rows; "#" begins a comment line, blanks between words
don't count. compare() waits until what is shown is what the seed shows, and prints the difference when it isn't.
"""
import difflib
import os

from lab import kedge as programs
from lab.errors import LabTimeout
from lab.wait import until

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tables")


def squeeze(rows):
    return [" ".join(row.split()) for row in rows]


def read_rows(name):
    """{section: [row, ...]} of tables/NAME.rows."""
    sections, rows = {}, None
    with open(os.path.join(DIRECTORY, f"{name}.rows"), encoding="utf-8") as source:
        for line in source:
            if line.startswith("["):
                rows = sections.setdefault(line.strip()[1:-1], [])
            elif line.strip() and not line.startswith("#"):
                rows.append(line)
    return {section: squeeze(rows) for section, rows in sections.items()}


def difference(section, wanted, shown):
    return "\n".join(difflib.unified_diff(wanted, shown, f"seed: {section}", "shown", lineterm="", n=99))


def compare(tables, section, show, timeout=20):
    """show() gives the rows; they have to become the seed's."""
    wanted, shown = tables[section], []

    def same():
        shown[:] = squeeze(show())
        return shown == wanted

    try:
        until(same, timeout, section, 0.2)
    except LabTimeout:
        pass  # the difference says more
    assert shown == wanted, "\n" + difference(section, wanted, shown)


# ---- Azure's words ----

def azure_routes(kedge, *query, columns="Network,NextHop,AsPath,Weight"):
    """The rows of kedge routes ... --azure=columns, without its two lines of head."""
    return kedge.cli("routes", *query, f"--azure={columns}").stdout.splitlines()[2:]


# ---- Junos's words ----

def _as_path(numbers):
    return " ".join([*map(str, numbers), "I"])


def junos_receive(kedge, neighbor):
    """show route receive-protocol bgp: as it came."""
    return [f"{row['prefix']} {row['next_hop']} {'' if row['med'] is None else row['med']} {_as_path(row['as_path'])}"
            for row in kedge.routes("learned", neighbor)]


def junos_advertising(kedge, neighbor):
    """show route advertising-protocol bgp: the path as it is before our own AS is put in front."""
    own = kedge.json("routes")["local"]["asn"]
    local = kedge.neighbor(neighbor)["local_address"]
    rows = []
    for row in kedge.routes("advertised", neighbor):
        path = row["as_path"][1:] if row["as_path"][:1] == [own] else row["as_path"]
        hop = "Self" if row["next_hop"] == local else row["next_hop"]
        rows.append(f"{row['prefix']} {hop} {'' if row['med'] is None else row['med']} {_as_path(path)}")
    return rows


def junos_table(kedge, within):
    """show route table ... WITHIN: BGP's paths, the active one first, with all the ways it is forwarded by; and the
    routes to neighbors over tunnels, which Junos has as static ones."""
    tunnels = {row["name"]: row["interface"] for row in kedge.json("status")["tunnels"]}
    neighbors = {row["name"]: row for row in kedge.json("bgp", "neighbors")["neighbors"]}
    rows = []
    for name, device in tunnels.items():
        address = neighbors[name]["address"]
        if f"dev {device} proto 75" in kedge.host.ip("route", "show", f"{address}/32"):
            rows.append((_key(f"{address}/32"), 0, f"{address}/32 *[Static] via {device}"))
    learned = [row for row in kedge.routes("learned", within) if row["accepted"]]
    for row in learned:
        ways = [row]
        if row["best"]:  # and what carries with it
            ways += [other for other in learned if other["prefix"] == row["prefix"] and other["installed"] and other is not row]
        via = " ".join(f"via {tunnels[way['neighbor']]}" if way["neighbor"] in tunnels else
                       f"to {way['next_hop']}" + (f" via {way['interface']}" if way["interface"] else "")
                       for way in ways)
        source = f", from {row['next_hop']}" if row["neighbor"] in tunnels else ""
        rows.append((_key(row["prefix"]), (not row["best"], -row["local_pref"]),
                     f"{row['prefix']} {'*' if row['best'] else ''}[BGP] localpref {row['local_pref']}{source} "
                     f"AS path: {_as_path(row['as_path'])} {via}"))
    return [text for _, _, text in sorted(rows, key=lambda row: row[:2])]


def _key(prefix):
    address, length = prefix.split("/")
    return [int(part) for part in address.split(".")], int(length)


# ---- IOS's words, from FRR; BIRD's paths ----

def _preference(path):
    return not path.get("bestpath"), -path.get("locPrf", 100), path["nexthops"][0]["ip"]


def ios_table(frr):
    """show ip bgp: the best path first; next hop, local preference where it was set, AS path."""
    rows = []
    for prefix, paths in frr.show("bgp ipv4 unicast").get("routes", {}).items():
        for path in sorted(paths, key=_preference):
            preference = path.get("locPrf", "")
            rows.append((_key(prefix), f"*{'>' if path.get('bestpath') else ' '} {prefix} {path['nexthops'][0]['ip']} "
                                       f"{preference} {path['path']} i"))
    return [text for _, text in sorted(rows, key=lambda row: row[0])]


def bird_paths(bird):
    """The prefixes that BIRD has learned by BGP, with their AS paths."""
    rows, prefix = [], None
    for line in bird.show("route where source = RTS_BGP all").splitlines():
        if "/" in line.split(" ")[0]:
            prefix = line.split()[0]
        if "BGP.as_path:" in line:
            rows.append((_key(prefix), f"{prefix} {line.split(':')[1].strip()}"))
    return [text for _, text in sorted(rows)]


# ---- the way ----

def tracert(host, destination):
    """The hops of kedge probe --path; a silent one is a star."""
    done = host.run(programs.kedge(), "probe", "--to", destination, "--duration", "500ms", "--path", check=False)
    path = next((line for line in done.stdout.splitlines() if " path " in line), " path ")
    return [f"{i + 1} {hop}" for i, hop in enumerate(path.split(" path ")[1].split())]


def tracerts(lab, wanted):
    """Rows "host hop ... destination", as wanted."""
    return [" ".join([host, *(hop.split()[1] for hop in tracert(lab[host], destination))])
            for host, destination in ((row.split()[0], row.split()[-1]) for row in wanted)]
