#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dialog.py - a login of several steps: each argument answers the form that came last

    dialog.py [--ca FILE] [--to ADDRESS] [--group NAME] [--pause SECONDS] USER ANSWER...

A line an answer of the server: "OK COOKIE", "ASK label | message", "FORM message" (name and password are asked for, from the
beginning), "401", "503", "closed". At the first that is no form, or when the answers are used up, it ends.
"""
import argparse
import re
import sys
import time
from html import unescape
from xml.sax.saxutils import escape

import vpn


def text_of(tag, body):
    found = re.search(rf"<{tag}\b[^>]*>(.*?)</{tag}>", body, re.S)
    return " ".join(unescape(found.group(1)).split()) if found else ""


def describe(answer):
    body = answer.body.decode()
    if answer.cookie("webvpn"):
        return "OK " + answer.cookie("webvpn")
    if answer.status != 200:
        return str(answer.status)
    inputs = re.findall(r"<input[^>]*>", body)
    said = f"{text_of('message', body)} {text_of('error', body)}".strip()
    if not inputs:
        return f"END {said}"
    if any('name="username"' in i for i in inputs):
        return f"FORM {said}"
    label = re.search(r'label="([^"]*)"', inputs[0])
    return f"ASK {unescape(label.group(1)) if label else ''} | {said}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--group")
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("user")
    parser.add_argument("answers", nargs="+")
    args = parser.parse_args()
    client = vpn.Client(args.to, ca=args.ca, timeout=100)
    last = client.init()
    for n, answer in enumerate(args.answers):
        if n:
            time.sleep(args.pause)
        fields = {"username": escape(args.user)}
        for name in ("password", "secondary_password", "answer"):
            fields[name] = escape(answer)
        text = last.body.decode()
        for name in re.findall(r'<input[^>]*name="(\w+)"', text):
            fields.setdefault(name, escape(answer))
        if args.group and "group_list" in text:
            fields["group_list"] = escape(args.group)
        try:
            opaque = re.search(r"<opaque.*?</opaque>", text, re.S)
            asked = re.findall(r'<(?:input|select)[^>]*name="(\w+)"', text)
            auth = "".join(f"<{name}>{fields[name]}</{name}>" for name in asked if name in fields)
            client.context = last.cookie("webvpncontext") or client.context
            group = f"<group-select>{escape(args.group)}</group-select>" if args.group else ""
            client.post_xml('<config-auth client="vpn" type="auth-reply"><version who="vpn">v9.01</version>'
                            f"<device-id>linux-64</device-id>{opaque.group(0) if opaque else ''}{group}"
                            f"<auth>{auth}</auth></config-auth>", client.context)
            last = client.answer()
        except vpn.Closed:
            print("closed")
            return
        said = describe(last)
        print(said, flush=True)
        if not said.startswith(("ASK", "FORM")):
            return


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
