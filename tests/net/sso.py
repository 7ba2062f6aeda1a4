#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sso.py - both ends of a sign-on: a client with a browser window of its own, and a browser that follows redirections

    sso.py --ca FILE browse URL                       as the browser of the system; the last address and status are printed
    sso.py --ca FILE login [--mode MODE] [--group G]  a whole login, a line a step:
        good      ends in "OK COOKIE"
        twice     the token is used a second time
        other     the token is used in another login
        guess     a token that nobody was given
        stolen    the way back from the provider in another browser than the one that began
        forged    the way back with a state that nobody was given
        again     the way back a second time
        restart   the browser begins twice; the second way counts
        old       a client that knows no browser
        reference a reference that nobody was given
"""
import argparse
import re
import secrets
import ssl
import sys
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import vpn


class Stop(urllib.request.HTTPRedirectHandler):
    """Follows by hand, so that each step can be seen."""

    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, ca):
        self.jar = CookieJar()
        context = ssl.create_default_context(cafile=ca)
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stop,
                                                  urllib.request.HTTPSHandler(context=context),
                                                  urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, url):
        """Status, address that follows, body."""
        # for browsers it is both loopback addresses; a file of hosts may know one only, and openconnect listens on this one
        url = url.replace("http://localhost:", "http://[::1]:", 1)
        try:
            answer = self.opener.open(url, timeout=100)
        except urllib.error.HTTPError as e:
            answer = e
        return answer.status, answer.headers.get("Location", ""), answer.read().decode("latin-1")

    def walk(self, url, end="", most=12):
        """Until an answer that leads nowhere, or the address that begins so."""
        for _ in range(most):
            if end and url.startswith(end):
                return None, url, ""
            status, to, body = self.get(url)
            if not to:
                return status, url, body
            url = to
        raise SystemExit("too many redirections")

    def cookie(self, name):
        return next((c.value for c in self.jar if c.name == name), "")


METHODS = "<auth-method>single-sign-on-v2</auth-method><auth-method>single-sign-on-external-browser</auth-method>"


class Client:
    def __init__(self, args):
        self.vpn, self.args = vpn.Client(args.to, ca=args.ca, timeout=100), args
        self.context, self.opaque = "", ""

    def post(self, kind, inner):
        methods = "" if self.args.mode == "old" else METHODS
        group = f"<group-select>{escape(self.args.group)}</group-select>" if self.args.group else ""
        self.vpn.path = f"/?{self.args.secret}" if self.args.secret else "/"
        self.vpn.post_xml(f'<config-auth client="vpn" type="{kind}"><version who="vpn">v5.1</version><device-id>win</device-id>'
                          f"<capabilities>{methods}</capabilities>{self.opaque}{group}{inner}</config-auth>", self.context)
        answer = self.vpn.answer()
        body = answer.body.decode()
        opaque = re.search(r"<opaque.*?</opaque>", body, re.S)
        self.opaque = opaque.group(0) if opaque else self.opaque
        self.context = answer.cookie("webvpncontext") or self.context
        return answer, body

    def begin(self):
        _, self.form = self.post("init", "")
        return 'type="sso"' in self.form

    def element(self, name):
        found = re.search(rf"<{name}>(.*?)</{name}>", self.form)
        return unescape(found.group(1)) if found else ""

    def end(self, token):
        answer, body = self.post("auth-reply", f"<auth><sso-token>{token}</sso-token></auth>")
        if answer.cookie("webvpn"):
            return "OK " + answer.cookie("webvpn")
        error = re.search(r"<error[^>]*>(.*?)</error>", body)
        kind = "SSO" if 'type="sso"' in body else "FORM" if "<input" in body else "END"
        return f"{answer.status} {kind} {error.group(1) if error else ''}".strip()


def visit(client, browser):
    """Through the provider and back; the token."""
    status, url, _ = browser.walk(client.element("sso-v2-login"))
    final = client.element("sso-v2-login-final")
    token = browser.cookie(client.element("sso-v2-token-cookie-name"))
    error = browser.cookie(client.element("sso-v2-error-cookie-name"))
    print(f"browser {status} {'final' if url == final else url.split('?')[0]} {'token' if token else error or 'nothing'}")
    return token


def to_callback(client, browser):
    """As far as the provider's answer: the address of the way back."""
    _, url, _ = browser.walk(client.element("sso-v2-login"), end=client.element("sso-v2-login-final").split("/+")[0] + "/sso/")
    return url


def way_back(mode, client, browser, args):
    url = to_callback(client, browser)
    if mode == "stolen":
        browser = Browser(args.ca)
    elif mode == "forged":
        url = re.sub(r"state=\w+", "state=" + secrets.token_hex(32), url)
    elif mode == "restart":
        to_callback(client, browser)
    elif mode == "again":
        browser.get(url)
    status, to, _ = browser.get(url)
    print(f"back {status} {urlsplit(to).path}".strip())


def login(args):
    client, browser = Client(args), Browser(args.ca)
    if not client.begin():
        error = re.search(r"<error[^>]*>(.*?)</error>", client.form)
        print("FORM" if "<input" in client.form else f"END {error.group(1) if error else ''}")
        return
    if args.mode in ("stolen", "forged", "again", "restart"):
        way_back(args.mode, client, browser, args)
    elif args.mode == "reference":
        url = re.sub(r"id=\w+", "id=" + secrets.token_hex(32), client.element("sso-v2-login"))
        print("browser", browser.get(url)[0])
    elif args.mode == "guess":
        visit(client, browser)
        print(client.end(secrets.token_hex(32)))
    else:
        token = visit(client, browser)
        if args.mode == "other":
            client = Client(args)
            client.begin()
        print(client.end(token))
        if args.mode == "twice":
            again = Client(args)
            again.opaque, again.context = client.opaque, client.context
            print(again.end(token))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("browse")
    one.add_argument("url")
    one = commands.add_parser("login")
    one.add_argument("--mode", default="good")
    one.add_argument("--group")
    one.add_argument("--secret", help="of camouflage")
    args = parser.parse_args()
    if args.command == "browse":
        status, url, _ = Browser(args.ca).walk(args.url)
        print(status, url)
    else:
        try:
            login(args)
        except vpn.Closed:
            print("closed")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
