/* Seed 002's firewall with both CE routers and both tunnels, as rehearsals are given it: tests/sim
 * and tests/bench. */
#ifndef TEST_SIM_FIREWALL_H
#define TEST_SIM_FIREWALL_H

static const char *const firewall =
    "router: {id: 192.168.11.88, asn: 65020, networks: [10.1.11.0/25], ecmp: true}\n"
    "gateway: {listen: [198.51.100.1]}\n"
    "tunnels:\n"
    "  - {name: vpn-a, remote: 203.0.113.76, auth: {psk: secret-of-the-test}, detect: 2s,\n"
    "     profile: azure-default, address: 192.168.11.88,\n"
    "     neighbor: {asn: 65515, address: 10.17.11.76, import: all, export: lan}}\n"
    "  - {name: vpn-b, remote: 203.0.113.77, auth: {psk: secret-of-the-test}, detect: 2s,\n"
    "     profile: azure-default, address: 192.168.11.88,\n"
    "     neighbor: {asn: 65515, address: 10.17.11.77, import: all, export: lan}}\n"
    "neighbors:\n"
    "  - {name: ce-a, asn: 65020, address: 192.168.11.0, import: all, export: lan}\n"
    "  - {name: ce-b, asn: 65020, address: 192.168.11.2, import: all, export: lan}\n"
    "drills:\n"
    "  paths:\n"
    "    - {name: expressroute, neighbors: [ce-a, ce-b]}\n"
    "    - {name: vpn, neighbors: [vpn-a, vpn-b]}\n"
    "policies:\n"
    "  all: [permit: {}]\n"
    "  lan: [permit: {match: {prefix: [10.1.11.0/25]}}]\n";

#endif
