#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ontun.py - packets that come out of the TUN device as if a worker had let them through: what is behind it is what judges them.

    ontun.py DEVICE SOURCE DESTINATION PORT [tcp]   one UDP datagram (or TCP SYN), IPv4 or IPv6
"""
import fcntl
import ipaddress
import os
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 1, 0x100, 0x1000, 0x4000


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, port, protocol):
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if protocol == socket.IPPROTO_TCP:
        segment = bytearray(struct.pack(">HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 65535, 0, 0))
        at = 16
    else:
        payload = b"past the worker"
        segment = bytearray(struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload)
        at = 6
    pseudo = src.packed + dst.packed + struct.pack(">IHBB", len(segment), 0, 0, protocol)
    segment[at:at + 2] = struct.pack(">H", checksum(pseudo + bytes(segment)))
    if src.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64) + src.packed + dst.packed + segment
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, protocol, 0, src.packed, dst.packed)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + segment


def main():
    device, source, destination, port, *more = sys.argv[1:]
    protocol = socket.IPPROTO_TCP if more == ["tcp"] else socket.IPPROTO_UDP
    fd = os.open("/dev/net/tun", os.O_RDWR)
    # the flags of the device as the server has made it: others would change it
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_MULTI_QUEUE | IFF_NO_PI | IFF_VNET_HDR))
    os.write(fd, b"\0" * 10 + bytes(packet(source, destination, int(port), protocol)))
    os.close(fd)


main()
