#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# quota.sh - traffic-quota and expire-date: sessions end, clients are refused and told why, two sessions of one user share, and what was
# used survives the worker, the keeper and the whole server. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
is_ours || skip "ocserv has no quotas"
need sqlite3
state_stays=1

files=$T/users
mkdir -p "$files"
chmod 755 "$T" "$files"

log_has() { has "$T/server.log" "$1"; }
quota() { in_occtl show quotas | json "[$2 for q in d if q['Username'] == '$1'][0]"; }
used() { quota "$1" "q['Used']"; }
used_at_least() { at_least "$(used "$1")" "$2"; }
used_is() { equal "$(used "$1")" "$2"; }
used_above() { more "$(used "$1")" "$2"; }
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "$1 is not in $2..$3"; return 1; }; }
counted() { in_occtl show status | json "d['Quotas']['$1']"; }
pid_of() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'].startswith('$1')][0]"; }
new_pid() { not equal "$(pid_of "$1")" "$2"; }
# refusal USER: status and reason of a tunnel with a cookie that is fresh
refusal() {
	local cookie
	cookie=$(vpn login "$1" "$password" | sed -n 's/^200 //p')
	vpn connect "$cookie"
}
# Each load has a server of its own: one whose client vanished is busy for long.
port=5200
iperf_server() {
	port=$((port + 1))
	spawn "$host" "$T/iperf.server" iperf3 -s -1 -p $port
	wait_until 5 listens $port >"$T/last" || fail "no iperf3"
}
listens() { [ -n "$(in_host ss -Hlnt "sport = :$1")" ]; }
# load USER SECONDS: as fast as it goes, to the client
load() {
	iperf_server
	in_cl iperf3 -c $host4 -B "$(oc_ip4 "$1")" -p $port -R -t "$2" --json >"$T/iperf.$1" 2>&1
}
begin_load() {
	iperf_server
	spawn "$cl" "$T/iperf.$1" iperf3 -c $host4 -B "$(oc_ip4 "$1")" -p $port -R -t "$2"
}

expiry() {
	echo 'expire-date = 2020-02-29' >"$files/bob"
	ok "expired: refused, with the reason" equal "$(refusal bob)" "401 the account has expired (expire-date)"
	ok "expired: counted" equal "$(counted 'Refused by expiry')" 1
	ok "expired: the log says who and why" log_has 'session.refused .*user="bob".*why="the account has expired'
	echo "expire-date = $(date -u -d '+8 seconds' +%FT%TZ)" >"$files/bob"
	oc_user=bob oc_connect bob --no-dtls
	ok "expires soon: the log warns" log_has 'account.near_end user="bob" hours_left=0'
	ok "expires: the session ends" wait_until 20 log_has 'session.close .*user="bob".*cause=expired'
	ok "expires: the client is told" wait_until 5 has "$T/bob/log" 'the account has expired'
	ok "expires: counted" equal "$(counted 'Ended by expiry')" 1
	oc_kill bob
	echo 'expire-date = 2020-13-01' >"$files/bob"
	ok "no date: refused" has <(refusal bob) '^503'
	ok "no date: the log says what is expected" log_has "$files/bob:1: error: expire-date = 2020-13-01: there is no such day"
}

