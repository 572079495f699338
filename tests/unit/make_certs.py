#!/usr/bin/python3
"""Writes tests/unit/certs.h anew: certificates as constants, so that a test's and a fuzzer's trace is one trace.

    tests/unit/make_certs.py > tests/unit/certs.h
"""
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab.pki import Authority  # noqa: E402

NAMES = {"dns": ["a.example", "b.example"], "ip": ["10.0.0.1", "10.0.0.2", "2001:db8::1"], "mail": ["ops@example.com"]}


def constant(out, symbol, text):
    lines = "\n".join(f'    "{line}\\n"' for line in text.splitlines())
    out.write(f"static const char {symbol}[] KD_UNUSED =\n{lines};\n")


def main(out):
    root, other = Authority("Test Root"), Authority("Another Root")
    mid = root.authority("Test Intermediate")
    out.write("/* Made by tests/unit/make_certs.py: keys and certificates of nobody. Valid from 2020 to 2100. */\n"
              "#ifndef TESTS_CERTS_H\n#define TESTS_CERTS_H\n\n#include \"base/attr.h\"\n\n")
    constant(out, "cert_root", root.cert)
    constant(out, "cert_other_root", other.cert)
    constant(out, "cert_mid", mid.cert)
    for kind in ("rsa2048", "p256", "p384", "p521", "ed25519"):
        leaf = mid.issue("gw " + kind, kind, **NAMES)
        constant(out, f"key_{kind}", leaf.key)
        constant(out, f"cert_{kind}", leaf.cert)
        if kind == "p256":
            constant(out, "crl_mid", mid.crl(leaf))
    second = mid.issue("second", "p256", **NAMES)
    constant(out, "key_second", second.key)
    old = mid.issue("old", "p256", **NAMES, end=datetime.datetime(2021, 1, 1))
    constant(out, "key_old", old.key)
    constant(out, "cert_old", old.cert)
    stranger = mid.issue("stranger", "p256", dns=["c.example"])
    constant(out, "key_stranger", stranger.key)
    constant(out, "cert_stranger", stranger.cert)
    out.write("\n#endif\n")


main(sys.stdout)
