#!/usr/bin/python3
"""conf's systemd units as systemd-analyze judges them, without a running systemd: they hold together, kedged.service is
closed as far as its sandbox says, and the drill's timer means the first Saturday of each quarter.

usage: units.py ROOT KEDGED KEDGE   (77, skipped: there is no systemd-analyze)"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

UNITS = ("kedged.service", "kedge-drill@.service", "kedge-drill@.timer")
EXPOSURE_MAX = 30  # tenths, of kedged.service


def analyze(*words, where=None):
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, cwd=where, check=False,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "SYSTEMD_LOG_TARGET": "console"})
    return done.returncode, done.stdout, done.stderr.strip()


def copies(root, programs, where):
    """The units with the programs of this build, which are not installed."""
    for name in UNITS:
        text = (root / "conf" / name).read_text()
        for installed, built in programs.items():
            text = text.replace(f"ExecStart={installed} ", f"ExecStart={built} ")
        (where / name).write_text(text)


def check_units(where, errors):
    code, _, said = analyze("verify", "--man=no", *(str(where / name) for name in UNITS))
    if code or said:
        errors.append(f"systemd-analyze verify: {said or code}")
    (where / "bad.service").write_text((where / "kedged.service").read_text().replace("Type=", "Typo="))
    if not analyze("verify", "--man=no", str(where / "bad.service"))[2]:
        errors.append("systemd-analyze verify takes a unit with an unknown key")


def check_exposure(where, errors):
    code, said, _ = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", "kedged.service", where=where)
    if code:
        errors.append(f"kedged.service is more exposed than {EXPOSURE_MAX / 10}: {said.strip().splitlines()[-1:]}")


def check_timer(root, errors):
    calendar = next(line.split("=", 1)[1] for line in (root / "conf/kedge-drill@.timer").read_text().splitlines()
                    if line.startswith("OnCalendar="))
    _, said, _ = analyze("calendar", "--base-time=2026-01-01 00:00:00", "--iterations=5", calendar)
    due = [line.split()[-3] for line in said.splitlines() if line.strip().startswith(("Next elapse", "Iter", "Iteration"))]
    if due != ["2026-01-03", "2026-04-04", "2026-07-04", "2026-10-03", "2027-01-02"]:
        errors.append(f"{calendar} is due {due}: {said}")


def main():
    root, kedged, kedge = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    if not shutil.which("systemd-analyze"):
        return 77
    errors = []
    with tempfile.TemporaryDirectory() as place:
        where = pathlib.Path(place)
        copies(root, {"/usr/sbin/kedged": kedged, "/usr/bin/kedge": kedge}, where)
        check_units(where, errors)
        check_exposure(where, errors)
    check_timer(root, errors)
    print("\n".join(errors) or f"{len(UNITS)} units, nothing to mend")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
