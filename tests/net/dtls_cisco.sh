#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# dtls_cisco.sh - DTLS by faked resumption, as Cisco's clients and older openconnect do it: each suite with clients on OpenSSL and on
# GnuTLS, then with openconnect and traffic through the tunnel; losses, and hellos of others beside a live channel; the
# switches. The network is drawn in lib.sh, the sessions are made by dtls_cisco.py.
. "$(dirname "$0")/lib.sh"

is_ours || skip "not for ocserv: it has no HelloVerifyRequest and no dtls-prestandard"

readonly modern=(AES128-GCM-SHA256 AES256-GCM-SHA384 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384
	ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384
	DHE-RSA-AES256-SHA DHE-RSA-AES128-SHA AES256-SHA AES128-SHA)
readonly old=(AES256-SHA AES128-SHA DHE-RSA-AES256-SHA DHE-RSA-AES128-SHA)
readonly cisco12=ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA

cisco() { in_cl timeout $((120 * slow)) /usr/bin/python3 "$here/dtls_cisco.py" --ca "$T/ca.pem" "$@"; }

# passes TEXT COMMAND LIBRARY NAME VERSION
passes() {
	local text=$1 command=$2 library=$3
	shift 3
	ok "$library, $*: $text" cisco "$command" "$oc_cookie" "$BUILD_DIR/tests/dtls_$library" "$@"
}

# offers LIST LIST12 [OPTION...]: the X-DTLS lines.
offers() { cisco offer "$oc_cookie" "$@"; }
# offer_is TEXT NAME VALUE LIST LIST12: that line has this value; VALUE "": no line of X-DTLS at all.
offer_is() {
	local text=$1 name=$2 value=$3
	shift 3
	offers "$@" >"$T/offer" || fail "$text: $(cat "$T/offer")"
	if [ -n "$value" ]; then
		ok "$text" equal "$(sed -n "s/^$name: //p" "$T/offer")" "$value"
		ok "$text: one suite only" equal "$(grep -c '^X-DTLS.*-CipherSuite:' "$T/offer")" 1
	else
		ok "$text" equal "$(cat "$T/offer")" ''
	fi
}

mbps() {
	in_cl timeout $((30 * slow)) iperf3 -J -t 1 -c "$@" >"$T/iperf.json" &&
		json "round(d['end']['sum_received']['bits_per_second'] / 1e6)" <"$T/iperf.json"
}

# tunnel NAME CIPHER OPTION...: an openconnect, and what occtl calls its cipher.
tunnel() {
	local name=$1 cipher=$2 got
	shift 2
	oc_connect "$name" "$@"
	ok "$name: occtl shows $cipher" equal "$(user test "u['DTLS cipher']")" "$cipher"
	ok "$name: ping to the host" wait_until 10 pings "$cl" $host4
	ok "$name: ping from the host, IPv6" wait_until 10 pings "$host" "$(oc_ip6 "$name")"
	ok "$name: ping of a full packet" pings "$cl" $host4 -M 'do' -s $(($(user test "u['MTU']") - 28))
	got=$(mbps $host4) || fail "$name: iperf3"
	ok "$name: iperf3 up, $got Mbit/s" more "$got" 0
	got=$(mbps $host4 -R) || fail "$name: iperf3 -R"
	ok "$name: iperf3 down, $got Mbit/s" more "$got" 0
	ok "$name: still DTLS" equal "$(user test "u['DTLS cipher']")" "$cipher"
	ok "$name: the client never left DTLS" not has "$T/$name/log" 'DTLS Dead Peer Detection detected dead peer'
	oc_stop "$name"
	ok "$name: the session is gone" wait_until 5 users_are 0
}

spawn "$host" "$T/iperf3.log" iperf3 -s

# clients on other libraries take the cookie of an openconnect, whose key they do not have
server_start dtls-prestandard=true strap=false
oc_cookie
peers=()
for library in openssl gnutls; do
	if [ -x "$BUILD_DIR/tests/dtls_$library" ]; then
		peers+=("$library")
	else
		echo "left out: no $BUILD_DIR/tests/dtls_$library; run: sudo scripts/setup.sh test"
	fi
done

# {{ each suite, with each library }}
for library in "${peers[@]}"; do
	for suite in "${modern[@]}" OC-DTLS1_2-AES128-GCM OC-DTLS1_2-AES256-GCM; do
		passes "resumed, echo both ways" peer "$library" "$suite" 1.2
	done
	for suite in "${old[@]}"; do
		passes "resumed, echo both ways" peer "$library" "$suite" 0.9
	done
done
ok "no record was refused" stat_is dtls_bad_record 0
ok "no hello was refused" stat_is dtls_hello_refused 0
ok "no handshake failed" stat_is dtls_failed 0

# {{ a bad network, and strangers }}
for library in "${peers[@]}"; do
	for args in "AES128-GCM-SHA256 1.2" "AES256-SHA 1.2" "AES128-SHA 0.9"; do
		# shellcheck disable=SC2086 # two words
		passes "with losses, doubles, and swapped" lossy "$library" $args
		before=$(stat dtls_hello_replayed)
		refused=$(stat dtls_hello_refused)
		# shellcheck disable=SC2086
		passes "goes on beside strangers" hostile "$library" $args
		ok "replays were counted" stat_above dtls_hello_replayed "$before"
		ok "hellos that are none were counted" stat_above dtls_hello_refused "$refused"
		# shellcheck disable=SC2086
		passes "a second handshake" again "$library" $args
	done
