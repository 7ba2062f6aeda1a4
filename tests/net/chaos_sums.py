# SPDX-License-Identifier: GPL-3.0-or-later
"""chaos_sums.py CLIENTS.json KILLS ACCOUNTING: what the clients counted against what the server has written.

ACCOUNTING: lines user|sid|cause|rx|tx, by sid. KILLS: lines "ms what".
A goodbye must be found as a record with exactly its bytes, unless the server was killed at that moment (the bytes of a connection that
the server's death ended are unknown, its cause is lost). No record may claim bytes that no client has sent.
"""
import collections
import json
import sys

SLACK_MS = 1000  # before the death of the whole server: what the client said may not have been read


def main():
    clients, kills_file, accounting = sys.argv[1:]
    d = json.load(open(clients))
    kills = [(int(l.split()[0]), l.split()[1]) for l in open(kills_file)]
    servers = [ms for ms, what in kills if what in ("server", "again")]
    deaths = {what: sum(k == what for _, k in kills) for what in ("server", "keeper")}
    rows = [l.rstrip("\n").split("|") for l in open(accounting)]
    records = collections.defaultdict(list)
    for user, sid, cause, rx, tx in rows:
        records[user].append((cause, int(rx), int(tx)))
    wrong = list(d["wrong"])

    byes = collections.defaultdict(collections.Counter)     # of which there must be a record
    excused = collections.defaultdict(collections.Counter)  # of which there may be one
    for c in d["connections"]:
        if c["end"] == "cut" and not any(c["since_ms"] - SLACK_MS <= ms <= c["until_ms"] + SLACK_MS for ms in servers):
            wrong.append(f"{c['user']}: a tunnel was cut at {c['until_ms']}, and nobody killed the server: {c.get('why')}")
        if c["end"] == "bye":
            near = any(c["bye_ms"] <= ms + SLACK_MS and ms <= c["until_ms"] + SLACK_MS for ms in servers)
            (excused if near else byes)[c["user"]][c["sent"], c["got"]] += 1
    found = missing = 0
    for user in byes | excused:
        had = collections.Counter((rx, tx) for cause, rx, tx in records[user] if cause == "user")
        lost, rest = byes[user] - had, had - byes[user]
        found += sum((byes[user] & had).values()) + sum((excused[user] & rest).values())
        missing += sum((excused[user] - rest).values())
        if lost:
            wrong.append(f"{user}: no record with their bytes have {list(lost)[:5]}; records of nobody: {list(rest - excused[user])[:5]}")
    for user, list_ in records.items():
        sent = sum(c["sent"] for c in d["connections"] if c["user"] == user)
        if sum(rx for _, rx, _ in list_) > sent:
            wrong.append(f"{user}: {sum(rx for _, rx, _ in list_)} bytes in the records, {sent} were sent")
    sums = (sum(int(r[3]) for r in rows), sum(c["sent"] for c in d["connections"]))
    print(f"{d['logins']} logins, {len(d['connections'])} connections, {d['returns']} came back, {d['cuts']} were cut by {deaths['server']} deaths of the "
          f"server; {deaths['keeper']} deaths of the keeper; {found} goodbyes with their exact bytes, {missing} at the moment of a death; "
          f"{sums[0]} of {sums[1]} bytes in the records")
    print("\n".join(wrong[:40]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
