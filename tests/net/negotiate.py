#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""negotiate.py - logins with tokens of HTTP Negotiate

    negotiate.py [--ca FILE] [--service NAME@HOST] [--mech spnego|krb5] [--save FILE] [--get] [--legs] [TOKEN...]

Without a TOKEN one is made with the credentials of KRB5CCNAME.  A TOKEN is "@FILE" (saved by --save), "hex:BYTES", "text:WORDS" (what
stands behind "Negotiate ") or "none".  Each is sent on a connection of its own; a line each: "OK COOKIE user-token|bare", "401 offer",
"401", the status, "closed".  --save writes the token and sends nothing.  --legs begins without a ticket, so
that the server has to ask for one; the second part comes on another connection, with the cookie.
"""
import argparse
import base64
import sys

import vpn

INIT = ('<config-auth client="vpn" type="init"><version who="vpn">v9.01</version><device-id>linux-64</device-id>'
        "<group-access>https://vpn.example.test/</group-access></config-auth>")


def make(service, mech):
    import gssapi  # pylint: disable=import-outside-toplevel
    oids = {"spnego": "1.3.6.1.5.5.2", "krb5": "1.2.840.113554.1.2.2"}
    name = gssapi.Name(service, gssapi.NameType.hostbased_service)
    context = gssapi.SecurityContext(name=name, usage="initiate", mech=gssapi.OID.from_int_seq(oids[mech]))
    return context, context.step()


def der(tag, body):
    n = len(body)
    length = bytes([n]) if n < 128 else bytes([0x82]) + n.to_bytes(2, "big")
    return bytes([tag]) + length + body


def in_legs(args):
    krb5 = bytes.fromhex("06092a864886f712010202")
    init = der(0xA0, der(0x30, der(0xA0, der(0x30, krb5))))  # NegTokenInit of RFC 4178, with mechanisms alone
    first = vpn.Client(args.to, ca=args.ca)
    text = base64.b64encode(der(0x60, bytes.fromhex("06062b0601050502") + init)).decode()
    first.request("POST", "/", INIT.encode(), ["X-Aggregate-Auth: 1", "Content-Type: application/xml", "Authorization: Negotiate " + text])
    answer = first.answer()
    cookie = answer.cookie("webvpncontext")
    offer = answer.one("WWW-Authenticate")
    if answer.status != 401 or not offer.startswith("Negotiate o") or not cookie:
        return f"{answer.status} {offer} cookie={cookie}"
    first.close()
    _, token = make(args.service, "krb5")
    text = base64.b64encode(der(0xA1, der(0x30, der(0xA2, der(4, token))))).decode()
    return send(args, text, None, [f"Cookie: webvpncontext={cookie}"])


def send(args, token, context=None, more=()):
    client = vpn.Client(args.to, ca=args.ca)
    headers = ["X-Transcend-Version: 1", "X-Aggregate-Auth: 1", "X-Support-HTTP-Auth: true", *more]
    if token is not None:
        headers.append("Authorization: Negotiate " + token)
    try:
        if args.get:
            client.request("GET", "/", None, headers)
        else:
            client.request("POST", "/", INIT.encode(), [*headers, "Content-Type: application/xml"])
        answer = client.answer()
    except (vpn.Closed, ConnectionError):
        return "closed"
    offers = answer.all("WWW-Authenticate")
    if answer.cookie("webvpn"):
        said = "bare"
        if context is not None and offers:  # the server must prove itself, too
            context.step(base64.b64decode(offers[0].split(" ")[1]))
            said = "mutual" if context.complete else "half"
        return f"OK {answer.cookie('webvpn')} {said}"
    if answer.status == 401 and offers == ["Negotiate"]:
        return "401 offer" + ("" if answer.one("X-HTTP-Auth-Support") == "fallback" else " without fallback")
    return str(answer.status)


def read(word):
    kind, _, text = word.partition(":")
    if word == "none":
        return None
    if word.startswith("@"):
        with open(word[1:], encoding="ascii") as f:
            return f.read()
    return base64.b64encode(bytes.fromhex(text)).decode() if kind == "hex" else text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--service", default="HTTP@vpn.example.test")
    parser.add_argument("--mech", default="spnego")
    parser.add_argument("--save")
    parser.add_argument("--get", action="store_true")
    parser.add_argument("--legs", action="store_true")
    parser.add_argument("tokens", nargs="*")
    args = parser.parse_args()
    for word in args.tokens:
        print(send(args, read(word)), flush=True)
    if args.tokens:
        return
    if args.legs:
        print(in_legs(args), flush=True)
        return
    context, token = make(args.service, args.mech)
    text = base64.b64encode(token).decode()
    if args.save:
        with open(args.save, "w", encoding="ascii") as f:
            f.write(text)
    else:
        print(send(args, text, context), flush=True)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
