#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""badinput.py - send the server what no client should; called by badinput.sh.

    badinput.py COMMAND
      list           the names of the cases
      case NAME      once; says what came of it (a status, "closed", "alive") if that is not what must be, and exits 1
      repeat N [NAME...]  these cases, or all quick ones, in turn until N were sent; exit 1 at the first that ends
                     otherwise than it must
      slow NAME      a client that dawdles; prints the seconds until the server closed
      idle N SECONDS N connections that say nothing; prints how many the server has closed after SECONDS
      udp            datagrams that are no DTLS, or of no session
"""
import os
import random
import select
import socket
import struct
import sys
import time

from vpn import DATA, DISCONNECT, Client, Closed, frame

TO = "198.51.100.1"
PASSWORD = "correct horse"
HOST = b"Host: vpn.example.test\r\n"
CASES = {}


def case(expected):
    """A case gives what happened; expected are the outcomes that are right."""
    def register(function):
        CASES[function.__name__] = (function, expected.split())
        return function
    return register


def client(tls=True):
    return Client(TO, timeout=20, tls=tls)


def outcome(c):
    """The status of an answer and that the connection ends after it, or that it ends at once."""
    try:
        status = c.answer().status
    except Closed:
        c.close()
        return "closed"
    rest = drain(c)
    c.close()
    return f"{status}{rest}"


def drain(c):
    """'' if the server closes now; '+open' if not; '+more' if it says more."""
    if c.buffer:
        return "+more"
    c.sock.settimeout(0.5)
    try:
        c.more()
    except TimeoutError:
        return "+open"
    except Closed:
        return ""
    return "+more"


def ask(raw):
    c = client()
    try:
        c.send(raw)
    except (ConnectionError, OSError):
        pass  # refused before all was sent
    return outcome(c)


def post(body, extra=b"", length=None):
    length = len(body) if length is None else length
    return b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n" % length + extra + b"\r\n" + body


# {{ HTTP }}

@case("431 400 closed")
def head_too_large():
    return ask(b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: " + b"a" * 20000 + b"\r\n\r\n")


@case("431 400 closed")
def head_too_many_fields():
    return ask(b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: 1\r\n" % i for i in range(1500)) + b"\r\n")


@case("431 400 closed")
def head_without_end():
    return ask(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000)


@case("414 400 closed")
def target_too_long():
    return ask(b"GET /" + b"a" * 4500 + b" HTTP/1.1\r\n" + HOST + b"\r\n")


@case("413 closed")
def body_too_large():
    return ask(post(b"<config-auth>", length=256 * 1024 + 1))


@case("413 closed")
def body_huge():
    return ask(post(b"", length=10 ** 15))


@case("413 400 closed")
def body_overflow():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 18446744073709551617\r\n\r\nabc")


@case("400 closed")
def body_negative():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nabcde")


@case("413 closed")
def chunks_too_large():
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    return ask(head + (b"8000\r\n" + b"a" * 0x8000 + b"\r\n") * 9 + b"0\r\n\r\n")


@case("400 closed")
def chunk_size_bad():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")


@case("400 closed")
def length_and_chunked():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


@case("400 closed")
def length_twice():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")


@case("400 closed")
def length_twice_equal():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde")


@case("400 501 closed")
def encoding_unknown():
    return ask(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")


@case("400 closed")
def field_folded():
    return ask(b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n  c\r\n\r\n")


@case("400 closed")
def field_with_nul():
    return ask(b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\0c\r\n\r\n")


@case("400 505 closed")
def version_unknown():
    return ask(b"GET / HTTP/9.9\r\n" + HOST + b"\r\n")


@case("404 405 closed 404+open 405+open")
def method_other():
    return ask(b"PUT / HTTP/1.1\r\n" + HOST + b"\r\n")


@case("400 501 505 closed")
def http2_preface():
    return ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


@case("200 closed")
def pipelined():
    """The second must not be served: at most one answer, then the end."""
    return ask(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n" + b"GET /1/index.html HTTP/1.1\r\n" + HOST + b"\r\n")


@case("closed")
def head_truncated():
    c = client()
    c.send(b"POST / HTTP/1.1\r\nHos")
    return hang_up(c)


@case("closed")
def body_truncated():
    c = client()
    c.send(post(b"<config-auth", length=100))
    return hang_up(c)


def hang_up(c):
    """We are done sending; the server has nothing to answer."""
    try:
        c.sock.unwrap()
    except (OSError, ValueError):
        pass
    try:
        c.tcp.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return outcome(c)


# {{ login }}

@case("400 200+open 401")
def xml_malformed():
    return ask(post(b'<?xml version="1.0"?><config-auth client="vpn" type="init"><version who='))


@case("400 closed")
def xml_deep():
    return ask(post(b"<config-auth>" + b"<a>" * 20000))


@case("400 closed")
def xml_entities():
    lines = ['<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'] + [f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)]
    return ask(post(("<?xml version='1.0'?>" + "".join(lines) + "]><config-auth>&j;</config-auth>").encode()))


@case("400 closed")
def xml_external_entity():
    return ask(post(b'<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]><config-auth type="auth-reply"><auth><username>&x;'
                    b"</username></auth></config-auth>"))


@case("400 401 200+open")
def xml_user_long():
    return ask(post(b'<config-auth type="auth-reply"><auth><username>' + b"u" * 100000 +
                    b"</username><password>p</password></auth></config-auth>"))


@case("400 401 200+open")
def form_binary():
    return ask(post(bytes(range(256)) * 16))


@case("400 401 200+open")
def cookie_context_long():
    """ocserv 1.5.0 fixed a heap overflow here."""
    return ask(post(b'<config-auth type="auth-reply"><auth><password>p</password></auth></config-auth>',
                    b"Cookie: webvpncontext=" + b"A" * 8000 + b"\r\n"))


@case("401")
def cookie_long():
    c = client()
    status = c.connect("A" * 8000).status
    c.close()
    return str(status)


@case("404")
def connect_elsewhere():
    c = client()
    c.request("CONNECT", "/etc/passwd", None, ["Cookie: webvpn=AAAA"])
    return outcome(c)


# {{ around TLS }}

@case("closed")
def tls_garbage():
    c = client(tls=False)
    c.send(random.randbytes(600))
    return ends(c)


@case("closed")
def tls_plain_http():
    c = client(tls=False)
    c.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    return ends(c)


@case("closed")
def tls_huge_record():
    c = client(tls=False)
    c.send(b"\x16\x03\x01\xff\xff" + random.randbytes(65535))
    return ends(c)


@case("closed")
def tls_hello_broken():
    """A ClientHello whose lengths lie."""
    c = client(tls=False)
    body = b"\x03\x03" + random.randbytes(32) + b"\xff" + random.randbytes(100)
    c.send(b"\x16\x03\x01" + struct.pack(">H", len(body) + 4) + b"\x01" + struct.pack(">I", len(body))[1:] + body)
    return ends(c)


@case("closed")
def tls_record_broken():
    """After the handshake, bytes that are no record of this connection."""
    c = client()
    os.write(c.tcp.fileno(), b"\x17\x03\x03\x00\x40" + random.randbytes(64))
    return ends(c)


@case("closed")
def tls_no_record():
    c = client()
    os.write(c.tcp.fileno(), random.randbytes(64))
    return ends(c)


@case("400 501 closed")
def tls_then_garbage():
    return ask(b"\x00\xff" + random.randbytes(2000))


@case("closed")
def tcp_nothing():
    """A health check."""
    c = client(tls=False)
    c.tcp.shutdown(socket.SHUT_WR)
    return ends(c)


def ends(c):
    """An alert may come before the end."""
    raw = socket.socket(fileno=os.dup(c.tcp.fileno()))
    raw.settimeout(10)
    result = "closed"
    try:
        while raw.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        result = "open"
    raw.close()
    c.close()
    return result


# {{ inside of the tunnel }}

def tunnel():
    """Logs in again and again: a session that was broken off by the server leaves its cookie, so one is used for all."""
    c = client()
    answer = c.connect(tunnel.cookie) if tunnel.cookie else None
    if answer is None or answer.status != 200:
        c.close()
        c = client()
        tunnel.cookie = c.login("test2", [PASSWORD])[1]
        answer = c.connect(tunnel.cookie)
    if answer.status != 200:
        raise RuntimeError(f"no tunnel: {answer.status} {answer.one('X-Reason')}")
    c.ip4 = answer.one("X-CSTP-Address")
    c.ip6 = answer.one("X-CSTP-Address-IP6").split("/")[0]
    return c


tunnel.cookie = ""


def broken(raw):
    """Something the session does not survive."""
    c = tunnel()
    if not c.dpd():
        return "no answer"
    c.send(raw)
    return ends(c)


def survived(*frames):
    """Something the session ignores."""
    c = tunnel()
    for f in frames:
        c.send(f)
    alive = c.dpd()
    c.sock.close()
    return "alive" if alive else "wrong echo"


@case("closed")
def frame_bad_magic():
    return broken(b"STG\x01" + b"\0\x04\0\0abcd")


@case("closed")
def frame_garbage():
    return broken(b"\xff" + random.randbytes(3000))


@case("closed")
def frame_too_long():
    return broken(frame(DATA, b"a" * 8, length=65535) + b"a" * 16000)


@case("closed alive")
def frame_bad_tail():
    """The last byte of the head is always 0."""
    c = tunnel()
    c.send(b"STF\x01\0\x04\0\x55abcd")
    try:
        return "alive" if c.dpd() else "wrong echo"
    except Closed:
        return "closed"
    finally:
        c.sock.close()


@case("alive")
def frame_unknown_type():
    return survived(frame(0x42, b"abc"), frame(0xff), frame(1, b"x" * 1000))


@case("alive")
def frame_compressed():
    """Not negotiated."""
    return survived(frame(8, random.randbytes(500)))


@case("alive")
def frame_empty():
    return survived(frame(DATA), frame(7), frame(4))


@case("alive")
def frame_cut_in_pieces():
    c = tunnel()
    for byte in frame(3, b"piece by piece"):
        c.send(bytes([byte]))
    kind, got = c.receive_frame()
    while kind != 4:
        kind, got = c.receive_frame()
    c.sock.close()
    return "alive" if got == b"piece by piece" else f"echo {got!r}"


@case("closed")
def frame_cut_off():
    c = tunnel()
    c.send(frame(DATA, b"", length=1000) + b"abc")
    c.tcp.shutdown(socket.SHUT_WR)
    return ends(c)


@case("closed")
def bye_with_binary():
    return broken(frame(DISCONNECT, b"\x91" + bytes(range(256)) * 4))


def ip4(source, target, payload=b"", version=4, length=None):
    head = struct.pack(">BBHHHBBH4s4s", version << 4 | 5, 0, 20 + len(payload) if length is None else length, 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    total = sum(struct.unpack(">10H", head))
    total = (total >> 16) + (total & 0xffff)
    total += total >> 16
    return head[:10] + struct.pack(">H", ~total & 0xffff) + head[12:] + payload


@case("alive")
def packet_spoofed():
    return survived(frame(DATA, ip4("192.0.2.1", "203.0.113.2", b"a" * 64)), frame(DATA, ip4("10.77.0.1", "203.0.113.2", b"a" * 64)),
                    frame(DATA, b"\x60\0\0\0\0\0\x3b\x40" + b"\x20\x01" + b"\x01" * 14 + b"\x20\x01" + b"\x02" * 14))


@case("alive")
def packet_malformed():
    c = tunnel()
    for packet in (b"\x45", b"\x45" * 19, b"\x60" * 39, b"\x00" * 100, b"\xf5" * 100, ip4(c.ip4, "203.0.113.2", version=5),
                   ip4(c.ip4, "203.0.113.2", b"a" * 10, length=9000), ip4(c.ip4, "203.0.113.2", length=3),
                   ip4(c.ip4, "203.0.113.2", b"a" * 12000), random.randbytes(1000)):
        c.send(frame(DATA, packet))
    alive = c.dpd()
    c.sock.close()
    return "alive" if alive else "wrong echo"


# {{ slow ones }}

def dribble(first, rest, tls=True):
    """A byte every half second."""
    began = time.monotonic()
    c = client(tls)
    c.sock.setblocking(True)
    try:
        if first:
            c.send(first)
        for byte in rest:
            c.send(bytes([byte]))
            if select.select([c.tcp], [], [], 0.5)[0]:
                c.sock.settimeout(0.1)
                try:
                    if not c.sock.recv(65536):
                        break
                except TimeoutError:  # a session ticket is no answer
                    pass
                c.sock.setblocking(True)
    except (OSError, Closed):
        pass
    return time.monotonic() - began


def slow_tls():
    return dribble(b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 500, tls=False)


def slow_head():
    return dribble(b"GET / HTTP/1.1\r\n" + HOST, b"X-Slow: " + b"a" * 1000)


def slow_body():
    return dribble(post(b"", length=1000), b"a" * 1000)


def slow_silence():
    """A whole handshake, then nothing."""
    began = time.monotonic()
    c = client()
    ends(c)
    return time.monotonic() - began


def slow_login():
    """Good requests, but the login never ends."""
    began = time.monotonic()
    c = client()
    try:
        for _ in range(200):
            c.request("GET", "/1/index.html")
            if c.answer().status != 200:
                break
            time.sleep(1)
    except (OSError, Closed):
        pass
    return time.monotonic() - began


SLOW = {f.__name__: f for f in (slow_tls, slow_head, slow_body, slow_silence, slow_login)}


def idle(n, seconds):
    socks = []
    for _ in range(n):
        s = socket.create_connection((TO, 443), 10)
        s.setblocking(False)
        socks.append(s)
    print("connected", flush=True)
    end = time.monotonic() + seconds
    open_ones = set(socks)
    while open_ones and time.monotonic() < end:
        ready = select.select(list(open_ones), [], [], 0.2)[0]
        for s in ready:
            try:
                if s.recv(4096):
                    continue
            except BlockingIOError:
                continue
            except ConnectionError:
                pass
            open_ones.discard(s)
    print(n - len(open_ones))


# {{ UDP }}

def hello(session_id, cut=None):
    body = b"\xfe\xfd" + random.randbytes(32) + bytes([len(session_id)]) + session_id + b"\0" + b"\0\x02\x00\xa8" + b"\x01\0"
    message = b"\x01" + struct.pack(">I", len(body))[1:] + b"\0\0" + b"\0\0\0" + struct.pack(">I", len(body))[1:] + body
    datagram = b"\x16\xfe\xff" + b"\0\0" + b"\0" * 6 + struct.pack(">H", len(message)) + message
    return datagram[:cut]


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(200):
        s.sendto(random.randbytes(random.randint(1, 1400)), (TO, 443))
        s.sendto(b"", (TO, 443))
        s.sendto(hello(random.randbytes(32)), (TO, 443))
        s.sendto(hello(random.randbytes(32), cut=14 + i % 80), (TO, 443))
        s.sendto(hello(b""), (TO, 443))
        s.sendto(b"\x17\xfe\xfd\0\x01" + random.randbytes(6) + b"\0\x40" + random.randbytes(64), (TO, 443))
        s.sendto(b"\x17\xfe\xfd\0\x01" + random.randbytes(6) + b"\xff\xff" + random.randbytes(64), (TO, 443))
        time.sleep(0.002)


# {{ commands }}

def run(name):
    function, expected = CASES[name]
    got = function()
    if got not in expected:
        print(f"{name}: {got}, expected one of {expected}")
        return False
    return True


def main():
    command, *args = sys.argv[1:]
    if command == "list":
        print("\n".join(CASES))
    elif command == "case":
        sys.exit(0 if run(args[0]) else 1)
    elif command == "repeat":
        names = args[1:] or list(CASES)
        for i in range(int(args[0])):
            if not run(names[i % len(names)]):
                sys.exit(1)
    elif command == "slow":
        print(round(SLOW[args[0]]()))
    elif command == "idle":
        idle(int(args[0]), float(args[1]))
    elif command == "udp":
        udp()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
