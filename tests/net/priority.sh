#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# priority.sh - net-priority: what stands in the headers of the packets to a client, over TCP and UDP, and not in those to another client.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "counts what our server sends"

files=$T/users
mkdir -p "$files"
chmod 755 "$T" "$files"
mib=$((1 << 20))

counters=(tcp_ef udp_ef tcp6_ef udp6_ef tcp_cs1 udp_any tcp_three)
count_headers() {
	local name
	{
		echo 'table inet marks {'
		for name in "${counters[@]}"; do echo " counter $name {}"; done
		cat <<'RULES'
 chain out {
  type filter hook output priority filter; policy accept;
  tcp sport 443 ip dscp ef counter name tcp_ef
  udp sport 443 ip dscp ef counter name udp_ef
  tcp sport 443 ip6 dscp ef counter name tcp6_ef
  udp sport 443 ip6 dscp ef counter name udp6_ef
  tcp sport 443 ip dscp cs1 counter name tcp_cs1
  udp sport 443 ip dscp != 0 counter name udp_any
  tcp sport 443 meta priority 0:3 counter name tcp_three
 }
}
RULES
	} | in_gw nft -f -
}
count() { in_gw nft -j list counter inet marks "$1" | json "[c['counter']['packets'] for c in d['nftables'] if 'counter' in c][0]"; }
grows() { more "$(count "$1")" "$2"; }
# marks COUNTER COMMAND...: at least a packet for each of three pings
marks() {
	local name=$1 before
	before=$(count "$1")
	shift
	"$@" && wait_until 5 grows "$name" $((before + 2))
}
unmarked() {
	local name=$1 before
	before=$(count "$1")
	shift
	"$@" && equal "$(count "$name")" "$before"
}
through() { pings "$cl" $host4 -I "$(oc_value "$1" TUNDEV)"; }
fetches() { in_cl curl -sS --max-time 30 --interface "$(oc_value bob TUNDEV)" -o "$T/fetched" "http://$host4:8090/large" && equal "$(wc -c <"$T/fetched")" $((2 * mib)); }
serves_port() { [ -n "$(in_host ss -Hlnt "sport = :$1")" ]; }

header_fields() {
	echo 'net-priority = EF' >"$files/bob"
	oc_user=bob oc_connect bob
	oc_user=carol oc_connect carol
	ok "EF: UDP" marks udp_ef through bob
	ok "EF: trains of datagrams" marks udp_ef fetches
	ok "unset: UDP to another client of the socket" unmarked udp_any through carol
	ok "EF: TCP, from the answer on" more "$(count tcp_ef)" 0
	oc_stop carol
	oc_stop bob
	oc_user=bob oc_url=$url6 oc_connect bob
	ok "EF: UDP over IPv6" marks udp6_ef through bob
	oc_stop bob
	oc_user=bob oc_url=$url6 oc_connect bob --no-dtls
	ok "EF: TCP over IPv6" marks tcp6_ef through bob
	oc_stop bob
	echo 'net-priority = 0x20' >"$files/bob"
	oc_user=bob oc_connect bob --no-dtls
	ok "a number of the header: TCP" marks tcp_cs1 through bob
	oc_stop bob
}

queues() {
	echo 'net-priority = 3' >"$files/bob"
	oc_user=bob oc_connect bob
	ok "a priority: nothing in headers" unmarked udp_any through bob
	oc_stop bob
	oc_user=bob oc_connect bob --no-dtls
	ok "a priority: TCP" marks tcp_three through bob
	oc_stop bob
}

add_user bob
add_user carol
head -c $((2 * mib)) /dev/zero >"$T/large"
spawn "$host" "$T/web" python3 -m http.server 8090 --bind 0.0.0.0 --directory "$T"
wait_until 5 serves_port 8090 >"$T/last" || fail "no web server"
count_headers
server_start "config-per-user=$files"
header_fields
queues
nothing_died
server_stop
