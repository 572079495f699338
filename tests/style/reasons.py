#!/usr/bin/python3
"""Each reason of readiness is judged by a row, broken by a lab test that waits for it by name, and known to a unit test.

usage: reasons.py ROOT"""
import ast
import pathlib
import re
import sys

LABS = ("test_readiness.py", "test_failover_reference.py")  # the second: where the primary is another AS


def strings(path):
    """What a program says in quotation marks, but for its docstrings."""
    tree = ast.parse(path.read_text())
    said = {node.value.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    return {node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)} - said


def main(root):
    judge = (root / "src/ready/judge.c").read_text()
    names = dict(re.findall(r'^    \[(READY_\w+)\] = "([a-z-]+)",$', judge, re.M))
    rows = set(re.findall(r"^    \{(READY_\w+), READY_(?:NOT|DEGRADED), ", judge, re.M))
    lab = set().union(*(strings(root / "tests/interop" / name) for name in LABS))
    unit = set(re.findall(r"\bREADY_\w+", (root / "tests/unit/test_ready.c").read_text()))
    missing = [f"{names[code]}: no row in judge.c" for code in names if code not in rows]
    missing += [f"{names[code]}: no lab test breaks it" for code in names if names[code] not in lab]
    missing += [f"{names[code]}: no unit test knows it" for code in names if code not in unit]
    print(*missing, f"{len(names)} reasons, {len(missing)} without something", sep="\n")
    return bool(missing) or len(names) < 20


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
