#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tls_scan.sh - what scanners say of the default configuration: testssl.sh and nmap's ssl-enum-ciphers find nothing that matters.
# docs/security.md has the table of results. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events and counters"
need nmap testssl

# Findings that say nothing of us: the test's authority is in no store and issues no OCSP, CRL, CAA and CT of its own; what HTTP
# headers a gateway of clients without HTML pages lacks.
readonly not_ours='cert_chain_of_trust|cert_notAfter|cert_expirationStatus|cert_revocation|cert_validityPeriod|cert_trust|DNS_CAArecord|certificate_transparency|OCSP_stapling|HSTS|HPKP|security_headers|cookie_|BREACH|banner_|cert_crlDistributionPoints|cert_ocspURL|overall_grade|grade_cap|scanProblem|scanTime|engine_problem'

# scan NAME OPTION...: testssl.sh, its findings of severity MEDIUM and above are in $T/NAME.txt, all in $T/NAME.json
scan() {
	local name=$1
	shift
	in_cl timeout 600 testssl --quiet --color 0 --warnings off --ip $gw4 --nodns min --connect-timeout 5 --openssl-timeout 5 \
		--jsonfile "$T/$name.json" "$@" vpn.example.test:443 >"$T/$name.log" 2>&1 </dev/null || true
	[ -s "$T/$name.json" ] || return 1
	/usr/bin/python3 - "$T/$name.json" "$not_ours" >"$T/$name.txt" <<-'END'
		import json, re, sys
		found = json.load(open(sys.argv[1]))
		assert not [f for f in found if f["finding"] == "Scan interrupted"], "the scan was too slow"
		for f in found:
		    if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") and not re.match(sys.argv[2], f["id"]):
		        print(f["severity"], f["id"], f["finding"])
	END
}
nothing_of() { [ ! -s "$T/$1.txt" ] || { cat "$T/$1.txt"; return 1; }; }
# finding NAME ID PATTERN
finding() {
	/usr/bin/python3 -c '
import json, re, sys
f = [x["finding"] for x in json.load(open(sys.argv[1])) if x["id"] == sys.argv[2]]
print(f)
sys.exit(0 if f and re.search(sys.argv[3], f[0]) else 1)' "$T/$1.json" "$2" "$3"
}

# One scan of what applies to a server without pages; forward secrecy is nmap's part. It takes long on a busy machine: testssl.sh
# starts OpenSSL hundreds of times.
testssl_says() {
	local v
	ok "testssl.sh scans" scan all -p -s -R -H -I -T -BB -O -Z -W -F -J -D -4
	ok "... nothing of severity MEDIUM and above" nothing_of all
	for v in SSLv2 SSLv3 TLS1 TLS1_1; do
		ok "... $v is not offered" finding all $v 'not offered'
	done
	ok "... TLS 1.2 is" finding all TLS1_2 '^offered'
	ok "... TLS 1.3 is" finding all TLS1_3 '^offered'
	ok "... renegotiation is secure" finding all secure_renego supported
	ok "... and not done for a client" finding all secure_client_renego 'not vulnerable'
	ok "... not even Heartbleed" finding all heartbleed 'not vulnerable'
}

nmap_says() {
	in_cl timeout 120 nmap -Pn -n -p 443 --script ssl-enum-ciphers --script-args tls.servername=vpn.example.test $gw4 \
		>"$T/nmap.txt" 2>&1 || true
	ok "nmap: TLS 1.2 and 1.3" has "$T/nmap.txt" 'TLSv1.3'
	ok "... and nothing older" not has "$T/nmap.txt" 'TLSv1\.[01]\|SSLv'
	ok "... the worst cipher has grade A" has "$T/nmap.txt" 'least strength: A'
	ok "... no warning" not has "$T/nmap.txt" 'warnings'
	ok "... the server chooses" has "$T/nmap.txt" 'cipher preference: server'
	ok "... only what has forward secrecy and is authenticated" not grep -E 'TLS_(RSA|DH|.*(CBC|NULL|RC4|3DES|EXPORT))' "$T/nmap.txt"
}

begin=$SECONDS
server_start workers=2
nmap_says
testssl_says
echo "in $((SECONDS - begin)) s"
ok "no handshake came to a bad end in the worker" nothing_died
server_stop
