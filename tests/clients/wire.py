#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""wire.py - TLS on a socket that we cut ourselves: which bytes share a TLS record, which records share a TCP segment.

Python's ssl keeps both from us, so the TLS engine works in memory here, and records are counted as they come in.
"""
import hashlib
import itertools
import socket
import ssl
import struct

MAGIC = b"STF\x01"
FRAMES = {"data": 0, "dpd-req": 3, "dpd-resp": 4, "disconnect": 5, "keepalive": 7, "compressed": 8, "terminate": 9}
FRAME_NAMES = {number: name for name, number in FRAMES.items()}


class Closed(Exception):
    """The server has closed the connection."""


class Odd(Exception):
    """What came is not what the protocol permits."""


def cut(data, lengths):
    """Pieces of these lengths, over and over; None: all at once."""
    if lengths is None:
        return [data] if data else []
    pieces, at = [], 0
    for n in itertools.cycle(lengths):
        if at >= len(data):
            return pieces
        pieces.append(data[at:at + n])
        at += n


class Channel:
    """One TLS connection. segments and records: lengths of the pieces, see cut(). session: to be resumed."""

    def __init__(self, address, port, ca, version=None, session=None, context=None, segments=None, records=None, timeout=60):
        self.segments, self.records = segments, records
        self.raw = self.plain = b""
        self.context = context or self.make_context(ca, version)
        self.tcp = socket.create_connection((address, port), timeout)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input, self.output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.input, self.output, server_hostname=address, session=session)
        self.handshake()

    @staticmethod
    def make_context(ca, version):
        context = ssl.create_default_context(cafile=ca)
        if version:
            context.maximum_version = context.minimum_version = version
        return context

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
                self.receive_record()

    @property
    def cert_sha1(self):
        return hashlib.sha1(self.tls.getpeercert(True)).hexdigest().upper()

    def set_timeout(self, seconds):
        self.tcp.settimeout(seconds)

    def flush(self):
        for piece in cut(self.output.read(), self.segments):
            try:
                self.tcp.sendall(piece)
            except ConnectionError as e:
                raise Closed(str(e)) from e

    def send(self, data):
        for piece in cut(data, self.records):
            self.tls.write(piece)
            self.flush()

    def receive_bytes(self, n):
        while len(self.raw) < n:
            try:
                data = self.tcp.recv(65536)
            except ConnectionError as e:
                raise Closed(str(e)) from e
            if not data:
                raise Closed("end of stream")
            self.raw += data

    def receive_record(self):
        """One whole TLS record into the engine."""
        self.receive_bytes(5)
        length = 5 + struct.unpack(">H", self.raw[3:5])[0]
        self.receive_bytes(length)
        record, self.raw = self.raw[:length], self.raw[length:]
        self.input.write(record)

    def record(self):
        """What the next TLS record with anything in it holds."""
        while True:
            try:
                data = self.tls.read(65536)
                if not data:
                    raise Closed("close_notify")
                return data
            except ssl.SSLWantReadError:
                self.flush()
                self.receive_record()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as e:
                raise Closed("close_notify") from e
            except ssl.SSLError as e:
                raise Closed(str(e)) from e

    def close(self):
        try:
            self.tls.unwrap()
        except (ssl.SSLError, OSError):
            pass
        try:
            self.flush()
        except (Closed, OSError):
            pass
        self.tcp.close()

    # {{ HTTP }}

    def more(self):
        self.plain += self.record()

    def answer(self, has_body):
        """(status line, [(name, value)], body)"""
        while b"\r\n\r\n" not in self.plain:
            self.more()
        head, _, rest = self.plain.partition(b"\r\n\r\n")
        self.plain = b""
        lines = head.decode("latin-1").split("\r\n")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not value.startswith(" ") or value != " " + value.strip():
                raise Odd(f"a header line is not 'Name: value': {line!r}")
            fields.append((name, value[1:]))
        length = 0
        if has_body:
            length = int(dict((n.lower(), v) for n, v in fields).get("content-length", "0"))
        self.plain = rest
        while len(self.plain) < length:
            self.more()
        if len(self.plain) > length:
            raise Odd(f"bytes after the end of the answer: {self.plain[length:][:60]!r}")
        body, self.plain = self.plain, b""
        return lines[0], fields, body

    # {{ frames }}

    def send_frame(self, name, payload=b""):
        self.send(MAGIC + struct.pack(">HBB", len(payload), FRAMES.get(name) if name in FRAMES else int(name), 0) + payload)

    def frame(self):
        """(name, payload); a record must hold one frame, whole: openconnect drops any other."""
        data = self.record()
        if len(data) < 8 or data[:4] != MAGIC or data[7] != 0:
            raise Odd(f"no frame: {data[:40]!r}")
        length = struct.unpack(">H", data[4:6])[0]
        if len(data) != 8 + length:
            raise Odd(f"a record of {len(data)} bytes does not hold one whole frame of 8 + {length}")
        return FRAME_NAMES.get(data[6], str(data[6])), data[8:]

    def wait_end(self, seconds):
        """Whether the server ends the connection within so many seconds; what still comes is dropped."""
        self.set_timeout(seconds)
        try:
            while True:
                self.record()
        except Closed:
            return True
        except (TimeoutError, OSError):
            return False


# {{ inner packets }}

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(source, target, sequence, payload):
    """An IPv4 packet with an ICMP echo request."""
    icmp = struct.pack(">BBHHH", 8, 0, 0, 0x4f43, sequence) + payload
    icmp = icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(icmp), sequence, 0, 64, 1, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + icmp


def is_echo_reply(packet, source, target, payload):
    """The sequence number if it is the reply to such a request, else None."""
    if len(packet) < 28 or packet[0] != 0x45 or packet[9] != 1 or packet[20] != 0:
        return None
    if packet[12:20] != socket.inet_aton(target) + socket.inet_aton(source) or packet[28:] != payload:
        return None
    return struct.unpack(">H", packet[26:28])[0]
