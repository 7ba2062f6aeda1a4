#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# limits.sh - max-same-clients and max-clients under races: many at once, across reconnects, and while scripts are slow.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"

is_ours || skip "checks our own events"
ocload=$BUILD_DIR/bin/ocload
[ -x "$ocload" ] || skip "no $ocload; run: make build"

# crowd LOG N USER: N sessions that stay, on two threads.
crowd() {
	spawn "$cl" "$T/$1" "$ocload" idle -q -v --json -s $gw4 --servername localhost --cafile "$T/ca.pem" -u "$3" \
		--password-file "$T/password" --timeout $((90 * slow)) -d $((20 * slow)) -n "$2" -c "$2" -t 2 --tls
}
refused_n() { grep -c "session.refused .*$1" "$T/server.log" || true; }
refused_are() { equal "$(refused_n "$1")" "$2"; }
users_never_above() {
	local n
	n=$(users_n)
	[ "$n" -le "$1" ] || { echo "$n users" && exit 1; }
}

# A cheap hash: what is tested comes after it.
echo "test:*:$(openssl passwd -5 -salt salt "$password")" >"$T/ocpasswd"
echo "$password" >"$T/password"
printf '#!/bin/sh\nsleep 0.3\n' >"$T/slow"
chmod 755 "$T/slow"

server_start max-same-clients=2 workers=2
crowd a 100 test
a=$spawned
ok "100 at once: two are in" wait_until 90 users_are 2
ok "100 at once: 98 are refused" wait_until 90 refused_are max-same-clients 98
ok "100 at once: still two" users_are 2
ok "they end" wait_until 120 not is_alive "$a"
ok "nobody is in" wait_until 20 users_are 0

# Two sessions that come back at the same time as others try: each keeps its place or gives it up, never three.
one=$(vpn login test "$password" | sed -n 's/^200 //p')
two=$(vpn login test "$password" | sed -n 's/^200 //p')
crowd b 30 test
b=$spawned
for i in 1 2 3 4 5 6; do
	vpn vanish "$one" >"$T/one.$i" 2>&1 &
	pids+=($!)
	vpn vanish "$two" >"$T/two.$i" 2>&1 &
	pids+=($!)
	sleep 0.3
	ok "reconnects: never three" users_never_above 2
done
ok "reconnects: the others end" wait_until 120 not is_alive "$b"
ok "reconnects: nobody is in" wait_until 20 users_are 0
ok "reconnects: some got in" has "$T/one.1" '^200\|^401'
nothing_died
server_stop

# The connect-script takes its time: who waits for it has his place already.
server_start max-same-clients=2 workers=2 "connect-script=$T/slow" "disconnect-script=$T/slow"
crowd c 100 test
c=$spawned
ok "slow script: two are in" wait_until 90 users_are 2
ok "slow script: 98 are refused" wait_until 90 refused_are max-same-clients 98
ok "slow script: two were asked for" equal "$(grep -c 'script.done kind=connect' "$T/server.log")" 2
ok "slow script: they end" wait_until 120 not is_alive "$c"
ok "slow script: nobody is in" wait_until 20 users_are 0
nothing_died
server_stop

server_start max-clients=3 workers=2
crowd d 40 test
d=$spawned
ok "max-clients: three are in" wait_until 90 users_are 3
ok "max-clients: 37 are refused" wait_until 90 refused_are max-clients 37
ok "max-clients: they end" wait_until 120 not is_alive "$d"
nothing_died
server_stop
