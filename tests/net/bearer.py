#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bearer.py - logins with a token of the client

    bearer.py [--ca FILE] [--to ADDRESS] [--get] [--group NAME] [TOKEN...]   all on one connection; without one: none is brought

A line an answer of the server: "OK COOKIE USER?", "FORM", "401 WWW-Authenticate", or the status; "closed".
"""
import argparse
import sys
from xml.sax.saxutils import escape

import vpn


def describe(answer):
    if answer.cookie("webvpn"):
        return "OK " + answer.cookie("webvpn")
    if answer.status == 200:
        return "FORM" if "<input" in answer.body.decode() else "END"
    return f"{answer.status} {answer.one('WWW-Authenticate')}".strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--get", action="store_true")
    parser.add_argument("--group")
    parser.add_argument("tokens", nargs="*")
    args = parser.parse_args()
    client = vpn.Client(args.to, ca=args.ca, timeout=100)
    group = f"<group-select>{escape(args.group)}</group-select>" if args.group else ""
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="init"><version who="vpn">v5.1</version>'
            f"<device-id>win</device-id>{group}</config-auth>").encode()
    for token in args.tokens or [None]:
        headers = ["X-Transcend-Version: 1", "X-Aggregate-Auth: 1"]
        if token is not None:
            headers.append(f"Authorization: Bearer {token}")
        try:
            client.request("GET" if args.get else "POST", "/", None if args.get else body, headers)
            print(describe(client.answer()), flush=True)
        except vpn.Closed:
            print("closed")
            return


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