# At full rate: what was moved beyond is what goes through in some seconds.
full_rate() {
	local begin
	echo 'traffic-quota = 30M' >"$files/bob"
	oc_user=bob oc_connect bob
	begin=$SECONDS
	begin_load bob 60
	ok "used up: the session ends" wait_until 20 log_has 'session.close .*user="bob".*cause=quota'
	ok "used up: within seconds: $((SECONDS - begin))" at_most $((SECONDS - begin)) $((10 * slow))
	ok "used up: the log says it" log_has 'quota.used_up user="bob" used=[0-9]* most=30000000 period=total'
	ok "used up: it had warned" log_has 'quota.near_end user="bob"'
	ok "used up: the client is told" wait_until 5 has "$T/bob/log" 'the traffic quota of the account is used up'
	ok "used up: counted" wait_until 5 equal "$(counted 'Ended by quota')" 1
	ok "used up: refused, with the reason" equal "$(refusal bob)" "401 the traffic quota of the account is used up"
	ok "used up: the list" equal "$(quota bob "(q['Limit'], q['Left'], q['Period'], q['Until'], q['Sessions'])")" "(30000000, 0, 'total', '-', 0)"
	ok "used up: as much as was moved" more "$(used bob)" 29999999
	ok "occtl prints it" has <(in_gw "$BUILD_DIR/bin/occtl" -s "$T/occtl.socket" show quotas) '^ *bob .*30.0 MB'
	in_occtl reset quota bob >/dev/null
	ok "reset: it begins anew" equal "$(used bob)" 0
	ok "reset: of nobody fails" not in_occtl reset quota nobody
	oc_kill bob
}

# Two at 500 KB a second: together they get what one would.
two_sessions() {
	printf '%s\n' 'traffic-quota = 6M' 'traffic-quota-period = daily' 'tx-data-per-sec = 500000' >"$files/bob"
	oc_user=bob oc_connect one
	oc_user=bob oc_connect two --no-dtls
	begin_load one 60
	begin_load two 60
	ok "two: both end" wait_until 40 users_are 0
	ok "two: by the quota" equal "$(grep -c 'session.close .*user="bob".*cause=quota' "$T/server.log")" 3
	ok "two: not much more than it: $(used bob)" between "$(used bob)" 6000000 $((6000000 + 2500000 * slow))
	ok "two: refused until tomorrow" equal "$(refusal bob)" "401 the traffic quota of the account is used up for today"
	ok "two: the list says until when" equal "$(quota bob "q['raw_until']")" $(($(date -u +%s) / 86400 * 86400 + 86400))
	oc_kill one
	oc_kill two
}

# A day later, by what the store says.
next_day() {
	server_stop
	sqlite3 "$T/state/state.db" "UPDATE quota SET since = since - 86400"
	server_start "${config[@]}"
	ok "next day: nothing is used" equal "$(used bob)" 0
}

# What an open session has used is known after each death; a worker's costs what it had not told, ten seconds at most.
deaths() {
	local pid before moved
	echo 'traffic-quota = 1Gi' >"$files/bob"
	oc_user=bob oc_connect bob --no-dtls --reconnect-timeout 30
	load bob 2
	moved=$(json "int(d['end']['sum_received']['bytes'])" <"$T/iperf.bob")
	ok "deaths: told within ten seconds" wait_until 15 used_above bob "$moved"
	before=$(used bob)
	ok "deaths: not more than was moved: $moved, $before" at_most "$before" $((moved + moved / 5 + 100000))
	pid=$(pid_of keeper)
	kill -s KILL "$pid"
	wait_until 10 new_pid keeper "$pid" >"$T/last" || fail "no new keeper"
	ok "keeper killed: what was used is known" wait_until 10 used_at_least bob "$before"
	load bob 1
	ok "keeper killed: counting goes on" wait_until 15 used_above bob "$before"
	before=$(used bob)
	pid=$(pid_of worker)
	kill -s KILL "$pid"
	wait_until 10 new_pid worker "$pid" >"$T/last" || fail "no new worker"
	ok "worker killed: what was used is known" wait_until 10 used_at_least bob "$before"
	ok "worker killed: the client comes back" wait_until 30 users_are 1
	load bob 1
	oc_stop bob
	ok "goodbye: the rest is counted" wait_until 5 used_above bob "$before"
	before=$(used bob)
	kill -s KILL "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	wait_until 5 gw_is_empty >"$T/last" || fail "its children live on"
	rm -f "$T/occtl.socket"
	server_start "${config[@]}"
	ok "server killed: what was used is known" wait_until 10 used_is bob "$before"
}

add_user bob
config=("config-per-user=$files")
server_start "${config[@]}"
expiry
full_rate
two_sessions
nothing_died
next_day
deaths
server_stop
