#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# vhosts.sh - virtual hosts by SNI: certificates, users and settings of their own, what they inherit, several certificates at once,
# reload. The network is drawn in lib.sh.
#
#   (default)             server.pem (P-256)             users of ocpasswd         banner "at home"
#   alpha.example.test    alpha.pem (P-256)              users of alpha.passwd     banner inherited
#   beta.example.test     beta-{rsa,p384,ed}.pem         users inherited           banner "at beta", TLS 1.2 only with AES-256
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events and counters"

readonly alpha=alpha.example.test beta=beta.example.test

# client OPTION...: a TLS handshake; its words are in $T/client.
client() {
	in_cl timeout 10 openssl s_client -connect $gw4:443 "$@" </dev/null >"$T/client" 2>&1
}
# subject OPTION...: O or CN of the certificate presented
subject() {
	client "$@" || true
	sed -n 's/^subject=//p' "$T/client"
}
shows() {
	local want=$1
	shift
	equal "$(subject "$@")" "$want"
}

by_sni() {
	local v curve
	ok "alpha: its certificate" shows "CN = $alpha, O = alpha" -servername $alpha
	ok "alpha: in other letters too" shows "CN = $alpha, O = alpha" -servername ALPHA.Example.TEST
	ok "an unknown name: the default certificate, no alert" shows "CN = vpn.example.test" -servername nobody.example.test
	ok "... and the handshake is verified" has "$T/client" 'Verification\|New, TLSv1.3'
	ok "no name: the default certificate" shows "CN = vpn.example.test" -noservername
	ok "TLS 1.2: by name too" shows "CN = $alpha, O = alpha" -servername $alpha -tls1_2
	ok "beta has no TLS 1.3" client -servername $beta -tls1_2
	ok "... and refuses it" not client -servername $beta -tls1_3
	ok "... and no AES-128" not client -servername $beta -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
	ok "... but P-521, which it names" client -servername $beta -tls1_2 -curves secp521r1
	for v in tls1_2 tls1_3; do
		ok "the default host has no P-521 ($v)" not client -$v -curves secp521r1
		for curve in X25519 secp384r1; do
			ok "... but $curve ($v)" client -$v -curves "P-521:$curve:P-256" # the last is that of the certificate
		done
	done
	ok "the default host has both versions" client -tls1_3
	ok "... and AES-128" client -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256
}

by_offer() {
	ok "beta: P-384 is preferred" shows "CN = $beta, O = beta-p384" -servername $beta
	ok "beta: RSA for who verifies only RSA" shows "CN = $beta, O = beta-rsa" -servername $beta -sigalgs RSA+SHA256
	ok "beta: RSA-PSS too" shows "CN = $beta, O = beta-rsa" -servername $beta -sigalgs rsa_pss_rsae_sha256
	ok "beta: RSA for who has suites of RSA only" shows "CN = $beta, O = beta-rsa" -servername $beta -cipher ECDHE-RSA-AES256-GCM-SHA384
	ok "beta: Ed25519 for who verifies only that" shows "CN = $beta, O = beta-ed" -servername $beta -sigalgs ed25519
	ok "three: P-256 in TLS 1.3" shows "CN = three.example.test, O = three-p256" -servername three.example.test
	ok "three: RSA in TLS 1.3" shows "CN = three.example.test, O = three-rsa" -servername three.example.test -tls1_3 -sigalgs rsa_pss_rsae_sha256
	ok "three: Ed25519 in TLS 1.3" shows "CN = three.example.test, O = three-ed" -servername three.example.test -tls1_3 -sigalgs ed25519
	ok "three: GnuTLS gets one it can verify" in_cl gnutls-cli --x509cafile "$T/ca.pem" --sni-hostname three.example.test \
		--verify-hostname three.example.test -p 443 $gw4
}

# The ClientHello cut into small records, and these into single bytes: chosen all the same.
in_pieces() {
	ok "alpha: a ClientHello in records of $1 bytes, sent in parts of $2" equal \
		"$(in_cl /usr/bin/python3 "$here/pieces.py" $gw4 $alpha "$1" "$2")" "$alpha"
}

hash_told() { # OPTION of curl...: what the server says of its certificate, and what it presents
	in_cl curl -sk -i --resolve three.example.test:443:$gw4 "$@" -d "username=test&password=${password// /+}" \
		https://three.example.test/auth >"$T/curl"
	sed -n 's/.*sh:\([0-9A-F]*\).*/\1/p' "$T/curl" | head -n 1
}
hash_is() {
	local file=$1
	shift
	equal "$(hash_told "$@")" "$(openssl x509 -in "$T/$file" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')"
}
hashes() {
	ok "the SHA-1 told is that of the P-256 certificate" hash_is three-p256.pem --tlsv1.2
	ok "... of the RSA certificate, if that was presented" hash_is three-rsa.pem --tls-max 1.2 --ciphers ECDHE-RSA-AES256-GCM-SHA384
}

# at HOST NAME [OPTION...]: an openconnect to this virtual host
at() {
	local where=$1 name=$2
	shift 2
	oc_url=https://$where/ oc_connect "$name" --resolve "$where:$gw4" "$@"
}
refused_at() {
	local where=$1 name=$2
	shift 2
	oc_url=https://$where/ oc_start "$name" --resolve "$where:$gw4" --no-dtls "$@"
	ok "$name: refused at $where" wait_until 20 not oc_is_alive "$name"
	ok "$name: no session" users_are 0
}

