#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dialogue.py - the documents of a login byte for byte, and who gets which page: a raw client beside openconnect.

    dialogue.py --ca FILE [--password P] [--sha1 HEX] GROUP...

Each case is a function of one GROUP; it raises what it did not expect. A line a case; the exit status tells whether all were right.
"""
import argparse
import base64
import hashlib
import re
import sys

import vpn

XML = ("X-Transcend-Version: 1", "X-Aggregate-Auth: 1", "Content-Type: application/xml; charset=utf-8")
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
VERSION = '<version who="sg">0.1(1)</version>\n'
CASES = []
args = None


def case(group):
    def register(f):
        CASES.append((group, f))
        return f
    return register


def client():
    return vpn.Client(args.to, None, args.ca)


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}\nwant {want!r}")


def holds(what, text=""):
    if not what:
        raise AssertionError(text or "it does not hold")


def ask(method, path, body=None, headers=(), agent=None):
    """One request on a connection of its own."""
    c = client()
    saved, vpn.AGENT = vpn.AGENT, agent or vpn.AGENT
    try:
        c.request(method, path, body.encode() if isinstance(body, str) else body, headers)
        return c.answer()
    finally:
        vpn.AGENT = saved
        c.close()


def init(path="/", extra="", headers=(), **more):
    return ask("POST", path, PROLOG + f'<config-auth client="vpn" type="init" aggregate-auth-version="2">{extra}</config-auth>',
               (*XML, *headers), **more)


def reply(auth, path="/auth", extra="", headers=(), **more):
    return ask("POST", path, PROLOG + '<config-auth client="vpn" type="auth-reply" aggregate-auth-version="2">'
               f'{extra}<auth>{auth}</auth></config-auth>', (*XML, *headers), **more)


def login(user="test", password=None, **more):
    a = reply(f"<username>{user}</username><password>{password or args.password}</password>", **more)
    same(a.status, 200)
    holds(a.cookie("webvpn"), a.body)
    return a


def options(answer):
    return re.findall(r'<option value="([^"]*)"( selected="true")?>([^<]*)</option>', answer.body.decode())


FORM = ('<auth id="main">\n<title>Login</title>\n<message>Please enter your username and password.</message>\n'
        '<form method="post" action="/auth">\n<input type="text" name="username" label="Username:"/>\n'
        '<input type="password" name="password" label="Password:"/>\n</form>\n</auth>\n')


# {{ plain: the dialogue without options }}

@case("plain")
def first_form_is_exact():
    a = init()
    same(a.status, 200)
    same(a.one("Content-Type"), "text/xml; charset=utf-8")
    same(a.one("X-Transcend-Version"), "1")
    same(a.all("Set-Cookie"), [])
    same(a.body.decode(), PROLOG + '<config-auth client="vpn" type="auth-request" aggregate-auth-version="2">\n'
         + VERSION + FORM + "</config-auth>\n")


@case("plain")
def legacy_form_is_bare():
    same(ask("GET", "/").body.decode(), PROLOG + FORM)
    same(ask("GET", "/+CSCOE+/logon.html?fcadbadd=1").body.decode(), PROLOG + FORM)
    same(ask("GET", "/", headers=["X-Aggregate-Auth: 1"], agent="Open AnyConnect VPN Agent v3.20").body.decode(), PROLOG + FORM)


@case("plain")
def xml_is_known_by_its_bytes():
    body = '<?xml version: "1.0"?><config-auth client="vpn" type="init"></config-auth>'
    for headers in ((), ("Content-Type: application/x-www-form-urlencoded",)):
        holds(b"<config-auth" in ask("POST", "/", body, headers).body)


@case("plain")
def http_auth_is_not_offered():
    a = init(headers=["X-Support-HTTP-Auth: true"])
    same(a.status, 200)
    same(a.all("WWW-Authenticate"), [])


@case("plain")
def success_is_exact():
    a = login()
    token = a.cookie("webvpn")
    same(len(base64.b64decode(token)), 32)
    sid = hashlib.sha256(base64.b64decode(token)).hexdigest()[:16].upper()
    same(a.body.decode(), PROLOG + '<config-auth client="vpn" type="complete" aggregate-auth-version="2">\n' + VERSION
         + f"<session-id>{sid}</session-id>\n<session-token>{token}</session-token>\n"
         '<auth id="success">\n<title>SSL VPN Service</title>\n</auth>\n<config client="vpn" type="private">\n<vpn-base-config>\n'
         f"<server-cert-hash>{args.sha1}</server-cert-hash>\n</vpn-base-config>\n"
         '<opaque is-for="vpn-client"></opaque>\n</config>\n</config-auth>\n')
    lines = a.all("Set-Cookie")
    holds(re.fullmatch(r"webvpncontext=[A-Za-z0-9+/]{43}=; Secure; HttpOnly", lines[0]), lines)
    same(lines[1:], [f"webvpn={token}; Secure; HttpOnly",
                     "webvpnc=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly",
                     f"webvpnc=bu:/&p:t&iu:1/&sh:{args.sha1}; path=/; Secure; HttpOnly"])


@case("plain")
def legacy_success_is_exact():
    a = ask("POST", "/auth", f"username=test&password={args.password.replace(' ', '+')}")
    same(a.body.decode(), PROLOG + '<auth id="success">\n<title>SSL VPN Service</title>\n</auth>\n')
    holds(a.cookie("webvpn"))


@case("plain")
def wrong_then_right():
    a = reply("<username>test</username><password>wrong</password>")
    same(a.status, 200)
    text = a.body.decode()
    holds('<error id="13" param1="" param2="">Login failed.</error>' in text, text)
    holds("<banner" not in text)
    handle = a.cookie("webvpncontext")
    holds(f'<opaque is-for="sg"><aggauth-handle>{handle}</aggauth-handle></opaque>' in text, text)
    holds(re.search(r"webvpncontext=[^;]+; Max-Age=300; Secure; HttpOnly", a.one("Set-Cookie")), a.one("Set-Cookie"))
    # each step is a connection of its own: the handle, the cookie, each alone will do
    login(extra=f'<opaque is-for="sg"><aggauth-handle>{handle}</aggauth-handle></opaque>')
    a = reply("<username>test</username><password>wrong</password>")
    login(headers=[f"Cookie: webvpncontext={a.cookie('webvpncontext')}"])


def three(send):
    cookie = ""
    for _ in range(2):
        a = send([f"Cookie: webvpncontext={cookie}"] if cookie else [])
        same(a.status, 200)
        holds(b"<input" in a.body)
        cookie = a.cookie("webvpncontext")
    return send([f"Cookie: webvpncontext={cookie}"])


@case("plain")
def refused_in_xml():
    a = three(lambda h: reply("<username>test</username><password>wrong</password>", headers=h))
    same(a.status, 200)
    same(a.one("Connection"), "close")
    same(a.body.decode(), PROLOG + '<config-auth client="vpn" type="auth-request" aggregate-auth-version="2">\n' + VERSION
         + '<auth id="main">\n<title>Login</title>\n<error id="13" param1="" param2="">Login failed.</error>\n</auth>\n'
         "</config-auth>\n")
    same(a.cookie("webvpn"), "")


@case("plain")
def refused_without_xml():
    a = three(lambda h: ask("POST", "/auth", "username=test&password=wrong", h))
    same(a.status, 401)
    same(a.one("X-Reason"), "Login failed.")


@case("plain")
def handles_that_are_none():
    for handle in ("", "A" * 44, "A" * 127, "A" * 4000, "%%%%", "&lt;x&gt;", base64.b64encode(bytes(32)).decode(),
                   base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode()):
        a = reply("<username>test</username><password>wrong</password>",
                  extra=f'<opaque is-for="sg"><aggauth-handle>{handle}</aggauth-handle></opaque>')
        if len(handle) > 127:
            same(a.status, 400)
            continue
        same(a.status, 200)
        holds(handle == "" or handle not in a.body.decode(), a.body)
    for cookie in ("", "A" * 44, "A" * 8000, "%%%%", "%00", "=", '"', base64.b64encode(bytes(33)).decode()):
        a = reply("<username>test</username><password>wrong</password>", headers=[f"Cookie: webvpncontext={cookie}"])
        same(a.status, 200)


@case("plain")
def any_path_is_a_login():
    for path in ("/", "/auth", "/VPN", "/group", "/a/b?c=d", "/auth?secret", "/svc"):
        login(path=path)
    for path in ("/CACHE/stc/1", "/+CSCOE+/sdesktop/scan.xml", "/profiles/x.xml"):
        same(reply("<username>test</username>", path=path).status, 404)


@case("plain")
def names_of_secrets():
    for name in ("password", "secondary_password", "answer", "whichpin", "new_password"):
        a = reply(f"<username>test</username><{name}>{args.password}</{name}>")
        holds(a.cookie("webvpn"), name)
    a = reply("<username>test</username><password></password>")
    holds(b"Login failed." in a.body)
    a = reply("<username>test</username>")
    holds(b'name="password"' in a.body and b'name="username"' not in a.body, a.body)
    a = reply(f"<password>{args.password}</password>",
              extra=re.search(rb"<opaque.*?</opaque>", a.body).group(0).decode())
    holds(a.cookie("webvpn"))


@case("plain")
def small_pages():
    html = "<html></html>\n"
    manifest = '<?xml version="1.0" encoding="UTF-8"?><vpn rev="1.0"></vpn>'
    pages = {p: ("text/html", html) for p in ("/1/index.html", "/1/Linux", "/1/Linux_64", "/1/Windows", "/1/Windows_ARM64",
                                              "/1/Darwin_i386", "/1/whatever", "/logout")}
    pages |= {p: ("text/xml; charset=utf-8", manifest) for p in (
        "/VPNManifest.xml", "/1/VPNManifest.xml", "/+CSCOT+/translation-table?textdomain=AnyConnect&type=manifest",
        "/+CSCOT+/oem-customization?app=AnyConnect&type=oem&platform=win&resource-type=resource&name=x.png")}
    pages["/1/binaries/update.txt?x=y"] = ("text/plain", "0,0,0000\n")
    for path, (kind, body) in pages.items():
        a = ask("GET", path)
        same((path, a.status, a.one("Content-Type"), a.body.decode()), (path, 200, kind, body))
    holds(ask("GET", "/1/binaries/vpndownloader.sh").body.decode().startswith("#!/bin/sh\n"))
    for path in ("/CACHE/sdesktop/data.xml", "/+CSCOE+/sdesktop/token.xml", "/profiles/x.xml", "/nothing", "/favicon.ico", "/svc",
                 "/%2e%2e/etc/passwd", "/staff"):
        same((path, ask("GET", path).status), (path, 404))


@case("plain")
def connections():
    c = client()
    c.request("GET", "/nothing")
    same(c.answer().status, 404)
    c.request("GET", "/")  # a 404 does not end it
    same(c.answer().status, 200)
    c.send(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
    a = c.answer()
    same((a.status, a.one("Connection")), (200, "close"))
    a = ask("GET", "/", headers=["Connection: close"])
    same((a.status, a.one("Connection")), (200, "close"))
    c = client()
    for i in range(16):
        c.request("GET", "/1/Linux")
        same(c.answer().one("Connection"), "Keep-Alive" if i < 15 else "close")
    for method in ("PUT", "HEAD", "OPTIONS", "DELETE"):
        same(ask(method, "/").status, 405)


@case("plain")
def a_logout_ends_the_cookie():
    for how in ("document", "page"):
        a = login()
        token = a.cookie("webvpn")
        if how == "document":
            same(ask("POST", "/", f'<config-auth type="logout"><session-token>{token}</session-token></config-auth>', XML).status, 200)
        else:
            same(ask("GET", "/logout", headers=[f"Cookie: webvpn={token}"]).status, 200)
        c = client()
        same(c.connect(token).status, 401)


# {{ headers }}

@case("headers")
def configured_lines_are_on_pages():
    for a in (init(), ask("GET", "/nothing"), ask("GET", "/1/Linux"), login()):
        same(a.one("X-Frame-Options"), "deny")
        same(a.one("Strict-Transport-Security"), "max-age=31536000")


# {{ groups }}

EVERYONE = ("Everyone", "", "Everyone")
STAFF = ("staff", "", "The &quot;staff&quot;")
GUESTS = ("guests", "", "guests")


@case("groups")
def the_chosen_group_is_first():
    same(options(init()), [("Everyone", ' selected="true"', "Everyone"), STAFF, GUESTS, ("hidden", "", "hidden")])
    for name in ("staff", 'The "staff"'):
        a = init(extra=f"<group-select>{name}</group-select>")
        same(options(a)[0], ("staff", ' selected="true"', STAFF[2]))
        same(len(options(a)), 4)
        holds('name="username"' in a.body.decode())
    same(options(init(extra="<group-select></group-select>"))[0][0], "Everyone")


@case("groups")
def an_unknown_group_is_not_echoed():
    for name in ("evil&lt;script&gt;", "nobodys", "Staff", "&quot;&gt;&lt;option&gt;", "..", "%s", "staff%00"):
        a = init(extra=f"<group-select>{name}</group-select>")
        same(a.status, 200)
        same(options(a)[0][0], "Everyone")
        holds(name not in a.body.decode() and "evil" not in a.body.decode() and "nobodys" not in a.body.decode())
        a = init(path="/evil")
        holds("evil" not in a.body.decode())


@case("groups")
def a_group_by_path():
    for path in ("/staff", "/staff/", "/st%61ff", "/The%20%22staff%22", "/staff?query"):
        a = init(path=path)
        same((path, options(a)), (path, []))
        holds('action="/staff"' in a.body.decode(), a.body)
        holds('action="/staff"' in ask("GET", path).body.decode())
    a = init(extra="<group-access>https://vpn.example.test/guests</group-access>")
    same(options(a), [])
    holds('action="/guests"' in a.body.decode(), a.body)
    # a choice in the form comes before the URL
    a = init(path="/staff", extra="<group-select>guests</group-select>")
    same(options(a)[0][0], "guests")
    holds('action="/auth"' in a.body.decode(), a.body)
    same(ask("GET", "/strangers").status, 404)
    same(options(init(path="/strangers"))[0][0], "Everyone")


@case("groups")
def who_is_in_which():
    good = f"<username>grouped</username><password>{args.password}</password>"
    for extra, path, fine in (("<group-select>staff</group-select>", "/auth", True),
                              ('<group-select>The "staff"</group-select>', "/auth", True),
                              ("<group-select>Everyone</group-select>", "/auth", True),
                              ("<group-select></group-select>", "/auth", True),
                              ("", "/auth", True),
                              ("", "/staff", True),
                              ("", "/guests", False),
                              ("<group-select>guests</group-select>", "/auth", False),
                              ("<group-select>guests</group-select>", "/staff", False),
                              ("<group-select>nobodys</group-select>", "/auth", False),
                              ("<group-select>staff</group-select>", "/guests", True)):
        a = reply(good, path=path, extra=extra)
        same((extra, path, bool(a.cookie("webvpn"))), (extra, path, fine))
        holds("nobodys" not in a.body.decode())
    a = ask("POST", "/auth", f"username=grouped&password={args.password.replace(' ', '+')}&group%5flist=staff")
    holds(a.cookie("webvpn"))


# {{ profile }}

@case("profile")
def the_profile_is_named():
    a = login()
    want = hashlib.sha1(open(args.profile, "rb").read()).hexdigest().upper()
    text = a.body.decode()
    holds(f'<vpn-profile-manifest>\n<vpn rev="1.0">\n<file type="profile" service-type="user">\n<uri>/profiles/my%20profile.xml</uri>\n'
          f'<hash type="sha1">{want}</hash>\n</file>\n</vpn>\n</vpn-profile-manifest>' in text, text)
    same(a.all("Set-Cookie")[3], f"webvpnc=bu:/&p:t&iu:1/&sh:{args.sha1}"
         "&lu:/+CSCOT+/translation-table?textdomain%3DAnyConnect%26type%3Dmanifest"
         f"&fu:profiles%2Fmy%20profile.xml&fh:{want}; path=/; Secure; HttpOnly")


@case("profile")
def only_who_is_in_gets_it():
    token = login().cookie("webvpn")
    content = open(args.profile, "rb").read()
    for path in ("/profiles/my%20profile.xml", "/profiles/my%20profile.xml:4443", "/profiles/my%20profile.xml?x"):
        a = ask("GET", path, headers=[f"Cookie: webvpncontext=x; webvpn={token}; webvpnlogin=1"])
        same((path, a.status, a.body == content), (path, 200, True))
        same(a.one("Content-Type"), "text/xml")
    same(ask("GET", "/profiles/other.xml", headers=[f"Cookie: webvpn={token}"]).status, 404)
    for cookie in ("", "webvpn=", "webvpn=x", "webvpn=" + "A" * 43 + "=", "webvpn=" + token[:-5] + "AAAA=",
                   "webvpncontext=" + token):
        a = ask("GET", "/profiles/my%20profile.xml", headers=[f"Cookie: {cookie}"] if cookie else [])
        same((cookie, a.status), (cookie, 401))
        holds(content not in a.body)


# {{ svc: IP phones }}

PHONE = "Cisco SVC IPPhone Client v1.0 (1.0)"


@case("svc")
def a_phone_logs_in():
    a = ask("GET", "/svc", agent=PHONE)
    same(a.status, 200)
    same(a.all("Set-Cookie"), ["webvpn=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly",
                               "webvpnlogin=1; path=/; Secure; HttpOnly"])
    a = ask("POST", "/svc", f"username=test&password={args.password.replace(' ', '+')}", agent=PHONE)
    same(a.status, 200)
    holds(a.cookie("webvpn"))
    holds(b"<auth" not in a.body)
    same(client().connect(a.cookie("webvpn")).status, 200)


@case("svc")
def a_phone_is_refused():
    for body in ("username=test&password=wrong", "username=nobody&password=x", "username=test", "password=x", "", "x"):
        a = ask("POST", "/svc", body, agent=PHONE)
        same((body, a.status, a.cookie("webvpn")), (body, 401, ""))


# {{ camouflage }}

NOT_FOUND = "404 Not Found"


def is_plain(a, status):
    same(a.status, status)
    for name, value in a.headers:
        holds(name in ("Connection", "Content-Type", "Content-Length", "WWW-Authenticate"), f"{name}: {value}")
    holds(b"vpn" not in a.body.lower() and b"config-auth" not in a.body)


@case("camouflage")
def strangers_see_a_web_server():
    for a in (ask("GET", "/"), ask("GET", "/?wrong"), ask("GET", "/?s3cret-word2"), ask("GET", "/?s3cret-wor"), ask("GET", "/?"),
              ask("GET", "/?S3cret-word"), ask("GET", "/?a=b&s3cret-word"), ask("GET", "/s3cret-word"), init(), init(path="/auth"),
              ask("GET", "/1/Linux"), ask("GET", "/VPNManifest.xml"), ask("GET", "/+CSCOT+/x"), ask("GET", "/logout"),
              ask("GET", "/svc"), ask("GET", "/", headers=["Cookie: webvpn=x"]),
              ask("GET", "/", headers=["Cookie: webvpn=" + "A" * 43 + "="]),
              ask("GET", "/", headers=["Cookie: webvpncontext=" + "A" * 43 + "="]),
              reply(f"<username>test</username><password>{args.password}</password>")):
        is_plain(a, args.status)
        same(a.one("WWW-Authenticate"), 'Basic realm="Restricted area"' if args.status == 401 else "")
    is_plain(ask("CONNECT", "/CSCOSSLC/tunnel"), 405)
    is_plain(ask("CONNECT", "/CSCOSSLC/tunnel", headers=["Cookie: webvpn=" + "A" * 43 + "="]), 405)
    is_plain(ask("PUT", "/"), 405)
    c = client()
    c.send(b"GET / HTTP/1.1\r\nno colon\r\n\r\n")
    is_plain(c.answer(), 400)


@case("camouflage")
def the_secret_opens():
    a = init(path="/?s3cret-word")
    same(a.status, 200)
    holds('action="/auth?s3cret-word"' in a.body.decode(), a.body)
    same(ask("GET", "/anything?s3cret-word").status, 404)
    c = client()  # then the rest of the connection
    c.request("GET", "/?s3cret-word")
    same(c.answer().status, 200)
    c.request("GET", "/1/Linux")
    same(c.answer().status, 200)
    c.close()
    is_plain(ask("GET", "/1/Linux"), args.status)


@case("camouflage")
def cookies_open():
    a = reply("<username>test</username><password>wrong</password>", path="/auth?s3cret-word")
    context = a.cookie("webvpncontext")
    holds(context)
    token = login(headers=[f"Cookie: webvpncontext={context}"]).cookie("webvpn")  # no query
    same(ask("GET", "/1/binaries/update.txt", headers=[f"Cookie: webvpn={token}"]).status, 200)
    same(ask("GET", "/VPNManifest.xml", headers=[f"Cookie: webvpncontext=x; webvpn={token}"]).status, 200)
    is_plain(ask("GET", "/VPNManifest.xml", headers=[f"Cookie: webvpncontext={token}"]), args.status)
    is_plain(ask("GET", "/VPNManifest.xml", headers=[f"Cookie: webvpncontext={context}"]), args.status)  # that login is over
    same(client().connect(token).status, 200)


def main():
    global args
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca")
    parser.add_argument("--to", default="198.51.100.1")
    parser.add_argument("--password", default="correct horse")
    parser.add_argument("--sha1", default="")
    parser.add_argument("--profile", default="")
    parser.add_argument("--status", type=int, default=404)
    parser.add_argument("groups", nargs="+")
    args = parser.parse_args()
    bad = 0
    for group, f in CASES:
        if group not in args.groups:
            continue
        try:
            f()
            print(f"ok   {group}: {f.__name__}")
        except (AssertionError, vpn.Closed, OSError, ValueError, AttributeError) as e:
            bad += 1
            line = e.__traceback__.tb_next.tb_lineno if e.__traceback__.tb_next else 0
            print(f"FAIL {group}: {f.__name__} (line {line}): {type(e).__name__}: {e}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
