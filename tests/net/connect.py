#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""connect.py - ask for a tunnel as each kind of client does, and hold the answer against what that kind must be told.

    connect.py list            the kinds of clients
    connect.py check KIND [default]   the whole answer, line by line; default: the server gives the default route
    connect.py mtu             odd sizes in the request: prints nothing if all answers are sane
    connect.py repeated        headers that come twice, or are broken
    connect.py bye BYTES       open a tunnel and leave it with a DISCONNECT of these bytes (hex, "none": the frame is empty,
                               "drop": no frame); prints the cookie
    connect.py wait COOKIE KIND SECONDS [answer]   an open tunnel in which we say nothing, or only answer questions (DPD): "open" or "closed",
                               the whole seconds until then, and the types of the frames that came
    connect.py rekey VERSION   X-CSTP-Rekey-Method and -Time over TLS of this version, "1.2" or "1.3"
    connect.py login           prints a cookie
    connect.py status COOKIE   status of a CONNECT with this cookie, which is left again without a word
The answers belong to the server of connect.sh.
"""
import difflib
import re
import ssl
import sys
import time

from vpn import DISCONNECT, DPD_REQ, DPD_RESP, Client, Closed

TO = "198.51.100.1"
FULL6 = "X-CSTP-Full-IPv6-Capability: true"
MOBILE = "X-CSTP-License: mobile"
KINDS = {
    # name: agent, lines of the request, what is special
    "openconnect": ("AnyConnect-compatible OpenConnect VPN Agent v9.21", [FULL6], set()),
    "openconnect_9": ("Open AnyConnect VPN Agent v9.12", [FULL6, "X-CSTP-Accept-Encoding: oc-lz4,lzs"], {"lz4"}),
    "openconnect_3": ("Open AnyConnect VPN Agent v3.20", [], {"old", "two"}),
    "openconnect_ipv4": ("Open AnyConnect VPN Agent v9.12", [FULL6, "X-CSTP-Address-Type: IPv4"], {"only4"}),
    "openconnect_ipv6": ("Open AnyConnect VPN Agent v9.12", [FULL6, "X-CSTP-Address-Type: IPv6"], {"only6"}),
    "openconnect_no_full": ("Open AnyConnect VPN Agent v9.12", [], {"two"}),
    "cisco_windows": ("Cisco AnyConnect VPN Agent for Windows 4.10.07061",
                      [FULL6, "X-CSTP-TCP-Keepalive: false", "X-CSTP-Accept-Encoding: lzs,deflate", "X-CSTP-FIPS-Mode: enabled"],
                      {"dns6", "alert", "nokeep", "lzs"}),
    "cisco_mac": ("Cisco AnyConnect VPN Agent for Mac OS X 5.1.4.74", [FULL6], {"dns6", "alert"}),
    "cisco_linux": ("AnyConnect Linux_64 4.7.00136", [FULL6], {"dns6", "alert"}),
    "cisco_iphone": ("Cisco AnyConnect VPN Agent for Apple iPhone 5.0", [FULL6, MOBILE], {"dns6", "apple", "mobile", "license"}),
    "cisco_android": ("Cisco AnyConnect VPN Agent for Android 4.10", [FULL6, MOBILE], {"dns6", "mobile", "license"}),
    "os_apple": ("Open AnyConnect VPN Agent v9.12", [FULL6, "X-AnyConnect-Identifier-Platform: apple-ios",
                                                     "X-AnyConnect-Identifier-DeviceType: iPhone10,1"], {"dns6", "apple", "mobile"}),
    "os_android": ("Open AnyConnect VPN Agent v9.12", [FULL6, "X-AnyConnect-Identifier-Platform: android"], {"mobile"}),
    "ip_phone": ("Cisco SVC IPPhone Client v1.0", [], {"two"}),
    "clavister": ("Clavister OneConnect VPN", [FULL6], {"noslash"}),
    "unknown": ("Mozilla/5.0", [FULL6], set()),
}
BASE = ["X-CSTP-Version: 1", "X-CSTP-Hostname: tester.example.net", "X-CSTP-Protocol: Copyright (c) 2004 Cisco Systems, Inc.",
        "X-CSTP-MTU: 1350", "X-CSTP-Base-MTU: 1500"]


def ask(cookie, agent, lines, path="/CSCOSSLC/tunnel"):
    c = Client(TO, timeout=60)
    c.send("\r\n".join([f"CONNECT {path} HTTP/1.1", "Host: vpn.example.test", f"User-Agent: {agent}", f"Cookie: webvpn={cookie}",
                        *lines]).encode() + b"\r\n\r\n")
    return c, c.answer(has_body=False)


def cookie():
    c = Client(TO, timeout=60)
    got = c.login("test", ["correct horse"])[1]
    c.close()
    if not got:
        sys.exit("no cookie")
    return got


def families(special):
    return "only6" not in special, "only4" not in special


def addresses(special):
    v4, v6 = families(special)
    lines = ["X-CSTP-Address: 10.77.0.N", "X-CSTP-Netmask: 255.255.255.0"] if v4 else []
    if v6 and "two" in special:
        lines += ["X-CSTP-Address: fd77::N", "X-CSTP-Netmask: fd77::N/128"]
    elif v6:
        lines += ["X-CSTP-Address-IP6: fd77::N/128"]
    return lines


def names(special):
    v4, v6 = families(special)
    lines = ["X-CSTP-DNS: 203.0.113.53"]
    if v6 and "old" not in special:
        lines += ["X-CSTP-DNS-IP6: 2001:db8:2::53" if "dns6" in special else "X-CSTP-DNS: 2001:db8:2::53"]
    return lines + ["X-CSTP-NBNS: 203.0.113.54", "X-CSTP-Split-DNS: corp.example", "X-CSTP-Split-DNS: lab.example"]


def routes(special, default):
    v4, v6 = families(special)
    v6 = v6 and "old" not in special
    lines = []
    if v4 and not default:
        lines += ["X-CSTP-Split-Include: 203.0.113.0/255.255.255.0"]
    if v6 and not default:
        lines += ["X-CSTP-Split-Include-IP6: 2001:db8:2::/64"]
    if v6 and default and "apple" in special:
        lines += ["X-CSTP-Split-Include-IP6: 2000::/3"]
    lines += [f"X-CSTP-Tunnel-All-DNS: {'true' if default else 'false'}", "X-CSTP-Client-Bypass-Protocol: true"]
    if v4:
        lines += ["X-CSTP-Split-Exclude: 0.0.0.0/255.255.255.255", "X-CSTP-Split-Exclude: 192.0.2.128/255.255.255.128"]
    if v6:
        lines += ["X-CSTP-Split-Exclude-IP6: 2001:db8:9::/48"]
    return lines


def session(special):
    mobile = "mobile" in special
    lines = ["X-CSTP-Keepalive: 300", f"X-CSTP-Idle-Timeout: {'500' if mobile else '400'}", "X-CSTP-Smartcard-Removal-Disconnect: true",
             "X-CSTP-DynDNS: true", "X-CSTP-Rekey-Time: 31536000", "X-CSTP-Rekey-Method: ssl",
             "X-CSTP-MSIE-Proxy-Pac-URL: http://proxy.example/test.pac?g=", "X-CSTP-MSIE-Proxy-PAC-URL: http://proxy.example/test.pac?g=",
             "X-CSTP-Session-Timeout: 7200", "X-CSTP-Session-Timeout-Remaining: N", "X-CSTP-Lease-Duration: N"]
    if "alert" in special:
        lines += ["X-CSTP-Session-Timeout-Alert-Interval: 60"]
    lines += ["X-CSTP-Disconnected-Timeout: none", "X-CSTP-Keep: true",
              f"X-CSTP-TCP-Keepalive: {'false' if 'nokeep' in special else 'true'}"]
    if "license" in special:
        lines += ["X-CSTP-License: accept"]
    return lines


def expected(special, default):
    lines = ["X-CSTP-Version: 1", "X-CSTP-Server-Name: ocserv-modern", "X-CSTP-Hostname: tester",
             f"X-CSTP-DPD: {'300' if 'mobile' in special else '60'}", "X-CSTP-Default-Domain: example.com corp.example"]
    lines += addresses(special) + names(special) + routes(special, default) + session(special)
    lines += ["X-Frame-Options: deny", "X-Custom: user=test group="]
    lines += ["X-CSTP-Base-MTU: 1500", "X-CSTP-MTU: 1350", "X-CSTP-Banner: Welcome, be good"]
    for method, name in (("lz4", "oc-lz4"), ("lzs", "lzs")):
        if method in special:
            lines += [f"X-CSTP-Content-Encoding: {name}"]
    return lines


def told(answer):
    """The lines of the answer but those of DTLS, whose values that vary are N."""
    lines = [f"{k}: {v}" for k, v in answer.headers if not k.startswith("X-DTLS")]
    rules = ((r"(10\.77\.0\.)\d+$", r"\1N"), (r"(fd77::)[0-9a-f:]+", r"\1N"), (r"((?:Remaining|Duration): )(71\d\d|7200)$", r"\1N"))
    for pattern, to in rules:
        lines = [re.sub(pattern, to, line) for line in lines]
    return lines


def check(kind, default):
    agent, lines, special = KINDS[kind]
    base = BASE if any("Address-Type" in line for line in lines) else BASE + ["X-CSTP-Address-Type: IPv6,IPv4"]
    c, answer = ask(cookie(), agent, base + lines, "CSCOSSLC/tunnel" if "noslash" in special else "/CSCOSSLC/tunnel")
    want, got = expected(special, default), told(answer)
    for line in difflib.unified_diff(want, got, "expected", "told", lineterm=""):
        print(line)
    alive = c.dpd()
    c.bye()
    sys.exit(0 if answer.status == 200 and want == got and alive else 1)


def mtu():
    bad = 0
    secret = cookie()
    for base in ("500", "0", "255", "256", "800", "1280", "1400", "9000", "16384", "16385", "65535", "-1", "x", "99999999999"):
        for inner in ("0", "255", "500", "576", "1200", "1390", "9000", "65535", "-1"):
            c, answer = ask(secret, "Open AnyConnect VPN Agent v9.12", [FULL6, f"X-CSTP-Base-MTU: {base}", f"X-CSTP-MTU: {inner}"])
            link, got = int(answer.one("X-CSTP-Base-MTU") or 0), int(answer.one("X-CSTP-MTU") or 0)
            has6 = bool(answer.one("X-CSTP-Address-IP6"))
            if answer.status != 200 or not 800 <= link <= 16384 or not 576 <= got < link or has6 != (got >= 1280):
                print(f"Base-MTU {base} MTU {inner}: {answer.status} link {link} inner {got} IPv6 {has6}")
                bad = 1
            c.send_frame(DISCONNECT, b"\x91")
            c.close()
    # CBC takes the most of a packet: where it alone leaves less than 1280 there is no IPv6 either.
    for base in range(1360, 1384):
        suite = [f"X-CSTP-Base-MTU: {base}", "X-DTLS-Master-Secret: " + "5A" * 48, "X-DTLS12-CipherSuite: AES256-SHA"]
        c, answer = ask(secret, "Open AnyConnect VPN Agent v9.12", [FULL6] + suite)
        got, has6 = int(answer.one("X-CSTP-MTU") or 0), bool(answer.one("X-CSTP-Address-IP6"))
        if answer.status != 200 or not answer.one("X-DTLS12-CipherSuite") or has6 and got < 1280:
            print(f"Base-MTU {base} with CBC: {answer.status} inner {got} IPv6 {has6} {answer.one('X-DTLS12-CipherSuite')}")
            bad = 1
        c.send_frame(DISCONNECT, b"\x91")
        c.close()
    sys.exit(bad)


def repeated():
    secret = cookie()
    agent = "Open AnyConnect VPN Agent v9.12"
    c, answer = ask(secret, agent, [FULL6, "X-CSTP-Base-MTU: 1500", "X-CSTP-MTU: 1300", "X-CSTP-MTU: 1310", "X-CSTP-Address: 10.77.0.99",
                                    "X-CSTP-Address: fd77::99", "X-DTLS-Master-Secret: xyz", "X-CSTP-Hostname: -a b/../x.dotted",
                                    "X-CSTP-Accept-Encoding: " + "lzs," * 40, "X-Unknown: " + "y" * 3000])
    got = (answer.status, answer.one("X-CSTP-MTU"), answer.one("X-CSTP-Hostname"), answer.one("X-CSTP-Content-Encoding"))
    c.bye()
    want = (200, "1310", "ab", "")
    if got != want:
        print(f"{got}, expected {want}")
        sys.exit(1)


def bye(what):
    secret = cookie()
    c, answer = ask(secret, "Open AnyConnect VPN Agent v9.12", BASE + [FULL6])
    if answer.status != 200 or not c.dpd():
        sys.exit(f"no tunnel: {answer.status}")
    if what != "drop":
        c.send_frame(DISCONNECT, b"" if what == "none" else bytes.fromhex(what))
        try:
            while True:
                c.more()
        except Exception:  # the server closes, whatever way
            pass
    c.close()
    print(secret)


def wait(secret, kind, seconds, answers):
    agent, lines, _ = KINDS[kind]
    c, answer = ask(secret, agent, BASE + lines)
    if answer.status != 200:
        sys.exit(f"no tunnel: {answer.status}")
    began, types, state = time.monotonic(), [], "open"
    try:
        while (left := began + seconds - time.monotonic()) > 0:
            c.sock.settimeout(left)
            kind, payload = c.receive_frame()
            types.append(str(kind))
            if kind == DPD_REQ and answers:
                c.send_frame(DPD_RESP, payload)
    except TimeoutError:
        pass
    except Closed:
        state = "closed"
    print(state, round(time.monotonic() - began), *types)
    c.close()


def rekey(version):
    limits = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = limits[version]
    secret = cookie()
    c = Client(TO, timeout=60, tls=False)
    c.sock = context.wrap_socket(c.tcp)
    answer = c.connect(secret)
    print(answer.one("X-CSTP-Rekey-Method"), answer.one("X-CSTP-Rekey-Time"), answer.one("X-DTLS-Rekey-Method"))
    c.bye()


def status(secret):
    c, answer = ask(secret, "Open AnyConnect VPN Agent v9.12", BASE + [FULL6])
    print(answer.status)
    c.close()


def main():
    command, *args = sys.argv[1:]
    if command == "list":
        print("\n".join(KINDS))
    elif command == "check":
        check(args[0], "default" in args)
    elif command == "mtu":
        mtu()
    elif command == "repeated":
        repeated()
    elif command == "bye":
        bye(args[0])
    elif command == "wait":
        wait(args[0], args[1], float(args[2]), "answer" in args)
    elif command == "rekey":
        rekey(args[0])
    elif command == "login":
        print(cookie())
    elif command == "status":
        status(args[0])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
