#!/usr/bin/python3
"""An engine's archive may not reach I/O, time, threads or the environment: every undefined symbol
must be on the list below. Prints every other; exits 1 on any, 77 on a sanitizer build.

usage: purity.py NM ARCHIVE..."""
import re
import subprocess
import sys

ALLOWED = re.compile(
    r"^(kd_|kc_|nl_|ike_|esp_|bgp_|bfd_|core_|sim_|probe_|drill_|ready_|practice_|stage_|mirror_"     # ours, all of them checked themselves
    r"|mem(cpy|set|cmp|move|chr)$|str(len|nlen|cat|ncat|cmp|ncmp|casecmp|ncasecmp|chr|rchr|str|dup|ndup|toul|tol|toull|cpy|spn|cspn)$"
    r"|(__)?(mem|str)\w+_chk$|__(v)?snprintf_chk$|(v)?snprintf$|__isoc\d+_\w+$"
    r"|malloc$|calloc$|realloc$|reallocarray$|free$|abort$|qsort(_r)?$|bsearch$|__ctype_b_loc$|tolower$|toupper$"
    r"|__ctype_(to(lower|upper))_loc$|inet_(ntop|pton)$|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$|__assert_fail$"
    r"|(__popcount|__udivt|__umodt)\w+$"                # the compiler's own arithmetic
    r"|exit$)"
)
# base/assert.c is the one place that writes: a process that found itself wrong says so and ends
EXEMPT = {("assert.c.o", "write"), ("assert.c.o", "abort")}
# uthash's only way out of a failed malloc is exit(): allowed by name above, and nowhere else called


def undefined(nm, archive):
    out = subprocess.run([nm, "-u", archive], capture_output=True, text=True, check=True).stdout
    member = "?"
    for line in out.splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line.strip():
            yield member, line.split()[-1]


def main():
    nm, archives = sys.argv[1], sys.argv[2:]
    bad, seen = [], 0
    for archive in archives:
        for member, symbol in undefined(nm, archive):
            if "/crypto/" in member:
                continue  # the simulator's archive holds its crypto provider, which isn't an engine
            if symbol.startswith(("__asan", "__ubsan", "__sanitizer", "__tsan")):
                print("a sanitizer build brings symbols of its own: not judged")
                return 77
            seen += 1
            if not ALLOWED.match(symbol) and (member.split("/")[-1], symbol) not in EXEMPT:
                bad.append(f"{archive}: {member}: {symbol}")
    if seen == 0:
        bad.append("no symbols seen: wrong archives?")
    print("\n".join(bad) or f"{seen} symbols, none does I/O or time")
    return 1 if bad else 0


sys.exit(main())
