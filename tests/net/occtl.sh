#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# occtl.sh - the administrator's view: sessions and their names, networks behind clients, events as they happen, the end of
# connections and cookies, what is counted; every answer in JSON by a strict parser, with the keys of ocserv. The network is drawn in
# lib.sh. SERVER=ocserv tries the keys on Debian's ocserv, whose JSON is not always JSON.
. "$(dirname "$0")/lib.sh"

files=$T/users
mkdir -p "$files" "$T/bin"
chmod 755 "$files"
# ocserv's firewall script wants these
for p in iptables ip6tables; do
	printf '#!/bin/sh\nexit 0\n' >"$T/bin/$p"
	chmod 755 "$T/bin/$p"
done
is_ours || PATH=$T/bin:$PATH

# keys FILE: the keys of the first object, sorted; a key twice or a comma too much is no JSON. ocserv's is repaired first.
keys() {
	/usr/bin/python3 - "$1" "$SERVER" <<-'END'
		import json, re, sys
		text = open(sys.argv[1]).read()
		if sys.argv[2] != "ours":
		    text = re.sub(r",(\s*[}\]])", r"\1", text)
		    text = re.sub(r'(\])(,\s*"IP":[^\n]*\n)', r"\1\n", text)
		def unique(pairs):
		    assert len(dict(pairs)) == len(pairs) or sys.argv[2] != "ours", pairs
		    return dict(pairs)
		d = json.loads(text, object_pairs_hook=unique)
		print("\n".join(sorted(d[0] if isinstance(d, list) else d)))
	END
}
# has_keys FILE KEYS: at least these, one a line
has_keys() {
	local missing
	keys "$1" >"$T/keys" || return 1
	missing=$(comm -23 <(sort <<<"$2") "$T/keys")
	[ -z "$missing" ] || { echo "missing: $missing"; return 1; }
}

# What ocserv 1.1.6 shows of one session whose options are all set (observed), without fields that depend on luck.
readonly user_keys='Average RX
Average TX
Connected at
DNS
DPD
DTLS cipher
Device
Full session
Groupname
Hostname
ID
IPv4
IPv6
KeepAlive
Limit RX
Local Device IP
Location
MTU
NBNS
No-routes
P-t-P IPv4
P-t-P IPv6
RX
Remote IP
Restricted to ports
Restricted to routes
Routes
Session
Split-DNS-Domains
State
TLS ciphersuite
TX
User-Agent
Username
_Connected at
_RX
_TX
iRoutes
vhost'
readonly session_keys='Created
Expires
Full session
Groupname
Location
Remote IP
Session
State
User-Agent
Username
in_use
session_is_open
tls_auth_ok
vhost'
readonly iroute_keys='Device
ID
IP
Username
iRoutes
vhost'
readonly status_keys='Active sessions
Authentication failures
Average auth time
Average session time
Closed due to error sessions
IPs in ban list
Last stats reset
Max auth time
Max session time
RX
Sec-mod PID
Sec-mod instance count
Server PID
Sessions handled
Status
TX
Timed out (idle) sessions
Timed out sessions
Total authentication failures
Total sessions
Up since
_Last stats reset
_Up since
raw_avg_auth_time
raw_avg_session_time
raw_last_stats_reset
raw_max_auth_time
raw_max_session_time
raw_rx
raw_tx
raw_up_since
uptime'

for_people() { in_gw "$BUILD_DIR/bin/occtl" -n -s "$T/occtl.socket" "$@" >"$T/people"; }
look() { in_occtl "$@" >"$T/answer"; }
sees() { look show session "$(session_of "$1")" && json "$2" <"$T/answer"; }
# session_of EXPRESSION: the name of the first session s that fits
session_of() { in_occtl show sessions all | repaired | json "[s['Session'] for s in d if $1][0]"; }
repaired() { if is_ours; then cat; else sed -z 's/,\(\s*[]}]\)/\1/g'; fi; }
sessions_n() { in_occtl show sessions "${1:-valid}" | json 'len(d)'; }
sessions_are() { equal "$(sessions_n)" "$1"; }

