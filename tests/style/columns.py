"""Lines of C have 100 columns at most, no tabs and no blanks at their end. Made files are left out, and of
the columns what stands between "clang-format off" and "on": tables."""
import pathlib
import subprocess
import sys

COLUMNS = 100
OFF_ON = ("/* clang-format off */", "/* clang-format on */")
MADE = {"tests/unit/certs.h"}


def sources(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.[ch]"],
                            capture_output=True, text=True)
    names = listed.stdout.split("\0") if listed.returncode == 0 else None
    if names is None:  # a source archive
        names = [str(p.relative_to(root)) for top in ("crypto", "fuzz", "netlink", "src", "tests")
                 for p in (root / top).rglob("*.[ch]")]
    return [root / n for n in names if n and n not in MADE and (root / n).exists()]


def faults(path):
    table = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() in OFF_ON:
            table = line.strip() == OFF_ON[0]
        if len(line) > COLUMNS and not table:
            yield number, f"{len(line)} columns; allowed: {COLUMNS}"
        if "\t" in line or line != line.rstrip():
            yield number, "a tab, or blanks at the line's end"


def main(root):
    files = sources(root)
    bad = [f"{path.relative_to(root)}:{number}: {what}" for path in files for number, what in faults(path)]
    print("\n".join(bad + [f"{len(files)} files, {len(bad)} lines to mend"]))
    return 1 if bad or len(files) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
