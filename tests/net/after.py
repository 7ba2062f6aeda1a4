#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""after.py ADDRESS BYTES - send BYTES (escapes as of printf) and then make a TLS handshake over the same connection; exits 1
if that fails.

Only Python's own modules."""
import socket
import ssl
import sys

header = sys.argv[2].encode("ascii").decode("unicode_escape").encode("latin-1")
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
tcp = socket.create_connection((sys.argv[1], 443), 5)
tcp.sendall(header)
try:
    with context.wrap_socket(tcp) as tls:
        print(tls.version())
except (ssl.SSLError, OSError) as e:
    sys.exit(str(e))
