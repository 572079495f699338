"""A small network laboratory: hosts are network namespaces, links are veth pairs, programs run in them.

Start reading at topology.py. Everything here needs root and the packages of tests/packages.
"""
