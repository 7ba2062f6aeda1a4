# SPDX-License-Identifier: GPL-3.0-or-later
"""A service manager as systemd is one to its services: sockets, NOTIFY_SOCKET, WATCHDOG_USEC.

  manager.py --notify PATH --record FILE [--watchdog-ms N] [--listen KIND:ADDRESS:PORT]... -- COMMAND...

KIND is tcp or udp. The sockets stay open while there is no server. FILE gets a line for each variable that the server tells, with the
milliseconds since the start of the manager before it, and EXIT=STATUS when it ends. USR1 starts it again, TERM ends it and, when it
has ended, the manager, with its status.
"""
import argparse
import os
import select
import signal
import socket
import sys
import time

FIRST = 3  # sd_listen_fds(3)
began = time.monotonic()
wanted = {"again": False, "end": False}


def open_socket(text):
    kind, rest = text.split(":", 1)
    address, port = rest.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == "tcp":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    if kind == "tcp":
        s.listen(4096)
    return s


def start(args, sockets):
    pid = os.fork()
    if pid != 0:
        return pid
    # above all numbers that are to be taken
    high = [os.dup2(s.fileno(), 200 + i, inheritable=True) for i, s in enumerate(sockets)]
    for i, fd in enumerate(high):
        os.dup2(fd, FIRST + i, inheritable=True)
        os.close(fd)
    env = dict(os.environ, NOTIFY_SOCKET=args.notify)
    if sockets:
        env |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets))}
    if args.watchdog_ms:
        env |= {"WATCHDOG_PID": str(os.getpid()), "WATCHDOG_USEC": str(args.watchdog_ms * 1000)}
    os.execve(args.command[0], args.command, env)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--notify", required=True)
    p.add_argument("--record", required=True)
    p.add_argument("--watchdog-ms", type=int, default=0)
    p.add_argument("--listen", action="append", default=[])
    p.add_argument("command", nargs="+")
    args = p.parse_args()
    sockets = [open_socket(text) for text in args.listen]
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(args.notify)
    notify.setblocking(False)
    record = open(args.record, "a", buffering=1)

    def put(text):
        record.write(f"{int((time.monotonic() - began) * 1000)} {text}\n")

    def drain():
        while select.select([notify], [], [], 0)[0]:
            for line in notify.recv(65536).decode().splitlines():
                put(line)

    signal.signal(signal.SIGUSR1, lambda *_: wanted.update(again=True))
    signal.signal(signal.SIGTERM, lambda *_: wanted.update(end=True))
    pid = start(args, sockets)
    put(f"PID={pid}")
    status, is_ending = 0, False
    while pid or not wanted["end"]:
        select.select([notify], [], [], 0.05)
        drain()
        if not pid and wanted["again"]:
            wanted["again"] = False
            pid = start(args, sockets)
            put(f"PID={pid}")
        if pid and wanted["end"] and not is_ending:
            is_ending = True
            os.kill(pid, signal.SIGTERM)
        done, how = os.waitpid(pid, os.WNOHANG) if pid else (0, 0)
        if done:
            drain()
            pid, status = 0, os.waitstatus_to_exitcode(how)
            put(f"EXIT={status}")
    sys.exit(status if 0 <= status < 126 else 125)


main()
