#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# openconnect.sh - openconnect with each of its options that changes what it says to us, a line each: the tunnel opens, the channel is
# the one that was asked for (by the client's word and by occtl's), a ping and 300 KB each way arrive unharmed, the goodbye
# ends the session. The network is drawn in lib.sh.
#
#   OPENCONNECT=$(scripts/openconnect.sh) ./openconnect.sh   the newest, as openconnect_newest.sh does
#   ROWS="psk form" ./openconnect.sh                         some of it
. "$(dirname "$0")/lib.sh"

need socat
read -ra chosen <<<"${ROWS:-}"
readonly bytes=300000

serve_payload() {
	# half of it can be compressed
	head -c $((bytes / 2)) /dev/urandom >"$T/payload"
	yes "the quick brown fox" | head -c $((bytes / 2)) >>"$T/payload" || true
	payload_sum=$(sha256sum <"$T/payload")
	spawn "$host" "$T/down.log" socat TCP6-LISTEN:7001,fork,reuseaddr EXEC:"cat $T/payload"
	spawn "$host" "$T/up.log" socat TCP6-LISTEN:7002,fork,reuseaddr EXEC:sha256sum
}

# An IPv6 address of socat stands in brackets.
peer() { [[ $1 == *:* ]] && echo "[$1]" || echo "$1"; }
arrives_down() { equal "$(in_cl timeout $((20 * slow)) socat -u "TCP:$(peer "$1"):7001" - | sha256sum)" "$payload_sum"; }
arrives_up() { equal "$(in_cl timeout $((20 * slow)) socat -t 10 - "TCP:$(peer "$1"):7002" <"$T/payload")" "$payload_sum"; }

