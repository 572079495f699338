"""Adds up the reports of a tests/run: JUnit files and the file `verdicts` in one directory.

Names what failed, prints the closing line, exits 0 only when something passed and nothing failed.
"""
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def read_report(path):
    """(state, name) of every test case of a JUnit file."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except ElementTree.ParseError as error:
        return [("failed", f"{os.path.basename(path)}: {error}")]
    rows = []
    for case in cases:
        name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            rows.append(("failed", name))
        elif case.find("skipped") is not None:
            rows.append(("skipped", name))
        else:
            rows.append(("passed", name))
    return rows


def main(directory):
    rows = []
    for path in sorted(glob.glob(os.path.join(directory, "*.xml"))):
        rows += read_report(path)
    verdicts = os.path.join(directory, "verdicts")
    if os.path.exists(verdicts):
        with open(verdicts, encoding="utf-8") as lines:
            rows += [tuple(line.rstrip("\n").split(" ", 1)) for line in lines]
    count = {state: sum(1 for row in rows if row[0] == state) for state in ("passed", "failed", "skipped")}
    for state, name in rows:
        if state != "passed":
            print(f"{state}: {name}")
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['failed']} failed{skipped}")
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
