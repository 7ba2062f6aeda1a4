#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# firewall.sh - the second layer of restrict-user-to-routes and -ports and of isolate-clients: nftables judges packets that no worker has seen, goes with the
# session, survives worker and keeper, goes with the server or at the next start; and where nftables fails, the worker's own check stays.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "ocserv leaves this to a script"

files=$T/users
mkdir -p "$files"
chmod 755 "$T" "$files"
table=ocserv_modern_vpns0
log_has() { has "$T/server.log" "$1"; }
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'].startswith('$1')][0]"; }
new_pid() { not equal "$(pid_of "$1")" "$2"; }
feature_is() { has <(in_occtl show status) "firewall=$1"; }
has_table() { in_gw nft list table inet $table >/dev/null 2>&1; }
dropped() { in_gw nft -j list counter inet $table dropped | json "[c['counter']['packets'] for c in d['nftables'] if 'counter' in c][0]"; }
chains() { in_gw nft list table inet $table | grep -c 'chain s_' || true; }
chains_are() { equal "$(chains)" "$1"; }

# listener PROTOCOL-OF-IP PORT: what arrives is a line of $T/heard
listener() {
	spawn "$host" "$T/heard" /usr/bin/python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", int(sys.argv[1])))
while True:
    print("from", s.recvfrom(2000)[1][0].removeprefix("::ffff:"), "to", sys.argv[1])' "$1"
}
inject() { in_gw /usr/bin/python3 "$here/ontun.py" vpns0 "$@"; }
heard() { has "$T/heard" "^from $1 to $2\$"; }
# passes SOURCE DESTINATION PORT; is_dropped likewise: heard of neither, and counted
passes() {
	: >"$T/heard"
	inject "$1" "$2" "$3"
	wait_until 5 heard "$1" "$3"
}
is_dropped() {
	local before
	before=$(dropped)
	: >"$T/heard"
	inject "$1" "$2" "$3" "${4:-udp}"
	wait_until 5 equal "$(dropped)" $((before + 1)) && not heard "$1" "$3"
}

rules() {
	ok "without a restricted session there is no table" not has_table
	ok "and occtl says so" feature_is 'nftables sessions=0'
	printf '%s\n' 'route = 203.0.113.0/24' 'route = 2001:db8:2::/64' 'no-route = 203.0.113.128/25' 'dns = 198.51.100.1' \
		'restrict-user-to-routes = true' 'restrict-user-to-ports = "udp(8080), icmp()"' >"$files/bob"
	oc_user=bob oc_connect bob
	ip4=$(oc_ip4 bob)
	ip6=$(oc_ip6 bob | sed 's#/.*##')
	ok "restricted: it is in the table" wait_until 5 chains_are 1
	ok "and occtl says so" feature_is 'nftables sessions=1'
	ok "a port that is permitted" passes "$ip4" $host4 8080
	ok "IPv6" passes "$ip6" $host6 8080
	ok "another port" is_dropped "$ip4" $host4 8081
	ok "IPv6" is_dropped "$ip6" $host6 8081
	ok "another protocol" is_dropped "$ip4" $host4 8080 tcp
	ok "outside of the routes" is_dropped "$ip4" 198.51.100.2 8080
	ok "in a no-route" is_dropped "$ip4" 203.0.113.200 8080
	ok "outside of the IPv6 routes" is_dropped "$ip6" 2001:db8:1::2 8080
	ok "the server itself" is_dropped "$ip4" 10.77.0.1 8080
	ok "another client is not held" passes 10.77.0.250 $host4 8081
	ok "the client's own ping" pings "$cl" $host4
}

negation() {
	printf '%s\n' 'restrict-user-to-ports = "!(udp(8081))"' >"$files/carol"
	oc_user=carol oc_connect carol --no-dtls
	carol4=$(oc_ip4 carol)
	ok "negation: it is in the table" wait_until 5 chains_are 2
	ok "negation: the port" is_dropped "$carol4" $host4 8081
	ok "negation: another" passes "$carol4" $host4 8080
	ok "the first as before" is_dropped "$ip4" $host4 8081
}

deaths() {
	local pid
	pid=$(pid_of worker)
	kill -s KILL "$pid"
	wait_until 10 new_pid worker "$pid" >"$T/last" || fail "no new worker"
	ok "worker killed: the clients come back" wait_until 30 users_are 2
	ok "worker killed: both are in the table" wait_until 10 chains_are 2
	ok "worker killed: held as before" is_dropped "$ip4" $host4 8081
	pid=$(pid_of keeper)
	kill -s KILL "$pid"
	wait_until 10 new_pid keeper "$pid" >"$T/last" || fail "no new keeper"
	ok "keeper killed: held as before" is_dropped "$ip4" $host4 8081
	ok "keeper killed: both are in the table" chains_are 2
	oc_stop carol
	ok "goodbye: it is out of the table" wait_until 10 chains_are 1
	ok "goodbye: its address is nobody's" passes "$carol4" $host4 8081
	kill -s KILL "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	wait_until 5 gw_is_empty >"$T/last" || fail "its children live on"
	rm -f "$T/occtl.socket"
	oc_kill bob
	ok "server killed: the table stays" has_table
	server_start "${config[@]}"
	ok "server killed: the next start removes it" not has_table
	oc_user=bob oc_connect bob --no-dtls
	ok "held again" wait_until 5 chains_are 1
	server_stop
	ok "the table goes with the server" not has_table
	oc_kill bob
}

