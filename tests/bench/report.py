#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.py DIR - docs/performance.md from what run.sh has left in DIR: medians, ratios, and what limited each figure."""
import statistics
import sys
from collections import defaultdict
from pathlib import Path

ORDER = ["veth", "nulltun", "nulltun-aes", "ours-o-dtls", "ours-o-tls", "ours-dtls", "ours-tls", "ocserv-o-dtls", "ocserv-o-tls",
         "ocserv-dtls", "ocserv-tls", "wireguard-go", "openvpn",
         "ours", "ocserv", "hash", "workers-1", "workers-2"]
TITLE = {"veth": "raw veth", "nulltun": "null tunnel", "nulltun-aes": "null tunnel, AES-128-GCM", "ours-dtls": "**ocserv-modern, DTLS**",
         "ours-tls": "**ocserv-modern, TLS**", "ours-o-dtls": "**ocserv-modern, DTLS**, octun", "ours-o-tls": "**ocserv-modern, TLS**, octun",
         "ocserv-o-dtls": "ocserv, DTLS, octun", "ocserv-o-tls": "ocserv, TLS, octun", "ocserv-dtls": "ocserv, DTLS", "ocserv-tls": "ocserv, TLS", "ours": "**ocserv-modern**",
         "workers-1": "1 worker", "workers-2": "2 workers"}
BUSY = 85  # percent of the server's core from which on the server is the limit


class Section:
    def __init__(self, folder, name):
        self.values = defaultdict(lambda: defaultdict(list))
        self.facts = {}
        path = Path(folder, name + ".tsv")
        self.is_here = path.exists()
        if not self.is_here:
            return
        for line in path.read_text().splitlines():
            subject, metric, value = line.split("\t")
            self.values[subject][metric].append(float(value))
        self.facts = read_facts(folder, name)

    def subjects(self):
        return [s for s in ORDER if s in self.values]

    def get(self, subject, metric):
        values = self.values[subject].get(metric) if subject in self.values else None
        return statistics.median(values) if values else None

    def spread(self):
        """The widest (max - min) / median of all, and the median of them."""
        all_ = [(max(v) - min(v)) / statistics.median(v) for s in self.values.values() for v in s.values()
                if len(v) > 1 and statistics.median(v) > 0]
        return (statistics.median(all_), max(all_)) if all_ else (0, 0)


def read_facts(folder, name):
    path = Path(folder, name + ".facts")
    return dict(line.split("\t", 1) for line in path.read_text().splitlines()) if path.exists() else {}


def number(v):
    if v is None:
        return "-"
    if v >= 100:
        return f"{v:,.0f}"
    return f"{v:.1f}" if v >= 10 else f"{v:.2f}" if v >= 0.1 else f"{v:.3f}"


def thousands(v):
    return "-" if v is None else f"{v / 1000:,.1f}" if v < 100000 else f"{v / 1000:,.0f}"


def ratio(a, b):
    return "-" if not a or not b else f"{a / b:.1f}"


def table(head, rows):
    if not rows:
        return []
    return ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1), *("| " + " | ".join(r) + " |" for r in rows), ""]


def title(s):
    return TITLE.get(s, s)


def limit(busy):
    if busy is None:
        return "-"
    return f"server {busy:.0f} %" if busy >= BUSY else f"load {busy:.0f} %"


def when(s):
    quiet, worst = s.spread()
    return (f"Measured {s.facts.get('date', '?')} UTC, load average of the machine at the start {s.facts.get('load', '?')}; spread between "
            f"rounds (max - min, of the median): {100 * quiet:.0f} % typical, {100 * worst:.0f} % at worst.")


def throughput(s):
    columns = [("up", "1"), ("up", "4"), ("down", "1"), ("down", "4")]
    head = [f"{'client to server' if d == 'up' else 'server to client'}, {n} stream{'s' if n == '4' else ''}" for d, n in columns]
    yield "## Throughput of TCP"
    yield ""
    yield when(s)
    yield ("\"octun\": the client is tests/bench/octun.c, the real protocol with super-packets, so that a server of that kind gets them; else the client is "
           "openconnect, or the peer's own program. \"limit\" is the share of its core that "
           f"the server used with 4 streams: from {BUSY} % on the server is what limits, below it the client and iperf3 on the other core.")
    yield ""
    yield "Mbit/s:"
    yield ""
    yield from table(["", *head, "limit up", "limit down"],
                     [[title(x), *(number(s.get(x, f"mbit_{d}_{n}")) for d, n in columns),
                       *("the load" if x == "veth" else limit(s.get(x, f"busy_{d}_4")) for d in ("up", "down"))] for x in s.subjects()])
    yield "Server CPU seconds per GB (10^9 bytes that TCP delivered):"
    yield ""
    yield from table(["", *head], [[title(x), *(number(s.get(x, f"sgb_{d}_{n}")) for d, n in columns)]
                                   for x in s.subjects() if x != "veth"])
    yield "Times the CPU of ours over the same channel (4 streams):"
    yield ""
    rows = []
    for ours, peers in (("ours-o-dtls", ("nulltun", "nulltun-aes", "ocserv-o-dtls", "wireguard-go", "openvpn")), ("ours-o-tls", ("ocserv-o-tls",)),
                        ("ours-dtls", ("ocserv-dtls", "wireguard-go", "openvpn")), ("ours-tls", ("ocserv-tls",))):
        rows += [[f"{title(x)} / {title(ours)}", *(ratio(s.get(x, f"sgb_{d}_4"), s.get(ours, f"sgb_{d}_4")) for d in ("up", "down"))]
                 for x in peers if x in s.values]
    yield from table(["", "client to server", "server to client"], rows)
    agreed = [f"{x}: {s.facts[x]}" for x in ORDER if x in s.facts]
    if agreed:
        yield "Agreed with openconnect: " + "; ".join(agreed) + "."
        yield ""


