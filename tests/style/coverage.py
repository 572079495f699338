#!/usr/bin/python3
"""src/ike/COVERAGE.md and src/bgp/COVERAGE.md against the tree: each rule's code and tests exist, each
binding sentence of IKE's text is accounted for, and, given the reports of a run, each named test ran.

usage: coverage.py ROOT [JUNIT.xml ...]

IKE's rows are `| id | sentences | rule | code | obeyed | violated |`; those of what is not spoken, and of
deviations, `| id | sentences | what | instead | test |`. Code is `file.c:name` from src/ike/ on, a
test `program/function` of tests/meson.build, or `interop/test_x.py::test_y`. A cell `-: words` says
why there is none. BGP's rows are `| RFC section | rule | what holds | tests |`, the last `not: words`
where nothing does. Prints every error; exits 1 on any."""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import rfc_musts

RFC = "rfc5996.txt"  # the text at hand; RFC 7296 has its section numbers
FILE = "src/ike/COVERAGE.md"
RULE, OTHER = 6, 5  # cells of the two kinds of row
ID = re.compile(r"^(\d{4}-)?\d+(\.\d+)*-[a-z]+$")
SENTENCES = re.compile(r"(\d+(?:\.\d+)*) \(([\d, ]+)\)")
CODE = re.compile(r"^([\w./]+\.c):(\w+)$")
UNIT = re.compile(r"^(\w+)/(\w+)$")
INTEROP = re.compile(r"^(interop/test_\w+\.py)::(test_\w+)$")
REASON = re.compile(r"^-: \S.{9,}")
BGP_FILE = "src/bgp/COVERAGE.md"
BGP_ROW, BGP_ID = 4, re.compile(r"^\d{4}( \d+(\.\d+)*)?$")
NOT = re.compile(r"^not: \S.{9,}")


def rows(text):
    """(line number, cells) of the tables' rows, without headings and rules."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("| "):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if cells[0] not in ("id", "RFC"):
            yield number, cells


def listed(cell):
    """The names in a cell, or none when it says why there is none."""
    return [] if cell.startswith("-") else [name.strip("` ") for name in cell.split(",")]


class Tree:
    """What the project's tree has: functions, tests and their programs."""

    def __init__(self, root):
        self.root = root
        self.texts = {}
        meson = (root / "tests/meson.build").read_text()
        self.programs = {name: re.findall(r"'([\w/.]+\.c)'", sources) for name, sources in
                         re.findall(r"\['(\w+)',\s*\[([^\]]*)\]", meson)}

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = path.read_text() if path.is_file() else None
        return self.texts[path]

    def code_error(self, name):
        match = CODE.match(name)
        if not match:
            return f"\"{name}\" is not file.c:function"
        path, function = (self.root / "src/ike" / match.group(1)).resolve(), match.group(2)
        if self.defines(path, function):
            return None
        found = [p.name for p in sorted((self.root / "src/ike").glob("*.c")) if self.defines(p, function)]
        return f"{match.group(1)} defines no {function}; remedy: name " + \
            (" or ".join(f"{name}:{function}" for name in found) or "the function that does it now")

    def defines(self, path, name):
        """A line that starts at the margin and is no declaration, or a table's end."""
        return re.search(rf"^[a-z}}][^\n;]*\b{name}(\(|\[| =)[^;]*$|^}} {name}\[", self.text(path) or "", re.M)

    def unit_error(self, program, function):
        if program not in self.programs:
            return f"no test program \"{program}\" in tests/meson.build"
        for source in self.programs[program]:
            text = self.text(self.root / "tests" / source) or ""
            if re.search(rf"^(static )?void\s+{function}\(", text, re.M):
                used = len(re.findall(rf"\b{function}\b", text))
                return None if used > 1 else f"{program} defines {function} and does not run it"
        return f"{program} has no test {function}"

    def test_error(self, name):
        unit, interop = UNIT.match(name), INTEROP.match(name)
        if unit:
            return self.unit_error(*unit.groups())
        if not interop:
            return f"\"{name}\" is no test's name"
        text = self.text(self.root / "tests" / interop.group(1))
        if text is None or f"def {interop.group(2)}(" not in text:
            return f"no test {name}"
        return None


