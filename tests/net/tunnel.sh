#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# tunnel.sh - openconnect logs in over TLS and over DTLS, outer IPv4 and IPv6, one worker and two; ping and iperf3 go through the
# tunnel to a host behind the server in both directions, and occtl tells the truth about it. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

# mbps ADDRESS [OPTION...]: iperf3 from the client to the host, 2 seconds.
mbps() {
	in_cl timeout $((30 * slow)) iperf3 -J -t 2 -c "$@" >"$T/iperf.json"
	json "round(d['end']['sum_received']['bits_per_second'] / 1e6)" <"$T/iperf.json"
}

# moves TEXT ADDRESS [OPTION...]
moves() {
	local text=$1 got
	shift
	got=$(mbps "$@") || fail "$text: iperf3: $(tail -n 5 "$T/iperf.json")"
	ok "$text: iperf3 moves $got Mbit/s" more "$got" 0
}

# traffic NAME: everything in both directions, IPv4 and IPv6.
traffic() {
	local ip4 ip6
	ip4=$(oc_ip4 "$1")
	ip6=$(oc_ip6 "$1")
	ok "$1: ping to the host" pings "$cl" $host4
	ok "$1: ping to the host, IPv6" pings "$cl" $host6
	ok "$1: ping from the host" pings "$host" "$ip4"
	ok "$1: ping from the host, IPv6" pings "$host" "$ip6"
	ok "$1: ping with fragments" pings "$cl" $host4 -s 4000
	ok "$1: ping with fragments, IPv6" pings "$cl" $host6 -s 4000
	moves "$1: up" $host4
	moves "$1: down" $host4 -R
	moves "$1: up, IPv6" $host6
	moves "$1: down, IPv6" $host6 -R
}

# octets NAME FIELD: RX (from the client) or TX
octets() { user "$1" "int(u['$2'])"; }

# shows NAME tls|dtls: the session in occtl.
shows() {
	ok "$1: occtl shows one session" users_are 1
	ok "$1: its IPv4 address" equal "$(user test "u['IPv4']")" "$(oc_ip4 "$1")"
	ok "$1: its IPv6 address" equal "$(user test "u['IPv6']")" "$(oc_ip6 "$1")"
	ok "$1: its TLS cipher" more "$(user test "len(u['TLS ciphersuite'])")" 5
	if [ "$2" = dtls ]; then
		ok "$1: its DTLS cipher: $(user test "u.get('DTLS cipher')")" more "$(user test "len(u['DTLS cipher'])")" 5
	else
		ok "$1: no DTLS cipher" equal "$(user test "u.get('DTLS cipher')")" None
	fi
}

clean_counters() {
	local name
	is_ours || return 0
	for name in rx_bad_frame rx_malformed tun_errors dtls_bad_record tls_failed udp_malformed; do
		ok "counter $name is 0" stat_is $name 0
	done
}

# session NAME tls|dtls [OPTION...]
session() {
	local name=$1 kind=$2 rx tx
	shift 2
	oc_connect "$name" "$@"
	shows "$name" "$kind"
	rx=$(octets test RX)
	tx=$(octets test TX)
	traffic "$name"
	# Two iperf3 runs in each direction: more than a megabyte even on a loaded machine under a sanitizer.
	ok "$name: bytes from the client are counted" more "$(octets test RX)" $((rx + 1000000))
	ok "$name: bytes to the client are counted" more "$(octets test TX)" $((tx + 1000000))
	if [ "$kind" = dtls ]; then
		ok "$name: the client never left DTLS" not has "$T/$name/log" 'DTLS Dead Peer Detection detected dead peer'
	fi
}

leave_by_user() {
	oc_stop "$1"
	ok "$1: the client says goodbye and the session is gone" wait_until 5 users_are 0
}

leave_by_admin() {
	ok "$1: occtl disconnect user" in_occtl disconnect user test
	ok "$1: the client ends" wait_until 10 not oc_is_alive "$1"
	ok "$1: the session is gone" wait_until 5 users_are 0
}

# Four sessions at once, each to its own device.
four_at_once() {
	local n
	for n in 1 2 3 4; do
		oc_connect "four$n"
	done
	ok "four sessions" users_are 4
	ok "four addresses" equal "$(users "len(set(u['IPv4'] for u in d))")" 4
	for n in 1 2 3 4; do
		ok "four$n: ping to the host" pings "$cl" $host4 -I "$(oc_value "four$n" TUNDEV)"
		ok "four$n: ping from the host" pings "$host" "$(oc_ip4 "four$n")"
		ok "four$n: ping from the host, IPv6" pings "$host" "$(oc_ip6 "four$n")"
	done
	for n in 1 2 3 4; do
		oc_stop "four$n"
	done
	ok "all are gone" wait_until 5 users_are 0
}

spawn "$host" "$T/iperf3.log" iperf3 -s

server_start workers=1
session tls4 tls --no-dtls
leave_by_user tls4
session dtls4 dtls
leave_by_admin dtls4
clean_counters
nothing_died
server_stop

oc_url=$url6
server_start workers=2
session tls6 tls --no-dtls
leave_by_user tls6
session dtls6 dtls
leave_by_admin dtls6
four_at_once
clean_counters
nothing_died
server_stop