def latency(s):
    kinds = [("idle", "idle"), ("up", "4 streams client to server"), ("down", "4 streams server to client")]
    base = {k: s.get("veth", f"idle_{k}") or 0 for k in ("p50", "p99")}
    yield "## Latency"
    yield ""
    yield when(s)
    yield ("ICMP echo client - host, every 10 ms, in ms; idle is what the tunnel adds to raw veth "
           f"({number(base['p50'])} p50, {number(base['p99'])} p99). Under load the queues of client, server and TCP are all in it.")
    yield ""
    rows = []
    for x in s.subjects():
        row = [title(x)]
        for kind, _ in kinds:
            for p in ("p50", "p99"):
                v = s.get(x, f"{kind}_{p}")
                if kind == "idle" and v is not None and x != "veth":
                    v = max(v - base[p], 0)
                row.append(number(v))
        row.append(" / ".join("-" if s.get(x, f"{k}_lost") is None else f"{s.get(x, f'{k}_lost'):.0f}" for k, _ in kinds))
        rows.append(row)
    yield from table(["", *(f"{name} {p}" for _, name in kinds for p in ("p50", "p99")), "lost"], rows)


def packets(s):
    yield "## Packets"
    yield ""
    yield when(s)
    yield ("UDP inside the tunnel, as much as the load can offer; k packets/s that arrived and server CPU us for each (sizes are those of the inner IP "
           "packet). ocserv-modern and ocserv get them from ocload (4 clients, the real protocol, one thread), the others from tests/bench/blast through "
           "their own client; both send runs of 32 of a flow, which super-packets are made for. 1300 bytes: CPU s/GB, without TCP and openconnect. \"limit\" as above.")
    yield ""
    for size in ("64", "160", "1300"):
        yield f"{size} bytes:"
        yield ""
        head = [""]
        for d in ("client to server", "server to client"):
            head += [f"{d}, k/s", "us" if size != "1300" else "CPU s/GB", "limit"]
        rows = []
        for x in s.subjects():
            if s.get(x, f"pps_up_{size}") is None and s.get(x, f"pps_down_{size}") is None:
                continue
            row = [title(x)]
            for d in ("up", "down"):
                what = f"{d}_{size}"
                row += [thousands(s.get(x, f"pps_{what}")), number(s.get(x, ("us_" if size != "1300" else "sgb_") + what)),
                        limit(s.get(x, f"busy_{what}"))]
            rows.append(row)
        yield from table(head, rows)
    rows = [[title(x), thousands(s.get(x, "pps_up_alone")), number(s.get(x, "us_up_alone")), limit(s.get(x, "busy_up_alone")),
             *(thousands(s.get(x, f"sweep_{d}_160")) for d in ("up", "down")),
             *(number(s.get(x, f"loss_80_{d}_160")) for d in ("up", "down"))]
            for x in s.subjects() if s.get(x, "us_up_alone") is not None]
    if rows:
        yield ("160 bytes, harder: packets of 64 flows in turn, each in a system call of its own by the client, so that nothing can be joined on the way "
               "to the server (the null tunnel and the others get them from tests/bench/blast, one flow); capacity, the highest rate of one ocload sweep "
               "with less than 0.1 % of loss; and what is lost in 3 s at 80 % of that:")
        yield ""
        yield from table(["", "alone: client to server, k/s", "us", "limit", "capacity: client to server, k/s", "server to client, k/s",
                          "loss at 80 %: client to server, %", "server to client, %"], rows)


