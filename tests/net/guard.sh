#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# guard.sh - who knocks too often is shut out before TLS, nobody else is, and everyone comes back on time.
# The network is drawn in lib.sh; the client has more addresses here.
. "$(dirname "$0")/lib.sh"

is_ours || skip "our own limits and events"

readonly other4=198.51.100.3 away6=2001:db8:7::2
address "$cl" o0 $other4/24 198.51.100.4/24 198.51.100.5/24 2001:db8:1::7/64 $away6/64
address "$gw" o0 2001:db8:7::1/64

# A cheap hash: it is not the hash that is tested.
echo "test:*:$(openssl passwd -5 -salt salt "$password")" >"$T/ocpasswd"

# wrong ADDRESS N [TO]: N wrong passwords, three a connection.
wrong() {
	local n=$2
	while [ "$n" -gt 0 ]; do
		case $n in
		1) vpn --from "$1" --to "${3:-$gw4}" login test no ;;
		2) vpn --from "$1" --to "${3:-$gw4}" login test no no ;;
		*) vpn --from "$1" --to "${3:-$gw4}" login test no no no ;;
		esac >/dev/null 2>&1 || true
		n=$((n - 3))
	done
}
enters() { vpn --from "$1" --to "${2:-$gw4}" login test "$password" | grep -q '^200 .'; }
# shut ADDRESS [TO]: the connection ends without one byte of the server.
shut() {
	in_cl /usr/bin/python3 - "$1" "${2:-$gw4}" <<-'END'
		import socket, sys
		try:
		    s = socket.create_connection((sys.argv[2], 443), 10, source_address=(sys.argv[1], 0))
		    s.settimeout(3)
		    s.send(b"\x16\x03\x01")
		    got = s.recv(100)
		except ConnectionError:
		    got = b""
		except TimeoutError:
		    sys.exit("it stays open")
		sys.exit(f"got {got}" if got else 0)
	END
}
bans() { in_occtl show ip bans | json "$1"; }
banned() { equal "$(bans "sorted(b['IP'] for b in d)")" "$1"; }
points_of() { in_occtl show ip ban points | json "([b['Score'] for b in d if b['IP'] == '$1'] + [0])[0]"; }
guard() { in_occtl show guard | json "$1"; }

limits=(max-ban-score=50 ban-time=$((6 * slow)) ban-time-max=0 ban-points-connection=0)
server_start "${limits[@]}" workers=2
oc_connect a --no-dtls
wrong $cl4 4
ok "four wrong passwords are four times ten points" equal "$(points_of $cl4)" 40
ok "a login still works" enters $cl4
begun=$SECONDS
wrong $cl4 1
ok "the fifth is too many" wait_until 5 banned "['$cl4']"
ok "it is shut out before TLS" shut $cl4
ok "that is counted" stat_above guard_banned 0
ok "another address enters" enters $other4
ok "the tunnel of before goes on" pings "$cl" $host4
ok "the status knows" equal "$(in_occtl show status | json "d['IPs in ban list']")" 1
ok "the guard knows why" equal "$(guard "d['Bans by cause']['points']")" 1
oc_stop a
ok "it enters again" wait_until 20 enters $cl4
ok "but not before its time" at_least $((SECONDS - begun)) $((6 * slow - 1))
ok "the list is empty" banned '[]'

nothing_died
server_stop

limits=(max-ban-score=50 ban-time=$((90 * slow)))
server_start "${limits[@]}" workers=2
# What is no failure gives no points.
for i in 1 2 3 4 5 6; do vpn --from 198.51.100.4 login test "$password"; done >"$T/last"
ok "logins give no points" equal "$(points_of 198.51.100.4)" 0
for i in 1 2 3; do in_cl timeout 5 openssl s_client -bind 198.51.100.4 -connect $gw4:443 -brief </dev/null; done >"$T/last" 2>&1
ok "connections without one do" wait_until 5 eval '[ "$(points_of 198.51.100.4)" = 3 ]'

wrong $cl4 5
ok "banned again" wait_until 5 banned "['$cl4']"
ok "unban: at once" in_occtl unban ip $cl4
ok "unban: it enters" enters $cl4
ok "unban: only once" not in_occtl unban ip $cl4
ok "unban: a word is no address" not in_occtl unban ip nobody

wrong $cl6 5 $gw6
ok "IPv6: the /64 is banned" wait_until 5 banned "['2001:db8:1::/64']"
ok "IPv6: another address of it is shut out" shut 2001:db8:1::7 $gw6
ok "IPv6: another /64 enters" enters $away6 $gw6
ok "IPv6: IPv4 enters" enters $cl4

# Nobody gains anything by the death of a process.
wrong $other4 5
ok "two are banned" wait_until 5 banned "['$other4', '2001:db8:1::/64']"
pids=$(server_pids)
in_gw kill -9 "$(sed 's/.*keeper:\([0-9]*\).*/\1/' <<<"$pids")"
ok "keeper killed: still shut" shut $other4
ok "keeper killed: the new one knows" wait_until 20 banned "['$other4', '2001:db8:1::/64']"
ok "keeper killed: others enter" wait_until 20 enters $cl4
in_gw kill -9 "$(sed 's/.*worker0:\([0-9]*\).*/\1/' <<<"$pids")" "$(sed 's/.*worker1:\([0-9]*\).*/\1/' <<<"$pids")"
ok "workers killed: others enter" wait_until 20 enters $cl4
ok "workers killed: still shut" shut $other4

ok "block: a network" in_occtl block 198.51.100.4/30
ok "block: shut" shut 198.51.100.5
ok "block: for a time" in_occtl block $cl4 90s
ok "block: shut" shut $cl4
ok "block: unblocked" in_occtl unblock $cl4
ok "block: it enters" enters $cl4
ok "block: loopback cannot be" not in_occtl block 127.0.0.1
ok "block: all cannot be" not in_occtl block 0.0.0.0/0
ok "block: garbage is refused" not in_occtl block 198.51.100.999
ok "block: no such time" not in_occtl block 198.51.100.9 soon
server_stop

# rate-limit-ms is of the whole server: six at once take five gaps, and none is lost.
server_start rate-limit-ms=400 workers=2
begun=$(date +%s%N)
waiting=()
for i in 1 2 3 4 5 6; do
	enters 198.51.100.4 >"$T/rate.$i" 2>&1 &
	waiting+=($!)
done
for pid in "${waiting[@]}"; do
	ok "rate: a login waits and gets in" wait "$pid"
done
ok "rate: they came one by one" at_least $((($(date +%s%N) - begun) / 1000000)) 2000
nothing_died
server_stop