with_keys() {
	printf '%s\n' 'iroute = 192.168.77.0/24' 'iroute = fd99::/64' 'restrict-user-to-routes = true' \
		'restrict-user-to-ports = "tcp(443), udp(53), icmp()"' 'rx-data-per-sec = 40000' 'tx-data-per-sec = 50000' 'dns = 192.0.2.1' \
		'split-dns = a.test' 'no-route = 10.9.0.0/16' 'nbns = 192.0.2.9' >"$files/test"
	oc_connect a
	oc_cookie
	look show user test
	ok "show user: the keys of ocserv" has_keys "$T/answer" "$user_keys"
	look show session "$(session_of "s['in_use'] == 0")"
	ok "show session: the keys of ocserv" has_keys "$T/answer" "$session_keys"
	look show iroutes
	ok "show iroutes: the keys of ocserv" has_keys "$T/answer" "$iroute_keys"
	look show status
	ok "show status: the keys of ocserv" has_keys "$T/answer" "$status_keys"
}

# The options of the user, not of the server.
own_options() {
	ok "show user: the limits are his" equal "$(user test "u['Limit RX'] + ' ' + u['Limit TX']")" "40.0 KB/sec 50.0 KB/sec"
	ok "show user: name servers" equal "$(user test "u['DNS'] + u['NBNS']")" "['192.0.2.1', '192.0.2.9']"
	ok "show user: restrictions" equal "$(user test "[u['Restricted to routes']] + u['Restricted to ports']")" \
		"['True', 'tcp(443)', 'udp(53)', 'icmp()']"
	ok "show iroutes" equal "$(in_occtl show iroutes | json "d[0]['iRoutes']")" "['192.168.77.0/255.255.255.0', 'fd99::/64']"
	ok "show iroutes: the address of who has them" equal "$(in_occtl show iroutes | json "d[0]['IP']")" "$(oc_ip4 a)"
	for_people show iroutes
	ok "show iroutes for people" has "$T/people" 'fd99::/64'
}