def check_names(tree, cells, code, tests):
    for cell in code:
        if not listed(cell) and cell != "-":
            yield "the code is missing"
        yield from filter(None, map(tree.code_error, listed(cell)))
    for cell in tests:
        if not listed(cell) and not REASON.match(cell):
            yield f"no test and no reason: \"{cell}\""
        yield from filter(None, map(tree.test_error, listed(cell)))


def check_sentences(root, covered):
    """Every binding sentence has a row, and no row one that isn't there."""
    path = root / ".." / "shared" / "rfc" / RFC
    if not path.is_file():
        return [], f"{RFC} is not at hand: its sentences are not counted"
    rules = rfc_musts.sentences(path.read_text(encoding="utf-8"))
    wanted = {(section, n) for section, found in rules.items() for n in range(1, len(found) + 1)}
    errors = [f"{FILE}: no row for sentence {s} ({n}): {rules[s][n - 1][:90]}"
              for s, n in sorted(wanted - covered)]
    errors += [f"{FILE}: the RFC has no sentence {s} ({n})" for s, n in sorted(covered - wanted)]
    return errors, f"{len(wanted)} binding sentences of {RFC} have rows"


def ran(reports):
    """The tests that passed: program/function, as cmocka printed them, and file::function of pytest."""
    passed = set()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                continue
            out = "".join(e.text or "" for tag in ("system-out", "system-err") for e in case.iter(tag))
            for name in re.findall(r"\[ +OK +\] (\w+)", out):
                passed.add(f"{case.get('name').rsplit(' ', 1)[-1]}/{name}")
            module = case.get("classname", "").rsplit(".", 1)[-1]
            if module.startswith("test_") and case.find("skipped") is None:
                passed.add(f"interop/{module}.py::{case.get('name').split('[')[0]}")
    return passed


def check_ike(tree):
    """Its errors, the tests it names, and what to say of it."""
    root, errors, ids, covered, tests = tree.root, [], set(), set(), set()
    count = {RULE: 0, OTHER: 0}
    for number, cells in rows((root / FILE).read_text()):
        where = f"{FILE}:{number}"
        if len(cells) not in count or not ID.match(cells[0]):
            errors.append(f"{where}: not a row: {' | '.join(cells)[:80]}")
            continue
        count[len(cells)] += 1
        if cells[0] in ids:
            errors.append(f"{where}: id {cells[0]} is taken")
        ids.add(cells[0])
        if len(cells) == RULE:
            code, named = [cells[3]], cells[4:]
        else:
            code, named = [], cells[4:]
        errors += [f"{where}: {error}" for error in check_names(tree, cells, code, named)]
        tests.update(name for cell in named for name in listed(cell))
        if not re.match(r"^\d{4}-", cells[0]):
            covered.update((s, int(n)) for s, ns in SENTENCES.findall(cells[1])
                           for n in ns.split(","))
    more, counted = check_sentences(root, covered)
    errors += more
    if count[RULE] < 50:
        errors.append(f"{FILE}: only {count[RULE]} rules found: has the format changed?")
    return errors, tests, f"{FILE}: {count[RULE]} rules, {count[OTHER]} not spoken or deviating; {counted}"


def check_bgp(tree):
    """The same of BGP's table."""
    errors, tests, missing = [], set(), 0
    found = list(rows((tree.root / BGP_FILE).read_text()))
    for number, cells in found:
        where = f"{BGP_FILE}:{number}"
        if len(cells) != BGP_ROW or not BGP_ID.match(cells[0]) or not all(cells):
            errors.append(f"{where}: not a row: {' | '.join(cells)[:80]}")
            continue
        if NOT.match(cells[3]):
            missing += 1
            continue
        errors += [f"{where}: {error}" for error in check_names(tree, cells, [], [cells[3]])]
        tests.update(listed(cells[3]))
    if len(found) < 40:
        errors.append(f"{BGP_FILE}: only {len(found)} rules found: has the format changed?")
    return errors, tests, f"{BGP_FILE}: {len(found)} rules, {missing} of them not held"


def main():
    tree, reports = Tree(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    failed, passed = False, ran(reports) if reports else set()
    for file, check in ((FILE, check_ike), (BGP_FILE, check_bgp)):
        errors, tests, said = check(tree)
        if reports:
            errors += [f"{file}: {name} did not run and pass" for name in sorted(tests - passed)]
        failed |= bool(errors)
        print("\n".join(errors) or f"{said}; {len(tests)} tests{', all of which ran' if reports else ''}")
    return 1 if failed else 0


sys.exit(main())