def logins(s):
    yield "## Logins"
    yield ""
    yield when(s)
    yield ("ocload, 8 at a time: TLS, XML, CONNECT, cookie, lease, disconnect. The hash alone is crypt(3) on the same core: "
           f"{number(s.get('hash', 'ms_cheap'))} ms for `$1$` (cheap), {number(s.get('hash', 'ms_yescrypt'))} ms for yescrypt.")
    yield ""
    rows = []
    for x in s.subjects():
        if x == "hash":
            continue
        row = [title(x)]
        for hash_ in ("cheap", "yescrypt"):
            cpu, alone = s.get(x, f"ms_{hash_}"), s.get("hash", f"ms_{hash_}")
            row += [number(s.get(x, f"rate_{hash_}")), number(cpu)]
            if hash_ == "cheap":
                row.append(number(cpu - alone) if cpu and alone and cpu > alone else "-")
            row.append(limit(s.get(x, f"busy_{hash_}")))
        rows.append(row)
    yield from table(["", "cheap: logins/s", "CPU ms each", "without the hash", "limit", "yescrypt: logins/s", "CPU ms each", "limit"], rows)


def memory(s):
    yield "## Idle sessions"
    yield ""
    yield (f"Measured {s.facts.get('date', '?')} UTC, once. A fresh server, ocload opens sessions with TLS and DTLS that say nothing. PSS is summed over all "
           "processes of the server (smaps_rollup), 5 s after the last login; KB a session is the growth since before the first. Memory of the "
           f"kernel (sockets) is not in it. CPU over {s.facts.get('idle_seconds', '?')} s, DPD every 60 s, percent of one core.")
    yield ""
    rows = []
    for x in s.subjects():
        for n in (1, 1000, 10000):
            if s.get(x, f"pss_{n}") is not None:
                rows.append([title(x), f"{s.get(x, f'have_{n}') or n:,.0f}", number(s.get(x, f"pss_{n}") / 1024), number(s.get(x, f"each_{n}")), number(s.get(x, f"idle_{n}"))])
    yield from table(["", "sessions", "PSS MB", "growth KB a session", "idle CPU %"], rows)


def workers(s):
    yield "## 1 against 2 workers"
    yield ""
    yield when(s)
    yield ("160-byte packets, 32 clients of ocload, as much as it can offer. With 2 workers the load shares the cores of the server if the machine "
           "has no more: what counts then is the CPU of a packet, not the rate.")
    yield ""
    rows = [[title(x), *(f(s.get(x, m)) for d in ("up", "down") for f, m in
                         ((thousands, f"pps_{d}_160"), (number, f"us_{d}_160"), (number, f"busy_{d}_160")))] for x in s.subjects()]
    yield from table(["", *(f"{d}, {w}" for d in ("client to server", "server to client") for w in ("k/s", "us", "busy %"))], rows)


PROFILES = {"tcp_up": "TCP client to server, openconnect", "tcp_down": "TCP server to client, openconnect",
            "bulk_up": "1300-byte packets client to server, ocload", "bulk_down": "1300-byte packets server to client, ocload",
            "lone_up": "160-byte packets client to server, each in a call of its own, ocload (the parts are one inside of the other)"}


def profile(s):
    yield "## Where the cycles go"
    yield ""
    if "none" in s.facts:
        yield s.facts["none"] + "."
        yield ""
        return
    yield (f"Measured {s.facts.get('date', '?')} UTC: `perf record -e cpu-clock` on the worker (the machine has no hardware counters, so time "
           "with interrupts off is seen where they come back on). Percent of the worker's own time.")
    yield ""
    for key, name in PROFILES.items():
        if key in s.values:
            yield f"{name}:"
            yield ""
            parts = {k[6:]: v[0] for k, v in s.values[key].items() if k.startswith("part: ")}
            yield from table(["part", "%"], [[k, f"{v:.1f}"] for k, v in parts.items()])
            yield from table(["symbol", "%"], [["`" + k + "`", f"{v[0]:.1f}"] for k, v in s.values[key].items() if not k.startswith("part: ")])


CAVEATS = """\
How it is measured: three network namespaces (client - gateway - host) joined by veth; every server in the gateway's, on one core of its own; clients and load on
the others. All subjects are up at the same time and are measured in turn, round by round; a figure is the median of {rounds} rounds of {secs} s.
Server CPU is the time of all its processes (user and system, those that have ended included) from their cgroup, that is what utime + stime of
/proc/PID/stat add up to, in us. Softirq work is charged to the process it interrupts: with veth a sender does much of the receiver's work in the
kernel, so a server pays for its client's receiving side and not for its own. It is so for every subject alike. The null tunnel (tests/bench/nulltun.c) does the I/O of
a tunnel with super-packets and nothing else; with AES also one wolfCrypt call for each datagram.
"""


def main():
    folder = sys.argv[1]
    facts = read_facts(folder, "machine")
    lines = ["# Performance", "", "Written by `make bench` (tests/bench/run.sh). Nothing here is typed by hand; what was not measured is \"-\" or absent.", ""]
    lines += table(["what", "is"], [[k, v] for k, v in facts.items() if k not in ("rounds", "secs")])
    lines += CAVEATS.format(rounds=facts.get("rounds", "?"), secs=facts.get("secs", "?")).splitlines() + [""]
    for make in (throughput, latency, packets, logins, memory, workers, profile):
        section = Section(folder, make.__name__)
        if section.is_here:
            lines += list(make(section))
    print("\n".join(lines).rstrip())


main()
