#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""certificate.py - the documents of a login by certificate, by a raw client.

    certificate.py --ca FILE --folder DIRECTORY alone|and|or

DIRECTORY has c-NAME.pem and c-NAME-key.pem. Exit status 1 and a line tell what was not as expected.
"""
import argparse
import re
import ssl
import socket
import sys

import vpn

FAILURE = "Certificate Validation Failure"
TO = "198.51.100.1"
PASSWORD = "correct horse"
args = None


def client(name=None):
    """A connection that shows this certificate."""
    c = vpn.Client.__new__(vpn.Client)
    c.buffer = b""
    context = ssl.create_default_context(cafile=args.ca)
    if name:
        context.load_cert_chain(f"{args.folder}/c-{name}.pem", f"{args.folder}/c-{name}-key.pem")
    tcp = socket.create_connection((TO, vpn.PORT), 60)
    c.tcp = c.sock = context.wrap_socket(tcp, server_hostname=TO, suppress_ragged_eofs=True)
    return c


def init(c, extra=""):
    c.post_xml(f'<config-auth client="vpn" type="init"><version who="vpn">v9.01</version>{extra}</config-auth>')
    return c.answer()


def reply(c, last, **fields):
    opaque = re.search(r"<opaque.*?</opaque>", last.body.decode(), re.S)
    auth = "".join(f"<{k}>{v}</{k}>" for k, v in fields.items())
    c.post_xml(f'<config-auth client="vpn" type="auth-reply"><version who="vpn">v9.01</version>'
               f"{opaque.group(0) if opaque else ''}<auth>{auth}</auth></config-auth>", last.cookie("webvpncontext"))
    return c.answer()


def holds(what, answer):
    if not what:
        raise AssertionError(f"{answer.status} {answer.headers} {answer.body.decode()}")


def is_failure(a):
    body = a.body.decode()
    holds(a.status == 200 and FAILURE in body and "<input" not in body and not a.cookie("webvpn"), a)


def is_request(a):
    body = a.body.decode()
    holds(a.status == 200 and "<client-cert-request>" in body and "<input" not in body, a)


def is_complete(a):
    holds(a.status == 200 and 'type="complete"' in a.body.decode() and a.cookie("webvpn"), a)


def alone():
    is_request(init(client()))
    is_failure(init(client(), "<client-cert-fail/>"))
    is_failure(init(client("late")))
    is_failure(init(client("nameless")))
    is_complete(init(client("test")))
    a = reply(client(), init(client(), "<client-cert-fail/>"), username="test", password=PASSWORD)
    is_failure(a)
    # the cookie is enough for the tunnel: Cisco's clients show no certificate there
    cookie = init(client("test")).cookie("webvpn")
    c = client()
    c.request("CONNECT", "/CSCOSSLC/tunnel", None, [f"Cookie: webvpn={cookie}", "X-CSTP-Version: 1", "X-CSTP-MTU: 1400",
                                                    "X-CSTP-Address-Type: IPv4", "X-CSTP-Hostname: x"])
    tunnel = c.answer(False)
    holds(tunnel.status == 200, tunnel)


def both():
    """certificate and password"""
    c = client("test")
    form = init(c)
    body = form.body.decode()
    holds("<cert-authenticated" in body and 'name="password"' in body and 'name="username"' not in body, form)
    is_complete(reply(c, form, password=PASSWORD))
    c = client("test")
    again = reply(c, init(c), password="wrong")
    holds(not again.cookie("webvpn") and "Login failed" in again.body.decode(), again)
    is_complete(reply(c, again, username="test", password=PASSWORD))
    c = client("test")
    is_failure(reply(c, init(c), username="other", password=PASSWORD))
    c = client("test")
    form = init(c)
    is_failure(reply(client(), form, username="other", password=PASSWORD))
    is_failure(reply(client(), form, username="test", password=PASSWORD))
    is_failure(reply(client("other"), form, username="test", password=PASSWORD))
    is_failure(reply(client("test"), form, username="", password=PASSWORD))
    for name in ("test", "test" * 200):
        cut = reply(client("test"), form, username=name, password="x" * 600)
        holds(not cut.cookie("webvpn"), cut)
    is_request(init(client()))


def either():
    """certificate or password"""
    is_complete(init(client("test")))
    form = init(client())
    holds('name="username"' in form.body.decode() and 'name="password"' in form.body.decode(), form)
    wrong = reply(client(), form, username="test", password="wrong")
    holds(not wrong.cookie("webvpn") and FAILURE not in wrong.body.decode() and "<input" in wrong.body.decode(), wrong)
    is_complete(reply(client(), form, username="test", password=PASSWORD))
    form = init(client("nameless"))
    holds("<input" in form.body.decode() and not form.cookie("webvpn"), form)
    is_complete(reply(client("nameless"), form, username="test", password=PASSWORD))


def main():
    global args
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("what", choices=("alone", "and", "or"))
    args = parser.parse_args()
    {"alone": alone, "and": both, "or": either}[args.what]()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
