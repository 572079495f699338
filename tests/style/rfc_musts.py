#!/usr/bin/python3
"""The binding sentences of an RFC's text, numbered within their sections: what src/ike/COVERAGE.md
refers to as "2.1 (3)".

usage: rfc_musts.py RFC.txt [SECTION]     prints them"""
import re
import sys

BINDING = re.compile(r"\b(MUST|SHALL|REQUIRED)\b")
PAGE = re.compile(r"^\f|^[A-Z]\w+,? (et al\.|& \w+) .*\[Page \d+\]$|^RFC \d+ .* \d{4}$")
HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.  +\S")
# a sentence ends before a capital, a bullet or an opening bracket
END = re.compile(r"(?<=[.:;])\s+(?=[A-Z(o-])")


def paragraphs(text):
    """(section, one line of text) for each paragraph; a page's end does not end one."""
    section, lines = "0", []
    for line in text.splitlines():
        if PAGE.match(line):
            continue
        heading = HEADING.match(line)
        if heading and "...." not in line:
            yield section, " ".join(lines)
            section, lines = heading.group(1), []
        elif line.strip():
            lines.append(line.strip())
        elif lines and lines[-1][-1] in ".:;":
            yield section, " ".join(lines)
            lines = []
    yield section, " ".join(lines)


def sentences(text):
    """{section: [sentence, ...]} of those that bind."""
    found = {}
    for section, paragraph in paragraphs(text):
        for sentence in END.split(paragraph):
            if BINDING.search(sentence):
                found.setdefault(section, []).append(sentence)
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        found = sentences(text.read())
    for section, rules in found.items():
        if len(sys.argv) < 3 or sys.argv[2] == section:
            for number, rule in enumerate(rules, 1):
                print(f"{section} ({number}) {rule}")


if __name__ == "__main__":
    main()
