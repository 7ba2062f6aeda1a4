#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""mmdb.py - a small MaxMind database of countries

    mmdb.py FILE PREFIX=COUNTRY...

As its published format says: a tree of IPv6 with 24-bit records, IPv4 at ::/96, with 2002::/16 and ::ffff:0:0/96 leading there too; then the
data; then the metadata behind its marker.
"""
import ipaddress
import sys

MARKER = b"\xab\xcd\xefMaxMind.com"


def packed(v):
    if isinstance(v, dict):
        return head(7, len(v)) + b"".join(packed(k) + packed(w) for k, w in v.items())
    if isinstance(v, list):
        return head(11, len(v)) + b"".join(packed(w) for w in v)
    if isinstance(v, str):
        return head(2, len(v.encode())) + v.encode()
    kind, size = v[0], v[1]
    raw = size.to_bytes(8, "big").lstrip(b"\0")
    return head({"u16": 5, "u32": 6, "u64": 9}[kind], len(raw)) + raw


def head(kind, size):
    first, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([kind << 5 | first]) + more if kind < 8 else bytes([first, kind - 7]) + more


def main():
    nodes, data, offsets = [[None, None]], b"", {}

    def entry(country):
        nonlocal data
        if country not in offsets:
            offsets[country] = len(data)
            data += packed({"country": {"iso_code": country}})
        return ("data", offsets[country])

    def put(bits, length, leaf):
        at = 0
        for i in range(length):
            side = bits >> (127 - i) & 1
            if i == length - 1:
                nodes[at][side] = leaf
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = nodes[at][side]

    for pair in sys.argv[2:]:
        prefix, country = pair.split("=")
        net = ipaddress.ip_network(prefix)
        length = net.prefixlen + (96 if net.version == 4 else 0)
        put(int(net.network_address), length, entry(country))
    at = 0
    for _ in range(96):
        if nodes[at][0] is None:
            nodes.append([None, None])
            nodes[at][0] = len(nodes) - 1
        at = nodes[at][0]
    put(0x2002 << 112, 16, at)
    put(0xFFFF << 32, 96, at)
    n = len(nodes)

    def record(r):
        value = n if r is None else r if isinstance(r, int) else n + 16 + r[1]
        return value.to_bytes(3, "big")

    tree = b"".join(record(left) + record(right) for left, right in nodes)
    meta = packed({"node_count": ("u32", n), "record_size": ("u16", 24), "ip_version": ("u16", 6), "database_type": "test",
                   "languages": ["en"], "binary_format_major_version": ("u16", 2), "binary_format_minor_version": ("u16", 0),
                   "build_epoch": ("u64", 1700000000), "description": {"en": "test"}})
    with open(sys.argv[1], "wb") as f:
        f.write(tree + bytes(16) + data + MARKER + meta)


if __name__ == "__main__":
    main()
