#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# survive.sh - state-dir: the keeper is killed, a disconnected client's cookie is still good; the whole server is killed or stopped and
# started again, and clients come back with their cookie to their address, without a login. Then both at random moments while ocload
# logs in: no address is given twice, no number of a connection twice, each connection has its record of accounting, and the sums
# are what the clients count. The network is drawn in lib.sh.
. "$(dirname "$0")/lib.sh"
state_stays=1
. "$(dirname "$0")/lib_many.sh"
need sqlite3
is_ours || skip "ocserv keeps nothing"

logins() { cat "$T"/server*.log | grep -c 'login\.ok' || true; }
address() { user "$1" "u['IPv4'] + ' ' + u['IPv6']"; }
store() { in_occtl show status | json "d['Store']['$1']"; }
all_addresses() { users "'\n'.join(sorted(u['IPv4'] for u in d))"; }
# db SQL: the keeper has the database for itself, so a copy is read; the log with what is new belongs to it.
db() {
	rm -rf "$T/copy"
	mkdir "$T/copy"
	cp "$T/state/state.db" "$T/state/state.db-wal" "$T/copy/"
	sqlite3 "$T/copy/state.db" "$1"
}
db_is() { equal "$(db "$1")" "$2"; }

keeper_is_new() { is_ready keeper && not equal "$(pid_of keeper)" "$1"; }
kill_keeper() {
	local pid
	pid=$(pid_of keeper)
	kill -s KILL "$pid"
	wait_until 10 keeper_is_new "$pid" >"$T/last" || fail "no new keeper"
}
kill_server() {
	kill -s KILL "$server_pid"
	wait "$server_pid" 2>/dev/null || true
	wait_until 5 gw_is_empty >"$T/last" || fail "its children live on"
	rm -f "$T/occtl.socket"
}
again() { server_start "${config[@]}"; }

# Who have a cookie and no connection when it happens; each is used once, because a client that says goodbye ends its own.
some_cookies() {
	local i
	unused=()
	for i in 1 2 3; do
		oc_cookie
		unused+=("$oc_cookie")
	done
	cookie=$oc_cookie
}
works() {
	ok "$1" vpn_opens "${unused[0]}"
	unused=("${unused[@]:1}")
}
# In words of HTTP: openconnect takes a refused cookie for a reason to stop, and says so.
vpn_opens() {
	in_cl timeout 20 "$OPENCONNECT" --non-inter --cafile "$T/ca.pem" --cookie="$1" --script-tun --script "exec sleep 0" \
		"$url4" </dev/null >"$T/opens" 2>&1 || true
	has "$T/opens" 'CSTP connected\|Connected as\|Configured as'
}
back_up() { at_least "$(oc_times "$1" reconnect)" "$2" && users_are "$3"; }

