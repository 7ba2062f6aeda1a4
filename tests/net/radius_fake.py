#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""radius_fake.py MODE ADDRESS PORT SECRET: a RADIUS server that is slow, silent, talks garbage or lies.

silent    hears and says nothing
slow      accepts who has the right password ("PASSWORD=" in the environment), after a second
garbage   in turn: noise, endless attributes, lengths that lie, nothing
forged    accepts without knowing the secret: in turn all ways to get an authenticator wrong
late      as forged, each of them, and then the true answer
unsigned  the true answer, without Message-Authenticator (CVE-2024-3596)
"""
import hashlib
import hmac
import os
import socket
import sys
import time

ACCEPT, REJECT = 2, 3


def attributes(packet):
    at, found = 20, {}
    while at < len(packet):
        found[packet[at]] = packet[at + 2:at + packet[at + 1]]
        at += packet[at + 1]
    return found


def password(packet, secret):
    hidden, before, out = attributes(packet)[2], packet[4:20], b""
    for at in range(0, len(hidden), 16):
        mask = hashlib.md5(secret + before).digest()
        before = hidden[at:at + 16]
        out += bytes(a ^ b for a, b in zip(mask, before))
    return out.rstrip(b"\0").decode()


def answer(packet, code, secret, is_signed=True, rest=b""):
    begin = bytes([code, packet[1]])
    body = (b"\x50\x12" + bytes(16) if is_signed else b"") + rest
    head = begin + (20 + len(body)).to_bytes(2, "big")
    if is_signed:
        mac = hmac.new(secret, head + packet[4:20] + body, "md5").digest()
        body = b"\x50\x12" + mac + rest
    return head + hashlib.md5(head + packet[4:20] + body + secret).digest() + body


def forgeries(packet, secret):
    true = answer(packet, ACCEPT, secret)
    return [
        true[:4] + bytes(16) + true[20:],                      # no authenticator
        true[:4] + os.urandom(16) + true[20:],
        true[:4] + packet[4:20] + true[20:],                   # the request's
        answer(packet, ACCEPT, b"a guess"),
        answer(packet, ACCEPT, b""),
        true[:-16] + bytes(16),                                # no signature
        true[:1] + bytes([packet[1] ^ 1]) + true[2:],          # of another question
        answer(packet, 1, secret),                             # no answer at all
        answer(packet, 5, secret),
    ]


GARBAGE = [
    lambda p: bytes([ACCEPT, p[1], 0, 20]) + bytes(16),
    lambda p: bytes([ACCEPT, p[1], 0, 22]) + bytes(16) + b"\x01\xff",
    lambda p: bytes([ACCEPT, p[1], 0, 22]) + bytes(16) + b"\x01\x00",
    lambda p: os.urandom(200),
    lambda p: b"",
    lambda p: bytes([11, p[1], 255, 255]) + os.urandom(100),
    lambda p: bytes([ACCEPT, p[1], 0x1f, 0xff]) + os.urandom(8187),
]


def main():
    mode, address, port, secret = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].encode()
    right = os.environ.get("PASSWORD", "")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    n = 0
    while True:
        packet, peer = s.recvfrom(4096)
        code = ACCEPT if password(packet, secret) == right else REJECT
        forged = forgeries(packet, secret)
        if mode == "garbage":
            s.sendto(GARBAGE[n % len(GARBAGE)](packet), peer)
        elif mode == "forged":
            s.sendto(forged[n % len(forged)], peer)
        elif mode == "late":
            for one in forged:
                s.sendto(one, peer)
            s.sendto(answer(packet, code, secret), peer)
        elif mode == "unsigned":
            s.sendto(answer(packet, code, secret, is_signed=False), peer)
        elif mode == "slow":
            time.sleep(1)
            s.sendto(answer(packet, code, secret), peer)
        n += 1


main()
