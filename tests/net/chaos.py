# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that log in, transfer, leave and come back while the server and its keeper are killed (chaos.sh does that).

Each client is a thread with a user of its own. It demands:
  - a cookie that it was given is good until it says goodbye or it was not used for the time that the server promises;
  - the same cookie gets the same address, and nobody has an address that belongs to the cookie of another;
  - a tunnel ends only by the client, or when the server was killed: a dead keeper cuts none.
What it has sent and received in each connection goes to a file, for the comparison with the accounting of the server.
"""
import argparse
import json
import random
import socket
import struct
import sys
import threading
import time

import vpn

DATA, BYE = 0, 5


def now_ms():
    return time.monotonic_ns() // 10**6


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(src, dst, number, size):
    """An ICMP echo request of this many bytes, IPv4 header included; size is even."""
    body = struct.pack(">BBHHH", 8, 0, 0, 7, number & 0xFFFF) + bytes(size - 28)
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, number & 0xFFFF, 0, 64, 1, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


class World:
    """What all clients share."""

    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.end = time.monotonic() + args.seconds
        self.holder = {}       # address -> cookie that it belongs to
        self.connections = []
        self.wrong = []
        self.logins = self.returns = self.cuts = 0

    def is_over(self):
        return time.monotonic() > self.end or self.logins >= self.args.logins

    def complain(self, text):
        with self.lock:
            self.wrong.append(f"{now_ms()} {text}")

    def take(self, address, cookie, user):
        with self.lock:
            other = self.holder.get(address)
            self.holder[address] = cookie
        if other not in (None, cookie):
            self.complain(f"{user}: {address} was given twice")

    def give(self, address):
        with self.lock:
            self.holder.pop(address, None)


class Runner(threading.Thread):
    def __init__(self, world, index, seed):
        super().__init__(daemon=True)
        self.world, self.user = world, f"c{index:02d}"
        self.chance = random.Random(seed)
        self.cookie = self.address = None

    def client(self):
        return vpn.Client(self.world.args.to, ca=self.world.args.ca, timeout=15)

    def login(self):
        """A cookie, or None: the server is away."""
        try:
            client = self.client()
            answers, cookie = client.login(self.user, [self.world.args.password])
            client.close()
        except (OSError, vpn.Closed, AttributeError, ValueError):
            return None
        if not cookie and answers and answers[-1].status == 200 and b"<form" in answers[-1].body:
            self.world.complain(f"{self.user}: the right password was refused")
        return cookie or None

    def connect(self):
        """An open tunnel; None: try again. A cookie that is refused is lost."""
        try:
            client = self.client()
            answer = client.connect(self.cookie)
        except (OSError, vpn.Closed, ValueError):
            return None
        if answer.status == 200:
            return client, answer
        client.close()
        if answer.status == 401:
            self.world.complain(f"{self.user}: its cookie is lost: {answer.one('X-Reason')}")
            self.forget()
        return None

    def forget(self):
        if self.address:
            self.world.give(self.address)
        self.cookie = self.address = None

    def note_address(self, answer):
        address = answer.one("X-CSTP-Address")
        if self.address not in (None, address):
            self.world.complain(f"{self.user}: the cookie had {self.address} and now has {address}")
        self.address = address
        self.world.take(address, self.cookie, self.user)

    def transfer(self, client, row):
        """Echo requests and all their replies, some at a time."""
        for number in range(self.chance.randrange(1, 25)):
            size = 2 * self.chance.randrange(20, 500)
            client.send_frame(DATA, echo(self.address, self.world.args.gateway, number, size))
            row["sent"] += size
            while True:
                kind, payload = client.receive_frame()
                if kind == DATA:
                    row["got"] += len(payload)
                    if payload[9] == 1 and payload[20] == 0:
                        break
            if self.chance.random() < 0.2:
                time.sleep(self.chance.random() * 0.05)

    def leave(self, client, row):
        """Goodbye: afterwards the cookie is nobody's any more. What still comes is counted."""
        row["end"] = "bye"
        self.forget()
        client.send_frame(BYE, b"\xb0bye")
        row["bye_ms"] = now_ms()
        try:
            while True:
                kind, payload = client.receive_frame()
                row["got"] += len(payload) if kind == DATA else 0
        except (OSError, vpn.Closed, ValueError):
            pass
        client.close()

    def vanish(self, client, row):
        row["end"] = "vanished"
        client.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def one_connection(self):
        opened = self.connect()
        if opened is None:
            time.sleep(0.05 + self.chance.random() * 0.1)
            return
        client, answer = opened
        row = {"user": self.user, "since_ms": now_ms(), "sent": 0, "got": 0, "end": "cut"}
        self.note_address(answer)
        try:
            self.transfer(client, row)
            (self.leave if self.chance.random() < 0.6 else self.vanish)(client, row)
        except (OSError, vpn.Closed, ValueError, struct.error) as e:
            row["why"] = repr(e)
            client.close()
        row["until_ms"] = now_ms()
        with self.world.lock:
            self.world.connections.append(row)
            self.world.cuts += row["end"] == "cut"
            self.world.returns += row["end"] != "bye"

    def run(self):
        while not self.world.is_over():
            if self.cookie is None:
                self.cookie = self.login()
                with self.world.lock:
                    self.world.logins += self.cookie is not None
                if self.cookie is None:
                    time.sleep(0.05 + self.chance.random() * 0.1)
                continue
            self.one_connection()
        # each that still has a cookie comes back a last time, when nobody is killed any more
        end = time.monotonic() + 30
        while self.world.args.done.is_set() is False and time.monotonic() < end:
            time.sleep(0.05)
        while self.cookie is not None and time.monotonic() < end:
            self.one_connection()
        if self.cookie is not None:
            self.world.complain(f"{self.user}: does not come back")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--ca")
    parser.add_argument("--password")
    parser.add_argument("--gateway", default="10.77.0.1")
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--logins", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    args.done = threading.Event()
    world = World(args)
    runners = [Runner(world, i, args.seed + i) for i in range(args.clients)]
    for r in runners:
        r.start()
    while not world.is_over():
        time.sleep(0.05)
    print("enough", flush=True)
    sys.stdin.readline()  # the killing has ended
    args.done.set()
    for r in runners:
        r.join(60)
        if r.is_alive():
            world.complain(f"{r.user}: hangs")
    with open(args.out, "w") as f:
        json.dump({"logins": world.logins, "returns": world.returns, "cuts": world.cuts, "wrong": world.wrong,
                   "connections": world.connections}, f)


if __name__ == "__main__":
    main()
