# SPDX-License-Identifier: GPL-3.0-or-later
"""manners.py - one dialogue, told in many ways: none of it may change what the server answers.

A manner is a function over the request (its parts are changed in place; True: something was changed) or settings of the
connection. The dialogues are written in the plain manner.
"""
import random
import re
import ssl

XML_TYPE, FORM_TYPE = "application/xml; charset=utf-8", "application/x-www-form-urlencoded"


class Request:
    def __init__(self, start, fields, body):
        self.method, self.target, self.version = start.split(" ")
        self.fields, self.body = fields, body  # [[name, value]], text

    def is_xml(self):
        return self.body.startswith("<")

    def is_form(self):
        return self.method == "POST" and not self.is_xml()

    def drop(self, name):
        before = len(self.fields)
        self.fields = [f for f in self.fields if f[0].lower() != name.lower()]
        return len(self.fields) < before

    def put(self, name, value):
        self.drop(name)
        self.fields.append([name, value])


def reverse(r):
    r.fields.reverse()
    return len(r.fields) > 1


def shuffle(r):
    random.Random(len(r.fields)).shuffle(r.fields)  # the same in each run
    return len(r.fields) > 1


def lower_names(r):
    for f in r.fields:
        f[0] = f[0].lower()
    return True


def space(r):
    """White space of RFC 9110 around values; a length may have blanks only, says the parser of Debian."""
    for n, f in enumerate(r.fields):
        if f[0] == "Content-Length":
            f[1] = f"  {f[1]} "
            continue
        f[1] = ("", "\t", "   ")[n % 3] + f[1] + ("  ", "", "\t")[n % 3]
    r.tight = True
    return True


def close(r):
    if r.method == "CONNECT":
        return False
    r.put("Connection", "close")
    return True


def query(r):
    if "?" in r.target:
        return False
    r.target += "?reconnect=1&a=%2f"
    return True


def pad(r):
    r.fields.insert(1, ["X-Pad", "0" * 61])
    return r.method == "POST"


def untype(r):
    return r.drop("Content-Type")


def lie(r):
    if r.method != "POST":
        return False
    r.put("Content-Type", FORM_TYPE if r.is_xml() else XML_TYPE)
    return True


def lie_worse(r):
    if r.method != "POST":
        return False
    r.put("Content-Type", "multipart/form-data; boundary=x")
    return True


def break_prolog(r):
    """As seen in the wild: a colon for the equals sign, no line feeds."""
    if not r.body.startswith("<?xml"):
        return False
    r.body = r.body.replace("<?xml version=", "<?xml version: ").replace("\n", "")
    return True


def no_prolog(r):
    if not r.body.startswith("<?xml"):
        return False
    r.body = "\r\n" + r.body.partition("?>")[2]
    return True


def shout(r):
    """Names of elements in capitals; those inside of <opaque> are the server's own."""
    if not r.is_xml():
        return False
    r.body = re.sub(r"(?s)(<opaque.*?</opaque>)|<(/?[a-z-]+)",
                    lambda m: m[1] or "<" + m[2].upper(), r.body)
    return True


def entities(r):
    """Each character of the answers as a numeric entity, decimal and hexadecimal in turn."""
    def one(m):
        return f">{''.join(('&#%d;' if n % 2 else '&#x%x;') % ord(c) for n, c in enumerate(m[1]))}<"
    before = r.body
    if r.is_xml():
        r.body = re.sub(r"(?<=username)>([^<&]+)<|(?<=password)>([^<&]+)<", lambda m: one([0, m[1] or m[2]]), r.body)
    return r.body != before


def encode_names(r):
    """group_list as group%5flist, and each third letter."""
    if not r.is_form() or not r.body:
        return False
    pairs = []
    for pair in r.body.split("&"):
        name, equals, value = pair.partition("=")
        pairs.append("".join(f"%{ord(c):02x}" if n % 3 == 2 or c == "_" else c for n, c in enumerate(name)) + equals + value)
    r.body = "&".join(pairs)
    return True


def chunk(r):
    if r.method != "POST" or not r.body:
        return False
    r.drop("Content-Length")
    r.put("Transfer-Encoding", "chunked")
    r.chunks = (1, 17, 5, 64)
    return True


ODD = (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)

# name: (what changes the request, settings of the connection)
MANNERS = {
    "plain": (None, {}),
    "tls12": (None, {"version": ssl.TLSVersion.TLSv1_2}),
    "tls13": (None, {"version": ssl.TLSVersion.TLSv1_3}),
    "resumed12": (None, {"version": ssl.TLSVersion.TLSv1_2, "resume": True}),
    "resumed13": (None, {"version": ssl.TLSVersion.TLSv1_3, "resume": True}),
    "ip6": (None, {"ip6": True}),
    "segments-of-1": (None, {"segments": (1,)}),
    "segments-odd": (None, {"segments": ODD}),
    "records-of-1": (None, {"records": (1,)}),
    "records-odd": (None, {"records": ODD, "segments": (4, 3, 1)}),
    "reversed": (reverse, {}),
    "shuffled": (shuffle, {}),
    "lower-case": (lower_names, {}),
    "spaced": (space, {}),
    "closing": (close, {"one_request": True}),
    "query": (query, {}),
    "padded": (pad, {}),
    "untyped": (untype, {}),
    "wrong-type": (lie, {}),
    "odd-type": (lie_worse, {}),
    "broken-prolog": (break_prolog, {}),
    "no-prolog": (no_prolog, {}),
    "upper-elements": (shout, {}),
    "entities": (entities, {}),
    "encoded-names": (encode_names, {}),
    "chunked": (chunk, {}),
}


def serialize(r):
    body = r.body.encode()
    colon = ":" if getattr(r, "tight", False) else ": "
    if getattr(r, "chunks", None):
        pieces, at, n = [], 0, 0
        while at < len(body):
            piece = body[at:at + r.chunks[n % len(r.chunks)]]
            pieces.append(b"%x\r\n%s\r\n" % (len(piece), piece))
            at, n = at + len(piece), n + 1
        body = b"".join(pieces) + b"0\r\n\r\n"
    lines = [f"{r.method} {r.target} {r.version}"] + [f"{name}{colon}{value}" for name, value in r.fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
