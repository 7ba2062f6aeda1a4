#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# users.sh - files of users and groups: what a client gets, what keeps it out, where it may send, how fast, and networks behind it.
# The network is drawn in lib.sh. SERVER=ocserv runs the parts that both have.
. "$(dirname "$0")/lib.sh"

files=$T/users groups=$T/groups
mkdir -p "$files" "$groups"
chmod 755 "$T" "$files" "$groups"

# A client whose log begins anew.
begin() {
	rm -f "$T/$1/log"
	oc_start "$@"
}
up() {
	rm -f "$T/$1/log"
	oc_connect "$@"
}
value_is() { equal "$(oc_value "$1" "$2")" "$3"; }
header_is() { has "$T/$1/log" "$2"; }
no_header() { not has "$T/$1/log" "$2"; }
log_has() { has "$T/server.log" "$1"; }
serves_port() { [ -n "$(in_host ss -lnt | grep ":$1 ")" ]; }

# Lists of group and user are joined and replace the server's; single values are the user's, else the group's.
merging() {
	printf '%s\n' 'route = 203.0.113.0/25' 'dns = 192.0.2.53' 'mtu = 1420' >"$groups/staff"
	printf '%s\n' '# of bob' 'route = 203.0.113.128/255.255.255.128' 'no-route = 203.0.113.200/32' 'dns = 192.0.2.54' 'mtu = 1400' \
		'split-dns = bob.test' >"$files/bob"
	oc_user=test up plain
	ok "no file: routes of the server" value_is plain CISCO_SPLIT_INC_0_ADDR 203.0.113.0
	ok "no file: all of them" value_is plain CISCO_SPLIT_INC_0_MASKLEN 24
	ok "no file: name server" value_is plain INTERNAL_IP4_DNS 192.0.2.1
	ok "no file: no route less" value_is plain CISCO_SPLIT_EXC 1
	oc_stop plain
	oc_user=carol up carol
	ok "group: routes" value_is carol CISCO_SPLIT_INC 1
	ok "group: its route" value_is carol CISCO_SPLIT_INC_0_MASKLEN 25
	ok "group: IPv6 routes are replaced too" value_is carol CISCO_IPV6_SPLIT_INC ""
	ok "group: name server" value_is carol INTERNAL_IP4_DNS 192.0.2.53
	ok "group: no-route of the server" value_is carol CISCO_SPLIT_EXC_0_ADDR 198.18.0.0
	ok "group: mtu" header_is carol 'X-CSTP-Base-MTU: 1420'
	oc_stop carol
	oc_user=bob up bob
	ok "user: routes of both" value_is bob CISCO_SPLIT_INC 2
	ok "user: name servers of both" value_is bob INTERNAL_IP4_DNS "192.0.2.53 192.0.2.54"
	ok "user: no-route" value_is bob CISCO_SPLIT_EXC_0_ADDR 203.0.113.200
	ok "user: one no-route" value_is bob CISCO_SPLIT_EXC 1
	ok "user: split-dns" value_is bob CISCO_SPLIT_DNS bob.test
	ok "user: mtu" header_is bob 'X-CSTP-Base-MTU: 1400'
	ok "user: ping" pings "$cl" $host4
	oc_stop bob
}

more_options() {
	printf '%s\n' 'no-udp = true' 'keepalive = 77' 'dpd = 33' 'idle-timeout = 123' 'session-timeout = 3600' 'hostname = given-name' \
		'banner = Hello Bob' 'tunnel-all-dns = true' 'nbns = 192.0.2.99' >"$files/bob"
	: >"$groups/staff"
	oc_user=bob up bob --no-dtls
	ok "no-udp" no_header bob 'X-DTLS-App-ID'
	ok "keepalive" header_is bob 'X-CSTP-Keepalive: 77'
	ok "dpd" header_is bob 'X-CSTP-DPD: 33'
	ok "idle-timeout" header_is bob 'X-CSTP-Idle-Timeout: 123'
	ok "session-timeout" header_is bob 'X-CSTP-Session-Timeout: 3600'
	ok "hostname" header_is bob 'X-CSTP-Hostname: given-name'
	ok "banner" header_is bob 'X-CSTP-Banner: Hello Bob'
	ok "tunnel-all-dns" header_is bob 'X-CSTP-Tunnel-All-DNS: true'
	ok "nbns" header_is bob 'X-CSTP-NBNS: 192.0.2.99'
	oc_stop bob
}

timeouts() {
	echo 'session-timeout = 10' >"$files/bob"
	oc_user=bob up bob --no-dtls
	ok "session-timeout ends it" wait_until 25 users_are 0
	ok "and not for the idle" log_has 'session.close .*user="bob".*cause=session-timeout'
	oc_kill bob
	echo 'idle-timeout = 8' >"$files/bob"
	oc_user=bob up bob --no-dtls
	ok "idle-timeout ends it" wait_until 25 log_has 'session.close .*user="bob".*cause=idle-timeout'
	oc_kill bob
}

