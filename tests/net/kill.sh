#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# kill.sh - each process of the server dies while clients of two workers have traffic: a worker by SIGSEGV (clients of the other
# lose nothing, its own come back without a login), the keeper and control by SIGKILL, a worker again and again.
# The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_many.sh"

# The death itself is what we want, not a report of the sanitizer about it.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_segv=0

# Clients until each worker has at least three; every second one has DTLS.
connect_some() {
	local i n=12
	mc_cookies 40
	for ((i = 0; i < n; i++)); do
		if ((i % 2)); then mc_start "c$i" "${cookies[i]}" --no-dtls; else mc_start "c$i" "${cookies[i]}"; fi
		[ $i = $((n - 1)) ] || continue
		ok "$n clients are up" mc_wait $((n / 2))
		enough_on_each || [ "$n" -ge 40 ] || n=$((n + 4))
	done
	mapfile -t on0 < <(mc_of_worker 0)
	mapfile -t on1 < <(mc_of_worker 1)
	ok "worker 0 has ${#on0[@]} of them" at_least ${#on0[@]} 3
	ok "worker 1 has ${#on1[@]} of them" at_least ${#on1[@]} 3
}
enough_on_each() { [ "$(mc_of_worker 0 | wc -l)" -ge 3 ] && [ "$(mc_of_worker 1 | wc -l)" -ge 3 ]; }

addresses() { users "'\n'.join(sorted(u['IPv4'] + ' ' + u['IPv6'] for u in d))"; }
same_addresses() { equal "$(addresses)" "$before"; }
logins() { log_times 'login\.ok'; }

# begin_traffic: it flows at each client.
begin_traffic() {
	traffic_on
	ok "traffic flows at ${#mc_names[@]} clients" wait_until 10 replies_above 30 "${mc_names[@]}"
}

# since MS NAME...: each of them had a reply after this time.
since() {
	local ms=$1
	shift
	at_least "$(mc_min last_ms "$@")" "$ms"
}

# dtls_again NAME...: those that had DTLS made a new handshake after the last reconnect
dtls_again() {
	local name
	for name in "$@"; do
		[ "$(grep -c 'Established DTLS connection' "$T/$name/log")" != 1 ] || { echo "$name"; return 1; }
	done
}

worker_dies() {
	local pid logins killed
	before=$(addresses)
	logins=$(logins)
	begin_traffic
	pid=$(pid_of worker0)
	killed=$(now_ms)
	kill -s SEGV "$pid"
	ok "worker 0: all of its clients have traffic again" wait_until 20 since $((killed + 50)) "${on0[@]}"
	ok "those with DTLS have DTLS again" wait_until 20 dtls_again "${on0[@]}"
	ok "the log tells its death" has "$T/server.log" "child.died name=worker0 pid=$pid signal=11"
	ok "and its return" has "$T/server.log" 'child.back name=worker0 .*restarts=1'
	traffic_off
	mc_no_loss "worker 1" "${on1[@]}"
	ok "worker 0: the longest pause was $(mc_max gap_ms "${on0[@]}") ms, $(mc_sum lost "${on0[@]}") packets were lost" \
		at_most "$(mc_max gap_ms "${on0[@]}")" $((3000 * slow))
	ok "nobody had to log in again" equal "$(logins)" "$logins"
	ok "the sessions and their addresses are the same" wait_until 5 same_addresses
	ok "occtl counts the restart" equal "$(restarts_of worker0)" 1
}

keeper_dies() {
	local pid old
	before=$(addresses)
	begin_traffic
	pid=$(pid_of keeper)
	kill -s KILL "$pid"
	within 2000 "a new login works after the keeper's death" try_login
	ok "the log tells its death" has "$T/server.log" "child.died name=keeper pid=$pid signal=9"
	ok "occtl shows all sessions as before" wait_until 5 same_addresses
	traffic_off
	mc_no_loss "keeper's death"
	old=${#mc_names[@]}
	mc_cookies 3
	for i in 0 1 2; do
		mc_start "new$i" "${cookies[i]}"
	done
	ok "three new clients are up" wait_until 20 mc_ready "$old" 3
	ok "no address is given twice" equal "$(mc_ips | uniq -d)" ""
	ok "occtl shows them too" users_are $((old + 3))
	client_comes_back "${on1[0]}"
	ok "occtl disconnects a session of before" in_occtl disconnect id "$(id_of "${on1[1]}")"
	ok "its client ends" wait_until 5 not oc_is_alive "${on1[1]}"
	oc_stop "${on1[2]}"
	ok "another one says goodbye: two sessions less" wait_until 5 users_are $((old + 1))
	forget "${on1[1]}" "${on1[2]}"
}
try_login() {
	in_cl timeout 5 /usr/bin/python3 "$here/vpn.py" --ca "$T/ca.pem" login test "$password" | tee "$T/last" | grep -q '^200 .\{10\}'
}
# mc_ready OLD NEW: the new ones wait, the old ones are done
mc_ready() { equal "$(mc_in done) $(mc_in wait)" "$1 $2"; }
id_of() { users "[u['ID'] for u in d if u['IPv4'] == '$(tp "$1" ip)'][0]"; }
forget() {
	local name kept=()
	for name in "${mc_names[@]}"; do
		[[ " $* " == *" $name "* ]] || kept+=("$name")
	done
	mc_names=("${kept[@]}")
}

# openconnect reconnects at SIGUSR2, with its cookie.
client_comes_back() {
	local id
	id=$(id_of "$1")
	before=$(addresses)
	kill -s USR2 "$(oc_pid "$1")"
	ok "$1 reconnects with its cookie of before" wait_until 10 has_other_id "$1" "$id"
	ok "... to its address of before" same_addresses
}
has_other_id() {
	local id
	id=$(id_of "$1")
	not equal "$id" "$2"
}

control_dies() {
	local pid
	before=$(addresses)
	pid=$(pid_of control)
	kill -s KILL "$pid"
	within 2000 "occtl works after control's death" in_occtl show status
	ok "it is another process" not equal "$(pid_of control)" "$pid"
	ok "it shows all sessions" same_addresses
	ok "and all counters" more "$(stat rx_packets)" 0
}

back_is_logged() { at_least "$(log_times 'child.back name=worker0')" "$1"; }
# ms between death and return of worker 0, one line each
pauses() {
	/usr/bin/python3 - "$T/server.log" <<-'END'
		import datetime, re, sys
		died = None
		for line in open(sys.argv[1], errors="replace"):
		    found = re.match(r"(\S+)Z .*child\.(died|back) name=worker0 ", line)
		    if not found:
		        continue
		    when = datetime.datetime.fromisoformat(found[1])
		    if found[2] == "died":
		        died = when
		    else:
		        print(round((when - died).total_seconds() * 1000))
	END
}

worker_dies_often() {
	local i pid restarts ms
	before=$(addresses)
	restarts=$(log_times 'child.back name=worker0')
	for i in 1 2 3 4; do
		ok "worker 0 is there" wait_until 20 is_ready worker0
		pid=$(pid_of worker0)
		kill -s KILL "$pid"
		ok "death $i in a row" wait_until 5 has "$T/server.log" "child.died name=worker0 pid=$pid "
	done
	ok "a login works while worker 0 is away" try_login
	ok "it comes back" wait_until 20 back_is_logged $((restarts + 4))
	mapfile -t ms < <(pauses)
	ok "each time later: ${ms[*]} ms" more "${ms[-1]}" 1500
	ok "the first time at once" at_most "${ms[0]}" $((500 * slow))
	ok "the server is still the same" is_alive "$server_pid"
	ok "all sessions are there" wait_until 10 same_addresses
	begin_traffic
	traffic_off
}

server_start workers=2
connect_some
worker_dies
keeper_dies
control_dies
worker_dies_often
mc_stop_all
ok "all are gone" wait_until 5 users_are 0
server_stop
