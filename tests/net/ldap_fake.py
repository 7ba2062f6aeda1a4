#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ldap_fake.py - LDAP servers that do not behave

    ldap_fake.py MODE ADDRESS PORT CERTIFICATE KEY

    quiet       takes the connection and says nothing
    garbage     answers with bytes that are no LDAP
    drip        says yes to StartTLS, a byte a second
    tlsgarbage  says yes to StartTLS, then bytes that are no TLS
    huge        an answer that claims to be two gigabytes long
    inject      says yes to StartTLS, and in the same segment to the binds and searches that are to come; then it is a relay to the real
                server on port 389: what an attacker on the way can do without the key
"""
import os
import socket
import sys
import threading
import time

STARTTLS_OK = bytes.fromhex("300c02010178070a010004000400")


def message(number, body):
    return bytes([0x30, 3 + len(body), 2, 1, number]) + body


def result(number, tag):
    return message(number, bytes([tag, 7, 0x0A, 1, 0, 4, 0, 4, 0]))


def entry(number):
    dn = b"uid=plain,ou=people,dc=example,dc=test"
    attributes = bytes([0x30, len(b"\x04\x03uid") + 9 + 2]) + b"\x04\x03uid" + bytes([0x31, 7, 4, 5]) + b"plain"
    attributes = bytes([0x30, len(attributes)]) + attributes
    body = bytes([4, len(dn)]) + dn + attributes
    return message(number, bytes([0x64, len(body)]) + body)


def relay(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    finally:
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def inject(client, address):
    server = socket.create_connection((address, 389))
    server.sendall(client.recv(65536))  # StartTLS
    answer = server.recv(65536)
    # service bind, search of the user, search of groups, bind of the user
    forged = result(2, 0x61) + entry(3) + result(3, 0x65) + result(4, 0x65) + result(4, 0x61) + result(5, 0x61)
    client.sendall(answer + forged)
    threading.Thread(target=relay, args=(client, server), daemon=True).start()
    relay(server, client)


def serve(mode, client, address):
    if mode == "inject":
        inject(client, address)
        return
    client.recv(65536)
    if mode == "quiet":
        time.sleep(120)
    elif mode == "garbage":
        client.sendall(os.urandom(4096))
        time.sleep(1)
    elif mode == "huge":
        client.sendall(bytes.fromhex("30847fffffff020101"))
        for _ in range(64):
            client.sendall(bytes(65536))
    elif mode == "drip":
        for b in STARTTLS_OK:
            client.sendall(bytes([b]))
            time.sleep(1)
    elif mode == "tlsgarbage":
        client.sendall(STARTTLS_OK)
        client.recv(65536)
        client.sendall(os.urandom(4096))
        time.sleep(60)
    client.close()


def quietly(*args):
    try:
        serve(*args)
    except OSError as e:
        print(args[0], e, flush=True)


def main():
    mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    listener = socket.create_server((address, port), backlog=64)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=quietly, args=(mode, client, address), daemon=True).start()


if __name__ == "__main__":
    main()