# An address of the server's pool, one of a pool of the user's own, and one of no pool.
addresses() {
	printf '%s\n' 'explicit-ipv4 = 10.77.0.99' 'explicit-ipv6 = fd77::99' >"$files/bob"
	oc_user=bob up bob
	ok "explicit: IPv4" equal "$(oc_ip4 bob)" 10.77.0.99
	ok "explicit: IPv6" equal "$(oc_ip6 bob | sed 's#/.*##')" fd77::99
	ok "explicit: ping" pings "$cl" $host4
	oc_user=bob begin again --no-dtls
	ok "explicit: while one has it no other gets in" wait_until 20 not oc_is_alive again
	ok "explicit: the log says why" log_has "the user's own IPv4 address is taken"
	oc_stop bob
	oc_user=bob up again --no-dtls
	ok "explicit: free again" equal "$(oc_ip4 again)" 10.77.0.99
	oc_stop again
	echo 'ipv4-network = 10.77.128.0/24' >"$files/bob"
	oc_user=bob up pool
	ok "own pool" has "$T/pool/up" '^INTERNAL_IP4_ADDRESS=10\.77\.128\.'
	ok "own pool: ping" wait_until 5 pings "$cl" $host4 -c 1
	oc_stop pool
	ok "own pool: its route is gone" wait_until 5 no_route_to 10.77.128
	echo 'explicit-ipv4 = 10.77.200.7' >"$files/bob"
	oc_user=bob up outside
	ok "outside of all pools" equal "$(oc_ip4 outside)" 10.77.200.7
	ok "outside of all pools: ping" wait_until 5 pings "$cl" $host4 -c 1
	oc_stop outside
}
no_route_to() { [ -z "$(ip -n "$gw" route | grep "^${1//./\\.}")" ]; }

# Whoever has a wrong file stays out, and the log says where to look.
wrong_files() {
	printf '%s\n' 'mtu = 1300' 'route = somewhere' >"$files/bob"
	oc_user=bob begin bob --no-dtls
	ok "wrong file: no entry" wait_until 20 not oc_is_alive bob
	ok "wrong file: file and line" log_has "$files/bob:2: error: route = somewhere"
	printf 'tcp-port = 1\n' >"$files/bob"
	oc_user=bob begin bob --no-dtls
	ok "wrong place: no entry" wait_until 20 not oc_is_alive bob
	ok "wrong place: said" log_has "$files/bob:1: error: tcp-port = 1: wrong place"
	rm "$files/bob"
	ln -s "$groups/staff" "$files/bob"
	oc_user=bob begin bob --no-dtls
	ok "a link: no entry" wait_until 20 not oc_is_alive bob
	ok "a link: said" log_has "$files/bob: a symbolic link"
	rm "$files/bob"
	head -c 60000 /dev/zero | tr '\0' '#' >"$files/bob"
	oc_user=bob begin bob --no-dtls
	ok "too long: no entry" wait_until 20 not oc_is_alive bob
	ok "too long: said" log_has "$files/bob: the files of a user and his group have more"
	echo 'mtu = 1300' >"$files/bob"
	oc_user=bob up bob --no-dtls
	ok "mended: no reload is needed" header_is bob 'X-CSTP-Base-MTU: 1300'
	ok "mended: too narrow for IPv6" no_header bob 'X-CSTP-Address-IP6'
	oc_stop bob
	oc_user=.hidden begin hidden --no-dtls
	ok "a name that is no file: no entry" wait_until 20 not oc_is_alive hidden
	ok "a name that is no file: said" log_has 'the name of the user cannot be that of a file'
	ok "nobody else minds" users_are 0
}

defaults() {
	echo 'mtu = 1250' >"$T/default-user"
	echo 'dns = 192.0.2.77' >"$T/default-group"
	rm -f "$groups/staff" "$files/bob"
	oc_user=bob up bob --no-dtls
	ok "default-user-config" header_is bob 'X-CSTP-Base-MTU: 1250'
	ok "default-group-config" header_is bob 'X-CSTP-DNS: 192.0.2.77'
	oc_stop bob
	echo 'keepalive = 55' >"$files/bob"
	oc_user=bob up bob --no-dtls
	ok "own file instead of the default" header_is bob 'X-CSTP-Base-MTU: 1500'
	oc_stop bob
}

tcp_reaches() { in_cl timeout 3 python3 -c "import socket; socket.create_connection(('$1', $2), 2)"; }

# Where a client may send, whatever its own routes are.
restrictions() {
	in_host ip addr add 203.0.113.201/24 dev o0
	spawn "$host" "$T/web" python3 -m http.server 8080 --bind 0.0.0.0
	spawn "$host" "$T/web2" python3 -m http.server 8081 --bind 0.0.0.0
	ok "servers of the host" wait_until 10 serves_port 8081
	printf '%s\n' 'route = 203.0.113.0/24' 'no-route = 203.0.113.201/32' 'restrict-user-to-routes = true' \
		'restrict-user-to-ports = "tcp(8080), icmp()"' >"$files/bob"
	oc_user=bob up bob
	in_cl ip route replace 198.51.100.77/32 dev "$(oc_value bob TUNDEV)"
	ok "restricted: a port that is permitted" tcp_reaches $host4 8080
	ok "restricted: ping" pings "$cl" $host4
	ok "restricted: another port" not tcp_reaches $host4 8081
	ok "restricted: what is outside of the routes" not pings "$cl" 203.0.113.201 -c 1 -I "$(oc_value bob TUNDEV)"
	ok "restricted: counted" stat_above rx_restricted 2
	oc_stop bob
	printf '%s\n' 'restrict-user-to-ports = "!(tcp(8080))"' >"$files/bob"
	oc_user=bob up bob --no-dtls
	ok "negation: the port" not tcp_reaches $host4 8080
	ok "negation: another" tcp_reaches $host4 8081
	oc_stop bob
	rm "$files/bob"
	oc_user=bob up bob --no-dtls
	ok "no restriction: both" tcp_reaches $host4 8080
	ok "no restriction: both" tcp_reaches $host4 8081
	oc_stop bob
}

# iperf DIRECTION-OPTION...: bytes a second of TCP that got through.
throughput() {
	in_cl iperf3 -c $host4 -t 6 -O 1 --json "$@" 2>>"$T/iperf.err" | json "int(d['end']['sum_received']['bits_per_second'] / 8)"
}
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "$1 is not in $2..$3"; return 1; }; }

rates() {
	spawn "$host" "$T/iperf" iperf3 -s
	printf '%s\n' 'rx-data-per-sec = 500000' 'tx-data-per-sec = 1000000' >"$files/bob"
	oc_user=bob up bob
	ok "rates: up" between "$(throughput)" 200000 600000
	ok "rates: what came too fast is counted" stat_above rx_limited 0
	ok "rates: down" between "$(throughput -R)" 400000 1200000
	ok "rates: what would have gone too fast is counted" stat_above tx_limited 0
	oc_stop bob
	rm "$files/bob"
}

# A network behind the client: the gateway routes it there, and the client may send from it.
networks_behind() {
	printf '%s\n' 'iroute = 10.88.0.0/24' 'iroute = fd88::/64' >"$files/bob"
	oc_user=bob up bob
	ok "iroute: the route is made" wait_until 5 has_route 10.88.0.0/24
	ok "iroute: IPv6 as well" has_route6 fd88::/64
	in_cl ip addr add 10.88.0.1/32 dev lo
	in_cl ip rule add from 10.88.0.1 lookup $((1000 + $(in_cl cat "/sys/class/net/$(oc_value bob TUNDEV)/ifindex")))
	in_host ip route add 10.88.0.0/24 via 203.0.113.1
	ok "iroute: from the host to the network" pings "$host" 10.88.0.1
	ok "iroute: from the network to the host" pings "$cl" $host4 -I 10.88.0.1
	oc_user=carol up carol
	ok "expose-iroutes: another client is told" header_is carol 'X-CSTP-Split-Include: 10.88.0.0/255.255.255.0'
	ok "iroute: not to the client itself" no_header bob 'X-CSTP-Split-Include: 10.88.0.0'
	oc_stop carol
	oc_stop bob
	ok "iroute: the route is gone" wait_until 5 not has_route 10.88.0.0/24
	rm "$files/bob"
}
has_route() { [ -n "$(ip -n "$gw" route | grep "^$1 dev vpns")" ]; }
has_route6() { [ -n "$(ip -n "$gw" -6 route | grep "^$1 dev vpns")" ]; }

# A new keeper knows what its predecessor had been told.
new_keeper() {
	local pid
	printf '%s\n' 'max-same-clients = 1' 'iroute = 10.88.0.0/24' >"$files/bob"
	oc_user=bob up bob
	pid=$(in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == 'keeper'][0]")
	kill -KILL "$pid"
	ok "new keeper: it serves" wait_until 20 users_are 1
	oc_user=bob begin second --no-dtls
	ok "new keeper: the limit still holds" wait_until 30 not oc_is_alive second
	ok "new keeper: ping" pings "$cl" $host4
	oc_stop bob
	ok "new keeper: the route goes with the client" wait_until 10 not has_route 10.88.0.0/24
}

add_user bob -g staff
add_user carol -g staff
add_user .hidden
server_start "config-per-user=$files" "config-per-group=$groups" +dns=192.0.2.1 +no-route=198.18.0.0/15 \
	$(is_ours && echo workers=2 expose-iroutes=true default-user-config="$T/default-user" default-group-config="$T/default-group")
: >"$T/default-user"
: >"$T/default-group"
merging
if is_ours; then
	more_options
	timeouts
	addresses
	wrong_files
	defaults
	: >"$T/default-user"
	: >"$T/default-group"
	restrictions
	rates
	networks_behind
	nothing_died
	new_keeper
fi
server_stop
