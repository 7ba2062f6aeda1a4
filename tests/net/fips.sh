#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# fips.sh - with `fips` only what is approved is agreed on, and nothing starts without a validated module. The TLS library here is
# none, so the restrictions are tested with fips = policy, and that fips = true is refused.
. "$(dirname "$0")/lib.sh"
is_ours || skip "only ours has the option"
ocload=$BUILD_DIR/bin/ocload
[ -x "$ocload" ] || skip "no $ocload; run: make build"

# agrees [OPTION...]: a TLS connection of openssl with these; what was agreed on is in $T/tls
agrees() { in_cl timeout 10 openssl s_client -connect $gw4:443 -brief "$@" </dev/null >"$T/tls" 2>&1; }
load() {
	in_cl "$ocload" "$1" -q --json -s $gw4 --servername localhost --cafile "$T/ca.pem" -u test --password-file "$T/password" \
		--timeout $((20 * slow)) "${@:2}" >"$T/load.json" 2>"$T/load.log"
}
load_is() { equal "$(json "$1" <"$T/load.json")" "$2"; }
enters() { vpn login "$1" "$password" | grep -q '^200 .\{40\}'; } # with a cookie
tests_wrong() {
	make_config "$T/server.conf" "$@"
	! in_gw "$(server_program)" -t -c "$T/server.conf" >"$T/said" 2>&1
}

ok "fips = true: -t refuses a library that is no validated module" tests_wrong fips=true
ok "and says so" has "$T/said" 'fips = true: .*no FIPS module.*fips = policy'
ok "radius is refused" tests_wrong fips=policy auth='"radius[config=/nonexistent]"'
ok "and says why" has "$T/said" 'fips: radius .*MD5'
ok "nothing left of tls-priorities is refused" tests_wrong fips=policy tls-priorities='"NORMAL:-AES-128-GCM:-AES-256-GCM"'
ok "and says the cure" has "$T/said" 'fips leaves nothing .*+AES-256-GCM'

echo "$password" >"$T/password"
cat >"$T/ocpasswd" <<-END
	test:*:$(openssl passwd -6 -salt salt "$password")
	sha256:*:$(openssl passwd -5 -salt salt "$password")
	md5:*:$(openssl passwd -1 -salt salt "$password")
END
server_start fips=policy
ok "a password hashed by SHA-512" enters test
ok "by SHA-256" enters sha256
ok "by MD5: nobody gets in" not enters md5
ok "the log names the line" has "$T/server.log" 'ocpasswd.*3.*fips: the scheme of the password hash is not approved'
ok "TLS 1.3" agrees -tls1_3
ok "TLS 1.3: AES-GCM, a curve of NIST" has "$T/tls" 'Ciphersuite: TLS_AES_.*GCM'
ok "the group is P-256" has "$T/tls" 'prime256v1'
ok "X25519 alone: none" not agrees -groups X25519
ok "P-384 alone" agrees -groups P-384
ok "ChaCha20 alone: none, TLS 1.3" not agrees -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
ok "ChaCha20 alone: none, TLS 1.2" not agrees -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305
ok "AES-256-GCM, TLS 1.2" agrees -tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384
oc_connect a
ok "openconnect: the tunnel works" pings "$cl" $host4
ok "openconnect: DTLS with AES-GCM" has "$T/a/log" 'Established DTLS.*AES-[0-9]*-GCM'
oc_stop a
ok "DTLS 1.3" load idle --dtls --dtls-version 1.3 -d 1
ok "it is DTLS 1.3" load_is "d['dtls13']" 1
ok "DTLS with ChaCha20: none" not load idle --dtls --cipher chacha -d 1 --timeout 4
ok "DTLS 1.3 with ChaCha20: none" not load idle --dtls --dtls-version 1.3 --cipher chacha -d 1 --timeout 4
server_stop

openssl genpkey -algorithm ed25519 -out "$T/ed-key.pem"
openssl req -new -x509 -key "$T/ed-key.pem" -subj /CN=localhost -days 2 -out "$T/ed.pem" 2>/dev/null
make_config "$T/server.conf" fips=policy server-cert="$T/ed.pem" server-key="$T/ed-key.pem"
spawn "$gw" "$T/said" "$(server_program)" -f -c "$T/server.conf"
ok "a key of Ed25519: the server does not start" wait_until 15 not is_alive "$spawned"
ok "and says why" has "$T/said" 'ed-key.pem.*fips: an Ed25519 key is not approved'
