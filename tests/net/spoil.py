#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""spoil.py FILE - change one bit in the ticket of a session that "openssl s_client -sess_out" has written.

Only Python's own modules."""
import base64
import sys


def element(data, at):
    """Begin and end of the content of the DER element at this place."""
    length, at = data[at + 1], at + 2
    if length >= 0x80:
        n = length & 0x7F
        length, at = int.from_bytes(data[at : at + n], "big"), at + n
    return at, at + length


def main():
    lines = open(sys.argv[1], encoding="ascii").read().splitlines()
    body = bytearray(base64.b64decode("".join(lines[1:-1])))
    at, end = element(body, 0)
    while at < end:
        start, stop = element(body, at)
        if body[at] == 0xAA:  # [10]: the ticket, an OCTET STRING
            first, last = element(body, start)
            body[(first + last) // 2] ^= 1
            break
        at = stop
    else:
        sys.exit("no ticket in this session")
    text = base64.b64encode(body).decode()
    with open(sys.argv[1], "w", encoding="ascii") as f:
        f.write("\n".join([lines[0], *(text[i : i + 64] for i in range(0, len(text), 64)), lines[-1], ""]))


main()