secrets_are_not_in_it() {
	local file text
	text=$(sed -n 's/.*webvpn=\([^;]*\).*/\1/p' <<<"$cookie")
	for file in "$T/state/"*; do
		not grep -q -a -F -e "$password" "$file" || { echo "a password in $file"; return 1; }
		not grep -q -a -F -e "$text" "$file" || { echo "a cookie in $file"; return 1; }
	done
	# nor as bytes, or in another spelling
	/usr/bin/python3 - "$text" "$T/state"/* <<-'END'
		import base64, binascii, sys
		text = sys.argv[1]
		raws = [text.encode()]
		for decode in (bytes.fromhex, lambda t: base64.b64decode(t + "=" * (-len(t) % 4)),
		               lambda t: base64.urlsafe_b64decode(t + "=" * (-len(t) % 4))):
		    try:
		        raws.append(decode(text))
		    except (ValueError, binascii.Error):
		        pass
		assert any(len(r) == 32 for r in raws), f"what spelling is {text!r}?"
		for path in sys.argv[2:]:
		    data = open(path, "rb").read()
		    assert not any(r in data for r in raws), path
	END
}

connect_both() {
	oc_connect a --cookie="$cookie_a"
	oc_connect b --cookie="$cookie_b" --no-dtls
}

one_by_one() {
	local before_a before_b n
	server_start "${config[@]}"
	ok "the store is good" equal "$(store State)" good
	ok "the folder is the keeper's alone" equal "$(command stat -c '%a %u' "$T/state")" "700 $(command stat -c %u "/proc/$(pid_of keeper)")"
	oc_user=test mc_cookies 1
	cookie_a=webvpn=${cookies[0]#webvpn=}
	oc_user=other mc_cookies 1
	cookie_b=webvpn=${cookies[0]#webvpn=}
	connect_both
	oc_user=third some_cookies
	before_a=$(address test) before_b=$(address other)
	n=$(logins)
	ok "no secret is in its files" secrets_are_not_in_it

	kill_keeper
	works "the keeper is killed: a cookie without connection is good"
	ok "the two others have not noticed" users_are 2
	ok "their addresses are the same" equal "$(address test), $(address other)" "$before_a, $before_b"

	kill_server
	again
	ok "the server is killed: a comes back" wait_until 30 back_up a 1 2
	ok "and b" wait_until 30 back_up b 1 2
	ok "to their addresses" equal "$(address test), $(address other)" "$before_a, $before_b"
	works "and the cookie is good"
	ok "both have traffic" pings "$cl" "$host4" -I "$(oc_value a TUNDEV)"

	server_stop_hard
	again
	ok "the server is stopped and started: a comes back" wait_until 30 back_up a 2 2
	ok "and b" wait_until 30 back_up b 2 2
	ok "to their addresses again" equal "$(address test), $(address other)" "$before_a, $before_b"
	works "and the cookie is good"
	ok "nobody had to log in" equal "$(logins)" "$n"
	ok "the second end of both was told by their workers" db_is "SELECT count(*) FROM accounting WHERE cause='lost'" 2
}
server_stop_hard() {
	end "$server_pid" TERM 20 || fail "the server does not end by SIGTERM"
	not grep -n 'did not stop in time' "$T/server.log" >"$T/last" || fail "a process of it had to be killed"
}

# A client says goodbye while there is no keeper: its cookie is dead afterwards, and its accounting complete.
goodbye_without_keeper() {
	local pid rx
	pid=$(pid_of keeper)
	ok "b has traffic" pings "$cl" "$host4" -I "$(oc_value b TUNDEV)"
	kill -s STOP "$server_pid" # the supervisor: nobody starts another
	kill -s KILL "$pid"
	oc_stop b
	kill -s CONT "$server_pid"
	wait_until 10 keeper_is_new "$pid" >"$T/last" || fail "no new keeper"
	ok "b said goodbye while there was no keeper: it is gone" wait_until 5 users_are 1
	rx=$(db "SELECT rx_bytes FROM accounting WHERE username='other' ORDER BY sid DESC LIMIT 1")
	ok "its accounting tells the bytes: $rx" more "$rx" 200
	ok "and why" db_is "SELECT cause FROM accounting WHERE username='other' ORDER BY sid DESC LIMIT 1" user
}

damaged() {
	server_stop_hard
	head -c 5000 /dev/urandom >"$T/state/state.db"
	again
	ok "a damaged database: the server serves" equal "$(store State)" good
	ok "the log tells it" has "$T/server.log" 'store.damaged'
	ok "the damaged one is kept" has <(ls "$T/state") 'state.db.damaged-[0-9]'
	ok "a has to log in again" wait_until 30 not oc_is_alive a
	server_stop_hard
	rm -f "$T"/state/*damaged*
}

no_folder() {
	rm -rf "$T/state"
	touch "$T/state"
	again
	ok "no folder can be made: the server serves from memory" equal "$(store State)" memory
	ok "the log tells it, with the cure" has "$T/server.log" 'state.unusable .*cure='
	oc_cookie
	server_stop_hard
	rm "$T/state"
	mkdir "$T/state"
	again
	ok "a folder of another user is left alone" equal "$(store State) $(command stat -c %u "$T/state")" "memory 0"
	server_stop_hard
	rm -rf "$T/state"
}

# {{ at random moments }}

load() {
	spawn "$cl" "$T/ocload.json" "$BUILD_DIR/bin/ocload" logins -s $gw4:443 --cafile "$T/ca.pem" --servername vpn.example.test \
		-u test -p "$password" -n 8 -d "$1" --timeout 5 --json --quiet
	load_pid=$spawned
}
none_twice() { equal "$(all_addresses | uniq -d)" ""; }
at_random() {
	local i n=4 end
	add_user steady
	again
	oc_user=steady oc_connect s1 --no-dtls
	oc_user=steady oc_connect s2 --no-dtls
	before=$(users "'\n'.join(sorted(u['IPv4'] for u in d if u['Username'] == 'steady'))")
	load 40
	end=$((SECONDS + 38))
	ok "ocload logs in" wait_until 10 log_in_begins
	for ((i = 1; i <= n; i++)); do
		sleep "0.$((RANDOM % 900 + 100))"
		if ((i % 2)); then kill_keeper; else kill_server; again; fi
		ok "death $i: no address twice" none_twice
		wait_until 20 steady_are_back >"$T/last" || fail "the two are not back"
		ok "death $i: the two others are at their addresses" steady_are_back
	done
	[ "$SECONDS" -ge "$end" ] || end "$load_pid" INT 10 || true
	wait_until 20 users_are 2 >"$T/last" || true
	server_stop_hard
	ok "each connection has one record with an end" db_is "SELECT count(*) FROM accounting WHERE ended_at = 0" 0
	ok "and there are many: $(db 'SELECT count(*) FROM accounting')" more "$(db 'SELECT count(*) FROM accounting')" 20
	ok "no record ends before it begins" db_is "SELECT count(*) FROM accounting WHERE ended_at < connected_at" 0
	ok "each tunnel in the log has its record" each_has_its_record
	ok "none of them was of a number used before" equal "$(opened_sids | sort | uniq -d)" ""
	ok "the sums of bytes are those of the log" equal "$(db "SELECT coalesce(sum(rx_bytes), 0) FROM accounting")" "$(logged rx)"
}
log_in_begins() { at_least "$(grep -c 'login\.ok' "$T/server.log")" 10; }
steady_are_back() { equal "$(users "'\n'.join(sorted(u['IPv4'] for u in d if u['Username'] == 'steady'))")" "$before"; }
# of the logs since no_folder
opened_sids() { cat $(logs) | sed -n 's/.*session\.open sid=\([0-9]*\) .*/\1/p'; }
logs() { find "$T" -name 'server*.log' -newer "$T/begin"; }
logged() { cat $(logs) | sed -n "s/.*session\.close sid=.* $1=\([0-9]*\) .*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
each_has_its_record() {
	local missing
	missing=$(comm -23 <(opened_sids | sort) <(db "SELECT sid FROM accounting" | sort) | wc -l)
	# the end of everything within milliseconds of a connection may come before its record
	at_most "$missing" 2
}

config=(workers=2 cookie-timeout=120)
add_user other
add_user third
one_by_one
goodbye_without_keeper
damaged
no_folder
touch "$T/begin"
at_random
