#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn.py - a small client of the protocol, for what openconnect does not show: statuses, cookies, raw frames.

    vpn.py [--ca FILE] [--to ADDRESS] [--from ADDRESS] COMMAND
      login USER PASSWORD...   one try a password on one connection; a line a try: "200 form", "200 COOKIE" or "401"
      connect COOKIE [--hold]  a line: status and reason; an open tunnel is left with a goodbye, with --hold at the end
                               of standard input
      vanish COOKIE            as connect, but the connection is dropped without a goodbye

Only Python's own modules. badinput.py builds on the classes.
"""
import argparse
import re
import socket
import ssl
import struct
import sys

PORT = 443
MAGIC = b"STF\x01"
DATA, DPD_REQ, DPD_RESP, DISCONNECT, KEEPALIVE = 0, 3, 4, 5, 7
AGENT = "Open AnyConnect VPN Agent v9.01"


class Closed(Exception):
    """The server has closed the connection."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def one(self, name):
        return (self.all(name) or [""])[-1]

    def cookie(self, name):
        for line in self.all("Set-Cookie"):
            key, _, value = line.split(";")[0].partition("=")
            if key.strip() == name and value:
                return value
        return ""


class Client:
    """One TLS connection."""

    def __init__(self, to, source=None, ca=None, timeout=20, tls=True):
        self.buffer = b""
        address = (source, 0) if source else None
        self.tcp = self.sock = socket.create_connection((to, PORT), timeout, source_address=address)
        if tls:
            context = ssl.create_default_context(cafile=ca)
            context.check_hostname = ca is not None
            if ca is None:
                context.verify_mode = ssl.CERT_NONE
            self.tcp = self.sock = context.wrap_socket(self.tcp, server_hostname=to, suppress_ragged_eofs=True)

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def more(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as e:
            raise Closed(str(e)) from e
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def answer(self, has_body=True):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ")
        if version != "HTTP/1.1":
            raise ValueError(f"no answer of HTTP/1.1: {lines[0]!r}")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        answer = Answer(int(status), headers, b"")
        length = answer.one("Content-Length")
        if has_body and length:
            answer.body = self.take(int(length))
        return answer

    def request(self, method, path, body=None, headers=()):
        lines = [f"{method} {path} HTTP/1.1", "Host: vpn.example.test", f"User-Agent: {AGENT}", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    # {{ login }}

    path = "/"

    def init(self):
        self.post_xml('<config-auth client="vpn" type="init"><version who="vpn">v9.01</version>'
                      f"<device-id>linux-64</device-id><group-access>https://{self.tcp.getpeername()[0]}/</group-access>"
                      "</config-auth>")
        return self.answer()

    def post_xml(self, text, cookie=""):
        headers = ["X-Transcend-Version: 1", "X-Aggregate-Auth: 1", "Content-Type: application/xml; charset=utf-8"]
        if cookie:
            headers.append(f"Cookie: webvpncontext={cookie}")
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
        self.request("POST", self.path, body, headers)

    def reply(self, fields, last):
        """Fill the form that came last, as a client does: the fields it asks for, its cookie and its opaque."""
        text = last.body.decode()
        opaque = re.search(r"<opaque.*?</opaque>", text, re.S)
        asked = re.findall(r'<input[^>]*name="(\w+)"', text)
        auth = "".join(f"<{name}>{fields[name]}</{name}>" for name in asked if name in fields)
        self.post_xml('<config-auth client="vpn" type="auth-reply"><version who="vpn">v9.01</version>'
                      f"<device-id>linux-64</device-id>{opaque.group(0) if opaque else ''}<auth>{auth}</auth></config-auth>",
                      last.cookie("webvpncontext") or self.context)
        self.context = last.cookie("webvpncontext") or self.context
        answer = self.answer()
        if answer.status == 200 and "password" in re.findall(r'name="(\w+)"', answer.body.decode()) and "password" not in asked:
            return self.reply(fields, answer)  # user first, password in a second form
        return answer

    context = ""

    def login(self, user, passwords):
        """One answer a password, and the cookie of the last or ''."""
        answers = []
        last = self.init()
        for password in passwords:
            last = self.reply({"username": user, "password": password}, last)
            answers.append(last)
            if last.status != 200 or last.cookie("webvpn"):
                break
        return answers, last.cookie("webvpn")

    # {{ tunnel }}

    def connect(self, cookie, headers=()):
        cookie = cookie.split("webvpn=")[-1]  # openconnect prints its STRAP key before it
        self.request("CONNECT", "/CSCOSSLC/tunnel", None,
                     [f"Cookie: webvpn={cookie}", "X-CSTP-Version: 1", "X-CSTP-Hostname: tester", "X-CSTP-MTU: 1300",
                      "X-CSTP-Base-MTU: 1406", "X-CSTP-Address-Type: IPv6,IPv4", "X-CSTP-Full-IPv6-Capability: true", *headers])
        return self.answer(has_body=False)

    def send_frame(self, kind, payload=b""):
        self.send(frame(kind, payload))

    def receive_frame(self):
        head = self.take(8)
        if head[:4] != MAGIC or head[7] != 0:
            raise ValueError(f"no frame: {head!r}")
        return head[6], self.take(struct.unpack(">H", head[4:6])[0])

    def dpd(self, payload=b"are you there"):
        """Ask and wait for the echo; other frames are dropped."""
        self.send_frame(DPD_REQ, payload)
        while True:
            kind, got = self.receive_frame()
            if kind == DPD_RESP:
                return got == payload

    def bye(self):
        self.send_frame(DISCONNECT, b"\xb0bye")
        try:
            self.sock.unwrap()
        except (OSError, ssl.SSLError):
            pass
        self.close()


def frame(kind, payload=b"", length=None):
    return MAGIC + struct.pack(">HBB", len(payload) if length is None else length, kind, 0) + payload


def login(args):
    client = Client(args.to, args.source, args.ca)
    try:
        answers, cookie = client.login(args.user, args.passwords)
    except Closed as e:
        print(f"closed: {e}")
        return
    for answer in answers:
        got = answer.cookie("webvpn")
        print(answer.status, got or ("form" if b"<form" in answer.body else ""))
    client.close()


def connect(args):
    client = Client(args.to, args.source, args.ca)
    try:
        answer = client.connect(args.cookie)
    except Closed as e:
        print(f"closed: {e}")
        return
    print(answer.status, answer.one("X-CSTP-Address") if answer.status == 200 else answer.one("X-Reason"), flush=True)
    if answer.status == 200 and args.command == "connect":
        if args.hold:
            sys.stdin.read()
        client.bye()
    else:
        client.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--from", dest="source")
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("login")
    p.add_argument("user")
    p.add_argument("passwords", nargs="+")
    for name in ("connect", "vanish"):
        p = commands.add_parser(name)
        p.add_argument("cookie")
        p.add_argument("--hold", action="store_true")
    args = parser.parse_args()
    (login if args.command == "login" else connect)(args)


if __name__ == "__main__":
    main()