tcp_reaches() { in_cl timeout 3 python3 -c "import socket; socket.create_connection(('$1', $2), 2)"; }

# The table is taken away under the server: nothing can be added.
broken() {
	server_start "${config[@]}"
	printf '%s\n' 'restrict-user-to-ports = "icmp()"' >"$files/bob"
	oc_user=carol oc_connect carol --no-dtls
	ok "the table is there" wait_until 5 chains_are 1
	in_gw nft delete table inet $table
	oc_user=bob oc_connect bob --no-dtls
	ok "broken: the log says it, with a cure" wait_until 5 log_has 'firewall.failed at=add .*firewall = none'
	ok "broken: occtl says it" feature_is nftables-failed
	spawn "$host" "$T/web" python3 -m http.server 8090 --bind 0.0.0.0
	wait_until 5 serves_port 8090 >"$T/last" || fail "no web server"
	ok "broken: the worker holds the client" not tcp_reaches $host4 8090
	ok "broken: and counts" stat_above rx_restricted 0
	ok "broken: what is permitted works" pings "$cl" $host4
	oc_stop bob
	oc_stop carol
	nothing_died
	server_stop
	server_start "${config[@]}" firewall=none
	oc_user=bob oc_connect bob --no-dtls
	ok "none: no table" not has_table
	ok "none: occtl says it" feature_is none
	ok "none: the worker holds the client" not tcp_reaches $host4 8090
	oc_stop bob
	server_stop
}

# Both clients are in one namespace: what comes for carol shows at her device, for her address is bound to it, and to be sent by bob's.
received() { in_cl cat "/sys/class/net/$(oc_value carol TUNDEV)/statistics/rx_packets"; }
sends() { in_cl ping -c 1 -W 1 -I "$(oc_value bob TUNDEV)" "$1" >/dev/null 2>&1 || true; }
comes_to_carol() {
	local before
	before=$(received)
	sends "$1"
	wait_until 5 not equal "$(received)" "$before"
}
routes_by_bob() {
	in_cl ip -6 route replace fd88::/64 dev "$(oc_value bob TUNDEV)"
	in_cl ip -6 route replace fd77::/64 dev "$(oc_value bob TUNDEV)"
}
# is_isolated DESTINATION: the worker has counted, and carol got nothing
is_isolated() {
	local before counted
	before=$(received)
	counted=$(stat rx_isolated)
	sends "$1"
	wait_until 5 stat_above rx_isolated "$counted" && equal "$(received)" "$before"
}

isolation() {
	local carol6
	server_start "${config[@]}"
	rm -f "$files/bob"
	printf '%s\n' 'iroute = 10.88.0.0/24' 'iroute = fd88::/64' >"$files/carol"
	oc_user=carol oc_connect carol --no-dtls
	oc_user=bob oc_connect bob --no-dtls
	carol4=$(oc_ip4 carol)
	carol6=$(oc_ip6 carol | sed 's#/.*##')
	ok "not isolated: to another client" comes_to_carol "$carol4"
	ok "not isolated: to the network behind it" comes_to_carol 10.88.0.7
	routes_by_bob
	ok "not isolated: to the network behind it, IPv6" comes_to_carol fd88::7
	oc_stop bob
	echo 'isolate-clients = true' >"$files/bob"
	oc_user=bob oc_connect bob --no-dtls
	routes_by_bob
	ip4=$(oc_ip4 bob)
	ip6=$(oc_ip6 bob | sed 's#/.*##')
	ok "isolated: it is in the table" wait_until 5 chains_are 1
	ok "isolated: the worker drops what is for another client" is_isolated "$carol4"
	ok "isolated: for the network behind it" is_isolated 10.88.0.7
	ok "isolated: for the network behind it, IPv6" is_isolated fd88::7
	ok "isolated: for an address of the pool that nobody has" is_isolated 10.77.0.99
	ok "isolated: the same of IPv6" is_isolated fd77::99:99
	ok "isolated: the server itself" pings "$cl" 10.77.0.1 -I "$(oc_value bob TUNDEV)"
	ok "isolated: what is behind the server" pings "$cl" $host4 -I "$(oc_value bob TUNDEV)"
	ok "isolated: nftables drops what is for another client" is_dropped "$ip4" "$carol4" 8081
	ok "isolated: nftables, IPv6" is_dropped "$ip6" "$carol6" 8081
	ok "isolated: nftables, the network behind it" is_dropped "$ip4" 10.88.0.7 8081
	ok "isolated: nftables, what is behind the server" passes "$ip4" $host4 8081
	ok "the other one is not held" passes "$carol4" $host4 8081
	oc_stop bob
	oc_stop carol
	nothing_died
	server_stop
}
serves_port() { [ -n "$(in_host ss -Hlnt "sport = :$1")" ]; }

add_user bob
add_user carol
# guard-inner would drop what comes from an address of nobody before nftables sees it
config=("config-per-user=$files" workers=1 guard-inner=false)
in_host ip addr add 203.0.113.200/24 dev o0
listener 8080
listener 8081
server_start "${config[@]}"
rules
negation
deaths
broken
isolation
