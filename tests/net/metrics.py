# SPDX-License-Identifier: GPL-3.0-or-later
"""metrics.py WHERE COMMAND...: what metrics.sh asks of a server. WHERE is a path of a UNIX socket or ADDRESS:PORT.

   get PATH [old]            status and body; old: without an Accept for OpenMetrics
   raw TEXT                  send TEXT (with its escapes), print the status line, or "closed" if there is no answer
   check FILE                scrape; all rules of the format hold, and no counter of the scrape kept in FILE went down; FILE is written anew
   value NAME [LABEL=VALUE]  sum of the samples of this name that have these labels
   names TABLE MACRO PREFIX END   each row of a .def table is a sample with this name
   known TABLE FILE...       all names of metrics in these files are samples (or of this table of the kernel's counters)
   rules DASHBOARD           its expressions, as a file of rules for promtool (asks nobody)
   silent N SECONDS          N connections that say nothing: how many were closed by the server within so many seconds
"""
import json
import pickle
import re
import select
import socket
import sys
import time

from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OLD = "text/plain; version=0.0.4; charset=utf-8"


def connect(where):
    if "/" in where:
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        while True:
            try:
                s.connect(where)
                return s
            except BlockingIOError:  # its queue is full for a moment, and a UNIX socket does not wait
                time.sleep(0.05)
    host, port = where.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), 30)


def exchange(where, request):
    """All that comes until the server closes; nothing, if it closes at once."""
    s = connect(where)
    data = b""
    try:
        s.sendall(request)
        while True:
            more = s.recv(65536)
            if not more:
                break
            data += more
    except (ConnectionResetError, BrokenPipeError):
        pass
    s.close()
    return data


def get(where, path, is_open=True):
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" if is_open else "*/*"
    data = exchange(where, f"GET {path} HTTP/1.1\r\nHost: test\r\nAccept: {accept}\r\n\r\n".encode())
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    if not data:
        sys.exit("closed")
    assert int(fields["content-length"]) == len(body), (fields, len(body))
    return int(lines[0].split()[1]), fields, body.decode()


def scrape(where):
    status, fields, text = get(where, "/metrics")
    assert status == 200, status
    assert fields["content-type"] == OPEN, fields
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    # the lines themselves: the parser forgives some
    helps = re.findall(r"^# HELP (\S+) \S", text, re.M)
    types = re.findall(r"^# TYPE (\S+) (counter|gauge|histogram)$", text, re.M)
    assert helps == [name for name, _ in types], "each family has one HELP and one TYPE, in this order"
    assert len(set(helps)) == len(helps), "a family comes twice"
    assert len(helps) * 2 + 1 == len(re.findall(r"^#", text, re.M)), "a comment of another kind"
    families = list(text_string_to_metric_families(text))
    samples = {}
    for family in families:
        for s in family.samples:
            key = (s.name, tuple(sorted(s.labels.items())))
            assert key not in samples, f"{key} comes twice"
            assert s.value >= 0, key
            samples[key] = (s.value, family.type != "gauge")
    assert samples
    return samples


def check(where, kept):
    samples = scrape(where)
    try:
        with open(kept, "rb") as f:
            before = pickle.load(f)
    except FileNotFoundError:
        before = {}
    for key, (value, is_counter) in before.items():
        if is_counter:
            assert key in samples, f"{key} is gone"
            assert samples[key][0] >= value, f"{key} went down from {value} to {samples[key][0]}"
    with open(kept, "wb") as f:
        pickle.dump(samples, f)
    print(len(samples), "samples")


def value(where, name, *labels):
    wanted = [tuple(label.split("=", 1)) for label in labels]
    found = [v for (n, have), (v, _) in scrape(where).items() if n == name and all(w in have for w in wanted)]
    if not found:
        sys.exit(f"no sample {name} {labels}")
    total = sum(found)
    print(int(total) if total == int(total) else total)


def names(where, table, macro, prefix, end):
    have = {name for name, _ in scrape(where)}
    with open(table, encoding="ascii") as f:
        rows = re.findall(rf"^{macro}\((\w+),", f.read(), re.M)
    assert rows, table
    missing = [row for row in rows if f"{prefix}{row}{end}" not in have]
    assert not missing, missing
    print(len(rows), "rows")


def known(where, table, *files):
    have = {name for name, _ in scrape(where)}
    with open(table, encoding="ascii") as f:
        have |= {f"ocserv_guard_kernel_{row}_total" for row in re.findall(r"^GUARD_COUNT\((\w+),", f.read(), re.M)}
    for file in files:
        with open(file, encoding="utf-8") as f:
            wanted = set(re.findall(r"\bocserv_[a-z0-9_]+", f.read()))
        assert wanted, file
        assert wanted <= have, (file, wanted - have)
        print(file, len(wanted), "names")


def rules(dashboard):
    with open(dashboard, encoding="utf-8") as f:
        panels = json.load(f)["panels"]
    exprs = [t["expr"] for p in panels for t in p.get("targets", [])]
    assert exprs
    exprs = [e.replace("$__rate_interval", "5m").replace("$instance", ".*") for e in exprs]
    rows = [{"record": f"dashboard:{i}", "expr": e} for i, e in enumerate(exprs)]
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rows}]}))


def silent(where, n, seconds):
    sockets = [connect(where) for _ in range(n)]
    end = time.monotonic() + seconds
    closed = 0
    while closed < n and time.monotonic() < end:
        for s in select.select(sockets, [], [], 1)[0]:
            try:
                assert s.recv(100) == b""
            except ConnectionResetError:
                pass
            sockets.remove(s)
            closed += 1
    print(closed)


def main(where, command, *rest):
    if command == "get":
        status, fields, body = get(where, rest[0], len(rest) < 2)
        if len(rest) > 1 and rest[0] == "/metrics":
            assert fields["content-type"] == OLD, fields
        if status != 200 or rest[0] != "/metrics":
            print(status)
        print(body, end="")
    elif command == "raw":
        data = exchange(where, rest[0].encode().decode("unicode_escape").encode("latin-1"))
        print(data.split(b"\r\n")[0].decode() or "closed")
    elif command == "check":
        check(where, rest[0])
    elif command == "value":
        value(where, *rest)
    elif command == "names":
        names(where, *rest)
    elif command == "known":
        known(where, *rest)
    elif command == "rules":
        rules(rest[0])
    elif command == "silent":
        silent(where, int(rest[0]), float(rest[1]))
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