is_chosen() { [ ${#chosen[@]} -eq 0 ] || [[ " ${chosen[*]} " == *" $1 "* ]]; }

# uses NAME CIPHER: the client's log, and occtl where it names the cipher.
client_cipher() { sed -n 's/.*Established DTLS connection (using [A-Za-z]*)\. Ciphersuite \(.*\)\.$/\1/p' "$T/$1/log" | tail -1; }
uses() {
	local client server
	client=$(client_cipher "$1")
	server=$(user test "u.get('DTLS cipher')")
	ok "$1: the client says $client" equal "$client" "$2"
	ok "$1: occtl says $server" equal "$server" "$2"
}

moves() {
	ok "$1: ping" pings "$cl" "$2"
	ok "$1: $bytes bytes down" arrives_down "$2"
	ok "$1: $bytes bytes up" arrives_up "$2"
}

# row NAME CHANNEL OPTION...: CHANNEL is "tls" or the DTLS cipher. $check: one more command, given NAME.
check=
row() {
	local name=$1 channel=$2
	shift 2
	is_chosen "$name" || return 0
	[ "$channel" != tls ] || set -- --no-dtls "$@"
	oc_connect "$name" "$@"
	if [ "$channel" = tls ]; then
		ok "$name: no DTLS" equal "$(user test "u.get('DTLS cipher')")" None
	else
		uses "$name" "$channel"
	fi
	[ -z "$check" ] || $check "$name"
	moves "$name" $host4
	oc_stop "$name"
	ok "$name: the session is gone" wait_until 5 users_are 0
}

# An option that this version has.
knows() { "$OPENCONNECT" --help | grep -q -e "$1\>"; }

# {{ more to look at }}

over_ip6() { moves "$1, IPv6 inside" $host6; }
mtu_is() { equal "$(oc_value "$2" INTERNAL_IP4_MTU)" "$1"; }
mtu_at_most() { [ "$(oc_value "$2" INTERNAL_IP4_MTU)" -le "$1" ]; }
no_ip6() { equal "$(oc_ip6 "$1")" ''; }
# all of the tunnel's MTU, and no more, in one packet
full_packets() {
	local mtu
	mtu=$(oc_value "$1" INTERNAL_IP4_MTU)
	ok "$1: a packet of the whole MTU, $mtu" pings "$cl" $host4 -M do -s $((mtu - 28))
}
small_mtu() {
	ok "$1: the MTU is at most that" mtu_at_most "$2" "$1"
	full_packets "$1"
}
at_most_1280() { small_mtu "$1" 1280; }
without_ip6() { ok "$1: no IPv6 address" no_ip6 "$1"; }
agent_is() { equal "$(user test "u['User-Agent']")" "$1"; }
as_cisco() { ok "$1: occtl shows the agent" agent_is 'AnyConnect Windows 5.1.2.42'; }
hostname_is() { equal "$(user test "u['Hostname']")" "$1"; }
named() { ok "$1: occtl shows its host name" hostname_is my-laptop; }
group_is() { equal "$(user test "u['Groupname']")" "$1"; }
in_staff() { ok "$1: the group is staff" group_is staff; }
with_banner() { ok "$1: the banner is shown" has "$T/$1/log" 'Mind the gap'; }
reauthenticated() { ok "$1: DPD of the client's own" wait_until 15 has "$T/$1/log" 'Got DTLS DPD response'; }

rows() {
	local os
	row psk "$psk"
	check=over_ip6 row psk-ip6-inside "$psk"
	row tls12 "$psk" --gnutls-priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-DTLS1.2'
	row tls13 tls --gnutls-priority 'NORMAL:-VERS-ALL:+VERS-TLS1.3'
	check=over_ip6 row no-dtls tls
	row form "$psk" --no-xmlpost
	! knows --no-external-auth || row no-external-auth "$psk" --no-external-auth
	row usergroup "$psk" --usergroup path
	row no-http-keepalive "$psk" --no-http-keepalive
	for os in linux linux-64 win mac-intel android apple-ios; do
		row "os-$os" "$psk" --os=$os
	done
	check=as_cisco row useragent "$psk" --useragent 'AnyConnect Windows 5.1.2.42'
	check=named row hostname tls --local-hostname my-laptop.example.test
	check=without_ip6 row disable-ipv6 "$psk" --disable-ipv6
	check=full_packets row mtu-default "$psk"
	check=full_packets row mtu-default-tls tls
	check=at_most_1280 row mtu "$psk" --mtu 1280
	check=full_packets row base-mtu "$psk" --base-mtu 1400
	check=full_packets row base-mtu-tls tls --base-mtu 1400
	check=with_banner row banner tls
	check=reauthenticated row force-dpd "$psk" --force-dpd 3
	row queue-len "$psk" --queue-len 1
	row dtls-local-port "$psk" --dtls-local-port 4444
	check=without_ip6 row base-mtu-small tls --base-mtu 1300
	oc_url=$url6
	row outer-ip6 "$psk"
	check=over_ip6 row outer-ip6-tls tls
	oc_url=$url4
}

# The server offers groups; openconnect knows them by their labels only.
group_rows() {
	check=in_staff row authgroup "$psk" --authgroup "The staff"
	check=in_staff row form-authgroup "$psk" --no-xmlpost --authgroup "The staff"
	check=in_staff row form-entry tls --form-entry 'main:group_list=The staff'
}

# The server compresses.
compresses() { ok "$1: compressed by $2, says occtl" equal "$(user test "u.get('CSTP compression')")" "$2"; }
by_lz4() {
	ok "$1: the client is told" has "$T/$1/log" 'X-CSTP-Content-Encoding: oc-lz4'
	compresses "$1" lz4
}
by_none() { compresses "$1" None; }
compression_rows() {
	check=by_lz4 row lz4 "$psk"
	check=by_lz4 row lz4-tls tls
	check=by_lz4 row deflate tls --deflate
	check=by_none row no-deflate "$psk" --no-deflate
}

# DTLS by resumption: as Cisco's clients do it, and before the standard.
by_header_12() { ok "$1: chosen by X-DTLS12-CipherSuite" has "$T/$1/log" '\] X-DTLS12-CipherSuite: '; }
resumption_rows() {
	row oc-aes256 "$1-(AES-256-GCM)" --dtls-ciphers OC-DTLS1_2-AES256-GCM
	row oc-aes128 "$1-(AES-128-GCM)" --dtls-ciphers OC-DTLS1_2-AES128-GCM
	check=by_header_12 row dtls12 "$1-(AES-256-GCM)" --dtls12-ciphers AES256-GCM-SHA384 --dtls-ciphers AES128-SHA
	check=by_header_12 row dtls12-ecdhe '(DTLS1.2)-(ECDHE-RSA)-(AES-128-GCM)' --dtls12-ciphers ECDHE-RSA-AES128-GCM-SHA256 --dtls-ciphers AES128-SHA
}
prestandard_rows() {
	row dtls-0.9-aes256 "$1-(AES-256-CBC)-(SHA1)" --dtls-ciphers AES256-SHA
	row dtls-0.9-aes128 "$1-(AES-128-CBC)-(SHA1)" --dtls-ciphers AES128-SHA
}

# The cookie of one process opens the tunnel of another, as NetworkManager does it.
cookie_of_another() {
	is_chosen cookie || return 0
	oc_cookie
	oc_connect cookie "--cookie=$oc_cookie"
	uses cookie "$psk"
	moves cookie $host4
	oc_stop cookie
	ok "cookie: the session is gone" wait_until 5 users_are 0
}

readonly psk='(DTLS1.2)-(PSK)-(AES-128-GCM)'
"$OPENCONNECT" --version | head -1
serve_payload
add_user test -g staff
server_start 'banner="Mind the gap"'
rows
cookie_of_another
nothing_died
server_stop
server_start '+select-group=staff[The staff]' '+select-group=guests[Our guests]'
group_rows
nothing_died
server_stop
server_start compression=true
compression_rows
nothing_died
server_stop
server_start dtls-prestandard=true
resumption_rows '(DTLS1.2)-(RSA)'
prestandard_rows '(DTLS0.9)-(RSA)'
nothing_died
server_stop