done

# {{ openconnect }}
tunnel oc-gcm128 '(DTLS1.2)-(RSA)-(AES-128-GCM)' --dtls-ciphers=OC-DTLS1_2-AES128-GCM
tunnel oc-gcm256 '(DTLS1.2)-(RSA)-(AES-256-GCM)' --dtls-ciphers=OC-DTLS1_2-AES256-GCM
tunnel x12-ecdhe256 '(DTLS1.2)-(ECDHE-RSA)-(AES-256-GCM)' --dtls-ciphers=NONE --dtls12-ciphers=ECDHE-RSA-AES256-GCM-SHA384
tunnel x12-ecdhe128 '(DTLS1.2)-(ECDHE-RSA)-(AES-128-GCM)' --dtls-ciphers=NONE --dtls12-ciphers=ECDHE-RSA-AES128-GCM-SHA256
tunnel x12-cbc256 '(DTLS1.2)-(RSA)-(AES-256-CBC)-(SHA1)' --dtls-ciphers=NONE --dtls12-ciphers=AES256-SHA
tunnel old-256 '(DTLS0.9)-(RSA)-(AES-256-CBC)-(SHA1)' --dtls-ciphers=AES256-SHA
tunnel old-128 '(DTLS0.9)-(RSA)-(AES-128-CBC)-(SHA1)' --dtls-ciphers=AES128-SHA
tunnel psk '(DTLS1.2)-(PSK)-(AES-128-GCM)' --dtls-ciphers=PSK-NEGOTIATE

# {{ what is offered }}
oc_cookie # the first may be too old by now
offer_is "PSK-NEGOTIATE comes first" X-DTLS-CipherSuite PSK-NEGOTIATE PSK-NEGOTIATE:OC-DTLS1_2-AES256-GCM $cisco12
ok "no MTU of DTLS with it" not has "$T/offer" X-DTLS-MTU
offer_is "then the best of the newer list" X-DTLS12-CipherSuite AES256-GCM-SHA384 OC-DTLS1_2-AES256-GCM $cisco12
ok "a session id of 64 digits" has "$T/offer" '^X-DTLS-Session-ID: [0-9a-f]\{64\}$'
ok "the MTU of DTLS" has "$T/offer" '^X-DTLS-MTU: [0-9]'
offer_is "then that of the older one" X-DTLS-CipherSuite OC-DTLS1_2-AES256-GCM OC-DTLS1_2-AES128-GCM:OC-DTLS1_2-AES256-GCM -
offer_is "no suite in common, no DTLS" - '' DES-CBC3-SHA RC4-SHA
offer_is "no list, no DTLS" - '' - -
offer_is "no secret, no resumption" - '' OC-DTLS1_2-AES256-GCM $cisco12 --no-secret
nothing_died
server_stop

# {{ switches }}
server_start strap=false
oc_cookie
offer_is "0x0100 is off by default" - '' AES256-SHA:AES128-SHA -
offer_is "but not the newer list's" X-DTLS12-CipherSuite AES256-SHA AES256-SHA:AES128-SHA AES256-SHA
server_stop
server_start strap=false dtls-legacy=false
oc_cookie
offer_is "dtls-legacy = false: no DTLS for Cisco" - '' AES256-SHA $cisco12
offer_is "dtls-legacy = false: PSK is left" X-DTLS-CipherSuite PSK-NEGOTIATE PSK-NEGOTIATE:AES256-SHA $cisco12
server_stop
server_start strap=false dtls-legacy=false cisco-client-compat=true
oc_cookie
offer_is "cisco-client-compat implies dtls-legacy" X-DTLS12-CipherSuite AES256-GCM-SHA384 AES256-SHA $cisco12
server_stop
server_start strap=false dtls-psk=false
oc_cookie
offer_is "dtls-psk = false: the newer list" X-DTLS12-CipherSuite AES256-GCM-SHA384 PSK-NEGOTIATE $cisco12
server_stop
server_start strap=false dtls-psk=false tls-priorities="NORMAL:-AES-256-GCM"
oc_cookie
offer_is "tls-priorities without AES-256-GCM: the next of the list" X-DTLS12-CipherSuite AES128-GCM-SHA256 '' AES256-GCM-SHA384:AES128-GCM-SHA256
server_stop
server_start strap=false match-tls-dtls-ciphers=true
oc_cookie
offer_is "match-tls-dtls-ciphers: the one of TLS" X-DTLS12-CipherSuite AES128-GCM-SHA256 - $cisco12
offer_is "match-tls-dtls-ciphers: or none" - '' - AES256-GCM-SHA384:AES256-SHA
tunnel match '(DTLS1.2)-(PSK)-(AES-128-GCM)' --dtls-ciphers=PSK-NEGOTIATE
server_stop
