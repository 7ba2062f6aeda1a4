#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# chaos.sh - kill -9 of the keeper and of the whole server at random moments while clients log in a thousand times and transfer: no
# cookie is lost, no address given twice, no tunnel cut by the death of a keeper, and the accounting has the bytes that the clients
# count (chaos.py, chaos_sums.py). SEED=N repeats the moments. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "ocserv keeps nothing"
need sqlite3
state_stays=1

seed=${SEED:-$((($(date +%s%N) / 1000) % 1000000000))}
echo "SEED=$seed"
RANDOM=$((seed % 32768))
readonly clients=24 logins=${LOGINS:-1000} seconds=$((40 * slow))
now_ms() { /usr/bin/python3 -c 'import time; print(time.monotonic_ns() // 10**6)'; }

make_users() {
	local i hash
	hash=$(openssl passwd -5 -salt chaos "$password")
	for ((i = 0; i < clients; i++)); do
		printf 'c%02d:*:%s\n' "$i" "$hash"
	done >>"$T/ocpasswd"
}

keeper_pid() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == 'keeper'][0]"; }
kill_keeper() {
	local pid
	pid=$(keeper_pid 2>/dev/null) || return 0 # it was killed just before
	[ "$pid" -gt 1 ] || return 0
	echo "$(now_ms) keeper" >>"$T/kills"
	kill -s KILL "$pid" 2>/dev/null || true
}
kill_server() {
	echo "$(now_ms) server" >>"$T/kills"
	kill -s KILL "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	wait_until 5 gw_is_empty >"$T/last" || fail "its children live on"
	rm -f "$T/occtl.socket"
	server_start "${config[@]}"
	# what has begun while it started belongs to that death
	echo "$(now_ms) again" >>"$T/kills"
}
has_enough() { grep -q enough "$T/chaos.txt"; }
kill_at_random() {
	local n=0
	until has_enough; do
		sleep "0.$((RANDOM % 800 + 100))"
		n=$((n + 1))
		if ((RANDOM % 3 == 0)); then kill_server; else kill_keeper; fi
		is_alive "$client_pid" || fail "the clients have ended: $(tail -n 5 "$T/chaos.txt")"
		[ "$n" -lt 200 ] || break
	done
}

# A copy: the keeper has the database for itself.
accounting() {
	sqlite3 -separator '|' "$T/state/state.db" "SELECT username, sid, cause, rx_bytes, tx_bytes FROM accounting ORDER BY sid"
}

make_users
readonly config=(workers=2 max-same-clients=0 max-clients=0 max-ban-score=0 ipv4-network=10.77.0.0/16 cookie-timeout=300)
: >"$T/kills"
server_start "${config[@]}"
mkfifo "$T/go"
exec 7<>"$T/go"
spawn_input=$T/go
spawn "$cl" "$T/chaos.txt" /usr/bin/python3 "$here/chaos.py" --ca "$T/ca.pem" --password "$password" --clients $clients --logins "$logins" \
	--seconds "$seconds" --seed "$seed" --out "$T/clients.json"
client_pid=$spawned
spawn_input=/dev/null
kill_at_random
echo "go on" >&7
ok "the clients end" wait_until 60 not is_alive "$client_pid"
ok "without an error" wait "$client_pid"
server_stop
accounting >"$T/accounting"
/usr/bin/python3 "$here/chaos_sums.py" "$T/clients.json" "$T/kills" "$T/accounting" >"$T/sums" || { cp "$T/sums" "$T/last"; fail "what the clients saw (SEED=$seed)"; }
head -n 1 "$T/sums"
ok "each cookie was good, no address was given twice, the sums are right" true
ok "there were enough logins" at_least "$(json "d['logins']" <"$T/clients.json")" $((logins / 2))
ok "and deaths of the keeper" has "$T/kills" keeper
ok "and of the server" has "$T/kills" server
ok "each record has an end" equal "$(sqlite3 "$T/state/state.db" "SELECT count(*) FROM accounting WHERE ended_at = 0")" 0