names_of_sessions() {
	local full short value
	full=$(in_occtl show sessions valid | json "[s['Full session'] for s in d if not s['in_use']][0]")
	short=${full:0:6}
	ok "show sessions valid: both" sessions_are 2
	ok "show cookies all is the same" equal "$(in_occtl show cookies all | json 'len(d)')" 2
	ok "show session by its whole name" equal "$(in_occtl show session "$full" | json "d[0]['Username']")" test
	ok "show cookie by the short one" equal "$(in_occtl show cookie "$short" | json "d[0]['Full session']")" "$full"
	ok "its state" equal "$(in_occtl show cookie "$short" | json "d[0]['State']")" authenticated
	ok "no certificate was part of it" equal "$(in_occtl show cookie "$short" | json "d[0]['tls_auth_ok']")" 0
	ok "nobody is called so: exit 1" not in_occtl show session zzzzzzzz
	value=${oc_cookie#*webvpn=}
	look show sessions all
	ok "the cookie is not in the answer" not grep -F "${value%%;*}" "$T/answer"
	ok "nor can anybody enter with the name" not cookie_opens "$full"
	for_people show sessions all
	ok "show sessions for people" has "$T/people" "^ *$short "
}
cookie_opens() {
	rm -rf "$T/opens"
	in_cl timeout 20 "$OPENCONNECT" --non-inter --cafile "$T/ca.pem" --cookie="webvpn=${1#webvpn=}" --script-tun \
		--script "exec sleep 0" "$url4" </dev/null >"$T/opens" 2>&1 || true
	has "$T/opens" 'CSTP connected\|Connected as\|Configured as'
}

ends_of_sessions() {
	local name
	name=$(session_of "not s['in_use']")
	ok "terminate with too short a name: refused" not in_occtl terminate session "${name:0:3}"
	ok "terminate session" in_occtl terminate session "$name"
	ok "its cookie is dead" not cookie_opens "$oc_cookie"
	ok "the other is connected" users_are 1
	ok "terminate session again: exit 1" not in_occtl terminate session "$name"
	ok "terminate id" in_occtl terminate id "$(user test "u['ID']")"
	ok "its tunnel ends" wait_until 10 users_are 0
	ok "and its cookie" sessions_are 0
	ok "the client has ended" wait_until 10 not oc_is_alive a
	ok "terminate id again: exit 1" not in_occtl terminate id 1
	oc_cookie
	oc_connect b --no-dtls
	ok "terminate user" equal "$(in_occtl terminate user test | json "d['sessions']")" 2
	ok "no session of him is left" wait_until 10 sessions_are 0
	ok "his cookie is dead" not cookie_opens "$oc_cookie"
}

# With persistent-cookies disconnect ends the connection and terminate the cookie; without both do.
disconnect_or_terminate() {
	oc_connect d --no-dtls
	ok "disconnect without persistent-cookies" in_occtl disconnect user test
	ok "ends the cookie, too" wait_until 10 sessions_are 0
	server_stop
	server_start "${config[@]}" persistent-cookies=true
	oc_connect e --no-dtls
	ok "disconnect with persistent-cookies" in_occtl disconnect user test
	ok "ends the tunnel" wait_until 10 users_are 0
	ok "the cookie lives" sessions_are 1
	ok "disconnect of one who is not connected: exit 1" not in_occtl disconnect user test
	ok "terminate ends it" in_occtl terminate user test
	ok "the cookie is dead" sessions_are 0
}

# {{ events }}

watch() {
	# Bash lets what it starts in the background ignore Ctrl-C; python gives it back.
	spawn "$gw" "$1" /usr/bin/python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$BUILD_DIR/bin/occtl" "${@:2}" -s "$T/occtl.socket" show events
	watcher=$spawned
}
# events EXPRESSION: over the list d of what was seen
events() { sed 's/$/,/; 1s/^/[/; $s/,$/]/' "$T/events" | json "$1"; }
event_n_is() { equal "$(events "len([e for e in d if e['Event'] == '$1'])")" "$2"; }
watches() { at_least "$(in_gw ss -xH src "$T/occtl.socket" | grep -c ESTAB)" "$1"; }

live() {
	watch "$T/events" --json
	local json_watcher=$watcher id
	watch "$T/events.txt"
	wait_until 10 watches 2 >"$T/last" || fail "nobody watches"
	oc_connect v --no-dtls
	ok "events: a connect" wait_until 10 event_n_is connected 1
	id=$(user test "u['ID']")
	ok "with its number and user" equal "$(events "str(d[0]['ID']) + ' ' + d[0]['Username']")" "$id test"
	ok "ping" pings "$cl" $host4 -I "$(oc_value v TUNDEV)"
	oc_stop v
	ok "events: a disconnect" wait_until 10 event_n_is disconnected 1
	ok "with its reason" equal "$(events "d[-1]['Reason']")" user
	ok "and its bytes" more "$(events "d[-1]['RX']")" 200
	ok "of the same number" equal "$(events "d[-1]['ID']")" "$id"
	in_cl "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user nobody --passwd-on-stdin "$url4" <<<"wrong" \
		>"$T/last" 2>&1 || true
	ok "events: a failed login" wait_until 10 event_n_is 'login failed' 1
	ok "of whom and from where" equal "$(events "d[-1]['Username'] + ' ' + d[-1]['Remote IP']")" "nobody $cl4"
	ok "no password is in it" not grep -e wrong "$T/events"
	for file in "$T/events" "$T/events.txt"; do
		ok "$(basename "$file"): three lines" wait_until 5 has_lines "$file" 3
	done
	ok "for people" has "$T/events.txt" "connected: id $id user test from $cl4 vpn-ip 10\.77\."
	end "$watcher" INT 5 && status=0 || status=$?
	ok "Ctrl-C ends it with status 0" equal "$status" 0
	keeper_dies
	end "$json_watcher" INT 5 && status=0 || status=$?
	ok "Ctrl-C ends the other too" equal "$status" 0
}
has_lines() { equal "$(wc -l <"$1")" "$2"; }
keeper_pid() { in_occtl show status | json "[p['pid'] for p in d['Processes'] if p['name'] == 'keeper'][0]"; }
keeper_is_not() { [ "$(keeper_pid)" != "$1" ]; }
keeper_dies() {
	local pid
	pid=$(keeper_pid)
	kill -s KILL "$pid"
	ok "a new keeper comes" wait_until 10 keeper_is_not "$pid"
	ok "events: the gap is told" wait_until 5 event_n_is gap 1
	oc_connect w --no-dtls
	ok "and the stream goes on" wait_until 10 event_n_is connected 2
	oc_stop w
}

# One that does not read: it costs the others nothing, misses events and is told how many.
slow_reader() {
	watch "$T/slow" --json
	wait_until 10 watches 1 >"$T/last" || fail "nobody watches"
	kill -s STOP "$watcher"
	in_cl timeout 60 "$BUILD_DIR/bin/ocload" logins -s $gw4:443 --cafile "$T/ca.pem" --servername vpn.example.test -u test -p "$password" \
		-n 8 -d 4 --timeout 20 --json --quiet >"$T/ocload.json" 2>"$T/last" || fail "ocload"
	ok "with many events at a reader that has stopped the server answers" in_occtl show status
	kill -s CONT "$watcher"
	ok "it reads what was kept for it" wait_until 10 has "$T/slow" '"Event":"disconnected"'
	end "$watcher" INT 5 && status=0 || status=$?
	ok "and ends" equal "$status" 0
}

counted() {
	look show status
	ok "logins that succeeded are counted" more "$(json "d['Authentication']['Succeeded']" <"$T/answer")" 0
	ok "no back end was broken" equal "$(json "d['Authentication']['Broken methods']" <"$T/answer")" "{}"
	ok "the state of the store" equal "$(json "d['Store']['State']" <"$T/answer")" good
	ok "nothing is claimed that is not measured" not has "$T/answer" 'latency'
	server_stop
	printf '%s\n' "authserver 127.0.0.1:1812" "servers $T/servers" "dictionary /dev/null" "radius_timeout 1" "radius_retries 1" \
		>"$T/radius.conf"
	echo "127.0.0.1 secret" >"$T/servers"
	chmod 600 "$T/servers"
	server_start "${config[@]}" "auth=\"radius[config=$T/radius.conf]\""
	in_cl timeout 30 "$OPENCONNECT" --authenticate --non-inter --cafile "$T/ca.pem" --user test --passwd-on-stdin "$url4" \
		<<<"x" >"$T/refused" 2>&1 || true
	look show status
	ok "a back end that is down is counted, by its name" equal "$(json "d['Authentication']['Broken methods']" <"$T/answer")" \
		"{'radius': 1}"
	ok "and not as a wrong password" equal "$(json "d['Authentication']['Failed']" <"$T/answer")" 0
}

every_answer_is_json() {
	local words
	for words in "show status" "show users" "show user nobody" "show id 77" "show sessions all" "show sessions valid" "show session zzzzzz" \
		"show cookies all" "show cookies valid" "show iroutes" "show stats" "help"; do
		# shellcheck disable=SC2086 # words
		in_occtl $words >"$T/answer" 2>"$T/last" || true
		ok "$words: JSON" strict "$T/answer"
	done
}
strict() {
	/usr/bin/python3 -c 'import json, sys
def unique(pairs):
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)
json.load(open(sys.argv[1]), object_pairs_hook=unique)' "$1"
}

config=(max-same-clients=0 cookie-timeout=100 config-per-user="$files")
add_user test
server_start "${config[@]}"
with_keys
if is_ours; then
	own_options
	names_of_sessions
	ends_of_sessions
	every_answer_is_json
	rm "$files/test"
	live
	slow_reader
	disconnect_or_terminate
	counted
fi
server_stop
