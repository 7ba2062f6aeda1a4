# SPDX-License-Identifier: GPL-3.0-or-later
"""foreign_xdp.py DEVICE - loads the least XDP program (return XDP_PASS) and attaches it by netlink, so that it stays when this ends."""

import ctypes
import os
import platform
import socket
import struct
import sys

BPF_PROG_LOAD, BPF_PROG_TYPE_XDP = 5, 6
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]


def load():
    # r0 = 2 (XDP_PASS); exit
    code = struct.pack("<BBhi", 0xB7, 0, 0, 2) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    insns = ctypes.create_string_buffer(code)
    licence = ctypes.create_string_buffer(b"GPL")
    attr = ctypes.create_string_buffer(
        struct.pack("<IIQQIIQII", BPF_PROG_TYPE_XDP, len(code) // 8, ctypes.addressof(insns), ctypes.addressof(licence), 0, 0, 0, 0, 0), 128)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF, BPF_PROG_LOAD, attr, 48)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "BPF_PROG_LOAD")
    return fd


def attach(index, fd):
    IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, NESTED, DRIVER = 43, 1, 3, 0x8000, 1 << 2
    inner = struct.pack("<HHi", 8, IFLA_XDP_FD, fd) + struct.pack("<HHI", 8, IFLA_XDP_FLAGS, DRIVER)
    body = struct.pack("<BxHiII", 0, 0, index, 0, 0) + struct.pack("<HH", 4 + len(inner), IFLA_XDP | NESTED) + inner
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack("<IHHII", 16 + len(body), 19, 5, 1, 0) + body)  # RTM_SETLINK, REQUEST | ACK
        error = struct.unpack_from("<i", s.recv(4096), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


attach(socket.if_nametoindex(sys.argv[1]), load())
