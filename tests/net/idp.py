#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""idp.py - a small OpenID provider, and tokens of every kind that it would never sign

    idp.py serve DIR ADDRESS PORT CERT KEY    the files of DIR say how it behaves, at each request anew:
        mode       good (default), slow, garbage, huge, error, redirect
        published  names of the keys that are in its key set, a line each (default: all of DIR)
        signing    name of the key that signs (default: rsa)
        claims     JSON: what its tokens say beside or instead of what they should; null takes a claim away
        deny       if it exists, the user says no
    idp.py key DIR NAME rsa|ec|short          makes DIR/NAME.pem
    idp.py token DIR ISSUER [--key NAME] [--kid NAME] [--alg ALG] [--header JSON] [CLAIM=JSON...]
"""
import argparse
import base64
import hashlib
import hmac
import html
import http.server
import json
import os
import secrets
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


# {{ keys }}

def make_key(folder, name, kind):
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else \
        rsa.generate_private_key(65537, 1024 if kind == "short" else 2048)
    (folder / f"{name}.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def load_key(folder, name):
    return serialization.load_pem_private_key((folder / f"{name}.pem").read_bytes(), None)


def public_jwk(folder, name):
    n = load_key(folder, name).public_key().public_numbers()
    if isinstance(n, rsa.RSAPublicNumbers):
        return {"kty": "RSA", "use": "sig", "kid": name, "n": number(n.n), "e": number(n.e)}
    return {"kty": "EC", "use": "sig", "kid": name, "crv": "P-256", "x": number(n.x, 32), "y": number(n.y, 32)}


def sign(key, alg, data):
    if alg == "none":
        return b""
    if alg == "HS256":  # the public key as the shared secret
        public = key.public_key().public_bytes(serialization.Encoding.PEM,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(public, data, "sha256")
    if alg == "ES256":
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    how = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if alg == "PS256" else padding.PKCS1v15()
    return key.sign(data, how, hashes.SHA256())


def make_token(folder, claims, key="rsa", kid=None, alg=None, header=None):
    private = load_key(folder, key)
    alg = alg or ("RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256")
    head = {"alg": alg, "typ": "JWT", "kid": kid or key, **(header or {})}
    head = {k: v for k, v in head.items() if v is not None}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
    return text + "." + b64(sign(private, alg, text.encode()))


def usual_claims(issuer, changes):
    now = int(time.time())
    claims = {"iss": issuer, "aud": "vpn", "sub": "1234", "preferred_username": "alice",
              "groups": ["staff", "admins"], "iat": now, "nbf": now, "exp": now + 300, **changes}
    return {k: v for k, v in claims.items() if v is not None}


# {{ the provider }}

class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder, issuer = Path(), ""
    codes, lock = {}, threading.Lock()

    def say(self, name, default=""):
        try:
            return (self.folder / name).read_text().strip()
        except FileNotFoundError:
            return default

    def log_message(self, *_):
        with self.lock, open(self.folder / "requests", "a", encoding="utf-8") as f:
            f.write(f"{self.command} {self.path}\n")

    def send(self, status, body, kind="application/json", headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def misbehaves(self):
        mode = self.say("mode", "good")
        if mode == "slow":
            time.sleep(40)
        elif mode == "garbage":
            self.send(200, secrets.token_bytes(2000))
        elif mode == "huge":
            self.send(200, b'{"keys": [' + b" " * (8 << 20) + b"]}")
        elif mode == "error":
            self.send(500, {"error": "server_error"})
        elif mode == "redirect":
            self.send(302, b"", headers=[("Location", "https://203.0.113.99/elsewhere")])
        return mode != "good"

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if self.misbehaves():
            return
        if path == "/.well-known/openid-configuration":
            self.send(200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys",
                            "authorization_endpoint": f"{self.issuer}/authorize?prompt=login",
                            "token_endpoint": f"{self.issuer}/token",
                            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                            "response_types_supported": ["code"], "subject_types_supported": ["public"],
                            "id_token_signing_alg_values_supported": ["RS256", "ES256"]})
        elif path == "/keys":
            names = self.say("published").split() or [p.stem for p in self.folder.glob("*.pem")]
            self.send(200, {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}] +
                            [public_jwk(self.folder, n) for n in names]})
        elif path == "/authorize":
            self.authorize({k: v[0] for k, v in query.items()})
        else:
            self.send(404, {"error": "not found"})

    def authorize(self, q):
        need = {"response_type": "code", "client_id": "vpn", "code_challenge_method": "S256"}
        if any(q.get(k) != v for k, v in need.items()) or not q.get("state") or not q.get("nonce") \
                or "openid" not in q.get("scope", "").split() or len(q.get("code_challenge", "")) != 43:
            self.send(400, {"error": "invalid_request", "query": q})
            return
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = q
        answer = {"error": "access_denied"} if (self.folder / "deny").exists() else {"code": code}
        where = q["redirect_uri"] + "?" + urlencode({**answer, "state": q["state"], "iss": self.issuer})
        with open(self.folder / "callback", "w", encoding="utf-8") as f:
            f.write(where)
        if (self.folder / "form").exists():  # a person has to press a button
            page = f'<html><body><a id="go" href="{html.escape(where)}">go</a>' \
                   '<script>document.getElementById("go").click()</script></body></html>'
            self.send(200, page.encode(), "text/html")
        else:
            self.send(302, b"", headers=[("Location", where)])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.misbehaves():
            return
        form = {k: v[0] for k, v in parse_qs(body).items()}
        with self.lock:
            asked = self.codes.pop(form.get("code"), None)
        proof = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if urlsplit(self.path).path != "/token" or not asked or form.get("grant_type") != "authorization_code" \
                or form.get("redirect_uri") != asked["redirect_uri"] or proof != asked["code_challenge"]:
            self.send(400, {"error": "invalid_grant"})
            return
        secret = self.say("secret")
        given = self.headers.get("Authorization", "").partition("Basic ")[2]
        if secret and [unquote(x) for x in base64.b64decode(given).decode().split(":")] != ["vpn", secret]:
            self.send(401, {"error": "invalid_client"})
            return
        claims = usual_claims(self.issuer, {"nonce": asked["nonce"], **json.loads(self.say("claims", "{}"))})
        token = make_token(self.folder, claims, self.say("signing", "rsa"))
        self.send(200, {"access_token": "unused", "token_type": "Bearer", "id_token": token})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context = None

    def finish_request(self, request, client_address):
        try:
            request.settimeout(60)
            super().finish_request(self.context.wrap_socket(request, server_side=True), client_address)
        except OSError:
            pass


def serve(args):
    Provider.folder, Provider.issuer = args.dir, f"https://{args.address}:{args.port}"
    server = Server((args.address, args.port), Provider)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(args.cert, args.key)
    server.serve_forever()


def token(args):
    changes = {k: json.loads(v) for k, v in (c.split("=", 1) for c in args.claims)}
    print(make_token(args.dir, usual_claims(args.issuer, changes), args.key, args.kid, args.alg,
                     json.loads(args.header)))


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("serve")
    for name, kind in (("dir", Path), ("address", str), ("port", int), ("cert", str), ("key", str)):
        one.add_argument(name, type=kind)
    one = commands.add_parser("key")
    for name, kind in (("dir", Path), ("name", str), ("kind", str)):
        one.add_argument(name, type=kind)
    one = commands.add_parser("token")
    one.add_argument("dir", type=Path)
    one.add_argument("issuer")
    for name in ("--kid", "--alg"):
        one.add_argument(name)
    one.add_argument("--key", default="rsa")
    one.add_argument("--header", default="{}")
    one.add_argument("claims", nargs="*")
    args = parser.parse_args()
    if args.command == "key":
        make_key(args.dir, args.name, args.kind)
    else:
        {"serve": serve, "token": token}[args.command](args)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
