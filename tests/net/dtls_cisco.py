#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dtls_cisco.py - sessions whose DTLS is a faked resumption; called by dtls_cisco.sh.

    dtls_cisco.py [--ca FILE] COMMAND COOKIE ...
      offer COOKIE LIST LIST12 [--no-secret]  the X-DTLS lines of the answer, one each; "-" for a list: no such header
      peer COOKIE PROGRAM NAME VERSION        connect with that one suite, let PROGRAM (peers/peer.h) do DTLS, echo bytes of
                                              several lengths over DTLS and over TLS; prints what PROGRAM has negotiated
      lossy COOKIE PROGRAM NAME VERSION       the same through a relay that loses the client's first Finished, sends everything
                                              twice and swaps neighbours
      hostile COOKIE PROGRAM NAME VERSION     a live channel, and beside it replayed, cut, changed and foreign hellos, from the
                                              client's own address and from another: it must go on without a new handshake
      again COOKIE PROGRAM NAME VERSION       a second handshake from the same address, after the gap that is kept between two

Exit status 0 only if all went as it must.
"""
import argparse
import os
import select
import socket
import subprocess
import sys
import threading
import time

from vpn import Client

SERVER, UDP_PORT = "198.51.100.1", 443
PATIENCE = 30
HANDSHAKE, CCS = 22, 20


def fail(text):
    print(f"failed: {text}")
    sys.exit(1)


class Session:
    """The TLS side."""

    def __init__(self, args, old, new, secret=True):
        self.master = os.urandom(48)
        headers = []
        if secret:
            headers.append(f"X-DTLS-Master-Secret: {self.master.hex().upper()}")
        if old != "-":
            headers.append(f"X-DTLS-CipherSuite: {old}")
        if new != "-":
            headers.append(f"X-DTLS12-CipherSuite: {new}")
        self.client = Client(SERVER, None, args.ca)
        self.answer = self.client.connect(args.cookie, headers)
        if self.answer.status != 200:
            fail(f"CONNECT: {self.answer.status} {self.answer.one('X-Reason')}")

    def lines(self):
        return [(k, v) for k, v in self.answer.headers if k.startswith("X-DTLS")]


class Relay:
    """Between the client's program and the server. What the client sends is kept."""

    def __init__(self, lossy=False):
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", 0))
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.connect((SERVER, UDP_PORT))
        self.sent, self.lossy, self.lost, self.held, self.peer = [], lossy, False, None, None
        threading.Thread(target=self.run, daemon=True).start()

    def port(self):
        return self.near.getsockname()[1]

    def run(self):
        while True:
            ready, _, _ = select.select([self.near, self.far], [], [], 0.05)
            if self.near in ready:
                data, self.peer = self.near.recvfrom(65536)
                self.sent.append(data)
                self.up(data)
            elif self.held is not None:
                self.far.send(self.held)
                self.held = None
            if self.far in ready:
                try:
                    self.near.sendto(self.far.recv(65536), self.peer)
                except ConnectionError:
                    pass

    def up(self, data):
        if not self.lossy:
            self.far.send(data)
            return
        if not self.lost and data[0] in (CCS, HANDSHAKE) and (data[0] == CCS or data[3:5] == b"\0\1"):
            self.lost = True
            return
        if self.held is None:
            self.held = data  # the next one overtakes it
            return
        for one in (data, self.held, data, self.held):
            self.far.send(one)
        self.held = None


