# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# lib_idp.sh - the OpenID provider of the tests, on the host behind the server. Sourced after lib_auth.sh.
/usr/bin/python3 -c 'import cryptography' 2>/dev/null || skip "no python3-cryptography; run: sudo scripts/setup.sh test"

readonly idp=$T/idp idp_port=8443
readonly issuer=https://$host4:$idp_port
idp_py() { /usr/bin/python3 -B "$here/idp.py" "$@"; }

mkdir -p "$idp"
for kind in rsa ec; do idp_py key "$idp" $kind $kind; done
new_key "$T/idp-key.pem"
openssl req -new -key "$T/idp-key.pem" -subj "/CN=idp" -out "$T/idp.csr"
openssl x509 -req -in "$T/idp.csr" -CA "$T/ca.pem" -CAkey "$T/ca-key.pem" -CAcreateserial -sha256 -days 2 -out "$T/idp-cert.pem" \
	-extfile <(echo "subjectAltName=IP:$host4") 2>>"$T/openssl.txt"

idp_start() {
	spawn "$host" "$T/idp.log" /usr/bin/python3 -B "$here/idp.py" serve "$idp" $host4 $idp_port "$T/idp-cert.pem" "$T/idp-key.pem"
	idp_pid=$spawned
	ok "the provider listens" wait_until 20 idp_listens
}
idp_listens() { in_host ss -tln | grep -q ":$idp_port "; }
idp_stop() { end "$idp_pid" TERM 10 >/dev/null || true; }
# idp_is MODE
idp_is() { echo "$1" >"$idp/mode"; }
# idp_asked PATH: how often
idp_asked() { grep -c "$1" "$idp/requests" 2>/dev/null || true; }
