#!/usr/bin/python3
"""The include table: who may include whom (DESIGN 2). Prints every violation; exits 1 on any.

usage: layers.py ROOT"""
import pathlib
import re
import sys

# folder -> folders whose headers it may include (its own always). Leaves first.
MAY = {
    "base": [],
    "crypto": ["base"],
    "netlink": ["base"],
    "ike": ["base", "crypto"],
    "esp": ["base", "crypto", "ike/ts.h"],
    "bgp": ["base", "crypto"],
    "bfd": ["base", "crypto"],
    "core": ["base", "crypto", "netlink", "ike", "esp", "bgp", "bfd", "probe"],
    "sim": ["base", "crypto", "netlink", "ike", "esp", "bgp", "bfd", "core"],
    "ready": ["base", "crypto", "ike", "bgp", "bfd", "core"],
    "practice": ["base", "bgp", "core", "drill", "probe", "sim", "netlink"],
    "config": ["base", "crypto", "ike", "bgp", "bfd", "core", "probe", "drill"],
    "control": ["base", "crypto", "ike", "bgp", "bfd", "core", "drill", "probe", "ready"],
    "io": ["base", "crypto", "netlink", "ike", "esp", "bgp", "bfd", "core", "config", "control", "drill",
           "practice/practice.h", "probe", "ready"],
    "probe": ["base"],
    "drill": ["base", "probe"],
    "peer": ["base", "crypto", "ike", "esp", "bgp", "core"],
    "cli": ["base", "config", "core", "crypto", "peer", "practice", "probe", "io/hops.h", "io/sockaddr.h"],
}
# system headers that only one folder may use
ONLY = {
    r"openssl/": {"crypto"},
    r"sodium": {"crypto"},
    r"libmnl/": {"netlink"},
    r"uv\.h": {"io"},
    r"yaml\.h": {"config"},
    r"jansson\.h": {"control", "cli"},
    r"microhttpd\.h": {"io"},
    r"curl/": {"cli"},
    r"cmocka\.h": set(),
}
PURE = {"ike", "esp", "bgp", "bfd", "core", "sim", "practice", "probe", "drill", "ready"}
# what a pure folder may take from the system
PURE_OK = re.compile(r"^(std(bool|def|int|lib|atomic|arg|alignas|io)|string|strings|limits|inttypes|errno"
                     r"|assert|ctype|math|uthash|utlist|utarray|arpa/inet|linux/(rtnetlink|if|if_link|"
                     r"if_addr|nexthop|netlink|neighbour))\.h$")
STDIO_BAD = re.compile(r"\b(printf|fprintf|puts|fputs|fopen|fread|fwrite|perror|getenv|time|clock_gettime"
                       r"|gettimeofday|rand|random|getrandom|socket|open|read|write|usleep|nanosleep)\s*\(")


def room(root, path):
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" else parts[0]


def allowed(folder, target):
    for may in MAY[folder] + [folder]:
        if target == may or target.startswith(may + "/"):
            return True
    return False


def check_file(root, path, errors):
    folder = room(root, path)
    text = path.read_text()
    for no, line in enumerate(text.splitlines(), 1):
        where = f"{path.relative_to(root)}:{no}"
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if own and "/" not in own.group(1):
            errors.append(f"{where}: include by folder: \"{folder}/{own.group(1)}\"")
        elif own and not allowed(folder, own.group(1)):
            errors.append(f"{where}: {folder} may not include {own.group(1)}")
        system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if not system:
            continue
        name = system.group(1)
        for pattern, rooms in ONLY.items():
            if re.match(pattern, name) and folder not in rooms:
                errors.append(f"{where}: <{name}> belongs to {', '.join(sorted(rooms)) or 'tests'}")
        if folder in PURE and not PURE_OK.match(name):
            errors.append(f"{where}: {folder} is pure and may not include <{name}>")
    if folder in PURE:
        code = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
        code = re.sub(r'"(\\.|[^"\\])*"', '""', code)
        for no, line in enumerate(code.splitlines(), 1):
            bad = STDIO_BAD.search(line)
            if bad and not re.match(r"\s*(static\s|struct\s|void\s|bool\s|int\s)", line):
                before = line[:bad.start()]
                if not re.search(r"[\w.>]$", before):
                    errors.append(f"{path.relative_to(root)}:{no}: {bad.group(1)}() in a pure folder")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    errors, files = [], 0
    for top in ("src", "crypto", "netlink"):
        for path in sorted((root / top).rglob("*.[ch]")):
            folder = room(root, path)
            if folder not in MAY:
                errors.append(f"{path.relative_to(root)}: unknown folder {folder}")
                continue
            files += 1
            check_file(root, path, errors)
    if files < 20:
        errors.append(f"only {files} files found: is this the project's root?")
    print("\n".join(errors) or f"{files} files obey the include table")
    return 1 if errors else 0


sys.exit(main())