class Peer:
    """The client's program."""

    def __init__(self, args, session, relay=None):
        ident = session.answer.one("X-DTLS-Session-ID")
        to = ["127.0.0.1", str(relay.port())] if relay else [SERVER, str(UDP_PORT)]
        self.process = subprocess.Popen([args.program, *to, args.suite, args.version, session.master.hex(), ident],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.up = self.line()
        if not self.up.startswith("up "):
            fail(f"{os.path.basename(args.program)}: {self.up or 'no answer'}")

    def line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        return self.process.stdout.readline().strip() if ready else ""

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def echo(self, n, when):
        got = self.say(f"echo {n}")
        if got != f"ok {n}":
            fail(f"echo of {n} bytes {when}: {got}")

    def close(self):
        self.process.kill()
        self.process.wait()


def connect(args, relay=None):
    is_old = args.version == "0.9"
    is_openconnect = args.name.startswith("OC-")
    session = Session(args, args.name if is_old or is_openconnect else "-", "-" if is_old or is_openconnect else args.name)
    mine, other = "X-DTLS12-CipherSuite", "X-DTLS-CipherSuite"
    if is_old or is_openconnect:
        mine, other = other, mine
    if session.answer.all(mine) != [args.name] or session.answer.all(other):
        fail(f"the answer's suite: {session.lines()}")
    if len(session.answer.one("X-DTLS-Session-ID")) != 64 or session.answer.one("X-DTLS-App-ID"):
        fail(f"the answer's session id: {session.lines()}")
    args.suite = {"OC-DTLS1_2-AES128-GCM": "AES128-GCM-SHA256",
                  "OC-DTLS1_2-AES256-GCM": "AES256-GCM-SHA384"}.get(args.name, args.name)
    return session, Peer(args, session, relay)


def offer(args):
    session = Session(args, args.list, args.list12, not args.no_secret)
    for name, value in session.lines():
        print(f"{name}: {value}")
    session.client.bye()


def traffic(session, peer, when):
    for n in (0, 1, 15, 16, 17, 100, 576, int(session.answer.one("X-DTLS-MTU"))):
        peer.echo(n, when)
    if not session.client.dpd():
        fail(f"no echo over TLS {when}")


def run_peer(args, relay=None):
    session, peer = connect(args, relay)
    traffic(session, peer, "after the handshake")
    print(peer.up)
    peer.close()
    session.client.bye()


def lossy(args):
    relay = Relay(lossy=True)
    session, peer = connect(args, relay)
    for _ in range(50):  # the client is done when it has sent; the relay comes after
        if relay.lost:
            break
        time.sleep(0.1)
    else:
        fail("nothing was lost")
    relay.lossy = False
    traffic(session, peer, "after a handshake with losses")
    print(peer.up)
    peer.close()
    session.client.bye()


def is_hello(data):
    return data[0] == HANDSHAKE and data[3:5] == b"\0\0" and data[13] == 1


def with_cookie(hello, cookie):
    """hello, which has no cookie, again as RFC 6347 wants it."""
    at = 13 + 12 + 2 + 32 + 1 + 32
    body = hello[25:at] + bytes([len(cookie)]) + cookie + hello[at + 1:]
    length = len(body).to_bytes(3, "big")
    message = b"\1" + length + b"\0\1" + b"\0\0\0" + length + body
    return hello[:5] + (1).to_bytes(6, "big") + len(message).to_bytes(2, "big") + message


def occupy(first, log):
    """Another client that knows the id: it gets our flight after the cookie, and leaves it at that."""
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.settimeout(3)
    stranger.connect((SERVER, UDP_PORT))
    mine = bytearray(first)
    mine[27:59] = os.urandom(32)
    stranger.send(bytes(mine))
    verify = stranger.recv(2048)
    if verify[13] != 3:
        fail(f"no HelloVerifyRequest for a stranger: {verify.hex()}")
    if len(verify) >= len(first):
        fail("the answer to a hello without cookie is longer than the hello")
    stranger.send(with_cookie(bytes(mine), verify[28:28 + verify[27]]))
    flight = stranger.recv(2048)
    if flight[13] != 2:
        fail(f"no ServerHello for a stranger with a cookie: {flight.hex()}")
    log.append("a stranger's handshake has begun")
    return stranger


def hostile(args):
    relay = Relay()
    session, peer = connect(args, relay)
    traffic(session, peer, "at first")
    time.sleep(3.2)  # the gap between two handshakes is over: a replay could begin one
    flights = list(relay.sent)
    hellos = [d for d in flights if is_hello(d)]
    if len(hellos) < 2:
        fail("no hello with a cookie was seen")
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elsewhere.connect((SERVER, UDP_PORT))
    log = []
    for name, way in (("its own", relay.far), ("another", elsewhere)):
        for data in flights[:4]:
            way.send(data)
        peer.echo(200, f"after a replayed handshake from {name} address")
        for hello in hellos[:2]:
            for cut in range(0, len(hello), 3):
                way.send(hello[:cut] if cut else b"\x16")
        peer.echo(201, f"after cut hellos from {name} address")
        for at in range(13, len(hellos[1])):
            changed = bytearray(hellos[1])
            changed[at] ^= 0x41
            way.send(bytes(changed))
        peer.echo(202, f"after changed hellos from {name} address")
        for data in reversed(flights):
            way.send(data)
        peer.echo(203, f"after everything again, backwards, from {name} address")
    stranger = occupy(hellos[0], log)
    peer.echo(204, "beside the handshake of a stranger")
    stranger.send(flights[2] if len(flights) > 2 else b"\x14")
    peer.echo(205, "after a foreign Finished")
    traffic(session, peer, "at last")
    print(peer.up)
    peer.close()
    session.client.bye()


def again(args):
    session, peer = connect(args)
    traffic(session, peer, "at first")
    time.sleep(3.2)
    second = peer.say("again")
    if second != peer.up:
        fail(f"the second handshake: {second}")
    traffic(session, peer, "after the second handshake")
    print(second)
    peer.close()
    session.client.bye()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca")
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("offer")
    p.add_argument("cookie")
    p.add_argument("list")
    p.add_argument("list12")
    p.add_argument("--no-secret", action="store_true")
    for name in ("peer", "lossy", "hostile", "again"):
        p = commands.add_parser(name)
        for argument in ("cookie", "program", "name", "version"):
            p.add_argument(argument)
    args = parser.parse_args()
    {"offer": offer, "peer": run_peer, "lossy": lossy, "hostile": hostile, "again": again}[args.command](args)


if __name__ == "__main__":
    main()
