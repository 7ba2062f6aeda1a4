#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hostile.py - a client with a good login and bad intentions, on both channels of its tunnel; called by hostile.sh.

    hostile.py RAWTUNNEL COOKIE list          the names of the cases
    hostile.py RAWTUNNEL COOKIE case NAME     once; exits 1 and says why if it did not end as it must
    hostile.py RAWTUNNEL COOKIE repeat N      all quick cases in turn, N in all

A case ends with a question on each channel (DPD, which is echoed), unless the server had to close.
"""
import os
import random
import select
import struct
import subprocess
import sys
import time

from badinput import ip4
from vpn import DATA, DISCONNECT, DPD_REQ, DPD_RESP, KEEPALIVE, frame

TO = "198.51.100.1"
HOST = "203.0.113.2"
COMPRESSED = 8
CASES = {}
SLOW = set()


class Wrong(Exception):
    """It did not end as it must."""


def case(function):
    CASES[function.__name__] = function
    return function


def slow(function):
    SLOW.add(function.__name__)
    return case(function)


class Tunnel:
    """rawtunnel and its messages."""

    def __init__(self, *headers):
        self.child = subprocess.Popen([program, TO, cookie, *headers], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.buffer, self.text, self.datagrams, self.ended, self.shakes = b"", b"", [], False, []
        self.head = b""
        self.until(lambda: self.shakes, 40, "no tunnel")
        lines = dict(line.split(": ", 1) for line in self.head.decode().split("\r\n") if ": " in line)
        self.ip4, self.mtu, self.app_id = lines["X-CSTP-Address"], int(lines["X-CSTP-MTU"]), bytes.fromhex(lines["X-DTLS-App-ID"])
        self.encodings = lines.get("X-CSTP-Content-Encoding"), lines.get("X-DTLS-Content-Encoding")

    def close(self):
        self.child.kill()
        self.child.wait()

    def order(self, kind, data=b""):
        try:
            self.child.stdin.write(kind.encode() + struct.pack(">H", len(data)) + data)
            self.child.stdin.flush()
        except BrokenPipeError as e:
            raise Wrong("the tunnel program ended") from e

    def tls(self, data):
        self.order("T", data)

    def udp(self, data):
        self.order("U", data)

    def take(self, seconds):
        if not select.select([self.child.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.child.stdout.fileno(), 1 << 20)
        if not data:
            raise Wrong("the tunnel program ended")
        self.buffer += data
        while len(self.buffer) >= 3:
            n = struct.unpack(">H", self.buffer[1:3])[0]
            if len(self.buffer) < 3 + n:
                break
            kind, data, self.buffer = chr(self.buffer[0]), self.buffer[3:3 + n], self.buffer[3 + n:]
            self.put(kind, data)
        return True

    def put(self, kind, data):
        if kind == "T":
            self.text += data
        elif kind == "U":
            self.datagrams.append(data)
        elif kind == "E":
            self.ended = True
        elif kind == "H":
            self.shakes.append(data == b"\1")
        elif kind == "A":
            self.head = data

    def until(self, is_so, seconds, why):
        end = time.monotonic() + seconds
        while not is_so():
            left = end - time.monotonic()
            if left <= 0:
                raise Wrong(why)
            self.take(left)

    def frames(self):
        """Whole frames that came over TLS."""
        while len(self.text) >= 8:
            n = struct.unpack(">H", self.text[4:6])[0]
            if len(self.text) < 8 + n:
                return
            kind, data, self.text = self.text[6], self.text[8:8 + n], self.text[8 + n:]
            yield kind, data

    def alive(self):
        mark = random.randbytes(20)
        self.echoed(lambda: self.tls(frame(DPD_REQ, mark)), lambda: (DPD_RESP, mark) in list(self.frames()), "TLS")
        self.echoed(lambda: self.udp(bytes([DPD_REQ]) + mark), lambda: bytes([DPD_RESP]) + mark in self.datagrams, "DTLS")
        self.datagrams.clear()

    def echoed(self, ask, is_so, where):
        """As clients do, ask again: an answer may be lost while the queue to a slow reader is full."""
        for _ in range(5):
            ask()
            try:
                self.until(is_so, 2, f"no echo over {where}")
                return
            except Wrong as e:
                why = e
        raise why

    def closed(self):
        self.until(lambda: self.ended, 10, "the server does not close")


def both(t, kind, *payloads):
    for p in payloads:
        t.tls(frame(kind, p))
        t.udp(bytes([kind]) + p)


def survives(*headers):
    """The case gets a tunnel, which must be alive afterwards."""
    def wrap(function):
        def run():
            t = Tunnel(*headers)
            try:
                function(t)
                t.alive()
            finally:
                t.close()
        run.__name__ = function.__name__
        return run
    return wrap


# {{ frames }}

@case
@survives()
def nothing_at_all(t):
    """Records without a byte, and frames without a payload."""
    for _ in range(100):
        t.udp(b"")
        both(t, KEEPALIVE, b"")
        both(t, DPD_RESP, b"")


@case
@survives()
def unknown_types(t):
    for kind in (1, 2, 6, 9, 10, 66, 127, 128, 255):
        both(t, kind, b"", b"abc", random.randbytes(1300))


@case
@survives()
def compressed_not_agreed(t):
    both(t, COMPRESSED, b"", bits(END), random.randbytes(300))


@case
@survives()
def goodbye_over_udp(t):
    """TLS is the channel of control."""
    t.udp(bytes([DISCONNECT]) + b"\xb0bye")


@case
@survives()
def packets_spoofed(t):
    for source in ("192.0.2.1", "10.77.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255", HOST):
        both(t, DATA, ip4(source, HOST, b"a" * 64))
    both(t, DATA, b"\x60\0\0\0\0\0\x3b\x40" + b"\x20\x01" + b"\x01" * 14 + b"\x20\x01" + b"\x02" * 14)


@case
@survives()
def packets_malformed(t):
    both(t, DATA, b"", b"\x45", b"\x45" * 19, b"\x60" * 39, b"\0" * 100, b"\xf5" * 100, ip4(t.ip4, HOST, version=5),
         ip4(t.ip4, HOST, b"a" * 10, length=9000), ip4(t.ip4, HOST, length=3), random.randbytes(1000))


@case
@survives()
def packets_giant(t):
    both(t, DATA, ip4(t.ip4, HOST, b"a" * t.mtu), ip4(t.ip4, HOST, b"a" * 12000), ip4(t.ip4, HOST, b"a" * 16000))


@case
def frame_longer_than_any():
    broken(frame(DATA, b"a" * 8, length=65535) + b"a" * 16000)


@case
def frame_bad_magic():
    broken(b"STG\x01\0\x04\0\0abcd")


@case
def frame_bad_tail():
    broken(b"STF\x01\0\x04\0\x55abcd")


def broken(data):
    t = Tunnel()
    t.alive()
    t.tls(data)
    t.closed()
    t.close()


@case
@survives()
def one_byte_records(t):
    """A frame of the largest size in records of one byte, then many small ones."""
    for f in (frame(66, b"x" * 16000), *[frame(KEEPALIVE)] * 200):
        for i in range(len(f)):
            t.tls(f[i:i + 1])


@case
@survives()
def many_frames_a_record(t):
    for _ in range(50):
        t.tls(frame(KEEPALIVE) * 1500 + frame(66, b"y" * 3000))


# {{ compression }}

LZS = ("X-CSTP-Accept-Encoding: lzs", "X-DTLS-Accept-Encoding: lzs")
LZ4 = ("X-CSTP-Accept-Encoding: oc-lz4", "X-DTLS-Accept-Encoding: oc-lz4")
END = "110000000"


def bits(text):
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


def lzs(data):
    """All bytes as they are: valid, and longer than it was."""
    return bits("".join("0" + format(b, "08b") for b in data) + END)


def lz4(data):
    """The same, as one block."""
    head = bytes([min(len(data), 15) << 4])
    left = len(data) - 15
    while left >= 0:
        head += bytes([min(left, 255)])
        if left < 255:
            break
        left -= 255
    return head + data


def agreed(t, name):
    if t.encodings != (name, name):
        raise Wrong(f"compression is {t.encodings}")


@case
@survives(*LZS)
def lzs_bombs(t):
    agreed(t, "lzs")
    run = "0 01000101 11 0000001"
    both(t, COMPRESSED, bits(run + " 1111" * 3000 + "0000" + END), bits(run + " 1111" * 100 + "0000" + END),
         bytes([0x22, 0xf8, 0x1f]) + b"\xff" * 8000, bits(run + " 1111" * 3000))


@case
@survives(*LZS)
def lzs_malformed(t):
    agreed(t, "lzs")
    both(t, COMPRESSED, b"", b"\xff", bits("0 01000101"), bits("11 0000001 00" + END), bits("0 01000101 10 00000000000 00" + END),
         lzs(ip4(t.ip4, HOST, b"a" * 30))[:-4])


@case
@survives(*LZ4)
def lz4_bombs(t):
    agreed(t, "oc-lz4")
    both(t, COMPRESSED, b"\x1f\x45\x01\x00" + b"\xff" * 8000, b"\x1f\x45\x01\x00" + b"\xff" * 200 + b"\x01\x50abcde",
         b"\xf0" + b"\xff" * 4000)


@case
@survives(*LZ4)
def lz4_malformed(t):
    agreed(t, "oc-lz4")
    both(t, COMPRESSED, b"", b"\xff", b"\xf0\xff", b"\x10\x45\x09\x00\x50abcde", b"\x10\x45\x00\x00\x50abcde",
         lz4(ip4(t.ip4, HOST, b"a" * 30))[:-4])


@case
@survives(*LZS)
def compressed_and_spoofed(t):
    """What is inside is looked at as any packet is."""
    both(t, COMPRESSED, lzs(ip4("192.0.2.1", HOST, b"a" * 64)), lzs(ip4("10.77.0.1", HOST, b"a" * 64)))


@case
@survives(*LZ4)
def compressed_and_malformed(t):
    both(t, COMPRESSED, lz4(b"\x45" * 19), lz4(b"\0" * 100), lz4(ip4(t.ip4, HOST, b"a" * 10, length=9000)), lz4(b"\x60" * 39))


# {{ DTLS }}

@case
@survives()
def records_forged(t):
    for _ in range(100):
        t.order("C", bytes([DPD_REQ]) + b"forged")
    t.alive()
    if any(b"forged" in d for d in t.datagrams):
        raise Wrong("a forged record was taken")


@case
@survives()
def records_replayed(t):
    for i in range(50):
        t.order("P", bytes([DPD_REQ]) + b"twice%03d" % i)
    time.sleep(0.3)
    t.udp(bytes([DPD_REQ]) + b"last")
    t.until(lambda: bytes([DPD_RESP]) + b"last" in t.datagrams, 10, "no answer")
    if len(t.datagrams) != len(set(t.datagrams)):
        raise Wrong("a replayed record was answered")


@case
@survives()
def records_of_a_handshake(t):
    """From the address of the live channel: hellos, alerts without protection, numbers from the far future."""
    hello = b"\xfe\xfd" + random.randbytes(32) + b"\x20" + t.app_id + b"\0" + b"\0\x02\x00\xa8" + b"\x01\0"
    message = b"\x01" + struct.pack(">I", len(hello))[1:] + b"\0\0\0\0\0" + struct.pack(">I", len(hello))[1:] + hello
    for _ in range(50):
        for kind, epoch, body in ((22, 0, message), (22, 0, message[:30]), (21, 0, b"\x02\x28"), (21, 0, b"\x01\x00"), (20, 0, b"\x01"),
                                  (22, 0, random.randbytes(200)), (22, 1, random.randbytes(64)), (23, 0, random.randbytes(64)),
                                  (23, 2, random.randbytes(64)), (23, 65535, random.randbytes(64))):
            t.order("R", bytes([kind]) + b"\xfe\xfd" + struct.pack(">H", epoch) + random.randbytes(6) + struct.pack(">H", len(body)) + body)
        t.order("R", random.randbytes(random.randint(1, 1400)))


@slow
@survives()
def handshake_storm(t):
    """The old channel works all the time; of ten handshakes only one each three seconds is begun."""
    began = time.monotonic()
    for i in range(10):
        t.order("H")
        t.until(lambda n=i: len(t.shakes) == n + 2, 10, "no word of the handshake")
        t.alive()
    took = time.monotonic() - began
    through = sum(t.shakes[1:])
    if not 1 <= through <= took / 3 + 1:
        raise Wrong(f"{through} of 10 handshakes in {took:.1f} s")


@case
@survives()
def probes_of_all_sizes(t):
    """The search for the MTU: each answer is as large as its question."""
    for size in (0, 1, 100, 575, 576, 1279, 1280, t.mtu - 1, t.mtu, 1400, 1500, 4000, 16000):
        mark = random.randbytes(size)
        t.udp(bytes([DPD_REQ]) + mark)
        t.until(lambda m=mark: bytes([DPD_RESP]) + m in t.datagrams, 10, f"no echo of {size} bytes over DTLS")
        t.tls(frame(DPD_REQ, mark))
        t.until(lambda m=mark: (DPD_RESP, m) in list(t.frames()), 10, f"no echo of {size} bytes over TLS")


# {{ floods }}

@case
@survives()
def dpd_flood(t):
    for _ in range(3000):
        both(t, DPD_REQ, b"q" * 1200)
        t.take(0)
        t.datagrams.clear()
        list(t.frames())


@slow
def dpd_flood_unread():
    """Questions without end from one who never reads the answers: the server forgets answers, and lets go in the end."""
    from badinput import client
    c = client()
    c.request("CONNECT", "/CSCOSSLC/tunnel", None, [f"Cookie: webvpn={cookie}"])
    c.answer(has_body=False)
    c.sock.settimeout(2)
    sent = 0
    data = frame(DPD_REQ, b"u" * 16000)
    try:
        while sent < 30_000_000:
            c.sock.sendall(data)
            sent += len(data)
    except (TimeoutError, OSError):
        pass
    print(sent, flush=True)
    time.sleep(float(os.environ.get("HOLD", "0")))
    c.sock.close()


# {{ commands }}

def run(name):
    try:
        CASES[name]()
    except Wrong as e:
        print(f"{name}: {e}")
        return False
    return True


def main():
    global program, cookie
    program, cookie, command, *args = sys.argv[1:]
    cookie = cookie.split("webvpn=")[-1]
    if command == "list":
        print("\n".join(CASES))
    elif command == "case":
        sys.exit(0 if run(args[0]) else 1)
    elif command == "repeat":
        names = [n for n in CASES if n not in SLOW]
        for i in range(int(args[0])):
            if not run(names[i % len(names)]):
                sys.exit(1)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
