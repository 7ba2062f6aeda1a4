#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# roaming.sh - the client's outer address or port changes, or the client dies and comes back: it keeps its inner addresses and does
# not log in again; deny-roaming forbids it. The network is drawn in lib.sh; cl moves from 198.51.100.2 to .9, and for the
# rebinding a NAT stands between cl and o0.
. "$(dirname "$0")/lib.sh"

readonly new4=198.51.100.9

# move FROM TO: the client's machine is in another network now.
move() {
	ip -n "$cl" addr add "$2/24" dev o0
	ip -n "$cl" addr del "$1/24" dev o0
}

remote_is() { equal "$(user test "u['Remote IP']")" "$1"; }
reconnected() { more "$(oc_times "$1" reconnect)" $(($2 - 1)); }
dtls_times() { more "$(grep -c 'Established DTLS connection' "$T/$1/log")" $(($2 - 1)); }

# One login, whatever comes later. Ours counts; ocserv's log has a line each.
logins_are() {
	if is_ours; then
		stat_is auth_ok "$1"
	else
		equal "$(grep -c "auth complete for user 'test'" "$T/server.log")" "$1"
	fi
}

# same NAME IP4 IP6
same() {
	ok "$1: the same IPv4 address" equal "$(oc_ip4 "$1")" "$2"
	ok "$1: the same IPv6 address" equal "$(oc_ip6 "$1")" "$3"
}

both_ways() {
	ok "$1: ping to the host" wait_until 10 pings "$cl" $host4
	ok "$1: ping from the host, IPv6" wait_until 10 pings "$host" "$(oc_ip6 "$1")"
}

address_changes() {
	local ip4 ip6
	oc_connect roamer
	ip4=$(oc_ip4 roamer)
	ip6=$(oc_ip6 roamer)
	both_ways roamer
	move $cl4 $new4
	ok "roamer: reconnects from the new address" wait_until 40 reconnected roamer 1
	same roamer "$ip4" "$ip6"
	both_ways roamer
	ok "roamer: occtl shows the new address" remote_is $new4
	ok "roamer: DTLS is up again" wait_until 20 dtls_times roamer 2
	both_ways roamer
	ok "roamer: it is one session" users_are 1
	ok "roamer: one login" logins_are 1
	move $new4 $cl4
	ok "roamer: and back" wait_until 40 reconnected roamer 2
	same roamer "$ip4" "$ip6"
	both_ways roamer
	oc_stop roamer
	ok "the session is gone" wait_until 5 users_are 0
}

client_dies() {
	local ip4 ip6
	oc_cookie=webvpn=$(vpn login test "$password" | sed -n 's/^200 //p') # openconnect's own is bound to a key
	oc_connect killed --cookie="$oc_cookie"
	ip4=$(oc_ip4 killed)
	ip6=$(oc_ip6 killed)
	both_ways killed
	oc_kill killed
	ok "killed: the server notices" wait_until 10 users_are 0
	vpn vanish "$oc_cookie" >"$T/last"
	ok "killed: a connection that vanishes keeps the address" equal "$(cat "$T/last")" "200 $ip4"
	oc_connect reborn --cookie="$oc_cookie"
	same reborn "$ip4" "$ip6"
	both_ways reborn
	ok "reborn: no second login" logins_are 2
	oc_stop reborn
	ok "the session is gone" wait_until 5 users_are 0
}

# {{ deny-roaming }}

connects_from() { [[ $(vpn --from "$1" connect "$2") == "$3 "* ]]; }

denied() {
	local cookie
	ip -n "$cl" addr add $new4/24 dev o0
	cookie=$(vpn --from $cl4 login test "$password" | sed -n 's/^200 //p')
	ok "deny-roaming: another address: 401" connects_from $new4 "$cookie" 401
	ok "deny-roaming: the same address: 200" connects_from $cl4 "$cookie" 200
	cookie=$(vpn --from $new4 login test "$password" | sed -n 's/^200 //p')
	ok "deny-roaming: a login from the other address counts there" connects_from $new4 "$cookie" 200
	ip -n "$cl" addr del $new4/24 dev o0
	oc_connect denied
	move $cl4 $new4
	ok "deny-roaming: a client that moved is refused and ends" wait_until 60 not oc_is_alive denied
	ok "deny-roaming: it has no session" wait_until 30 users_are 0
	oc_connect anew
	both_ways anew
	oc_stop anew
	move $new4 $cl4
	ok "the session is gone" wait_until 5 users_are 0
}

# {{ rebinding }}

rebind() {
	nat "$1"
	ok "rebind to $1: ping to the host" wait_until 10 pings "$cl" $host4
	ok "rebind to $1: ping from the host" wait_until 5 pings "$host" "$(oc_ip4 nat)"
}

# What the server still sends to the old port is answered with "port unreachable", which must not disturb it.
rebinding() {
	local port
	nat $cl4:40000
	oc_connect nat
	both_ways nat
	# Enough ports that the kernel's choice of a socket falls on each of two workers.
	for port in 41001 42002 43003 44004 45005 46006; do
		rebind $cl4:$port
		ok "the server follows" stat_is dtls_rebinds $((++moves))
	done
	ok "one handshake for all" stat_is dtls_handshakes 1
	ok "never over TLS" stat_is dtls_fallbacks 0
	ok "the client never left DTLS" not has "$T/nat/log" 'DTLS Dead Peer Detection detected dead peer'
	ok "the client never reconnected" equal "$(oc_times nat reconnect)" 0
	oc_stop nat
	in_cl nft delete table ip nat
	ok "the session is gone" wait_until 5 users_are 0
}

moves=0
ip netns exec "$cl" sysctl -qw net.ipv4.conf.all.promote_secondaries=1 net.ipv4.conf.o0.promote_secondaries=1

server_start workers=2 dpd=3
address_changes
client_dies
nothing_died
server_stop

server_start workers=2 dpd=3 deny-roaming=true
denied
nothing_died
server_stop

is_ours || exit 0 # Debian's ocserv ends the session when it hears "port unreachable"
server_start workers=2 dpd=30
rebinding
nothing_died
server_stop
