#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""saml.py - a client, its browser, and the SAML provider that the browser meets, in one program: no network is needed to sign an answer

    saml.py --ca FILE --dir DIR browse URL     as the browser of the system; the last status and address are printed
    saml.py --ca FILE --dir DIR login MODE...  a whole login for each mode, a line each: MODE, then "OK" or the status of the way back

DIR has idp.pem and idp-cert.pem, which sign, and other.pem and other-cert.pem, which nobody knows. Signatures are made by xmlsec1.
"""
import argparse
import base64
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import zlib
from pathlib import Path

from sso import Browser, Client

IDP = "https://idp.example/saml"
SHA1 = "http://www.w3.org/2000/09/xmldsig#"
RSA256, DIGEST256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"
NS = ('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
      'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"')


def stamp(offset):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))


class Post(Browser):
    def post(self, url, fields):
        data = fields if isinstance(fields, bytes) else urllib.parse.urlencode(fields).encode()
        try:
            answer = self.opener.open(url, data, timeout=100)
        except urllib.error.HTTPError as e:
            answer = e
        return answer.status, answer.headers.get("Location", ""), answer.read().decode("latin-1")


class Request:
    """What the provider learns of the redirection."""

    def __init__(self, url):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        self.state = query["RelayState"][0]
        self.signed = "Signature" in query
        self.xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
        self.id = re.search(r'\bID="([^"]+)"', self.xml).group(1)
        self.acs = re.search(r'AssertionConsumerServiceURL="([^"]+)"', self.xml).group(1)
        self.issuer = re.search(r"Issuer[^>]*>([^<]+)<", self.xml).group(1)


def template(of, mode):
    method, digest = (SHA1 + "rsa-sha1", SHA1 + "sha1") if mode == "sha1" else (RSA256, DIGEST256)
    return (f'<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{of}"><ds:Transforms>'
            '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
            '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>')


def assertion(r, mode, ident="_a1", user="alice", signature=""):
    audience = "https://mail.example/" if mode == "audience" else r.issuer
    until = -4000 if mode == "expired" else 300
    since = 4000 if mode == "early" else -5
    to = "https://mail.example/acs" if mode == "recipient" else r.acs
    request = "_" + secrets.token_hex(20) if mode == "request" else r.id
    issuer = "https://evil.example/" if mode == "issuer" else IDP
    restriction = "" if mode == "no-audience" else \
        f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
    return (f'<saml:Assertion {NS} ID="{ident}" Version="2.0" IssueInstant="{stamp(0)}"><saml:Issuer>{issuer}</saml:Issuer>{signature}'
            f'<saml:Subject><saml:NameID>{user}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData Recipient="{to}" NotOnOrAfter="{stamp(-4000 if mode == "confirmed-late" else 300)}" '
            f'InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{stamp(since)}" NotOnOrAfter="{stamp(until)}">{restriction}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{stamp(0)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            'urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>'
            '<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue>'
            f'<saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute><saml:Attribute Name="vpn"><saml:AttributeValue>'
            f'{"no" if mode == "required" else "yes"}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>')


def response(r, mode, inner, signature="", before=""):
    to = "https://mail.example/acs" if mode == "destination" else r.acs
    request = "_" + secrets.token_hex(20) if mode == "request" else r.id
    status = "Responder" if mode == "status" else "Success"
    return (f'<samlp:Response {NS} ID="_r1" Version="2.0" IssueInstant="{stamp(0)}" Destination="{to}" InResponseTo="{request}">'
            f"<saml:Issuer>{IDP}</saml:Issuer>{signature}{before}<samlp:Status><samlp:StatusCode "
            f'Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{inner}</samlp:Response>')


def sign(folder, xml, element, key):
    space = "protocol" if element == "Response" else "assertion"
    done = subprocess.run(["xmlsec1", "--sign", "--privkey-pem", f"{folder}/{key}.pem,{folder}/{key}-cert.pem",
                           "--id-attr:ID", f"urn:oasis:names:tc:SAML:2.0:{space}:{element}", "/dev/stdin"],
                          input=xml.encode(), capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return re.sub(r"^<\?xml[^>]*\?>\s*", "", done.stdout.decode()).strip()


def wrap(r, mode, good):
    """The signed assertion stays somewhere, so that its signature can be verified; what is to be believed is another."""
    signature = re.search(r"<ds:Signature>.*?</ds:Signature>", good, re.S).group(0)
    bare = good.replace(signature, "")
    if mode == "xsw-before":
        return response(r, mode, assertion(r, mode, "_evil", "mallory") + good)
    if mode == "xsw-after":
        return response(r, mode, good + assertion(r, mode, "_evil", "mallory"))
    if mode == "xsw-inside":  # in the evil one
        evil = assertion(r, mode, "_evil", "mallory", signature)
        return response(r, mode, evil.replace("</saml:Assertion>", bare + "</saml:Assertion>"))
    if mode == "xsw-object":  # in the signature of the evil one
        inside = signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
        return response(r, mode, assertion(r, mode, "_evil", "mallory", inside))
    if mode == "xsw-extensions":
        return response(r, mode, assertion(r, mode, "_evil", "mallory"), before=f"<samlp:Extensions>{good}</samlp:Extensions>")
    if mode == "xsw-twins":  # of the same identifier
        return response(r, mode, assertion(r, mode, "_a1", "mallory", signature), before=f"<samlp:Extensions>{bare}</samlp:Extensions>")
    if mode == "xsw-renamed":  # the signed one under a name that nobody counts
        hidden = bare.replace("saml:Assertion", "saml:Advice")
        return response(r, mode, assertion(r, mode, "_evil", "mallory", signature), before=f"<samlp:Extensions>{hidden}</samlp:Extensions>")
    raise SystemExit(f"no mode {mode}")


def make(folder, r, mode):
    key = "other" if mode == "other-key" else "idp"
    if mode == "unsigned":
        return response(r, mode, assertion(r, mode))
    if mode in ("response", "response-tampered"):
        xml = sign(folder, response(r, mode, assertion(r, mode), template("_r1", mode)), "Response", key)
        return xml.replace(">alice<", ">mallory<") if mode == "response-tampered" else xml
    user = "alice.evil" if mode == "comment" else "alice"
    good = sign(folder, assertion(r, mode, user=user, signature=template("_a1", mode)), "Assertion", key)
    if mode.startswith("xsw-"):
        return wrap(r, mode, good)
    xml = response(r, mode, good)
    if mode == "tampered":
        return xml.replace(">alice<", ">mallory<")
    if mode == "comment":
        return xml.replace("alice.evil", "alice<!-- -->.evil")
    if mode == "cdata":
        return xml.replace(">alice<", "><![CDATA[alice]]><")
    if mode == "instruction":
        return xml.replace(">alice<", ">alice<?x?><")
    if mode == "doctype":
        return '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + xml
    return xml


def form(folder, r, mode):
    xml = make(folder, r, mode).encode()
    if mode == "utf16":
        xml = ('<?xml version="1.0" encoding="UTF-16"?>' + xml.decode()).encode("utf-16")
    text = base64.b64encode(xml).decode()
    if mode == "huge":
        text = base64.b64encode(xml.replace(b"</samlp:Response>", b" " * 45000 + b"</samlp:Response>")).decode()
    if mode == "too-huge":
        text = "A" * 300_000
    if mode == "garbage":
        text = base64.b64encode(secrets.token_bytes(3000)).decode()
    if mode == "no-base64":
        text = "<" + text
    if mode == "lines":
        text = "\r\n".join(text[i:i + 76] for i in range(0, len(text), 76))
    return {"SAMLResponse": text, "RelayState": "0" * 64 if mode == "state" else r.state}


def to_idp(browser, url):
    _, url, _ = browser.walk(url, end="https://idp.example/")
    return Request(url)


def login(args, mode):
    args.mode, args.group, args.secret = mode, None, ""
    client, browser = Client(args), Post(args.ca)
    client.begin()
    r = to_idp(browser, client.element("sso-v2-login"))
    if mode == "other-login":  # an answer to one sign-on brought to another
        victim = Post(args.ca)
        client = Client(args)
        client.begin()
        other = to_idp(victim, client.element("sso-v2-login"))
        fields = form(args.dir, r, mode) | {"RelayState": other.state}
        browser = victim
    else:
        fields = form(args.dir, r, mode)
    if mode == "stolen":
        browser = Post(args.ca)
    if mode == "get":
        status, url, _ = browser.get(r.acs + "?" + urllib.parse.urlencode(fields))
        return f"{status} {url}".strip()
    status, url, _ = browser.post(r.acs, fields)
    if mode == "replay":
        status, url, _ = browser.post(r.acs, fields)
    token = browser.cookie(client.element("sso-v2-token-cookie-name"))
    if not token or mode == "replay":
        error = browser.cookie(client.element("sso-v2-error-cookie-name"))
        return f"{status} {error}".strip()
    if url != client.element("sso-v2-login-final"):
        return f"elsewhere {url}"
    said = client.end(token).split()
    return ("OK signed-request" if r.signed else "OK") if said[0] == "OK" else " ".join(said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ca")
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--to", default="198.51.100.1")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("browse")
    one.add_argument("url")
    one = commands.add_parser("login")
    one.add_argument("modes", nargs="+")
    args = parser.parse_args()
    if args.command == "login":
        for mode in args.modes:
            print(mode, login(args, mode), flush=True)
        return
    browser = Post(args.ca)
    r = to_idp(browser, args.url)
    status, url, _ = browser.post(r.acs, form(args.dir, r, "good"))
    if url:
        status, url, _ = browser.walk(url)
    print(status, url)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
