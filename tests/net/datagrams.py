# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams to the server's UDP port, seen where they leave, and sent again from elsewhere.

    datagrams.py capture SECONDS            one line of hexadecimal digits for each payload, as they leave this namespace
    datagrams.py send TO [FROM]             each line of standard input is sent from a new socket
"""

import socket
import struct
import sys
import time

PORT = 443


def payload_of(packet):
    """Of an IPv4 packet with a UDP datagram to our port; None: another one."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
        return None
    head = (packet[0] & 15) * 4
    to, length = struct.unpack_from("!HH", packet, head + 2)
    return packet[head + 8 : head + length] if to == PORT else None


def capture(seconds):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    tap.settimeout(0.1)
    end = time.monotonic() + seconds
    print("ready", file=sys.stderr, flush=True)
    while time.monotonic() < end:
        try:
            packet, address = tap.recvfrom(65536)
        except TimeoutError:
            continue
        payload = payload_of(packet) if address[2] == socket.PACKET_OUTGOING else None
        if payload:
            print(payload.hex(), flush=True)


def send(to, source=""):
    for line in sys.stdin:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.sendto(bytes.fromhex(line), (to, PORT))


if __name__ == "__main__":
    if sys.argv[1] == "capture":
        capture(float(sys.argv[2]))
    else:
        send(*sys.argv[2:])
