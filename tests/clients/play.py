#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""play.py - plays the dialogues of dialogues/ against a server, as the client does, byte for byte.

    play.py --to ADDRESS --ca FILE --server NAME [options] [DIALOGUE...]

      --server NAME    the dialogues written for this configuration (see clients.sh)
      --manners LIST   "plain" (default), "all", or names of manners.py with commas
      --jobs N         so many dialogues at once (default 1); 0: all, for those that wait
      --compare        differences from what is written are listed and are no failure: for another server
      --verbose        a line for each check

Status 1: a check has failed; each prints what was checked, expected and got. Only Python's own modules.
"""
import argparse
import concurrent.futures
import glob
import os
import random
import re
import sys
import time

import dialogue
import manners
import match
import wire


class Stop(Exception):
    """The dialogue cannot go on."""


class Play:
    """One dialogue in one manner."""

    def __init__(self, talk, manner, options):
        self.talk, self.manner, self.options = talk, manner, options
        self.change, settings = manners.MANNERS[manner]
        self.settings = dict(settings)
        self.one_request = self.settings.pop("one_request", False)
        self.resume = self.settings.pop("resume", False)
        self.address = options.to6 if self.settings.pop("ip6", False) else options.to
        self.channels, self.jar, self.context, self.session = {}, {}, None, None
        self.checks = self.changed = 0
        self.failures, self.lines = [], []
        rng = random.Random(f"{talk.name} {manner}")
        self.known = {"host": f"[{self.address}]" if ":" in self.address else self.address, "user": options.user,
                      "password": options.password, "secret": rng.randbytes(48).hex().upper(), "opaque": "", "cookies": ""}

    # {{ checks }}

    def check(self, what, good, expected="", got=""):
        self.checks += 1
        text = f"{self.talk.name} ({self.manner}), {self.step.title}: {what}"
        if good:
            if self.options.verbose:
                self.lines.append(f"ok   {text}")
            return True
        self.failures.append(text)
        self.lines.append(f"{'differs' if self.options.compare else 'FAIL'} {text}\n       expected: {expected}\n       got:      {got}")
        return False

    def demand(self, what, good, expected="", got=""):
        if not self.check(what, good, expected, got):
            raise Stop(what)

    # {{ connections }}

    def open_channel(self, name):
        for c in self.channels.values():
            self.keep_session(c)
        c = wire.Channel(self.address, 443, self.options.ca, session=self.session, context=self.context, **self.settings)
        if self.resume:
            if self.session is not None:
                self.check("the TLS session is resumed", c.tls.session_reused, "resumed", "a full handshake")
            self.context = c.context
        self.known["cert_sha1"] = self.known.get("cert_sha1") or c.cert_sha1
        self.channels[name] = c
        return c

    def channel(self):
        return self.channels.get(self.step.connection) or self.open_channel(self.step.connection)

    def forget_channel(self):
        c = self.channels.pop(self.step.connection, None)
        if c is not None:
            self.keep_session(c)
            c.close()

    def keep_session(self, c):
        """TLS 1.3 tickets come after the handshake, so it is taken as late as possible."""
        if self.resume and c.tls.session is not None:
            self.session = c.tls.session

    # {{ HTTP }}

    def build(self, message):
        body = match.fill(message.text(), self.known)
        fields = []
        for line in message.fields:
            name, _, value = line.partition(":")
            value = match.fill(value.strip().replace("{length}", str(len(body.encode()))), self.known)
            if value or not line.rstrip().endswith("}"):  # a cookie that there is not is not sent
                fields.append([name, value])
        return manners.Request(match.fill(message.start, self.known), fields, body)

    def request(self, message):
        r = self.build(message)
        if self.change is not None and self.change(r):
            self.changed += 1
            for f in r.fields:  # the length of what is sent in the end
                if f[0].lower() == "content-length":
                    f[1] = f[1].replace(f[1].strip(), str(len(r.body.encode())))
        self.last_request = r
        self.channel().send(manners.serialize(r))

    def answer(self, message):
        c, is_tunnel = self.channel(), self.last_request.method == "CONNECT"
        start, fields, body = c.answer(not is_tunnel)
        for _ in range(3):  # one that asks for the user first and the password then
            if not (self.options.compare and "success" in message.text() and b"<form" in body):
                break
            self.take_cookies(fields)
            self.lines.append(f"differs {self.talk.name} ({self.manner}), {self.step.title}: asks again before it is content")
            self.last_request.drop("Cookie")
            self.last_request.put("Cookie", self.known["cookies"])
            c.send(manners.serialize(self.last_request))
            start, fields, body = c.answer(True)
        self.take_cookies(fields)
        self.check("status line", match.match(message.start, start, self.known), match.show(message.start, self.known), start)
        self.headers(self.expected_headers(message), fields)
        self.body(message, body.decode("utf-8", "replace"))
        if not is_tunnel and dict((n.lower(), v) for n, v in fields).get("connection", "").lower() == "close":
            self.check("the connection ends as announced", c.wait_end(5), "end of stream", "open")
            self.forget_channel()
        elif not start.startswith("HTTP/1.1 200") and is_tunnel:
            self.forget_channel()

    def take_cookies(self, fields):
        for name, value in fields:
            key, _, rest = value.split(";")[0].partition("=")
            if name.lower() == "set-cookie":
                self.jar.pop(key, None)
                if rest:
                    self.jar[key] = rest
        self.known["cookies"] = "; ".join(f"{k}={v}" for k, v in self.jar.items())

    def expected_headers(self, message):
        lines = [line.partition(":")[::2] for line in message.fields]
        if self.one_request and self.last_request.method != "CONNECT":
            lines = [(n, " close" if n == "Connection" else v) for n, v in lines]
        return [(n, v.strip()) for n, v in lines]

    def headers(self, expected, fields):
        """Each expected one is there, those of one name in this order, and no other."""
        left = list(fields)
        for name, value in expected:
            if name.startswith("not "):
                self.check(f"no header {name[4:]}", name[4:] not in dict(fields), "none", dict(fields).get(name[4:]))
                continue
            got = next((f for f in left if f[0] == name and match.match(value, f[1], dict(self.known))),
                       next((f for f in left if f[0] == name), None))
            if got is not None:
                left.remove(got)
                self.check(f"header {name}", match.match(value, got[1], self.known), match.show(value, self.known), got[1])
            else:
                self.check(f"header {name}", False, match.show(value, self.known), "none")
        for name, value in left:
            self.check(f"no header {name}", False, "none", value)

    def body(self, message, got):
        want = message.text()
        opaque = re.search(r"<opaque is-for=\"sg\">.*?</opaque>", got, re.S)
        if opaque:
            self.known["opaque"] = opaque[0]
        if not want.startswith("<?xml"):
            self.check("body", match.match(want, got, self.known), repr(match.show(want, self.known)), repr(got))
            return
        prolog = message.body[0]
        self.check("prolog of the document", got.startswith(prolog), prolog, got[:60])
        try:
            document = match.parse_xml(got)
        except match.ElementTree.ParseError as e:
            self.check("document", False, "XML", f"{e}: {got[:200]}")
            return
        match.compare_xml(match.parse_xml(want), document, self.known, self.check)

    # {{ what else a line may say }}

    def frame_out(self, name, text="", *rest):
        payload = match.fill(text, self.known)
        data = bytes.fromhex(payload[4:]) if payload.startswith("hex:") else payload.encode()
        self.channel().send_frame(name, data + " ".join(rest).encode())

    def frame_in(self, name, text=None):
        while True:
            kind, payload = self.channel().frame()
            if kind not in ("data", "keepalive") or kind == name:  # neighbours' chatter comes at any time
                break
        self.check(f"frame {name}", kind == name, name, kind)
        if text is not None:
            want = bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()
            self.check(f"payload of frame {name}", payload == want, want, payload)

    def closed(self, seconds="10"):
        c = self.channels.pop(self.step.connection)
        self.check("the server ends the connection", c.wait_end(float(seconds)), "end of stream", "open")
        c.close()

    def silent(self, seconds):
        c = self.channel()
        c.set_timeout(float(seconds))
        try:
            kind, payload = c.frame()
            while kind == "data":
                kind, payload = c.frame()
            self.check("nothing is answered", False, "silence", f"{kind} {payload[:40]!r}")
        except TimeoutError:
            self.check("nothing is answered", True)
        c.set_timeout(60)

    def wait(self, seconds):
        time.sleep(float(seconds))

    def ping(self, target, n):
        """n packets in one go, each in its frame; their replies, each in a record of its own."""
        c, n = self.channel(), int(n)
        source, payload = self.known["ip4"], bytes(range(200))
        for k in range(n):
            c.send_frame("data", wire.echo_request(source, target, k, payload))
        seen, others = set(), 0
        while len(seen) < n and others < 200:
            kind, packet = c.frame()
            k = wire.is_echo_reply(packet, source, target, payload) if kind == "data" else None
            others += k is None
            seen.add(k)
            seen.discard(None)
        self.check(f"{n} pings through the tunnel, one frame a record", len(seen) == n, n, len(seen))

    def drop(self):
        """The client vanishes."""
        self.channels.pop(self.step.connection).tcp.close()

    def same(self, a, b):
        self.check(f"{a} is {b}", self.known[a] == self.known[b], self.known[b], self.known[a])

    def differ(self, a, b):
        self.check(f"{a} is not {b}", self.known[a] != self.known[b], f"other than {self.known[b]}", self.known[a])

    # {{ all of it }}

    def run_step(self, step):
        self.step = step
        if step.fresh or (self.one_request and step.actions and step.actions[0][0] == ">" and step.connection == "main"):
            self.forget_channel()
        verbs = {">": self.request, "<": self.answer, "frame>": self.frame_out, "frame<": self.frame_in, "closed": self.closed,
                 "silent": self.silent, "wait": self.wait, "ping": self.ping, "drop": self.drop, "same": self.same,
                 "differ": self.differ}
        for verb, argument, at in step.actions:
            try:
                verbs[verb](*argument if isinstance(argument, list) else [argument])
            except (wire.Closed, wire.Odd, TimeoutError, OSError) as e:
                self.demand(f"'{verb}' of {at}", False, "no fault", f"{type(e).__name__}: {e}")
            except KeyError as e:
                self.demand(f"'{verb}' of {at}", False, "a value", e.args[0])

    def run(self):
        for name, value in self.talk.values.items():
            self.known[name] = match.fill(value, self.known)
        try:
            for step in self.talk.steps:
                self.run_step(step)
        except Stop:
            self.lines.append(f"     {self.talk.name} ({self.manner}) stops here")
        for c in self.channels.values():
            c.tcp.close()
        return self


def choose(options):
    here = os.path.dirname(os.path.abspath(__file__))
    talks = [dialogue.read(p) for p in sorted(glob.glob(os.path.join(here, "dialogues", "*.txt")))]
    names = options.dialogues
    unknown = set(names) - {t.name for t in talks}
    if unknown:
        sys.exit(f"no dialogue {', '.join(sorted(unknown))}")
    return [t for t in talks if (not names or t.name in names) and t.server == options.server]


def tell(play):
    if play.changed == 0 and play.change is not None:
        return True  # a manner that has nothing to change here
    for line in play.lines:
        print(line)
    if not play.failures:
        print(f"ok   {play.talk.name} ({play.manner}): {play.checks} checks in {len(play.talk.steps)} steps")
    elif play.options.compare:
        print(f"     {play.talk.name} ({play.manner}): {len(play.failures)} of {play.checks} differ")
    sys.stdout.flush()
    return not play.failures or play.options.compare


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True)
    parser.add_argument("--to6", default="::1")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--user", default="test")
    parser.add_argument("--password", required=True)
    parser.add_argument("--manners", default="plain")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("dialogues", nargs="*")
    options = parser.parse_args()
    talks = choose(options)
    if not talks:
        print(f"no dialogue that was chosen is for the server '{options.server}'")
        sys.exit(0 if options.dialogues else 1)
    which = list(manners.MANNERS) if options.manners == "all" else options.manners.split(",")
    plays = [Play(t, m, options) for t in talks for m in which]
    with concurrent.futures.ThreadPoolExecutor(options.jobs or len(plays)) as pool:
        results = [tell(p) for p in pool.map(Play.run, plays)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