logins() {
	oc_user=alice at $alpha alice
	ok "alice: occtl tells the virtual host" equal "$(user alice "u['vhost']")" $alpha
	ok "alice: ping to the host" wait_until 10 pings "$cl" $host4
	ok "alice: the banner is inherited" has "$T/alice/log" "at home"
	oc_stop alice
	ok "alice: the session is gone" wait_until 5 users_are 0
	oc_user=test at $beta tester
	ok "tester: the users are inherited" equal "$(user test "u['vhost']")" $beta
	ok "tester: the banner is its own" has "$T/tester/log" "at beta"
	ok "tester: DTLS has the cipher of the virtual host" wait_until 10 has "$T/tester/log" 'DTLS.*AES-256-GCM'
	oc_stop tester
	ok "tester: the session is gone" wait_until 5 users_are 0
	oc_user=test refused_at $alpha stranger
	oc_user=alice refused_at $beta lost
	oc_user=alice oc_start nowhere --no-dtls
	ok "nowhere: alice is refused at the default host" wait_until 20 not oc_is_alive nowhere
}

# A cookie is good where it was made, and nowhere else.
cookies() {
	local out
	out=$(in_cl "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user alice --passwd-on-stdin \
		--resolve "$alpha:$gw4" https://$alpha/ <<<"$password" 2>"$T/last") || fail "alice: authenticate"
	oc_cookie=$(sed -n "s/^COOKIE='\(.*\)'\$/\1/p" <<<"$out")
	ok "a cookie of alpha at the default host: 401" equal "$(vpn connect "$oc_cookie" | cut -d' ' -f1)" 401
	oc_url=https://$beta/ oc_start moved --resolve "$beta:$gw4" --cookie="$oc_cookie"
	ok "... at beta: refused" wait_until 20 not oc_is_alive moved
	ok "... no session" users_are 0
	oc_url=https://$alpha/ oc_connect back --resolve "$alpha:$gw4" --cookie="$oc_cookie"
	ok "... at alpha: it is alice's" equal "$(user alice "u['vhost']")" $alpha
}

in_force() { [ "$(grep -c 'worker[01].*config\.in_force' "$T/server.log")" -ge $((2 * $1)) ]; }
reload() {
	make_config "$T/server.conf" workers=2 'banner="at home"' "$@"
	kill -s HUP "$server_pid"
}

# Other order, beta gone: numbers of virtual hosts change under a session that lives on.
reloads() {
	config_tail=$(three_section; alpha_section)
	reload
	ok "reload: in force" wait_until 10 in_force 2
	ok "reload: beta is gone: the default certificate" shows "CN = vpn.example.test" -servername $beta
	ok "reload: alpha is still alpha" shows "CN = $alpha, O = alpha" -servername $alpha
	ok "reload: alice's session lives" wait_until 10 pings "$cl" $host4
	ok "reload: and is alpha's" equal "$(user alice "u['vhost']")" $alpha
	oc_user=test refused_again $alpha
	oc_stop back
	ok "back: the session is gone" wait_until 5 users_are 0
	config_tail=$(alpha_section; echo 'tls-priorities = "NORMAL:+ARCFOUR-128"')
	reload
	ok "reload: a priority string with RC4 is refused" wait_until 10 has "$T/server.log" 'ARCFOUR-128: RC4 is broken'
	ok "... and the old configuration stays" shows "CN = three.example.test, O = three-p256" -servername three.example.test
}
refused_again() {
	oc_url=https://$1/ oc_start again --resolve "$1:$gw4" --no-dtls
	ok "again: test is still refused at $1" wait_until 20 not oc_is_alive again
	ok "again: alice is alone" users_are 1
}

alpha_section() {
	cat <<-END
		[vhost:Alpha.example.test]
		server-cert = $T/alpha.pem
		server-key = $T/alpha-key.pem
		auth = "plain[passwd=$T/alpha.passwd]"
	END
}
beta_section() {
	echo "[vhost:$beta]"
	local kind
	for kind in rsa p384 ed; do
		echo "server-cert = $T/beta-$kind.pem"
		echo "server-key = $T/beta-$kind-key.pem"
	done
	echo 'banner = "at beta"'
	echo 'tls-priorities = "SECURE256:+GROUP-ALL:%SERVER_PRECEDENCE:-VERS-ALL:+VERS-TLS1.2"'
}
three_section() {
	echo "[vhost:three.example.test]"
	local kind
	for kind in rsa ed p256; do
		echo "server-cert = $T/three-$kind.pem"
		echo "server-key = $T/three-$kind-key.pem"
	done
}

need curl gnutls-cli
certificate alpha $alpha EC -pkeyopt ec_paramgen_curve:P-256
certificate beta-rsa $beta RSA -pkeyopt rsa_keygen_bits:2048
certificate beta-p384 $beta EC -pkeyopt ec_paramgen_curve:P-384
certificate beta-ed $beta ED25519
certificate three-rsa three.example.test RSA -pkeyopt rsa_keygen_bits:2048
certificate three-p256 three.example.test EC -pkeyopt ec_paramgen_curve:P-256
certificate three-ed three.example.test ED25519
printf '%s\n%s\n' "$password" "$password" | ocpasswd -c "$T/alpha.passwd" alice >>"$T/ocpasswd.txt" 2>&1
config_tail=$(alpha_section; beta_section; three_section)
server_start workers=2 'banner="at home"'
by_sni
by_offer
in_pieces 60 65536
in_pieces 7 1
in_pieces 16384 100
hashes
logins
cookies
reloads
nothing_died
server_stop
