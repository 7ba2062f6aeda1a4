#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""pieces.py ADDRESS NAME RECORD PART - a TLS handshake whose ClientHello is cut into records of RECORD bytes of payload, and these
into TCP segments of PART bytes. Prints the common name of the certificate that the server presents.

Only Python's own modules."""
import socket
import ssl
import struct
import subprocess
import sys
import time


def records(hello, size):
    """The one record of a ClientHello as several."""
    kind, version, length = struct.unpack("!BHH", hello[:5])
    body = hello[5 : 5 + length]
    assert kind == 22 and len(body) == length == len(hello) - 5
    return b"".join(
        struct.pack("!BHH", kind, version, len(body[i : i + size])) + body[i : i + size]
        for i in range(0, length, size)
    )


def main():
    address, name, record, part = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    tcp = socket.create_connection((address, 443), 10)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    first = True
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            pass
        data = outgoing.read()
        if first:
            data = records(data, record)
        step = part if first else max(len(data), 1)
        for i in range(0, len(data), step):
            tcp.sendall(data[i : i + step])
            if first and i % 64 == 0:
                time.sleep(0.001)
        first = False
        answer = tcp.recv(65536)
        if not answer:
            sys.exit("the server has closed the connection")
        incoming.write(answer)
    der = tls.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline"], input=der,
                          capture_output=True, check=True).stdout.decode()
    print([line.split("=")[1].strip() for line in text.splitlines() if "commonName" in line][0])


main()
